//! HMAC keys of a chosen size, and CMACs.

use super::*;

#[tokio::test]
async fn an_hmac_key_authenticates_and_does_nothing_else() {
    let server = Server::start().await;
    let key = server
        .ok("keys/h", json!({"type": "hmac", "key_size": 64}))
        .await;
    assert_eq!(key["key_size"], 64);
    assert_eq!(key["keys"], Value::Null);
    for supports in ["decryption", "derivation", "encryption", "signing"] {
        assert_eq!(key[format!("supports_{supports}")], false);
    }
    let made = server.ok("hmac/h", json!({"input": HELLO})).await;
    let rotated = server.ok("keys/h/rotate", json!({})).await;
    assert_eq!(
        (&rotated["key_size"], &rotated["latest_version"]),
        (&json!(64), &json!(2))
    );
    let verified = server
        .ok("verify/h", json!({"input": HELLO, "hmac": made["hmac"]}))
        .await;
    assert_eq!(verified["valid"], true);
    let item = json!({"plaintext": "", "ciphertext": "vault:v1:AAAA", "input": HELLO,
                      "signature": "vault:v1:AAAA"});
    for (operation, text) in [
        (
            "encrypt",
            "message encryption not supported for key type hmac",
        ),
        (
            "decrypt",
            "message decryption not supported for key type hmac",
        ),
        (
            "rewrap",
            "message decryption not supported for key type hmac",
        ),
        ("sign", "key type hmac does not support signing"),
        ("verify", "key type hmac does not support verification"),
        ("cmac", "key type hmac does not support CMAC"),
    ] {
        let refused = server
            .refused(&format!("{operation}/h"), item.clone())
            .await;
        assert_eq!(refused, text);
    }
}

#[tokio::test]
async fn the_size_of_a_key_is_the_type_s_to_allow() {
    let server = Server::start().await;
    let key = server.ok("keys/default", json!({"type": "hmac"})).await;
    assert_eq!(key["key_size"], 32);
    for (key_type, size, text) in [
        ("hmac", 31, "invalid key_size 31"),
        ("hmac", 513, "invalid key_size 513"),
        ("hmac", -1, "invalid key_size -1"),
        (
            "aes256-gcm96",
            32,
            "key_size is not valid for algorithm aes256-gcm96",
        ),
        (
            "aes256-gcm96",
            -1,
            "key_size is not valid for algorithm aes256-gcm96",
        ),
    ] {
        let body = json!({"type": key_type, "key_size": size});
        assert_eq!(server.refused("keys/new", body).await, text);
    }
}

#[tokio::test]
async fn a_cmac_verifies_with_its_own_length_alone() {
    let server = Server::start().await;
    for key_type in ["aes128-cmac", "aes192-cmac", "aes256-cmac"] {
        server
            .ok(&format!("keys/{key_type}"), json!({"type": key_type}))
            .await;
        let cmac = format!("cmac/{key_type}");
        let verify = format!("verify/{key_type}");
        let whole = server.ok(&cmac, json!({"input": HELLO})).await;
        let short = server
            .ok(&format!("{cmac}/8"), json!({"input": HELLO}))
            .await;
        for (made, length, valid) in [
            (&whole, json!(null), true),
            (&whole, json!(16), true),
            (&whole, json!(8), false),
            (&short, json!("8"), true),
            (&short, json!(0), false),
        ] {
            let body = json!({"input": HELLO, "cmac": made["cmac"], "mac_length": length});
            assert_eq!(
                server.ok(&verify, body).await["valid"],
                valid,
                "{made} {length}"
            );
        }
        let other = json!({"input": "", "cmac": whole["cmac"]});
        assert_eq!(server.ok(&verify, other).await["valid"], false);
        let refused = server
            .refused(&format!("{cmac}/4"), json!({"input": HELLO}))
            .await;
        assert_eq!(refused, "invalid mac_length 4: must be between 8 and 16");
        assert_eq!(
            server.refused(&cmac, json!({})).await,
            "missing input for CMAC"
        );
    }
}

#[tokio::test]
async fn a_batch_of_cmacs_tells_each_item_apart() {
    let server = Server::start().await;
    server.ok("keys/c", json!({"type": "aes256-cmac"})).await;
    let batch = json!({"batch_input": [
        {"input": HELLO, "reference": "a"},
        {"reference": "b"},
        {"input": "!"},
    ]});
    let made = server.ok("cmac/c", batch).await;
    let results = made["batch_results"].as_array().unwrap();
    let one = server.ok("cmac/c", json!({"input": HELLO})).await;
    assert_eq!(results[0], json!({"cmac": one["cmac"], "reference": "a"}));
    assert_eq!(
        results[1],
        json!({"error": "missing input for CMAC", "reference": "b"})
    );
    assert_eq!(
        results[2]["error"],
        "unable to decode input as base64: illegal base64 data at input byte 0"
    );
    let batch = json!({"batch_input": [
        {"input": HELLO, "cmac": one["cmac"], "reference": "a"},
        {"input": "", "cmac": one["cmac"]},
        {"input": "", "cmac": "none"},
    ]});
    let verified = server.ok("verify/c", batch).await;
    assert_eq!(
        verified["batch_results"],
        json!([
            {"valid": true, "reference": "a"},
            {"valid": false, "reference": ""},
            {"valid": false, "error": "invalid CMAC: no prefix", "reference": ""},
        ])
    );
    let mixed = json!({"batch_input": [
        {"input": HELLO, "cmac": one["cmac"]},
        {"input": HELLO, "hmac": "vault:v1:AAAA"},
    ]});
    assert_eq!(
        server.refused("verify/c", mixed).await,
        "elements of batch_input must all provide 'signature' or all provide 'hmac'"
    );
}
