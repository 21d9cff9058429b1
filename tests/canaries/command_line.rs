//! Secrets in arguments, in the environment, on standard input and in config files.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use super::scanner::Scanner;
use crate::support::{Chance, KEYWARD, Target, isolated};

/// Runs the program to its end and returns all that it said.
fn said(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _not_read = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "{command:?}");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap()
}

#[test]
fn no_secret_of_an_argument_comes_out_of_a_failure() {
    let target = Target::keyward();
    let home = tempfile::tempdir().unwrap();
    let (mut scanner, mut chance) = (Scanner::default(), Chance::new());
    let secret = scanner.secret("a secret on the command line", &mut chance);
    let token = scanner.secret("the token in the environment", &mut chance);
    let pair = format!("password={secret}");
    let json = format!("{{\"password\": \"{secret}\"");
    let bad_file = home.path().join("bad.json");
    fs::write(&bad_file, &json).unwrap();
    let from_file = format!("@{}", bad_file.display());
    let typed: &[&[&str]] = &[
        &["kv", "put", "secret/a", &pair],
        &["kv", "patch", "secret/a", &pair],
        &["kv", "put", "-cas=x", "secret/a", &pair],
        &["kv", "put", "secret/a", "-"],
        &["kv", "put", "secret/a", &from_file],
        &["write", "transit/encrypt/none", &pair],
        &["write", "nowhere/a", &pair],
        &["write", "secret/a"],
        &["patch", "secret/a", &pair],
        &["login", &secret],
        &["login", "-"],
        &["login", "-method=userpass", &pair],
        &["unwrap", &secret],
        &["token", "lookup", &secret],
        &["token", "renew", &secret],
        &["token", "create", &format!("-id={secret}"), "-ttl=x"],
        &["token", "create", &format!("-id={secret}")],
        &["operator", "unseal", &secret],
        &["operator", "rekey", &secret],
        &["operator", "generate-root", &secret],
        &[
            "operator",
            "generate-root",
            &format!("-decode={secret}"),
            &format!("-otp={secret}"),
        ],
        &[
            "server",
            "-dev",
            &format!("-dev-root-token-id={secret}"),
            "-dev-listen-address=x",
        ],
        &["status", "-address=http://127.0.0.1:1"],
    ];
    let mut tried = 0;
    for address in [&*target.address, "http://127.0.0.1:1", "nonsense://x"] {
        for arguments in typed {
            let mut command = isolated(Path::new(KEYWARD), home.path());
            command
                .args(*arguments)
                .env("KEYWARD_ADDR", address)
                .env("KEYWARD_TOKEN", &token);
            let text = said(&mut command, &json);
            let found = scanner.scan(text.as_bytes());
            assert!(
                found.is_empty(),
                "{found:?} came out of {arguments:?}:\n{text}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 60, "{tried}");
}

#[test]
fn no_secret_of_a_config_file_comes_out_of_a_failure() {
    let home = tempfile::tempdir().unwrap();
    let (mut scanner, mut chance) = (Scanner::default(), Chance::new());
    let secret = scanner.secret("a secret in a config file", &mut chance);
    for (name, text) in [
        (
            "an unknown setting",
            format!("storage \"sled\" {{ path = \"x\"\n password = \"{secret}\" }}"),
        ),
        (
            "an unknown block",
            format!("seal \"shamir\" {{ key = \"{secret}\" }}"),
        ),
        (
            "no end of a text",
            format!("storage \"sled\" {{ password = \"{secret}"),
        ),
        (
            "no quotes",
            format!("storage \"sled\" {{ password = {secret} }}"),
        ),
        (
            "a wrong kind",
            format!("listener \"tcp\" {{ address = \"127.0.0.1:0\" tls_disable = \"{secret}\" }}"),
        ),
        (
            "JSON cut short",
            format!("{{\"storage\": {{\"sled\": {{\"password\": \"{secret}\""),
        ),
        ("a JSON text", format!("\"{secret}\"")),
        ("an escape", format!("token = \"{secret}\\q\"")),
    ] {
        let file = home.path().join("config.hcl");
        fs::write(&file, &text).unwrap();
        let mut command = isolated(Path::new(KEYWARD), home.path());
        command
            .arg("server")
            .arg(format!("-config={}", file.display()));
        let text = said(&mut command, "");
        let found = scanner.scan(text.as_bytes());
        assert!(found.is_empty(), "{name}: {found:?} came out:\n{text}");
    }
}
