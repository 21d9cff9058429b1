//! One connection: TLS, then HTTP/1.1 or HTTP/2, until it ends or is ended.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::{
    ListenerLimits,
    activity::{Activity, InFlight, LINGER, Overdue, Watched},
};
use crate::tls::{H2, Tls};

/// The first byte of every handshake (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;

/// What clients hear that forgot the `s` of `https`.
const NO_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// How many resets of streams that were not even opened an HTTP/2 client has free: beyond them it
/// makes work on purpose (CVE-2023-44487).
const MOST_RESETS: usize = 20;

/// Keeps a listener, once it stops, waiting until this is dropped. Each request that it took
/// carries one, beside the address that it came from.
#[derive(Clone)]
pub(crate) struct Pending {
    _stop: watch::Receiver<()>,
}

/// What serves one connection.
pub(super) struct Connection {
    pub(super) remote: Option<SocketAddr>,
    pub(super) router: Router,
    pub(super) limits: ListenerLimits,
    /// Changes when the server stops; that it exists is how the listener knows of the connection.
    pub(super) stop: watch::Receiver<()>,
}

impl Connection {
    /// Serves a connection that speaks TLS.
    pub(super) async fn over_tls(mut self, tls: Arc<Tls>, stream: TcpStream) {
        let shaken = tokio::select! {
            shaken = timeout(self.limits.header_timeout, handshake(&tls, stream)) => shaken,
            _ = self.stop.changed() => return,
        };
        let stream = match shaken {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let remote = self.remote.map(|remote| remote.to_string());
                return tracing::debug!(remote, %error, "TLS handshake failed");
            }
            Err(_) => return tracing::debug!("TLS handshake took too long"),
        };
        if stream.get_ref().1.alpn_protocol() == Some(H2) {
            self.http2(stream).await;
        } else {
            self.http1(stream).await;
        }
    }

    /// Serves HTTP/1.1 on a stream.
    pub(super) async fn http1(self, stream: impl Stream) {
        let activity = Activity::new();
        let io = TokioIo::new(Watched::http1(stream, Arc::clone(&activity)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // `Activity` has a longer patience between requests than within their heads.
            .header_read_timeout(None)
            .max_headers(self.limits.headers)
            .max_header_size(self.limits.header_bytes as usize)
            .serve_connection(io, self.service(&activity));
        self.drive(connection, &activity).await;
    }

    /// Serves HTTP/2 on a stream.
    async fn http2(self, stream: impl Stream) {
        let activity = Activity::new();
        let io = TokioIo::new(Watched::http2(stream, Arc::clone(&activity)));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(self.limits.header_bytes)
            .max_pending_accept_reset_streams(MOST_RESETS)
            .max_local_error_reset_streams(MOST_RESETS)
            .serve_connection(io, self.service(&activity));
        self.drive(connection, &activity).await;
    }

    /// Hands requests to the router, with what is to be known of them.
    fn service(
        &self,
        activity: &Arc<Activity>,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<Guarded>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<> {
        let (router, activity) = (self.router.clone(), Arc::clone(activity));
        let remote = self.remote;
        let pending = Pending {
            _stop: self.stop.clone(),
        };
        service_fn(move |request: Request<Incoming>| {
            let in_flight = activity.begin();
            let mut request = request.map(|body| arriving(body, &activity));
            if let Some(remote) = remote {
                request.extensions_mut().insert(remote);
            }
            request.extensions_mut().insert(pending.clone());
            let answer = router.clone().oneshot(request);
            async move {
                let guarded = |body| Guarded {
                    body,
                    _in_flight: in_flight,
                };
                Ok(answer.await?.map(guarded))
            }
        })
    }

    /// Drives a connection to its end: its own, the server's, or that of all patience.
    async fn drive<C>(mut self, connection: C, activity: &Activity)
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let mut connection = pin!(connection);
        let mut told_to_end = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
                _ = self.stop.changed(), if !told_to_end => {}
                overdue = activity.overdue(&self.limits) => {
                    if overdue == Overdue::Stalled || told_to_end {
                        return tracing::debug!("a connection was cut off: it was too slow");
                    }
                }
            }
            told_to_end = true;
            activity.leave();
            connection.as_mut().graceful_shutdown();
        }
    }
}

/// What a connection is made of.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

async fn handshake(tls: &Tls, mut stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
        stream.write_all(NO_TLS).await?;
        stream.shutdown().await?;
        // What it sends is not read: it is reset with the answer if it is not let go first.
        let mut rest = tokio::io::sink();
        let _ = timeout(LINGER, tokio::io::copy(&mut stream, &mut rest)).await;
        return Err(std::io::Error::other("the client speaks no TLS"));
    }
    tls.acceptor().accept(stream).await
}

/// Hands on the body of a request. Its connection is busy until the last part was read.
fn arriving(body: Incoming, activity: &Arc<Activity>) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let in_flight = activity.begin();
    Body::new(Arriving {
        body: Some(body),
        in_flight,
    })
}

/// The body of a request; the connection is told if it is left before its end.
struct Arriving {
    /// There until it ends.
    body: Option<Incoming>,
    in_flight: InFlight,
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None) = polled {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.as_ref().map(Incoming::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !http_body::Body::is_end_stream(self) {
            self.in_flight.activity().leave_body();
        }
    }
}

/// The body of an answer, whose request is in flight until the last part of it was handed over.
struct Guarded {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
