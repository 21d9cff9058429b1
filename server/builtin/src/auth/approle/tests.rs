//! Secret ids over a clock that stands until it is moved, and what is left of them in the store.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use keyward_api::Operation;
use keyward_core::{
    Core, Error, ManualClock, Registry,
    storage::{Memory, Storage as _},
    testing,
};
use serde_json::{Value, json};

use super::APPROLE;

const ROLE: &str = "auth/a/role/r";

/// A core with the auth method at `auth/a/`.
struct House {
    core: Core,
    clock: Arc<ManualClock>,
    storage: Arc<Memory>,
    root: String,
}

impl House {
    async fn start() -> Self {
        let registry = Registry {
            engines: &[APPROLE],
            ..Registry::EMPTY
        };
        let (clock, storage) = (testing::clock(), Arc::new(Memory::default()));
        let core = testing::core(storage.clone(), &clock, registry);
        let root = testing::open(&core).await;
        let house = Self {
            core,
            clock,
            storage,
            root,
        };
        house.post("sys/auth/a", json!({ "type": "approle" })).await;
        house
    }

    async fn ask(&self, operation: Operation, path: &str, body: Value) -> Result<Value, Error> {
        let request = testing::request(operation, path, &body);
        let request = request.with_token(testing::token(&self.root));
        let done = self.core.handle(request).await?;
        // EXPOSE: the secrets were made for this test.
        let data = done
            .data
            .map(|data| serde_json::from_slice(data.expose()).unwrap());
        Ok(data.unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.ask(Operation::Update, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Operation::Read, path, Value::Null).await.unwrap()
    }

    /// A role with the id `id`.
    async fn role(&self, mut settings: Value) {
        settings["role_id"] = "id".into();
        self.post(ROLE, settings).await;
    }

    async fn secret_id(&self, body: Value) -> String {
        let made = self.post(&format!("{ROLE}/secret-id"), body).await;
        made["secret_id"].as_str().unwrap().to_owned()
    }

    /// Tells whether a login with a secret id is let in.
    async fn lets_in(&self, secret_id: &str) -> bool {
        let body = json!({ "role_id": "id", "secret_id": secret_id });
        let came = self.ask(Operation::Update, "auth/a/login", body).await;
        if let Err(error) = &came {
            assert_eq!(error.to_string(), "invalid role or secret ID");
        }
        came.is_ok()
    }

    async fn tick(&self) {
        self.core.tick().await.unwrap();
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Counts the entries of secret ids, of all kinds.
    async fn kept(&self) -> usize {
        let mut folders = vec!["logical/".to_owned()];
        let mut kept = 0;
        while let Some(folder) = folders.pop() {
            for name in self.storage.list(&folder, None, None).await.unwrap() {
                let path = format!("{folder}{name}");
                if name.ends_with('/') {
                    folders.push(path);
                    continue;
                }
                let kinds = ["/secret_id/", "/accessor/", "/expiry/", "/left/"];
                kept += usize::from(kinds.iter().any(|kind| path.contains(kind)));
            }
        }
        kept
    }
}

#[tokio::test]
async fn a_secret_id_ends_at_its_time_and_goes_with_the_next_tick() {
    let house = House::start().await;
    let none = house.kept().await;
    house.role(json!({ "secret_id_ttl": "10s" })).await;
    let first = house.secret_id(json!({})).await;
    house.wait(5);
    let second = house.secret_id(json!({ "ttl": "8s" })).await;
    house.clock.advance(Duration::new(4, 999_999_999));
    assert!(house.lets_in(&first).await && house.lets_in(&second).await);
    house.clock.advance(Duration::from_nanos(1));
    assert!(!house.lets_in(&first).await && house.lets_in(&second).await);
    let lookup = json!({ "secret_id": first });
    let path = format!("{ROLE}/secret-id/lookup");
    assert_eq!(house.post(&path, lookup).await, Value::Null);
    house.wait(4);
    assert!(!house.lets_in(&second).await);
    assert_eq!(house.kept().await, none + 6);
    house.tick().await;
    assert_eq!(house.kept().await, none);
}

#[tokio::test]
async fn no_secret_id_outlasts_the_maximum_of_the_mount() {
    let house = House::start().await;
    let tuned = json!({ "max_lease_ttl": "1h", "default_lease_ttl": "1h" });
    house.post("sys/auth/a/tune", tuned).await;
    house.role(json!({})).await;
    let path = format!("{ROLE}/secret-id");
    let made = house.post(&path, json!({ "ttl": "2h" })).await;
    assert_eq!(made["secret_id_ttl"], 3600);
    let secret_id = made["secret_id"].as_str().unwrap();
    house.wait(3599);
    assert!(house.lets_in(secret_id).await);
    house.wait(1);
    assert!(!house.lets_in(secret_id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_exact_however_many_come_at_once() {
    let house = Arc::new(House::start().await);
    // Who comes too late has failed; that is not what this is about.
    let never = json!({ "user_lockout_config": { "lockout_disable": true } });
    house.post("sys/auth/a/tune", never).await;
    let none = house.kept().await;
    house.role(json!({ "secret_id_num_uses": 7 })).await;
    let secret_id = house.secret_id(json!({ "ttl": "1h" })).await;
    let attempts = (0..40).map(|_| {
        let (house, secret_id) = (Arc::clone(&house), secret_id.clone());
        tokio::spawn(async move { house.lets_in(&secret_id).await })
    });
    let came = join_all(attempts).await;
    let let_in = came.into_iter().filter(|came| *came.as_ref().unwrap());
    assert_eq!(let_in.count(), 7);
    assert_eq!(house.kept().await, none, "the last use removes all of it");
}

#[tokio::test]
async fn the_secret_ids_of_a_removed_role_are_over_at_once_and_go_page_by_page() {
    let house = House::start().await;
    let none = house.kept().await;
    house.role(json!({})).await;
    let secret_id = house.secret_id(json!({})).await;
    for _ in 0..299 {
        house.secret_id(json!({ "ttl": "1h" })).await;
    }
    let removed = house.ask(Operation::Delete, ROLE, Value::Null).await;
    removed.unwrap();
    assert!(!house.lets_in(&secret_id).await);
    // A role that is made anew knows none of them, and loses none of its own.
    house.role(json!({})).await;
    assert!(!house.lets_in(&secret_id).await);
    let own = house.secret_id(json!({})).await;
    house.tick().await;
    let left = house.kept().await - none;
    assert!((44 * 2..=44 * 3 + 3).contains(&left), "{left} are left");
    house.post("auth/a/tidy/secret-id", json!({})).await;
    assert_eq!(house.kept().await, none + 2);
    assert!(house.lets_in(&own).await);
}

#[tokio::test]
async fn tidying_takes_what_is_over_before_a_tick_does() {
    let house = House::start().await;
    let none = house.kept().await;
    house.role(json!({})).await;
    house.secret_id(json!({ "ttl": "1s" })).await;
    let kept = house.secret_id(json!({ "ttl": "1h" })).await;
    house.wait(2);
    house.post("auth/a/tidy/secret-id", json!({})).await;
    assert_eq!(house.kept().await, none + 3);
    assert!(house.lets_in(&kept).await);
}

#[tokio::test]
async fn each_property_is_set_and_set_back_alone() {
    let house = House::start().await;
    house
        .role(json!({ "secret_id_bound_cidrs": "10.0.0.0/8" }))
        .await;
    let before = house.get(ROLE).await;
    for (path, name, value, shown, initial) in [
        (
            "bind-secret-id",
            "bind_secret_id",
            json!(false),
            json!(false),
            json!(true),
        ),
        ("period", "token_period", json!("1h"), json!(3600), json!(0)),
        (
            "policies",
            "token_policies",
            json!("b,a"),
            json!(["a", "b"]),
            json!([]),
        ),
        (
            "secret-id-num-uses",
            "secret_id_num_uses",
            json!(3),
            json!(3),
            json!(0),
        ),
        (
            "secret-id-ttl",
            "secret_id_ttl",
            json!("5m"),
            json!(300),
            json!(0),
        ),
        (
            "token-bound-cidrs",
            "token_bound_cidrs",
            json!("10.0.0.1"),
            json!(["10.0.0.1"]),
            Value::Null,
        ),
        (
            "token-max-ttl",
            "token_max_ttl",
            json!("2h"),
            json!(7200),
            json!(0),
        ),
        (
            "token-num-uses",
            "token_num_uses",
            json!(4),
            json!(4),
            json!(0),
        ),
        (
            "token-ttl",
            "token_ttl",
            json!("3h"),
            json!(10800),
            json!(0),
        ),
    ] {
        let path = format!("{ROLE}/{path}");
        assert_eq!(house.get(&path).await[name], initial, "{path}");
        house.post(&path, json!({ name: value })).await;
        assert_eq!(house.get(&path).await[name], shown, "{path}");
        let mut after = before.clone();
        after[name] = shown;
        assert_eq!(house.get(ROLE).await, after, "{path}");
        house
            .ask(Operation::Delete, &path, Value::Null)
            .await
            .unwrap();
        assert_eq!(house.get(&path).await[name], initial, "{path}");
        assert_eq!(house.get(ROLE).await, before, "{path}");
    }
    for path in ["bound-cidr-list", "secret-id-bound-cidrs"] {
        let name = path.replace('-', "_");
        let path = format!("{ROLE}/{path}");
        house.post(&path, json!({ &name: "11.0.0.0/8" })).await;
        assert_eq!(house.get(&path).await[&name], json!(["11.0.0.0/8"]));
        let empty = house.ask(Operation::Update, &path, json!({ &name: "" }));
        assert_eq!(
            empty.await.unwrap_err().to_string(),
            "missing bound_cidr_list"
        );
        house
            .ask(Operation::Delete, &path, Value::Null)
            .await
            .unwrap();
        assert_eq!(house.get(&path).await[&name], Value::Null);
    }
}

#[tokio::test]
async fn a_property_that_contradicts_the_rest_changes_nothing() {
    let house = House::start().await;
    let settings = json!({ "bind_secret_id": false, "secret_id_bound_cidrs": "10.0.0.0/8",
        "token_ttl": "1h", "token_max_ttl": "2h" });
    house.role(settings).await;
    let before = house.get(ROLE).await;
    let change = |path: &str, body: Value| {
        let path = format!("{ROLE}/{path}");
        let house = &house;
        async move { house.ask(Operation::Update, &path, body).await.unwrap_err() }
    };
    for (path, body) in [
        ("token-ttl", json!({ "token_ttl": "3h" })),
        ("token-max-ttl", json!({ "token_max_ttl": "30m" })),
        ("token-num-uses", json!({ "token_num_uses": -1 })),
        ("secret-id-num-uses", json!({ "secret_id_num_uses": -1 })),
        (
            "secret-id-bound-cidrs",
            json!({ "secret_id_bound_cidrs": "x" }),
        ),
        ("policies", json!({})),
        ("role-id", json!({})),
    ] {
        let refused = change(path, body).await;
        assert!(matches!(refused, Error::Invalid(_)), "{path}: {refused}");
    }
    let path = format!("{ROLE}/secret-id-bound-cidrs");
    let refused = house.ask(Operation::Delete, &path, Value::Null).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("at least one constraint"), "{told}");
    assert_eq!(house.get(ROLE).await, before);
}
