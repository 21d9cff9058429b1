//! What operators see and set of a running server.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Installation, Keys, Store, exchange};

/// Writes, while no other task can run; returns the status.
fn write(installation: &Installation, keys: &Keys, path: &str, body: &Value) -> u16 {
    let token = format!("X-Vault-Token: {}", keys.root_token);
    let (address, path) = (installation.socket_address(), format!("/v1/{path}"));
    let body = body.to_string();
    let answer = exchange(address, "POST", &path, &[&token], body.as_bytes());
    answer.unwrap().status
}

/// Has tokens tidied, which the log tells of; or finds that this is going on.
fn tidy(installation: &Installation, keys: &Keys) {
    let status = write(installation, keys, "auth/token/tidy", &json!({}));
    assert!(matches!(status, 200 | 202), "{status}");
}

#[tokio::test]
async fn the_machine_the_cluster_and_the_configuration_are_told() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);

    let host = root.get("sys/host-info").await.expect(200);
    assert!(host.at("/data/memory/total").as_u64() > Some(0));
    assert!(
        host.at("/data/cpu")
            .as_array()
            .is_some_and(|it| !it.is_empty())
    );
    assert_eq!(host.text_at("/data/host/os"), std::env::consts::OS);

    let cluster = root.get("sys/ha-status").await.expect(200);
    assert_eq!(cluster.at("/nodes"), cluster.at("/data/nodes"));
    let address = installation.address();
    assert_eq!(cluster.text_at("/data/nodes/0/api_address"), address);
    assert_eq!(cluster.at("/data/nodes/0/active_node"), true);

    let config = root.get("sys/config/state/sanitized").await.expect(200);
    let listener = installation.socket_address().to_string();
    assert_eq!(config.text_at("/data/listeners/0/config/address"), listener);
    assert_eq!(config.at("/data/storage"), &json!({ "type": "sled" }));
    assert!(
        !config
            .text
            .contains(&*installation.path("data").to_string_lossy())
    );

    let working = root.get("sys/in-flight-req").await.expect(200);
    let [request] = working
        .json
        .as_object()
        .unwrap()
        .values()
        .collect::<Vec<_>>()[..]
    else {
        panic!("one request is being worked on: {}", working.text);
    };
    assert_eq!(request["request_path"], "/v1/sys/in-flight-req");
    assert_eq!(request["request_method"], "GET");
    // As the audit log has it: what stands for all root tokens.
    assert_eq!(
        request["client_id"],
        "0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8="
    );
    installation
        .client("")
        .get("sys/in-flight-req")
        .await
        .refused(403, "permission denied");
}

#[tokio::test]
async fn a_listener_may_tell_everybody_what_is_being_worked_on() {
    let installation = Installation::new(Store::Sled);
    let config = fs::read_to_string(installation.config()).unwrap();
    let open = "tls_disable = true\n  inflight_requests_logging {\n    \
                unauthenticated_in_flight_requests_access = true\n  }";
    let config = config.replace("tls_disable = true", open);
    fs::write(installation.config(), config).unwrap();
    let _server = installation.start();
    let nobody = installation.client("");
    let working = nobody.get("sys/in-flight-req").await.expect(200);
    assert_eq!(working.json, json!({}));
    nobody
        .post("sys/in-flight-req", json!({}))
        .await
        .expect(503);
}

#[tokio::test]
async fn a_logger_speaks_up_and_falls_silent_while_the_server_runs() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let level = async |name: &str| {
        let read = root.get(&format!("sys/loggers/{name}")).await.expect(200);
        read.at("/data").get(name).cloned()
    };
    assert_eq!(level("storage").await, Some(json!("info")));
    let debug = json!({ "level": "debug" });
    root.post("sys/loggers/storage", debug.clone())
        .await
        .expect(204);
    assert_eq!(level("storage").await, Some(json!("debug")));
    assert_eq!(level("core").await, Some(json!("info")));
    root.post("sys/loggers", json!({ "level": "WARN" }))
        .await
        .expect(204);
    assert_eq!(level("storage").await, Some(json!("warn")));
    root.delete("sys/loggers/storage").await.expect(204);
    assert_eq!(level("storage").await, Some(json!("info")));
    root.delete("sys/loggers").await.expect(204);
    assert_eq!(level("core").await, Some(json!("info")));
    assert_eq!(level("nobody").await, None);
    root.post("sys/loggers/nobody", debug)
        .await
        .refused(400, "logger \"nobody\" not found");
    root.post("sys/loggers/core", json!({ "level": "loud" }))
        .await
        .refused(400, "unknown log level: loud");
}

