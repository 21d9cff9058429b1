//! Signing, verifying, HMACs.

use super::*;

#[tokio::test]
async fn what_is_signed_verifies_and_what_is_changed_does_not() {
    let server = Server::start().await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    for marshaling in ["asn1", "jws"] {
        let sign = json!({"input": HELLO, "marshaling_algorithm": marshaling});
        let signed = server.ok("sign/e", sign).await;
        assert_eq!(signed["key_version"], 1);
        assert!(signed.get("public_key").is_none());
        for (input, valid) in [(HELLO, true), ("aGVsbG9v", false)] {
            let verify = json!({
                "input": input, "signature": signed["signature"],
                "marshaling_algorithm": marshaling,
            });
            assert_eq!(server.ok("verify/e", verify).await, json!({"valid": valid}));
        }
    }
}

#[tokio::test]
async fn signing_without_input_signs_the_empty_text() {
    let server = Server::start().await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    let absent = server.ok("sign/e", json!({})).await;
    assert_eq!(
        server.ok("sign/e/sha2-512", json!({"input": ""})).await,
        absent
    );
    let verify = json!({"signature": absent["signature"]});
    assert_eq!(server.ok("verify/e", verify).await, json!({"valid": true}));
}

#[tokio::test]
async fn a_derived_key_signs_for_a_context() {
    let server = Server::start().await;
    server
        .ok("keys/f", json!({"type": "ed25519", "derived": true}))
        .await;
    let missing = format!("error deriving key: {MISSING_CONTEXT}");
    assert_eq!(
        server.refused("sign/f", json!({"input": HELLO})).await,
        missing
    );
    let signed = server
        .ok("sign/f", json!({"input": HELLO, "context": "YWJj"}))
        .await;
    for (context, valid) in [("YWJj", true), ("YWJk", false)] {
        let verify = json!({"input": HELLO, "signature": signed["signature"], "context": context});
        assert_eq!(server.ok("verify/f", verify).await, json!({"valid": valid}));
    }
    let verify = json!({"input": HELLO, "signature": signed["signature"]});
    assert_eq!(server.refused("verify/f", verify).await, missing);
}

#[tokio::test]
async fn bad_requests_to_sign_and_verify_are_refused_in_the_words_of_vault() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    let neither = "neither a 'signature' nor an 'hmac' were given to verify";
    let no_base64 = "unable to decode input as base64: illegal base64 data at input byte 0";
    for (path, body, refusal) in [
        (
            "sign/nope",
            json!({"batch_input": []}),
            "signing key not found",
        ),
        (
            "sign/a",
            json!({"hash_algorithm": "md5"}),
            "key type aes256-gcm96 does not support signing",
        ),
        (
            "sign/e",
            json!({"batch_input": []}),
            "missing batch input to process",
        ),
        ("sign/e", json!({"input": "!"}), no_base64),
        (
            "sign/e",
            json!({"context": "!"}),
            "failed to base64-decode context",
        ),
        (
            "sign/e",
            json!({"marshaling_algorithm": "x"}),
            "invalid marshaling type \"x\"",
        ),
        ("sign/e/md5", json!({}), "invalid hash algorithm \"md5\""),
        (
            "sign/e",
            json!({"algorithm": "md5"}),
            "invalid hash algorithm \"md5\"",
        ),
        (
            "sign/e",
            json!({"salt_length": "x"}),
            "salt length neither 'auto', 'hash', nor an int: x",
        ),
        (
            "sign/e",
            json!({"key_version": 9}),
            "requested version for signing is higher than the latest key version",
        ),
        (
            "sign/e",
            json!({"key_version": -9}),
            "requested version for signing is negative",
        ),
        ("verify/nope", json!({}), neither),
        (
            "verify/nope",
            json!({"batch_input": []}),
            "missing batch input to process",
        ),
        (
            "verify/nope",
            json!({"signature": "x"}),
            "signature verification key not found",
        ),
        (
            "verify/nope",
            json!({"hmac": "x"}),
            "encryption key not found",
        ),
        (
            "verify/a",
            json!({"signature": "", "hmac": "x"}),
            "key type aes256-gcm96 does not support verification",
        ),
        (
            "verify/e",
            json!({"signature": "foo"}),
            "invalid signature: no prefix",
        ),
        (
            "verify/e",
            json!({"signature": "vault:v9:AA"}),
            "invalid signature: version is too new",
        ),
        (
            "verify/e",
            json!({"signature": "vault:v1:!!"}),
            "invalid base64 signature value",
        ),
        (
            "verify/e/md5",
            json!({"hmac": "x"}),
            "invalid hash algorithm \"md5\"",
        ),
        (
            "verify/e/none",
            json!({"hmac": "x"}),
            "algorithm cannot be none",
        ),
        (
            "verify/e",
            json!({"hmac": "foo"}),
            "invalid HMAC to verify: no prefix",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal, "{path}");
    }
}

