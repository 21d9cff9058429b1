//! The log as a whole: when lines are written, and what happens when they cannot be.

mod behind;
mod heads;
mod peer;
mod recorder;

use std::{sync::Arc, time::Duration};

use keyward_api::{Operation, proof::ProofError, sys::AuditedHeader};
use keyward_crypto::{Derivation, Keyring, SecretBytes, SecretString, key_type};
use serde_json::{Value, json};

use super::{Answer, Broker, DeviceInfo, Facts, Surroundings, Ticket};
use crate::{
    CanonicalPath, Clock, Denial, Document, Done, Error, ManualClock, MountEntry, Request,
    Timestamp, TokenId, barrier::Barrier, metrics::Metrics, storage::memory::Memory, view::View,
};
use recorder::{KINDS, Mode, Recorder};

/// A broker, what it stands on, and the devices it writes to.
struct Bench {
    name: &'static str,
    view: View,
    clock: Arc<ManualClock>,
    broker: Arc<Broker>,
}

impl Bench {
    /// Makes a broker without devices; `name` tells its recorders from those of other tests.
    async fn new(name: &'static str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_nanos(
            1_700_000_000_000_000_001,
        )));
        let aes = key_type("aes256-gcm96").unwrap();
        let keyring = Keyring::generate(aes, Derivation::None, clock.now().into()).unwrap();
        let barrier = Arc::new(Barrier::new(Arc::new(Memory::new()), keyring));
        let view = View::new(barrier, "sys/audit/");
        let broker = open(&view, &clock).await;
        Self {
            name,
            view,
            clock,
            broker: Arc::new(broker),
        }
    }

    /// Opens the broker anew, as after a restart.
    async fn restart(&mut self) {
        self.broker = Arc::new(open(&self.view, &self.clock).await);
    }

    fn device(&self, path: &str) -> DeviceInfo {
        let options = [("recorder".to_owned(), format!("{}/{path}", self.name))];
        DeviceInfo {
            path: path.to_owned(),
            kind: "recorder".to_owned(),
            description: String::new(),
            local: false,
            options: options.into(),
        }
    }

    async fn enable(&self, path: &str) -> Arc<Recorder> {
        self.broker
            .enable(self.device(path), &self.view)
            .await
            .unwrap();
        self.recorder(path)
    }

    fn recorder(&self, path: &str) -> Arc<Recorder> {
        Recorder::of(&format!("{}/{path}", self.name))
    }

    /// Makes the ticket of a request of nobody to `transit/encrypt/k`.
    fn ticket(&self, body: &str) -> Arc<Ticket> {
        let mut request = request(body);
        request.remote.address = "127.0.0.1".to_owned();
        self.broker.ticket(Facts {
            request: Arc::new(request),
            operation: Operation::Update,
            principal: None,
            verdict: None,
            mount: Some(mount()),
            time: self.clock.now(),
        })
    }
}

async fn open(view: &View, clock: &Arc<ManualClock>) -> Broker {
    let clock: Arc<dyn Clock> = clock.clone();
    let surroundings = Surroundings {
        metrics: Arc::new(Metrics::new(Arc::clone(&clock))),
        clock,
        is_development: false,
    };
    Broker::open(view.clone(), KINDS, surroundings)
        .await
        .unwrap()
}

fn request(body: &str) -> Request {
    let path = CanonicalPath::parse("transit/encrypt/k").unwrap();
    Request::new(
        Operation::Update,
        path,
        SecretBytes::new(body.as_bytes().to_vec()),
    )
}

fn mount() -> Arc<MountEntry> {
    let entry = json!({
        "path": "transit/", "type": "transit", "uuid": "u", "accessor": "transit_1a2b3c4d",
        "description": "", "options": null,
        "config": {"audit_non_hmac_response_keys": ["key_version"]},
    });
    Arc::new(serde_json::from_value(entry).unwrap())
}

fn done(data: &str) -> Done {
    Done {
        data: Some(SecretBytes::new(data.as_bytes().to_vec())),
        ..Done::empty(mount())
    }
}

