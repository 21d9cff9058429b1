//! Devices whose lines others receive: sockets and syslog, alone, together, and when they fail.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{
    Audited,
    sink::{Place, Sink, entries, entry},
};

impl Audited {
    /// Enables one more device that writes to `sink`.
    async fn enable(&self, name: &str, kind: &str, sink: &Sink, options: &[(&str, &str)]) {
        let mut all = BTreeMap::from([("address", sink.address())]);
        all.extend(
            options
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let device = json!({ "type": kind, "options": all });
        self.root
            .post(&format!("sys/audit/{name}"), device)
            .await
            .expect(204);
    }

    async fn with_kv() -> Self {
        let audited = Self::start().await;
        audited
            .root
            .post("sys/mounts/kv", json!({ "type": "kv" }))
            .await
            .expect(204);
        audited
    }

    /// Verifies what a sink received as the operator would: `keyward audit verify` over a file for
    /// each connection.
    fn verify_received(&self, texts: &[String]) {
        let files: Vec<_> = (0..texts.len())
            .map(|index| format!("received.{index}"))
            .collect();
        for (file, text) in files.iter().zip(texts) {
            fs::write(self.installation.path(file), text).unwrap();
        }
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let output = self.verify(&files);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
    }
}

/// Whether there is the answer to the request for `path`.
fn have(texts: &[String], path: &str) -> bool {
    answers(&entries(texts), path) > 0
}

/// How many lines there are of the answer to the request for `path`.
fn answers(entries: &[Value], path: &str) -> usize {
    let of_path = |entry: &&Value| entry["type"] == "response" && entry["request"]["path"] == path;
    entries.iter().filter(of_path).count()
}

#[tokio::test]
async fn every_kind_of_socket_receives_every_line_and_its_chain() {
    let audited = Audited::with_kv().await;
    let path = |name| audited.installation.path(name);
    for (name, place, options) in [
        ("tcp", Place::Tcp(Sink::ANY), &[][..]),
        ("udp", Place::Udp(Sink::ANY), &[("socket_type", "udp")]),
        ("unix", Place::Unix(path("s")), &[("socket_type", "unix")]),
    ] {
        let sink = Sink::listen(place).await;
        audited.enable(name, "socket", &sink, options).await;
        audited.root.get("kv/a").await.expect(404);
        audited
            .root
            .delete(&format!("sys/audit/{name}"))
            .await
            .expect(204);
        audited.root.get("kv/not-for-it").await.expect(404);
        // The answer to disabling it comes when it is gone.
        let texts = sink
            .wait(|texts| texts.iter().any(|text| text.matches('\n').count() == 5))
            .await;
        let entries = entries(&texts);
        let seen: Vec<_> = entries
            .iter()
            .map(|it| {
                (
                    it["type"].as_str().unwrap(),
                    it["request"]["path"].as_str().unwrap(),
                )
            })
            .collect();
        let disabled = format!("sys/audit/{name}");
        assert_eq!(
            seen,
            [
                ("request", "sys/audit/test"),
                ("response", &*disabled),
                ("request", "kv/a"),
                ("response", "kv/a"),
                ("request", &*disabled),
            ]
        );
        audited.verify_received(&texts);
    }
}

#[tokio::test]
async fn a_server_receives_posts_of_lines_and_their_chain() {
    let audited = Audited::with_kv().await;
    let mut sink = Sink::listen(Place::Http(Sink::ANY)).await;
    let device = json!({ "type": "http", "options": { "uri": sink.address() } });
    audited
        .root
        .post("sys/audit/http", device)
        .await
        .expect(204);
    audited.root.get("kv/a").await.expect(404);
    sink.wait(|texts| have(texts, "kv/a")).await;
    sink.stop().await;
    audited.root.get("kv/not-for-it").await.expect(404);
    sink.restart().await;
    audited.root.get("kv/b").await.expect(404);
    let texts = sink.wait(|texts| have(texts, "kv/b")).await;
    audited.verify_received(&texts);
    let entries = entries(&texts);
    for (path, lines) in [("kv/a", 1), ("kv/not-for-it", 0), ("kv/b", 1)] {
        assert_eq!(answers(&entries, path), lines, "{path}");
    }
}

#[tokio::test]
async fn syslog_receives_lines_as_the_daemon_of_the_machine_does() {
    let audited = Audited::with_kv().await;
    let sink = Sink::listen(Place::Syslog(audited.installation.path("log"))).await;
    let options = [("facility", "local3"), ("tag", "keyward")];
    audited.enable("syslog", "syslog", &sink, &options).await;
    audited.root.get("kv/a").await.expect(404);
    let texts = sink
        .wait(|texts| answers(&entries(texts), "kv/a") == 1)
        .await;
    let lines: Vec<_> = texts[0].lines().collect();
    assert_eq!(lines.len(), 4);
    for line in &lines {
        // <16 + 3, 6>Mmm dd hh:mm:ss keyward[PID]:
        let head = line
            .strip_prefix("<158>")
            .unwrap_or_else(|| panic!("{line}"));
        assert!(head[15..].starts_with(" keyward["), "{line}");
    }
    assert_eq!(entry(lines[3])["request"]["path"], "kv/a");
}

#[tokio::test]
async fn a_receiver_that_dies_under_load_costs_no_acknowledged_request_its_lines() {
    let audited = Audited::with_kv().await;
    let mut sink = Sink::listen(Place::Tcp(Sink::ANY)).await;
    audited.enable("tcp", "socket", &sink, &[]).await;
    let ends = Arc::new(AtomicBool::new(false));
    let writers = (0..4).map(|writer| {
        let (root, ends) = (audited.root.clone(), Arc::clone(&ends));
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let path = format!("kv/{writer}-{n}");
                let body = json!({ "word": "w" });
                root.post(&path, body).await.expect(204);
                acknowledged.push(path);
            }
            acknowledged
        })
    });
    let writers: Vec<_> = writers.collect();
    for round in 1..=5 {
        let lines = round * 60;
        let enough = |texts: &[String]| {
            let text = texts.iter().map(|text| text.matches('\n').count());
            text.sum::<usize>() >= lines
        };
        sink.wait(enough).await;
        sink.stop().await;
        // Requests go on without it.
        audited.root.get("kv/while-it-is-away").await.expect(404);
        sink.restart().await;
    }
    ends.store(true, Ordering::Relaxed);
    let acknowledged = join_all(writers).await;
    audited.root.get("kv/last").await.expect(404);
    sink.wait(|texts| have(texts, "kv/last")).await;

    let on_file = audited.entries();
    for path in acknowledged.into_iter().flat_map(Result::unwrap) {
        assert_eq!(answers(&on_file, &path), 1, "{path}");
    }
    assert!(audited.verify(&["audit.log"]).status.success());
    // Within each connection no line is torn, doubled or missing.
    let texts = sink.wait(|_| true).await;
    for text in texts
        .iter()
        .filter_map(|text| Some(&text[..=text.rfind('\n')?]))
    {
        audited.verify_received(&[text.to_owned()]);
    }
}

