//! The file that a device writes: moved away under it, with a prefix before each line, and with
//! values that are shown.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::Audited;

#[tokio::test]
async fn a_file_that_was_moved_away_is_let_go_at_a_hangup() {
    let audited = Audited::start().await;
    let root = &audited.root;
    root.get("sys/mounts").await.expect(200);
    let (path, old) = (
        audited.installation.path("audit.log"),
        audited.installation.path("audit.log.1"),
    );
    fs::rename(&path, &old).unwrap();
    root.get("sys/before").await.expect(404);
    assert!(!path.exists(), "until then it goes on with the old file");
    audited.server.hang_up();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !path.exists() {
        assert!(Instant::now() < deadline, "no new file is begun");
        root.get("sys/mounts").await.expect(200);
    }
    let before = fs::read(&old).unwrap();
    root.get("sys/after").await.expect(404);
    assert_eq!(fs::read(&old).unwrap(), before);
    let log = audited.log();
    assert!(!log.contains("sys/before") && log.contains("sys/after"));
    assert!(String::from_utf8(before).unwrap().contains("sys/before"));
    let verified = audited.verify(&["audit.log.1", "audit.log"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn lines_with_a_prefix_verify_and_go_on_after_a_restart() {
    const PREFIX: &str = "@cee: ";
    let mut audited = Audited::start().await;
    let path = audited.installation.path("prefixed.log");
    let options = json!({ "file_path": path, "prefix": PREFIX });
    let device = json!({ "type": "file", "options": options });
    let enabled = audited.root.post("sys/audit/prefixed", device).await;
    enabled.expect(204);
    let entries = || {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| {
            let line = line.strip_prefix(PREFIX).unwrap();
            serde_json::from_str::<Value>(line).unwrap()
        });
        lines.collect::<Vec<_>>()
    };
    audited.root.get("sys/mounts").await.expect(200);
    let before = entries().len();
    audited.server.kill();
    audited.server = audited.installation.start();
    audited.installation.unseal(&audited.keys).await;
    audited.root.get("sys/mounts").await.expect(200);
    let entries = entries();
    assert!(before >= 3 && entries.len() > before, "{before}");
    for (entry, number) in entries.iter().zip(1_u64..) {
        assert_eq!(entry["sequence"], number);
        // The file goes on, so that none but the first line begins it.
        assert_eq!(entry.get("previous").is_some(), number == 1);
    }
    let verified = audited.verify(&["prefixed.log"]);
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_mount_says_which_values_are_shown() {
    let audited = Audited::start().await;
    let root = &audited.root;
    let config = json!({
        "audit_non_hmac_request_keys": ["asked"], "audit_non_hmac_response_keys": ["answered"],
    });
    let mount = json!({ "type": "kv", "config": config });
    root.post("sys/mounts/kv", mount).await.expect(204);
    let values = json!({ "asked": "in clear", "answered": "as well", "word": "hunter2hunter2" });
    root.post("kv/a", values.clone()).await.expect(204);
    root.get("kv/a").await.expect(200);
    let entries = audited.entries();
    let written = entries
        .iter()
        .find(|entry| entry["request"]["data"]["asked"].is_string())
        .unwrap();
    let read = entries.last().unwrap();
    for (shown, values_there) in [
        ("asked", &written["request"]["data"]),
        ("answered", &read["response"]["data"]),
    ] {
        for (name, value) in values.as_object().unwrap() {
            let value = value.as_str().unwrap();
            let wanted = match name == shown {
                true => value.to_owned(),
                false => audited.hash(value).await,
            };
            assert_eq!(values_there[name], wanted, "{name} where {shown} is shown");
        }
    }
}
