//! A whole store as one stream: the backup, and the way from one backend to another.
//!
//! ```text
//! "keyward-export-1\n"
//! per key, in byte order:  0x01 | key length u32 BE | value length u32 BE | key | value
//! 0x00 | number of keys u64 BE | SHA-256 of all bytes before
//! ```
//!
//! Values travel as stored, sealed by the barrier, so a stream is as secret as the store. The hash
//! finds a cut or damaged stream; it is no signature. Revisions stay behind: the importing store
//! gives its own.

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    Batch, Expect, MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Revision, Storage, StorageError, check_key,
};

const MAGIC: &[u8] = b"keyward-export-1\n";
const RECORD: u8 = 1;
const END: u8 = 0;

/// How many names one step of the walk asks for.
const PAGE: usize = 512;
/// An import commits once this many keys, or bytes, are waiting.
const COMMIT_KEYS: usize = 512;
const COMMIT_LENGTH: usize = 1 << 20;

/// Writes all keys of `storage` to `out`, and returns how many there were.
///
/// The store must stand still meanwhile.
///
/// # Errors
/// [`StorageError::Invalid`] if the store changed during the export: the stream is then no
/// snapshot and worth nothing. Else what reading or writing met.
pub async fn export(
    storage: &dyn Storage,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<u64, StorageError> {
    let mut changes = storage.changes();
    let mut out = Hashing {
        inner: out,
        hash: Sha256::new(),
    };
    out.write(MAGIC).await?;

    let mut count = 0_u64;
    // Folders on the way down, the deepest last, each with the last name seen in it.
    let mut path = vec![Folder {
        prefix: String::new(),
        after: None,
    }];
    while let Some(folder) = path.last_mut() {
        let prefix = folder.prefix.clone();
        let names = storage
            .list(&prefix, folder.after.as_deref(), Some(PAGE))
            .await?;
        if names.is_empty() {
            path.pop();
            continue;
        }
        for name in names {
            folder.after = Some(name.clone());
            let key = prefix.clone() + &name;
            if name.ends_with('/') {
                // Go down first: what follows in this folder sorts behind all of that.
                path.push(Folder {
                    prefix: key,
                    after: None,
                });
                break;
            }
            // A key that vanished is a change, which is found below.
            if let Some(stored) = storage.get(&key).await? {
                out.write(&[RECORD]).await?;
                out.write(&length(&key)?).await?;
                out.write(&length(&stored.value)?).await?;
                out.write(key.as_bytes()).await?;
                out.write(&stored.value).await?;
                count += 1;
            }
        }
    }
    out.write(&[END]).await?;
    out.write(&count.to_be_bytes()).await?;
    let Hashing { inner, hash } = out;
    inner.write_all(&hash.finalize()).await.map_err(io)?;
    inner.flush().await.map_err(io)?;

    match changes.try_next() {
        None => Ok(count),
        Some(_) => Err(StorageError::Invalid(
            "the store changed during the export".to_owned(),
        )),
    }
}

/// Reads a stream that [`export`] wrote into the empty store `storage`, and returns how many keys
/// it held.
///
/// # Errors
/// [`StorageError::Invalid`] if the store is not empty, before anything is written.
/// [`StorageError::Corrupt`] if the stream is cut, damaged or none of ours. Its hash stands at the
/// end, so the store may then hold a part of it and must be thrown away.
pub async fn import(
    storage: &dyn Storage,
    input: &mut (impl AsyncRead + Unpin),
) -> Result<u64, StorageError> {
    if !storage.list("", None, Some(1)).await?.is_empty() {
        return Err(StorageError::Invalid(
            "only an empty store takes an import".to_owned(),
        ));
    }
    let mut input = Hashing {
        inner: input,
        hash: Sha256::new(),
    };
    if input.read(MAGIC.len()).await? != MAGIC {
        return Err(corrupt("not an export"));
    }

    let mut count = 0_u64;
    let mut batch = Batch::new();
    while input.read_array::<1>().await? == [RECORD] {
        let key_length = u32::from_be_bytes(input.read_array().await?) as usize;
        let value_length = u32::from_be_bytes(input.read_array().await?) as usize;
        // Before anything of that size is allocated.
        if key_length > MAX_KEY_LENGTH || value_length > MAX_VALUE_LENGTH {
            return Err(corrupt("a length is impossible"));
        }
        let key = String::from_utf8(input.read(key_length).await?)
            .map_err(|_| corrupt("a key is not UTF-8"))?;
        check_key(&key).map_err(|_| corrupt("a key is no path"))?;
        let value = input.read(value_length).await?;
        count += 1;

        let full = batch.operations().len() == COMMIT_KEYS
            || batch.length() + key_length + value_length > COMMIT_LENGTH;
        if full && !batch.is_empty() {
            write(storage, std::mem::take(&mut batch)).await?;
        }
        batch = batch.put_if(key, value, Expect::Absent);
    }
    if u64::from_be_bytes(input.read_array().await?) != count {
        return Err(corrupt("keys are missing"));
    }
    let Hashing { inner, hash } = input;
    let mut expected = [0; 32];
    inner.read_exact(&mut expected).await.map_err(cut)?;
    if hash.finalize().as_slice() != expected {
        return Err(corrupt("the hash does not match"));
    }
    write(storage, batch).await?;
    Ok(count)
}

async fn write(storage: &dyn Storage, batch: Batch) -> Result<Revision, StorageError> {
    storage.commit(batch).await.map_err(|error| match error {
        StorageError::Conflict { .. } | StorageError::Invalid(_) => corrupt("a key is there twice"),
        other => other,
    })
}

struct Folder {
    prefix: String,
    after: Option<String>,
}

/// Hashes what passes.
struct Hashing<'a, T> {
    inner: &'a mut T,
    hash: Sha256,
}

