//! Tokens that are bound to a key.

use keyward_api::proof::{
    ProofError, RequestToSign, ResponseToSign, SigningKey, sign_request, verify_response,
};
use keyward_crypto::{HashAlgorithm, proof::ProofAlgorithm, random};

use super::*;
use crate::{Claim, Proof};

const ADDRESS: &str = "https://vault.example.com";

fn key() -> SigningKey {
    SigningKey::generate(ProofAlgorithm::Ed25519).unwrap()
}

impl House {
    /// Makes a token that is bound to a key.
    async fn bind(&self, key: &SigningKey, mut body: Value) -> String {
        body["client_key"] = json!(key.public());
        self.make(&self.root, body).await.token
    }

    /// Signs a request as the client of `key` would.
    fn sign(&self, key: &SigningKey, token: &str, path: &str, body: &Value) -> Request {
        let body = serde_json::to_vec(body).unwrap();
        let token = SecretString::new(token.to_owned());
        let target = format!("/v1/{path}");
        let signed = sign_request(
            key,
            &RequestToSign {
                method: "POST",
                target_uri: &format!("{ADDRESS}{target}"),
                token: &token,
                body: &body,
                created: self.clock.now().unix_seconds(),
                lifetime: 60,
                nonce: random::generate_nonce(),
            },
        );
        let signed = signed.unwrap();
        let proof = Proof::new(Claim {
            method: "POST".to_owned(),
            target,
            host: "vault.example.com".to_owned(),
            signs_token: true,
            body_digest: HashAlgorithm::Sha2_256.digest(&body).try_into().ok(),
            content_digest: signed.content_digest,
            signature_input: signed.signature_input,
            signature: signed.signature,
        });
        let path = CanonicalPath::parse(path).unwrap();
        Request::new(Operation::Update, path, SecretBytes::new(body))
            .with_token(TokenId::new(token))
            .with_proof(Arc::new(proof))
    }

    async fn signed(
        &self,
        key: &SigningKey,
        token: &str,
        path: &str,
        body: Value,
    ) -> Result<Done, Error> {
        self.core.handle(self.sign(key, token, path, &body)).await
    }

    async fn thumbprint(&self, token: &str) -> Value {
        let body = json!({ "token": token });
        let found = self.root("auth/token/lookup", body).await.unwrap();
        data(found)["cnf"]["jkt"].clone()
    }

    async fn uses_left(&self, token: &str) -> Value {
        let body = json!({ "token": token });
        let found = self.root("auth/token/lookup", body).await.unwrap();
        data(found)["num_uses"].clone()
    }
}

