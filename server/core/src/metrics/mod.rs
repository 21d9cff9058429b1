//! What is counted and timed: under Vault's names, and some of ours in their manner.
//!
//! Everything that a request touches is a handle that was made before: counting costs atomics, and
//! allocates nothing. What can be looked up is looked up when somebody reads. Latencies are in
//! milliseconds, as Vault's are.
//!
//! **Invariant:** labels name mounts, operations, quotas and kinds of failure, which operators and
//! this house choose. No path of a caller, no key, no token and no address is ever one: it would
//! tell what it should not, and grow without bound.

mod failures;
mod render;
mod routes;
mod storage;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, core::Collector,
};

pub(crate) use self::{
    failures::Failures,
    render::{Format, render},
    routes::RouteMetrics,
    storage::Measured,
};
use crate::{Clock, Timestamp, storage::StorageError};

/// The upper bounds of the buckets of latencies, in milliseconds.
const BUCKETS: [f64; 18] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0,
    1_000.0, 2_500.0, 10_000.0,
];

/// How what is counted is shown, and how often what is expensive is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Whether it is shown in Prometheus' text (`prometheus_retention_time`).
    pub prometheus: bool,
    /// How often tokens and leases are counted; none is never.
    pub usage_gauge_period: Option<Duration>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            prometheus: true,
            usage_gauge_period: Some(Duration::from_secs(600)),
        }
    }
}

/// That a request is somewhere, until this is dropped.
pub(crate) struct Entered<'m>(&'m IntGauge);

