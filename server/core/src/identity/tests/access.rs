//! What an entity and its groups add to a token, at once.

use super::*;

#[tokio::test]
async fn policies_of_an_entity_and_its_groups_count_as_soon_as_they_are_written() {
    let house = House::new().await;
    house.policy("one", &["sys/auth"]).await;
    house.policy("two", &["sys/mounts"]).await;
    let bob = house.holder("bob").await;
    assert_eq!(house.may(&bob.token, "sys/auth").await, json!(["deny"]));

    let of_entity = format!("identity/entity/id/{}", bob.entity);
    house.write(&of_entity, json!({"policies": "one"})).await;
    assert_eq!(house.may(&bob.token, "sys/auth").await, json!(["read"]));
    assert_eq!(house.may(&bob.token, "sys/mounts").await, json!(["deny"]));

    let inner = house
        .group(json!({"name": "inner", "member_entity_ids": [bob.entity]}))
        .await;
    let outer = json!({"name": "outer", "policies": "two", "member_group_ids": [inner]});
    let outer = house.group(outer).await;
    assert_eq!(house.may(&bob.token, "sys/mounts").await, json!(["read"]));
    assert!(house.read_as(&bob.token, "sys/mounts").await.is_ok());

    let info = house.read_as(&bob.token, "auth/token/lookup-self").await;
    let info = info.unwrap();
    assert_eq!(info["policies"], json!(["default"]));
    assert_eq!(info["identity_policies"], json!(["one", "two"]));
    assert_eq!(info["external_namespace_policies"], json!({}));
    assert_eq!(info["entity_id"], bob.entity.as_str());

    let again = house.holder("bob").await;
    assert_eq!(again.auth["policies"], json!(["default", "one", "two"]));
    assert_eq!(again.auth["token_policies"], json!(["default"]));
    assert_eq!(again.auth["identity_policies"], json!(["one", "two"]));

    house.delete(&format!("identity/group/id/{outer}")).await;
    assert_eq!(house.may(&bob.token, "sys/mounts").await, json!(["deny"]));
    house.policy("one", &["sys/policy"]).await;
    assert_eq!(house.may(&bob.token, "sys/auth").await, json!(["deny"]));
    assert_eq!(house.may(&bob.token, "sys/policy").await, json!(["read"]));
    house.write(&of_entity, json!({"policies": ""})).await;
    assert_eq!(house.may(&bob.token, "sys/policy").await, json!(["deny"]));
}

#[tokio::test]
async fn the_tokens_of_a_disabled_or_removed_entity_are_refused_batch_tokens_too() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let batch = json!({"name": "bob", "batch": true});
    let batch = house.log_in("door", batch).await.unwrap();
    assert_eq!(batch.entity, bob.entity);
    let path = format!("identity/entity/id/{}", bob.entity);

    house.write(&path, json!({"disabled": true})).await;
    assert!(!house.is_alive(&bob.token).await && !house.is_alive(&batch.token).await);
    let refused = house.log_in("door", json!({"name": "bob"})).await;
    assert!(matches!(refused, Err(Error::Refused(text)) if text == "permission denied"));

    house.write(&path, json!({"disabled": false})).await;
    assert!(house.is_alive(&bob.token).await && house.is_alive(&batch.token).await);

    house.delete(&path).await;
    assert!(!house.is_alive(&bob.token).await && !house.is_alive(&batch.token).await);
    let new = house.holder("bob").await;
    assert!(new.entity != bob.entity && house.is_alive(&new.token).await);
    assert!(!house.is_alive(&bob.token).await);
}

#[tokio::test]
async fn a_child_is_of_the_entity_of_its_parent_and_an_orphan_of_none() {
    let house = House::new().await;
    let policy = "path \"auth/token/*\" { capabilities = [\"create\", \"update\", \"sudo\"] }";
    let body = json!({ "policy": policy });
    house.write("sys/policies/acl/maker", body).await;
    house.policy("more", &["sys/auth"]).await;
    let bob = house.holder("bob").await;
    let path = format!("identity/entity/id/{}", bob.entity);
    house.write(&path, json!({"policies": "maker,more"})).await;
    let role = json!({"orphan": true, "allowed_policies": "default"});
    house.write("auth/token/roles/free", role).await;
    for (path, body, entity) in [
        ("auth/token/create", json!({}), &*bob.entity),
        ("auth/token/create", json!({"type": "batch"}), &bob.entity),
        ("auth/token/create", json!({"no_parent": true}), ""),
        ("auth/token/create-orphan", json!({}), ""),
        ("auth/token/create/free", json!({}), ""),
    ] {
        let done = house.call(Operation::Update, &bob.token, path, body.clone());
        let auth = done.await.unwrap().auth.unwrap();
        assert_eq!(auth.entity_id, entity, "{path} {body}");
        let more: &[&str] = if entity.is_empty() {
            &[]
        } else {
            &["maker", "more"]
        };
        assert_eq!(auth.identity_policies, more, "{path} {body}");
        assert_eq!(auth.token_policies, ["default"], "{path} {body}");
    }
    // What comes by the entity is not the token's to give away.
    let role = json!({});
    house.write("auth/token/roles/plain", role).await;
    let limited = format!("identity/entity/id/{}", bob.entity);
    house
        .write(&limited, json!({"policies": "plainmaker,more"}))
        .await;
    let policy = "path \"auth/token/create\" { capabilities = [\"update\"] }";
    house
        .write("sys/policies/acl/plainmaker", json!({ "policy": policy }))
        .await;
    let body = json!({"policies": ["more"]});
    let done = house.call(Operation::Update, &bob.token, "auth/token/create", body);
    let text = done.await.unwrap_err().to_string();
    assert_eq!(text, "child policies must be subset of parent");
}

