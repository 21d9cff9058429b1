//! The end of many leases at once, while requests go on.

use futures_util::future::{self, Either};

use super::*;

/// More than a page of each index, and than is tried at once.
const CROWD: usize = 300;

impl House {
    /// Makes leases under tokens of one tree; returns its top.
    async fn crowd(&self) -> String {
        let top = self.token(&self.root, json!({"ttl": "3h"})).await;
        let mut holder = top.clone();
        for number in 0..CROWD {
            if number % 100 == 0 {
                holder = self.token(&holder, json!({"ttl": "3h"})).await;
            }
            self.badge(&holder, json!({"ttl": 7000})).await;
        }
        top
    }

    /// Does what callers do beside: all kinds of requests about tokens and leases of the same mount.
    async fn others(&self, lease: &str) {
        let token = self.token(&self.root, json!({"ttl": "1h"})).await;
        let path = "mint/badge/side";
        let done = self.update(&token, path, json!({"ttl": 60})).await.unwrap();
        self.renew(lease, 60).await.unwrap();
        assert_ne!(self.lookup(lease).await["ttl"], 0);
        assert_eq!(
            self.list("sys/leases/lookup/mint/badge/side").await.len(),
            2
        );
        self.core.tick().await.unwrap();
        self.update(&token, "auth/token/revoke-self", json!({}))
            .await
            .unwrap();
        assert_eq!(self.lookup(&done.lease_id).await["ttl"], 0);
    }
}

/// Waits for the second while the first hangs, then for the first.
async fn beside<T>(house: &House, hanging: impl Future<Output = T>, lease: &str) -> T {
    house.world.set_hanging(true);
    let (hanging, others) = (Box::pin(hanging), Box::pin(house.others(lease)));
    let hanging = match future::select(hanging, others).await {
        Either::Left(_) => panic!("it was to hang"),
        Either::Right(((), hanging)) => hanging,
    };
    house.world.set_hanging(false);
    hanging.await
}

#[tokio::test]
async fn a_prefix_whose_engine_hangs_keeps_no_request_waiting() {
    let house = House::new().await;
    house.crowd().await;
    let side = house.root("mint/badge/side", json!({"ttl": 7000})).await;
    let side = side.unwrap().lease_id;
    let revoking = house.root("sys/leases/revoke-prefix/mint/badge/front", json!({}));
    let revoked = beside(&house, revoking, &side).await.unwrap();
    assert_eq!(revoked.outcome, crate::Outcome::Success);
    house.tend().await;
    assert_eq!(house.world.good(), 1);
    assert_ne!(house.lookup(&side).await["ttl"], 0);
}

#[tokio::test]
async fn a_tree_of_tokens_ends_its_leases_beside_requests_and_over_a_restart() {
    let mut house = House::new().await;
    let top = house.crowd().await;
    let side = house.root("mint/badge/side", json!({"ttl": 7000})).await;
    let side = side.unwrap().lease_id;
    // They are marked when this answers; no engine is waited for.
    house.world.set_hanging(true);
    house
        .root("auth/token/revoke", json!({"token": top}))
        .await
        .unwrap();
    let front = house.list("sys/leases/lookup/mint/badge/front").await;
    assert_eq!(front.len(), CROWD);
    for random in &front {
        let lease = format!("mint/badge/front/{random}");
        assert_eq!(house.lookup(&lease).await["ttl"], 0);
    }
    beside(&house, house.core.tend_leases(), &side)
        .await
        .unwrap();
    house.tend().await;
    assert_eq!(house.world.good(), 1);

    // A process that ends while they are taken back leaves the rest to the next one.
    let top = house.crowd().await;
    house
        .root("auth/token/revoke", json!({"token": top}))
        .await
        .unwrap();
    house.world.set_hanging(true);
    assert!(Box::pin(house.core.tend_leases()).now_or_never().is_none());
    house.restart().await;
    house.world.set_hanging(false);
    house.tend().await;
    assert_eq!(house.world.good(), 1);
    assert_ne!(house.lookup(&side).await["ttl"], 0);
}
