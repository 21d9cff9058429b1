//! What the server makes and keeps below `sys/`, over restarts, and what of it the log shows.

use std::fs;

use serde_json::json;

use crate::support::{Client, Installation, Store, Target};

#[tokio::test]
async fn the_catalog_names_what_can_be_mounted() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let catalog = root.get("sys/plugins/catalog").await.expect(200);
    assert_eq!(
        catalog.at("/data/secret"),
        &json!(["database", "kv", "transit"])
    );
    let detailed = catalog.at("/data/detailed").as_array().unwrap();
    let kv = detailed.iter().find(|plugin| plugin["name"] == "kv");
    assert_eq!(kv.unwrap()["type"], "secret");
    let names = root.list("sys/plugins/catalog/secret").await.expect(200);
    assert_eq!(names.at("/data/keys"), catalog.at("/data/secret"));
    let kv = root.get("sys/plugins/catalog/secret/kv").await.expect(200);
    assert_eq!(kv.at("/data/builtin"), &json!(true));
    for path in ["secret/nosuch", "auth/kv", "nosuch/kv"] {
        let path = format!("sys/plugins/catalog/{path}");
        root.get(&path).await.expect(404);
    }
    root.list("sys/plugins/catalog/nosuch").await.expect(404);
}

#[tokio::test]
async fn mounts_are_reloaded_with_all_that_they_hold_or_it_is_said_why_not() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let reload = async |body| root.post("sys/plugins/reload/backend", body).await;
    let transit = json!({ "type": "transit" });
    root.post("sys/mounts/t", transit).await.expect(204);
    root.post("t/keys/k", json!({})).await.expect(200);
    let plaintext = json!({ "plaintext": "aGVsbG8=" });
    let sealed = root.post("t/encrypt/k", plaintext).await.expect(200);
    for body in [
        json!({ "plugin": "transit" }),
        json!({ "plugin": "transit", "scope": "global" }),
        json!({ "mounts": ["t/", "secret"] }),
        json!({ "mounts": "t" }),
    ] {
        let done = reload(body).await.expect(200);
        let id = done.text_at("/data/reload_id");
        assert_eq!(id, done.text_at("/request_id"));
    }
    let ciphertext = json!({ "ciphertext": sealed.text_at("/data/ciphertext") });
    let opened = root.post("t/decrypt/k", ciphertext).await.expect(200);
    assert_eq!(opened.text_at("/data/plaintext"), "aGVsbG8=");
    for (body, why) in [
        (json!({}), "plugin or mounts must be provided"),
        (
            json!({ "plugin": "kv", "mounts": ["t"] }),
            "plugin and mounts cannot be set at the same time",
        ),
        (
            json!({ "plugin": "kv", "scope": "some" }),
            "scope must be unset or \"global\"",
        ),
        (
            json!({ "plugin": "nosuch" }),
            "plugin not found in the catalog: \"nosuch\"",
        ),
        (
            json!({ "plugin": "token" }),
            "singleton plugin cannot be reloaded: \"token\"",
        ),
        (
            json!({ "mounts": ["nosuch", "t", "auth/token"] }),
            "2 errors occurred:\n\t* cannot fetch mount entry on \"nosuch/\"\n\t* cannot reload \
             plugin on \"auth/token/\": singleton plugin cannot be reloaded: \"token\"\n\n",
        ),
        (
            json!({ "mounts": ["t/keys"] }),
            "cannot fetch mount entry on \"t/keys/\"",
        ),
    ] {
        reload(body).await.refused(400, why);
    }
}

#[tokio::test]
async fn passwords_follow_policies_that_outlive_a_restart_and_stay_out_of_the_log() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let path = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": path } });
    root.post("sys/audit/file", device).await.expect(204);
    let policy = "length = 30\nrule \"charset\" { charset = \"abcdefghijklmnopqrstuvwxyz\" }\n\
                  rule \"charset\" { charset = \"0123456789\" min-chars = 3 }";
    let body = json!({ "policy": policy });
    root.post("sys/policies/password/team/db", body)
        .await
        .expect(204);
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;
    let keys = root.list("sys/policies/password").await.expect(200);
    assert_eq!(keys.at("/data/keys"), &json!(["team/db"]));
    let made = root.get("sys/policies/password/team/db/generate").await;
    let password = made.expect(200).text_at("/data/password").to_owned();
    let digits = password.chars().filter(char::is_ascii_digit).count();
    assert!(password.len() == 30 && digits >= 3, "{password}");
    assert!(!fs::read_to_string(path).unwrap().contains(&password));
}

#[tokio::test]
async fn the_leases_of_a_path_end_together_also_after_a_restart() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let mut tokens = Vec::new();
    for path in [
        "auth/token/create",
        "auth/token/create",
        "auth/token/create-orphan",
    ] {
        let body = json!({ "policies": ["default"], "ttl": "1h" });
        let made = root.post(path, body).await.expect(200);
        tokens.push(root.with_token(made.text_at("/auth/client_token")));
    }
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;
    let leases = root.list("sys/leases/lookup/auth/token/create").await;
    let leases = leases.expect(200).at("/data/keys").clone();
    assert_eq!(leases.as_array().map(Vec::len), Some(2));
    let lease = format!("auth/token/create/{}", leases[0].as_str().unwrap());
    let body = json!({ "lease_id": lease });
    let known = root.post("sys/leases/lookup", body).await.expect(200);
    assert_eq!(known.at("/data/path"), "auth/token/create");
    root.post("sys/leases/revoke-prefix/auth/token/create", json!({}))
        .await
        .expect(204);
    for (token, status) in tokens.iter().zip([403, 403, 200]) {
        token.get("auth/token/lookup-self").await.expect(status);
    }
    root.list("sys/leases/lookup/auth/token/create")
        .await
        .expect(404);
    let versions = root.list("sys/version-history").await.expect(200);
    assert_eq!(versions.at("/data/keys").as_array().map(Vec::len), Some(1));
}
