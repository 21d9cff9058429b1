//! Answers that are given before the body of the request is read: the client gets them, whether it
//! reads beside its sending or only after it.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::Reason;
use http::{Request, Response};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufStream},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::support::{Authority, Installation, Process, Store, free_address};

const KB: usize = 1_000;
const MB: usize = 1_000 * KB;

/// Long enough for any exchange here; short enough to fail.
const PATIENCE: Duration = Duration::from_secs(60);

/// A method and a path, with the status that answers them whatever the body is.
const REFUSALS: [(&str, &str, u16); 5] = [
    ("PUT", "/v1/limited/x", 429),
    ("PUT", "/v1/sys/health", 405),
    ("FOO", "/v1/kv/x", 405),
    ("PUT", "/v1/kv//x", 400),
    ("PUT", "/ui", 404),
];

/// A server with a listener that speaks TLS beside the one that does not.
struct House {
    authority: Authority,
    installation: Installation,
    secure: SocketAddr,
    token: String,
    _server: Process,
}

impl House {
    /// Starts one whose listeners have the settings `entries`.
    async fn start(entries: &str) -> Self {
        let authority = Authority::new();
        let installation = Installation::new(Store::Sled);
        let (certificate, key) = (installation.path("cert.pem"), installation.path("key.pem"));
        authority.sign(&["localhost"]).write(&certificate, &key);
        let secure = free_address();
        installation.configure(&format!(
            "listener \"tcp\" {{\n  address = \"{secure}\"\n  tls_cert_file = {certificate:?}\n  \
             tls_key_file = {key:?}\n  {entries}\n}}"
        ));
        let config = std::fs::read_to_string(installation.config()).unwrap();
        let plain = format!("tls_disable = true\n  {entries}");
        let config = config.replace("tls_disable = true", &plain);
        std::fs::write(installation.config(), config).unwrap();
        let server = installation.start();
        let keys = installation.initialise(1, 1).await;
        installation.unseal(&keys).await;
        let root = installation.client(&keys.root_token);
        for path in ["sys/mounts/kv", "sys/mounts/limited"] {
            let kv = json!({ "type": "kv", "options": { "version": "1" } });
            root.post(path, kv).await.expect(204);
        }
        let limit = json!({ "path": "limited/", "rate": 1, "interval": "1h" });
        root.post("sys/quotas/rate-limit/one", limit)
            .await
            .expect(204);
        root.get("limited/x").await.expect(404);
        Self {
            authority,
            installation,
            secure,
            token: keys.root_token,
            _server: server,
        }
    }

    async fn plain(&self) -> TcpStream {
        TcpStream::connect(self.installation.socket_address())
            .await
            .unwrap()
    }

    /// Connects and agrees on `protocol`.
    async fn tls(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap();
        roots.add(authority).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(self.secure).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        stream
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("x-vault-token", &self.token)
    }
}

/// Looks at an answer: its status, its shape, and what its status asks for.
fn check(answer: &Response<String>, status: u16, what: &str) {
    let text = answer.body();
    assert_eq!(answer.status(), status, "{what}: {text}");
    assert!(answer.headers().contains_key("x-request-id"), "{what}");
    let body: Value = serde_json::from_str(text).unwrap();
    assert!(body["errors"].is_array(), "{what}: {text}");
    let retry = answer.headers().contains_key("retry-after");
    assert_eq!(retry, status == 429, "{what}");
}

/// Speaks HTTP/1.1 as simple clients do: nothing is read until all is sent.
struct Http1<S>(BufStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    fn new(stream: S) -> Self {
        Self(BufStream::new(stream))
    }

    /// Sends a request; whether all of it could be sent stands beside the answer.
    async fn ask(
        &mut self,
        request: http::request::Builder,
        body: &[u8],
    ) -> io::Result<(Response<String>, io::Result<()>)> {
        let request = request.body(()).unwrap();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n",
            request.method(),
            request.uri().path(),
            body.len()
        );
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        self.0.write_all(format!("{head}\r\n").as_bytes()).await?;
        let mut sent = self.0.write_all(body).await;
        if sent.is_ok() {
            sent = self.0.flush().await;
        }
        Ok((self.answer().await?, sent))
    }

    async fn answer(&mut self) -> io::Result<Response<String>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let mut answer = Response::builder().status(status.unwrap());
        let mut length = 0;
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            answer = answer.header(name, value);
            if name == "content-length" {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok(answer.body(String::from_utf8(body).unwrap()).unwrap())
    }
}

