//! What runs under the recorder: many tasks that put, replace and delete, through several sessions.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

use keyward_core::storage::{Batch, Expect, Revision, conformance::Store};

use crate::{chance::Chance, ledger::value};

/// Set for the process that runs the workload: the recorded directory.
pub(crate) const ROOT: &str = "KEYWARD_TEST_POWER_LOSS_ROOT";
/// Below it: the store.
pub(crate) const DATA: &str = "data";
/// Below it: what the workload was told, as the ledger reads it.
pub(crate) const MARKS: &str = "marks";

const SESSIONS: usize = 3;
const TASKS: usize = 8;
const COMMITS: usize = 45;

/// Keys of each task.
const KEYS: usize = 6;

/// One of a task's keys, or a pair of them, and where it stands.
struct Entry {
    keys: Vec<String>,
    sequence: usize,
    revision: Option<Revision>,
}

pub(crate) async fn run(backend: &str, root: &Path, seed: u64) {
    let marks = Arc::new(Mutex::new(File::create(root.join(MARKS)).unwrap()));
    let mut tasks: Vec<_> = (0..TASKS)
        .map(|task| (entries(task), Chance::new(seed ^ task as u64)))
        .collect();
    for _ in 0..SESSIONS {
        let store = crate::open(backend, root).await.unwrap();
        let mut running = tokio::task::JoinSet::new();
        for (entries, chance) in tasks.drain(..) {
            running.spawn(work(
                Arc::clone(&store),
                Arc::clone(&marks),
                entries,
                chance,
            ));
        }
        tasks = running.join_all().await;
    }
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
    store: Store,
    marks: Arc<Mutex<File>>,
    mut entries: Vec<Entry>,
    mut chance: Chance,
) -> (Vec<Entry>, Chance) {
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
        marks.lock().unwrap().write_all(tried.as_bytes()).unwrap();
        let committed = store.commit(batch).await.unwrap();
        for key in keys.iter() {
            done += &format!("ack {key} {sequence} {}\n", committed.number());
        }
        marks.lock().unwrap().write_all(done.as_bytes()).unwrap();
        *revision = length.map(|_| committed);
        *sequence += 1;
    }
    (entries, chance)
}
