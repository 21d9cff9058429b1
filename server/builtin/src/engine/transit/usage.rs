//! How often each version has encrypted, on record before it does, and when it was last used.
//!
//! Random nonces of 96 bits are safe for 2^32 encryptions with one key (NIST SP 800-38D section
//! 8.3). So that neither a crash nor another node lets a version make more, encryptions are taken
//! out of a budget that was added to the record first: what a crash forgets was counted, and not
//! made. Keys derived from a version share its budget, which again counts too many.
//!
//! In the same way a use is put on record for the rest of its hour, before its answer leaves: what
//! the record says is never earlier than the true last use, and a version in steady use costs one
//! write an hour.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use keyward_core::{Change, Error};
use keyward_crypto::{
    self as crypto, Keyring, Timestamp,
    ciphertext::{Ciphertext, Kind},
};
use tracing::warn;

use super::{
    fresh, input, keys,
    record::{Record, Use},
    store::{Edit, Key, Store, committed},
};

/// The least and the most that is put on record at once. A version begins with the least and then
/// doubles: what it forgets is never more than what it made, or the least.
const LEAST: u64 = 1 << 10;
const MOST: u64 = 1 << 20;

/// For how long a use is put on record, in seconds.
const HOUR: u64 = 3600;

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
    /// The second until which uses are on record.
    used_until: AtomicU64,
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

    /// Grants a key that is not stored yet the encryptions that will be stored with it, and puts
    /// its first use on record with them.
    pub(super) fn grant(&self, encryptions: u64, now: Timestamp) {
        for allowance in &self.versions {
            allowance.add(encryptions);
            allowance
                .used_until
                .store(end_of_hour(now), Ordering::Relaxed);
        }
    }

    /// Returns the change that puts on record what was granted to a new key.
    pub(super) fn record(&self, name: &str) -> Change {
        let numbers = (self.first..).zip(&self.versions);
        let record = numbers.map(|(number, allowance)| {
            let encryptions = allowance.recorded.load(Ordering::Relaxed);
            let used_until = allowance.used_until.load(Ordering::Relaxed);
            let used = Use {
                encryptions,
                used_until,
            };
            (number, used)
        });
        Record(record.collect()).put(name)
    }

    /// How many encryptions of a version are on record here and not made yet.
    pub(super) fn left(&self, version: u32) -> u64 {
        self.allowance(version)
            .map_or(0, |allowance| allowance.left.load(Ordering::Relaxed))
    }

    fn allowance(&self, version: u32) -> Option<&Allowance> {
        self.versions.get(version.checked_sub(self.first)? as usize)
    }
}

impl Store {
    /// Reads what is on record of the use of a key.
    pub(super) async fn usage(&self, name: &str) -> Result<Record, Error> {
        Ok(Record::read(self.upkeep(), name).await?.0)
    }

    /// Encrypts by `encrypt` with the version asked for, or with the latest, which it replaces by a
    /// new one when it is worn out. `key` is then the key with the new version.
    pub(super) async fn counted<T>(
        &self,
        name: &str,
        key: &mut Arc<Key>,
        version: Option<u32>,
        now: Timestamp,
        encrypt: impl Fn(&Keyring) -> Result<T, crypto::Error>,
    ) -> Result<T, Error> {
        loop {
            let number = version.unwrap_or_else(|| key.keyring.latest_version());
            self.take(name, key, number).await?;
            let outcome = if key.is_worn_out(number) {
                Err(crypto::Error::Exhausted(number))
            } else {
                encrypt(&key.keyring)
            };
            match outcome {
                Err(crypto::Error::Exhausted(worn)) if version.is_none() => {
                    self.renew(name, worn, now).await?;
                    let not_found = || Error::invalid("encryption key not found");
                    *key = self.find(name).await?.ok_or_else(not_found)?;
                }
                Err(error) => return Err(error.into()),
                Ok(encrypted) => {
                    self.mark(name, key, number, now).await;
                    return Ok(encrypted);
                }
            }
        }
    }

    /// Puts on record that a version was used, unless that is there already for this hour.
    ///
    /// A store that takes no writes just now does not keep anybody from decrypting: that is logged,
    /// and tried again at the next use.
    pub(super) async fn mark(&self, name: &str, key: &Key, version: u32, now: Timestamp) {
        let Some(allowance) = key.budget.allowance(version) else {
            return;
        };
        let now = now.unix_seconds();
        while allowance.used_until.load(Ordering::Relaxed) <= now {
            match self.record_use(name, version, now).await {
                Ok(Some(until)) => allowance.used_until.store(until, Ordering::Relaxed),
                // Somebody else wrote first: look what.
                Ok(None) => {}
                Err(error) => {
                    warn!(key = name, %error, "the use of a transit key is not on record");
                    return;
                }
            }
        }
    }

