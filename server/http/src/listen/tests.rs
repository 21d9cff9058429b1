//! The listener over real sockets, with a router that has no core behind it.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Extension, http::StatusCode, routing::get};
use keyward_core::RequestId;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::*;
use crate::{logical, respond};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// What holds requests until they are let go.
#[derive(Clone, Default)]
struct Hand {
    arrived: Arc<AtomicUsize>,
    arrival: Arc<Notify>,
    let_go: Arc<Notify>,
}

impl Hand {
    async fn hold(&self) {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.arrival.notify_one();
        self.let_go.notified().await;
    }
}

/// A listener whose requests are held.
struct Held {
    address: SocketAddr,
    hand: Hand,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Held {
    fn start(limits: ListenerLimits) -> Self {
        Self::with(limits, |hand| {
            Router::new().fallback(get(async move || {
                hand.hold().await;
                "done"
            }))
        })
    }

    fn with(limits: ListenerLimits, router: impl FnOnce(Hand) -> Router) -> Self {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap(), None, limits).unwrap();
        let url = listener.url().unwrap();
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        let hand = Hand::default();
        let router = router(hand.clone());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listener.serve(router, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            hand,
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
    held.hand.arrival.notified().await;
    let second = held.ask().await;
    let arrival = timeout(Duration::from_millis(300), held.hand.arrival.notified());
    assert!(arrival.await.is_err(), "it has to wait");
    held.hand.let_go.notify_one();
    assert!(first.await.unwrap().ends_with("done"));
    held.hand.arrival.notified().await;
    assert_eq!(held.hand.arrived.load(Ordering::SeqCst), 2);
    held.hand.let_go.notify_one();
    assert!(second.await.unwrap().ends_with("done"));
}

#[tokio::test]
async fn a_listener_that_stops_finishes_what_it_has_begun() {
    let held = Held::start(ListenerLimits::DEFAULT);
    let answer = held.ask().await;
    held.hand.arrival.notified().await;
    held.stop.send(()).unwrap();
    // Nobody listens any more once it has stopped accepting.
    while TcpStream::connect(held.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    held.hand.let_go.notify_one();
    assert!(answer.await.unwrap().ends_with("done"));
    held.serving.await.unwrap();
}

#[tokio::test]
async fn a_listener_that_stops_waits_for_work_that_no_client_waits_for() {
    // Its client hung up; or was told that its time was over.
    for most in [Duration::from_secs(60), Duration::ZERO] {
        let (done, mut ended) = mpsc::unbounded_channel();
        let mut held = Held::with(ListenerLimits::DEFAULT, |hand| {
            Router::new().fallback(get(async move |Extension(pending): Extension<Pending>| {
                let id = RequestId::generate();
                let work = async move {
                    hand.hold().await;
                    done.send(()).unwrap();
                    respond::empty(StatusCode::NO_CONTENT, id)
                };
                logical::finish(id, most, Some(pending), work).await
            }))
        });
        let client = held.ask().await;
        held.hand.arrival.notified().await;
        if most.is_zero() {
            let answer = client.await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        } else {
            client.abort();
        }
        held.stop.send(()).unwrap();
        let early = timeout(Duration::from_millis(300), &mut held.serving);
        assert!(early.await.is_err(), "it did not wait");
        held.hand.let_go.notify_one();
        held.serving.await.unwrap();
        ended.try_recv().unwrap();
    }
}

#[tokio::test]
async fn a_listener_that_stops_does_not_wait_for_ever() {
    let held = Held::start(ListenerLimits {
        drain: Duration::from_millis(20),
        ..ListenerLimits::DEFAULT
    });
    let _answer = held.ask().await;
    held.hand.arrival.notified().await;
    held.stop.send(()).unwrap();
    held.serving.await.unwrap();
}
