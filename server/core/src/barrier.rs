//! The barrier: everything below it is ciphertext.

use std::sync::Arc;

use arc_swap::ArcSwap;
use keyward_crypto::{Keyring, SecretBytes};
use serde::Serialize;

use crate::{
    Error, json,
    storage::{Batch, Expect, Revision, Storage},
};

/// Seals values on their way to storage: AES-256-GCM under a keyring of terms, with the storage
/// key as associated data, so that a value moved elsewhere does not open.
///
/// Storage keys stay readable. A value is `term u32 BE ‖ nonce 12 ‖ ciphertext ‖ tag 16`.
///
/// **Invariant:** nothing but the barrier holds a [`Storage`] of an unsealed core.
pub(crate) struct Barrier {
    storage: Arc<dyn Storage>,
    keyring: ArcSwap<Keyring>,
}

/// A value read through the barrier.
#[derive(Debug)]
pub struct Entry {
    /// The plaintext.
    pub value: SecretBytes,
    /// The revision under which it was written.
    pub revision: Revision,
}

/// One change of a commit.
#[derive(Debug)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The new value; none removes the entry.
    pub value: Option<SecretBytes>,
    /// What must stand there for the commit to happen.
    pub expect: Option<Expect>,
}

impl Change {
    /// Writes an entry, whatever stood there.
    pub fn put(key: impl Into<String>, value: SecretBytes) -> Self {
        Self {
            key: key.into(),
            value: Some(value),
            expect: None,
        }
    }

    /// Writes an entry as JSON, whatever stood there.
    ///
    /// # Errors
    /// The value refuses to serialize.
    pub fn put_as<T: Serialize>(key: impl Into<String>, value: &T) -> Result<Self, Error> {
        Ok(Self::put(key, json::to_secret(value)?))
    }

    /// Removes an entry, whatever stood there.
    pub fn delete(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: None,
            expect: None,
        }
    }

    /// Makes the commit depend on what stands there.
    #[must_use]
    pub const fn expecting(mut self, expect: Expect) -> Self {
        self.expect = Some(expect);
        self
    }
}

impl Barrier {
    pub(crate) fn new(storage: Arc<dyn Storage>, keyring: Keyring) -> Self {
        Self {
            storage,
            keyring: ArcSwap::from_pointee(keyring),
        }
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        let Some(stored) = self.storage.get(key).await? else {
            return Ok(None);
        };
        let value = self
            .keyring
            .load()
            .open(&stored.value, key.as_bytes())
            .map_err(|_| {
                Error::internal(format!(
                    "the stored entry {key:?} does not open: it was tampered with"
                ))
            })?;
        Ok(Some(Entry {
            value,
            revision: stored.revision,
        }))
    }

    pub(crate) async fn list(
        &self,
        folder: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, Error> {
        Ok(self.storage.list(folder, after, limit).await?)
    }

    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<Revision, Error> {
        let mut batch = Batch::new();
        for Change { key, value, expect } in changes {
            let sealed = value.map(|value| self.seal(&key, &value)).transpose()?;
            batch = match (sealed, expect) {
                (Some(sealed), None) => batch.put(key, sealed),
                (Some(sealed), Some(expect)) => batch.put_if(key, sealed, expect),
                (None, None) => batch.delete(key),
                (None, Some(expect)) => batch.delete_if(key, expect),
            };
        }
        Ok(self.storage.commit(batch).await?)
    }

    /// Seals a value that is kept by somebody else, who gives it back to [`open_for`](Self::open_for).
    ///
    /// What it is for stands in the associated data in a form that no storage key has, so that
    /// neither passes for the other.
    pub(crate) fn seal_for(&self, purpose: &str, value: &SecretBytes) -> Result<Vec<u8>, Error> {
        self.seal(&outside(purpose), value)
    }

    /// Opens what [`seal_for`](Self::seal_for) made; none, whatever is wrong with it.
    pub(crate) fn open_for(&self, purpose: &str, sealed: &[u8]) -> Option<SecretBytes> {
        let keyring = self.keyring.load();
        keyring.open(sealed, outside(purpose).as_bytes()).ok()
    }

    fn seal(&self, key: &str, value: &SecretBytes) -> Result<Vec<u8>, Error> {
        let mut sealed = Vec::new();
        // EXPOSE: sealed into what storage or the keeper sees.
        let value = value.expose();
        self.keyring
            .load()
            .seal(value, key.as_bytes(), &mut sealed)
            .map_err(Error::internal)?;
        Ok(sealed)
    }

    /// Returns the keyring of terms, for status and rotation.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// Puts a keyring with a new term in place, after it was made durable.
    pub(crate) fn replace_keyring(&self, keyring: Keyring) {
        self.keyring.store(Arc::new(keyring));
    }

    /// Returns the storage, for the keyring entries that the barrier itself cannot seal.
    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }
}

/// Returns the associated data of what is sealed for a purpose outside storage: it begins with a
/// character that no storage key holds.
fn outside(purpose: &str) -> String {
    format!("\0{purpose}")
}
