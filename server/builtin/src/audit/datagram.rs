//! Lines as datagrams, one each: whole or not at all, and nobody says whether they arrived.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use keyward_core::audit::{AuditError, Chain, Lines, Open, Standing};
use rustix::io::Errno;
use tokio::{
    net::{UdpSocket, UnixDatagram, lookup_host},
    time::timeout,
};

use super::courier::Carrier;

/// Where datagrams go.
#[derive(Debug)]
pub(super) enum Target {
    /// `HOST:PORT`, looked up for each new socket.
    Udp(String),
    /// Paths of sockets of this machine; the first that is there.
    Unix(Vec<PathBuf>),
}

/// Appends what stands before the line in a datagram.
pub(super) type Head = Box<dyn Fn(&mut Vec<u8>) + Send>;

/// A carrier that sends each line as one datagram.
pub(super) struct Datagrams {
    target: Target,
    head: Head,
    timeout: Duration,
    socket: Option<Socket>,
    chain: Chain,
    standing: Arc<Standing>,
    datagram: Vec<u8>,
}

enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Datagrams {
    pub(super) fn new(
        target: Target,
        timeout: Duration,
        head: Head,
        standing: &Arc<Standing>,
    ) -> Self {
        Self {
            target,
            head,
            timeout,
            socket: None,
            chain: Chain::default(),
            standing: Arc::clone(standing),
            datagram: Vec::new(),
        }
    }

    /// Sends one line; one that an old socket does not take is sent once more by a new one.
    async fn send(&mut self, line: Open<'_>) -> io::Result<()> {
        let mut chain = self.chain.clone();
        self.datagram.clear();
        (self.head)(&mut self.datagram);
        chain.close(line, &mut self.datagram);
        let sent = match self.socket.take() {
            Some(socket) => self.send_by(socket).await,
            None => Err(ErrorKind::NotConnected.into()),
        };
        match sent {
            Err(error) if may_go_by_another(&error) => {
                let opening = timeout(self.timeout, self.target.open());
                self.send_by(opening.await??).await?;
            }
            sent => sent?,
        }
        self.chain = chain;
        self.standing.note(&self.chain);
        Ok(())
    }

    /// Sends the datagram, and keeps the socket if that is good for more.
    async fn send_by(&mut self, socket: Socket) -> io::Result<()> {
        let sending = timeout(self.timeout, socket.send(&self.datagram));
        let sent = sending.await.map_err(io::Error::from).flatten();
        if sent.is_ok() || sent.as_ref().is_err_and(is_too_long) {
            self.socket = Some(socket);
        }
        sent
    }
}

#[async_trait]
impl Carrier for Datagrams {
    async fn deliver(&mut self, batch: &[Lines]) -> Vec<Result<(), AuditError>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut down = None;
        for lines in batch {
            let mut outcome = down.clone().map_or(Ok(()), Err);
            for line in lines.iter() {
                if outcome.is_err() {
                    break;
                }
                outcome = self.send(line).await.map_err(|error| {
                    let told = self.describe(&error);
                    // One line that is too long says nothing about those after it.
                    if !is_too_long(&error) {
                        down = Some(told.clone());
                    }
                    told
                });
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn close(&mut self) {
        self.socket = None;
    }
}

impl Datagrams {
    fn describe(&self, error: &io::Error) -> AuditError {
        let length = self.datagram.len();
        match &self.target {
            _ if is_too_long(error) => AuditError::failed(format!(
                "a line of {length} bytes is too long for a datagram; \
                 enable a file or a tcp device as well"
            )),
            Target::Udp(address) => AuditError::failed(format!("udp {address}: {error}")),
            Target::Unix(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
                AuditError::failed(format!("unix {}: {error}", paths.join(", ")))
            }
        }
    }
}

impl Target {
    async fn open(&self) -> io::Result<Socket> {
        let mut last = io::Error::from(ErrorKind::NotFound);
        match self {
            Self::Udp(address) => {
                for address in lookup_host(address).await? {
                    match connect(address).await {
                        Ok(socket) => return Ok(Socket::Udp(socket)),
                        Err(error) => last = error,
                    }
                }
            }
            Self::Unix(paths) => {
                for path in paths {
                    let socket = UnixDatagram::unbound()?;
                    match socket.connect(path) {
                        Ok(()) => return Ok(Socket::Unix(socket)),
                        Err(error) => last = error,
                    }
                }
            }
        }
        Err(last)
    }
}

async fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}

impl Socket {
    async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send(datagram).await,
            Self::Unix(socket) => socket.send(datagram).await,
        }
        .map(drop)
    }
}

fn is_too_long(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MSGSIZE)
}

/// Tells whether a datagram that was not sent may be by a new socket: a full one is as full then.
fn may_go_by_another(error: &io::Error) -> bool {
    error.kind() != ErrorKind::TimedOut && !is_too_long(error)
}
