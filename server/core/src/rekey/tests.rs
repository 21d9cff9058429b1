//! Rekeying on a store that fails as told.

use std::{mem, sync::Arc};

use keyward_crypto::{encoding, random};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::{
    Timestamp,
    pgp::testing::{CURVE, RSA},
    seal::{Lock, Opened},
    storage::faulty::{Fate, Faulty},
};

/// An open seal whose shares are known.
struct Bench {
    medium: Arc<Faulty>,
    /// What becomes of the next commit.
    next: Arc<Mutex<Fate>>,
    keys: Keys,
    rekey: Rekey,
    valid: Vec<SecretBytes>,
}

const fn split(shares: u8, threshold: u8) -> SealConfig {
    SealConfig { shares, threshold }
}

fn plan(split: SealConfig, verification_required: bool) -> Plan {
    Plan {
        split,
        verification_required,
        holders: Arc::default(),
        backup: false,
    }
}

/// Makes the state anew, as unsealing does.
fn rekey(keys: &Keys) -> Rekey {
    let backups = View::new(Arc::clone(keys.barrier()), "rekey-backup/");
    Rekey::new(Target::Barrier, backups)
}

/// Opens what shares open.
async fn open(storage: &Faulty, config: SealConfig, shares: &[SecretBytes]) -> Option<Opened> {
    let key = seal::combine(config, shares)?;
    let root_key = seal::root_key(storage, &key).await.unwrap()?;
    Some(seal::open(storage, root_key).await.unwrap())
}

impl Bench {
    async fn new(config: SealConfig) -> Self {
        let medium = Arc::new(Faulty::new());
        let next = Arc::new(Mutex::new(Fate::Made));
        let fate = Arc::clone(&next);
        medium.judge(move |_| mem::replace(&mut *fate.lock(), Fate::Made));
        let made = seal::initialize(&*medium, &Lock::Shamir, config, Timestamp::default());
        let made = made.await.unwrap();
        let keys = Keys::open(medium.clone(), made.opened, Lock::Shamir, config);
        let keys = keys.await.unwrap();
        Self {
            rekey: rekey(&keys),
            medium,
            next,
            keys,
            valid: made.shares,
        }
    }

    /// Opens the seal anew with the valid shares, as after a crash.
    async fn restart(&mut self) {
        let config = self.config().await;
        let shares = &self.valid[..usize::from(config.threshold)];
        let opened = open(&self.medium, config, shares).await.unwrap();
        let keys = Keys::open(self.medium.clone(), opened, Lock::Shamir, config);
        self.keys = keys.await.unwrap();
        self.rekey = rekey(&self.keys);
    }

    /// Tells whether shares open what is stored now.
    async fn opens(&self, shares: &[SecretBytes]) -> bool {
        let config = self.config().await;
        let enough = shares.len().min(usize::from(config.threshold));
        let opened = open(&self.medium, config, &shares[..enough]).await;
        opened.is_some()
    }

    async fn config(&self) -> SealConfig {
        let stored = seal::config(&*self.medium).await.unwrap();
        stored.unwrap().split
    }

    fn fail(&self, fate: Fate) {
        *self.next.lock() = fate;
    }

    async fn begin(&self, plan: Plan) -> RekeyStatus {
        match self
            .rekey
            .begin(plan, &self.keys, Words::Rekey)
            .await
            .unwrap()
        {
            RekeyProgress::Going(status) => status,
            RekeyProgress::Complete(_) => panic!("shares are needed"),
        }
    }

    async fn give(&self, share: &SecretBytes) -> Result<RekeyProgress, Error> {
        let nonce = self.rekey.status(&self.keys).await.nonce;
        let share = share.duplicate();
        self.rekey
            .update(share, &nonce, &self.keys, Words::Rekey)
            .await
    }

    async fn give_back(&self, share: &SecretBytes) -> Result<RekeyVerification, Error> {
        let nonce = self.rekey.verification(Words::Rekey).await?.nonce;
        let share = share.duplicate();
        self.rekey
            .verify(share, &nonce, &self.keys, Words::Rekey)
            .await
    }

    /// Gives as many of the valid shares as are needed.
    async fn give_all(&self) -> NewShares {
        let needed = usize::from(self.keys.seal_config().threshold);
        for share in &self.valid[..needed - 1] {
            let given = self.give(share).await.unwrap();
            assert!(matches!(given, RekeyProgress::Going(_)));
        }
        match self.give(&self.valid[needed - 1]).await.unwrap() {
            RekeyProgress::Complete(made) => made,
            RekeyProgress::Going(status) => panic!("all were given: {status:?}"),
        }
    }
}

