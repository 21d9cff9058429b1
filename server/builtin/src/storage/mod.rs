//! The storage backends that ship, one file each.
//!
//! The embedded ones share all but their medium: `embedded.rs` checks expectations, numbers commits
//! and groups them, `record.rs` draws what is stored, `directory.rs` owns the files.

mod directory;
mod embedded;
mod memory;
mod record;
mod redb;
mod sled;

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::BoxFuture;
use keyward_core::storage::{Storage, StorageError};

/// The settings of a `storage` stanza, by name.
pub type Settings = BTreeMap<String, String>;

/// A store that is being opened.
pub type Opening = BoxFuture<'static, Result<Arc<dyn Storage>, StorageError>>;

/// One kind of store, as the table of [`STORAGES`] lists it.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    /// What a `storage "NAME"` stanza may call it; our own name first.
    pub names: &'static [&'static str],
    /// Opens the store, and creates it where there is none.
    ///
    /// Fails with [`StorageError::Invalid`] on a setting that is missing or unknown, with
    /// [`StorageError::Locked`] while another process uses the same data.
    pub open: fn(Settings) -> Opening,
}

/// Every storage backend that ships.
pub const STORAGES: &[Backend] = &[memory::BACKEND, redb::BACKEND, sled::BACKEND];

/// Finds a backend by one of its names.
#[must_use]
pub fn storage(name: &str) -> Option<&'static Backend> {
    STORAGES
        .iter()
        .find(|backend| backend.names.contains(&name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_name_finds_its_backend_and_no_other() {
        let mut seen = HashSet::new();
        for backend in STORAGES {
            for name in backend.names {
                assert!(seen.insert(name), "{name} is there twice");
                assert_eq!(storage(name).unwrap().names, backend.names);
            }
        }
        assert!(storage("consul").is_none());
    }

    #[tokio::test]
    async fn a_setting_that_is_missing_or_unknown_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let path = path.to_str().unwrap();
        for (name, pairs, message) in [
            (
                "sled",
                &[][..],
                "storage \"sled\" needs the setting \"path\"",
            ),
            ("redb", &[], "storage \"redb\" needs the setting \"path\""),
            (
                "sled",
                &[("path", path), ("pth", "x")],
                "storage \"sled\" has no setting \"pth\"",
            ),
            (
                "redb",
                &[("path", path), ("max", "1")],
                "storage \"redb\" has no setting \"max\"",
            ),
            (
                "memory",
                &[("path", path)],
                "storage \"memory\" has no setting \"path\"",
            ),
        ] {
            let outcome = (storage(name).unwrap().open)(settings(pairs)).await;
            let error = outcome.err().unwrap();
            assert_eq!(error, StorageError::Invalid(message.to_owned()));
        }
        assert!(!std::fs::exists(path).unwrap());
    }
}
