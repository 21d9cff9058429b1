//! Encryption that keeps the format.

use super::*;

#[tokio::test]
async fn a_card_number_stays_one() {
    let server = Server::start().await;
    let key = server.ok("keys/f", json!({"type": "ff1"})).await;
    assert_eq!(key["type"], "ff1");
    assert_eq!(key["alphabet"], "builtin/numeric");
    assert_eq!(key["supports_encryption"], false);
    let body = json!({"value": "4111-1111-1111-1111", "keep_others": true, "tweak": HELLO});
    let encoded = server.ok("encode/f", body.clone()).await;
    let value = text(&encoded["encoded_value"]);
    let kept: Vec<_> = value.split('-').map(str::len).collect();
    assert_eq!(kept, [4; 4]);
    assert!(value.chars().all(|c| c == '-' || c.is_ascii_digit()));
    assert_eq!(server.ok("encode/f", body).await, encoded);

    server.ok("keys/f/rotate", json!({})).await;
    let decode = |version: Value, tweak: &str| json!({"value": value, "keep_others": true, "tweak": tweak, "key_version": version});
    let decoded = server.ok("decode/f", decode(json!(1), HELLO)).await;
    assert_eq!(decoded["decoded_value"], "4111-1111-1111-1111");
    for (version, tweak) in [(json!(2), HELLO), (json!(1), "")] {
        let other = server.ok("decode/f", decode(version, tweak)).await;
        assert_ne!(other, decoded);
    }
    for version in [json!(null), json!(0)] {
        let refused = server.refused("decode/f", decode(version, HELLO)).await;
        assert_eq!(
            refused,
            "missing key_version: the value does not tell which version encoded it"
        );
    }
}

#[tokio::test]
async fn the_alphabet_is_the_key_s_or_the_request_s() {
    let server = Server::start().await;
    let body = json!({"type": "fpe", "alphabet": "0123456789abcdef"});
    let key = server.ok("keys/f", body).await;
    assert_eq!(
        (&key["type"], &key["alphabet"]),
        (&json!("ff1"), &json!("0123456789abcdef"))
    );
    for (alphabet, value) in [
        (json!(null), "00ff00ff"),
        (json!("builtin/alphanumeric"), "Hello00"),
        (json!("äöü0123456789"), "äöü000"),
    ] {
        let body = json!({"value": value, "alphabet": alphabet});
        let encoded = server.ok("encode/f", body).await;
        let body = json!({
            "value": encoded["encoded_value"], "alphabet": alphabet,
            "key_version": encoded["key_version"],
        });
        assert_eq!(server.ok("decode/f", body).await["decoded_value"], value);
    }
}

#[tokio::test]
async fn what_keeps_no_format_is_refused() {
    let server = Server::start().await;
    server.ok("keys/f", json!({"type": "ff1"})).await;
    server.ok("keys/a", json!({})).await;
    for (path, body, refusal) in [
        ("encode/f", json!({}), "missing value to encode"),
        ("decode/f", json!({}), "missing value to decode"),
        (
            "encode/f",
            json!({"value": "12345"}),
            "the value is too short: 6 symbols of this alphabet at least",
        ),
        (
            "encode/f",
            json!({"value": "12345a"}),
            "the value has a symbol that is not in the alphabet",
        ),
        (
            "encode/f",
            json!({"value": "123456", "alphabet": "00"}),
            "a symbol stands twice in the alphabet",
        ),
        (
            "encode/f",
            json!({"value": "123456", "tweak": "!"}),
            "failed to base64-decode tweak",
        ),
        (
            "encode/a",
            json!({"value": "123456"}),
            "key type aes256-gcm96 does not keep the format of what it encrypts",
        ),
        (
            "encrypt/f",
            json!({"plaintext": ""}),
            "message encryption not supported for key type ff1",
        ),
        (
            "keys/new",
            json!({"alphabet": "01"}),
            "alphabet is not valid for algorithm aes256-gcm96",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal, "{path}");
    }
}
