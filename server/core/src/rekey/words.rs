//! In which words rekeying is refused: it is one thing under two names.

use crate::Error;

/// Whose words a caller hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Vault's, below `sys/rekey`.
    Rekey,
    /// OpenBao's, below `sys/rotate`.
    Rotation,
}

impl Words {
    /// Another attempt is not over.
    pub(super) fn in_progress(self) -> Error {
        Error::invalid(match self {
            Self::Rekey => "rekey already in progress",
            Self::Rotation => "rotation already in progress",
        })
    }

    /// There is no attempt that takes shares of what `target` names.
    pub(super) fn not_in_progress(self, target: &str) -> Error {
        match self {
            Self::Rekey => Error::Invalid(format!("no {target} rekey in progress")),
            Self::Rotation => Error::invalid("no rotation in progress"),
        }
    }

    /// No new shares wait to be given back.
    pub(super) fn nothing_to_verify(self) -> Error {
        Error::invalid(match self {
            Self::Rekey => "no rekey in progress",
            Self::Rotation => "no rotation in progress",
        })
    }

    /// No new shares are there to tell of.
    pub(super) fn not_configured(self) -> Error {
        Error::invalid(match self {
            Self::Rekey => "no rekey configuration found",
            Self::Rotation => "no rotation configuration found",
        })
    }

    /// The new shares are there, and wait to be given back.
    pub(super) fn finished(self, verification_nonce: &str) -> Error {
        let what = match self {
            Self::Rekey => "rekey operation",
            Self::Rotation => "rotation",
        };
        Error::Invalid(format!(
            "{what} already finished; verification must be performed; nonce for the verification \
             operation is {verification_nonce:?}"
        ))
    }

    /// A share came for another attempt than the one with this nonce.
    pub(super) fn of_another(self, nonce: &str) -> Error {
        let what = match self {
            Self::Rekey => "this rekey operation",
            Self::Rotation => "rotation",
        };
        Error::Invalid(format!(
            "incorrect nonce supplied; nonce for {what} is {nonce:?}"
        ))
    }

    /// A share was given twice.
    pub(super) fn given_again(self) -> Error {
        Error::invalid(match self {
            Self::Rekey => "given key has already been provided during this generation operation",
            Self::Rotation => "given key has already been provided during this rotation",
        })
    }

    /// The new shares that were given back are not those that were handed out.
    pub(super) fn not_verified(self) -> Error {
        Error::invalid(match self {
            Self::Rekey => "rekey verification failed; incorrect key shares supplied",
            Self::Rotation => "rotation verification failed; incorrect key shares supplied",
        })
    }

    /// There is no recovery key: people hold the shares of the unseal key.
    pub(crate) fn no_recovery(self) -> Error {
        Error::invalid(match self {
            Self::Rekey => "recovery rekeying not supported",
            Self::Rotation => "recovery keys not supported",
        })
    }

    /// What was asked for cannot be done.
    pub(crate) fn bad_plan(self, why: &Error) -> Error {
        let what = match self {
            Self::Rekey => "rekey",
            Self::Rotation => "rotate",
        };
        Error::Invalid(format!("invalid {what} seal configuration: {why}"))
    }
}
