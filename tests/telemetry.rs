//! What is counted, as a monitor reads it, and what never stands in it.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Installation, Store, Target};

/// Returns the number that a line of Prometheus' text gives.
fn number(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    line.parse().unwrap()
}

/// Finds one metric in the lists of Vault's JSON.
fn found<'a>(answer: &'a Answer, list: &str, name: &str, labels: &Value) -> &'a Value {
    let list = answer.at(list).as_array().unwrap();
    let found = list
        .iter()
        .find(|it| it["Name"] == name && it["Labels"] == *labels);
    found.unwrap_or_else(|| panic!("no {name} {labels} in {}", answer.text))
}

#[tokio::test]
async fn requests_are_counted_by_mount_and_operation() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let path = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": path } });
    root.post("sys/audit/file", device).await.expect(204);
    let mount = json!({ "type": "transit" });
    root.post("sys/mounts/team/keys", mount).await.expect(204);
    root.post("team/keys/keys/payroll", json!({}))
        .await
        .expect(200);
    let plaintext = json!({ "plaintext": "c2VjcmV0" });
    for _ in 0..3 {
        let encrypt = root.post("team/keys/encrypt/payroll", plaintext.clone());
        encrypt.await.expect(200);
    }
    root.post("team/keys/encrypt/payroll", json!({}))
        .await
        .expect(400);

    let shown = root.get("sys/metrics?format=prometheus").await.expect(200);
    let content_type = shown.headers["content-type"].to_str().unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4");
    let text = &shown.text;
    let updates = "vault_route_request_count{mount_point=\"team/keys/\",operation=\"update\"}";
    assert_eq!(number(text, updates), 5.0);
    assert_eq!(number(text, "vault_core_unsealed"), 1.0);
    assert_eq!(number(text, "vault_core_in_flight_requests"), 1.0);
    assert_eq!(number(text, "vault_audit_log_request_failure"), 0.0);
    assert!(number(text, "vault_audit_log_response_count") >= 6.0);
    assert!(number(text, "vault_barrier_put") > 0.0);
    assert!(number(text, "vault_barrier_commit_sum") > 0.0);
    assert!(number(text, "vault_core_handle_request_bucket{le=\"+Inf\"}") >= 7.0);
    assert_eq!(
        number(text, "vault_core_request_failure{failure=\"invalid\"}"),
        1.0
    );

    // What a Prometheus asks for by itself; the parameter says more than the header.
    let openmetrics =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    let get = async |query: &str, accept: &str| {
        let path = format!("sys/metrics{query}");
        root.send("GET", &path, &[("Accept", accept)], None).await
    };
    for (query, accept, wanted) in [
        ("", openmetrics, "text/plain; version=0.0.4"),
        ("?format=", openmetrics, "text/plain; version=0.0.4"),
        (
            "",
            "application/json, prometheus/telemetry",
            "text/plain; version=0.0.4",
        ),
        (
            "?format=prometheus",
            "application/json",
            "text/plain; version=0.0.4",
        ),
        ("", "text/plain", "application/json"),
        ("", "*/*", "application/json"),
        (
            "",
            "text/html, application/openmetrics-text",
            "application/json",
        ),
    ] {
        let shown = get(query, accept).await.expect(200);
        assert_eq!(shown.headers["content-type"], wanted, "{query} {accept}");
    }
    get("?format=json", openmetrics)
        .await
        .refused(400, "metric response format \"json\" unknown");

    let shown = root.get("sys/metrics").await.expect(200);
    let labels = json!({ "mount_point": "team/keys/", "operation": "update" });
    let updates = found(&shown, "/Samples", "vault.route.request", &labels);
    assert_eq!(updates["Count"], 5);
    let auth = json!({ "type": "auth", "local": "false" });
    let mounts = found(
        &shown,
        "/Gauges",
        "vault.core.mount_table.num_entries",
        &auth,
    );
    assert_eq!(mounts["Value"], 1.0);
    found(&shown, "/Counters", "vault.barrier.put", &json!({}));

    // Nothing tells of keys, tokens or addresses.
    for text in [text, &shown.text] {
        for secret in ["payroll", "127.0.0.1", "hvs.", &keys.root_token] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    root.delete("sys/mounts/team/keys").await.expect(204);
    let shown = root.get("sys/metrics?format=prometheus").await.expect(200);
    assert!(!shown.text.contains("team/keys"));
    let log = fs::read_to_string(path).unwrap();
    assert!(log.contains("\"path\":\"sys/metrics\""));
}

