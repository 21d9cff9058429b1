//! The named keys of a mount: durable, changed by compare-and-set, read as immutable snapshots.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use keyward_api::transit::CacheConfig;
use keyward_core::{
    Change, Error, View,
    storage::{Expect, Revision},
};
use keyward_crypto::{Keyring, SecretBytes};
use serde::{Deserialize, Serialize};

use super::{record::Record, retention::Retention, snapshots::Snapshots, usage::Budget};

/// The folder of the keys: `policy/NAME`, as Vault calls it.
const KEYS: &str = "policy/";
/// Where it is written how many keys stay in memory.
const CACHE: &str = "config/cache";

/// One named key. Once it is shared it does not change any more, but for its counts.
pub(super) struct Key {
    pub(super) keyring: Keyring,
    pub(super) settings: Settings,
    /// The encryptions that are on record and not made yet.
    pub(super) budget: Budget,
}

/// What an operator says about a key, beside the rules of its versions.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) allow_plaintext_backup: bool,
    /// The alphabet of its values, of a type that keeps the format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alphabet: Option<String>,
    /// Seconds; 0 is never.
    pub(super) auto_rotate_period: u64,
    /// Labels of the operator's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) custom_metadata: BTreeMap<String, String>,
    pub(super) deletion_allowed: bool,
    pub(super) exportable: bool,
    /// After how many encryptions a version is replaced; 0 is when its nonces ask for it.
    pub(super) max_encryptions: u64,
    /// Whether all versions were made elsewhere.
    pub(super) imported: bool,
    /// Whether an imported key may get versions that are made here.
    pub(super) allow_rotation: bool,
    /// The versions that are out of use, until this is undone.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) disabled_versions: BTreeSet<u32>,
    /// When old versions go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retention: Option<Retention>,
    /// Whether every use is refused, until this is undone.
    pub(super) soft_deleted: bool,
    /// The template of its values, in the place of an alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backup_info: Option<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restore_info: Option<Event>,
}

/// Something that was done with a whole key.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Event {
    /// When, in nanoseconds since 1970.
    pub(super) time: u64,
    /// The latest version then.
    pub(super) version: u32,
}

/// Whether a change of a key is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    Keep,
    Write,
}

/// The keys of one mount.
pub(super) struct Store {
    /// For reading, and for what belongs to no request: counts, rotation that is due.
    view: View,
    snapshots: Arc<Snapshots<Key>>,
    /// Whether the size of the cache must be read again.
    resize: AtomicBool,
}

impl Store {
    pub(super) fn new(view: View) -> Self {
        Self {
            view,
            snapshots: Arc::new(Snapshots::new()),
            resize: AtomicBool::new(true),
        }
    }

    /// Returns the storage that belongs to no request.
    pub(super) const fn upkeep(&self) -> &View {
        &self.view
    }

