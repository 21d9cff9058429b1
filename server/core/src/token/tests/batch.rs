//! Batch tokens: of which nothing is stored, and which nobody can make or change.

use keyward_crypto::encoding;
use proptest::prelude::*;

use super::*;

const PREFIX: &str = "hvb.";

fn id(created: &Created) -> &str {
    created.id.as_ref().unwrap().expose()
}

impl Bench {
    async fn opens(&self, id: &str) -> bool {
        let found = self.store.lookup(&text(id), self.now()).await.unwrap();
        found.is_some()
    }

    /// Makes a batch token as the child of another.
    async fn batch_child(&self, parent: &Created) -> Created {
        let grant = AuthGrant {
            orphan: false,
            ..batch(HOUR)
        };
        self.create(grant, Some(&parent.token)).await
    }
}

#[tokio::test]
async fn nothing_of_it_is_stored_and_it_says_what_it_is() {
    let bench = Bench::new().await;
    let grant = AuthGrant {
        policies: vec!["p".to_owned()],
        display_name: "token-x".to_owned(),
        meta: Some([("room".to_owned(), "1".to_owned())].into()),
        entity_id: "e".to_owned(),
        bound_cidrs: vec!["10.0.0.0/8".parse().unwrap()],
        role: "r".to_owned(),
        path_suffix: "suffix".to_owned(),
        ..batch(HOUR)
    };
    let created = bench.create(grant, None).await;
    assert!(id(&created).starts_with(PREFIX));
    assert!(id(&created).len() < 200, "{}", id(&created).len());
    assert!(bench.leftovers().await.is_empty());
    let found = bench.lookup(&created).await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", created.token));
    assert_eq!(found.kind(), TokenKind::Batch);
    assert_eq!(found.accessor(), "");
    assert_eq!(found.policies(), ["default", "p"]);
    assert_eq!(found.display_name(), "token-x");
    assert_eq!(found.meta().unwrap()["room"], "1");
    assert_eq!((found.entity_id(), found.role()), ("e", "r"));
    assert_eq!(found.path(), "auth/token/create/suffix");
    assert_eq!(found.bound_cidrs()[0].to_string(), "10.0.0.0/8");
    assert_eq!((found.creation_ttl(), found.renewable()), (3600, false));
}

#[tokio::test]
async fn it_outlives_a_restart_and_a_rotation_and_not_its_time() {
    let mut bench = Bench::new().await;
    let created = bench.create(batch(HOUR), None).await;
    let encoded = bench.barrier.keyring().encode();
    let mut keyring = Keyring::decode(encoded.expose()).unwrap();
    keyring.rotate(bench.now().into()).unwrap();
    bench.barrier.replace_keyring(keyring);
    bench.restart().await;
    assert!(bench.is_alive(&created).await);
    let later = bench.create(batch(HOUR), None).await;
    assert!(bench.is_alive(&later).await);
    bench.clock.advance(HOUR - Duration::from_nanos(1));
    assert!(bench.is_alive(&created).await);
    bench.clock.advance(Duration::from_nanos(1));
    assert!(!bench.is_alive(&created).await);
    bench.restart().await;
    assert!(!bench.is_alive(&created).await);
}

#[tokio::test]
async fn it_is_answered_from_memory_and_so_is_its_parent() {
    let bench = Bench::new().await;
    let parent = bench.create(lasting(HOUR), None).await;
    let child = bench.batch_child(&parent).await;
    assert!(bench.is_alive(&child).await);
    let before = bench.medium.reads();
    for _ in 0..10 {
        assert!(bench.is_alive(&child).await);
    }
    assert_eq!(bench.medium.reads(), before);

    bench.revoke(&parent).await;
    assert!(!bench.is_alive(&child).await);
    let before = bench.medium.reads();
    for _ in 0..10 {
        assert!(!bench.is_alive(&child).await);
    }
    assert_eq!(bench.medium.reads(), before);
}

