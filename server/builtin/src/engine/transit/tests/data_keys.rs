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

#[tokio::test]
async fn derived_data_keys_are_the_same_each_time_and_decrypt() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"derived": true})).await;
    let body = json!({
        "salt": "2026-11-24", "key_index_from": 2, "key_index_to": 5, "context": "YWJj",
        "bits": 128,
    });
    let path = "derivedkeys/plaintext/a";
    let first = server.ok(path, body.clone()).await;
    let again = server.ok(path, body).await;
    let names: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(names, ["2", "3", "4"]);
    for (index, key) in first.as_object().unwrap() {
        assert_eq!(key["plaintext"], again[index]["plaintext"]);
        assert_ne!(key["ciphertext"], again[index]["ciphertext"]);
        let decrypt = json!({"ciphertext": key["ciphertext"], "context": "YWJj"});
        let plain = server.ok("decrypt/a", decrypt).await;
        assert_eq!(plain["plaintext"], key["plaintext"]);
        assert_eq!(text(&key["plaintext"]).len(), 24);
    }
    assert_ne!(first["2"]["plaintext"], first["3"]["plaintext"]);
    let other = json!({"salt": "2026-11-24", "context": "eg==", "key_index_from": 2, "bits": 128});
    let other = server.ok(path, other).await;
    assert_ne!(first["2"]["plaintext"], other["2"]["plaintext"]);

    server.ok("keys/b", json!({})).await;
    let range = "'key_index_to' must be above 'key_index_from' by 1 to 10000";
    for (body, refusal) in [
        (json!({}), "missing 'salt' to derive data keys"),
        (json!({"salt": "s", "key_index_to": 0}), range),
        (json!({"salt": "s", "key_index_from": -1}), range),
        (json!({"salt": "s", "key_index_to": 10_001}), range),
        (json!({"salt": "s", "key_bits": 1}), "invalid bit length"),
    ] {
        assert_eq!(server.refused("derivedkeys/wrapped/b", body).await, refusal);
    }
    let wrapped = json!({"salt": "s"});
    let wrapped = server.ok("derivedkeys/wrapped/b", wrapped).await;
    assert!(wrapped["0"].get("plaintext").is_none());
}
