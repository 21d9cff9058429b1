//! The embedded stores from outside: the conformance suite, the memory store as their model, their
//! files, and the lock that keeps a second process out.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use async_trait::async_trait;
use keyward_builtin::storage::storage;
use keyward_core::storage::{
    Batch, Expect, Memory, Revision, Storage, StorageError,
    conformance::{Fixture, Store},
};
use parking_lot::Mutex;
use proptest::prelude::*;
use tempfile::TempDir;

async fn try_open(backend: &str, path: &Path) -> Result<Store, StorageError> {
    let path = path.to_str().unwrap().to_owned();
    (storage(backend).unwrap().open)(BTreeMap::from([("path".to_owned(), path)])).await
}

async fn open(backend: &str, path: &Path) -> Store {
    try_open(backend, path).await.unwrap()
}

struct Embedded {
    backend: &'static str,
    directory: TempDir,
    /// Kept until the end of the test: the stores of killed processes.
    copies: Mutex<Vec<TempDir>>,
}

impl Embedded {
    fn new(backend: &'static str) -> Self {
        Self {
            backend,
            directory: tempfile::tempdir().unwrap(),
            copies: Mutex::default(),
        }
    }
}

#[async_trait]
impl Fixture for Embedded {
    async fn open(&self) -> Store {
        open(self.backend, self.directory.path()).await
    }

    async fn reopen(&self, store: Store) -> Option<Store> {
        drop(store);
        Some(open(self.backend, self.directory.path()).await)
    }

    async fn crash(&self, store: Store) -> Option<Store> {
        // While no commit is under way, the files are what a killed process leaves.
        let copy = tempfile::tempdir().unwrap();
        copy_tree(self.directory.path(), copy.path());
        drop(store);
        let store = open(self.backend, copy.path()).await;
        self.copies.lock().push(copy);
        Some(store)
    }
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

mod sled {
    keyward_core::storage_conformance!(super::Embedded::new("sled"));
}

mod redb {
    keyward_core::storage_conformance!(super::Embedded::new("redb"));
}

/// One step of a random history. Keys are numbers into a small set, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(usize, Option<usize>, Expectation)>),
    List(usize, Option<usize>, Option<usize>),
    Reopen,
}

#[derive(Clone, Copy, Debug)]
enum Expectation {
    Absent,
    Nothing,
    Outdated,
    Current,
}

const KEYS: [&str; 8] = ["a", "a-", "a/b", "a/b/c", "a/bc", "a0", "b/b", "b/c/d"];
const PREFIXES: [&str; 5] = ["", "a/", "a/b/", "b/", "none/"];
const LENGTHS: [usize; 6] = [0, 3, 8192, 8193, 20_000, 200_000];

fn any_step() -> impl Strategy<Value = Step> {
    let expectation = prop_oneof![
        Just(Expectation::Absent),
        Just(Expectation::Nothing),
        Just(Expectation::Outdated),
        Just(Expectation::Current),
    ];
    let action = prop::option::weighted(0.7, 0..LENGTHS.len());
    let operation = (0..KEYS.len(), action, expectation);
    prop_oneof![
        8 => prop::collection::vec(operation, 0..4).prop_map(Step::Commit),
        3 => (0..PREFIXES.len(), prop::option::of(0..KEYS.len()), prop::option::of(0_usize..4))
            .prop_map(|(prefix, after, limit)| Step::List(prefix, after, limit)),
        1 => Just(Step::Reopen),
    ]
}

/// Builds the same batch for a store whose revisions are its own.
async fn batch(
    store: &dyn Storage,
    operations: &[(usize, Option<usize>, Expectation)],
    round: usize,
) -> Batch {
    let mut batch = Batch::new();
    for (key, length, expectation) in operations {
        let key = KEYS[*key];
        let current = store.get(key).await.unwrap().map(|stored| stored.revision);
        let expect = match expectation {
            Expectation::Absent => Some(Expect::Absent),
            Expectation::Nothing => None,
            Expectation::Outdated => Some(Expect::At(Revision::new(0))),
            Expectation::Current => current.map(Expect::At).or(Some(Expect::Absent)),
        };
        let value = length.map(|length| vec![round as u8; LENGTHS[length]]);
        batch = match (value, expect) {
            (Some(value), Some(expect)) => batch.put_if(key, value, expect),
            (Some(value), None) => batch.put(key, value),
            (None, Some(expect)) => batch.delete_if(key, expect),
            (None, None) => batch.delete(key),
        };
    }
    batch
}