impl<T: AsyncWrite + Unpin> Hashing<'_, T> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.hash.update(bytes);
        self.inner.write_all(bytes).await.map_err(io)
    }
}

impl<T: AsyncRead + Unpin> Hashing<'_, T> {
    async fn read(&mut self, length: usize) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; length];
        self.inner.read_exact(&mut bytes).await.map_err(cut)?;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    async fn read_array<const N: usize>(&mut self) -> Result<[u8; N], StorageError> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).await.map_err(cut)?;
        self.hash.update(bytes);
        Ok(bytes)
    }
}

fn length(bytes: impl AsRef<[u8]>) -> Result<[u8; 4], StorageError> {
    u32::try_from(bytes.as_ref().len())
        .map(u32::to_be_bytes)
        .map_err(|_| StorageError::Invalid("a stored value is too long to export".to_owned()))
}

fn io(error: std::io::Error) -> StorageError {
    StorageError::Io(error.to_string())
}

fn cut(error: std::io::Error) -> StorageError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt("the stream is cut short"),
        _ => io(error),
    }
}

fn corrupt(reason: &str) -> StorageError {
    StorageError::Corrupt(format!("export stream: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Memory;

    /// Keys around every corner of the walk: a key and a folder of one name, more than a page.
    async fn filled() -> (Memory, u64) {
        let storage = Memory::new();
        let mut batch = Batch::new();
        for key in ["a", "a-b", "a/b", "a/b/c/d", "a0", "z/y", "ü"] {
            batch = batch.put(key, key);
        }
        for number in 0..PAGE + 3 {
            batch = batch.put(format!("many/{number}/x"), number.to_string());
        }
        batch = batch
            .put("large", vec![7; COMMIT_LENGTH + 1])
            .put("empty", "");
        let count = batch.operations().len() as u64;
        storage.commit(batch).await.unwrap();
        (storage, count)
    }

    async fn exported(storage: &Memory) -> Vec<u8> {
        let mut stream = Vec::new();
        export(storage, &mut stream).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn an_import_restores_every_key_of_an_export() {
        let (storage, count) = filled().await;
        let stream = exported(&storage).await;

        let copy = Memory::new();
        assert_eq!(import(&copy, &mut stream.as_slice()).await, Ok(count));
        assert_eq!(exported(&copy).await, stream);
        assert_eq!(
            copy.get("a/b/c/d").await.unwrap().unwrap().value,
            b"a/b/c/d"
        );
    }

    #[tokio::test]
    async fn keys_are_exported_in_byte_order() {
        let storage = Memory::new();
        let keys = ["a", "a-b", "a/b", "a/b/c/d", "a0", "z/y", "ü"];
        for key in keys.iter().rev() {
            storage.commit(Batch::new().put(*key, "")).await.unwrap();
        }
        let mut expected = Vec::new();
        for key in keys {
            expected.extend([
                RECORD,
                0,
                0,
                0,
                u8::try_from(key.len()).unwrap(),
                0,
                0,
                0,
                0,
            ]);
            expected.extend(key.as_bytes());
        }
        let stream = exported(&storage).await;
        assert_eq!(stream[MAGIC.len()..stream.len() - 41], expected);
    }

    #[tokio::test]
    async fn import_refuses_a_store_that_holds_something() {
        let (storage, _) = filled().await;
        let stream = exported(&storage).await;
        let error = import(&storage, &mut stream.as_slice()).await.unwrap_err();
        assert!(matches!(error, StorageError::Invalid(_)), "{error}");
    }

    #[tokio::test]
    async fn import_refuses_every_cut_and_every_flipped_bit() {
        let storage = Memory::new();
        storage
            .commit(Batch::new().put("k/1", "one").put("k/2", "two"))
            .await
            .unwrap();
        let stream = exported(&storage).await;
        for end in 0..stream.len() {
            let error = import(&Memory::new(), &mut &stream[..end])
                .await
                .unwrap_err();
            assert!(
                matches!(error, StorageError::Corrupt(_)),
                "cut at {end}: {error}"
            );
        }
        for bit in 0..stream.len() * 8 {
            let mut damaged = stream.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let error = import(&Memory::new(), &mut damaged.as_slice())
                .await
                .unwrap_err();
            assert!(
                matches!(error, StorageError::Corrupt(_)),
                "bit {bit}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn export_refuses_a_store_that_changes_meanwhile() {
        let (storage, _) = filled().await;
        let (mut out, mut input) = tokio::io::duplex(64);
        let drain = async {
            let mut first = [0; 64];
            input.read_exact(&mut first).await.unwrap();
            storage.commit(Batch::new().put("late", "1")).await.unwrap();
            tokio::io::copy(&mut input, &mut tokio::io::sink())
                .await
                .unwrap()
        };
        let export = async {
            let outcome = export(&storage, &mut out).await;
            drop(out);
            outcome
        };
        let (outcome, _) = tokio::join!(export, drain);
        assert!(
            matches!(outcome, Err(StorageError::Invalid(_))),
            "{outcome:?}"
        );
    }
}
