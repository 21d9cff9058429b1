//! Calls over a transport that keeps what is sent and answers what it is told.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;
use crate::{auth, kv, sys, transit};

struct Scripted {
    status: u16,
    body: &'static str,
    sent: RefCell<Vec<HttpRequest>>,
}

impl Transport for Scripted {
    type Error = &'static str;

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Self::Error> {
        self.sent.borrow_mut().push(request);
        match self.status {
            0 => Err("cut off"),
            status => Ok(HttpResponse {
                status,
                request_id: Some("7d1c".to_owned()),
                body: SecretBytes::new(self.body.as_bytes().to_vec()),
            }),
        }
    }
}

type Outcome<E> = Result<Reply<<E as Endpoint>::Reply>, CallError<&'static str>>;

/// Calls once and returns the outcome with what was sent.
fn call<E: Endpoint>(
    mount: &str,
    request: &E,
    status: u16,
    body: &'static str,
) -> (Outcome<E>, Vec<HttpRequest>) {
    let transport = Scripted {
        status,
        body,
        sent: RefCell::default(),
    };
    let client = Client::new(transport, Some(Sensitive::new("hvs.t".to_owned())));
    let mut future = Box::pin(client.call(mount, request));
    // The transport never waits.
    let Poll::Ready(outcome) = pin!(&mut future).poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("the call waits for something")
    };
    drop(future);
    (outcome, client.transport.sent.into_inner())
}

fn decrypt(name: &str) -> transit::Decrypt {
    transit::Decrypt {
        name: name.to_owned(),
        ciphertext: Some("vault:v1:AAAA".to_owned()),
        ..Default::default()
    }
}

