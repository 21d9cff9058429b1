//! One whole request in process: gate, engine, record; no network.

use std::{path::Path, sync::Arc};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use keyward_api::{
    Operation,
    proof::{Address, RequestToSign, SigningKey, sign_request},
};
use keyward_builtin::{AUDIT_DEVICES, MOUNTABLE, storage};
use keyward_core::{
    CanonicalPath, Claim, Core, Proof, Registry, Request, SealConfig, Settings, SystemClock,
    TokenId,
};
use keyward_crypto::{HashAlgorithm, SecretBytes, SecretString, proof::ProofAlgorithm, random};
use serde_json::{Value, json};

/// Where signed requests say that they go.
const ADDRESS: &str = "https://vault.example.com:8200";

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
            engines: MOUNTABLE,
            audit: AUDIT_DEVICES,
            ..Registry::EMPTY
        };
        let settings = Settings {
            storage_type: "memory",
            cluster_name: None,
            version: "bench",
        };
        let address = Address::parse(ADDRESS).expect("it is an address");
        let core =
            Core::new(storage, Arc::new(SystemClock), registry, settings).known_as([address]);
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

/// A client that signs what it asks, with a token that is bound to its key.
struct Holder {
    key: SigningKey,
    token: SecretString,
}

/// A signed request, before anything of it was looked at.
struct Signed {
    claim: Claim,
    path: CanonicalPath,
    body: Vec<u8>,
}

impl Holder {
    async fn new(house: &House, algorithm: ProofAlgorithm) -> Self {
        let key = SigningKey::generate(algorithm).expect("there is entropy");
        let path = CanonicalPath::parse("auth/token/create").expect("the path is canonical");
        let body = json!({ "policies": ["app"], "client_key": key.public() });
        let body = SecretBytes::new(body.to_string().into_bytes());
        let request =
            Request::new(Operation::Update, path, body).with_token(house.root.duplicate());
        let done = house.core.handle(request).await.expect("tokens are made");
        let auth = done.auth.expect("a token was asked for");
        // EXPOSE: used as the caller of the bench.
        let token = SecretString::new(auth.client_token.expose().to_owned());
        Self { key, token }
    }

    /// Signs a request as a client does.
    fn sign(&self, house: &House, path: &str, body: &Value) -> Signed {
        let body = body.to_string().into_bytes();
        let target = format!("/v1/{path}");
        let signed = sign_request(
            &self.key,
            &RequestToSign {
                method: "POST",
                target_uri: &format!("{ADDRESS}{target}"),
                token: &self.token,
                body: &body,
                created: house.core.clock().now().unix_seconds(),
                lifetime: 60,
                nonce: random::generate_nonce(),
            },
        );
        let signed = signed.expect("requests can be signed");
        Signed {
            claim: Claim {
                method: "POST".to_owned(),
                target,
                host: "vault.example.com:8200".to_owned(),
                signs_token: true,
                body_digest: None,
                content_digest: signed.content_digest,
                signature_input: signed.signature_input,
                signature: signed.signature,
            },
            path: CanonicalPath::parse(path).expect("paths here are canonical"),
            body,
        }
    }

    /// Has it served, and the answer signed.
    async fn call(&self, house: &House, signed: Signed) {
        let Signed {
            mut claim,
            path,
            body,
        } = signed;
        let digest = HashAlgorithm::Sha2_256.digest(&body);
        claim.body_digest = digest.try_into().ok();
        let proof = Arc::new(Proof::new(claim));
        let request = Request::new(Operation::Update, path, SecretBytes::new(body))
            .with_token(TokenId::new(self.token.duplicate()))
            .with_proof(Arc::clone(&proof));
        let data = house.core.handle(request).await.expect("it is served").data;
        let now = house.core.clock().now();
        // EXPOSE: signed as it would be sent.
        let answer = proof.sign_answer(200, data.as_ref().expect("it has data").expose(), now);
        answer
            .expect("answers can be signed")
            .expect("it was verified");
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
        for (label, algorithm) in [
            (
                "encrypt 256 bytes, proven with Ed25519",
                ProofAlgorithm::Ed25519,
            ),
            (
                "encrypt 256 bytes, proven with P-256",
                ProofAlgorithm::EcdsaP256Sha256,
            ),
        ] {
            let holder = runtime.block_on(Holder::new(&house, algorithm));
            group.bench_function(label, |bencher| {
                bencher.to_async(&runtime).iter_batched(
                    || holder.sign(&house, "transit/encrypt/orders", &body),
                    |signed| holder.call(&house, signed),
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);
