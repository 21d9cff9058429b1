//! What was read of the keys, kept so that it is never older than a finished change.

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, sync::Arc};

use parking_lot::Mutex;
use quick_cache::sync::Cache;

/// How many keys stay in memory, at a few kilobytes each. One more costs its next user a read.
const CACHED: usize = 1 << 16;

/// Immutable snapshots by name.
///
/// Readers put in what they read; writers only take out. A writer commits to the store first and
/// then [`invalidate`](Self::invalidate)s: it moves the name's epoch on and removes the snapshot. A
/// reader [`note`](Self::note)s the epoch before it reads the store, and its snapshot is
/// [`keep`](Self::keep)t only if the epoch is still the same. Both happen under the lock of the
/// epoch. So of a reader and a writer that race,
/// - a reader that noted the epoch before the writer moved it either comes too late to keep
///   anything, or keeps its snapshot in time for the writer to remove it;
/// - a reader that noted it after the writer moved it reads what was committed.
///
/// Writers never put in what they wrote: of two, the first to commit could be the last to put.
pub(super) struct Snapshots<V> {
    cache: Cache<String, Arc<V>>,
    /// Names share epochs by their hash. A writer of one then makes a reader of another read again,
    /// no more.
    epochs: [Mutex<u64>; 64],
    hasher: RandomState,
}

/// The epoch of a name at the moment when its reader began.
#[derive(Clone, Copy)]
pub(super) struct Noted(u64);

impl<V> Snapshots<V> {
    pub(super) fn new() -> Self {
        Self {
            cache: Cache::new(CACHED),
            epochs: [const { Mutex::new(0) }; 64],
            hasher: RandomState::new(),
        }
    }

    /// Returns the snapshot, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<Arc<V>> {
        self.cache.get(name)
    }

    /// Notes that a reader is about to read the store.
    pub(super) fn note(&self, name: &str) -> Noted {
        Noted(*self.epoch(name).lock())
    }

    /// Takes what a reader has read, and returns what it shall use: all who read the same share one
    /// snapshot. Nothing is kept that may be out of date.
    pub(super) fn keep(&self, name: &str, noted: Noted, value: V) -> Arc<V> {
        let epoch = self.epoch(name).lock();
        if *epoch != noted.0 {
            return Arc::new(value);
        }
        if let Some(kept) = self.cache.get(name) {
            return kept;
        }
        let value = Arc::new(value);
        self.cache.insert(name.to_owned(), Arc::clone(&value));
        value
    }

    /// Drops the snapshot of a name that was changed in the store.
    pub(super) fn invalidate(&self, name: &str) {
        let mut epoch = self.epoch(name).lock();
        *epoch += 1;
        self.cache.remove(name);
    }

    /// Drops all snapshots.
    pub(super) fn invalidate_all(&self) {
        for epoch in &self.epochs {
            *epoch.lock() += 1;
        }
        // What is kept from here on was read later, so clearing it away does no harm.
        self.cache.clear();
    }

    fn epoch(&self, name: &str) -> &Mutex<u64> {
        // Losing the upper bits of a hash does not matter.
        &self.epochs[self.hasher.hash_one(name) as usize % self.epochs.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_until_it_is_invalidated() {
        let snapshots = Snapshots::new();
        let noted = snapshots.note("a");
        snapshots.keep("a", noted, 1);
        assert_eq!(snapshots.get("a").as_deref(), Some(&1));
        snapshots.invalidate("a");
        assert_eq!(snapshots.get("a"), None);
    }

    #[test]
    fn a_reader_overtaken_by_a_writer_keeps_nothing() {
        let snapshots = Snapshots::new();
        let noted = snapshots.note("a");
        snapshots.invalidate("a");
        assert_eq!(
            *snapshots.keep("a", noted, 1),
            1,
            "the reader itself may use it"
        );
        assert_eq!(snapshots.get("a"), None);
    }

    #[test]
    fn a_reader_overtaken_by_the_end_of_everything_keeps_nothing() {
        let snapshots = Snapshots::new();
        let noted = snapshots.note("a");
        snapshots.invalidate_all();
        snapshots.keep("a", noted, 1);
        assert_eq!(snapshots.get("a"), None);
    }

    #[test]
    fn readers_at_the_same_time_share_one_snapshot() {
        let snapshots = Snapshots::new();
        let (first, second) = (snapshots.note("a"), snapshots.note("a"));
        let first = snapshots.keep("a", first, 1);
        let second = snapshots.keep("a", second, 1);
        assert!(Arc::ptr_eq(&first, &second));
    }
}
