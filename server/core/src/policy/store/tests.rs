//! What is stored of policies, and when they end.

use std::time::Duration;

use keyward_crypto::{Derivation, Keyring, SecretBytes, key_type};

use super::*;
use crate::{barrier::Barrier, policy::Capability, storage::Memory};

const READ: &str = "path \"a\" { capabilities = [\"read\"] }";
const LIST: &str = "path \"a\" { capabilities = [\"list\"] }";

fn view() -> View {
    let aes = key_type("aes256-gcm96").unwrap();
    let keyring = Keyring::generate(aes, Derivation::None, Timestamp::default().into());
    let barrier = Barrier::new(Arc::new(Memory::new()), keyring.unwrap());
    View::new(Arc::new(barrier), "policy/")
}

/// So many seconds after the beginning of time.
fn at(seconds: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_secs(seconds))
}

/// A store, and the time at which all changes are made.
struct Kept {
    store: PolicyStore,
    now: Timestamp,
}

impl Kept {
    async fn open(view: &View) -> Self {
        let now = at(10);
        let store = PolicyStore::open(view.clone(), now).await.unwrap();
        Self { store, now }
    }

    async fn write(&self, text: &str, change: PolicyChange) -> Result<(), Error> {
        let Self { store, now } = self;
        store.write("p", text, change, *now, &store.view).await
    }

    async fn patch(&self, text: Option<&str>, change: PolicyChange) -> Result<(), Error> {
        let Self { store, now } = self;
        store.patch("p", text, change, *now, &store.view).await
    }

    /// What a token with the policy may do at a moment.
    fn allowed(&self, now: Timestamp) -> Vec<Capability> {
        self.store
            .acl(&["p".to_owned()], None, now)
            .capabilities("a")
    }

    fn version(&self) -> u64 {
        self.store.find("p", self.now).unwrap().version()
    }
}

fn replacing(cas: i64) -> PolicyChange {
    PolicyChange {
        cas: Some(cas),
        ..PolicyChange::default()
    }
}

fn until(end: Timestamp) -> PolicyChange {
    PolicyChange {
        expiration: Some(end),
        ..PolicyChange::default()
    }
}

fn told<T>(outcome: Result<T, Error>) -> String {
    outcome.err().unwrap().to_string()
}

#[tokio::test]
async fn a_policy_with_a_slash_in_its_name_is_there_again_after_a_restart() {
    let view = view();
    let store = PolicyStore::open(view.clone(), at(0)).await.unwrap();
    let change = PolicyChange::default();
    store
        .write("team/reader", "", change, at(0), &view)
        .await
        .unwrap();
    drop(store);
    let store = PolicyStore::open(view, at(0)).await.unwrap();
    let names: Vec<_> = store.all(at(0)).into_keys().collect();
    assert_eq!(names, ["default", "root", "team/reader"]);
    assert_eq!(store.find("team/reader", at(0)).unwrap().text(), "");
}

#[tokio::test]
async fn a_text_that_was_stored_before_there_were_versions_is_the_first_version() {
    let view = view();
    let json = "{\"path\": {\"a\": {\"capabilities\": [\"read\"]}}}";
    for (name, text) in [("hcl", READ), ("json", json)] {
        let stored = SecretBytes::new(text.as_bytes().to_vec());
        view.put(name, stored).await.unwrap();
    }
    let store = PolicyStore::open(view, at(0)).await.unwrap();
    for (name, text) in [("hcl", READ), ("json", json)] {
        let stored = store.find(name, at(0)).unwrap();
        assert_eq!(stored.text(), text);
        assert_eq!((stored.version(), stored.modified()), (1, None));
    }
}

#[tokio::test]
async fn what_is_known_of_a_policy_is_there_again_after_a_restart() {
    let view = view();
    let kept = Kept::open(&view).await;
    kept.write(READ, PolicyChange::default()).await.unwrap();
    let change = PolicyChange {
        cas: Some(1),
        cas_required: Some(true),
        expiration: Some(at(60)),
    };
    kept.patch(None, change).await.unwrap();
    let again = Kept::open(&view).await;
    let stored = again.store.find("p", again.now).unwrap();
    assert_eq!((stored.text(), stored.version()), (READ, 2));
    assert_eq!(stored.modified(), Some(kept.now));
    assert_eq!(stored.expiration(), Some(at(60)));
    assert!(stored.cas_required());
}

