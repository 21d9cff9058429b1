//! Init, unseal, seal, restart: what a server that is not in dev mode does before it serves.

mod auto;
#[cfg(feature = "pkcs11")]
mod hsm;
mod keys;
mod pgp;

use serde_json::json;

use crate::support::{Installation, Store};

#[tokio::test]
async fn a_new_server_is_neither_initialised_nor_open() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let client = installation.client("");
    assert_eq!(
        client.get("sys/init").await.expect(200).json,
        json!({ "initialized": false })
    );
    let health = client.get("sys/health").await.expect(501);
    assert_eq!(
        (health.at("/initialized"), health.at("/sealed")),
        (&json!(false), &json!(true))
    );
    let status = client.get("sys/seal-status").await.expect(200);
    assert_eq!((status.at("/t"), status.at("/n")), (&json!(0), &json!(0)));
    client
        .get("sys/mounts")
        .await
        .refused(503, "Vault is sealed");
    client.get("secret/a").await.refused(503, "Vault is sealed");
    client
        .list("auth/token/accessors")
        .await
        .refused(503, "Vault is sealed");
}

#[tokio::test]
async fn init_refuses_impossible_shares_and_a_second_time() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let client = installation.client("");
    let reason = "invalid seal configuration: ";
    for (shares, threshold, why) in [
        (0, 1, "shares must be at least one"),
        (1, 2, "threshold cannot be larger than shares"),
        (
            3,
            1,
            "threshold must be greater than one for multiple shares",
        ),
        (256, 2, "shares must be less than 256"),
    ] {
        let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
        client
            .post("sys/init", body)
            .await
            .refused(400, &format!("{reason}{why}"));
    }
    assert_eq!(
        client.get("sys/init").await.json,
        json!({ "initialized": false })
    );
    let keys = installation.initialise(3, 2).await;
    assert_eq!((keys.shares.len(), keys.shares_base64.len()), (3, 3));
    let again = json!({ "secret_shares": 1, "secret_threshold": 1 });
    client
        .post("sys/init", again)
        .await
        .refused(400, "Vault is already initialized");
    let health = client.get("sys/health").await.expect(503);
    assert_eq!(
        (health.at("/initialized"), health.at("/sealed")),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn unsealing_counts_distinct_shares_and_can_begin_anew() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(3, 2).await;
    let client = installation.client("");
    let unseal = |share: &str| client.post("sys/unseal", json!({ "key": share }));

    let first = unseal(&keys.shares[0]).await.expect(200);
    assert_eq!(
        (first.at("/progress"), first.at("/sealed")),
        (&json!(1), &json!(true))
    );
    let nonce = first.text_at("/nonce").to_owned();
    assert!(!nonce.is_empty());
    let again = unseal(&keys.shares[0]).await.expect(200);
    assert_eq!(
        again.at("/progress"),
        &json!(1),
        "the same share does not count twice"
    );
    assert_eq!(again.text_at("/nonce"), nonce);
    client
        .get("sys/mounts")
        .await
        .refused(503, "Vault is sealed");

    let reset = client
        .post("sys/unseal", json!({ "reset": true }))
        .await
        .expect(200);
    assert_eq!(
        (reset.at("/progress"), reset.at("/nonce")),
        (&json!(0), &json!(""))
    );

    unseal(&keys.shares[2]).await.expect(200);
    let open = unseal(&keys.shares_base64[1]).await.expect(200);
    assert_eq!(
        (open.at("/sealed"), open.at("/progress")),
        (&json!(false), &json!(0))
    );
    installation.wait_until_active().await;
    installation
        .client(&keys.root_token)
        .get("sys/mounts")
        .await
        .expect(200);
}

#[tokio::test]
async fn wrong_shares_open_nothing_and_start_the_count_again() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(3, 2).await;
    let client = installation.client("");
    let unseal = |share: &str| client.post("sys/unseal", json!({ "key": share }));
    for share in ["00", "zz", "not a share"] {
        unseal(share)
            .await
            .refused(400, "'key' must be a valid hex or base64 string");
    }
    client
        .post("sys/unseal", json!({}))
        .await
        .refused(400, "'key' must be specified");

    let forged = "ab".repeat(keys.shares[0].len() / 2);
    unseal(&forged).await.expect(200);
    let refused = unseal(&keys.shares[0]).await.expect(400);
    assert!(
        !refused.json["errors"].as_array().unwrap().is_empty(),
        "{}",
        refused.text
    );
    let status = client.get("sys/seal-status").await;
    assert_eq!(
        (status.at("/sealed"), status.at("/progress")),
        (&json!(true), &json!(0))
    );

    installation.unseal(&keys).await;
    installation
        .client(&keys.root_token)
        .get("sys/mounts")
        .await
        .expect(200);
}

