//! Devices that hang or fail beside one that works.

use futures_util::FutureExt as _;

use super::*;

/// A bench with a device that hangs or fails, `a/`, and one that works, `b/`; the first request that
/// is late is so after a moment.
struct Two {
    bench: Bench,
    slow: Arc<Recorder>,
    works: Arc<Recorder>,
}

impl Two {
    async fn new(name: &'static str) -> Self {
        Self::within(name, Duration::from_millis(20)).await
    }

    /// Makes two whose deadline is longer than the test may take.
    async fn patient(name: &'static str) -> Self {
        Self::within(name, Duration::from_secs(3600)).await
    }

    async fn within(name: &'static str, deadline: Duration) -> Self {
        let mut bench = Bench::new(name).await;
        let (slow, works) = (bench.enable("a/").await, bench.enable("b/").await);
        let mut broker = open(&bench.view, &bench.clock).await;
        broker.deadline = deadline;
        bench.broker = Arc::new(broker);
        Self { bench, slow, works }
    }

    /// Answers a request. Returns whether that waited for anything: a device that works answers at
    /// once.
    async fn answer(&self) -> bool {
        let ticket = self.bench.ticket("{}");
        let answer = done("{}");
        let mut answered = Box::pin(ticket.finish(Answer::Done(&answer)));
        match answered.as_mut().now_or_never() {
            Some(written) => {
                written.unwrap();
                false
            }
            None => {
                answered.await.unwrap();
                true
            }
        }
    }
}

fn ids(lines: &[Value]) -> Vec<(Value, Value)> {
    let ids = lines
        .iter()
        .map(|line| (line["type"].clone(), line["request"]["id"].clone()));
    // Before these stands the line that each device was tested with.
    ids.skip(1).collect()
}

fn missed(lines: &[Value]) -> Vec<u64> {
    let missed = lines.iter().filter_map(|line| line["missed"].as_u64());
    missed.collect()
}

#[tokio::test]
async fn a_device_that_hangs_slows_one_request_and_loses_no_line() {
    let two = Two::new("hangs").await;
    two.slow.set(Mode::Hangs);
    assert!(two.answer().await, "it might still answer in time");
    for _ in 0..20 {
        assert!(!two.answer().await, "it is known to hang");
    }
    let ticket = two.bench.ticket("{}");
    ticket.written().now_or_never().unwrap().unwrap();
    // Without a device that works, a request waits for the one that hangs, and is refused.
    two.works.set(Mode::Fails);
    let refused = two.bench.ticket("{}").written().await;
    assert!(matches!(refused, Err(Error::Internal(_))));

    two.works.set(Mode::Works);
    two.slow.set(Mode::Works);
    two.bench.broker.catch_up().await;
    assert!(!two.answer().await);
    let (slow, works) = (two.slow.lines(), two.works.lines());
    // What was refused may be in the log of the one that took it when it woke.
    let mut of_slow = ids(&slow);
    let refused = of_slow.remove(of_slow.len() - 3);
    assert!(!ids(&works).contains(&refused));
    assert_eq!(of_slow, ids(&works));
    assert_eq!((missed(&slow), missed(&works)), (vec![], vec![1]));
    // It is waited for again.
    two.slow.set(Mode::Hangs);
    assert!(two.answer().await);
}

#[tokio::test]
async fn what_is_answered_anyway_waits_a_moment_and_loses_no_line() {
    let two = Two::patient("is waited for a moment").await;
    two.slow.set(Mode::Hangs);
    two.works.set(Mode::Hangs);
    for _ in 0..3 {
        let (ticket, answer) = (two.bench.ticket("{}"), done("{}"));
        let moment = Duration::from_millis(5);
        let told = ticket.finish_within(moment, Answer::Done(&answer)).await;
        assert!(matches!(told, Err(Error::Internal(_))));
    }
    two.slow.set(Mode::Works);
    two.works.set(Mode::Works);
    two.bench.broker.catch_up().await;
    let (slow, works) = (two.slow.lines(), two.works.lines());
    assert_eq!(slow.len(), 1 + 3 * 2);
    assert_eq!(ids(&slow), ids(&works));
}

#[tokio::test]
async fn who_waits_a_moment_says_nothing_of_the_devices() {
    let two = Two::patient("is slow for who is in a hurry").await;
    two.slow.set(Mode::Hangs);
    let (ticket, answer) = (two.bench.ticket("{}"), done("{}"));
    let moment = Duration::from_millis(5);
    let told = ticket.finish_within(moment, Answer::Done(&answer)).await;
    told.unwrap();
    // A device that is slow, and in time, is waited for by the next request.
    let next = (two.bench.ticket("{}"), done("{}"));
    let mut next = Box::pin(next.0.finish(Answer::Done(&next.1)));
    assert!(next.as_mut().now_or_never().is_none());
    // While none has taken the lines, that is not yet a failure.
    two.works.set(Mode::Hangs);
    let failures = || {
        let metrics = &two.bench.broker.surroundings.metrics;
        metrics.audit_log_response_failure.get()
    };
    let told = ticket.finish_within(moment, Answer::Done(&answer)).await;
    assert!(told.is_err());
    assert_eq!(failures(), 0);
    two.works.set(Mode::Fails);
    two.slow.set(Mode::Works);
    next.await.unwrap();
    two.slow.set(Mode::Fails);
    let told = ticket.finish_within(moment, Answer::Done(&answer)).await;
    assert!(told.is_err());
    assert_eq!(failures(), 1);
}

#[tokio::test]
async fn a_device_that_failed_says_how_many_lines_it_did_not_take() {
    let two = Two::new("fails").await;
    two.slow.set(Mode::Fails);
    for _ in 0..3 {
        assert!(!two.answer().await);
    }
    two.slow.set(Mode::Works);
    two.answer().await;
    two.answer().await;
    let lines = two.slow.lines();
    assert_eq!(lines.len(), 1 + 2 * 2);
    assert_eq!(lines[1]["missed"], 6);
    assert_eq!(
        (missed(&lines), missed(&two.works.lines())),
        (vec![6], vec![])
    );
}

#[tokio::test]
async fn what_waits_behind_a_device_is_bounded_and_what_is_beyond_is_told() {
    let mut two = Two::new("bounded").await;
    two.slow.set(Mode::Hangs);
    two.answer().await;
    Arc::get_mut(&mut two.bench.broker).unwrap().most_behind = 1;
    for _ in 0..5 {
        assert!(!two.answer().await);
    }
    two.slow.set(Mode::Works);
    two.bench.broker.catch_up().await;
    two.answer().await;
    let lines = two.slow.lines();
    assert_eq!(missed(&lines), [10]);
    assert_eq!(lines[3]["missed"], 10);
    assert_eq!(lines.len(), 1 + 2 * 2);
    assert_eq!(two.works.lines().len(), 1 + 2 * 7);
}

#[tokio::test]
async fn a_device_that_hangs_does_not_hold_up_who_reopens() {
    let two = Two::new("reopens").await;
    two.slow.set(Mode::Hangs);
    two.bench.broker.reopen().await;
    assert!(!two.answer().await, "it is known to hang");
}
