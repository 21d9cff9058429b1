//! Tokens that are bound to a key: what a thief of one gets, and how answers are signed.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use keyward_api::proof::{
    ProofError, RequestToSign, ResponseToSign, Signed, SigningKey, VerifyingKey, sign_request,
    verify_response,
};
use keyward_crypto::{SecretString, proof::ProofAlgorithm, random};
use serde_json::{Value, json};

use crate::support::{Answer, Authority, Client, Installation, Store, Target};

#[allow(
    clippy::disallowed_methods,
    reason = "the server under test has the time of the world"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A client with a key, and a token that is bound to it.
struct Holder {
    key: SigningKey,
    token: String,
    accessor: String,
    address: String,
}

/// What is sent.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'a str,
    path: &'a str,
    body: &'a str,
}

const LOOKUP: Ask<'_> = Ask {
    method: "GET",
    path: "auth/token/lookup-self?a=b",
    body: "",
};

const ENCRYPT: Ask<'_> = Ask {
    method: "POST",
    path: "transit/encrypt/k",
    body: r#"{"plaintext":"c2VjcmV0"}"#,
};

impl Holder {
    async fn new(root: &Client, address: &str, algorithm: ProofAlgorithm, settings: Value) -> Self {
        let key = SigningKey::generate(algorithm).unwrap();
        let mut body = settings;
        body["client_key"] = json!(key.public());
        let made = root.post("auth/token/create", body).await.expect(200);
        Self {
            token: made.text_at("/auth/client_token").to_owned(),
            accessor: made.text_at("/auth/accessor").to_owned(),
            address: address.to_owned(),
            key,
        }
    }

    fn sign(&self, ask: Ask<'_>, created: u64) -> Signed {
        sign_request(
            &self.key,
            &RequestToSign {
                method: ask.method,
                target_uri: &format!("{}/v1/{}", self.address, ask.path),
                token: &SecretString::new(self.token.clone()),
                body: ask.body.as_bytes(),
                created,
                lifetime: 60,
                nonce: random::generate_nonce(),
            },
        )
        .unwrap()
    }

    async fn ask(&self, root: &Client, ask: Ask<'_>) -> (Answer, Signed) {
        let signed = self.sign(ask, now());
        (
            send(&root.with_token(&self.token), ask, &signed).await,
            signed,
        )
    }
}

async fn send(client: &Client, ask: Ask<'_>, signed: &Signed) -> Answer {
    let mut headers = vec![
        ("Signature-Input", signed.signature_input.as_str()),
        ("Signature", signed.signature.as_str()),
    ];
    if let Some(digest) = &signed.content_digest {
        headers.push(("Content-Digest", digest));
    }
    let body = (!ask.body.is_empty()).then(|| ask.body.to_owned());
    client.send(ask.method, ask.path, &headers, body).await
}

fn header(answer: &Answer, name: &str) -> String {
    let value = answer.headers.get(name);
    let value = value.unwrap_or_else(|| panic!("no {name} in {:?}", answer.headers));
    value.to_str().unwrap().to_owned()
}

/// Insists that the answer is the server's own, to this request of the holder's.
fn is_of(server: &VerifyingKey, answer: &Answer, holder: &Holder, ask: Ask<'_>, request: &Signed) {
    let response = ResponseToSign {
        status: answer.status,
        body: answer.text.as_bytes(),
        method: ask.method,
        target_uri: [&holder.address, &format!("/v1/{}", ask.path)],
        signature: &request.signature,
    };
    let signed = Signed {
        content_digest: Some(header(answer, "content-digest")),
        signature_input: header(answer, "signature-input"),
        signature: header(answer, "signature"),
    };
    verify_response(server, &response, &signed).unwrap();
    // One bit less, and it is not the server's any more.
    let changed = answer.text.replacen('e', "f", 1);
    let changed = ResponseToSign {
        body: changed.as_bytes(),
        ..response
    };
    verify_response(server, &changed, &signed).unwrap_err();
}

