//! Lockouts through the whole path of a request.

mod book;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{Operation, endpoint};
use keyward_crypto::{SecretBytes, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{LockoutConfig, LockoutTerms};
use crate::{
    AuthGrant, CanonicalPath, Core, Denial, Done, Error, ManualClock, MountConfig, MountEntry,
    Registry, Request, Response, TokenId,
    engine::{Backing, Class, Context, Engine, EngineKind, LoginClaim, Mounted, Routes},
    storage::Memory,
    testing::{self, START},
};

const MINUTE: Duration = Duration::from_secs(60);

/// An auth method with one password for all.
const SAFE: EngineKind = EngineKind {
    name: "safe",
    class: Class::Auth,
    aliases: &[],
    build,
    upgrade: None,
};

struct Safe;

impl Engine for Safe {}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Login {
    name: String,
    password: String,
}
endpoint!(Login { name } => (): Update "login/{name}", access Public);

fn build(_: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Safe);
    Ok(Mounted {
        routes: Routes::of(Arc::clone(&engine))
            .on_login(login, claim)
            .build(),
        engine,
    })
}

fn claim(request: &Login) -> LoginClaim {
    LoginClaim {
        alias: request.name.to_lowercase(),
        guesses: !request.password.is_empty(),
    }
}

async fn login(_: Context<Safe>, request: Login) -> Result<Response<()>, Error> {
    match request.password.as_str() {
        "right" => Ok(Response::auth(AuthGrant::default())),
        "broken" => Err(Error::internal("the directory is away")),
        _ => Err(Error::invalid("invalid username or password")),
    }
}

/// A mount of the method, as the table holds it.
fn entry() -> MountEntry {
    MountEntry {
        path: "safe/".to_owned(),
        kind: "safe".to_owned(),
        uuid: String::new(),
        accessor: "auth_safe_1".to_owned(),
        description: String::new(),
        config: MountConfig::default(),
        options: None,
        local: false,
        seal_wrap: false,
    }
}

/// An unsealed core with the method at `auth/safe` and `auth/other`.
struct House {
    core: Core,
    clock: Arc<ManualClock>,
    root: String,
}

impl House {
    async fn new(config: LockoutConfig) -> Self {
        let registry = Registry {
            engines: &[SAFE],
            ..Registry::EMPTY
        };
        let clock = testing::clock();
        let core = testing::core(Arc::new(Memory::new()), &clock, registry).with_lockouts(config);
        let root = testing::open(&core).await;
        let house = Self { core, clock, root };
        for place in ["safe", "other"] {
            house
                .write(&format!("sys/auth/{place}"), json!({"type": "safe"}))
                .await
                .unwrap();
        }
        house
    }

    async fn call(&self, operation: Operation, path: &str, body: Value) -> Result<Done, Error> {
        let request = testing::request(operation, path, &body);
        self.core
            .handle(request.with_token(testing::token(&self.root)))
            .await
    }

    async fn write(&self, path: &str, body: Value) -> Result<Done, Error> {
        self.call(Operation::Update, path, body).await
    }

    async fn read(&self, path: &str) -> Value {
        let done = self.call(Operation::Read, path, Value::Null).await.unwrap();
        serde_json::from_slice(done.data.unwrap().expose()).unwrap()
    }

    async fn tune(&self, lockout: Value) -> Result<Done, Error> {
        let body = json!({ "user_lockout_config": lockout });
        self.write("sys/auth/safe/tune", body).await
    }

    async fn log_in(&self, path: &str, password: &str) -> Result<Done, Error> {
        let path = CanonicalPath::parse(&format!("auth/{path}")).unwrap();
        let body = json!({ "password": password }).to_string().into_bytes();
        let request = Request::new(Operation::Update, path, SecretBytes::new(body));
        self.core.handle(request).await
    }

