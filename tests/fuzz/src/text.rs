//! Parsers of text that need nothing else.

use std::{str::FromStr as _, sync::Arc};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use keyward_core::{
    BoundCidr, CanonicalPath, PgpKey, Timestamp,
    audit::verify::verify,
    parse_share,
    policy::{Acl, Capability, Policy, Question},
};
use keyward_crypto::{
    SecretBytes,
    ciphertext::{Ciphertext, Kind},
    encoding,
};
use serde_json::{Map, json};

/// The text in bytes, if they are UTF-8.
pub(crate) fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Base64 of requests: what another library reads is read alike, breaks and stray bits aside.
pub(crate) fn base64(data: &[u8]) {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let unbroken: Vec<u8> = data
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    let expected = GeneralPurpose::new(&STANDARD, lenient).decode(&unbroken);
    let decoded = encoding::decode(data);
    assert_eq!(decoded.is_ok(), expected.is_ok());
    if let (Ok(decoded), Ok(expected)) = (decoded, expected) {
        assert_eq!(*decoded.expose(), expected);
        assert_eq!(encoding::decode(encoding::encode(&expected)), Ok(decoded));
    }
    let _url_safe = encoding::decode_url(data);
    if let Some(text) = text(data) {
        let _share = parse_share(text);
    }
}

/// Blocks of addresses: what is printed is read as the same.
pub(crate) fn cidr(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let (block, address) = text.split_once('\n').unwrap_or((text, "10.0.0.1"));
    let Ok(block) = BoundCidr::from_str(block) else {
        return;
    };
    assert_eq!(BoundCidr::from_str(&block.to_string()), Ok(block));
    let _inside = block.contains(address);
}

/// The text form of ciphertexts and their kin: its parts make it up again.
pub(crate) fn ciphertext(data: &[u8]) {
    let Some(text) = text(data) else { return };
    for kind in [Kind::Cmac, Kind::Ciphertext, Kind::Hmac, Kind::Signature] {
        let Ok(parsed) = Ciphertext::parse(kind, text) else {
            continue;
        };
        let again = format!("vault:v{}:{}", parsed.version(), parsed.payload());
        assert_eq!(Ciphertext::parse(kind, &again).unwrap(), parsed);
    }
}

/// Config files: read or refused with a sentence.
pub(crate) fn config(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Err(why) = keyward_cli::check_config(text) {
        assert!(!why.is_empty());
    }
}

/// Audit logs: one that verifies is made of whole lines, and no longer verifies when its end is cut
/// off or changed.
pub(crate) fn log(data: &[u8]) {
    let Ok(summary) = verify(data, None) else {
        return;
    };
    let lines = data.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(summary.lines, lines as u64);
    let Some((_, cut)) = data.split_last() else {
        return;
    };
    assert_eq!(verify(cut, None).unwrap_err().line, summary.lines);
    let mut changed = data.to_vec();
    // Behind the last line's feed and closing bracket stands a digit of its chain value.
    if let Some(digit) = data.len().checked_sub(4) {
        changed[digit] ^= 1;
        assert_eq!(verify(&*changed, None).unwrap_err().line, summary.lines);
    }
}

/// Paths: what is taken is in its one form, whatever it was written as.
pub(crate) fn path(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(path) = CanonicalPath::parse_encoded(text) else {
        return;
    };
    assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path.clone()));
    let encoded: String = path
        .as_str()
        .bytes()
        .map(|byte| match byte {
            b'/' => "/".to_owned(),
            byte => format!("%{byte:02x}"),
        })
        .collect();
    assert_eq!(CanonicalPath::parse_encoded(&encoded), Ok(path.clone()));
    let inner = path.as_str().strip_suffix('/').unwrap_or(path.as_str());
    let odd = |segment: &str| matches!(segment, "" | "." | "..");
    assert!(path.as_str().is_empty() || !inner.split('/').any(odd));
    let unseen = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
    assert!(!inner.chars().any(unseen));
}

/// OpenPGP keys, as bytes and in the base64 that requests have: to one that is read something can be
/// encrypted, and it has a fingerprint.
pub(crate) fn pgp(data: &[u8]) {
    // Most of the seeds are keys that are good then.
    let now = Timestamp::parse("2024-02-01T00:00:00Z").unwrap();
    let encoded = encoding::encode(data);
    for text in [Some(&*encoded), text(data)].into_iter().flatten() {
        let Ok(key) = PgpKey::parse(text, now) else {
            continue;
        };
        let fingerprint = key.fingerprint();
        let is_digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        assert!(fingerprint.len() == 40 && fingerprint.bytes().all(is_digit));
        let share = SecretBytes::new(vec![7; 66]);
        let message = key.encrypt(&share).unwrap();
        assert!(message.len() > 66);
    }
}

/// Policies: what compiles decides, and a denial leaves nothing.
pub(crate) fn policy(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(policy) = Policy::parse("fuzzed", text) else {
        return;
    };
    let acl = Acl::new(&[Arc::new(policy)], Timestamp::default());
    let parameters = Map::from_iter([("a".to_owned(), json!("b")), ("n".to_owned(), json!(1))]);
    for path in ["", "a", "a/", "a/b", "a/b/c", "secret/data/x", "+", "a/+/b"] {
        let listed = acl.capabilities(path);
        assert!(!listed.contains(&Capability::Deny) || listed.len() == 1);
        for capability in Capability::ALL {
            let question = Question {
                capability,
                path,
                parameters: Some(&parameters),
                wrap_ttl: None,
            };
            // A path is shown as if it were to be listed, for which a folder's rules count too.
            assert!(!acl.check(&question).allowed || listed != [Capability::Deny]);
        }
    }
}
