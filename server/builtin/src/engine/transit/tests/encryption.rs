//! Encrypting, decrypting, rewrapping, data keys.

use super::*;

#[tokio::test]
async fn every_cipher_decrypts_what_it_encrypted() {
    let server = Server::start().await;
    for key_type in ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305"] {
        server
            .ok(&format!("keys/{key_type}"), json!({"type": key_type}))
            .await;
        for plaintext in ["", HELLO] {
            let ciphertext = server.encrypt(key_type, plaintext).await;
            let path = format!("decrypt/{key_type}");
            let data = server.ok(&path, json!({"ciphertext": ciphertext})).await;
            assert_eq!(data, json!({"plaintext": plaintext}));
        }
    }
}

#[tokio::test]
async fn an_empty_plaintext_is_legal_and_an_absent_one_is_not() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    for plaintext in [json!(""), Value::Null] {
        let ciphertext = server
            .ok("encrypt/a", json!({"plaintext": plaintext}))
            .await;
        let data = server
            .ok("decrypt/a", json!({"ciphertext": ciphertext["ciphertext"]}))
            .await;
        assert_eq!(data["plaintext"], "");
    }
    assert_eq!(
        server.refused("encrypt/a", json!({})).await,
        "missing plaintext to encrypt"
    );
    for ciphertext in [
        json!({}),
        json!({"ciphertext": ""}),
        json!({"ciphertext": null}),
    ] {
        assert_eq!(
            server.refused("decrypt/a", ciphertext).await,
            "missing ciphertext to decrypt"
        );
    }
}

#[tokio::test]
async fn bad_input_is_refused_in_the_words_of_vault() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    for (body, refusal) in [
        (
            json!({"plaintext": "a"}),
            "illegal base64 data at input byte 0",
        ),
        (
            json!({"plaintext": "", "context": "Y!"}),
            "illegal base64 data at input byte 1",
        ),
        (
            json!({"plaintext": "", "associated_data": "Y!"}),
            "unable to get associated_data/additional_data from factory[0]: illegal base64 data \
             at input byte 1",
        ),
        (
            json!({"plaintext": "", "key_version": 5}),
            "requested version for encryption is higher than the latest key version",
        ),
        (
            json!({"plaintext": "", "key_version": "-1"}),
            "requested version for encryption is negative",
        ),
        (
            json!({"plaintext": ["a"]}),
            "error converting input for field \"plaintext\": '' expected type 'string', got \
             unconvertible type '[]interface {}'",
        ),
    ] {
        assert_eq!(server.refused("encrypt/a", body).await, refusal);
    }
    for (ciphertext, refusal) in [
        ("foo", "invalid ciphertext: no prefix"),
        ("vault:v1", "invalid ciphertext: wrong number of fields"),
        (
            "vault:vx:AA",
            "invalid ciphertext: version number could not be decoded",
        ),
        ("vault:v9:AAAA", "invalid ciphertext: version is too new"),
        ("vault:v1:!!", "invalid ciphertext: could not decode base64"),
        // What is too short tells no more than what was tampered with.
        ("vault:v1:AAAA", "cipher: message authentication failed"),
        (
            "vault:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "cipher: message authentication failed",
        ),
    ] {
        let body = json!({"ciphertext": ciphertext});
        assert_eq!(server.refused("decrypt/a", body.clone()).await, refusal);
        assert_eq!(server.refused("rewrap/a", body).await, refusal);
    }
    assert_eq!(
        server.refused("encrypt/e", json!({"plaintext": ""})).await,
        "message encryption not supported for key type ed25519"
    );
    for path in ["decrypt/nope", "rewrap/nope"] {
        let body = json!({"ciphertext": "vault:v1:AAAA"});
        assert_eq!(server.refused(path, body).await, "encryption key not found");
    }
}

#[tokio::test]
async fn associated_data_binds_encrypt_decrypt_and_rewrap() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let body = json!({"plaintext": HELLO, "associated_data": "YWJj"});
    let ciphertext = text(&server.ok("encrypt/a", body).await["ciphertext"]);
    server.ok("keys/a/rotate", json!({})).await;
    let without = json!({"ciphertext": ciphertext});
    let with = json!({"ciphertext": ciphertext, "associated_data": "YWJj"});
    for path in ["decrypt/a", "rewrap/a"] {
        let refusal = server.refused(path, without.clone()).await;
        assert_eq!(refusal, "cipher: message authentication failed");
    }
    let rewrapped = server.ok("rewrap/a", with).await;
    assert_eq!(rewrapped["key_version"], 2);
    let again = json!({"ciphertext": rewrapped["ciphertext"], "associated_data": "YWJj"});
    assert_eq!(server.ok("decrypt/a", again).await["plaintext"], HELLO);
}

