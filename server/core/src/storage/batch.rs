//! What a commit asks for: puts and deletes, each with what it expects to find.

use std::collections::HashSet;

use super::{Revision, StorageError, check_key};

/// The longest value: a request body of 32 MiB, and room for what sealing adds.
pub const MAX_VALUE_LENGTH: usize = 33 << 20;
/// The most bytes, keys and values together, in one batch.
pub const MAX_BATCH_LENGTH: usize = 2 * MAX_VALUE_LENGTH;
/// The most operations in one batch.
pub const MAX_BATCH_OPERATIONS: usize = 8192;

/// Puts and deletes that happen together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    operations: Vec<Op>,
}

/// One put or delete.
#[derive(Debug)]
pub struct Op {
    /// The key it is about.
    pub key: String,
    /// What to do.
    pub action: Action,
    /// What must be there before; `None` takes whatever is.
    pub expect: Option<Expect>,
}

/// What an operation does to its key.
#[derive(Debug)]
pub enum Action {
    /// Removes the key; removing what is not there is no error.
    Delete,
    /// Stores this value, over any other.
    Put(Vec<u8>),
}

/// What an operation expects of its key before the commit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// The key does not exist.
    Absent,
    /// The key was last written by this commit.
    At(Revision),
}

impl Expect {
    /// Whether a key that was last written at `current` (`None`: is not there) meets this.
    #[must_use]
    pub fn holds(self, current: Option<Revision>) -> bool {
        match self {
            Self::Absent => current.is_none(),
            Self::At(revision) => current == Some(revision),
        }
    }
}

impl Batch {
    /// Starts an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a put that takes whatever is there.
    #[must_use]
    pub fn put(self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.with(key.into(), Action::Put(value.into()), None)
    }

    /// Adds a put that fails the whole batch unless `expect` holds.
    #[must_use]
    pub fn put_if(self, key: impl Into<String>, value: impl Into<Vec<u8>>, expect: Expect) -> Self {
        self.with(key.into(), Action::Put(value.into()), Some(expect))
    }

    /// Adds a delete that takes whatever is there.
    #[must_use]
    pub fn delete(self, key: impl Into<String>) -> Self {
        self.with(key.into(), Action::Delete, None)
    }

    /// Adds a delete that fails the whole batch unless `expect` holds.
    #[must_use]
    pub fn delete_if(self, key: impl Into<String>, expect: Expect) -> Self {
        self.with(key.into(), Action::Delete, Some(expect))
    }

    fn with(mut self, key: String, action: Action, expect: Option<Expect>) -> Self {
        self.operations.push(Op {
            key,
            action,
            expect,
        });
        self
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations, in the order they were added.
    #[must_use]
    pub fn operations(&self) -> &[Op] {
        &self.operations
    }

    /// Gives up the operations, in the order they were added.
    #[must_use]
    pub fn into_operations(self) -> Vec<Op> {
        self.operations
    }

    /// The bytes of all keys and values together.
    #[must_use]
    pub fn length(&self) -> usize {
        self.operations
            .iter()
            .map(|op| op.key.len() + op.action.length())
            .sum()
    }

    /// Checks what every backend demands of a batch, before it touches anything.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if a key breaks the rules of [`check_key`], occurs twice, or
    /// something is longer than [`MAX_VALUE_LENGTH`], [`MAX_BATCH_LENGTH`] or
    /// [`MAX_BATCH_OPERATIONS`] allow.
    pub fn check(&self) -> Result<(), StorageError> {
        let count = self.operations.len();
        if count > MAX_BATCH_OPERATIONS {
            return Err(StorageError::Invalid(format!(
                "a batch of {count} operations is too long"
            )));
        }
        let mut keys = HashSet::with_capacity(count);
        for op in &self.operations {
            check_key(&op.key)?;
            if !keys.insert(op.key.as_str()) {
                return Err(StorageError::Invalid(format!(
                    "key {:?} is twice in a batch",
                    op.key
                )));
            }
            let length = op.action.length();
            if length > MAX_VALUE_LENGTH {
                return Err(StorageError::Invalid(format!(
                    "a value of {length} bytes is too long"
                )));
            }
        }
        let length = self.length();
        if length > MAX_BATCH_LENGTH {
            return Err(StorageError::Invalid(format!(
                "a batch of {length} bytes is too long"
            )));
        }
        Ok(())
    }
}

impl Action {
    fn length(&self) -> usize {
        match self {
            Self::Delete => 0,
            Self::Put(value) => value.len(),
        }
    }
}
