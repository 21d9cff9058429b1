//! What a command reads and writes, and what it knows of its surroundings.

use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _, Write};

use anyhow::{Context as _, Result};
use keyward_crypto::SecretString;

use crate::Environment;

/// The standard streams and the environment, or what a test puts in their place.
pub struct Io<'a> {
    /// What is piped or typed in.
    pub input: Box<dyn BufRead + 'a>,
    /// Where results go.
    pub output: Box<dyn Write + 'a>,
    /// Where errors and warnings go.
    pub errors: Box<dyn Write + 'a>,
    /// The environment variables.
    pub environment: Environment,
    /// Whether somebody types the input; then secrets are asked for, without echo.
    pub input_is_terminal: bool,
    /// Whether somebody reads the output; then a bare value ends with a line feed.
    pub output_is_terminal: bool,
}

impl Io<'static> {
    /// Takes the streams of the process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            input: Box::new(BufReader::new(io::stdin())),
            output: Box::new(io::stdout()),
            errors: Box::new(io::stderr()),
            environment: Environment::of_process(),
            input_is_terminal: io::stdin().is_terminal(),
            output_is_terminal: io::stdout().is_terminal(),
        }
    }
}

impl Io<'_> {
    /// Prints a text with a line feed behind it.
    pub(crate) fn say(&mut self, text: &str) -> Result<()> {
        self.print(&format!("{}\n", text.trim_end_matches('\n')))
    }

    /// Prints a text as it is.
    pub(crate) fn print(&mut self, text: &str) -> Result<()> {
        self.pass(text.as_bytes())
    }

    /// Passes bytes on as they are, at once.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Result<()> {
        let printed = self.output.write_all(bytes);
        printed
            .and_then(|()| self.output.flush())
            .context("cannot write the output")
    }

    /// Prints an error or a warning; nothing if there is nothing to say.
    pub(crate) fn complain(&mut self, text: &str) {
        if !text.is_empty() {
            // Where errors cannot be written there is nobody left to tell.
            let _ = writeln!(self.errors, "{}", text.trim_end_matches('\n'));
        }
    }

    /// Reads all that is piped in.
    pub(crate) fn read_all(&mut self) -> Result<SecretString> {
        let mut text = SecretString::new(String::new());
        // EXPOSE: filled here.
        self.input
            .read_to_string(text.expose_mut())
            .context("cannot read standard input")?;
        Ok(text)
    }

    /// Asks for a secret that has no blanks around it; see [`ask_exactly`](Self::ask_exactly).
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<SecretString> {
        self.ask_exactly(prompt).map(|answer| trimmed(&answer))
    }

    /// Asks for a secret: without echo at a terminal, otherwise the next line that is piped in. Only
    /// the end of the line is dropped, as blanks may belong to a password.
    pub(crate) fn ask_exactly(&mut self, prompt: &str) -> Result<SecretString> {
        if self.input_is_terminal {
            let answer = rpassword::prompt_password(prompt).map(SecretString::new);
            return answer.context("cannot read from the terminal");
        }
        let mut line = SecretString::new(String::new());
        // EXPOSE: filled here.
        self.input
            .read_line(line.expose_mut())
            .context("cannot read standard input")?;
        Ok(without_line_end(&line))
    }
}

/// Drops the line feed that files and pipes end with.
pub(crate) fn without_line_end(text: &SecretString) -> SecretString {
    // EXPOSE: copied into a secret again.
    SecretString::from(text.expose().trim_end_matches(['\r', '\n']))
}

/// Drops the blanks around a secret, such as the line feed of a pipe.
pub(crate) fn trimmed(text: &SecretString) -> SecretString {
    // EXPOSE: copied into a secret again.
    SecretString::new(text.expose().trim().to_owned())
}
