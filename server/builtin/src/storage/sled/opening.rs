//! Opening sled so that a power cut on the way leaves a store that opens.

use std::{
    fs::{self, File},
    io::{self, Write as _},
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
/// Rule 10: a copy of a snapshot, behind the name that it had.
const KEPT: &str = "kept";
const KEPT_NEW: &str = "kept.new";
/// `snap.` and sixteen digits.
const SNAPSHOT_NAME_LENGTH: usize = 21;
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
    let tried = |outcome: io::Result<()>| outcome.map_err(|error| io_error(&error, path));
    tried(remove_unfinished_snapshots(path).and_then(|()| keep_snapshot(path)))?;
    refresh_snapshot(path, directory)?;
    let db = start_once_free(path, directory)?;
    let db = db.map_err(|error| refused(error, directory))?;
    // Rule 2.
    settle(path)?;
    tried(forget_kept(path))?;
    Ok(db)
}

/// Rule 10. Puts a copy of the newest snapshot aside, or, where there is none, the copy back that an
/// opening left which ended half-way.
pub(super) fn keep_snapshot(path: &Path) -> io::Result<()> {
    let kept = path.join(KEPT);
    let sync = || File::open(path)?.sync_all();
    if let Some(newest) = newest_snapshot(path)? {
        let new = path.join(KEPT_NEW);
        write_synced(&new, &[newest.as_bytes(), &fs::read(path.join(&newest))?])?;
        fs::rename(&new, &kept)?;
        return sync();
    }
    if !kept.exists() {
        return Ok(());
    }
    let copy = fs::read(&kept)?;
    let (name, snapshot) = copy.split_at(SNAPSHOT_NAME_LENGTH.min(copy.len()));
    let name = str::from_utf8(name).map_err(io::Error::other)?;
    // A name under which it is not taken for a whole one.
    let unfinished = path.join(format!("{name}.generating"));
    write_synced(&unfinished, &[snapshot])?;
    fs::rename(&unfinished, path.join(name))?;
    sync()
}

/// Removes the copy for good: from here on sled reuses what that leads to.
fn forget_kept(path: &Path) -> io::Result<()> {
    match fs::remove_file(path.join(KEPT)) {
        Ok(()) => File::open(path)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn write_synced(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}

fn newest_snapshot(path: &Path) -> io::Result<Option<String>> {
    let mut newest = None;
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // Their numbers have as many digits each, so that the greatest sorts last.
        if name.starts_with("snap.") && name.len() == SNAPSHOT_NAME_LENGTH {
            newest = newest.max(Some(name));
        }
    }
    Ok(newest)
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
