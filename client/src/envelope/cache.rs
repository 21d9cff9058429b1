//! Data keys, kept for a while.
//!
//! **Invariant:** no clock is read here: moments are passed in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
enum Place {
    Sealing(Suite),
    Opening(Suite, String),
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
    stats: EnvelopeStats,
    turn: u64,
}

impl DataKeys {
    pub(super) fn new(limits: EnvelopeLimits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
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

    /// A key to seal `bytes` with, if one is kept that may.
    pub(super) fn take_sealing(
        &mut self,
        suite: Suite,
        bytes: u64,
        now: SystemTime,
    ) -> Option<Arc<Kept>> {
        self.take(&Place::Sealing(suite), bytes, now)
    }

    /// The key that a header wraps, if it is kept.
    pub(super) fn take_opening(
        &mut self,
        header: &Header,
        bytes: u64,
        now: SystemTime,
    ) -> Option<Arc<Kept>> {
        self.take(&opening(header), bytes, now)
    }

    /// Keeps a key that the server made and uses it once, whatever its limits.
    pub(super) fn keep_sealing(
        &mut self,
        key: DataKey,
        header: Header,
        bytes: u64,
        now: SystemTime,
    ) -> Arc<Kept> {
        let place = Place::Sealing(key.suite());
        self.keep(place, Kept { key, header }, bytes, now)
    }

    /// Keeps a key that the server unwrapped, as above.
    pub(super) fn keep_opening(
        &mut self,
        key: DataKey,
        header: Header,
        bytes: u64,
        now: SystemTime,
    ) -> Arc<Kept> {
        self.keep(opening(&header), Kept { key, header }, bytes, now)
    }

    /// Counts bytes of a stream, whose length is known at its end.
    pub(super) fn spend(&mut self, suite: Suite, bytes: u64) {
        self.stats.bytes += bytes;
        if let Some(entry) = self.entries.get_mut(&Place::Sealing(suite)) {
            entry.bytes = entry.bytes.saturating_add(bytes);
        }
    }

    fn take(&mut self, place: &Place, bytes: u64, now: SystemTime) -> Option<Arc<Kept>> {
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

    fn keep(&mut self, place: Place, kept: Kept, bytes: u64, now: SystemTime) -> Arc<Kept> {
        let kept = Arc::new(kept);
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
}

fn opening(header: &Header) -> Place {
    Place::Opening(header.suite(), header.wrapped_key().to_owned())
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
        keys.keep_sealing(key, header, 10, NOW);
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
            keys.take_sealing(Suite::Record, bytes, now).is_some()
        };
        let mut keys = kept(limits);
        assert!(take(&mut keys, 0, 59) && take(&mut keys, 20, 59));
        assert!(!take(&mut keys, 0, 0), "three uses");
        assert!(!take(&mut kept(limits), 21, 0), "bytes");
        assert!(!take(&mut kept(limits), 0, 60), "time");
        let mut keys = kept(limits);
        assert!(
            keys.take_sealing(Suite::Stream, 0, NOW).is_none(),
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
        keys.keep_sealing(stream, header, 0, NOW);
        assert!(keys.take_sealing(Suite::Record, 0, NOW).is_some());
        let (opened, header) = key(Suite::Record);
        keys.keep_opening(opened, header.clone(), 0, NOW);
        assert!(keys.take_sealing(Suite::Stream, 0, NOW).is_none());
        assert!(keys.take_sealing(Suite::Record, 0, NOW).is_some());
        assert!(keys.take_opening(&header, 0, NOW).is_some());
        assert_eq!((keys.stats().evictions, keys.stats().hits), (1, 3));
        let zero = EnvelopeLimits {
            max_uses: 0,
            ..limits
        };
        assert!(zero.check().is_err());
    }
}
