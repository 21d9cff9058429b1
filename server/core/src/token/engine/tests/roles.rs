//! Token roles as such, and what else an operator decides.

use super::*;

pub(super) const ROLE: &str = "auth/token/roles/r";
pub(super) const CREATE: &str = "auth/token/create/r";

impl House {
    /// Replaces the role of these tests.
    pub(super) async fn role(&self, body: Value) -> Vec<String> {
        self.call(Operation::Delete, &self.root, ROLE, json!({}))
            .await
            .unwrap();
        self.root(ROLE, body).await.unwrap().warnings
    }

    async fn shown(&self) -> Value {
        let shown = self
            .call(Operation::Read, &self.root, ROLE, json!({}))
            .await;
        data(shown.unwrap())
    }
}

#[tokio::test]
async fn a_role_is_written_shown_listed_and_removed() {
    let house = House::new().await;
    let list = || house.call(Operation::List, &house.root, "auth/token/roles", json!({}));
    assert!(matches!(list().await, Err(Error::NotFound(None))));
    house.role(json!({})).await;
    let empty = json!({
        "allowed_entity_aliases": null,
        "allowed_policies": [],
        "allowed_policies_glob": [],
        "disallowed_policies": [],
        "disallowed_policies_glob": [],
        "explicit_max_ttl": 0,
        "name": "r",
        "orphan": false,
        "path_suffix": "",
        "period": 0,
        "renewable": true,
        "token_explicit_max_ttl": 0,
        "token_no_default_policy": false,
        "token_period": 0,
        "token_type": "default-service",
    });
    assert_eq!(house.shown().await, empty);
    let full = json!({
        "allowed_policies": "A,b,b", "allowed_policies_glob": ["x*"],
        "disallowed_policies": "c,C", "disallowed_policies_glob": "y*",
        "orphan": true, "period": "1h", "path_suffix": "v1x", "explicit_max_ttl": "2h",
        "renewable": false, "bound_cidrs": "127.0.0.1/32,10.0.0.0/8",
        "allowed_entity_aliases": "Foo,bar*,Foo", "token_type": "service",
        "token_num_uses": 5, "token_no_default_policy": true,
    });
    house.role(full).await;
    let shown = json!({
        "allowed_entity_aliases": ["bar*", "foo"],
        "allowed_policies": ["a", "b"],
        "allowed_policies_glob": ["x*"],
        "bound_cidrs": ["127.0.0.1", "10.0.0.0/8"],
        "disallowed_policies": ["c"],
        "disallowed_policies_glob": ["y*"],
        "explicit_max_ttl": 7200,
        "name": "r",
        "orphan": true,
        "path_suffix": "v1x",
        "period": 3600,
        "renewable": false,
        "token_bound_cidrs": ["127.0.0.1", "10.0.0.0/8"],
        "token_explicit_max_ttl": 7200,
        "token_no_default_policy": true,
        "token_num_uses": 5,
        "token_period": 3600,
        "token_type": "service",
    });
    assert_eq!(house.shown().await, shown);

    // A change leaves the rest, and the newer name replaces what the older one gave.
    let both = json!({"token_period": "2h", "period": "3h"});
    let done = house.root(ROLE, both).await.unwrap();
    assert_eq!(
        done.warnings,
        [
            "Both 'token_period' and deprecated 'period' value supplied, ignoring the deprecated value"
        ]
    );
    let changed = house.shown().await;
    assert_eq!(
        (&changed["period"], &changed["token_period"]),
        (&json!(0), &json!(7200))
    );
    assert_eq!(changed["allowed_policies"], json!(["a", "b"]));

    assert_eq!(data(list().await.unwrap()), json!({"keys": ["r"]}));
    house
        .call(Operation::Delete, &house.root, ROLE, json!({}))
        .await
        .unwrap();
    assert_eq!(
        house.refusal(&house.root, CREATE, json!({})).await,
        "unknown role r"
    );
}

