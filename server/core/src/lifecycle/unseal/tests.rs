//! Seals that open by themselves, and migrations on a store that fails as told.

use super::*;
use crate::{
    ManualClock, Registry, Seals,
    seal::testing::Fake,
    storage::{
        Memory,
        faulty::{Fate, Faulty},
    },
    testing::{self, clock},
};

fn core(storage: impl Storage, seals: Seals, clock: &Arc<ManualClock>) -> Core {
    testing::core(Arc::new(storage), clock, Registry::EMPTY).with_seals(seals)
}

fn seals(active: Option<&Arc<Fake>>, disabled: Option<&Arc<Fake>>) -> Seals {
    Seals {
        active: active.map(|seal| Arc::clone(seal) as _),
        disabled: disabled.map(|seal| Arc::clone(seal) as _),
    }
}

const TWO_OF_THREE: SealConfig = SealConfig {
    shares: 3,
    threshold: 2,
};

async fn is_sealed(core: &Core) -> bool {
    core.status().await.unwrap().sealed
}

/// Tells whether a core opens, by itself or with shares.
async fn opens(core: &Core, shares: &[SecretBytes]) -> bool {
    // A seal that is not the stored one refuses; then the shares decide.
    let _it_refuses = core.tend_seal().await;
    for share in &shares[..2] {
        if is_sealed(core).await && core.unseal(share.duplicate()).await.is_err() {
            return false;
        }
    }
    !is_sealed(core).await
}

#[tokio::test]
async fn a_seal_that_opens_by_itself_does_so_at_start_and_after_its_other_side_returned() {
    let (memory, clock, seal) = (Memory::new(), clock(), Fake::new("a"));
    let first = core(memory.share(), seals(Some(&seal), None), &clock);
    let secrets = first.initialize(TWO_OF_THREE).await.unwrap();
    assert_eq!(secrets.shares.len(), 3);
    assert!(
        !is_sealed(&first).await,
        "it opens by itself once it is made"
    );

    let second = core(memory.share(), seals(Some(&seal), None), &clock);
    seal.is_away.store(true, Ordering::Relaxed);
    assert!(second.tend_seal().await.is_err());
    assert!(is_sealed(&second).await);
    seal.is_away.store(false, Ordering::Relaxed);
    second.tend_seal().await.unwrap();
    assert!(
        is_sealed(&second).await,
        "it is left alone for some seconds"
    );
    clock.advance(RETRY);
    second.tend_seal().await.unwrap();
    assert!(!is_sealed(&second).await);
}

#[tokio::test]
async fn what_an_operator_sealed_opens_for_recovery_keys_only() {
    let (clock, seal) = (clock(), Fake::new("a"));
    let core = core(Memory::new(), seals(Some(&seal), None), &clock);
    let shares = core.initialize(TWO_OF_THREE).await.unwrap().shares;
    core.seal().await;
    clock.advance(RETRY * 100);
    core.tend_seal().await.unwrap();
    assert!(is_sealed(&core).await);
    let forged = || SecretBytes::new(vec![7; 33]);
    core.unseal(forged()).await.unwrap();
    let refused = core.unseal(shares[0].duplicate()).await.unwrap_err();
    assert!(refused.to_string().contains("recovery key"), "{refused}");
    for share in &shares[1..] {
        core.unseal(share.duplicate()).await.unwrap();
    }
    assert!(!is_sealed(&core).await);
}

#[tokio::test]
async fn recovery_keys_open_nothing_without_the_seal() {
    let (memory, clock, seal) = (Memory::new(), clock(), Fake::new("a"));
    let made = core(memory.share(), seals(Some(&seal), None), &clock);
    let shares = made.initialize(TWO_OF_THREE).await.unwrap().shares;
    let other = Fake::new("a");
    for seals in [seals(Some(&other), None), Seals::default()] {
        let core = core(memory.share(), seals, &clock);
        assert!(!opens(&core, &shares).await);
    }
}

#[tokio::test]
async fn without_recovery_keys_no_share_is_taken() {
    let (memory, clock, seal) = (Memory::new(), clock(), Fake::new("a"));
    let made = core(memory.share(), seals(Some(&seal), None), &clock);
    assert!(
        made.initialize(SealConfig::NONE)
            .await
            .unwrap()
            .shares
            .is_empty()
    );
    made.seal().await;
    assert!(made.unseal(SecretBytes::new(vec![7; 32])).await.is_err());
    let people = core(memory.share(), seals(None, Some(&seal)), &clock);
    assert!(
        people
            .migrate_seal(SecretBytes::new(vec![7; 32]))
            .await
            .is_err()
    );
    let again = core(memory, seals(Some(&seal), None), &clock);
    again.tend_seal().await.unwrap();
    assert!(!is_sealed(&again).await);
}

#[tokio::test]
async fn a_share_is_not_taken_for_what_is_not_due() {
    let (memory, clock, seal) = (Memory::new(), clock(), Fake::new("a"));
    let people = core(memory.share(), Seals::default(), &clock);
    let shares = people.initialize(TWO_OF_THREE).await.unwrap().shares;
    let refused = people
        .migrate_seal(shares[0].duplicate())
        .await
        .unwrap_err();
    let why = "can't perform a seal migration, no migration seal found";
    assert_eq!(refused.to_string(), why);
    let moving = core(memory, seals(Some(&seal), None), &clock);
    assert!(moving.status().await.unwrap().migration);
    let refused = moving.unseal(shares[0].duplicate()).await.unwrap_err();
    let why = "migrate option not provided and seal migration is pending";
    assert_eq!(refused.to_string(), why);
    moving.tend_seal().await.unwrap();
    assert!(
        is_sealed(&moving).await,
        "nothing is moved without its keepers"
    );
}

