//! What is counted, and how it is shown.

use crate::ManualClock;

use super::*;

fn metrics() -> (Arc<ManualClock>, Arc<Metrics>) {
    let start = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
    let clock = Arc::new(ManualClock::new(start));
    let metrics = Metrics::new(clock.clone());
    (clock, Arc::new(metrics))
}

fn text(metrics: &Metrics) -> String {
    let families = metrics.registry.gather();
    prometheus::TextEncoder::new()
        .encode_to_string(&families)
        .unwrap()
}

#[test]
fn latencies_are_in_milliseconds_and_cumulative() {
    let (clock, metrics) = metrics();
    for micros in [20, 700, 3_000] {
        let start = metrics.start();
        clock.advance(Duration::from_micros(micros));
        metrics.stop(start, &metrics.handle_request);
    }
    let text = text(&metrics);
    for line in [
        "vault_core_handle_request_bucket{le=\"0.01\"} 0",
        "vault_core_handle_request_bucket{le=\"0.025\"} 1",
        "vault_core_handle_request_bucket{le=\"1\"} 2",
        "vault_core_handle_request_bucket{le=\"+Inf\"} 3",
        "vault_core_handle_request_count 3",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

#[test]
fn a_mount_shows_the_operations_it_had_until_it_is_gone() {
    use keyward_api::Operation;
    let (_, metrics) = metrics();
    let routes = RouteMetrics::new(&metrics, "transit/".to_owned());
    routes.of(Operation::Update).observe(1.0);
    routes.of(Operation::Update).observe(1.0);
    let shown = "vault_route_request_count{mount_point=\"transit/\",operation=\"update\"} 2";
    assert!(text(&metrics).contains(shown));
    assert!(!text(&metrics).contains("operation=\"read\""));
    routes.forget();
    assert!(!text(&metrics).contains("transit/"));
}

#[test]
fn usage_is_counted_once_a_period() {
    let (clock, metrics) = metrics();
    let period = Duration::from_secs(600);
    assert!(metrics.usage_is_due(clock.now(), period));
    assert!(!metrics.usage_is_due(clock.now(), period));
    clock.advance(Duration::from_secs(599));
    assert!(!metrics.usage_is_due(clock.now(), period));
    clock.advance(Duration::from_secs(1));
    assert!(metrics.usage_is_due(clock.now(), period));
}

#[test]
fn a_store_that_fails_is_not_writable_until_it_takes_a_commit() {
    let (_, metrics) = metrics();
    let shown = |failures: u64, writable: u64| {
        let text = text(&metrics);
        for line in [
            format!("vault_barrier_commit_failure {failures}"),
            format!("vault_barrier_writable {writable}"),
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    };
    shown(0, 1);
    metrics.count_commit(&Err::<(), _>(StorageError::Full));
    metrics.count_commit(&Err::<(), _>(StorageError::Refused(String::new())));
    shown(2, 0);
    let key = "a".to_owned();
    metrics.count_commit(&Err::<(), _>(StorageError::Conflict { key }));
    shown(2, 1);
}
