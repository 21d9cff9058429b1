//! A store over an embedded engine: what sled and redb have in common.
//!
//! One committer thread owns all writes. It takes the batches that have gathered, checks each
//! one's expectations against the store and against the batches before it, numbers those that
//! pass, and hands the medium a single set of [`Writes`]. One flush makes all of them durable, and
//! only then is anyone answered or told of a change.
//!
//! A body that is replaced stays for the time being, with a note that no head leads to it; the next
//! write removes it. So a write can be undone, whether or not it arrived.
//!
//! **Invariant:** after a failed write there is no other until the medium was opened anew, which is
//! `commits.rs`. What the kernel did with the pages of a failed fsync is unknown, and a second fsync
//! may succeed without them.

mod commits;
mod slot;

use std::{collections::BTreeMap, ops::Bound, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use keyward_core::storage::{
    Announcer, Batch, Changes, Revision, Storage, StorageError, Stored, WriterId, check_key,
    check_prefix, children,
};

use self::{commits::Commits, slot::Slot};
use super::{
    directory::DataDirectory,
    record::{Head, Place},
};
use crate::committer::{Committer, Limits};

const LIMITS: Limits = Limits {
    batch_jobs: 256,
    batch_bytes: 1 << 20,
    queue_bytes: 128 << 20,
};

/// What a queued operation takes beside its key and value.
const OPERATION_OVERHEAD: usize = 128;

/// How long a store that failed is left alone before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a reader looks for the body of a key that is being overwritten all the time.
const BODY_ATTEMPTS: usize = 64;

/// An engine that keeps heads by key and bodies by place.
///
/// Every method may block, on its own disk reads or on a write in progress, but for
/// [`Medium::try_head`]. One that fails with [`StorageError::Refused`] does so until the medium is
/// opened anew.
pub(super) trait Medium: Send + Sync + Sized + 'static {
    /// Opens the engine in a data directory, and says which revision it has seen last. What it
    /// shows from here on is durable.
    fn open(directory: Arc<DataDirectory>) -> Result<(Self, Revision), StorageError>;

    /// Finds out whether the disk takes writes and makes them durable, after it did not.
    fn try_disk(&self) -> Result<(), StorageError>;

    /// Reads the encoded [`Head`] of a key, as of the last durable write.
    fn head(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// As [`Medium::head`] if that takes no longer than reading memory, or one page of a file.
    fn try_head(&self, key: &str) -> Option<Result<Option<Vec<u8>>, StorageError>>;

    /// Reads a body, or finds that a durable write removed it since its head was read.
    fn body(&self, place: Place) -> Result<Option<Vec<u8>>, StorageError>;

    /// Finds the least key in a range that goes on to the end, as of the last durable write.
    fn next_key(&self, from: Bound<&str>) -> Result<Option<String>, StorageError>;

    /// Lists the bodies that are noted as [`Body::Orphan`].
    fn orphans(&self) -> Result<Vec<Place>, StorageError>;

    /// Writes everything atomically, and returns once it is durable.
    fn write(&self, writes: &Writes) -> Result<(), StorageError>;
}

/// What a group of commits leaves behind.
#[derive(Debug)]
pub(super) struct Writes {
    /// The last revision given out.
    pub(super) revision: Revision,
    /// The rows that changed, by key.
    pub(super) heads: BTreeMap<String, Row>,
    /// What becomes of bodies.
    pub(super) bodies: BTreeMap<Place, Body>,
}

/// One encoded head before and after.
#[derive(Debug)]
pub(super) struct Row {
    /// What the medium holds.
    pub(super) before: Option<Vec<u8>>,
    /// What it shall hold.
    pub(super) after: Option<Vec<u8>>,
}

/// What becomes of a body.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Body {
    /// It has a head again: the note that it had none goes, if there is one.
    Keep,
    /// No head leads to it any more, which is noted; it stays until a later write removes it.
    Orphan,
    /// It goes, with the note about it. It need not be there.
    Remove,
    /// It is stored.
    Store(Vec<u8>),
}

/// A store over the medium `M`.
#[derive(Debug)]
pub(super) struct Embedded<M> {
    // The first to be dropped: its thread writes what is queued, and lets go of the medium.
    committer: Committer<Batch, Result<Revision, StorageError>>,
    announcer: Announcer,
    slot: Arc<Slot<M>>,
    writer: WriterId,
}

/// Opens `M` below `path`.
///
/// # Errors
/// Those of the medium; [`StorageError::Corrupt`] if it panics on what it finds.
pub(super) async fn open<M: Medium>(path: PathBuf) -> Result<Arc<dyn Storage>, StorageError> {
    Ok(Arc::new(Embedded::<M>::open(path, PAUSE).await?))
}

impl<M: Medium> Embedded<M> {
    async fn open(path: PathBuf, pause: Duration) -> Result<Self, StorageError> {
        let opened = blocking(move || {
            let (slot, revision) = Slot::<M>::open(&path)?;
            Commits::new(Arc::new(slot), revision, pause)
        });
        let mut commits = opened.await?;
        let (announcer, slot) = (commits.announcer().clone(), Arc::clone(commits.slot()));
        let writer = commits.writer();
        let committer =
            Committer::spawn("storage", LIMITS, move |batches| commits.process(batches))
                .map_err(|error| StorageError::Io(format!("no thread for the writer: {error}")))?;
        Ok(Self {
            committer,
            announcer,
            slot,
            writer,
        })
    }

    async fn read(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        for _ in 0..BODY_ATTEMPTS {
            // A head is read in place: a hop to another thread costs more than the read, which is
            // one look into the engine's cache or one short read of a page that the kernel has.
            // Long values, lists, and reads that meet a batch being applied go to other threads.
            let head = match self.slot.try_with(|medium| medium.try_head(key)) {
                Some(head) => head,
                None => {
                    let (slot, key) = (Arc::clone(&self.slot), key.to_owned());
                    blocking(move || slot.with(|medium| medium.head(&key))).await
                }
            };
            let place = match head?.as_deref().map(Head::decode).transpose()? {
                None => return Ok(None),
                Some(Head::Inline(revision, value)) => return Ok(Some(Stored { value, revision })),
                Some(Head::Detached(place)) => place,
            };
            let slot = Arc::clone(&self.slot);
            if let Some(value) = blocking(move || slot.with(|medium| medium.body(place))).await? {
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

    async fn read_children(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        let slot = Arc::clone(&self.slot);
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        blocking(move || {
            slot.with(|medium| {
                children(&prefix, after.as_deref(), limit, |from| {
                    medium.next_key(from)
                })
            })
        })
        .await
    }

    /// Whether a read that failed like this may be tried again, since the medium was opened anew.
    async fn is_mended(&self, error: &StorageError) -> bool {
        matches!(error, StorageError::Refused(_)) && self.probe().await.is_ok()
    }
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
        match self.read(key).await {
            Err(error) if self.is_mended(&error).await => self.read(key).await,
            read => read,
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        check_prefix(prefix)?;
        match self.read_children(prefix, after, limit).await {
            Err(error) if self.is_mended(&error).await => {
                self.read_children(prefix, after, limit).await
            }
            listed => listed,
        }
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

#[cfg(test)]
mod tests;
