//! The OpenID Connect provider over the network: across restarts, on record, and from pages of others.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Answer, Client, Installation, Keys, Process, Store};

const PROVIDER: &str = "identity/oidc/provider/default";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A server with a client for everybody, and somebody who may let it know who they are.
struct Party {
    installation: Installation,
    keys: Keys,
    server: Process,
    root: Client,
    holder: Client,
    anybody: Client,
    entity: String,
    client_id: String,
    secret: String,
}

impl Party {
    async fn start(store: Store) -> Self {
        let installation = Installation::new(store);
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        let policy = "path \"identity/oidc/provider/*\" { capabilities = [\"update\"] }";
        for (path, body) in [
            ("sys/policies/acl/flow", json!({ "policy": policy })),
            (
                "auth/token/roles/flow",
                json!({ "allowed_entity_aliases": "*" }),
            ),
            (
                "identity/oidc/key/flow",
                json!({ "algorithm": "ES256", "allowed_client_ids": "*" }),
            ),
            (
                "identity/oidc/client/app",
                json!({
                    "key": "flow", "redirect_uris": "https://app/cb", "assignments": "allow_all",
                }),
            ),
        ] {
            root.post(path, body).await.expect(204);
        }
        let body = json!({ "entity_alias": "ann", "policies": ["flow"] });
        let made = root.post("auth/token/create/flow", body).await.expect(200);
        let read = root.get("identity/oidc/client/app").await.expect(200);
        Self {
            holder: root.with_token(made.text_at("/auth/client_token")),
            anybody: installation.client(""),
            entity: made.text_at("/auth/entity_id").to_owned(),
            client_id: read.text_at("/data/client_id").to_owned(),
            secret: read.text_at("/data/client_secret").to_owned(),
            installation,
            keys,
            server,
            root,
        }
    }

    async fn code(&self) -> String {
        let body = json!({
            "client_id": self.client_id, "redirect_uri": "https://app/cb", "scope": "openid",
            "response_type": "code",
        });
        let path = format!("{PROVIDER}/authorize");
        let told = self.holder.post(&path, body);
        told.await.expect(200).text_at("/code").to_owned()
    }

    async fn exchange(&self, code: &str, secret: &str, headers: &[(&str, &str)]) -> Answer {
        let body = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp%2Fcb\
             &client_id={}&client_secret={secret}",
            self.client_id
        );
        let headers = [&[FORM], headers].concat();
        let path = format!("{PROVIDER}/token");
        self.anybody.send("POST", &path, &headers, Some(body)).await
    }

    async fn claims(&self, access_token: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {access_token}");
        let headers = [&[("Authorization", &*bearer)], headers].concat();
        let path = format!("{PROVIDER}/userinfo");
        self.anybody.send("GET", &path, &headers, None).await
    }

    async fn restart(&mut self) {
        self.server.kill();
        self.server = self.installation.start();
        self.installation.unseal(&self.keys).await;
    }

    /// Writes an audit log from now on.
    async fn audit(&self) -> PathBuf {
        let path = self.installation.path("audit.log");
        let device = json!({ "type": "file", "options": { "file_path": path } });
        self.root.post("sys/audit/file", device).await.expect(204);
        path
    }

    /// Puts something in the place of the audit log; returns once requests come to `status`.
    async fn swap(&self, log: &Path, put: impl FnOnce(&Path), status: u16) {
        fs::remove_file(log).unwrap();
        put(log);
        self.server.hang_up();
        let begun = Instant::now();
        while self.root.get("sys/mounts").await.status != status {
            assert!(begun.elapsed() < Duration::from_secs(30), "{status}");
        }
    }
}

