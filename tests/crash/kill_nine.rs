//! Kills the server while clients write, again and again, and looks for what it had acknowledged.

use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use super::ledger::Ledger;
use crate::support::{Client, Installation, Store};

/// How many clients write at the same time.
const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_no_acknowledged_write_on_sled() {
    kill_and_look(Store::Sled, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_lose_no_acknowledged_write_on_redb() {
    kill_and_look(Store::Redb, 10).await;
}

async fn kill_and_look(store: Store, cycles: usize) {
    let installation = Installation::new(store);
    let mut server = installation.start();
    let keys = installation.initialise(3, 2).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    root.post("sys/mounts/kv", json!({ "type": "kv-v2" }))
        .await
        .expect(204);
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    // The peer upgrades a new kv mount in the background and refuses writes until it has.
    while root
        .post("kv/data/ready", json!({ "data": {} }))
        .await
        .status
        != 200
    {}

    let mut ledgers: Vec<_> = (0..CLIENTS).map(Ledger::new).collect();
    for cycle in 0..cycles {
        let client = installation.client(&keys.root_token);
        let (acknowledge, mut acknowledged) = mpsc::unbounded_channel();
        let mut writers = JoinSet::new();
        for ledger in ledgers.drain(..) {
            writers.spawn(write_until_it_dies(
                ledger,
                client.clone(),
                acknowledge.clone(),
            ));
        }
        drop(acknowledge);
        // Kill after a number of acknowledgements that differs from cycle to cycle, with all the
        // other clients' writes still on their way.
        for _ in 0..20 + cycle * 37 % 113 {
            acknowledged
                .recv()
                .await
                .expect("no client gives up while the server lives");
        }
        server.kill();
        ledgers = writers.join_all().await;

        server = installation.start();
        installation.unseal(&keys).await;
        let client = installation.client(&keys.root_token);
        let mut checks = JoinSet::new();
        for mut ledger in ledgers.drain(..) {
            let client = client.clone();
            checks.spawn(async move {
                ledger.check(&client).await;
                ledger
            });
        }
        ledgers = checks.join_all().await;
        let total: usize = ledgers.iter().map(Ledger::acknowledged).sum();
        println!("kill {}: {total} acknowledged writes are there", cycle + 1);
    }
}

/// Writes until no answer comes back.
async fn write_until_it_dies(
    mut ledger: Ledger,
    client: Client,
    acknowledge: mpsc::UnboundedSender<()>,
) -> Ledger {
    while ledger.write(&client).await {
        // Once enough are counted nobody listens; the server is being killed then.
        let _enough = acknowledge.send(());
    }
    ledger
}
