//! The listener over real sockets, with a router that has no core behind it.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A listener whose requests are held until they are let go.
struct Held {
    address: SocketAddr,
    arrived: Arc<AtomicUsize>,
    arrival: Arc<Notify>,
    let_go: Arc<Notify>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Held {
    fn start(limits: ListenerLimits) -> Self {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), None, limits).unwrap();
        let url = listener.url().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        let (arrived, arrival) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let let_go = Arc::new(Notify::new());
        let (counted, told, held) = (
            Arc::clone(&arrived),
            Arc::clone(&arrival),
            Arc::clone(&let_go),
        );
        let router = Router::new().fallback(get(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            told.notify_one();
            held.notified().await;
            "done"
        }));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listener.serve(router, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            arrived,
            arrival,
            let_go,
            stop,
            serving,
        }
    }

    /// Sends a request, whose answer is then read to the end.
    async fn ask(&self) -> JoinHandle<String> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        tokio::spawn(async move {
            let mut answer = String::new();
            // A reset is an end as well.
            let _ = stream.read_to_string(&mut answer).await;
            answer
        })
    }
}

#[tokio::test]
async fn too_many_connections_wait_for_their_turn() {
    let held = Held::start(ListenerLimits {
        connections: 1,
        ..ListenerLimits::DEFAULT
    });
    let first = held.ask().await;
    held.arrival.notified().await;
    let second = held.ask().await;
    held.let_go.notify_one();
    assert!(first.await.unwrap().ends_with("done"));
    held.arrival.notified().await;
    assert_eq!(held.arrived.load(Ordering::SeqCst), 2);
    held.let_go.notify_one();
    assert!(second.await.unwrap().ends_with("done"));
}

#[tokio::test]
async fn a_listener_that_stops_finishes_what_it_has_begun() {
    let held = Held::start(ListenerLimits::DEFAULT);
    let answer = held.ask().await;
    held.arrival.notified().await;
    held.stop.send(()).unwrap();
    // Nobody listens any more once it has stopped accepting.
    while TcpStream::connect(held.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    held.let_go.notify_one();
    assert!(answer.await.unwrap().ends_with("done"));
    held.serving.await.unwrap();
}

#[tokio::test]
async fn a_listener_that_stops_does_not_wait_for_ever() {
    let held = Held::start(ListenerLimits {
        drain: Duration::from_millis(20),
        ..ListenerLimits::DEFAULT
    });
    let _answer = held.ask().await;
    held.arrival.notified().await;
    held.stop.send(()).unwrap();
    held.serving.await.unwrap();
}
