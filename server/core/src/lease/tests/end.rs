//! How a lease ends: by itself, with its token, by an operator, and however often that must be
//! tried.

use super::*;

#[tokio::test]
async fn a_lease_ends_with_its_time_and_not_earlier() {
    let house = House::new().await;
    let short = house.badge(&house.root, json!({"ttl": 60})).await;
    let long = house.badge(&house.root, json!({"ttl": 120})).await;
    house.after(60 * SECOND - MOMENT).await;
    assert!(house.world.opens(&short.badge));
    house.after(MOMENT).await;
    assert!(!house.world.opens(&short.badge) && house.world.opens(&long.badge));
    assert_eq!(
        house
            .refusal("sys/leases/lookup", json!({"lease_id": short.id}))
            .await,
        "invalid lease"
    );
    house.after(60 * SECOND).await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn more_leases_than_are_tried_at_once_end_in_one_go() {
    let house = House::new().await;
    for _ in 0..100 {
        house.badge(&house.root, json!({"ttl": 60})).await;
    }
    house.after(60 * SECOND).await;
    assert_eq!((house.world.good(), house.world.attempts()), (0, 100));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn leases_end_with_their_token_with_its_parent_and_with_its_time() {
    let house = House::new().await;
    let parent = house.token(&house.root, json!({"ttl": "3h"})).await;
    let child = house.token(&parent, json!({"ttl": "2h"})).await;
    let short = house.token(&house.root, json!({"ttl": "1m"})).await;
    let mut given = Vec::new();
    for token in [&parent, &child, &short, &house.root] {
        given.push(house.badge(token, json!({"ttl": 7000})).await);
    }
    let opens = || {
        let opens = given.iter().map(|given| house.world.opens(&given.badge));
        opens.collect::<Vec<_>>()
    };
    house.after(60 * SECOND).await;
    assert_eq!(opens(), [true, true, false, true]);
    house
        .root("auth/token/revoke", json!({"token": parent}))
        .await
        .unwrap();
    // Marked with the token: nobody renews it any more.
    let id = &given[1].id;
    assert_eq!(house.lookup(id).await["ttl"], 0);
    assert_eq!(
        house.renew(id, 10).await.unwrap_err().to_string(),
        "lease expired"
    );
    house.tend().await;
    assert_eq!(opens(), [false, false, false, true]);
}

#[tokio::test]
async fn the_lease_of_a_batch_token_ends_with_it_or_with_its_parent() {
    let house = House::new().await;
    let parent = house.token(&house.root, json!({"ttl": "3h"})).await;
    let batch = json!({"type": "batch", "ttl": "1h", "policies": ["minter"]});
    let policy = "path \"mint/*\" { capabilities = [\"update\"] }";
    house
        .root("sys/policies/acl/minter", json!({"policy": policy}))
        .await
        .unwrap();
    let of_parent = house.token(&parent, batch.clone()).await;
    let orphan = house
        .root("auth/token/create-orphan", batch)
        .await
        .unwrap()
        .auth
        .unwrap();
    // EXPOSE: the test uses it.
    let orphan = orphan.client_token.expose();
    let first = house.badge(&of_parent, json!({"ttl": 600})).await;
    let second = house.badge(orphan, json!({"ttl": 7200})).await;
    assert_eq!(second.done.lease_duration, 3600);
    house.clock.advance(600 * SECOND - MOMENT);
    assert_eq!(
        house.renew(&second.id, 7200).await.unwrap().lease_duration,
        3000
    );
    house
        .root("auth/token/revoke", json!({"token": parent}))
        .await
        .unwrap();
    house.tend().await;
    assert!(!house.world.opens(&first.badge) && house.world.opens(&second.badge));
    house.after(3000 * SECOND + MOMENT).await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_lease_or_all_below_a_path_are_revoked() {
    let house = House::new().await;
    let one = house.badge(&house.root, json!({})).await;
    let other = house.badge(&house.root, json!({})).await;
    let third = house.badge(&house.root, json!({})).await;
    let side = house
        .root("mint/badge/front-side", json!({}))
        .await
        .unwrap();
    let revoked = house.revoke(&one.id).await;
    assert!(revoked.is_empty() && !house.world.opens(&one.badge));
    house
        .root("sys/revoke", json!({"lease_id": other.id}))
        .await
        .unwrap();
    assert!(!house.world.opens(&other.badge) && house.world.opens(&third.badge));
    // What is gone is no error.
    assert!(house.revoke(&one.id).await.is_empty());

    house
        .root("sys/leases/revoke-prefix/mint/badge/fro", json!({}))
        .await
        .unwrap();
    assert_eq!(house.world.good(), 2);
    house
        .root("sys/leases/revoke-prefix/mint/badge/front", json!({}))
        .await
        .unwrap();
    assert_eq!(house.world.good(), 1);
    assert_eq!(
        house.list("sys/leases/lookup/mint/badge").await,
        ["front-side/"]
    );
    let path = format!("sys/revoke-prefix/{}", side.lease_id);
    house.root(&path, json!({})).await.unwrap();
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_revocation_that_fails_is_tried_again_later_and_later_over_restarts_until_it_is_done() {
    let mut house = House::new().await;
    let given = house.badge(&house.root, json!({"ttl": 60})).await;
    house.world.set_stuck(true);
    house.after(60 * SECOND).await;
    assert_eq!(house.world.attempts(), 1);
    let info = house.lookup(&given.id).await;
    assert_eq!(
        (&info["ttl"], &info["renewable"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(info["revocation"]["failures"], 1);
    assert_eq!(
        house.list("sys/leases/lookup/mint/badge/front").await.len(),
        1
    );
    // Not before its time.
    house.tend().await;
    assert_eq!(house.world.attempts(), 1);
    for failures in 2..=40 {
        if failures % 7 == 0 {
            house.restart().await;
        }
        let most = (1 << (failures - 2).min(10)).min(600);
        house.after(SECOND * most / 2 - MOMENT).await;
        assert_eq!(house.world.attempts(), failures - 1);
        house.after(SECOND * most).await;
        assert_eq!(house.world.attempts(), failures);
        assert_eq!(
            house.lookup(&given.id).await["revocation"]["failures"],
            failures
        );
    }
    house.world.set_stuck(false);
    house.after(600 * SECOND).await;
    assert!(!house.world.opens(&given.badge));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_failed_revocation_is_an_error_only_for_who_waits_for_it() {
    let house = House::new().await;
    let given = house.badge(&house.root, json!({})).await;
    house.world.set_stuck(true);
    let accepted = house.revoke(&given.id).await;
    assert_eq!(accepted.outcome, crate::Outcome::Accepted);
    assert_eq!(accepted.warnings.len(), 1);
    let body = json!({"lease_id": given.id, "sync": true});
    house.root("sys/leases/revoke", body).await.unwrap_err();
    let path = "sys/leases/revoke-prefix/mint";
    house.root(path, json!({"sync": true})).await.unwrap_err();
    let accepted = house.root(path, json!({})).await.unwrap();
    assert_eq!(accepted.outcome, crate::Outcome::Accepted);
    // There is no way back.
    assert_eq!(
        house.renew(&given.id, 10).await.unwrap_err().to_string(),
        "lease expired"
    );
    house.world.set_stuck(false);
    house.after(10 * SECOND).await;
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn one_lease_that_cannot_be_revoked_holds_up_no_other() {
    let house = House::new().await;
    let root = house.root.clone();
    let name = uuid::Uuid::new_v4().to_string();
    let mount = json!({"type": "mint", "options": {"world": name}});
    house.root("sys/mounts/second", mount).await.unwrap();
    for _ in 0..40 {
        house.badge(&root, json!({"ttl": 60})).await;
    }
    house
        .root("second/badge/x", json!({"ttl": 60}))
        .await
        .unwrap();
    house.world.set_stuck(true);
    house.after(60 * SECOND).await;
    assert_eq!(World::of(&name).good(), 0);
    assert_eq!(house.world.good(), 40);
}

#[tokio::test]
async fn force_drops_what_the_engine_does_not_take_back() {
    let house = House::new().await;
    house.world.set_stuck(true);
    let one = house.badge(&house.root, json!({})).await;
    house.badge(&house.root, json!({})).await;
    let path = format!("sys/leases/revoke-force/{}", one.id);
    house.root(&path, json!({})).await.unwrap();
    assert_eq!(
        house.list("sys/leases/lookup/mint/badge/front").await.len(),
        1
    );
    house
        .root("sys/revoke-force/mint", json!({}))
        .await
        .unwrap();
    assert_eq!((house.world.good(), house.world.attempts()), (2, 2));
    assert!(house.leftovers().await.is_empty());
    // Where the engine works, it is asked all the same.
    house.world.set_stuck(false);
    house.badge(&house.root, json!({})).await;
    house
        .root("sys/leases/revoke-force/mint", json!({}))
        .await
        .unwrap();
    assert_eq!(house.world.good(), 2);
}

#[tokio::test]
async fn a_mount_goes_after_its_leases() {
    let house = House::new().await;
    let given = house.badge(&house.root, json!({})).await;
    house.world.set_stuck(true);
    let disable = || {
        let request = house.request(
            Operation::Delete,
            &house.root,
            "sys/mounts/mint",
            &Value::Null,
        );
        house.core.handle(request)
    };
    let refused = disable().await.unwrap_err().to_string();
    assert!(
        refused.contains("some of its leases cannot be revoked now"),
        "{refused}"
    );
    // It answers again, and the lease is tried again.
    house.badge(&house.root, json!({})).await;
    assert_eq!(house.lookup(&given.id).await["revocation"]["failures"], 1);
    house.world.set_stuck(false);
    disable().await.unwrap();
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
    let gone = house.root("mint/badge/front", json!({})).await;
    assert!(matches!(gone, Err(Error::NoRoute(_))));
}

#[tokio::test]
async fn a_mount_that_moves_leaves_no_lease_behind() {
    let house = House::new().await;
    house.badge(&house.root, json!({})).await;
    let body = json!({"from": "mint", "to": "moved"});
    house.root("sys/remount", body).await.unwrap();
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
    let moved = house.root("moved/badge/x", json!({})).await.unwrap();
    assert!(moved.lease_id.starts_with("moved/badge/x/"));
}

#[tokio::test]
async fn a_revocation_that_a_fault_of_the_store_cuts_short_is_ended_later() {
    let mut house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "1h"})).await;
    house.badge(&token, json!({})).await;
    // The token is dead, its leases could not be marked.
    house.medium.refuse("sys/lease/");
    house
        .root("auth/token/revoke", json!({"token": token}))
        .await
        .unwrap_err();
    house.core.tick().await.unwrap_err();
    assert_eq!(house.world.good(), 1);
    house.medium.mend();
    house.restart().await;
    house.tend().await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn an_entry_that_leads_to_no_lease_holds_nothing_up_and_goes() {
    let house = House::new().await;
    let given = house.badge(&house.root, json!({"ttl": 60})).await;
    let unsealed = house.core.unsealed().unwrap();
    let mount = unsealed.mounts.find("mint/").unwrap().0.entry.uuid.clone();
    let due = unsealed.system.below(&format!("lease/due/{mount}/"));
    let name = |id: &str| SecretBytes::from(id.as_bytes());
    for at in 0..100 {
        let gone = format!("mint/badge/x/{at:024}");
        due.put(&format!("{at:016x}.{at:024}"), name(&gone))
            .await
            .unwrap();
    }
    // One of another moment than its lease.
    due.put("0000000000000000.a", name(&given.id))
        .await
        .unwrap();
    house.tend().await;
    assert!(house.world.opens(&given.badge));
    assert_eq!(due.list("", None, None).await.unwrap().len(), 1);
    // What is none at all is left, and passed by.
    due.put("0000000000000000.b", name("?")).await.unwrap();
    house.after(60 * SECOND).await;
    assert!(!house.world.opens(&given.badge));
    assert_eq!(
        due.list("", None, None).await.unwrap(),
        ["0000000000000000.b"]
    );
}

#[tokio::test]
async fn what_could_not_be_revoked_in_six_attempts_is_listed_and_counted() {
    let house = House::new().await;
    let told = async |path: &str, body: Value| {
        let request = house.request(Operation::Read, &house.root, path, &body);
        data(&house.core.handle(request).await.unwrap())
    };
    let kind = json!({"type": "irrevocable"});
    let given = house.badge(&house.root, json!({"ttl": 60})).await;
    house.badge(&house.root, json!({"ttl": 60})).await;
    house.badge(&house.root, json!({"ttl": 7200})).await;
    house.world.set_stuck(true);
    house.after(60 * SECOND).await;
    for failures in 1..6 {
        let listed = told("sys/leases", kind.clone()).await;
        let nothing = json!({"lease_count": 0, "leases": []});
        assert_eq!(listed, nothing, "{failures}");
        // The longest wait.
        house.after(600 * SECOND).await;
    }
    let listed = told("sys/leases", kind.clone()).await;
    assert_eq!(listed["lease_count"], 2);
    let leases = listed["leases"].as_array().unwrap();
    let lease = leases.iter().find(|it| it["lease_id"] == given.id);
    let lease = lease.unwrap();
    let accessor = lease["mount_id"].as_str().unwrap();
    assert!(accessor.starts_with("mint_"), "{accessor}");
    let error = lease["error"].as_str().unwrap();
    assert!(error.starts_with("6 attempts failed, the next comes at 2023-"));
    let one = told("sys/leases", json!({"type": "irrevocable", "limit": 1})).await;
    assert_eq!(one["lease_count"], 1);
    let counted = told("sys/leases/count", kind.clone()).await;
    assert_eq!(counted, json!({"lease_count": 2, "counts": {accessor: 2}}));
    house.world.set_stuck(false);
    house.after(600 * SECOND).await;
    assert_eq!(told("sys/leases/count", kind).await["lease_count"], 0);
}
