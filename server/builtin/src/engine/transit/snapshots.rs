//! What was read of the keys, kept so that it is never older than a finished change.

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};

/// How many keys stay in memory unless an operator says otherwise, at a few kilobytes each. One more
/// costs its next user a read.
const CACHED: usize = 1 << 16;
/// From how many on a few more or less do not matter.
const SMALL: usize = 1 << 12;

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
    /// Replaced as a whole to have another size: one cache cannot be resized to the very number.
    cache: ArcSwap<Cache<String, Arc<V>>>,
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
            cache: ArcSwap::from_pointee(Cache::new(CACHED)),
            epochs: [const { Mutex::new(0) }; 64],
            hasher: RandomState::new(),
        }
    }

    /// Returns the snapshot, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<Arc<V>> {
        self.cache.load().get(name)
    }

    /// Begins an empty cache for at most `size` snapshots; 0 is the usual number.
    pub(super) fn resize(&self, size: u64) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let cache = match size {
            0 => Cache::new(CACHED),
            // The parts of a cache each round their share of its size up, so a small one has one.
            1..SMALL => Cache::with_options(
                OptionsBuilder::new()
                    .shards(1)
                    .estimated_items_capacity(size)
                    .weight_capacity(size as u64)
                    .build()
                    .expect("all that has no default is set"),
                UnitWeighter,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // No memory is set aside for keys that there may never be.
            _ => Cache::with_weighter(size.min(CACHED), size as u64, UnitWeighter),
        };
        self.cache.store(Arc::new(cache));
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
        let cache = self.cache.load();
        if let Some(kept) = cache.get(name) {
            return kept;
        }
        let value = Arc::new(value);
        cache.insert(name.to_owned(), Arc::clone(&value));
        value
    }

    /// Drops the snapshot of a name that was changed in the store.
    pub(super) fn invalidate(&self, name: &str) {
        let mut epoch = self.epoch(name).lock();
        *epoch += 1;
        self.cache.load().remove(name);
    }

    /// Drops all snapshots.
    pub(super) fn invalidate_all(&self) {
        for epoch in &self.epochs {
            *epoch.lock() += 1;
        }
        // What is kept from here on was read later, so clearing it away does no harm.
        self.cache.load().clear();
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
    fn no_more_is_kept_than_the_size_says() {
        let snapshots = Snapshots::new();
        let fill = |names: std::ops::Range<u32>| {
            for name in names.clone().map(|name| name.to_string()) {
                let noted = snapshots.note(&name);
                snapshots.keep(&name, noted, ());
            }
            names
                .filter(|name| snapshots.get(&name.to_string()).is_some())
                .count()
        };
        assert_eq!(fill(0..1000), 1000);
        snapshots.resize(10);
        assert!((1..=10).contains(&fill(0..1000)));
        snapshots.resize(0);
        assert_eq!(fill(0..1000), 1000);
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
