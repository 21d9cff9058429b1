//! Why a call failed.

use std::time::Duration;

use keyward_api::client::CallError;

use crate::Unreachable;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request could not be made; nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// What was read or written beside an envelope failed.
    #[error("reading or writing failed: {0}")]
    Io(#[from] std::io::Error),
    /// The answer is not what the API promises.
    #[error("the server's answer could not be read: {0}")]
    Malformed(String),
    /// An envelope does not open: it was changed, cut off, or sealed with another key or context.
    #[error("{0}")]
    Open(keyward_crypto::Error),
    /// The server refused or failed.
    #[error("status {}: {}", .0.status, .0.errors.join("; "))]
    Refused(Refusal),
    /// No answer came.
    #[error("no answer from the server: {0}")]
    Unreachable(#[source] Unreachable),
    /// The answer is not signed by a key of the server that is trusted.
    #[error("the answer is not the server's: {0}")]
    Untrusted(String),
}

/// What the server said when it refused or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Its sentences; none where nothing was found.
    pub errors: Vec<String>,
    /// The id under which its audit log holds the request.
    pub request_id: Option<String>,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// Whether the same call may succeed later without anything being changed. The client has tried
    /// again by itself as often as its [`RetryPolicy`](crate::RetryPolicy) says.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Refused(refusal) => crate::retry::is_passing(refusal.status),
            Self::Unreachable(_) => true,
            Self::Invalid(_)
            | Self::Io(_)
            | Self::Malformed(_)
            | Self::Open(_)
            | Self::Untrusted(_) => false,
        }
    }

    /// The HTTP status, if the server refused or failed.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// Whether there is nothing where the call looked.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the token is unknown, expired, or may not do it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    pub(crate) fn of_call(error: CallError<Self>, retry_after: Option<Duration>) -> Self {
        match error {
            CallError::Invalid(text) => Self::Invalid(text),
            CallError::Malformed(text) => Self::Malformed(text),
            CallError::Refused {
                status,
                request_id,
                failure,
            } => Self::Refused(Refusal {
                status,
                errors: failure.errors,
                request_id,
                retry_after,
            }),
            CallError::Transport(error) => error,
        }
    }

    pub(crate) fn missing(what: &str) -> Self {
        Self::Malformed(format!("there is no {what}"))
    }
}

/// Of an envelope: input that is wrong is told from one that does not open.
impl From<keyward_crypto::Error> for Error {
    fn from(error: keyward_crypto::Error) -> Self {
        Self::Open(error)
    }
}

/// Why one item of a batch failed; the server's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ItemError(pub String);
