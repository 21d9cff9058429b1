//! What every backend must do, as one suite that each of them runs.
//!
//! A backend's tests implement [`Fixture`] and call [`storage_conformance!`](crate::storage_conformance),
//! which makes one test of each public function here.

use std::{collections::BTreeSet, future::Future, pin::pin, sync::Arc, task::Poll};

use async_trait::async_trait;

use super::{
    Batch, Expect, MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Notice, Revision, Storage, StorageError,
    Stored,
};

/// A store under test.
pub type Store = Arc<dyn Storage>;

/// Provides stores of one backend to the suite.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens a new, empty store.
    async fn open(&self) -> Store;

    /// Closes `store` in good order and opens it again; `None` if nothing would be left.
    async fn reopen(&self, store: Store) -> Option<Store> {
        drop(store);
        None
    }

    /// Opens what is left when the process that has `store` open is killed at this moment; `None`
    /// if nothing would be left.
    async fn crash(&self, store: Store) -> Option<Store> {
        drop(store);
        None
    }
}

/// Makes one test of each case of the suite, for the fixture that an expression gives.
#[macro_export]
macro_rules! storage_conformance {
    ($fixture:expr) => {
        $crate::storage_conformance!($fixture;
            a_commit_is_read_back_with_its_revision
            a_delete_removes_a_key_and_forgives_a_missing_one
            a_failed_expectation_changes_nothing
            expectations_hold_against_the_current_revision
            revisions_increase_with_every_commit
            values_of_every_length_come_back_whole
            the_longest_value_comes_back_whole
            overwriting_between_short_and_long_keeps_nothing_old
            malformed_requests_are_refused_and_change_nothing
            list_gives_one_level_in_byte_order
            list_pages_with_after_and_limit
            changes_tell_every_commit_in_order
            a_counter_of_many_tasks_loses_no_step
            an_abandoned_commit_happens_whole_or_not_at_all
            a_probe_succeeds_and_changes_no_key
            everything_is_there_after_reopening
            a_killed_process_loses_no_acknowledged_commit
        );
    };
    ($fixture:expr; $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::storage::conformance::$case(&$fixture).await;
            }
        )+
    };
}

async fn read(store: &Store, key: &str) -> Option<Stored> {
    store.get(key).await.expect("get works")
}

async fn write(store: &Store, batch: Batch) -> Revision {
    store.commit(batch).await.expect("commit works")
}

/// A value that differs at every offset and for every seed.
fn value(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| ((at / 251) ^ at ^ (seed * 31)) as u8)
        .collect()
}

/// A value is what was put, under the revision that commit returned.
pub async fn a_commit_is_read_back_with_its_revision(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(read(&store, "a/b").await, None);

    let first = write(&store, Batch::new().put("a/b", "one").put("a/c", "two")).await;
    assert_eq!(
        read(&store, "a/b").await,
        Some(Stored {
            value: b"one".into(),
            revision: first
        })
    );
    assert_eq!(
        read(&store, "a/c").await,
        Some(Stored {
            value: b"two".into(),
            revision: first
        })
    );
    assert_eq!(read(&store, "a").await, None);

    let second = write(&store, Batch::new().put("a/b", "three")).await;
    assert_eq!(
        read(&store, "a/b").await,
        Some(Stored {
            value: b"three".into(),
            revision: second
        })
    );
    assert_eq!(
        read(&store, "a/c").await.map(|stored| stored.revision),
        Some(first)
    );
}

/// A delete leaves nothing to read or list.
pub async fn a_delete_removes_a_key_and_forgives_a_missing_one(fixture: &impl Fixture) {
    let store = fixture.open().await;
    write(
        &store,
        Batch::new().put("a", "1").put("b", value(1, 100_000)),
    )
    .await;
    write(&store, Batch::new().delete("a").delete("b").delete("never")).await;
    assert_eq!(read(&store, "a").await, None);
    assert_eq!(read(&store, "b").await, None);
    assert_eq!(store.list("", None, None).await, Ok(vec![]));
}

