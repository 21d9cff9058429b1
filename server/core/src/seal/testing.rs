//! A seal for tests, whose other side can be away.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use keyward_crypto::{Derivation, Keyring, SecretBytes, key_type};

use super::{AutoSeal, SealError, Unwrapped};
use crate::Timestamp;

/// A seal with a key of its own.
pub(crate) struct Fake {
    name: &'static str,
    keyring: Keyring,
    pub(crate) is_away: AtomicBool,
}

impl Fake {
    pub(crate) fn new(name: &'static str) -> Arc<Self> {
        let aes = key_type("aes256-gcm96").unwrap();
        let now = Timestamp::default().into();
        Arc::new(Self {
            name,
            keyring: Keyring::generate(aes, Derivation::None, now).unwrap(),
            is_away: AtomicBool::new(false),
        })
    }

    fn answers(&self) -> Result<(), SealError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(SealError::Unavailable("it is away".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl AutoSeal for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn wrap(&self, key: &SecretBytes, place: &str) -> Result<Vec<u8>, SealError> {
        self.answers()?;
        let mut sealed = Vec::new();
        // EXPOSE: sealed by the test's key.
        let key = key.expose();
        self.keyring
            .seal(key, place.as_bytes(), &mut sealed)
            .unwrap();
        Ok(sealed)
    }

    async fn unwrap(&self, wrapped: &[u8], place: &str) -> Result<Unwrapped, SealError> {
        self.answers()?;
        let key = self.keyring.open(wrapped, place.as_bytes());
        Ok(Unwrapped {
            key: key.map_err(|_| SealError::Refused("not mine".to_owned()))?,
            is_stale: false,
        })
    }
}
