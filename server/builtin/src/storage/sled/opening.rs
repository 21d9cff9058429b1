//! Opening sled so that a power cut on the way leaves a store that opens.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use ::sled::{Config, Db, Mode};
use keyward_core::storage::StorageError;

use super::{
    super::directory::{DataDirectory, io_error, settle},
    failed,
};

/// Rule 3. It is fixed when a store is created.
const SEGMENT_LENGTH: usize = 2 << 20;
/// Rule 4.
const CACHE_LENGTH: u64 = 64 << 20;
/// How often a lock may be taken again between its release and our turn.
const TRIES: usize = 10;

/// Makes a new store in an empty directory.
pub(super) fn create(path: &Path, directory: &DataDirectory) -> Result<(), StorageError> {
    start(path)
        .map(drop)
        .map_err(|error| refused(error, directory))
}

/// Opens the store in a directory that we hold the lock of.
pub(super) fn open(path: &Path, directory: &DataDirectory) -> Result<Db, StorageError> {
    remove_unfinished_snapshots(path).map_err(|error| io_error(&error, path))?;
    refresh_snapshot(path, directory)?;
    let db = start_once_free(path, directory)?;
    let db = db.map_err(|error| refused(error, directory))?;
    // Rule 2.
    settle(path)?;
    Ok(db)
}

/// The first opening of rule 7. Between the snapshot and the clearing sled looks for blobs to
/// remove, and gives up where it cannot: it finds a file in the place of their directory.
fn refresh_snapshot(path: &Path, directory: &DataDirectory) -> Result<(), StorageError> {
    let blobs = path.join("blobs");
    let tried = |outcome: io::Result<()>| outcome.map_err(|error| io_error(&error, &blobs));
    if blobs.is_dir() {
        tried(fs::remove_dir(&blobs))?;
    }
    tried(File::create(&blobs).map(drop))?;
    match start_once_free(path, directory)? {
        // It had nothing to recover.
        Ok(db) => drop(db),
        Err(::sled::Error::Io(error)) if error.kind() == io::ErrorKind::NotADirectory => {}
        Err(error) => return Err(refused(error, directory)),
    }
    settle(path)?;
    tried(fs::remove_file(&blobs).and_then(|()| fs::create_dir(&blobs)))
}

/// Rule 5. That the lock was free is no promise: a process that another thread starts just then has
/// our handles, locks and all, until it runs its own program. So it is waited for again.
fn start_once_free(
    path: &Path,
    directory: &DataDirectory,
) -> Result<::sled::Result<Db>, StorageError> {
    for _ in 1..TRIES {
        directory.wait_for_release(&path.join("db"))?;
        match start(path) {
            Err(error) if is_locked(&error) => {}
            started => return Ok(started),
        }
    }
    directory.wait_for_release(&path.join("db"))?;
    Ok(start(path))
}

fn start(path: &Path) -> ::sled::Result<Db> {
    Config::new()
        .path(path)
        .segment_size(SEGMENT_LENGTH)
        .cache_capacity(CACHE_LENGTH)
        .mode(Mode::HighThroughput)
        .flush_every_ms(None)
        .open()
}

fn refused(error: ::sled::Error, directory: &DataDirectory) -> StorageError {
    if is_locked(&error) {
        directory.locked()
    } else {
        failed(error)
    }
}

/// Tells whether sled found its files locked, for which it has no kind of its own.
fn is_locked(error: &::sled::Error) -> bool {
    matches!(error, ::sled::Error::Io(cause) if cause.to_string().starts_with("could not acquire lock"))
}

/// Removes snapshots that sled was still writing when the power went. It would take one for the
/// newest, find it torn, and refuse to open; the one before, or the log itself, is complete.
fn remove_unfinished_snapshots(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
