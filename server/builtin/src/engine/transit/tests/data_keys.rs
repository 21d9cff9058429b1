//! Many data keys in one call.

use super::*;

#[tokio::test]
async fn as_many_data_keys_come_as_are_asked_for() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/a/rotate", json!({})).await;
    let one = server.ok("datakeys/plaintext/a", json!({})).await;
    assert_eq!(one["key_pairs"].as_array().unwrap().len(), 1);
    assert_eq!(one["key_version"], 2);

    let body = json!({"count": 300, "bits": 128, "key_version": 1, "associated_data": "YWJj"});
    let many = server.ok("datakeys/plaintext/a", body).await;
    assert_eq!(many["key_version"], 1);
    let pairs = many["key_pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 300);
    let mut seen = std::collections::BTreeSet::new();
    for pair in pairs {
        let ciphertext = text(&pair["ciphertext"]);
        assert!(ciphertext.starts_with("vault:v1:"));
        let body = json!({"ciphertext": ciphertext, "associated_data": "YWJj"});
        let plain = server.ok("decrypt/a", body).await;
        assert_eq!(plain["plaintext"], pair["plaintext"]);
        assert_eq!(text(&pair["plaintext"]).len(), 24);
        assert!(seen.insert(text(&pair["plaintext"])));
    }
}

#[tokio::test]
async fn wrapped_data_keys_are_not_shown() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let keys = server.ok("datakeys/wrapped/a", json!({"count": 2})).await;
    for pair in keys["key_pairs"].as_array().unwrap() {
        assert!(pair.get("plaintext").is_none());
        assert!(pair.get("ciphertext").is_some());
    }
}

#[tokio::test]
async fn data_keys_that_cannot_be_are_refused() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    for (path, body, refusal) in [
        (
            "datakeys/plaintext/a",
            json!({"count": 0}),
            "'count' must be between 1 and 10000",
        ),
        (
            "datakeys/plaintext/a",
            json!({"count": 10_001}),
            "'count' must be between 1 and 10000",
        ),
        (
            "datakeys/plaintext/a",
            json!({"bits": 1}),
            "invalid bit length",
        ),
        (
            "datakeys/x/a",
            json!({}),
            "Invalid path, must be 'plaintext' or 'wrapped'",
        ),
        (
            "datakeys/plaintext/b",
            json!({}),
            "encryption key not found",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal);
    }
}
