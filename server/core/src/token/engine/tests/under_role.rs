//! Tokens that are made under a role.

use super::{
    roles::{CREATE, ROLE},
    *,
};

impl House {
    async fn policies(&self, token: &str, body: Value) -> Result<Vec<String>, String> {
        let made = self.update(token, CREATE, body).await;
        made.map(|done| done.auth.unwrap().policies.unwrap())
            .map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_role_bounds_the_policies_of_its_tokens() {
    let house = House::new().await;
    let maker = house
        .make(&house.root, json!({"policies": "maker"}))
        .await
        .token;
    let root = house.root.clone();
    let subset = |asked: &str, allowed: &str, globs: &str| {
        Err(format!(
            "token policies ([{asked}]) must be subset of the role's allowed policies ([{allowed}]) \
             or glob policies ([{globs}])"
        ))
    };
    let disallowed = |name: &str| {
        Err(format!(
            "token policy \"{name}\" is disallowed by this role"
        ))
    };
    let gives = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
    for (role, token, body, wanted) in [
        (
            json!({"allowed_policies": "a,b"}),
            &root,
            json!({}),
            gives(&["a", "b", "default"]),
        ),
        (
            json!({"allowed_policies": "a,b"}),
            &root,
            json!({"policies": "c"}),
            subset("\"c\" \"default\"", "\"a\" \"b\" \"default\"", ""),
        ),
        (
            json!({"allowed_policies": "a,b"}),
            &root,
            json!({"no_default_policy": true}),
            gives(&["a", "b"]),
        ),
        (
            json!({"allowed_policies": "a,b", "token_no_default_policy": true}),
            &root,
            json!({"policies": "a"}),
            gives(&["a"]),
        ),
        (
            json!({"allowed_policies": "default"}),
            &root,
            json!({"no_default_policy": true}),
            gives(&[]),
        ),
        (
            json!({"allowed_policies": "default", "token_no_default_policy": true}),
            &root,
            json!({}),
            gives(&["default"]),
        ),
        (
            json!({"allowed_policies": "a"}),
            &root,
            json!({"policies": "root"}),
            subset("\"root\"", "\"a\" \"default\"", ""),
        ),
        (
            json!({"allowed_policies_glob": "x*,*z"}),
            &root,
            json!({"policies": "xy,az"}),
            gives(&["az", "default", "xy"]),
        ),
        (
            json!({"allowed_policies_glob": "x*"}),
            &root,
            json!({}),
            gives(&["default"]),
        ),
        (
            json!({"allowed_policies_glob": "x*"}),
            &root,
            json!({"policies": "a"}),
            subset("\"a\" \"default\"", "\"default\"", "\"x*\""),
        ),
        (
            json!({"disallowed_policies": "a,default"}),
            &root,
            json!({"policies": "a"}),
            disallowed("a"),
        ),
        (
            json!({"disallowed_policies": "a,default"}),
            &root,
            json!({"policies": "b"}),
            gives(&["b"]),
        ),
        (
            json!({"disallowed_policies_glob": "a*"}),
            &root,
            json!({"policies": "abc"}),
            disallowed("abc"),
        ),
        (
            json!({"allowed_policies": "a", "disallowed_policies": "a"}),
            &root,
            json!({}),
            disallowed("a"),
        ),
        // Where the role says it, the caller's own policies do not count; else they do.
        (
            json!({"allowed_policies": "other"}),
            &maker,
            json!({}),
            gives(&["default", "other"]),
        ),
        (
            json!({"disallowed_policies": "z"}),
            &maker,
            json!({}),
            gives(&["default", "maker"]),
        ),
        (
            json!({"disallowed_policies": "z"}),
            &maker,
            json!({"policies": "y"}),
            gives(&["default", "y"]),
        ),
        (json!({}), &maker, json!({}), gives(&["default", "maker"])),
        (
            json!({}),
            &maker,
            json!({"policies": "other"}),
            Err("child policies must be subset of parent".to_owned()),
        ),
        (
            json!({"allowed_policies": "root"}),
            &maker,
            json!({}),
            Err("root tokens may not be created without parent token being root".to_owned()),
        ),
        (
            json!({"allowed_policies_glob": "*"}),
            &root,
            json!({"policies": "root"}),
            gives(&["root"]),
        ),
        (
            json!({"disallowed_policies": "z"}),
            &maker,
            json!({"no_default_policy": true}),
            gives(&["maker"]),
        ),
        // A role keeps `default` from being added, a caller from being there.
        (
            json!({"token_no_default_policy": true}),
            &maker,
            json!({}),
            gives(&["default", "maker"]),
        ),
        (
            json!({"token_no_default_policy": true}),
            &root,
            json!({"policies": "a"}),
            gives(&["a"]),
        ),
    ] {
        house.role(role.clone()).await;
        assert_eq!(
            house.policies(token, body.clone()).await,
            wanted,
            "{role} {body}"
        );
    }
}

#[tokio::test]
async fn a_role_decides_on_the_kind_of_its_tokens() {
    let house = House::new().await;
    let bad = Err("invalid 'token_type' value");
    for (token_type, unasked, service, batch, foo) in [
        (
            "service",
            Ok("service"),
            Ok("service"),
            Ok("service"),
            Ok("service"),
        ),
        (
            "default-service",
            Ok("service"),
            Ok("service"),
            Ok("batch"),
            bad,
        ),
        (
            "default-batch",
            Ok("batch"),
            Ok("service"),
            Ok("batch"),
            bad,
        ),
        ("batch", Ok("batch"), Ok("batch"), Ok("batch"), Ok("batch")),
    ] {
        let role = json!({
            "allowed_policies": "a", "token_type": token_type, "orphan": true, "renewable": false,
        });
        house.role(role).await;
        for (asked, wanted) in [
            ("", unasked),
            ("service", service),
            ("batch", batch),
            ("foo", foo),
        ] {
            let made = house.root(CREATE, json!({"type": asked})).await;
            let made = made.map(|done| done.auth.unwrap());
            match (made, wanted) {
                (Ok(auth), Ok(kind)) => {
                    assert_eq!((auth.token_type.as_str(), auth.orphan), (kind, true));
                }
                (Err(error), Err(text)) => assert_eq!(error.to_string(), text),
                (made, wanted) => panic!("{token_type} {asked}: {made:?} {wanted:?}"),
            }
        }
    }
    house
        .role(json!({"allowed_policies": "a", "token_type": "default-batch", "token_num_uses": 3}))
        .await;
    assert_eq!(
        house.refusal(&house.root, CREATE, json!({})).await,
        "batch tokens cannot have \"num_uses\" set"
    );
}

#[tokio::test]
async fn a_role_narrows_the_life_of_its_tokens() {
    let house = House::new().await;
    let capped = |word: &str, wanted: &str, most: &str| {
        format!(
            "{word} of \"{wanted}\" exceeded the effective max_ttl of \"{most}\"; {word} value is \
             capped accordingly"
        )
    };
    let lesser = |what: &str, seconds: u64| {
        format!(
            "{what} specified both during creation call and in role; using the lesser value of \
             {seconds} seconds"
        )
    };
    for (role, body, ttl, uses, renewable, warnings) in [
        (
            json!({"token_num_uses": 3}),
            json!({}),
            2_764_800,
            3,
            true,
            vec![],
        ),
        (
            json!({"token_num_uses": 3}),
            json!({"num_uses": 2}),
            2_764_800,
            2,
            true,
            vec![],
        ),
        (
            json!({"token_num_uses": 3}),
            json!({"num_uses": 5}),
            2_764_800,
            3,
            true,
            vec![],
        ),
        (
            json!({"renewable": false}),
            json!({"renewable": true}),
            2_764_800,
            0,
            false,
            vec![],
        ),
        (
            json!({"token_explicit_max_ttl": "2h"}),
            json!({}),
            7200,
            0,
            true,
            vec![capped("TTL", "768h", "2h")],
        ),
        (
            json!({"explicit_max_ttl": "2h"}),
            json!({"explicit_max_ttl": "1h"}),
            3600,
            0,
            true,
            vec![
                lesser("Explicit max TTL", 3600),
                capped("TTL", "768h", "1h"),
            ],
        ),
        (
            json!({"token_period": "2h"}),
            json!({}),
            7200,
            0,
            true,
            vec![],
        ),
        (
            json!({"token_period": "2h"}),
            json!({"period": "3h"}),
            7200,
            0,
            true,
            vec![lesser("Period", 7200)],
        ),
        (
            json!({"token_period": "2h", "token_explicit_max_ttl": "1h"}),
            json!({}),
            3600,
            0,
            true,
            vec![capped("period", "2h", "1h")],
        ),
    ] {
        let mut role = role;
        role["allowed_policies"] = json!("maker");
        house.role(role.clone()).await;
        let done = house.root(CREATE, body.clone()).await.unwrap();
        assert_eq!(done.warnings, warnings, "{role} {body}");
        let auth = done.auth.unwrap();
        assert_eq!(
            (auth.lease_duration, auth.num_uses, auth.renewable),
            (ttl, uses, renewable),
            "{role} {body}"
        );
    }
}

#[tokio::test]
async fn a_role_names_its_tokens_and_decides_whose_children_they_are() {
    let house = House::new().await;
    let maker = house
        .make(&house.root, json!({"policies": "maker"}))
        .await
        .token;
    for (role, orphan, path) in [
        (
            json!({"path_suffix": "v1x"}),
            false,
            "auth/token/create/r/v1x",
        ),
        (json!({"orphan": true}), true, "auth/token/create/r"),
    ] {
        house.role(role).await;
        let body = json!({"no_parent": !orphan, "role_name": "other"});
        let made = house.update(&maker, CREATE, body).await.unwrap();
        assert_eq!(
            made.warnings,
            [
                "Endpoint replaced the value of these parameters with the values captured from \
                 the endpoint's path: [role_name]"
            ]
        );
        let info = house
            .lookup_self(made.auth.unwrap().client_token.expose())
            .await;
        let info = info.unwrap();
        assert_eq!(info["orphan"], orphan);
        assert_eq!((&info["path"], &info["role"]), (&json!(path), &json!("r")));
    }
    let stray = house
        .root(
            "auth/token/create",
            json!({"policies": "maker", "role_name": "r"}),
        )
        .await;
    assert_eq!(
        stray.unwrap().warnings,
        ["Endpoint ignored these unrecognized parameters: [role_name]"]
    );
}

#[tokio::test]
async fn an_alias_is_one_that_the_role_allows() {
    let house = House::new().await;
    house
        .role(json!({"allowed_entity_aliases": "ea,EB*"}))
        .await;
    let text = "invalid 'entity_alias' value";
    let body = json!({"entity_alias": "zz"});
    assert_eq!(house.refusal(&house.root, CREATE, body).await, text);
    for (alias, has_entity) in [("EA", true), ("ebX", true), ("", false)] {
        let made = house.root(CREATE, json!({"entity_alias": alias})).await;
        let auth = made.unwrap().auth.unwrap();
        assert_eq!(!auth.entity_id.is_empty(), has_entity, "{alias}");
    }
}

#[tokio::test]
async fn a_renewal_follows_what_the_role_says_by_now() {
    let house = House::new().await;
    house
        .role(json!({"allowed_policies": "default", "token_period": "2h"}))
        .await;
    let made = house.root(CREATE, json!({})).await.unwrap().auth.unwrap();
    let token = made.client_token.expose();
    assert_eq!(made.lease_duration, 7200);
    let renew = async |body: Value| {
        let renewed = house.update(token, "auth/token/renew-self", body).await;
        renewed
            .map(|done| done.auth.unwrap().lease_duration)
            .map_err(|error| error.to_string())
    };
    for (change, increment, wanted) in [
        (json!({"token_period": "3h"}), 0, 10800),
        (json!({"token_period": "30m"}), 0, 1800),
        (json!({"token_period": 0}), 36000, 36000),
        (json!({"token_explicit_max_ttl": "2h"}), 36000, 7200),
    ] {
        house.root(ROLE, change).await.unwrap();
        assert_eq!(renew(json!({"increment": increment})).await, Ok(wanted));
    }
    house
        .call(Operation::Delete, &house.root, ROLE, json!({}))
        .await
        .unwrap();
    assert_eq!(
        renew(json!({})).await.unwrap_err(),
        "1 error occurred:\n\t* failed to renew entry: original token role \"r\" could not be \
         found, not renewing\n\n"
    );
}
