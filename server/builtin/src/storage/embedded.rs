//! A store over an embedded engine: what sled and redb have in common.
//!
//! One committer thread owns all writes. It takes the batches that have gathered, checks each
//! one's expectations against the store and against the batches before it, numbers those that
//! pass, and hands the medium a single set of [`Writes`]. One flush makes all of them durable, and
//! only then is anyone answered or told of a change.
//!
//! **Invariant:** after a failed write nothing is written any more. What the kernel did with the
//! pages of a failed fsync is unknown, and a second fsync may succeed without them.

use std::{
    collections::BTreeMap, ops::Bound, panic::AssertUnwindSafe, path::PathBuf, sync::Arc, vec,
};

use async_trait::async_trait;
use keyward_core::storage::{
    Action, Announcer, Batch, Change, Changes, Op, Revision, Storage, StorageError, Stored,
    WriterId, check_key, check_prefix, children,
};

use super::record::{Head, INLINE_LENGTH, Place};
use crate::committer::{Committer, Limits};

const LIMITS: Limits = Limits {
    batch_jobs: 256,
    batch_bytes: 1 << 20,
    queue_bytes: 128 << 20,
};

/// What a queued operation takes beside its key and value.
const OPERATION_OVERHEAD: usize = 128;

/// How often a reader looks for the body of a key that is being overwritten all the time.
const BODY_ATTEMPTS: usize = 64;

/// An engine that keeps heads by key and bodies by place.
///
/// Every method may block, on its own disk reads or on a write in progress, but for
/// [`Medium::try_head`].
pub(super) trait Medium: Send + Sync + Sized + 'static {
    /// Opens the engine below a data directory, and says which revision it has seen last.
    fn open(path: PathBuf) -> Result<(Self, Revision), StorageError>;

    /// Reads the encoded [`Head`] of a key, as of the last durable write.
    fn head(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// As [`Medium::head`] if that takes no longer than reading memory, or one page of a file.
    fn try_head(&self, key: &str) -> Option<Result<Option<Vec<u8>>, StorageError>>;

    /// Reads a body, or finds that a durable write removed it since its head was read.
    fn body(&self, place: Place) -> Result<Option<Vec<u8>>, StorageError>;

    /// Finds the least key in a range that goes on to the end, as of the last durable write.
    fn next_key(&self, from: Bound<&str>) -> Result<Option<String>, StorageError>;

    /// Writes everything atomically, and returns once it is durable.
    fn write(&self, writes: Writes) -> Result<(), StorageError>;
}

/// What a group of commits leaves behind.
#[derive(Debug)]
pub(super) struct Writes {
    /// The last revision given out.
    pub(super) revision: Revision,
    /// The rows that changed, by key.
    pub(super) heads: BTreeMap<String, Row>,
    /// The bodies to store (`Some`) or remove (`None`).
    pub(super) bodies: BTreeMap<Place, Option<Vec<u8>>>,
}

/// One encoded head before and after.
#[derive(Debug)]
pub(super) struct Row {
    /// What the medium holds.
    pub(super) before: Option<Vec<u8>>,
    /// What it shall hold.
    pub(super) after: Option<Vec<u8>>,
}

/// A store over the medium `M`.
#[derive(Debug)]
pub(super) struct Embedded<M> {
    // The first to be dropped: its thread writes what is queued, and lets go of the medium.
    committer: Committer<Batch, Result<Revision, StorageError>>,
    announcer: Announcer,
    medium: Arc<M>,
    writer: WriterId,
}

/// Opens `M` below `path`.
///
/// # Errors
/// Those of the medium; [`StorageError::Corrupt`] if it panics on what it finds.
pub(super) async fn open<M: Medium>(path: PathBuf) -> Result<Arc<dyn Storage>, StorageError> {
    let opened = blocking(move || {
        // sled and redb assert what they read from their files (rule 6 of `sled.rs`).
        std::panic::catch_unwind(AssertUnwindSafe(|| M::open(path))).unwrap_or_else(|_| {
            Err(StorageError::Corrupt(
                "the engine panicked while it opened its files".to_owned(),
            ))
        })
    });
    let (medium, revision) = opened.await?;
    let medium = Arc::new(medium);
    let announcer = Announcer::new();
    let writer = WriterId::generate();
    let mut commits = Commits {
        announcer: announcer.clone(),
        failure: None,
        medium: Arc::clone(&medium),
        revision,
        writer,
    };
    let committer = Committer::spawn("storage", LIMITS, move |batches| commits.process(batches))
        .map_err(|error| StorageError::Io(format!("no thread for the writer: {error}")))?;
    Ok(Arc::new(Embedded {
        committer,
        announcer,
        medium,
        writer,
    }))
}

