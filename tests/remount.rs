//! Moving a mount: its data goes with it, and a crash afterwards undoes nothing.

use serde_json::json;

use crate::support::{Installation, Store};

#[tokio::test]
async fn a_moved_engine_keeps_what_it_holds_over_a_crash() {
    let installation = Installation::new(Store::Sled);
    let mut server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    root.post("sys/mounts/one", json!({ "type": "transit" }))
        .await
        .expect(204);
    root.post("one/keys/k", json!({})).await.expect(200);
    let sealed = root
        .post("one/encrypt/k", json!({ "plaintext": "aGVsbG8=" }))
        .await;
    let ciphertext = json!({ "ciphertext": sealed.text_at("/data/ciphertext") });
    let before = root.get("sys/mounts/one").await.expect(200);

    let body = json!({ "from": "/one/", "to": "team/two" });
    let moved = root.post("sys/remount", body).await.expect(200);
    let id = moved.text_at("/data/migration_id");
    assert_eq!(moved.text_at("/migration_id"), id);
    let status = root
        .get(&format!("sys/remount/status/{id}"))
        .await
        .expect(200);
    assert_eq!(
        status.at("/data/migration_info"),
        &json!({ "source_mount": "one/", "target_mount": "team/two/", "status": "success" })
    );
    root.get("one/keys/k")
        .await
        .refused(404, "no handler for route \"one/keys/k\"");
    let opened = root
        .post("team/two/decrypt/k", ciphertext.clone())
        .await
        .expect(200);
    assert_eq!(opened.text_at("/data/plaintext"), "aGVsbG8=");

    server.kill();
    server = installation.start();
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let opened = root
        .post("team/two/decrypt/k", ciphertext)
        .await
        .expect(200);
    assert_eq!(opened.text_at("/data/plaintext"), "aGVsbG8=");
    let after = root.get("sys/mounts/team/two").await.expect(200);
    for name in ["/data/uuid", "/data/accessor"] {
        assert_eq!(after.at(name), before.at(name));
    }
    root.get(&format!("sys/remount/status/{id}"))
        .await
        .expect(404);
    drop(server);
}

#[tokio::test]
async fn what_cannot_be_moved_stays_where_it_is() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    for path in ["a", "b"] {
        root.post(&format!("sys/mounts/{path}"), json!({ "type": "kv" }))
            .await
            .expect(204);
    }
    for (from, to, why) in [
        (
            "a",
            "",
            "both 'from' and 'to' path must be specified as a string",
        ),
        ("a", "b", "path already in use at \"b/\""),
        ("a", "b/below", "path already in use at \"b/\""),
        ("a", "a", "path already in use at \"a/\""),
        ("a", "sys/x", "cannot remount to destination sys/x/"),
        ("a", "auth/x", "cannot remount to destination auth/x/"),
        ("a", "/", "invalid destination mount path \"/\""),
        ("a", "x//y", "invalid 'to' path"),
        ("a", "../x", "invalid 'to' path"),
        ("a ", "x", "'from' path cannot contain trailing whitespace"),
        ("none", "x", "no matching mount at \"none/\""),
        ("sys", "x", "cannot remount \"sys/\""),
        ("auth/token", "auth/x", "cannot remount \"auth/token/\""),
        (
            "auth/none",
            "x",
            "cannot remount auth mount to non-auth mount \"x/\"",
        ),
    ] {
        let body = json!({ "from": from, "to": to });
        root.post("sys/remount", body).await.refused(400, why);
    }
    root.post("a/x", json!({ "y": 1 })).await.expect(204);
    let made = root
        .post("auth/token/create", json!({ "policies": ["default"] }))
        .await;
    let other = root.with_token(made.text_at("/auth/client_token"));
    let body = json!({ "from": "a", "to": "c" });
    other
        .post("sys/remount", body)
        .await
        .refused(403, "permission denied");
}
