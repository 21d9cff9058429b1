//! Data keys, kept for a while.
//!
//! **Invariant:** no clock is read here: moments are passed in.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use futures_util::lock::{Mutex, OwnedMutexGuard};
use keyward_crypto::envelope::{DataKey, Header, Suite};

use crate::Error;

/// How long and how much one data key is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeLimits {
    /// Bytes after which a key is not given out anew; 64 GiB. A stream that has it goes on, however
    /// long it is: its segments have a key of their own.
    pub max_bytes: u64,
    /// Records and streams; 2^20.
    pub max_uses: u64,
    /// Since the server gave it; 5 minutes.
    pub ttl: Duration,
    /// How many keys are kept, for sealing and opening together; 16.
    pub max_entries: usize,
}

impl Default for EnvelopeLimits {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 30,
            max_uses: 1 << 20,
            ttl: Duration::from_secs(300),
            max_entries: 16,
        }
    }
}

impl EnvelopeLimits {
    pub(super) fn check(&self) -> Result<(), Error> {
        let counts = [self.max_bytes, self.max_uses, self.max_entries as u64];
        if counts.contains(&0) || self.ttl.is_zero() {
            return Err(Error::Invalid("a limit of an envelope is zero".to_owned()));
        }
        Ok(())
    }
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnvelopeStats {
    /// Uses that a kept key served.
    pub hits: u64,
    /// Uses for which the server was asked.
    pub misses: u64,
    /// Keys that went before their time, to make room.
    pub evictions: u64,
    /// Records, streams and ranges that were sealed and opened.
    pub uses: u64,
    /// Bytes that they were known to have when they began, and those of whole streams.
    pub bytes: u64,
}

/// A data key, and the header of what it seals.
pub(super) struct Kept {
    key: DataKey,
    header: Header,
}

impl Kept {
    pub(super) fn key(&self) -> &DataKey {
        &self.key
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }
}

/// What a key is found by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Sealing(Suite),
    Opening(Suite, String),
}

impl Place {
    /// That of the key which a header wraps.
    pub(super) fn of(header: &Header) -> Self {
        Self::Opening(header.suite(), header.wrapped_key().to_owned())
    }
}

/// Where a call that needs a key gets it.
pub(super) enum Found {
    /// It is kept.
    Kept(Arc<Kept>),
    /// The server is to be asked. Until this is dropped, nobody else asks for the same.
    Missing(OwnedMutexGuard<()>),
    /// Somebody asks the server, and is done when this can be locked.
    Underway(Arc<Mutex<()>>),
}

struct Entry {
    kept: Arc<Kept>,
    expires: Option<SystemTime>,
    uses: u64,
    bytes: u64,
    /// When it was used last, as a number that only grows.
    turn: u64,
}

/// The keys that are kept.
pub(super) struct DataKeys {
    limits: EnvelopeLimits,
    entries: HashMap<Place, Entry>,
    /// What the server is being asked for.
    underway: HashMap<Place, Weak<Mutex<()>>>,
    stats: EnvelopeStats,
    turn: u64,
}

