//! The committer's side of an embedded store: it alone writes, and it mends what failed.
//!
//! When a write fails, nobody knows what of it is on the disk. Its callers were told that it failed,
//! so that it is undone: the medium is opened anew, which shows what the disk really has, and the
//! rows of that write get back what they held. Nothing that was kept in memory meanwhile is wrong
//! then, and no change is announced.
//!
//! Until that has succeeded, writes are refused at once. The first write after a pause tries it;
//! no thread waits for the disk.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
    vec,
};

use keyward_core::storage::{
    Action, Announcer, Batch, Change, Op, Revision, StorageError, WriterId,
};

use super::{Body, Medium, Row, Slot, Writes};
use crate::storage::record::{Head, INLINE_LENGTH, Place};

/// What the committer's thread owns.
pub(super) struct Commits<M> {
    announcer: Announcer,
    failure: Option<Failure>,
    /// Bodies that the next write removes.
    orphans: Vec<Place>,
    pause: Duration,
    /// The last revision that was given out.
    revision: Revision,
    slot: Arc<Slot<M>>,
    writer: WriterId,
}

/// Why nothing is written for now.
struct Failure {
    error: StorageError,
    /// When the medium is tried again.
    retry_at: Instant,
    /// What undoes the write that failed.
    undo: Writes,
}

impl<M: Medium> Commits<M> {
    pub(super) fn new(
        slot: Arc<Slot<M>>,
        revision: Revision,
        pause: Duration,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            announcer: Announcer::new(),
            failure: None,
            orphans: slot.with(Medium::orphans)?,
            pause,
            revision,
            slot,
            writer: WriterId::generate(),
        })
    }

    pub(super) fn announcer(&self) -> &Announcer {
        &self.announcer
    }

    pub(super) fn slot(&self) -> &Arc<Slot<M>> {
        &self.slot
    }

    pub(super) fn writer(&self) -> WriterId {
        self.writer
    }

    /// Commits a group of batches, each by itself, with one write.
    pub(super) fn process(&mut self, batches: Vec<Batch>) -> Vec<Result<Revision, StorageError>> {
        if let Err(refused) = self.mend() {
            return vec![Err(refused); batches.len()];
        }
        let mut writes = Writes::none(self.revision);
        for place in &self.orphans {
            writes.bodies.insert(*place, Body::Remove);
        }
        let mut changes = Vec::with_capacity(batches.len());
        let mut outcomes = Vec::with_capacity(batches.len());
        for batch in batches {
            outcomes.push(self.stage(&mut writes, batch).map(|keys| {
                changes.push(Change {
                    revision: writes.revision,
                    writer: self.writer,
                    keys,
                });
                writes.revision
            }));
        }
        let stuck = outcomes.iter().find_map(|outcome| match outcome {
            Err(error @ StorageError::Refused(_)) => Some(error.clone()),
            _ => None,
        });
        if let Some(error) = stuck {
            // The medium was failed by a read.
            self.fail(error, Writes::none(self.revision), &mut outcomes);
            return outcomes;
        }
        if changes.is_empty() {
            return outcomes;
        }
        if let Err(error) = self.slot.with(|medium| medium.write(&writes)) {
            self.fail(error, writes.undone(), &mut outcomes);
            return outcomes;
        }

        self.revision = writes.revision;
        let orphans = writes.bodies.into_iter();
        self.orphans = orphans
            .filter_map(|(place, body)| (body == Body::Orphan).then_some(place))
            .collect();
        for change in changes {
            self.announcer.announce(change);
        }
        outcomes
    }

    /// Notes that the medium failed, which all of a group hear that would have been written.
    fn fail(
        &mut self,
        error: StorageError,
        undo: Writes,
        outcomes: &mut [Result<Revision, StorageError>],
    ) {
        tracing::error!(%error, "the store failed: it takes no writes until the fault is gone");
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = Err(error.clone());
        }
        self.failure = Some(Failure {
            error,
            retry_at: Instant::now() + self.pause,
            undo,
        });
    }

    /// Opens a medium that failed anew, and undoes the write that failed, if it is time to.
    fn mend(&mut self) -> Result<(), StorageError> {
        let Some(failure) = &mut self.failure else {
            return Ok(());
        };
        if Instant::now() < failure.retry_at {
            return Err(StorageError::Refused(failure.error.to_string()));
        }
        let acknowledged = self.revision;
        let mended = self.slot.reopen(|medium, revision| {
            if revision < acknowledged {
                return Err(StorageError::Corrupt(format!(
                    "the store fell back to revision {} from {}",
                    revision.number(),
                    acknowledged.number()
                )));
            }
            // Also if there is nothing to undo: it shows that the store takes writes.
            medium.write(&failure.undo)?;
            medium.orphans()
        });
        match mended {
            Ok(orphans) => {
                self.orphans = orphans;
                self.revision = failure.undo.revision;
                self.failure = None;
                tracing::warn!("the fault is gone: the store takes writes again");
                Ok(())
            }
            Err(error) => {
                if error != failure.error {
                    tracing::error!(%error, "the store is still failing");
                }
                failure.error = error;
                failure.retry_at = Instant::now() + self.pause;
                Err(StorageError::Refused(failure.error.to_string()))
            }
        }
    }

    /// Adds a batch to `writes` under the next revision and returns its keys; or adds nothing.
    fn stage(&self, writes: &mut Writes, batch: Batch) -> Result<Vec<String>, StorageError> {
        let mut found = Vec::with_capacity(batch.operations().len());
        for op in batch.operations() {
            let bytes = match writes.heads.get(&op.key) {
                Some(row) => row.after.clone(),
                None => self.slot.with(|medium| medium.head(&op.key))?,
            };
            let head = bytes.as_deref().map(Head::decode).transpose()?;
            if op
                .expect
                .is_some_and(|expect| !expect.holds(head.as_ref().map(Head::revision)))
            {
                return Err(StorageError::Conflict {
                    key: op.key.clone(),
                });
            }
            found.push((bytes, head));
        }

        let revision = Revision::new(writes.revision.number() + 1);
        writes.revision = revision;
        let mut keys = Vec::with_capacity(found.len());
        for (index, (op, (before, head))) in
            (0..).zip(batch.into_operations().into_iter().zip(found))
        {
            let Op { key, action, .. } = op;
            if let Some(Head::Detached(place)) = head {
                // A body of this very group was never written, so that there is none to remove.
                if writes.bodies.remove(&place).is_none() {
                    writes.bodies.insert(place, Body::Orphan);
                }
            }
            let after = match action {
                Action::Delete => None,
                Action::Put(value) => Some(writes.store(revision, index, value).encode()),
            };
            let row = writes.heads.entry(key.clone()).or_insert(Row {
                before,
                after: None,
            });
            row.after = after;
            keys.push(key);
        }
        Ok(keys)
    }
}

