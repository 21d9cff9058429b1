//! What a token keeps for itself.

use keyward_crypto::SecretBytes;

use super::*;

#[tokio::test]
async fn what_a_token_keeps_goes_with_it_but_not_under_its_last_request() {
    let bench = Bench::new().await;
    let kept = async |created: &Created| {
        let cubbyhole = bench.store.cubbyhole(created.token.digest());
        cubbyhole.get("deep/er").await.unwrap().is_some()
    };
    let keeping = async |grant: AuthGrant| {
        let created = bench.create(grant, None).await;
        let cubbyhole = bench.store.cubbyhole(created.token.digest());
        for key in ["a", "deep/er"] {
            cubbyhole.put(key, SecretBytes::new(vec![1])).await.unwrap();
        }
        created
    };
    let revoked = keeping(lasting(HOUR)).await;
    let expired = keeping(lasting(HOUR / 2)).await;
    let once = AuthGrant {
        num_uses: 1,
        ..lasting(HOUR)
    };
    let used = keeping(once).await;
    bench.revoke(&revoked).await;
    assert!(!kept(&revoked).await);
    bench.clock.advance(HOUR / 2);
    let token = bench.lookup(&used).await.unwrap();
    assert!(bench.store.consume(&token, bench.now()).await.unwrap());
    bench.tick().await;
    assert!(!kept(&expired).await);
    // The request that had the last use may be about to read it.
    assert!(kept(&used).await);
    bench.clock.advance(HOUR / 2);
    bench.tick().await;
    assert!(bench.leftovers().await.is_empty());
}
