//! Versions that are deleted by themselves, over a clock that stands until it is moved.

use std::{sync::Arc, time::Duration};

use keyward_api::Operation;
use keyward_core::{Core, Error, ManualClock, Outcome, Registry, storage::Memory, testing};
use serde_json::{Value, json};

use crate::engine::kv::KV;

/// A core with version 2 at `s/`.
struct House {
    core: Core,
    clock: Arc<ManualClock>,
    root: String,
}

impl House {
    async fn start() -> Self {
        let registry = Registry {
            engines: &[KV],
            ..Registry::EMPTY
        };
        let clock = testing::clock();
        let core = testing::core(Arc::new(Memory::default()), &clock, registry);
        let root = testing::open(&core).await;
        let house = Self { core, clock, root };
        let mount = json!({ "type": "kv", "options": { "version": "2" } });
        house.post("sys/mounts/s", mount).await;
        house
    }

    async fn ask(
        &self,
        operation: Operation,
        path: &str,
        body: Value,
    ) -> Result<(Outcome, Value), Error> {
        let request = testing::request(operation, path, &body);
        let request = request.with_token(testing::token(&self.root));
        let done = self.core.handle(request).await?;
        // EXPOSE: the secrets were made for this test.
        let data = done
            .data
            .map(|data| serde_json::from_slice(data.expose()).unwrap());
        Ok((done.outcome, data.unwrap_or_default()))
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.ask(Operation::Update, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}")).1
    }

    async fn get(&self, path: &str) -> (Outcome, Value) {
        self.ask(Operation::Read, path, Value::Null).await.unwrap()
    }

    /// Says after how long versions of the mount, or of one secret, are deleted.
    async fn delete_after(&self, path: &str, time: &str) {
        let body = json!({ "delete_version_after": time });
        self.post(path, body).await;
    }

    /// Writes a version of a secret; tells whether it will be deleted by itself.
    async fn write(&self, path: &str) -> bool {
        let body = json!({ "data": { "v": path } });
        let written = self.post(&format!("s/data/{path}"), body).await;
        written["deletion_time"] != ""
    }