impl Writes {
    /// Changes no key.
    fn none(revision: Revision) -> Self {
        Self {
            revision,
            heads: BTreeMap::new(),
            bodies: BTreeMap::new(),
        }
    }

    /// What leaves everything as it was before, but for the revisions, which stay given out.
    fn undone(self) -> Self {
        let heads = self.heads.into_iter().map(|(key, row)| {
            let Row { before, after } = row;
            let row = Row {
                before: after,
                after: before,
            };
            (key, row)
        });
        let bodies = self.bodies.into_iter().map(|(place, body)| {
            let body = match body {
                Body::Orphan => Body::Keep,
                Body::Keep => Body::Orphan,
                // What was removed had no head before either.
                Body::Remove | Body::Store(_) => Body::Remove,
            };
            (place, body)
        });
        Self {
            revision: self.revision,
            heads: heads.collect(),
            bodies: bodies.collect(),
        }
    }

    /// Finds a value its place.
    fn store(&mut self, revision: Revision, index: u32, value: Vec<u8>) -> Head {
        match u32::try_from(value.len()) {
            Ok(length) if value.len() > INLINE_LENGTH => {
                let place = Place {
                    revision,
                    index,
                    length,
                };
                self.bodies.insert(place, Body::Store(value));
                Head::Detached(place)
            }
            // The rest is short: no batch passes its check with a value of 4 GiB.
            _ => Head::Inline(revision, value),
        }
    }
}
