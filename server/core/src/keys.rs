//! The keys above the barrier while it is open: the root key and the terms that it wraps.

use std::sync::Arc;

use arc_swap::ArcSwap;
use keyward_crypto::{Keyring, SecretBytes};
use tokio::sync::Mutex;

use crate::{
    Error, Timestamp,
    barrier::Barrier,
    rotation::Rotation,
    seal::{self, Lock, Opened, SealConfig},
    storage::{Revision, Storage},
};

/// What changes the keys of the barrier: a new term, a new root key, new shares.
pub(crate) struct Keys {
    barrier: Arc<Barrier>,
    lock: Lock,
    seal_config: ArcSwap<SealConfig>,
    /// One change at a time; it awaits storage in between.
    held: Mutex<Held>,
}

struct Held {
    /// The unseal key, where people have its shares.
    unseal_key: Option<SecretBytes>,
    root_key: SecretBytes,
    /// The revision of the stored keyring.
    revision: Revision,
    /// The count of encryptions that the stored keyring claims; never less than the true one.
    reserved: u64,
}

impl Keys {
    /// How many encryptions are claimed ahead, so that a crash over-counts and never under-counts.
    const AHEAD: u64 = 1 << 20;

    /// Takes over the keys of an opened seal and builds the barrier on them.
    pub(crate) async fn open(
        storage: Arc<dyn Storage>,
        opened: Opened,
        lock: Lock,
        seal_config: SealConfig,
    ) -> Result<Self, Error> {
        let Opened {
            unseal_key,
            root_key,
            keyring,
            revision,
        } = opened;
        let mut held = Held {
            unseal_key,
            root_key,
            revision,
            reserved: 0,
        };
        held.store(&*storage, &keyring).await?;
        Ok(Self {
            barrier: Arc::new(Barrier::new(storage, keyring)),
            lock,
            seal_config: ArcSwap::from_pointee(seal_config),
            held: Mutex::new(held),
        })
    }

    /// Returns the barrier.
    pub(crate) const fn barrier(&self) -> &Arc<Barrier> {
        &self.barrier
    }

    /// Returns what keeps the root key.
    pub(crate) const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Returns how the unseal key, or else the recovery key, is split now.
    pub(crate) fn seal_config(&self) -> SealConfig {
        **self.seal_config.load()
    }

    /// Tells whether shares make the unseal key, or else the recovery key.
    pub(crate) async fn opens(&self, shares: &[SecretBytes]) -> Result<bool, Error> {
        let storage = &**self.barrier.storage();
        let Some(key) = seal::combine(self.seal_config(), shares) else {
            return Ok(false);
        };
        match &self.lock {
            Lock::Shamir => Ok(seal::root_key(storage, &key).await?.is_some()),
            Lock::Auto(_) => seal::is_recovery_key(storage, &self.barrier.keyring(), &key).await,
        }
    }

    /// Puts another unseal key, or else recovery key, in the place of the present one; durable when
    /// it returns.
    ///
    /// # Errors
    /// The store failed, or another node was first: then the present shares stay valid.
    pub(crate) async fn rekey(&self, config: SealConfig, key: &SecretBytes) -> Result<(), Error> {
        let mut held = self.held.lock().await;
        self.replace(&mut held, config, key).await
    }

    /// Makes the root key anew; the present shares and the seal stay valid.
    ///
    /// # Errors
    /// As [`rekey`](Self::rekey).
    pub(crate) async fn rotate_root(&self) -> Result<(), Error> {
        let mut held = self.held.lock().await;
        let key = match &held.unseal_key {
            Some(key) => Some(key.duplicate()),
            None => {
                let storage = &**self.barrier.storage();
                seal::recovery_key(storage, &self.barrier.keyring()).await?
            }
        };
        // Without a recovery key there is nothing that people hold.
        let key = key.unwrap_or_else(seal::generate_key);
        self.replace(&mut held, self.seal_config(), &key).await
    }