fn unproven(answer: Result<Done, Error>) -> ProofError {
    match answer {
        Err(Error::Unproven(why)) => why,
        other => panic!("it is not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_bound_token_serves_only_requests_that_its_key_signed() {
    let house = House::new().await;
    let (own, other) = (key(), key());
    for kind in ["service", "batch"] {
        let settings = json!({ "type": kind, "policies": "maker", "no_default_policy": true });
        let token = house.bind(&own, settings).await;
        let path = "auth/token/lookup-self";
        let found = house.signed(&own, &token, path, json!({})).await.unwrap();
        assert_eq!(data(found)["cnf"]["jkt"], own.public().thumbprint());
        let unsigned = house.update(&token, path, json!({})).await;
        assert_eq!(unproven(unsigned), ProofError::Unsigned);
        let stolen = house.signed(&other, &token, path, json!({})).await;
        assert_eq!(unproven(stolen), ProofError::Key);
    }
}

#[tokio::test]
async fn a_token_without_a_key_is_served_as_if_nothing_was_signed() {
    let house = House::new().await;
    let made = house.make(&house.root, json!({})).await;
    let path = "auth/token/lookup-self";
    let request = house.sign(&key(), &made.token, path, &json!({}));
    let proof = request.proof.clone().unwrap();
    let found = data(house.core.handle(request).await.unwrap());
    assert!(found.get("cnf").is_none());
    let answer = proof.sign_answer(200, b"", house.clock.now()).unwrap();
    assert_eq!(answer, None);
}

#[tokio::test]
async fn who_does_not_hold_the_key_uses_nothing_up() {
    let house = House::new().await;
    let key = key();
    let token = house.bind(&key, json!({ "num_uses": 3 })).await;
    let path = "auth/token/lookup-self";
    for _ in 0..5 {
        unproven(house.update(&token, path, json!({})).await);
    }
    assert_eq!(house.uses_left(&token).await, 3);
    let request = || house.sign(&key, &token, path, &json!({}));
    house.core.handle(request()).await.unwrap();
    assert_eq!(house.uses_left(&token).await, 2);
    // The same once more: a nonce is good for one.
    let (one, two) = (request(), request());
    let again = Request {
        proof: one.proof.clone(),
        ..two
    };
    house.core.handle(one).await.unwrap();
    assert_eq!(
        unproven(house.core.handle(again).await),
        ProofError::Replayed
    );
    assert_eq!(house.uses_left(&token).await, 1);
}

#[tokio::test]
async fn a_signature_is_of_one_request_in_its_time() {
    let house = House::new().await;
    let key = key();
    let token = house.bind(&key, json!({})).await;
    let path = "auth/token/lookup-self";
    let late = house.sign(&key, &token, path, &json!({}));
    house.clock.advance(Duration::from_secs(121));
    let late = house.core.handle(late).await;
    assert_eq!(unproven(late), ProofError::Expired);
    let root = house.sign(&key, &house.root, path, &json!({}));
    let token_id = TokenId::new(SecretString::new(token.clone()));
    let moved = house.core.handle(root.with_token(token_id)).await;
    assert_eq!(unproven(moved), ProofError::Signature);
}

#[tokio::test]
async fn what_a_bound_token_makes_is_bound() {
    let house = House::new().await;
    let (own, other) = (key(), key());
    let role = json!({ "orphan": true, "allowed_policies": "sudo" });
    house.root("auth/token/roles/crew", role).await.unwrap();
    let token = house.bind(&own, json!({ "policies": "sudo" })).await;
    for path in [
        "auth/token/create",
        "auth/token/create-orphan",
        "auth/token/create/crew",
    ] {
        let make = async |body| {
            let made = house.signed(&own, &token, path, body).await.unwrap();
            made.auth.unwrap().client_token.expose().to_owned()
        };
        let child = make(json!({})).await;
        assert_eq!(house.thumbprint(&child).await, own.public().thumbprint());
        let child = make(json!({ "client_key": other.public() })).await;
        assert_eq!(house.thumbprint(&child).await, other.public().thumbprint());
    }
    let free = house.make(&house.root, json!({})).await.token;
    assert_eq!(house.thumbprint(&free).await, Value::Null);
}

#[tokio::test]
async fn a_role_asks_for_a_key() {
    let house = House::new().await;
    let role = "auth/token/roles/held";
    let read = || house.call(Operation::Read, &house.root, role, json!({}));
    house.root(role, json!({ "orphan": true })).await.unwrap();
    assert!(data(read().await.unwrap()).get("require_pop").is_none());
    house
        .root(role, json!({ "require_pop": "true" }))
        .await
        .unwrap();
    assert_eq!(data(read().await.unwrap())["require_pop"], true);
    let path = "auth/token/create/held";
    assert_eq!(
        house.refusal(&house.root, path, json!({})).await,
        "tokens of this role are bound to a key: 'client_key' is required"
    );
    let with_key = json!({ "client_key": key().public() });
    house.root(path, with_key).await.unwrap();
    house
        .root(role, json!({ "require_pop": false }))
        .await
        .unwrap();
    house.root(path, json!({})).await.unwrap();
}

#[tokio::test]
async fn what_is_no_key_binds_nothing() {
    let house = House::new().await;
    for client_key in [
        json!("text"),
        json!({}),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
    ] {
        let body = json!({ "client_key": client_key });
        let refused = house.update(&house.root, "auth/token/create", body).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{client_key}");
    }
    let mut private = json!(key().public());
    private["d"] = json!("AAAA");
    let body = json!({ "client_key": private });
    let text = house.refusal(&house.root, "auth/token/create", body).await;
    assert!(text.contains("the key has a private half"), "{text}");
}

#[tokio::test]
async fn answers_are_wrapped_and_unwrapped_with_a_bound_token() {
    let house = House::new().await;
    let key = key();
    let token = house.bind(&key, json!({})).await;
    let mut request = house.sign(&key, &token, "auth/token/lookup-self", &json!({}));
    request.wrap_ttl = Some(HOUR);
    let wrapped = house.core.handle(request).await.unwrap().wrap_info.unwrap();
    let body = json!({ "token": wrapped.token.expose() });
    let unsigned = house
        .update(&token, "sys/wrapping/unwrap", body.clone())
        .await;
    assert_eq!(unproven(unsigned), ProofError::Unsigned);
    let opened = house
        .signed(&key, &token, "sys/wrapping/unwrap", body)
        .await;
    assert_eq!(
        data(opened.unwrap())["cnf"]["jkt"],
        key.public().thumbprint()
    );
}

#[tokio::test]
async fn answers_are_signed_with_a_key_that_stays() {
    let house = House::new().await;
    let own = key();
    let token = house.bind(&own, json!({})).await;
    let keys = async || {
        let read = house
            .call(Operation::Read, "", "sys/response-keys", json!({}))
            .await;
        let document = read.unwrap().document.unwrap();
        assert_eq!(document.max_age, Some(Duration::from_secs(60)));
        let read: Value = serde_json::from_slice(document.body.expose()).unwrap();
        read["keys"].clone()
    };
    let first = keys().await;
    let [jwk] = &first.as_array().unwrap()[..] else {
        panic!("there is one key: {first}")
    };
    let server: keyward_api::proof::VerifyingKey = serde_json::from_value(jwk.clone()).unwrap();
    assert_eq!(jwk["kid"], server.thumbprint());
    assert_eq!(jwk["use"], "sig");
    // A refusal is signed like a success, once the proof was good.
    for (path, is_good) in [("auth/token/lookup-self", true), ("sys/mounts/x", false)] {
        let request = house.sign(&own, &token, path, &json!({}));
        let proof = request.proof.clone().unwrap();
        assert_eq!(house.core.handle(request).await.is_ok(), is_good);
        let now = house.clock.now();
        let signed = proof.sign_answer(200, b"body", now).unwrap().unwrap();
        let response = ResponseToSign {
            status: 200,
            body: b"body",
            method: "POST",
            target_uri: [ADDRESS, &format!("/v1/{path}")],
            signature: &proof.claim().signature,
        };
        let verified = verify_response(&server, &response, &signed);
        assert_eq!(verified, Ok(now.unix_seconds()));
        let changed = ResponseToSign {
            status: 403,
            ..response
        };
        let changed = verify_response(&server, &changed, &signed);
        assert_eq!(changed, Err(ProofError::Signature));
    }
    assert_eq!(keys().await, first);
}
