//! Waiting logins against a model of them that is too simple to be wrong.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Advance { seconds: u64 },
    LogIn,
    Restart,
    Validate { login: usize, steps: i64 },
    Wrong { login: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let login = 0..6usize;
    prop_oneof![
        2 => (1..200u64).prop_map(|seconds| Step::Advance { seconds }),
        4 => Just(Step::LogIn),
        1 => Just(Step::Restart),
        6 => (login.clone(), -2..=2i64).prop_map(|(login, steps)| Step::Validate { login, steps }),
        2 => login.prop_map(|login| Step::Wrong { login }),
    ]
}

#[derive(Default)]
struct Model {
    /// When each login is over; none once it gave its token or the server forgot it.
    logins: Vec<(String, Option<u64>)>,
    used: BTreeSet<u64>,
    /// How many codes were tried, and until when that counts.
    tried: (u32, u64),
}

const MOST: u32 = 3;
const PERIOD: u64 = 30;

impl Model {
    /// Tells what comes of a code of some step, or of none.
    fn validate(&mut self, login: usize, step: Option<u64>, now: u64) -> &'static str {
        let (_, end) = &mut self.logins[login];
        if end.is_none_or(|end| end <= now) {
            *end = None;
            return "invalid request ID";
        }
        if self.tried.1 <= now {
            self.tried = (0, now + PERIOD);
        }
        self.tried.0 += 1;
        if self.tried.0 > MOST {
            return "maximum TOTP validation attempts";
        }
        let current = now / PERIOD;
        let good = step.filter(|step| step.abs_diff(current) <= 1);
        match good.filter(|step| self.used.insert(*step)) {
            None => "MFA credentials not supplied or incorrect",
            Some(_) => {
                self.tried = (0, 0);
                *end = None;
                ""
            }
        }
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut house = House::new().await;
    let bob = house.holder("bob").await;
    let phone = house
        .method(json!({"digits": 8, "max_validation_attempts": MOST}))
        .await;
    let authenticator = house.enrol(&phone, &bob.entity).await;
    house.enforce("e", &[&phone]).await;
    let mut model = Model::default();
    for step in steps {
        let now = house.clock.now();
        let seconds = now.unix_seconds();
        let (login, offset) = match step {
            Step::Advance { seconds } => {
                house.advance(Duration::from_secs(seconds)).await;
                continue;
            }
            Step::LogIn => {
                let waiting = house.begin().await;
                model.logins.push((waiting, Some(seconds + 300)));
                continue;
            }
            Step::Restart => {
                house.restart().await;
                model.logins.iter_mut().for_each(|(_, end)| *end = None);
                model.tried = (0, 0);
                continue;
            }
            Step::Validate { login, steps } => (login, Some(steps)),
            Step::Wrong { login } => (login, None),
        };
        if model.logins.is_empty() {
            continue;
        }
        let login = login % model.logins.len();
        let code = match offset {
            Some(offset) => authenticator.code(now, offset),
            None => "wrong".to_owned(),
        };
        let step = offset.map(|offset| (seconds / PERIOD).strict_add_signed(offset));
        let wanted = model.validate(login, step, seconds);
        let waiting = model.logins[login].0.clone();
        match house.validate(&waiting, json!({ &phone: [code] })).await {
            Ok(done) => {
                prop_assert_eq!(wanted, "");
                prop_assert!(house.is_alive(&token(done)).await);
            }
            Err(error) => {
                let error = error.to_string();
                prop_assert!(
                    !wanted.is_empty() && error.contains(wanted),
                    "{} {}",
                    error,
                    wanted
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_waiting_login_gives_one_token_for_one_good_code(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps))?;
    }
}