async fn behaves_like_memory(backend: &str, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(backend, directory.path()).await;
    let model: Store = Arc::new(Memory::new());
    let mut last = Revision::new(0);
    for (round, step) in steps.into_iter().enumerate() {
        match step {
            Step::Commit(operations) => {
                let expected = model.commit(batch(&*model, &operations, round).await).await;
                let found = store.commit(batch(&*store, &operations, round).await).await;
                if let Ok(revision) = found {
                    prop_assert!(revision > last);
                    last = revision;
                }
                prop_assert_eq!(found.map(drop), expected.map(drop));
            }
            Step::List(prefix, after, limit) => {
                let (prefix, after) = (PREFIXES[prefix], after.map(|key| KEYS[key]));
                prop_assert_eq!(
                    store.list(prefix, after, limit).await,
                    model.list(prefix, after, limit).await
                );
            }
            Step::Reopen => {
                drop(store);
                store = open(backend, directory.path()).await;
            }
        }
        for key in KEYS {
            let expected = model.get(key).await.unwrap().map(|stored| stored.value);
            let found = store.get(key).await.unwrap();
            prop_assert!(found.as_ref().is_none_or(|stored| stored.revision <= last));
            prop_assert!(
                found.map(|stored| stored.value) == expected,
                "{key} in round {round}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_history_on_sled_reads_as_in_memory(steps in prop::collection::vec(any_step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(behaves_like_memory("sled", steps))?;
    }

    #[test]
    fn any_history_on_redb_reads_as_in_memory(steps in prop::collection::vec(any_step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(behaves_like_memory("redb", steps))?;
    }
}

fn assert_private(path: &Path) {
    let metadata = fs::metadata(path).unwrap();
    let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(
        metadata.permissions().mode() & 0o777,
        expected,
        "{}",
        path.display()
    );
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            assert_private(&entry.unwrap().path());
        }
    }
}

#[tokio::test]
async fn a_data_directory_is_private_whatever_it_was_before() {
    for backend in ["sled", "redb"] {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("var/data");
        let store = open(backend, &path).await;
        store
            .commit(Batch::new().put("a", vec![1; 100_000]))
            .await
            .unwrap();
        assert_private(&path);
        drop(store);

        let inner = path.join(backend);
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(inner.join("db"), fs::Permissions::from_mode(0o644)).unwrap();
        let store = open(backend, &path).await;
        assert_private(&path);
        drop(store);
    }
}

#[tokio::test]
async fn a_store_whose_creation_was_cut_off_is_created_anew() {
    for backend in ["sled", "redb"] {
        let directory = tempfile::tempdir().unwrap();
        let new = directory.path().join(format!("{backend}.new"));
        fs::create_dir(&new).unwrap();
        for file in ["conf", "db"] {
            fs::write(new.join(file), "half of it").unwrap();
        }
        let store = open(backend, directory.path()).await;
        store.commit(Batch::new().put("a", "1")).await.unwrap();
        assert!(!new.exists());
    }
}

#[tokio::test]
async fn damaged_files_are_an_error_and_not_a_panic() {
    for backend in ["sled", "redb"] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(backend, directory.path()).await;
        for round in 0..50 {
            let key = format!("k/{round}");
            store
                .commit(Batch::new().put(key, vec![round; 3000]))
                .await
                .unwrap();
        }
        drop(store);
        for entry in fs::read_dir(directory.path().join(backend)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let mut bytes = fs::read(&path).unwrap();
                bytes.iter_mut().for_each(|byte| *byte = 0x55);
                fs::write(path, bytes).unwrap();
            }
        }
        let error = try_open(backend, directory.path()).await.err().unwrap();
        assert!(
            matches!(error, StorageError::Corrupt(_) | StorageError::Io(_)),
            "{error:?}"
        );
    }
}

/// Set for the process that holds a store open; it names the backend and the directory.
const HOLDER: &str = "KEYWARD_TEST_HOLD_STORE";

#[tokio::test]
async fn a_second_process_is_told_that_the_directory_is_in_use() {
    if let Ok(holder) = std::env::var(HOLDER) {
        let (backend, path) = holder.split_once(':').unwrap();
        let _store = open(backend, Path::new(path)).await;
        println!("\nholding");
        // Until the parent lets go.
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for backend in ["sled", "redb"] {
        tasks.spawn(async move {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().display().to_string();
            let mut holder = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "a_second_process_is_told_that_the_directory_is_in_use",
                ])
                .arg("--nocapture")
                .env(HOLDER, format!("{backend}:{path}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let output = BufReader::new(holder.stdout.take().unwrap());
            assert!(output.lines().any(|line| line.unwrap() == "holding"));

            let error = try_open(backend, directory.path()).await.err().unwrap();
            let message = format!("another process is using the data directory {path}");
            assert_eq!(error.to_string(), message);

            // A killed process lets go, and the next one need not wait long.
            holder.kill().unwrap();
            let store = open(backend, directory.path()).await;
            store.commit(Batch::new().put("a", "1")).await.unwrap();
            holder.wait().unwrap();
        });
    }
    tasks.join_all().await;
}
