//! Token roles, bound addresses and batch tokens over the network, and across restarts.

use serde_json::json;

use crate::support::{Client, Installation, Store, Target};

impl Client {
    /// Creates a token below `auth/token/` and returns its text.
    async fn token(&self, path: &str, body: serde_json::Value) -> String {
        let made = self.post(&format!("auth/token/{path}"), body).await;
        made.expect(200).text_at("/auth/client_token").to_owned()
    }

    async fn serves(&self, token: &str) -> bool {
        let answer = self.with_token(token).get("auth/token/lookup-self").await;
        if answer.status == 200 {
            return true;
        }
        answer.refused(403, "permission denied");
        false
    }
}

#[tokio::test]
async fn batch_tokens_and_roles_outlive_a_restart_and_a_rotation() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let policy = "path \"auth/token/*\" { capabilities = [\"create\", \"update\"] }";
    root.post("sys/policies/acl/maker", json!({ "policy": policy }))
        .await
        .expect(204);
    let role = json!({ "allowed_policies": "maker", "token_type": "default-batch" });
    root.post("auth/token/roles/crew", role).await.expect(204);
    let parents = [
        root.token("create", json!({ "policies": ["maker"] })).await,
        root.token("create", json!({ "policies": ["maker"] })).await,
    ];
    let orphaned = root
        .with_token(&parents[0])
        .token("create/crew", json!({}))
        .await;
    let child = root
        .with_token(&parents[1])
        .token("create/crew", json!({}))
        .await;
    root.post("sys/rotate", json!({})).await.expect(204);
    root.post("auth/token/revoke", json!({ "token": parents[0] }))
        .await
        .expect(204);
    assert!(!root.serves(&orphaned).await && root.serves(&child).await);

    assert!(server.terminate().success());
    let _server = installation.start();
    installation.unseal(&keys).await;
    assert!(!root.serves(&orphaned).await && root.serves(&child).await);
    let info = root.with_token(&child).get("auth/token/lookup-self").await;
    assert_eq!(info.at("/data/type"), "batch");
    assert_eq!(info.at("/data/role"), "crew");
    let role = root.get("auth/token/roles/crew").await.expect(200);
    assert_eq!(role.at("/data/allowed_policies"), &json!(["maker"]));
    root.post("auth/token/revoke", json!({ "token": parents[1] }))
        .await
        .expect(204);
    assert!(!root.serves(&child).await);
}

#[tokio::test]
async fn a_bound_token_serves_from_its_addresses_alone() {
    let target = Target::keyward();
    let root = Client::new(&target);
    for (cidrs, serves) in [
        ("127.0.0.1", true),
        ("127.0.0.0/8, 10.0.0.0/8", true),
        ("::ffff:127.0.0.0/104", true),
        ("10.0.0.0/8", false),
        ("::/0", false),
    ] {
        let role = json!({ "allowed_policies": "default", "token_bound_cidrs": cidrs });
        root.post("auth/token/roles/bound", role).await.expect(204);
        for kind in ["service", "batch"] {
            let token = root.token("create/bound", json!({ "type": kind })).await;
            assert_eq!(root.serves(&token).await, serves, "{cidrs} {kind}");
        }
    }
}

#[tokio::test]
async fn tidying_is_accepted_and_harms_nothing() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let token = root
        .token("create", json!({ "policies": ["default"] }))
        .await;
    let begun = root.post("auth/token/tidy", json!({})).await.expect(202);
    assert!(begun.text_at("/warnings/0").starts_with("Tidy operation"));
    assert!(root.serves(&token).await);
}