#[tokio::test]
async fn a_derived_key_needs_the_same_context_again() {
    let server = Server::start().await;
    server.ok("keys/d", json!({"derived": true})).await;
    assert_eq!(
        server.refused("encrypt/d", json!({"plaintext": ""})).await,
        MISSING_CONTEXT
    );
    let body = json!({"plaintext": HELLO, "context": "YWJj"});
    let ciphertext = text(&server.ok("encrypt/d", body).await["ciphertext"]);
    let other = json!({"ciphertext": ciphertext, "context": "YWJk"});
    assert_eq!(
        server.refused("decrypt/d", other).await,
        "cipher: message authentication failed"
    );
    let same = json!({"ciphertext": ciphertext, "context": "YWJj"});
    assert_eq!(server.ok("decrypt/d", same).await["plaintext"], HELLO);
}

#[tokio::test]
async fn convergent_encryption_repeats_itself() {
    let server = Server::start().await;
    server
        .ok(
            "keys/c",
            json!({"derived": true, "convergent_encryption": true}),
        )
        .await;
    let encrypt =
        |context: &str| server.ok("encrypt/c", json!({"plaintext": HELLO, "context": context}));
    assert_eq!(encrypt("YWJj").await, encrypt("YWJj").await);
    assert_ne!(encrypt("YWJj").await, encrypt("YWJk").await);
}

#[tokio::test]
async fn a_context_without_effect_gives_a_warning() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let ciphertext = server.encrypt("a", HELLO).await;
    for (path, body) in [
        ("encrypt/a", json!({"plaintext": "", "context": "YWJj"})),
        (
            "encrypt/a",
            json!({"batch_input": [{"plaintext": "", "context": "YWJj"}]}),
        ),
        (
            "decrypt/a",
            json!({"ciphertext": ciphertext, "context": "YWJj"}),
        ),
        (
            "rewrap/a",
            json!({"ciphertext": ciphertext, "context": "YWJj"}),
        ),
        ("datakey/wrapped/a", json!({"context": "YWJj"})),
    ] {
        let answer = server.post(path, body).await;
        assert_eq!(
            answer.warnings,
            [super::super::input::CONTEXT_IGNORED],
            "{path}"
        );
    }
}

#[tokio::test]
async fn encrypting_with_an_unknown_key_creates_it() {
    let server = Server::start().await;
    server.ok("encrypt/plain", json!({"plaintext": ""})).await;
    assert_eq!(
        server.read_key("plain").await.unwrap()["type"],
        "aes256-gcm96"
    );

    let body = json!({
        "plaintext": "", "context": "YWJj", "type": "chacha20-poly1305",
        "convergent_encryption": true,
    });
    server.ok("encrypt/convergent", body).await;
    let key = server.read_key("convergent").await.unwrap();
    assert_eq!(key["type"], "chacha20-poly1305");
    assert_eq!(key["convergent_encryption"], true);

    let body = json!({"batch_input": [{"plaintext": "", "context": "YWJj"}]});
    server.ok("encrypt/batch", body).await;
    assert_eq!(server.read_key("batch").await.unwrap()["derived"], true);
}

#[tokio::test]
async fn an_encryption_that_fails_creates_no_key() {
    let server = Server::start().await;
    for (body, refusal) in [
        (json!({}), "missing plaintext to encrypt"),
        (
            json!({"plaintext": "!"}),
            "illegal base64 data at input byte 0",
        ),
        (
            json!({"plaintext": "", "key_version": 3}),
            "requested version for encryption is higher than the latest key version",
        ),
        (
            json!({"plaintext": "", "type": "foo"}),
            "unknown key type foo",
        ),
        (
            json!({"plaintext": "", "type": "ed25519"}),
            "unknown key type ed25519",
        ),
        (
            json!({"plaintext": "", "convergent_encryption": true}),
            "convergent encryption requires derivation to be enabled, so context is required",
        ),
    ] {
        assert_eq!(server.refused("encrypt/new", body).await, refusal);
    }
    let batch = server
        .post("encrypt/new", json!({"batch_input": [{"plaintext": "!"}]}))
        .await;
    assert_eq!(batch.outcome, Outcome::Invalid);
    assert!(matches!(
        server.read_key("new").await,
        Err(Error::NotFound(None))
    ));
}

