//! How a core is initialized, opened and closed, and moved from one seal to another.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use keyward_crypto::SecretBytes;

use super::{Core, Secrets, Status};
use crate::{
    Error,
    quorum::{Given, Quorum},
    seal::{self, Lock, Opened, SealConfig, Standing, StoredSeal},
    storage::Storage,
};

#[cfg(test)]
mod tests;

/// How long a seal that did not open is left alone.
const RETRY: Duration = Duration::from_secs(5);

/// What shares are given for.
#[derive(Clone, Copy)]
enum Purpose {
    /// To move the store to another seal, and unseal.
    Migrate,
    /// Only to unseal.
    Unseal,
}

impl Core {
    /// Tells where in its life the core is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn status(&self) -> Result<Status, Error> {
        let unsealed = self.unsealed();
        let wanted = self.seals.wanted();
        let mut migration = false;
        let mut seal_type = wanted.kind().to_owned();
        let seal = match &unsealed {
            Some(unsealed) => Some(unsealed.keys.seal_config()),
            None => seal::config(&*self.storage).await?.map(|stored| {
                let standing = self.seals.standing(&stored.kind);
                migration = match &standing {
                    Ok(Standing::Either { .. }) => self.is_moving.load(Ordering::Acquire),
                    standing => matches!(standing, Ok(Standing::Migrating { .. })),
                };
                if standing.is_err() {
                    seal_type = stored.kind;
                }
                stored.split
            }),
        };
        let progress = self.transition.lock().await;
        Ok(Status {
            seal,
            recovery_seal: seal_type != seal::SHAMIR,
            seal_type,
            migration,
            sealed: unsealed.is_none(),
            progress: progress.as_ref().map_or(0, Quorum::progress),
            nonce: progress.as_ref().map_or("", Quorum::nonce).to_owned(),
            cluster: unsealed.map(|unsealed| unsealed.cluster.clone()),
            settings: self.settings.clone(),
            now: self.clock.now(),
        })
    }

    /// Makes the keys, the first root token and what every core has. It stays sealed, unless its
    /// seal opens by itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it was done before, or there would be no share of an unseal key;
    /// otherwise the store or the seal failed, and a store that got only part of it says so at
    /// unseal.
    pub async fn initialize(&self, config: SealConfig) -> Result<Secrets, Error> {
        let _transition = self.transition.lock().await;
        let already = || Error::invalid("Vault is already initialized");
        if seal::config(&*self.storage).await?.is_some() {
            return Err(already());
        }
        let now = self.clock.now();
        let lock = self.seals.wanted();
        if config == SealConfig::NONE && !lock.is_auto() {
            return Err(Error::invalid("shares must be at least one"));
        }
        let initialized = match seal::initialize(&*self.storage, &lock, config, now).await {
            Err(Error::Conflict(_)) => return Err(already()),
            other => other?,
        };
        let opens_itself = lock.is_auto();
        let unsealed = self.open(initialized.opened, lock, config).await?;
        let created = unsealed.tokens.create_root(now).await?;
        if opens_itself {
            self.unsealed.store(Some(Arc::new(unsealed)));
        }
        Ok(Secrets {
            shares: initialized.shares,
            root_token: created,
        })
    }

    /// Takes one share; with the last one needed, unseals.
    ///
    /// Where the seal opens by itself these are shares of the recovery key, which prove who may
    /// have it open again after it was sealed.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the share has no form of one, a migration is due, or the shares
    /// together open nothing; then the attempt begins anew. Otherwise the store or the seal failed.
    pub async fn unseal(&self, share: SecretBytes) -> Result<(), Error> {
        self.give(share, Purpose::Unseal).await
    }

    /// Takes one share of the key of the seal to migrate away from; with the last one needed, moves
    /// the store to the seal that the configuration wants, and unseals.
    ///
    /// # Errors
    /// As [`unseal`](Self::unseal), and [`Error::Invalid`] if no migration is due. Whatever fails,
    /// the store opens as before, or is moved.
    pub async fn migrate_seal(&self, share: SecretBytes) -> Result<(), Error> {
        self.give(share, Purpose::Migrate).await
    }

    async fn give(&self, share: SecretBytes, purpose: Purpose) -> Result<(), Error> {
        let mut progress = self.transition.lock().await;
        if self.unsealed().is_some() {
            return Ok(());
        }
        let Some(stored) = seal::config(&*self.storage).await? else {
            return Err(Error::invalid("Vault is not initialized"));
        };
        let (from, to) = match (self.standing(&stored).await?, purpose) {
            ((lock, None), Purpose::Unseal) => (lock, None),
            ((from, Some(to)), Purpose::Migrate) => (from, Some(to)),
            ((_, None), Purpose::Migrate) => {
                return Err(Error::invalid(
                    "can't perform a seal migration, no migration seal found",
                ));
            }
            ((_, Some(_)), Purpose::Unseal) => {
                return Err(Error::invalid(
                    "migrate option not provided and seal migration is pending",
                ));
            }
        };
        stored.split.check_share(&share)?;
        let quorum = progress.get_or_insert_with(Quorum::begin);
        let Given::Enough(shares) = quorum.give(share, stored.split.threshold) else {
            return Ok(());
        };
        *progress = None;
        let (key, opened) = opened(&*self.storage, &from, &stored, &shares).await?;
        let (opened, lock) = match to {
            None => (opened, from),
            Some(to) => (moved(&*self.storage, &to, &stored, &key, opened).await?, to),
        };
        let unsealed = self.open(opened, lock, stored.split).await?;
        self.unsealed.store(Some(Arc::new(unsealed)));
        self.is_moving.store(false, Ordering::Release);
        self.retry_at.store(0, Ordering::Release);
        Ok(())
    }

    /// Has a seal that opens by itself do so, if it is due, and do what it has to do. Call it once
    /// a second, beside [`tick`](Self::tick): a seal elsewhere may keep it waiting.
    ///
    /// # Errors
    /// It did not open; it is tried again after some seconds.
    pub async fn tend_seal(&self) -> Result<(), Error> {
        let Some(seal) = &self.seals.active else {
            return Ok(());
        };
        let now = self.clock.now();
        let retry_at = self.retry_at.load(Ordering::Acquire);
        // Also where an operator sealed the server: the seal shall be able to open it again.
        if self.unsealed().is_some() || retry_at == u64::MAX {
            return Ok(seal.tick(now).await?);
        }
        if now.unix_nanos() < retry_at {
            return Ok(());
        }
        // Before the attempt, so that an operator who seals meanwhile has the last word.
        let retry_at = now.plus(RETRY).unix_nanos();
        self.retry_at.store(retry_at, Ordering::Release);
        let Some(stored) = seal::config(&*self.storage).await? else {
            return Ok(());
        };
        let (lock, None) = self.standing(&stored).await? else {
            return Ok(seal.tick(now).await?);
        };
        // Without the lock of transitions: status is told while the other side is awaited.
        let root_key = seal::root_key_by(&*self.storage, &**seal).await?;
        let _transition = self.transition.lock().await;
        let is_sealed_on_purpose = self.retry_at.load(Ordering::Acquire) > retry_at;
        if self.unsealed().is_some() || is_sealed_on_purpose {
            return Ok(());
        }
        let opened = seal::open(&*self.storage, root_key).await?;
        let unsealed = self.open(opened, lock, stored.split).await?;
        self.unsealed.store(Some(Arc::new(unsealed)));
        tracing::info!(seal = seal.name(), "unsealed");
        Ok(())
    }

    /// Returns what opens the store, and what it is to be moved to.
    async fn standing(&self, stored: &StoredSeal) -> Result<(Lock, Option<Lock>), Error> {
        let standing = self.seals.standing(&stored.kind)?;
        let (lock, to) = seal::settled(&*self.storage, standing).await?;
        let was_moving = self.is_moving.swap(to.is_some(), Ordering::AcqRel);
        if let (Some(to), false) = (&to, was_moving) {
            tracing::warn!(
                from = lock.kind(),
                to = to.kind(),
                "the store is to be moved to another seal: unseal it with -migrate"
            );
        }
        Ok((lock, to))
    }

    /// Forgets the shares given so far.
    pub async fn reset_unseal(&self) {
        *self.transition.lock().await = None;
    }

    /// Forgets every key. Requests that were let in before finish; no new one is. A seal that
    /// opens by itself stays shut until enough shares are given, or the server starts anew.
    pub async fn seal(&self) {
        let _transition = self.transition.lock().await;
        self.retry_at.store(u64::MAX, Ordering::Release);
        let unsealed = self.unsealed.swap(None);
        self.host.end_monitors();
        if let Some(unsealed) = unsealed
            && let Err(error) = unsealed.audit.keep_heads().await
        {
            tracing::warn!(%error, "where the audit logs end could not be kept");
        }
    }
}

