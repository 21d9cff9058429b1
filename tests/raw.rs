//! `sys/raw`: what is stored, in clear, of a server whose operator asked for that.

use serde_json::{Value, json};

use crate::support::Opened;

/// A server that shows what it stores.
async fn opened() -> Opened {
    Opened::with("raw_storage_endpoint = true").await
}

impl Opened {
    /// What stands under a key, as `encoding` shows it.
    async fn value(&self, key: &str, encoding: &str) -> String {
        let path = format!("sys/raw/{key}?encoding={encoding}");
        let answer = self.root.get(&path).await.expect(200);
        answer.text_at("/data/value").to_owned()
    }

    async fn write(&self, key: &str, body: Value) {
        let answer = self.root.post(&format!("sys/raw/{key}"), body).await;
        answer.expect(204);
    }
}

/// Holds of the peer as well.
#[tokio::test]
async fn values_go_in_and_come_out_as_they_are() {
    let opened = opened().await;
    let root = &opened.root;
    opened.write("t/a", json!({ "value": "hello" })).await;
    assert_eq!(opened.value("t/a", "").await, "hello");
    assert_eq!(opened.value("t/a", "base64").await, "aGVsbG8=");
    let bytes = json!({ "value": "//79Yf8=", "encoding": "base64" });
    opened.write("t/b/c", bytes).await;
    assert_eq!(opened.value("t/b/c", "base64").await, "//79Yf8=");
    let shown = "\u{fffd}\u{fffd}\u{fffd}a\u{fffd}";
    assert_eq!(opened.value("t/b/c", "").await, shown);
    let compressed = root.get("sys/raw/t/a?compressed=false").await.expect(200);
    assert_eq!(compressed.text_at("/data/value"), "hello");

    let keys = async |path: &str| root.list(path).await.expect(200).at("/data/keys").clone();
    assert_eq!(keys("sys/raw/t").await, json!(["a", "b/"]));
    assert_eq!(keys("sys/raw/t?after=a&limit=1").await, json!(["b/"]));
    let top = keys("sys/raw").await;
    for folder in ["core/", "sys/", "t/"] {
        assert!(top.as_array().unwrap().contains(&json!(folder)), "{top}");
    }
    for key in ["t", "t/", "t/b", "t/nosuch", ""] {
        root.get(&format!("sys/raw/{key}")).await.expect(404);
    }
    root.list("sys/raw/nosuch").await.expect(404);

    for key in ["t/a", "t/a", "t/"] {
        root.delete(&format!("sys/raw/{key}")).await.expect(204);
    }
    root.get("sys/raw/t/a").await.expect(404);
    assert_eq!(keys("sys/raw/t").await, json!(["b/"]));
}

#[tokio::test]
async fn a_bad_write_changes_nothing() {
    let opened = opened().await;
    let root = &opened.root;
    opened.write("t/a", json!({ "value": "as it is" })).await;
    let compressed = |kind: &str| {
        format!("invalid compression type {kind:?}: nothing that is stored is compressed")
    };
    for (body, text) in [
        (json!({}), "missing value".to_owned()),
        (
            json!({ "value": "!!", "encoding": "base64" }),
            "illegal base64 data at input byte 0".to_owned(),
        ),
        (
            json!({ "value": "x", "encoding": "hex" }),
            "invalid encoding \"hex\"".to_owned(),
        ),
        (
            json!({ "value": "x", "compression_type": "gzip" }),
            compressed("gzip"),
        ),
        (
            json!({ "value": "x", "compression_type": "none" }),
            compressed("none"),
        ),
    ] {
        let answer = root.post("sys/raw/t/a", body).await;
        answer.refused(400, &text);
    }
    let folder = root.post("sys/raw/t/", json!({ "value": "x" })).await;
    folder.refused(400, "cannot write to a path ending in '/'");
    let top = root.post("sys/raw", json!({ "value": "x" })).await;
    top.expect(400);
    let encoding = root.get("sys/raw/t/a?encoding=hex").await;
    encoding.refused(400, "invalid encoding \"hex\"");
    assert_eq!(opened.value("t/a", "").await, "as it is");
}

