//! Tidying: what leads to no token goes, and nothing else.

use super::*;
use crate::barrier::Change;

impl Bench {
    /// Tidies to the end.
    async fn tidy(&self) {
        assert!(self.store.start_tidying());
        let mut ticks = 0;
        while self.store.tidying.is_under_way() {
            self.store.tidy_some().await;
            ticks += 1;
            assert!(ticks < 1000);
        }
    }

    /// Every key of the store, in order.
    async fn keys(&self) -> Vec<String> {
        self.view.keys().await.unwrap()
    }
}

#[tokio::test]
async fn entries_without_a_token_go_and_all_others_stay() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    let child = bench.child(&top.token, HOUR).await;
    let good = bench.keys().await;

    // A record that a fault took away leaves an accessor, an end and a child behind.
    let lost = bench.create(lasting(HOUR), None).await;
    let left = bench.child(&lost.token, HOUR).await;
    let record = format!("id/{}", lost.token.digest());
    bench.view.delete(&record).await.unwrap();
    // And entries that their tokens know nothing of.
    let (digest, other) = (top.token.digest(), child.token.digest());
    for key in [
        format!("child/{other}/{digest}"),
        format!("child/{digest}/{}", lost.token.digest()),
        format!("expiry/0000000000000001.{digest}"),
        format!("lease/else/where/h{digest}"),
    ] {
        let value = keyward_crypto::SecretBytes::new(Vec::new());
        bench.view.put(&key, value).await.unwrap();
    }
    let change = Change::put_as("accessor/abcdefghijklmnopqrstuvwx", &digest).unwrap();
    bench.view.commit(vec![change]).await.unwrap();

    assert!(bench.keys().await.len() > good.len() + 10);
    bench.tidy().await;
    assert_eq!(bench.keys().await, good);
    assert!(bench.is_alive(&top).await && bench.is_alive(&child).await);
    assert!(!bench.is_alive(&left).await);
}

#[tokio::test]
async fn a_walk_over_many_pages_keeps_what_lives() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    for _ in 0..700 {
        bench.child(&top.token, HOUR).await;
    }
    let good = bench.keys().await;
    bench.tidy().await;
    assert_eq!(bench.keys().await, good);
}

#[tokio::test]
async fn what_cannot_be_tidied_is_left_and_holds_nothing_up() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    let good = bench.keys().await;
    let key = format!("expiry/0000000000000001.{}", top.token.digest());
    let value = keyward_crypto::SecretBytes::new(Vec::new());
    bench.view.put(&key, value).await.unwrap();
    bench.medium.stop_after(0);
    bench.tidy().await;
    assert_eq!(bench.keys().await.len(), good.len() + 1);
    bench.medium.mend();
    bench.tidy().await;
    assert_eq!(bench.keys().await, good);
}
