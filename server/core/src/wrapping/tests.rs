//! Wrapping tokens as JWTs: who opens them, until when, and which are refused.

use std::{sync::Arc, time::Duration};

use keyward_api::{Operation, Sensitive, WrapInfo};
use keyward_crypto::{Derivation, KeyForm, Keyring, encoding, key_type};
use serde_json::{Value, json};

use super::Jwts;
use crate::{
    Core, Done, Error, ManualClock, Registry, Timestamp, TokenId, View, WrapFormat,
    barrier::Barrier, storage::Memory, testing,
};

/// Two servers of one store.
struct Pair {
    clock: Arc<ManualClock>,
    cores: [Core; 2],
    root: String,
}

impl Pair {
    async fn start() -> Self {
        let (storage, clock) = (Arc::new(Memory::new()), testing::clock());
        let cores = [(); 2].map(|()| {
            testing::core(storage.clone(), &clock, Registry::EMPTY)
                .reached_at("https://v.example:8200")
        });
        let (share, root) = testing::initialize(&cores[0]).await;
        for core in &cores {
            core.unseal(share.duplicate()).await.unwrap();
        }
        Self { clock, cores, root }
    }

    /// Has something wrapped on the first server.
    async fn wrapped(&self) -> String {
        let mut request =
            testing::request(Operation::Update, "sys/wrapping/wrap", &json!({ "a": "b" }));
        request.wrap_ttl = Some(Duration::from_secs(60));
        request.wrap_format = WrapFormat::Jwt;
        let request = request.with_token(testing::token(&self.root));
        let done = self.cores[0].handle(request).await.unwrap();
        // EXPOSE: the test uses it.
        done.wrap_info.unwrap().token.expose().to_owned()
    }

    /// Names a wrapping token to a server.
    async fn ask(&self, server: usize, what: &str, token: &str) -> Result<Done, Error> {
        let path = format!("sys/wrapping/{what}");
        let body = json!({ "token": token });
        let request = testing::request(Operation::Update, &path, &body);
        let request = request.with_token(testing::token(&self.root));
        self.cores[server].handle(request).await
    }

    async fn refusal(&self, what: &str, token: &str) -> String {
        match self.ask(0, what, token).await {
            Err(Error::Invalid(text) | Error::Refused(text)) => text,
            other => panic!("{what}: {other:?}"),
        }
    }
}

fn part(jwt: &str, number: usize) -> Value {
    let part = jwt.split('.').nth(number).unwrap();
    serde_json::from_slice(&encoding::decode_url(part).unwrap()).unwrap()
}

#[tokio::test]
async fn the_claims_tell_where_it_is_opened_and_until_when() {
    let pair = Pair::start().await;
    let jwt = pair.wrapped().await;
    assert_eq!(part(&jwt, 0), json!({ "alg": "ES512", "typ": "JWT" }));
    let mut claims = part(&jwt, 1);
    let inside = claims["jti"].take();
    let now = testing::START.unix_seconds();
    let told = json!({
        "accessor": "", "addr": "https://v.example:8200", "exp": now + 60, "iat": now,
        "jti": null, "nbf": now - 5, "type": "wrapping",
    });
    assert_eq!(claims, told);
    // It is the token that it would have been.
    let opened = pair.ask(0, "unwrap", inside.as_str().unwrap()).await;
    assert!(opened.is_ok(), "{opened:?}");
}

#[tokio::test]
async fn another_server_of_the_store_opens_it() {
    let pair = Pair::start().await;
    let jwt = pair.wrapped().await;
    pair.ask(1, "lookup", &jwt).await.unwrap();
    pair.ask(1, "unwrap", &jwt).await.unwrap();
    assert!(pair.ask(1, "unwrap", &jwt).await.is_err());
}

#[tokio::test]
async fn it_opens_once() {
    let pair = Pair::start().await;
    let jwt = pair.wrapped().await;
    pair.ask(0, "unwrap", &jwt).await.unwrap();
    let gone = "wrapping token is not valid or does not exist";
    for what in ["lookup", "rewrap", "unwrap"] {
        assert_eq!(pair.refusal(what, &jwt).await, gone, "{what}");
    }
}

