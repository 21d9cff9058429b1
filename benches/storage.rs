//! The embedded stores: durable commits by one, some and many tasks at once, and reads.
//!
//! A commit is one put of 250 bytes, about a sealed policy or lease. What one task reaches is the
//! device's flush; what many reach is group commit.

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keyward_builtin::storage::storage;
use keyward_core::storage::{Batch, Storage};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

const BACKENDS: [&str; 2] = ["sled", "redb"];
const TASKS: [u64; 3] = [1, 16, 64];
const KEYS: u64 = 10_000;
const VALUE: [u8; 250] = [7; 250];

/// A store below the build directory: on a disk, where a flush costs something.
fn open(runtime: &Runtime, backend: &str) -> (Arc<dyn Storage>, TempDir) {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let path = directory.path().to_str().expect("a UTF-8 path").to_owned();
    let backend = storage(backend).expect("it ships");
    let settings = BTreeMap::from([("path".to_owned(), path)]);
    (
        runtime
            .block_on((backend.open)(settings))
            .expect("it opens"),
        directory,
    )
}

fn key(number: u64) -> String {
    format!("logical/3f9a/policy/{}", number % KEYS)
}

/// Lets `tasks` tasks share `commits` commits, and returns how long that took.
async fn put(store: &Arc<dyn Storage>, tasks: u64, commits: u64) -> Duration {
    let mut running = JoinSet::new();
    let start = Instant::now();
    for task in 0..tasks {
        let store = Arc::clone(store);
        running.spawn(async move {
            for number in (task..commits).step_by(usize::try_from(tasks).expect("few tasks")) {
                store
                    .commit(Batch::new().put(key(number), VALUE))
                    .await
                    .expect("it commits");
            }
        });
    }
    running.join_all().await;
    start.elapsed()
}

fn durable_puts(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("storage/durable put");
    group.throughput(Throughput::Elements(1));
    for backend in BACKENDS {
        let (store, _directory) = open(&runtime, backend);
        for tasks in TASKS {
            group.bench_function(
                BenchmarkId::new(backend, format!("{tasks} tasks")),
                |bencher| {
                    bencher.iter_custom(|commits| runtime.block_on(put(&store, tasks, commits)));
                },
            );
        }
    }
}

fn gets(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("storage/get");
    group.throughput(Throughput::Elements(1));
    for backend in BACKENDS {
        let (store, _directory) = open(&runtime, backend);
        runtime.block_on(put(&store, 64, KEYS));
        group.bench_function(backend, |bencher| {
            let mut number = 0;
            bencher.iter(|| {
                number += 7919;
                black_box(runtime.block_on(store.get(&key(number))).expect("it reads"))
            });
        });
    }
}

criterion_group!(benches, durable_puts, gets);
criterion_main!(benches);
