//! `storage "redb"`: the second embedded store, on redb.
//!
//! redb writes new pages beside the old ones and syncs before a commit is visible, so that it needs
//! fewer rules than sled: every commit is of durability `Immediate`, and the file is created and
//! locked as `directory.rs` says. After an error of the disk redb reads nothing but what it has in
//! memory, until it is opened anew.
//!
//! ```text
//! table "heads":   key                              →  head
//! table "bodies":  (revision u64, index u32)        →  body
//! table "orphans": (revision u64, index u32)        →  length u32
//! table "state":   ()                               →  state
//! ```

use std::{
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::redb::{
    Builder, Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableError,
};
use keyward_core::storage::{Revision, StorageError};

use super::{
    Backend, Opening, Settings,
    directory::{DataDirectory, io_error, path_setting, settle},
    embedded::{self, Body, Medium, Writes},
    record::{Place, decode_state, encode_state},
};

/// The line in the table of backends.
pub(super) const BACKEND: Backend = Backend {
    names: &["redb"],
    open,
};

/// As much as sled's.
const CACHE_LENGTH: usize = 64 << 20;

const BODIES: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("bodies");
const HEADS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("heads");
const ORPHANS: TableDefinition<'_, (u64, u32), u32> = TableDefinition::new("orphans");
const STATE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("state");

fn open(settings: Settings) -> Opening {
    Box::pin(async move { embedded::open::<Redb>(path_setting("redb", settings)?).await })
}

/// A redb database.
struct Redb {
    db: Database,
    path: PathBuf,
    // The last to be dropped: the lock is held until redb has closed its file.
    directory: Arc<DataDirectory>,
}

impl Medium for Redb {
    fn open(directory: Arc<DataDirectory>) -> Result<(Self, Revision), StorageError> {
        let path = directory.store("redb", |new| create(&new.join("db"), &directory))?;
        let data = path.join("db");
        directory.wait_for_release(&data)?;
        let db = start(&data, &directory)?;
        settle(&path)?;

        let revision = {
            let read = begin_read(&db)?;
            let state = read.open_table(STATE).map_err(failed)?;
            let state = state.get(()).map_err(failed)?;
            decode_state(state.as_ref().map(|state| state.value()))?
        };
        Ok((
            Self {
                db,
                path,
                directory,
            },
            revision,
        ))
    }

    fn try_disk(&self) -> Result<(), StorageError> {
        self.directory.try_disk(&self.path)
    }

    fn head(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let heads = begin_read(&self.db)?.open_table(HEADS).map_err(failed)?;
        let head = heads.get(key).map_err(failed)?;
        Ok(head.map(|head| head.value().to_vec()))
    }

    fn try_head(&self, key: &str) -> Option<Result<Option<Vec<u8>>, StorageError>> {
        // Readers of redb never wait for its writer.
        Some(self.head(key))
    }

    fn body(&self, place: Place) -> Result<Option<Vec<u8>>, StorageError> {
        let bodies = begin_read(&self.db)?.open_table(BODIES).map_err(failed)?;
        let body = bodies
            .get((place.revision.number(), place.index))
            .map_err(failed)?;
        Ok(body.map(|body| body.value().to_vec()))
    }

    fn next_key(&self, from: Bound<&str>) -> Result<Option<String>, StorageError> {
        let heads = begin_read(&self.db)?.open_table(HEADS).map_err(failed)?;
        let mut rows = heads
            .range::<&str>((from, Bound::Unbounded))
            .map_err(failed)?;
        let row = rows.next().transpose().map_err(failed)?;
        Ok(row.map(|(key, _)| key.value().to_owned()))
    }

    fn orphans(&self) -> Result<Vec<Place>, StorageError> {
        let orphans = match begin_read(&self.db)?.open_table(ORPHANS) {
            // The first write makes it.
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            opened => opened.map_err(failed)?,
        };
        let rows = orphans.iter().map_err(failed)?;
        rows.map(|row| {
            let (place, length) = row.map_err(failed)?;
            let (revision, index) = place.value();
            Ok(Place {
                revision: Revision::new(revision),
                index,
                length: length.value(),
            })
        })
        .collect()
    }

    fn write(&self, writes: &Writes) -> Result<(), StorageError> {
        let mut write = self.db.begin_write().map_err(failed)?;
        // Two phases would cost a second sync. They guard against values chosen so that a torn
        // page has a good checksum; ours are sealed, so that nobody chooses them.
        write
            .set_durability(Durability::Immediate)
            .map_err(failed)?;
        {
            let mut bodies = write.open_table(BODIES).map_err(failed)?;
            let mut orphans = write.open_table(ORPHANS).map_err(failed)?;
            for (place, body) in &writes.bodies {
                let row = (place.revision.number(), place.index);
                if matches!(body, Body::Keep | Body::Remove) {
                    orphans.remove(row).map_err(failed)?;
                }
                match body {
                    Body::Keep => {}
                    Body::Orphan => drop(orphans.insert(row, place.length).map_err(failed)?),
                    Body::Remove => drop(bodies.remove(row).map_err(failed)?),
                    Body::Store(value) => {
                        drop(bodies.insert(row, value.as_slice()).map_err(failed)?);
                    }
                }
            }
            let mut heads = write.open_table(HEADS).map_err(failed)?;
            for (key, row) in &writes.heads {
                match &row.after {
                    Some(head) => heads
                        .insert(key.as_str(), head.as_slice())
                        .map_err(failed)?,
                    None => heads.remove(key.as_str()).map_err(failed)?,
                };
            }
            let mut state = write.open_table(STATE).map_err(failed)?;
            state
                .insert((), &encode_state(writes.revision)[..])
                .map_err(failed)?;
        }
        write.commit().map_err(failed)
    }
}

/// Makes a database with its tables, so that readers find them.
fn create(file: &Path, directory: &DataDirectory) -> Result<(), StorageError> {
    let db = start(file, directory)?;
    let write = db.begin_write().map_err(failed)?;
    write.open_table(BODIES).map_err(failed)?;
    write.open_table(HEADS).map_err(failed)?;
    write.open_table(STATE).map_err(failed)?;
    write.commit().map_err(failed)
}

fn start(file: &Path, directory: &DataDirectory) -> Result<Database, StorageError> {
    Builder::new()
        .set_cache_size(CACHE_LENGTH)
        .create(file)
        .map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => directory.locked(),
            other => failed(other),
        })
}

fn begin_read(db: &Database) -> Result<ReadTransaction, StorageError> {
    db.begin_read().map_err(failed)
}

fn failed(error: impl Into<::redb::Error>) -> StorageError {
    match error.into() {
        ::redb::Error::Io(error) => io_error(&error, Path::new("redb")),
        ::redb::Error::Corrupted(reason) => StorageError::Corrupt(format!("redb: {reason}")),
        // It stays so until it is opened anew.
        ::redb::Error::PreviousIo => {
            StorageError::Refused("redb met an error of the disk before".to_owned())
        }
        other => StorageError::Io(format!("redb: {other}")),
    }
}
