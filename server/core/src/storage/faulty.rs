//! The reference store with a fault that a test chooses.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Batch, Changes, Memory, Revision, Storage, StorageError, Stored, WriterId};

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is made.
    Made,
    /// It is made, and the store fails before it can say so.
    MadeAndLost,
    /// The store fails before it is made.
    NotMade,
}

type Judge = Box<dyn FnMut(&Batch) -> Fate + Send>;

/// The reference store, whose commits meet the fate that a test gives them. It is well at first.
pub struct Faulty {
    memory: Memory,
    judge: Mutex<Option<Judge>>,
    has_failed: AtomicBool,
    reads: AtomicUsize,
    listed: Mutex<Vec<String>>,
}

impl Faulty {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Memory::new())
    }

    /// Puts itself before a store.
    #[must_use]
    pub fn over(memory: Memory) -> Self {
        Self {
            memory,
            judge: Mutex::default(),
            has_failed: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            listed: Mutex::default(),
        }
    }

    /// Lets `judge` say what becomes of each commit from now on.
    pub fn judge(&self, judge: impl FnMut(&Batch) -> Fate + Send + 'static) {
        *self.judge.lock() = Some(Box::new(judge));
    }

    /// Makes so many commits, and none after them.
    pub fn stop_after(&self, commits: usize) {
        self.refuse_after("", commits);
    }

    /// Makes the commits before the one of this number, counted from one; that one meets its fate
    /// and those after it are not made, as when the machine stops.
    pub fn stop_at(&self, commit: usize, fate: Fate) {
        let mut seen = 0;
        self.judge(move |_| {
            seen += 1;
            match seen {
                seen if seen < commit => Fate::Made,
                seen if seen == commit => fate,
                _ => Fate::NotMade,
            }
        });
    }

    /// Makes no commit that touches a key that begins so.
    pub fn refuse(&self, prefix: &'static str) {
        self.refuse_after(prefix, 0);
    }

    /// Makes so many commits that touch a key that begins so, and all that touch none.
    pub fn refuse_after(&self, prefix: &'static str, commits: usize) {
        let mut left = commits;
        self.judge(move |batch| {
            let mut operations = batch.operations().iter();
            if !operations.any(|operation| operation.key.starts_with(prefix)) {
                return Fate::Made;
            }
            let is_left = left > 0;
            left -= usize::from(is_left);
            if is_left { Fate::Made } else { Fate::NotMade }
        });
    }

    /// Makes every commit again; tells whether one has failed since the last time.
    pub fn mend(&self) -> bool {
        *self.judge.lock() = None;
        self.has_failed.swap(false, Ordering::SeqCst)
    }

    /// Counts the keys that were read, listing aside.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Counts how often a folder was listed whose path begins so.
    pub fn lists(&self, prefix: &str) -> usize {
        let listed = self.listed.lock();
        let of_prefix = listed.iter().filter(|folder| folder.starts_with(prefix));
        of_prefix.count()
    }

    fn fail(&self) -> StorageError {
        self.has_failed.store(true, Ordering::SeqCst);
        StorageError::Io("the machine stopped".to_owned())
    }
}

impl Default for Faulty {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Storage for Faulty {
    async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.memory.get(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, StorageError> {
        self.listed.lock().push(prefix.to_owned());
        self.memory.list(prefix, after, limit).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StorageError> {
        let fate = self.judge.lock().as_mut().map(|judge| judge(&batch));
        match fate.unwrap_or(Fate::Made) {
            Fate::Made => self.memory.commit(batch).await,
            Fate::MadeAndLost => self
                .memory
                .commit(batch)
                .await
                .and_then(|_| Err(self.fail())),
            Fate::NotMade => Err(self.fail()),
        }
    }

    fn changes(&self) -> Changes {
        self.memory.changes()
    }

    fn writer(&self) -> WriterId {
        self.memory.writer()
    }

    async fn probe(&self) -> Result<(), StorageError> {
        self.memory.probe().await
    }
}
