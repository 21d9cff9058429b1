//! What goes over the wire, as a transport sees it that plays a server in trouble.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use keyward_api::proof::{
    Address, Received, ResponseToSign, SigningKey, parse_content_digest, sign_response,
    verify_request,
};
use keyward_crypto::SecretBytes;
use keyward_crypto::proof::ProofAlgorithm;

use crate::{Builder, Error, Keyward, Options, Request, Response, Transport, Unreachable};

const ADDRESS: &str = "https://vault.example.com:8200";
const NOW: u64 = 1_767_225_600;
const ENCRYPTED: &str = r#"{"data":{"ciphertext":"vault:v1:AAAA","key_version":1}}"#;

/// One answer of the play.
type Turn = Box<dyn FnOnce(&Request) -> Result<Response, Unreachable> + Send>;

/// The headers of one attempt.
type Headers = Vec<(String, String)>;

/// Answers in turn, and writes down what was sent and waited for.
#[derive(Clone, Default)]
struct Play {
    turns: Arc<Mutex<VecDeque<Turn>>>,
    sent: Arc<Mutex<Vec<Headers>>>,
    waited: Arc<Mutex<Vec<Duration>>>,
}

impl Play {
    fn then(
        self,
        turn: impl FnOnce(&Request) -> Result<Response, Unreachable> + Send + 'static,
    ) -> Self {
        self.turns.lock().unwrap().push_back(Box::new(turn));
        self
    }

    fn answers(self, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let response = response(status, headers, body);
        self.then(move |_| Ok(response))
    }

    fn client(&self) -> Builder<Self> {
        Builder::over(self.clone(), ADDRESS).token("hvs.token")
    }

    /// What each attempt had in a header.
    fn sent(&self, name: &str) -> Vec<Option<String>> {
        let of = |headers: &Headers| {
            let header = headers.iter().find(|(found, _)| found == name);
            header.map(|(_, value)| value.clone())
        };
        self.sent.lock().unwrap().iter().map(of).collect()
    }
}

impl Transport for Play {
    fn send(&self, request: &Request) -> impl Future<Output = Result<Response, Unreachable>> {
        let header = |(name, value): &(&str, keyward_crypto::SecretString)| {
            ((*name).to_owned(), value.expose().clone())
        };
        let headers = request.headers.iter().map(header).collect();
        self.sent.lock().unwrap().push(headers);
        let turn = self.turns.lock().unwrap().pop_front();
        ready(turn.expect("the play has no more turns")(request))
    }

    fn pause(&self, time: Duration) -> impl Future<Output = ()> {
        self.waited.lock().unwrap().push(time);
        ready(())
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
    }
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Response {
        status,
        headers: headers.iter().map(owned).collect(),
        body: SecretBytes::from(body.as_bytes()),
    }
}

/// Nothing here waits for anything.
fn run<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn encrypt(client: &Keyward<Play>) -> Result<String, Error> {
    run(client
        .transit("transit")
        .encrypt("k", b"text", Options::default()))
}

#[test]
fn trouble_that_passes_is_waited_for() {
    let play = Play::default()
        .then(|_| Err(Unreachable::new("connection refused")))
        .answers(
            503,
            &[("retry-after", "7")],
            r#"{"errors":["Vault is sealed"]}"#,
        )
        .answers(200, &[], ENCRYPTED);
    assert_eq!(
        encrypt(&play.client().build().unwrap()).unwrap(),
        "vault:v1:AAAA"
    );
    let waited = play.waited.lock().unwrap();
    assert!(waited[0] <= Duration::from_millis(100));
    assert!(waited[1] >= Duration::from_secs(7) && waited[1] <= Duration::from_millis(7_200));
    assert_eq!(play.sent("idempotency-key"), [None, None, None]);
}

