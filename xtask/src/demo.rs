//! `cargo xtask demo`: the main job, told step by step on real records.
//!
//! Everything is done as a user would do it: with the command line, then with the JavaScript
//! package. The server runs on afterwards.

mod cli;
mod records;
mod server;

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime;

use crate::command::{cargo, program, run};
use crate::http::Address;
use crate::needs::Need;
use crate::project::Project;
use crate::wasm;
use cli::Cli;
use records::{Batches, Records};
use server::Server;

/// Build everything, start a server and show the main job on real records.
#[derive(Args)]
pub(crate) struct Demo {
    /// Where the server is to listen.
    #[arg(long, default_value = "http://127.0.0.1:8200")]
    listen: Address,

    /// Stop the server that an earlier run left running, and do nothing else.
    #[arg(long)]
    stop: bool,
}

/// Where the demo mounts its transit engine, and its two keys there.
const MOUNT: &str = "demo";
const ENCRYPTION_KEY: &str = "records";
const SIGNING_KEY: &str = "manifest";

/// How many of the last audit lines are shown.
const AUDIT_LINES: usize = 3;

/// The longest part of a ciphertext or an audit line that fits a terminal.
const WIDTH: usize = 96;

impl Demo {
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let stopped = runtime.block_on(Server::stop_earlier(project))?;
        if self.stop {
            println!(
                "{}",
                if stopped {
                    "The server is stopped."
                } else {
                    "No server was running."
                }
            );
            return Ok(());
        }
        build(project)?;

        chapter("A server, on the embedded store, writing down every request");
        let server = runtime.block_on(Server::start(project, &self.listen))?;
        let story = Story {
            cli: server.cli(project),
            server: &server,
        };
        story.cli.show(&["status"])?;
        let file_path = format!("file_path={}", server.audit_file().display());
        story.cli.show(&["audit", "enable", "file", &file_path])?;

        let records = Records::read(&project.path("demo/records.csv"))?;
        story.create_keys()?;
        let sealed = story.encrypt(&records)?;
        let rewrapped = story.rotate_and_rewrap(&sealed)?;
        story.decrypt(&records, &rewrapped)?;
        story.sign(&records)?;
        story.call_from_javascript(project, &rewrapped)?;
        story.audit()?;
        story.server.say_how_to_go_on();
        Ok(())
    }
}

fn build(project: &Project) -> Result<()> {
    chapter("Build: the server and command line, then the client for JavaScript");
    for need in [Need::Compiler, Need::Wasm, Need::Npm("bindings/js")] {
        need.ensure(project)?;
    }
    run(cargo(&project.path("")).args(["build", "--release", "--quiet", "--bin", "keyward"]))?;
    wasm::build(project)?;
    run(program("npm", &project.path("bindings/js")).args(["run", "--silent", "build"]))
}

/// What the chapters share.
struct Story<'a> {
    cli: Cli,
    server: &'a Server,
}

