//! The storage floor: one trait, wide enough for one machine and for many nodes over one database.
//!
//! A store maps keys to opaque bytes. Keys are UTF-8 paths (`sys/policy/ops`), values are whatever
//! the barrier sealed. Every commit gets a [`Revision`], and every key remembers the revision of
//! the commit that last wrote it, so that a caller can demand that nobody wrote in between.
//!
//! **Invariant:** a commit is atomic, and durable when it returns: after a power cut every
//! acknowledged commit is there, and no commit is there in part.
//! **Invariant:** nothing here knows what a value means. Only the barrier holds a [`Storage`].

mod batch;
mod changes;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
pub mod export;
#[cfg(any(test, feature = "conformance"))]
pub mod faulty;
mod keys;
pub mod memory;

use async_trait::async_trait;

pub use self::{
    batch::{Action, Batch, Expect, MAX_BATCH_LENGTH, MAX_BATCH_OPERATIONS, MAX_VALUE_LENGTH, Op},
    changes::{Announcer, Change, Changes, Notice, WriterId},
    error::StorageError,
    keys::{MAX_KEY_LENGTH, check_key, check_prefix, children},
    memory::Memory,
};

/// A store of keys and values, which other nodes may share.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Reads the value of `key` and the revision that wrote it; `None` if there is none.
    ///
    /// Reads see every commit that returned before they began, and never one that a power cut
    /// could still undo. Two reads are not a snapshot: a commit may fall between them.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if `key` breaks the rules of [`check_key`]; else the medium's.
    async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError>;

    /// Lists the names one level below `prefix`, relative to it, in byte order.
    ///
    /// `prefix` is empty or ends in `/`. A name that ends in `/` is a folder (it stands once for
    /// all the keys below it); a key and a folder may share a name. With `after`, only names that
    /// sort behind it are listed; with `limit`, at most so many: the last name of one page is the
    /// `after` of the next.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if `prefix` breaks the rules of [`check_prefix`]; else the
    /// medium's.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError>;

    /// Applies all of `batch` or nothing, and returns once it is durable.
    ///
    /// A caller that stops waiting does not undo the commit: it may still happen. An empty batch
    /// is written like any other and changes no key.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if an expectation does not hold: nothing was changed.
    /// [`StorageError::Invalid`] if the batch breaks the rules of [`Batch::check`].
    /// After any other error the outcome is unknown, and the store may refuse further commits until
    /// the fault is gone. Within this process it is then as if the failed commit had never been:
    /// no read shows it and no change tells of it. Opened anew before that, the store has all of it
    /// or nothing.
    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError>;

    /// Subscribes to the commits that follow, in commit order, those of this handle included.
    fn changes(&self) -> Changes;

    /// The name under which this handle's own commits appear in [`Storage::changes`].
    fn writer(&self) -> WriterId;

    /// Finds out whether the store is there and takes writes.
    ///
    /// # Errors
    /// What a commit would have met.
    async fn probe(&self) -> Result<(), StorageError>;
}

/// What is stored under a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// The bytes as they were put.
    pub value: Vec<u8>,
    /// The commit that put them.
    pub revision: Revision,
}

/// The number of a commit: strictly increasing within a store, across restarts too.
///
/// Gaps are allowed. The first commit of a store is at least 1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Revision(u64);

impl Revision {
    /// Names the commit with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}