#[test]
fn what_does_not_pass_is_told_at_once_and_what_does_at_the_end() {
    let refused = r#"{"errors":["permission denied"]}"#;
    let play = Play::default().answers(403, &[("x-request-id", "abc")], refused);
    let error = encrypt(&play.client().build().unwrap()).unwrap_err();
    assert!(error.is_denied() && !error.retryable());
    assert_eq!(error.to_string(), "status 403: permission denied");
    let mut play = Play::default();
    for _ in 0..4 {
        play = play.answers(429, &[("retry-after", "1")], r#"{"errors":["slow down"]}"#);
    }
    let error = encrypt(&play.client().build().unwrap()).unwrap_err();
    assert!(error.retryable());
    let Error::Refused(refusal) = error else {
        panic!("{error}");
    };
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    assert_eq!(play.waited.lock().unwrap().len(), 3);
}

#[test]
fn a_change_carries_one_idempotency_key_through_its_attempts() {
    let play = Play::default()
        .answers(502, &[], "<html>")
        .answers(204, &[], "")
        .answers(204, &[], "");
    let client = play.client().build().unwrap();
    run(client.transit("transit").rotate_key("k")).unwrap();
    run(client.transit("transit").rotate_key("k")).unwrap();
    let keys: Vec<String> = play.sent("idempotency-key").into_iter().flatten().collect();
    assert_eq!((keys.len(), &keys[0]), (3, &keys[1]));
    assert_ne!(keys[1], keys[2]);
    assert!(keys[0].starts_with('"') && keys[0].len() == 34);
}

/// Checks a proof as the server does, and answers signed.
fn proven(
    key: &SigningKey,
    server: &Arc<SigningKey>,
    change: fn(&mut Response),
) -> impl FnOnce(&Request) -> Result<Response, Unreachable> + Send + 'static {
    let (public, server) = (key.public().clone(), Arc::clone(server));
    move |request| {
        let header = |name: &str| {
            let header = request.headers.iter().find(|(found, _)| *found == name);
            header.map_or("", |(_, value)| value.expose().as_str())
        };
        let addresses = [Address::parse(ADDRESS).unwrap()];
        let digest = parse_content_digest(header("content-digest")).unwrap();
        let token = keyward_crypto::SecretString::from("hvs.token");
        let received = Received {
            method: request.method,
            target: request.url.strip_prefix(ADDRESS).unwrap(),
            host: "vault.example.com:8200",
            token: &token,
            body_digest: Some(&digest),
            content_digest: Some(header("content-digest")),
            signature_input: header("signature-input"),
            signature: header("signature"),
        };
        verify_request(&received, &public, &addresses, NOW).unwrap();
        let answer = ResponseToSign {
            status: 200,
            body: ENCRYPTED.as_bytes(),
            method: request.method,
            target_uri: [&request.url, ""],
            signature: header("signature"),
        };
        let signed = sign_response(&server, &answer, NOW).unwrap();
        let mut response = response(
            200,
            &[
                ("content-digest", signed.content_digest.as_deref().unwrap()),
                ("signature-input", &signed.signature_input),
                ("signature", &signed.signature),
            ],
            ENCRYPTED,
        );
        change(&mut response);
        Ok(response)
    }
}

#[test]
fn requests_are_proven_and_answers_must_be_the_servers() {
    let key = || SigningKey::generate(ProofAlgorithm::Ed25519).unwrap();
    let (mine, server, other) = (key(), Arc::new(key()), key());
    let pkcs8 = mine.to_pkcs8().unwrap();
    let same = SigningKey::from_pkcs8(ProofAlgorithm::Ed25519, pkcs8).unwrap();
    let untouched: fn(&mut Response) = |_| {};
    let play = Play::default()
        .answers(503, &[], "")
        .then(proven(&mine, &server, untouched))
        .then(proven(&mine, &server, |response| {
            response.body = SecretBytes::from(&b"{}"[..]);
        }))
        .then(proven(&mine, &server, |response| response.status = 500))
        .then(proven(&mine, &server, |response| response.headers.clear()));
    let trusted = vec![other.public().clone(), server.public().clone()];
    let client = play.client().proof(same).trust(trusted).build().unwrap();
    assert_eq!(encrypt(&client).unwrap(), "vault:v1:AAAA");
    let signatures = play.sent("signature");
    assert_ne!(signatures[0], signatures[1], "each attempt has its own");
    for _ in 0..3 {
        let error = encrypt(&client).unwrap_err();
        assert!(matches!(error, Error::Untrusted(_)), "{error}");
    }
}