#[tokio::test]
async fn creating_by_encrypting_can_be_switched_off() {
    let server = Server::start().await;
    let read = || server.ask(Operation::Read, "transit/config/keys", json!({}));
    assert_eq!(read().await.unwrap().data, json!({"disable_upsert": false}));
    server
        .ok("config/keys", json!({"disable_upsert": true}))
        .await;
    assert_eq!(read().await.unwrap().data, json!({"disable_upsert": true}));
    assert_eq!(
        server
            .refused("encrypt/new", json!({"plaintext": ""}))
            .await,
        "encryption key not found"
    );
    server.ok("keys/new", json!({})).await;
    server.encrypt("new", HELLO).await;
}

#[tokio::test]
async fn batches_of_encrypt_and_decrypt_fail_as_a_whole_and_tell_each_result() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let batch = json!([{"plaintext": HELLO, "reference": "r1"}, {"plaintext": "!!"}]);
    let answer = server
        .post("encrypt/a", json!({"batch_input": batch}))
        .await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    let results = &answer.data["batch_results"];
    assert_eq!(results[0]["reference"], "r1");
    assert_eq!(results[0]["key_version"], 1);
    assert_eq!(
        results[1],
        json!({"error": "illegal base64 data at input byte 0", "reference": ""})
    );

    let preferring = json!({"batch_input": batch, "partial_failure_response_code": "207"});
    assert_eq!(
        server.post("encrypt/a", preferring).await.outcome,
        Outcome::Partial(207)
    );

    let batch = json!([
        {"ciphertext": results[0]["ciphertext"], "reference": "r1"},
        {"ciphertext": "foo", "reference": "r2"},
        {"ciphertext": ""},
    ]);
    let body = json!({"batch_input": batch, "partial_failure_response_code": 299});
    let answer = server.post("decrypt/a", body).await;
    assert_eq!(answer.outcome, Outcome::Partial(299));
    assert_eq!(
        answer.data["batch_results"],
        json!([
            {"plaintext": HELLO, "reference": "r1"},
            {"plaintext": "", "error": "invalid ciphertext: no prefix", "reference": "r2"},
            {"plaintext": "", "error": "missing ciphertext to decrypt", "reference": ""},
        ])
    );
    let all_bad = json!({
        "batch_input": [{"ciphertext": "foo"}], "partial_failure_response_code": 299,
    });
    assert_eq!(
        server.post("decrypt/a", all_bad).await.outcome,
        Outcome::Invalid
    );
}

#[tokio::test]
async fn a_batch_to_rewrap_succeeds_whatever_its_items_are() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let ciphertext = server.encrypt("a", HELLO).await;
    let batch = json!([
        {"ciphertext": ciphertext, "reference": "x"},
        {"ciphertext": "foo"},
        {},
        {"ciphertext": ciphertext, "key_version": 7},
    ]);
    let data = server.ok("rewrap/a", json!({"batch_input": batch})).await;
    let results = &data["batch_results"];
    assert_eq!(results[0]["key_version"], 1);
    assert_eq!(results[0]["reference"], "x");
    let errors: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["error"])
        .collect();
    assert_eq!(
        errors[1..],
        [
            &json!("invalid ciphertext: no prefix"),
            &json!("missing ciphertext to decrypt"),
            &json!("requested version for encryption is higher than the latest key version"),
        ]
    );
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let mixed = "context should be set either in all the request blocks or in none";
    for (path, batch, refusal) in [
        ("encrypt/a", json!([]), "missing batch input to process"),
        ("decrypt/a", json!([]), "missing batch input to process"),
        ("rewrap/a", json!([]), "missing batch input to process"),
        (
            "encrypt/a",
            json!([{"plaintext": ""}, {}]),
            "failed to parse batch input: '[1].plaintext' missing plaintext to encrypt",
        ),
        (
            "decrypt/a",
            json!([{}]),
            "failed to parse batch input: '[0].ciphertext' missing ciphertext to decrypt",
        ),
        (
            "encrypt/a",
            json!([{"plaintext": "", "key_version": "1"}]),
            "failed to parse batch input: '[0].key_version' expected type 'int', got \
             unconvertible type 'string'",
        ),
        (
            "encrypt/a",
            json!("x"),
            "failed to parse batch input: source data must be an array or slice, got string",
        ),
        (
            "encrypt/a",
            json!([{"plaintext": "", "context": "YWJj"}, {"plaintext": ""}]),
            mixed,
        ),
        (
            "decrypt/a",
            json!([{"ciphertext": "x", "context": "YWJj"}, {"ciphertext": "x"}]),
            mixed,
        ),
        (
            "rewrap/a",
            json!([{"ciphertext": "x", "context": "YWJj"}, {"ciphertext": "x"}]),
            mixed,
        ),
    ] {
        assert_eq!(
            server.refused(path, json!({"batch_input": batch})).await,
            refusal
        );
    }
}