#[test]
fn a_write_sends_its_fields_as_json_with_the_token_beside() {
    let (outcome, sent) = call(
        "transit",
        &decrypt("orders"),
        200,
        r#"{"request_id":"7d1c","data":{"plaintext":"aGk="}}"#,
    );
    let decrypted = outcome.unwrap().data.unwrap().one().unwrap();
    assert_eq!(decrypted.plaintext, crate::Base64::from(&b"hi"[..]));
    let [request] = &sent[..] else {
        panic!("sent {} requests", sent.len())
    };
    assert_eq!(
        (request.method, request.target.as_str()),
        ("POST", "/v1/transit/decrypt/orders")
    );
    let body = request.body.as_ref().unwrap();
    // EXPOSE: a test value.
    assert_eq!(body.expose(), br#"{"ciphertext":"vault:v1:AAAA"}"#);
    let header = |name| {
        let mut headers = request.headers.iter();
        headers.find_map(|(header, value)| (*header == name).then_some(value))
    };
    assert_eq!(header("x-vault-token"), Some(&SecretString::from("hvs.t")));
    assert_eq!(
        header("content-type"),
        Some(&SecretString::from("application/json"))
    );
}

#[test]
fn a_read_sends_its_fields_in_the_query() {
    let keys = transit::ListKeys {
        after: Some("a b&c".to_owned()),
        ..Default::default()
    };
    let (_, sent) = call("deep/transit", &keys, 404, r#"{"errors":[]}"#);
    assert_eq!(
        (sent[0].method, sent[0].target.as_str()),
        ("GET", "/v1/deep/transit/keys?list=true&after=a%20b%26c")
    );
    assert!(sent[0].body.is_none());
}

#[test]
fn a_document_is_read_without_an_envelope() {
    let request = transit::ReadJwks {
        name: "k".to_owned(),
    };
    let body = r#"{"keys":[{"kty":"EC","kid":"k:v1"}]}"#;
    let (outcome, sent) = call("transit", &request, 200, body);
    assert_eq!(sent[0].target, "/v1/transit/keys/k/jwks");
    assert_eq!(outcome.unwrap().data.unwrap().keys[0]["kid"], "k:v1");
    let (outcome, _) = call("transit", &request, 404, r#"{"errors":[]}"#);
    assert!(matches!(
        outcome,
        Err(CallError::Refused { status: 404, .. })
    ));
}

#[test]
fn an_answer_without_a_body_is_a_reply_without_data() {
    let (outcome, _) = call("sys", &sys::Seal {}, 204, "");
    assert!(outcome.unwrap().data.is_none());
}

#[test]
fn a_refusal_keeps_its_status_its_id_and_its_words() {
    let (outcome, _) = call(
        "transit",
        &decrypt("orders"),
        403,
        r#"{"errors":["permission denied"]}"#,
    );
    match outcome {
        Err(CallError::Refused {
            status,
            request_id,
            failure,
        }) => {
            assert_eq!((status, request_id.as_deref()), (403, Some("7d1c")));
            assert_eq!(failure.errors, ["permission denied"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_with_a_bad_item_is_a_reply_although_its_status_is_400() {
    let body = r#"{"data":{"batch_results":[{"plaintext":"","error":"no prefix"}]}}"#;
    let (outcome, _) = call("transit", &decrypt("orders"), 400, body);
    let items = outcome.unwrap().data.unwrap().items().unwrap();
    assert_eq!(items[0].error.as_deref(), Some("no prefix"));
}

#[test]
fn data_beside_errors_is_a_refusal() {
    let body = r#"{"data":{"plaintext":"aGk="},"errors":["denied"]}"#;
    let (outcome, _) = call("transit", &decrypt("orders"), 400, body);
    assert!(matches!(outcome, Err(CallError::Refused { .. })));
}

#[test]
fn an_answer_that_is_no_reply_is_malformed() {
    for body in [
        "<html>",
        "[]",
        r#"{"data":{"plaintext":7}"#,
        r#"{"data":3}"#,
    ] {
        let (outcome, _) = call("transit", &decrypt("orders"), 200, body);
        assert!(
            matches!(outcome, Err(CallError::Malformed(_))),
            "{body}: {outcome:?}"
        );
    }
}

#[test]
fn a_broken_transport_says_why() {
    let (outcome, _) = call("transit", &decrypt("orders"), 0, "");
    assert!(matches!(outcome, Err(CallError::Transport("cut off"))));
}

#[test]
fn a_name_never_leads_to_another_route() {
    for name in [
        "",
        ".",
        "..",
        "../../sys/seal",
        "a/../b",
        "orders/rotate",
        "/orders",
        "a//b",
    ] {
        let (outcome, sent) = call("transit", &decrypt(name), 200, "{}");
        assert!(matches!(outcome, Err(CallError::Invalid(_))), "{name}");
        assert!(sent.is_empty(), "{name}");
    }
    for mount in ["", "..", "a/./b", "/transit", "transit/"] {
        let (outcome, sent) = call(mount, &decrypt("orders"), 200, "{}");
        assert!(matches!(outcome, Err(CallError::Invalid(_))), "{mount}");
        assert!(sent.is_empty(), "{mount}");
    }
    let (_, sent) = call("transit", &decrypt("a?b#c%2e d"), 200, "{}");
    assert_eq!(sent[0].target, "/v1/transit/decrypt/a%3Fb%23c%252e%20d");
}

#[test]
fn a_path_that_is_a_capture_may_have_slashes_and_end_in_one() {
    let read = |path: &str| kv::ReadData {
        path: path.to_owned(),
        ..Default::default()
    };
    let (_, sent) = call("secret", &read("team a/db/"), 404, "");
    assert_eq!(sent[0].target, "/v1/secret/data/team%20a/db/");
    let (outcome, sent) = call("secret", &read("team/../db"), 200, "{}");
    assert!(matches!(outcome, Err(CallError::Invalid(_))));
    assert!(sent.is_empty());
}

#[test]
fn without_a_token_none_is_sent() {
    let transport = Scripted {
        status: 204,
        body: "",
        sent: RefCell::default(),
    };
    let client = Client::new(transport, None);
    let request = auth::LookupSelf::default();
    let mut future = Box::pin(client.call("auth/token", &request));
    assert!(matches!(
        pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())),
        Poll::Ready(Ok(_))
    ));
    drop(future);
    let sent = client.transport.sent.into_inner();
    let names: Vec<_> = sent[0].headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["x-vault-request"]);
}

proptest! {
    #[test]
    fn whatever_the_name_the_path_that_is_sent_is_one_segment_longer_than_the_route(
        name in r"[a-z./%?#& \u{0}é\\]{0,12}"
    ) {
        let (outcome, sent) = call("transit", &decrypt(&name), 204, "");
        let Some(request) = sent.first() else {
            prop_assert!(matches!(outcome, Err(CallError::Invalid(_))));
            return Ok(());
        };
        let segment = request.target.strip_prefix("/v1/transit/decrypt/").unwrap();
        prop_assert!(!["", ".", ".."].contains(&segment));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        prop_assert!(segment.bytes().all(plain));
        prop_assert_eq!(percent_encode(&name), segment);
    }
}
