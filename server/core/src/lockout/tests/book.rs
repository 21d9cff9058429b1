//! The counter by itself, and against a model of it that is too simple to be wrong.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{
    Attempt, LockoutConfig, Lockouts, Terms, UserLockout,
    book::{Book, Name, ROOM},
};
use super::{Login, MINUTE, START, claim, entry};
use crate::{Denial, Error, LockoutTerms, Timestamp};

const TERMS: Terms = Terms {
    threshold: 3,
    duration: Duration::from_secs(600),
    counter_reset: Duration::from_secs(300),
};

fn alice() -> Name {
    Name::new("auth_a", "alice")
}

fn failed(book: &mut Book, times: usize, now: Timestamp) {
    for _ in 0..times {
        book.fail(&alice(), TERMS, now);
    }
}

#[test]
fn failures_in_a_row_lock_for_a_while_and_then_count_anew() {
    let mut book = Book::default();
    assert!(!book.fail(&alice(), TERMS, START));
    assert!(!book.fail(&alice(), TERMS, START.plus(4 * MINUTE)));
    let locked = START.plus(8 * MINUTE);
    assert!(book.fail(&alice(), TERMS, locked));
    assert!(book.is_locked(&alice(), TERMS, locked.plus(9 * MINUTE)));
    let over = locked.plus(10 * MINUTE);
    assert!(!book.is_locked(&alice(), TERMS, over));
    failed(&mut book, 2, over);
    assert!(!book.is_locked(&alice(), TERMS, over));
    failed(&mut book, 1, over);
    assert!(book.is_locked(&alice(), TERMS, over));
}

#[test]
fn a_while_without_failures_begins_the_count_anew() {
    let mut book = Book::default();
    failed(&mut book, 2, START);
    let later = START.plus(5 * MINUTE);
    failed(&mut book, 2, later);
    assert!(!book.is_locked(&alice(), TERMS, later));
}

#[test]
fn failures_that_were_on_their_way_make_a_lock_no_longer() {
    let mut book = Book::default();
    failed(&mut book, 3, START);
    failed(&mut book, 5, START.plus(9 * MINUTE));
    assert!(!book.is_locked(&alice(), TERMS, START.plus(10 * MINUTE)));
}

#[test]
fn names_are_one_mounts_alone() {
    let mut book = Book::default();
    failed(&mut book, 3, START);
    for other in [Name::new("auth_b", "alice"), Name::new("auth_a", "bob")] {
        assert!(!book.is_locked(&other, TERMS, START));
    }
    assert_eq!(book.locked("auth_a", TERMS, START), ["alice"]);
    assert!(book.locked("auth_", TERMS, START).is_empty());
    assert!(book.locked("auth_b", TERMS, START).is_empty());
}

#[test]
fn made_up_names_push_out_the_oldest_and_fill_nothing() {
    let mut book = Book::default();
    failed(&mut book, 3, START);
    let long = "x".repeat(257);
    let mut last = Name::new("auth_a", "");
    for number in 0..40_000 {
        last = Name::new("auth_a", &format!("{number}{long}"));
        book.fail(&last, TERMS, START);
        if number == 20_000 {
            assert!(book.is_locked(&alice(), TERMS, START));
        }
    }
    assert!(!book.is_locked(&alice(), TERMS, START));
    assert!(book.room() <= ROOM && book.room() > ROOM / 2);
    failed(&mut book, 3, START);
    assert!(book.is_locked(&alice(), TERMS, START));
    book.forget(&last);
    // What counts no more goes with the next failure.
    book.fail(&last, TERMS, START.plus(60 * MINUTE));
    assert_eq!(book.len(), 1);
}