#[tokio::test]
async fn it_dies_with_its_parent_however_that_ends() {
    let mut bench = Bench::new().await;
    for end in ["revoked", "orphaning", "over", "removed", "grandparent"] {
        let top = bench.create(lasting(10 * HOUR), None).await;
        let parent = bench.child(&top.token, 2 * HOUR).await;
        let child = bench.batch_child(&parent).await;
        let orphan = bench.create(batch(9 * HOUR), None).await;
        assert!(bench.is_alive(&child).await);
        match end {
            "revoked" => assert!(bench.revoke(&parent).await),
            "orphaning" => {
                let digest = parent.token.digest();
                assert!(bench.store.revoke_orphan(digest).await.unwrap());
            }
            "grandparent" => assert!(bench.revoke(&top).await),
            end => {
                bench.clock.advance(2 * HOUR);
                if end == "removed" {
                    bench.tick().await;
                }
            }
        }
        assert!(!bench.is_alive(&child).await, "{end}");
        bench.restart().await;
        assert!(!bench.is_alive(&child).await, "{end}");
        assert!(bench.is_alive(&orphan).await, "{end}");
    }
}

#[tokio::test]
async fn a_namesake_of_its_parent_is_not_its_parent() {
    let mut bench = Bench::new().await;
    let chosen = || AuthGrant {
        id: Some(text("mine")),
        ..lasting(HOUR)
    };
    let parent = bench.create(chosen(), None).await;
    let child = bench.batch_child(&parent).await;
    bench.revoke(&parent).await;
    bench.clock.advance(Duration::from_nanos(1));
    bench.create(chosen(), None).await;
    assert!(!bench.is_alive(&child).await);
    bench.restart().await;
    assert!(!bench.is_alive(&child).await);
}

#[tokio::test]
async fn it_cannot_have_what_it_could_not_keep() {
    let bench = Bench::new().await;
    let root = AuthGrant {
        kind: Some(TokenKind::Batch),
        ..AuthGrant::root()
    };
    let limited = AuthGrant {
        num_uses: 1,
        ..batch(HOUR)
    };
    let large = AuthGrant {
        meta: Some([("m".to_owned(), "x".repeat(8 << 10))].into()),
        ..batch(HOUR)
    };
    for (grant, text) in [
        (root, "batch tokens cannot be root tokens"),
        (limited, "batch tokens cannot have \"num_uses\" set"),
        (
            large,
            "a batch token with so much in it is longer than 8192 characters",
        ),
    ] {
        let created = bench.store.create(grant, None, LIMITS, PATH, bench.now());
        assert_eq!(created.await.unwrap_err().to_string(), text);
    }
    let chosen = AuthGrant {
        id: Some(text("mine")),
        ..batch(HOUR)
    };
    let created = bench.create(chosen, None).await;
    assert_eq!(created.warnings.len(), 1);
    assert!(!bench.opens("mine").await);
}

#[tokio::test]
async fn every_flipped_bit_and_every_other_text_is_refused() {
    let bench = Bench::new().await;
    let created = bench.create(batch(HOUR), None).await;
    let body = id(&created).strip_prefix(PREFIX).unwrap();
    let bytes = encoding::decode_url(body).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped = format!("{PREFIX}{}", encoding::encode_url(&flipped));
        assert!(!bench.opens(&flipped).await, "bit {bit}");
    }
    for at in 0..body.len() {
        for other in ["A", "_", "=", "", "AA", "\u{e4}"] {
            let changed = format!("{PREFIX}{}{other}{}", &body[..at], &body[at + 1..]);
            assert!(changed == id(&created) || !bench.opens(&changed).await);
        }
        assert!(!bench.opens(&format!("{PREFIX}{}", &body[..at])).await);
    }
    // Not under another prefix, and nothing that was sealed for another purpose.
    for prefix in ["hvs.", "b.", "HVB.", " hvb."] {
        assert!(!bench.opens(&format!("{prefix}{body}")).await);
    }
    let parent = bench.create(lasting(HOUR), None).await;
    let key = format!("sys/token/id/{}", parent.token.digest());
    let stored = bench.medium.get(&key).await.unwrap().unwrap().value;
    let stored = format!("{PREFIX}{}", encoding::encode_url(&stored));
    assert!(!bench.opens(&stored).await);
    assert!(bench.is_alive(&created).await);
}

#[tokio::test]
async fn one_of_another_server_is_refused() {
    let (bench, other) = (Bench::new().await, Bench::new().await);
    let created = other.create(batch(HOUR), None).await;
    assert!(other.is_alive(&created).await);
    assert!(!bench.opens(id(&created)).await);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(
        any in "\\PC{0,60}", body in "[A-Za-z0-9_-]{0,300}",
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            for body in [any, body, encoding::encode_url(&bytes)] {
                assert!(!bench.opens(&body).await);
                assert!(!bench.opens(&format!("{PREFIX}{body}")).await);
            }
        });
    }
}