fn shares_of(made: &NewShares) -> Vec<SecretBytes> {
    let shares = made.keys.iter().zip(&made.keys_base64);
    shares
        .map(|(hex, base64)| {
            let share = seal::parse_share(hex.expose()).unwrap();
            assert_eq!(share, seal::parse_share(base64.expose()).unwrap());
            share
        })
        .collect()
}

fn text<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn new_shares_open_the_store_and_the_old_ones_no_longer_do() {
    let mut bench = Bench::new(split(3, 2)).await;
    bench.begin(plan(split(5, 3), false)).await;
    let made = bench.give_all().await;
    assert!(!made.verification_required && made.verification_nonce.is_empty());
    let new = shares_of(&made);
    assert_eq!(new.len(), 5);
    assert!(bench.opens(&new).await && !bench.opens(&bench.valid).await);
    assert_eq!(bench.keys.seal_config(), split(5, 3));
    bench.valid = new;
    bench.keys.rotate(Timestamp::default()).await.unwrap();
    bench.restart().await;
    assert_eq!(bench.keys.barrier().keyring().latest_version(), 2);
}

#[tokio::test]
async fn new_shares_that_wait_to_be_verified_open_nothing() {
    let bench = Bench::new(split(1, 1)).await;
    bench.begin(plan(split(3, 2), true)).await;
    let new = shares_of(&bench.give_all().await);
    assert!(bench.opens(&bench.valid).await && !bench.opens(&new).await);
    let again = bench.give(&bench.valid[0]).await;
    assert!(text(again).starts_with("rekey operation already finished; verification must be"));
    bench.give_back(&new[2]).await.unwrap();
    let twice = bench.give_back(&new[2]).await;
    assert_eq!(
        text(twice),
        "given key has already been provided during this verify operation"
    );
    let done = bench.give_back(&new[0]).await.unwrap();
    assert!(matches!(done, RekeyVerification::Complete(_)));
    assert!(!bench.opens(&bench.valid).await && bench.opens(&new).await);
}

#[tokio::test]
async fn wrong_shares_begin_the_count_anew() {
    let bench = Bench::new(split(3, 2)).await;
    let begun = bench.begin(plan(split(2, 2), true)).await;
    bench.give(&bench.valid[0]).await.unwrap();
    let wrong = bench.give(&random::generate_bytes(33)).await;
    assert!(text(wrong).starts_with("failed to read root key: invalid key"));
    let status = bench.rekey.status(&bench.keys).await;
    assert_eq!((status.progress, status.nonce), (0, begun.nonce));
    let new = shares_of(&bench.give_all().await);
    let before = bench.rekey.verification(Words::Rekey).await.unwrap().nonce;
    bench.give_back(&new[0]).await.unwrap();
    let wrong = bench.give_back(&bench.valid[0]).await;
    assert_eq!(
        text(wrong),
        "rekey verification failed; incorrect key shares supplied"
    );
    let after = bench.rekey.verification(Words::Rekey).await.unwrap();
    assert_eq!(after.progress, 0);
    assert_ne!(after.nonce, before);
}

#[tokio::test]
async fn a_share_of_another_attempt_or_another_length_is_not_taken() {
    let bench = Bench::new(split(3, 2)).await;
    let share = || bench.valid[0].duplicate();
    let none = bench
        .rekey
        .update(share(), "", &bench.keys, Words::Rekey)
        .await;
    assert_eq!(text(none), "no barrier rekey in progress");
    let begun = bench.begin(plan(split(1, 1), false)).await;
    let other = bench
        .rekey
        .update(share(), "other", &bench.keys, Words::Rekey)
        .await;
    let nonce = begun.nonce;
    assert_eq!(
        text(other),
        format!("incorrect nonce supplied; nonce for this rekey operation is \"{nonce}\"")
    );
    let short = bench.give(&random::generate_bytes(32)).await;
    assert_eq!(text(short), "key is shorter than minimum 33 bytes");
    let second = bench
        .rekey
        .begin(plan(split(1, 1), false), &bench.keys, Words::Rekey);
    assert_eq!(text(second.await), "rekey already in progress");
    assert_eq!(bench.rekey.status(&bench.keys).await.progress, 0);
}

#[tokio::test]
async fn whatever_the_store_does_the_caller_holds_shares_that_open_it() {
    for (fate, taken) in [(Fate::MadeAndLost, true), (Fate::NotMade, false)] {
        let mut bench = Bench::new(split(3, 2)).await;
        bench.begin(plan(split(2, 2), false)).await;
        bench.fail(fate);
        let made = bench.give_all().await;
        assert!(made.verification_required, "{fate:?}: both are to be kept");
        let new = shares_of(&made);
        assert_eq!(bench.opens(&new).await, taken, "{fate:?}");
        assert_eq!(bench.opens(&bench.valid).await, !taken, "{fate:?}");
        if taken {
            bench.valid = new;
        }
        bench.restart().await;
        assert!(!bench.rekey.status(&bench.keys).await.started);
    }
}

