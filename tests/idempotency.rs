//! Idempotency keys: a change that is asked for twice is made once, whatever happens between.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Installation, Store, Target};

async fn change(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("Idempotency-Key", key)];
    client
        .send("POST", path, &headers, Some(body.to_string()))
        .await
}

async fn versions(root: &Client, key: &str) -> u64 {
    let read = root.get(&format!("transit/keys/{key}")).await.expect(200);
    read.at("/data/latest_version").as_u64().unwrap()
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotency-replayed")
}

async fn with_transit(root: &Client) {
    let transit = json!({ "type": "transit" });
    root.post("sys/mounts/transit", transit).await.expect(204);
    root.post("transit/keys/k", json!({})).await.expect(200);
}

#[tokio::test]
async fn a_change_is_made_once_however_often_it_is_asked_for() {
    let target = Target::keyward();
    let root = Client::new(&target);
    with_transit(&root).await;
    let rotate = |key: &'static str, body: Value| {
        let root = &root;
        async move { change(root, "transit/keys/k/rotate", key, &body).await }
    };
    let first = rotate("\"one\"", json!({})).await.expect(200);
    assert!(!is_replayed(&first));
    for key in ["\"one\"", "one"] {
        let again = rotate(key, json!({})).await.expect(200);
        assert!(is_replayed(&again));
        assert_eq!(again.json, first.json);
    }
    assert_eq!(versions(&root, "k").await, 2);

    // At once: one is made, the others wait or hear the same.
    let asked: Vec<_> = (0..32).map(|_| rotate("\"many\"", json!({}))).collect();
    for answer in futures_util::future::join_all(asked).await {
        if answer.status != 200 {
            assert_eq!(answer.headers["retry-after"], "1");
            answer.refused(409, "idempotency key is still being worked on");
        }
    }
    assert_eq!(versions(&root, "k").await, 3);

    // Another body, path, method or token is another request.
    let other = rotate("\"one\"", json!({ "a": "b" })).await;
    other.refused(422, "the idempotency key was used for another request");
    let path = "transit/keys/other";
    change(&root, path, "\"one\"", &json!({})).await.expect(200);
    let token = json!({ "policies": ["root"], "ttl": "1h" });
    let made = root.post("auth/token/create", token).await.expect(200);
    let child = root.with_token(made.text_at("/auth/client_token"));
    let its = change(&child, "transit/keys/k/rotate", "\"one\"", &json!({})).await;
    assert!(!is_replayed(&its.expect(200)));
    assert_eq!(versions(&root, "k").await, 4);

    // A refusal changed nothing, and is not kept.
    let missing = "transit/keys/missing/rotate";
    for _ in 0..2 {
        let refused = change(&root, missing, "\"two\"", &json!({})).await;
        assert!(!is_replayed(&refused));
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    root.post("transit/keys/missing", json!({}))
        .await
        .expect(200);
    change(&root, missing, "\"two\"", &json!({}))
        .await
        .expect(200);

    for key in ["", "\"\"", "a b", "\"a"] {
        let refused = rotate(key, json!({})).await;
        refused.refused(400, "the idempotency key is no 1 to 255");
    }
    // A read changes nothing, and is answered as it is now.
    let headers = [("Idempotency-Key", "\"one\"")];
    let read = root.send("GET", "transit/keys/k", &headers, None).await;
    assert!(!is_replayed(&read.expect(200)));
}

#[tokio::test]
async fn an_answer_outlives_a_restart_and_not_the_right_to_ask() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    with_transit(&root).await;
    let policy = r#"path "auth/token/create" { capabilities = ["update"] }"#;
    let policy = json!({ "policy": policy });
    root.post("sys/policies/acl/maker", policy)
        .await
        .expect(204);
    let token = json!({ "policies": ["maker"] });
    let made = root.post("auth/token/create", token).await.expect(200);
    let maker = root.with_token(made.text_at("/auth/client_token"));

    let path = "auth/token/create";
    let first = change(&maker, path, "\"child\"", &json!({}))
        .await
        .expect(200);
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;
    let again = change(&maker, path, "\"child\"", &json!({}))
        .await
        .expect(200);
    assert!(is_replayed(&again));
    assert_eq!(again.json, first.json);

    // The answer is on record like any other, and its secret in neither.
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains(first.text_at("/auth/client_token")));
    let id = again.headers["x-request-id"].to_str().unwrap();
    let of_it = text.lines().filter(|line| line.contains(id));
    assert_eq!(of_it.count(), 2);

    root.delete("sys/policies/acl/maker").await.expect(204);
    let denied = change(&maker, path, "\"child\"", &json!({})).await;
    denied.refused(403, "permission denied");
}
