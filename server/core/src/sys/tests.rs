//! What the system engine has other parts of the server do.

mod ttls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};

use keyward_api::{Operation, endpoint};
use keyward_crypto::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    CanonicalPath, Core, Done, Error, LineSource, Lines, ManualClock, Registry, Response, TokenId,
    engine::{Backing, Class, Context, Engine, EngineKind, Mounted, Routes},
    storage::Memory,
    testing,
};

/// An engine that tells how often it was to forget all that it keeps in memory.
const MEMO: EngineKind = EngineKind {
    name: "memo",
    class: Class::Secret,
    aliases: &[],
    build,
    upgrade: None,
};

#[derive(Default)]
struct Memo {
    forgot: AtomicU64,
}

impl Engine for Memo {
    fn forget(&self, key: Option<&str>) {
        assert_eq!(key, None);
        self.forgot.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Ask {}
endpoint!(Ask {} => u64: Read "forgot");

fn build(_: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Memo::default());
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine)).on(ask).build(),
        engine,
    })
}

async fn ask(cx: Context<Memo>, _: Ask) -> Result<Response<u64>, Error> {
    Ok(Response::data(cx.forgot.load(Ordering::Relaxed)))
}

struct House {
    core: Core,
    clock: Arc<ManualClock>,
    root: TokenId,
}

impl House {
    async fn new() -> Self {
        Self::told(|core| core).await
    }

    /// Opens one whose core is told something at start.
    async fn told(tell: impl FnOnce(Core) -> Core) -> Self {
        let registry = Registry {
            engines: &[MEMO],
            ..Registry::EMPTY
        };
        let clock = testing::clock();
        let core = tell(testing::core(Arc::new(Memory::new()), &clock, registry));
        let root = testing::token(&testing::open(&core).await);
        Self { core, clock, root }
    }

    async fn call(&self, operation: Operation, path: &str, body: Value) -> Result<Done, Error> {
        let request = testing::request(operation, path, &body);
        self.core
            .handle(request.with_token(self.root.duplicate()))
            .await
    }

    async fn write(&self, path: &str, body: Value) -> Done {
        self.call(Operation::Update, path, body).await.unwrap()
    }

    async fn forgot(&self, mount: &str) -> Value {
        let path = format!("{mount}/forgot");
        let done = self
            .call(Operation::Read, &path, Value::Null)
            .await
            .unwrap();
        serde_json::from_slice(done.data.unwrap().expose()).unwrap()
    }

    /// Lets those who hold the policy `watch` read lines, or not.
    async fn let_watch(&self, capability: &str) {
        let text = format!("path \"sys/monitor\" {{ capabilities = [{capability:?}] }}");
        self.write("sys/policies/acl/watch", json!({ "policy": text }))
            .await;
    }

    /// Makes a token of them that lasts an hour.
    async fn token(&self) -> TokenId {
        let made = self
            .write(
                "auth/token/create",
                json!({ "ttl": "1h", "policies": "watch" }),
            )
            .await;
        let token = made.auth.unwrap().client_token;
        TokenId::new(SecretString::from(token.expose()))
    }

    /// Begins to show lines for who holds a token.
    fn show(&self, token: &TokenId) -> Lines {
        let unsealed = self.core.unsealed().unwrap();
        let path = CanonicalPath::parse("sys/monitor").unwrap();
        unsealed.streams.bound_to(token, path, Lines::of(Endless))
    }
}

/// A source that always has one more line.
struct Endless;

impl LineSource for Endless {
    fn poll_line(&mut self, _: &mut TaskContext<'_>) -> Poll<Option<String>> {
        Poll::Ready(Some("line\n".to_owned()))
    }
}

fn goes_on(lines: &mut Lines) -> bool {
    let mut cx = TaskContext::from_waker(Waker::noop());
    match lines.poll_line(&mut cx) {
        Poll::Ready(line) => line.is_some(),
        Poll::Pending => panic!("there is always a line, or the end"),
    }
}

#[tokio::test]
async fn a_mount_that_is_reloaded_forgets_what_it_keeps_in_memory() {
    let house = House::new().await;
    for mount in ["a", "b"] {
        house
            .write(&format!("sys/mounts/{mount}"), json!({ "type": "memo" }))
            .await;
    }
    let reload = async |body| house.write("sys/plugins/reload/backend", body).await;
    reload(json!({ "mounts": ["a"] })).await;
    assert_eq!(
        (house.forgot("a").await, house.forgot("b").await),
        (json!(1), json!(0))
    );
    reload(json!({ "plugin": "memo" })).await;
    assert_eq!(
        (house.forgot("a").await, house.forgot("b").await),
        (json!(2), json!(1))
    );
    // One path that is none, and nothing is reloaded.
    let body = json!({ "mounts": ["a", "nosuch"] });
    let refused = house.call(Operation::Update, "sys/plugins/reload/backend", body);
    refused.await.unwrap_err();
    assert_eq!(house.forgot("a").await, json!(2));
}

#[tokio::test]
async fn what_goes_on_ends_with_the_token_of_who_reads_it() {
    let house = House::new().await;
    house.let_watch("read").await;
    let (revoked, expiring) = (house.token().await, house.token().await);
    let mut first = house.show(&revoked);
    let mut second = house.show(&expiring);
    let mut third = house.show(&house.root);
    house.core.tick().await.unwrap();
    assert!(goes_on(&mut first) && goes_on(&mut second) && goes_on(&mut third));
    house
        .write("auth/token/revoke", json!({ "token": revoked.expose() }))
        .await;
    house.core.tick().await.unwrap();
    assert!(!goes_on(&mut first));
    assert!(goes_on(&mut second) && goes_on(&mut third));
    house.clock.advance(Duration::from_secs(3600));
    house.core.tick().await.unwrap();
    assert!(!goes_on(&mut second) && goes_on(&mut third));
    // Asked again, it is over still.
    assert!(!goes_on(&mut first) && !goes_on(&mut second));
}

#[tokio::test]
async fn what_goes_on_ends_when_who_reads_it_may_not_any_more() {
    let house = House::new().await;
    house.let_watch("read").await;
    let token = house.token().await;
    let (mut lines, mut of_root) = (house.show(&token), house.show(&house.root));
    house.core.tick().await.unwrap();
    assert!(goes_on(&mut lines));
    house.let_watch("list").await;
    house.core.tick().await.unwrap();
    assert!(!goes_on(&mut lines) && goes_on(&mut of_root));
}
