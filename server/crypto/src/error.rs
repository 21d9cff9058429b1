//! What can go wrong, sorted by who must act.

use alloc::borrow::Cow;

/// A refusal or failure of a cryptographic operation.
///
/// `Display` is the sentence a Vault client expects, word for word, for every variant but
/// [`Error::Internal`], whose text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Authentication failed. Wrong key, wrong context, wrong associated data, tampering and
    /// truncation look the same, so that no answer helps to forge the next attempt.
    #[error("cipher: message authentication failed")]
    Decryption,
    /// The key version has made as many encryptions as its nonces allow; its owner must rotate it.
    #[error("key version {0} has reached its limit of encryptions and must be rotated")]
    Exhausted(u32),
    /// A defect here or in stored data; the caller can do nothing about it.
    #[error("{0}")]
    Internal(Cow<'static, str>),
    /// The caller's input is wrong.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    /// A stream ends before its last segment: what was opened of it so far is a beginning.
    #[error("the ciphertext was cut off")]
    Truncated,
    /// The key's type or mode cannot do what was asked.
    #[error("{0}")]
    Unsupported(Cow<'static, str>),
}

impl Error {
    #[cfg(feature = "keyring")]
    pub(crate) fn internal(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Internal(text.into())
    }

    pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(text.into())
    }

    #[cfg(feature = "keyring")]
    pub(crate) fn unsupported(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported(text.into())
    }
}