/// One expectation that fails stops the whole batch, wherever it stands in it.
pub async fn a_failed_expectation_changes_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let revision = write(&store, Batch::new().put("taken", "1")).await;
    let outcome = store
        .commit(Batch::new().put("new", "2").delete("taken").put_if(
            "other",
            "3",
            Expect::At(revision),
        ))
        .await;
    assert_eq!(
        outcome,
        Err(StorageError::Conflict {
            key: "other".to_owned()
        })
    );
    assert_eq!(read(&store, "new").await, None);
    assert_eq!(read(&store, "other").await, None);
    assert_eq!(
        read(&store, "taken").await,
        Some(Stored {
            value: b"1".into(),
            revision
        })
    );
}

/// `Absent` and `At` mean what they say, for puts and deletes.
pub async fn expectations_hold_against_the_current_revision(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let conflict = Err(StorageError::Conflict {
        key: "k".to_owned(),
    });

    let first = write(&store, Batch::new().put_if("k", "1", Expect::Absent)).await;
    assert_eq!(
        store
            .commit(Batch::new().put_if("k", "x", Expect::Absent))
            .await,
        conflict
    );
    assert_eq!(
        store
            .commit(Batch::new().delete_if("k", Expect::Absent))
            .await,
        conflict
    );

    let second = write(&store, Batch::new().put_if("k", "2", Expect::At(first))).await;
    assert_eq!(
        store
            .commit(Batch::new().put_if("k", "x", Expect::At(first)))
            .await,
        conflict
    );
    assert_eq!(
        store
            .commit(Batch::new().delete_if("k", Expect::At(first)))
            .await,
        conflict
    );

    write(&store, Batch::new().delete_if("k", Expect::At(second))).await;
    assert_eq!(
        store
            .commit(Batch::new().put_if("k", "x", Expect::At(second)))
            .await,
        conflict
    );
    write(&store, Batch::new().put_if("k", "3", Expect::Absent)).await;
}

/// No commit shares its number with another, deletes and empty batches included.
pub async fn revisions_increase_with_every_commit(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let mut last = Revision::new(0);
    for batch in [
        Batch::new().put("a", "1"),
        Batch::new().put("a", "1"),
        Batch::new().delete("a"),
        Batch::new(),
        Batch::new().put("b", "2"),
    ] {
        let revision = write(&store, batch).await;
        assert!(revision > last, "{revision:?} after {last:?}");
        last = revision;
    }
}

/// Lengths around every limit at which a backend may store a value differently.
pub async fn values_of_every_length_come_back_whole(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let lengths = [
        0, 1, 511, 4096, 8191, 8192, 8193, 16_384, 16_385, 65_536, 200_000, 1_048_577,
    ];
    let mut batch = Batch::new();
    for length in lengths {
        batch = batch.put(format!("v/{length}"), value(length, length));
    }
    write(&store, batch).await;
    for length in lengths {
        let stored = read(&store, &format!("v/{length}"))
            .await
            .expect("is there");
        assert!(stored.value == value(length, length), "{length} bytes");
    }
}

/// The longest value is taken, read, replaced and deleted like any other.
pub async fn the_longest_value_comes_back_whole(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let longest = value(3, MAX_VALUE_LENGTH);
    write(&store, Batch::new().put("long", longest.clone())).await;
    assert!(read(&store, "long").await.expect("is there").value == longest);
    write(&store, Batch::new().delete("long")).await;
    assert_eq!(read(&store, "long").await, None);
}

/// A value may grow and shrink under one key.
pub async fn overwriting_between_short_and_long_keeps_nothing_old(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for (round, length) in [10, 100_000, 20_000, 0, 30_000, 30_000, 5]
        .into_iter()
        .enumerate()
    {
        let revision = write(&store, Batch::new().put("k", value(round, length))).await;
        let expected = Stored {
            value: value(round, length),
            revision,
        };
        assert!(read(&store, "k").await == Some(expected), "round {round}");
    }
}

