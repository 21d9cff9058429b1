//! The ways by which secrets go in, right and wrong.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Watched, approle, inline, log_in, second_factor};

pub(super) const MERGE: (&str, &str) = ("Content-Type", "application/merge-patch+json");
/// Headers that hold no secret, whose faulty values a refusal repeats to the caller alone.
const ECHOED: [&str; 2] = ["Content-Type", "X-Vault-Wrap-TTL"];
pub(super) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

impl Watched {
    /// Sends a body as it is, with a token, and keeps what must hold no secret.
    pub(super) async fn say(
        &mut self,
        what: &str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: Option<String>,
        token: &str,
    ) -> Value {
        let client = self.root.with_token(token);
        let answer = client.send(method, path, headers, body).await;
        self.keep(what, &answer, method == "LIST");
        answer.json
    }

    /// As root, with a JSON body.
    pub(super) async fn post(&mut self, path: &str, body: Value) -> Value {
        let token = self.root.own_token().to_owned();
        let call = ("POST", path);
        self.say(path, call, &[], Some(body.to_string()), &token)
            .await
    }

    /// As root, with any body.
    async fn raw(&mut self, path: &str, body: String) {
        let token = self.root.own_token().to_owned();
        self.say(path, ("POST", path), &[], Some(body), &token)
            .await;
    }
}

/// All of it.
pub(super) async fn tell(watched: &mut Watched) {
    furnish(watched).await;
    tokens(watched).await;
    headers(watched).await;
    values(watched).await;
    transit(watched).await;
    approle::tell(watched).await;
    log_in::tell(watched).await;
    inline::tell(watched).await;
    second_factor::tell(watched).await;
    malformed(watched).await;
    seal(watched).await;
    for document in ["sys/internal/specs/openapi", "sys/metrics", "sys/mounts"] {
        let answer = watched.root.get(document).await;
        watched.keep(document, &answer, true);
    }
    for list in [
        "kv1",
        "kv2/metadata",
        "transit/keys",
        "auth/token/accessors",
        "sys/policies/acl",
        "sys/leases/lookup/auth",
        "cubbyhole",
    ] {
        let answer = watched.root.list(list).await;
        watched.keep(list, &answer, true);
    }
}