#[tokio::test]
async fn a_merged_entity_goes_on_as_the_one_that_it_was_merged_into() {
    let mut house = House::new().await;
    house.policy("one", &["sys/auth"]).await;
    let (first, second, third) = (
        house.holder("first").await,
        house
            .log_in("gate", json!({"name": "second"}))
            .await
            .unwrap(),
        house
            .entity(json!({"name": "third", "policies": "one"}))
            .await,
    );
    let merge = |to: &str, from: &str| json!({"to_entity_id": to, "from_entity_ids": [from]});
    house
        .write(
            "identity/entity/merge",
            merge(&second.entity, &first.entity),
        )
        .await;
    house
        .write("identity/entity/merge", merge(&third, &second.entity))
        .await;
    for _ in 0..2 {
        for holder in [&first, &second] {
            assert_eq!(house.may(&holder.token, "sys/auth").await, json!(["read"]));
            let info = house.read_as(&holder.token, "auth/token/lookup-self").await;
            assert_eq!(info.unwrap()["entity_id"], holder.entity.as_str());
        }
        house.restart().await;
    }
    assert_eq!(house.holder("first").await.entity, third);
    house.delete(&format!("identity/entity/id/{third}")).await;
    assert!(!house.is_alive(&first.token).await && !house.is_alive(&second.token).await);
}

#[tokio::test]
async fn nobody_gets_root_or_the_policy_of_wrapping_by_an_entity() {
    let house = House::new().await;
    let text = "policies cannot contain root";
    for path in ["identity/entity", "identity/group"] {
        let body = json!({"name": "x", "policies": ["a", " ROOT "]});
        assert_eq!(house.refusal(path, body).await, text);
    }
    let bob = house.holder("bob").await;
    let path = format!("identity/entity/id/{}", bob.entity);
    house
        .write(&path, json!({"policies": ["response-wrapping"]}))
        .await;
    let may = house.may(&bob.token, "sys/wrapping/unwrap").await;
    assert_eq!(may, json!(["update"]), "by the default policy");
    let info = house.read_as(&bob.token, "auth/token/lookup-self").await;
    assert_eq!(info.unwrap().get("identity_policies"), None);
}

#[tokio::test]
async fn a_token_is_made_for_the_name_that_its_role_allows() {
    let house = House::new().await;
    let role = json!({"allowed_entity_aliases": "crew-*"});
    house.write("auth/token/roles/crew", role).await;
    let body = json!({"entity_alias": "crew-Ann", "policies": ["default"]});
    let make = async |body: &Value| {
        let done = house
            .call(
                Operation::Update,
                &house.root,
                "auth/token/create/crew",
                body.clone(),
            )
            .await;
        done.map(|done| done.auth.unwrap())
    };
    let made = make(&body).await.unwrap();
    let entity = house
        .read(&format!("identity/entity/id/{}", made.entity_id))
        .await;
    assert_eq!(entity["aliases"][0]["name"], "crew-Ann");
    assert_eq!(entity["aliases"][0]["mount_path"], "auth/token/");
    let again = json!({"entity_alias": "CREW-ANN", "policies": ["default"], "type": "batch"});
    assert_eq!(make(&again).await.unwrap().entity_id, made.entity_id);

    let other = json!({"entity_alias": "other"});
    assert_eq!(
        make(&other).await.unwrap_err().to_string(),
        "invalid 'entity_alias' value"
    );
    let text = house.refusal("auth/token/create", body.clone()).await;
    assert_eq!(
        text,
        "'entity_alias' is only allowed in combination with token role"
    );
    let path = format!("identity/entity/id/{}", made.entity_id);
    house.write(&path, json!({"disabled": true})).await;
    let text = make(&body).await.unwrap_err().to_string();
    assert_eq!(text, "entity from given entity alias is disabled");
}

#[tokio::test]
async fn who_may_change_an_entity_by_its_name_changes_no_other_one_by_its_id() {
    let house = House::new().await;
    let root = house
        .entity(json!({"name": "chief", "policies": ["root-like"]}))
        .await;
    let own = house.entity(json!({"name": "alice"})).await;
    let rule = "path \"identity/entity/name/alice\" { capabilities = [\"update\"] }";
    let mut token = String::new();
    for rules in [
        rule.to_owned(),
        format!("{rule}\npath \"identity/entity/id/*\" {{ capabilities = [\"update\"] }}"),
    ] {
        house
            .write("sys/policies/acl/namer", json!({"policy": rules}))
            .await;
        if token.is_empty() {
            let body = json!({"policies": ["namer"], "no_default_policy": true});
            let made = house
                .call(Operation::Update, &house.root, "auth/token/create", body)
                .await;
            token = made.unwrap().auth.unwrap().client_token.expose().to_owned();
        }
        let ask = async |id: &str| {
            let body = json!({"id": id, "metadata": {"a": "b"}});
            house
                .call(
                    Operation::Update,
                    &token,
                    "identity/entity/name/alice",
                    body,
                )
                .await
        };
        assert!(ask(&own).await.is_ok());
        let refused = ask(&root).await.unwrap_err();
        match rules == rule {
            true => assert!(matches!(refused, Error::Denied(Denial::Policy))),
            false => assert_eq!(refused.to_string(), "entity name is already in use"),
        }
    }
}
