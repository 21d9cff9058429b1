//! Transit, key-value secrets and tokens.

use std::time::{Duration, SystemTime};

use keyward_client::api::SensitiveJson;
use keyward_client::api::auth::CreateToken;
use keyward_client::api::lease::ListLeasesBelow;
use keyward_client::{Context, Effect, Http, Keyward, Options};

use super::{client, client_of_transit, create_key};
use crate::support::Target;

#[tokio::test]
async fn the_client_works_with_keyward() {
    suite(&Target::keyward()).await;
}

#[tokio::test]
async fn the_client_works_with_the_peer() {
    suite(&Target::peer()).await;
}

async fn suite(target: &Target) {
    let client = client_of_transit(target).await;
    ciphers(&client).await;
    signatures(&client).await;
    secrets(target).await;
    tokens(target).await;
    leases(target).await;
}

async fn ciphers(client: &Keyward<Http>) {
    create_key(client, "c", "aes256-gcm96").await;
    let transit = client.transit("transit");
    let context = Context::from([("tenant".to_owned(), "a".to_owned())]);
    let bound = Options {
        context: Some(&context),
        ..Options::default()
    };
    let ciphertext = transit.encrypt("c", b"text", bound).await.unwrap();
    assert!(ciphertext.starts_with("vault:v1:"));
    let plaintext = transit.decrypt("c", &ciphertext, bound).await.unwrap();
    assert_eq!(plaintext.expose(), b"text");
    let error = transit
        .decrypt("c", &ciphertext, Options::default())
        .await
        .unwrap_err();
    assert_eq!((error.status(), error.retryable()), (Some(400), false));

    // Unbound, since the peer rewraps nothing that is bound.
    let free = Options::default();
    let unbound = transit.encrypt("c", b"text", free).await.unwrap();
    transit.rotate_key("c").await.unwrap();
    let rewrapped = transit.rewrap("c", &unbound, free).await.unwrap();
    assert!(rewrapped.starts_with("vault:v2:"));

    let many = transit
        .encrypt_many("c", &[b"one", b"two"], bound)
        .await
        .unwrap();
    let many: Vec<String> = many.into_iter().collect::<Result<_, _>>().unwrap();
    let items = [many[0].as_str(), "vault:v1:AAAA", many[1].as_str()];
    let opened = transit.decrypt_many("c", &items, bound).await.unwrap();
    assert_eq!(opened[0].as_ref().unwrap().expose(), b"one");
    assert!(opened[1].is_err());
    assert_eq!(opened[2].as_ref().unwrap().expose(), b"two");
    let items = [unbound.as_str(), "vault:v1:AAAA"];
    let rewrapped = transit.rewrap_many("c", &items, free).await.unwrap();
    assert!(rewrapped[0].is_ok() && rewrapped[1].is_err());

    let data_key = transit.data_key("c").await.unwrap();
    let unwrapped = transit
        .decrypt("c", &data_key.wrapped, Options::default())
        .await;
    assert_eq!(unwrapped.unwrap(), data_key.plaintext);
    let missing = transit.read_key("none").await.unwrap_err();
    assert!(missing.is_not_found());
}

async fn signatures(client: &Keyward<Http>) {
    create_key(client, "s", "ed25519").await;
    let transit = client.transit("transit");
    let signature = transit.sign("s", b"text").await.unwrap();
    assert!(transit.verify("s", b"text", &signature).await.unwrap());
    assert!(!transit.verify("s", b"other", &signature).await.unwrap());
    let signed = transit.sign_many("s", &[b"one", b"two"]).await.unwrap();
    let signed: Vec<String> = signed.into_iter().collect::<Result<_, _>>().unwrap();
    let items: [(&[u8], &str); 2] = [(b"one", &signed[0]), (b"two", &signed[0])];
    let verified = transit.verify_many("s", &items).await.unwrap();
    assert_eq!(verified, [Ok(true), Ok(false)]);
    let hmac = transit.hmac("s", b"text").await.unwrap();
    assert!(hmac.starts_with("vault:v1:"));
}