/// Speaks HTTP/2: the answer, and with which code the stream was reset, where that is waited for.
async fn http2(
    house: &House,
    request: http::request::Builder,
    body: &Bytes,
    awaits_reset: bool,
) -> Result<(Response<String>, Option<Reason>), h2::Error> {
    let (mut client, connection) = h2::client::handshake(house.tls(b"h2").await).await?;
    let driven = tokio::spawn(connection);
    let (answer, mut sending) = client.send_request(request.body(()).unwrap(), false)?;
    // A stream that both sides have ended is not there to be reset.
    sending.send_data(body.clone(), !awaits_reset)?;
    let (head, mut receiving) = answer.await?.into_parts();
    let mut text = Vec::new();
    while let Some(part) = receiving.data().await {
        text.extend_from_slice(&part?);
    }
    let reset = match awaits_reset {
        true => Some(poll_fn(|cx| sending.poll_reset(cx)).await?),
        false => None,
    };
    drop((client, sending, receiving));
    driven.await.unwrap()?;
    let answer = Response::from_parts(head, String::from_utf8(text).unwrap());
    Ok((answer, reset))
}

/// Sends a request over HTTP/1.1, and then one more if the connection is kept.
async fn over_http1<S: AsyncRead + AsyncWrite + Unpin>(
    house: &House,
    stream: S,
    (method, path, status): (&str, &str, u16),
    body: &[u8],
) {
    let what = format!("HTTP/1.1: {method} {path}, {} bytes", body.len());
    let mut client = Http1::new(stream);
    let asked = timeout(PATIENCE, client.ask(house.request(method, path), body)).await;
    let asked = asked.unwrap_or_else(|_| panic!("{what}: it hangs"));
    let (answer, sent) = asked.unwrap_or_else(|error| panic!("{what}: no answer: {error}"));
    check(&answer, status, &what);
    // What is longer than any body may be costs the connection.
    let closes = answer.headers().contains_key("connection");
    assert_eq!(closes, body.len() > 32 << 20, "{what}");
    if !closes {
        sent.unwrap_or_else(|error| panic!("{what}: {error}"));
        let health = house.request("GET", "/v1/sys/health");
        let (answer, _) = client.ask(health, b"").await.unwrap();
        assert_eq!(answer.status(), 200, "{what}");
    }
}

async fn over_http2(
    house: &House,
    (method, path, status): (&str, &str, u16),
    body: &Bytes,
    awaits_reset: bool,
) -> Option<Reason> {
    let what = format!("HTTP/2: {method} {path}, {} bytes", body.len());
    let asked = http2(house, house.request(method, path), body, awaits_reset);
    let asked = timeout(PATIENCE, asked).await;
    let asked = asked.unwrap_or_else(|_| panic!("{what}: it hangs"));
    let (answer, reset) = asked.unwrap_or_else(|error| panic!("{what}: {error}"));
    check(&answer, status, &what);
    reset
}

#[tokio::test]
async fn an_answer_before_the_body_arrives_however_long_the_body_is() {
    let house = House::start("").await;
    for length in [2 * KB, 100 * KB, 2 * MB, 20 * MB, 34 * MB] {
        let body = Bytes::from(vec![b'a'; length]);
        let too_large = ("PUT", "/v1/kv/x", 413);
        let refusals = REFUSALS.into_iter();
        let refusals = refusals.chain((length == 34 * MB).then_some(too_large));
        for refusal in refusals {
            for _ in 0..3 {
                over_http1(&house, house.plain().await, refusal, &body).await;
                over_http1(&house, house.tls(b"http/1.1").await, refusal, &body).await;
                over_http2(&house, refusal, &body, false).await;
            }
        }
    }
}

#[tokio::test]
async fn what_is_too_much_to_be_dropped_ends_the_stream_without_an_error() {
    let house = House::start("max_request_size = 10000").await;
    let body = Bytes::from(vec![b'a'; 20 * MB]);
    for refusal in REFUSALS {
        let reset = over_http2(&house, refusal, &body, true).await;
        assert_eq!(reset, Some(Reason::NO_ERROR), "{refusal:?}");
    }
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_is_answered_and_not_asked() {
    let house = House::start("").await;
    let mut client = Http1::new(house.plain().await);
    let head = "PUT /v1/sys/health HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                Content-Length: 1000\r\n\r\n";
    client.0.write_all(head.as_bytes()).await.unwrap();
    client.0.flush().await.unwrap();
    let answer = client.answer().await.unwrap();
    check(&answer, 405, "the first answer is the last");
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(client.0.read(&mut [0]).await.unwrap(), 0);
}
