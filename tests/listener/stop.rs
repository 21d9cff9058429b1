//! A server that is told to stop finishes what it has begun.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::installed;
use crate::support::Client;

#[test]
fn a_request_in_flight_is_answered_before_the_server_ends() {
    let installation = installed("tls_disable = true");
    let mut server = installation.start();
    let mut idle = TcpStream::connect(installation.socket_address()).unwrap();
    let mut busy = TcpStream::connect(installation.socket_address()).unwrap();
    let body = "{\"secret_shares\": 1, \"secret_threshold\": 1}";
    // The server asks for the body: it has the request in hand.
    write!(
        busy,
        "PUT /v1/sys/init HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    let mut go_on = [0; 25];
    busy.read_exact(&mut go_on).unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{go_on:?}");

    server.ask_to_end();
    server.wait_for("shutdown triggered");
    // New clients are turned away at once, and those that wait are let go.
    while TcpStream::connect(installation.socket_address()).is_ok() {}
    busy.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("root_token"),
        "{answer}"
    );
    let mut nothing = Vec::new();
    idle.read_to_end(&mut nothing).unwrap();
    assert!(nothing.is_empty());
    assert!(server.wait_until_it_ends().0.success());
}

#[test]
fn a_client_that_keeps_a_body_nobody_wants_does_not_keep_the_server() {
    let installation = installed("tls_disable = true\n  http_read_timeout = 2");
    let server = installation.start();
    let mut client = TcpStream::connect(installation.socket_address()).unwrap();
    let refused = "PUT /v1/sys/health HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
    client.write_all(refused.as_bytes()).unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 405");
    server.ask_to_end();
    let (status, said) = server.wait_until_it_ends();
    assert!(status.success());
    assert!(!said.contains("requests were cut off"), "{said}");
}

/// Tells whether the server is at a request for that key.
async fn is_being_made(root: &Client, key: &str) -> bool {
    let working = root.get("sys/in-flight-req").await.expect(200);
    working.text.contains(&format!("\"/v1/{key}\""))
}

/// Waits until the server is at a request; false if it was faster than one can ask.
async fn is_begun(root: &Client, key: &str, deadline: Instant) -> bool {
    while !is_being_made(root, key).await {
        if root.get(key).await.status == 200 {
            return false;
        }
        assert!(Instant::now() < deadline, "nobody begins with {key}");
    }
    true
}

#[tokio::test]
async fn a_change_whose_client_hung_up_is_made_before_the_server_ends() {
    let installation = installed("tls_disable = true");
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let transit = json!({ "type": "transit" });
    root.post("sys/mounts/transit", transit).await.expect(204);
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut number = 0;
    let key = loop {
        assert!(Instant::now() < deadline, "{number} keys were too fast");
        number += 1;
        let key = format!("transit/keys/slow-{number}");
        // A second of work.
        let body = "{\"type\": \"rsa-4096\"}";
        let mut client = TcpStream::connect(installation.socket_address()).unwrap();
        write!(
            client,
            "POST /v1/{key} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {}\r\nContent-Length: {}\r\n\r\n{body}",
            keys.root_token,
            body.len()
        )
        .unwrap();
        let is_begun = is_begun(&root, &key, deadline).await;
        drop(client);
        // It goes on without its client, and there is something left to do.
        if is_begun && is_being_made(&root, &key).await {
            break key;
        }
    };
    assert!(server.terminate().success());

    let _server = installation.start();
    installation.unseal(&keys).await;
    root.get(&key).await.expect(200);
    let log = fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let of_it = lines.filter(|line: &Value| {
        line["request"]["path"] == *key && line["request"]["data"]["type"].is_string()
    });
    let kinds: Vec<_> = of_it.map(|line| line["type"].clone()).collect();
    assert_eq!(kinds, ["request", "response"]);
}
