//! Where an open medium is kept, to be closed and opened anew when it failed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use keyward_core::storage::{Revision, StorageError};
use parking_lot::RwLock;

use super::Medium;
use crate::storage::directory::DataDirectory;

/// A medium, and the data directory that is ours also while the medium is closed.
#[derive(Debug)]
pub(super) struct Slot<M> {
    /// Empty after an attempt to open it anew that failed half-way.
    medium: RwLock<Option<M>>,
    // The last to be dropped, so that the engine has closed its files when others may open them.
    directory: Arc<DataDirectory>,
}

impl<M: Medium> Slot<M> {
    /// Opens the medium below `path`, and says which revision it has seen last.
    ///
    /// # Errors
    /// Those of the medium; [`StorageError::Corrupt`] if it panics on what it finds.
    pub(super) fn open(path: &Path) -> Result<(Self, Revision), StorageError> {
        let directory = Arc::new(DataDirectory::open(path)?);
        let (medium, revision) = open_medium(&directory)?;
        let medium = RwLock::new(Some(medium));
        Ok((Self { medium, directory }, revision))
    }

    /// Uses the medium, once it is there if it is just being opened anew.
    ///
    /// # Errors
    /// [`StorageError::Refused`] if there is none; else those of `work`.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&M) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.medium
            .read()
            .as_ref()
            .map_or_else(|| Err(closed()), work)
    }

    /// Uses the medium, unless one must wait for it.
    pub(super) fn try_with<T>(
        &self,
        work: impl FnOnce(&M) -> Option<Result<T, StorageError>>,
    ) -> Option<Result<T, StorageError>> {
        let medium = self.medium.try_read()?;
        medium.as_ref().map_or_else(|| Some(Err(closed())), work)
    }

    /// Closes the medium and opens it anew; nobody reads until `settle` is done with it.
    ///
    /// A disk that is found to be still failing leaves it as it is, so that reads go on.
    ///
    /// # Errors
    /// Those of the medium and of `settle`.
    pub(super) fn reopen<T>(
        &self,
        settle: impl FnOnce(&M, Revision) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if let Some(medium) = &*self.medium.read() {
            medium.try_disk()?;
        }
        let mut place = self.medium.write();
        if let Some(medium) = place.take() {
            // The engines are not at their best when they close what failed. Should this one leave
            // its files locked, then opening them says so.
            let _whether_it_panicked = catch_unwind(AssertUnwindSafe(|| drop(medium)));
        }
        let (medium, revision) = open_medium(&self.directory)?;
        let settled = settle(&medium, revision)?;
        *place = Some(medium);
        Ok(settled)
    }
}

fn open_medium<M: Medium>(directory: &Arc<DataDirectory>) -> Result<(M, Revision), StorageError> {
    // sled and redb assert what they read from their files (rule 6 of `sled.rs`).
    catch_unwind(AssertUnwindSafe(|| M::open(Arc::clone(directory)))).unwrap_or_else(|_| {
        Err(StorageError::Corrupt(
            "the engine panicked while it opened its files".to_owned(),
        ))
    })
}

fn closed() -> StorageError {
    StorageError::Refused("it could not be opened again".to_owned())
}
