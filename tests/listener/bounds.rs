//! Clients that are too slow or ask for too much, each refused in bounded time and in Vault's form.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use super::installed;
use crate::support::{Answer, Client, Installation, Process, exchange};

/// Long enough for any time-out here, which are seconds; short enough to fail.
const PATIENCE: Duration = Duration::from_secs(40);

/// Starts an unsealed server and returns a client with its root token.
async fn unsealed(entries: &str) -> (Installation, Process, Client) {
    let installation = installed(&format!("tls_disable = true\n  {entries}"));
    let server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let client = installation.client(&keys.root_token);
    (installation, server, client)
}

/// Sends bytes, nothing more, and returns what comes until the server hangs up.
fn until_cut_off(installation: &Installation, bytes: &str) -> String {
    let mut stream = TcpStream::connect(installation.socket_address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is cut off");
    answer
}

#[test]
fn whoever_is_slow_is_cut_off() {
    let installation = installed(
        "tls_disable = true
        http_read_header_timeout = 1
        http_read_timeout = 1
        http_idle_timeout = 1",
    );
    let _server = installation.start();
    assert_eq!(until_cut_off(&installation, ""), "");
    assert_eq!(
        until_cut_off(&installation, "GET /v1/sys/health HTTP/1.1\r\nHost:"),
        ""
    );
    let slow_body = "PUT /v1/sys/init HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
    let answer = until_cut_off(&installation, slow_body);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("did not arrive in time"), "{answer}");
    // Also if the answer is there before the body.
    let refused = "PUT /v1/sys/health HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
    let answer = until_cut_off(&installation, refused);
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    // A connection that is kept is closed when no request follows.
    let once = "GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = until_cut_off(&installation, once);
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
}

#[test]
fn a_handshake_that_is_slow_is_cut_off() {
    let installation = installed(
        "tls_cert_file = \"DIR/cert.pem\"
        tls_key_file = \"DIR/key.pem\"
        http_read_header_timeout = 1",
    );
    let authority = crate::support::Authority::new();
    let (certificate, key) = (installation.path("cert.pem"), installation.path("key.pem"));
    authority.sign(&["localhost"]).write(&certificate, &key);
    let _server = installation.start();
    assert_eq!(until_cut_off(&installation, ""), "");
    assert_eq!(until_cut_off(&installation, "\u{16}\u{3}\u{1}"), "");
}

#[tokio::test]
async fn a_head_or_a_body_that_is_too_big_is_refused_by_status() {
    let (installation, _server, root) = unsealed("max_request_size = 2000").await;
    let address = installation.socket_address();
    let get = |headers: &[&str]| exchange(address, "GET", "/v1/sys/health", headers, b"").unwrap();
    let many: Vec<_> = (0..300).map(|n| format!("X-H{n}: 1")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    // Beside those that every request here has: Host, Connection, Content-Length.
    assert_eq!(get(&many[..125]).status, 200);
    let big = [format!("X-Big: {}", "a".repeat(40_000))];
    for (headers, why) in [
        (&many[..126], "the request has more than 128 headers"),
        (
            &[&*big[0]],
            "the head of the request has more than 32768 bytes",
        ),
    ] {
        let refused = get(headers);
        assert_eq!(refused.status, 431);
        let named = refused.head.to_ascii_lowercase();
        assert!(named.contains("x-request-id: "), "{named}");
        let body: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(body, json!({ "errors": [why] }));
    }
    // Far above, nobody takes them apart any more.
    assert_eq!(get(&many).status, 431);
    let bigger = format!("X-Big: {}", "a".repeat(100_000));
    assert_eq!(get(&[&bigger]).status, 431);
    assert_eq!(get(&["X-Small: a"]).status, 200);
    let long = root.with_token(&"t".repeat(9_000));
    long.get("sys/mounts").await.expect(431);
    let body = json!({ "type": "a".repeat(3_000) });
    root.post("sys/mounts/x", body)
        .await
        .refused(413, "http: request body too large");
}

#[tokio::test]
async fn a_body_with_too_much_structure_is_refused() {
    let (_installation, _server, root) = unsealed(
        "max_json_depth = 3
        max_json_string_value_length = 100
        max_json_object_entry_count = 2
        max_json_array_element_count = 2",
    )
    .await;
    for (body, why) in [
        (
            json!({ "a": { "b": { "c": {} } } }),
            "JSON input exceeds allowed nesting depth",
        ),
        (
            json!({ "a": "b".repeat(101) }),
            "JSON string value exceeds allowed length",
        ),
        (
            json!({ "a": 1, "b": 1, "c": 1 }),
            "JSON object exceeds allowed entry count",
        ),
        (
            json!({ "a": [1, 2, 3] }),
            "JSON array exceeds allowed element count",
        ),
    ] {
        root.post("sys/mounts/x", body).await.refused(400, why);
    }
    root.post("sys/mounts/x", json!({ "type": "transit" }))
        .await
        .expect(204);
}

#[tokio::test]
async fn a_proxy_says_who_its_client_is_and_answers_carry_what_the_operator_adds() {
    let (installation, _server, root) = unsealed(
        "x_forwarded_for_authorized_addrs = \"127.0.0.0/8\"
        x_forwarded_for_hop_skips = 1
        x_forwarded_for_reject_not_present = false
        custom_response_headers {
          \"default\" = { \"X-Which\" = [\"a\", \"b\"] }
          \"404\" = { \"X-Which\" = [\"missing\"] }
        }",
    )
    .await;
    let log = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": log } });
    root.post("sys/audit/file", device).await.expect(204);
    let chain = [("X-Forwarded-For", "192.0.2.1, 192.0.2.2, 192.0.2.3")];
    let found: Answer = root.send("GET", "sys/mounts", &chain, None).await;
    assert_eq!(found.expect(200).headers["x-which"], "a; b");
    let missing = root.send("GET", "no/such", &[], None).await.expect(404);
    assert_eq!(missing.headers["x-which"], "missing");
    let entries = std::fs::read_to_string(log).unwrap();
    assert!(
        entries.contains("\"remote_address\":\"192.0.2.2\""),
        "{entries}"
    );
    let short = [("X-Forwarded-For", "192.0.2.1")];
    root.send("GET", "sys/mounts", &short, None)
        .await
        .refused(400, "malformed x-forwarded-for configuration or request");
}
