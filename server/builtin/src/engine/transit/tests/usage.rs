//! Encryptions are on record before they are made.

use super::{super::record::Record, *};

/// The encryptions on record.
async fn recorded(server: &Server, name: &str) -> BTreeMap<u32, u64> {
    let view = server.view().await;
    let record = view.get_as(&format!("usage/{name}")).await.unwrap();
    let record: Record = record.expect("there is a record").0;
    let counts = record.0.into_iter();
    counts
        .map(|(version, used)| (version, used.encryptions))
        .collect()
}

impl Server {
    /// What a reader of a key sees of the use of a version.
    async fn usage(&self, name: &str, version: u32) -> Value {
        self.read_whole(name).await.unwrap()["usage"][version.to_string()].clone()
    }
}

#[tokio::test]
async fn a_crash_counts_too_many_and_never_too_few() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let mut made = 0;
    for round in 0..5 {
        // A change of the key stands for the crash: what memory had left of the budget is gone.
        let change = json!({"deletion_allowed": round % 2 == 0});
        server.ok("keys/a/config", change).await;
        let batch: Vec<_> = (0..700).map(|_| json!({"plaintext": ""})).collect();
        server.ok("encrypt/a", json!({"batch_input": batch})).await;
        made += 700;
        assert!(recorded(&server, "a").await[&1] >= made);
    }
}

#[tokio::test]
async fn a_key_made_by_its_first_encryption_has_it_on_record() {
    let server = Server::start().await;
    let batch: Vec<_> = (0..3000).map(|_| json!({"plaintext": ""})).collect();
    server
        .ok("encrypt/new", json!({"batch_input": batch}))
        .await;
    assert_eq!(recorded(&server, "new").await, BTreeMap::from([(1, 3000)]));
}

#[tokio::test]
async fn a_version_that_is_worn_out_is_replaced() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let worn = BTreeMap::from([(1_u32, 1_u64 << 32)]);
    server.view().await.put_as("usage/a", &worn).await.unwrap();
    assert!(server.encrypt("a", HELLO).await.starts_with("vault:v2:"));
    assert_eq!(server.read_key("a").await.unwrap()["latest_version"], 2);
    // Whoever insists on the old version is refused.
    assert_eq!(
        server
            .refused("encrypt/a", json!({"plaintext": "", "key_version": 1}))
            .await,
        "key version 1 has reached its limit of encryptions and must be rotated"
    );
}

#[tokio::test]
async fn deleting_a_key_deletes_its_record() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.encrypt("a", HELLO).await;
    server
        .ok("keys/a/config", json!({"deletion_allowed": true}))
        .await;
    server
        .ask(Operation::Delete, "transit/keys/a", json!({}))
        .await
        .unwrap();
    let left = server.view().await.list("", None, None).await.unwrap();
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_key_shows_how_often_each_version_encrypted() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    assert_eq!(
        server.usage("a", 1).await,
        json!({"encryptions": 0, "last_used": null})
    );
    for _ in 0..3 {
        server.encrypt("a", HELLO).await;
    }
    server.ok("keys/a/rotate", json!({})).await;
    let batch: Vec<_> = (0..2000).map(|_| json!({"plaintext": ""})).collect();
    server.ok("encrypt/a", json!({"batch_input": batch})).await;
    server.ok("datakey/wrapped/a", json!({})).await;
    assert_eq!(server.usage("a", 2).await["encryptions"], 2001);
    // The rotation stands for a crash here: what was reserved and not made counts.
    assert_eq!(server.usage("a", 1).await["encryptions"], 1024);
}

#[tokio::test]
async fn the_last_use_is_never_told_earlier_than_it_was() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/s", json!({"type": "ed25519"})).await;
    let ciphertext = server.encrypt("a", HELLO).await;
    let signed = server.ok("sign/s", json!({"input": HELLO})).await;
    let hmac = server.ok("hmac/a", json!({"input": HELLO})).await;
    let mut told = String::new();
    for (name, path, body) in [
        ("a", "decrypt/a", json!({"ciphertext": ciphertext})),
        ("a", "rewrap/a", json!({"ciphertext": ciphertext})),
        (
            "a",
            "decrypt/a",
            json!({"batch_input": [{"ciphertext": ciphertext}]}),
        ),
        (
            "a",
            "verify/a",
            json!({"input": HELLO, "hmac": hmac["hmac"]}),
        ),
        ("a", "hmac/a", json!({"input": HELLO})),
        ("a", "encrypt/a", json!({"plaintext": HELLO})),
        ("s", "sign/s", json!({"input": HELLO})),
        (
            "s",
            "verify/s",
            json!({"input": HELLO, "signature": signed["signature"]}),
        ),
    ] {
        server.wait(Duration::from_secs(10_000)).await;
        server.ok(path, body).await;
        let now = server.core.clock().now().to_string();
        // Told within the hour the moment is now, and later no more than the end of that hour.
        assert_eq!(server.usage(name, 1).await["last_used"], now, "{path}");
        server.wait(Duration::from_secs(4000)).await;
        let later = text(&server.usage(name, 1).await["last_used"]);
        assert!(later > now, "{path}");
        assert!(later < server.core.clock().now().to_string(), "{path}");
        assert!(later > told, "{path}");
        told = later;
    }
}

#[tokio::test]
async fn what_fails_is_no_use() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/b", json!({})).await;
    let foreign = server.encrypt("b", HELLO).await;
    server
        .refused("decrypt/a", json!({"ciphertext": foreign}))
        .await;
    let items = json!({"batch_input": [{"ciphertext": foreign}]});
    server.post("decrypt/a", items).await;
    let hmac = json!({"input": HELLO, "hmac": "vault:v1:AAAA"});
    assert_eq!(server.ok("verify/a", hmac).await["valid"], false);
    assert_eq!(server.usage("a", 1).await["last_used"], Value::Null);
}

#[tokio::test]
async fn a_version_is_replaced_after_as_many_encryptions_as_its_owner_says() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let configured = server
        .ok("keys/a/config", json!({"max_encryptions": 20}))
        .await;
    assert_eq!(configured["max_encryptions"], 20);
    for version in 1..=5 {
        for _ in 0..20 {
            let ciphertext = server.encrypt("a", HELLO).await;
            assert!(
                ciphertext.starts_with(&format!("vault:v{version}:")),
                "{ciphertext}"
            );
        }
    }
    let old = json!({"plaintext": HELLO, "key_version": 1});
    assert_eq!(
        server.refused("encrypt/a", old).await,
        "key version 1 has reached its limit of encryptions and must be rotated"
    );
    let off = server
        .ok("keys/a/config", json!({"max_encryptions": 0}))
        .await;
    assert!(off.get("max_encryptions").is_none());
    assert_eq!(
        server
            .refused("keys/a/config", json!({"max_encryptions": -1}))
            .await,
        "max_encryptions cannot be negative"
    );
}