/// The key that the server signs with, as everybody is shown it.
async fn response_key(root: &Client) -> VerifyingKey {
    let keys = root
        .with_token("")
        .get("sys/response-keys")
        .await
        .expect(200);
    let server: VerifyingKey = serde_json::from_value(keys.at("/keys/0").clone()).unwrap();
    assert_eq!(keys.text_at("/keys/0/kid"), server.thumbprint());
    server
}

/// Sends one signed request 64 times at once: one is served, and each other is told why it is not.
async fn is_served_once(client: &Client, ask: Ask<'_>, signed: &Signed) {
    let asked = (0..64).map(|_| send(client, ask, signed));
    let answers = futures_util::future::join_all(asked).await;
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((served.len(), refused.len()), (1, 63));
    for answer in refused {
        rejected(answer, ProofError::Replayed);
    }
}

fn rejected(answer: Answer, why: ProofError) -> Answer {
    assert_eq!(header(&answer, "www-authenticate"), "Signature");
    answer.refused(401, why.text())
}

#[tokio::test]
async fn the_holder_of_the_key_is_served_and_hears_signed_answers() {
    let target = Target::keyward();
    let root = Client::new(&target);
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    let server = response_key(&root).await;
    let list = Ask {
        method: "LIST",
        path: "auth/token/accessors",
        body: "",
    };
    let missing = Ask {
        path: "nowhere/at/all",
        ..LOOKUP
    };
    for algorithm in [ProofAlgorithm::Ed25519, ProofAlgorithm::EcdsaP256Sha256] {
        let holder = Holder::new(&root, &target.address, algorithm, json!({})).await;
        for (ask, status) in [(LOOKUP, 200), (ENCRYPT, 200), (list, 200), (missing, 404)] {
            let (answer, request) = holder.ask(&root, ask).await;
            is_of(&server, &answer.expect(status), &holder, ask, &request);
        }
        let (answer, _) = holder.ask(&root, LOOKUP).await;
        assert_eq!(
            answer.text_at("/data/cnf/jkt"),
            holder.key.public().thumbprint()
        );
    }
    // Nobody asked for more, so nothing is signed for others.
    let plain = root.get("auth/token/lookup-self").await.expect(200);
    assert!(!plain.headers.contains_key("signature"));
}

