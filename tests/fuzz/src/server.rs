//! Bytes that a whole server reads, through the gate and all.

use axum::{body::Body, http::Request};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use keyward_api::{Operation, coerce};
use keyward_core::{Denial, Error, TokenId};
use keyward_crypto::SecretString;
use serde_json::json;

use crate::{
    house::{ask, ask_as, ask_over_http, post},
    text::text,
};

/// Bodies of transit's requests and their batches: what is encrypted opens again.
pub(crate) fn batch(data: &[u8]) {
    for path in [
        "transit/decrypt/k",
        "transit/decrypt/derived",
        "transit/rewrap/k",
        "transit/sign/signer",
        "transit/verify/signer",
        "transit/hmac/k",
        "transit/encode/card",
        "transit/keys/k/config",
    ] {
        let _refused = ask(Operation::Update, path, data.to_vec());
    }
    let Ok(encrypted) = ask(Operation::Update, "transit/encrypt/k", data.to_vec()) else {
        return;
    };
    let given: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let bound = given.get("associated_data").is_some() || given.get("batch_input").is_some();
    if let Some(ciphertext) = encrypted["ciphertext"].as_str()
        && !bound
    {
        let opened = post("transit/decrypt/k", &json!({ "ciphertext": ciphertext })).unwrap();
        assert!(opened["plaintext"].is_string());
    }
}

/// Durations, by themselves and wherever the server takes one: what is printed is read as the same.
pub(crate) fn duration(data: &[u8]) {
    let Some(text) = text(data) else { return };
    // Beyond this, hundreds of millions of years, the fraction of a second costs whole ones.
    if let Ok(seconds @ 0..=EXACT) = coerce::parse_seconds(text) {
        let printed = coerce::format_seconds(seconds.unsigned_abs());
        assert_eq!(coerce::parse_seconds(&printed), Ok(seconds), "{printed}");
    }
    for (path, field) in [
        ("auth/token/create", "ttl"),
        ("auth/token/create", "period"),
        ("auth/token/create", "explicit_max_ttl"),
        ("auth/token/roles/fuzzed", "token_period"),
        ("sys/mounts/kv/tune", "max_lease_ttl"),
        ("transit/keys/derived/config", "auto_rotate_period"),
        ("kv/config", "delete_version_after"),
        ("sys/rotate/config", "interval"),
    ] {
        let _refused = post(path, &json!({ field: text }));
    }
    let _aged = post("kv/data/a", &json!({ "data": {} }));
    let _reset = post("kv/config", &json!({ "delete_version_after": "0s" }));
}

/// The whole numbers up to here are all floats too.
const EXACT: i64 = 1 << 53;

/// Whole requests: the line, the headers, and behind an empty line the body.
pub(crate) fn http(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
    let mut lines = head.split(|&byte| byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let mut words = line.splitn(2, |&byte| byte == b' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return;
    };
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let mut halves = line.splitn(2, |&byte| byte == b':');
        if let (Some(name), Some(value)) = (halves.next(), halves.next()) {
            request = request.header(name, value.trim_ascii());
        }
    }
    // What is no request at all is refused before it comes to us.
    if let Ok(request) = request.body(Body::from(body.to_vec())) {
        ask_over_http(request);
    }
}

/// Alphabets, templates and values of format-preserving encryption, split at line ends: what is
/// encoded is decoded to the same.
pub(crate) fn format(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.splitn(4, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (alphabet, pattern, value, tweak) = (line(), line(), line(), line());
    let encode = |mut body: serde_json::Value| {
        body["value"] = value.into();
        body["tweak"] = STANDARD.encode(tweak).into();
        body["key_version"] = 1.into();
        let Ok(encoded) = post("transit/encode/card", &body) else {
            return;
        };
        body["value"] = encoded["encoded_value"].clone();
        let decoded = post("transit/decode/card", &body).unwrap();
        assert_eq!(decoded["decoded_value"], value);
    };
    encode(json!({ "alphabet": alphabet }));
    for name in ["templates/fuzzed", "alphabets/fuzzed"] {
        let _not_there = ask(Operation::Delete, &format!("transit/{name}"), Vec::new());
    }
    if post("transit/alphabets/fuzzed", &json!({ "alphabet": alphabet })).is_ok() {
        encode(json!({ "alphabet": "alphabets/fuzzed" }));
    }
    let template = json!({ "pattern": pattern, "alphabet": alphabet, "type": "regex" });
    if post("transit/templates/fuzzed", &template).is_ok() {
        encode(json!({ "template": "fuzzed" }));
    }
}

/// Keys that callers bring: wrapped, public, with certificates, from backups.
pub(crate) fn import(data: &[u8]) {
    let encoded = STANDARD.encode(data);
    let text = String::from_utf8_lossy(data);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n");
    let chain = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    let request = format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{encoded}\n-----END CERTIFICATE REQUEST-----\n"
    );
    for kind in [
        "aes256-gcm96",
        "ed25519",
        "ecdsa-p256",
        "rsa-2048",
        "ml-dsa-65",
        "hpke-x25519",
    ] {
        for public_key in [&*pem, &text] {
            let body = json!({ "type": kind, "public_key": public_key });
            let path = format!("transit/keys/public-{kind}/import");
            let _refused = post(&path, &body);
        }
    }
    let body = json!({ "ciphertext": encoded, "type": "ed25519" });
    assert!(post("transit/keys/wrapped/import", &body).is_err());
    for (path, body) in [
        ("transit/restore/restored", json!({ "backup": encoded })),
        ("transit/restore/restored", json!({ "backup": text })),
        (
            "transit/keys/signer/set-certificate",
            json!({ "certificate_chain": chain }),
        ),
        (
            "transit/keys/signer/set-certificate",
            json!({ "certificate_chain": text }),
        ),
        ("transit/keys/signer/csr", json!({ "csr": request })),
        ("transit/keys/signer/csr", json!({ "csr": text })),
    ] {
        let _refused = post(path, &body);
    }
}

/// Tokens that nobody was given: each is refused as every other.
pub(crate) fn token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for token in [
        text.to_string(),
        format!("hvs.{text}"),
        format!("hvb.{text}"),
        format!("hvb.{}", URL_SAFE_NO_PAD.encode(data)),
    ] {
        let refused = ask_as(TokenId::new(SecretString::new(token.clone())), "sys/mounts");
        assert!(matches!(refused, Err(Error::Denied(Denial::Token))));
        // None at all means the caller's own.
        if token.is_empty() {
            continue;
        }
        for path in [
            "auth/token/lookup",
            "auth/token/renew",
            "sys/wrapping/lookup",
        ] {
            assert!(post(path, &json!({ "token": token })).is_err(), "{path}");
        }
        let _unknown = post("auth/token/revoke", &json!({ "token": token }));
    }
}