#[tokio::test]
async fn a_role_is_refused_with_vaults_texts() {
    let house = House::new().await;
    let suffix = "given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w";
    for (body, text) in [
        (
            json!({"token_type": "foo"}),
            "invalid 'token_type' value \"foo\"",
        ),
        (
            json!({"token_type": "batch"}),
            "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens",
        ),
        (
            json!({"token_type": "batch", "orphan": true}),
            "'token_type' cannot be 'batch' when role is set to generate renewable tokens",
        ),
        (
            json!({"token_type": "batch", "orphan": true, "renewable": false, "period": 1}),
            "'token_type' cannot be 'batch' when role is set to generate periodic tokens",
        ),
        (
            json!({
                "token_type": "batch", "orphan": true, "renewable": false, "explicit_max_ttl": 1,
            }),
            "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit \
             max TTL",
        ),
        (
            json!({"token_num_uses": -1}),
            "error parsing role fields: 'token_num_uses' cannot be negative",
        ),
        (
            json!({"token_period": "-1h"}),
            "error converting input for field \"token_period\": cannot provide negative value \
             '-3600'",
        ),
        (
            json!({"bound_cidrs": "abc"}),
            "error parsing bound_cidrs: error parsing address \"abc\": Unable to convert \"abc\" \
             to an IPv4 or IPv6 address, or a UNIX Socket",
        ),
        (
            json!({"token_bound_cidrs": "abc"}),
            "error parsing role fields: error parsing address \"abc\": Unable to convert \"abc\" \
             to an IPv4 or IPv6 address, or a UNIX Socket",
        ),
        (json!({"path_suffix": "a/b"}), suffix),
        (json!({"path_suffix": "v1"}), suffix),
    ] {
        assert_eq!(house.refusal(&house.root, ROLE, body).await, text);
    }
    let denied = house
        .call(Operation::Read, &house.root, ROLE, json!({}))
        .await;
    assert!(matches!(denied, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn making_a_role_asks_for_create_and_changing_it_for_update() {
    let house = House::new().await;
    for capability in ["create", "update"] {
        let policy = format!("path \"auth/token/roles/*\" {{ capabilities = [\"{capability}\"] }}");
        let path = format!("sys/policies/acl/{capability}");
        house.root(&path, json!({"policy": policy})).await.unwrap();
    }
    let create = house
        .make(&house.root, json!({"policies": "create"}))
        .await
        .token;
    let update = house
        .make(&house.root, json!({"policies": "update"}))
        .await
        .token;
    let denied = Some(Denial::Policy);
    for (token, refused) in [
        (&update, denied),
        (&create, None),
        (&create, denied),
        (&update, None),
    ] {
        let written = house.update(token, ROLE, json!({})).await;
        let refusal = match written {
            Ok(_) => None,
            Err(Error::Denied(denial)) => Some(denial),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(refusal, refused);
    }
}

#[tokio::test]
async fn tidying_is_accepted_once_and_done_behind_the_answer() {
    let house = House::new().await;
    for (text, outcome) in [
        (
            "Tidy operation successfully started. Any information from the operation will be \
             printed to Vault's server logs.",
            crate::Outcome::Accepted,
        ),
        (
            "Tidy operation already in progress.",
            crate::Outcome::Success,
        ),
    ] {
        let done = house.root("auth/token/tidy", json!({})).await.unwrap();
        assert_eq!(done.outcome, outcome);
        assert_eq!(done.warnings, [text]);
    }
    house.core.tick().await.unwrap();
    let again = house.root("auth/token/tidy", json!({})).await.unwrap();
    assert!(again.warnings[0].contains("successfully started"));
}

#[tokio::test]
async fn the_type_of_token_is_tuned_of_an_auth_method_and_of_nothing_else() {
    let house = House::new().await;
    let own = "'token_type' cannot be set for 'token' or 'ns_token' auth mounts";
    for token_type in ["batch", "default-service", "foo", ""] {
        let body = json!({"token_type": token_type});
        let text = house
            .refusal(&house.root, "sys/auth/token/tune", body.clone())
            .await;
        assert_eq!(text, own);
        let text = house
            .refusal(&house.root, "sys/mounts/sys/tune", body)
            .await;
        assert_eq!(text, "cannot tune parameter token_type of sys/");
    }
}
