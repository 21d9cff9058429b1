//! Panics of an engine, of its background work, and of what a request meets on its way to it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use keyward_api::{Operation, endpoint};
use keyward_crypto::SecretBytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Core, Done, Error, IdempotencyKey, LeaseGrant, ManualClock, Registry, Request, Response,
    Timestamp,
    audit::{AuditDevice, AuditError, AuditKind, Chain, Lines},
    engine::{
        Backing, Class, Context, Engine, EngineKind, Lease, LeaseData, LeaseTerm, LeasedSecret,
        Mounted, Routes,
    },
    storage::Memory,
    testing,
    view::View,
};

const CLUMSY: EngineKind = EngineKind {
    name: "clumsy",
    class: Class::Secret,
    aliases: &[],
    build,
    upgrade: None,
};

const KEPT: AuditKind = AuditKind {
    name: "kept",
    options: &["world"],
    open: |options, _| Ok(World::of(&options["world"])),
};

/// Every world by its name, so that a test finds the one that engine and device are in.
static WORLDS: LazyLock<Mutex<BTreeMap<String, Arc<World>>>> = LazyLock::new(Mutex::default);

/// What engine and audit device do, and what came of it.
#[derive(Default)]
struct World {
    /// The mount whose engine panics in what it does in the background.
    panics: Mutex<String>,
    /// How often the engines that do not panic were told the time.
    ticks: AtomicUsize,
    /// What was asked to be taken back, by mount.
    revocations: Mutex<Vec<String>>,
    log: Mutex<(Chain, Vec<u8>)>,
}

impl World {
    fn of(name: &str) -> Arc<Self> {
        Arc::clone(WORLDS.lock().entry(name.to_owned()).or_default())
    }

    /// Returns the audit lines since the last call.
    fn lines(&self) -> Vec<Value> {
        let text = std::mem::take(&mut self.log.lock().1);
        let lines = serde_json::Deserializer::from_slice(&text).into_iter();
        lines.map(Result::unwrap).collect()
    }
}

#[async_trait]
impl AuditDevice for World {
    async fn write(&self, lines: Lines) -> Result<(), AuditError> {
        let (chain, text) = &mut *self.log.lock();
        lines.close(chain, text);
        Ok(())
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        Ok(())
    }
}

struct Clumsy {
    world: Arc<World>,
    path: String,
}

impl Clumsy {
    fn stumble(&self) {
        assert!(*self.world.panics.lock() != self.path, "part of a test");
    }
}

#[async_trait]
impl Engine for Clumsy {
    async fn tick(&self, _: Timestamp) -> Result<(), Error> {
        self.stumble();
        self.world.ticks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn revoke(&self, _: &Lease<'_>) -> Result<(), Error> {
        self.world.revocations.lock().push(self.path.clone());
        self.stumble();
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Ask {
    name: String,
    /// How it ends: it `leases` something, panics `at once`, `changed` or `prepared`.
    ends: String,
}
endpoint!(Ask { name } => (): Update "ask/{name}");

fn build(backing: Backing) -> Result<Mounted, Error> {
    let options = backing.entry.options.clone().unwrap_or_default();
    let engine = Arc::new(Clumsy {
        world: World::of(&options["world"]),
        path: backing.entry.path.clone(),
    });
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine))
            .on(ask)
            .on_upsert(keep, exists)
            .build(),
        engine,
    })
}

/// Something of which the gate must know whether it exists.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Keep {
    name: String,
}
endpoint!(Keep { name } => (): Update "keep/{name}");

async fn keep(_: Context<Clumsy>, _: Keep) -> Result<Response<()>, Error> {
    Ok(Response::data(()))
}

async fn exists(engine: Arc<Clumsy>, _: View, _: String) -> Result<bool, Error> {
    engine.stumble();
    Ok(false)
}

async fn ask(cx: Context<Clumsy>, request: Ask) -> Result<Response<()>, Error> {
    assert!(request.ends != "at once", "part of a test");
    let value = SecretBytes::new(b"half".to_vec());
    cx.view().put("change", value).await?;
    assert!(request.ends != "changed", "part of a test");
    cx.prepare_secret(LeaseData::new()).await?;
    assert!(request.ends != "prepared", "part of a test");
    let term = LeaseTerm {
        ttl: Duration::from_secs(60),
        max_ttl: Duration::ZERO,
    };
    let secret = LeasedSecret {
        term,
        renewable: false,
    };
    Ok(Response::data(()).lease(LeaseGrant::Secret(secret)))
}

/// An unsealed core with two clumsy engines, `a/` and `b/`, and an audit device.
struct House {
    core: Core,
    clock: Arc<ManualClock>,
    world: Arc<World>,
    root: String,
}

impl House {
    async fn new() -> Self {
        let registry = Registry {
            engines: &[CLUMSY],
            audit: &[KEPT],
            ..Registry::EMPTY
        };
        let clock = testing::clock();
        let core = testing::core(Arc::new(Memory::new()), &clock, registry);
        let root = testing::open(&core).await;
        let name = uuid::Uuid::new_v4().to_string();
        let house = Self {
            core,
            clock,
            world: World::of(&name),
            root,
        };
        for path in ["sys/mounts/a", "sys/mounts/b"] {
            let mount = json!({ "type": "clumsy", "options": { "world": name } });
            house.send(house.request(path, mount)).await.unwrap();
        }
        let device = json!({ "type": "kept", "options": { "world": name } });
        let enabled = house.send(house.request("sys/audit/kept", device)).await;
        enabled.unwrap();
        house.world.lines();
        house
    }

