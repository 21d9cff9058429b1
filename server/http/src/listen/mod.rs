//! The listener: accepts connections within bounds and ends them gracefully.

mod activity;
mod connection;
mod socket;

use std::{fmt, future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub(crate) use self::connection::Pending;
pub use self::socket::UnixSocket;
use self::{
    connection::Connection,
    socket::{Accepted, Socket},
};
use crate::tls::Tls;

/// What a connection may cost before a request is understood.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// How many connections are served at once; further ones wait to be accepted.
    pub connections: usize,
    /// How many requests one HTTP/2 connection may have in flight.
    pub streams: u32,
    /// How long a TLS handshake may take, and the head of a request.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long an answer may wait for its client to take it; none is for ever.
    pub write_timeout: Option<Duration>,
    /// How many headers a request of HTTP/1.1 may have until it is not taken apart any more: above
    /// [`Limits::headers`](crate::Limits::headers), which is answered in Vault's shape.
    pub headers: usize,
    /// How many bytes its head may have, likewise.
    pub header_bytes: u32,
    /// How long requests in flight may take to finish once the server stops.
    pub drain: Duration,
}

impl ListenerLimits {
    /// What holds unless told otherwise.
    pub const DEFAULT: Self = Self {
        connections: 16_384,
        streams: 128,
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(300),
        write_timeout: Some(Duration::from_secs(300)),
        headers: 256,
        header_bytes: 64 << 10,
        drain: Duration::from_secs(30),
    };
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A bound socket that serves HTTP/1.1, and under TLS HTTP/2 as well.
pub struct Listener {
    socket: Socket,
    tls: Option<Arc<Tls>>,
    limits: ListenerLimits,
}

impl Listener {
    /// Binds an address; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub fn tcp(
        address: SocketAddr,
        tls: Option<Arc<Tls>>,
        limits: ListenerLimits,
    ) -> io::Result<Self> {
        let socket = Socket::tcp(address)?;
        Ok(Self {
            socket,
            tls,
            limits,
        })
    }

    /// Binds a Unix socket, which is removed with the listener.
    ///
    /// # Errors
    /// The file cannot be made, or somebody listens there.
    pub fn unix(socket: &UnixSocket, limits: ListenerLimits) -> io::Result<Self> {
        Ok(Self {
            socket: Socket::unix(socket)?,
            tls: None,
            limits,
        })
    }

    /// Returns the address that clients use, with the port that was taken.
    ///
    /// # Errors
    /// The socket does not know.
    pub fn url(&self) -> io::Result<String> {
        let scheme = match (&self.socket, &self.tls) {
            (Socket::Unix(_), _) => "unix",
            (Socket::Tcp(_), Some(_)) => "https",
            (Socket::Tcp(_), None) => "http",
        };
        Ok(format!("{scheme}://{}", self.socket.address()?))
    }

    /// Serves until `stop` is done, then finishes what was begun: also that for which no client waits
    /// any more.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()> + Send) {
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let (stopping, stopped) = watch::channel(());
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&slots) => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((accepted, slot)) => self.spawn(accepted, slot, &router, stopped.clone()),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    pause().await;
                }
            }
        }
        // Nobody is accepted any more: what waits is told so at once, and goes elsewhere.
        drop((self.socket, stopped));
        stopping.send_replace(());
        if tokio::time::timeout(self.limits.drain, stopping.closed())
            .await
            .is_err()
        {
            tracing::warn!("requests were cut off: they did not finish in time");
        }
    }

    async fn accept(
        &self,
        slots: &Arc<Semaphore>,
    ) -> io::Result<(Accepted, Option<OwnedSemaphorePermit>)> {
        // The semaphore is never closed, so there is always a permit.
        let slot = Arc::clone(slots).acquire_owned().await.ok();
        Ok((self.socket.accept().await?, slot))
    }

    fn spawn(
        &self,
        accepted: Accepted,
        slot: Option<OwnedSemaphorePermit>,
        router: &Router,
        stop: watch::Receiver<()>,
    ) {
        let (router, limits) = (router.clone(), self.limits);
        let tls = self.tls.clone();
        let connection = move |remote| Connection {
            remote,
            router,
            limits,
            stop,
        };
        tokio::spawn(async move {
            match (accepted, tls) {
                (Accepted::Tcp(stream, remote), Some(tls)) => {
                    connection(Some(remote)).over_tls(tls, stream).await;
                }
                (Accepted::Tcp(stream, remote), None) => {
                    connection(Some(remote)).http1(stream).await;
                }
                (Accepted::Unix(stream), _) => connection(None).http1(stream).await,
            }
            drop(slot);
        });
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("url", &self.url().ok())
            .finish_non_exhaustive()
    }
}

/// Waits a moment before a connection is tried again.
#[expect(
    clippy::disallowed_methods,
    reason = "the system sends no event when it has descriptors again"
)]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[cfg(test)]
mod tests;
