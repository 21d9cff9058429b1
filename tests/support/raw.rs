//! One HTTP/1.1 exchange over a bare socket.
//!
//! HTTP libraries tidy a path before they send it (`..`, `//`, control characters); the refusals of
//! those paths can only be seen by writing the bytes oneself. It also tells when a freshly started
//! server answers, without pulling an async runtime into the start-up code.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What came back: the status, the head as text, and the body.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends one request with `Connection: close` and reads the answer to its end.
///
/// `target` goes into the request line as it is. `headers` are whole lines without their line end.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &[u8],
) -> io::Result<RawAnswer> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        request.push_str(header);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    // A server may refuse by the head alone and close while the body is still on its way: its
    // answer then lies in the receive buffer all the same.
    let _refused_early = stream.write_all(body);
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !bytes.is_empty() => {}
        Err(error) => return Err(error),
    }
    parse(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
}

/// Many exchanges with one server, over one connection for as long as the server keeps it.
pub(crate) struct Conversation {
    address: SocketAddr,
    headers: String,
    open: Option<BufReader<TcpStream>>,
}

impl Conversation {
    /// Begins one whose requests all carry `headers`, whole lines without their line end.
    pub(crate) fn new(address: SocketAddr, headers: &[&str]) -> Self {
        let headers = headers.iter().map(|line| format!("{line}\r\n")).collect();
        Self {
            address,
            headers,
            open: None,
        }
    }

    /// Sends one request, with `target` in the request line byte for byte, and reads the answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &[u8],
        body: &[u8],
    ) -> io::Result<RawAnswer> {
        let mut stream = match self.open.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
                stream.set_read_timeout(Some(Duration::from_secs(30)))?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        let mut request = format!("{method} ").into_bytes();
        request.extend_from_slice(target);
        let rest = format!(
            " HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{}\r\n",
            self.address,
            body.len(),
            self.headers
        );
        request.extend_from_slice(rest.as_bytes());
        request.extend_from_slice(body);
        stream.get_mut().write_all(&request)?;

        let (mut head, mut length, mut closes) = (String::new(), 0, false);
        loop {
            let from = head.len();
            if stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = head[from..].trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                _ if line.is_empty() => break,
                Some(("content-length", given)) => length = given.parse().unwrap(),
                Some(("connection", "close")) => closes = true,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        if !closes {
            self.open = Some(stream);
        }
        head.push_str(&String::from_utf8_lossy(&body));
        parse(&head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP answer"))
    }
}

fn parse(text: &str) -> Option<RawAnswer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(RawAnswer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}
