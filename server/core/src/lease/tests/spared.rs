//! Tokens that never got a secret: their end costs no search for leases, and no lease is missed for
//! that.

use super::*;
use crate::{barrier::Change, view::View};

impl House {
    async fn end(&self, token: &str) {
        let body = json!({"token": token});
        self.root("auth/token/revoke", body).await.unwrap();
    }

    fn searches(&self) -> usize {
        self.medium.lists("sys/lease/token/")
    }

    fn token_records(&self) -> View {
        self.core.unsealed().unwrap().system.below("token/id/")
    }
}

#[tokio::test]
async fn leases_are_looked_for_only_where_a_token_may_have_some() {
    let mut house = House::new().await;
    let without = house.token(&house.root, json!({"ttl": "3h"})).await;
    let with = house.token(&house.root, json!({"ttl": "3h"})).await;
    house.token(&house.root, json!({"ttl": "1m"})).await;
    let given = house.badge(&with, json!({})).await;
    house.restart().await;
    house.end(&without).await;
    house.after(60 * SECOND).await;
    assert_eq!(house.searches(), 0);
    house.end(&with).await;
    assert_ne!(house.searches(), 0);
    house.tend().await;
    assert!(!house.world.opens(&given.badge));
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_record_that_does_not_say_so_is_of_a_token_that_may_have_leases() {
    let house = House::new().await;
    let before = house.token_records().list("", None, None).await.unwrap();
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let records = house.token_records();
    let all = records.list("", None, None).await.unwrap();
    let digest = all.iter().find(|name| !before.contains(name)).unwrap();
    let (mut record, _) = records.get_as::<Value>(digest).await.unwrap().unwrap();
    assert_eq!(
        record.as_object_mut().unwrap().remove("leaseless"),
        Some(json!(true))
    );
    let change = Change::put_as(digest, &record).unwrap();
    records.commit(vec![change]).await.unwrap();
    house.end(&token).await;
    assert_ne!(house.searches(), 0);
}

#[tokio::test]
async fn a_lease_that_another_node_gave_ends_with_its_token() {
    let mut house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    let mut other = core(&house.medium, &house.clock);
    std::mem::swap(&mut house.core, &mut other);
    house.unseal().await;
    // This node keeps in memory what it knew of the token.
    house
        .update(&token, "auth/token/lookup-self", json!({}))
        .await
        .unwrap();
    std::mem::swap(&mut house.core, &mut other);
    house.badge(&token, json!({})).await;
    std::mem::swap(&mut house.core, &mut other);
    house.badge(&token, json!({})).await;
    house.end(&token).await;
    house.tend().await;
    assert_eq!(house.world.good(), 0);
    assert!(house.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_token_that_cannot_be_marked_gets_no_secret() {
    let house = House::new().await;
    let token = house.token(&house.root, json!({"ttl": "3h"})).await;
    house.medium.refuse("sys/token/");
    let refused = house.update(&token, "mint/badge/front", json!({})).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    assert_eq!((house.world.good(), house.world.attempts()), (0, 0));
    assert!(house.leftovers().await.is_empty());
    // The token is marked, and its lease could not be written down: it is merely looked for.
    house.medium.refuse("sys/lease/");
    let refused = house.update(&token, "mint/badge/front", json!({})).await;
    assert!(matches!(refused, Err(Error::Internal(_))));
    house.medium.mend();
    house.end(&token).await;
    assert_ne!(house.searches(), 0);
}

#[tokio::test]
async fn a_secret_that_was_asked_for_with_a_token_is_none_of_its_namesakes() {
    let house = House::new().await;
    let chosen = json!({"id": "chosen", "ttl": "3h"});
    let token = house.token(&house.root, chosen.clone()).await;
    let body = json!({"ends": "waits"});
    let mut asking = Box::pin(house.update(&token, "mint/badge/front", body));
    assert!(asking.as_mut().now_or_never().is_none());
    house.end(&token).await;
    let namesake = house.token(&house.root, chosen).await;
    assert_eq!(namesake, token);
    house.world.gate.notify_one();
    assert!(matches!(asking.await, Err(Error::Denied(_))));
    assert_eq!((house.world.good(), house.world.attempts()), (0, 1));
    assert!(house.leftovers().await.is_empty());
    house.badge(&namesake, json!({})).await;
    house.end(&namesake).await;
    house.tend().await;
    assert!(house.leftovers().await.is_empty());
}
