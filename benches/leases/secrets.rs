//! Leases of secrets, as those of database users: each is written down before the secret is made
//! and ends with its time and with the token that asked for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use keyward_api::Operation;
use keyward_core::{Clock as _, Core, SystemClock, Timestamp, TokenId};
use parking_lot::Mutex;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Bench, TASKS, badges::ENDED, call, share, tick, tokens};

/// How long those live that stay.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long those live that end while the others live.
const SHORT: Duration = Duration::from_secs(5);
/// How many of those end one after the other.
const ALONE: usize = 50;
/// How long after the one before.
const APART: Duration = Duration::from_millis(130);
/// How many end together.
const TOGETHER: usize = 1000;
/// Which part of all is revoked at once by their token, and by their prefix.
const CROWD: usize = 10;

/// A lease that was made within a span of time.
struct Made {
    id: String,
    before: Timestamp,
    after: Timestamp,
}

/// Makes leases that last a day, the same number for each of some tokens.
pub(crate) async fn fill(bench: &Bench, count: usize) {
    let mount = json!({ "type": "badges" });
    call(
        &bench.core,
        Operation::Update,
        "sys/mounts/badges",
        &mount,
        &bench.root,
    )
    .await
    .expect("the engine is mounted");
    let policy = json!({ "policy": "path \"badges/*\" { capabilities = [\"update\"] }" });
    call(
        &bench.core,
        Operation::Update,
        "sys/policies/acl/default",
        &policy,
        &bench.root,
    )
    .await
    .expect("the policy is written");
    let holders = tokens::make(bench, TASKS, "24h").await;
    share(count, |task, numbers| {
        let (core, holder) = (Arc::clone(&bench.core), holders[task].duplicate());
        async move {
            for _ in numbers {
                make(&core, &holder, "reader", DAY).await;
            }
            Vec::<()>::new()
        }
    })
    .await;
}

/// Says how late secrets are taken back: those that end at rest, each alone, and some that end
/// together.
pub(crate) async fn end(bench: &Bench, count: usize) {
    let _ticking = tick(&bench.core);
    let mut made = Vec::new();
    let mut moments = tokio::time::interval(APART);
    for _ in 0..ALONE {
        moments.tick().await;
        made.push(make(&bench.core, &bench.root, "reader", SHORT).await);
    }
    let (mean, last) = lateness(made).await;
    println!(
        "{}: {ALONE} ended one by one beside {count} that live: taken back {mean:.0} ms after they were due, {last:.0} ms at most",
        bench.label,
    );
    let made = share(TOGETHER, |_, numbers| {
        let (core, root) = (Arc::clone(&bench.core), bench.root.duplicate());
        async move {
            let mut made = Vec::new();
            for _ in numbers {
                made.push(make(&core, &root, "reader", SHORT).await);
            }
            made
        }
    });
    let (mean, last) = lateness(made.await).await;
    println!(
        "{}: {TOGETHER} ended together beside {count} that live: taken back {mean:.0} ms after they were due, {last:.0} ms at most",
        bench.label,
    );
    revoke(bench, count / CROWD).await;
}

/// Says how long it takes to revoke many leases at once, and how long other requests take meanwhile.
async fn revoke(bench: &Bench, count: usize) {
    let holder = tokens::make(bench, 1, "24h").await.remove(0);
    // EXPOSE: the bench revokes the token.
    let text = holder.expose().to_owned();
    for (by, path, body) in [
        ("token", "auth/token/revoke", json!({ "token": text })),
        (
            "prefix",
            "sys/leases/revoke-prefix/badges/creds/crowd",
            json!({}),
        ),
    ] {
        let holder = match by {
            "token" => &holder,
            _ => &bench.root,
        };
        share(count, |_, numbers| {
            let (core, holder) = (Arc::clone(&bench.core), holder.duplicate());
            async move {
                for _ in numbers {
                    make(&core, &holder, "crowd", DAY).await;
                }
                Vec::<()>::new()
            }
        })
        .await;
        let all = ENDED.lock().len() + count;
        let taken = Arc::new(Mutex::new(Vec::new()));
        let mut probing = JoinSet::new();
        probing.spawn(probe(
            Arc::clone(&bench.core),
            bench.root.duplicate(),
            Arc::clone(&taken),
        ));
        let start = Instant::now();
        call(&bench.core, Operation::Update, path, &body, &bench.root)
            .await
            .expect("they are revoked");
        let answered = start.elapsed();
        let mut moments = tokio::time::interval(Duration::from_millis(10));
        while ENDED.lock().len() < all {
            moments.tick().await;
        }
        let over = start.elapsed();
        probing.shutdown().await;
        let mut taken = std::mem::take(&mut *taken.lock());
        taken.sort_unstable();
        let part = |of: usize| taken[(taken.len() - 1) * of / 100].as_secs_f64() * 1e3;
        println!(
            "{}: {count} revoked by {by}: answered after {:.1} s, all taken back after {:.1} s; meanwhile a secret took {:.1} ms (median), {:.1} ms (99 %), {:.1} ms (longest)",
            bench.label,
            answered.as_secs_f64(),
            over.as_secs_f64(),
            part(50),
            part(99),
            part(100),
        );
    }
}

/// Asks for one secret after the other, and writes down how long each takes.
async fn probe(core: Arc<Core>, token: TokenId, taken: Arc<Mutex<Vec<Duration>>>) {
    loop {
        let start = Instant::now();
        make(&core, &token, "reader", DAY).await;
        taken.lock().push(start.elapsed());
    }
}

/// Waits for the end of leases; returns how many milliseconds late they ended, on average and at
/// most.
async fn lateness(made: Vec<Made>) -> (f64, f64) {
    let mut moments = tokio::time::interval(Duration::from_millis(10));
    while !made.iter().all(|made| ENDED.lock().contains_key(&made.id)) {
        moments.tick().await;
    }
    let ended = ENDED.lock();
    let late = made.iter().map(|made| {
        let ended = ended[&made.id];
        assert!(ended >= made.before.plus(SHORT), "a lease ended early");
        ended.since(made.after.plus(SHORT)).as_secs_f64() * 1e3
    });
    let late: Vec<f64> = late.collect();
    let sum: f64 = late.iter().sum();
    (
        sum / late.len() as f64,
        late.iter().copied().fold(0.0, f64::max),
    )
}

async fn make(core: &Core, token: &TokenId, role: &str, ttl: Duration) -> Made {
    let body = json!({ "ttl": ttl.as_secs() });
    let before = SystemClock.now();
    let path = format!("badges/creds/{role}");
    let done = call(core, Operation::Update, &path, &body, token).await;
    Made {
        id: done.expect("leases are made").lease_id,
        before,
        after: SystemClock.now(),
    }
}