/// Keys, prefixes and batches that break the rules are errors of the caller.
pub async fn malformed_requests_are_refused_and_change_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let long = "k".repeat(MAX_KEY_LENGTH + 1);
    for key in ["", "/a", "a/", "a//b", "a\0b", long.as_str()] {
        let read = store.get(key).await;
        assert!(
            matches!(read, Err(StorageError::Invalid(_))),
            "get {key:?}: {read:?}"
        );
        let written = store
            .commit(Batch::new().put("good", "1").put(key, "2"))
            .await;
        assert!(
            matches!(written, Err(StorageError::Invalid(_))),
            "put {key:?}: {written:?}"
        );
    }
    for prefix in ["/", "a", "a//"] {
        let listed = store.list(prefix, None, None).await;
        assert!(
            matches!(listed, Err(StorageError::Invalid(_))),
            "list {prefix:?}: {listed:?}"
        );
    }
    let twice = store
        .commit(Batch::new().put("good", "1").delete("good"))
        .await;
    assert!(matches!(twice, Err(StorageError::Invalid(_))), "{twice:?}");
    let large = store
        .commit(Batch::new().put("good", vec![0; MAX_VALUE_LENGTH + 1]))
        .await;
    assert!(matches!(large, Err(StorageError::Invalid(_))), "{large:?}");
    assert_eq!(store.list("", None, None).await, Ok(vec![]));

    // The longest key is a good one.
    write(&store, Batch::new().put(&long[1..], "1")).await;
    assert_eq!(
        store.list("", None, None).await,
        Ok(vec![long[1..].to_owned()])
    );
}

const LISTED: [&str; 9] = [
    "a", "a-b", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/c/d/e", "\u{fc}",
];

async fn listed(fixture: &impl Fixture) -> Store {
    let store = fixture.open().await;
    for key in LISTED.iter().rev() {
        write(&store, Batch::new().put(*key, "")).await;
    }
    store
}

/// Keys and folders of one level, each once, folders with a slash.
pub async fn list_gives_one_level_in_byte_order(fixture: &impl Fixture) {
    let store = listed(fixture).await;
    for (prefix, expected) in [
        ("", &["a", "a-b", "a/", "a0", "b/", "\u{fc}"][..]),
        ("a/", &["1", "2/", "3"]),
        ("a/2/", &["x", "y"]),
        ("b/", &["c/"]),
        ("b/c/d/", &["e"]),
        ("a-b/", &[]),
        ("nowhere/", &[]),
    ] {
        assert_eq!(
            store.list(prefix, None, None).await.expect("list works"),
            expected,
            "{prefix:?}"
        );
    }
}

/// Pages join to the whole, and `after` need not exist.
pub async fn list_pages_with_after_and_limit(fixture: &impl Fixture) {
    let store = listed(fixture).await;
    for (prefix, after, limit, expected) in [
        ("", None, Some(2), &["a", "a-b"][..]),
        ("", Some(""), Some(1), &["a"]),
        ("a/", Some(""), Some(1), &["1"]),
        ("", Some("a-b"), Some(2), &["a/", "a0"]),
        ("", Some("a/"), Some(9), &["a0", "b/", "\u{fc}"]),
        ("", Some("a"), Some(0), &[]),
        ("", Some("a."), None, &["a/", "a0", "b/", "\u{fc}"]),
        ("", Some("\u{fc}"), None, &[]),
        ("a/", Some("1"), None, &["2/", "3"]),
        ("a/", Some("2"), Some(1), &["2/"]),
        ("a/", Some("2/"), None, &["3"]),
    ] {
        let names = store.list(prefix, after, limit).await.expect("list works");
        assert_eq!(names, expected, "{prefix:?} {after:?} {limit:?}");
    }
}

/// Subscribers hear of every commit, with its keys and its writer, and of no failed one.
pub async fn changes_tell_every_commit_in_order(fixture: &impl Fixture) {
    let store = fixture.open().await;
    write(&store, Batch::new().put("before", "1")).await;
    let mut changes = store.changes();
    let mut expected = Vec::new();
    for round in 0..5 {
        let batch = Batch::new().put(format!("k/{round}"), "1").delete("gone");
        let revision = write(&store, batch).await;
        expected.push((revision, vec![format!("k/{round}"), "gone".to_owned()]));
        let refused = store
            .commit(Batch::new().put_if("k/0", "2", Expect::Absent))
            .await;
        assert!(
            matches!(refused, Err(StorageError::Conflict { .. })),
            "{refused:?}"
        );
    }
    for (revision, keys) in expected {
        let Notice::Commit(change) = changes.next().await else {
            panic!("no commit")
        };
        assert_eq!((change.revision, change.writer), (revision, store.writer()));
        assert_eq!(change.keys, keys);
    }
    assert_eq!(changes.try_next(), None);
    drop(store);
    assert_eq!(changes.next().await, Notice::Closed);
}

