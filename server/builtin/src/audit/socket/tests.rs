//! The socket device on real sockets.

use keyward_core::audit::conformance::Fixture as _;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpSocket},
};

use super::{SOCKET, not_to_itself};
use crate::audit::receiver::{Place, Receiver, open};

async fn tcp() -> Receiver {
    Receiver::start(&SOCKET, Place::Tcp(Place::ANY), &[]).await
}

async fn of_type(kind: &str, place: Place) -> Receiver {
    Receiver::start(&SOCKET, place, &[("socket_type", kind)]).await
}

mod over_tcp {
    keyward_core::audit_conformance!(super::tcp().await);
}

mod over_udp {
    use super::{Place, of_type};
    keyward_core::audit_conformance!(of_type("udp", Place::Udp(Place::ANY)).await);
}

mod over_a_unix_socket {
    use super::{Place, of_type};
    keyward_core::audit_conformance!(of_type("unix", Place::Stream(Place::fresh_path())).await);
}

mod over_unix_datagrams {
    use super::{Place, of_type};
    keyward_core::audit_conformance!(
        of_type("unixgram", Place::Datagrams(Place::fresh_path())).await
    );
}

fn line(text: &str) -> keyward_core::audit::Lines {
    keyward_core::audit::Lines::new(format!("{{\"text\":\"{text}\"\n").into_bytes())
}

#[tokio::test]
async fn a_receiver_that_reads_nothing_fails_the_write_in_time_and_the_next_one_has_it_whole() {
    let listener = TcpListener::bind(Place::ANY).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let device = open(&SOCKET, &[("address", &address), ("write_timeout", "1s")]).unwrap();
    // More than the buffers of both ends hold, on both connections.
    let long = "x".repeat(32 << 20);
    let failed = device.write(line(&long)).await.unwrap_err();
    assert!(
        failed.to_string().starts_with(&format!("tcp {address}: ")),
        "{failed}"
    );
    let (_stuck, _) = listener.accept().await.unwrap();
    let write = tokio::spawn(async move { device.write(line("short")).await });
    let (mut next, _) = listener.accept().await.unwrap();
    write.await.unwrap().unwrap();
    let mut text = String::new();
    next.read_to_string(&mut text).await.unwrap();
    assert!(
        text.contains("\"short\"") && text.contains("\"sequence\":1,"),
        "{text}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_to_itself_is_none() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(Place::ANY).unwrap();
    let own = socket.local_addr().unwrap();
    let stream = socket.connect(own).await.unwrap();
    let refused = not_to_itself(stream).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_connection_that_the_receiver_closed_takes_no_line() {
    let mut receiver = tcp().await;
    receiver.device().write(line("first")).await.unwrap();
    receiver.raw(1).await;
    receiver.break_down().await;
    receiver.mend().await;
    receiver.device().write(line("second")).await.unwrap();
    let texts = receiver.raw(2).await;
    assert!(
        texts[0].contains("first") && texts[1].contains("second"),
        "{texts:?}"
    );
}

#[tokio::test]
async fn a_line_too_long_for_a_datagram_fails_alone() {
    let receiver = of_type("udp", Place::Udp(Place::ANY)).await;
    let device = receiver.device();
    let long = "x".repeat(70_000);
    let (before, too_long, after) = tokio::join!(
        device.write(line("before")),
        device.write(line(&long)),
        device.write(line("after"))
    );
    before.unwrap();
    after.unwrap();
    let told = too_long.unwrap_err().to_string();
    assert!(told.contains("is too long for a datagram"), "{told}");
    let texts = receiver.raw(2).await;
    assert!(texts[0].contains("\"sequence\":2,"), "{texts:?}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (pairs, text) in [
        (&[][..], "address is required"),
        (&[("address", "")], "address is required"),
        (
            &[("address", "host")],
            "address host: missing port in address",
        ),
        (
            &[("address", "host:http")],
            "address host:http: invalid port",
        ),
        (
            &[("address", "a:1"), ("socket_type", "bla")],
            "unknown network bla",
        ),
        (
            &[("address", "a:1"), ("write_timeout", "bla")],
            "time: invalid duration \"bla\"",
        ),
        (
            &[("address", "a:1"), ("write_timeout", "-1s")],
            "write_timeout must be a second at least",
        ),
    ] {
        assert_eq!(open(&SOCKET, pairs).err().as_deref(), Some(text));
    }
}
