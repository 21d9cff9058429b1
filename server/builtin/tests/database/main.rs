//! The database engine over a real PostgreSQL, through the whole path of a request.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod postgres;
mod refusals;
mod root;
mod tls;
mod users;

use std::{sync::Arc, time::Duration};

use keyward_api::Operation;
use keyward_builtin::ENGINES;
use keyward_core::{
    CanonicalPath, Core, Done, Error, ManualClock, Outcome, Registry, Request, SealConfig,
    SystemClock, TokenId, storage::Memory, testing,
};
use keyward_crypto::{SecretBytes, SecretString};
use serde_json::{Value, json};
use tokio_postgres::Client;

use self::postgres::{PASSWORD, Postgres};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// What makes a user who may read the table `goods`.
const READER: &str = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL \
                      '{{expiration}}'; GRANT SELECT ON goods TO \"{{name}}\";";

/// An unsealed core with a database engine at `database/`.
struct House {
    core: Core,
    storage: Arc<Memory>,
    clock: Arc<ManualClock>,
    shares: Vec<SecretBytes>,
    root: String,
}

/// A user that was made.
struct User {
    name: String,
    password: String,
    lease: String,
    done: Done,
}

impl House {
    async fn new() -> Self {
        use keyward_core::Clock as _;
        // PostgreSQL has a clock of its own, which must not be behind.
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let storage = Arc::new(Memory::new());
        let core = core(&storage, &clock);
        let config = SealConfig {
            shares: 1,
            threshold: 1,
        };
        let secrets = core.initialize(config).await.unwrap();
        let house = Self {
            core,
            storage,
            clock,
            shares: secrets.shares,
            // EXPOSE: the test uses it.
            root: secrets.root_token.expose().to_owned(),
        };
        house.unseal().await;
        house
            .write("sys/mounts/database", json!({"type": "database"}))
            .await
            .unwrap();
        house
    }

    /// One whose connection `main` leads to a database with a table, and whose role `reader` reads
    /// it.
    async fn over(postgres: &Postgres) -> Self {
        let house = Self::new().await;
        let keeper = postgres.keeper().await;
        keeper
            .batch_execute("CREATE TABLE goods (name text)")
            .await
            .unwrap();
        house
            .write("database/config/main", connection(postgres))
            .await
            .unwrap();
        house
            .write("database/roles/reader", reader())
            .await
            .unwrap();
        house
    }

    async fn unseal(&self) {
        for share in &self.shares {
            self.core.unseal(share.duplicate()).await.unwrap();
        }
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
        let body = match body {
            Value::Null => Vec::new(),
            body => serde_json::to_vec(&body).unwrap(),
        };
        let path = CanonicalPath::parse(path).unwrap();
        let request = Request::new(operation, path, SecretBytes::new(body));
        let token = TokenId::new(SecretString::new(token.to_owned()));
        self.core.handle(request.with_token(token)).await
    }

    async fn write(&self, path: &str, body: Value) -> Result<Done, Error> {
        self.call(Operation::Update, &self.root, path, body).await
    }

    async fn read(&self, path: &str) -> Result<Value, Error> {
        let done = self
            .call(Operation::Read, &self.root, path, Value::Null)
            .await;
        done.map(|done| data(&done))
    }

    async fn delete(&self, path: &str) -> Result<Done, Error> {
        self.call(Operation::Delete, &self.root, path, Value::Null)
            .await
    }

    async fn user(&self, role: &str) -> User {
        let path = format!("database/creds/{role}");
        let done = self
            .call(Operation::Read, &self.root, &path, Value::Null)
            .await
            .unwrap();
        let data = data(&done);
        User {
            name: data["username"].as_str().unwrap().to_owned(),
            password: data["password"].as_str().unwrap().to_owned(),
            lease: done.lease_id.clone(),
            done,
        }
    }

    async fn lookup(&self, user: &User) -> Result<Value, Error> {
        let body = json!({"lease_id": user.lease});
        self.write("sys/leases/lookup", body)
            .await
            .map(|done| data(&done))
    }

    async fn revoke(&self, user: &User) -> Done {
        let body = json!({"lease_id": user.lease});
        self.write("sys/leases/revoke", body).await.unwrap()
    }

    /// Lets time pass and has the server do what is due.
    async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.core.tick().await.unwrap();
        self.core.tend_leases().await.unwrap();
    }
}

impl Postgres {
    /// The superuser, with its first password.
    async fn keeper(&self) -> Client {
        self.log_in("keeper", PASSWORD).await.unwrap()
    }
}

impl User {
    async fn opens(&self, postgres: &Postgres) -> bool {
        postgres.log_in(&self.name, &self.password).await.is_some()
    }
}

fn core(storage: &Arc<Memory>, clock: &Arc<ManualClock>) -> Core {
    let registry = Registry {
        engines: ENGINES,
        ..Registry::EMPTY
    };
    testing::core(storage.clone(), clock, registry)
}

fn connection(postgres: &Postgres) -> Value {
    json!({
        "plugin_name": "postgresql-database-plugin",
        "connection_url": postgres.url("disable"),
        "username": "keeper",
        "password": PASSWORD,
        "allowed_roles": "read*",
    })
}

fn reader() -> Value {
    json!({
        "db_name": "main",
        "creation_statements": READER,
        "default_ttl": "1h",
        "max_ttl": "2h",
    })
}

fn data(done: &Done) -> Value {
    // EXPOSE: the test looks at the answer.
    let data = done.data.as_ref().map(|data| data.expose().clone());
    serde_json::from_slice(&data.unwrap_or_else(|| b"null".to_vec())).unwrap()
}
