//! A small HTTP/1.1 client over plain TCP: one request, one answer, the connection kept alive.
//!
//! The load bench must cost less than the server it measures, so a request is bytes written once
//! beforehand, and an answer is read into a buffer that is used again: no tasks, no header map, no
//! allocation for an answer that names its length.
//!
//! **Invariant:** exactly one request is in flight on a connection; bytes after its answer are an
//! error, since nobody asked for them.

mod answer;
mod api;

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) use api::{Address, Api, Refusal};

use answer::Frame;

/// The room for an answer at first; it grows for larger ones.
const BUFFER: usize = 16 * 1024;

/// The largest answer taken: a bench or demo call that gets more has gone wrong.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The bytes of a request with a JSON body (or none).
pub(crate) fn request(
    method: &str,
    address: &Address,
    path: &str,
    token: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nX-Vault-Token: {token}\r\n\
         X-Vault-Request: true\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len(),
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// One kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The body, without its transfer coding.
    pub(crate) body: &'a [u8],
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) async fn open(address: &Address) -> Result<Self> {
        let stream = TcpStream::connect(address.authority()).await?;
        // A request is one small write; waiting to fill a packet would measure the wait.
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; BUFFER],
        })
    }

    /// Sends a request and reads its answer whole.
    ///
    /// # Errors
    /// The connection broke, or the answer is not HTTP/1.1. The connection is then of no more use.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let frame = loop {
            if filled == self.buffer.len() {
                if filled >= LARGEST_ANSWER {
                    return Err(Error::new(ErrorKind::InvalidData, "an answer without end"));
                }
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the server hung up"));
            }
            filled += read;
            if let Some(frame) = Frame::parse(&self.buffer[..filled])? {
                break frame;
            }
        };
        if frame.end != filled {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "more came than the answer",
            ));
        }
        Ok(Answer {
            status: frame.status,
            keep_alive: frame.keep_alive,
            body: frame.body.gather(&mut self.buffer),
        })
    }
}