    /// Finds a key.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Arc<Key>>, Error> {
        if let Some(key) = self.snapshots.get(name) {
            return Ok(Some(key));
        }
        let noted = self.snapshots.note(name);
        let read = read(&self.view, name).await?;
        Ok(read.map(|(key, _)| self.snapshots.keep(name, noted, key)))
    }

    /// Reads a key past the snapshots: for upkeep that visits every key.
    pub(super) async fn inspect(&self, name: &str) -> Result<Option<Key>, Error> {
        Ok(read(&self.view, name).await?.map(|(key, _)| key))
    }

    /// Names the keys after `after`, at most `limit`, in byte order.
    pub(super) async fn list(
        &self,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, Error> {
        self.view.list(KEYS, after, limit).await
    }

    /// Adds a key; false, and nothing changed, if there is one of this name.
    pub(super) async fn create(&self, view: &View, name: &str, key: &Key) -> Result<bool, Error> {
        let put = Change::put(path(name), key.encode()).expecting(Expect::Absent);
        self.commit(view, name, vec![put, key.budget.record(name)])
            .await
    }

    /// Adds a key that comes with a record of its use; false, and nothing changed, if there is one
    /// of this name.
    pub(super) async fn adopt(
        &self,
        view: &View,
        name: &str,
        key: &Key,
        usage: &Record,
    ) -> Result<bool, Error> {
        let put = Change::put(path(name), key.encode()).expecting(Expect::Absent);
        self.commit(view, name, vec![put, usage.put(name)]).await
    }

    /// Writes a key that comes with a record of its use, in the place of another if there is one.
    /// It may be the same key as it was before, so what that has done since counts too.
    pub(super) async fn replace(
        &self,
        view: &View,
        name: &str,
        key: &Key,
        usage: &Record,
    ) -> Result<(), Error> {
        loop {
            let (record, expect) = Record::read(&self.view, name).await?;
            let put = Change::put(path(name), key.encode());
            let record = record.united(usage).put(name).expecting(expect);
            if self.commit(view, name, vec![put, record]).await? {
                return Ok(());
            }
        }
    }

    /// Changes a key and returns it; none if there is no such key. `change` may run again on what
    /// another writer has left.
    pub(super) async fn update(
        &self,
        view: &View,
        name: &str,
        change: impl Fn(&mut Key) -> Result<Edit, Error>,
    ) -> Result<Option<Key>, Error> {
        // It ends: whenever this writer has to begin again, another one came through.
        loop {
            let Some((mut key, revision)) = read(&self.view, name).await? else {
                return Ok(None);
            };
            if change(&mut key)? == Edit::Keep {
                return Ok(Some(key));
            }
            let put = Change::put(path(name), key.encode()).expecting(Expect::At(revision));
            if self.commit(view, name, vec![put]).await? {
                return Ok(Some(key));
            }
        }
    }

    /// Deletes a key that `allow` lets go; false if there is no such key.
    ///
    /// Who holds its snapshot may still finish with it: that request came before the deletion.
    pub(super) async fn delete(
        &self,
        view: &View,
        name: &str,
        allow: impl Fn(&Key) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        loop {
            let Some((key, revision)) = read(&self.view, name).await? else {
                return Ok(false);
            };
            allow(&key)?;
            let delete = Change::delete(path(name)).expecting(Expect::At(revision));
            if self
                .commit(view, name, vec![delete, Record::erase(name)])
                .await?
            {
                return Ok(true);
            }
        }
    }

    /// Tells how many keys stay in memory.
    pub(super) async fn cache_config(&self) -> Result<CacheConfig, Error> {
        let read = self.view.get_as(CACHE).await?;
        Ok(read.map_or_else(CacheConfig::default, |(config, _)| config))
    }

    /// Sets how many keys stay in memory.
    pub(super) async fn configure_cache(
        &self,
        view: &View,
        config: CacheConfig,
    ) -> Result<(), Error> {
        view.put_as(CACHE, &config).await?;
        self.snapshots.resize(config.size);
        Ok(())
    }

    /// Gives the cache the size that is written, if it may have another one: after the start, and
    /// when another node wrote it.
    pub(super) async fn resize_cache(&self) -> Result<(), Error> {
        if !self.resize.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        match self.cache_config().await {
            Ok(config) => {
                self.snapshots.resize(config.size);
                Ok(())
            }
            Err(error) => {
                self.resize.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Drops the snapshot of a storage key that another node changed, or all.
    pub(super) fn forget(&self, key: Option<&str>) {
        if key.is_none_or(|key| key == CACHE) {
            self.resize.store(true, Ordering::Relaxed);
        }
        match key.map(|key| key.strip_prefix(KEYS)) {
            None => self.snapshots.invalidate_all(),
            Some(Some(name)) => self.snapshots.invalidate(name),
            Some(None) => {}
        }
    }

    /// Commits a change of a key and drops its snapshot; false, and nothing changed, if another
    /// writer was first.
    ///
    /// It runs in a task of its own: a caller that hangs up in between does not undo the commit,
    /// and must not leave a snapshot behind that is out of date.
    pub(super) async fn commit(
        &self,
        view: &View,
        name: &str,
        changes: Vec<Change>,
    ) -> Result<bool, Error> {
        let (view, name) = (view.clone(), name.to_owned());
        let snapshots = Arc::clone(&self.snapshots);
        let commit = tokio::spawn(async move {
            let outcome = view.commit(changes).await;
            // Whatever the outcome: after some errors it is not known.
            snapshots.invalidate(&name);
            committed(outcome)
        });
        commit.await.map_err(|_| Error::panicked())?
    }
}

impl Key {
    pub(super) fn new(mut keyring: Keyring, settings: Settings) -> Self {
        keyring.set_disabled(settings.disabled_versions.clone());
        let budget = Budget::new(&keyring);
        Self {
            keyring,
            settings,
            budget,
        }
    }

    /// Writes the durable form:
    /// ```text
    /// length u32 BE ‖ settings as JSON ‖ keyring
    /// ```
    pub(super) fn encode(&self) -> SecretBytes {
        let settings = serde_json::to_vec(&self.settings).expect("plain fields serialize");
        let keyring = self.keyring.encode();
        // EXPOSE: copied into the durable form, which is wiped too and sealed by the barrier.
        let keyring = keyring.expose();
        let length = u32::try_from(settings.len()).expect("settings are short");
        // Reserved whole: a buffer that grew would leave copies behind.
        let mut out = Vec::with_capacity(4 + settings.len() + keyring.len());
        out.extend(length.to_be_bytes());
        out.extend(settings);
        out.extend_from_slice(keyring);
        SecretBytes::new(out)
    }

    pub(super) fn decode(bytes: &SecretBytes) -> Result<Self, Error> {
        let damaged = || Error::internal("a stored transit key is damaged");
        // EXPOSE: taken apart into settings and the keyring, which keeps its keys wrapped.
        let bytes = bytes.expose();
        let (length, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (settings, keyring) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let settings = serde_json::from_slice(settings).map_err(Error::internal)?;
        Ok(Self::new(Keyring::decode(keyring)?, settings))
    }
}

pub(super) fn path(name: &str) -> String {
    format!("{KEYS}{name}")
}

pub(super) async fn read(view: &View, name: &str) -> Result<Option<(Key, Revision)>, Error> {
    let Some(entry) = view.get(&path(name)).await? else {
        return Ok(None);
    };
    Ok(Some((Key::decode(&entry.value)?, entry.revision)))
}

/// Tells whether a commit came through or another writer was first.
pub(super) fn committed(commit: Result<Revision, Error>) -> Result<bool, Error> {
    match commit {
        Ok(_) => Ok(true),
        Err(Error::Conflict(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::{Derivation, key_type};
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        let key_type = key_type("aes256-gcm96").unwrap();
        let created = keyward_crypto::Timestamp::from_unix_nanos(7);
        let keyring = Keyring::generate(key_type, Derivation::None, created).unwrap();
        let settings = Settings {
            auto_rotate_period: 3600,
            exportable: true,
            ..Settings::default()
        };
        Key::new(keyring, settings)
    }

    #[test]
    fn a_key_reads_as_it_was_written() {
        let key = key();
        let read = Key::decode(&key.encode()).unwrap();
        assert_eq!(read.settings, key.settings);
        assert_eq!(read.keyring.encode(), key.keyring.encode());
    }

    #[test]
    fn a_key_cut_short_is_refused() {
        let whole = key().encode();
        for length in 0..whole.expose().len() {
            let cut = SecretBytes::from(&whole.expose()[..length]);
            assert!(Key::decode(&cut).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..150, with: u8) {
            let mut damaged = key().encode();
            if let Some(byte) = damaged.expose_mut().get_mut(at) {
                *byte ^= with;
            }
            let _ = Key::decode(&damaged);
        }
    }
}
