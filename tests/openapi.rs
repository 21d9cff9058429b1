//! The document of the API, and what it is a map for: a walk over every route of every mount.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Client, Installation, Process, Store};

/// What answers without a token, with the status it then has; nothing else does.
///
/// Wrapping tokens come as the caller's own, so that these three ask for one themselves.
const PUBLIC: &[(&str, u16)] = &[
    ("GET sys/internal/specs/openapi", 200),
    ("GET sys/internal/ui/mounts", 200),
    ("GET sys/internal/ui/mounts/{path}", 403),
    ("GET sys/wrapping/lookup", 403),
    ("GET transit/keys/{name}/jwks", 404),
    ("POST sys/wrapping/lookup", 403),
    ("POST sys/wrapping/unwrap", 403),
];

/// A server with every engine mounted and one audit device.
struct House {
    installation: Installation,
    root: Client,
    _server: Process,
    /// How much of the audit log was looked at.
    seen: usize,
}

/// One operation of the document.
struct Call {
    /// `GET sys/mounts/{path}`.
    name: String,
    method: String,
    path: String,
    description: Value,
}

impl House {
    async fn start() -> Self {
        let installation = Installation::new(Store::Sled);
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        for (path, body) in [
            ("transit", json!({ "type": "transit" })),
            ("kv1", json!({ "type": "kv" })),
            (
                "kv2",
                json!({ "type": "kv", "options": { "version": "2" } }),
            ),
        ] {
            root.post(&format!("sys/mounts/{path}"), body)
                .await
                .expect(204);
        }
        let path = installation.path("audit.log");
        let device = json!({ "type": "file", "options": { "file_path": path } });
        root.post("sys/audit/file", device).await.expect(204);
        let mut house = Self {
            installation,
            root,
            _server: server,
            seen: 0,
        };
        house.new_entries();
        house
    }

    /// The audit entries since the last look.
    fn new_entries(&mut self) -> Vec<Value> {
        let log = fs::read_to_string(self.installation.path("audit.log")).unwrap();
        let new = log[self.seen..].lines();
        let entries = new
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        self.seen = log.len();
        entries
    }

    /// Every operation, with its parameters filled in.
    async fn calls(&mut self) -> Vec<Call> {
        let document = self
            .root
            .get("sys/internal/specs/openapi")
            .await
            .expect(200);
        let mut calls = Vec::new();
        for (path, item) in document.at("/paths").as_object().unwrap() {
            for method in ["get", "post", "patch", "delete"] {
                let Some(description) = item.get(method) else {
                    continue;
                };
                let path = path.trim_start_matches('/');
                let method = match path.ends_with('/') {
                    true => "LIST".to_owned(),
                    false => method.to_uppercase(),
                };
                let filled = path.split('/').map(|part| match part.starts_with('{') {
                    true => "walk",
                    false => part,
                });
                calls.push(Call {
                    name: format!("{method} {path}"),
                    path: filled.collect::<Vec<_>>().join("/"),
                    method,
                    description: description.clone(),
                });
            }
        }
        self.new_entries();
        calls
    }

    /// Makes a call and insists on the two lines that it leaves.
    async fn call(&mut self, client: &Client, call: &Call) -> (u16, String) {
        let merge = [("content-type", "application/merge-patch+json")];
        let (headers, body) = match &*call.method {
            "PATCH" => (&merge[..], Some("{}".to_owned())),
            "POST" => (&[][..], Some("{}".to_owned())),
            _ => (&[][..], None),
        };
        let answer = client.send(&call.method, &call.path, headers, body).await;
        let entries = self.new_entries();
        let kinds: Vec<_> = entries.iter().map(|entry| entry["type"].as_str()).collect();
        assert_eq!(kinds, [Some("request"), Some("response")], "{}", call.name);
        for entry in &entries {
            assert_eq!(
                entry["request"]["path"],
                call.path.as_str(),
                "{}",
                call.name
            );
        }
        (answer.status, answer.text)
    }
}

#[tokio::test]
async fn every_route_asks_for_a_token_that_may_and_leaves_its_lines() {
    let mut house = House::start().await;
    let body = json!({ "policies": ["nothing"], "no_default_policy": true });
    let made = house.root.post("auth/token/create", body).await.expect(200);
    let nobody = house.root.with_token("");
    let nothing = house.root.with_token(made.text_at("/auth/client_token"));
    let calls = house.calls().await;
    assert!(calls.len() > 150, "{}", calls.len());
    let mut open = Vec::new();
    for call in &calls {
        let (status, text) = house.call(&nobody, call).await;
        if call.description["x-vault-unauthenticated"] == true {
            open.push((call.name.as_str(), status));
            continue;
        }
        assert_eq!(status, 403, "{} without a token: {text}", call.name);
        assert!(text.contains("permission denied"), "{}: {text}", call.name);
        let (status, text) = house.call(&nothing, call).await;
        assert_eq!(status, 403, "{} without a policy: {text}", call.name);
        assert!(text.contains("permission denied"), "{}: {text}", call.name);
    }
    open.sort_unstable();
    assert_eq!(open, PUBLIC);
}

#[tokio::test]
async fn every_read_of_the_document_is_one_of_the_server() {
    let mut house = House::start().await;
    let root = house.root.clone();
    for call in house.calls().await {
        if !matches!(&*call.method, "GET" | "LIST") {
            continue;
        }
        let (status, text) = house.call(&root, &call).await;
        assert!(
            status < 500 && status != 405,
            "{}: {status} {text}",
            call.name
        );
        assert!(!text.contains("unsupported path"), "{}: {text}", call.name);
    }
}

#[tokio::test]
async fn the_document_shows_what_the_caller_may_use() {
    let house = House::start().await;
    let of = async |client: &Client| {
        let document = client.get("sys/internal/specs/openapi").await.expect(200);
        document.at("/paths").as_object().unwrap().clone()
    };
    assert!(of(&house.root.with_token("")).await.is_empty());
    let policy = "path \"transit/*\" { capabilities = [\"update\"] }";
    let policy = json!({ "policy": policy });
    house
        .root
        .post("sys/policies/acl/t", policy)
        .await
        .expect(204);
    let body = json!({ "policies": ["t"], "no_default_policy": true });
    let made = house.root.post("auth/token/create", body).await.expect(200);
    let paths = of(&house.root.with_token(made.text_at("/auth/client_token"))).await;
    assert!(
        paths.keys().all(|path| path.starts_with("/transit/")),
        "{paths:?}"
    );
    assert!(paths.contains_key("/transit/encrypt/{name}"));

    let document = house
        .root
        .get("sys/internal/specs/openapi?generic_mount_paths=true")
        .await;
    let encrypt = document.at("/paths/~1{transit_mount_path}~1encrypt~1{name}/post");
    assert_eq!(encrypt["operationId"], "transit-encrypt");
    let fields = document.at("/components/schemas/TransitEncryptRequest/properties");
    assert_eq!(fields["plaintext"], json!({ "type": "string" }));
    assert_eq!(fields["key_version"], json!({ "type": "integer" }));
    assert!(fields.get("name").is_none(), "the name stands in the path");
}