#[test]
fn a_mount_comes_before_its_type_and_that_before_all() {
    let say = |threshold, disabled| LockoutTerms {
        threshold,
        disabled,
        ..LockoutTerms::default()
    };
    let mut config = LockoutConfig::default();
    let mut mount = entry();
    let threshold = |mount: &_, config: &_| Terms::of(mount, config).map(|terms| terms.threshold);
    assert_eq!(
        Terms::of(&mount, &config),
        Some(Terms {
            threshold: 5,
            duration: 15 * MINUTE,
            counter_reset: 15 * MINUTE
        })
    );
    config
        .terms
        .insert("all".to_owned(), say(Some(9), Some(true)));
    assert_eq!(threshold(&mount, &config), None);
    config
        .terms
        .insert("safe".to_owned(), say(None, Some(false)));
    assert_eq!(threshold(&mount, &config), Some(9));
    mount.config.user_lockout_config = Some(UserLockout {
        user_lockout_duration: 60,
        ..UserLockout::default()
    });
    let terms = Terms::of(&mount, &config).unwrap();
    assert_eq!((terms.threshold, terms.duration), (9, MINUTE));
    mount.config.user_lockout_config = Some(UserLockout {
        user_lockout_disable: true,
        ..UserLockout::default()
    });
    assert_eq!(threshold(&mount, &config), None);
    mount.config.user_lockout_config = Some(UserLockout::default());
    config.terms.clear();
    assert_eq!(threshold(&mount, &config), Some(5));
    config.off = true;
    assert_eq!(threshold(&mount, &config), None);
}

#[test]
fn who_guessed_right_after_the_lock_fell_is_not_let_in() {
    let lockouts = std::sync::Arc::new(Lockouts::default());
    let alice = claim(&Login {
        name: "alice".to_owned(),
        password: "wrong".to_owned(),
    });
    let begin = || lockouts.begin(&entry(), &alice, START).unwrap().unwrap();
    let lucky = begin();
    let wrong = || Err::<(), _>(Error::invalid("wrong"));
    let attempts: Vec<Attempt> = (0..5).map(|_| begin()).collect();
    for attempt in attempts {
        assert!(matches!(
            attempt.finish(wrong(), START),
            Err(Error::Invalid(_))
        ));
    }
    let locked = lucky.finish(Ok(()), START);
    assert!(matches!(locked, Err(Error::Denied(Denial::Locked))));
    let refused = lockouts.begin(&entry(), &alice, START);
    assert!(matches!(refused, Err(Error::Denied(Denial::Locked))));
}

#[derive(Clone, Debug)]
enum Step {
    Advance { minutes: u32 },
    Fail { name: usize },
    Forget { name: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..3usize;
    prop_oneof![
        2 => (1..8u32).prop_map(|minutes| Step::Advance { minutes }),
        6 => name.clone().prop_map(|name| Step::Fail { name }),
        1 => name.prop_map(|name| Step::Forget { name }),
    ]
}

/// Reads from all failures of a name whether it is locked: each run of them is counted from its
/// beginning.
fn is_locked(failures: &[Timestamp], now: Timestamp) -> bool {
    let mut run: Vec<Timestamp> = Vec::new();
    for &failure in failures {
        if run.len() == 3 {
            if failure.since(run[2]) < TERMS.duration {
                continue;
            }
            run.clear();
        }
        if run
            .last()
            .is_some_and(|last| failure.since(*last) >= TERMS.counter_reset)
        {
            run.clear();
        }
        run.push(failure);
    }
    run.len() == 3 && now.since(run[2]) < TERMS.duration
}

proptest! {
    #[test]
    fn the_counter_is_as_the_model(steps in prop::collection::vec(step(), 1..60)) {
        let names = ["a", "b", "c"].map(|alias| Name::new("auth_a", alias));
        let mut failures: [Vec<Timestamp>; 3] = Default::default();
        let (mut book, mut now) = (Book::default(), START);
        for step in steps {
            match step {
                Step::Advance { minutes } => now = now.plus(MINUTE * minutes),
                Step::Fail { name } => {
                    let before = is_locked(&failures[name], now);
                    failures[name].push(now);
                    let locks = book.fail(&names[name], TERMS, now);
                    prop_assert_eq!(locks, !before && is_locked(&failures[name], now));
                }
                Step::Forget { name } => {
                    book.forget(&names[name]);
                    failures[name].clear();
                }
            }
            let mut locked = Vec::new();
            for (name, failures) in names.iter().zip(&failures) {
                prop_assert_eq!(book.is_locked(name, TERMS, now), is_locked(failures, now));
                if is_locked(failures, now) {
                    locked.push(name.alias().to_owned());
                }
            }
            prop_assert_eq!(book.locked("auth_a", TERMS, now), locked);
        }
    }
}
