//! A whole server in memory, with one of everything, that any request may be put to.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request as HttpRequest, StatusCode, header},
};
use keyward_api::Operation;
use keyward_builtin::MOUNTABLE;
use keyward_core::{
    CanonicalPath, Core, Error, Registry, Request, SealConfig, Settings, SystemClock, TokenId,
    storage::Memory,
};
use keyward_crypto::SecretBytes;
use keyward_http::{Doubt, ForwardedFor, Rules, router};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

const TOKEN: &str = "x-vault-token";

/// The one server of this process.
static HOUSE: LazyLock<House> = LazyLock::new(House::build);

/// Who asks over HTTP.
const GUEST: &str = "guest";
/// A server that is sealed, or whose store was rotated a thousand times, would be no use; nor is one at
/// which the guest's token is gone, or nobody logs in.
const GUEST_POLICY: &str = r#"
    path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "scan"] }
    path "sys/*" { capabilities = ["read", "list", "scan"] }
    path "sys/tools/*" { capabilities = ["update"] }
    path "sys/wrapping/*" { capabilities = ["update"] }
    path "sys/capabilities*" { capabilities = ["update"] }
    path "sys/policies/*" { capabilities = ["create", "read", "update", "delete", "list"] }
    path "sys/policies/acl/guest" { capabilities = ["read"] }
    path "auth/token/revoke*" { capabilities = ["deny"] }
    # The policy `default` allows it by its whole name.
    path "auth/token/revoke-self" { capabilities = ["deny"] }
    path "auth/userpass/users/a*" { capabilities = ["read"] }
    path "auth/userpass/users/A*" { capabilities = ["read"] }
"#;

/// `pass`, hashed at the lowest cost: a login shall take no longer than other requests.
const PASSWORD_HASH: &str = "$2b$04$abcdefghijklmnopqrstuufznL8bkzdtHwLhca4To/v9Lo9bA7fR6";

/// The server, and where its work is done.
struct House {
    runtime: Runtime,
    core: Arc<Core>,
    root: TokenId,
    /// The server behind HTTP, and a token that may do all but end it.
    router: Router,
    guest: HeaderValue,
}

impl House {
    fn build() -> Self {
        let registry = Registry {
            engines: MOUNTABLE,
            // Nobody is called from here.
            ..Registry::EMPTY
        };
        let settings = Settings {
            storage_type: "memory",
            cluster_name: None,
            version: "0.0.0",
        };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let core = Arc::new(Core::new(
            Arc::new(Memory::new()),
            Arc::new(SystemClock),
            registry,
            settings,
        ));
        let secrets = runtime
            .block_on(core.initialize(SealConfig::parse(1, 1).unwrap()))
            .unwrap();
        for share in secrets.shares {
            runtime.block_on(core.unseal(share)).unwrap();
        }
        // Every client is a proxy that is believed, so that the header is read.
        let forwarded = ForwardedFor {
            authorized: vec!["0.0.0.0/0".parse().unwrap()],
            hop_skips: 0,
            unauthorized: Doubt::Refused,
            missing: Doubt::Ignored,
        };
        let rules = Rules {
            forwarded: Some(forwarded),
            ..Rules::default()
        };
        let house = Self {
            router: router(Arc::clone(&core), rules),
            guest: HeaderValue::from_static(GUEST),
            runtime,
            core,
            root: secrets.root_token,
        };
        for (path, body) in [
            ("sys/mounts/transit", json!({ "type": "transit" })),
            (
                "sys/mounts/kv",
                json!({ "type": "kv", "options": { "version": "2" } }),
            ),
            ("transit/keys/k", json!({})),
            (
                "transit/keys/derived",
                json!({ "derived": true, "convergent_encryption": true }),
            ),
            ("transit/keys/signer", json!({ "type": "ed25519" })),
            ("transit/keys/card", json!({ "type": "ff1" })),
            ("sys/policies/acl/guest", json!({ "policy": GUEST_POLICY })),
            (
                "auth/token/create",
                json!({ "id": GUEST, "policies": ["guest"] }),
            ),
            // Nobody is locked out, however many passwords are tried.
            (
                "sys/auth/userpass",
                json!({
                    "type": "userpass",
                    "config": { "user_lockout_config": { "lockout_disable": true } },
                }),
            ),
            (
                "auth/userpass/users/ann",
                json!({ "password_hash": PASSWORD_HASH }),
            ),
        ] {
            house.write(path, &body);
        }
        let phone = json!({ "issuer": "Keyward", "method_name": "phone" });
        let phone = house.write("identity/mfa/method/totp", &phone);
        let people = json!({
            "mfa_method_ids": [phone["method_id"]], "auth_method_types": ["userpass"],
        });
        house.write("identity/mfa/login-enforcement/people", &people);
        house
    }

    /// Writes as root, which works.
    fn write(&self, path: &str, body: &Value) -> Value {
        let body = body.to_string().into_bytes();
        let root = self.root.duplicate();
        let written = self.ask(Some(root), Operation::Update, path, body);
        written.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn ask(
        &self,
        token: Option<TokenId>,
        operation: Operation,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Value, Error> {
        let path = CanonicalPath::parse(path).unwrap();
        let request = Request::new(operation, path, SecretBytes::new(body));
        let request = Request { token, ..request };
        let done = self.runtime.block_on(self.core.handle(request))?;
        Ok(done.data.map_or(Value::Null, |data| {
            serde_json::from_slice(data.expose()).unwrap()
        }))
    }
}

/// Puts a request to the server over HTTP; who asks is put in where it is not said.
///
/// # Panics
/// If the server finds a fault in itself: no bytes of a caller's may lead there.
pub(crate) fn ask_over_http(mut request: HttpRequest<Body>) -> StatusCode {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    request.extensions_mut().insert(peer);
    let headers = request.headers_mut();
    if !headers.contains_key(TOKEN) && !headers.contains_key(header::AUTHORIZATION) {
        headers.insert(TOKEN, HOUSE.guest.clone());
    }
    let shown = format!("{} {}", request.method(), request.uri());
    let answered = HOUSE
        .runtime
        .block_on(HOUSE.router.clone().oneshot(request));
    let status = answered.unwrap().status();
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{shown}");
    status
}

/// Puts a request of root's to the server.
///
/// # Panics
/// If the server finds a fault in itself: no bytes of a caller's may lead there.
pub(crate) fn ask(operation: Operation, path: &str, body: Vec<u8>) -> Result<Value, Error> {
    let root = HOUSE.root.duplicate();
    not_ours(HOUSE.ask(Some(root), operation, path, body))
}

/// Writes a JSON body, as root.
pub(crate) fn post(path: &str, body: &Value) -> Result<Value, Error> {
    ask(Operation::Update, path, body.to_string().into_bytes())
}

/// Asks with another token.
pub(crate) fn ask_as(token: TokenId, path: &str) -> Result<Value, Error> {
    not_ours(HOUSE.ask(Some(token), Operation::Read, path, Vec::new()))
}

fn not_ours(answer: Result<Value, Error>) -> Result<Value, Error> {
    if let Err(Error::Internal(cause)) = &answer {
        panic!("a request led to an internal error: {cause}");
    }
    answer
}
