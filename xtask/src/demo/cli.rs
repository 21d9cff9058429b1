//! The `keyward` command, shown as a user would type it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::server::Server;
use crate::command::output;
use crate::http::Address;

/// The built binary, aimed at the demo's server.
pub(super) struct Cli {
    binary: PathBuf,
    address: String,
}

impl Cli {
    pub(super) fn new(binary: PathBuf, address: &Address) -> Self {
        Self {
            binary,
            address: format!("http://{address}"),
        }
    }

    /// Shows the command and what it prints.
    ///
    /// # Errors
    /// The command failed.
    pub(super) fn show(&self, arguments: &[&str]) -> Result<()> {
        println!("{}", indented(&self.answer(arguments)?));
        Ok(())
    }

    /// Shows the command and returns what it prints.
    ///
    /// # Errors
    /// The command failed.
    pub(super) fn answer(&self, arguments: &[&str]) -> Result<String> {
        println!("$ keyward {}", super::cut(&arguments.join(" ")));
        self.run(arguments)
    }

    /// Returns what the command prints, and shows nothing.
    ///
    /// # Errors
    /// The command failed.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String> {
        output(
            Command::new(&self.binary)
                .args(arguments)
                .env("KEYWARD_ADDR", &self.address)
                .env("KEYWARD_TOKEN", Server::TOKEN)
                .stdin(Stdio::null()),
        )
    }
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