/// Opens what enough people want opened, and returns the key that their shares make.
async fn opened(
    storage: &dyn Storage,
    lock: &Lock,
    stored: &StoredSeal,
    shares: &[SecretBytes],
) -> Result<(SecretBytes, Opened), Error> {
    let wrong = || Error::invalid("unseal failed, invalid key");
    let key = seal::combine(stored.split, shares).ok_or_else(wrong)?;
    let opened = match lock {
        Lock::Shamir => {
            let root_key = seal::root_key(storage, &key).await?;
            let opened = seal::open(storage, root_key.ok_or_else(wrong)?).await?;
            Opened {
                unseal_key: Some(key.duplicate()),
                ..opened
            }
        }
        Lock::Auto(auto) => {
            let root_key = seal::root_key_by(storage, &**auto).await?;
            let opened = seal::open(storage, root_key).await?;
            if !seal::is_recovery_key(storage, &opened.keyring, &key).await? {
                return Err(Error::invalid(
                    "invalid key: failed to verify recovery key: recovery key does not match \
                     submitted values",
                ));
            }
            opened
        }
    };
    Ok((key, opened))
}

/// Moves an opened store to another seal. People keep their shares: those of the unseal key are
/// from then on shares of the recovery key, and the other way round.
async fn moved(
    storage: &dyn Storage,
    to: &Lock,
    stored: &StoredSeal,
    key: &SecretBytes,
    opened: Opened,
) -> Result<Opened, Error> {
    let Opened {
        keyring, revision, ..
    } = opened;
    let (root_key, revision) =
        seal::replace(storage, to, stored.split, key, &keyring, revision).await?;
    tracing::info!(
        from = stored.kind,
        to = to.kind(),
        "the store was moved to another seal"
    );
    Ok(Opened {
        unseal_key: (!to.is_auto()).then(|| key.duplicate()),
        root_key,
        keyring,
        revision,
    })
}