    fn request(&self, path: &str, body: Value) -> Request {
        testing::request(Operation::Update, path, &body).with_token(testing::token(&self.root))
    }

    async fn send(&self, request: Request) -> Result<Done, Error> {
        self.core.handle(request).await
    }

    async fn ask(&self, path: &str, ends: &str) -> Result<Done, Error> {
        self.send(self.request(path, json!({ "ends": ends }))).await
    }

    /// Has the engine at a mount panic, or none.
    fn trip(&self, mount: &str) {
        mount.clone_into(&mut self.world.panics.lock());
    }
}

#[tokio::test]
async fn a_request_that_panics_has_failed_and_is_on_record() {
    let house = House::new().await;
    for ends in ["at once", "changed", "prepared"] {
        let failed = house.ask("a/ask/x", ends).await;
        assert!(matches!(failed, Err(Error::Internal(_))), "{ends}");
        let lines = house.world.lines();
        let [request, response] = &*lines else {
            panic!("{ends}: {lines:?}")
        };
        assert_eq!(
            (&request["type"], &response["type"]),
            (&json!("request"), &json!("response"))
        );
        assert_eq!(response["request"]["id"], request["request"]["id"]);
        assert_eq!(
            response["error"], "1 error occurred:\n\t* internal error\n\n",
            "{ends}"
        );
    }
    assert!(house.core.in_flight().is_empty());
    house.ask("a/ask/x", "leases").await.unwrap();
}

#[tokio::test]
async fn a_request_over_which_the_gate_panics_is_on_record() {
    let house = House::new().await;
    house.trip("a/");
    let failed = house.send(house.request("a/keep/x", json!({}))).await;
    assert!(matches!(failed, Err(Error::Internal(_))));
    let lines = house.world.lines();
    let [request, response] = &*lines else {
        panic!("{lines:?}")
    };
    for line in [request, response] {
        assert_eq!(line["request"]["path"], "a/keep/x");
    }
    assert_eq!(
        response["error"],
        "1 error occurred:\n\t* internal error\n\n"
    );
    house.trip("");
    let kept = house.send(house.request("a/keep/x", json!({}))).await;
    kept.unwrap();
}

#[tokio::test]
async fn what_a_request_prepared_is_taken_back_when_it_panics() {
    let house = House::new().await;
    let _ = house.ask("a/ask/x", "changed").await;
    assert!(house.world.revocations.lock().is_empty());
    let _ = house.ask("a/ask/x", "prepared").await;
    assert_eq!(*house.world.revocations.lock(), ["a/"]);
}

#[tokio::test]
async fn a_change_that_panicked_is_not_made_again_under_its_idempotency_key() {
    let house = House::new().await;
    let again = || Request {
        idempotency_key: Some(IdempotencyKey::parse("key").unwrap()),
        ..house.request("a/ask/x", json!({ "ends": "changed" }))
    };
    assert!(matches!(house.send(again()).await, Err(Error::Internal(_))));
    // Not that it is still being worked on: nobody works on it.
    let Err(Error::Conflict(text)) = house.send(again()).await else {
        panic!("nobody knows whether it was done");
    };
    assert!(text.contains("it is not known whether it was done"));
}

#[tokio::test]
async fn one_engine_that_panics_does_not_keep_the_others_from_what_is_due() {
    let house = House::new().await;
    for mount in ["a/", "b/"] {
        house.trip(mount);
        let ticks = house.world.ticks.load(Ordering::Relaxed);
        assert!(matches!(house.core.tick().await, Err(Error::Internal(_))));
        assert_eq!(
            house.world.ticks.load(Ordering::Relaxed),
            ticks + 1,
            "{mount}"
        );
    }
    house.trip("");
    house.core.tick().await.unwrap();
}

#[tokio::test]
async fn a_revocation_that_panics_is_a_failed_attempt() {
    let house = House::new().await;
    house.ask("a/ask/x", "leases").await.unwrap();
    house.ask("b/ask/x", "leases").await.unwrap();
    house.trip("a/");
    house.clock.advance(Duration::from_secs(60));
    house.core.tend_leases().await.unwrap();
    let revoked = || {
        let mut revoked = std::mem::take(&mut *house.world.revocations.lock());
        revoked.sort();
        revoked
    };
    assert_eq!(revoked(), ["a/", "b/"]);
    // It waits for its next attempt, and is not at once the first that is due.
    house.core.tend_leases().await.unwrap();
    assert!(revoked().is_empty());
    house.trip("");
    house.clock.advance(Duration::from_secs(1));
    house.core.tend_leases().await.unwrap();
    assert_eq!(revoked(), ["a/"]);
    house.clock.advance(Duration::from_secs(3600));
    house.core.tend_leases().await.unwrap();
    assert!(revoked().is_empty());
}
