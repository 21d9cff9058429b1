//! How a lease begins, and how it goes on.

use super::*;

#[tokio::test]
async fn a_secret_comes_with_a_lease_that_is_stored_and_can_be_found() {
    let house = House::new().await;
    let given = house.badge(&house.root, json!({"ttl": 600})).await;
    let (path, random) = given.id.rsplit_once('/').unwrap();
    assert_eq!((path, random.len()), ("mint/badge/front", 24));
    assert_eq!(
        (given.done.lease_duration, given.done.renewable),
        (600, true)
    );
    assert!(house.world.opens(&given.badge));

    house.clock.advance(60 * SECOND);
    let info = house.lookup(&given.id).await;
    assert_eq!(info["id"], given.id);
    assert_eq!(info["path"], "mint/badge/front");
    assert_eq!(info["issue_time"], "2023-11-14T22:13:20Z");
    assert_eq!(info["expire_time"], "2023-11-14T22:23:20Z");
    assert_eq!(
        (&info["ttl"], &info["renewable"]),
        (&json!(540), &json!(true))
    );
    assert_eq!(info["last_renewal"], Value::Null);
    assert_eq!(info.get("revocation"), None);
    // Root has no lease.
    assert_eq!(house.list("sys/leases/lookup").await, ["mint/"]);
    assert_eq!(house.list("sys/leases/lookup/mint/badge").await, ["front/"]);
    let names = house.list("sys/leases/lookup/mint/badge/front").await;
    assert_eq!(names, [random]);
}

#[tokio::test]
async fn what_the_engine_keeps_of_a_lease_is_in_no_answer_and_not_readable_in_the_store() {
    let house = House::new().await;
    let given = house.badge(&house.root, json!({"max_ttl": 4242})).await;
    let info = house.lookup(&given.id).await.to_string();
    assert!(!info.contains(&given.badge), "{info}");
    let key = format!("sys/lease/id/{}", given.id);
    let stored = house.medium.get(&key).await.unwrap().unwrap().value;
    let text = String::from_utf8_lossy(&stored).into_owned();
    assert!(!text.contains(&given.badge) && !text.contains("4242"));
}

#[tokio::test]
async fn the_limits_of_the_mount_cap_a_lease_with_a_warning() {
    let house = House::new().await;
    let tune = json!({"default_lease_ttl": "30m", "max_lease_ttl": "1h"});
    house.root("sys/mounts/mint/tune", tune).await.unwrap();
    let usual = house.badge(&house.root, json!({})).await;
    assert_eq!(
        (usual.done.lease_duration, usual.done.warnings.len()),
        (1800, 0)
    );
    let capped = house.badge(&house.root, json!({"ttl": 7200})).await;
    assert_eq!(capped.done.lease_duration, 3600);
    assert_eq!(
        capped.done.warnings,
        ["TTL of \"2h\" exceeded the effective max_ttl of \"1h\"; TTL value is capped accordingly"]
    );
    let own = house
        .badge(&house.root, json!({"ttl": 1200, "max_ttl": 600}))
        .await;
    assert_eq!((own.done.lease_duration, own.done.warnings.len()), (600, 1));
}

#[tokio::test]
async fn renewals_reach_up_to_the_maximum_and_no_further() {
    let house = House::new().await;
    let given = house
        .badge(&house.root, json!({"ttl": 600, "max_ttl": 3000}))
        .await;
    house.clock.advance(500 * SECOND);
    let renewed = house.renew(&given.id, 1000).await.unwrap();
    assert_eq!(renewed.lease_id, given.id);
    assert_eq!((renewed.lease_duration, renewed.renewable), (1000, true));
    assert!(renewed.data.is_none() && renewed.warnings.is_empty());
    let info = house.lookup(&given.id).await;
    assert_eq!(info["last_renewal"], "2023-11-14T22:21:40Z");
    assert_eq!(info["ttl"], 1000);

    // Without a wish the engine decides, here for longer than is left.
    house.clock.advance(900 * SECOND);
    let capped = house
        .root("sys/renew", json!({"lease_id": given.id}))
        .await
        .unwrap();
    assert_eq!((capped.lease_duration, capped.warnings.len()), (1600, 1));
    // A shorter wish is heard as well.
    let path = format!("sys/leases/renew/{}", given.id);
    let shorter = house
        .root(&path, json!({"increment": "10m"}))
        .await
        .unwrap();
    assert_eq!(shorter.lease_duration, 600);
    house.renew(&given.id, 5000).await.unwrap();
    house.after(1600 * SECOND - MOMENT).await;
    assert!(house.world.opens(&given.badge));
    house.after(MOMENT).await;
    assert!(!house.world.opens(&given.badge));
    assert_eq!(
        house.renew(&given.id, 1).await.unwrap_err().to_string(),
        "lease not found"
    );
}