#[tokio::test]
async fn a_verification_whose_commit_fails_leaves_the_old_shares_valid_and_can_be_repeated() {
    let bench = Bench::new(split(1, 1)).await;
    bench.begin(plan(split(2, 2), true)).await;
    let new = shares_of(&bench.give_all().await);
    bench.fail(Fate::NotMade);
    bench.give_back(&new[0]).await.unwrap();
    bench.give_back(&new[1]).await.unwrap_err();
    assert!(bench.opens(&bench.valid).await);
    bench.give_back(&new[0]).await.unwrap();
    bench.give_back(&new[1]).await.unwrap();
    assert!(bench.opens(&new).await);
}

#[tokio::test]
async fn a_rekey_that_another_node_was_first_to_changes_nothing() {
    let bench = Bench::new(split(1, 1)).await;
    let config = bench.keys.seal_config();
    let opened = open(&bench.medium, config, &bench.valid).await;
    let opened = opened.unwrap();
    let other = Keys::open(bench.medium.clone(), opened, Lock::Shamir, config);
    let other = other.await.unwrap();
    bench.begin(plan(split(2, 2), false)).await;
    let refused = bench.give(&bench.valid[0]).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    assert!(bench.opens(&bench.valid).await);
    other.rotate(Timestamp::default()).await.unwrap();
}

/// Plans one share for each of two holders.
async fn encrypted_plan(backup: bool) -> Plan {
    let keys = [RSA.public.to_owned(), CURVE.public.to_owned()];
    let holders = Holders::read(keys.into(), 2, Timestamp::default());
    Plan {
        holders: Arc::new(holders.await.unwrap()),
        backup,
        ..plan(split(2, 2), false)
    }
}

#[tokio::test]
async fn encrypted_shares_are_for_their_holders_and_kept_until_they_are_removed() {
    let mut bench = Bench::new(split(1, 1)).await;
    let begun = bench.begin(encrypted_plan(true).await).await;
    let fingerprints = [RSA.fingerprint, CURVE.fingerprint].map(str::to_owned);
    assert_eq!(begun.pgp_fingerprints.as_deref(), Some(&fingerprints[..]));
    assert!(begun.backup);
    assert!(bench.rekey.backup().await.is_err(), "nothing was made");
    let made = bench.give_all().await;
    let kept = bench.rekey.backup().await.unwrap();
    assert_eq!(kept.nonce, made.nonce);
    for (at, fingerprint) in fingerprints.iter().enumerate() {
        assert_eq!(kept.keys[fingerprint], made.keys[at..=at]);
        assert_eq!(kept.keys_base64[fingerprint], made.keys_base64[at..=at]);
    }
    let opened = [
        RSA.open(&made.keys_base64[0]),
        CURVE.open(&made.keys_base64[1]),
    ];
    bench.valid = opened
        .iter()
        .map(|text| encoding::decode_hex(str::from_utf8(text).unwrap()).unwrap())
        .collect();
    assert!(bench.opens(&bench.valid).await);
    bench.restart().await;
    assert!(bench.rekey.backup().await.is_ok(), "it outlives a restart");
    bench.rekey.remove_backup().await.unwrap();
    assert!(bench.rekey.backup().await.is_err());
}

#[tokio::test]
async fn shares_that_cannot_be_kept_do_not_become_valid() {
    let bench = Bench::new(split(1, 1)).await;
    bench.begin(encrypted_plan(true).await).await;
    bench.fail(Fate::NotMade);
    assert!(bench.give(&bench.valid[0]).await.is_err());
    assert!(bench.opens(&bench.valid).await);
    assert!(bench.rekey.backup().await.is_err());
    bench.give_all().await;
    assert!(!bench.opens(&bench.valid).await, "the same attempt went on");
}

#[derive(Clone, Debug)]
enum Step {
    Begin { plan: Plan },
    Cancel,
    Crash,
    Fail { fate: Fate },
    Give { share: usize },
    GiveBack { share: usize },
    GiveWrong,
    RestartVerification,
}

fn step() -> impl Strategy<Value = Step> {
    let plans = (0..4usize, any::<bool>());
    let plans = plans.prop_map(|(at, verified)| {
        plan(
            [split(1, 1), split(2, 2), split(3, 2), split(4, 3)][at],
            verified,
        )
    });
    prop_oneof![
        3 => plans.prop_map(|plan| Step::Begin { plan }),
        1 => Just(Step::Cancel),
        1 => Just(Step::Crash),
        1 => prop_oneof![Just(Fate::MadeAndLost), Just(Fate::NotMade)]
            .prop_map(|fate| Step::Fail { fate }),
        8 => (0..4usize).prop_map(|share| Step::Give { share }),
        8 => (0..4usize).prop_map(|share| Step::GiveBack { share }),
        1 => Just(Step::GiveWrong),
        1 => Just(Step::RestartVerification),
    ]
}

