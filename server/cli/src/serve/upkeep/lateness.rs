//! How late what is leased ends, over a clock that stands still while there is work: the rhythm of
//! the upkeep alone makes it late. How long the work takes, `benches/leases` measures.

use std::{collections::BTreeMap, sync::LazyLock};

use async_trait::async_trait;
use keyward_api::{Operation, Sensitive, endpoint};
use keyward_core::{
    CanonicalPath, Clock, Done, LeaseGrant, Registry, Request, Response, SealConfig, Settings,
    Timestamp, TokenId,
    engine::{
        Backing, Class, Context, Engine, EngineKind, Lease, LeaseData, LeaseTerm, LeasedSecret,
        Mounted, Routes,
    },
    storage::Memory,
};
use keyward_crypto::{SecretBytes, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::*;

/// What may pass between the end of a lease and its revocation.
const LATEST: Duration = Duration::from_secs(1);

/// Tells the time of tokio's clock.
struct Virtual(Instant);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(1_700_000_000_000_000_000).plus(self.0.elapsed())
    }
}

/// Who is told which name was taken back, and when.
type Tell = mpsc::UnboundedSender<(String, Instant)>;

/// Leases names, and says when each was taken back.
struct Names(Tell);

/// Where the engines of the tests say so, by the name of their mount.
static TOLD: LazyLock<Mutex<BTreeMap<String, Tell>>> = LazyLock::new(Mutex::default);

const NAMES: EngineKind = EngineKind {
    name: "names",
    class: Class::Secret,
    aliases: &[],
    build,
    upgrade: None,
};

fn build(backing: Backing) -> Result<Mounted, Error> {
    let told = TOLD.lock()[&backing.entry.path].clone();
    let engine = Arc::new(Names(told));
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine)).on(lease).build(),
        engine,
    })
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Ask {
    name: String,
    ttl: u64,
}
endpoint!(Ask { name } => Name: Update "{name}");

#[derive(Debug, Deserialize, Serialize)]
struct Name {
    name: String,
}

async fn lease(cx: Context<Names>, Ask { name, ttl }: Ask) -> Result<Response<Name>, Error> {
    let internal = LeaseData::from([("name".to_owned(), Sensitive::new(name.clone()))]);
    cx.prepare_secret(internal).await?;
    let ttl = Duration::from_secs(ttl);
    let secret = LeasedSecret {
        term: LeaseTerm { ttl, max_ttl: ttl },
        renewable: false,
    };
    Ok(Response::data(Name { name }).lease(LeaseGrant::Secret(secret)))
}

#[async_trait]
impl Engine for Names {
    async fn revoke(&self, lease: &Lease<'_>) -> Result<(), Error> {
        // EXPOSE: the test reads what it wrote.
        let name = lease.internal["name"].expose().to_owned();
        self.0.send((name, Instant::now())).map_err(Error::internal)
    }
}

/// A running server with an engine that leases names.
struct House {
    core: Arc<Core>,
    root: String,
    told: mpsc::UnboundedReceiver<(String, Instant)>,
    mount: &'static str,
}

impl House {
    async fn new(mount: &'static str) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        TOLD.lock().insert(format!("{mount}/"), tell);
        let registry = Registry {
            engines: &[NAMES],
            ..Registry::EMPTY
        };
        let settings = Settings {
            storage_type: "inmem",
            cluster_name: None,
            version: "0.0.0-test",
        };
        let clock = Arc::new(Virtual(Instant::now()));
        let core = Core::new(Arc::new(Memory::new()), clock, registry, settings);
        let config = SealConfig {
            shares: 1,
            threshold: 1,
        };
        let secrets = core.initialize(config).await.unwrap();
        for share in secrets.shares {
            core.unseal(share).await.unwrap();
        }
        let house = Self {
            core: Arc::new(core),
            // EXPOSE: the test uses it.
            root: secrets.root_token.expose().to_owned(),
            told,
            mount,
        };
        let body = json!({ "type": "names" });
        house
            .write(&house.root, &format!("sys/mounts/{mount}"), body)
            .await;
        house
    }

    async fn write(&self, token: &str, path: &str, body: Value) -> Done {
        let body = SecretBytes::new(serde_json::to_vec(&body).unwrap());
        let path = CanonicalPath::parse(path).unwrap();
        let token = TokenId::new(SecretString::new(token.to_owned()));
        let request = Request::new(Operation::Update, path, body).with_token(token);
        self.core.handle(request).await.unwrap()
    }

    /// Leases a name for some seconds with a token.
    async fn lease(&self, token: &str, name: &str, ttl: u64) {
        let path = format!("{}/{name}", self.mount);
        self.write(token, &path, json!({ "ttl": ttl })).await;
    }

    /// Sees every name taken back in its time: not before it ends, and hardly after.
    async fn expect(&mut self, mut ends: BTreeMap<String, Instant>) {
        while !ends.is_empty() {
            let (name, taken) = self.told.recv().await.unwrap();
            let end = ends.remove(&name).unwrap();
            assert!(end <= taken, "{name} is taken back {:?} early", end - taken);
            assert!(
                taken <= end + LATEST,
                "{name} is taken back {:?} late",
                taken - end
            );
        }
    }
}

/// Lets time pass.
#[expect(
    clippy::disallowed_methods,
    reason = "the clock is the test's own, and nobody waits"
)]
async fn pass(time: Duration) {
    sleep(time).await;
}

/// Moments that meet the rhythm of the upkeep in all its phases.
fn moments() -> impl Iterator<Item = (u64, Duration)> {
    (0..200).map(|number| (number, Duration::from_millis(37 * (number % 7) + 1)))
}

#[tokio::test(start_paused = true)]
async fn what_is_leased_is_taken_back_within_a_second_of_its_end_and_never_before() {
    let mut house = House::new("own-end").await;
    let upkeep = Upkeep::begin(&house.core);
    let mut ends = BTreeMap::new();
    for (number, pause) in moments() {
        pass(pause).await;
        let (name, ttl) = (format!("name-{number}"), 1 + number % 5);
        house.lease(&house.root, &name, ttl).await;
        ends.insert(name, Instant::now() + Duration::from_secs(ttl));
    }
    house.expect(ends).await;
    upkeep.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_token_leased_ends_within_a_second_of_the_token() {
    let mut house = House::new("end-of-token").await;
    let upkeep = Upkeep::begin(&house.core);
    let policy = json!({"policy": "path \"end-of-token/*\" { capabilities = [\"update\"] }"});
    house
        .write(&house.root, "sys/policies/acl/lease", policy)
        .await;
    let mut ends = BTreeMap::new();
    for (number, pause) in moments() {
        pass(pause).await;
        let ttl = 1 + number % 5;
        let body = json!({"policies": ["lease"], "ttl": ttl, "explicit_max_ttl": ttl});
        let made = house.write(&house.root, "auth/token/create", body).await;
        // EXPOSE: the test uses it.
        let token = made.auth.unwrap().client_token.expose().to_owned();
        let end = Instant::now() + Duration::from_secs(ttl);
        let name = format!("name-{number}");
        house.lease(&token, &name, 3600).await;
        ends.insert(name, end);
    }
    house.expect(ends).await;
    upkeep.end().await;
}
