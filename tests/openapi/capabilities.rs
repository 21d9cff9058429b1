//! A walk over every operation with tokens that have all capabilities but the one it needs, and
//! with tokens that have that one alone.

use serde_json::json;

use super::{Call, House};

const CAPABILITIES: [&str; 7] = [
    "create", "delete", "list", "patch", "read", "scan", "update",
];

/// The operations that make what does not exist, which then takes `create` in the place of `update`.
const CREATING: &[&str] = &[
    "POST auth/approle/role/{role_name}",
    "POST auth/token/roles/{role_name}",
    "POST auth/userpass/users/{username}",
    "POST cubbyhole/{path}",
    "POST database/config/{name}",
    "POST database/roles/{name}",
    "POST identity/oidc/assignment/{name}",
    "POST identity/oidc/client/{name}",
    "POST identity/oidc/key/{name}",
    "POST identity/oidc/provider/{name}",
    "POST identity/oidc/role/{name}",
    "POST identity/oidc/scope/{name}",
    "POST kv1/{path}",
    "POST kv2/data/{path}",
    "POST kv2/metadata/{path}",
    "POST sys/raw/{path}",
    "POST transit/encrypt/{name}",
];

/// What else an operation asks for, on the paths whose work it does.
const BESIDE: &[(&str, &str)] = &[(
    "POST transit/translate/{source}/{destination}",
    r#"
    path "transit/decrypt/walk" { capabilities = ["update"] }
    path "transit/encrypt/walk" { capabilities = ["update"] }
    "#,
)];

impl House {
    /// Makes the call with a token that has `capabilities` on its path; whether a policy stopped it.
    async fn is_stopped(&mut self, call: &Call, capabilities: &[&str]) -> bool {
        let path = &call.path;
        let mut policy = format!("path {path:?} {{ capabilities = {capabilities:?} }}");
        let beside = BESIDE.iter().filter(|(name, _)| *name == call.name);
        policy.extend(beside.map(|(_, rules)| *rules));
        let policy = json!({ "policy": policy });
        self.root
            .post("sys/policies/acl/some", policy)
            .await
            .expect(204);
        let body = json!({ "policies": ["some"], "no_default_policy": true });
        let made = self.root.post("auth/token/create", body).await.expect(200);
        let client = self.root.with_token(made.text_at("/auth/client_token"));
        self.new_entries();
        let (status, text) = self.call(&client, call).await;
        let stopped = text.contains("1 error occurred:\\n\\t* permission denied\\n\\n");
        // Nothing else answers so: a token that may is never told that it may not.
        assert_eq!(stopped, status == 403, "{}: {status} {text}", call.name);
        if call.path == "sys/seal" && !stopped {
            let keys = self.keys.take().unwrap();
            self.installation.unseal(&keys).await;
            self.keys = Some(keys);
        }
        stopped
    }

    /// Whether the call is stopped without `needed`, whatever else there is.
    async fn needs(&mut self, call: &Call, needed: &str) -> bool {
        let others: Vec<_> = CAPABILITIES
            .into_iter()
            .chain(["sudo"])
            .filter(|other| *other != needed)
            .collect();
        self.is_stopped(call, &others).await
    }
}

#[tokio::test]
async fn each_operation_opens_to_its_capability_and_to_no_other() {
    let mut house = House::start().await;
    let calls = house.calls().await;
    let (mut walked, mut with_sudo, mut creating) = (0, 0, Vec::new());
    for call in &calls {
        if call.description["x-vault-unauthenticated"] == true {
            continue;
        }
        let name = &call.name;
        let needed = match &*call.method {
            "DELETE" => "delete",
            "GET" => "read",
            "LIST" => "list",
            "PATCH" => "patch",
            "SCAN" => "scan",
            _ if house.needs(call, "create").await => {
                creating.push(name.as_str());
                "create"
            }
            _ => "update",
        };
        if needed != "create" {
            assert!(house.needs(call, needed).await, "{name} without {needed}");
        }
        if call.description["x-vault-sudo"] == true {
            assert!(house.needs(call, "sudo").await, "{name} without sudo");
            assert!(
                house.is_stopped(call, &["sudo"]).await,
                "{name} with sudo alone"
            );
            assert!(
                !house.is_stopped(call, &[needed, "sudo"]).await,
                "{name} with {needed} and sudo"
            );
            with_sudo += 1;
        } else {
            assert!(
                !house.is_stopped(call, &[needed]).await,
                "{name} with {needed} alone"
            );
        }
        walked += 1;
    }
    println!("{walked} operations, {with_sudo} of them with sudo");
    assert!(walked > 140 && with_sudo > 10, "{walked} {with_sudo}");
    assert_eq!(creating, CREATING);
}
