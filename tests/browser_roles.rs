//! Roles for browsers: pages of which origin, which keys, what with them, and bound to what.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Installation, Store, Target};

const PAGE: &str = "https://app.example";

async fn with_transit(root: &Client) {
    let transit = json!({ "type": "transit" });
    root.post("sys/mounts/transit", transit).await.expect(204);
    for key in ["forms-a", "forms-b", "other"] {
        let path = format!("transit/keys/{key}");
        root.post(&path, json!({})).await.expect(200);
    }
    let policy = r#"path "transit/*" { capabilities = ["create", "read", "update", "list"] }"#;
    root.post("sys/policies/acl/all", json!({ "policy": policy }))
        .await
        .expect(204);
}

/// Makes a token under a role that says this.
async fn confined(root: &Client, settings: Value) -> Client {
    let mut role = settings;
    role["allowed_policies"] = json!("all");
    root.post("auth/token/roles/page", role).await.expect(204);
    let made = root
        .post("auth/token/create/page", json!({}))
        .await
        .expect(200);
    root.with_token(made.text_at("/auth/client_token"))
}

async fn from_page(client: &Client, origin: &str, path: &str, body: Value) -> Answer {
    let headers = [("Origin", origin)];
    client
        .send("POST", path, &headers, Some(body.to_string()))
        .await
}

async fn preflight(root: &Client, origin: &str) -> Answer {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
    ];
    let nobody = root.with_token("");
    nobody
        .send("OPTIONS", "transit/encrypt/forms-a", &headers, None)
        .await
}

fn text() -> Value {
    json!({ "plaintext": "c2VjcmV0" })
}

