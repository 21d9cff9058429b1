//! The engine as a caller meets it: mounted in a core over a store in memory.

mod asymmetric;
mod backup;
mod cache;
mod certificates;
mod data_keys;
mod deletion;
mod encryption;
mod format;
mod import;
mod jose;
mod keys;
mod labels;
mod macs;
mod public_keys;
mod races;
mod random;
mod retention;
mod signing;
mod throng;
mod translate;
mod traps;
mod usage;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use keyward_api::Operation;
use keyward_core::{
    CanonicalPath, Core, Done, Error, ManualClock, Outcome, Registry, Request, Timestamp, TokenId,
    View,
    engine::{Backing, Class, EngineKind, Mounted},
    storage::{Memory, Storage},
    testing,
};
use keyward_crypto::{SecretBytes, SecretString};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// The views of the mounts that tests have made, by the id of the mount.
static VIEWS: LazyLock<Mutex<BTreeMap<String, View>>> = LazyLock::new(Mutex::default);

/// The engine, with its storage left where a test can find it.
const OBSERVED: EngineKind = EngineKind {
    name: "transit",
    aliases: &[],
    class: Class::Secret,
    build: observed,
    upgrade: None,
};

fn observed(backing: Backing) -> Result<Mounted, Error> {
    let id = backing.entry.uuid.clone();
    VIEWS.lock().insert(id, backing.view.clone());
    super::build(backing)
}

/// A core with the engine mounted at `transit/`.
struct Server {
    core: Core,
    clock: Arc<ManualClock>,
    root: TokenId,
}

/// A successful answer.
#[derive(Debug)]
struct Answer {
    data: Value,
    outcome: Outcome,
    warnings: Vec<String>,
}

impl Server {
    async fn start() -> Self {
        Self::over(Arc::new(Memory::new())).await
    }

    async fn over(storage: Arc<dyn Storage>) -> Self {
        let start = Timestamp::from_unix_nanos(1_795_462_815_194_302_944);
        let clock = Arc::new(ManualClock::new(start));
        let registry = Registry {
            engines: &[OBSERVED],
            ..Registry::EMPTY
        };
        let core = testing::core(storage, &clock, registry);
        let root = testing::token(&testing::open(&core).await);
        let server = Self { core, clock, root };
        server
            .ask(
                Operation::Update,
                "sys/mounts/transit",
                json!({"type": "transit"}),
            )
            .await
            .unwrap();
        server
    }

    async fn ask(&self, operation: Operation, path: &str, body: Value) -> Result<Answer, Error> {
        self.ask_as(&self.root, operation, path, body).await
    }

    async fn ask_as(
        &self,
        token: &TokenId,
        operation: Operation,
        path: &str,
        body: Value,
    ) -> Result<Answer, Error> {
        let request = testing::request(operation, path, &body).with_token(token.duplicate());
        let Done {
            data,
            outcome,
            warnings,
            ..
        } = self.core.handle(request).await?;
        let data = data.map_or(Value::Null, |data| {
            serde_json::from_slice(data.expose()).unwrap()
        });
        Ok(Answer {
            data,
            outcome,
            warnings,
        })
    }

    /// Writes below the mount.
    async fn try_post(&self, path: &str, body: Value) -> Result<Answer, Error> {
        self.ask(Operation::Update, &format!("transit/{path}"), body)
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let answer = self.try_post(path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes below the mount what succeeds as a whole, without a warning.
    async fn ok(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.outcome, Outcome::Success, "{path}");
        assert_eq!(answer.warnings, [""; 0], "{path}");
        answer.data
    }

    /// Writes below the mount what is refused as the caller's mistake.
    async fn refused(&self, path: &str, body: Value) -> String {
        match self.try_post(path, body).await {
            Err(Error::Invalid(text)) => text,
            other => panic!("{path} was not refused: {other:?}"),
        }
    }

    /// Reads a key, but for how it was used: that is no part of it.
    async fn read_key(&self, name: &str) -> Result<Value, Error> {
        let mut key = self.read_whole(name).await?;
        key.as_object_mut().expect("a key").remove("usage");
        Ok(key)
    }

    async fn read_whole(&self, name: &str) -> Result<Value, Error> {
        let path = format!("transit/keys/{name}");
        let answer = self.ask(Operation::Read, &path, json!({})).await;
        answer.map(|answer| answer.data)
    }

    async fn encrypt(&self, name: &str, plaintext: &str) -> String {
        let data = self
            .ok(&format!("encrypt/{name}"), json!({"plaintext": plaintext}))
            .await;
        text(&data["ciphertext"])
    }

    /// Makes a token with one policy.
    async fn token(&self, policy: &str) -> TokenId {
        let path = CanonicalPath::parse("auth/token/create").unwrap();
        let body = json!({"policies": [policy], "no_default_policy": true});
        let body = SecretBytes::new(body.to_string().into_bytes());
        let request = Request::new(Operation::Update, path, body).with_token(self.root.duplicate());
        let created = self.core.handle(request).await.unwrap();
        let token = created.auth.expect("a token was made").client_token;
        TokenId::new(SecretString::from(token.expose()))
    }

    /// Lets time pass.
    async fn wait(&self, duration: Duration) {
        self.clock.advance(duration);
        self.core.tick().await.unwrap();
    }

    /// The storage of the mount.
    async fn view(&self) -> View {
        let mounts = self
            .ask(Operation::Read, "sys/mounts", json!({}))
            .await
            .unwrap();
        let id = text(&mounts.data["transit/"]["uuid"]);
        VIEWS.lock()[&id].clone()
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// "hello" in base64.
const HELLO: &str = "aGVsbG8=";

const MISSING_CONTEXT: &str = "missing 'context' for key derivation; the key was created using a derived key, which means \
     additional, per-request information must be included in order to perform operations with \
     the key";
