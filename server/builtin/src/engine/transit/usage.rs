//! How often each version has encrypted, on record before it does.
//!
//! Random nonces of 96 bits are safe for 2^32 encryptions with one key (NIST SP 800-38D section
//! 8.3). So that neither a crash nor another node lets a version make more, encryptions are taken
//! out of a budget that was added to the record first: what a crash forgets was counted, and not
//! made. Keys derived from a version share its budget, which again counts too many.
//!
//! The record stands beside the key, so that counting does not change the key:
//! ```text
//! usage/NAME = {"1": 4096, "2": 1024}   encryptions by version, as JSON
//! ```

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use keyward_core::{Change, Error, storage::Expect};
use keyward_crypto::{self as crypto, Keyring, SecretBytes, Timestamp};

use super::store::{Edit, Key, Store, committed};

/// The least and the most that is put on record at once. A version begins with the least and then
/// doubles: what it forgets is never more than what it made, or the least.
const LEAST: u64 = 1 << 10;
const MOST: u64 = 1 << 20;

type Record = BTreeMap<u32, u64>;

/// The encryptions that are on record and not made yet, for each version of a key.
pub(super) struct Budget {
    first: u32,
    versions: Vec<Allowance>,
}

/// What is left of the budget of one version, and what was put on record since it was loaded.
#[derive(Default)]
struct Allowance {
    left: AtomicU64,
    recorded: AtomicU64,
}

impl Allowance {
    fn take(&self, encryptions: u64) -> bool {
        let (order, failed) = (Ordering::Relaxed, Ordering::Relaxed);
        self.left
            .fetch_update(order, failed, |left| left.checked_sub(encryptions))
            .is_ok()
    }

    fn add(&self, encryptions: u64) {
        self.recorded.fetch_add(encryptions, Ordering::Relaxed);
        self.left.fetch_add(encryptions, Ordering::Relaxed);
    }
}

impl Budget {
    /// Begins with nothing.
    pub(super) fn new(keyring: &Keyring) -> Self {
        let first = keyring.min_available_version().max(1);
        let versions = (first..=keyring.latest_version())
            .map(|_| Allowance::default())
            .collect();
        Self { first, versions }
    }

    /// Grants a key that is not stored yet the encryptions that will be stored with it.
    pub(super) fn grant(&self, encryptions: u64) {
        for allowance in &self.versions {
            allowance.add(encryptions);
        }
    }

    /// Returns the change that puts on record what was granted to a new key.
    pub(super) fn record(&self, name: &str) -> Change {
        let numbers = (self.first..).zip(&self.versions);
        let record =
            numbers.map(|(number, allowance)| (number, allowance.recorded.load(Ordering::Relaxed)));
        Change::put(path(name), encode(&record.collect()))
    }

    /// Returns the change that removes the record of a key.
    pub(super) fn erase(name: &str) -> Change {
        Change::delete(path(name))
    }

    fn allowance(&self, version: u32) -> Option<&Allowance> {
        self.versions.get(version.checked_sub(self.first)? as usize)
    }
}

impl Store {
    /// Encrypts by `encrypt` with the version asked for, or with the latest, which it replaces by a
    /// new one when it is worn out. `key` is then the key with the new version.
    pub(super) async fn counted<T>(
        &self,
        name: &str,
        key: &mut std::sync::Arc<Key>,
        version: Option<u32>,
        now: Timestamp,
        encrypt: impl Fn(&Keyring) -> Result<T, crypto::Error>,
    ) -> Result<T, Error> {
        loop {
            let number = version.unwrap_or_else(|| key.keyring.latest_version());
            self.take(name, key, number).await?;
            match encrypt(&key.keyring) {
                Err(crypto::Error::Exhausted(worn)) if version.is_none() => {
                    self.replace(name, worn, now).await?;
                    let not_found = || Error::invalid("encryption key not found");
                    *key = self.find(name).await?.ok_or_else(not_found)?;
                }
                other => return Ok(other?),
            }
        }
    }

    /// Takes one encryption out of the budget of a version. One that the key does not have is left
    /// for the keyring to refuse.
    async fn take(&self, name: &str, key: &Key, version: u32) -> Result<(), Error> {
        let Some(allowance) = key.budget.allowance(version) else {
            return Ok(());
        };
        while !allowance.take(1) {
            self.reserve(name, key, version, allowance).await?;
        }
        Ok(())
    }

    /// Tries to put more encryptions on record. If another request or node is first nothing
    /// happens, and the caller looks again.
    ///
    /// For a key that was deleted meanwhile this leaves a record behind; a key that is created
    /// under the name begins it anew.
    async fn reserve(
        &self,
        name: &str,
        key: &Key,
        version: u32,
        allowance: &Allowance,
    ) -> Result<(), Error> {
        let (mut record, expect) = match self.upkeep().get(&path(name)).await? {
            Some(entry) => (decode(&entry.value)?, Expect::At(entry.revision)),
            None => (Record::new(), Expect::Absent),
        };
        let recorded = record.entry(version).or_default();
        // What other nodes have put on record counts for this one's limit too.
        let known = key.keyring.encryptions(version);
        key.keyring
            .count_encryptions(version, recorded.saturating_sub(known));
        let more = allowance
            .recorded
            .load(Ordering::Relaxed)
            .clamp(LEAST, MOST);
        *recorded += more;
        let put = Change::put(path(name), encode(&record)).expecting(expect);
        if committed(self.upkeep().commit(vec![put]).await)? {
            allowance.add(more);
        }
        Ok(())
    }

    /// Rotates a key whose latest version is worn out, unless somebody has done it already.
    async fn replace(&self, name: &str, worn: u32, now: Timestamp) -> Result<(), Error> {
        self.update(self.upkeep(), name, |key| {
            if key.keyring.latest_version() > worn {
                return Ok(Edit::Keep);
            }
            key.keyring.rotate(now)?;
            Ok(Edit::Write)
        })
        .await
        .map(drop)
    }
}

fn path(name: &str) -> String {
    format!("usage/{name}")
}

fn encode(record: &Record) -> SecretBytes {
    SecretBytes::new(serde_json::to_vec(record).expect("numbers serialize"))
}

fn decode(record: &SecretBytes) -> Result<Record, Error> {
    // EXPOSE: counts are not secret.
    serde_json::from_slice(record.expose()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use keyward_crypto::{Derivation, key_type};

    use super::*;

    fn budget() -> Budget {
        let created = Timestamp::from_unix_nanos(0);
        let key_type = key_type("aes256-gcm96").unwrap();
        Budget::new(&Keyring::generate(key_type, Derivation::None, created).unwrap())
    }

    #[test]
    fn nothing_is_taken_that_was_not_granted() {
        let budget = budget();
        let allowance = budget.allowance(1).unwrap();
        assert!(!allowance.take(1));
        budget.grant(2);
        assert!(allowance.take(1) && allowance.take(1) && !allowance.take(1));
    }

    #[test]
    fn versions_that_are_not_there_have_no_budget() {
        let budget = budget();
        assert!(budget.allowance(0).is_none());
        assert!(budget.allowance(2).is_none());
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let record = Record::from([(1, 4096), (12, 1)]);
        assert_eq!(decode(&encode(&record)).unwrap(), record);
    }
}
