//! The `socket` audit device: lines over TCP, UDP or a Unix socket.
//!
//! Over a stream the lines of all requests that wait go out in one write. If a connection fails
//! they go out once more over a new one; if that fails too, those requests have failed on this
//! device. A new connection begins as a new file does: its first line says which one it follows.
//! A connection that broke may end in lines, or part of one, that the next has again under the
//! same sequence numbers: what counts of it are the lines up to the one that the next follows.
//!
//! **Invariant:** no connection that a write failed on is used again, so that within one no line is
//! torn and followed by others, or doubled.
//!
//! A stream is not acknowledged by who reads it: what a receiver had not read when it died is lost
//! without an error. A file device beside this one keeps those lines.

use std::{io, mem::MaybeUninit, os::fd::AsFd, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use keyward_api::coerce;
use keyward_core::audit::{AuditDevice, AuditError, AuditKind, Chain, Lines, Options, Standing};
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{
    courier::{Carrier, Courier},
    datagram::{Datagrams, Target},
};

/// The line of the registry.
///
/// Options: `address`, `HOST:PORT` or a path; `socket_type`, `tcp` unless given, `udp`, `unix` or
/// `unixgram`; `write_timeout`, 2 seconds unless given, for each write and for each connection.
pub const SOCKET: AuditKind = AuditKind {
    name: "socket",
    options: &["address", "socket_type", "write_timeout"],
    open,
};

/// The capacity that is kept from one batch to the next.
const KEPT_BUFFER: usize = 1 << 20;

fn open(options: &Options, standing: &Arc<Standing>) -> Result<Arc<dyn AuditDevice>, AuditError> {
    let address = options.get("address").cloned().unwrap_or_default();
    if address.is_empty() {
        return Err(AuditError::options("address is required"));
    }
    let timeout = write_timeout(options)?;
    let datagrams = |target| {
        Courier::start(Datagrams::new(
            target,
            timeout,
            Box::new(|_: &mut Vec<u8>| {}),
            standing,
        ))
    };
    let stream = |place| Courier::start(Stream::new(place, timeout, standing));
    let path = || PathBuf::from(&address);
    Ok(
        match options.get("socket_type").map_or("tcp", String::as_str) {
            "tcp" => stream(Address::Tcp(with_port(address)?)),
            "udp" => datagrams(Target::Udp(with_port(address)?)),
            "unix" => stream(Address::Unix(path())),
            "unixgram" => datagrams(Target::Unix(vec![path()])),
            other => return Err(AuditError::options(format!("unknown network {other}"))),
        },
    )
}

fn write_timeout(options: &Options) -> Result<Duration, AuditError> {
    let text = options.get("write_timeout").map_or("2s", String::as_str);
    let seconds = coerce::parse_seconds(text).map_err(AuditError::options)?;
    match u64::try_from(seconds) {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(AuditError::options(
            "write_timeout must be a second at least",
        )),
    }
}

fn with_port(address: String) -> Result<String, AuditError> {
    let port = address
        .rsplit_once(':')
        .map(|(_, port)| port.parse::<u16>());
    match port {
        None => Err(AuditError::options(format!(
            "address {address}: missing port in address"
        ))),
        Some(Err(_)) => Err(AuditError::options(format!(
            "address {address}: invalid port"
        ))),
        Some(Ok(_)) => Ok(address),
    }
}

/// A carrier that writes lines to one connection.
struct Stream {
    address: Address,
    timeout: Duration,
    connection: Option<Connection>,
    chain: Chain,
    standing: Arc<Standing>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Address {
    Tcp(String),
    Unix(PathBuf),
}

enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn new(address: Address, timeout: Duration, standing: &Arc<Standing>) -> Self {
        Self {
            address,
            timeout,
            connection: None,
            chain: Chain::default(),
            standing: Arc::clone(standing),
            buffer: Vec::new(),
        }
    }

    async fn send(&mut self, batch: &[Lines]) -> io::Result<()> {
        if let Some(connection) = self.connection.take().filter(Connection::is_open)
            && self.write(connection, batch).await.is_ok()
        {
            return Ok(());
        }
        let connection = timeout(self.timeout, self.address.connect()).await??;
        self.chain.begin_file();
        self.write(connection, batch).await
    }

    /// Writes all of the lines, and keeps the connection if that went well.
    async fn write(&mut self, mut connection: Connection, batch: &[Lines]) -> io::Result<()> {
        let mut chain = self.chain.clone();
        self.buffer.clear();
        for lines in batch {
            lines.close(&mut chain, &mut self.buffer);
        }
        timeout(self.timeout, connection.write_all(&self.buffer)).await??;
        self.buffer.shrink_to(KEPT_BUFFER);
        self.chain = chain;
        self.standing.note(&self.chain);
        self.connection = Some(connection);
        Ok(())
    }
}

#[async_trait]
impl Carrier for Stream {
    async fn deliver(&mut self, batch: &[Lines]) -> Vec<Result<(), AuditError>> {
        let sent = self.send(batch).await.map_err(|error| match &self.address {
            Address::Tcp(address) => AuditError::failed(format!("tcp {address}: {error}")),
            Address::Unix(path) => AuditError::failed(format!("unix {}: {error}", path.display())),
        });
        vec![sent; batch.len()]
    }

    fn close(&mut self) {
        self.connection = None;
    }
}

impl Address {
    async fn connect(&self) -> io::Result<Connection> {
        Ok(match self {
            Self::Tcp(address) => {
                let stream = not_to_itself(TcpStream::connect(address).await?)?;
                stream.set_nodelay(true)?;
                Connection::Tcp(stream)
            }
            Self::Unix(path) => Connection::Unix(UnixStream::connect(path).await?),
        })
    }
}

/// Refuses a connection whose two ends are one. TCP makes it where nobody listens on a port of this
/// machine and the system happens to choose that port for the caller; lines written there would be
/// taken by nobody.
fn not_to_itself(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

impl Connection {
    async fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(text).await,
            Self::Unix(stream) => stream.write_all(text).await,
        }
    }

    /// Tells whether the other end is there still: the first write after it went away would be
    /// taken by the kernel, and lost. What the other end says is not for us.
    fn is_open(&self) -> bool {
        let fd = match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        };
        let mut said = [MaybeUninit::uninit(); 1024];
        match SockRef::from(&fd).recv(&mut said) {
            Ok(length) => length > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

#[cfg(test)]
mod tests;