#[tokio::test]
async fn metrics_need_a_token_unless_the_listener_says_otherwise() {
    let mut installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.client("").get("sys/metrics").await.expect(503);
    installation.unseal(&keys).await;
    installation.client("").get("sys/metrics").await.expect(403);
    let root = installation.client(&keys.root_token);
    root.get("sys/metrics?format=bad")
        .await
        .refused(400, "metric response format \"bad\" unknown");

    installation = Installation::new(Store::Sled);
    let config = fs::read_to_string(installation.config()).unwrap();
    let open = "tls_disable = true\n  telemetry { unauthenticated_metrics_access = true }";
    let config = config.replace("tls_disable = true", open)
        + "\ntelemetry {\n  prometheus_retention_time = 0\n}\n";
    fs::write(installation.config(), config).unwrap();
    let _server = installation.start();
    let anybody = installation.client("");
    let gauge = async || {
        let shown = anybody.get("sys/metrics").await.expect(200);
        found(&shown, "/Gauges", "vault.core.unsealed", &json!({}))["Value"].clone()
    };
    assert_eq!(gauge().await, 0.0);
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    assert_eq!(gauge().await, 1.0);
    anybody
        .get("sys/metrics?format=prometheus")
        .await
        .refused(400, "prometheus is not enabled");
    let accept = [("Accept", "prometheus/telemetry")];
    anybody
        .send("GET", "sys/metrics", &accept, None)
        .await
        .refused(400, "prometheus is not enabled");
    anybody.post("sys/metrics", json!({})).await.expect(403);
}

#[tokio::test]
async fn tokens_are_counted() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let counted = async || {
        let counted = root.get("sys/internal/counters/tokens").await.expect(200);
        counted
            .at("/data/counters/service_tokens/total")
            .as_u64()
            .unwrap()
    };
    let before = counted().await;
    for kind in ["service", "service", "batch"] {
        let body = json!({ "type": kind, "policies": ["default"] });
        root.post("auth/token/create", body).await.expect(200);
    }
    assert_eq!(counted().await, before + 2, "batch tokens are not stored");
}

#[tokio::test]
async fn entities_are_counted() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let counted = async || {
        let counted = root.get("sys/internal/counters/entities").await.expect(200);
        counted.at("/data/counters/entities/total").clone()
    };
    assert_eq!(counted().await, json!(0));
    let ann = json!({ "name": "ann" });
    root.post("identity/entity", ann).await.expect(200);
    assert_eq!(counted().await, json!(1));
}

#[tokio::test]
async fn a_development_server_may_write_down_what_it_hears() {
    let target = Target::keyward();
    let root = Client::new(&target);
    let folder = tempfile::tempdir().unwrap();
    let (raw, hashed) = (folder.path().join("raw"), folder.path().join("hashed"));
    for (path, options) in [
        ("raw", json!({ "file_path": raw, "log_raw": "true" })),
        ("hashed", json!({ "file_path": hashed })),
    ] {
        let device = json!({ "type": "file", "options": options });
        root.post(&format!("sys/audit/{path}"), device)
            .await
            .expect(204);
    }
    let body = json!({ "data": { "password": "s3cr3t \"quoted\"" } });
    root.post("secret/data/app", body).await.expect(200);
    let raw = fs::read_to_string(raw).unwrap();
    let lines = raw
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let written = lines
        .filter(|line| line["type"] == "request" && line["request"]["path"] == "secret/data/app")
        .collect::<Vec<_>>();
    assert_eq!(written.len(), 1, "{raw}");
    let request = &written[0]["request"];
    assert_eq!(request["data"]["data"]["password"], "s3cr3t \"quoted\"");
    assert_eq!(request["client_token"], "root");
    let hashed = fs::read_to_string(hashed).unwrap();
    assert!(!hashed.contains("s3cr3t") && hashed.contains("hmac-sha256:"));
    // What searches a log still gets a hash.
    let body = json!({ "input": "s3cr3t" });
    let hash = root.post("sys/audit-hash/raw", body).await.expect(200);
    assert!(hash.text_at("/data/hash").starts_with("hmac-sha256:"));
}
