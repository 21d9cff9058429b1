//! Leases of secrets through the whole path of a request, over an engine that mints badges which
//! open a door in a world of its own.

mod along;
mod begin;
mod crowd;
mod end;
mod model;
mod patience;
mod spared;
mod tidy;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use keyward_api::{Operation, Sensitive, endpoint};
use keyward_crypto::SecretBytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    Clock as _, Core, Done, Error, LeaseGrant, ManualClock, Registry, Request, Response, Timestamp,
    audit::{AuditDevice, AuditError, AuditKind, Lines},
    engine::{
        Backing, Class, Context, Engine, EngineKind, Lease, LeaseData, LeaseTerm, LeasedSecret,
        Mounted, Routes,
    },
    storage::{
        Storage as _,
        faulty::{Fate, Faulty},
    },
    testing,
};

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
/// A moment before something.
const MOMENT: Duration = Duration::from_nanos(1);

const MINT: EngineKind = EngineKind {
    name: "mint",
    class: Class::Secret,
    aliases: &[],
    build,
    upgrade: None,
};

const COUNTED: AuditKind = AuditKind {
    name: "counted",
    options: &["world"],
    open: |options, _| Ok(Arc::new(Counted(World::of(&options["world"])))),
};

/// Every world by its name, so that a test finds the one that an engine works on.
static WORLDS: LazyLock<Mutex<BTreeMap<String, Arc<World>>>> = LazyLock::new(Mutex::default);

/// What an engine and an audit device change outside the server.
#[derive(Default)]
struct World {
    state: Mutex<State>,
    /// What requests may wait for.
    gate: Notify,
}

#[derive(Default)]
struct State {
    /// The badges that open the door.
    good: BTreeSet<String>,
    /// Whether the door is out of order.
    stuck: bool,
    /// Whether taking a badge back waits for the gate.
    hangs: bool,
    /// How often a badge was to be taken back.
    attempts: usize,
    /// How many writes the audit device takes yet; none is without limit.
    writes_left: Option<usize>,
}

impl World {
    fn of(name: &str) -> Arc<Self> {
        Arc::clone(WORLDS.lock().entry(name.to_owned()).or_default())
    }

    fn good(&self) -> usize {
        self.state.lock().good.len()
    }

    fn opens(&self, badge: &str) -> bool {
        self.state.lock().good.contains(badge)
    }

    fn set_stuck(&self, stuck: bool) {
        self.state.lock().stuck = stuck;
    }

    /// Has attempts to take badges back wait from now on, or no more.
    fn set_hanging(&self, hangs: bool) {
        self.state.lock().hangs = hangs;
        if !hangs {
            self.gate.notify_waiters();
        }
    }

    fn attempts(&self) -> usize {
        self.state.lock().attempts
    }
}

struct Counted(Arc<World>);

#[async_trait]
impl AuditDevice for Counted {
    async fn write(&self, _: Lines) -> Result<(), AuditError> {
        let mut world = self.0.state.lock();
        match &mut world.writes_left {
            None => Ok(()),
            Some(0) => Err(AuditError::failed("no space")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    async fn reopen(&self) -> Result<(), AuditError> {
        Ok(())
    }
}

struct Mint(Arc<World>);

#[async_trait]
impl Engine for Mint {
    async fn renew(&self, lease: &Lease<'_>) -> Result<LeaseTerm, Error> {
        // EXPOSE: the test reads what it wrote.
        let max = lease.internal["max_ttl"].expose().parse().unwrap();
        Ok(LeaseTerm {
            ttl: HOUR,
            max_ttl: Duration::from_secs(max),
        })
    }

    async fn revoke(&self, lease: &Lease<'_>) -> Result<(), Error> {
        let released = self.0.gate.notified();
        let hangs = self.0.state.lock().hangs;
        if hangs {
            released.await;
        }
        let mut world = self.0.state.lock();
        world.attempts += 1;
        if world.stuck {
            return Err(Error::internal("the door is stuck"));
        }
        // EXPOSE: the test reads what it wrote.
        world.good.remove(lease.internal["badge"].expose());
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Ask {
    name: String,
    ttl: u64,
    max_ttl: u64,
    fixed: bool,
    /// How the request ends once the badge is made: it `fails`, or `waits` for the gate.
    ends: String,
}
endpoint!(Ask { name } => Badge: Update "badge/{name}");

#[derive(Debug, Deserialize, Serialize)]
struct Badge {
    badge: String,
}

fn build(backing: Backing) -> Result<Mounted, Error> {
    let options = backing.entry.options.clone().unwrap_or_default();
    let engine = Arc::new(Mint(World::of(&options["world"])));
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine)).on(ask).build(),
        engine,
    })
}

async fn ask(cx: Context<Mint>, request: Ask) -> Result<Response<Badge>, Error> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let badge = format!("badge-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let max_ttl = Sensitive::new(request.max_ttl.to_string());
    let internal = LeaseData::from([
        ("badge".to_owned(), Sensitive::new(badge.clone())),
        ("max_ttl".to_owned(), max_ttl),
    ]);
    cx.prepare_secret(internal).await?;
    if request.ends == "late" {
        cx.0.gate.notified().await;
    }
    cx.0.state.lock().good.insert(badge.clone());
    match request.ends.as_str() {
        "fails" => return Err(Error::invalid("as was asked for")),
        "waits" => cx.0.gate.notified().await,
        _ => {}
    }
    let secret = LeasedSecret {
        term: LeaseTerm {
            ttl: Duration::from_secs(request.ttl),
            max_ttl: Duration::from_secs(request.max_ttl),
        },
        renewable: !request.fixed,
    };
    Ok(Response::data(Badge { badge }).lease(LeaseGrant::Secret(secret)))
}

/// An unsealed core with a mint at `mint/`.
struct House {
    core: Core,
    medium: Arc<Faulty>,
    clock: Arc<ManualClock>,
    world: Arc<World>,
    share: SecretBytes,
    root: String,
}

/// A badge that was given.
struct Given {
    id: String,
    badge: String,
    done: Done,
}

impl House {
    async fn new() -> Self {
        let clock = testing::clock();
        let medium = Arc::new(Faulty::new());
        let name = uuid::Uuid::new_v4().to_string();
        let core = core(&medium, &clock);
        let (share, root) = testing::initialize(&core).await;
        let house = Self {
            core,
            medium,
            clock,
            world: World::of(&name),
            share,
            root,
        };
        house.unseal().await;
        let mount = json!({"type": "mint", "options": {"world": name}});
        house.root("sys/mounts/mint", mount).await.unwrap();
        let device = json!({"type": "counted", "options": {"world": name}});
        house.root("sys/audit/counted", device).await.unwrap();
        house
    }

