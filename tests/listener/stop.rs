//! A server that is told to stop finishes what it has begun.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::installed;

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
