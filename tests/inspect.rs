//! `sys/internal/inspect`: mounts and requests as the server sees them, where that is asked for.

use serde_json::{Value, json};

use crate::support::Opened;

/// A server that shows what it makes of mounts and requests.
async fn opened() -> Opened {
    Opened::with("introspection_endpoint = true").await
}

/// Holds of the peer as well, but for the order.
#[tokio::test]
async fn the_router_is_shown_by_what_it_is_sorted_by() {
    let opened = opened().await;
    let root = &opened.root;
    for (path, kind) in [("sys/mounts/t", "transit"), ("sys/auth/u", "userpass")] {
        root.post(path, json!({ "type": kind })).await.expect(204);
    }
    let uuid = root.get("sys/mounts/t").await.expect(200);
    let uuid = uuid.text_at("/data/uuid");
    for (tag, by) in [
        ("root", None),
        ("uuid", Some("uuid")),
        ("accessor", Some("accessor")),
        ("storage", Some("storage_prefix")),
    ] {
        let path = format!("sys/internal/inspect/router/{tag}");
        let answer = root.get(&path).await.expect(200);
        let mounts = answer.at("/data").as_object().unwrap();
        assert_eq!(mounts.len(), 1);
        let mounts = mounts[tag].as_array().unwrap();
        assert_eq!(mounts.len(), 6, "{tag}: {mounts:?}");
        let found = mounts.iter().find(|mount| mount["mount_path"] == "t/");
        let found = found.unwrap();
        assert_eq!(found["mount_type"], "transit");
        assert_eq!(found["uuid"], uuid);
        assert_eq!(found["mount_namespace"], "");
        let (prefix, tainted) = match tag {
            "root" | "storage" => (json!(format!("logical/{uuid}/")), json!(false)),
            _ => (Value::Null, Value::Null),
        };
        assert_eq!(found["storage_prefix"], prefix);
        assert_eq!(found["tainted"], tainted);
        assert!(mounts.iter().any(|mount| mount["mount_path"] == "u/"));
        if let Some(by) = by {
            let order: Vec<_> = mounts.iter().map(|mount| mount[by].as_str()).collect();
            assert!(order.is_sorted(), "{order:?}");
        }
    }
    for tag in ["nosuch", "Root", "root/x"] {
        let path = format!("sys/internal/inspect/router/{tag}");
        assert_eq!(root.get(&path).await.status, 404, "{tag}");
    }
    let path = "sys/internal/inspect/router/root";
    root.post(path, json!({})).await.expect(405);
}

#[tokio::test]
async fn a_request_is_shown_without_its_token() {
    let opened = opened().await;
    let root = &opened.root;
    let method = json!({ "type": "userpass" });
    root.post("sys/auth/userpass", method).await.expect(204);
    let policy = "path \"sys/internal/inspect/*\" { capabilities = [\"read\", \"sudo\"] }";
    let policy = json!({ "policy": policy });
    root.post("sys/policies/acl/looks", policy)
        .await
        .expect(204);
    let user = json!({ "password": "a password", "token_policies": ["looks"] });
    root.post("auth/userpass/users/u", user).await.expect(204);
    let login = json!({ "password": "a password" });
    let login = root.post("auth/userpass/login/u", login).await.expect(200);
    let entity = login.text_at("/auth/entity_id");
    let group = json!({ "name": "g", "member_entity_ids": [entity] });
    root.post("identity/group", group).await.expect(200);
    let token = login.text_at("/auth/client_token");

    let user = root.with_token(token);
    let path = "sys/internal/inspect/request?x=a+value+in+the+query";
    let answer = user.get(path).await.expect(200);
    for secret in [token, "a value", "a+value", "a password"] {
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
    let data = answer.at("/data");
    assert_eq!(data["req"]["client_token"], "");
    let accessor = login.at("/auth/accessor");
    assert_eq!(data["req"]["client_token_accessor"], *accessor);
    assert_eq!(data["req"]["display_name"], "userpass-u");
    assert_eq!(data["req"]["entity_id"], entity);
    assert_eq!(data["req"]["id"], *answer.at("/request_id"));
    assert_eq!(data["req"]["mount_point"], "sys/");
    assert_eq!(data["req"]["operation"], "read");
    assert_eq!(data["req"]["path"], "internal/inspect/request");
    assert_eq!(data["req"]["connection"]["remote_addr"], "127.0.0.1");
    assert_eq!(data["req"]["wrap_info"], Value::Null);
    assert_eq!(data["entity"]["ID"], entity);
    assert_eq!(data["entity"]["aliases"][0]["name"], "u");
    assert_eq!(data["entity"]["aliases"][0]["mount_type"], "userpass");
    assert_eq!(data["groups"][0]["name"], "g");
    assert_eq!(data["vault_version"], data["plugin_env"]["vault_version"]);

    let of_root = root.get("sys/internal/inspect/request").await.expect(200);
    assert_eq!(of_root.at("/data/entity"), &Value::Null);
    assert_eq!(of_root.at("/data/groups"), &Value::Null);
    assert!(!of_root.text.contains(root.own_token()), "{}", of_root.text);
}

#[tokio::test]
async fn it_takes_sudo_and_a_server_that_is_told_so() {
    const PATHS: [&str; 2] = [
        "sys/internal/inspect/request",
        "sys/internal/inspect/router/root",
    ];
    let opened = opened().await;
    let root = &opened.root;
    let policy = "path \"sys/internal/inspect/*\" { capabilities = [\"read\"] }";
    let policy = json!({ "policy": policy });
    root.post("sys/policies/acl/looks", policy)
        .await
        .expect(204);
    let body = json!({ "policies": ["looks"] });
    let made = root.post("auth/token/create", body).await.expect(200);
    let without = root.with_token(made.text_at("/auth/client_token"));
    for path in PATHS {
        without.get(path).await.expect(403);
    }
    for config in ["", "introspection_endpoint = false"] {
        let closed = Opened::with(config).await;
        for path in PATHS {
            let answer = closed.root.get(path).await;
            answer.refused(404, "unsupported path");
        }
    }
}
