//! A terminal with somebody at it, as `script` of util-linux opens one.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Runs the binary at a terminal of its own, types a line as soon as what is typed is hidden, and
/// returns all that then stood there, with the exit code. What asks for nothing ends by itself.
pub(crate) fn run(
    arguments: &[String],
    typed: &str,
    variables: &BTreeMap<String, String>,
) -> (String, u8) {
    let quoted = arguments.iter().map(|word| format!(" '{word}'"));
    let binary = env!("CARGO_BIN_EXE_keyward");
    let command = format!("tty && exec '{binary}'{}", quoted.collect::<String>());
    // A terminal shows what is typed, also where a program types.
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--echo=always", "--command"])
        .args([&command, "/dev/null"])
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("SHELL", "/bin/sh")
        .envs(variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = script.stdin.take().unwrap();
    let mut screen = BufReader::new(script.stdout.take().unwrap());
    let mut terminal = String::new();
    screen.read_line(&mut terminal).unwrap();
    // The prompt stands there a moment before the echo is off: only the terminal tells when it is.
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_hidden(terminal.trim()) && script.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "nothing is asked for");
    }
    // What has ended reads no more.
    let _ = writeln!(keys, "{typed}");
    let mut shown = String::new();
    screen.read_to_string(&mut shown).unwrap();
    let code = script.wait().unwrap().code().unwrap();
    (shown.replace('\r', ""), u8::try_from(code).unwrap())
}

/// Tells whether a terminal keeps to itself what is typed there.
fn is_hidden(terminal: &str) -> bool {
    let told = Command::new("stty").args(["-a", "-F", terminal]).output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    told.split_whitespace().any(|flag| flag == "-echo")
}
