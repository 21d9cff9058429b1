//! Keys over time, and over what a crash leaves.

use keyward_api::Operation;
use serde_json::{Value, json};

use super::*;
use crate::{Core, ManualClock, Registry, storage::Memory, testing};

const PATH: &str = "auth/token/create";

/// An unsealed server, with a clock that the test moves.
struct House {
    core: Core,
    clock: Arc<ManualClock>,
    root: String,
}

impl House {
    async fn new() -> Self {
        let clock = testing::clock();
        let core = testing::core(Arc::new(Memory::new()), &clock, Registry::EMPTY);
        let root = testing::open(&core).await;
        Self { core, clock, root }
    }

    fn request(&self, key: &str, body: &Value) -> Request {
        Request {
            idempotency_key: Some(IdempotencyKey::parse(key).unwrap()),
            ..testing::request(Operation::Update, PATH, body)
        }
        .with_token(testing::token(&self.root))
    }

    /// Makes a token under a key; returns its accessor, and whether it was made before.
    async fn make(&self, key: &str) -> Result<(String, bool), Error> {
        let done = self.core.handle(self.request(key, &json!({}))).await?;
        Ok((done.auth.unwrap().accessor, done.replayed))
    }

    /// Begins a change and never ends it, as a crash does.
    async fn crash(&self, key: &str) {
        let unsealed = self.core.unsealed().unwrap();
        let request = self.request(key, &json!({}));
        let now = self.core.clock().now();
        let token = unsealed.tokens.lookup(request.token.as_ref().unwrap(), now);
        let token = token.await.unwrap().unwrap();
        let (mount, _) = unsealed.mounts.find(PATH).unwrap();
        let keys = &unsealed.idempotency;
        let begun = keys.begin(&request, &token, &mount.entry, &keys.view, now);
        assert!(matches!(begun.await, Ok(Some(Begun::Run(_)))));
    }

    async fn kept(&self) -> usize {
        let view = &self.core.unsealed().unwrap().idempotency.view;
        let entries = view.list("entry/", None, None).await.unwrap().len();
        let marks = view.list(EXPIRIES, None, None).await.unwrap().len();
        assert_eq!(entries, marks);
        entries
    }
}

#[test]
fn a_key_is_read_with_its_quotation_marks_and_without() {
    for text in ["a", "\"a\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"] {
        let key = IdempotencyKey::parse(text).unwrap();
        assert_eq!(key.0, text.trim_matches('"'));
    }
    let long = "x".repeat(256);
    for text in ["", "\"\"", "a b", "a\"b", "\"a", "ä", "a\\b", "a\nb", &long] {
        assert!(IdempotencyKey::parse(text).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn an_answer_is_kept_for_ten_minutes() {
    let house = House::new().await;
    let (first, replayed) = house.make("key").await.unwrap();
    assert!(!replayed);
    house.clock.advance(KEPT - Duration::from_secs(1));
    house.core.tick().await.unwrap();
    assert_eq!(house.make("key").await.unwrap(), (first.clone(), true));
    house.clock.advance(Duration::from_secs(1));
    let (second, replayed) = house.make("key").await.unwrap();
    assert!(!replayed && second != first);
    // The mark of the first is due, and does not take what was made anew along.
    house.core.tick().await.unwrap();
    assert_eq!(house.kept().await, 1);
    assert_eq!(house.make("key").await.unwrap(), (second, true));
    house.clock.advance(KEPT);
    house.core.tick().await.unwrap();
    assert_eq!(house.kept().await, 0);
}

#[tokio::test]
async fn what_was_begun_and_not_ended_is_not_begun_again() {
    let house = House::new().await;
    house.crash("key").await;
    let Err(Error::Conflict(text)) = house.make("key").await else {
        panic!("nobody knows whether it was done");
    };
    assert!(text.contains("it is not known whether it was done"));
    house.make("another").await.unwrap();
    house.clock.advance(KEPT);
    house.make("key").await.unwrap();
}

#[tokio::test]
async fn a_refusal_leaves_nothing() {
    let house = House::new().await;
    let body = json!({ "ttl": "never" });
    for _ in 0..2 {
        let refused = house.core.handle(house.request("key", &body)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }
    assert_eq!(house.kept().await, 0);
    house.make("key").await.unwrap();
}
