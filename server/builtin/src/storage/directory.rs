//! The data directory of an embedded store: its lock, its permissions, its birth; and whether its
//! disk is well.
//!
//! ```text
//! PATH/               0700 if we made it; an existing one stays as the operator made it
//!   lock              held exclusively while a process has the store open
//!   NAME/             0700, all files below 0600: what the backend NAME keeps
//!   NAME.new/         a store that was being created when the power went; thrown away
//!   trial             for a moment, to see whether the disk takes writes again
//! ```
//!
//! **Invariant:** `NAME` is there entirely or not at all: it is built and synced beside its place,
//! and then renamed.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use keyward_core::storage::StorageError;
use rustix::fs::statvfs;

use super::Settings;
use crate::lock::lock_within;

/// How long to wait for a process that is just ending to let go of its lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The room that a store needs to be opened and to take a write: two of sled's segments.
const ROOM: u64 = 4 << 20;
/// How much is written to see whether a disk takes it.
const TRIAL_LENGTH: usize = 64 << 10;

/// A data directory that this process alone uses, until it is dropped.
#[derive(Debug)]
pub(super) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory if need be, and locks it.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if another process still holds the lock after some seconds.
    pub(super) fn open(path: &Path) -> Result<Self, StorageError> {
        create(path).map_err(|error| io_error(&error, path))?;
        let lock = path.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .map_err(|error| io_error(&error, &lock))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: acquire(file, path)?,
        })
    }

    /// Returns the directory of the store `name`, which `build` makes if it is not there yet.
    ///
    /// What is read from it from here on is what the disk has: after a failed fsync the kernel may
    /// go on to show what it never wrote, to the next process too.
    ///
    /// # Errors
    /// Those of `build`, and [`StorageError::Io`].
    pub(super) fn store(
        &self,
        name: &str,
        build: impl FnOnce(&Path) -> Result<(), StorageError>,
    ) -> Result<PathBuf, StorageError> {
        let store = self.path.join(name);
        let new = self.path.join(format!("{name}.new"));
        let tried = |outcome: io::Result<()>| outcome.map_err(|error| io_error(&error, &store));

        if new.exists() {
            tried(fs::remove_dir_all(&new))?;
        }
        if !store.exists() {
            tried(create(&new))?;
            build(&new)?;
            settle(&new)?;
            tried(fs::rename(&new, &store).and_then(|()| sync(&self.path)))?;
        }
        tried(forget_cached(&store))?;
        Ok(store)
    }

    /// Finds out whether the disk takes writes and makes them durable, without a change to the
    /// files of `store`.
    ///
    /// # Errors
    /// [`StorageError::Full`] if there is not the room that a store needs; else
    /// [`StorageError::Io`].
    pub(super) fn try_disk(&self, store: &Path) -> Result<(), StorageError> {
        let trial = self.path.join("trial");
        let outcome = sync_files(store).and_then(|()| {
            let tried = fs::write(&trial, [0; TRIAL_LENGTH]).and_then(|()| sync(&trial));
            let removed = fs::remove_file(&trial);
            tried.and(removed).and_then(|()| sync(&self.path))
        });
        outcome.map_err(|error| io_error(&error, &self.path))?;
        let disk = statvfs(&self.path).map_err(|error| io_error(&error.into(), &self.path))?;
        // Some network file systems do not say how large they are.
        if disk.f_blocks > 0 && disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM {
            return Err(StorageError::Full);
        }
        Ok(())
    }

    /// Waits until nobody holds a lock on `file`: a killed process lets go of its files one by
    /// one, so that ours may be free a moment before the engine's own.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if it is held for seconds.
    pub(super) fn wait_for_release(&self, file: &Path) -> Result<(), StorageError> {
        let opened = File::open(file).map_err(|error| io_error(&error, file))?;
        acquire(opened, &self.path).map(drop)
    }

    /// The error to report when the engine finds its files in use.
    pub(super) fn locked(&self) -> StorageError {
        locked(&self.path)
    }
}

