//! Tokens, each of which is its own lease.

use std::{sync::Arc, time::Duration};

use keyward_api::Operation;
use keyward_core::{Clock as _, Done, Error, SystemClock, Timestamp, TokenId};
use keyward_crypto::SecretString;
use serde_json::json;

use super::{Bench, call, share, tick};

/// How many end while the others live.
const ENDING: usize = 1000;
/// How long those live.
const SHORT: Duration = Duration::from_secs(5);

/// Makes orphans that last `ttl`.
pub(crate) async fn make(bench: &Bench, count: usize, ttl: &str) -> Vec<TokenId> {
    share(count, |_, numbers| {
        let (core, root) = (Arc::clone(&bench.core), bench.root.duplicate());
        let body = json!({ "ttl": ttl, "policies": ["default"] });
        async move {
            let mut made = Vec::new();
            for _ in numbers {
                let path = "auth/token/create-orphan";
                let answer = call(&core, Operation::Update, path, &body, &root).await;
                let auth = answer.expect("tokens are made").auth;
                let auth = auth.expect("a token was asked for");
                // EXPOSE: used as the caller of the bench.
                let text = auth.client_token.expose().to_owned();
                made.push(TokenId::new(SecretString::new(text)));
            }
            made
        }
    })
    .await
}

/// Says how late tokens are removed that end together. None is good after its end in any case.
pub(crate) async fn end(bench: &Bench, count: usize) {
    let clock = SystemClock;
    let _ticking = tick(&bench.core);
    let before = clock.now();
    let ttl = format!("{}s", SHORT.as_secs());
    let tokens = make(bench, ENDING, &ttl).await;
    let due = *ends(bench, ENDING).await.last().expect("they were made");
    let mut moments = tokio::time::interval(Duration::from_millis(10));
    loop {
        moments.tick().await;
        if clock.now() < before.plus(SHORT) {
            let lives = lookup(bench, &tokens[0]).await;
            lives.expect("a token lives until its time");
        }
        if ends(bench, 1).await[0] > due {
            println!(
                "{}: {ENDING} ended together beside {count} that live: the last removed {:.0} ms after it was due",
                bench.label,
                clock.now().since(due).as_secs_f64() * 1e3,
            );
            return;
        }
    }
}

pub(crate) async fn lookup(bench: &Bench, token: &TokenId) -> Result<Done, Error> {
    let path = "auth/token/lookup-self";
    call(&bench.core, Operation::Read, path, &json!({}), token).await
}

/// Reads from the store's index when the next tokens end.
async fn ends(bench: &Bench, most: usize) -> Vec<Timestamp> {
    let names = bench.storage.list("sys/token/expiry/", None, Some(most));
    let names = names.await.expect("the index is listed");
    let nanos = names.iter().map(|name| {
        let (nanos, _) = name.split_once('.').expect("a time and a digest");
        u64::from_str_radix(nanos, 16).expect("a time")
    });
    nanos.map(Timestamp::from_unix_nanos).collect()
}
