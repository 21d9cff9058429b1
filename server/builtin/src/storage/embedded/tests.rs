//! What the shared half does when its medium fails; that it works is the conformance suite's.

use std::sync::atomic::{AtomicBool, Ordering};

use keyward_core::storage::{Expect, Notice};
use parking_lot::Mutex;

use super::*;

/// Keeps heads in memory, and fails as told.
#[derive(Default)]
struct Faulty {
    heads: Mutex<BTreeMap<String, Vec<u8>>>,
    broken: AtomicBool,
    panics: AtomicBool,
}

impl Medium for Faulty {
    fn open(_: PathBuf) -> Result<(Self, Revision), StorageError> {
        Ok((Self::default(), Revision::new(0)))
    }

    fn head(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.heads.lock().get(key).cloned())
    }

    fn try_head(&self, key: &str) -> Option<Result<Option<Vec<u8>>, StorageError>> {
        Some(self.head(key))
    }

    fn body(&self, _: Place) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(None)
    }

    fn next_key(&self, _: Bound<&str>) -> Result<Option<String>, StorageError> {
        Ok(None)
    }

    fn write(&self, writes: Writes) -> Result<(), StorageError> {
        assert!(
            !self.panics.load(Ordering::SeqCst),
            "this panic is part of a test"
        );
        // Broken once: a second write would succeed, as a second fsync does.
        if self.broken.swap(false, Ordering::SeqCst) {
            return Err(StorageError::Full);
        }
        for (key, row) in writes.heads {
            match row.after {
                Some(head) => self.heads.lock().insert(key, head),
                None => self.heads.lock().remove(&key),
            };
        }
        Ok(())
    }
}

fn commits() -> Commits<Faulty> {
    Commits {
        announcer: Announcer::new(),
        failure: None,
        medium: Arc::default(),
        revision: Revision::new(0),
        writer: WriterId::generate(),
    }
}

fn put(key: &str) -> Batch {
    Batch::new().put(key, "1")
}

#[test]
fn batches_of_a_group_see_those_before_them() {
    let mut commits = commits();
    let outcomes = commits.process(vec![
        Batch::new().put_if("a", "1", Expect::Absent),
        Batch::new().put_if("a", "2", Expect::Absent),
        Batch::new()
            .put_if("a", "3", Expect::At(Revision::new(1)))
            .delete("b"),
        Batch::new().delete_if("a", Expect::At(Revision::new(2))),
        Batch::new().put_if("a", "4", Expect::Absent),
    ]);
    let [first, second, third, fourth, fifth] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        *second,
        Err(StorageError::Conflict {
            key: "a".to_owned()
        })
    );
    let revisions = [first, third, fourth, fifth].map(|outcome| outcome.clone().unwrap().number());
    assert_eq!(revisions, [1, 2, 3, 4]);
    let head = Head::Inline(Revision::new(4), b"4".to_vec());
    assert_eq!(commits.medium.head("a").unwrap(), Some(head.encode()));
}

#[test]
fn a_body_that_its_own_group_replaces_is_never_written() {
    let commits = commits();
    let mut writes = Writes {
        revision: Revision::new(0),
        heads: BTreeMap::new(),
        bodies: BTreeMap::new(),
    };
    for fill in 1..=2 {
        commits
            .stage(
                &mut writes,
                Batch::new().put("a", vec![fill; INLINE_LENGTH + 1]),
            )
            .unwrap();
    }
    let bodies: Vec<_> = writes.bodies.into_iter().collect();
    let place = Place {
        revision: Revision::new(2),
        index: 0,
        length: (INLINE_LENGTH + 1) as u32,
    };
    assert_eq!(bodies, [(place, Some(vec![2; INLINE_LENGTH + 1]))]);
}

#[test]
fn after_a_failed_write_all_of_its_group_fail_and_all_later_commits_are_refused() {
    let mut commits = commits();
    let mut changes = commits.announcer.subscribe();
    commits.process(vec![put("a")]);
    commits.medium.broken.store(true, Ordering::SeqCst);

    let conflict = Batch::new().put_if("a", "2", Expect::Absent);
    assert_eq!(
        commits.process(vec![put("b"), conflict, put("c")]),
        [
            Err(StorageError::Full),
            Err(StorageError::Conflict {
                key: "a".to_owned()
            }),
            Err(StorageError::Full),
        ],
    );
    let refused = StorageError::Refused(StorageError::Full.to_string());
    assert_eq!(commits.process(vec![put("d")]), [Err(refused)]);
    assert_eq!(commits.medium.heads.lock().len(), 1);

    let Some(Notice::Commit(change)) = changes.try_next() else {
        panic!("no commit")
    };
    assert_eq!(change.keys, ["a"]);
    assert_eq!(changes.try_next(), None);
}

#[tokio::test]
async fn an_engine_that_panics_closes_the_store_to_writers() {
    let (medium, revision) = Faulty::open(PathBuf::new()).unwrap();
    medium.panics.store(true, Ordering::SeqCst);
    let mut commits = Commits {
        medium: Arc::new(medium),
        revision,
        ..commits()
    };
    let (medium, writer) = (Arc::clone(&commits.medium), commits.writer);
    let announcer = commits.announcer.clone();
    let committer = Committer::spawn("storage", LIMITS, move |b| commits.process(b)).unwrap();
    let storage = Embedded {
        committer,
        announcer,
        medium,
        writer,
    };

    assert_eq!(storage.commit(put("a")).await, Err(StorageError::Closed));
    assert_eq!(storage.probe().await, Err(StorageError::Closed));
    assert_eq!(storage.get("a").await, Ok(None));
}

#[tokio::test]
async fn a_head_whose_body_is_nowhere_is_corruption() {
    let storage = open::<Faulty>(PathBuf::new()).await.unwrap();
    storage
        .commit(Batch::new().put("a", vec![1; INLINE_LENGTH + 1]))
        .await
        .unwrap();
    assert!(matches!(
        storage.get("a").await,
        Err(StorageError::Corrupt(_))
    ));
}
