//! What every audit device must do, as one suite that each of them runs.
//!
//! A device's tests implement [`Fixture`] and call [`audit_conformance!`](crate::audit_conformance),
//! which makes one test of each public function here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::{FutureExt as _, future::join_all};

use super::{AuditDevice, Lines, verify::verify};

/// One device under test, and what receives its lines.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Returns the device.
    fn device(&self) -> &Arc<dyn AuditDevice>;

    /// Lets the receiver go away; false if the device cannot tell that it is gone.
    async fn break_down(&mut self) -> bool;

    /// Lets the receiver come back.
    async fn mend(&mut self);

    /// Waits until `lines` whole lines are there, and returns all that was received: a text for
    /// each file or connection, the oldest first, without what the device's format puts around
    /// lines.
    async fn received(&mut self, lines: usize) -> Vec<String>;
}

/// Makes one test of each case of the suite, for the fixture that an expression gives.
#[macro_export]
macro_rules! audit_conformance {
    ($fixture:expr) => {
        $crate::audit_conformance!($fixture;
            the_lines_of_concurrent_requests_make_one_chain
            the_lines_of_one_request_stand_together
            a_long_line_arrives_whole
            a_device_fails_while_its_receiver_is_gone_and_recovers_by_itself
            a_reopened_device_goes_on_with_its_chain
            an_abandoned_write_happens_whole_or_not_at_all
        );
    };
    ($fixture:expr; $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::audit::conformance::$case($fixture).await;
            }
        )+
    };
}

/// Makes the two lines of a request, as the broker does.
fn pair(name: &str) -> Lines {
    Lines::new(format!("{{\"request\":\"{name}\"\n{{\"response\":\"{name}\"\n").into_bytes())
}

/// Checks the chain of every text and over all of them, and returns what the lines say in their
/// order, those that a broken connection may have doubled only once.
fn check(texts: &[String]) -> Vec<(String, String)> {
    // What each chain value closes; an empty log closes with zeros.
    let mut known = BTreeMap::from([("0".repeat(64), 0)]);
    let mut said = Vec::new();
    for text in texts {
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let summary = verify(whole.as_bytes(), None).expect("each text is a chain of its own");
        if summary.lines == 0 {
            continue;
        }
        let kept = known.get(&summary.previous.to_string());
        said.truncate(*kept.expect("each text follows a line of one before it"));
        for line in whole.lines() {
            let line: BTreeMap<String, serde_json::Value> =
                serde_json::from_str(line).expect("each line is a JSON object");
            let (kind, name) = line
                .iter()
                .find(|(name, _)| matches!(name.as_str(), "request" | "response"))
                .expect("each line is one of ours");
            said.push((kind.clone(), name.as_str().unwrap_or_default().to_owned()));
            let value = line["chain"].as_str().unwrap_or_default();
            known.insert(value.to_owned(), said.len());
        }
    }
    said
}

/// Writers at the same time neither tear nor lose lines, and the chain closes them in one order.
pub async fn the_lines_of_concurrent_requests_make_one_chain(mut fixture: impl Fixture) {
    let device = Arc::clone(fixture.device());
    let writers = (0..16).map(|writer| {
        let device = Arc::clone(&device);
        async move {
            for n in 0..25 {
                let lines = pair(&format!("{writer}.{n}"));
                device.write(lines).await.expect("the write works");
            }
        }
    });
    join_all(writers).await;
    let said = check(&fixture.received(800).await);
    assert_eq!(said.len(), 800);
    let names: BTreeSet<_> = said.iter().collect();
    assert_eq!(names.len(), 800, "no line is there twice");
}

/// Nothing stands between a request and its answer where both were written at once.
pub async fn the_lines_of_one_request_stand_together(mut fixture: impl Fixture) {
    let writes = (0..64).map(|n| fixture.device().write(pair(&n.to_string())));
    for written in join_all(writes).await {
        written.expect("the write works");
    }
    let said = check(&fixture.received(128).await);
    for pair in said.chunks(2) {
        assert_eq!(pair[0].1, pair[1].1);
        assert_eq!([&*pair[0].0, &*pair[1].0], ["request", "response"]);
    }
}

/// A line of some 50 KB, which a datagram holds, is not cut.
pub async fn a_long_line_arrives_whole(mut fixture: impl Fixture) {
    let long = "x".repeat(50_000);
    let write = fixture.device().write(pair(&long)).await;
    write.expect("the write works");
    let said = check(&fixture.received(2).await);
    assert!(said.iter().all(|(_, name)| *name == long));
}

/// What was acknowledged is there; what failed leaves no hole.
pub async fn a_device_fails_while_its_receiver_is_gone_and_recovers_by_itself(
    mut fixture: impl Fixture,
) {
    let before = fixture.device().write(pair("before")).await;
    before.expect("the write works");
    fixture.received(2).await;
    if fixture.break_down().await {
        for _ in 0..2 {
            let gone = fixture.device().write(pair("while it is gone")).await;
            assert!(gone.is_err(), "nobody took the lines");
        }
    }
    fixture.mend().await;
    let after = fixture.device().write(pair("after")).await;
    after.expect("the device recovered");
    let said = check(&fixture.received(4).await);
    for name in ["before", "after"] {
        let lines = said.iter().filter(|(_, it)| it == name);
        assert_eq!(lines.count(), 2, "{said:?}");
    }
}

/// Reopening, as on SIGHUP, costs no line and starts no new chain.
pub async fn a_reopened_device_goes_on_with_its_chain(mut fixture: impl Fixture) {
    for name in ["first", "second", "third"] {
        let write = fixture.device().write(pair(name)).await;
        write.expect("the write works");
        fixture.device().reopen().await.expect("it opens again");
    }
    assert_eq!(check(&fixture.received(6).await).len(), 6);
}

/// A request that waits no longer costs no other its lines.
pub async fn an_abandoned_write_happens_whole_or_not_at_all(mut fixture: impl Fixture) {
    let device = Arc::clone(fixture.device());
    for n in 0..50 {
        // Polled once, and dropped.
        let _ = device.write(pair(&format!("abandoned {n}"))).now_or_never();
    }
    device.write(pair("kept")).await.expect("the write works");
    let last = ("response".to_owned(), "kept".to_owned());
    let mut said = check(&fixture.received(2).await);
    while said.last() != Some(&last) {
        said = check(&fixture.received(said.len() + 1).await);
    }
    for pair in said.chunks(2) {
        assert_eq!(pair[0].1, pair[1].1);
    }
}
