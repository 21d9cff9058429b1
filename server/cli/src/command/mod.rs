//! The commands: one file a noun, or a verb that stands alone.

mod audit;
mod auth;
mod debug;
mod kv;
mod lease;
mod logical;
mod login;
mod monitor;
mod mount;
mod operator;
mod path_help;
mod plugin;
mod policy;
mod print;
mod secrets;
mod server;
mod status;
mod token;
mod unwrap;
mod version_history;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::{
    Io,
    arguments::Arguments,
    error::{Error, Outcome},
    serve::{self, VERSION},
    session::Session,
};

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Remote(Remote),
    Server(serve::Options),
    /// Print the version
    Version,
}

/// The commands that talk to a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Remote {
    Read(logical::Read),
    Write(logical::Write),
    Patch(logical::Patch),
    Delete(logical::Delete),
    List(logical::List),
    Scan(logical::Scan),
    PathHelp(path_help::PathHelp),
    Debug(debug::Debug),
    Login(login::Login),
    Monitor(monitor::Monitor),
    Status(status::Status),
    Unwrap(unwrap::Unwrap),
    VersionHistory(version_history::VersionHistory),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Auth(auth::Auth),
    #[command(subcommand)]
    Kv(kv::Kv),
    #[command(subcommand)]
    Lease(lease::Lease),
    #[command(subcommand)]
    Operator(operator::Operator),
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Print(print::Print),
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    #[command(subcommand)]
    Token(token::Token),
}

/// Which part of an answer is printed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct Field {
    /// Print this field alone, as it is.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
}

impl Field {
    fn name(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

/// Runs a command.
pub(crate) fn run(arguments: Arguments, io: &mut Io<'_>) -> Outcome {
    let Arguments {
        command,
        connection,
        format,
    } = arguments;
    match command {
        Command::Server(_) | Command::Version if connection.preview().is_some() => {
            Err(Error::local("this command sends no request"))
        }
        Command::Server(options) => Ok(server::run(options, io)?),
        Command::Version => Ok(io.say(&format!("Keyward v{VERSION}"))?),
        Command::Remote(command) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.context("cannot start the runtime")?;
            let mut session = Session::new(&connection, format, io)?;
            let outcome = runtime.block_on(command.run(&mut session));
            session.conclude(outcome)
        }
    }
}

impl Remote {
    async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        match self {
            Self::Audit(command) => command.run(session).await,
            Self::Auth(command) => command.run(session).await,
            Self::Debug(command) => command.run(session).await,
            Self::Delete(command) => command.run(session).await,
            Self::Kv(command) => command.run(session).await,
            Self::Lease(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Login(command) => command.run(session).await,
            Self::Monitor(command) => command.run(session).await,
            Self::Operator(command) => command.run(session).await,
            Self::Patch(command) => command.run(session).await,
            Self::PathHelp(command) => command.run(session).await,
            Self::Plugin(command) => command.run(session).await,
            Self::Policy(command) => command.run(session).await,
            Self::Print(command) => command.run(session),
            Self::Read(command) => command.run(session).await,
            Self::Scan(command) => command.run(session).await,
            Self::Secrets(command) => command.run(session).await,
            Self::Status(command) => command.run(session).await,
            Self::Token(command) => command.run(session).await,
            Self::Unwrap(command) => command.run(session).await,
            Self::VersionHistory(command) => command.run(session).await,
            Self::Write(command) => command.run(session).await,
        }
    }
}
