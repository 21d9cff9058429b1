//! Looking tokens up.

use super::*;

#[tokio::test]
async fn lookup_tells_what_vault_tells() {
    let house = House::new().await;
    let body = json!({
        "policies": "maker", "ttl": "10h", "explicit_max_ttl": "20h", "meta": {"k": "v"},
        "display_name": "Foo B.ar!",
    });
    let made = house.make(&house.root, body).await;
    house.clock.advance(HOUR);
    let mut wanted = json!({
        "accessor": made.accessor,
        "creation_time": 1_700_000_000u64,
        "creation_ttl": 36000,
        "display_name": "token-Foo-B-ar",
        "entity_id": "",
        "expire_time": "2023-11-15T08:13:20Z",
        "explicit_max_ttl": 72000,
        "id": made.token,
        "issue_time": "2023-11-14T22:13:20Z",
        "meta": {"k": "v"},
        "num_uses": 0,
        "orphan": false,
        "path": "auth/token/create",
        "policies": ["default", "maker"],
        "renewable": true,
        "ttl": 32400,
        "type": "service",
    });
    assert_eq!(house.lookup_self(&made.token).await.unwrap(), wanted);
    let by_token = json!({"token": made.token});
    let found = house.root("auth/token/lookup", by_token.clone()).await;
    assert_eq!(data(found.unwrap()), wanted);
    let found = house
        .call(Operation::Read, &house.root, "auth/token/lookup", by_token)
        .await;
    assert_eq!(data(found.unwrap()), wanted);
    let found = house
        .update(&made.token, "auth/token/lookup", json!({}))
        .await;
    assert_eq!(data(found.unwrap()), wanted);

    house
        .update(
            &made.token,
            "auth/token/renew-self",
            json!({"increment": 60}),
        )
        .await
        .unwrap();
    wanted["id"] = json!("");
    wanted["ttl"] = json!(60);
    wanted["expire_time"] = json!("2023-11-14T23:14:20Z");
    wanted["last_renewal"] = json!("2023-11-14T23:13:20Z");
    wanted["last_renewal_time"] = json!(1_700_003_600u64);
    let by_accessor = json!({"accessor": made.accessor});
    let found = house.root("auth/token/lookup-accessor", by_accessor).await;
    assert_eq!(data(found.unwrap()), wanted);
}

#[tokio::test]
async fn a_token_that_is_not_there_is_named_as_vault_names_it() {
    let house = House::new().await;
    let sudo = house
        .make(&house.root, json!({"policies": "sudo"}))
        .await
        .token;
    let fault = |text: &str| format!("1 error occurred:\n\t* {text}\n\n");
    let nope = json!({"token": "nope"});
    for (path, body, text) in [
        ("lookup", nope.clone(), "bad token".to_owned()),
        (
            "lookup-accessor",
            json!({"accessor": "xx"}),
            fault("invalid accessor"),
        ),
        ("lookup-accessor", json!({}), fault("missing accessor")),
        ("renew", json!({}), "missing token ID".to_owned()),
        ("renew", nope.clone(), "token not found".to_owned()),
        (
            "renew",
            json!({"token": house.root}),
            "lease is not renewable".to_owned(),
        ),
        (
            "renew-accessor",
            json!({"accessor": "xx"}),
            fault("invalid accessor"),
        ),
        (
            "renew-self",
            json!({"increment": -5}),
            "error converting input for field \"increment\": cannot provide negative value '-5'"
                .to_owned(),
        ),
        ("revoke", json!({}), "missing token ID".to_owned()),
        ("revoke-accessor", json!({}), fault("missing accessor")),
        ("revoke-orphan", json!({}), "missing token ID".to_owned()),
        (
            "revoke-orphan",
            nope.clone(),
            "token to revoke not found".to_owned(),
        ),
    ] {
        assert_eq!(
            house
                .refusal(&sudo, &format!("auth/token/{path}"), body)
                .await,
            text
        );
    }
    let lookup = house.update(&sudo, "auth/token/lookup", nope.clone()).await;
    assert!(matches!(lookup, Err(Error::Refused(_))));
    let revoked = house
        .update(&sudo, "auth/token/revoke", nope)
        .await
        .unwrap();
    assert!(revoked.data.is_none() && revoked.warnings.is_empty());
    let revoked = house.update(
        &sudo,
        "auth/token/revoke-accessor",
        json!({"accessor": "xx"}),
    );
    assert_eq!(
        revoked.await.unwrap().warnings,
        ["No token found with this accessor"]
    );
}
