//! `storage "sled"`: the default embedded store, on sled 0.34.
//!
//! sled by itself acknowledges what a power cut can undo. Ten rules make it trustworthy; each is
//! cited where it is obeyed, and the power-loss test holds them:
//!
//! 1. One thread owns all writes: one batch, `flush`, then `fdatasync` on a handle of our own, then
//!    the answer. sled's `flush` ends in `sync_file_range`, which empties no device cache and
//!    writes no file length.
//! 2. At opening and after creation `conf`, `db`, the directory and the one above are synced.
//! 3. No blobs, the files that sled writes for large pages and never syncs: segments of 2 MiB, and
//!    values above 8 KiB cut into chunks.
//! 4. 64 MiB of cache, high throughput, and **no flusher thread**. With it, sled moves live pages
//!    between our syncs, and reuses their old segments on the word of `sync_file_range`. Without
//!    it every write is part of a batch, whose segments sled counts as stable only when the next
//!    batch begins: after our sync. Space is still reclaimed, by the batches themselves.
//! 5. sled's lock outlives a killed process by moments: it is waited for.
//! 6. A panic at opening is caught, errors are mapped, and after a failed write there is no other
//!    before it is opened anew.
//! 7. It is opened twice. Opening writes a snapshot, drops the one before, and clears the segments
//!    that only the one before names, with no sync between: a power cut may keep the old names and
//!    the cleared segments. The first opening ends after the snapshot, the second begins when its
//!    name is durable, finds nothing to add to it, and clears.
//! 8. A flush that waits for a write which failed may never be told: it is watched.
//! 9. The way out is [`keyward_core::storage::export`]; expectations are checked by the committer.
//! 10. A copy of the snapshot stands aside while it is opened. sled names the new snapshot and
//!     removes the old one with no sync between, and a power cut may keep the removal alone: the
//!     log by itself does not tell all where a fault had been met before.
//!
//! ```text
//! 'b' | revision u64 BE | index u32 BE | chunk u32 BE  →  at most 8 KiB of a body
//! 'h' | key                                            →  head
//! 'o' | revision u64 BE | index u32 BE | length u32 BE  →  nothing: an orphan
//! 's'                                                  →  state
//! ```

mod opening;
mod watch;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    ops::Bound,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::sled::Db;
use keyward_core::storage::{Revision, StorageError};
use parking_lot::{Mutex, RwLock};

use self::watch::Watch;
use super::{
    Backend, Opening, Settings,
    directory::{DataDirectory, io_error, path_setting},
    embedded::{self, Body, Medium, Writes},
    record::{Place, decode_state, encode_state},
};

/// The line in the table of backends.
pub(super) const BACKEND: Backend = Backend {
    names: &["sled"],
    open,
};

/// Rule 3: the longest chunk of a body. A page holds some 17 rows, and becomes a blob at a quarter
/// of a segment.
const CHUNK_LENGTH: usize = 8 << 10;

const BODY: u8 = b'b';
const HEAD: u8 = b'h';
const ORPHAN: u8 = b'o';
const STATE: &[u8] = b"s";

fn open(settings: Settings) -> Opening {
    Box::pin(async move { embedded::open::<Sled>(path_setting("sled", settings)?).await })
}

/// A sled database and what its rules need.
struct Sled {
    /// Rule 8. The first to be dropped, since it holds the database as well.
    watch: Watch,
    db: Db,
    /// Rule 1: our own handle of sled's file, to sync it.
    file: File,
    path: PathBuf,
    /// What the heads were that a write in progress changes. sled shows a batch as soon as it is
    /// applied, and a power cut may still undo it; readers are given the old head until it cannot.
    unsettled: RwLock<BTreeMap<String, Option<Vec<u8>>>>,
    /// Held during a write.
    writing: Mutex<()>,
    // The last to be dropped: the lock is held until sled has closed its file.
    directory: Arc<DataDirectory>,
}

impl Medium for Sled {
    fn open(directory: Arc<DataDirectory>) -> Result<(Self, Revision), StorageError> {
        let path = directory.store("sled", |new| opening::create(new, &directory))?;
        let db = opening::open(&path, &directory)?;

        let data = path.join("db");
        let file = File::options()
            .write(true)
            .open(&data)
            .map_err(|error| io_error(&error, &data))?;
        let revision = decode_state(db.get(STATE).map_err(failed)?.as_deref())?;
        let watch = Watch::start({
            let db = db.clone();
            // Its outcome is that of the flush beside which it runs.
            move || drop(db.flush())
        })?;
        let (unsettled, writing) = (RwLock::default(), Mutex::default());
        Ok((
            Self {
                watch,
                db,
                file,
                path,
                unsettled,
                writing,
                directory,
            },
            revision,
        ))
    }

    fn try_disk(&self) -> Result<(), StorageError> {
        self.directory.try_disk(&self.path)
    }

    fn head(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.settled_head(&self.unsettled.read(), key)
    }

    fn try_head(&self, key: &str) -> Option<Result<Option<Vec<u8>>, StorageError>> {
        // The lock is taken for as long as a batch is being applied, during which sled would
        // make us wait as well.
        self.unsettled
            .try_read()
            .map(|unsettled| self.settled_head(&unsettled, key))
    }

    fn body(&self, place: Place) -> Result<Option<Vec<u8>>, StorageError> {
        let mut value = Vec::with_capacity(place.length as usize);
        for key in chunk_keys(place) {
            match self.db.get(key).map_err(failed)? {
                Some(chunk) => value.extend_from_slice(&chunk),
                None => {
                    // A write removed it, which may not be durable yet. Once it is, the reader
                    // finds the new head.
                    drop(self.writing.lock());
                    return Ok(None);
                }
            }
        }
        Ok(Some(value))
    }

