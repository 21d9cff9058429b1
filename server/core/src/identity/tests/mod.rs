//! Identity through the whole path of a request.

mod access;
mod control;
mod groups;
mod login;
mod mfa;
mod oidc;
mod oidc_provider;
mod paths;
mod records;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{Operation, endpoint};
use keyward_crypto::{SecretBytes, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::AliasGrant;
use crate::{
    AuthGrant, BoundCidr, Core, Denial, Done, Error, ManualClock, Registry, Request, Response,
    Timestamp, TokenKind,
    engine::{Backing, Class, Context, Engine, EngineKind, Mounted, Routes},
    storage::Memory,
    testing,
};

/// An auth method that believes what it is told: who it is, and in which groups.
const DOOR: EngineKind = EngineKind {
    name: "door",
    class: Class::Auth,
    aliases: &[],
    build,
    upgrade: None,
};

struct Door;

impl Engine for Door {}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Login {
    name: String,
    metadata: BTreeMap<String, String>,
    groups: Vec<String>,
    batch: bool,
    uses: u64,
    cidrs: Vec<BoundCidr>,
    /// Whether nobody is named.
    nameless: bool,
}
endpoint!(Login {} => (): Update "login", access Public);

fn build(_: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Door);
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine)).on(login).build(),
        engine,
    })
}

async fn login(_: Context<Door>, request: Login) -> Result<Response<()>, Error> {
    Ok(Response::auth(AuthGrant {
        kind: request.batch.then_some(TokenKind::Batch),
        num_uses: request.uses,
        bound_cidrs: request.cidrs,
        alias: (!request.nameless).then_some(AliasGrant {
            name: request.name,
            metadata: request.metadata,
            groups: request.groups,
        }),
        ..AuthGrant::default()
    }))
}

/// An unsealed core with a door at `auth/door` and one at `auth/gate`.
struct House {
    core: Core,
    storage: Arc<Memory>,
    clock: Arc<ManualClock>,
    share: SecretBytes,
    root: String,
    door: String,
    gate: String,
}

/// Who logged in.
struct Holder {
    token: String,
    entity: String,
    auth: Value,
}

impl House {
    async fn new() -> Self {
        let clock = testing::clock();
        let storage = Arc::new(Memory::new());
        let core = core(&storage, &clock);
        let (share, root) = testing::initialize(&core).await;
        let mut house = Self {
            core,
            storage,
            clock,
            share,
            root,
            door: String::new(),
            gate: String::new(),
        };
        house.unseal().await;
        for place in ["door", "gate"] {
            let path = format!("sys/auth/{place}");
            house.write(&path, json!({"type": "door"})).await;
        }
        let methods = house.read("sys/auth").await;
        let accessor = |place: &str| methods[place]["accessor"].as_str().unwrap().to_owned();
        (house.door, house.gate) = (accessor("door/"), accessor("gate/"));
        house
    }

    async fn unseal(&self) {
        self.core.unseal(self.share.duplicate()).await.unwrap();
    }

    /// Starts the server anew on what it stored.
    async fn restart(&mut self) {
        self.core = core(&self.storage, &self.clock);
        self.unseal().await;
    }

    async fn call(
        &self,
        operation: Operation,
        token: &str,
        path: &str,
        body: Value,
    ) -> Result<Done, Error> {
        let request = testing::request(operation, path, &body);
        self.core
            .handle(request.with_token(testing::token(token)))
            .await
    }

    /// Writes as root; null for an answer without data.
    async fn write(&self, path: &str, body: Value) -> Value {
        let done = self.call(Operation::Update, &self.root, path, body).await;
        data(done.unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    async fn read(&self, path: &str) -> Value {
        self.read_as(&self.root, path).await.unwrap()
    }

    async fn read_as(&self, token: &str, path: &str) -> Result<Value, Error> {
        let done = self.call(Operation::Read, token, path, Value::Null).await;
        done.map(data)
    }

    async fn delete(&self, path: &str) {
        let done = self.call(Operation::Delete, &self.root, path, Value::Null);
        done.await.unwrap();
    }

    async fn refusal(&self, path: &str, body: Value) -> String {
        let done = self.call(Operation::Update, &self.root, path, body).await;
        done.unwrap_err().to_string()
    }

    /// Makes an entity and returns its id.
    async fn entity(&self, body: Value) -> String {
        id(&self.write("identity/entity", body).await)
    }

    /// Makes a group and returns its id.
    async fn group(&self, body: Value) -> String {
        id(&self.write("identity/group", body).await)
    }

    async fn log_in(&self, place: &str, body: Value) -> Result<Holder, Error> {
        let path = format!("auth/{place}/login");
        let request = testing::request(Operation::Update, &path, &body);
        let done = self.core.handle(request).await?;
        let auth = done.auth.unwrap();
        Ok(Holder {
            token: auth.client_token.expose().to_owned(),
            entity: auth.entity_id.clone(),
            auth: serde_json::to_value(auth).unwrap(),
        })
    }

    /// Logs in at `auth/door` by a name.
    async fn holder(&self, name: &str) -> Holder {
        self.log_in("door", json!({ "name": name })).await.unwrap()
    }

    /// Grants reading of paths.
    async fn policy(&self, name: &str, paths: &[&str]) {
        let rule = |path: &&str| format!("path \"{path}\" {{ capabilities = [\"read\"] }}\n");
        let policy: String = paths.iter().map(rule).collect();
        let path = format!("sys/policies/acl/{name}");
        self.write(&path, json!({ "policy": policy })).await;
    }

    /// What a token may do on a path.
    async fn may(&self, token: &str, path: &str) -> Value {
        let body = json!({"token": token, "paths": [path]});
        let done = self
            .call(Operation::Update, &self.root, "sys/capabilities", body)
            .await;
        data(done.unwrap())[path].clone()
    }

    async fn is_alive(&self, token: &str) -> bool {
        match self.read_as(token, "auth/token/lookup-self").await {
            Ok(_) => true,
            Err(Error::Denied(Denial::Token)) => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.core.tick().await.unwrap();
    }
}

fn core(storage: &Arc<Memory>, clock: &Arc<ManualClock>) -> Core {
    let registry = Registry {
        engines: &[DOOR],
        mfa: &[mfa::service::MIRROR],
        ..Registry::EMPTY
    };
    testing::core(storage.clone(), clock, registry).reached_at("https://keyward.example:8200")
}

fn data(done: Done) -> Value {
    let text = done.document.map(|document| document.body).or(done.data);
    text.map_or(Value::Null, |text| {
        serde_json::from_slice(text.expose()).unwrap()
    })
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}
