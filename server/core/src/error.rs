//! Why a request fails, by who must act.

use keyward_api::proof::ProofError;
use keyward_crypto as crypto;

use crate::{seal::SealError, storage::StorageError};

/// Why the caller was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Too many failed to log in as this name, and it is locked for a while.
    Locked,
    /// The token is good, but not for pages of this origin.
    Origin,
    /// The token is good, but its policies do not allow this.
    Policy,
    /// There is no token, or it is unknown, expired or used up.
    Token,
}

/// Why a request was not done. Nothing was changed.
///
/// The texts are shown to the caller, except the causes of [`Internal`](Self::Internal) and
/// [`SealUnavailable`](Self::SealUnavailable), which go to the log. The HTTP status of each stands in the HTTP floor alone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The same request is being worked on; its answer can be had in a moment.
    #[error("{0}")]
    Busy(String),
    /// Another request changed the same thing first; trying again may succeed.
    #[error("{0}")]
    Conflict(String),
    /// The caller must change the request, and is shown what it has to choose between.
    #[error("{text}")]
    Contested {
        /// The sentence.
        text: String,
        /// The `data` beside it.
        data: serde_json::Value,
    },
    /// The caller was not let in.
    #[error("{}", match .0 { Denial::Origin => "origin denied", _ => "permission denied" })]
    Denied(Denial),
    /// A fault of the server; the cause is for the log.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The caller must change the request.
    #[error("{0}")]
    Invalid(String),
    /// The login failed that came along with the request, which was not done.
    #[error(transparent)]
    Login(Box<Self>),
    /// The caller sent more than it may, and must wait.
    #[error("{0}")]
    Limited(String),
    /// Something that is not there; with a text where Vault gives one.
    #[error("{}", .0.as_deref().unwrap_or("not found"))]
    NotFound(Option<String>),
    /// No mount covers the path.
    #[error("no handler for route \"{0}\". route entry not found.")]
    NoRoute(String),
    /// The caller was not let in, with a sentence of its own.
    #[error("{0}")]
    Refused(String),
    /// The seal that opens by itself did not do its part; why is for the log. It may tomorrow.
    #[error("the seal cannot be used now; the log of the server says why")]
    SealUnavailable(#[source] SealError),
    /// The server is sealed.
    #[error("Vault is sealed")]
    Sealed,
    /// The token is bound to a key, and the request does not prove that its sender holds it.
    #[error("{0}")]
    Unproven(ProofError),
    /// The request is well formed, and contradicts an earlier one.
    #[error("{0}")]
    Unprocessable(String),
    /// The mount has the path, but not this operation.
    #[error("unsupported operation")]
    UnsupportedOperation,
    /// The mount does not know the path.
    #[error("unsupported path")]
    UnsupportedPath,
}

impl Error {
    /// Makes an [`Invalid`](Self::Invalid) from the sentence that the caller reads.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    /// Makes an [`Invalid`](Self::Invalid) in the form of a list with one item, which is what many
    /// paths of Vault answer.
    #[must_use]
    pub fn fault(text: &str) -> Self {
        Self::Invalid(format!("1 error occurred:\n\t* {text}\n\n"))
    }

    /// Makes an [`Internal`](Self::Internal) from its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// Makes an [`Internal`](Self::Internal) of work that panicked, or was cut off with the process.
    /// What a panic says is left out, unlike in tokio's `JoinError`: it may quote a secret.
    #[must_use]
    pub fn panicked() -> Self {
        Self::internal("the work panicked, the log says where")
    }

    /// Makes the [`Refused`](Self::Refused) of a login that is not told what was wrong.
    #[must_use]
    pub fn permission_denied() -> Self {
        Self::Refused("permission denied".to_owned())
    }

    /// Makes a [`NotFound`](Self::NotFound) without a text.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::NotFound(None)
    }
}

impl From<SealError> for Error {
    fn from(error: SealError) -> Self {
        Self::SealUnavailable(error)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict { .. } => {
                Self::Conflict("the entry was changed by another request".to_owned())
            }
            // A name or value that no store takes is the caller's to change.
            StorageError::Invalid(text) => Self::Invalid(text),
            other => Self::internal(other),
        }
    }
}

/// What the crypto floor calls invalid or unsupported is the caller's to mend.
impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        match error {
            crypto::Error::Internal(_) => Self::internal(error),
            other => Self::Invalid(other.to_string()),
        }
    }
}
