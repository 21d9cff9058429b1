//! The token tree against a model of it that is too simple to be wrong.

use proptest::prelude::*;

use super::{super::renew::Renewal, *};

#[derive(Clone, Debug)]
enum Step {
    Advance {
        hours: u32,
    },
    Create {
        parent: Option<usize>,
        hours: u32,
        uses: u64,
    },
    CreateBatch {
        parent: Option<usize>,
        hours: u32,
    },
    Renew {
        token: usize,
        hours: u32,
    },
    Restart,
    Revoke {
        token: usize,
    },
    RevokeOrphan {
        token: usize,
    },
    Tick,
    Use {
        token: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let token = 0..12usize;
    prop_oneof![
        1 => (1..4u32).prop_map(|hours| Step::Advance { hours }),
        6 => (prop::option::weighted(0.8, token.clone()), 1..9u32, 0..4u64)
            .prop_map(|(parent, hours, uses)| Step::Create { parent, hours, uses }),
        3 => (prop::option::weighted(0.8, token.clone()), 1..9u32)
            .prop_map(|(parent, hours)| Step::CreateBatch { parent, hours }),
        2 => (token.clone(), 1..9u32).prop_map(|(token, hours)| Step::Renew { token, hours }),
        1 => Just(Step::Restart),
        1 => token.clone().prop_map(|token| Step::Revoke { token }),
        1 => token.clone().prop_map(|token| Step::RevokeOrphan { token }),
        2 => Just(Step::Tick),
        2 => token.prop_map(|token| Step::Use { token }),
    ]
}

/// What the model knows of a token; its number is its place in the list.
struct Known {
    created: Created,
    there: bool,
    batch: bool,
    parent: Option<usize>,
    expires: Timestamp,
    uses: u64,
}

#[derive(Default)]
struct Model(Vec<Known>);

impl Model {
    fn pick(&self, token: usize) -> Option<usize> {
        (!self.0.is_empty()).then(|| token % self.0.len())
    }

    /// Picks a token that is stored.
    fn pick_stored(&self, token: usize) -> Option<usize> {
        self.pick(token).filter(|&token| !self.0[token].batch)
    }

    /// Picks a token that the gate lets make others: a living one without a limit of uses.
    fn pick_parent(&self, token: Option<usize>, now: Timestamp) -> Option<usize> {
        self.pick_stored(token?)
            .filter(|&token| self.is_alive(token, now) && self.0[token].uses == 0)
    }

    fn is_alive(&self, token: usize, now: Timestamp) -> bool {
        let known = &self.0[token];
        // Of a batch token nothing is removed: it looks at its parent each time.
        let parent = known.parent.filter(|_| known.batch);
        known.there && now < known.expires && parent.is_none_or(|parent| self.is_alive(parent, now))
    }

    fn remove(&mut self, token: usize) {
        self.0[token].there = false;
        for child in 0..self.0.len() {
            if self.0[child].parent == Some(token) && self.0[child].there {
                self.remove(child);
            }
        }
    }

    fn tick(&mut self, now: Timestamp) {
        for token in 0..self.0.len() {
            if self.0[token].there && self.0[token].expires <= now {
                self.remove(token);
            }
        }
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut bench = Bench::new().await;
    let mut model = Model::default();
    for step in steps {
        let now = bench.now();
        match step {
            Step::Advance { hours } => bench.clock.advance(hours * HOUR),
            Step::Tick => {
                bench.tick().await;
                model.tick(now);
            }
            Step::Restart => bench.restart().await,
            Step::Create {
                parent,
                hours,
                uses,
            } => {
                let parent = model.pick_parent(parent, now);
                let token = parent.map(|parent| Arc::clone(&model.0[parent].created.token));
                let grant = AuthGrant {
                    orphan: parent.is_none(),
                    num_uses: uses,
                    ..lasting(hours * HOUR)
                };
                let created = bench.create(grant, token.as_deref()).await;
                let expires = now.plus(hours * HOUR);
                model.0.push(Known {
                    created,
                    there: true,
                    batch: false,
                    parent,
                    expires,
                    uses,
                });
            }
            Step::CreateBatch { parent, hours } => {
                let parent = model.pick_parent(parent, now);
                let token = parent.map(|parent| Arc::clone(&model.0[parent].created.token));
                let grant = AuthGrant {
                    orphan: parent.is_none(),
                    ..batch(hours * HOUR)
                };
                let created = bench.create(grant, token.as_deref()).await;
                model.0.push(Known {
                    created,
                    there: true,
                    batch: true,
                    parent,
                    expires: now.plus(hours * HOUR),
                    uses: 0,
                });
            }
            Step::Renew { token, hours } => {
                let Some(token) = model.pick_stored(token) else {
                    continue;
                };
                let alive = model.is_alive(token, now);
                let known = &mut model.0[token];
                let digest = known.created.token.digest();
                let renewed = bench
                    .store
                    .renew(digest, hours * HOUR, Renewal::AsMade, LIMITS, now)
                    .await;
                prop_assert_eq!(renewed.is_ok(), alive);
                if alive {
                    known.expires = now.plus(hours * HOUR);
                }
            }
            Step::Revoke { token } => {
                let Some(token) = model.pick_stored(token) else {
                    continue;
                };
                let there = bench.revoke(&model.0[token].created).await;
                prop_assert_eq!(there, model.0[token].there);
                model.remove(token);
            }
            Step::RevokeOrphan { token } => {
                let Some(token) = model.pick_stored(token) else {
                    continue;
                };
                let digest = model.0[token].created.token.digest();
                let there = bench.store.revoke_orphan(digest).await.unwrap();
                prop_assert_eq!(there, model.0[token].there);
                model.0[token].there = false;
                for known in model
                    .0
                    .iter_mut()
                    .filter(|known| known.parent == Some(token))
                {
                    // A batch token still names its parent, which is gone.
                    known.there &= !known.batch;
                    known.parent = None;
                }
            }
            Step::Use { token } => {
                let Some(token) = model.pick_stored(token) else {
                    continue;
                };
                let Some(found) = bench.lookup(&model.0[token].created).await else {
                    continue;
                };
                prop_assert!(bench.store.consume(&found, bench.now()).await.unwrap());
                let known = &mut model.0[token];
                known.there = known.uses != 1;
                known.uses = known.uses.saturating_sub(1);
            }
        }
        for (number, known) in model.0.iter().enumerate() {
            let found = bench.lookup(&known.created).await;
            prop_assert_eq!(found.is_some(), model.is_alive(number, bench.now()));
            if let Some(found) = found {
                prop_assert_eq!(found.num_uses(), known.uses);
                prop_assert_eq!(found.expires(), Some(known.expires));
                prop_assert_eq!(found.orphan(), known.parent.is_none());
            }
        }
    }
    bench.clock.advance(100 * HOUR);
    bench.tick().await;
    prop_assert!(bench.leftovers().await.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_says(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps))?;
    }
}