#[tokio::test]
async fn sealing_needs_a_token_and_shuts_every_path() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let seal =
        |client: crate::support::Client| async move { client.post("sys/seal", json!({})).await };

    seal(root.with_token(""))
        .await
        .refused(403, "permission denied");
    seal(root.with_token("nonsense"))
        .await
        .refused(403, "permission denied");
    let limited = root
        .post("auth/token/create", json!({ "policies": ["default"] }))
        .await;
    let limited = root.with_token(limited.text_at("/auth/client_token"));
    assert_eq!(seal(limited).await.status, 403);
    root.get("sys/mounts").await.expect(200);

    seal(root.clone()).await.expect(204);
    for path in [
        "sys/mounts",
        "secret/a",
        "auth/token/lookup-self",
        "nowhere/at/all",
    ] {
        root.get(path).await.refused(503, "Vault is sealed");
    }
    // What is done already is done for everybody.
    for token in [&*keys.root_token, "nonsense", ""] {
        let caller = root.with_token(token);
        seal(caller.clone()).await.expect(204);
        caller.post("sys/step-down", json!({})).await.expect(204);
        caller.get("sys/seal").await.refused(503, "Vault is sealed");
    }
    assert_eq!(
        root.get("sys/seal-status").await.expect(200).at("/sealed"),
        &json!(true)
    );
    root.get("sys/health").await.expect(503);
    root.get("sys/health?sealedcode=299").await.expect(299);
    for code in ["100", "1000", "-1", "ok"] {
        root.get(&format!("sys/health?sealedcode={code}"))
            .await
            .expect(400);
    }
    installation.unseal(&keys).await;
    root.get("sys/mounts").await.expect(200);
}

#[tokio::test]
async fn a_restart_keeps_everything_on_sled() {
    everything_is_there_after_a_restart(Store::Sled).await;
}

#[tokio::test]
async fn a_restart_keeps_everything_on_redb() {
    everything_is_there_after_a_restart(Store::Redb).await;
}

async fn everything_is_there_after_a_restart(store: Store) {
    let installation = Installation::new(store);
    let server = installation.start();
    let keys = installation.initialise(5, 3).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    root.post("sys/mounts/kv", json!({ "type": "kv-v2" }))
        .await
        .expect(204);
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    // The peer upgrades a new kv mount in the background and refuses writes until it has.
    while root
        .post("kv/data/a", json!({ "data": { "n": 1 } }))
        .await
        .status
        != 200
    {}
    root.post("kv/data/a", json!({ "data": { "n": 2 } }))
        .await
        .expect(200);
    root.post("transit/keys/k", json!({})).await.expect(200);
    root.post("transit/keys/k/rotate", json!({}))
        .await
        .expect(200);
    let sealed = root
        .post("transit/encrypt/k", json!({ "plaintext": "aGVsbG8=" }))
        .await;
    let rules = "path \"kv/data/*\" { capabilities = [\"read\"] }";
    root.post("sys/policies/acl/reader", json!({ "policy": rules }))
        .await
        .expect(204);
    let made = root
        .post(
            "auth/token/create",
            json!({ "policies": ["reader"], "ttl": "1h" }),
        )
        .await
        .expect(200);
    let revoked = root
        .post("auth/token/create", json!({ "policies": ["reader"] }))
        .await;
    let revoked = revoked.text_at("/auth/client_token").to_owned();
    root.post("auth/token/revoke", json!({ "token": revoked }))
        .await
        .expect(204);

    assert!(
        server.terminate().success(),
        "a server that is asked to end does so in good order"
    );
    let _server = installation.start();
    let root = installation.client(&keys.root_token);
    root.get("kv/data/a").await.refused(503, "Vault is sealed");
    installation.unseal(&keys).await;

    assert_eq!(
        root.get("kv/data/a").await.expect(200).at("/data/data"),
        &json!({ "n": 2 })
    );
    let older = root.get("kv/data/a?version=1").await.expect(200);
    assert_eq!(older.at("/data/data"), &json!({ "n": 1 }));
    assert_eq!(
        root.get("transit/keys/k").await.at("/data/latest_version"),
        &json!(2)
    );
    let ciphertext = sealed.text_at("/data/ciphertext");
    let opened = root
        .post("transit/decrypt/k", json!({ "ciphertext": ciphertext }))
        .await;
    assert_eq!(opened.expect(200).text_at("/data/plaintext"), "aGVsbG8=");
    let reader = root.with_token(made.text_at("/auth/client_token"));
    reader.get("kv/data/a").await.expect(200);
    reader
        .get("kv/metadata/a")
        .await
        .refused(403, "permission denied");
    root.with_token(&revoked)
        .get("kv/data/a")
        .await
        .refused(403, "permission denied");
}
