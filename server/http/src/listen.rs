//! The listener: accepts connections within bounds and ends them gracefully.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt as _;

/// What a connection may cost before a request is understood.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// How many connections are served at once; further ones wait to be accepted.
    pub connections: usize,
    /// How long the headers of a request may take to arrive.
    pub header_timeout: Duration,
    /// How many headers a request may have.
    pub headers: usize,
    /// How long requests in flight may take to finish once the server stops.
    pub drain: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            header_timeout: Duration::from_secs(10),
            headers: 64,
            drain: Duration::from_secs(30),
        }
    }
}

/// A bound TCP socket that serves HTTP/1.1.
pub struct Listener {
    socket: TcpListener,
    limits: ListenerLimits,
}

impl Listener {
    /// Binds an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub fn bind(address: SocketAddr, limits: ListenerLimits) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        Ok(Self {
            socket: TcpListener::from_std(socket.into())?,
            limits,
        })
    }

    /// Returns the address, with the port that was taken.
    ///
    /// # Errors
    /// The socket does not know.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` is done, then finishes what was begun.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()> + Send) {
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&slots) => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, remote, slot)) => {
                    self.connection(stream, remote, slot, &router, &graceful);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of descriptors, usually: let those in use come free first.
                    tokio::task::yield_now().await;
                }
            }
        }
        if tokio::time::timeout(self.limits.drain, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("connections were cut off: they did not finish in time");
        }
    }

    async fn accept(
        &self,
        slots: &Arc<Semaphore>,
    ) -> io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
        // The semaphore is never closed, so there is always a permit.
        let slot = Arc::clone(slots).acquire_owned().await.ok();
        let (stream, remote) = self.socket.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, remote, slot))
    }

    fn connection(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
        slot: Option<OwnedSemaphorePermit>,
        router: &Router,
        graceful: &GracefulShutdown,
    ) {
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(remote);
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_headers(self.limits.headers)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%remote, %error, "connection ended");
            }
            drop(slot);
        });
    }
}
