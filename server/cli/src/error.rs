//! Why a command was not done: what is printed, and with which code the program ends.

use keyward_api::client::CallError;

use crate::transport::{Exchange, Unreachable};

/// How a command ends that was not done.
#[derive(Debug)]
pub(crate) struct Error {
    /// The exit code.
    pub(crate) code: u8,
    /// What is printed; empty where all is said.
    pub(crate) text: String,
}

/// What a command comes to.
pub(crate) type Outcome<T = ()> = Result<T, Error>;

impl Error {
    /// The exit code of a mistake or a failure on this side.
    const LOCAL: u8 = 1;
    /// The exit code of a server that refused, is sealed, or has no such value.
    const SERVER: u8 = 2;

    /// Something here failed, or the command makes no sense.
    pub(crate) fn local(text: impl Into<String>) -> Self {
        Self {
            code: Self::LOCAL,
            text: text.into(),
        }
    }

    /// The server did not do it.
    pub(crate) fn server(text: impl Into<String>) -> Self {
        Self {
            code: Self::SERVER,
            text: text.into(),
        }
    }

    /// There is nothing at a path; the server may have said why.
    pub(crate) fn no_value(path: &str, reasons: &[String]) -> Self {
        let reasons = reasons.iter().map(|reason| format!("\n\n* {reason}"));
        Self::server(format!(
            "No value found at {path}{}",
            reasons.collect::<String>()
        ))
    }

    /// A call brought no reply; `doing` begins the sentence, as `reading secret/x`.
    pub(crate) fn call(doing: &str, error: &CallError<Unreachable>, exchange: &Exchange) -> Self {
        let text = format!("Error {doing}: {}", describe(error, exchange));
        Self {
            text,
            ..Self::plain_call(error, exchange)
        }
    }

    /// The same without a sentence of its own.
    pub(crate) fn plain_call(error: &CallError<Unreachable>, exchange: &Exchange) -> Self {
        let text = describe(error, exchange);
        match error {
            CallError::Invalid(_) => Self::local(text),
            CallError::Malformed(_) | CallError::Refused { .. } | CallError::Transport(_) => {
                Self::server(text)
            }
        }
    }
}

/// Says why a call brought no reply, in Vault's words.
pub(crate) fn describe(error: &CallError<Unreachable>, exchange: &Exchange) -> String {
    let Exchange { method, url, raw } = exchange;
    match error {
        CallError::Invalid(text) => text.clone(),
        CallError::Malformed(text) => format!("the answer of {url} cannot be read: {text}"),
        CallError::Transport(unreachable) => format!("{method} {url:?}: {unreachable}"),
        CallError::Refused {
            status, failure, ..
        } => {
            let head = format!("Error making API request.\n\nURL: {method} {url}\nCode: {status}.");
            match raw {
                Some(raw) => format!("{head} Raw Message:\n\n{raw}"),
                None => {
                    let errors = failure.errors.iter().map(|error| format!("* {error}\n"));
                    format!("{head} Errors:\n\n{}", errors.collect::<String>())
                }
            }
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::local(format!("{error:#}"))
    }
}