async fn furnish(watched: &mut Watched) {
    for (path, body) in [
        ("sys/mounts/kv1", json!({ "type": "kv" })),
        (
            "sys/mounts/kv2",
            json!({ "type": "kv", "options": { "version": "2" } }),
        ),
        ("sys/mounts/transit", json!({ "type": "transit" })),
        ("sys/auth/approle", json!({ "type": "approle" })),
        ("sys/auth/userpass", json!({ "type": "userpass" })),
        (
            "transit/keys/k",
            json!({ "exportable": true, "allow_plaintext_backup": true }),
        ),
        ("transit/keys/derived", json!({ "derived": true })),
        ("transit/keys/signer", json!({ "type": "ed25519" })),
        ("transit/keys/rsa", json!({ "type": "rsa-2048" })),
        ("transit/keys/card", json!({ "type": "ff1" })),
        (
            "sys/config/auditing/request-headers/x-secret",
            json!({ "hmac": true }),
        ),
        (
            "sys/policies/password/p",
            json!({ "policy": "length = 30 rule \"charset\" { charset = \"abcdefghijklmnopqrstuvwxyz\" }" }),
        ),
    ] {
        let answer = watched.root.post(path, body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
    }
}

async fn tokens(watched: &mut Watched) {
    let id = watched.secret("a token of a given id");
    watched
        .post(
            "auth/token/create",
            json!({ "id": id, "policies": ["default"] }),
        )
        .await;
    let used = ("GET", "auth/token/lookup-self");
    watched.say("lookup-self", used, &[], None, &id).await;
    watched
        .say("refused by policy", ("GET", "kv1/x"), &[], None, &id)
        .await;
    let bearer = format!("Bearer {id}");
    let bearer = [("Authorization", bearer.as_str())];
    watched.say("bearer", used, &bearer, None, "").await;
    for kind in ["service", "batch"] {
        let body = json!({ "policies": ["default"], "type": kind });
        let made = watched.post("auth/token/create", body).await;
        let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
        watched.scanner.learn(kind, &token);
        watched.say(kind, used, &[], None, &token).await;
        watched.say(kind, ("GET", "kv1/x"), &[], None, &token).await;
        for path in ["lookup", "renew", "revoke"] {
            watched
                .post(&format!("auth/token/{path}"), json!({ "token": token }))
                .await;
        }
        watched.say(kind, used, &[], None, &token).await;
    }
    let unknown = watched.secret("an unknown token");
    watched
        .say("an unknown token", used, &[], None, &unknown)
        .await;
    let form = watched.secret("a token of the right form");
    let form = format!("hvs.{}", &form[..24]);
    watched
        .say("an unknown token", used, &[], None, &form)
        .await;
    let batch = format!("hvb.{}", watched.secret("a batch token"));
    watched
        .say("an unknown token", used, &[], None, &batch)
        .await;
    for path in [
        "auth/token/lookup",
        "auth/token/renew",
        "auth/token/revoke",
        "auth/token/revoke-orphan",
        "sys/capabilities",
        "sys/wrapping/lookup",
        "sys/wrapping/unwrap",
        "sys/wrapping/rewrap",
    ] {
        let token = watched.secret(path);
        watched
            .post(path, json!({ "token": token, "path": "x" }))
            .await;
        watched
            .raw(path, format!("{{\"token\": [\"{token}\"]}}"))
            .await;
        watched
            .raw(path, format!("{{\"token\": {{\"{}\": 1}}}}", "x"))
            .await;
    }
    let wrapped = watched.secret("a wrapped value");
    let wrap = [("X-Vault-Wrap-TTL", "5m")];
    let root = watched.root.own_token().to_owned();
    watched.post("kv1/wrapped", json!({ "v": wrapped })).await;
    for _ in 0..2 {
        let call = ("GET", "kv1/wrapped");
        let made = watched.say("wrapped", call, &wrap, None, &root).await;
        let token = made["wrap_info"]["token"].as_str().unwrap().to_owned();
        watched.scanner.learn("a wrapping token", &token);
        watched
            .post("sys/wrapping/lookup", json!({ "token": token }))
            .await;
        for _ in 0..2 {
            let unwrap = ("POST", "sys/wrapping/unwrap");
            watched.say("unwrapped", unwrap, &[], None, &token).await;
        }
    }
    let wrapped = watched.secret("a value that wrapping takes");
    let body = Some(json!({ "v": wrapped }).to_string());
    watched
        .say("wrap", ("POST", "sys/wrapping/wrap"), &wrap, body, &root)
        .await;
}

async fn headers(watched: &mut Watched) {
    let root = watched.root.own_token().to_owned();
    for (name, prefix) in [
        ("X-Vault-Wrap-TTL", ""),
        ("X-Vault-Namespace", ""),
        ("X-Vault-MFA", "method:"),
        ("X-Secret", ""),
        ("Cookie", "token="),
        ("X-Forwarded-For", ""),
        ("Origin", "https://"),
        ("Authorization", "Basic "),
        ("Authorization", "bearer "),
        ("X-Request-Id", ""),
        ("Content-Type", "application/"),
        ("Expect", ""),
    ] {
        let value = format!("{prefix}{}", watched.secret(name));
        let header = [(name, value.as_str())];
        for (method, path) in [("GET", "kv1/x"), ("POST", "kv1/x"), ("PATCH", "kv2/data/x")] {
            let body = (method != "GET").then(|| "{\"a\": 1}".to_owned());
            let client = watched.root.with_token(&root);
            let answer = client.try_send(method, path, &header, body).await;
            if let Ok(answer) = answer.as_ref()
                && !ECHOED.contains(&name)
            {
                watched.keep(name, answer, false);
            }
        }
    }
    let two = watched.secret("a second token");
    let both = [("X-Vault-Token", two.as_str())];
    watched
        .say("two tokens", ("GET", "kv1/x"), &both, None, &root)
        .await;
    let query = watched.secret("a query");
    for method in ["GET", "DELETE", "LIST", "HELP"] {
        let path = format!("kv1/x?token={query}&version={query}&list={query}");
        watched
            .say("a query", (method, &path), &[], None, &root)
            .await;
    }
}

async fn values(watched: &mut Watched) {
    let root = watched.root.own_token().to_owned();
    let plain = watched.secret("a value");
    watched
        .post("kv1/a", json!({ "v": plain, "list": [{ "deep": plain }] }))
        .await;
    let value = watched.secret("a version");
    watched
        .post("kv2/data/a", json!({ "data": { "v": value } }))
        .await;
    let stale = watched.secret("a version that comes too late");
    watched
        .post(
            "kv2/data/a",
            json!({ "data": { "v": stale }, "options": { "cas": 7 } }),
        )
        .await;
    let patch = watched.secret("a patch");
    for path in ["kv2/data/a", "kv2/data/none", "kv1/a"] {
        let body = Some(json!({ "data": { "w": patch } }).to_string());
        watched
            .say("patch", ("PATCH", path), &[MERGE], body.clone(), &root)
            .await;
        watched
            .say("patch", ("PATCH", path), &[FORM], body, &root)
            .await;
    }
    let form = watched.secret("a form");
    watched
        .say(
            "a form",
            ("POST", "kv1/form"),
            &[FORM],
            Some(format!("v={form}&w=%{form}")),
            &root,
        )
        .await;
    let own = watched.secret("a value in a cubbyhole");
    watched.post("cubbyhole/a", json!({ "v": own })).await;
    watched.post("cubbyhole/a/", json!({ "v": own })).await;
    let lost = watched.secret("a value without a place");
    for path in [
        "nowhere/a",
        "kv1/",
        "kv2/a",
        "sys/nothing",
        "kv1//a",
        "kv1/%00",
    ] {
        watched
            .post(path, json!({ "data": { "v": lost }, "v": lost }))
            .await;
    }
    let refused = watched.secret("a value without a right");
    let body = Some(json!({ "data": { "v": refused }, "v": refused }).to_string());
    let made = watched
        .post("auth/token/create", json!({ "policies": ["default"] }))
        .await;
    let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
    watched.scanner.learn("a limited token", &token);
    for token in [&token, ""] {
        for path in ["kv1/a", "kv2/data/a", "transit/encrypt/k", "nowhere"] {
            watched
                .say("refused", ("POST", path), &[], body.clone(), token)
                .await;
        }
    }
    let limit = json!({ "policy": "path \"kv1/*\" { capabilities = [\"create\", \"update\"] \
                                    allowed_parameters = { \"v\" = [\"x\"] } }" });
    watched.post("sys/policies/acl/limited", limit).await;
    let made = watched
        .post("auth/token/create", json!({ "policies": ["limited"] }))
        .await;
    let token = made["auth"]["client_token"].as_str().unwrap().to_owned();
    let limited = watched.secret("a parameter that a policy reads");
    for body in [
        json!({ "v": limited }).to_string(),
        json!(limited).to_string(),
        json!([limited]).to_string(),
        format!("{{\"v\": {limited}}}"),
        format!("{{\"v\": \"{limited}"),
    ] {
        watched
            .say("limited", ("POST", "kv1/a"), &[], Some(body), &token)
            .await;
    }
    for _ in 0..3 {
        let made = watched.root.get("sys/policies/password/p/generate").await;
        watched
            .scanner
            .learn("a password", made.text_at("/data/password"));
        let made = watched.root.post("sys/tools/random/32", json!({})).await;
        watched
            .scanner
            .learn("random bytes", made.text_at("/data/random_bytes"));
        let made = watched.root.post("transit/random/32", json!({})).await;
        watched
            .scanner
            .learn("random bytes", made.text_at("/data/random_bytes"));
    }
}

/// A secret, and the base64 of it, which is looked for in its raw form too.
fn encoded(watched: &mut Watched, name: &str) -> String {
    STANDARD.encode(watched.secret(name))
}

async fn transit(watched: &mut Watched) {
    for (name, path, field) in [
        ("a plaintext", "transit/encrypt/k", "plaintext"),
        ("a context", "transit/encrypt/derived", "context"),
        ("associated data", "transit/encrypt/k", "associated_data"),
        ("a hashed text", "sys/tools/hash", "input"),
        ("a hashed text", "transit/hash", "input"),
        ("an authenticated text", "transit/hmac/k", "input"),
        ("a signed text", "transit/sign/signer", "input"),
        ("a verified text", "transit/verify/signer", "input"),
        (
            "a plaintext for a key that is not there",
            "transit/sign/none",
            "input",
        ),
        (
            "a plaintext that cannot be encrypted",
            "transit/encrypt/signer",
            "plaintext",
        ),
        (
            "a text in place of a card number",
            "transit/encode/card",
            "value",
        ),
        ("a ciphertext", "transit/decrypt/k", "ciphertext"),
        ("a wrapped key", "transit/keys/new/import", "ciphertext"),
        ("a key to restore", "transit/restore/new", "backup"),
        ("a public key", "transit/keys/new/import", "public_key"),
        (
            "a chain",
            "transit/keys/signer/set-certificate",
            "certificate_chain",
        ),
        ("a request", "transit/keys/signer/csr", "csr"),
        ("a signature", "transit/verify/signer", "signature"),
        ("a code", "transit/verify/k", "hmac"),
    ] {
        let good = encoded(watched, name);
        // Whole, and spoilt in the ways in which base64 can be.
        let texts = [
            good.clone(),
            format!("{good}*"),
            format!("*{good}"),
            format!("{}-_", &good[..20]),
            format!("vault:v1:{good}"),
            format!("vault:v9:{good}"),
            format!("vault:{good}"),
            format!("-----BEGIN PUBLIC KEY-----\n{good}\n-----END PUBLIC KEY-----"),
        ];
        for text in texts {
            let mut item = json!({ "plaintext": "YQ==", "input": "YQ==", "reference": "r" });
            item[field] = json!(text);
            watched.post(path, item.clone()).await;
            watched
                .post(path, json!({ "batch_input": [item, { field: [text] }] }))
                .await;
            watched.post(path, json!({ "batch_input": text })).await;
        }
        for wrong in [json!([good]), json!({ "a": good }), json!([[good]])] {
            watched.post(path, json!({ field: wrong })).await;
        }
    }
    let made = watched
        .root
        .post("transit/datakey/plaintext/k", json!({}))
        .await;
    watched
        .scanner
        .learn("a data key", made.text_at("/data/plaintext"));
    let made = watched.root.get("transit/export/encryption-key/k").await;
    watched
        .scanner
        .learn("an exported key", made.text_at("/data/keys/1"));
    let made = watched.root.get("transit/backup/k").await;
    let backup = made.text_at("/data/backup").to_owned();
    watched.scanner.learn("a backup", &backup[..64]);
    watched
        .post("transit/restore/k", json!({ "backup": backup }))
        .await;
    watched
        .post(
            "transit/restore/k2",
            json!({ "backup": format!("{backup}x") }),
        )
        .await;
}

async fn malformed(watched: &mut Watched) {
    let secret = watched.secret("a text in a malformed body");
    for path in [
        "kv1/m",
        "kv2/data/m",
        "transit/encrypt/k",
        "auth/token/create",
        "auth/token/lookup",
        "sys/wrapping/unwrap",
        "sys/policies/acl/m",
        "sys/mounts/m",
        "sys/audit/m",
        "cubbyhole/m",
        "transit/decrypt/k",
        "sys/tools/hash",
    ] {
        for body in [
            secret.clone(),
            format!("\"{secret}\""),
            format!("[\"{secret}\"]"),
            format!("{{\"data\": \"{secret}"),
            format!("{{\"data\": {secret}}}"),
            format!("{{\"data\": \"{secret}\"}}"),
            format!("{{\"data\": \"{secret}\"}} {secret}"),
            format!("{{\"data\": {{\"a\": \"{secret}\", \"a\": \"{secret}\"}}}}"),
            format!("{{\"token\": \"{secret}\\ud800\", \"plaintext\": \"{secret}\\x\"}}"),
            format!("{{\"plaintext\": \"{secret}\", \"plaintext\": \"{secret}\"}}"),
            format!("{{\"ciphertext\": \"{secret}\u{1}\"}}"),
            format!("\u{feff}{{\"a\": \"{secret}\"}}"),
            format!("v={secret}"),
            format!("<a>{secret}</a>"),
        ] {
            watched.raw(path, body).await;
        }
    }
}

async fn seal(watched: &mut Watched) {
    let root = watched.root.own_token().to_owned();
    let shares = watched.keys.shares_base64.clone();
    let nonce = watched.post("sys/generate-root/attempt", json!({})).await;
    let otp = nonce["otp"].as_str().unwrap().to_owned();
    watched.scanner.learn("the one-time pad", &otp);
    for share in &shares[..2] {
        let body = json!({ "key": share, "nonce": nonce["nonce"] });
        watched.post("sys/generate-root/update", body).await;
    }
    let wrong = watched.secret("a wrong share");
    let started = watched
        .post(
            "sys/rekey/init",
            json!({ "secret_shares": 1, "secret_threshold": 1 }),
        )
        .await;
    for path in ["sys/rekey/update", "sys/generate-root/update", "sys/unseal"] {
        for key in [&wrong, &STANDARD.encode(&wrong), &shares[0]] {
            let nonce = &started["nonce"];
            watched
                .post(path, json!({ "key": key, "nonce": nonce }))
                .await;
        }
    }
    watched
        .say("seal", ("POST", "sys/seal"), &[], None, &root)
        .await;
    let lost = watched.secret("a value for a sealed server");
    let hex: String = wrong.bytes().map(|byte| format!("{byte:02x}")).collect();
    watched.post("kv1/a", json!({ "v": lost })).await;
    for key in [&wrong, &STANDARD.encode(&wrong), &hex, &shares[0]] {
        watched.post("sys/unseal", json!({ "key": key })).await;
        watched
            .raw("sys/unseal", format!("{{\"key\": [\"{key}\"]}}"))
            .await;
        watched
            .raw("sys/unseal", format!("{{\"key\": \"{key}"))
            .await;
        watched.raw("sys/unseal", format!("\"{key}\"")).await;
    }
    watched.post("sys/unseal", json!({ "reset": true })).await;
    let keys = &watched.keys;
    watched.installation.unseal(keys).await;
}