#[tokio::test]
async fn what_holds_keys_is_neither_shown_nor_changed() {
    let opened = opened().await;
    let root = &opened.root;
    let listed = root.list("sys/raw/core").await.expect(200);
    let keys = listed.at("/data/keys").as_array().unwrap();
    assert_eq!(keys.len(), 3, "{keys:?}");
    let keys = keys.iter().map(|key| key.as_str().unwrap());
    let keys = keys.map(|key| format!("core/{key}"));
    let others = ["core/recovery-key", "core/new", "sys/rekey-backup/barrier"];
    for key in keys.chain(others.map(str::to_owned)) {
        let path = format!("sys/raw/{key}");
        let refusal = format!("cannot access {key:?}");
        root.get(&path).await.refused(400, &refusal);
        let body = json!({ "value": "" });
        root.post(&path, body).await.refused(400, &refusal);
        root.delete(&path).await.refused(400, &refusal);
    }
    for spelling in [
        "core//keyring",
        "core/./keyring",
        "core/x/../keyring",
        "core%2Fkeyring",
    ] {
        root.get(&format!("sys/raw/{spelling}")).await.expect(400);
    }
    // It opens as before.
    root.post("sys/seal", json!({})).await.expect(204);
    opened.installation.unseal(&opened.keys).await;
    root.get("auth/token/lookup-self").await.expect(200);
}

#[tokio::test]
async fn a_write_counts_for_what_is_in_memory_after_unsealing() {
    let opened = opened().await;
    let root = &opened.root;
    let policy = json!({ "policy": "path \"a\" { capabilities = [\"read\"] }" });
    root.post("sys/policies/acl/p", policy).await.expect(204);
    let key = "sys/policy/p";
    let stored = opened.value(key, "").await;
    assert!(stored.contains("path \\\"a\\\""), "{stored}");
    let changed = stored.replace("path \\\"a\\\"", "path \\\"b\\\"");
    opened.write(key, json!({ "value": changed })).await;
    let shown = async || {
        let policy = root.get("sys/policies/acl/p").await.expect(200);
        policy.text_at("/data/policy").to_owned()
    };
    assert!(shown().await.contains("path \"a\""));
    root.post("sys/seal", json!({})).await.expect(204);
    opened.installation.unseal(&opened.keys).await;
    assert!(shown().await.contains("path \"b\""));
}

#[tokio::test]
async fn it_takes_sudo_and_leaves_no_value_in_the_audit_log() {
    let opened = opened().await;
    let root = &opened.root;
    let log = opened.installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    for (name, capabilities) in [("without", ""), ("with", ", \"sudo\"")] {
        let policy = format!(
            "path \"sys/raw/t/*\" {{ capabilities = [\"create\", \"read\", \"update\"{capabilities}] }}"
        );
        let path = format!("sys/policies/acl/{name}");
        root.post(&path, json!({ "policy": policy }))
            .await
            .expect(204);
    }
    let of = async |policy: &str| {
        let body = json!({ "policies": [policy] });
        let made = root.post("auth/token/create", body).await.expect(200);
        root.with_token(made.text_at("/auth/client_token"))
    };
    let body = json!({ "value": "a value that is seen" });
    let without = of("without").await;
    without.post("sys/raw/t/a", body.clone()).await.expect(403);
    without.get("sys/raw/t/a").await.expect(403);
    let with = of("with").await;
    with.post("sys/raw/t/a", body).await.expect(204);
    let read = with.get("sys/raw/t/a").await.expect(200);
    assert_eq!(read.text_at("/data/value"), "a value that is seen");
    with.get("sys/raw/sys/policy/with").await.expect(403);
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("\"path\":\"sys/raw/t/a\"").count(), 8, "{log}");
    assert!(!log.contains("that is seen"), "{log}");
}

#[tokio::test]
async fn a_server_that_is_not_told_so_has_none() {
    for config in ["", "raw_storage_endpoint = false"] {
        let opened = Opened::with(config).await;
        let root = &opened.root;
        for path in ["sys/raw", "sys/raw/t/a"] {
            root.get(path).await.refused(404, "unsupported path");
            root.list(path).await.refused(404, "unsupported path");
            let body = json!({ "value": "y" });
            root.post(path, body).await.refused(404, "unsupported path");
            root.delete(path).await.refused(404, "unsupported path");
        }
        let document = root.get("sys/internal/specs/openapi").await.expect(200);
        let paths = document.at("/paths").as_object().unwrap();
        assert!(!paths.keys().any(|path| path.starts_with("/sys/raw")));
    }
}
