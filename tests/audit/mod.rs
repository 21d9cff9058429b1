//! What a server leaves behind in its audit file, and that it serves nobody when it cannot.

mod devices;
mod files;
mod headers;
mod heads;
mod sink;

use std::{fs, os::unix::fs::symlink, process::Output};

use serde_json::{Value, json};

use crate::support::{Client, Installation, Keys, Process, Store};

/// A running server with one audit device, `file`, that writes to `audit.log`.
pub(crate) struct Audited {
    pub(crate) installation: Installation,
    pub(crate) keys: Keys,
    pub(crate) root: Client,
    pub(crate) server: Process,
}

impl Audited {
    pub(crate) async fn start() -> Self {
        Self::of(Installation::new(Store::Sled)).await
    }

    /// Starts the server of an installation.
    pub(crate) async fn of(installation: Installation) -> Self {
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        let path = installation.path("audit.log");
        let device = json!({ "type": "file", "options": { "file_path": path } });
        root.post("sys/audit/file", device).await.expect(204);
        let devices = root.get("sys/audit").await.expect(200);
        assert_eq!(devices.at("/data/file~1/type"), "file");
        Self {
            installation,
            keys,
            root,
            server,
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.installation.path("audit.log")).unwrap()
    }

    pub(crate) fn entries(&self) -> Vec<Value> {
        self.log()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the log shows in the place of `text`.
    pub(crate) async fn hash(&self, text: &str) -> String {
        let answer = self
            .root
            .post("sys/audit-hash/file", json!({ "input": text }))
            .await;
        let hash = answer.expect(200).text_at("/data/hash").to_owned();
        assert!(
            hash.starts_with("hmac-sha256:") && hash.len() == 12 + 64,
            "{hash}"
        );
        hash
    }

    /// Has files of the server's folder verified, the oldest first.
    fn verify(&self, files: &[&str]) -> Output {
        let paths: Vec<_> = files
            .iter()
            .map(|file| self.installation.path(file))
            .collect();
        let paths = paths.iter().map(|path| path.to_str().unwrap());
        let arguments: Vec<_> = ["audit", "verify"].into_iter().chain(paths).collect();
        self.installation.run(&arguments)
    }
}

#[tokio::test]
async fn every_call_leaves_its_request_and_its_answer() {
    let audited = Audited::start().await;
    let root = &audited.root;
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    root.post("transit/keys/k", json!({})).await.expect(200);
    root.post("transit/keys/public", json!({ "type": "ed25519" }))
        .await
        .expect(200);
    let calls: &[(&str, &str, &str, u16)] = &[
        ("GET", "transit/keys/k", &audited.keys.root_token, 200),
        ("GET", "transit/keys/none", &audited.keys.root_token, 404),
        ("GET", "transit/keys/public/jwks", "", 200),
        ("GET", "transit/keys/k/jwks", "", 404),
        ("LIST", "transit/keys", &audited.keys.root_token, 200),
        ("POST", "transit/encrypt/k", &audited.keys.root_token, 400),
        ("GET", "transit/keys/k", "nonsense", 403),
        ("GET", "transit/keys/k", "", 403),
        ("GET", "nowhere/at/all", &audited.keys.root_token, 404),
        ("DELETE", "transit/keys/k", &audited.keys.root_token, 400),
    ];
    for (method, path, token, status) in calls {
        let before = audited.entries().len();
        root.with_token(token)
            .send(method, path, &[], None)
            .await
            .expect(*status);
        let entries = audited.entries();
        let [request, response] = &entries[before..] else {
            panic!("{method} {path} leaves {} lines", entries.len() - before)
        };
        assert_eq!(
            (&request["type"], &response["type"]),
            (&json!("request"), &json!("response"))
        );
        assert_eq!(request["request"]["id"], response["request"]["id"]);
        for entry in [request, response] {
            let logged = entry["request"]["path"].as_str().unwrap();
            assert_eq!(logged.trim_end_matches('/'), *path, "{entry}");
            assert!(entry["time"].as_str().unwrap().ends_with('Z'), "{entry}");
            assert_eq!(entry["request"]["remote_address"], "127.0.0.1");
        }
        let operation = match *method {
            "GET" => "read",
            "POST" => "update",
            "LIST" => "list",
            _ => "delete",
        };
        assert_eq!(request["request"]["operation"], operation);
        assert_eq!(
            status >= &400,
            response["error"].is_string() || *status == 404,
            "{response}"
        );
    }
    assert!(audited.verify(&["audit.log"]).status.success());
}

#[tokio::test]
async fn a_login_that_fails_was_let_in_as_one_that_succeeds() {
    let audited = Audited::start().await;
    let root = &audited.root;
    let enable = json!({ "type": "userpass" });
    root.post("sys/auth/userpass", enable).await.expect(204);
    let user = json!({ "password": "pass" });
    let made = root.post("auth/userpass/users/ann", user).await;
    made.expect(204);
    for (password, status) in [("pass", 200), ("wrong", 400)] {
        let before = audited.entries().len();
        let login = json!({ "password": password });
        let nobody = root.with_token("");
        let answer = nobody.post("auth/userpass/login/ann", login).await;
        answer.expect(status);
        let asked = &audited.entries()[before];
        let results = &asked["auth"]["policy_results"];
        assert_eq!(results, &json!({ "allowed": true }), "{asked}");
    }
}

#[tokio::test]
async fn trap_25_values_are_hashed_as_audit_hash_tells_and_no_secret_is_in_the_log() {
    let audited = Audited::start().await;
    let root = &audited.root;
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    root.post("sys/mounts/kv", json!({ "type": "kv" }))
        .await
        .expect(204);
    let plaintext = "dmVyeSBzZWNyZXQ=";
    let made = root
        .post("transit/encrypt/k", json!({ "plaintext": plaintext }))
        .await
        .expect(200);
    let ciphertext = made.text_at("/data/ciphertext").to_owned();
    let batch = json!({ "batch_input": [{ "ciphertext": ciphertext }] });
    root.post("transit/decrypt/k", batch).await.expect(200);
    root.post(
        "kv/a",
        json!({ "word": "hunter2hunter2", "deep": { "er": ["listed-secret"] }, "n": 4711 }),
    )
    .await
    .expect(204);
    root.get("kv/a").await.expect(200);
    let child = root
        .post("auth/token/create", json!({ "policies": ["default"] }))
        .await
        .expect(200);
    let child_token = child.text_at("/auth/client_token").to_owned();
    let child_accessor = child.text_at("/auth/accessor").to_owned();
    root.with_token(&child_token).get("kv/a").await.expect(403);
    root.with_token("stolen-token-of-someone")
        .get("kv/a")
        .await
        .expect(403);

    let log = audited.log();
    for secret in [
        plaintext,
        &ciphertext,
        "hunter2hunter2",
        "listed-secret",
        &child_token,
        &child_accessor,
        &audited.keys.root_token,
        &audited.keys.shares[0],
        "stolen-token-of-someone",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    for text in [
        plaintext,
        &ciphertext,
        "hunter2hunter2",
        "listed-secret",
        &child_token,
    ] {
        let hash = audited.hash(text).await;
        assert!(log.contains(&hash), "{hash} of {text} is not in the log");
    }
    let written = audited
        .entries()
        .into_iter()
        .find(|entry| entry["request"]["path"] == "kv/a" && entry["request"]["operation"] != "read")
        .unwrap();
    let data = &written["request"]["data"];
    assert_eq!(data["word"], audited.hash("hunter2hunter2").await);
    assert_eq!(data["deep"]["er"][0], audited.hash("listed-secret").await);
    assert_eq!(data["n"], 4711, "numbers stay clear");
    assert_eq!(
        written["auth"]["client_token"],
        audited.hash(&audited.keys.root_token).await
    );
    let raw = fs::metadata(audited.installation.path("audit.log")).unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(raw.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_chain_finds_a_line_that_was_changed_removed_or_moved() {
    let audited = Audited::start().await;
    for _ in 0..5 {
        audited.root.get("sys/mounts").await.expect(200);
    }
    let path = audited.installation.path("audit.log");
    let whole = audited.verify(&["audit.log"]);
    assert!(
        whole.status.success(),
        "{}",
        String::from_utf8_lossy(&whole.stderr)
    );

    let lines: Vec<String> = audited.log().lines().map(str::to_owned).collect();
    let third = lines[2].clone();
    let refuse = |fault: &str, lines: &[String], named: usize| {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let output = audited.verify(&["audit.log"]);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.status.success(), "{fault} is not found: {said}");
        assert!(
            said.contains(&format!("line {named}: ")),
            "{fault}: line {named} is not named: {said}"
        );
    };
    let mut changed = lines.clone();
    changed[2] = third.replacen("\"operation\":\"", "\"operation\":\"x", 1);
    assert_ne!(changed[2], third);
    refuse("a changed line", &changed, 3);
    let mut removed = lines.clone();
    removed.remove(2);
    refuse("a removed line", &removed, 3);
    let mut moved = lines.clone();
    moved.swap(2, 4);
    refuse("a moved line", &moved, 3);
    let mut repeated = lines.clone();
    repeated.insert(3, third);
    refuse("a repeated line", &repeated, 4);
}

#[tokio::test]
async fn the_chain_goes_on_over_a_kill_and_a_restart() {
    let mut audited = Audited::start().await;
    audited.root.get("sys/mounts").await.expect(200);
    let before = audited.entries().len();
    audited.server.kill();
    audited.server = audited.installation.start();
    audited.installation.unseal(&audited.keys).await;
    let root = audited.installation.client(&audited.keys.root_token);
    root.get("sys/mounts").await.expect(200);
    assert!(audited.entries().len() > before);
    let output = audited.verify(&["audit.log"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn trap_25_a_server_that_cannot_write_its_audit_serves_nothing_secret() {
    let mut audited = Audited::start().await;
    audited
        .root
        .post("sys/mounts/kv", json!({ "type": "kv" }))
        .await
        .expect(204);
    audited
        .root
        .post("kv/a", json!({ "word": "hunter2hunter2" }))
        .await
        .expect(204);

    // The disk is full from the next start on.
    audited.server.kill();
    let log = audited.installation.path("audit.log");
    fs::remove_file(&log).unwrap();
    symlink("/dev/full", &log).unwrap();
    audited.server = audited.installation.start();
    let client = audited.installation.client("");
    let share = json!({ "key": audited.keys.shares[0] });
    client.post("sys/unseal", share).await;
    let root = audited.installation.client(&audited.keys.root_token);

    let read = root.get("kv/a").await.expect(500);
    assert!(!read.text.contains("hunter2hunter2"), "{}", read.text);
    let write = root
        .post("kv/b", json!({ "word": "never written" }))
        .await
        .expect(500);
    assert!(write.json["errors"].is_array(), "{}", write.text);
    root.get("sys/mounts").await.expect(500);
    root.with_token("nonsense").get("kv/a").await.expect(500);
    // How the server is must be told all the same; who would change something is refused.
    for path in ["health", "init", "leader", "seal-status"] {
        client.get(&format!("sys/{path}")).await.expect(200);
    }
    let share = json!({ "key": audited.keys.shares[0] });
    client.post("sys/unseal", share).await.expect(500);

    // With room again everything is as it was: what was refused was not done.
    audited.server.kill();
    fs::remove_file(&log).unwrap();
    audited.server = audited.installation.start();
    audited.installation.unseal(&audited.keys).await;
    let root = audited.installation.client(&audited.keys.root_token);
    assert_eq!(
        root.get("kv/a").await.expect(200).at("/data/word"),
        "hunter2hunter2"
    );
    root.get("kv/b").await.expect(404);
}

#[tokio::test]
async fn a_device_that_cannot_be_written_is_not_enabled() {
    let audited = Audited::start().await;
    for path in ["/dev/full", "/proc/nowhere/audit.log"] {
        let device = json!({ "type": "file", "options": { "file_path": path } });
        let refused = audited.root.post("sys/audit/broken", device).await;
        assert!((400..=500).contains(&refused.status), "{}", refused.text);
        assert!(refused.json["errors"].is_array(), "{}", refused.text);
    }
    audited.root.get("sys/mounts").await.expect(200);
    let devices = audited.root.get("sys/audit").await.expect(200);
    assert_eq!(devices.json.pointer("/data/broken~1"), None);
}

#[tokio::test]
async fn of_a_list_that_a_policy_filters_the_log_has_what_was_answered() {
    let audited = Audited::start().await;
    let root = &audited.root;
    let kv = json!({ "type": "kv", "options": { "version": "2" } });
    root.post("sys/mounts/kv", kv).await.expect(204);
    for name in ["seen", "unseen"] {
        root.post(&format!("kv/data/{name}"), json!({ "data": {} }))
            .await
            .expect(200);
    }
    let policy = "path \"kv/detailed-metadata/\" { capabilities = [\"list\"]
        list_scan_response_keys_filter_path = \"kv/data/{{ .key }}\" }
        path \"kv/data/seen\" { capabilities = [\"read\"] }";
    root.post("sys/policies/acl/sees", json!({ "policy": policy }))
        .await
        .expect(204);
    let made = root
        .post("auth/token/create", json!({ "policies": ["sees"] }))
        .await;
    let held = root.with_token(made.expect(200).text_at("/auth/client_token"));
    held.list("kv/detailed-metadata").await.expect(200);
    let entries = audited.entries();
    let data = &entries.last().unwrap()["response"]["data"];
    let [seen, unseen] = [audited.hash("seen").await, audited.hash("unseen").await];
    assert_eq!(data["keys"], json!([seen]));
    let infos = data["key_info"].to_string();
    assert!(
        infos.contains("seen") && !infos.contains("unseen"),
        "{infos}"
    );
    assert!(!infos.contains(&unseen), "{infos}");
}
