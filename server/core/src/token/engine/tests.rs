//! The endpoints below `auth/token/` and `sys/leases/`, through the whole path of a request.
//!
//! The texts are those that Vault's clients compare.

mod batch;
mod bound;
mod confined;
mod login;
mod lookup;
mod presented;
mod proof;
mod roles;
mod under_role;

use std::{sync::Arc, time::Duration};

use keyward_api::{Operation, proof::Address};
use keyward_crypto::{SecretBytes, SecretString};
use serde_json::{Value, json};

use crate::{
    CanonicalPath, Clock as _, Core, Denial, Done, Error, ManualClock, Registry, Request, TokenId,
    storage::Memory, testing,
};

const HOUR: Duration = Duration::from_secs(3600);

/// An unsealed core with the policies of these tests.
struct House {
    core: Core,
    clock: Arc<ManualClock>,
    root: String,
}

/// A token that was made.
struct Made {
    token: String,
    accessor: String,
}

impl House {
    async fn new() -> Self {
        let registry = Registry {
            engines: &[login::DOOR],
            ..Registry::EMPTY
        };
        let clock = testing::clock();
        let core = testing::core(Arc::new(Memory::new()), &clock, registry)
            .known_as(Address::parse("https://vault.example.com"));
        let root = testing::open(&core).await;
        let house = Self { core, clock, root };
        for (name, capabilities) in [
            ("maker", r#"["create", "update", "read", "list"]"#),
            ("sudo", r#"["create", "update", "read", "list", "sudo"]"#),
        ] {
            let policy = format!("path \"auth/token/*\" {{ capabilities = {capabilities} }}");
            let path = format!("sys/policies/acl/{name}");
            house
                .root(&path, json!({ "policy": policy }))
                .await
                .unwrap();
        }
        house
    }

    async fn call(
        &self,
        operation: Operation,
        token: &str,
        path: &str,
        body: Value,
    ) -> Result<Done, Error> {
        let request = testing::request(operation, path, &body);
        self.core
            .handle(request.with_token(testing::token(token)))
            .await
    }

    /// Calls from an address of the network.
    async fn from(&self, address: &str, token: &str, path: &str) -> Result<Done, Error> {
        let mut request = testing::request(Operation::Read, path, &Value::Null);
        request.remote.address = address.to_owned();
        self.core
            .handle(request.with_token(testing::token(token)))
            .await
    }

    async fn update(&self, token: &str, path: &str, body: Value) -> Result<Done, Error> {
        self.call(Operation::Update, token, path, body).await
    }

    async fn root(&self, path: &str, body: Value) -> Result<Done, Error> {
        self.update(&self.root, path, body).await
    }

    async fn make(&self, token: &str, body: Value) -> Made {
        let done = self.update(token, "auth/token/create", body).await.unwrap();
        let auth = done.auth.unwrap();
        Made {
            token: auth.client_token.expose().to_owned(),
            accessor: auth.accessor,
        }
    }

    async fn refusal(&self, token: &str, path: &str, body: Value) -> String {
        self.update(token, path, body)
            .await
            .unwrap_err()
            .to_string()
    }

    async fn lookup_self(&self, token: &str) -> Result<Value, Error> {
        self.call(
            Operation::Read,
            token,
            "auth/token/lookup-self",
            Value::Null,
        )
        .await
        .map(data)
    }

    async fn is_alive(&self, token: &str) -> bool {
        match self.lookup_self(token).await {
            Ok(_) => true,
            Err(Error::Denied(Denial::Token)) => false,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn data(done: Done) -> Value {
    serde_json::from_slice(done.data.unwrap().expose()).unwrap()
}

#[tokio::test]
async fn creation_says_what_the_token_may_do_and_how_long() {
    let house = House::new().await;
    for (body, policies, lease_duration, renewable, warnings) in [
        (json!({}), vec!["root"], 0, false, vec![]),
        (
            json!({"policies": ["root"], "ttl": "1h"}),
            vec!["root"],
            3600,
            true,
            vec![],
        ),
        (
            json!({"ttl": "100000h", "policies": "Zed, abc,abc"}),
            vec!["abc", "default", "zed"],
            2_764_800,
            true,
            vec![
                "TTL of \"100000h\" exceeded the effective max_ttl of \"768h\"; TTL value is \
                 capped accordingly",
                "Policy \"abc\" does not exist",
                "Policy \"zed\" does not exist",
            ],
        ),
        (
            json!({"policies": "maker", "no_default_policy": true, "renewable": false}),
            vec!["maker"],
            2_764_800,
            false,
            vec![],
        ),
        (
            json!({"policies": "maker", "period": "2h", "ttl": "5h", "nosuch": 1}),
            vec!["default", "maker"],
            7200,
            true,
            vec!["Endpoint ignored these unrecognized parameters: [nosuch]"],
        ),
        (
            json!({"policies": "maker", "lease": "2h"}),
            vec!["default", "maker"],
            7200,
            true,
            vec![],
        ),
        (
            json!({"policies": "maker", "ttl": 60}),
            vec!["default", "maker"],
            60,
            true,
            vec![],
        ),
    ] {
        let done = house.root("auth/token/create", body).await.unwrap();
        let auth = done.auth.unwrap();
        assert_eq!(done.warnings, warnings);
        assert_eq!(auth.policies.unwrap(), policies);
        assert_eq!(auth.token_policies, policies);
        assert_eq!(
            (auth.lease_duration, auth.renewable),
            (lease_duration, renewable)
        );
        assert_eq!((auth.token_type.as_str(), auth.orphan), ("service", false));
    }
}

#[tokio::test]
async fn creation_refuses_with_vaults_texts() {
    let house = House::new().await;
    let maker = house
        .make(&house.root, json!({"policies": "maker,x"}))
        .await
        .token;
    let sudo = house
        .make(&house.root, json!({"policies": "sudo"}))
        .await
        .token;
    let limited = house
        .make(&house.root, json!({"policies": "maker", "num_uses": 5}))
        .await
        .token;
    let ending = house.make(&house.root, json!({"ttl": "1h"})).await.token;
    let bare = house
        .make(
            &house.root,
            json!({"policies": "maker", "no_default_policy": true}),
        )
        .await;
    let subset = "child policies must be subset of parent";
    for (token, body, text) in [
        (&maker, json!({"policies": "foo"}), subset),
        (&maker, json!({"policies": "root"}), subset),
        (&bare.token, json!({"policies": "default"}), subset),
        (
            &maker,
            json!({"no_parent": true}),
            "root or sudo privileges required to create orphan token",
        ),
        (
            &maker,
            json!({"id": "mine"}),
            "root or sudo privileges required to specify token id",
        ),
        (
            &maker,
            json!({"period": "1h"}),
            "root or sudo privileges required to create periodic token",
        ),
        (
            &sudo,
            json!({"policies": "root"}),
            "root tokens may not be created without parent token being root",
        ),
        (
            &limited,
            json!({}),
            "restricted use token cannot generate child tokens",
        ),
        (
            &ending,
            json!({}),
            "expiring root tokens cannot create non-expiring root tokens",
        ),
        (&house.root, json!({"ttl": "-1h"}), "ttl must be positive"),
        (
            &house.root,
            json!({"ttl": "abc"}),
            "time: invalid duration \"abc\"",
        ),
        (
            &house.root,
            json!({"explicit_max_ttl": "-1"}),
            "explicit_max_ttl must be positive",
        ),
        (
            &house.root,
            json!({"period": "-5h"}),
            "period must be positive",
        ),
        (
            &house.root,
            json!({"num_uses": -1}),
            "number of uses cannot be negative",
        ),
        (
            &house.root,
            json!({"type": "foo"}),
            "invalid 'token_type' value",
        ),
        (
            &house.root,
            json!({"entity_alias": "x"}),
            "'entity_alias' is only allowed in combination with token role",
        ),
        (
            &house.root,
            json!({"policies": ["response-wrapping", "a"]}),
            "cannot assign policy \"response-wrapping\"",
        ),
    ] {
        assert_eq!(house.refusal(token, "auth/token/create", body).await, text);
    }
}

#[tokio::test]
async fn a_child_has_what_its_parent_has_and_no_more() {
    let house = House::new().await;
    let maker = house
        .make(&house.root, json!({"policies": "maker,x"}))
        .await;
    let bare = json!({"policies": "maker,x", "no_default_policy": true});
    let bare = house.make(&house.root, bare).await;
    let sudo = json!({"policies": "sudo", "no_default_policy": true});
    let sudo = house.make(&house.root, sudo).await;
    for (parent, body, policies) in [
        (&maker, json!({}), vec!["default", "maker", "x"]),
        (&maker, json!({"policies": "X"}), vec!["default", "x"]),
        (
            &maker,
            json!({"no_default_policy": true}),
            vec!["maker", "x"],
        ),
        (&bare, json!({}), vec!["maker", "x"]),
        (&bare, json!({"policies": "maker"}), vec!["maker"]),
        (&sudo, json!({}), vec!["sudo"]),
        (&sudo, json!({"policies": "a"}), vec!["a", "default"]),
    ] {
        let done = house
            .update(&parent.token, "auth/token/create", body)
            .await
            .unwrap();
        assert_eq!(done.auth.unwrap().policies.unwrap(), policies);
    }
}

#[tokio::test]
async fn a_token_is_renewed_by_itself_by_another_and_by_its_accessor() {
    let house = House::new().await;
    let made = house
        .make(&house.root, json!({"policies": "maker", "ttl": "10h"}))
        .await;
    house.clock.advance(HOUR);
    let own = house.update(
        &made.token,
        "auth/token/renew-self",
        json!({"increment": "1000h"}),
    );
    let own = own.await.unwrap();
    assert_eq!(
        own.warnings,
        [
            "TTL of \"1000h\" exceeded the effective max_ttl of \"767h\"; TTL value is capped \
          accordingly"
        ]
    );
    let auth = own.auth.unwrap();
    assert_eq!(auth.client_token.expose(), made.token);
    assert_eq!(auth.lease_duration, 767 * 3600);

    let body = json!({"token": made.token, "increment": 60});
    let auth = house
        .root("auth/token/renew", body)
        .await
        .unwrap()
        .auth
        .unwrap();
    assert_eq!(
        (auth.client_token.expose(), auth.lease_duration),
        (made.token.as_str(), 60)
    );

    let body = json!({"accessor": made.accessor});
    let auth = house
        .root("auth/token/renew-accessor", body)
        .await
        .unwrap()
        .auth
        .unwrap();
    assert_eq!((auth.client_token.expose(), auth.lease_duration), ("", 60));
    assert_eq!(auth.accessor, made.accessor);

    house.clock.advance(Duration::from_secs(60));
    assert!(!house.is_alive(&made.token).await);
}

#[tokio::test]
async fn revoking_ends_the_tree_unless_it_is_asked_to_spare_it() {
    let house = House::new().await;
    let create = json!({"policies": "maker"});
    for path in ["revoke", "revoke-accessor", "revoke-self", "revoke-orphan"] {
        let top = house.make(&house.root, create.clone()).await;
        let child = house.make(&top.token, create.clone()).await;
        let orphan = house
            .update(&top.token, "auth/token/create-orphan", create.clone())
            .await;
        let orphan = orphan.unwrap().auth.unwrap();
        assert!(orphan.orphan);
        let caller = if path == "revoke-self" {
            &top.token
        } else {
            &house.root
        };
        // A token in the body of revoke-self is not looked at.
        let body = match path {
            "revoke-self" => json!({"token": house.root}),
            _ => json!({"token": top.token, "accessor": top.accessor}),
        };
        house
            .update(caller, &format!("auth/token/{path}"), body)
            .await
            .unwrap();
        assert!(!house.is_alive(&top.token).await);
        assert_eq!(house.is_alive(&child.token).await, path == "revoke-orphan");
        assert!(house.is_alive(orphan.client_token.expose()).await);
        assert!(house.is_alive(&house.root).await);
    }
    let maker = house.make(&house.root, create).await.token;
    let text = "root or sudo privileges required to revoke and orphan";
    let body = json!({"token": house.root});
    assert_eq!(
        house
            .refusal(&maker, "auth/token/revoke-orphan", body)
            .await,
        text
    );
}

#[tokio::test]
async fn accessors_are_listed_for_sudo_alone() {
    let house = House::new().await;
    let maker = house.make(&house.root, json!({"policies": "maker"})).await;
    let sudo = house.make(&house.root, json!({"policies": "sudo"})).await;
    let list = |token: String| {
        let house = &house;
        async move {
            house
                .call(Operation::List, &token, "auth/token/accessors", json!({}))
                .await
        }
    };
    let denied = list(maker.token).await;
    assert!(matches!(denied, Err(Error::Denied(Denial::Policy))));
    let listed = data(list(sudo.token).await.unwrap());
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys.contains(&json!(maker.accessor)));
}

#[tokio::test]
async fn a_limited_token_tells_what_is_left_and_then_is_gone() {
    let house = House::new().await;
    let made = house
        .make(&house.root, json!({"policies": "maker", "num_uses": 3}))
        .await;
    for left in [2, 1, -1] {
        assert_eq!(
            house.lookup_self(&made.token).await.unwrap()["num_uses"],
            left
        );
    }
    assert!(!house.is_alive(&made.token).await);
}

#[tokio::test]
async fn a_token_has_a_lease_that_is_looked_up_and_revoked_but_not_renewed() {
    let house = House::new().await;
    let made = house
        .make(&house.root, json!({"policies": "maker", "ttl": "10h"}))
        .await;
    let unsealed = house.core.unsealed().unwrap();
    let token = unsealed
        .tokens
        .by_accessor(&made.accessor, house.clock.now())
        .await
        .unwrap();
    let id = format!("auth/token/create/h{}", token.unwrap().digest());
    let info = house
        .root("sys/leases/lookup", json!({"lease_id": id}))
        .await;
    let wanted = json!({
        "expire_time": "2023-11-15T08:13:20Z",
        "id": id,
        "issue_time": "2023-11-14T22:13:20Z",
        "last_renewal": null,
        "path": "auth/token/create",
        "renewable": true,
        "ttl": 36000,
    });
    assert_eq!(data(info.unwrap()), wanted);

    let elsewhere = id.replace("create", "create-orphan");
    let root = TokenId::new(SecretString::new(house.root.clone()));
    let root = unsealed
        .tokens
        .lookup(&root, house.clock.now())
        .await
        .unwrap()
        .unwrap();
    let endless = format!("auth/token/root/h{}", root.digest());
    for other in ["nosuch", &elsewhere, &endless] {
        let body = json!({"lease_id": other});
        assert_eq!(
            house.refusal(&house.root, "sys/leases/lookup", body).await,
            "invalid lease"
        );
    }
    for (path, body, text) in [
        ("sys/leases/lookup", json!({}), "lease_id must be specified"),
        ("sys/leases/renew", json!({}), "lease_id must be specified"),
        (
            "sys/leases/renew",
            json!({"lease_id": "nosuch"}),
            "lease not found",
        ),
        ("sys/renew/a/b", json!({}), "lease not found"),
        ("sys/leases/revoke", json!({}), "lease_id must be specified"),
        (
            "sys/leases/renew",
            json!({"lease_id": id, "increment": 60}),
            "tokens cannot be renewed through this endpoint",
        ),
    ] {
        assert_eq!(house.refusal(&house.root, path, body).await, text);
    }
    house
        .root("sys/revoke", json!({"lease_id": "nosuch"}))
        .await
        .unwrap();
    assert!(house.is_alive(&made.token).await);
    house
        .root(&format!("sys/leases/revoke/{id}"), json!({"sync": true}))
        .await
        .unwrap();
    assert!(!house.is_alive(&made.token).await);
}
