//! What a server does beside its requests, again and again until it stops.
//!
//! **Invariant:** none of it ends by a fault. What fails or panics is told, and is tried again at
//! the next moment.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use keyward_core::{Core, Error};
use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::chain;

/// How often the core does what is due, and how often it revokes what is leased: a secret whose
/// token ends with its time is found by the one and then by the other, within a second.
const TICK: Duration = Duration::from_millis(500);
const TEND: Duration = Duration::from_millis(250);

/// How often seals are looked after, and the metrics.
const SECOND: Duration = Duration::from_secs(1);

/// How many looks for what is due may wait at once, for engines or a store that hang.
const TENDING: usize = 8;

/// The tasks of one server.
pub(super) struct Upkeep {
    tasks: JoinSet<()>,
    /// Begun by one of them, again and again.
    tending: Arc<Tending>,
}

impl Upkeep {
    /// Begins all that a core has to be called for.
    pub(super) fn begin(core: &Arc<Core>) -> Self {
        let mut tasks = JoinSet::new();
        let ticking = Arc::clone(core);
        tasks.spawn(async move {
            let fault = "something due could not be done, it is tried again";
            every(TICK, fault, || ticking.tick()).await;
        });
        // A seal that opens by itself has another side, which may keep it waiting.
        let sealed = Arc::clone(core);
        tasks.spawn(async move {
            let fault = "the seal did not do its part, it is tried again";
            every(SECOND, fault, || sealed.tend_seal()).await;
        });
        let tending = Arc::new(Tending::default());
        tasks.spawn(tend_leases(Arc::clone(core), Arc::clone(&tending)));
        let counting = Arc::clone(core);
        tasks.spawn(async move {
            let fault = "tokens and leases could not be counted";
            every(SECOND, fault, || counting.count_usage()).await;
        });
        Self { tasks, tending }
    }

    /// Ends all of it; what is half done is left so.
    pub(super) async fn end(mut self) {
        // First who begins others.
        self.tasks.shutdown().await;
        self.tending.end().await;
    }
}

/// Looks for what is leased and due, each a task of its own.
#[derive(Default)]
struct Tending(Mutex<JoinSet<()>>);

impl Tending {
    /// Begins one; it is left out where too many did not end yet.
    fn begin(&self, look: impl Future<Output = ()> + Send + 'static) {
        let mut looks = self.0.lock();
        while looks.try_join_next().is_some() {}
        if looks.len() < TENDING {
            looks.spawn(look);
        }
    }

    /// Ends all that did not end by themselves, and waits until none of them runs.
    async fn end(&self) {
        let mut looks = std::mem::take(&mut *self.0.lock());
        looks.shutdown().await;
    }
}

/// Has the core revoke what is leased and due, each time on a task of its own: an engine that hangs
/// must not hold up what others leased.
async fn tend_leases(core: Arc<Core>, tending: Arc<Tending>) {
    let fault = "leases that are due could not be read, it is tried again";
    let tend = || {
        let core = Arc::clone(&core);
        tending.begin(async move { once(fault, core.tend_leases()).await });
        std::future::ready(Ok(()))
    };
    every(TEND, fault, tend).await;
}

/// Does something at once and then again and again, and says of each time that it failed.
async fn every<W>(period: Duration, fault: &str, mut work: impl FnMut() -> W)
where
    W: Future<Output = Result<(), Error>>,
{
    let mut moments = interval(period);
    moments.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        moments.tick().await;
        once(fault, async { work().await }).await;
    }
}

async fn once(fault: &str, work: impl Future<Output = Result<(), Error>>) {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %chain(&error), "{fault}"),
        // Where is told when it happens.
        Err(_) => tracing::error!(error = "it panicked", "{fault}"),
    }
}

#[cfg(test)]
mod lateness;

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn looks_that_hang_are_few_and_end_with_the_server() {
        let tending = Tending::default();
        let (go_on, told) = oneshot::channel();
        tending.begin(async move { told.await.unwrap() });
        // What hangs drops its sender only when it is ended.
        let (begun, mut runs) = mpsc::unbounded_channel();
        let hang = || {
            let begun = begun.clone();
            tending.begin(async move {
                begun.send(()).unwrap();
                std::future::pending().await
            });
        };
        for _ in 1..TENDING {
            hang();
            runs.recv().await.unwrap();
        }
        hang();
        assert_eq!(tending.0.lock().len(), TENDING);
        // Its place is free when it has ended.
        go_on.send(()).unwrap();
        while runs.try_recv().is_err() {
            hang();
            tokio::task::yield_now().await;
        }
        tending.end().await;
        drop(begun);
        assert_eq!(runs.recv().await, None);
    }

    #[tokio::test]
    async fn what_fails_or_panics_is_done_again_at_the_next_moment() {
        let (call, mut calls) = mpsc::unbounded_channel();
        let mut number = 0;
        let _work = tokio::spawn(async move {
            let work = || {
                number += 1;
                call.send(number).unwrap();
                // Before it is awaited at all.
                assert!(number != 1, "part of a test");
                async move {
                    assert!(number != 2, "part of a test");
                    match number {
                        3 => Err(Error::invalid("as well")),
                        _ => Ok(()),
                    }
                }
            };
            every(Duration::from_millis(1), "not done", work).await;
        });
        for number in 1..=4 {
            assert_eq!(calls.recv().await, Some(number));
        }
    }
}
