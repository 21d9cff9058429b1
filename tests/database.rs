//! Users of a real database, leased by a real server: what ends by itself, and over a crash.

#[path = "../server/builtin/tests/database/postgres.rs"]
pub(crate) mod postgres;

use std::{
    fs,
    time::{Duration, Instant},
};

use keyward_client::Keyward;
use serde_json::{Value, json};

use self::postgres::{PASSWORD, Postgres};
use crate::support::{Client, Installation, Store, Target};

/// How long the end of a lease is waited for: far more than it takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Has the database at `main` lead to a database, and `short` make users that last two seconds by
/// their lease alone.
async fn prepare(root: &Client, postgres: &Postgres) {
    root.post("sys/mounts/database", json!({ "type": "database" }))
        .await
        .expect(204);
    let config = json!({
        "plugin_name": "postgresql-database-plugin",
        "connection_url": postgres.url("disable"),
        "username": "keeper",
        "password": PASSWORD,
        "allowed_roles": "*",
    });
    root.post("database/config/main", config).await.expect(204);
    let role = json!({
        "db_name": "main",
        "creation_statements": "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'",
        "default_ttl": "2s",
    });
    root.post("database/roles/short", role).await.expect(204);
}

/// Waits until nobody of this name is let in.
async fn wait_until_gone(postgres: &Postgres, answer: &Value) {
    let user = answer["data"]["username"].as_str().unwrap();
    let password = answer["data"]["password"].as_str().unwrap();
    let start = Instant::now();
    while postgres.log_in(user, password).await.is_some() {
        assert!(start.elapsed() < DEADLINE, "{user} is let in still");
    }
}

#[tokio::test]
async fn a_leased_user_ends_by_itself_soon_and_not_early_and_its_lease_is_on_record() {
    let postgres = Postgres::start();
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    prepare(&root, &postgres).await;
    let asked = Instant::now();
    let made = root.get("database/creds/short").await.expect(200);
    assert_eq!(made.at("/lease_duration"), 2);
    assert_eq!(made.at("/renewable"), true);
    let lease = made.text_at("/lease_id");
    wait_until_gone(&postgres, &made.json).await;
    assert!(asked.elapsed() >= Duration::from_secs(2));
    // The lease goes right after the user.
    let looked = loop {
        let looked = root
            .post("sys/leases/lookup", json!({ "lease_id": lease }))
            .await;
        if looked.status != 200 || asked.elapsed() > DEADLINE {
            break looked;
        }
    };
    looked.refused(400, "invalid lease");

    let log = fs::read_to_string(log).unwrap();
    let entry = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|entry| {
            entry["type"] == "response" && entry["request"]["path"] == "database/creds/short"
        })
        .unwrap();
    assert_eq!(entry["response"]["secret"]["lease_id"], lease);
    let shown = entry["response"]["data"]["password"].as_str().unwrap();
    assert!(shown.starts_with("hmac-sha256:"), "{shown}");
    for secret in [PASSWORD, made.text_at("/data/password")] {
        assert!(!log.contains(secret));
    }
}

#[tokio::test]
async fn a_leased_user_ends_also_where_the_server_was_killed_meanwhile() {
    let postgres = Postgres::start();
    let installation = Installation::new(Store::Sled);
    let mut server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    prepare(&root, &postgres).await;
    let made = root.get("database/creds/short").await.expect(200);
    server.kill();
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;
    wait_until_gone(&postgres, &made.json).await;
    // And the mount goes with those that are left.
    let made = root.get("database/creds/short").await.expect(200);
    root.delete("sys/mounts/database").await.expect(204);
    wait_until_gone(&postgres, &made.json).await;
}

#[tokio::test]
async fn the_client_for_rust_renews_and_ends_a_lease() {
    let postgres = Postgres::start();
    let target = Target::keyward();
    let root = Client::new(&target);
    prepare(&root, &postgres).await;
    let role = json!({
        "db_name": "main",
        "creation_statements": "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'",
        "default_ttl": "1h",
        "max_ttl": "3h",
    });
    root.post("database/roles/long", role).await.expect(204);
    let made = root.get("database/creds/long").await.expect(200);
    let id = made.text_at("/lease_id");
    let builder = Keyward::builder(&target.address).token(target.token.as_str());
    let client = builder.build().unwrap();
    let leases = client.leases();

    let known = leases.lookup(id).await.unwrap();
    assert_eq!((known.id.as_str(), known.renewable), (id, true));
    assert!(known.ttl > 3_500 && known.ttl <= 3_600 && known.last_renewal.is_none());
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let term = leases.renew(id, Some(hours(2))).await.unwrap();
    assert_eq!(term, hours(2));
    let renewed = leases.lookup(id).await.unwrap();
    assert!(renewed.ttl > 7_100 && renewed.last_renewal.is_some());
    // As long as there is left of the longest life.
    let term = leases.renew(id, Some(hours(9))).await.unwrap();
    assert!(term > hours(2) && term <= hours(3), "{term:?}");
    // Left out, it is the role's own.
    assert_eq!(leases.renew(id, None).await.unwrap(), hours(1));

    leases.revoke(id).await.unwrap();
    wait_until_gone(&postgres, &made.json).await;
    let gone = leases.renew(id, None).await.unwrap_err();
    assert_eq!((gone.status(), gone.retryable()), (Some(400), false));
}