#[tokio::test]
async fn the_log_is_shown_while_it_is_written_and_ends_with_the_server() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    for (query, why) in [
        ("log_level=loud", "unknown log level"),
        ("log_format=xml", "unknown log format"),
    ] {
        let path = format!("sys/monitor?{query}");
        root.get(&path).await.refused(400, why);
    }
    // One that shows less, and another that shows it in another form.
    let mut silent = installation.follow(&keys.root_token, &["monitor", "-log-level=error"]);
    let mut lines = installation.follow(&keys.root_token, &["monitor"]);
    let mut objects = installation.follow(&keys.root_token, &["monitor", "-log-format=json"]);
    let tidy = || tidy(&installation, &keys);
    // It is there from here on: it hears of each device that takes no entries.
    let file = json!({ "type": "file", "options": { "file_path": installation.path("a.log") } });
    root.post("sys/audit/file", file).await.expect(204);
    let mut broken = 0;
    silent.wait_for_while("the audit device takes no entries", || {
        broken += 1;
        let device = json!({
            "type": "socket",
            "options": { "address": "127.0.0.1:1", "skip_test": "true" },
        });
        let path = format!("sys/audit/broken{broken}");
        assert_eq!(write(&installation, &keys, &path, &device), 204);
    });
    lines.wait_for_while("tokens are tidied", tidy);
    objects.wait_for_while("\"message\":\"tokens are tidied\"", tidy);
    // Nobody reads it any more, and nothing waits for who is gone.
    objects.kill();
    tidy();
    lines.wait_for("tokens are tidied");
    // What operators did is told too.
    let body = json!({ "type": "kv" });
    root.post("sys/mounts/shown", body).await.expect(204);
    lines.wait_for("an engine is mounted mount=\"shown/\" kind=\"kv\"");
    root.delete("sys/mounts/shown").await.expect(204);
    lines.wait_for("an engine is unmounted mount=\"shown/\"");
    assert!(server.terminate().success());
    let (status, _) = lines.wait_until_it_ends();
    assert!(status.success(), "{status}");
    // Of all that happened, who asked for errors was told of nothing else.
    let (status, told) = silent.wait_until_it_ends();
    assert!(status.success(), "{status}");
    assert!(told.lines().all(|line| line.contains("ERROR")), "{told}");
}

#[tokio::test]
async fn the_log_is_shown_no_longer_than_the_token_lives() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let policy = "path \"sys/monitor\" { capabilities = [\"read\", \"sudo\"] }";
    let policy = json!({ "policy": policy });
    root.post("sys/policies/acl/some", policy).await.expect(204);
    let some = json!({ "policies": ["some"], "ttl": "1h" });
    let made = root.post("auth/token/create", some).await.expect(200);
    let token = made.text_at("/auth/client_token");
    let mut lines = installation.follow(token, &["monitor"]);
    lines.wait_for_while("tokens are tidied", || tidy(&installation, &keys));
    root.post("auth/token/revoke", json!({ "token": token }))
        .await
        .expect(204);
    let (status, _) = lines.wait_until_it_ends();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn what_is_collected_of_a_server_is_kept_when_it_is_interrupted() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let output = format!("-output={}", installation.path("seen").display());
    let flags = [
        "debug",
        "-duration=1h",
        "-interval=1h",
        "-metrics-interval=1h",
        &output,
    ];
    let mut debug = installation.follow(&keys.root_token, &flags);
    debug.wait_for("0s of 1h: config, host, log, metrics, requests, server-status");
    // The log is in the folder as it comes.
    let log = installation.path("seen/keyward.log");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(&log)
        .unwrap()
        .contains("tokens are tidied")
    {
        assert!(Instant::now() < deadline, "the log is not followed");
        tidy(&installation, &keys);
    }
    debug.interrupt();
    let (status, said) = debug.wait_until_it_ends();
    assert!(status.success(), "{status}: {said}");
    assert!(!said.contains("WARNING"), "{said}");
    let archive = installation.path("seen.tar.gz");
    assert!(said.contains(&format!("What was collected is in {}", archive.display())));
    assert!(!installation.path("seen").exists());

    // Any tar opens it.
    let folder = installation.path("opened");
    fs::create_dir(&folder).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(&folder);
    assert!(tar.status().unwrap().success());
    let read = |file: &str| fs::read_to_string(folder.join("seen").join(file)).unwrap();
    assert!(read("keyward.log").contains("tokens are tidied"));
    let json = |file: &str| serde_json::from_str::<Value>(&read(file)).unwrap();
    let config = json("config.json");
    assert_eq!(config[0]["config"]["storage"]["type"], "sled");
    assert!(json("host_info.json")[0]["memory"]["total"].as_u64() > Some(0));
    assert!(json("metrics.json")[0]["Gauges"].is_array());
    let status = json("server_status.json");
    assert_eq!(status[0]["health"]["sealed"], false);
    assert_eq!(status[0]["seal"]["storage_type"], "sled");
    let requests = json("requests.json");
    let requests = requests[0]["requests"].as_object().unwrap();
    let paths: Vec<_> = requests.values().map(|one| &one["request_path"]).collect();
    assert!(
        paths.contains(&&json!("/v1/sys/in-flight-req")),
        "{paths:?}"
    );
    let index = json("index.json");
    assert_eq!(index["errors"], json!([]));
    let files = [
        "config.json",
        "host_info.json",
        "keyward.log",
        "metrics.json",
        "requests.json",
        "server_status.json",
    ];
    assert_eq!(index["output"]["files"], json!(files));
}

