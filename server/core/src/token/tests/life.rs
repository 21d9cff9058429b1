//! One token, or one tree, from beginning to end.

use super::{super::renew::Renewal, *};

#[tokio::test]
async fn a_token_has_vaults_form_and_is_not_stored() {
    let bench = Bench::new().await;
    let created = bench.create(lasting(HOUR), None).await;
    let id = created.id.as_ref().unwrap().expose();
    assert_eq!((id.len(), &id[..4]), (28, "hvs."));
    assert!(id[4..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(created.token.accessor().len(), 24);

    let key = format!("id/{}", created.token.digest());
    let record = bench.view.get(&key).await.unwrap().unwrap();
    let record = String::from_utf8(record.value.expose().clone()).unwrap();
    assert!(record.contains(created.token.accessor()));
    assert!(!record.contains(&id[4..]));
}

#[tokio::test]
async fn a_token_is_found_by_itself_and_by_its_accessor_and_by_nothing_else() {
    let bench = Bench::new().await;
    let created = bench.create(lasting(HOUR), None).await;
    let accessor = created.token.accessor();
    assert_eq!(bench.lookup(&created).await.unwrap().accessor(), accessor);
    let found = bench
        .store
        .by_accessor(accessor, bench.now())
        .await
        .unwrap();
    assert_eq!(found.unwrap().digest(), created.token.digest());

    assert!(
        bench
            .store
            .lookup(&text("hvs.nope"), bench.now())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        bench
            .store
            .lookup(&text(accessor), bench.now())
            .await
            .unwrap()
            .is_none()
    );
    for accessor in ["", "xx", "../salt", "a/b", &"a".repeat(2000), "ä"] {
        let found = bench
            .store
            .by_accessor(accessor, bench.now())
            .await
            .unwrap();
        assert!(found.is_none(), "{accessor}");
    }
    let accessors = bench.store.accessors(None, None).await.unwrap();
    assert_eq!(accessors, [created.token.accessor()]);
}

#[tokio::test]
async fn a_second_lookup_reads_nothing() {
    let bench = Bench::new().await;
    let created = bench.create(lasting(HOUR), None).await;
    assert!(bench.is_alive(&created).await);
    let before = bench.medium.reads();
    assert!(bench.is_alive(&created).await);
    assert_eq!(bench.medium.reads(), before);
}

#[tokio::test]
async fn a_token_ends_at_its_time_and_not_before_with_and_without_a_tick() {
    for ticks in [false, true] {
        let bench = Bench::new().await;
        let created = bench.create(lasting(HOUR), None).await;
        bench.clock.advance(HOUR - Duration::from_nanos(1));
        if ticks {
            bench.tick().await;
        }
        assert!(bench.is_alive(&created).await);
        bench.clock.advance(Duration::from_nanos(1));
        if ticks {
            bench.tick().await;
            assert!(bench.leftovers().await.is_empty());
        }
        assert!(!bench.is_alive(&created).await);
    }
}

#[tokio::test]
async fn ends_are_known_after_a_restart() {
    let mut bench = Bench::new().await;
    let short = bench.create(lasting(HOUR), None).await;
    let child = bench.child(&short.token, 3 * HOUR).await;
    let long = bench.create(lasting(2 * HOUR), None).await;
    bench.restart().await;
    bench.clock.advance(HOUR);
    bench.tick().await;
    assert!(!bench.is_alive(&short).await);
    assert!(
        !bench.is_alive(&child).await,
        "the child of a token that ended is revoked"
    );
    assert!(bench.is_alive(&long).await);
    bench.clock.advance(HOUR);
    bench.tick().await;
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn root_tokens_have_no_end() {
    let bench = Bench::new().await;
    let first = bench.store.create_root(bench.now()).await.unwrap();
    let second = bench.create(AuthGrant::root(), None).await;
    let ending = bench
        .create(
            AuthGrant {
                ttl: HOUR,
                ..AuthGrant::root()
            },
            None,
        )
        .await;
    bench.clock.advance(100_000 * HOUR);
    bench.tick().await;
    let first = bench
        .store
        .lookup(&first, bench.now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (first.policies(), first.path()),
        (&["root".to_owned()][..], "auth/token/root")
    );
    assert!((first.is_root(), first.orphan(), first.expires()) == (true, true, None));
    assert!(bench.is_alive(&second).await);
    assert!(!bench.is_alive(&ending).await);
}

#[tokio::test]
async fn a_chosen_token_is_taken_once() {
    let bench = Bench::new().await;
    let grant = |policy: &str| AuthGrant {
        id: Some(text("mine")),
        policies: vec![policy.to_owned()],
        ..AuthGrant::default()
    };
    let created = bench.create(grant("a"), None).await;
    let again = bench
        .store
        .create(grant("b"), None, LIMITS, PATH, bench.now())
        .await;
    assert_eq!(
        again.unwrap_err().to_string(),
        "cannot create a token with a duplicate ID"
    );
    assert_eq!(
        bench.lookup(&created).await.unwrap().policies(),
        ["a", "default"]
    );
    assert!(bench.revoke(&created).await);
    let created = bench.create(grant("b"), None).await;
    assert_eq!(
        bench.lookup(&created).await.unwrap().policies(),
        ["b", "default"]
    );
}

#[tokio::test]
async fn a_development_root_token_is_adopted_once() {
    let mut bench = Bench::new().await;
    let grant = || AuthGrant {
        id: Some(text("root")),
        ..AuthGrant::root()
    };
    for _ in 0..2 {
        bench.store.adopt_root(grant(), bench.now()).await.unwrap();
        bench.restart().await;
    }
    let root = bench
        .store
        .lookup(&text("root"), bench.now())
        .await
        .unwrap();
    assert!(root.unwrap().is_root());
    assert_eq!(bench.store.accessors(None, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn revoking_takes_the_whole_tree_and_nothing_beside_it() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    let named = bench.child(&top.token, HOUR).await;
    let sibling = bench.child(&top.token, HOUR).await;
    let below = bench.child(&named.token, HOUR).await;
    let orphan = bench.create(lasting(HOUR), Some(&named.token)).await;
    let mut deep = bench.child(&below.token, HOUR).await;
    for _ in 0..20 {
        deep = bench.child(&deep.token, HOUR).await;
    }
    // All are in memory now, and must leave it.
    for token in [&top, &named, &sibling, &below, &orphan, &deep] {
        assert!(bench.is_alive(token).await);
    }
    assert!(bench.revoke(&named).await);
    assert!(!bench.revoke(&named).await);
    for gone in [&named, &below, &deep] {
        assert!(!bench.is_alive(gone).await);
        let found = bench
            .store
            .by_accessor(gone.token.accessor(), bench.now())
            .await
            .unwrap();
        assert!(found.is_none());
    }
    for left in [&top, &sibling, &orphan] {
        assert!(bench.is_alive(left).await);
    }
    assert!(bench.revoke(&top).await && bench.revoke(&orphan).await);
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn more_children_than_a_page_are_revoked() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    for _ in 0..600 {
        bench.child(&top.token, HOUR).await;
    }
    assert!(bench.revoke(&top).await);
    assert!(bench.leftovers().await.is_empty());
    for _ in 0..600 {
        bench.create(lasting(HOUR), None).await;
    }
    bench.clock.advance(HOUR);
    bench.tick().await;
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn revoking_alone_makes_the_children_orphans() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    let child = bench.child(&top.token, HOUR).await;
    let below = bench.child(&child.token, HOUR).await;
    assert!(!bench.lookup(&child).await.unwrap().orphan());
    assert!(bench.store.revoke_orphan(top.token.digest()).await.unwrap());
    assert!(!bench.is_alive(&top).await);
    assert!(bench.lookup(&child).await.unwrap().orphan());
    assert!(!bench.lookup(&below).await.unwrap().orphan());
    assert!(bench.revoke(&child).await);
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_revocation_that_was_cut_short_goes_on_by_itself() {
    for commits in 0..8 {
        let mut bench = Bench::new().await;
        let top = bench.create(lasting(HOUR), None).await;
        let mut tree = vec![bench.child(&top.token, HOUR).await];
        for at in 0..6 {
            tree.push(bench.child(&tree[at].token, HOUR).await);
        }
        bench.medium.stop_after(commits);
        let outcome = bench.store.revoke(top.token.digest()).await;
        assert_eq!(
            bench.is_alive(&top).await,
            commits == 0,
            "the named token goes first"
        );
        assert!(outcome.is_err());
        bench.medium.mend();
        if commits == 0 {
            continue;
        }
        bench.restart().await;
        bench.tick().await;
        for token in &tree {
            assert!(!bench.is_alive(token).await);
        }
        assert!(bench.leftovers().await.is_empty());
    }
}

#[tokio::test]
async fn an_end_that_could_not_be_written_stays_due() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    let child = bench.child(&top.token, 5 * HOUR).await;
    bench.clock.advance(HOUR);
    bench.medium.stop_after(0);
    for _ in 0..3 {
        assert!(bench.store.tick(bench.now()).await.is_err());
        assert!(!bench.is_alive(&top).await);
        assert!(bench.is_alive(&child).await);
    }
    bench.medium.mend();
    bench.tick().await;
    assert!(!bench.is_alive(&child).await);
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_spoilt_record_does_not_hold_up_its_neighbours() {
    let bench = Bench::new().await;
    let top = bench.create(lasting(HOUR), None).await;
    let spoilt = bench.child(&top.token, HOUR).await;
    let sibling = bench.child(&top.token, 5 * HOUR).await;
    let other = bench.create(lasting(HOUR), None).await;
    let key = format!("sys/token/id/{}", spoilt.token.digest());
    let junk = Batch::new()
        .put(key, "junk")
        .put("sys/token/expiry/junk", "junk")
        .put("sys/token/grave/junk", "junk");
    bench.medium.commit(junk).await.unwrap();
    bench.clock.advance(HOUR);
    assert!(bench.store.tick(bench.now()).await.is_err());
    for gone in [&top, &sibling, &other] {
        assert!(!bench.is_alive(gone).await);
    }
    assert_eq!(
        bench.store.accessors(None, None).await.unwrap(),
        [spoilt.token.accessor()]
    );
}

#[tokio::test]
async fn a_renewal_counts_from_now_and_moves_the_end() {
    let bench = Bench::new().await;
    let created = bench.create(lasting(2 * HOUR), None).await;
    let renew = |increment| {
        bench.store.renew(
            created.token.digest(),
            increment,
            Renewal::AsMade,
            LIMITS,
            bench.now(),
        )
    };
    assert!(bench.is_alive(&created).await);
    bench.clock.advance(HOUR);
    let renewed = renew(Duration::ZERO).await.unwrap();
    assert_eq!(
        (renewed.token.ttl(), renewed.token.remaining(bench.now())),
        (7200, 7200)
    );
    assert_eq!(renewed.token.renewed(), Some(bench.now()));
    assert_eq!(renewed.token.creation_ttl(), 7200);

    bench.clock.advance(HOUR + HOUR / 2);
    bench.tick().await;
    assert!(bench.is_alive(&created).await);
    let renewed = renew(HOUR).await.unwrap();
    assert_eq!(renewed.token.expires(), Some(bench.now().plus(HOUR)));
    let renewed = renew(Duration::ZERO).await.unwrap();
    assert_eq!(
        renewed.token.ttl(),
        3600,
        "no increment asks for the last term again"
    );
    bench.clock.advance(HOUR);
    let late = renew(HOUR).await;
    assert_eq!(late.unwrap_err().to_string(), "token not found");
    bench.tick().await;
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn no_renewal_goes_beyond_the_explicit_maximum() {
    let bench = Bench::new().await;
    let grant = AuthGrant {
        explicit_max_ttl: 3 * HOUR,
        ..lasting(2 * HOUR)
    };
    let created = bench.create(grant, None).await;
    bench.clock.advance(3 * HOUR / 2);
    let digest = created.token.digest();
    let renewed = bench
        .store
        .renew(digest, 2 * HOUR, Renewal::AsMade, LIMITS, bench.now())
        .await
        .unwrap();
    assert_eq!(renewed.token.ttl(), 5400);
    assert_eq!(
        renewed.warnings,
        [
            "TTL of \"2h\" exceeded the effective max_ttl of \"1h30m\"; TTL value is capped accordingly"
        ]
    );
    bench.clock.advance(3 * HOUR / 2);
    assert!(!bench.is_alive(&created).await);
}

#[tokio::test]
async fn a_periodic_token_lives_as_long_as_it_is_renewed() {
    let bench = Bench::new().await;
    let created = bench
        .create(
            AuthGrant {
                period: 2 * HOUR,
                ..lasting(HOUR)
            },
            None,
        )
        .await;
    assert_eq!(created.token.ttl(), 7200);
    for _ in 0..1000 {
        bench.clock.advance(HOUR);
        let digest = created.token.digest();
        let renewed = bench
            .store
            .renew(digest, 500 * HOUR, Renewal::AsMade, LIMITS, bench.now())
            .await
            .unwrap();
        assert_eq!((renewed.token.ttl(), renewed.warnings.len()), (7200, 0));
    }
    bench.clock.advance(2 * HOUR);
    bench.tick().await;
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_renewed_says_so() {
    let bench = Bench::new().await;
    let fixed = bench
        .create(
            AuthGrant {
                renewable: false,
                ..lasting(HOUR)
            },
            None,
        )
        .await;
    let root = bench.create(AuthGrant::root(), None).await;
    for created in [&fixed, &root] {
        let renewed = bench
            .store
            .renew(
                created.token.digest(),
                HOUR,
                Renewal::AsMade,
                LIMITS,
                bench.now(),
            )
            .await;
        assert_eq!(renewed.unwrap_err().to_string(), "lease is not renewable");
    }
    let outlived = TtlLimits {
        default: HOUR,
        max: HOUR,
    };
    let created = bench.create(lasting(3 * HOUR), None).await;
    bench.clock.advance(2 * HOUR);
    let late = bench
        .store
        .renew(
            created.token.digest(),
            HOUR,
            Renewal::AsMade,
            outlived,
            bench.now(),
        )
        .await;
    assert_eq!(
        late.unwrap_err().to_string(),
        "past the max TTL, cannot renew"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uses_are_exact_among_many_callers() {
    const USES: u64 = 23;
    let bench = Bench::new().await;
    let created = bench
        .create(
            AuthGrant {
                num_uses: USES,
                ..lasting(HOUR)
            },
            None,
        )
        .await;
    let token = bench.lookup(&created).await.unwrap();
    let callers = (0..64).map(|_| {
        let (store, token, now) = (Arc::clone(&bench.store), Arc::clone(&token), bench.now());
        tokio::spawn(async move { store.consume(&token, now).await.unwrap() })
    });
    let mut used = 0;
    for caller in callers.collect::<Vec<_>>() {
        used += u64::from(caller.await.unwrap());
    }
    assert_eq!(used, USES);
    assert!(!bench.is_alive(&created).await);
    assert!(!bench.store.consume(&token, bench.now()).await.unwrap());
    bench.clock.advance(HOUR);
    bench.tick().await;
    assert!(bench.leftovers().await.is_empty());
}

#[tokio::test]
async fn a_use_is_durable_before_it_is_granted() {
    let mut bench = Bench::new().await;
    let created = bench
        .create(
            AuthGrant {
                num_uses: 2,
                ..lasting(HOUR)
            },
            None,
        )
        .await;
    let token = bench.lookup(&created).await.unwrap();
    bench.medium.stop_after(0);
    assert!(bench.store.consume(&token, bench.now()).await.is_err());
    bench.medium.mend();
    assert!(bench.store.consume(&token, bench.now()).await.unwrap());
    bench.restart().await;
    assert_eq!(bench.lookup(&created).await.unwrap().num_uses(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_child_survives_a_parent_that_is_revoked_meanwhile() {
    for _ in 0..200 {
        let bench = Bench::new().await;
        let parent = bench.create(lasting(HOUR), None).await;
        let mothers: Vec<_> = (0..4)
            .map(|_| {
                let (store, parent, now) = (
                    Arc::clone(&bench.store),
                    Arc::clone(&parent.token),
                    bench.now(),
                );
                tokio::spawn(async move {
                    let grant = AuthGrant {
                        orphan: false,
                        ..lasting(HOUR)
                    };
                    match store.create(grant, Some(&parent), LIMITS, PATH, now).await {
                        Ok(_) => {}
                        Err(Error::Denied(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                })
            })
            .collect();
        assert!(bench.revoke(&parent).await);
        for mother in mothers {
            mother.await.unwrap();
        }
        assert!(bench.leftovers().await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revoked_token_does_not_come_back_from_memory() {
    for _ in 0..200 {
        let bench = Bench::new().await;
        let created = bench.create(lasting(HOUR), None).await;
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (store, now) = (Arc::clone(&bench.store), bench.now());
                let digest = created.token.digest();
                tokio::spawn(async move { store.find(digest, now).await.unwrap().is_some() })
            })
            .collect();
        assert!(bench.revoke(&created).await);
        assert!(!bench.is_alive(&created).await);
        for reader in readers {
            reader.await.unwrap();
        }
        assert!(!bench.is_alive(&created).await);
    }
}