#[tokio::test]
async fn a_null_batch_is_no_batch() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let data = server
        .ok("encrypt/a", json!({"plaintext": "", "batch_input": null}))
        .await;
    assert!(data.get("ciphertext").is_some());
}

#[tokio::test]
async fn a_data_key_comes_with_its_ciphertext() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    for (bits, length) in [(128, 24), (256, 44), (512, 88)] {
        let body = json!({"bits": bits, "associated_data": "YWJj"});
        let made = server.ok("datakey/plaintext/a", body).await;
        assert_eq!(text(&made["plaintext"]).len(), length);
        let body = json!({"ciphertext": made["ciphertext"], "associated_data": "YWJj"});
        assert_eq!(
            server.ok("decrypt/a", body).await["plaintext"],
            made["plaintext"]
        );
    }
    let wrapped = server.ok("datakey/wrapped/a", json!({})).await;
    assert!(wrapped.get("plaintext").is_none());
    assert_eq!(wrapped["key_version"], 1);
    for (path, body, refusal) in [
        (
            "datakey/foo/a",
            json!({}),
            "Invalid path, must be 'plaintext' or 'wrapped'",
        ),
        (
            "datakey/plaintext/nope",
            json!({}),
            "encryption key not found",
        ),
        (
            "datakey/plaintext/a",
            json!({"bits": 100}),
            "invalid bit length",
        ),
        (
            "datakey/plaintext/a",
            json!({"context": "!"}),
            "failed to base64-decode context",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal);
    }
}

#[tokio::test]
async fn version_zero_in_a_ciphertext_is_version_one() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let ciphertext = server
        .encrypt("a", HELLO)
        .await
        .replace("vault:v1:", "vault:v0:");
    let data = server
        .ok("decrypt/a", json!({"ciphertext": ciphertext}))
        .await;
    assert_eq!(data["plaintext"], HELLO);
}

#[tokio::test]
async fn encrypting_asks_for_create_or_update_as_the_key_is_unknown_or_known() {
    let server = Server::start().await;
    let mut tokens = Vec::new();
    for capability in ["create", "update"] {
        let policy = format!("path \"transit/encrypt/*\" {{ capabilities = [\"{capability}\"] }}");
        let path = format!("sys/policies/acl/{capability}");
        server
            .ask(Operation::Update, &path, json!({"policy": policy}))
            .await
            .unwrap();
        tokens.push(server.token(capability).await);
    }
    let [creator, updater] = <[TokenId; 2]>::try_from(tokens).unwrap();
    let encrypt = async |token: &TokenId| {
        let body = json!({"plaintext": HELLO});
        let answer = server.ask_as(token, Operation::Update, "transit/encrypt/new", body);
        answer
            .await
            .map(|answer| answer.data["key_version"].clone())
    };
    let denied = |answer: Result<Value, Error>| matches!(answer, Err(Error::Denied(_)));
    assert!(denied(encrypt(&updater).await), "there is no key to update");
    assert_eq!(encrypt(&creator).await.unwrap(), 1);
    assert!(
        denied(encrypt(&creator).await),
        "there is a key, which create does not open"
    );
    assert_eq!(encrypt(&updater).await.unwrap(), 1);
}