#[tokio::test]
async fn a_stolen_token_is_useless_and_its_use_is_on_record() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(1, 1).await;
    installation.unseal(&keys).await;
    let root = installation.client(&keys.root_token);
    let path = installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": path } });
    root.post("sys/audit/file", device).await.expect(204);
    let address = installation.address();
    let settings = json!({ "policies": ["default"], "num_uses": 2 });
    let holder = Holder::new(&root, &address, ProofAlgorithm::Ed25519, settings).await;
    let thief = root.with_token(&holder.token);

    // With the token alone.
    rejected(thief.get(LOOKUP.path).await, ProofError::Unsigned);
    // With a key of his own.
    let other = Holder {
        key: SigningKey::generate(ProofAlgorithm::Ed25519).unwrap(),
        token: holder.token.clone(),
        accessor: String::new(),
        address: address.clone(),
    };
    rejected(other.ask(&root, LOOKUP).await.0, ProofError::Key);
    // With the owner's signature of something else: method, target, body, another server's.
    let signed = holder.sign(LOOKUP, now());
    let elsewhere = Ask {
        path: "auth/token/lookup-self?a=c",
        ..LOOKUP
    };
    rejected(
        send(&thief, elsewhere, &signed).await,
        ProofError::Signature,
    );
    let posted = Ask {
        method: "POST",
        ..LOOKUP
    };
    rejected(send(&thief, posted, &signed).await, ProofError::Signature);
    let of_body = holder.sign(ENCRYPT, now());
    let another_body = Ask {
        body: r#"{"plaintext":"c2VjcmV1"}"#,
        ..ENCRYPT
    };
    rejected(
        send(&thief, another_body, &of_body).await,
        ProofError::Digest,
    );
    let foreign = Holder {
        address: "https://vault.example.com".to_owned(),
        key: SigningKey::from_pkcs8(ProofAlgorithm::Ed25519, holder.key.to_pkcs8().unwrap())
            .unwrap(),
        token: holder.token.clone(),
        accessor: String::new(),
    };
    let foreign = foreign.sign(LOOKUP, now());
    rejected(send(&thief, LOOKUP, &foreign).await, ProofError::Signature);
    // With what is too old, or not yet valid.
    let old = holder.sign(LOOKUP, now() - 130);
    assert_eq!(send(&thief, LOOKUP, &old).await.status, 401);
    let future = holder.sign(LOOKUP, now() + 300);
    assert_eq!(send(&thief, LOOKUP, &future).await.status, 401);
    // In the header that nothing signs.
    let bearer = format!("Bearer {}", holder.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Signature-Input", signed.signature_input.as_str()),
        ("Signature", signed.signature.as_str()),
    ];
    let nobody = root.with_token("");
    let unsigned_token = nobody.send("GET", LOOKUP.path, &headers, None).await;
    rejected(unsigned_token, ProofError::Token);

    // None of it cost a use, and all of it is on record, with the accessor and never the token.
    let log = fs::read_to_string(&path).unwrap();
    assert!(!log.contains(&holder.token));
    let accessor = json!({ "input": holder.accessor });
    let accessor = root.post("sys/audit-hash/file", accessor).await.expect(200);
    let accessor = accessor.at("/data/hash");
    let mut refusals = 0;
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let error = entry["error"].as_str().unwrap_or_default();
        if error.contains("proof rejected") {
            assert_eq!(&entry["auth"]["accessor"], accessor, "{line}");
            refusals += usize::from(entry["type"] == "response");
        }
    }
    assert_eq!(refusals, 9);
    let lookup = json!({ "accessor": holder.accessor });
    let left = root.post("auth/token/lookup-accessor", lookup).await;
    assert_eq!(left.expect(200).at("/data/num_uses"), 2);

    // The owner is served; the same request once more is not, however many send it at once.
    is_served_once(&thief, LOOKUP, &signed).await;
}

#[tokio::test]
async fn proofs_work_over_http_2() {
    let authority = Authority::new();
    let installation = Installation::new(Store::Sled);
    let (certificate, key) = (installation.path("cert.pem"), installation.path("key.pem"));
    authority.sign(&["127.0.0.1"]).write(&certificate, &key);
    let files = format!("tls_cert_file = {certificate:?}\n  tls_key_file = {key:?}");
    let config = fs::read_to_string(installation.config()).unwrap();
    let config = config
        .replace("tls_disable = true", &files)
        .replace("http://", "https://");
    fs::write(installation.config(), config).unwrap();
    let _server = installation.start();
    // Nothing but HTTP/2.
    let http = authority.trust().http2_prior_knowledge().build().unwrap();
    let address = format!("https://{}", installation.socket_address());
    let nobody = Client::with(http, &address, "");
    let shares = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let made = nobody.post("sys/init", shares).await.expect(200);
    let share = json!({ "key": made.text_at("/keys/0") });
    nobody.post("sys/unseal", share).await.expect(200);
    let root = nobody.with_token(made.text_at("/root_token"));
    root.post("sys/mounts/transit", json!({ "type": "transit" }))
        .await
        .expect(204);
    let server = response_key(&root).await;
    for algorithm in [ProofAlgorithm::Ed25519, ProofAlgorithm::EcdsaP256Sha256] {
        let holder = Holder::new(&root, &address, algorithm, json!({})).await;
        for ask in [LOOKUP, ENCRYPT] {
            let (answer, request) = holder.ask(&root, ask).await;
            is_of(&server, &answer.expect(200), &holder, ask, &request);
        }
        let bound = root.with_token(&holder.token);
        rejected(bound.get(LOOKUP.path).await, ProofError::Unsigned);
        is_served_once(&bound, ENCRYPT, &holder.sign(ENCRYPT, now())).await;
    }
}
