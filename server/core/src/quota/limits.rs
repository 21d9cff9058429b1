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
use crate::mounts::Mounts;

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
        let known = mounts.known_as(path);
        let spellings = || [Some(path), known.as_deref()].into_iter().flatten();
        let of_path = |path: &str| match path.trim_end_matches('/') {
            "" => None,
            bare => self.exact.get(bare),
        };
        if let Some(limit) = spellings().find_map(of_path) {
            return Some(limit);
        }
        let begins = |prefix: &str| spellings().any(|path| path.starts_with(prefix));
        let mut prefixes = self.prefixes.iter();
        if let Some((_, limit)) = prefixes.find(|(prefix, _)| begins(prefix)) {
            return Some(limit);
        }
        let mount = mounts.find(path).map(|(mount, _)| mount.full_path());
        let of_mount = mount.and_then(|mount| self.exact.get(&mount));
        of_mount.or_else(|| self.exact.get(""))
    }

    fn index(&mut self) {
        self.exact.clear();
        self.prefixes.clear();
        for limit in self.by_name.values() {
            let path = &limit.stored.path;
            match path.strip_suffix('*') {
                Some(prefix) => self.prefixes.push((prefix.to_owned(), Arc::clone(limit))),
                None => {
                    self.exact.insert(path.clone(), Arc::clone(limit));
                }
            }
        }
        self.prefixes
            .sort_by_key(|(prefix, _)| usize::MAX - prefix.len());
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
