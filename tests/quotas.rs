//! Rate limits: what a client hears of them, what is on record, and that they outlive a restart.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Installation, Store};

fn header(answer: &Answer, name: &str) -> Option<u64> {
    let value = answer.headers.get(name)?;
    Some(value.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn who_sends_too_much_is_told_when_to_come_again() {
    let installation = Installation::new(Store::Sled);
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let kv = json!({ "type": "kv", "options": { "version": "1" } });
    root.post("sys/mounts/kv", kv).await.expect(204);
    root.post("kv/app", json!({ "a": "b" })).await.expect(204);
    let path = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": path } });
    root.post("sys/audit/file", device).await.expect(204);
    let limit = json!({ "path": "kv/app", "rate": 2, "interval": "1h" });
    root.post("sys/quotas/rate-limit/app", limit)
        .await
        .expect(204);
    drop(server);
    let _server = installation.start();
    installation.unseal(&keys).await;

    // Nothing is said of a limit until answers shall.
    let first = root.get("kv/app").await.expect(200);
    assert_eq!(header(&first, "x-ratelimit-limit"), None);
    let config = json!({ "enable_rate_limit_response_headers": true });
    root.post("sys/quotas/config", config).await.expect(204);
    let second = root.get("kv/app").await.expect(200);
    assert_eq!(header(&second, "x-ratelimit-limit"), Some(2));
    assert_eq!(header(&second, "x-ratelimit-remaining"), Some(0));
    assert!(header(&second, "x-ratelimit-reset").is_some_and(|it| (3590..=3600).contains(&it)));

    // Before it is asked who comes: a token that is none hears the same, and one spelled otherwise.
    let text = "request path \"kv/app\": rate limit quota exceeded";
    for (client, path) in [
        (&root, "kv/app"),
        (&root, "kv/%61pp"),
        (&root.with_token("hvs.none"), "kv/app"),
        (&root.with_token(""), "kv/app"),
    ] {
        let before = fs::read_to_string(installation.path("audit.log")).unwrap();
        let refused = client.get(path).await.refused(429, text);
        assert!(header(&refused, "retry-after").is_some_and(|it| (3590..=3600).contains(&it)));
        assert_eq!(header(&refused, "x-ratelimit-remaining"), Some(0));
        let after = fs::read_to_string(installation.path("audit.log")).unwrap();
        assert_eq!(before, after, "not on record unless it shall be");
    }
    // What another path is asked for is not counted here, and nor is a body read.
    root.get("kv/other").await.expect(404);
    root.post("kv/app", json!({ "a": "c" })).await.expect(429);

    let config = json!({ "enable_rate_limit_audit_logging": true });
    root.post("sys/quotas/config", config).await.expect(204);
    let before = fs::read_to_string(installation.path("audit.log")).unwrap();
    root.get("kv/app").await.expect(429);
    let log = fs::read_to_string(installation.path("audit.log")).unwrap();
    let lines = log[before.len()..].lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["request"]["path"], "kv/app");
    assert_eq!(lines[1]["type"], "response");
    assert!(
        lines[1]["error"]
            .as_str()
            .unwrap()
            .contains("rate limit exceeded")
    );

    let shown = root.get("sys/metrics?format=prometheus").await.expect(200);
    let violations = "vault_quota_rate_limit_violation{name=\"app\"} 6";
    assert!(
        shown.text.lines().any(|line| line == violations),
        "{}",
        shown.text
    );

    // A limit that is made anew begins anew.
    let limit = json!({ "path": "kv/app", "rate": 1, "interval": "1h", "block_interval": "2h" });
    root.post("sys/quotas/rate-limit/app", limit)
        .await
        .expect(204);
    root.get("kv/app").await.expect(200);
    let blocked = root.get("kv/app").await.expect(429);
    assert!(header(&blocked, "retry-after").is_some_and(|it| it > 3600));
    root.delete("sys/quotas/rate-limit/app").await.expect(204);
    root.get("kv/app").await.expect(200);
}

#[tokio::test]
async fn limits_follow_their_mount_and_end_with_it() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    root.post("sys/mounts/kv", json!({ "type": "kv" }))
        .await
        .expect(204);
    for (name, path) in [("mount", "kv/"), ("below", "kv/a*"), ("all", "")] {
        let limit = json!({ "path": path, "rate": 1000 });
        root.post(&format!("sys/quotas/rate-limit/{name}"), limit)
            .await
            .expect(204);
    }
    let body = json!({ "from": "kv", "to": "team/kv" });
    root.post("sys/remount", body).await.expect(200);
    for (name, path) in [("mount", "team/kv/"), ("below", "team/kv/a*"), ("all", "")] {
        let limit = root
            .get(&format!("sys/quotas/rate-limit/{name}"))
            .await
            .expect(200);
        assert_eq!(limit.text_at("/data/path"), path);
    }
    root.delete("sys/mounts/team/kv").await.expect(204);
    let names = root.list("sys/quotas/rate-limit").await.expect(200);
    assert_eq!(names.at("/data/keys"), &json!(["all"]));
}
