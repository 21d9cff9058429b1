//! Many live leases: memory, a restart, and how late an end is.
//!
//! `LEASES=1000000 cargo bench -p keyward-benches --bench leases` makes as many leases of tokens, and
//! as many of secrets, in each embedded store; without `LEASES` it makes ten thousand. A process
//! measures one kind in one store, so that the memory of one is not taken for that of the other.
#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

mod badges;
mod secrets;
mod tokens;

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use keyward_api::Operation;
use keyward_builtin::{AUDIT_DEVICES, storage::storage};
use keyward_core::{
    CanonicalPath, Core, Done, Error, Registry, Request, SealConfig, Settings, SystemClock,
    TokenId, storage::Storage,
};
use keyward_crypto::SecretBytes;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::MissedTickBehavior};

const LEASES: &str = "LEASES";
const MEASURED: &str = "KEYWARD_BENCH_MEASURED";

/// How many requests are under way at once.
const TASKS: usize = 256;

fn main() {
    if let Ok(measured) = env::var(MEASURED) {
        let count = env::var(LEASES).map_or(10_000, |count| count.parse().expect("a number"));
        let (backend, kind) = measured.split_once(' ').expect("a store and a kind");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        return runtime.block_on(measure(backend, kind, count));
    }
    // `cargo test --benches` only wants to know that it builds.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    for backend in ["sled", "redb"] {
        for kind in ["tokens", "secrets"] {
            let this = env::current_exe().expect("this program has a path");
            let measured = format!("{backend} {kind}");
            let status = Command::new(this).env(MEASURED, &measured).status();
            assert!(
                status.expect("this program starts").success(),
                "{measured} failed"
            );
        }
    }
}

/// A server that is measured.
struct Bench {
    /// What is measured, as it is printed.
    label: String,
    storage: Arc<dyn Storage>,
    core: Arc<Core>,
    root: TokenId,
}

async fn measure(backend: &str, kind: &str, count: usize) {
    let label = format!("{backend}, {kind}");
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let (storage, core) = open(backend, folder.path()).await;
    let secrets = core.initialize(SealConfig {
        shares: 1,
        threshold: 1,
    });
    let secrets = secrets.await.expect("a new store initializes");
    core.unseal(secrets.shares[0].duplicate())
        .await
        .expect("its share unseals");
    println!("{label}: empty, {} MiB resident", resident());
    let bench = Bench {
        label: label.clone(),
        storage,
        core,
        root: secrets.root_token.duplicate(),
    };

    let start = Instant::now();
    match kind {
        "tokens" => drop(tokens::make(&bench, count, "24h").await),
        _ => secrets::fill(&bench, count).await,
    }
    let took = start.elapsed();
    println!(
        "{label}: {count} leases made in {:.1} s ({:.0}/s), {} MiB resident, {} MiB on disk",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64(),
        resident(),
        on_disk(folder.path()) >> 20,
    );
    bench.core.seal().await;
    drop(bench);

    let start = Instant::now();
    let (storage, core) = open(backend, folder.path()).await;
    let opened = start.elapsed();
    core.unseal(secrets.shares[0].duplicate())
        .await
        .expect("its share unseals");
    let bench = Bench {
        label: label.clone(),
        storage,
        core,
        root: secrets.root_token,
    };
    tokens::lookup(&bench, &bench.root)
        .await
        .expect("the root token lives");
    println!(
        "{label}: restart: store open after {:.0} ms, first answer after {:.0} ms, {} MiB resident",
        opened.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
        resident(),
    );
    let start = Instant::now();
    bench.core.count_usage().await.expect("they are counted");
    println!(
        "{label}: counted for the metrics in {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3,
    );
    match kind {
        "tokens" => tokens::end(&bench, count).await,
        _ => secrets::end(&bench, count).await,
    }
}

async fn open(backend: &str, folder: &Path) -> (Arc<dyn Storage>, Arc<Core>) {
    let path = folder.to_str().expect("a UTF-8 path").to_owned();
    let backend = storage(backend).expect("it ships");
    let settings = BTreeMap::from([("path".to_owned(), path)]);
    let storage = (backend.open)(settings).await.expect("it opens");
    let registry = Registry {
        engines: &[badges::BADGES],
        audit: AUDIT_DEVICES,
        ..Registry::EMPTY
    };
    let settings = Settings {
        storage_type: "bench",
        cluster_name: None,
        version: "bench",
    };
    let core = Core::new(
        Arc::clone(&storage),
        Arc::new(SystemClock),
        registry,
        settings,
    );
    (storage, Arc::new(core))
}

/// Has tasks share some work, `count` pieces in all; returns what they bring.
async fn share<T, W>(count: usize, work: impl Fn(usize, Vec<usize>) -> W) -> Vec<T>
where
    T: Send + 'static,
    W: Future<Output = Vec<T>> + Send + 'static,
{
    let mut running = JoinSet::new();
    for task in 0..TASKS {
        running.spawn(work(task, (task..count).step_by(TASKS).collect()));
    }
    running.join_all().await.into_iter().flatten().collect()
}

/// Has the core do what is due, as often as the server does, for as long as the set lives.
fn tick(core: &Arc<Core>) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let ticking = Arc::clone(core);
    running.spawn(async move {
        let mut moments = tokio::time::interval(Duration::from_millis(500));
        moments.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            moments.tick().await;
            ticking.tick().await.expect("it ticks");
        }
    });
    let tending = Arc::clone(core);
    running.spawn(async move {
        let mut moments = tokio::time::interval(Duration::from_millis(250));
        moments.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            moments.tick().await;
            tending.tend_leases().await.expect("leases are tended");
        }
    });
    running
}

async fn call(
    core: &Core,
    operation: Operation,
    path: &str,
    body: &Value,
    token: &TokenId,
) -> Result<Done, Error> {
    let path = CanonicalPath::parse(path).expect("paths here are canonical");
    let body = SecretBytes::new(body.to_string().into_bytes());
    core.handle(Request::new(operation, path, body).with_token(token.duplicate()))
        .await
}

/// MiB that the system holds in memory for this process; 0 where it does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() >> 10
}

fn on_disk(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let lengths = entries.map(|entry| {
        let entry = entry.expect("the folder can be read");
        let metadata = entry.metadata().expect("it has metadata");
        if metadata.is_dir() {
            on_disk(&entry.path())
        } else {
            metadata.len()
        }
    });
    lengths.sum()
}
