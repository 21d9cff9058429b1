//! Labels, and lists that filter by them and tell about keys.

use super::*;

impl Server {
    async fn list(&self, body: Value) -> Result<Value, Error> {
        let answer = self.ask(Operation::List, "transit/keys", body).await;
        answer.map(|answer| answer.data)
    }
}

#[tokio::test]
async fn labels_are_written_replaced_and_taken_away() {
    let server = Server::start().await;
    let labels = json!({"team": "payments", "tier": 1});
    let key = server
        .ok("keys/a", json!({"custom_metadata": labels}))
        .await;
    let written = json!({"team": "payments", "tier": "1"});
    assert_eq!(key["custom_metadata"], written);
    // A change of something else leaves them alone.
    let key = server
        .ok("keys/a/config", json!({"deletion_allowed": true}))
        .await;
    assert_eq!(key["custom_metadata"], written);
    let other = json!({"custom_metadata": {"team": "risk"}});
    let key = server.ok("keys/a/config", other).await;
    assert_eq!(key["custom_metadata"], json!({"team": "risk"}));
    let key = server
        .ok("keys/a/config", json!({"custom_metadata": {}}))
        .await;
    assert!(key.get("custom_metadata").is_none());
    assert_eq!(
        server
            .refused("keys/a/config", json!({"custom_metadata": {"a": ""}}))
            .await,
        "custom_metadata validation failed: length of value for key \"a\" is 0 but must be 0 < \
         len(value) <= 512"
    );
}

#[tokio::test]
async fn a_list_filters_by_labels_and_tells_about_keys() {
    let server = Server::start().await;
    for (name, body) in [
        (
            "a",
            json!({"custom_metadata": {"team": "x", "env": "live"}}),
        ),
        ("b", json!({"custom_metadata": {"team": "y"}})),
        (
            "c",
            json!({"type": "ed25519", "custom_metadata": {"team": "x"}}),
        ),
        ("d", json!({})),
    ] {
        server.ok(&format!("keys/{name}"), body).await;
    }
    server.ok("keys/c/rotate", json!({})).await;
    for (body, names) in [
        (json!({"custom_metadata": "team"}), json!(["a", "b", "c"])),
        (json!({"custom_metadata": "team=x"}), json!(["a", "c"])),
        (json!({"custom_metadata": "team=x,env"}), json!(["a"])),
        (
            json!({"custom_metadata": ["team=x"], "limit": 1}),
            json!(["a"]),
        ),
        (
            json!({"custom_metadata": "team=x", "after": "a"}),
            json!(["c"]),
        ),
    ] {
        assert_eq!(server.list(body).await.unwrap(), json!({"keys": names}));
    }
    let told = server
        .list(json!({"custom_metadata": "team=x", "key_info": true}))
        .await
        .unwrap();
    assert_eq!(
        told,
        json!({
            "keys": ["a", "c"],
            "key_info": {
                "a": {
                    "custom_metadata": {"team": "x", "env": "live"}, "latest_version": 1,
                    "soft_deleted": false, "type": "aes256-gcm96",
                },
                "c": {
                    "custom_metadata": {"team": "x"}, "latest_version": 2,
                    "soft_deleted": false, "type": "ed25519",
                },
            },
        })
    );
    let all = server.list(json!({"key_info": "true"})).await.unwrap();
    assert_eq!(all["keys"], json!(["a", "b", "c", "d"]));
    assert_eq!(all["key_info"]["d"]["custom_metadata"], json!({}));
    assert!(matches!(
        server.list(json!({"custom_metadata": "nothing"})).await,
        Err(Error::NotFound(None))
    ));
}
