//! Tidying: entries that lead to no token are removed.
//!
//! All entries of a token come and go in one commit, so that there are none, unless a fault of the
//! server or of its storage left them. The walk goes over every index, some pages at each tick, so
//! that it holds nothing else up; an entry that it cannot judge is counted, told of and left.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::{
    Digest, TokenStore, leases,
    revoke::parse_expiry,
    store::{ACCESSORS, CHILDREN, EXPIRIES, LEASES, grave_key, lease_key},
};
use crate::{
    Error,
    barrier::Change,
    json,
    storage::{Expect, Revision},
};

/// How many entries are listed at once.
const PAGE: usize = 256;

/// How many pages are walked at each tick.
const PAGES_A_TICK: usize = 16;

/// The walk that is under way, if there is one.
#[derive(Default)]
pub(super) struct Tidying {
    started: AtomicBool,
    walk: Mutex<Option<Walk>>,
}

/// Where a walk stands, and what it did.
struct Walk {
    /// The folders to be walked from the last on, each behind the name where it stopped.
    pending: Vec<(String, Option<String>)>,
    failed: u64,
    removed: u64,
    revoked: u64,
}

/// What an entry of an index turned out to be.
enum Finding {
    /// It leads to a token whose parent is gone, which should have taken it along.
    Abandoned(Digest),
    /// It leads to no token that knows of it.
    Dangling(Revision),
    Good,
}

impl TokenStore {
    /// Begins to tidy at the next tick; false if it is under way.
    pub(crate) fn start_tidying(&self) -> bool {
        if self.tidying.started.swap(true, Ordering::AcqRel) {
            return false;
        }
        *self.tidying.walk.lock() = Some(Walk {
            pending: [ACCESSORS, EXPIRIES, CHILDREN, LEASES]
                .map(|folder| (folder.to_owned(), None))
                .into(),
            failed: 0,
            removed: 0,
            revoked: 0,
        });
        true
    }

    /// Tells whether tidying is under way.
    #[cfg(test)]
    pub(super) fn is_tidying(&self) -> bool {
        self.tidying.started.load(Ordering::Acquire)
    }

    /// Walks some more pages, if tidying is under way; one that cannot be listed ends the walk.
    ///
    /// What fails is told in the log and is no failure of the tick: tidying can be asked for again,
    /// and must not keep anything else from being done.
    pub(super) async fn tidy_some(&self) {
        let Some(mut walk) = self.tidying.walk.lock().take() else {
            return;
        };
        for _ in 0..PAGES_A_TICK {
            let Some((folder, after)) = walk.pending.pop() else {
                let Walk {
                    failed,
                    removed,
                    revoked,
                    ..
                } = walk;
                tracing::info!(failed, removed, revoked, "tokens are tidied");
                self.tidying.started.store(false, Ordering::Release);
                return;
            };
            if let Err(error) = self.tidy_page(&mut walk, &folder, after.as_deref()).await {
                tracing::warn!(
                    ?error,
                    "tokens are tidied in part: they could not be listed"
                );
                self.tidying.started.store(false, Ordering::Release);
                return;
            }
        }
        *self.tidying.walk.lock() = Some(walk);
    }

    async fn tidy_page(
        &self,
        walk: &mut Walk,
        folder: &str,
        after: Option<&str>,
    ) -> Result<(), Error> {
        let names = self.view.list(folder, after, Some(PAGE)).await?;
        let mut below = Vec::new();
        for name in &names {
            if name.ends_with('/') {
                below.push((format!("{folder}{name}"), None));
            } else if let Err(error) = self.tidy_entry(walk, folder, name).await {
                tracing::warn!(?error, folder, "an entry could not be tidied");
                walk.failed += 1;
            }
        }
        if let Some(last) = names.into_iter().next_back() {
            walk.pending.push((folder.to_owned(), Some(last)));
        }
        walk.pending.append(&mut below);
        Ok(())
    }

    async fn tidy_entry(&self, walk: &mut Walk, folder: &str, name: &str) -> Result<(), Error> {
        match self.examine(folder, name).await? {
            Finding::Abandoned(digest) => walk.revoked += u64::from(self.revoke(digest).await?),
            Finding::Dangling(revision) => {
                // A token that was made meanwhile has put its own entry there.
                let change = Change::delete(format!("{folder}{name}"));
                let change = change.expecting(Expect::At(revision));
                match self.view.commit(vec![change]).await {
                    Ok(_) => walk.removed += 1,
                    Err(Error::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Finding::Good => {}
        }
        Ok(())
    }

    /// Looks where an entry leads. Its own revision is read before the record, so that what comes
    /// in between is seen when it is removed.
    async fn examine(&self, folder: &str, name: &str) -> Result<Finding, Error> {
        let key = format!("{folder}{name}");
        let Some(entry) = self.view.get(&key).await? else {
            return Ok(Finding::Good);
        };
        let dangling = Finding::Dangling(entry.revision);
        let good_if = |good| if good { Finding::Good } else { dangling };
        match folder {
            ACCESSORS => {
                let record = self.read(json::from_secret(&entry.value)?).await?;
                Ok(good_if(
                    record.is_some_and(|(record, _)| record.accessor == name),
                ))
            }
            EXPIRIES => {
                let Some((expires, digest)) = parse_expiry(name) else {
                    return Ok(Finding::Good);
                };
                let record = self.read(digest).await?;
                Ok(good_if(record.is_some_and(|(record, _)| {
                    record.expires == Some(expires)
                })))
            }
            _ if folder.starts_with(LEASES) => {
                let Some(digest) = leases::parse(name) else {
                    return Ok(Finding::Good);
                };
                let record = self.read(digest).await?;
                let lease = record.and_then(|(record, _)| record.lease(digest));
                Ok(good_if(lease.is_some_and(|lease| lease_key(&lease) == key)))
            }
            _ => {
                let parent = folder.strip_prefix(CHILDREN).unwrap_or_default();
                let parent = parent.trim_end_matches('/').parse::<Digest>();
                let (Ok(parent), Ok(child)) = (parent, name.parse::<Digest>()) else {
                    return Ok(Finding::Good);
                };
                // In this order: a parent does not come back, a child is made while it is there.
                let orphaned = self.read(parent).await?.is_none()
                    && self.view.get(&grave_key(parent)).await?.is_none();
                let record = self.read(child).await?;
                let known = record.is_some_and(|(record, _)| record.parent == Some(parent));
                Ok(match (known, orphaned) {
                    (true, true) => Finding::Abandoned(child),
                    (known, _) => good_if(known),
                })
            }
        }
    }
}
