//! `storage "memory"`: the reference backend of the core, for tests and throw-away servers.

use std::sync::Arc;

use keyward_core::storage::{Memory, Storage, StorageError};

use super::{Backend, Opening, Settings};

/// The line in the table of backends. Vault says `inmem`.
pub(super) const BACKEND: Backend = Backend {
    names: &["memory", "inmem"],
    open,
};

fn open(settings: Settings) -> Opening {
    Box::pin(async move {
        if let Some(name) = settings.keys().next() {
            let message = format!("storage \"memory\" has no setting {name:?}");
            return Err(StorageError::Invalid(message));
        }
        let storage: Arc<dyn Storage> = Arc::new(Memory::new());
        Ok(storage)
    })
}
