//! Bad input: each is refused in Vault's form of an error, and changes nothing.

use serde_json::{Value, json};

use crate::support::{Client, Target, exchange};

/// A server with one of everything, and a client of it with the root token.
async fn furnished(target: &Target) -> Client {
    let root = Client::new(target);
    root.post("sys/mounts/kv", json!({ "type": "kv-v2" }))
        .await
        .expect(204);
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    root.post("transit/keys/k", json!({})).await.expect(200);
    root.post("transit/keys/signer", json!({ "type": "ed25519" }))
        .await
        .expect(200);
    // The peer upgrades a new kv mount in the background and refuses writes until it has.
    while root
        .post("kv/data/a", json!({ "data": { "n": 1 } }))
        .await
        .status
        != 200
    {}
    root
}

/// All that bad input could have changed.
async fn state(root: &Client) -> Vec<Value> {
    let mut state = Vec::new();
    for path in [
        "kv/data/a",
        "kv/metadata/a",
        "transit/keys/k",
        "transit/keys/signer",
        "sys/mounts",
    ] {
        state.push(root.get(path).await.expect(200).at("/data").clone());
    }
    for path in ["kv/metadata", "transit/keys", "sys/policies/acl"] {
        state.push(root.list(path).await.expect(200).at("/data").clone());
    }
    state
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused_and_change_nothing() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let before = state(&root).await;
    let deep = format!(
        "{{\"data\": {}1{}}}",
        "[".repeat(20_000),
        "]".repeat(20_000)
    );
    let bodies: &[&str] = &[
        "{",
        "{\"data\": {\"n\": 2}",
        "{\"data\": {\"n\": 2}} trailing",
        "{\"data\": {\"n\": 2},}",
        "{'data': {'n': 2}}",
        "[{\"data\": {\"n\": 2}}]",
        "\"data\"",
        "7",
        "true",
        "\u{feff}{\"data\": {\"n\": 2}}",
        "{\"data\": {\"n\": 2}, \"data\": {\"n\": 3}}",
        "{\"data\": {\"n\": 2, \"n\": 3}}",
        "{\"data\": {\"n\": \"\\ud800\"}}",
        "{\"data\": {\"n\": 01}}",
        &deep,
    ];
    for body in bodies {
        let answer = root
            .send("POST", "kv/data/a", &[], Some((*body).to_owned()))
            .await;
        let shown = &body[..body.len().min(60)];
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text);
        let errors = answer.json["errors"].as_array();
        assert!(
            errors.is_some_and(|errors| errors.len() == 1),
            "{shown}: {}",
            answer.text
        );
    }
    assert_eq!(state(&root).await, before);
}

#[tokio::test]
async fn values_of_the_wrong_kind_are_refused_and_change_nothing() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let before = state(&root).await;
    for (path, body) in [
        ("transit/keys/new", json!({ "derived": [] })),
        ("transit/keys/new", json!({ "auto_rotate_period": "soon" })),
        ("transit/keys/new", json!({ "type": { "a": 1 } })),
        (
            "transit/keys/k/config",
            json!({ "min_decryption_version": "one" }),
        ),
        (
            "transit/keys/k/config",
            json!({ "deletion_allowed": "perhaps" }),
        ),
        ("transit/encrypt/k", json!({ "plaintext": {} })),
        (
            "transit/encrypt/k",
            json!({ "plaintext": "aGVsbG8=", "key_version": "one" }),
        ),
        ("transit/encrypt/k", json!({ "batch_input": "text" })),
        ("transit/encrypt/k", json!({ "batch_input": [5] })),
        ("transit/decrypt/k", json!({ "ciphertext": [] })),
        ("transit/sign/signer", json!({ "input": [] })),
        ("transit/keys/signer/csr", json!({ "version": "one" })),
        ("transit/keys/signer/csr", json!({ "csr": [] })),
        (
            "transit/keys/signer/set-certificate",
            json!({ "certificate_chain": {} }),
        ),
        ("kv/data/a", json!({ "data": "text" })),
        (
            "kv/data/a",
            json!({ "data": { "n": 2 }, "options": "text" }),
        ),
        (
            "kv/data/a",
            json!({ "data": { "n": 2 }, "options": { "cas": "two" } }),
        ),
        ("kv/metadata/a", json!({ "max_versions": "many" })),
        ("kv/destroy/a", json!({ "versions": ["one"] })),
        ("sys/mounts/new", json!({ "type": "kv", "config": "text" })),
        ("sys/mounts/new", json!({ "type": "nonsense" })),
        (
            "sys/policies/acl/new",
            json!({ "policy": "path \"a\" { capabilities = [\"fly\"] }" }),
        ),
        ("auth/token/create", json!({ "ttl": "soon" })),
        ("auth/token/create", json!({ "num_uses": "many" })),
    ] {
        let answer = root.post(path, body.clone()).await;
        assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text);
        let shape_of_refusal = answer.json["errors"].is_array() || answer.json["data"].is_object();
        assert!(shape_of_refusal, "{path} {body}: {}", answer.text);
    }
    assert_eq!(state(&root).await, before);
}

