//! One whole request in process: gate, engine, record; no network.

use std::{path::Path, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use keyward_api::Operation;
use keyward_builtin::{AUDIT_DEVICES, ENGINES, storage};
use keyward_core::{
    CanonicalPath, Core, Registry, Request, SealConfig, Settings, SystemClock, TokenId,
};
use keyward_crypto::{SecretBytes, SecretString};
use serde_json::{Value, json};

/// An unsealed server in memory, with a transit key and a policy that allows just its use.
struct House {
    core: Core,
    root: TokenId,
}

impl House {
    async fn build(audit: Option<&Path>) -> Self {
        let memory = storage::storage("memory").expect("the table has a memory backend");
        let storage = (memory.open)(storage::Settings::new())
            .await
            .expect("memory opens");
        let registry = Registry {
            engines: ENGINES,
            audit: AUDIT_DEVICES,
        };
        let settings = Settings {
            storage_type: "memory",
            cluster_name: None,
            version: "bench",
        };
        let core = Core::new(storage, Arc::new(SystemClock), registry, settings);
        let config = SealConfig {
            shares: 1,
            threshold: 1,
        };
        let secrets = core
            .initialize(config)
            .await
            .expect("a new store initializes");
        core.unseal(secrets.shares[0].duplicate())
            .await
            .expect("its share unseals");
        let house = Self {
            core,
            root: secrets.root_token,
        };
        let root = house.root.duplicate();
        house
            .call("sys/mounts/transit", &json!({ "type": "transit" }), &root)
            .await;
        house
            .call(
                "sys/mounts/kv",
                &json!({ "type": "kv", "options": { "version": "2" } }),
                &root,
            )
            .await;
        house.call("transit/keys/orders", &json!({}), &root).await;
        house
            .call("transit/keys/signer", &json!({ "type": "ed25519" }), &root)
            .await;
        if let Some(folder) = audit {
            let file = folder.join("audit.log");
            let device = json!({ "type": "file", "options": { "file_path": file } });
            house.call("sys/audit/file", &device, &root).await;
        }
        house
    }

    async fn call(&self, path: &str, body: &Value, token: &TokenId) -> Option<SecretBytes> {
        let path = CanonicalPath::parse(path).expect("paths here are canonical");
        let body = SecretBytes::new(body.to_string().into_bytes());
        let request = Request::new(Operation::Update, path, body).with_token(token.duplicate());
        self.core
            .handle(request)
            .await
            .expect("the request succeeds")
            .data
    }

    /// Makes a token that may use transit and nothing else.
    async fn narrow_token(&self) -> TokenId {
        let policy = r#"path "transit/encrypt/*" { capabilities = ["update"] }
            path "transit/sign/*" { capabilities = ["update"] }
            path "kv/data/*" { capabilities = ["create", "update"] }"#;
        self.call(
            "sys/policies/acl/app",
            &json!({ "policy": policy }),
            &self.root,
        )
        .await;
        let path = CanonicalPath::parse("auth/token/create").expect("the path is canonical");
        let body = SecretBytes::new(json!({ "policies": ["app"] }).to_string().into_bytes());
        let request = Request::new(Operation::Update, path, body).with_token(self.root.duplicate());
        let auth = self
            .core
            .handle(request)
            .await
            .expect("tokens are made")
            .auth;
        let auth = auth.expect("a token was asked for");
        // EXPOSE: used as the caller of the bench.
        TokenId::new(SecretString::new(auth.client_token.expose().to_owned()))
    }
}

impl House {
    /// Makes a token that may do the same, by a group of its entity, with templates in its policies.
    async fn entity_token(&self) -> TokenId {
        let root = &self.root;
        let role = json!({ "allowed_entity_aliases": "*" });
        self.call("auth/token/roles/named", &role, root).await;
        let path = CanonicalPath::parse("auth/token/create/named").expect("the path is canonical");
        let body = json!({ "policies": ["default"], "entity_alias": "app" });
        let body = SecretBytes::new(body.to_string().into_bytes());
        let request = Request::new(Operation::Update, path, body).with_token(root.duplicate());
        let done = self.core.handle(request).await.expect("tokens are made");
        let auth = done.auth.expect("a token was asked for");
        let group = json!({
            "name": "apps", "policies": ["app"], "member_entity_ids": [auth.entity_id],
        });
        self.call("identity/group", &group, root).await;
        // EXPOSE: used as the caller of the bench.
        TokenId::new(SecretString::new(auth.client_token.expose().to_owned()))
    }
}

fn requests(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let base64 = keyward_crypto::encoding::encode(&[7; 256]);
    for (name, audit) in [
        ("without audit", None),
        ("with a file audit device", Some(folder.path())),
    ] {
        let house = runtime.block_on(House::build(audit));
        let token = runtime.block_on(house.narrow_token());
        let of_entity = runtime.block_on(house.entity_token());
        let mut group = criterion.benchmark_group(format!("one request {name}"));
        for (label, path, body) in [
            (
                "encrypt 256 bytes",
                "transit/encrypt/orders",
                json!({ "plaintext": base64 }),
            ),
            (
                "sign 256 bytes",
                "transit/sign/signer",
                json!({ "input": base64 }),
            ),
            (
                "write a secret",
                "kv/data/app",
                json!({ "data": { "password": base64 } }),
            ),
        ] {
            group.bench_function(label, |bencher| {
                bencher
                    .to_async(&runtime)
                    .iter(|| house.call(path, &body, &token));
            });
        }
        let body = json!({ "plaintext": base64 });
        group.bench_function("encrypt 256 bytes for an entity", |bencher| {
            bencher
                .to_async(&runtime)
                .iter(|| house.call("transit/encrypt/orders", &body, &of_entity));
        });
        group.finish();
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);
