//! From under one key to under another.

use keyward_core::Denial;

use super::*;

impl Server {
    /// Makes a token that may do what `rules` say: capability by path below the mount.
    pub(super) async fn token_for(&self, policy: &str, rules: &[(&str, &str)]) -> TokenId {
        let text: String = rules
            .iter()
            .map(|(path, rule)| format!("path \"transit/{path}\" {{ {rule} }}\n"))
            .collect();
        let path = format!("sys/policies/acl/{policy}");
        self.ask(Operation::Update, &path, json!({"policy": text}))
            .await
            .unwrap();
        self.token(policy).await
    }
}

const UPDATE: &str = "capabilities = [\"update\"]";

#[tokio::test]
async fn what_is_translated_decrypts_under_the_other_key_in_the_other_scope() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"derived": true})).await;
    server
        .ok("keys/b", json!({"type": "chacha20-poly1305"}))
        .await;
    let body = json!({"plaintext": HELLO, "context": "YQ==", "associated_data": "Yg=="});
    let ciphertext = text(&server.ok("encrypt/a", body).await["ciphertext"]);
    let body = json!({
        "ciphertext": ciphertext, "context": "YQ==", "associated_data": "Yg==",
        "destination_associated_data": "Yw==",
    });
    let there = server.ok("translate/a/b", body).await;
    assert_eq!(there["key_version"], 1);
    let body = json!({"ciphertext": there["ciphertext"], "associated_data": "Yw=="});
    assert_eq!(server.ok("decrypt/b", body).await["plaintext"], HELLO);
    let back = json!({
        "ciphertext": there["ciphertext"], "associated_data": "Yw==",
        "destination_context": "eg==",
    });
    let back = server.ok("translate/b/a", back).await;
    let body = json!({"ciphertext": back["ciphertext"], "context": "eg=="});
    assert_eq!(server.ok("decrypt/a", body).await["plaintext"], HELLO);
}

#[tokio::test]
async fn a_batch_is_translated_item_by_item() {
    let server = Server::start().await;
    server.ok("keys/b", json!({})).await;
    let good = server.encrypt("a", HELLO).await;
    let foreign = server.encrypt("c", HELLO).await;
    let items = json!({"batch_input": [
        {"ciphertext": good, "reference": "1"},
        {"ciphertext": foreign, "reference": "2"},
        {"reference": "3"},
    ]});
    let data = server.ok("translate/a/b", items).await;
    let results = data["batch_results"].as_array().unwrap();
    let body = json!({"ciphertext": results[0]["ciphertext"]});
    assert_eq!(server.ok("decrypt/b", body).await["plaintext"], HELLO);
    assert_eq!(
        results[1],
        json!({"error": "cipher: message authentication failed", "reference": "2"})
    );
    assert_eq!(
        results[2],
        json!({"error": "missing ciphertext to decrypt", "reference": "3"})
    );
}

#[tokio::test]
async fn whoever_may_not_decrypt_and_encrypt_may_not_translate() {
    let server = Server::start().await;
    server.ok("keys/b", json!({})).await;
    let ciphertext = server.encrypt("a", HELLO).await;
    let body = json!({"ciphertext": ciphertext});
    let all = [
        ("translate/*", UPDATE),
        ("decrypt/a", UPDATE),
        ("encrypt/b", UPDATE),
    ];
    let path = "transit/translate/a/b";
    let token = server.token_for("all", &all).await;
    let allowed = server.ask_as(&token, Operation::Update, path, body.clone());
    assert!(allowed.await.is_ok());
    // The other way round nothing was granted.
    let back = server.ask_as(
        &token,
        Operation::Update,
        "transit/translate/b/a",
        body.clone(),
    );
    assert!(matches!(back.await, Err(Error::Denied(Denial::Policy))));
    for missing in 0..3 {
        let mut rules = all.to_vec();
        rules.remove(missing);
        let token = server.token_for(&format!("without{missing}"), &rules).await;
        let denied = server
            .ask_as(&token, Operation::Update, path, body.clone())
            .await;
        assert!(
            matches!(denied, Err(Error::Denied(Denial::Policy))),
            "{missing}"
        );
        rules.push((all[missing].0, "capabilities = [\"read\", \"create\"]"));
        let token = server.token_for(&format!("other{missing}"), &rules).await;
        let denied = server
            .ask_as(&token, Operation::Update, path, body.clone())
            .await;
        assert!(
            matches!(denied, Err(Error::Denied(Denial::Policy))),
            "{missing}"
        );
    }
    let restricted = "capabilities = [\"update\"] allowed_parameters = { \"ciphertext\" = [] }";
    let controlled = "capabilities = [\"update\"] control_group { factor \"x\" { identity { \
        group_names = [\"x\"] approvals = 1 } } }";
    for (name, rule) in [("restricted", restricted), ("controlled", controlled)] {
        let rules = [all[0], ("decrypt/a", rule), all[2]];
        let token = server.token_for(name, &rules).await;
        let denied = server
            .ask_as(&token, Operation::Update, path, body.clone())
            .await;
        assert!(
            matches!(denied, Err(Error::Denied(Denial::Policy))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn both_keys_must_be_there_and_usable() {
    let server = Server::start().await;
    server.ok("keys/b", json!({})).await;
    let body = json!({"ciphertext": server.encrypt("a", HELLO).await});
    for path in ["translate/a/c", "translate/c/b"] {
        let refusal = server.refused(path, body.clone()).await;
        assert_eq!(refusal, "encryption key not found");
    }
    server.soft_delete("b").await.unwrap();
    assert_eq!(
        server.refused("translate/a/b", body).await,
        "refusing to use soft-deleted key"
    );
}
