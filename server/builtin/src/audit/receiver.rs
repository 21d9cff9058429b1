//! What tests let receive the lines of a device: streams and datagrams over real sockets.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use keyward_core::{
    ManualClock, Timestamp,
    audit::{AuditDevice, AuditKind, Options, Standing, conformance::Fixture},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::{TcpListener, UdpSocket, UnixDatagram, UnixListener},
    sync::watch,
    task::JoinHandle,
};

/// Where a receiver listens.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Datagrams(PathBuf),
    Stream(PathBuf),
    Tcp(SocketAddr),
    Udp(SocketAddr),
}

/// A device and what receives its lines: a text for each connection, one for all datagrams.
pub(super) struct Receiver {
    device: Arc<dyn AuditDevice>,
    place: Place,
    texts: watch::Sender<Vec<Vec<u8>>>,
    listening: JoinHandle<()>,
    /// What stands before a line in a datagram ends with this; nothing does if it is empty.
    head_ends: &'static str,
}

/// Returns options from their names and values.
pub(super) fn options(pairs: &[(&str, &str)]) -> Options {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Makes a device, or the sentence why not.
pub(super) fn open(
    kind: &AuditKind,
    pairs: &[(&str, &str)],
) -> Result<Arc<dyn AuditDevice>, String> {
    /// 2023-11-14T22:13:20Z.
    const NOW: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
    let clock = Arc::new(ManualClock::new(NOW));
    let standing = Arc::new(Standing::new("device/", clock, None));
    (kind.open)(&options(pairs), &standing).map_err(|error| error.to_string())
}

impl Receiver {
    /// Listens, and makes a device with `options` that writes there.
    pub(super) async fn start(kind: &AuditKind, place: Place, pairs: &[(&str, &str)]) -> Self {
        let texts = watch::Sender::default();
        let (place, listening) = listen(place, texts.clone()).await;
        let address = place.address();
        let pairs = [pairs, &[("address", &address)]].concat();
        Self {
            device: open(kind, &pairs).unwrap(),
            place,
            texts,
            listening,
            head_ends: "",
        }
    }

    /// Takes off each datagram what stands before its line: all up to the first `end`.
    pub(super) fn with_head_until(mut self, end: &'static str) -> Self {
        self.head_ends = end;
        self
    }

    /// Waits until `lines` whole lines are there, and returns what came as it came.
    pub(super) async fn raw(&self, lines: usize) -> Vec<String> {
        let there = |texts: &Vec<Vec<u8>>| {
            let text = texts.iter().flatten();
            text.filter(|byte| **byte == b'\n').count() >= lines
        };
        let mut watched = self.texts.subscribe();
        let texts = watched.wait_for(there).await.unwrap();
        let texts = texts.iter().map(|text| String::from_utf8(text.clone()));
        texts.map(Result::unwrap).collect()
    }
}

#[async_trait]
impl Fixture for Receiver {
    fn device(&self) -> &Arc<dyn AuditDevice> {
        &self.device
    }

    async fn break_down(&mut self) -> bool {
        self.listening.abort();
        // Only then all of its sockets are closed.
        let _cancelled = (&mut self.listening).await;
        self.place.remove();
        !matches!(self.place, Place::Udp(_))
    }

    async fn mend(&mut self) {
        self.listening = listen(self.place.clone(), self.texts.clone()).await.1;
    }

    async fn received(&mut self, lines: usize) -> Vec<String> {
        let line = |line: &str| match line.split_once(self.head_ends) {
            Some((_, line)) => format!("{line}\n"),
            None => panic!("{line} has no head"),
        };
        let texts = self.raw(lines).await;
        match self.head_ends {
            "" => texts,
            _ => texts
                .iter()
                .map(|text| text.lines().map(line).collect())
                .collect(),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
        self.place.remove();
        self.place.remove_folder();
    }
}

impl Place {
    /// A TCP or UDP port that is chosen when it listens.
    pub(super) const ANY: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    /// A path that nothing else uses, short enough for a socket.
    pub(super) fn fresh_path() -> PathBuf {
        let folder = tempfile::tempdir().unwrap().keep();
        folder.join("socket")
    }

    fn address(&self) -> String {
        match self {
            Self::Datagrams(path) | Self::Stream(path) => path.display().to_string(),
            Self::Tcp(address) | Self::Udp(address) => address.to_string(),
        }
    }

    fn remove(&self) {
        if let Self::Datagrams(path) | Self::Stream(path) = self {
            let _already_gone = std::fs::remove_file(path);
        }
    }

    /// Removes the folder of [`fresh_path`](Self::fresh_path); another one is not empty.
    fn remove_folder(&self) {
        if let Self::Datagrams(path) | Self::Stream(path) = self {
            let _others_live_there = path.parent().map(std::fs::remove_dir);
        }
    }
}

/// Listens at a place, and returns which it is.
async fn listen(place: Place, texts: watch::Sender<Vec<Vec<u8>>>) -> (Place, JoinHandle<()>) {
    match place {
        Place::Datagrams(path) => {
            let socket = UnixDatagram::bind(&path).unwrap();
            let listening = tokio::spawn(async move {
                let mut datagram = vec![0; 1 << 18];
                while let Ok(length) = socket.recv(&mut datagram).await {
                    push(&texts, 0, &datagram[..length]);
                }
            });
            (Place::Datagrams(path), listening)
        }
        Place::Stream(path) => {
            let listener = UnixListener::bind(&path).unwrap();
            let accept = move |cx: &mut Context<'_>| listener.poll_accept(cx);
            let listening = tokio::spawn(gather(accept, texts));
            (Place::Stream(path), listening)
        }
        Place::Tcp(address) => {
            let listener = TcpListener::bind(address).await.unwrap();
            let place = Place::Tcp(listener.local_addr().unwrap());
            let accept = move |cx: &mut Context<'_>| listener.poll_accept(cx);
            let listening = tokio::spawn(gather(accept, texts));
            (place, listening)
        }
        Place::Udp(address) => {
            let socket = UdpSocket::bind(address).await.unwrap();
            // What waits to be read is bounded by the socket's buffer; beyond, UDP drops.
            socket2::SockRef::from(&socket)
                .set_recv_buffer_size(4 << 20)
                .unwrap();
            let place = Place::Udp(socket.local_addr().unwrap());
            let listening = tokio::spawn(async move {
                let mut datagram = vec![0; 1 << 16];
                while let Ok(length) = socket.recv(&mut datagram).await {
                    push(&texts, 0, &datagram[..length]);
                }
            });
            (place, listening)
        }
    }
}

/// Reads connections until none can be accepted. They are part of this one task, so that with its
/// end all of them are closed.
async fn gather<S: AsyncRead + Unpin, A>(
    mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<(S, A)>>,
    texts: watch::Sender<Vec<Vec<u8>>>,
) {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = poll_fn(&mut accept) => match accepted {
                Ok((stream, _)) => connections.push(read(stream, begin(&texts), texts.clone())),
                Err(_) => return,
            },
            Some(()) = connections.next() => {}
        }
    }
}

/// Begins the text of a connection, in the order in which they were accepted.
fn begin(texts: &watch::Sender<Vec<Vec<u8>>>) -> usize {
    let mut index = 0;
    texts.send_modify(|texts| {
        index = texts.len();
        texts.push(Vec::new());
    });
    index
}

async fn read(
    mut stream: impl AsyncRead + Unpin,
    index: usize,
    texts: watch::Sender<Vec<Vec<u8>>>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        push(&texts, index, &buffer[..length]);
    }
}

fn push(texts: &watch::Sender<Vec<Vec<u8>>>, index: usize, bytes: &[u8]) {
    texts.send_modify(|texts| {
        if texts.len() <= index {
            texts.resize(index + 1, Vec::new());
        }
        texts[index].extend_from_slice(bytes);
    });
}
