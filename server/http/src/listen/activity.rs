//! What a connection is doing, and how long it may go on with that.
//!
//! ```text
//! Awaited ─┐
//!          ├─ bytes arrive ──► Head ── the request is there ──► Busy ── answered ──► Idle
//!    Idle ─┘
//! ```
//!
//! A request has times of its own for its body and its answer; here are those between requests, and
//! the one for an answer that the client does not take. One timer a connection looks at the state
//! now and then, so that a request costs no timer. A connection that ends before all was read that
//! the client sends lingers, so that the last answer is not lost.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::ListenerLimits;

/// How long a connection lingers at its end until the client has noticed: a few round trips. Go's
/// servers, which clients of Vault know, take half a second.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// How much is read at once of what nobody wants any more.
const DROPPED_AT_ONCE: usize = 8 << 10;

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Since when there is something to send that the other side does not take.
    blocked: Option<Instant>,
    /// A body was left before its end.
    left: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// A head shall come, since then: the connection is new, or was told to end.
    Awaited(Instant),
    /// So many requests are in flight.
    Busy(usize),
    /// A head is on its way, since then.
    Head(Instant),
    /// Nothing, since then.
    Idle(Instant),
}

/// Why a connection shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No request came.
    Idle,
    /// A head does not come to its end, or an answer is not taken.
    Stalled,
}

impl Activity {
    /// A connection that was just accepted: its first head is awaited.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            phase: Phase::Awaited(Instant::now()),
            blocked: None,
            left: false,
        })))
    }

    /// Takes a request up; it is done when the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        let phase = &mut self.0.lock().phase;
        *phase = match *phase {
            Phase::Busy(others) => Phase::Busy(others + 1),
            Phase::Awaited(_) | Phase::Head(_) | Phase::Idle(_) => Phase::Busy(1),
        };
        InFlight(Arc::clone(self))
    }

    /// Gives a connection that was told to end the time of a head to do so.
    pub(super) fn leave(&self) {
        let phase = &mut self.0.lock().phase;
        if let Phase::Idle(_) = phase {
            *phase = Phase::Awaited(Instant::now());
        }
    }

    /// Notes that the client sends a body that nobody reads to its end.
    pub(super) fn leave_body(&self) {
        self.0.lock().left = true;
    }

    /// Tells whether the client may still be sending what nobody reads: if its connection is closed
    /// under it, it is reset, and an answer that is on its way is lost.
    fn has_unread(&self) -> bool {
        let state = self.0.lock();
        state.left || matches!(state.phase, Phase::Head(_))
    }

    /// Waits until the connection has been at one thing for too long. Whatever begins while this
    /// waits is noticed at most one time-out late.
    pub(super) async fn overdue(&self, limits: &ListenerLimits) -> Overdue {
        let write = limits.write_timeout.unwrap_or(limits.idle_timeout);
        let shortest = limits.header_timeout.min(limits.idle_timeout).min(write);
        loop {
            let now = Instant::now();
            let look = now + shortest;
            let next = match self.due(limits) {
                Some((at, overdue)) if at <= now => return overdue,
                Some((at, _)) => at.min(look),
                None => look,
            };
            sleep_until(next).await;
        }
    }

    /// Returns when what the connection does now is too long, and what it is then.
    fn due(&self, limits: &ListenerLimits) -> Option<(Instant, Overdue)> {
        let state = self.0.lock();
        if let Some(since) = state.blocked {
            return Some((since + limits.write_timeout?, Overdue::Stalled));
        }
        match state.phase {
            Phase::Busy(_) => None,
            Phase::Awaited(since) | Phase::Head(since) => {
                Some((since + limits.header_timeout, Overdue::Stalled))
            }
            Phase::Idle(since) => Some((since + limits.idle_timeout, Overdue::Idle)),
        }
    }

    fn bytes_arrived(&self) {
        let phase = &mut self.0.lock().phase;
        match *phase {
            Phase::Awaited(since) => *phase = Phase::Head(since),
            Phase::Busy(_) | Phase::Head(_) => {}
            Phase::Idle(_) => *phase = Phase::Head(Instant::now()),
        }
    }
}

/// A request in flight.
pub(super) struct InFlight(Arc<Activity>);

impl InFlight {
    /// Returns what its connection is doing.
    pub(super) fn activity(&self) -> &Activity {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let phase = &mut self.0.0.lock().phase;
        *phase = match *phase {
            Phase::Busy(all) if all > 1 => Phase::Busy(all - 1),
            _ => Phase::Idle(Instant::now()),
        };
    }
}