    fn next_key(&self, from: Bound<&str>) -> Result<Option<String>, StorageError> {
        let unsettled = self.unsettled.read();
        // A key that is being deleted is still there; one that is being added is not there yet.
        let leaving = unsettled
            .range::<str, _>((from, Bound::Unbounded))
            .find(|(_, before)| before.is_some())
            .map(|(key, _)| key.clone());
        let range = (from.map(head_key), Bound::Excluded(vec![HEAD + 1]));
        for row in self.db.range(range) {
            let (key, _) = row.map_err(failed)?;
            let key = String::from_utf8(key[1..].to_vec())
                .map_err(|_| StorageError::Corrupt("a key is not UTF-8".to_owned()))?;
            if unsettled.get(&key) != Some(&None) {
                return Ok(Some(
                    leaving.map_or(key.clone(), |leaving| leaving.min(key)),
                ));
            }
        }
        Ok(leaving)
    }

    fn orphans(&self) -> Result<Vec<Place>, StorageError> {
        let rows = self.db.scan_prefix([ORPHAN]);
        rows.keys()
            .map(|key| orphan_place(&key.map_err(failed)?))
            .collect()
    }

    fn write(&self, writes: &Writes) -> Result<(), StorageError> {
        let _writing = self.writing.lock();
        self.apply(writes)?;
        self.harden()
    }
}

impl Sled {
    /// The first half of a write: sled has it, readers are not shown it.
    fn apply(&self, writes: &Writes) -> Result<(), StorageError> {
        let mut batch = ::sled::Batch::default();
        for (place, body) in &writes.bodies {
            match body {
                Body::Keep => batch.remove(&orphan_key(*place)),
                Body::Orphan => batch.insert(&orphan_key(*place), &[]),
                Body::Remove => {
                    chunk_keys(*place).for_each(|key| batch.remove(&key));
                    batch.remove(&orphan_key(*place));
                }
                Body::Store(value) => {
                    for (key, chunk) in chunk_keys(*place).zip(value.chunks(CHUNK_LENGTH)) {
                        batch.insert(&key, chunk);
                    }
                }
            }
        }
        let mut before = BTreeMap::new();
        for (key, row) in &writes.heads {
            match &row.after {
                Some(head) => batch.insert(head_key(key), head.as_slice()),
                None => batch.remove(head_key(key)),
            }
            before.insert(key.clone(), row.before.clone());
        }
        batch.insert(STATE, &encode_state(writes.revision));

        let mut unsettled = self.unsettled.write();
        *unsettled = before;
        self.db.apply_batch(batch).map_err(failed)
    }

    /// The second half: it is durable, and readers are shown it. On an error the old heads stay in
    /// force, since nobody can say whether the new ones are durable.
    fn harden(&self) -> Result<(), StorageError> {
        // Rule 1, in its order.
        self.watch.over(|| self.db.flush()).map_err(failed)?;
        self.file
            .sync_data()
            .map_err(|error| io_error(&error, &self.path))?;
        self.assert_no_blobs()?;
        self.unsettled.write().clear();
        Ok(())
    }

    fn settled_head(
        &self,
        unsettled: &BTreeMap<String, Option<Vec<u8>>>,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        if let Some(before) = unsettled.get(key) {
            return Ok(before.clone());
        }
        Ok(self
            .db
            .get(head_key(key))
            .map_err(failed)?
            .map(|head| head.to_vec()))
    }

    /// Rule 3: sled would never sync a blob.
    fn assert_no_blobs(&self) -> Result<(), StorageError> {
        let blobs = self.path.join("blobs");
        let mut entries = fs::read_dir(&blobs).map_err(|error| io_error(&error, &blobs))?;
        match entries.next() {
            None => Ok(()),
            Some(_) => Err(StorageError::Corrupt(
                "sled put a page where it is not durable".to_owned(),
            )),
        }
    }
}

fn head_key(key: &str) -> Vec<u8> {
    [&[HEAD], key.as_bytes()].concat()
}

fn chunk_keys(place: Place) -> impl Iterator<Item = [u8; 17]> {
    (0..place.length.div_ceil(CHUNK_LENGTH as u32)).map(move |chunk| {
        let mut key = [BODY; 17];
        key[1..9].copy_from_slice(&place.revision.number().to_be_bytes());
        key[9..13].copy_from_slice(&place.index.to_be_bytes());
        key[13..].copy_from_slice(&chunk.to_be_bytes());
        key
    })
}

fn orphan_key(place: Place) -> [u8; 17] {
    let mut key = [ORPHAN; 17];
    key[1..9].copy_from_slice(&place.revision.number().to_be_bytes());
    key[9..13].copy_from_slice(&place.index.to_be_bytes());
    key[13..].copy_from_slice(&place.length.to_be_bytes());
    key
}

fn orphan_place(key: &[u8]) -> Result<Place, StorageError> {
    let place = || {
        let (revision, rest) = key.get(1..)?.split_first_chunk()?;
        let (index, rest) = rest.split_first_chunk()?;
        Some(Place {
            revision: Revision::new(u64::from_be_bytes(*revision)),
            index: u32::from_be_bytes(*index),
            length: u32::from_be_bytes(rest.try_into().ok()?),
        })
    };
    place().ok_or_else(|| StorageError::Corrupt("the note of an orphan is damaged".to_owned()))
}

/// Rule 6.
fn failed(error: ::sled::Error) -> StorageError {
    match error {
        ::sled::Error::Io(error) => io_error(&error, Path::new("sled")),
        ::sled::Error::Corruption { .. } => {
            StorageError::Corrupt("sled found its files damaged".to_owned())
        }
        other => StorageError::Io(format!("sled: {other}")),
    }
}

#[cfg(test)]
mod tests;