#[tokio::test]
async fn how_the_process_was_started_is_told_without_its_token() {
    let installation = Installation::new(Store::Sled);
    let address = format!("-dev-listen-address={}", installation.socket_address());
    let token = "-dev-root-token-id=canary";
    let flags = ["-dev", token, "-dev-no-store-token", &address];
    let mut server = installation.launch_with(&flags);
    server
        .wait_until_it_answers(installation.socket_address())
        .unwrap();
    let root = installation.client("canary");
    let told = root.get("sys/pprof/cmdline").await.expect(200);
    assert_eq!(told.headers["content-type"], "text/plain; charset=utf-8");
    let words: Vec<_> = told.text.split('\0').skip(1).collect();
    let hidden = "-dev-root-token-id=***";
    assert_eq!(words, ["server", "-dev", hidden, flags[2], flags[3]]);
    let policy = "path \"sys/pprof/*\" { capabilities = [\"read\"] }";
    let policy = json!({ "policy": policy });
    root.post("sys/policies/acl/some", policy).await.expect(204);
    let some = json!({ "policies": ["some"] });
    let some = root.post("auth/token/create", some).await.expect(200);
    let some = root.with_token(some.text_at("/auth/client_token"));
    for client in [installation.client(""), some] {
        let refused = client.get("sys/pprof/cmdline").await;
        refused.refused(403, "permission denied");
    }
    // The others are those of another language's runtime.
    let heap = root.get("sys/pprof/heap").await;
    heap.refused(404, "unsupported path");
    let replication = installation.client("").get("sys/replication/status").await;
    assert_eq!(replication.expect(200).text_at("/data/mode"), "disabled");
}

#[tokio::test]
async fn stepping_down_asks_for_sudo_and_changes_nothing_without_another_server() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let policy = "path \"sys/step-down\" { capabilities = [\"update\"] }";
    let policy = json!({ "policy": policy });
    root.post("sys/policies/acl/some", policy).await.expect(204);
    let some = json!({ "policies": ["some"] });
    let some = root.post("auth/token/create", some).await.expect(200);
    let some = root.with_token(some.text_at("/auth/client_token"));
    for client in [installation.client(""), some] {
        let refused = client.post("sys/step-down", json!({})).await;
        refused.refused(403, "permission denied");
    }
    root.post("sys/step-down", json!({})).await.expect(204);
    root.send("PUT", "sys/step-down", &[], None)
        .await
        .expect(204);
    root.get("sys/mounts").await.expect(200);
}

#[tokio::test]
async fn headers_of_the_interface_outlive_a_restart_and_stand_on_its_answers() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let header = "sys/config/ui/headers/content-security-policy";
    let body = json!({ "values": ["default-src 'self'"] });
    root.post(header, body).await.expect(200);
    root.post(
        "sys/config/ui/headers/X-Bad",
        json!({ "values": ["a\r\nb: c"] }),
    )
    .await
    .refused(400, "cannot be sent");
    root.post(
        "sys/config/ui/headers/x-vault-a",
        json!({ "values": ["a"] }),
    )
    .await
    .refused(400, "X-Vault headers cannot be set");
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;
    let names = root.list("sys/config/ui/headers").await.expect(200);
    assert_eq!(names.at("/data/keys"), &json!(["Content-Security-Policy"]));
    let url = format!("{}/ui/", installation.address());
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(
        answer.headers()["content-security-policy"],
        "default-src 'self'"
    );
    let other = root.get("sys/mounts").await.expect(200);
    assert!(!other.headers.contains_key("content-security-policy"));
    root.delete(header).await.expect(204);
    root.list("sys/config/ui/headers").await.expect(404);
}

#[tokio::test]
async fn audit_files_are_opened_anew_when_asked() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let (path, moved) = (installation.path("audit.log"), installation.path("old.log"));
    let device = json!({ "type": "file", "options": { "file_path": path } });
    root.post("sys/audit/file", device).await.expect(204);
    fs::rename(&path, &moved).unwrap();
    root.post("sys/config/reload/audit", json!({}))
        .await
        .expect(204);
    root.get("sys/mounts").await.expect(200);
    let new = fs::read_to_string(&path).unwrap();
    assert!(new.contains("sys/mounts"), "{new}");
    assert!(
        fs::read_to_string(&moved)
            .unwrap()
            .contains("sys/config/reload/audit")
    );
    root.post("sys/config/reload/listener", json!({}))
        .await
        .expect(204);
    root.post("sys/config/reload/kettle", json!({}))
        .await
        .refused(404, "unsupported path");
}