#[tokio::test]
async fn what_cannot_be_renewed_says_why() {
    let house = House::new().await;
    let fixed = house.badge(&house.root, json!({"fixed": true})).await;
    let short = house.badge(&house.root, json!({"ttl": 60})).await;
    assert!(!fixed.done.renewable);
    house.clock.advance(60 * SECOND);
    let other = format!("{}a", &fixed.id[..fixed.id.len() - 1]);
    for (id, text) in [
        (fixed.id.as_str(), "lease is not renewable"),
        (&short.id, "lease expired"),
        (&other, "lease not found"),
        ("mint/badge/front/x", "lease not found"),
        ("", "lease_id must be specified"),
    ] {
        let body = json!({"lease_id": id});
        assert_eq!(house.refusal("sys/leases/renew", body.clone()).await, text);
        assert_eq!(house.refusal("sys/renew", body).await, text);
    }
}

#[tokio::test]
async fn a_wrapped_secret_has_a_lease_that_belongs_to_who_asked_for_it() {
    let house = House::new().await;
    let asker = house.token(&house.root, json!({"ttl": "2h"})).await;
    let mut request = house.request(
        Operation::Update,
        &asker,
        "mint/badge/front",
        &json!({"ttl": 3600}),
    );
    request.wrap_ttl = Some(60 * SECOND);
    let wrapped = house.core.handle(request).await.unwrap();
    assert_eq!((wrapped.lease_id.as_str(), wrapped.lease_duration), ("", 0));
    let info = wrapped.wrap_info.unwrap();
    // EXPOSE: the test opens it.
    let opener = info.token.expose().to_owned();
    let opened = house
        .update(&opener, "sys/wrapping/unwrap", json!({}))
        .await
        .unwrap();
    assert_eq!((opened.lease_duration, opened.renewable), (3600, true));
    // The wrapping token is gone, and its time over; the secret is good.
    house.after(120 * SECOND).await;
    assert_eq!(house.world.good(), 1);
    assert_eq!(house.lookup(&opened.lease_id).await["ttl"], 3480);
    house
        .update(&asker, "auth/token/revoke-self", json!({}))
        .await
        .unwrap();
    house.tend().await;
    assert_eq!(house.world.good(), 0);
}