/// Makes everything in `directory` private and durable, and `directory` itself with its name.
///
/// The permissions are set afterwards because the engines create files with the umask's.
pub(super) fn settle(directory: &Path) -> Result<(), StorageError> {
    settle_tree(directory)
        .and_then(|()| sync(directory.parent().unwrap_or(Path::new("/"))))
        .map_err(|error| io_error(&error, directory))
}

fn settle_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            settle_tree(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o600))?;
            sync(&entry.path())?;
        }
    }
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    sync(directory)
}

/// Makes the files in a directory durable, which also shows whether they may be written.
fn sync_files(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            File::options().write(true).open(entry.path())?.sync_all()?;
        }
    }
    Ok(())
}

/// Has the kernel let go of what it remembers of the files in a directory. It keeps what it has yet
/// to write, which is why they are synced first.
fn forget_cached(directory: &Path) -> io::Result<()> {
    sync_files(directory)?;
    #[cfg(target_os = "linux")]
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let file = File::open(entry.path())?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// Creates a directory and those above it, each durable in the one above.
fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    create(above)?;
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask may have taken bits that the owner needs.
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    sync(above)
}

/// Makes a file, or the names in a directory, durable.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Locks `file`, waiting for the holder only as long as [`PATIENCE`].
fn acquire(file: File, directory: &Path) -> Result<File, StorageError> {
    match lock_within(&file, PATIENCE) {
        Ok(true) => Ok(file),
        Ok(false) => Err(locked(directory)),
        Err(error) => Err(io_error(&error, directory)),
    }
}

fn locked(directory: &Path) -> StorageError {
    StorageError::Locked(directory.display().to_string())
}

/// Maps an error of the file system, met at `path`.
pub(super) fn io_error(error: &io::Error, path: &Path) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::Full,
        _ => StorageError::Io(format!("{}: {error}", path.display())),
    }
}

/// Reads the settings of a backend that needs a `path` and nothing else.
///
/// # Errors
/// [`StorageError::Invalid`], naming the setting that is missing or unknown.
pub(super) fn path_setting(name: &str, settings: Settings) -> Result<PathBuf, StorageError> {
    let mut path = None;
    for (setting, value) in settings {
        match setting.as_str() {
            "path" => path = Some(PathBuf::from(value)),
            _ => {
                let message = format!("storage {name:?} has no setting {setting:?}");
                return Err(StorageError::Invalid(message));
            }
        }
    }
    path.ok_or_else(|| {
        StorageError::Invalid(format!("storage {name:?} needs the setting \"path\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_tried_without_a_trace() {
        let place = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(place.path()).unwrap();
        let file = |store: &Path| fs::write(store.join("db"), "kept").unwrap();
        let store = directory.store("s", |new| {
            file(new);
            Ok(())
        });
        let store = store.unwrap();
        assert_eq!(directory.try_disk(&store), Ok(()));
        assert_eq!(fs::read(store.join("db")).unwrap(), b"kept");
        let names = fs::read_dir(place.path()).unwrap();
        assert_eq!(names.count(), 2, "the lock and the store");

        // A directory in its way stands for a disk that takes no file.
        fs::create_dir(place.path().join("trial")).unwrap();
        let failed = directory.try_disk(&store);
        assert!(matches!(failed, Err(StorageError::Io(_))), "{failed:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_the_kernel_remembers_of_a_store_is_forgotten_when_it_is_opened() {
        use std::io::IoSliceMut;

        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        let place = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(place.path()).unwrap();
        let store = directory.store("s", |_| Ok(())).unwrap();
        let file = store.join("db");
        fs::write(&file, vec![1; 1 << 20]).unwrap();
        let read_from_memory = || {
            let file = File::open(&file).unwrap();
            let mut page = [0; 4096];
            let parts = &mut [IoSliceMut::new(&mut page)];
            preadv2(&file, parts, 0, ReadWriteFlags::NOWAIT)
        };
        if read_from_memory() == Err(Errno::OPNOTSUPP) {
            // A file system in memory has nothing else.
            return;
        }
        assert_eq!(read_from_memory(), Ok(4096));
        directory.store("s", |_| Ok(())).unwrap();
        assert_eq!(read_from_memory(), Err(Errno::AGAIN));
        assert_eq!(fs::read(&file).unwrap(), vec![1; 1 << 20]);
    }
}