    async fn unseal(&self) {
        self.core.unseal(self.share.duplicate()).await.unwrap();
    }

    /// Starts the server anew on what it stored.
    async fn restart(&mut self) {
        self.core = core(&self.medium, &self.clock);
        self.unseal().await;
    }

    fn request(&self, operation: Operation, token: &str, path: &str, body: &Value) -> Request {
        testing::request(operation, path, body).with_token(testing::token(token))
    }

    async fn update(&self, token: &str, path: &str, body: Value) -> Result<Done, Error> {
        let request = self.request(Operation::Update, token, path, &body);
        self.core.handle(request).await
    }

    async fn root(&self, path: &str, body: Value) -> Result<Done, Error> {
        self.update(&self.root, path, body).await
    }

    async fn refusal(&self, path: &str, body: Value) -> String {
        self.root(path, body).await.unwrap_err().to_string()
    }

    async fn list(&self, path: &str) -> Vec<String> {
        let request = self.request(Operation::List, &self.root, path, &Value::Null);
        match self.core.handle(request).await {
            Ok(done) => serde_json::from_value(data(&done)["keys"].take()).unwrap(),
            Err(Error::NotFound(None)) => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }

    async fn token(&self, maker: &str, body: Value) -> String {
        let made = self.update(maker, "auth/token/create", body).await.unwrap();
        // EXPOSE: the test uses it.
        made.auth.unwrap().client_token.expose().to_owned()
    }

    async fn badge(&self, token: &str, body: Value) -> Given {
        let done = self.update(token, "mint/badge/front", body).await.unwrap();
        Given {
            id: done.lease_id.clone(),
            badge: data(&done)["badge"].as_str().unwrap().to_owned(),
            done,
        }
    }

    async fn lookup(&self, id: &str) -> Value {
        let looked = self
            .root("sys/leases/lookup", json!({"lease_id": id}))
            .await;
        data(&looked.unwrap())
    }

    async fn renew(&self, id: &str, increment: u64) -> Result<Done, Error> {
        let body = json!({"lease_id": id, "increment": increment});
        self.root("sys/leases/renew", body).await
    }

    async fn revoke(&self, id: &str) -> Done {
        let revoked = self
            .root("sys/leases/revoke", json!({"lease_id": id}))
            .await;
        revoked.unwrap()
    }

    /// Has the server do what is due.
    async fn tend(&self) {
        self.core.tick().await.unwrap();
        self.core.tend_leases().await.unwrap();
    }

    async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.tend().await;
    }

    /// Says what is stored of leases.
    async fn leftovers(&self) -> Vec<String> {
        self.medium.list("sys/lease/", None, None).await.unwrap()
    }
}

fn core(medium: &Arc<Faulty>, clock: &Arc<ManualClock>) -> Core {
    let registry = Registry {
        engines: &[MINT, along::DOOR],
        audit: &[COUNTED],
        ..Registry::EMPTY
    };
    testing::core(medium.clone(), clock, registry)
}

fn data(done: &Done) -> Value {
    // EXPOSE: the test reads the answer.
    let data = done.data.as_ref().map(|data| data.expose().clone());
    serde_json::from_slice(&data.unwrap_or_else(|| b"null".to_vec())).unwrap()
}