#[tokio::test]
async fn a_change_may_say_which_version_it_replaces() {
    let kept = Kept::open(&view()).await;
    let mismatch = |cas, version| {
        format!("check-and-set parameter {cas} did not match the current version {version}")
    };
    assert_eq!(told(kept.write(READ, replacing(5)).await), mismatch(5, 0));
    kept.write(READ, replacing(0)).await.unwrap();
    assert_eq!(told(kept.write(LIST, replacing(0)).await), mismatch(0, 1));
    assert_eq!(told(kept.patch(None, replacing(-7)).await), mismatch(-7, 1));
    assert_eq!(
        told(kept.write(LIST, replacing(-1)).await),
        "check-and-set parameter set to -1 on existing entry"
    );
    assert_eq!(kept.allowed(kept.now), [Capability::Read]);
    kept.patch(Some(LIST), replacing(1)).await.unwrap();
    assert_eq!(kept.allowed(kept.now), [Capability::List]);
    kept.write(READ, PolicyChange::default()).await.unwrap();
    assert_eq!(kept.version(), 3);
}

#[tokio::test]
async fn a_policy_can_demand_that_changes_say_which_version_they_replace() {
    let kept = Kept::open(&view()).await;
    let demand = |cas| PolicyChange {
        cas,
        cas_required: Some(true),
        ..PolicyChange::default()
    };
    let refusal = "check-and-set parameter required for this call";
    assert_eq!(told(kept.write(READ, demand(None)).await), refusal);
    kept.write(READ, demand(Some(-1))).await.unwrap();
    let blind = PolicyChange::default();
    assert_eq!(told(kept.write(LIST, blind).await), refusal);
    assert_eq!(told(kept.patch(Some(LIST), blind).await), refusal);
    assert_eq!(kept.version(), 1);
    // The whole is written anew, and with it what is demanded.
    kept.write(LIST, replacing(1)).await.unwrap();
    kept.write(READ, blind).await.unwrap();
}

#[tokio::test]
async fn a_policy_grants_until_its_end_and_is_then_removed() {
    let view = view();
    let kept = Kept::open(&view).await;
    kept.write(READ, until(at(20))).await.unwrap();
    assert_eq!(kept.allowed(at(19)), [Capability::Read]);
    assert_eq!(kept.allowed(at(20)), [Capability::Deny]);
    assert!(kept.store.find("p", at(20)).is_none());
    assert!(!kept.store.all(at(20)).contains_key("p"));

    kept.store.tick(at(19)).await.unwrap();
    assert!(view.get("p").await.unwrap().is_some());
    kept.store.tick(at(20)).await.unwrap();
    assert!(view.get("p").await.unwrap().is_none());
    // Another of the same name begins anew.
    kept.write(LIST, replacing(-1)).await.unwrap();
    assert_eq!(kept.version(), 1);
    assert_eq!(kept.allowed(at(30)), [Capability::List]);
}

#[tokio::test]
async fn a_rule_ends_with_nobody_changing_anything() {
    let kept = Kept::open(&view()).await;
    let text = "path \"a\" { capabilities = [\"read\"] expiration = 20 }
        path \"a\" { capabilities = [\"list\"] expiration = \"1970-01-01T00:00:30Z\" }
        path \"*\" { capabilities = [\"update\"] }";
    kept.write(text, PolicyChange::default()).await.unwrap();
    for (second, allowed) in [
        (19, vec![Capability::List, Capability::Read]),
        (20, vec![Capability::List]),
        (29, vec![Capability::List]),
        (30, vec![Capability::Update]),
    ] {
        assert_eq!(kept.allowed(at(second)), allowed, "{second}");
    }
}

#[tokio::test]
async fn an_end_must_lie_ahead_and_the_default_policy_has_none() {
    let kept = Kept::open(&view()).await;
    let past = "refusing to update policy as expiration time has already elapsed";
    assert_eq!(told(kept.write(READ, until(kept.now)).await), past);
    assert_eq!(told(kept.patch(None, until(at(1))).await), past);
    let Kept { store, now } = &kept;
    let write = store.write("default", READ, until(at(60)), *now, &store.view);
    assert_eq!(told(write.await), "the default policy cannot expire");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_a_write_everything() {
    let kept = Kept::open(&view()).await;
    assert_eq!(
        told(kept.patch(Some(READ), PolicyChange::default()).await),
        "policy not found"
    );
    kept.write(READ, until(at(60))).await.unwrap();
    kept.patch(Some(LIST), PolicyChange::default())
        .await
        .unwrap();
    let end = || kept.store.find("p", kept.now).unwrap().expiration();
    assert_eq!(end(), Some(at(60)));
    kept.patch(None, until(at(90))).await.unwrap();
    assert_eq!(kept.allowed(kept.now), [Capability::List]);
    assert_eq!(end(), Some(at(90)));
    kept.write(READ, PolicyChange::default()).await.unwrap();
    assert_eq!(end(), None);
}