#[tokio::test]
async fn a_crash_at_any_commit_of_a_migration_leaves_a_store_that_opens() {
    let (a, b, another_a) = (Fake::new("a"), Fake::new("b"), Fake::new("a"));
    for (before, moving, after) in [
        (None, seals(Some(&a), None), Some(&a)),
        (Some(&a), seals(None, Some(&a)), None),
        (Some(&a), seals(Some(&b), Some(&a)), Some(&b)),
        (
            Some(&a),
            seals(Some(&another_a), Some(&a)),
            Some(&another_a),
        ),
    ] {
        for last in [Fate::NotMade, Fate::MadeAndLost] {
            let (mut old, mut new) = (0, 0);
            for commits in 1.. {
                let (memory, clock) = (Memory::new(), clock());
                let made = core(memory.share(), seals(before, None), &clock);
                let shares = made.initialize(TWO_OF_THREE).await.unwrap().shares;
                let mortal = Faulty::over(memory.share());
                mortal.stop_at(commits, last);
                let migrating = core(mortal, moving.clone(), &clock);
                migrating.migrate_seal(shares[2].duplicate()).await.unwrap();
                let moved = migrating.migrate_seal(shares[0].duplicate()).await;
                let with_old = core(memory.share(), seals(before, None), &clock);
                let with_new = core(memory.share(), seals(after, None), &clock);
                let opened = (
                    opens(&with_old, &shares).await,
                    opens(&with_new, &shares).await,
                );
                assert!(opened.0 != opened.1, "after {commits}: {opened:?}");
                if moved.is_ok() {
                    assert!(opened.1 && !is_sealed(&migrating).await);
                    break;
                }
                old += usize::from(opened.0);
                new += usize::from(opened.1);
            }
            // The first commit is the one that moves it.
            assert_eq!(old, usize::from(last == Fate::NotMade));
            assert!(new > 0, "it went on after that");
        }
    }
}

#[tokio::test]
async fn a_migration_that_the_new_seal_does_not_answer_changes_nothing() {
    let (memory, clock, seal) = (Memory::new(), clock(), Fake::new("a"));
    let people = core(memory.share(), Seals::default(), &clock);
    let shares = people.initialize(TWO_OF_THREE).await.unwrap().shares;
    let moving = core(memory.share(), seals(Some(&seal), None), &clock);
    let give = |at: usize| moving.migrate_seal(shares[at].duplicate());
    seal.is_away.store(true, Ordering::Relaxed);
    give(0).await.unwrap();
    assert!(give(1).await.is_err());
    assert!(opens(&core(memory.share(), Seals::default(), &clock), &shares).await);
    seal.is_away.store(false, Ordering::Relaxed);
    give(0).await.unwrap();
    give(1).await.unwrap();
    assert!(!is_sealed(&moving).await);
    assert!(!moving.status().await.unwrap().migration);
}

#[tokio::test]
async fn of_two_seals_of_one_type_the_one_that_opens_the_store_tells_whether_it_is_to_be_moved() {
    let (memory, clock) = (Memory::new(), clock());
    let (old, new) = (Fake::new("a"), Fake::new("a"));
    let made = core(memory.share(), seals(Some(&old), None), &clock);
    let shares = made.initialize(TWO_OF_THREE).await.unwrap().shares;
    let give = async |core: &Core, at: usize| core.migrate_seal(shares[at].duplicate()).await;

    let moving = core(memory.share(), seals(Some(&new), Some(&old)), &clock);
    moving.tend_seal().await.unwrap();
    let status = moving.status().await.unwrap();
    assert!(status.sealed && status.migration);
    let refused = moving.unseal(shares[0].duplicate()).await.unwrap_err();
    let why = "migrate option not provided and seal migration is pending";
    assert_eq!(refused.to_string(), why);
    give(&moving, 0).await.unwrap();
    give(&moving, 1).await.unwrap();
    let status = moving.status().await.unwrap();
    assert!(!status.sealed && !status.migration);

    // The old stanza may stay for a while.
    let moved = core(memory.share(), seals(Some(&new), Some(&old)), &clock);
    let why = "can't perform a seal migration, no migration seal found";
    assert_eq!(give(&moved, 0).await.unwrap_err().to_string(), why);
    moved.tend_seal().await.unwrap();
    assert!(!is_sealed(&moved).await);

    // Neither says anything while both are away: nothing is taken for a migration.
    let waiting = core(memory, seals(Some(&new), Some(&old)), &clock);
    new.is_away.store(true, Ordering::Relaxed);
    assert!(waiting.tend_seal().await.is_err());
    assert!(!waiting.status().await.unwrap().migration);
    assert!(give(&waiting, 0).await.is_err());
    new.is_away.store(false, Ordering::Relaxed);
    clock.advance(RETRY);
    waiting.tend_seal().await.unwrap();
    assert!(!is_sealed(&waiting).await);
}