#[tokio::test]
async fn a_secret_whose_lease_cannot_be_stored_is_not_made() {
    let house = House::new().await;
    house.medium.refuse("sys/lease/");
    let refused = house.root("mint/badge/front", json!({})).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert_eq!((house.world.good(), house.world.attempts()), (0, 0));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_secret_whose_lease_gets_no_term_is_taken_back_and_not_shown() {
    let house = House::new().await;
    // The first commit writes it down, the second would give it its term.
    house.medium.refuse_after("sys/lease/", 1);
    let refused = house.root("mint/badge/front", json!({})).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert_eq!(house.world.good(), 0);
    house.medium.mend();
    house.after(300 * SECOND).await;
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_secret_whose_term_is_stored_and_not_confirmed_is_taken_back_once_the_store_is_well() {
    let house = House::new().await;
    let mut seen = 0;
    house.medium.judge(move |batch| {
        let mut keys = batch.operations().iter().map(|operation| &operation.key);
        seen += usize::from(keys.any(|key| key.starts_with("sys/lease/")));
        match seen {
            0 | 1 => Fate::Made,
            2 => Fate::MadeAndLost,
            _ => Fate::NotMade,
        }
    });
    let refused = house.root("mint/badge/front", json!({"ttl": 3600})).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert!(house.core.tend_leases().await.is_err());
    assert_eq!(house.world.good(), 1);
    house.medium.mend();
    house.tend().await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_secret_whose_token_ends_while_it_is_made_gets_no_term() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let body = json!({"ttl": 3600, "ends": "waits"});
    let asking = house.update(&token, "mint/badge/front", body);
    let revoking = async {
        let body = json!({"token": token});
        house.root("auth/token/revoke", body).await.unwrap();
        // Not even for a moment: nothing more is written of the lease.
        house.medium.refuse("sys/lease/");
        house.world.gate.notify_one();
    };
    let (refused, ()) = tokio::join!(asking, revoking);
    assert!(matches!(refused, Err(Error::Denied(_))));
    assert_eq!(house.world.good(), 0);
    house.medium.mend();
    house.after(300 * SECOND).await;
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_secret_that_is_made_after_it_was_taken_back_is_taken_back_again() {
    let house = House::new().await;
    let asking = house.root("mint/badge/front", json!({"ends": "late"}));
    let waiting = async {
        house.after(301 * SECOND).await;
        assert!(house.leftovers().await.is_empty());
        house.world.gate.notify_one();
    };
    let (refused, ()) = tokio::join!(asking, waiting);
    refused.unwrap_err();
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_secret_of_a_request_that_fails_afterwards_is_taken_back() {
    let house = House::new().await;
    let failed = house
        .refusal("mint/badge/front", json!({"ends": "fails"}))
        .await;
    assert_eq!(failed, "as was asked for");
    assert_eq!((house.world.good(), house.world.attempts()), (0, 1));
    assert!(house.leftovers().await.is_empty());
    // Where that fails too, it is tried again.
    house.world.set_stuck(true);
    house
        .refusal("mint/badge/front", json!({"ends": "fails"}))
        .await;
    assert_eq!(house.world.good(), 1);
    house.world.set_stuck(false);
    house.after(SECOND).await;
    assert_eq!(house.world.good(), 0);
}

#[tokio::test]
async fn a_secret_whose_making_a_crash_cuts_short_is_taken_back() {
    let mut house = House::new().await;
    let ask = house.root("mint/badge/front", json!({"ends": "waits"}));
    assert!(Box::pin(ask).now_or_never().is_none());
    assert_eq!(house.world.good(), 1);
    house.restart().await;
    house.after(300 * SECOND).await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_secret_whose_answer_cannot_be_written_down_is_taken_back_and_not_shown() {
    let house = House::new().await;
    house.world.state.lock().writes_left = Some(1);
    house.root("mint/badge/front", json!({})).await.unwrap_err();
    assert_eq!((house.world.good(), house.world.attempts()), (0, 1));
    assert!(house.leftovers().await.is_empty());
    // Where the request cannot be written down either, none is made.
    house.root("mint/badge/front", json!({})).await.unwrap_err();
    assert_eq!((house.world.good(), house.world.attempts()), (0, 1));
}

#[tokio::test]
async fn a_secret_that_cannot_be_wrapped_is_taken_back() {
    let house = House::new().await;
    house.medium.refuse("sys/token/accessor/");
    let mut request = house.request(
        Operation::Update,
        &house.root,
        "mint/badge/front",
        &json!({}),
    );
    request.wrap_ttl = Some(60 * SECOND);
    house.core.handle(request).await.unwrap_err();
    assert_eq!((house.world.good(), house.world.attempts()), (0, 1));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_token_with_one_use_left_gets_no_secret() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"num_uses": 2})).await;
    house.badge(&token, json!({})).await;
    let refused = house.update(&token, "mint/badge/front", json!({})).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Secret cannot be returned; token had one use left, so leased credentials were immediately \
         revoked."
    );
    assert_eq!((house.world.good(), house.world.attempts()), (1, 0));
    // With its last use the token is gone, and the first secret goes with it.
    house.after(HOUR).await;
    assert_eq!(house.world.good(), 0);
}

#[tokio::test]
async fn a_secret_that_is_being_made_is_not_taken_back_before_it_is_there() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({})).await;
    let ask = || Box::pin(house.update(&token, "mint/badge/front", json!({"ends": "waits"})));
    let mut asked = ask();
    assert!(asked.as_mut().now_or_never().is_none());
    // Who revokes now comes before the lease begins.
    for path in ["revoke-prefix", "revoke-force"] {
        let path = format!("sys/leases/{path}/mint");
        assert!(house.root(&path, json!({})).await.unwrap().is_empty());
    }
    assert_eq!((house.world.good(), house.world.attempts()), (1, 0));
    // A mount stays as long.
    let request = |path| house.request(Operation::Delete, &house.root, path, &Value::Null);
    let busy = house.core.handle(request("sys/mounts/mint")).await;
    assert!(matches!(busy, Err(Error::Busy(_))));
    let moved = json!({"from": "mint", "to": "moved"});
    let busy = house.root("sys/remount", moved).await;
    assert!(matches!(busy, Err(Error::Busy(_))));
    house.world.gate.notify_one();
    let given = asked.await.unwrap();
    assert_eq!(house.lookup(&given.lease_id).await["renewable"], true);

    // A token that is gone when the secret is there takes it along.
    let mut asked = ask();
    assert!(asked.as_mut().now_or_never().is_none());
    let body = json!({"token": token});
    house.root("auth/token/revoke", body).await.unwrap();
    house.tend().await;
    assert_eq!((house.world.good(), house.world.attempts()), (1, 1));
    house.world.gate.notify_one();
    let refused = asked.await;
    assert!(matches!(refused, Err(Error::Denied(_))));
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
    house.core.handle(request("sys/mounts/mint")).await.unwrap();
}

#[tokio::test]
async fn tokens_and_leases_are_counted_for_the_metrics_once_in_a_while() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    house.badge(&token, json!({})).await;
    let shows = |tokens: u32, leases: u32| {
        let shown = house.core.metrics("prometheus", "").unwrap();
        // EXPOSE: the test reads the answer.
        let shown = String::from_utf8(shown.body.expose().clone()).unwrap();
        shown.contains(&format!("\nvault_token_count {tokens}\n"))
            && shown.contains(&format!("\nvault_expire_num_leases {leases}\n"))
    };
    house.core.count_usage().await.unwrap();
    assert!(shows(2, 3));
    house.badge(&token, json!({})).await;
    house.clock.advance(600 * SECOND - MOMENT);
    house.core.count_usage().await.unwrap();
    assert!(shows(2, 3));
    house.clock.advance(MOMENT);
    house.core.count_usage().await.unwrap();
    assert!(shows(2, 4));
}