impl Story<'_> {
    fn create_keys(&self) -> Result<()> {
        chapter("An engine and two keys; the keys never leave the server");
        self.cli
            .show(&["secrets", "enable", &format!("-path={MOUNT}"), "transit"])?;
        self.cli
            .show(&["write", "-f", &format!("{MOUNT}/keys/{ENCRYPTION_KEY}")])?;
        self.cli.show(&[
            "write",
            "-field=type",
            &format!("{MOUNT}/keys/{SIGNING_KEY}"),
            "type=ed25519",
        ])
    }

    fn encrypt(&self, records: &Records) -> Result<Vec<String>> {
        chapter("Encrypt a file, each record by itself");
        println!(
            "demo/records.csv: {} lines, sha256 {}",
            records.len(),
            records.digest()
        );
        let start = Instant::now();
        let path = format!("{MOUNT}/encrypt/{ENCRYPTION_KEY}");
        let sealed = records.encrypt(&self.batches(), &path)?;
        println!(
            "{} ciphertexts in {} ms; the second:",
            sealed.len(),
            start.elapsed().as_millis()
        );
        println!("  {}", cut(&sealed[1]));
        Ok(sealed)
    }

    fn rotate_and_rewrap(&self, sealed: &[String]) -> Result<Vec<String>> {
        chapter("Rotate the key, and bring the ciphertexts to its new version");
        self.cli.show(&[
            "write",
            "-f",
            "-field=latest_version",
            &format!("{MOUNT}/keys/{ENCRYPTION_KEY}/rotate"),
        ])?;
        let path = format!("{MOUNT}/rewrap/{ENCRYPTION_KEY}");
        let rewrapped = self.batches().rewrap(&path, sealed)?;
        let (before, after) = (version(&sealed[1]), version(&rewrapped[1]));
        ensure!(before != after, "rewrap left the ciphertexts at {before}");
        ensure!(
            rewrapped
                .iter()
                .all(|ciphertext| version(ciphertext) == after),
            "rewrap left some ciphertexts behind"
        );
        println!(
            "{} ciphertexts went from {before} to {after}; nobody saw a plaintext.",
            rewrapped.len()
        );
        Ok(rewrapped)
    }

    fn decrypt(&self, records: &Records, sealed: &[String]) -> Result<()> {
        chapter("Decrypt, and compare");
        let path = format!("{MOUNT}/decrypt/{ENCRYPTION_KEY}");
        let opened = Records::decrypt(&self.batches(), &path, sealed)?;
        println!(
            "decrypted: {} lines, sha256 {}",
            opened.len(),
            opened.digest()
        );
        ensure!(
            opened == *records,
            "what came back is not what was encrypted"
        );
        println!("Bit for bit the file that was encrypted.");
        Ok(())
    }

    fn sign(&self, records: &Records) -> Result<()> {
        chapter("Sign the file's digest, verify it, and see a forgery refused");
        let input = format!("input={}", BASE64.encode(records.digest()));
        let signed = self.cli.answer(&[
            "write",
            "-field=signature",
            &format!("{MOUNT}/sign/{SIGNING_KEY}"),
            &input,
        ])?;
        let signature = format!("signature={signed}");
        let verify = format!("{MOUNT}/verify/{SIGNING_KEY}");
        let forged = format!(
            "input={}",
            BASE64.encode(hex(&Sha256::digest(b"another file")))
        );
        for (what, input, expected) in [
            ("the file", &input, "true"),
            ("another file", &forged, "false"),
        ] {
            let valid = self
                .cli
                .answer(&["write", "-field=valid", &verify, input, &signature])?;
            println!("valid for {what}: {valid}");
            ensure!(
                valid == expected,
                "the signature should be {expected} for {what}"
            );
        }
        Ok(())
    }

    /// The same from JavaScript: the script reads the ciphertexts that stand here.
    fn call_from_javascript(&self, project: &Project, sealed: &[String]) -> Result<()> {
        chapter("The same from JavaScript: the WebAssembly client in Node");
        let file = self.server.folder().join("records.sealed");
        fs::write(&file, sealed.join("\n"))?;
        run(program("node", &project.path(""))
            .args(["demo/wasm-demo.mjs"])
            .arg(&file)
            .arg("demo/records.csv")
            .env("KEYWARD_ADDR", self.server.url())
            .env("KEYWARD_TOKEN", Server::TOKEN))
    }

    fn audit(&self) -> Result<()> {
        chapter("What the audit file says of all this");
        let path = self.server.audit_file();
        let lines = fs::read_to_string(&path)?;
        println!(
            "{} entries, each request and each answer; the last:",
            lines.lines().count()
        );
        let last: Vec<&str> = lines.lines().rev().take(AUDIT_LINES).collect();
        for line in last.iter().rev() {
            println!("  {}", audit_line(line)?);
        }
        println!("The entries form a chain, so a change, a gap or a swap would show:");
        self.cli
            .show(&["audit", "verify", &path.display().to_string()])
    }

    fn batches(&self) -> Batches<'_> {
        Batches {
            cli: &self.cli,
            file: self.server.folder().join("batch.json"),
        }
    }
}

fn chapter(title: &str) {
    println!("\n── {title}");
}

/// `vN` of `vault:vN:…`.
fn version(ciphertext: &str) -> &str {
    ciphertext.split(':').nth(1).unwrap_or("no version")
}

/// What an audit entry says first: when, what, where, and by whom, as a keyed hash.
fn audit_line(line: &str) -> Result<String> {
    let entry: Value = serde_json::from_str(line).context("an audit line is no JSON")?;
    let words = [
        "/time",
        "/type",
        "/request/operation",
        "/request/path",
        "/auth/client_token",
    ]
    .map(|pointer| {
        entry
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("-")
    });
    Ok(cut(&words.join("  ")))
}

/// What fits one line of a terminal.
fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(WIDTH + 1);
        assert_eq!(cut(&long), format!("{}…", "é".repeat(WIDTH)));
    }

    #[test]
    fn an_audit_line_says_when_what_and_where() {
        let line = r#"{"time":"T","type":"request","request":{"operation":"read","path":"a/b"}}"#;
        assert_eq!(audit_line(line).unwrap(), "T  request  read  a/b  -");
        assert!(audit_line("{").is_err());
    }

    #[test]
    fn the_version_stands_in_the_ciphertext() {
        assert_eq!(version("vault:v12:AAAA"), "v12");
    }
}