#[tokio::test]
async fn one_device_of_two_is_enough_and_with_none_nothing_is_done() {
    let audited = Audited::with_kv().await;
    let path = |name| audited.installation.path(name);
    let mut tcp = Sink::listen(Place::Tcp(Sink::ANY)).await;
    let mut syslog = Sink::listen(Place::Syslog(path("log"))).await;
    audited.enable("tcp", "socket", &tcp, &[]).await;
    audited.enable("syslog", "syslog", &syslog, &[]).await;
    audited.root.delete("sys/audit/file").await.expect(204);
    let root = &audited.root;
    let word = |word| json!({ "word": word });

    root.post("kv/a", word("both")).await.expect(204);
    syslog.stop().await;
    root.post("kv/a", word("only tcp")).await.expect(204);
    tcp.stop().await;
    let refused = root.post("kv/a", word("none")).await.expect(500);
    assert!(refused.json["errors"].is_array(), "{}", refused.text);
    let refused = root.get("kv/a").await.expect(500);
    assert!(!refused.text.contains("only tcp"), "{}", refused.text);
    root.delete("sys/audit/tcp").await.expect(500);
    root.with_token("").get("sys/health").await.expect(200);

    syslog.restart().await;
    let read = root.get("kv/a").await.expect(200);
    assert_eq!(
        read.at("/data/word"),
        "only tcp",
        "what was refused was not done"
    );
    root.post("kv/a", word("only syslog")).await.expect(204);
    tcp.restart().await;
    root.post("kv/b", word("both again")).await.expect(204);
    tcp.wait(|texts| have(texts, "kv/b")).await;
    syslog.wait(|texts| have(texts, "kv/b")).await;
}

#[tokio::test]
async fn a_device_that_cannot_be_is_refused_in_words() {
    let audited = Audited::start().await;
    let nowhere = audited.installation.path("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let failed = "audit backend failed test message: ";
    for (kind, options, text) in [
        ("http", json!({}), "uri is required".to_owned()),
        (
            "http",
            json!({ "uri": "http://127.0.0.1:1/" }),
            format!("{failed}http://127.0.0.1:1/: "),
        ),
        ("socket", json!({}), "address is required".to_owned()),
        (
            "socket",
            json!({ "address": "127.0.0.1:1" }),
            format!("{failed}tcp 127.0.0.1:1: "),
        ),
        (
            "socket",
            json!({ "address": nowhere, "socket_type": "unix" }),
            format!("{failed}unix {nowhere}: "),
        ),
        (
            "syslog",
            json!({ "address": nowhere }),
            format!("{failed}unix {nowhere}: "),
        ),
        (
            "syslog",
            json!({ "facility": "bla" }),
            "invalid syslog facility: BLA".to_owned(),
        ),
        (
            "socket",
            json!({ "address": "127.0.0.1:1", "format": "jsonx" }),
            "jsonx formatting has been removed".to_owned(),
        ),
        (
            "socket",
            json!({ "address": "127.0.0.1:1", "log_raw": "true" }),
            "log_raw is for development servers alone: it writes every secret into the log"
                .to_owned(),
        ),
    ] {
        let device = json!({ "type": kind, "options": options });
        let refused = audited.root.post("sys/audit/x", device).await.expect(400);
        let told = refused.text_at("/errors/0");
        assert!(told.starts_with(&text), "{told}");
    }
    let untested = json!({
        "type": "socket",
        "options": { "address": "127.0.0.1:1", "skip_test": "true" },
    });
    audited.root.post("sys/audit/x", untested).await.expect(204);
    audited.root.get("sys/mounts").await.expect(200);
}