impl<'m> Entered<'m> {
    pub(crate) fn new(gauge: &'m IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// All that is counted, from the start of the server on; it outlives a seal.
pub(crate) struct Metrics {
    clock: Arc<dyn Clock>,
    started: Timestamp,
    registry: Registry,
    /// Vault's names, with dots, by those that Prometheus takes.
    names: BTreeMap<String, &'static str>,
    /// When what is expensive to count is counted next, in nanoseconds since 1970.
    usage_due: AtomicU64,

    pub(crate) handle_request: Histogram,
    pub(crate) check_token: Histogram,
    pub(crate) failures: Failures,
    pub(crate) route_request: HistogramVec,
    pub(crate) token_creation: IntCounterVec,
    pub(crate) rate_limit_violation: IntCounterVec,

    pub(crate) audit_in_flight: IntGauge,
    pub(crate) audit_log_request: Histogram,
    pub(crate) audit_log_request_failure: IntCounter,
    pub(crate) audit_log_response: Histogram,
    pub(crate) audit_log_response_failure: IntCounter,
    pub(crate) audit_shortened: IntCounter,

    pub(crate) barrier_get: Histogram,
    pub(crate) barrier_list: Histogram,
    pub(crate) barrier_commit: Histogram,
    pub(crate) barrier_put: IntCounter,
    pub(crate) barrier_delete: IntCounter,
    barrier_commit_failure: IntCounter,
    barrier_writable: IntGauge,

    // Looked up when somebody reads.
    in_flight_requests: IntGauge,
    active: IntGauge,
    unsealed: IntGauge,
    mounts: IntGaugeVec,
    encryptions: IntGaugeVec,
    rate_limits: IntGauge,
    // Counted now and then.
    tokens: IntGauge,
    leases: IntGauge,
}

impl Metrics {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let mut new = New::default();
        let started = clock.now();
        Self {
            handle_request: new.latency("vault.core.handle_request", "Requests, whole."),
            check_token: new.latency(
                "vault.core.check_token",
                "Finding who asks, and what they may.",
            ),
            failures: Failures::new(new.counters(
                "vault.core.request_failure",
                "Requests that failed, by why.",
                &["failure"],
            )),
            route_request: new.latencies(
                "vault.route.request",
                "Requests in the engine of a mount.",
                &["mount_point", "operation"],
            ),
            token_creation: new.counters(
                "vault.token.creation",
                "Tokens that were made.",
                &["mount_point", "token_type"],
            ),
            rate_limit_violation: new.counters(
                "vault.quota.rate_limit.violation",
                "Requests that a rate limit refused.",
                &["name"],
            ),
            audit_in_flight: new.gauge(
                "vault.audit.in_flight",
                "Requests that wait for audit devices.",
            ),
            audit_log_request: new.latency(
                "vault.audit.log_request",
                "Requests put on record before they change something.",
            ),
            audit_log_request_failure: new.counter(
                "vault.audit.log_request_failure",
                "Requests that no device took.",
            ),
            audit_log_response: new.latency(
                "vault.audit.log_response",
                "Answers put on record, with their requests where those were not yet.",
            ),
            audit_log_response_failure: new.counter(
                "vault.audit.log_response_failure",
                "Answers that no device took.",
            ),
            audit_shortened: new.counter(
                "vault.audit.shortened",
                "Audit logs that were opened and lacked the last line that was known of them.",
            ),
            barrier_get: new.latency("vault.barrier.get", "Reads of the store."),
            barrier_list: new.latency("vault.barrier.list", "Lists of the store."),
            barrier_commit: new.latency(
                "vault.barrier.commit",
                "Commits of the store, until they are durable.",
            ),
            barrier_put: new.counter("vault.barrier.put", "Entries written."),
            barrier_delete: new.counter("vault.barrier.delete", "Entries removed."),
            barrier_commit_failure: new.counter(
                "vault.barrier.commit_failure",
                "Commits that the store failed at.",
            ),
            barrier_writable: {
                let writable = new.gauge(
                    "vault.barrier.writable",
                    "Whether the store took the last commit it was given.",
                );
                writable.set(1);
                writable
            },
            active: new.gauge("vault.core.active", "Whether requests are served."),
            unsealed: new.gauge("vault.core.unsealed", "Whether it is unsealed."),
            in_flight_requests: new.gauge(
                "vault.core.in_flight_requests",
                "Requests that are being answered.",
            ),
            mounts: new.gauges(
                "vault.core.mount_table.num_entries",
                "Mounts.",
                &["type", "local"],
            ),
            encryptions: new.gauges(
                "vault.barrier.estimated_encryptions",
                "Entries that a term of the barrier's key sealed.",
                &["term"],
            ),
            rate_limits: new.gauge("vault.quota.rate_limit.count", "Rate limits."),
            tokens: new.gauge("vault.token.count", "Tokens, as last counted."),
            leases: new.gauge("vault.expire.num_leases", "Leases, as last counted."),
            clock,
            started,
            registry: new.registry,
            names: new.names,
            usage_due: AtomicU64::new(0),
        }
    }

    /// Starts to time something.
    pub(crate) fn start(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ends it.
    pub(crate) fn stop(&self, start: Timestamp, latency: &Histogram) {
        latency.observe(self.clock.now().since(start).as_secs_f64() * 1_000.0);
    }

    /// Notes whether the store takes commits; one that only contradicts another was taken.
    pub(crate) fn count_commit<T>(&self, committed: &Result<T, StorageError>) {
        match committed {
            Ok(_) | Err(StorageError::Conflict { .. } | StorageError::Invalid(_)) => {
                self.barrier_writable.set(1);
            }
            Err(
                StorageError::Closed
                | StorageError::Corrupt(_)
                | StorageError::Full
                | StorageError::Io(_)
                | StorageError::Locked(_)
                | StorageError::Refused(_),
            ) => {
                self.barrier_commit_failure.inc();
                self.barrier_writable.set(0);
            }
        }
    }

    /// Tells whether it is time to count what is expensive to count; then it is not, for `period`.
    pub(crate) fn usage_is_due(&self, now: Timestamp, period: Duration) -> bool {
        let due = self.usage_due.load(Ordering::Relaxed);
        let next = now.plus(period).unix_nanos();
        now.unix_nanos() >= due
            && self
                .usage_due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Takes the counts of stored tokens, which have a lease each, and of leases of secrets.
    pub(crate) fn count_tokens(&self, tokens: u64, secrets: u64) {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.tokens.set(signed(tokens));
        self.leases.set(signed(tokens.saturating_add(secrets)));
    }
}

/// The collectors that are being made.
#[derive(Default)]
struct New {
    registry: Registry,
    names: BTreeMap<String, &'static str>,
}

impl New {
    fn latency(&mut self, name: &'static str, help: &str) -> Histogram {
        let opts = HistogramOpts::new(self.name(name), help).buckets(BUCKETS.to_vec());
        self.add(Histogram::with_opts(opts))
    }

    fn latencies(&mut self, name: &'static str, help: &str, labels: &[&str]) -> HistogramVec {
        let opts = HistogramOpts::new(self.name(name), help).buckets(BUCKETS.to_vec());
        self.add(HistogramVec::new(opts, labels))
    }

    fn counter(&mut self, name: &'static str, help: &str) -> IntCounter {
        let opts = Opts::new(self.name(name), help);
        self.add(IntCounter::with_opts(opts))
    }

    fn counters(&mut self, name: &'static str, help: &str, labels: &[&str]) -> IntCounterVec {
        let opts = Opts::new(self.name(name), help);
        self.add(IntCounterVec::new(opts, labels))
    }

    fn gauge(&mut self, name: &'static str, help: &str) -> IntGauge {
        let opts = Opts::new(self.name(name), help);
        self.add(IntGauge::with_opts(opts))
    }

    fn gauges(&mut self, name: &'static str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let opts = Opts::new(self.name(name), help);
        self.add(IntGaugeVec::new(opts, labels))
    }

    fn name(&mut self, name: &'static str) -> String {
        let plain = name.replace('.', "_");
        self.names.insert(plain.clone(), name);
        plain
    }

    fn add<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let collector = made.expect("the names above are ones that Prometheus takes");
        let added = self.registry.register(Box::new(collector.clone()));
        added.expect("each name stands above once");
        collector
    }
}

#[cfg(test)]
mod tests;
