//! Backup and restoration.

use keyward_crypto::encoding;

use super::*;

impl Server {
    async fn back_up(&self, name: &str) -> Result<String, Error> {
        let path = format!("transit/backup/{name}");
        let answer = self.ask(Operation::Read, &path, json!({})).await;
        answer.map(|answer| text(&answer.data["backup"]))
    }
}

const OPEN: [(&str, bool); 2] = [("exportable", true), ("allow_plaintext_backup", true)];

fn open() -> Value {
    json!(BTreeMap::from(OPEN))
}

#[tokio::test]
async fn a_key_comes_back_with_all_its_versions_settings_and_counts() {
    let server = Server::start().await;
    server.ok("keys/a", open()).await;
    let old = server.encrypt("a", HELLO).await;
    server.ok("keys/a/rotate", json!({})).await;
    let new = server.encrypt("a", HELLO).await;
    let rules = json!({"min_encryption_version": 1, "auto_rotate_period": "2h"});
    server.ok("keys/a/config", rules).await;
    let backup = server.back_up("a").await.unwrap();
    let original = server.read_whole("a").await.unwrap();
    assert_eq!(
        original["backup_info"],
        json!({"time": "2026-11-23T19:40:15.194302944Z", "version": 2})
    );

    // On another server, under another name.
    let other = Server::start().await;
    let restored = other
        .try_post("restore/b", json!({"backup": backup}))
        .await
        .unwrap();
    assert_eq!(restored.data, Value::Null);
    let mut key = other.read_whole("b").await.unwrap();
    let info = key.as_object_mut().unwrap().remove("restore_info");
    assert_eq!(info.unwrap()["version"], 2);
    assert_eq!(key["usage"]["1"]["encryptions"], 1024);
    key["name"] = json!("a");
    key["usage"] = original["usage"].clone();
    assert_eq!(key, original);
    for ciphertext in [old, new] {
        let plain = other
            .ok("decrypt/b", json!({"ciphertext": ciphertext}))
            .await;
        assert_eq!(plain["plaintext"], HELLO);
    }
}

#[tokio::test]
async fn a_key_that_exists_is_replaced_only_by_force_and_its_count_never_falls() {
    let server = Server::start().await;
    server.ok("keys/a", open()).await;
    let backup = server.back_up("a").await.unwrap();
    server.ok("keys/a/rotate", json!({})).await;
    let batch: Vec<_> = (0..3000)
        .map(|_| json!({"plaintext": "", "key_version": 1}))
        .collect();
    server.ok("encrypt/a", json!({"batch_input": batch})).await;
    let body = json!({"backup": backup});
    assert_eq!(
        server.refused("restore", body.clone()).await,
        "key \"a\" already exists"
    );
    let by_force = json!({"backup": backup, "force": true});
    server.try_post("restore", by_force).await.unwrap();
    let key = server.read_whole("a").await.unwrap();
    assert_eq!(key["latest_version"], 1);
    assert!(key["usage"]["1"]["encryptions"].as_u64().unwrap() >= 3000);

    let by_name = json!({"backup": backup, "name": "c"});
    server.try_post("restore", by_name).await.unwrap();
    assert_eq!(server.read_key("c").await.unwrap()["latest_version"], 1);
}

#[tokio::test]
async fn a_backup_must_be_allowed() {
    let server = Server::start().await;
    server
        .ok("keys/a", json!({"allow_plaintext_backup": true}))
        .await;
    server.ok("keys/b", json!({"exportable": true})).await;
    for (name, refusal) in [
        ("a", "exporting is disallowed on the policy"),
        ("b", "plaintext backup is disallowed on the policy"),
        ("c", "key \"c\" not found"),
    ] {
        let error = server.back_up(name).await.unwrap_err();
        assert_eq!(error.to_string(), refusal);
    }
    assert!(
        server
            .read_key("a")
            .await
            .unwrap()
            .get("backup_info")
            .is_none()
    );
}

#[tokio::test]
async fn what_is_no_backup_is_refused() {
    let server = Server::start().await;
    server.ok("keys/a", open()).await;
    let whole = server.back_up("a").await.unwrap();
    let json = encoding::decode(&whole).unwrap();
    let cut = |length: usize| encoding::encode(&json.expose()[..length]);
    let damaged = "the backup is damaged, or was not made by this server's kind";
    for (body, refusal) in [
        (json!({}), "'backup' must be supplied"),
        (json!({"backup": ""}), "'backup' must be supplied"),
        (
            json!({"backup": "!"}),
            "illegal base64 data at input byte 0",
        ),
        (json!({"backup": "e30="}), damaged),
        (json!({"backup": cut(60)}), damaged),
        (
            json!({"backup": encoding::encode(br#"{"keyward_backup":1,"name":"x","key":"AAAA","usage":{}}"#)}),
            damaged,
        ),
        (
            json!({"backup": encoding::encode(br#"{"keyward_backup":2,"name":"x","key":"AAAA","usage":{}}"#)}),
            "the backup has a format not known here",
        ),
        (
            json!({"backup": whole, "name": "a/b"}),
            "key names cannot be paths",
        ),
        (json!({"backup": whole, "name": "-"}), "invalid key name"),
    ] {
        assert_eq!(server.refused("restore", body).await, refusal);
    }
}