impl DataKeys {
    pub(super) fn new(limits: EnvelopeLimits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            underway: HashMap::new(),
            stats: EnvelopeStats::default(),
            turn: 0,
        }
    }

    pub(super) fn stats(&self) -> EnvelopeStats {
        self.stats
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Finds a key for `bytes`, or who asks for one.
    pub(super) fn find(&mut self, place: &Place, bytes: u64, now: SystemTime) -> Found {
        if let Some(kept) = self.take(place, bytes, now) {
            return Found::Kept(kept);
        }
        self.underway.retain(|_, turn| turn.strong_count() > 0);
        let turn = self.underway.get(place).and_then(Weak::upgrade);
        let turn = turn.unwrap_or_default();
        self.underway.insert(place.clone(), Arc::downgrade(&turn));
        match turn.try_lock_owned() {
            Some(turn) => Found::Missing(turn),
            None => Found::Underway(turn),
        }
    }

    /// A key for `bytes`, if one is kept that may still be used.
    pub(super) fn take(&mut self, place: &Place, bytes: u64, now: SystemTime) -> Option<Arc<Kept>> {
        let entry = self.entries.get_mut(place)?;
        let serves = entry.uses < self.limits.max_uses
            && entry.bytes.saturating_add(bytes) <= self.limits.max_bytes
            && entry.expires.is_some_and(|expires| now < expires);
        if !serves {
            self.entries.remove(place);
            return None;
        }
        self.turn += 1;
        entry.turn = self.turn;
        entry.uses += 1;
        entry.bytes += bytes;
        self.stats.hits += 1;
        self.stats.uses += 1;
        self.stats.bytes += bytes;
        Some(Arc::clone(&entry.kept))
    }

    /// Keeps a key that came from the server and uses it once, whatever its limits.
    pub(super) fn keep(
        &mut self,
        place: Place,
        key: DataKey,
        header: Header,
        bytes: u64,
        now: SystemTime,
    ) -> Arc<Kept> {
        let kept = Arc::new(Kept { key, header });
        self.turn += 1;
        self.stats.misses += 1;
        self.stats.uses += 1;
        self.stats.bytes += bytes;
        let entry = Entry {
            kept: Arc::clone(&kept),
            expires: now.checked_add(self.limits.ttl),
            uses: 1,
            bytes,
            turn: self.turn,
        };
        self.entries.insert(place, entry);
        while self.entries.len() > self.limits.max_entries {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.turn);
            let Some(oldest) = oldest.map(|(place, _)| place.clone()) else {
                break;
            };
            self.entries.remove(&oldest);
            self.stats.evictions += 1;
        }
        kept
    }

    /// Counts bytes of a stream, whose length is known at its end.
    pub(super) fn spend(&mut self, suite: Suite, bytes: u64) {
        self.stats.bytes += bytes;
        if let Some(entry) = self.entries.get_mut(&Place::Sealing(suite)) {
            entry.bytes = entry.bytes.saturating_add(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::SecretBytes;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn key(suite: Suite) -> (DataKey, Header) {
        let key = DataKey::new(suite, &SecretBytes::new(vec![7; 32])).unwrap();
        let header = Header::new(suite, "transit/k", *key.commitment(), "vault:v1:AAAA").unwrap();
        (key, header)
    }

    fn kept(limits: EnvelopeLimits) -> DataKeys {
        let mut keys = DataKeys::new(limits);
        let (key, header) = key(Suite::Record);
        keys.keep(Place::Sealing(Suite::Record), key, header, 10, NOW);
        keys
    }

    #[test]
    fn a_key_serves_within_its_limits() {
        let limits = EnvelopeLimits {
            max_bytes: 30,
            max_uses: 3,
            ttl: Duration::from_secs(60),
            max_entries: 4,
        };
        let take = |keys: &mut DataKeys, bytes, seconds| {
            let now = NOW + Duration::from_secs(seconds);
            keys.take(&Place::Sealing(Suite::Record), bytes, now)
                .is_some()
        };
        let mut keys = kept(limits);
        assert!(take(&mut keys, 0, 59) && take(&mut keys, 20, 59));
        assert!(!take(&mut keys, 0, 0), "three uses");
        assert!(!take(&mut kept(limits), 21, 0), "bytes");
        assert!(!take(&mut kept(limits), 0, 60), "time");
        let mut keys = kept(limits);
        assert!(
            keys.take(&Place::Sealing(Suite::Stream), 0, NOW).is_none(),
            "another suite"
        );
        keys.clear();
        assert!(!take(&mut keys, 0, 0), "cleared");
    }

    #[test]
    fn the_longest_unused_makes_room() {
        let limits = EnvelopeLimits {
            max_entries: 2,
            ..EnvelopeLimits::default()
        };
        let mut keys = kept(limits);
        let (stream, header) = key(Suite::Stream);
        keys.keep(Place::Sealing(Suite::Stream), stream, header, 0, NOW);
        assert!(keys.take(&Place::Sealing(Suite::Record), 0, NOW).is_some());
        let (opened, header) = key(Suite::Record);
        keys.keep(Place::of(&header), opened, header.clone(), 0, NOW);
        assert!(keys.take(&Place::Sealing(Suite::Stream), 0, NOW).is_none());
        assert!(keys.take(&Place::Sealing(Suite::Record), 0, NOW).is_some());
        assert!(keys.take(&Place::of(&header), 0, NOW).is_some());
        assert_eq!((keys.stats().evictions, keys.stats().hits), (1, 3));
        let zero = EnvelopeLimits {
            max_uses: 0,
            ..limits
        };
        assert!(zero.check().is_err());
    }
}
