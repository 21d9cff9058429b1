//! Deletion that can be undone.

use super::*;

const REFUSED: &str = "refusing to use soft-deleted key";

impl Server {
    pub(super) async fn soft_delete(&self, name: &str) -> Result<Value, Error> {
        let path = format!("transit/keys/{name}/soft-delete");
        let answer = self.ask(Operation::Delete, &path, json!({})).await;
        answer.map(|answer| answer.data)
    }
}

#[tokio::test]
async fn a_soft_deleted_key_refuses_every_use_until_it_is_restored() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/s", json!({"type": "ed25519"})).await;
    let ciphertext = server.encrypt("a", HELLO).await;
    let hmac = server.ok("hmac/a", json!({"input": HELLO})).await;
    let signed = server.ok("sign/s", json!({"input": HELLO})).await;
    for name in ["a", "s"] {
        assert_eq!(
            server.soft_delete(name).await.unwrap()["soft_deleted"],
            true
        );
        assert_eq!(server.read_key(name).await.unwrap()["soft_deleted"], true);
    }
    let decrypt = json!({"ciphertext": ciphertext});
    for (path, body) in [
        ("encrypt/a", json!({"plaintext": HELLO})),
        ("encrypt/a", json!({"batch_input": [{"plaintext": HELLO}]})),
        ("decrypt/a", decrypt.clone()),
        ("rewrap/a", decrypt.clone()),
        ("datakey/plaintext/a", json!({})),
        ("hmac/a", json!({"input": HELLO})),
        ("verify/a", json!({"input": HELLO, "hmac": hmac["hmac"]})),
        ("sign/s", json!({"input": HELLO})),
        (
            "verify/s",
            json!({"input": HELLO, "signature": signed["signature"]}),
        ),
        ("keys/a/rotate", json!({})),
    ] {
        assert_eq!(server.refused(path, body).await, REFUSED, "{path}");
    }
    let restored = server.ok("keys/a/soft-delete-restore", json!({})).await;
    assert_eq!(restored["soft_deleted"], false);
    assert_eq!(server.ok("decrypt/a", decrypt).await["plaintext"], HELLO);
}

#[tokio::test]
async fn a_soft_deleted_key_is_listed_configured_and_not_rotated_by_itself() {
    let server = Server::start().await;
    server
        .ok("keys/a", json!({"auto_rotate_period": "1h"}))
        .await;
    server.soft_delete("a").await.unwrap();
    server.wait(Duration::from_secs(7200)).await;
    assert_eq!(server.read_key("a").await.unwrap()["latest_version"], 1);
    let list = server
        .ask(Operation::List, "transit/keys", json!({}))
        .await
        .unwrap();
    assert_eq!(list.data["keys"], json!(["a"]));
    let configured = server
        .ok("keys/a/config", json!({"deletion_allowed": true}))
        .await;
    assert_eq!(configured["soft_deleted"], true);
    server
        .ask(Operation::Delete, "transit/keys/a", json!({}))
        .await
        .unwrap();
    assert!(server.read_key("a").await.is_err());
}

#[tokio::test]
async fn what_is_not_there_can_neither_be_soft_deleted_nor_restored() {
    let server = Server::start().await;
    let text = "no existing key named b could be found";
    assert_eq!(server.soft_delete("b").await.unwrap_err().to_string(), text);
    assert_eq!(
        server
            .refused("keys/b/soft-delete-restore", json!({}))
            .await,
        text
    );
}