#[tokio::test]
async fn pages_may_call_that_a_role_is_bound_to_and_its_tokens_serve_no_other() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    with_transit(&root).await;
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    assert!(
        !preflight(&root, PAGE)
            .await
            .headers
            .contains_key("access-control-allow-origin")
    );

    let token = confined(&root, json!({ "bound_origins": [PAGE] })).await;
    let allowed = preflight(&root, PAGE).await.expect(200);
    assert_eq!(allowed.headers["access-control-allow-origin"], PAGE);
    let headers = allowed.headers["access-control-allow-headers"]
        .to_str()
        .unwrap();
    for name in [
        "X-Vault-Token",
        "Content-Type",
        "Signature",
        "Idempotency-Key",
    ] {
        assert!(headers.contains(name), "{name} is not in {headers}");
    }
    let path = "transit/encrypt/forms-a";
    let served = from_page(&token, PAGE, path, text()).await.expect(200);
    assert_eq!(served.headers["access-control-allow-origin"], PAGE);
    assert_eq!(served.headers["vary"], "Origin");
    // Nobody configured CORS: another page is not refused, but its browser keeps the answer.
    let other = root.send(
        "GET",
        "sys/mounts",
        &[("Origin", "https://evil.example")],
        None,
    );
    let other = other.await.expect(200);
    assert!(!other.headers.contains_key("access-control-allow-origin"));

    token.post(path, text()).await.refused(403, "origin denied");
    let denied = from_page(&token, "https://evil.example", path, text()).await;
    let id = denied.headers["x-request-id"].to_str().unwrap().to_owned();
    denied.refused(403, "origin denied");
    let audited = fs::read_to_string(&log).unwrap();
    let line = |kind: &str| {
        let mut lines = audited
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .find(|line| line["request"]["id"] == *id && line["type"] == kind)
            .unwrap_or_else(|| panic!("no {kind} of {id}"))
    };
    for kind in ["request", "response"] {
        let line = line(kind);
        let error = line["error"].as_str().unwrap();
        assert!(error.contains("origin denied"), "{error}");
        assert_eq!(line["auth"]["metadata"], Value::Null);
        assert!(
            line["auth"]["accessor"]
                .as_str()
                .unwrap()
                .starts_with("hmac-sha256:")
        );
    }
    // A page reads from its own origin without saying so, but for where it is.
    let referred = [("Referer", "https://app.example/forms?a=b")];
    token
        .send("GET", "transit/keys/forms-a", &referred, None)
        .await
        .expect(200);
    let elsewhere = [("Referer", "https://evil.example/https://app.example")];
    token
        .send("GET", "transit/keys/forms-a", &elsewhere, None)
        .await
        .refused(403, "origin denied");

    // What an operator lists, and what roles are bound to, count both.
    let listed = json!({ "allowed_origins": ["https://listed.example"] });
    root.post("sys/config/cors", listed).await.expect(204);
    for origin in [PAGE, "https://listed.example"] {
        preflight(&root, origin).await.expect(200);
    }
    preflight(&root, "https://evil.example")
        .await
        .refused(403, "origin not allowed");
    let read = root.get("sys/config/cors").await.expect(200);
    assert_eq!(
        *read.at("/data/allowed_origins"),
        json!(["https://listed.example"])
    );
    root.delete("sys/config/cors").await.expect(204);

    // Over a restart; and no more once the role is gone.
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;
    preflight(&root, PAGE).await.expect(200);
    root.delete("auth/token/roles/page").await.expect(204);
    assert!(
        !preflight(&root, PAGE)
            .await
            .headers
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn a_token_uses_the_keys_and_does_with_them_what_its_role_says() {
    let target = Target::keyward();
    let root = Client::new(&target);
    with_transit(&root).await;
    let token = confined(
        &root,
        json!({
            "allowed_keys": ["transit/forms-*"],
            "allowed_operations": ["encrypt", "rewrap", "translate"],
            "max_batch": 2,
        }),
    )
    .await;
    let encrypted = token
        .post("transit/encrypt/forms-a", text())
        .await
        .expect(200);
    let ciphertext = json!({ "ciphertext": encrypted.text_at("/data/ciphertext") });
    token
        .post("transit/rewrap/forms-a", ciphertext.clone())
        .await
        .expect(200);
    token
        .post("transit/decrypt/forms-a", ciphertext.clone())
        .await
        .refused(
            403,
            "permission denied: the token is not good for \"decrypt\"",
        );
    for path in ["transit/encrypt/other", "transit/encrypt/unknown"] {
        let key = path.replace("encrypt/", "");
        let why = format!("permission denied: the token is not good for the key \"{key}\"");
        token.post(path, text()).await.refused(403, &why);
    }
    token
        .post("transit/translate/forms-a/other", ciphertext.clone())
        .await
        .refused(
            403,
            "permission denied: the token is not good for the key \"transit/other\"",
        );
    token
        .post("transit/translate/forms-a/forms-b", ciphertext)
        .await
        .expect(200);
    let batch = |size| json!({ "batch_input": vec![text(); size] });
    token
        .post("transit/encrypt/forms-a", batch(2))
        .await
        .expect(200);
    token
        .post("transit/encrypt/forms-a", batch(3))
        .await
        .refused(
            400,
            "the request has 3 inputs, and the token allows 2 at a time",
        );
    // Keys are used, not managed.
    for (method, path) in [
        ("POST", "transit/keys/forms-a/rotate"),
        ("POST", "transit/keys/forms-new"),
        ("LIST", "transit/keys"),
        ("GET", "transit/export/encryption-key/forms-a"),
        ("GET", "transit/backup/forms-a"),
    ] {
        let answer = token.send(method, path, &[], None).await.expect(403);
        assert!(answer.text.contains("permission denied"), "{}", answer.text);
    }
    token
        .get("transit/keys/forms-a")
        .await
        .refused(403, "permission denied: the token is not good for \"read\"");
    root.get("transit/keys/unknown").await.expect(404);
}

#[tokio::test]
async fn what_a_token_encrypts_is_bound_to_the_context_of_its_role() {
    let target = Target::keyward();
    let root = Client::new(&target);
    with_transit(&root).await;
    root.post("transit/keys/rsa", json!({ "type": "rsa-2048" }))
        .await
        .expect(200);
    let token = confined(
        &root,
        json!({ "required_context": { "tenant": "a", "app": "x" } }),
    )
    .await;
    let context = "eyJhcHAiOiJ4IiwidGVuYW50IjoiYSJ9";
    let encrypted = token
        .post("transit/encrypt/forms-a", text())
        .await
        .expect(200);
    let ciphertext = encrypted.text_at("/data/ciphertext").to_owned();
    let open = |data: Option<&str>| json!({ "ciphertext": ciphertext, "associated_data": data.unwrap_or_default() });
    // For the token, it is as if there was no context; for everybody else there is.
    for data in [None, Some(context)] {
        let opened = token
            .post("transit/decrypt/forms-a", open(data))
            .await
            .expect(200);
        assert_eq!(opened.text_at("/data/plaintext"), "c2VjcmV0");
    }
    let opened = root
        .post("transit/decrypt/forms-a", open(Some(context)))
        .await
        .expect(200);
    assert_eq!(opened.text_at("/data/plaintext"), "c2VjcmV0");
    root.post("transit/decrypt/forms-a", open(None))
        .await
        .expect(400);
    // Of another tenant it opens nothing, and makes nothing that looks so.
    let other = "eyJ0ZW5hbnQiOiJiIn0=";
    let why = "permission denied: the token requires another context as associated data";
    token
        .post("transit/decrypt/forms-a", open(Some(other)))
        .await
        .refused(403, why);
    let mut item = text();
    item["associated_data"] = json!(other);
    let batch = json!({ "batch_input": [text(), item] });
    token
        .post("transit/encrypt/forms-a", batch)
        .await
        .refused(403, why);
    let foreign = root
        .post("transit/encrypt/forms-a", text())
        .await
        .expect(200);
    let foreign = json!({ "ciphertext": foreign.text_at("/data/ciphertext") });
    token
        .post("transit/decrypt/forms-a", foreign)
        .await
        .expect(400);
    let keys = token
        .post("transit/datakeys/wrapped/forms-a", json!({ "count": 2 }))
        .await
        .expect(200);
    let wrapped = json!({ "ciphertext": keys.text_at("/data/key_pairs/1/ciphertext") });
    token
        .post("transit/decrypt/forms-a", wrapped.clone())
        .await
        .expect(200);
    root.post("transit/decrypt/forms-a", wrapped)
        .await
        .expect(400);
    // What binds nothing is refused.
    let why = "permission denied: the token requires a context, which \"hmac\" cannot be bound to";
    token
        .post("transit/hmac/forms-a", json!({ "input": "" }))
        .await
        .refused(403, why);
    for path in ["transit/encrypt/rsa", "transit/datakey/plaintext/rsa"] {
        let answer = token.post(path, text()).await.expect(400);
        assert!(
            answer
                .text
                .contains("provided for non-AEAD cipher suite rsa-2048"),
            "{}",
            answer.text
        );
    }
    token.get("transit/keys/forms-a").await.expect(200);
}
