//! Old versions that go by themselves, and versions out of use.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Server {
    /// Lets days pass, with the hourly visits of all keys.
    async fn days(&self, days: u32) {
        for _ in 0..days * 24 {
            self.wait(DAY / 24).await;
        }
    }

    async fn first_version(&self, name: &str) -> u64 {
        let key = self.read_key(name).await.unwrap();
        key["min_available_version"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn versions_beyond_those_to_keep_go_after_a_quiet_day() {
    let server = Server::start().await;
    let labels = json!({"custom_metadata": {"a": "b"}});
    server.ok("keys/a", labels).await;
    let key = server
        .ok("keys/a/config", json!({"keep_versions": 2}))
        .await;
    assert_eq!(
        (&key["keep_versions"], &key["keep_days"]),
        (&json!(2), &json!(0))
    );
    for _ in 0..4 {
        server.ok("keys/a/rotate", json!({})).await;
    }
    server.wait(DAY / 2).await;
    assert_eq!(server.first_version("a").await, 0);
    server.days(1).await;
    let key = server.read_key("a").await.unwrap();
    assert_eq!(key["min_available_version"], 4);
    assert_eq!(key["min_decryption_version"], 4);
    assert_eq!(key["min_encryption_version"], 4);
    assert_eq!(key["latest_version"], 5);
    // Nothing more goes, however long it takes.
    server.days(3).await;
    assert_eq!(server.first_version("a").await, 4);
    assert!(server.encrypt("a", HELLO).await.starts_with("vault:v5:"));
}

#[tokio::test]
async fn a_version_in_use_stays_until_it_was_quiet_for_as_long_as_said() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"type": "ed25519"})).await;
    let signed = server.ok("sign/a", json!({"input": HELLO})).await;
    server.ok("keys/a/config", json!({"keep_days": 3})).await;
    server.ok("keys/a/rotate", json!({})).await;
    server.ok("keys/a/rotate", json!({})).await;
    let verify = json!({"input": HELLO, "signature": signed["signature"]});
    for _ in 0..3 {
        server.days(2).await;
        assert_eq!(server.ok("verify/a", verify.clone()).await["valid"], true);
    }
    // The second version was not used, but it cannot go before the first.
    assert_eq!(server.first_version("a").await, 0);
    server.days(4).await;
    assert_eq!(server.first_version("a").await, 3);
    assert_eq!(
        server.refused("verify/a", verify).await,
        "ciphertext or signature version is disallowed by policy (too old)"
    );
}

#[tokio::test]
async fn a_rule_looks_at_what_happens_from_its_making_on_and_can_be_dropped() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/a/rotate", json!({})).await;
    server.days(10).await;
    server.ok("keys/a/config", json!({"keep_days": 2})).await;
    server.days(1).await;
    // Saying the same again is no new rule.
    server.ok("keys/a/config", json!({"keep_days": 2})).await;
    assert_eq!(server.first_version("a").await, 0);
    let dropped = server.ok("keys/a/config", json!({"keep_days": 0})).await;
    assert!(dropped.get("keep_days").is_none());
    server.days(5).await;
    assert_eq!(server.first_version("a").await, 0);
    for field in ["keep_days", "keep_versions"] {
        assert_eq!(
            server.refused("keys/a/config", json!({field: -1})).await,
            format!("{field} cannot be negative")
        );
    }
}

#[tokio::test]
async fn a_disabled_version_does_nothing_until_it_is_enabled() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/s", json!({"type": "ed25519"})).await;
    let ciphertext = json!({"ciphertext": server.encrypt("a", HELLO).await});
    let hmac = server.ok("hmac/a", json!({"input": HELLO})).await;
    let hmac = json!({"input": HELLO, "hmac": hmac["hmac"]});
    let signed = server.ok("sign/s", json!({"input": HELLO})).await;
    let signed = json!({"input": HELLO, "signature": signed["signature"]});
    for name in ["a", "s"] {
        let disable = format!("keys/{name}/versions/1/disable");
        assert_eq!(
            server.refused(&disable, json!({})).await,
            "the latest version cannot be disabled; rotate the key first"
        );
        server.ok(&format!("keys/{name}/rotate"), json!({})).await;
        let key = server.ok(&disable, json!({})).await;
        assert_eq!(key["disabled_versions"], json!([1]));
        assert_eq!(server.read_key(name).await.unwrap(), key);
    }
    let old = json!({"plaintext": HELLO, "input": HELLO, "key_version": 1});
    let uses = [
        ("decrypt/a", &ciphertext),
        ("rewrap/a", &ciphertext),
        ("verify/a", &hmac),
        ("verify/s", &signed),
        ("encrypt/a", &old),
        ("sign/s", &old),
        ("hmac/a", &old),
        ("datakey/plaintext/a", &old),
    ];
    for (path, body) in uses {
        let refusal = server.refused(path, body.clone()).await;
        assert_eq!(refusal, "key version 1 is disabled", "{path}");
    }
    server.encrypt("a", HELLO).await;
    for name in ["a", "s"] {
        let enable = format!("keys/{name}/versions/1/enable");
        let key = server.ok(&enable, json!({})).await;
        assert!(key.get("disabled_versions").is_none());
    }
    for (path, body) in uses {
        server.post(path, body.clone()).await;
    }
    for (version, refusal) in [
        ("0", "no such key version"),
        ("3", "no such key version"),
        ("x", "invalid key version"),
    ] {
        let path = format!("keys/a/versions/{version}/disable");
        assert_eq!(server.refused(&path, json!({})).await, refusal);
    }
    assert_eq!(
        server.refused("keys/b/versions/1/disable", json!({})).await,
        "no existing key named b could be found"
    );
}
