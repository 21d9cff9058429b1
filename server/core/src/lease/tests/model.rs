//! The leases of a server against a model of them that is too simple to be wrong.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Advance { minutes: u32 },
    Ask { minutes: u64 },
    Force { lease: usize },
    Renew { lease: usize, minutes: u64 },
    Restart,
    Revoke { lease: usize },
    Stuck(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let lease = 0..8usize;
    prop_oneof![
        3 => (1..40u32).prop_map(|minutes| Step::Advance { minutes }),
        4 => (1..90u64).prop_map(|minutes| Step::Ask { minutes }),
        1 => lease.clone().prop_map(|lease| Step::Force { lease }),
        3 => (lease.clone(), 1..90u64).prop_map(|(lease, minutes)| Step::Renew { lease, minutes }),
        1 => Just(Step::Restart),
        2 => lease.prop_map(|lease| Step::Revoke { lease }),
        2 => any::<bool>().prop_map(Step::Stuck),
    ]
}

/// What the model knows of a lease.
struct Known {
    given: Given,
    max: Timestamp,
    expires: Timestamp,
    revoked: bool,
    forced: bool,
}

impl Known {
    fn is_over(&self, now: Timestamp) -> bool {
        self.revoked || self.expires <= now
    }
}

const MAX: u64 = 100 * 60;

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut house = House::new().await;
    let mut leases: Vec<Known> = Vec::new();
    let pick = |leases: &[Known], lease: usize| match leases.len() {
        0 => None,
        len => Some(lease % len),
    };
    for step in steps {
        let now = house.clock.now();
        match step {
            Step::Advance { minutes } => house.after(60 * SECOND * minutes).await,
            Step::Ask { minutes } => {
                let body = json!({"ttl": minutes * 60, "max_ttl": MAX});
                let given = house.badge(&house.root, body).await;
                leases.push(Known {
                    given,
                    max: now.plus(Duration::from_secs(MAX)),
                    expires: now.plus(Duration::from_secs(minutes * 60)),
                    revoked: false,
                    forced: false,
                });
            }
            Step::Force { lease } => {
                let Some(lease) = pick(&leases, lease) else {
                    continue;
                };
                let path = format!("sys/leases/revoke-force/{}", leases[lease].given.id);
                house.root(&path, json!({})).await.unwrap();
                leases[lease].revoked = true;
                leases[lease].forced = house.world.opens(&leases[lease].given.badge);
            }
            Step::Renew { lease, minutes } => {
                let Some(lease) = pick(&leases, lease) else {
                    continue;
                };
                let renewed = house.renew(&leases[lease].given.id, minutes * 60).await;
                let known = &mut leases[lease];
                prop_assert_eq!(renewed.is_ok(), !known.is_over(now));
                if let Ok(renewed) = renewed {
                    let wished = now.plus(Duration::from_secs(minutes * 60));
                    known.expires = wished.min(known.max);
                    let left = known.expires.since(now).as_secs();
                    prop_assert_eq!(renewed.lease_duration, left);
                }
            }
            Step::Restart => house.restart().await,
            Step::Revoke { lease } => {
                let Some(lease) = pick(&leases, lease) else {
                    continue;
                };
                house.revoke(&leases[lease].given.id).await;
                leases[lease].revoked = true;
            }
            Step::Stuck(stuck) => house.world.set_stuck(stuck),
        }
        let now = house.clock.now();
        for known in &leases {
            // Whoever has time left has a good secret, and nothing is good without a lease that
            // sees to its end, but by force.
            let opens = house.world.opens(&known.given.badge);
            prop_assert!(opens || known.is_over(now));
            let looked = house
                .root("sys/leases/lookup", json!({"lease_id": known.given.id}))
                .await;
            prop_assert_eq!(looked.is_ok(), opens && !known.forced);
        }
    }
    house.world.set_stuck(false);
    for _ in 0..2 {
        house.after(2 * HOUR).await;
    }
    let forced = leases.iter().filter(|known| known.forced).count();
    prop_assert_eq!(house.world.good(), forced);
    prop_assert!(house.leftovers().await.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_secret_outlives_its_lease_and_no_lease_its_end(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run(steps))?;
    }
}