#[tokio::test]
async fn no_ciphertext_but_its_own_opens_and_no_refusal_says_why() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let made = root
        .post(
            "transit/encrypt/k",
            json!({ "plaintext": "aGVsbG8=", "associated_data": "YWFk" }),
        )
        .await
        .expect(200);
    let own = made.text_at("/data/ciphertext").to_owned();
    root.post("transit/keys/other", json!({})).await.expect(200);
    let foreign = root
        .post("transit/encrypt/other", json!({ "plaintext": "aGVsbG8=" }))
        .await;
    let foreign = foreign.text_at("/data/ciphertext").to_owned();
    let decrypt = |ciphertext: String, data: &str| {
        root.post(
            "transit/decrypt/k",
            json!({ "ciphertext": ciphertext, "associated_data": data }),
        )
    };
    decrypt(own.clone(), "YWFk").await.expect(200);

    // Not this key's, not with that data, one bit flipped anywhere: one and the same sentence.
    let opaque = "cipher: message authentication failed";
    decrypt(foreign, "").await.refused(400, opaque);
    decrypt(own.clone(), "").await.refused(400, opaque);
    decrypt(own.clone(), "b3RoZXI=").await.refused(400, opaque);
    let (prefix, payload) = own.split_at("vault:v1:".len());
    for at in 0..payload.trim_end_matches('=').len() - 1 {
        let other = if payload.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let flipped = format!("{prefix}{}{other}{}", &payload[..at], &payload[at + 1..]);
        decrypt(flipped, "YWFk").await.refused(400, opaque);
    }
    decrypt("vault:v1:AAAA".to_owned(), "")
        .await
        .refused(400, opaque);
    decrypt(own.replacen("v1", "v7", 1), "YWFk")
        .await
        .refused(400, "version is too new");
    decrypt(own[..own.len() / 2].to_owned(), "YWFk")
        .await
        .expect(400);
    decrypt(payload.to_owned(), "YWFk")
        .await
        .refused(400, "invalid ciphertext: no prefix");
    root.post("transit/decrypt/nothing", json!({ "ciphertext": own }))
        .await
        .refused(400, "encryption key not found");
}

#[tokio::test]
async fn paths_that_are_not_canonical_are_refused_not_repaired() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let before = state(&root).await;
    let address = target
        .address
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let token = format!("X-Vault-Token: {}", target.token);
    let body = b"{\"data\": {\"n\": 2}}";
    for path in [
        "/v1/kv//data/a",
        "/v1//kv/data/a",
        "/v1/kv/data/./a",
        "/v1/kv/data/b/../a",
        "/v1/kv/../kv/data/a",
        "/v1/kv/data/..",
        "/v1/kv/data/%2e%2e/a",
        "/v1/kv/data/a%2fb",
        "/v1/kv/data/a%2Fb",
        "/v1/kv/data/a%00b",
        "/v1/kv/data/a%0ab",
        "/v1/kv/data/a%7fb",
        "/v1/kv/data/%ff%fe",
        "/v1/kv/data/a%",
        "/v1/kv/data/a%zz",
    ] {
        let answer = exchange(address, "POST", path, &[&token], body).unwrap();
        assert_eq!(
            answer.status, 400,
            "{path}: {} {}",
            answer.head, answer.body
        );
    }
    assert_eq!(state(&root).await, before);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_with_413() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let before = state(&root).await;
    let address = target
        .address
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let token = format!("X-Vault-Token: {}", target.token);
    let body = format!("{{\"data\": {{\"n\": \"{}\"}}}}", "a".repeat(32 << 20));
    let answer = exchange(address, "POST", "/v1/kv/data/a", &[&token], body.as_bytes()).unwrap();
    assert_eq!(answer.status, 413, "{}", answer.head);
    let refusal: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(refusal["errors"].is_array(), "{}", answer.body);
    assert_eq!(state(&root).await, before);
}

#[tokio::test]
async fn nobody_gets_in_without_a_living_token_and_none_beyond_its_policy() {
    let target = Target::keyward();
    let root = furnished(&target).await;
    let before = state(&root).await;
    let made = root
        .post("auth/token/create", json!({ "policies": ["default"] }))
        .await;
    let limited = made.text_at("/auth/client_token").to_owned();
    let gone = root
        .post("auth/token/create", json!({ "policies": ["root"] }))
        .await;
    let gone = gone.text_at("/auth/client_token").to_owned();
    root.with_token(&gone).get("sys/mounts").await.expect(200);
    root.with_token(&gone)
        .post("auth/token/revoke-self", json!({}))
        .await
        .expect(204);

    let accessor = made.text_at("/auth/accessor").to_owned();
    let similar = format!("{}x", target.token);
    for token in [
        "",
        "nonsense",
        &gone,
        &accessor,
        &similar,
        &limited,
        &"a".repeat(4000),
    ] {
        let client = root.with_token(token);
        for (method, path, body) in [
            ("GET", "kv/data/a", None),
            ("GET", "transit/keys/k", None),
            ("GET", "sys/mounts", None),
            ("GET", "nowhere/at/all", None),
            ("LIST", "transit/keys", None),
            ("DELETE", "kv/data/a", None),
            ("POST", "kv/data/a", Some(json!({ "data": { "n": 9 } }))),
            (
                "POST",
                "transit/encrypt/k",
                Some(json!({ "plaintext": "aGVsbG8=" })),
            ),
            (
                "POST",
                "transit/encrypt/new",
                Some(json!({ "plaintext": "aGVsbG8=" })),
            ),
            ("POST", "sys/mounts/new", Some(json!({ "type": "kv" }))),
            (
                "POST",
                "sys/policies/acl/new",
                Some(json!({ "policy": "path \"a\" {}" })),
            ),
            ("POST", "sys/seal", Some(json!({}))),
        ] {
            let body = body.map(|body| body.to_string());
            let answer = client.send(method, path, &[], body).await;
            answer.refused(403, "permission denied");
        }
    }
    let two = [("Authorization", "Bearer other")];
    root.send("GET", "sys/mounts", &two, None).await.expect(400);
    assert_eq!(state(&root).await, before);
}