    /// Fails to log in so many times, and is told so each time.
    async fn fail(&self, path: &str, times: usize) {
        for _ in 0..times {
            let refused = self.log_in(path, "wrong").await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
    }

    async fn is_locked(&self, path: &str) -> bool {
        match self.log_in(path, "right").await {
            Ok(_) => false,
            Err(Error::Denied(Denial::Locked)) => true,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn accessor(&self, place: &str) -> String {
        let accessor = &self.read("sys/auth").await[place]["accessor"];
        accessor.as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn who_fails_five_times_is_locked_out_for_fifteen_minutes() {
    let house = House::new(LockoutConfig::default()).await;
    house.fail("safe/login/alice", 4).await;
    assert!(!house.is_locked("safe/login/alice").await);
    // The right password began the count anew.
    house.fail("safe/login/alice", 5).await;
    assert!(house.is_locked("safe/login/alice").await);
    assert!(house.is_locked("safe/login/ALICE").await);
    assert!(!house.is_locked("safe/login/bob").await);
    assert!(!house.is_locked("other/login/alice").await);
    house.clock.advance(15 * MINUTE - Duration::from_nanos(1));
    assert!(house.is_locked("safe/login/alice").await);
    house.clock.advance(Duration::from_nanos(1));
    assert!(!house.is_locked("safe/login/alice").await);
}

#[tokio::test]
async fn a_failure_of_the_server_is_nobodys_failure() {
    let house = House::new(LockoutConfig::default()).await;
    house.fail("safe/login/alice", 4).await;
    for _ in 0..9 {
        let broken = house.log_in("safe/login/alice", "broken").await;
        assert!(matches!(broken, Err(Error::Internal(_))));
    }
    assert!(!house.is_locked("safe/login/alice").await);
}

#[tokio::test]
async fn who_gives_no_password_guesses_at_none() {
    let house = House::new(LockoutConfig::default()).await;
    house.fail("safe/login/alice", 4).await;
    for _ in 0..9 {
        let refused = house.log_in("safe/login/alice", "").await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    // And does not have the count begin anew either.
    house.fail("safe/login/alice", 1).await;
    let refused = house.log_in("safe/login/alice", "").await;
    assert!(matches!(refused, Err(Error::Denied(Denial::Locked))));
}

#[tokio::test]
async fn who_is_locked_out_is_listed_and_unlocked() {
    let house = House::new(LockoutConfig::default()).await;
    let none = json!({
        "by_namespace": [{"namespace_id": "root", "namespace_path": "", "counts": 0,
            "mount_accessors": []}],
        "total": 0,
    });
    assert_eq!(house.read("sys/locked-users").await, none);
    let (safe, other) = (
        house.accessor("safe/").await,
        house.accessor("other/").await,
    );
    house.fail("safe/login/bob", 5).await;
    house.fail("safe/login/Alice", 5).await;
    house.fail("other/login/carol", 5).await;
    house.fail("other/login/dave", 4).await;
    let listed = house.read("sys/locked-users").await;
    assert_eq!(listed["total"], 3);
    let mounts = &listed["by_namespace"][0]["mount_accessors"];
    let told: BTreeMap<_, _> = mounts
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| {
            (
                mount["mount_accessor"].as_str().unwrap(),
                &mount["alias_identifiers"],
            )
        })
        .collect();
    assert_eq!(told[&*safe], &json!(["alice", "bob"]));
    assert_eq!(told[&*other], &json!(["carol"]));
    // The name is that of the list, in its spelling.
    let other_spelling = format!("sys/locked-users/{safe}/unlock/ALICE");
    house.write(&other_spelling, json!({})).await.unwrap();
    assert!(house.is_locked("safe/login/alice").await);
    let unlocked = format!("sys/locked-users/{safe}/unlock/alice");
    house.write(&unlocked, json!({})).await.unwrap();
    house.write(&unlocked, json!({})).await.unwrap();
    assert!(!house.is_locked("safe/login/alice").await);
    assert!(house.is_locked("safe/login/bob").await);
    house.clock.advance(15 * MINUTE);
    assert_eq!(house.read("sys/locked-users").await, none);
}

#[tokio::test]
async fn the_list_tells_of_the_mount_that_is_asked_for() {
    let house = House::new(LockoutConfig::default()).await;
    let (safe, other) = (
        house.accessor("safe/").await,
        house.accessor("other/").await,
    );
    house.fail("safe/login/alice", 5).await;
    let listed = async |accessor: &str| {
        let path = CanonicalPath::parse("sys/locked-users").unwrap();
        let body = json!({ "mount_accessor": accessor })
            .to_string()
            .into_bytes();
        let request = Request::new(Operation::Read, path, SecretBytes::new(body));
        let token = TokenId::new(SecretString::from(&*house.root));
        let done = house.core.handle(request.with_token(token)).await.unwrap();
        let read: Value = serde_json::from_slice(done.data.unwrap().expose()).unwrap();
        read["by_namespace"][0]["mount_accessors"].clone()
    };
    let alice = json!({"mount_accessor": safe, "counts": 1, "alias_identifiers": ["alice"]});
    assert_eq!(listed(&safe).await, json!([alice]));
    for asked in [&*other, "auth_none"] {
        let nobody = json!({"mount_accessor": asked, "counts": 0, "alias_identifiers": null});
        assert_eq!(listed(asked).await, json!([nobody]));
    }
}

#[tokio::test]
async fn a_mount_is_tuned_to_lock_sooner_or_never() {
    let house = House::new(LockoutConfig::default()).await;
    let untuned = house.read("sys/auth/safe/tune").await;
    assert!(untuned.get("user_lockout_threshold").is_none());
    house
        .tune(json!({"lockout_threshold": 2, "lockout_duration": "1m"}))
        .await
        .unwrap();
    let tuned = house.read("sys/auth/safe/tune").await;
    assert_eq!(tuned["user_lockout_threshold"], 2);
    assert_eq!(tuned["user_lockout_duration"], 60);
    assert_eq!(tuned["user_lockout_counter_reset_duration"], 0);
    assert_eq!(tuned["user_lockout_disable"], false);
    let shown = &house.read("sys/auth").await["safe/"]["config"]["user_lockout_config"];
    assert_eq!(shown["user_lockout_threshold"], 2);
    house.fail("safe/login/alice", 2).await;
    assert!(house.is_locked("safe/login/alice").await);
    house.clock.advance(MINUTE);
    assert!(!house.is_locked("safe/login/alice").await);
    house.tune(json!({"lockout_disable": true})).await.unwrap();
    house.fail("safe/login/alice", 9).await;
    assert!(!house.is_locked("safe/login/alice").await);
    assert_eq!(
        house.read("sys/auth/safe/tune").await["user_lockout_threshold"],
        2
    );
}

#[tokio::test]
async fn what_cannot_be_tuned_is_refused_and_changes_nothing() {
    let house = House::new(LockoutConfig::default()).await;
    let refused = async |path: &str, lockout: Value| {
        let body = json!({ "user_lockout_config": lockout, "description": "changed" });
        house.write(path, body).await.unwrap_err().to_string()
    };
    let safe = "sys/auth/safe/tune";
    assert_eq!(
        refused(safe, json!({"lockout_threshold": "-1"})).await,
        "unable to parse user lockout threshold: strconv.ParseUint: parsing \"-1\": invalid syntax"
    );
    let duration = json!({"lockout_duration": "x"});
    assert_eq!(
        refused(safe, duration).await,
        "time: invalid duration \"x\""
    );
    let negative = json!({"lockout_counter_reset_duration": "-5s"});
    assert_eq!(
        refused(safe, negative).await,
        "user lockout duration of -5s is negative"
    );
    assert_eq!(
        refused("sys/auth/token/tune", json!({"lockout_threshold": 7})).await,
        "tuning of user lockout configuration for auth type \"token\" not allowed"
    );
    for place in ["safe", "token"] {
        let read = house.read(&format!("sys/auth/{place}/tune")).await;
        assert_ne!(read["description"], "changed");
    }
}

#[tokio::test]
async fn the_configuration_says_when_to_lock() {
    let terms = LockoutTerms {
        threshold: Some(1),
        counter_reset: Some(MINUTE),
        ..LockoutTerms::default()
    };
    let config = LockoutConfig {
        terms: [("safe".to_owned(), terms)].into(),
        ..LockoutConfig::default()
    };
    let house = House::new(config).await;
    house.fail("safe/login/alice", 1).await;
    assert!(house.is_locked("safe/login/alice").await);
}
