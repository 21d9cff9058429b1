//! What receives the lines of a device in the place of a log collector.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Where a sink listens.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Http(SocketAddr),
    Syslog(PathBuf),
    Tcp(SocketAddr),
    Udp(SocketAddr),
    Unix(PathBuf),
}

/// All that came: a text for each connection, the oldest first, and one for all datagrams.
type Texts = Arc<watch::Sender<Vec<String>>>;

/// A receiver of lines that can go away and come back.
pub(super) struct Sink {
    place: Place,
    texts: Texts,
    listening: JoinHandle<()>,
}

impl Sink {
    pub(super) const ANY: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    pub(super) async fn listen(place: Place) -> Self {
        let texts = Texts::default();
        let (place, listening) = listen(place, Arc::clone(&texts)).await;
        Self {
            place,
            texts,
            listening,
        }
    }

    /// Where it listens, as the option `address` has it, or `uri`.
    pub(super) fn address(&self) -> String {
        match &self.place {
            Place::Http(address) => format!("http://{address}/in"),
            Place::Syslog(path) | Place::Unix(path) => path.display().to_string(),
            Place::Tcp(address) | Place::Udp(address) => address.to_string(),
        }
    }

    /// Goes away, with every connection.
    pub(super) async fn stop(&mut self) {
        self.listening.abort();
        // Only then all of its sockets are closed.
        let _cancelled = (&mut self.listening).await;
        if let Place::Syslog(path) | Place::Unix(path) = &self.place {
            std::fs::remove_file(path).unwrap();
        }
    }

    /// Comes back to where it was.
    pub(super) async fn restart(&mut self) {
        self.listening = listen(self.place.clone(), Arc::clone(&self.texts)).await.1;
    }

    /// Waits until `enough` says so of what came, and returns that.
    pub(super) async fn wait(&self, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut watched = self.texts.subscribe();
        let texts = watched.wait_for(|texts| enough(texts)).await.unwrap();
        texts.clone()
    }
}

/// The entries of all whole lines.
pub(super) fn entries(texts: &[String]) -> Vec<Value> {
    let lines = texts.iter().flat_map(|text| {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines()
    });
    lines.map(entry).collect()
}

/// The entry of a line, with or without what syslog puts before it.
pub(super) fn entry(line: &str) -> Value {
    let json = line.find('{').unwrap_or_else(|| panic!("{line}"));
    serde_json::from_str(&line[json..]).unwrap_or_else(|error| panic!("{error}: {line}"))
}

async fn listen(place: Place, texts: Texts) -> (Place, JoinHandle<()>) {
    match place {
        Place::Http(address) => {
            let listener = TcpListener::bind(address).await.unwrap();
            let place = Place::Http(listener.local_addr().unwrap());
            let listening = tokio::spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(take_posts(stream, Arc::clone(&texts)));
                }
            });
            (place, listening)
        }
        Place::Syslog(path) => {
            let socket = UnixDatagram::bind(&path).unwrap();
            let listening = tokio::spawn(async move {
                let mut datagram = vec![0; 1 << 18];
                while let Ok(length) = socket.recv(&mut datagram).await {
                    push(&texts, 0, &datagram[..length]);
                }
            });
            (Place::Syslog(path), listening)
        }
        Place::Tcp(address) => {
            let listener = TcpListener::bind(address).await.unwrap();
            let place = Place::Tcp(listener.local_addr().unwrap());
            let listening = tokio::spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let index = begin(&texts);
                    connections.spawn(read(stream, index, Arc::clone(&texts)));
                }
            });
            (place, listening)
        }
        Place::Udp(address) => {
            let socket = UdpSocket::bind(address).await.unwrap();
            let place = Place::Udp(socket.local_addr().unwrap());
            let listening = tokio::spawn(async move {
                let mut datagram = vec![0; 1 << 16];
                while let Ok(length) = socket.recv(&mut datagram).await {
                    push(&texts, 0, &datagram[..length]);
                }
            });
            (place, listening)
        }
        Place::Unix(path) => {
            let listener = UnixListener::bind(&path).unwrap();
            let listening = tokio::spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let index = begin(&texts);
                    connections.spawn(read(stream, index, Arc::clone(&texts)));
                }
            });
            (Place::Unix(path), listening)
        }
    }
}

/// Takes posts, one after the other, whose bodies all go into one text.
async fn take_posts(stream: TcpStream, texts: Texts) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        assert!(head.starts_with("POST /in HTTP/1.1\r\n"), "{head}");
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
        stream.read_exact(&mut body).await?;
        push(&texts, 0, &body);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
    }
}

/// Begins the text of a connection, in the order in which they were accepted.
fn begin(texts: &Texts) -> usize {
    let mut index = 0;
    texts.send_modify(|texts| {
        index = texts.len();
        texts.push(String::new());
    });
    index
}

async fn read(mut stream: impl AsyncRead + Unpin, index: usize, texts: Texts) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        push(&texts, index, &buffer[..length]);
    }
}

fn push(texts: &Texts, index: usize, bytes: &[u8]) {
    texts.send_modify(|texts| {
        if texts.len() <= index {
            texts.resize(index + 1, String::new());
        }
        // Our lines are ASCII, so that no read cuts a character in two.
        texts[index].push_str(std::str::from_utf8(bytes).unwrap());
    });
}
