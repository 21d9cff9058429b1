//! A store whose operations are timed.

use std::sync::Arc;

use async_trait::async_trait;

use super::Metrics;
use crate::storage::{Action, Batch, Changes, Revision, Storage, StorageError, Stored, WriterId};

/// Another store, timed.
pub(crate) struct Measured {
    storage: Arc<dyn Storage>,
    metrics: Arc<Metrics>,
}

impl Measured {
    pub(crate) fn new(storage: Arc<dyn Storage>, metrics: Arc<Metrics>) -> Self {
        Self { storage, metrics }
    }
}

#[async_trait]
impl Storage for Measured {
    async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        let start = self.metrics.start();
        let read = self.storage.get(key).await;
        self.metrics.stop(start, &self.metrics.barrier_get);
        read
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        let start = self.metrics.start();
        let listed = self.storage.list(prefix, after, limit).await;
        self.metrics.stop(start, &self.metrics.barrier_list);
        listed
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        let operations = batch.operations();
        let is_put = |action: &Action| matches!(action, Action::Put(_));
        let puts = operations.iter().filter(|op| is_put(&op.action)).count();
        let deletes = operations.len() - puts;
        let start = self.metrics.start();
        let committed = self.storage.commit(batch).await;
        self.metrics.stop(start, &self.metrics.barrier_commit);
        self.metrics.count_commit(&committed);
        if committed.is_ok() {
            self.metrics.barrier_put.inc_by(puts as u64);
            self.metrics.barrier_delete.inc_by(deletes as u64);
        }
        committed
    }

    fn changes(&self) -> Changes {
        self.storage.changes()
    }

    fn writer(&self) -> WriterId {
        self.storage.writer()
    }

    async fn probe(&self) -> Result<(), StorageError> {
        let probed = self.storage.probe().await;
        self.metrics.count_commit(&probed);
        probed
    }
}
