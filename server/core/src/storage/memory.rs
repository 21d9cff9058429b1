//! The reference backend: a sorted map in memory. Every other backend is compared with it.
//!
//! **Invariant:** nothing outlives the last handle.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{
    Action, Announcer, Batch, Change, Changes, Revision, Storage, StorageError, Stored, WriterId,
    check_key, check_prefix, children,
};

/// A handle on a store in memory.
#[derive(Debug)]
pub struct Memory {
    shared: Arc<Shared>,
    writer: WriterId,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    announcer: Announcer,
}

#[derive(Debug, Default)]
struct State {
    keys: BTreeMap<String, Stored>,
    revision: u64,
}

impl Memory {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::default(),
            writer: WriterId::generate(),
        }
    }

    /// Opens the same store once more, as another node would: same keys, another writer.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            writer: WriterId::generate(),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Storage for Memory {
    async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        check_key(key)?;
        Ok(self.shared.state.lock().keys.get(key).cloned())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        check_prefix(prefix)?;
        let state = self.shared.state.lock();
        children(prefix, after, limit, |from| {
            let mut range = state.keys.range::<str, _>((from, Bound::Unbounded));
            Ok(range.next().map(|(key, _)| key.clone()))
        })
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        batch.check()?;
        let mut state = self.shared.state.lock();
        for op in batch.operations() {
            let current = state.keys.get(&op.key).map(|stored| stored.revision);
            if op.expect.is_some_and(|expect| !expect.holds(current)) {
                return Err(StorageError::Conflict {
                    key: op.key.clone(),
                });
            }
        }

        state.revision += 1;
        let revision = Revision::new(state.revision);
        let mut keys = Vec::with_capacity(batch.operations().len());
        for op in batch.into_operations() {
            match op.action {
                Action::Delete => state.keys.remove(&op.key),
                Action::Put(value) => state
                    .keys
                    .insert(op.key.clone(), Stored { value, revision }),
            };
            keys.push(op.key);
        }
        // Under the lock, so that announcements keep commit order.
        self.shared.announcer.announce(Change {
            revision,
            writer: self.writer,
            keys,
        });
        Ok(revision)
    }

    fn changes(&self) -> Changes {
        self.shared.announcer.subscribe()
    }

    fn writer(&self) -> WriterId {
        self.writer
    }

    async fn probe(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        Notice,
        conformance::{Fixture, Store},
    };

    struct MemoryFixture;

    #[async_trait]
    impl Fixture for MemoryFixture {
        async fn open(&self) -> Store {
            Arc::new(Memory::new())
        }
    }

    crate::storage_conformance!(MemoryFixture);

    #[tokio::test]
    async fn two_handles_share_keys_and_know_each_other_apart() {
        let one = Memory::new();
        let two = one.share();
        let mut changes = one.changes();
        let revision = two.commit(Batch::new().put("a", "1")).await.unwrap();

        assert_eq!(one.get("a").await.unwrap().unwrap().revision, revision);
        let Notice::Commit(change) = changes.next().await else {
            panic!("no commit")
        };
        assert_eq!(change.writer, two.writer());
        assert_ne!(change.writer, one.writer());
    }
}
