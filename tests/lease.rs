//! Tokens and their leases: what ends with what.

use serde_json::{Value, json};

use crate::support::{Client, Target};

/// Creates a token and returns the text of it with its accessor.
async fn create(client: &Client, path: &str, body: Value) -> (String, String) {
    let made = client.post(path, body).await.expect(200);
    (
        made.text_at("/auth/client_token").to_owned(),
        made.text_at("/auth/accessor").to_owned(),
    )
}

#[tokio::test]
async fn trap_24_revoking_a_token_revokes_all_that_grew_from_it() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let policy =
        "path \"auth/token/*\" { capabilities = [\"create\", \"update\", \"read\", \"sudo\"] }";
    root.post("sys/policies/acl/family", json!({ "policy": policy }))
        .await
        .expect(204);
    let body = json!({ "policies": ["family"], "ttl": "1h" });
    let (first, _) = create(&root, "auth/token/create", body.clone()).await;

    // Three generations with three children each, one of which is an orphan.
    let mut family = vec![first.clone()];
    let mut orphans = Vec::new();
    let mut parents = vec![first.clone()];
    for _ in 0..3 {
        let mut children = Vec::new();
        for parent in &parents {
            let parent = root.with_token(parent);
            for _ in 0..2 {
                children.push(create(&parent, "auth/token/create", body.clone()).await.0);
            }
            orphans.push(
                create(&parent, "auth/token/create-orphan", body.clone())
                    .await
                    .0,
            );
        }
        family.extend(children.iter().cloned());
        parents = children;
    }
    assert_eq!((family.len(), orphans.len()), (15, 7));
    root.post("auth/token/revoke", json!({ "token": first }))
        .await
        .expect(204);
    for token in &family {
        let answer = root.with_token(token).get("auth/token/lookup-self").await;
        answer.refused(403, "permission denied");
        root.post("auth/token/lookup", json!({ "token": token }))
            .await
            .refused(403, "bad token");
    }
    for token in &orphans {
        root.with_token(token)
            .get("auth/token/lookup-self")
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_token_of_three_uses_serves_three_of_many_requests_at_once() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let body = json!({ "policies": ["default"], "num_uses": 3, "ttl": "1h" });
    let (token, _) = create(&root, "auth/token/create", body).await;
    let limited = root.with_token(&token);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let limited = limited.clone();
        requests.spawn(async move { limited.get("auth/token/lookup-self").await.status });
    }
    let statuses = requests.join_all().await;
    assert_eq!(
        statuses.iter().filter(|&&status| status == 200).count(),
        3,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|&&status| status == 403).count(),
        21,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn an_accessor_revokes_but_does_not_reveal() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let body = json!({ "policies": ["default"], "ttl": "1h" });
    let (token, accessor) = create(&root, "auth/token/create", body).await;
    let looked = root
        .post(
            "auth/token/lookup-accessor",
            json!({ "accessor": accessor }),
        )
        .await;
    assert_eq!(looked.at("/data/id"), "");
    assert!(!looked.text.contains(&token));
    root.with_token(&accessor)
        .get("auth/token/lookup-self")
        .await
        .refused(403, "permission denied");
    root.post(
        "auth/token/revoke-accessor",
        json!({ "accessor": accessor }),
    )
    .await
    .expect(204);
    root.with_token(&token)
        .get("auth/token/lookup-self")
        .await
        .refused(403, "permission denied");
    let keys = root.list("auth/token/accessors").await.expect(200);
    assert!(!keys.text.contains(&accessor));
}

#[tokio::test]
async fn trap_24_renewing_moves_the_end_from_now_within_the_explicit_maximum() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let body = json!({ "policies": ["default"], "ttl": "1h", "explicit_max_ttl": "2h" });
    let (token, _) = create(&root, "auth/token/create", body).await;
    let own = root.with_token(&token);
    let renew = |increment| own.post("auth/token/renew-self", json!({ "increment": increment }));
    assert_eq!(
        renew("30m").await.expect(200).at("/auth/lease_duration"),
        1800
    );
    let capped = renew("5h").await.expect(200);
    let seconds = capped.at("/auth/lease_duration").as_u64().unwrap();
    assert!((7100..=7200).contains(&seconds), "{}", capped.text);
    assert!(
        capped.text_at("/warnings/0").contains("TTL"),
        "{}",
        capped.text
    );
    let ttl = own
        .get("auth/token/lookup-self")
        .await
        .at("/data/ttl")
        .as_u64()
        .unwrap();
    assert!((7100..=7200).contains(&ttl), "{ttl}");
}