    async fn replace(
        &self,
        held: &mut Held,
        config: SealConfig,
        key: &SecretBytes,
    ) -> Result<(), Error> {
        let (keyring, reserved) = ahead(&self.barrier.keyring())?;
        let storage = &**self.barrier.storage();
        let expected = held.revision;
        let replaced = seal::replace(storage, &self.lock, config, key, &keyring, expected).await;
        let (root_key, revision) = replaced?;
        *held = Held {
            unseal_key: (!self.lock.is_auto()).then(|| key.duplicate()),
            root_key,
            revision,
            reserved,
        };
        self.seal_config.store(Arc::new(config));
        Ok(())
    }

    /// Adds a term to the barrier's keyring; new writes use it.
    pub(crate) async fn rotate(&self, now: Timestamp) -> Result<(), Error> {
        let mut held = self.held.lock().await;
        let mut keyring = copy(&self.barrier.keyring())?;
        keyring.rotate(now.into())?;
        held.store(&**self.barrier.storage(), &keyring).await?;
        self.barrier.replace_keyring(keyring);
        tracing::info!("the key of the store is rotated");
        Ok(())
    }

    /// Adds a term where the present one is worn, and keeps its stored count ahead of the true one.
    pub(crate) async fn tick(&self, rotation: Rotation, now: Timestamp) -> Result<(), Error> {
        let keyring = self.barrier.keyring();
        let term = keyring.latest_version();
        let count = keyring.encryptions(term);
        let present = keyring.versions().find(|version| version.number == term);
        let made = present.map_or(now, |version| version.created.into());
        if rotation.is_due(count, made, now) {
            return self.rotate(now).await;
        }
        let mut held = self.held.lock().await;
        if count + Self::AHEAD / 2 > held.reserved {
            held.store(&**self.barrier.storage(), &keyring).await?;
        }
        Ok(())
    }
}

impl Held {
    /// Stores the keyring, with a count that is ahead of the true one.
    async fn store(&mut self, storage: &dyn Storage, keyring: &Keyring) -> Result<(), Error> {
        let (ahead, reserved) = ahead(keyring)?;
        self.revision = seal::store_keyring(storage, &self.root_key, &ahead, self.revision).await?;
        self.reserved = reserved;
        Ok(())
    }
}

/// Copies a keyring with a count of encryptions that is ahead of the true one, and tells it.
fn ahead(keyring: &Keyring) -> Result<(Keyring, u64), Error> {
    let ahead = copy(keyring)?;
    let latest = ahead.latest_version();
    ahead.count_encryptions(latest, Keys::AHEAD);
    let reserved = ahead.encryptions(latest);
    Ok((ahead, reserved))
}

/// Copies a keyring through its durable form, which is wiped.
fn copy(keyring: &Keyring) -> Result<Keyring, Error> {
    // EXPOSE: decoded at once into a keyring again.
    Ok(Keyring::decode(keyring.encode().expose())?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::storage::Memory;

    #[tokio::test]
    async fn a_term_ends_by_itself_when_its_time_is_over() {
        let storage = Arc::new(Memory::new());
        let start = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
        let config = SealConfig {
            shares: 1,
            threshold: 1,
        };
        let made = seal::initialize(&*storage, &Lock::Shamir, config, start);
        let opened = made.await.unwrap().opened;
        let keys = Keys::open(storage, opened, Lock::Shamir, config);
        let keys = keys.await.unwrap();
        let term = || keys.barrier().keyring().latest_version();
        let day = Duration::from_secs(24 * 3600);
        let off = Rotation::default();
        keys.tick(off, start.plus(day)).await.unwrap();
        assert_eq!(term(), 1);
        let daily = off.changed(None, None, Some(24 * 3600)).unwrap();
        keys.tick(daily, start.plus(day / 2)).await.unwrap();
        assert_eq!(term(), 1);
        for _ in 0..2 {
            keys.tick(daily, start.plus(day)).await.unwrap();
            assert_eq!(term(), 2, "the new term is a new one");
        }
    }
}
