//! A Unix socket from its making to its end, and what the audit log holds of its clients.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use super::installed;
use crate::support::{Client, Installation};

/// Installs a server that listens on `DIR/k.sock` as well.
fn with_socket() -> Installation {
    installed(
        "tls_disable = true\n}\nlistener \"unix\" {\n  address = \"DIR/k.sock\"\n  socket_mode = \"600\"",
    )
}

fn over_socket(installation: &Installation, token: &str) -> Client {
    let client = reqwest::Client::builder().unix_socket(installation.path("k.sock"));
    Client::with(client.build().unwrap(), "http://localhost", token)
}

#[tokio::test]
async fn requests_come_in_by_a_socket_and_have_no_address() {
    let installation = with_socket();
    let socket = installation.path("k.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let server = installation.start();
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    let client = over_socket(&installation, &keys.root_token);
    client.post("sys/audit/file", device).await.expect(204);
    client.get("sys/mounts").await.expect(200);
    let tcp = installation.client(&keys.root_token);
    tcp.get("sys/policies/acl/default").await.expect(200);
    let entries = fs::read_to_string(&log).unwrap();
    let entries = entries
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let entries: Vec<Value> = entries.collect();
    let of = |path: &str| {
        let entry = entries
            .iter()
            .find(|entry| entry["request"]["path"] == path);
        entry.unwrap_or_else(|| panic!("{path} left no entry"))
    };
    assert_eq!(of("sys/mounts")["request"].get("remote_address"), None);
    let by_tcp = &of("sys/policies/acl/default")["request"];
    assert_eq!(by_tcp["remote_address"], "127.0.0.1");

    let address = format!("-address=unix://{}", socket.display());
    let ran = installation.run(&["status", &address]);
    assert!(ran.status.success(), "{ran:?}");
    assert!(server.terminate().success());
    assert!(!socket.exists());
}

#[test]
fn a_socket_at_which_somebody_listens_is_not_taken() {
    let installation = with_socket();
    let socket = installation.path("k.sock");
    let _other = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let (status, said) = installation
        .launch(&installation.config())
        .wait_until_it_ends();
    assert!(!status.success());
    assert!(
        said.contains("k.sock") && said.contains("somebody listens"),
        "{said}"
    );
    assert!(socket.exists());
}