    /// Tells whether the data of a version is shown; `version` 0 is the latest.
    async fn shows(&self, path: &str, version: u32) -> bool {
        let path = format!("s/data/{path}");
        let asked = json!({ "version": version });
        let (outcome, answer) = self.ask(Operation::Read, &path, asked).await.unwrap();
        let shown = !answer["data"].is_null();
        assert_eq!(outcome == Outcome::NotFound, !shown, "{path}: {answer}");
        shown
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_version_goes_at_its_time_and_not_before() {
    let house = House::start().await;
    house.delete_after("s/config", "10s").await;
    assert!(house.write("a").await);
    house.wait(5);
    assert!(house.write("a").await);
    house.clock.advance(Duration::new(4, 999_999_999));
    assert!(house.shows("a", 1).await && house.shows("a", 2).await);
    house.clock.advance(Duration::from_nanos(1));
    assert!(!house.shows("a", 1).await && house.shows("a", 2).await);
    house.wait(5);
    assert!(!house.shows("a", 1).await && !house.shows("a", 2).await);
    let (_, metadata) = house.get("s/metadata/a").await;
    for version in ["1", "2"] {
        let version = &metadata["versions"][version];
        assert_ne!(version["deletion_time"], "", "{metadata}");
        assert_eq!(version["destroyed"], false, "{metadata}");
    }
    let subkeys = house.get("s/subkeys/a").await.1;
    assert_eq!(subkeys["subkeys"], Value::Null);
    // A patch has nothing to change any more.
    let body = json!({ "data": { "w": 1 } });
    let patched = house.ask(Operation::Patch, "s/data/a", body).await.unwrap();
    assert_eq!(patched.0, Outcome::NotFound);
}

#[tokio::test]
async fn the_shorter_of_two_times_counts() {
    let house = House::start().await;
    for (mount, own, life) in [
        ("20s", "10s", Some(10)),
        ("10s", "20s", Some(10)),
        ("10s", "0s", Some(10)),
        ("0s", "10s", Some(10)),
        ("0s", "0s", None),
    ] {
        house.delete_after("s/config", mount).await;
        house.delete_after("s/metadata/a", own).await;
        assert_eq!(house.write("a").await, life.is_some(), "{mount} {own}");
        house.wait(life.unwrap_or(1 << 30) - 1);
        assert!(house.shows("a", 0).await, "{mount} {own}");
        house.wait(1);
        assert_eq!(house.shows("a", 0).await, life.is_none(), "{mount} {own}");
    }
}

#[tokio::test]
async fn below_zero_at_the_mount_no_version_goes() {
    let house = House::start().await;
    house.delete_after("s/metadata/a", "10s").await;
    assert!(house.write("a").await);
    for time in ["-1s", "-1h"] {
        house.delete_after("s/config", time).await;
        let (_, config) = house.get("s/config").await;
        assert_eq!(config["delete_version_after"], "-1s");
        let (_, metadata) = house.get("s/metadata/a").await;
        assert_eq!(metadata["delete_version_after"], "10s");
        assert!(!house.write("a").await && !house.write("b").await);
    }
    house.wait(1 << 30);
    assert!(
        !house.shows("a", 1).await,
        "its time was set when it was written"
    );
    assert!(house.shows("a", 2).await && house.shows("b", 1).await);
    // Zero is no such word: a secret's own time counts again.
    house.delete_after("s/config", "0s").await;
    assert_eq!(house.get("s/config").await.1["delete_version_after"], "0s");
    assert!(house.write("a").await && !house.write("b").await);
    let refused = json!({ "delete_version_after": "-1s" });
    let refused = house.ask(Operation::Update, "s/metadata/a", refused).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn a_version_that_went_by_itself_comes_back() {
    let house = House::start().await;
    house.delete_after("s/config", "10s").await;
    house.write("a").await;
    house.write("a").await;
    house.wait(10);
    assert!(!house.shows("a", 1).await && !house.shows("a", 2).await);
    let versions = json!({ "versions": [1] });
    house.post("s/undelete/a", versions).await;
    house.wait(1 << 30);
    assert!(house.shows("a", 1).await && !house.shows("a", 2).await);
    let (_, metadata) = house.get("s/metadata/a").await;
    assert_eq!(metadata["versions"]["1"]["deletion_time"], "");
    // One that is deleted before its time stays so.
    house.write("a").await;
    house
        .ask(Operation::Delete, "s/data/a", Value::Null)
        .await
        .unwrap();
    assert!(!house.shows("a", 3).await);
    house.wait(20);
    assert!(!house.shows("a", 3).await);
}

#[tokio::test]
async fn a_setting_that_is_null_goes_back_to_the_mount_and_a_time_stays() {
    let house = House::start().await;
    let settings = || {
        json!({
            "max_versions": 7, "cas_required": true, "delete_version_after": "1h",
            "custom_metadata": { "a": "1", "b": "2" },
        })
    };
    let nulls = |name: &str| json!({ name: null });
    for operation in [Operation::Update, Operation::Patch] {
        for name in ["max_versions", "cas_required", "custom_metadata"] {
            house.post("s/metadata/a", settings()).await;
            let mut wanted = house.get("s/metadata/a").await.1;
            let null = house.ask(operation, "s/metadata/a", nulls(name));
            null.await.unwrap();
            let shown = house.get("s/metadata/a").await.1;
            wanted[name] = match name {
                "max_versions" => json!(0),
                "cas_required" => json!(false),
                _ => Value::Null,
            };
            let version = wanted["current_metadata_version"].as_u64().unwrap() + 1;
            wanted["current_metadata_version"] = json!(version);
            assert_eq!(shown, wanted, "{operation:?} {name}");
        }
        house.post("s/metadata/a", settings()).await;
        let wanted = house.get("s/metadata/a").await.1;
        let time = nulls("delete_version_after");
        house.ask(operation, "s/metadata/a", time).await.unwrap();
        assert_eq!(house.get("s/metadata/a").await.1, wanted, "{operation:?}");
    }
    house
        .post(
            "s/config",
            json!({ "max_versions": 3, "cas_required": true }),
        )
        .await;
    let null = json!({ "max_versions": null, "cas_required": null });
    house.post("s/config", null).await;
    let config = house.get("s/config").await.1;
    assert_eq!(config["max_versions"], 0, "{config}");
    assert_eq!(config["cas_required"], false, "{config}");
}

#[tokio::test]
async fn a_patch_removes_one_label_and_the_last_leaves_none() {
    let house = House::start().await;
    let labels = json!({ "custom_metadata": { "a": "1", "b": "2" } });
    house.post("s/metadata/a", labels).await;
    for (changes, left) in [
        (
            json!({ "a": null, "c": "3" }),
            json!({ "b": "2", "c": "3" }),
        ),
        (json!({ "b": null, "c": null }), Value::Null),
    ] {
        let body = json!({ "custom_metadata": changes });
        house
            .ask(Operation::Patch, "s/metadata/a", body)
            .await
            .unwrap();
        let shown = house.get("s/metadata/a").await.1;
        assert_eq!(shown["custom_metadata"], left);
    }
}

#[tokio::test]
async fn metadata_that_says_nothing_makes_no_secret_and_changes_none() {
    let house = House::start().await;
    for operation in [Operation::Update, Operation::Patch] {
        for body in [
            json!({}),
            json!({ "colour": "blue" }),
            json!({ "metadata_cas": 0 }),
        ] {
            house.ask(operation, "s/metadata/none", body).await.unwrap();
            let none = house.ask(Operation::Read, "s/metadata/none", Value::Null);
            assert!(matches!(none.await, Err(Error::NotFound(None))));
        }
    }
    house.write("a").await;
    let before = house.get("s/metadata/a").await.1;
    house.wait(5);
    house.post("s/metadata/a", json!({})).await;
    assert_eq!(house.get("s/metadata/a").await.1, before);
}

#[tokio::test]
async fn the_oldest_version_is_told_from_when_there_are_as_many_as_are_kept() {
    let house = House::start().await;
    house
        .post("s/metadata/a", json!({ "max_versions": 2 }))
        .await;
    for oldest in [0, 1, 2] {
        house.write("a").await;
        let shown = house.get("s/metadata/a").await.1;
        assert_eq!(shown["oldest_version"], oldest, "{shown}");
    }
    // What was dropped is not there again where more are kept later.
    house
        .post("s/metadata/a", json!({ "max_versions": 4 }))
        .await;
    house.write("a").await;
    let shown = house.get("s/metadata/a").await.1;
    assert_eq!(shown["oldest_version"], 2, "{shown}");
}