#[tokio::test]
async fn clients_and_access_tokens_outlive_a_restart_and_codes_do_not() {
    for store in [Store::Sled, Store::Redb] {
        let mut party = Party::start(store).await;
        let code = party.code().await;
        let granted = party.exchange(&code, &party.secret, &[]).await.expect(200);
        assert_eq!(granted.headers["cache-control"], "no-store");
        assert_eq!(granted.headers["pragma"], "no-cache");
        let access = granted.text_at("/access_token");
        let lost = party.code().await;
        party.restart().await;
        let info = party.claims(access, &[]).await.expect(200);
        assert_eq!(info.json, json!({ "sub": party.entity }));
        let refused = party.exchange(&lost, &party.secret, &[]).await.expect(400);
        assert_eq!(refused.at("/error"), "invalid_grant");
        let code = party.code().await;
        let refused = party.exchange(&code, "x", &[]).await.expect(401);
        assert_eq!(refused.headers["www-authenticate"], "Basic");
        party.exchange(&code, &party.secret, &[]).await.expect(200);
        let refused = party.claims("x", &[]).await.expect(401);
        assert_eq!(
            refused.headers["www-authenticate"],
            "Bearer error=\"invalid_token\",error_description=\"access token is malformed or \
             invalid\""
        );
    }
}

#[tokio::test]
async fn a_code_that_nobody_can_write_down_is_not_used_up() {
    let party = Party::start(Store::Sled).await;
    let log = party.audit().await;
    let code = party.code().await;
    let full = |log: &Path| symlink("/dev/full", log).unwrap();
    party.swap(&log, full, 500).await;
    let refused = party.exchange(&code, &party.secret, &[]).await.expect(500);
    assert_eq!(refused.json.get("access_token"), None);
    party.swap(&log, |_| {}, 200).await;
    party.exchange(&code, &party.secret, &[]).await.expect(200);
}

#[tokio::test]
async fn the_audit_log_shows_who_consented_and_hashes_of_what_was_sent() {
    let party = Party::start(Store::Sled).await;
    let log = party.audit().await;
    let code = party.code().await;
    party.exchange(&code, &party.secret, &[]).await.expect(200);
    let hash = async |text: &str| {
        let input = json!({ "input": text });
        let answer = party.root.post("sys/audit-hash/file", input).await;
        answer.expect(200).at("/data/hash").clone()
    };
    let log = fs::read_to_string(log).unwrap();
    let entries: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |path: &str| {
        let path = format!("{PROVIDER}/{path}");
        let mut found = entries.iter().filter(|it| it["request"]["path"] == *path);
        (found.next().unwrap(), found.next().unwrap())
    };
    let (consent, _) = of("authorize");
    assert_eq!(consent["auth"]["entity_id"], *party.entity);
    let (exchange, answer) = of("token");
    let data = &exchange["request"]["data"];
    assert_eq!(data["code"], hash(&code).await);
    assert_eq!(data["client_secret"], hash(&party.secret).await);
    let body = answer["response"]["data"]["http_raw_body"].as_str();
    assert!(body.unwrap().starts_with("hmac-sha256:"));
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_takes_its_code_for_tokens() {
    let party = Party::start(Store::Sled).await;
    let origin = [("Origin", "https://app.example")];
    let code = party.code().await;
    let before = party.exchange(&code, &party.secret, &origin).await;
    assert!(!before.headers.contains_key("access-control-allow-origin"));
    let allowed = json!({ "allowed_origins": ["https://app.example"] });
    party
        .root
        .post("sys/config/cors", allowed)
        .await
        .expect(204);
    let code = party.code().await;
    let granted = party.exchange(&code, &party.secret, &origin).await;
    let granted = granted.expect(200);
    let info = party
        .claims(granted.text_at("/access_token"), &origin)
        .await;
    let refused = party.claims("x", &origin).await.expect(401);
    for answer in [granted, info.expect(200), refused] {
        assert_eq!(
            answer.headers["access-control-allow-origin"],
            "https://app.example"
        );
    }
    let code = party.code().await;
    let evil = [("Origin", "https://evil.example")];
    party
        .exchange(&code, &party.secret, &evil)
        .await
        .refused(403, "origin not allowed");
    party.exchange(&code, &party.secret, &[]).await.expect(200);
}
