//! The http device and a server that the test plays.

use std::net::SocketAddr;

use keyward_core::audit::conformance::Fixture;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::*;
use crate::audit::receiver::{Place, open};

/// A post as it came: its head in lower case, and its body.
type Post = (String, String);

/// An HTTP server that keeps what is posted to it.
struct Collector {
    device: Arc<dyn AuditDevice>,
    address: SocketAddr,
    posts: watch::Sender<Vec<Post>>,
    status: watch::Sender<&'static str>,
    serving: JoinHandle<()>,
}

impl Collector {
    async fn start(options: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind(Place::ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        let uri = format!("http://{address}/logs?from=keyward");
        let (posts, status) = (watch::Sender::default(), watch::Sender::new("200 OK"));
        Self {
            device: open(&HTTP, &[options, &[("uri", &uri)]].concat()).unwrap(),
            address,
            serving: tokio::spawn(serve(listener, posts.clone(), status.subscribe())),
            posts,
            status,
        }
    }
}

async fn serve(
    listener: TcpListener,
    posts: watch::Sender<Vec<Post>>,
    status: watch::Receiver<&'static str>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, posts.clone(), status.clone()));
    }
}

/// Answers posts with a body of a known length, one after the other.
async fn answer(
    stream: TcpStream,
    posts: watch::Sender<Vec<Post>>,
    status: watch::Receiver<&'static str>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
        stream.read_exact(&mut body).await?;
        let status = *status.borrow();
        if status.starts_with('2') {
            posts.send_modify(|posts| posts.push((head, String::from_utf8(body).unwrap())));
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
    }
}

#[async_trait]
impl Fixture for Collector {
    fn device(&self) -> &Arc<dyn AuditDevice> {
        &self.device
    }

    async fn break_down(&mut self) -> bool {
        self.serving.abort();
        // Only then all of its sockets are closed.
        let _cancelled = (&mut self.serving).await;
        true
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let status = self.status.subscribe();
        self.serving = tokio::spawn(serve(listener, self.posts.clone(), status));
    }

    async fn received(&mut self, lines: usize) -> Vec<String> {
        let text = |posts: &Vec<Post>| posts.iter().map(|(_, body)| &**body).collect::<String>();
        let mut watched = self.posts.subscribe();
        let posts = watched
            .wait_for(|posts| text(posts).matches('\n').count() >= lines)
            .await
            .unwrap();
        vec![text(&posts)]
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

mod conformance {
    keyward_core::audit_conformance!(super::Collector::start(&[]).await);
}

fn line(text: &str) -> Lines {
    Lines::new(format!("{{\"text\":\"{text}\"\n").into_bytes())
}

#[tokio::test]
async fn a_post_carries_the_headers_that_the_operator_gave() {
    let headers = r#"{"Authorization": ["Bearer s3cr3t"], "X-Two": ["1", "2"]}"#;
    let collector = Collector::start(&[("headers", headers)]).await;
    collector.device.write(line("x")).await.unwrap();
    let (head, body) = collector.posts.borrow()[0].clone();
    assert!(
        head.starts_with("post /logs?from=keyward http/1.1\r\n"),
        "{head}"
    );
    for header in [
        "content-type: application/x-ndjson",
        "authorization: bearer s3cr3t",
        "x-two: 1\r\nx-two: 2",
    ] {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
    }
    assert!(body.starts_with("{\"text\":\"x\","), "{body}");
}

#[tokio::test]
async fn every_answer_but_a_good_one_fails_the_lines() {
    let collector = Collector::start(&[]).await;
    for status in [
        "301 Moved\r\nlocation: /",
        "404 Not Found",
        "503 Unavailable",
    ] {
        collector.status.send_replace(status);
        let failed = collector
            .device
            .write(line("refused"))
            .await
            .unwrap_err()
            .to_string();
        let code = &status[..3];
        let place = format!("http://{}/logs", collector.address);
        assert!(
            failed.starts_with(&format!("{place}: it answered {code}")),
            "{failed}"
        );
    }
    collector.status.send_replace("204 No Content");
    collector.device.write(line("taken")).await.unwrap();
    assert!(collector.posts.borrow()[0].1.contains("\"sequence\":1,"));
}

#[tokio::test]
async fn bodies_are_of_a_size_that_servers_take() {
    let mut collector = Collector::start(&[]).await;
    let long = "x".repeat(200 << 10);
    let writes = (0..8).map(|_| collector.device.write(line(&long)));
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    collector.received(8).await;
    for (_, body) in collector.posts.borrow().iter() {
        assert!(body.len() <= BODY);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_has_failed_in_time() {
    let listener = TcpListener::bind(Place::ANY).await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let device = open(&HTTP, &[("uri", &uri)]).unwrap();
    let failed = device.write(line("x")).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        format!("{uri}/: it did not answer in time")
    );
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (pairs, text) in [
        (&[][..], "uri is required"),
        (&[("uri", "bla")], "failed to parse uri: "),
        (
            &[("uri", "ftp://x/")],
            "failed to parse uri: its scheme is neither",
        ),
        (
            &[("uri", "http://x/"), ("headers", "x")],
            "failed to parse headers: ",
        ),
        (
            &[("uri", "http://x/"), ("headers", r#"{"a b": ["c"]}"#)],
            "failed to parse headers: ",
        ),
    ] {
        let refused = open(&HTTP, pairs).err().unwrap();
        assert!(refused.starts_with(text), "{refused}");
    }
}