/// Runs what may block where it holds up no task.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    // It fails if the engine panicked, or if the runtime is going down.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(StorageError::Closed))
}

#[async_trait]
impl<M: Medium> Storage for Embedded<M> {
    async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        check_key(key)?;
        for _ in 0..BODY_ATTEMPTS {
            // A head is read in place: a hop to another thread costs more than the read, which is
            // one look into the engine's cache or one short read of a page that the kernel has.
            // Long values, lists, and reads that meet a batch being applied go to other threads.
            let head = match self.medium.try_head(key) {
                Some(head) => head,
                None => {
                    let (medium, key) = (Arc::clone(&self.medium), key.to_owned());
                    blocking(move || medium.head(&key)).await
                }
            };
            let place = match head?.as_deref().map(Head::decode).transpose()? {
                None => return Ok(None),
                Some(Head::Inline(revision, value)) => return Ok(Some(Stored { value, revision })),
                Some(Head::Detached(place)) => place,
            };
            let medium = Arc::clone(&self.medium);
            if let Some(value) = blocking(move || medium.body(place)).await? {
                return Ok(Some(Stored {
                    value,
                    revision: place.revision,
                }));
            }
            // It was overwritten between the two reads. The next head leads to the new body.
        }
        Err(StorageError::Corrupt(format!(
            "the value of key {key:?} is missing"
        )))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        check_prefix(prefix)?;
        let medium = Arc::clone(&self.medium);
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        blocking(move || {
            children(&prefix, after.as_deref(), limit, |from| {
                medium.next_key(from)
            })
        })
        .await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        batch.check()?;
        let bytes = batch.length() + batch.operations().len() * OPERATION_OVERHEAD;
        self.committer
            .submit(batch, bytes)
            .await
            .unwrap_or(Err(StorageError::Closed))
    }

    fn changes(&self) -> Changes {
        self.announcer.subscribe()
    }

    fn writer(&self) -> WriterId {
        self.writer
    }

    async fn probe(&self) -> Result<(), StorageError> {
        // An empty batch is written, flushed and synced like any other.
        self.commit(Batch::new()).await.map(drop)
    }
}

/// The committer's side: it alone writes.
struct Commits<M> {
    announcer: Announcer,
    /// Why nothing is written any more.
    failure: Option<StorageError>,
    medium: Arc<M>,
    revision: Revision,
    writer: WriterId,
}

impl<M: Medium> Commits<M> {
    fn process(&mut self, batches: Vec<Batch>) -> Vec<Result<Revision, StorageError>> {
        if let Some(failure) = &self.failure {
            let refused = StorageError::Refused(failure.to_string());
            return vec![Err(refused); batches.len()];
        }
        let mut writes = Writes {
            revision: self.revision,
            heads: BTreeMap::new(),
            bodies: BTreeMap::new(),
        };
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
        if changes.is_empty() {
            return outcomes;
        }

        let revision = writes.revision;
        match self.medium.write(writes) {
            Ok(()) => {
                self.revision = revision;
                for change in changes {
                    self.announcer.announce(change);
                }
            }
            Err(error) => {
                tracing::error!(%error, "a write to the store failed: no more are taken");
                for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
                    *outcome = Err(error.clone());
                }
                self.failure = Some(error);
            }
        }
        outcomes
    }

    /// Adds a batch to `writes` under the next revision and returns its keys; or adds nothing.
    fn stage(&self, writes: &mut Writes, batch: Batch) -> Result<Vec<String>, StorageError> {
        let mut found = Vec::with_capacity(batch.operations().len());
        for op in batch.operations() {
            let bytes = match writes.heads.get(&op.key) {
                Some(row) => row.after.clone(),
                None => self.medium.head(&op.key)?,
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
                    writes.bodies.insert(place, None);
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
    /// Finds a value its place.
    fn store(&mut self, revision: Revision, index: u32, value: Vec<u8>) -> Head {
        match u32::try_from(value.len()) {
            Ok(length) if value.len() > INLINE_LENGTH => {
                let place = Place {
                    revision,
                    index,
                    length,
                };
                self.bodies.insert(place, Some(value));
                Head::Detached(place)
            }
            // The rest is short: no batch passes its check with a value of 4 GiB.
            _ => Head::Inline(revision, value),
        }
    }
}

#[cfg(test)]
mod tests;
