//! How long who revokes by prefix waits: what is not over by then ends all the same.

use futures_util::FutureExt as _;

use super::*;
use crate::Outcome;

/// A house with badges at two paths, which are walked one after the other.
async fn house() -> House {
    let house = House::new().await;
    house.badge(&house.root, json!({})).await;
    let side = house.root("mint/badge/side", json!({})).await;
    assert!(!side.unwrap().lease_id.is_empty());
    house
}

/// Asks for something while engines hang, and lets them go on so much later.
async fn slowly(house: &House, path: &str, body: Value, time: Duration) -> Done {
    house.world.set_hanging(true);
    let mut request = Box::pin(house.root(path, body));
    assert!((&mut request).now_or_never().is_none());
    house.clock.advance(time);
    house.world.set_hanging(false);
    request.await.unwrap()
}

#[tokio::test]
async fn who_does_not_wait_hears_at_once_that_all_will_end() {
    let house = house().await;
    house.world.set_hanging(true);
    let request = house.root("sys/leases/revoke-prefix/mint", json!({"sync": false}));
    let accepted = Box::pin(request).now_or_never().unwrap().unwrap();
    assert_eq!(accepted.outcome, Outcome::Accepted);
    assert_eq!((house.world.good(), house.world.attempts()), (2, 0));
    house.world.set_hanging(false);
    house.tend().await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn who_does_not_say_waits_for_half_a_minute() {
    for (time, outcome) in [
        (29 * SECOND, Outcome::Success),
        (30 * SECOND, Outcome::Accepted),
    ] {
        let house = house().await;
        let path = "sys/leases/revoke-prefix/mint";
        let answered = slowly(&house, path, json!({}), time).await;
        assert_eq!(answered.outcome, outcome);
        house.tend().await;
        assert_eq!(house.world.good(), 0);
        assert!(house.leftovers().await.is_empty());
    }
}

#[tokio::test]
async fn who_waits_waits_to_the_end() {
    let house = house().await;
    let path = "sys/leases/revoke-prefix/mint";
    let answered = slowly(&house, path, json!({"sync": true}), HOUR).await;
    assert_eq!(answered.outcome, Outcome::Success);
    assert_eq!(house.world.good(), 0);
}

#[tokio::test]
async fn what_is_forced_is_dropped_also_after_the_answer_and_over_a_restart() {
    let mut house = house().await;
    house.world.set_stuck(true);
    let path = "sys/leases/revoke-force/mint";
    let answered = slowly(&house, path, json!({}), 30 * SECOND).await;
    assert_eq!(answered.outcome, Outcome::Accepted);
    assert_eq!(house.world.attempts(), 1);
    house.restart().await;
    house.tend().await;
    // Neither was taken back, and nobody tries again.
    assert_eq!((house.world.good(), house.world.attempts()), (2, 2));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn force_does_not_wait_for_the_next_attempt() {
    let house = house().await;
    house.world.set_stuck(true);
    house
        .root("sys/leases/revoke-prefix/mint", json!({}))
        .await
        .unwrap();
    let failed = house.world.attempts();
    house
        .root("sys/leases/revoke-force/mint", json!({}))
        .await
        .unwrap();
    assert_eq!(house.world.attempts(), failed + 2);
    assert!(house.leftovers().await.is_empty());
}