#[tokio::test]
async fn batches_to_sign_and_verify_succeed_whatever_their_items_are() {
    let server = Server::start().await;
    server
        .ok("keys/f", json!({"type": "ed25519", "derived": true}))
        .await;
    let batch = json!([
        {},
        {"input": HELLO, "context": "YWJj", "reference": "r"},
        {"input": "!", "context": "YWJj"},
        {"input": HELLO},
    ]);
    let data = server.ok("sign/f", json!({"batch_input": batch})).await;
    let results = &data["batch_results"];
    assert_eq!(
        results[0],
        json!({"key_version": 0, "error": "missing input", "reference": ""})
    );
    assert_eq!(results[1]["key_version"], 1);
    assert_eq!(results[1]["reference"], "r");
    assert_eq!(text(&results[1]["publickey"]).len(), 44);
    assert_eq!(
        results[2]["error"],
        "unable to decode input as base64: illegal base64 data at input byte 0"
    );
    assert_eq!(
        results[3]["error"],
        format!("error deriving key: {MISSING_CONTEXT}")
    );

    let signature = &results[1]["signature"];
    let batch = json!([
        {"input": HELLO, "signature": signature, "context": "YWJj", "reference": "r"},
        {"input": HELLO, "signature": signature, "context": "YWJk"},
        {"signature": signature},
        {"input": HELLO, "signature": "foo"},
    ]);
    let data = server.ok("verify/f", json!({"batch_input": batch})).await;
    assert_eq!(
        data["batch_results"],
        json!([
            {"valid": true, "reference": "r"},
            {"valid": false, "reference": ""},
            {"valid": false, "error": "missing input", "reference": ""},
            {"valid": false, "error": "invalid signature: no prefix", "reference": ""},
        ])
    );
}

#[tokio::test]
async fn every_key_authenticates_with_every_algorithm() {
    let server = Server::start().await;
    for key_type in ["aes256-gcm96", "ed25519"] {
        server
            .ok(&format!("keys/{key_type}"), json!({"type": key_type}))
            .await;
        for algorithm in [
            "sha1", "sha2-224", "sha2-256", "sha2-384", "sha2-512", "sha3-256",
        ] {
            let path = format!("hmac/{key_type}/{algorithm}");
            let made = server.ok(&path, json!({"input": HELLO})).await;
            assert_eq!(
                made.as_object().unwrap().len(),
                1,
                "there is no key_version"
            );
            for (input, valid) in [(HELLO, true), ("", false)] {
                let verify =
                    json!({"input": input, "hmac": made["hmac"], "hash_algorithm": algorithm});
                let path = format!("verify/{key_type}");
                assert_eq!(server.ok(&path, verify).await, json!({"valid": valid}));
            }
        }
    }
}

#[tokio::test]
async fn the_version_of_an_hmac_is_in_its_text() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let old = server.ok("hmac/a", json!({"input": HELLO})).await["hmac"].clone();
    server.ok("keys/a/rotate", json!({})).await;
    let new = server.ok("hmac/a", json!({"input": HELLO})).await["hmac"].clone();
    assert!(text(&new).starts_with("vault:v2:"));
    for hmac in [&old, &new] {
        let verify = json!({"input": HELLO, "hmac": hmac});
        assert_eq!(server.ok("verify/a", verify).await, json!({"valid": true}));
    }
    server
        .ok("keys/a/config", json!({"min_decryption_version": 2}))
        .await;
    assert_eq!(
        server
            .refused("verify/a", json!({"input": HELLO, "hmac": old}))
            .await,
        "cannot verify HMAC: version is too old (disallowed by policy)"
    );
}

#[tokio::test]
async fn bad_requests_for_an_hmac_are_refused_in_the_words_of_vault() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    for (path, body, refusal) in [
        ("hmac/nope", json!({}), "encryption key not found"),
        ("hmac/a", json!({}), "missing input for HMAC"),
        (
            "hmac/a",
            json!({"batch_input": []}),
            "missing batch input to process",
        ),
        (
            "hmac/a",
            json!({"input": "!"}),
            "unable to decode input as base64: illegal base64 data at input byte 0",
        ),
        (
            "hmac/a/none",
            json!({"input": ""}),
            "algorithm cannot be none",
        ),
        (
            "hmac/a/md5",
            json!({"input": ""}),
            "unsupported algorithm \"md5\"",
        ),
        (
            "hmac/a",
            json!({"batch_input": [{"input": ""}], "key_version": 9}),
            "key version does not exist; latest key version is 1",
        ),
        (
            "hmac/a",
            json!({"input": "", "key_version": -9}),
            "key version does not exist (cannot be negative)",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal, "{path}");
    }
}

#[tokio::test]
async fn a_batch_of_hmacs_always_says_whether_each_is_valid() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let batch = json!([{"input": HELLO, "reference": "r"}, {"input": "!"}, {}]);
    let data = server.ok("hmac/a", json!({"batch_input": batch})).await;
    let results = &data["batch_results"];
    assert_eq!(results[0]["reference"], "r");
    assert_eq!(
        results[2],
        json!({"error": "missing input for HMAC", "reference": ""})
    );

    let hmac = &results[0]["hmac"];
    let batch = json!([
        {"input": HELLO, "hmac": hmac, "reference": "r"},
        {"input": "", "hmac": hmac},
        {"input": HELLO, "hmac": "foo"},
    ]);
    let data = server.ok("verify/a", json!({"batch_input": batch})).await;
    assert_eq!(
        data["batch_results"],
        json!([
            {"valid": true, "reference": "r"},
            {"valid": false, "reference": ""},
            {"valid": false, "error": "invalid HMAC to verify: no prefix", "reference": ""},
        ])
    );
}

#[tokio::test]
async fn a_context_without_effect_gives_a_warning() {
    let server = Server::start().await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    let signed = server.post("sign/e", json!({"context": "YWJj"})).await;
    assert_eq!(signed.warnings, [super::super::input::CONTEXT_IGNORED]);
    let verify = json!({"signature": signed.data["signature"], "context": "YWJj"});
    let verified = server.post("verify/e", verify).await;
    assert_eq!(verified.warnings, [super::super::input::CONTEXT_IGNORED]);
}