#[tokio::test]
async fn it_ends_with_the_token_inside() {
    let pair = Pair::start().await;
    let jwt = pair.wrapped().await;
    pair.clock.advance(Duration::from_secs(59));
    pair.ask(0, "lookup", &jwt).await.unwrap();
    pair.clock.advance(Duration::from_secs(2));
    let gone = "wrapping token is not valid or does not exist";
    for what in ["lookup", "rewrap", "unwrap"] {
        assert_eq!(pair.refusal(what, &jwt).await, gone, "{what}");
    }
}

#[tokio::test]
async fn what_this_store_has_not_signed_is_refused() {
    let pair = Pair::start().await;
    let jwt = pair.wrapped().await;
    let elsewhere = Pair::start().await.wrapped().await;
    let [header, claims, signature] = jwt.split('.').collect::<Vec<_>>()[..] else {
        panic!("{jwt}");
    };
    let encoded = |json: Value| encoding::encode_url(json.to_string().as_bytes());
    let flipped = match signature.strip_suffix("AAAA") {
        Some(rest) => format!("{rest}BBBB"),
        None => format!("{}AAAA", &signature[..signature.len() - 4]),
    };
    let mut later = part(&jwt, 1);
    later["exp"] = json!(u64::MAX);
    let forged = "error validating wrapping token: wrapping token signature could not be validated";
    let algorithm = "error validating wrapping token: wrapping token could not be parsed: its \
                     algorithm is not ES512";
    let gone = "wrapping token is not valid or does not exist";
    let other = |alg: &str| format!("{}.{claims}", encoded(json!({ "alg": alg, "typ": "JWT" })));
    for (text, refusal) in [
        (elsewhere.clone(), forged),
        (format!("{header}.{claims}.{flipped}"), forged),
        (format!("{header}.{claims}."), forged),
        (format!("{header}.{}.{signature}", encoded(later)), forged),
        (format!("{}.", other("none")), algorithm),
        (format!("{}.{signature}", other("none")), algorithm),
        (format!("{}.{signature}", other("ES256")), algorithm),
        (format!("{}.{signature}", other("HS512")), algorithm),
        (format!("{jwt}.x"), gone),
        (format!("{header}.{claims}"), gone),
        ("a.b.c".to_owned(), gone),
        (format!("{}.{claims}.{signature}", encoded(json!({}))), gone),
    ] {
        for what in ["lookup", "rewrap", "unwrap"] {
            assert_eq!(pair.refusal(what, &text).await, refusal, "{what} {text}");
        }
    }
    pair.ask(0, "unwrap", &jwt).await.unwrap();
}

#[tokio::test]
async fn a_server_that_comes_second_takes_the_key_of_the_first() {
    let now = Timestamp::default();
    let aes = key_type("aes256-gcm96").unwrap();
    let keyring = Keyring::generate(aes, Derivation::None, now.into());
    let barrier = Arc::new(Barrier::new(Arc::new(Memory::new()), keyring.unwrap()));
    let [first, second] = [(); 2].map(|()| Jwts::new(View::new(Arc::clone(&barrier), "w/")));
    let mut info = WrapInfo {
        token: Sensitive::new("the token".to_owned()),
        accessor: String::new(),
        ttl: 1,
        creation_time: String::new(),
        creation_path: String::new(),
        wrapped_accessor: String::new(),
    };
    // Nothing was signed yet, and what asks for that makes no key.
    let unsigned = testing::token("eyJhbGciOiJFUzUxMiJ9.e30.AA");
    assert!(matches!(
        second.open(&unsigned).await,
        Err(Error::Refused(_))
    ));
    let public = |key: Keyring| key.export_public(1, KeyForm::Pem).unwrap();
    let made = public(first.make(now).await.unwrap());
    assert_eq!(public(second.make(now).await.unwrap()), made);
    let signer = second.signer(now).await.unwrap();
    signer.sign(&mut info, "", now).unwrap();
    // EXPOSE: the test compares it.
    let signed = testing::token(info.token.expose());
    let opened = first.open(&signed).await.unwrap();
    assert_eq!(opened.as_ref().map(TokenId::expose), Some("the token"));
}
