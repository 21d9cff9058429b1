//! What can go wrong on the storage floor, by who must act.

/// A failed storage operation.
///
/// Cloned to every caller whose commit shared the failed write, so it carries text, not causes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StorageError {
    /// The store was closed, or its writer died: the process must restart.
    #[error("the store is closed")]
    Closed,
    /// An expectation did not hold: the caller reads again and decides anew.
    #[error("key {key:?} was changed by another writer")]
    Conflict {
        /// The first key whose expectation failed.
        key: String,
    },
    /// What is stored cannot be read: the operator restores a backup.
    #[error("stored data is corrupt: {0}")]
    Corrupt(String),
    /// The device has no room: the operator makes some.
    #[error("no space is left in the store")]
    Full,
    /// The caller passed a key, value or setting that no store takes.
    #[error("{0}")]
    Invalid(String),
    /// The medium failed: the operator looks at it.
    #[error("storage failed: {0}")]
    Io(String),
    /// Another process holds the data directory named here.
    #[error("another process is using the data directory {0}")]
    Locked(String),
    /// An earlier write failed, and the store has yet to find out what the medium holds: it does by
    /// itself once the fault is gone.
    #[error("the store failed and waits for the fault to go: {0}")]
    Refused(String),
}
