//! What is left of a request's body when its answer is there.
//!
//! A server that hangs up on a client that is still sending breaks the connection, and the answer is
//! lost with it (RFC 9112 section 9.6). So the rest is read beside the answer and dropped, part by
//! part, for as many bytes as a body may have and as long as it may take: this costs no more than a
//! body that is wanted, which anybody may send as well. What is left even then is for the
//! connection: HTTP/2 resets the stream without an error (RFC 9113 section 8.1), HTTP/1.1 says
//! `Connection: close`, closes its half and lingers.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Version, header, request::Parts},
    response::Response,
};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::Limits;

/// The body of a request that is being answered.
pub(crate) struct Unread {
    lent: Arc<Mutex<Lent>>,
    version: Version,
    /// The client may wait to be told to send it (RFC 9110 section 10.1.1).
    waits: bool,
}

#[derive(Default)]
struct Lent {
    /// What was given back before its end.
    rest: Option<Body>,
    /// When somebody began to read it.
    begun: Option<Instant>,
}

impl Unread {
    /// Lends a body to whoever answers the request; none is to be kept of one that has no body.
    pub(crate) fn lend(parts: &Parts, body: Body) -> (Body, Option<Self>) {
        if body.is_end_stream() {
            return (body, None);
        }
        let lent = Arc::<Mutex<Lent>>::default();
        let unread = Self {
            lent: Arc::clone(&lent),
            version: parts.version,
            waits: parts.headers.contains_key(header::EXPECT),
        };
        let body = Reading {
            body: Some(body),
            lent,
        };
        (Body::new(body), Some(unread))
    }

    /// Sees to what is left, now that there is an answer; this waits for nothing.
    pub(crate) fn dismiss(self, limits: &Limits, response: &mut Response) {
        let mut lent = self.lent.lock();
        let Some(rest) = lent.rest.take() else { return };
        let now = Instant::now();
        // A body that had its time does not get it again.
        let deadline = lent.begun.unwrap_or(now) + limits.read_timeout;
        let of_http1 = self.version <= Version::HTTP_11;
        // To read it would be to ask for it.
        let unasked = of_http1 && self.waits && lent.begun.is_none();
        let most = limits.max_request_size;
        let dropped = deadline > now && !unasked;
        if of_http1 && (!dropped || rest.size_hint().lower() > most as u64) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if dropped {
            tokio::spawn(timeout_at(deadline, drop_within(rest, most)));
        }
    }
}

async fn drop_within(mut body: Body, most: usize) {
    let mut dropped = 0_usize;
    while dropped <= most
        && let Some(Ok(frame)) = body.frame().await
    {
        dropped += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// A body that is given back when it is dropped before its end.
struct Reading {
    /// There until it ends or fails.
    body: Option<Body>,
    lent: Arc<Mutex<Lent>>,
}

impl http_body::Body for Reading {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let reading = &mut *self;
        let Some(body) = reading.body.as_mut() else {
            return Poll::Ready(None);
        };
        reading.lent.lock().begun.get_or_insert_with(Instant::now);
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            reading.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(Body::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let rest = self.body.take();
        self.lent.lock().rest = rest.filter(|body| !body.is_end_stream());
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use axum::http::Request;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;

    use super::*;

    const LIMIT: usize = 10;

    fn limits(read_timeout: Duration) -> Limits {
        Limits {
            max_request_size: LIMIT,
            read_timeout,
            ..Limits::default()
        }
    }

    /// A request whose body comes from a channel.
    fn request(expects: bool) -> (mpsc::Sender<&'static str>, Parts, Body) {
        let (send, mut receive) = mpsc::channel(1);
        let frames = futures_util::stream::poll_fn(move |cx| {
            let next = receive.poll_recv(cx);
            next.map(|part| part.map(|part| Ok::<_, Infallible>(Frame::data(Bytes::from(part)))))
        });
        let mut request = Request::new(Body::new(StreamBody::new(frames)));
        if expects {
            let value = HeaderValue::from_static("100-continue");
            request.headers_mut().insert(header::EXPECT, value);
        }
        let (parts, body) = request.into_parts();
        (send, parts, body)
    }

    fn closes(response: &Response) -> bool {
        response.headers().contains_key(header::CONNECTION)
    }

    #[tokio::test]
    async fn what_is_left_is_dropped_up_to_the_size_of_a_body() {
        let (send, parts, body) = request(false);
        let (mut body, unread) = Unread::lend(&parts, body);
        send.send("read").await.unwrap();
        body.frame().await.unwrap().unwrap();
        drop(body);
        let mut response = Response::new(Body::empty());
        let limits = limits(Duration::from_secs(60));
        unread.unwrap().dismiss(&limits, &mut response);
        assert!(!closes(&response));
        for _ in 0..3 {
            send.send("four").await.unwrap();
        }
        send.closed().await;
    }

    #[tokio::test]
    async fn what_is_left_is_dropped_for_the_time_of_a_body() {
        let (send, parts, body) = request(false);
        let (body, unread) = Unread::lend(&parts, body);
        drop(body);
        let mut response = Response::new(Body::empty());
        let limits = limits(Duration::from_millis(20));
        unread.unwrap().dismiss(&limits, &mut response);
        assert!(!closes(&response));
        send.closed().await;
    }

    #[tokio::test]
    async fn a_body_that_had_its_time_is_not_given_more() {
        let (send, parts, body) = request(false);
        let (mut body, unread) = Unread::lend(&parts, body);
        let limits = limits(Duration::from_millis(20));
        let read = tokio::time::timeout(limits.read_timeout, body.frame());
        assert!(read.await.is_err());
        drop(body);
        let mut response = Response::new(Body::empty());
        unread.unwrap().dismiss(&limits, &mut response);
        assert!(closes(&response) && send.is_closed());
    }

    #[tokio::test]
    async fn a_body_that_waits_to_be_asked_for_is_not_asked_for() {
        let (send, parts, body) = request(true);
        let (body, unread) = Unread::lend(&parts, body);
        drop(body);
        let mut response = Response::new(Body::empty());
        let limits = limits(Duration::from_secs(60));
        unread.unwrap().dismiss(&limits, &mut response);
        assert!(closes(&response) && send.is_closed());
    }

    #[tokio::test]
    async fn a_body_that_was_read_leaves_nothing() {
        let (send, parts, body) = request(false);
        drop(send);
        let (body, unread) = Unread::lend(&parts, body);
        body.collect().await.unwrap();
        let unread = unread.unwrap();
        assert!(unread.lent.lock().rest.is_none());
        let (_, nothing) = Unread::lend(&parts, Body::empty());
        assert!(nothing.is_none());
    }
}
