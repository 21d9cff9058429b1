//! The peer's own command line, a genuine Vault CLI, aimed at a server: transcripts.

mod access;
mod debug;
mod engines;
mod keys;
mod kv;
mod leases;
mod mounts;

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Target, bao, isolated};

#[test]
fn the_bao_cli_works_with_keyward() {
    transcript(&Target::keyward());
}

#[test]
fn the_bao_cli_works_with_the_peer() {
    transcript(&Target::peer());
}

#[tokio::test]
async fn the_bao_cli_renews_and_ends_leases_of_keyward() {
    leases_of_users(&Target::keyward()).await;
}

#[tokio::test]
async fn the_bao_cli_renews_and_ends_leases_of_the_peer() {
    leases_of_users(&Target::peer()).await;
}

#[test]
fn the_bao_cli_gathers_what_there_is_to_know_of_keyward() {
    let target = Target::keyward();
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &target.address,
        token: target.token.clone(),
    };
    debug::package(&shell);
}

async fn leases_of_users(target: &Target) {
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &target.address,
        token: target.token.clone(),
    };
    leases::of_users(&shell).await;
}

fn transcript(target: &Target) {
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &target.address,
        token: target.token.clone(),
    };
    mounts::status_and_mounts(&shell);
    mounts::secrets_engines(&shell);
    mounts::auth_methods(&shell);
    mounts::plugins(&shell);
    mounts::path_help(&shell);
    mounts::operation(&shell);
    kv::kv_version_2(&shell);
    kv::kv_version_1(&shell);
    kv::patches_and_metadata(&shell);
    access::policies_and_tokens(&shell);
    access::machines(&shell);
    access::formats_of_policies(&shell);
    access::tokens_of_every_kind(&shell);
    access::leases(&shell);
    access::any_path(&shell);
    access::wrapping(&shell);
    engines::transit(&shell);
    engines::identity(&shell);
}

/// A user at a terminal: a home folder, a server, a token.
struct Shell<'a> {
    home: TempDir,
    address: &'a str,
    token: String,
}

impl Shell<'_> {
    /// The same user with another token.
    fn with(&self, token: &str) -> Shell<'_> {
        Shell {
            home: TempDir::new().unwrap(),
            address: self.address,
            token: token.to_owned(),
        }
    }

    /// Runs one line of words without quoting.
    fn run(&self, line: &str) -> Output {
        self.command(line)
            .output()
            .unwrap_or_else(|error| panic!("bao {line}: {error}"))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = isolated(&bao(), self.home.path());
        command
            .args(line.split(' '))
            .env("BAO_ADDR", self.address)
            .env("BAO_TOKEN", &self.token)
            .env("BAO_CLI_NO_COLOR", "1");
        command
    }

    /// Runs a line that must succeed and returns what it printed.
    fn field(&self, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "bao {line}: {}\n{said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        println!("ok     bao {line}");
        said
    }

    fn says(&self, line: &str, text: &str) {
        let said = self.field(line);
        assert!(
            said.contains(text),
            "bao {line} does not say {text:?}:\n{said}"
        );
    }

    fn is(&self, line: &str, text: &str) {
        assert_eq!(self.field(line), text, "bao {line}");
    }

    fn json(&self, line: &str) -> Value {
        let said = self.field(line);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("bao {line}: {error}\n{said}"))
    }

    fn fails(&self, line: &str, code: i32, text: &str) {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "bao {line}:\n{said}");
        assert!(
            said.contains(text),
            "bao {line} does not say {text:?}:\n{said}"
        );
        println!("ok     bao {line} is refused");
    }
}
