//! The one binary: server and command line, in Vault's words.
//!
//! [`run`] is the whole program over an [`Io`], so that a test can read what a user would; [`main`]
//! gives it the process.
//!
//! **Invariant:** nothing but this crate reads the environment or a configuration file, prints, or
//! exits.

mod answer;
mod arguments;
mod command;
mod config;
mod data;
mod environment;
mod error;
mod io;
mod json;
mod output;
mod serve;
mod session;
mod token_helper;
mod transport;

use std::process::ExitCode;

pub use environment::Environment;
pub use io::Io;

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let mut io = Io::of_process();
    let arguments = std::env::args_os()
        .skip(1)
        .map(std::ffi::OsString::into_string);
    match arguments.collect::<Result<Vec<_>, _>>() {
        Ok(arguments) => ExitCode::from(run(&arguments, &mut io)),
        Err(argument) => {
            io.complain(&format!("the argument {} is not UTF-8", argument.display()));
            ExitCode::FAILURE
        }
    }
}

/// Says whether the text of a configuration file would be taken, without doing anything.
///
/// # Errors
/// A sentence that says why not.
pub fn check_config(text: &str) -> Result<(), String> {
    let sources = [config::Source::unnamed(text)];
    let parsed = config::Config::read(&sources, &Environment::default());
    parsed.map(drop).map_err(|error| format!("{error:#}"))
}

/// Runs one command, given by its arguments without the name of the program, and returns the exit
/// code: 0 if it was done, 1 if the command was wrong or something here failed, 2 if the server
/// refused, is sealed, or has no such value.
pub fn run(arguments: &[String], io: &mut Io<'_>) -> u8 {
    let outcome = match arguments::parse(arguments) {
        Ok(arguments) => command::run(arguments, io),
        Err(arguments::Stop::Help(text)) => return io.say(&text).map_or(1, |()| 0),
        Err(arguments::Stop::Usage(text)) => Err(error::Error::local(text)),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            io.complain(&error.text);
            error.code
        }
    }
}
