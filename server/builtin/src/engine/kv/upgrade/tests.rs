//! Upgrades over a store that stops at each of its commits.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::Operation;
use keyward_core::{
    Core, Done, Registry, SealConfig, TokenId,
    storage::faulty::{Fate, Faulty},
    testing,
};
use serde_json::{Value, json};

use super::*;
use crate::engine::kv::KV;

/// A core over the store, as a process that has just started.
fn start(medium: &Arc<Faulty>) -> Core {
    let registry = Registry {
        engines: &[KV],
        ..Registry::EMPTY
    };
    testing::core(medium.clone(), &testing::clock(), registry)
}

async fn ask(
    core: &Core,
    root: &TokenId,
    operation: Operation,
    path: &str,
    body: Value,
) -> Result<Done, Error> {
    let request = testing::request(operation, path, &body);
    core.handle(request.with_token(root.duplicate())).await
}

/// Paths of secrets, those among them that look like keys of version 2 or of the upgrade.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> = [
        "a",
        "a/b",
        "config",
        "metadata/a",
        "metadata/metadata/a",
        "moved",
        "v/a",
        "versions/a/1",
    ]
    .map(str::to_owned)
    .into();
    // More than one commit moves.
    paths.extend((0..2 * PAGE).map(|number| format!("many/{number}")));
    paths
}

async fn check(core: &Core, root: &TokenId, after: &str) {
    for path in paths() {
        let place = format!("s/data/{path}");
        let read = ask(core, root, Operation::Read, &place, Value::Null);
        let data = read
            .await
            .unwrap_or_else(|error| panic!("{path} {after}: {error}"));
        // EXPOSE: the secret was made for this test.
        let data: Value = serde_json::from_slice(data.data.unwrap().expose()).unwrap();
        assert_eq!(data["data"], json!({ "of": path }), "{after}");
        assert_eq!(data["metadata"]["version"], 1, "{after}");
        let place = format!("s/metadata/{path}");
        let read = ask(core, root, Operation::Read, &place, Value::Null);
        // EXPOSE: what is known of a secret of this test.
        let known: Value =
            serde_json::from_slice(read.await.unwrap().data.unwrap().expose()).unwrap();
        assert_eq!(known["oldest_version"], 1, "{after}");
    }
    let listed = ask(core, root, Operation::List, "s/metadata", Value::Null)
        .await
        .unwrap();
    // EXPOSE: names of paths.
    let listed: Value = serde_json::from_slice(listed.data.unwrap().expose()).unwrap();
    let names = [
        "a",
        "a/",
        "config",
        "many/",
        "metadata/",
        "moved",
        "v/",
        "versions/",
    ];
    assert_eq!(listed["keys"], json!(names), "{after}");
}

#[tokio::test]
async fn an_upgrade_that_stops_anywhere_is_finished_after_a_restart() {
    let mut stops = BTreeMap::<bool, usize>::new();
    for last in [Fate::MadeAndLost, Fate::NotMade] {
        for commits in 1.. {
            let medium = Arc::new(Faulty::new());
            let core = start(&medium);
            let config = SealConfig::parse(1, 1).unwrap();
            let secrets = core.initialize(config).await.unwrap();
            let (share, root) = (&secrets.shares[0], &secrets.root_token);
            core.unseal(share.duplicate()).await.unwrap();
            let mount = json!({ "type": "kv" });
            ask(&core, root, Operation::Update, "sys/mounts/s", mount)
                .await
                .unwrap();
            for path in paths() {
                let body = json!({ "of": path });
                ask(&core, root, Operation::Update, &format!("s/{path}"), body)
                    .await
                    .unwrap();
            }

            medium.stop_at(commits, last);
            let tune = json!({ "options": { "version": "2" } });
            let tuned = ask(
                &core,
                root,
                Operation::Update,
                "sys/mounts/s/tune",
                tune.clone(),
            )
            .await;
            drop(core);
            let stopped = medium.mend();
            assert_eq!(tuned.is_err(), stopped);
            *stops.entry(stopped).or_default() += 1;

            let after = format!("after {commits} commits, the last {last:?}");
            let core = start(&medium);
            core.unseal(share.duplicate()).await.unwrap();
            if stopped && commits == 1 && last == Fate::NotMade {
                // The table did not say so yet: it is version 1 as before.
                ask(&core, root, Operation::Read, "s/a", Value::Null)
                    .await
                    .unwrap();
                ask(&core, root, Operation::Update, "sys/mounts/s/tune", tune)
                    .await
                    .unwrap();
            } else if stopped {
                let refused = ask(&core, root, Operation::Read, "s/data/a", Value::Null).await;
                match refused {
                    Err(error) => {
                        let words = error.to_string();
                        assert!(words.starts_with("Upgrading from non-versioned"), "{words}");
                    }
                    // The last commit of all was made: the table says that it is done.
                    Ok(_) => assert_eq!(last, Fate::MadeAndLost, "{after}"),
                }
                core.tick().await.unwrap();
            }
            check(&core, root, &after).await;
            if !stopped {
                break;
            }
        }
    }
    assert_eq!(stops[&false], 2, "{stops:?}");
    assert!(stops[&true] >= 20, "{stops:?}");
}

#[tokio::test]
async fn a_version_does_not_fall() {
    let medium = Arc::new(Faulty::new());
    let core = start(&medium);
    let secrets = core
        .initialize(SealConfig::parse(1, 1).unwrap())
        .await
        .unwrap();
    core.unseal(secrets.shares[0].duplicate()).await.unwrap();
    let root = &secrets.root_token;
    let mount = json!({ "type": "kv-v2" });
    ask(&core, root, Operation::Update, "sys/mounts/s", mount)
        .await
        .unwrap();
    let tune = json!({ "options": { "version": "1" } });
    let refused = ask(&core, root, Operation::Update, "sys/mounts/s/tune", tune).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "cannot downgrade mount from version 2"
    );
    let data = json!({ "data": { "a": 1 } });
    ask(&core, root, Operation::Update, "s/data/a", data)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_path_that_is_too_long_for_version_2_leaves_the_mount_as_it_was() {
    let medium = Arc::new(Faulty::new());
    let core = start(&medium);
    let secrets = core
        .initialize(SealConfig::parse(1, 1).unwrap())
        .await
        .unwrap();
    core.unseal(secrets.shares[0].duplicate()).await.unwrap();
    let root = &secrets.root_token;
    let mount = json!({ "type": "kv", "options": { "version": "1" } });
    ask(&core, root, Operation::Update, "sys/mounts/s", mount)
        .await
        .unwrap();
    let long = format!("s/{}", "x".repeat(975));
    let value = json!({ "a": 1 });
    for path in ["s/a", &long] {
        ask(&core, root, Operation::Update, path, value.clone())
            .await
            .unwrap();
    }
    let tune = json!({ "options": { "version": "2" } });
    let refused = ask(&core, root, Operation::Update, "sys/mounts/s/tune", tune).await;
    let words = refused.unwrap_err().to_string();
    assert!(
        words.starts_with("cannot upgrade: the path \"xxx"),
        "{words}"
    );
    for path in ["s/a", &long] {
        ask(&core, root, Operation::Read, path, Value::Null)
            .await
            .unwrap();
        ask(&core, root, Operation::Update, path, value.clone())
            .await
            .unwrap();
    }
}
