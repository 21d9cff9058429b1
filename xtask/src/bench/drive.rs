//! Drives a load: connections in a closed loop, latencies in a histogram.

use std::cell::{Cell, RefCell};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::future::join_all;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime;
use tokio::time::timeout_at;

use crate::http::{Address, Connection};

/// How much load, and for how long.
pub(super) struct Load {
    pub(super) connections: u32,
    pub(super) threads: u32,
    pub(super) warm_up: Duration,
    pub(super) goal: Goal,
}

/// When a measurement is done.
#[derive(Clone, Copy)]
pub(super) enum Goal {
    Requests(u64),
    Time(Duration),
}

/// What was measured.
pub(super) struct Outcome {
    /// Latencies of successful requests, in nanoseconds.
    pub(super) latencies: Histogram<u64>,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
    /// From the end of the warm-up to the last answer.
    pub(super) elapsed: Duration,
    /// Which part of that time the busiest thread of the client computed; near 1 the client was
    /// the limit, not the server. `None` where the system does not tell.
    pub(super) client_busy: Option<f64>,
}

/// How long an answer may take after the measurement should have ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request goal has no time of its own; this bounds it.
const LONGEST: Duration = Duration::from_secs(3600);

/// A connection that fails so often in a row gives up: the server is gone.
const FAILURES_IN_A_ROW: u32 = 20;

/// How often the display moves.
const DISPLAY_EVERY: Duration = Duration::from_millis(100);

/// Latencies are told apart to three digits, up to the longest that can be measured.
const DIGITS: u8 = 3;
const LONGEST_LATENCY: Duration = LONGEST.saturating_add(PATIENCE);

impl Load {
    /// Sends `requests`, one a connection, over and over.
    ///
    /// # Errors
    /// A thread of the client could not start.
    pub(super) fn run(
        &self,
        address: &Address,
        requests: &[Vec<u8>],
        what: &str,
    ) -> Result<Outcome> {
        let start = Instant::now();
        let answered = Arc::new(AtomicU64::new(0));
        let (send, outcomes) = mpsc::channel();
        for thread in 0..self.threads {
            let mine = |index: &usize| index % self.threads as usize == thread as usize;
            let requests: Vec<Vec<u8>> = (0..requests.len())
                .filter(mine)
                .map(|index| requests[index].clone())
                .collect();
            let shift = Shift {
                address: address.clone(),
                measure_from: start + self.warm_up,
                end: start + self.warm_up + self.goal.time(),
                budget: Cell::new(self.goal.share(thread, self.threads)),
                tally: RefCell::new(Tally::new()?),
                answered: Arc::clone(&answered),
            };
            let send = send.clone();
            thread::Builder::new()
                .name(format!("load-{thread}"))
                .spawn(move || {
                    // Sending fails only where nobody waits any more.
                    let _ = send.send(shift.run(&requests));
                })?;
        }
        drop(send);
        self.collect(&outcomes, &answered, start, what)
    }

