//! Our lines beside those that OpenBao 2.7.2 wrote for the same requests.

use std::sync::Arc;

use keyward_api::Operation;
use keyward_crypto::{SecretBytes, SecretString};
use serde_json::{Value, json};

use super::recorder::{KINDS, Recorder};
use crate::{
    CanonicalPath, Core, Done, Error, Registry, Request, TokenId, storage::memory::Memory, testing,
};

/// Two lines for each request of [`lines_have_the_fields_of_the_peer`], in its order.
const PEER: &str = include_str!("openbao-2.7.2.jsonl");

/// Replaces what differs from run to run by what kind of value it is.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("hmac-sha256:") => json!("hashed"),
        Value::String(text) if text.starts_with("1 error occurred") => json!(text),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!(0),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        other => other.clone(),
    }
}

fn remove(line: &mut Value, block: &str, name: &str) {
    if let Some(block) = line.pointer_mut(block).and_then(Value::as_object_mut) {
        block.remove(name);
    }
}

/// A core with one device, and who calls it.
#[derive(Clone)]
struct Caller {
    core: Arc<Core>,
    token: String,
    recorder: Arc<Recorder>,
}

impl Caller {
    /// Makes a core, and a caller with its root token.
    async fn new() -> Self {
        let registry = Registry {
            audit: KINDS,
            ..Registry::EMPTY
        };
        let core = testing::core(Arc::new(Memory::new()), &testing::clock(), registry);
        let token = testing::open(&core).await;
        let caller = Self {
            core: Arc::new(core),
            token,
            recorder: Recorder::of("peer"),
        };
        let device = json!({ "type": "recorder", "options": { "recorder": "peer" } });
        caller
            .call(Operation::Update, "sys/audit/main", device)
            .await
            .unwrap();
        caller
    }

    async fn call(&self, operation: Operation, path: &str, body: Value) -> Result<Done, Error> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let path = CanonicalPath::parse(path).unwrap();
        let mut request = Request::new(operation, path, SecretBytes::new(body.into_bytes()))
            .with_token(TokenId::new(SecretString::from(&*self.token)));
        request.remote.address = "127.0.0.1".to_owned();
        request.remote.port = 46050;
        self.core.handle(request).await
    }

    /// Returns the lines that a call leaves, whatever comes of it.
    async fn lines(&self, operation: Operation, path: &str, body: Value) -> Vec<Value> {
        let before = self.recorder.lines().len();
        drop(self.call(operation, path, body).await);
        self.recorder.lines().split_off(before)
    }

    /// Makes a token with the given policy; returns it.
    async fn token_with(&self, policy: &str) -> String {
        let create = json!({ "policies": [policy] });
        let done = self
            .call(Operation::Update, "auth/token/create", create)
            .await
            .unwrap();
        done.auth.unwrap().client_token.expose().to_owned()
    }
}

#[tokio::test]
async fn lines_have_the_fields_of_the_peer() {
    let root = Caller::new().await;
    let policy = r#"path "sys/audit-hash/*" { capabilities = ["update"] }
                    path "sys/audit*" { capabilities = ["read", "update", "list"] }"#;
    let policy = json!({ "policy": policy });
    let token = json!({
        "policies": ["default", "b"], "ttl": "1h", "no_default_policy": false,
        "meta": {"a": "b"}, "display_name": "joe", "num_uses": 3,
    });
    let mut ours = root
        .lines(Operation::Update, "sys/policies/acl/h", policy)
        .await;
    ours.extend(
        root.lines(Operation::Update, "auth/token/create", token)
            .await,
    );
    let joe = Caller {
        token: root.token_with("h").await,
        ..root.clone()
    };
    ours.extend(
        joe.lines(
            Operation::Update,
            "sys/audit-hash/main",
            json!({"input": "x"}),
        )
        .await,
    );
    ours.extend(joe.lines(Operation::Read, "sys/audit", Value::Null).await);
    ours.extend(
        root.lines(Operation::Update, "sys/audit", json!({"type": "file"}))
            .await,
    );
    let nobody = Caller {
        token: "wrong".to_owned(),
        ..root.clone()
    };
    ours.extend(
        nobody
            .lines(Operation::Read, "sys/audit", Value::Null)
            .await,
    );

    let theirs = PEER
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let theirs: Vec<_> = theirs.collect();
    assert_eq!(ours.len(), theirs.len());
    for (mut ours, mut theirs) in ours.into_iter().zip(theirs) {
        // The chain is ours alone.
        for name in ["previous", "sequence", "chain"] {
            remove(&mut ours, "", name);
        }
        assert_eq!(ours["request"]["client_id"], theirs["request"]["client_id"]);
        // The peer shows it only once the engine was asked.
        for block in ["/request", "/response"] {
            remove(&mut ours, block, "mount_accessor");
            remove(&mut theirs, block, "mount_accessor");
        }
        let path = ours["request"]["path"].clone();
        assert_eq!(shape(&ours), shape(&theirs), "{} of {path}", ours["type"]);
    }
}
