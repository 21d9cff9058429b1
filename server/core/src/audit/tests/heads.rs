//! Where logs end is kept each minute, for the server that starts after a crash.

use super::*;
use crate::{Core, Registry, audit::Head, testing};

/// A server with one device, `a/`, that can crash.
struct Crashing {
    core: Core,
    storage: Arc<Memory>,
    clock: Arc<ManualClock>,
    share: SecretBytes,
    root: String,
}

impl Crashing {
    /// Makes one; `name` tells its recorder from those of other tests.
    async fn new(name: &str) -> Self {
        let (storage, clock) = (Arc::new(Memory::new()), testing::clock());
        let core = sealed(&storage, &clock);
        let (share, root) = testing::initialize(&core).await;
        core.unseal(share.duplicate()).await.unwrap();
        let crashing = Self {
            core,
            storage,
            clock,
            share,
            root,
        };
        let device = json!({ "type": "recorder", "options": { "recorder": name } });
        crashing
            .ask(Operation::Update, "sys/audit/a", &device)
            .await;
        crashing
    }

    async fn ask(&self, operation: Operation, path: &str, body: &Value) {
        let request = testing::request(operation, path, body);
        let request = request.with_token(testing::token(&self.root));
        self.core.handle(request).await.unwrap();
    }

    /// Writes some lines and returns where the log ends.
    async fn head(&self) -> Head {
        self.ask(Operation::Read, "sys/mounts", &json!({})).await;
        self.known().unwrap()
    }

    /// Returns where the log ends as far as the server knows.
    fn known(&self) -> Option<Head> {
        self.core.unsealed().unwrap().audit.head("a/")
    }

    /// Lets time go by, and what is due then be done.
    async fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.core.tick().await.unwrap();
    }

    /// Ends without sealing and starts again: it knows what was kept.
    async fn crash(&mut self) {
        self.core = sealed(&self.storage, &self.clock);
        self.core.unseal(self.share.duplicate()).await.unwrap();
    }
}

fn sealed(storage: &Arc<Memory>, clock: &Arc<ManualClock>) -> Core {
    let registry = Registry {
        audit: KINDS,
        ..Registry::EMPTY
    };
    testing::core(storage.clone(), clock, registry)
}

#[tokio::test]
async fn the_end_of_a_log_is_kept_a_minute_after_it_was_last_kept() {
    let mut server = Crashing::new("heads/minute").await;
    let enabled = Recorder::of("heads/minute").lines();
    server.head().await;
    server.pass(59).await;
    server.crash().await;
    let known = server.known().unwrap();
    let test_line = enabled.first().unwrap();
    assert_eq!(
        json!(known.sequence),
        test_line["sequence"],
        "the device was new then"
    );

    for _ in 0..2 {
        let written = server.head().await;
        server.pass(60).await;
        // These come too late to be kept.
        let later = server.head().await;
        server.pass(59).await;
        assert_ne!(written, later);
        server.crash().await;
        assert_eq!(server.known(), Some(written));
    }
}

#[tokio::test]
async fn a_log_that_did_not_grow_is_not_kept_again() {
    let bench = Bench::new("heads/idle").await;
    bench.enable("a/").await;
    let revision = async || bench.view.get("heads").await.unwrap().unwrap().revision;
    let tick = async || {
        bench.clock.advance(Duration::from_secs(60));
        bench.broker.tick(bench.clock.now()).await.unwrap();
    };
    let enabled = revision().await;
    tick().await;
    assert_eq!(revision().await, enabled);
    let ticket = bench.ticket("{}");
    ticket.finish(Answer::Done(&done("{}"))).await.unwrap();
    assert_eq!(revision().await, enabled, "a request keeps nothing");
    tick().await;
    assert_ne!(revision().await, enabled);
}

#[tokio::test]
async fn the_end_of_a_log_is_kept_soon_after_it_went_on_in_another_file() {
    let bench = Bench::new("heads/begun").await;
    bench.enable("a/").await;
    let revision = async || bench.view.get("heads").await.unwrap().unwrap().revision;
    let tick = async || bench.broker.tick(bench.clock.now()).await;
    let ticket = bench.ticket("{}");
    ticket.finish(Answer::Done(&done("{}"))).await.unwrap();
    let enabled = revision().await;
    tick().await.unwrap();
    assert_eq!(revision().await, enabled, "no minute went by");
    bench.broker.devices.load()[0].note_begun();
    tick().await.unwrap();
    assert_ne!(revision().await, enabled);
    assert!(!bench.broker.devices.load()[0].takes_begun());
}
