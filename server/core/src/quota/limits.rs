//! The rate limits as a snapshot, found by path.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use keyward_api::sys::RateLimit;

use super::window::Bounds;
use crate::{
    mounts::Mounts,
    policy::{Spellings, fold},
};

/// One limit, ready to be asked.
#[derive(Debug)]
pub(crate) struct Limit {
    /// Tells it from what it was before it was changed: clients begin anew.
    pub(super) id: u64,
    pub(super) bounds: Bounds,
    pub(crate) stored: RateLimit,
}

/// All limits.
#[derive(Clone, Default)]
pub(super) struct Limits {
    by_name: BTreeMap<String, Arc<Limit>>,
    index: Index,
    /// The same with all paths [folded](fold); none if they are so anyway.
    folded: Option<Index>,
}

/// Limits, by their paths.
#[derive(Clone, Default)]
struct Index {
    /// Those of mounts, of single paths, and the one without a path.
    exact: BTreeMap<String, Arc<Limit>>,
    /// Those whose path ends in `*`, by what stands before it, the longest first.
    prefixes: Vec<(String, Arc<Limit>)>,
}

impl Limits {
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Limit>> {
        self.by_name.values()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<Limit>> {
        self.by_name.get(name)
    }

    pub(super) fn with_path(&self, path: &str) -> Option<&Arc<Limit>> {
        self.all().find(|limit| limit.stored.path == path)
    }

    /// Adds a limit, in the place of the one of its name.
    pub(super) fn put(&mut self, stored: RateLimit) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = stored.name.clone();
        let limit = Limit {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            bounds: bounds(&stored),
            stored,
        };
        self.by_name.insert(name, Arc::new(limit));
        self.index();
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.by_name.remove(name);
        self.index();
    }

    /// Returns the limit that counts for a path, however its names are spelled.
    pub(super) fn of(&self, path: &str, mounts: &Mounts) -> Option<&Arc<Limit>> {
        let Spellings { known_as, folded } = mounts.spellings(path, self.folded.is_some());
        // All limits are there, so that the most special one is found.
        if let (Some(limits), Some(path)) = (&self.folded, &folded)
            && let Some(limit) = limits.find(&[path])
        {
            return Some(limit);
        }
        let found = match &known_as {
            Some(known_as) => self.index.find(&[path, known_as]),
            None => self.index.find(&[path]),
        };
        if found.is_some() {
            return found;
        }
        let mount = mounts.lead(path).map(|(mount, _)| mount.full_path());
        let of_mount = mount.and_then(|mount| self.index.exact.get(&mount));
        of_mount.or_else(|| self.index.exact.get(""))
    }

    fn index(&mut self) {
        let limits = || self.by_name.values();
        let index = Index::of(limits().map(|limit| (limit.stored.path.clone(), limit)));
        let folded = limits()
            .any(|limit| fold(&limit.stored.path) != limit.stored.path)
            .then(|| Index::of(limits().map(|limit| (fold(&limit.stored.path), limit))));
        (self.index, self.folded) = (index, folded);
    }
}

impl Index {
    /// Of several limits for one path the strictest counts.
    fn of<'l>(limits: impl Iterator<Item = (String, &'l Arc<Limit>)>) -> Self {
        let mut limits: Vec<_> = limits.collect();
        limits.sort_by(|(_, one), (_, other)| one.bounds.strictness(&other.bounds));
        let mut index = Self::default();
        for (path, limit) in limits {
            let limit = Arc::clone(limit);
            match path.strip_suffix('*') {
                Some(prefix) => index.prefixes.push((prefix.to_owned(), limit)),
                None => drop(index.exact.entry(path).or_insert(limit)),
            }
        }
        index
            .prefixes
            .sort_by_key(|(prefix, _)| usize::MAX - prefix.len());
        index
    }

    /// Finds the limit of one of some paths, else the one with the longest beginning of any.
    fn find(&self, paths: &[&str]) -> Option<&Arc<Limit>> {
        let of_path = |path: &&str| match path.trim_end_matches('/') {
            "" => None,
            bare => self.exact.get(bare),
        };
        paths.iter().find_map(of_path).or_else(|| {
            let begins = |prefix: &str| paths.iter().any(|path| path.starts_with(prefix));
            let mut prefixes = self.prefixes.iter();
            let (_, limit) = prefixes.find(|(prefix, _)| begins(prefix))?;
            Some(limit)
        })
    }
}

fn bounds(limit: &RateLimit) -> Bounds {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float saturates, and a rate is more than 0"
    )]
    let requests = limit.rate.ceil() as u64;
    Bounds {
        requests: requests.max(1),
        interval: Duration::from_secs(limit.interval.max(1)),
        block: Duration::from_secs(limit.block_interval),
    }
}
