//! Batch tokens at the endpoints.

use super::*;

#[tokio::test]
async fn a_batch_token_has_vaults_form_and_tells_what_it_is() {
    let house = House::new().await;
    let body = json!({
        "type": "batch", "policies": "maker", "ttl": "10h", "meta": {"k": "v"}, "renewable": true,
    });
    let auth = house.root("auth/token/create", body).await.unwrap().auth;
    let auth = auth.unwrap();
    let token = auth.client_token.expose();
    assert!(token.starts_with("hvb."));
    assert_eq!(
        (auth.accessor.as_str(), auth.token_type.as_str()),
        ("", "batch")
    );
    assert_eq!((auth.lease_duration, auth.renewable), (36000, false));
    assert_eq!((auth.orphan, auth.num_uses), (false, 0));
    house.clock.advance(HOUR);
    let wanted = json!({
        "accessor": "",
        "creation_time": 1_700_000_000u64,
        "creation_ttl": 36000,
        "display_name": "token",
        "entity_id": "",
        "expire_time": "2023-11-15T08:13:20Z",
        "explicit_max_ttl": 0,
        "id": token,
        "issue_time": "2023-11-14T22:13:20Z",
        "meta": {"k": "v"},
        "num_uses": 0,
        "orphan": false,
        "path": "auth/token/create",
        "policies": ["default", "maker"],
        "renewable": false,
        "ttl": 32400,
        "type": "batch",
    });
    assert_eq!(house.lookup_self(token).await.unwrap(), wanted);
    let found = house
        .root("auth/token/lookup", json!({"token": token}))
        .await;
    assert_eq!(data(found.unwrap()), wanted);
    let accessors = house
        .call(
            Operation::List,
            &house.root,
            "auth/token/accessors",
            json!({}),
        )
        .await;
    assert_eq!(
        data(accessors.unwrap())["keys"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn what_a_batch_token_cannot_have_is_refused_with_vaults_texts() {
    let house = House::new().await;
    for (body, text) in [
        (json!({}), "batch tokens cannot be root tokens"),
        (
            json!({"policies": "root", "ttl": "1h"}),
            "batch tokens cannot be root tokens",
        ),
        (
            json!({"num_uses": 3}),
            "batch tokens cannot have \"num_uses\" set",
        ),
        (
            json!({"num_uses": -1}),
            "batch tokens cannot have \"num_uses\" set",
        ),
        (
            json!({"period": "1h"}),
            "batch tokens cannot have \"period\" set",
        ),
        (
            json!({"explicit_max_ttl": "1h", "period": "1h"}),
            "batch tokens cannot have \"explicit_max_ttl\" set",
        ),
    ] {
        let mut body = body;
        body["type"] = json!("batch");
        assert_eq!(
            house.refusal(&house.root, "auth/token/create", body).await,
            text
        );
    }
    for kind in ["foo", "BATCH", "default-batch"] {
        let body = json!({"policies": "maker", "type": kind});
        assert_eq!(
            house.refusal(&house.root, "auth/token/create", body).await,
            "invalid 'token_type' value"
        );
    }
}

#[tokio::test]
async fn a_batch_token_makes_renews_and_revokes_nothing() {
    let house = House::new().await;
    let body = json!({"type": "batch", "policies": "sudo"});
    let token = house.make(&house.root, body).await.token;
    for (caller, path, text) in [
        (&token, "create", "batch tokens cannot create more tokens"),
        (
            &token,
            "create-orphan",
            "batch tokens cannot create more tokens",
        ),
        (&token, "renew-self", "batch tokens cannot be renewed"),
        (&house.root, "renew", "batch tokens cannot be renewed"),
        (&token, "revoke-self", "batch tokens cannot be revoked"),
        (&house.root, "revoke", "batch tokens cannot be revoked"),
        (
            &house.root,
            "revoke-orphan",
            "batch tokens cannot be revoked",
        ),
    ] {
        let path = format!("auth/token/{path}");
        let body = json!({"token": token});
        assert_eq!(house.refusal(caller, &path, body).await, text);
    }
    assert!(house.is_alive(&token).await);
}

#[tokio::test]
async fn a_batch_token_dies_with_its_parent_and_outlives_a_rotation() {
    let house = House::new().await;
    let parent = house
        .make(&house.root, json!({"policies": "maker"}))
        .await
        .token;
    let child = house.make(&parent, json!({"type": "batch"})).await.token;
    let orphan = house
        .update(
            &parent,
            "auth/token/create-orphan",
            json!({"type": "batch"}),
        )
        .await;
    let orphan = orphan.unwrap().auth.unwrap();
    let orphan = orphan.client_token.expose();
    house.root("sys/rotate", json!({})).await.unwrap();
    assert!(house.is_alive(&child).await);
    house
        .root("auth/token/revoke", json!({"token": parent}))
        .await
        .unwrap();
    assert!(!house.is_alive(&child).await);
    assert!(house.is_alive(orphan).await);
    // What is dead is unknown, and revoking the unknown is no error.
    house
        .root("auth/token/revoke", json!({"token": child}))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_token_of_some_uses_serves_just_so_many_of_many_threads() {
    let house = Arc::new(House::new().await);
    let body = json!({"policies": "maker", "num_uses": 10});
    let token = house.make(&house.root, body).await.token;
    // Each thread has a runtime of its own, so that they do run at once.
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (house, token) = (Arc::clone(&house), token.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let mut served = 0;
                    for _ in 0..4 {
                        served += usize::from(house.lookup_self(&token).await.is_ok());
                    }
                    served
                })
            })
        })
        .collect();
    let served: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
    assert_eq!(served, 10);
}