/// What the model knows of the attempt.
#[derive(Default)]
struct Model {
    plan: Option<Plan>,
    given: Vec<usize>,
    new: Vec<SecretBytes>,
    given_back: Vec<usize>,
}

async fn play(steps: Vec<Step>) {
    let mut bench = Bench::new(split(3, 2)).await;
    let mut model = Model::default();
    let mut retired: Vec<Vec<SecretBytes>> = Vec::new();
    for step in steps {
        match step {
            Step::Begin { plan } => {
                let asked = plan.clone();
                let begun = bench.rekey.begin(asked, &bench.keys, Words::Rekey).await;
                assert_eq!(begun.is_ok(), model.plan.is_none());
                model.plan.get_or_insert(plan);
            }
            Step::Cancel => {
                bench.rekey.cancel().await;
                model = Model::default();
            }
            Step::Crash => {
                bench.fail(Fate::Made);
                bench.restart().await;
                model = Model::default();
            }
            Step::Fail { fate } => bench.fail(fate),
            Step::Give { share } => give(&mut bench, &mut model, &mut retired, share).await,
            Step::GiveBack { share } => {
                give_back(&mut bench, &mut model, &mut retired, share).await;
            }
            Step::GiveWrong => {
                let needed = usize::from(bench.keys.seal_config().threshold);
                let length = if bench.valid.len() == 1 { 32 } else { 33 };
                let fits = model.plan.is_some() && model.new.is_empty();
                let given = bench.give(&random::generate_bytes(length)).await;
                let wants_more = fits && model.given.len() + 1 < needed;
                assert_eq!(given.is_ok(), wants_more);
                // What is wrong is found out with the last share; the count begins anew.
                bench.rekey.cancel().await;
                model = Model::default();
            }
            Step::RestartVerification => {
                let restarted = bench.rekey.restart_verification(Words::Rekey).await;
                assert_eq!(restarted.is_ok(), !model.new.is_empty());
                model.given_back.clear();
            }
        }
        let status = bench.rekey.status(&bench.keys).await;
        assert_eq!(status.started, model.plan.is_some());
        assert_eq!(status.progress, model.given.len());
        assert!(bench.opens(&bench.valid).await, "the valid shares open it");
        for old in &retired {
            assert!(!bench.opens(old).await, "shares that were replaced do not");
        }
    }
}

async fn give(
    bench: &mut Bench,
    model: &mut Model,
    retired: &mut Vec<Vec<SecretBytes>>,
    share: usize,
) {
    let Some(given) = bench.valid.get(share).map(SecretBytes::duplicate) else {
        return;
    };
    let fate = *bench.next.lock();
    let needed = usize::from(bench.keys.seal_config().threshold);
    let fits = model.plan.is_some() && model.new.is_empty() && !model.given.contains(&share);
    let answer = bench.give(&given).await;
    assert_eq!(answer.is_ok(), fits);
    let (Ok(answer), Some(plan)) = (answer, &model.plan) else {
        return;
    };
    let at_once = !plan.verification_required;
    model.given.push(share);
    let RekeyProgress::Complete(made) = answer else {
        assert!(model.given.len() < needed);
        return;
    };
    assert_eq!(model.given.len(), needed);
    model.given.clear();
    let new = shares_of(&made);

    if at_once && fate != Fate::NotMade {
        retired.push(std::mem::replace(&mut bench.valid, new));
        *model = Model::default();
        if fate == Fate::MadeAndLost {
            bench.restart().await;
        }
    } else {
        assert!(made.verification_required);
        model.new = new;
    }
}

async fn give_back(
    bench: &mut Bench,
    model: &mut Model,
    retired: &mut Vec<Vec<SecretBytes>>,
    share: usize,
) {
    let Some(given) = model.new.get(share).map(SecretBytes::duplicate) else {
        return;
    };
    let Some(plan) = &model.plan else {
        return;
    };
    let fate = *bench.next.lock();
    let again = model.given_back.contains(&share);
    let enough = !again && model.given_back.len() + 1 == usize::from(plan.split.threshold);
    let answer = bench.give_back(&given).await;
    assert_eq!(answer.is_ok(), !(again || enough && fate != Fate::Made));
    if !enough {
        if !again {
            model.given_back.push(share);
        }
        return;
    }
    model.given_back.clear();
    if fate != Fate::NotMade {
        let new = std::mem::take(&mut model.new);
        retired.push(std::mem::replace(&mut bench.valid, new));
        *model = Model::default();
        if fate == Fate::MadeAndLost {
            bench.restart().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn at_every_step_exactly_the_valid_shares_open_the_store(
        steps in prop::collection::vec(step(), 0..48),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(steps));
    }
}