    /// Shows progress until every thread has reported, and joins what they report.
    fn collect(
        &self,
        outcomes: &mpsc::Receiver<Result<Outcome>>,
        answered: &AtomicU64,
        start: Instant,
        what: &str,
    ) -> Result<Outcome> {
        let bar = self.bar(what);
        let mut joined: Option<Outcome> = None;
        loop {
            match outcomes.recv_timeout(DISPLAY_EVERY) {
                Ok(outcome) => {
                    let outcome = outcome?;
                    joined = Some(match joined {
                        Some(sum) => sum.join(outcome)?,
                        None => outcome,
                    });
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            let elapsed = start.elapsed();
            let answered = answered.load(Ordering::Relaxed);
            bar.set_position(match self.goal {
                Goal::Requests(_) => answered,
                Goal::Time(_) => u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            });
            bar.set_message(format!("{:.0}/s", answered as f64 / elapsed.as_secs_f64()));
        }
        bar.finish_and_clear();
        joined.context("a thread of the client ended early")
    }

    fn bar(&self, what: &str) -> ProgressBar {
        let length = match self.goal {
            Goal::Requests(requests) => requests,
            Goal::Time(time) => {
                u64::try_from((self.warm_up + time).as_millis()).unwrap_or(u64::MAX)
            }
        };
        let style = ProgressStyle::with_template("{prefix:24} {bar:40} {percent:>3}% {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(length)
            .with_style(style)
            .with_prefix(what.to_owned())
    }
}

impl Goal {
    fn time(self) -> Duration {
        match self {
            Self::Requests(_) => LONGEST,
            Self::Time(time) => time,
        }
    }

    /// The requests of one thread of many; no bound where time is the goal.
    fn share(self, thread: u32, threads: u32) -> u64 {
        match self {
            Self::Requests(requests) => {
                let (thread, threads) = (u64::from(thread), u64::from(threads));
                requests / threads + u64::from(thread < requests % threads)
            }
            Self::Time(_) => u64::MAX,
        }
    }
}

impl Outcome {
    fn join(mut self, other: Self) -> Result<Self> {
        self.latencies.add(&other.latencies)?;
        self.errors += other.errors;
        self.first_error = self.first_error.or(other.first_error);
        self.elapsed = self.elapsed.max(other.elapsed);
        self.client_busy = self
            .client_busy
            .zip(other.client_busy)
            .map(|(a, b)| a.max(b));
        Ok(self)
    }
}

/// What one thread of the client does.
struct Shift {
    address: Address,
    measure_from: Instant,
    end: Instant,
    /// Measured requests that may still begin.
    budget: Cell<u64>,
    tally: RefCell<Tally>,
    /// Answers of all threads, for the display.
    answered: Arc<AtomicU64>,
}

struct Tally {
    latencies: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
}

impl Tally {
    fn new() -> Result<Self> {
        Ok(Self {
            latencies: Histogram::new_with_max(nanos(LONGEST_LATENCY), DIGITS)?,
            errors: 0,
            first_error: None,
        })
    }

    fn answered_after(&mut self, latency: Duration) {
        self.latencies.saturating_record(nanos(latency));
    }

    fn fail(&mut self, error: impl FnOnce() -> String) {
        self.errors += 1;
        self.first_error.get_or_insert_with(error);
    }
}

impl Shift {
    fn run(self, requests: &[Vec<u8>]) -> Result<Outcome> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (began, computed) = (Instant::now(), computed());
        runtime.block_on(join_all(
            requests.iter().map(|request| self.connection(request)),
        ));
        let spent = began.elapsed();
        let client_busy = computed
            .zip(self::computed())
            .map(|(before, after)| (after - before).as_secs_f64() / spent.as_secs_f64());
        let Tally {
            latencies,
            errors,
            first_error,
        } = self.tally.into_inner();
        Ok(Outcome {
            latencies,
            errors,
            first_error,
            elapsed: self.measure_from.elapsed(),
            client_busy,
        })
    }

    /// One connection from its first request to its last.
    async fn connection(&self, request: &[u8]) {
        let give_up = (self.end + PATIENCE).into();
        if timeout_at(give_up, self.send_over_and_over(request))
            .await
            .is_err()
        {
            self.tally
                .borrow_mut()
                .fail(|| format!("no answer within {} s", PATIENCE.as_secs()));
        }
    }

    async fn send_over_and_over(&self, request: &[u8]) {
        let mut kept = None;
        let mut failures = 0;
        while failures < FAILURES_IN_A_ROW {
            let began = Instant::now();
            let measured = began >= self.measure_from;
            if began >= self.end || (measured && !self.take_from_budget()) {
                return;
            }
            match self.send_once(&mut kept, request).await {
                Ok(()) => {
                    failures = 0;
                    if measured {
                        self.tally.borrow_mut().answered_after(began.elapsed());
                    }
                }
                Err(error) => {
                    failures += 1;
                    // During the warm-up too: no error is to be lost.
                    self.tally.borrow_mut().fail(|| error);
                }
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_from_budget(&self) -> bool {
        let left = self.budget.get();
        self.budget.set(left.saturating_sub(1));
        left > 0
    }

    /// One request and its answer, on the kept connection where there is one.
    async fn send_once(&self, kept: &mut Option<Connection>, request: &[u8]) -> Result<(), String> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(&self.address)
                .await
                .map_err(|error| error.to_string())?,
        };
        let answer = connection
            .exchange(request)
            .await
            .map_err(|error| error.to_string())?;
        let outcome = match answer.status {
            200..300 => Ok(()),
            status => {
                let text = String::from_utf8_lossy(answer.body);
                Err(format!(
                    "{status}: {}",
                    text.trim().chars().take(300).collect::<String>()
                ))
            }
        };
        if answer.keep_alive {
            *kept = Some(connection);
        }
        outcome
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The processor time of this thread so far, where Linux tells it (the first number of
/// `/proc/thread-self/schedstat`, in nanoseconds).
fn computed() -> Option<Duration> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedstat
        .split(' ')
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::super::echo::Echo;
    use super::*;
    use crate::http::request;

    fn load(requests: u64) -> Load {
        Load {
            connections: 4,
            threads: 2,
            warm_up: Duration::ZERO,
            goal: Goal::Requests(requests),
        }
    }

    fn run(address: &Address, load: &Load, body: &str) -> Outcome {
        let request = request("POST", address, "/v1/x", "none", body.as_bytes());
        let requests = vec![request; load.connections as usize];
        load.run(address, &requests, "test").unwrap()
    }

    #[test]
    fn as_many_requests_are_answered_as_were_asked_for() {
        let echo = Echo::start().unwrap();
        let outcome = run(echo.address(), &load(1_001), r#"{"plaintext":"AAAA"}"#);
        assert_eq!(outcome.latencies.len(), 1_001);
        assert_eq!(outcome.errors, 0, "{:?}", outcome.first_error);
        assert!(outcome.latencies.min() > 0);
    }

    #[test]
    fn refused_requests_count_as_errors_and_a_connection_gives_up() {
        let echo = Echo::start().unwrap();
        let outcome = run(echo.address(), &load(1_000), "not JSON");
        assert_eq!(outcome.latencies.len(), 0);
        assert_eq!(outcome.errors, u64::from(4 * FAILURES_IN_A_ROW));
        assert!(outcome.first_error.unwrap().starts_with("400"));
    }

    #[test]
    fn latencies_of_every_size_are_told_apart() {
        let mut tally = Tally::new().unwrap();
        for latency in [Duration::from_micros(40), Duration::from_millis(7), LONGEST] {
            tally.answered_after(latency);
            let recorded = tally.latencies.max() as f64;
            assert!(
                (recorded / latency.as_nanos() as f64 - 1.0).abs() < 0.001,
                "{latency:?}"
            );
        }
    }

    #[test]
    fn the_shares_of_all_threads_are_the_whole() {
        for (requests, threads) in [(10, 3), (2, 4), (1000, 1), (0, 2)] {
            let goal = Goal::Requests(requests);
            let sum: u64 = (0..threads).map(|thread| goal.share(thread, threads)).sum();
            assert_eq!(sum, requests);
        }
    }
}