/// A stream that tells its [`Activity`] what passes.
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    /// Bytes between requests begin a head. In HTTP/2 they may be anything.
    heads: bool,
    blocked: bool,
    /// Until when it lingers; it does from when its own half is closed.
    lingers: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// Watches a stream of HTTP/1.
    pub(super) fn http1(stream: S, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            heads: true,
            blocked: false,
            lingers: None,
        }
    }

    /// Watches a stream of HTTP/2.
    pub(super) fn http2(stream: S, activity: Arc<Activity>) -> Self {
        Self {
            heads: false,
            ..Self::http1(stream, activity)
        }
    }

    /// Notes whether the other side takes what is sent.
    fn note<T>(&mut self, sent: Poll<T>, all: Sent) -> Poll<T> {
        match (&sent, all) {
            (Poll::Pending, _) if !self.blocked => {
                self.blocked = true;
                self.activity.0.lock().blocked = Some(Instant::now());
            }
            // A part that was taken does not count: one byte now and then would hold it for ever.
            (Poll::Ready(_), Sent::All) if self.blocked => {
                self.blocked = false;
                self.activity.0.lock().blocked = None;
            }
            _ => {}
        }
        sent
    }
}

/// How much of what there is to send was offered.
#[derive(Clone, Copy)]
enum Sent {
    All,
    Part,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.heads && buffer.filled().len() > before {
            self.activity.bytes_arrived();
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written, Sent::Part)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.note(flushed, Sent::All)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let watched = &mut *self;
        if watched.lingers.is_none() {
            let shut = Pin::new(&mut watched.stream).poll_shutdown(cx);
            ready!(watched.note(shut, Sent::All))?;
            if !watched.activity.has_unread() {
                return Poll::Ready(Ok(()));
            }
        }
        let until = || Box::pin(sleep_until(Instant::now() + LINGER));
        let lingers = watched.lingers.get_or_insert_with(until);
        let mut dropped = [0; DROPPED_AT_ONCE];
        while lingers.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut dropped);
            let read = ready!(Pin::new(&mut watched.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note(written, Sent::Part)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMITS: ListenerLimits = ListenerLimits {
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(300),
        write_timeout: Some(Duration::from_secs(60)),
        ..ListenerLimits::DEFAULT
    };

    /// Says what is due, and in how many seconds.
    fn due(activity: &Activity) -> Option<(u64, Overdue)> {
        let (at, overdue) = activity.due(&LIMITS)?;
        let left = at.saturating_duration_since(Instant::now());
        Some((left.as_secs_f64().round() as u64, overdue))
    }

    #[tokio::test]
    async fn a_request_goes_through_its_phases() {
        let activity = Activity::new();
        assert_eq!(due(&activity), Some((10, Overdue::Stalled)));
        let first = activity.begin();
        let second = activity.begin();
        drop(first);
        assert_eq!(due(&activity), None);
        activity.bytes_arrived();
        assert_eq!(due(&activity), None, "the bytes of a body are no head");
        drop(second);
        assert_eq!(due(&activity), Some((300, Overdue::Idle)));
        activity.bytes_arrived();
        assert_eq!(due(&activity), Some((10, Overdue::Stalled)));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_is_due_whatever_else_happens() {
        let (near, mut far) = tokio::io::duplex(4);
        let activity = Activity::new();
        let _request = activity.begin();
        let mut watched = Watched::http1(near, Arc::clone(&activity));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut write = |bytes: &[u8]| Pin::new(&mut watched).poll_write(&mut cx, bytes).is_ready();
        assert!(write(b"1234"));
        assert_eq!(due(&activity), None);
        assert!(!write(b"5"));
        assert_eq!(due(&activity), Some((60, Overdue::Stalled)));
        far.read_u8().await.unwrap();
        assert!(write(b"5"));
        assert_eq!(
            due(&activity),
            Some((60, Overdue::Stalled)),
            "a part was taken"
        );
        assert!(Pin::new(&mut watched).poll_flush(&mut cx).is_ready());
        assert_eq!(due(&activity), None);
    }

    #[tokio::test]
    async fn a_connection_lingers_if_something_was_left_unread() {
        // Its head came in parts and was never a request; or its body was left.
        for leave_body in [false, true] {
            let (near, mut far) = tokio::io::duplex(4);
            let activity = Activity::new();
            let mut watched = Watched::http1(near, Arc::clone(&activity));
            if leave_body {
                let request = activity.begin();
                activity.leave_body();
                drop(request);
            } else {
                far.write_all(b"GE").await.unwrap();
                watched.read_u8().await.unwrap();
            }
            let ends = tokio::spawn(async move { watched.shutdown().await });
            // Far more than anything holds on the way, and after the end of the other half.
            assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
            far.write_all(&[0; 10_000]).await.unwrap();
            drop(far);
            ends.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_of_which_all_was_read_ends_at_once() {
        let (near, _far) = tokio::io::duplex(4);
        let activity = Activity::new();
        let mut watched = Watched::http1(near, Arc::clone(&activity));
        drop(activity.begin());
        activity.leave();
        let begun = Instant::now();
        watched.shutdown().await.unwrap();
        assert!(begun.elapsed() < LINGER);
    }

    #[tokio::test]
    async fn what_is_overdue_is_noticed() {
        let activity = Activity::new();
        let short = ListenerLimits {
            header_timeout: Duration::from_millis(20),
            idle_timeout: Duration::from_millis(20),
            ..LIMITS
        };
        assert_eq!(activity.overdue(&short).await, Overdue::Stalled);
        drop(activity.begin());
        assert_eq!(activity.overdue(&short).await, Overdue::Idle);
    }
}