fn kinds(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn without_a_device_requests_go_on() {
    let bench = Bench::new("none").await;
    let ticket = bench.ticket("{}");
    ticket.written().await.unwrap();
    ticket.finish(Answer::Done(&done("{}"))).await.unwrap();
}

#[tokio::test]
async fn a_request_that_changed_nothing_writes_both_lines_at_once() {
    let bench = Bench::new("at once").await;
    let recorder = bench.enable("a/").await;
    let ticket = bench.ticket(r#"{"plaintext":"c2VjcmV0"}"#);
    assert_eq!(recorder.writes(), 1, "the test line");
    bench.clock.advance(Duration::from_millis(5));
    ticket
        .finish(Answer::Done(&done(r#"{"ciphertext":"vault:v1:x"}"#)))
        .await
        .unwrap();
    assert_eq!(recorder.writes(), 2);
    let lines = recorder.lines();
    assert_eq!(kinds(&lines), ["request", "request", "response"]);
    assert_eq!(lines[0]["request"]["path"], "sys/audit/test");
    assert_eq!(lines[1]["request"], lines[2]["request"]);
    assert_eq!(lines[1]["time"], "2023-11-14T22:13:20.000000001Z");
    assert_eq!(lines[2]["time"], "2023-11-14T22:13:20.005000001Z");
    let hash = |text| bench.broker.hash("a/", text).unwrap();
    assert_eq!(lines[1]["request"]["data"]["plaintext"], hash("c2VjcmV0"));
    assert_eq!(
        lines[2]["response"]["data"]["ciphertext"],
        hash("vault:v1:x")
    );
}

#[tokio::test]
async fn a_request_is_written_once_and_before_its_change() {
    let bench = Bench::new("once").await;
    let recorder = bench.enable("a/").await;
    let ticket = bench.ticket("{}");
    let (first, second) = tokio::join!(ticket.written(), ticket.written());
    first.and(second).unwrap();
    ticket.written().await.unwrap();
    assert_eq!(kinds(&recorder.lines()[1..]), ["request"]);
    ticket.finish(Answer::Done(&done("{}"))).await.unwrap();
    assert_eq!(kinds(&recorder.lines()[1..]), ["request", "response"]);
}

#[tokio::test]
async fn a_view_of_a_request_changes_nothing_that_is_not_on_record() {
    let bench = Bench::new("view").await;
    let recorder = bench.enable("a/").await;
    let view = bench
        .view
        .below("elsewhere/")
        .for_request(bench.ticket("{}"));
    recorder.set(Mode::Fails);
    let value = || SecretBytes::new(b"v".to_vec());
    assert!(matches!(
        view.put("key", value()).await,
        Err(Error::Internal(_))
    ));
    assert!(view.get("key").await.unwrap().is_none());
    recorder.set(Mode::Works);
    view.put("key", value()).await.unwrap();
    assert_eq!(kinds(&recorder.lines()[1..]), ["request"]);
}

#[tokio::test]
async fn a_document_is_on_record_as_a_hash_of_it() {
    let bench = Bench::new("document").await;
    let recorder = bench.enable("a/").await;
    let mut answer = done("{}");
    answer.data = None;
    let body = SecretBytes::new(b"{\"keys\":[]}".to_vec());
    answer.document = Some(Document::new("application/jwk-set+json", body));
    let ticket = bench.ticket("{}");
    ticket.finish(Answer::Done(&answer)).await.unwrap();
    let lines = recorder.lines();
    let hash = |text| bench.broker.hash("a/", text).unwrap();
    assert_eq!(
        lines[2]["response"]["data"],
        json!({
            "http_content_type": hash("application/jwk-set+json"),
            "http_raw_body": hash("{\"keys\":[]}"),
        })
    );
}

#[tokio::test]
async fn one_device_of_two_is_enough() {
    let bench = Bench::new("two").await;
    let recorders = [bench.enable("a/").await, bench.enable("b/").await];
    for (broken, working) in [(0, 1), (1, 0)] {
        recorders[broken].set(Mode::Fails);
        recorders[working].set(Mode::Works);
        let before = recorders[working].writes();
        bench
            .ticket("{}")
            .finish(Answer::Done(&done("{}")))
            .await
            .unwrap();
        assert_eq!(recorders[working].writes(), before + 1);
    }
    recorders[0].set(Mode::Fails);
    recorders[1].set(Mode::Fails);
    let failed = bench.ticket("{}").finish(Answer::Done(&done("{}"))).await;
    assert!(matches!(failed, Err(Error::Internal(_))));
    assert!(matches!(
        bench.ticket("{}").written().await,
        Err(Error::Internal(_))
    ));
}

#[tokio::test]
async fn a_device_that_does_not_answer_in_time_has_failed() {
    let mut bench = Bench::new("late").await;
    let recorder = bench.enable("a/").await;
    recorder.set(Mode::Hangs);
    let mut broker = open(&bench.view, &bench.clock).await;
    broker.deadline = Duration::from_millis(1);
    bench.broker = Arc::new(broker);
    assert!(matches!(
        bench.ticket("{}").written().await,
        Err(Error::Internal(_))
    ));
}

#[tokio::test]
async fn a_device_is_kept_and_hashes_as_before_after_a_restart() {
    let mut bench = Bench::new("kept").await;
    bench.enable("a/").await;
    bench.enable("b/c/").await;
    let hash = bench.broker.hash("a/", "x").unwrap();
    assert_ne!(
        bench.broker.hash("b/c/", "x").unwrap(),
        hash,
        "each device has its own salt"
    );
    bench.restart().await;
    assert_eq!(bench.broker.hash("a/", "x").unwrap(), hash);
    assert_eq!(
        bench.broker.list().keys().collect::<Vec<_>>(),
        ["a/", "b/c/"]
    );

    bench.broker.disable("a/", &bench.view).await.unwrap();
    bench.broker.disable("none/", &bench.view).await.unwrap();
    assert_eq!(bench.broker.hash("a/", "x"), None);
    bench.restart().await;
    assert_eq!(bench.broker.list().keys().collect::<Vec<_>>(), ["b/c/"]);
}

#[tokio::test]
async fn a_device_that_makes_no_sense_is_not_enabled() {
    let bench = Bench::new("refused").await;
    bench.enable("a/b/").await;
    bench.recorder("full/").set(Mode::Fails);
    let unknown = DeviceInfo {
        kind: "nofile".to_owned(),
        ..bench.device("x/")
    };
    let mut raw = bench.device("x/");
    raw.options.insert("log_raw".to_owned(), "true".to_owned());
    for (device, text) in [
        (bench.device("a/b/"), "path already in use"),
        (bench.device("a/"), "path already in use"),
        (bench.device("a/b/c/"), "path already in use"),
        (unknown, "unknown backend type: \"nofile\""),
        (
            raw,
            "log_raw is for development servers alone: it writes every secret into the log",
        ),
        (
            bench.device("full/"),
            "audit backend failed test message: the recorder is full",
        ),
    ] {
        let refused = bench.broker.enable(device, &bench.view).await;
        assert!(
            matches!(refused, Err(Error::Invalid(found)) if found == text),
            "{text}"
        );
    }
    assert_eq!(bench.broker.list().len(), 1);

    // A device that comes later is enabled all the same where the operator asks for it.
    let mut untested = bench.device("full/");
    let skip_test = |text: &str| ("skip_test".to_owned(), text.to_owned());
    untested.options.extend([skip_test("perhaps")]);
    let refused = bench.broker.enable(untested.clone(), &bench.view).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    untested.options.extend([skip_test("true")]);
    bench.broker.enable(untested, &bench.view).await.unwrap();

    let mut odd = bench.device("odd/");
    odd.options.insert("filter".to_owned(), "x".to_owned());
    assert_eq!(
        bench.broker.enable(odd, &bench.view).await.unwrap(),
        ["filter"]
    );
}

#[tokio::test]
async fn a_failure_is_told_without_quoting_the_caller() {
    let bench = Bench::new("failures").await;
    let recorder = bench.enable("a/").await;
    for (error, kind, shown) in [
        (Error::invalid("canary"), Some("invalid request"), true),
        (
            Error::Conflict("canary".to_owned()),
            Some("invalid request"),
            true,
        ),
        (
            Error::Refused("canary".to_owned()),
            Some("permission denied"),
            true,
        ),
        (
            Error::NotFound(Some("canary".to_owned())),
            Some("not found"),
            true,
        ),
        (
            Error::NoRoute("canary".to_owned()),
            Some("unsupported path"),
            true,
        ),
        (
            Error::Denied(Denial::Policy),
            Some("permission denied"),
            true,
        ),
        (
            Error::UnsupportedOperation,
            Some("unsupported operation"),
            false,
        ),
        (Error::internal("canary"), Some("internal error"), false),
        (Error::not_found(), None, false),
        (
            Error::Unproven(ProofError::Unsigned),
            Some(ProofError::Unsigned.text()),
            false,
        ),
    ] {
        bench
            .ticket("{}")
            .finish(Answer::Failed(&error))
            .await
            .unwrap();
        let line = recorder.lines().pop().unwrap();
        assert!(!line.to_string().contains("canary"));
        let kind = kind.map(|kind| format!("1 error occurred:\n\t* {kind}\n\n"));
        assert_eq!(
            line.get("error"),
            kind.map(Value::from).as_ref(),
            "{error:?}"
        );
        assert_eq!(line["auth"].get("policy_results"), None);
        let hash = bench.broker.hash("a/", &error.to_string()).unwrap();
        let wanted = shown.then(|| json!({ "error": hash }));
        assert_eq!(line["response"].get("data"), wanted.as_ref(), "{error:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_hashed_in_the_request() {
    let bench = Bench::new("bad token").await;
    let recorder = bench.enable("a/").await;
    let token = TokenId::new(SecretString::from("hvs.wrong"));
    let ticket = bench.broker.ticket(Facts {
        request: Arc::new(request("").with_token(token)),
        operation: Operation::Read,
        principal: None,
        verdict: None,
        mount: Some(mount()),
        time: bench.clock.now(),
    });
    ticket
        .finish(Answer::Failed(&Error::Denied(Denial::Token)))
        .await
        .unwrap();
    let line = &recorder.lines()[1];
    assert_eq!(line["auth"], json!({ "token_type": "default" }));
    assert_eq!(line["error"], "permission denied");
    let hash = bench.broker.hash("a/", "hvs.wrong").unwrap();
    assert_eq!(line["request"]["client_token"], hash);
}

#[tokio::test]
async fn request_headers_are_on_record_if_they_are_to_be_shown_and_as_they_are_to_be() {
    let mut bench = Bench::new("headers").await;
    let recorder = bench.enable("a/").await;
    let headers = &bench.broker.headers;
    let shown = |hmac| AuditedHeader { hmac };
    headers
        .add("X-Hashed", shown(true), &bench.view)
        .await
        .unwrap();
    headers
        .add("x-clear", shown(false), &bench.view)
        .await
        .unwrap();
    headers.remove("Correlation-ID", &bench.view).await.unwrap();
    headers.remove("none", &bench.view).await.unwrap();
    for name in ["", "a b", "a/b", "a:b", "\u{e4}"] {
        let refused = headers.add(name, shown(false), &bench.view).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{name}");
    }
    bench.restart().await;
    let ticket = async |sent: &[(&str, &[&str])]| {
        let mut request = request("{}");
        for (name, values) in sent {
            let values = values.iter().map(|value| (*value).to_owned());
            request.headers.insert((*name).to_owned(), values.collect());
        }
        let ticket = bench.broker.ticket(Facts {
            request: Arc::new(request),
            operation: Operation::Read,
            principal: None,
            verdict: None,
            mount: Some(mount()),
            time: bench.clock.now(),
        });
        ticket.finish(Answer::Done(&done("{}"))).await.unwrap();
        recorder.lines().pop().unwrap()["request"]
            .get("headers")
            .cloned()
    };
    let sent: &[(&str, &[&str])] = &[
        ("correlation-id", &["no more"]),
        ("x-clear", &["1", "2"]),
        ("x-correlation-id", &["c"]),
        ("x-hashed", &["h"]),
        ("x-other", &["o"]),
    ];
    let hash = bench.broker.hash("a/", "h").unwrap();
    let wanted = json!({ "x-clear": ["1", "2"], "x-correlation-id": ["c"], "x-hashed": [hash] });
    assert_eq!(ticket(sent).await, Some(wanted));
    assert_eq!(ticket(&sent[..1]).await, None);
}
