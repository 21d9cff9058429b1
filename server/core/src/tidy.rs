//! Tidying: a walk over indexes, in which what leads to nothing is removed.
//!
//! All entries of a token or a lease come and go in one commit, so that there is nothing to tidy,
//! unless a fault of the server or of its storage left it. The walk goes on a little at each tick,
//! so that it holds nothing else up; an entry that it cannot judge is counted, told of and left. It
//! ends with its last entry, with a page that cannot be listed, and with the process: it can be
//! asked for again.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    Error,
    barrier::Change,
    storage::{Expect, Revision},
    view::View,
};

/// How many entries are listed at once.
const PAGE: usize = 64;

/// How many entries are looked at in one tick, and a page more at most. A list counts for one, so
/// that many folders with few entries take no longer.
const STEPS_A_TICK: usize = 2048;

/// For how many entries one counts that had to be put right, which waits for the disk.
const STEPS_A_CHANGE: usize = 64;

/// Indexes that can be tidied.
#[async_trait]
pub(crate) trait Indexes: Sync {
    /// What an entry may lead to.
    type Indexed: Send;

    /// What the log calls it.
    const NAME: &'static str;

    /// The folders of the view that are walked, with all below them, from the last on.
    const FOLDERS: &'static [&'static str];

    /// Returns where they are stored.
    fn view(&self) -> &View;

    /// Looks where an entry leads. The revision of the entry is read before what it leads to, so
    /// that what comes in between is seen when it is removed.
    ///
    /// # Errors
    /// The store failed, or the entry cannot be judged.
    async fn examine(&self, folder: &str, name: &str) -> Result<Finding<Self::Indexed>, Error>;

    /// Ends what was [abandoned](Finding::Abandoned); false if it was over already.
    ///
    /// # Errors
    /// The store failed.
    async fn end(&self, abandoned: Self::Indexed) -> Result<bool, Error>;
}

/// What an entry turned out to be.
pub(crate) enum Finding<T> {
    /// It leads to what should have ended together with something that is gone.
    Abandoned(T),
    /// It leads to nothing that knows of it.
    Dangling(Revision),
    /// There is nothing to be done about it.
    Good,
    /// What it leads to lacks entries, which these changes put in place. They expect what was read.
    Torn(Vec<Change>),
}

/// The walk that is under way, if there is one.
#[derive(Default)]
pub(crate) struct Tidying {
    started: AtomicBool,
    walk: Mutex<Option<Walk>>,
}

/// Where a walk stands, and what it did.
struct Walk {
    /// The folders to be walked from the last on, each behind the name where it stopped.
    pending: Vec<(String, Option<String>)>,
    failed: u64,
    mended: u64,
    removed: u64,
    revoked: u64,
}

impl Tidying {
    /// Begins a walk at the next tick; false if one is under way.
    pub(crate) fn start<I: Indexes>(&self) -> bool {
        if self.started.swap(true, Ordering::AcqRel) {
            return false;
        }
        let folders = I::FOLDERS.iter();
        *self.walk.lock() = Some(Walk {
            pending: folders.map(|folder| ((*folder).to_owned(), None)).collect(),
            failed: 0,
            mended: 0,
            removed: 0,
            revoked: 0,
        });
        true
    }

    /// Tells whether a walk is under way.
    #[cfg(test)]
    pub(crate) fn is_under_way(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Walks on, if a walk is under way; a page that cannot be listed ends it.
    ///
    /// What fails is told in the log and is no failure of the tick: it must not keep anything else
    /// from being done.
    pub(crate) async fn walk_on<I: Indexes>(&self, indexes: &I) {
        let Some(mut walk) = self.walk.lock().take() else {
            return;
        };
        match walk.steps(indexes).await {
            Ok(false) => {
                *self.walk.lock() = Some(walk);
                return;
            }
            Ok(true) => {
                let Walk {
                    failed,
                    mended,
                    removed,
                    revoked,
                    ..
                } = walk;
                let what = I::NAME;
                tracing::info!(failed, mended, removed, revoked, "{what} are tidied");
            }
            Err(error) => {
                let what = I::NAME;
                tracing::warn!(
                    ?error,
                    "{what} are tidied in part: they could not be listed"
                );
            }
        }
        self.started.store(false, Ordering::Release);
    }
}

impl Walk {
    /// Takes the steps of one tick; true at the end.
    async fn steps<I: Indexes>(&mut self, indexes: &I) -> Result<bool, Error> {
        let mut steps = 0;
        while steps < STEPS_A_TICK {
            let Some((folder, after)) = self.pending.pop() else {
                return Ok(true);
            };
            steps += 1 + self.page(indexes, folder, after.as_deref()).await?;
        }
        Ok(false)
    }

    /// Looks at one page; returns how many steps that took.
    async fn page<I: Indexes>(
        &mut self,
        indexes: &I,
        folder: String,
        after: Option<&str>,
    ) -> Result<usize, Error> {
        let names = indexes.view().list(&folder, after, Some(PAGE)).await?;
        let mut below = Vec::new();
        let mut changes = 0;
        for name in &names {
            if name.ends_with('/') {
                below.push((format!("{folder}{name}"), None));
                continue;
            }
            match self.entry(indexes, &folder, name).await {
                Ok(changed) => changes += usize::from(changed),
                Err(error) => {
                    tracing::warn!(?error, folder, "an entry could not be tidied");
                    self.failed += 1;
                }
            }
        }
        // What is written behind a last page is newer than the walk.
        let count = names.len();
        if count == PAGE {
            self.pending.push((folder, names.into_iter().next_back()));
        }
        self.pending.append(&mut below);
        Ok(count + changes * STEPS_A_CHANGE)
    }

    /// Looks at one entry; tells whether it had to be put right.
    async fn entry<I: Indexes>(
        &mut self,
        indexes: &I,
        folder: &str,
        name: &str,
    ) -> Result<bool, Error> {
        let (changes, counter) = match indexes.examine(folder, name).await? {
            Finding::Abandoned(indexed) => {
                self.revoked += u64::from(indexes.end(indexed).await?);
                return Ok(true);
            }
            Finding::Dangling(revision) => {
                let change = Change::delete(format!("{folder}{name}"));
                let change = change.expecting(Expect::At(revision));
                (vec![change], &mut self.removed)
            }
            Finding::Good => return Ok(false),
            Finding::Torn(changes) => (changes, &mut self.mended),
        };
        match indexes.view().commit(changes).await {
            Ok(_) => *counter += 1,
            // Somebody wrote in between, and knew what is right.
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