    /// Puts on record that the versions that texts name were used; see [`mark`](Self::mark).
    pub(super) async fn mark_named<'a>(
        &self,
        name: &str,
        key: &Key,
        texts: impl IntoIterator<Item = &'a str>,
        now: Timestamp,
    ) {
        let texts = texts.into_iter();
        let versions: BTreeSet<u32> = texts.filter_map(version_named).collect();
        for version in versions {
            self.mark(name, key, version, now).await;
        }
    }

    /// Tries to put a use on record; tells until when uses are there, or nothing if another
    /// request or node was first.
    async fn record_use(&self, name: &str, version: u32, now: u64) -> Result<Option<u64>, Error> {
        let (mut record, expect) = Record::read(self.upkeep(), name).await?;
        let used = record.0.entry(version).or_default();
        if used.used_until > now {
            return Ok(Some(used.used_until));
        }
        let until = end_of_hour(Timestamp::from_unix_nanos(now * 1_000_000_000));
        used.used_until = until;
        let put = record.put(name).expecting(expect);
        let committed = committed(self.upkeep().commit(vec![put]).await)?;
        Ok(committed.then_some(until))
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
        let (mut record, expect) = Record::read(self.upkeep(), name).await?;
        let recorded = &mut record.0.entry(version).or_default().encryptions;
        // What other nodes have put on record counts for this one's limit too.
        let known = key.keyring.encryptions(version);
        key.keyring
            .count_encryptions(version, recorded.saturating_sub(known));
        let more = allowance
            .recorded
            .load(Ordering::Relaxed)
            .clamp(LEAST, MOST);
        // Of a small limit no more than a small part may be forgotten.
        let more = match key.settings.max_encryptions {
            0 => more,
            limit => more.min((limit / 8).max(1)),
        };
        *recorded += more;
        let put = record.put(name).expecting(expect);
        if committed(self.upkeep().commit(vec![put]).await)? {
            allowance.add(more);
        }
        Ok(())
    }

    /// Rotates a key whose latest version is worn out, unless somebody has done it already.
    async fn renew(&self, name: &str, worn: u32, now: Timestamp) -> Result<(), Error> {
        let material = fresh::generate(self, name).await?;
        self.update(self.upkeep(), name, |key| {
            if key.keyring.latest_version() > worn {
                return Ok(Edit::Keep);
            }
            input::check_usable(key)?;
            if keys::check_rotatable(name, key).is_err() {
                return Err(crypto::Error::Exhausted(worn).into());
            }
            fresh::add(key, material.as_ref(), now)?;
            Ok(Edit::Write)
        })
        .await
        .map(drop)
    }
}

impl Key {
    /// Whether a version has made as many encryptions as its owner lets it make.
    fn is_worn_out(&self, version: u32) -> bool {
        let limit = self.settings.max_encryptions;
        limit > 0 && self.keyring.encryptions(version) >= limit
    }
}

/// The version that made a ciphertext, signature or HMAC; those from before there were versions say
/// 0.
fn version_named(text: &str) -> Option<u32> {
    let parsed = Ciphertext::parse(Kind::Ciphertext, text).ok()?;
    u32::try_from(parsed.version().max(1)).ok()
}

/// The end of the hour that `now` is in, in seconds since 1970.
const fn end_of_hour(now: Timestamp) -> u64 {
    (now.unix_seconds() / HOUR + 1) * HOUR
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
        budget.grant(2, Timestamp::from_unix_nanos(0));
        assert!(allowance.take(1) && allowance.take(1) && !allowance.take(1));
    }

    #[test]
    fn versions_that_are_not_there_have_no_budget() {
        let budget = budget();
        assert!(budget.allowance(0).is_none());
        assert!(budget.allowance(2).is_none());
    }

    #[test]
    fn the_end_of_an_hour_is_after_all_of_it() {
        for (now, end) in [(0, 3600), (3599, 3600), (3600, 7200)] {
            let now = Timestamp::from_unix_nanos(now * 1_000_000_000);
            assert_eq!(end_of_hour(now), end);
        }
    }
}