async fn secrets(target: &Target) {
    let client = client(target);
    let kv = client.kv("secret");
    let data = |text: &str| SensitiveJson::new(text.to_owned()).unwrap();
    let written = kv
        .write("a/b", data(r#"{"k":"v"}"#), Some(0))
        .await
        .unwrap();
    assert_eq!(written.version, 1);
    let conflict = kv.write("a/b", data("{}"), Some(0)).await.unwrap_err();
    assert_eq!(conflict.status(), Some(400));
    let read = kv.read("a/b", None).await.unwrap();
    assert_eq!(read.data.unwrap().expose(), r#"{"k":"v"}"#);
    assert_eq!(kv.list("a").await.unwrap(), ["b"]);
    kv.delete("a/b", &[1]).await.unwrap();
    let deleted = kv.read("a/b", Some(1)).await.unwrap();
    assert!(deleted.data.is_none() && !deleted.metadata.deletion_time.is_empty());
    assert!(kv.list("none").await.unwrap_err().is_not_found());
}

async fn tokens(target: &Target) {
    let root = client(target);
    let request = CreateToken {
        ttl: Some("3600s".to_owned()),
        policies: Some(vec!["default".to_owned()]),
        ..CreateToken::default()
    };
    let granted = root.tokens().create(&request).await.unwrap();
    let renewal = root.tokens().renewal(&granted).unwrap();
    let until = renewal.until_due(SystemTime::UNIX_EPOCH);
    let term = renewal
        .expires()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let left = term - until;
    assert!(
        left > Duration::from_secs(800) && left < Duration::from_secs(1_600),
        "{left:?}"
    );

    let own = root.clone();
    own.set_token(Some(granted.client_token));
    let lookup = own.tokens().lookup_self().await.unwrap();
    assert_eq!(lookup.accessor, granted.accessor);
    assert_eq!(
        own.tokens().renew_if_due(renewal).await.unwrap(),
        Some(renewal)
    );
    let renewed = own.tokens().renew_self(None).await.unwrap();
    assert_eq!(renewed.accessor, granted.accessor);
    own.tokens().revoke_self().await.unwrap();
    assert!(own.tokens().lookup_self().await.unwrap_err().is_denied());
}

/// The lease of a token, which every server has. That of a user of a database, which is renewed as
/// well, is in `tests/database.rs`.
async fn leases(target: &Target) {
    let root = client(target);
    let before = token_leases(&root).await;
    let request = CreateToken {
        ttl: Some("3600s".to_owned()),
        policies: Some(vec!["default".to_owned()]),
        ..CreateToken::default()
    };
    let granted = root.tokens().create(&request).await.unwrap();
    let mut made = token_leases(&root).await;
    made.retain(|id| !before.contains(id));
    let [id] = made.as_slice() else {
        panic!("one token has one lease: {made:?}");
    };
    let leases = root.leases();

    let known = leases.lookup(id).await.unwrap();
    assert_eq!((&known.id, known.renewable), (id, true));
    assert!(known.ttl > 3_500 && known.ttl <= 3_600 && known.last_renewal.is_none());
    // Who has a token renews it as one.
    let refused = leases.renew(id, None).await.unwrap_err();
    assert_eq!((refused.status(), refused.retryable()), (Some(400), false));

    leases.revoke(id).await.unwrap();
    // A clone would share its token.
    let own = client(target);
    own.set_token(Some(granted.client_token));
    assert!(own.tokens().lookup_self().await.unwrap_err().is_denied());
    let gone = leases.lookup(id).await.unwrap_err();
    assert_eq!((gone.status(), gone.retryable()), (Some(400), false));
}

async fn token_leases(root: &Keyward<Http>) -> Vec<String> {
    let prefix = "auth/token/create";
    let below = ListLeasesBelow {
        prefix: prefix.to_owned(),
    };
    let listed = root.call("sys", &below, Effect::Computes).await;
    let names = listed.map_or_else(
        |error| {
            assert!(error.is_not_found(), "{error}");
            Vec::new()
        },
        |listed| listed.data.unwrap().keys,
    );
    names
        .iter()
        .map(|name| format!("{prefix}/{name}"))
        .collect()
}
