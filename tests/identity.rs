//! Entities over the network: across restarts, in the audit log, and in policies with templates.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Client, Installation, Store, Target};

/// Makes a token of a name; returns it with the id of its entity.
async fn holder(root: &Client, name: &str) -> (Client, String) {
    let role = json!({ "allowed_entity_aliases": "*" });
    root.post("auth/token/roles/named", role).await.expect(204);
    let body = json!({ "entity_alias": name, "policies": ["default"] });
    let made = root.post("auth/token/create/named", body).await.expect(200);
    let client = root.with_token(made.text_at("/auth/client_token"));
    (client, made.text_at("/auth/entity_id").to_owned())
}

#[tokio::test]
async fn entities_groups_and_signing_keys_outlive_a_restart() {
    for store in [Store::Sled, Store::Redb] {
        let installation = Installation::new(store);
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        root.post("sys/mounts/kv", json!({ "type": "kv" }))
            .await
            .expect(204);
        let policy = "path \"kv/{{identity.entity.name}}/*\" { capabilities = [\"create\", \
                      \"read\", \"update\"] }";
        root.post("sys/policies/acl/own", json!({ "policy": policy }))
            .await
            .expect(204);
        let (ann, id) = holder(&root, "ann@door").await;
        root.post(
            &format!("identity/entity/id/{id}"),
            json!({ "name": "ann" }),
        )
        .await
        .expect(204);
        let group = json!({ "name": "crew", "policies": "own", "member_entity_ids": [id] });
        root.post("identity/group", group).await.expect(200);
        root.post("identity/oidc/role/r", json!({ "key": "default" }))
            .await
            .expect(204);
        let key_set = installation
            .client("")
            .get("identity/oidc/.well-known/keys")
            .await;
        ann.post("kv/ann/a", json!({ "k": "v" })).await.expect(204);
        ann.post("kv/bob/a", json!({ "k": "v" }))
            .await
            .refused(403, "permission denied");

        assert!(server.terminate().success());
        let _server = installation.start();
        installation.unseal(&keys).await;
        assert_eq!(ann.get("kv/ann/a").await.expect(200).at("/data/k"), "v");
        ann.get("kv/bob/a").await.refused(403, "permission denied");
        let again = installation
            .client("")
            .get("identity/oidc/.well-known/keys")
            .await;
        assert_eq!(again.json, key_set.json);
        assert_eq!(again.json["keys"].as_array().unwrap().len(), 2);
        root.delete(&format!("identity/entity/id/{id}"))
            .await
            .expect(204);
        ann.get("kv/ann/a").await.refused(403, "permission denied");
    }
}

#[tokio::test]
async fn the_audit_log_says_whose_token_it_was_and_what_that_added() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let (ann, id) = holder(&root, "ann").await;
    let path = format!("identity/entity/id/{id}");
    root.post(&path, json!({ "policies": "zz,aa" }))
        .await
        .expect(204);
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    ann.get("auth/token/lookup-self").await.expect(200);
    holder(&root, "ann").await;
    root.post(&path, json!({ "disabled": true }))
        .await
        .expect(204);
    ann.get("auth/token/lookup-self")
        .await
        .refused(403, "permission denied");
    let log = fs::read_to_string(log).unwrap();
    let entries: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |path: &str, kind: &str| {
        let mut found = entries
            .iter()
            .filter(move |entry| entry["request"]["path"] == path && entry["type"] == kind);
        (found.next().unwrap(), found.next())
    };
    let (looked, refused) = of("auth/token/lookup-self", "request");
    assert_eq!(looked["auth"]["entity_id"], id.as_str());
    assert_eq!(looked["auth"]["policies"], json!(["aa", "default", "zz"]));
    assert_eq!(looked["auth"]["token_policies"], json!(["default"]));
    assert_eq!(looked["auth"]["identity_policies"], json!(["aa", "zz"]));
    assert_eq!(refused.unwrap()["error"], "permission denied");
    let (made, _) = of("auth/token/create/named", "response");
    let granted = &made["response"]["auth"];
    assert_eq!(granted["entity_id"], id.as_str());
    assert_eq!(granted["identity_policies"], json!(["aa", "zz"]));
    // Names and metadata of entities are values as any other.
    let (changed, _) = of(&path, "request");
    assert_eq!(changed["request"]["data"]["disabled"], true);
}

#[tokio::test]
async fn the_oldest_path_of_aliases_writes_aliases() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let methods = root.get("sys/auth").await.expect(200);
    let accessor = methods.at("/data/token~1/accessor");
    let entity = root.post("identity/entity", json!({ "name": "e" })).await;
    let entity = entity.expect(200).text_at("/data/id").to_owned();
    let refusal = "'id' or 'mount_accessor' and 'name' must be provided";
    let nowhere = root.post("identity/persona", json!({ "name": "n" })).await;
    nowhere.refused(400, refusal);
    root.get("identity/entity/name/n").await.expect(404);

    let body = json!({
        "name": "n", "mount_accessor": accessor, "entity_id": entity, "metadata": { "k": "v" },
    });
    let written = root.post("identity/persona", body).await.expect(200);
    assert_eq!(written.text_at("/data/canonical_id"), entity);
    let id = written.text_at("/data/id");
    let (oldest, own) = (
        format!("identity/persona/id/{id}"),
        format!("identity/entity-alias/id/{id}"),
    );
    root.post(&oldest, json!({ "name": "m" })).await.expect(200);
    let read = root.get(&oldest).await.expect(200);
    assert_eq!(
        read.at("/data"),
        root.get(&own).await.expect(200).at("/data")
    );
    assert_eq!(read.text_at("/data/name"), "m");
    assert_eq!(read.at("/data/custom_metadata"), &json!({ "k": "v" }));
    let listed = root.list("identity/persona/id").await.expect(200);
    assert_eq!(listed.at("/data/keys"), &json!([id]));
    root.delete(&oldest).await.expect(204);
    root.get(&own).await.expect(404);
}
