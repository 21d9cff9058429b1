//! Tokens by the path that made them.

use super::*;

impl Bench {
    async fn made_at(&self, path: &str, grant: AuthGrant, parent: Option<&Token>) -> Created {
        let created = self.store.create(grant, parent, LIMITS, path, self.now());
        created.await.unwrap()
    }
}

#[tokio::test]
async fn a_prefix_revokes_what_is_below_it_with_its_children_and_nothing_else() {
    let bench = Bench::new().await;
    let login = bench
        .made_at("auth/user/login/bob", lasting(HOUR), None)
        .await;
    let endless = bench
        .made_at("auth/user/login/eve", AuthGrant::root(), None)
        .await;
    let child = bench.child(&login.token, HOUR).await;
    let near = bench
        .made_at("auth/user/login-next", lasting(HOUR), None)
        .await;
    let root = bench.store.create_root(bench.now()).await.unwrap();
    bench
        .store
        .revoke_prefix("auth/user/log", bench.now())
        .await
        .unwrap();
    assert!(bench.is_alive(&login).await);

    assert_eq!(bench.store.leases("").await.unwrap(), ["auth/"]);
    assert_eq!(
        bench.store.leases("auth/user/").await.unwrap(),
        ["login-next/", "login/"]
    );
    assert_eq!(
        bench.store.leases("auth/user/login/bob").await.unwrap(),
        [format!("h{}", login.token.digest())]
    );
    bench
        .store
        .revoke_prefix("auth/user/login", bench.now())
        .await
        .unwrap();
    for dead in [&login, &endless, &child] {
        assert!(!bench.is_alive(dead).await);
    }
    assert!(bench.is_alive(&near).await);
    assert_eq!(
        bench.store.leases("auth/user").await.unwrap(),
        ["login-next/"]
    );
    bench
        .store
        .revoke_prefix("auth", bench.now())
        .await
        .unwrap();
    let root = bench
        .store
        .lookup(&root, bench.now())
        .await
        .unwrap()
        .unwrap();
    bench.store.revoke(root.digest()).await.unwrap();
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_whole_lease_is_a_prefix_of_itself() {
    let bench = Bench::new().await;
    let one = bench.create(lasting(HOUR), None).await;
    let other = bench.create(lasting(HOUR), None).await;
    let lease = one.token.lease().unwrap().to_string();
    bench
        .store
        .revoke_prefix(&lease, bench.now())
        .await
        .unwrap();
    assert!(!bench.is_alive(&one).await && bench.is_alive(&other).await);
}

#[tokio::test]
async fn the_path_of_a_list_holds_leases_like_any_other() {
    let bench = Bench::new().await;
    let wrapping = bench.made_at("secret/metadata/", lasting(HOUR), None).await;
    let lease = wrapping.token.lease().unwrap();
    assert!(
        lease
            .find(&bench.store, bench.now())
            .await
            .unwrap()
            .is_some()
    );
    bench
        .store
        .revoke_prefix("secret/metadata/", bench.now())
        .await
        .unwrap();
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_revocation_of_many_that_a_crash_cuts_short_is_ended_by_another() {
    let mut bench = Bench::new().await;
    let mut made = Vec::new();
    for at in 0..600 {
        let token = bench
            .made_at(&format!("a/{}", at % 3), lasting(HOUR), None)
            .await;
        made.push(bench.child(&token.token, HOUR).await);
        made.push(token);
    }
    // The first page is buried, then the store takes nothing more.
    bench.medium.stop_after(1);
    assert!(bench.store.revoke_prefix("a", bench.now()).await.is_err());
    bench.medium.mend();
    bench.restart().await;
    bench.tick().await;
    let mut alive = 0;
    for token in &made {
        alive += usize::from(bench.is_alive(token).await);
    }
    // Of the 200 tokens of one path, all with their children.
    assert_eq!(alive, 800);
    bench.store.revoke_prefix("a", bench.now()).await.unwrap();
    assert!(bench.leftovers().await.is_empty());
}
