//! Who failed lately, and how often: of bounded size, so that made-up names fill nothing.

use std::{
    collections::BTreeMap,
    ops::Bound::{Included, Unbounded},
    sync::Arc,
};

use keyward_crypto::encoding;
use sha2::{Digest as _, Sha256};

use super::Terms;
use crate::Timestamp;

/// How much room names take at most, in bytes; the ones that failed longest ago go first. To push
/// out one that counts, somebody must fail more than 30 000 times meanwhile: rate limits are for
/// that.
pub(super) const ROOM: usize = 8 << 20;

/// The room of a name beside its own letters.
const OVERHEAD: usize = 256;

/// The longest name that is kept as it is, in bytes.
const LONGEST: usize = 256;

/// Who is tried, at which mount.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    accessor: Arc<str>,
    alias: Arc<str>,
}

impl Name {
    /// Names somebody at the mount of an accessor. A name that is very long is known by its hash, so
    /// that one request cannot push others out.
    pub(super) fn new(accessor: &str, alias: &str) -> Self {
        let alias = if alias.len() <= LONGEST {
            Arc::from(alias)
        } else {
            let hash = encoding::encode_hex(&Sha256::digest(alias));
            Arc::from(format!("sha256:{hash}"))
        };
        Self {
            accessor: Arc::from(accessor),
            alias,
        }
    }

    /// Returns the accessor of the mount.
    pub(super) fn accessor(&self) -> &str {
        &self.accessor
    }

    /// Returns the name as it is shown.
    #[cfg(test)]
    pub(super) fn alias(&self) -> &str {
        &self.alias
    }

    fn room(&self) -> usize {
        OVERHEAD + self.accessor.len() + self.alias.len()
    }
}

/// The failures of one name.
#[derive(Debug)]
struct Record {
    failures: u64,
    last: Timestamp,
    /// From when on it counts for nothing.
    until: Timestamp,
    /// Where it stands among all, by its last failure.
    age: u64,
}

impl Record {
    fn is_locked(&self, terms: Terms, now: Timestamp) -> bool {
        self.failures >= terms.threshold && now.since(self.last) < terms.duration
    }
}

/// The failures of all.
#[derive(Debug, Default)]
pub(super) struct Book {
    records: BTreeMap<Name, Record>,
    by_age: BTreeMap<u64, Name>,
    next_age: u64,
    room: usize,
}

impl Book {
    /// Tells whether a name is locked.
    pub(super) fn is_locked(&self, name: &Name, terms: Terms, now: Timestamp) -> bool {
        let record = self.records.get(name);
        record.is_some_and(|record| record.is_locked(terms, now))
    }

    /// Counts a failure, and tells whether it is the one that locks.
    pub(super) fn fail(&mut self, name: &Name, terms: Terms, now: Timestamp) -> bool {
        let before = match self.records.get(name) {
            // It began before the lock did, and does not make it longer.
            Some(record) if record.is_locked(terms, now) => return false,
            Some(record)
                if record.failures < terms.threshold
                    && now.since(record.last) < terms.counter_reset =>
            {
                record.failures
            }
            _ => 0,
        };
        self.forget(name);
        let record = Record {
            failures: before + 1,
            last: now,
            until: now.plus(terms.duration.max(terms.counter_reset)),
            age: self.next_age,
        };
        let locks = record.is_locked(terms, now);
        self.next_age += 1;
        self.room += name.room();
        self.by_age.insert(record.age, name.clone());
        self.records.insert(name.clone(), record);
        self.make_room(now);
        locks
    }

    /// Forgets the failures of a name.
    pub(super) fn forget(&mut self, name: &Name) {
        if let Some(record) = self.records.remove(name) {
            self.by_age.remove(&record.age);
            self.room -= name.room();
        }
    }

    /// Returns who is locked at the mount of an accessor, in order.
    pub(super) fn locked(&self, accessor: &str, terms: Terms, now: Timestamp) -> Vec<String> {
        let first = Name::new(accessor, "");
        let records = self.records.range((Included(&first), Unbounded));
        records
            .take_while(|(name, _)| *name.accessor == *accessor)
            .filter(|(_, record)| record.is_locked(terms, now))
            .map(|(name, _)| name.alias.to_string())
            .collect()
    }

    /// Returns how much room the names take.
    #[cfg(test)]
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// Returns how many names there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Drops what counts no more, and the oldest where there is too much.
    fn make_room(&mut self, now: Timestamp) {
        while let Some((_, oldest)) = self.by_age.first_key_value() {
            let is_over = self.records.get(oldest).is_none_or(|it| it.until <= now);
            if !is_over && self.room <= ROOM {
                return;
            }
            let oldest = oldest.clone();
            self.forget(&oldest);
        }
    }
}
