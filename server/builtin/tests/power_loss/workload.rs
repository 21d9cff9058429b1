//! What runs under the recorder: many tasks that put, replace and delete, through several sessions,
//! on a disk that may fail for a while.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use keyward_core::storage::{Batch, Expect, Revision, StorageError, conformance::Store};
use tokio::sync::watch;

use crate::{chance::Chance, ledger::value};

/// Set for the process that runs the workload: the recorded directory.
pub(crate) const ROOT: &str = "KEYWARD_TEST_POWER_LOSS_ROOT";
/// Below it: the store.
pub(crate) const DATA: &str = "data";
/// Below it: what the workload was told, as the ledger reads it.
pub(crate) const MARKS: &str = "marks";
/// Below it: what makes the disk fail, and well again.
const SWITCH: &str = "switch";

const SESSIONS: usize = 3;
const TASKS: usize = 8;
const COMMITS: usize = 45;

/// Keys of each task.
const KEYS: usize = 6;

/// What a disk may do for a while; the recorder knows it by a letter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It has no room, or for half of a write.
    Full,
    /// It lets nothing change.
    ReadOnly,
    /// It takes writes, and loses some when they are to be made durable.
    Unsynced,
}

impl Fault {
    pub(crate) const ALL: [Self; 3] = [Self::Full, Self::ReadOnly, Self::Unsynced];

    const fn letter(self) -> &'static str {
        match self {
            Self::Full => "f",
            Self::ReadOnly => "r",
            Self::Unsynced => "s",
        }
    }
}

/// What the tasks share.
struct Shared {
    store: Store,
    marks: Arc<Mutex<File>>,
    committed: watch::Sender<usize>,
    failed: watch::Sender<usize>,
}

/// One of a task's keys, or a pair of them, and where it stands.
struct Entry {
    keys: Vec<String>,
    sequence: usize,
    revision: Option<Revision>,
}

/// Every session goes through all of `faults`.
pub(crate) async fn run(backend: &str, root: &Path, seed: u64, faults: &[Fault]) {
    let marks = Arc::new(Mutex::new(File::create(root.join(MARKS)).unwrap()));
    let mut tasks: Vec<_> = (0..TASKS)
        .map(|task| (entries(task), Chance::new(seed ^ task as u64)))
        .collect();
    let mut chance = Chance::new(!seed);
    for _ in 0..SESSIONS {
        let shared = Arc::new(Shared {
            store: crate::open(backend, root).await.unwrap(),
            marks: Arc::clone(&marks),
            committed: watch::Sender::new(0),
            failed: watch::Sender::new(0),
        });
        let mut running = tokio::task::JoinSet::new();
        for (entries, chance) in tasks.drain(..) {
            running.spawn(work(Arc::clone(&shared), entries, chance));
        }
        for fault in faults {
            shared.wait_for_commits(10 + chance.below(40)).await;
            meet(*fault, root.join(SWITCH), &shared.failed).await;
        }
        tasks = running.join_all().await;
    }
}

impl Shared {
    async fn wait_for_commits(&self, more: usize) {
        let mut committed = self.committed.subscribe();
        let enough = *committed.borrow() + more;
        committed.wait_for(|count| *count >= enough).await.unwrap();
    }

    /// Waits until the store takes writes again.
    async fn wait_until_mended(&self) {
        while self.store.probe().await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}

/// Lets the disk fail until somebody noticed.
async fn meet(fault: Fault, switch: PathBuf, failed: &watch::Sender<usize>) {
    let mut failed = failed.subscribe();
    let before = *failed.borrow();
    fs::write(&switch, fault.letter()).unwrap();
    failed.wait_for(|count| *count > before).await.unwrap();
    fs::write(&switch, "n").unwrap();
}

fn entries(task: usize) -> Vec<Entry> {
    let alone = (0..KEYS).map(|key| vec![format!("single/{task}/{key}")]);
    let pair = ["left", "right"]
        .map(|side| format!("pair/{task}/{side}"))
        .to_vec();
    alone
        .chain([pair])
        .map(|keys| Entry {
            keys,
            sequence: 0,
            revision: None,
        })
        .collect()
}

async fn work(
    shared: Arc<Shared>,
    mut entries: Vec<Entry>,
    mut chance: Chance,
) -> (Vec<Entry>, Chance) {
    let note = |text: &str| {
        let mut marks = shared.marks.lock().unwrap();
        marks.write_all(text.as_bytes()).unwrap();
    };
    for _ in 0..COMMITS {
        let number = chance.below(entries.len());
        let Entry {
            keys,
            sequence,
            revision,
        } = &mut entries[number];
        let length = match chance.below(40) {
            0 => Some(200_000),
            1..=3 => Some(20_000),
            4..=6 => Some(8192),
            7..=10 => None,
            _ => Some(20 + chance.below(600)),
        };
        let expect = revision.map_or(Expect::Absent, Expect::At);
        let mut batch = Batch::new();
        let (mut tried, mut done) = (String::new(), String::new());
        for key in keys.iter() {
            batch = match length {
                Some(length) => batch.put_if(key, value(key, *sequence, length), expect),
                None => batch.delete_if(key, expect),
            };
            let length = length.map_or("-".to_owned(), |length| length.to_string());
            tried += &format!("try {key} {sequence} {length}\n");
        }
        note(&tried);
        let committed = match shared.store.commit(batch).await {
            Ok(committed) => committed,
            Err(error) => {
                assert!(!matches!(error, StorageError::Conflict { .. }), "{error}");
                *sequence += 1;
                shared.failed.send_modify(|count| *count += 1);
                shared.wait_until_mended().await;
                // What failed has never been, unless the disk fails again and cannot say.
                for key in keys.iter() {
                    if let Ok(found) = shared.store.get(key).await {
                        assert_eq!(found.map(|stored| stored.revision), *revision, "{key}");
                    }
                }
                continue;
            }
        };
        for key in keys.iter() {
            done += &format!("ack {key} {sequence} {}\n", committed.number());
        }
        note(&done);
        *revision = length.map(|_| committed);
        *sequence += 1;
        shared.committed.send_modify(|count| *count += 1);
    }
    (entries, chance)
}