/// Compare-and-set decides races: of all that read one revision, one commits.
pub async fn a_counter_of_many_tasks_loses_no_step(fixture: &impl Fixture) {
    const TASKS: u64 = 16;
    const STEPS: u64 = 10;
    let store = fixture.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut step = 0;
            while step < STEPS {
                let stored = read(&store, "counter").await;
                let (count, expect) = match &stored {
                    None => (0, Expect::Absent),
                    Some(stored) => {
                        let bytes = stored.value.as_slice().try_into().expect("eight bytes");
                        (u64::from_be_bytes(bytes), Expect::At(stored.revision))
                    }
                };
                let batch = Batch::new()
                    .put_if("counter", (count + 1).to_be_bytes(), expect)
                    .put(format!("steps/{task}-{step}"), "done");
                match store.commit(batch).await {
                    Ok(_) => step += 1,
                    Err(StorageError::Conflict { key }) => assert_eq!(key, "counter"),
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.expect("no task panics");
    }
    let count = read(&store, "counter").await.expect("is there").value;
    assert_eq!(count, (TASKS * STEPS).to_be_bytes());
    let steps = store.list("steps/", None, None).await.expect("list works");
    assert_eq!(steps.len() as u64, TASKS * STEPS);
}

/// A caller that goes away leaves no half of a batch behind.
pub async fn an_abandoned_commit_happens_whole_or_not_at_all(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for round in 0..20 {
        let left = format!("left/{round}");
        let right = format!("right/{round}");
        let batch = Batch::new()
            .put(&left, value(1, 20_000))
            .put(&right, value(2, 20_000));
        {
            let mut commit = pin!(store.commit(batch));
            std::future::poll_fn(|cx| {
                let _ = commit.as_mut().poll(cx);
                Poll::Ready(())
            })
            .await;
        }
        // Whatever became of it, it is settled once a later commit is.
        write(&store, Batch::new().put("later", "1")).await;
        let left = read(&store, &left).await;
        let right = read(&store, &right).await;
        assert_eq!(
            left.map(|stored| stored.revision),
            right.map(|stored| stored.revision),
            "round {round}",
        );
    }
}

/// A probe writes, and nobody sees what.
pub async fn a_probe_succeeds_and_changes_no_key(fixture: &impl Fixture) {
    let store = fixture.open().await;
    write(&store, Batch::new().put("a", "1")).await;
    assert_eq!(store.probe().await, Ok(()));
    assert_eq!(store.list("", None, None).await, Ok(vec!["a".to_owned()]));
}

async fn commit_a_bit_of_everything(store: &Store) -> Vec<(String, Stored)> {
    let mut expected = Vec::new();
    for number in 0..40 {
        let key = format!("k/{}/{number}", number % 3);
        let value = value(number, [0, 17, 3000, 20_000][number % 4]);
        let revision = write(store, Batch::new().put(&key, value.clone())).await;
        expected.push((key, Stored { value, revision }));
    }
    let gone = expected.swap_remove(5).0;
    write(store, Batch::new().delete(gone)).await;
    expected
}

async fn find_everything(store: &Store, expected: &[(String, Stored)]) {
    for (key, stored) in expected {
        assert!(read(store, key).await.as_ref() == Some(stored), "{key}");
    }
    let mut names = BTreeSet::new();
    for folder in store.list("k/", None, None).await.expect("list works") {
        let folder = format!("k/{folder}");
        for name in store.list(&folder, None, None).await.expect("list works") {
            names.insert(format!("{folder}{name}"));
        }
    }
    assert_eq!(names, expected.iter().map(|(key, _)| key.clone()).collect());

    // The store goes on where it stopped: later revisions, and preconditions that still hold.
    let (key, stored) = &expected[0];
    let revision = write(
        store,
        Batch::new().put_if(key, "n", Expect::At(stored.revision)),
    )
    .await;
    let last = expected.iter().map(|(_, stored)| stored.revision).max();
    assert!(Some(revision) > last, "{revision:?} after {last:?}");
}

/// Closing and opening keeps keys, values and revisions.
pub async fn everything_is_there_after_reopening(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let expected = commit_a_bit_of_everything(&store).await;
    if let Some(store) = fixture.reopen(store).await {
        find_everything(&store, &expected).await;
    }
}

/// What was acknowledged is there although nobody closed the store.
pub async fn a_killed_process_loses_no_acknowledged_commit(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let expected = commit_a_bit_of_everything(&store).await;
    if let Some(store) = fixture.crash(store).await {
        find_everything(&store, &expected).await;
    }
}
