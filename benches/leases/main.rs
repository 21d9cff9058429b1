//! Many live leases: memory, a restart, and how late an end is.
//!
//! `LEASES=1000000 cargo bench -p keyward-benches --bench leases` makes as many tokens with a lease
//! in each embedded store; without `LEASES` it makes ten thousand. A process measures one store, so
//! that the memory of one is not taken for that of the other.
#![allow(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use keyward_api::Operation;
use keyward_builtin::{AUDIT_DEVICES, ENGINES, storage::storage};
use keyward_core::{
    CanonicalPath, Clock, Core, Done, Error, Registry, Request, SealConfig, Settings, SystemClock,
    Timestamp, TokenId, storage::Storage,
};
use keyward_crypto::{SecretBytes, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::MissedTickBehavior};

const LEASES: &str = "LEASES";
const BACKEND: &str = "KEYWARD_BENCH_BACKEND";

/// How many requests are under way at once.
const TASKS: usize = 256;
/// How many leases end while the others live.
const ENDING: usize = 1000;
/// How long those live.
const SHORT: Duration = Duration::from_secs(5);

fn main() {
    if let Ok(backend) = env::var(BACKEND) {
        let count = env::var(LEASES).map_or(10_000, |count| count.parse().expect("a number"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        return runtime.block_on(measure(&backend, count));
    }
    // `cargo test --benches` only wants to know that it builds.
    if !env::args().any(|argument| argument == "--bench") {
        return;
    }
    for backend in ["sled", "redb"] {
        let this = env::current_exe().expect("this program has a path");
        let status = Command::new(this).env(BACKEND, backend).status();
        assert!(
            status.expect("this program starts").success(),
            "{backend} failed"
        );
    }
}

async fn measure(backend: &str, count: usize) {
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
    println!("{backend}: empty, {} MiB resident", resident());

    let start = Instant::now();
    make(&core, &secrets.root_token, count, "24h").await;
    let took = start.elapsed();
    println!(
        "{backend}: {count} leases made in {:.1} s ({:.0}/s), {} MiB resident, {} MiB on disk",
        took.as_secs_f64(),
        count as f64 / took.as_secs_f64(),
        resident(),
        on_disk(folder.path()) >> 20,
    );
    core.seal().await;
    drop((core, storage));

    let start = Instant::now();
    let (storage, core) = open(backend, folder.path()).await;
    let opened = start.elapsed();
    core.unseal(secrets.shares[0].duplicate())
        .await
        .expect("its share unseals");
    lookup(&core, &secrets.root_token)
        .await
        .expect("the root token lives");
    println!(
        "{backend}: restart: store open after {:.0} ms, first answer after {:.0} ms, {} MiB resident",
        opened.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3,
        resident(),
    );

    let clock = SystemClock;
    let before = clock.now();
    let ttl = format!("{}s", SHORT.as_secs());
    let tokens = make(&core, &secrets.root_token, ENDING, &ttl).await;
    let due = clock.now().plus(SHORT);
    // As the server does it.
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut longest = Duration::ZERO;
    loop {
        seconds.tick().await;
        let start = Instant::now();
        core.tick().await.expect("it ticks");
        longest = longest.max(start.elapsed());
        let now = clock.now();
        if now < before.plus(SHORT) {
            lookup(&core, &tokens[0])
                .await
                .expect("a lease lives until its time");
        }
        if first_end(&*storage).await > due {
            let late = now.unix_nanos().saturating_sub(due.unix_nanos());
            println!(
                "{backend}: {ENDING} ended together beside {count} that live: the last revoked {:.0} ms after it was due; longest tick {:.0} ms",
                late as f64 / 1e6,
                longest.as_secs_f64() * 1e3,
            );
            return;
        }
    }
}

/// Reads from the store's index when the next lease ends.
async fn first_end(store: &dyn Storage) -> Timestamp {
    let names = store.list("sys/token/expiry/", None, Some(1)).await;
    let names = names.expect("the index is listed");
    let (nanos, _) = names[0].split_once('.').expect("a time and a digest");
    Timestamp::from_unix_nanos(u64::from_str_radix(nanos, 16).expect("a time"))
}

async fn open(backend: &str, folder: &Path) -> (Arc<dyn Storage>, Arc<Core>) {
    let path = folder.to_str().expect("a UTF-8 path").to_owned();
    let backend = storage(backend).expect("it ships");
    let settings = BTreeMap::from([("path".to_owned(), path)]);
    let storage = (backend.open)(settings).await.expect("it opens");
    let registry = Registry {
        engines: ENGINES,
        audit: AUDIT_DEVICES,
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

/// Makes orphans with a lease of `ttl`; returns the first few.
async fn make(core: &Arc<Core>, root: &TokenId, count: usize, ttl: &str) -> Vec<TokenId> {
    const KEPT: usize = 16;
    let mut running = JoinSet::new();
    for task in 0..TASKS {
        let (core, root, ttl) = (Arc::clone(core), root.duplicate(), ttl.to_owned());
        running.spawn(async move {
            let mut made = Vec::new();
            for number in (task..count).step_by(TASKS) {
                let body = json!({ "ttl": ttl, "policies": ["default"] });
                let answer = call(
                    &core,
                    Operation::Update,
                    "auth/token/create-orphan",
                    &body,
                    &root,
                );
                let auth = answer.await.expect("tokens are made").auth;
                let auth = auth.expect("a token was asked for");
                if number < KEPT {
                    // EXPOSE: used as the caller of the bench.
                    let text = auth.client_token.expose().to_owned();
                    made.push(TokenId::new(SecretString::new(text)));
                }
            }
            made
        });
    }
    running.join_all().await.into_iter().flatten().collect()
}

async fn lookup(core: &Core, token: &TokenId) -> Result<Done, Error> {
    call(
        core,
        Operation::Read,
        "auth/token/lookup-self",
        &json!({}),
        token,
    )
    .await
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
