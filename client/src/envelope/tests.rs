//! Calls that need a key at the same time, over a transport that answers when it is told to.

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use keyward_crypto::SecretBytes;

use super::{Envelope, EnvelopeLimits, EnvelopeStats};
use crate::{Builder, Request, Response, Transport, Unreachable};

const DATA_KEY: &str = r#"{"data":{"ciphertext":"vault:v1:AAAA","key_version":1,
    "plaintext":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}"#;
const REFUSED: &str = r#"{"errors":["permission denied"]}"#;

/// Counts what it is asked, and answers nothing until it has answers.
#[derive(Default)]
struct Server {
    asked: AtomicUsize,
    answers: Mutex<Vec<(u16, &'static str)>>,
}

impl Server {
    fn answers(&self, status: u16, body: &'static str) {
        self.answers.lock().unwrap().push((status, body));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn envelope(&self, limits: EnvelopeLimits) -> Envelope<&Self> {
        let client = Builder::over(self, "https://vault.example.com").build();
        client.unwrap().envelope("transit", "k", limits).unwrap()
    }
}

impl Transport for &Server {
    fn send(&self, _: &Request) -> impl Future<Output = Result<Response, Unreachable>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        std::future::poll_fn(|_| match self.answers.lock().unwrap().pop() {
            Some((status, body)) => Poll::Ready(Ok(Response {
                status,
                headers: Vec::new(),
                body: SecretBytes::from(body.as_bytes()),
            })),
            None => Poll::Pending,
        })
    }

    fn pause(&self, _: Duration) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// Lets a future go on for as long as it waits for nothing.
macro_rules! poll {
    ($future:expr) => {
        $future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    };
}

fn counts(stats: EnvelopeStats) -> (u64, u64) {
    (stats.misses, stats.hits)
}

#[test]
fn calls_that_need_a_key_at_the_same_time_ask_for_it_once() {
    let server = Server::default();
    let envelope = server.envelope(EnvelopeLimits::default());
    let (mut one, mut two) = (
        pin!(envelope.seal(b"one", None)),
        pin!(envelope.seal(b"two", None)),
    );
    assert!(poll!(one).is_pending() && poll!(two).is_pending());
    assert_eq!(server.asked(), 1);
    server.answers(200, DATA_KEY);
    let Poll::Ready(Ok(sealed)) = poll!(one) else {
        panic!("it has its answer");
    };
    assert!(matches!(poll!(two), Poll::Ready(Ok(_))));
    assert_eq!((server.asked(), counts(envelope.stats())), (1, (1, 1)));

    let (mut one, mut two) = (
        pin!(envelope.open(&sealed, None)),
        pin!(envelope.open(&sealed, None)),
    );
    assert!(poll!(one).is_pending() && poll!(two).is_pending());
    server.answers(200, DATA_KEY);
    assert!(matches!(poll!(one), Poll::Ready(Ok(_))));
    assert!(matches!(poll!(two), Poll::Ready(Ok(_))));
    assert_eq!((server.asked(), counts(envelope.stats())), (2, (2, 2)));
}

#[test]
fn a_call_whose_leader_fails_or_is_given_up_asks_for_itself() {
    let server = Server::default();
    let envelope = server.envelope(EnvelopeLimits::default());
    let (mut leader, mut other) = (
        pin!(envelope.seal(b"one", None)),
        pin!(envelope.seal(b"two", None)),
    );
    assert!(poll!(leader).is_pending() && poll!(other).is_pending());
    server.answers(403, REFUSED);
    assert!(matches!(poll!(leader), Poll::Ready(Err(_))));
    server.answers(200, DATA_KEY);
    assert!(matches!(poll!(other), Poll::Ready(Ok(_))));
    assert_eq!(server.asked(), 2);

    envelope.clear();
    let mut leader = Box::pin(envelope.seal(b"one", None));
    let mut other = pin!(envelope.seal(b"two", None));
    assert!(poll!(leader).is_pending() && poll!(other).is_pending());
    drop(leader);
    server.answers(200, DATA_KEY);
    assert!(matches!(poll!(other), Poll::Ready(Ok(_))));
    assert_eq!(server.asked(), 4);
}

#[test]
fn a_key_for_one_use_makes_nobody_wait_twice() {
    let server = Server::default();
    let limits = EnvelopeLimits {
        max_uses: 1,
        ..EnvelopeLimits::default()
    };
    let envelope = server.envelope(limits);
    let (mut one, mut two, mut three) = (
        pin!(envelope.seal(b"one", None)),
        pin!(envelope.seal(b"two", None)),
        pin!(envelope.seal(b"three", None)),
    );
    assert!(poll!(one).is_pending() && poll!(two).is_pending() && poll!(three).is_pending());
    assert_eq!(server.asked(), 1);
    server.answers(200, DATA_KEY);
    assert!(matches!(poll!(one), Poll::Ready(Ok(_))));
    // Both have asked before either is answered.
    assert!(poll!(two).is_pending() && poll!(three).is_pending());
    assert_eq!(server.asked(), 3);
    server.answers(200, DATA_KEY);
    server.answers(200, DATA_KEY);
    assert!(matches!(poll!(two), Poll::Ready(Ok(_))));
    assert!(matches!(poll!(three), Poll::Ready(Ok(_))));
}
