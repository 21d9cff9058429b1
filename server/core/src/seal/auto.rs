//! Seals that open without people: a key elsewhere keeps the root key.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use keyward_crypto::SecretBytes;

use super::SHAMIR;
use crate::{Error, Timestamp};

/// A key outside the store that wraps the root key, so that a server unseals by itself.
///
/// What it wraps is bound to a place: the name of the entry in which the wrapped key lies, as
/// associated data, so that nothing wrapped for one entry opens in another.
#[async_trait]
pub trait AutoSeal: Send + Sync + 'static {
    /// The type, as the configuration and seal-status call it.
    fn name(&self) -> &'static str;

    /// Wraps a key for a place.
    ///
    /// # Errors
    /// Nothing was wrapped.
    async fn wrap(&self, key: &SecretBytes, place: &str) -> Result<Vec<u8>, SealError>;

    /// Unwraps what [`wrap`](Self::wrap) made for the same place.
    ///
    /// # Errors
    /// [`SealError::Refused`] if it was not made with this seal, or not for this place.
    async fn unwrap(&self, wrapped: &[u8], place: &str) -> Result<Unwrapped, SealError>;

    /// Does what is due, such as renewing a token. Called about once a second.
    ///
    /// # Errors
    /// It could not be done now; it stays due.
    async fn tick(&self, now: Timestamp) -> Result<(), SealError> {
        let _ = now;
        Ok(())
    }
}

/// An unwrapped key.
#[derive(Debug)]
pub struct Unwrapped {
    /// The key.
    pub key: SecretBytes,
    /// Whether it was wrapped with a key that another one followed: then it is wrapped anew.
    pub is_stale: bool,
}

/// Why a seal did nothing. The texts are for the log and hold no secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// It said no, and will again until something is changed.
    #[error("{0}")]
    Refused(String),
    /// Nobody answered, or not now.
    #[error("{0}")]
    Unavailable(String),
}

/// The seals that the configuration names.
#[derive(Clone, Default)]
pub struct Seals {
    /// The one in use, or to be used; none for unseal keys that people hold.
    pub active: Option<Arc<dyn AutoSeal>>,
    /// The one to migrate away from, whose stanza says `disabled`.
    pub disabled: Option<Arc<dyn AutoSeal>>,
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |seal: &Option<Arc<dyn AutoSeal>>| seal.as_ref().map(|seal| seal.name());
        f.debug_struct("Seals")
            .field("active", &name(&self.active))
            .field("disabled", &name(&self.disabled))
            .finish()
    }
}

/// What keeps the root key.
#[derive(Clone)]
pub(crate) enum Lock {
    /// A seal that opens by itself.
    Auto(Arc<dyn AutoSeal>),
    /// An unseal key that is split among people.
    Shamir,
}

impl Lock {
    /// Returns its type, as seal-status shows it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Auto(seal) => seal.name(),
            Self::Shamir => SHAMIR,
        }
    }

    /// Tells whether it opens without people.
    pub(crate) const fn is_auto(&self) -> bool {
        matches!(self, Self::Auto(_))
    }
}

/// What a stored seal is to those that the configuration names.
pub(crate) enum Standing {
    /// It is one of two of its type, see [`settled`](super::settled).
    Either {
        /// The one that the configuration disables.
        disabled: Arc<dyn AutoSeal>,
        /// The one that it wants to be in use.
        wanted: Arc<dyn AutoSeal>,
    },
    /// It is the one in use.
    InUse(Lock),
    /// The store is to be moved from one to the other.
    Migrating {
        /// The one that opens it now.
        from: Lock,
        /// The one that shall.
        to: Lock,
    },
}

impl Seals {
    /// Returns the one that the configuration wants to be in use.
    pub(crate) fn wanted(&self) -> Lock {
        self.active.clone().map_or(Lock::Shamir, Lock::Auto)
    }

    /// Returns what a stored seal of a type is to them.
    ///
    /// # Errors
    /// The configuration names no seal of that type.
    pub(crate) fn standing(&self, stored: &str) -> Result<Standing, Error> {
        let to = self.wanted();
        let disabled = self.disabled.as_ref().filter(|seal| seal.name() == stored);
        if stored == to.kind() {
            return Ok(match (disabled, &self.active) {
                (Some(disabled), Some(wanted)) => Standing::Either {
                    disabled: Arc::clone(disabled),
                    wanted: Arc::clone(wanted),
                },
                _ => Standing::InUse(to),
            });
        }
        let from = match disabled {
            Some(seal) => Lock::Auto(Arc::clone(seal)),
            None if stored == SHAMIR => Lock::Shamir,
            None => {
                return Err(Error::Invalid(format!(
                    "the store is sealed by {stored:?}, and the configuration has no such seal"
                )));
            }
        };
        Ok(Standing::Migrating { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::testing::Fake;

    #[test]
    fn a_migration_is_from_what_is_stored_to_what_is_wanted() {
        let seals = |active: Option<&'static str>, disabled: Option<&'static str>| Seals {
            active: active.map(|name| Fake::new(name) as _),
            disabled: disabled.map(|name| Fake::new(name) as _),
        };
        let told = |seals: Seals, stored: &str| match seals.standing(stored) {
            Ok(Standing::InUse(lock)) => lock.kind().to_owned(),
            Ok(Standing::Either { disabled, wanted }) => {
                format!("{}|{}", disabled.name(), wanted.name())
            }
            Ok(Standing::Migrating { from, to }) => format!("{}>{}", from.kind(), to.kind()),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(told(seals(None, None), "shamir"), "shamir");
        assert_eq!(told(seals(None, None), "a"), "refused");
        assert_eq!(told(seals(Some("a"), None), "a"), "a");
        assert_eq!(told(seals(Some("a"), None), "shamir"), "shamir>a");
        assert_eq!(told(seals(None, Some("a")), "a"), "a>shamir");
        assert_eq!(told(seals(None, Some("a")), "shamir"), "shamir");
        assert_eq!(told(seals(Some("b"), Some("a")), "a"), "a>b");
        assert_eq!(told(seals(Some("b"), Some("a")), "b"), "b");
        assert_eq!(told(seals(Some("b"), Some("a")), "c"), "refused");
        assert_eq!(told(seals(Some("a"), Some("a")), "a"), "a|a");
        assert_eq!(told(seals(Some("a"), Some("a")), "shamir"), "shamir>a");
    }
}
