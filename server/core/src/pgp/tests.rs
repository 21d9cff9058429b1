//! Keys as GnuPG makes them, good and bad.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keyward_api::Sensitive;
use proptest::prelude::*;

use super::{
    testing::{CURVE, NIST, Pair, RSA, vector},
    *,
};

fn then() -> Timestamp {
    Timestamp::parse("2024-06-01T00:00:00Z").unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    // EXPOSE: a public key.
    encoding::decode(text).unwrap().expose().clone()
}

fn refusal(text: &str) -> String {
    PgpKey::parse(text, then()).unwrap_err().to_string()
}

#[test]
fn what_is_encrypted_is_read_by_the_key_and_says_its_fingerprint() {
    for pair in [RSA, CURVE, NIST] {
        let key = PgpKey::parse(pair.public, then()).unwrap();
        assert_eq!(key.fingerprint(), pair.fingerprint);
        let secret = SecretBytes::new(b"a share".to_vec());
        let message = key.encrypt(&secret).unwrap();
        let again = key.encrypt(&secret).unwrap();
        assert_ne!(message, again, "each has a key of its own");
        assert_eq!(
            pair.open(&Sensitive::new(encoding::encode(&message))),
            b"a share"
        );
    }
}

#[test]
fn keys_that_nothing_can_be_encrypted_to_are_refused_with_the_reason() {
    for (key, why) in [
        (vector!("elgamal"), "its algorithm is not supported"),
        (vector!("expired"), "it has expired"),
        (
            vector!("expired_part"),
            "it has no valid part that encrypts",
        ),
        (vector!("revoked"), "it was revoked"),
        (
            vector!("revoked_part"),
            "it has no valid part that encrypts",
        ),
        (vector!("rsa1024"), "RSA keys must have at least 2048 bits"),
        (vector!("sign_only"), "it has no valid part that encrypts"),
    ] {
        let refusal = refusal(key);
        assert!(
            refusal.starts_with("cannot encrypt to PGP key "),
            "{refusal}"
        );
        assert!(refusal.ends_with(why), "{refusal}, not {why}");
    }
}

#[test]
fn a_key_is_good_until_the_second_of_its_end() {
    let at = |time| PgpKey::parse(vector!("expired"), Timestamp::parse(time).unwrap());
    assert!(at("2024-02-29T23:59:59Z").is_ok());
    assert!(at("2024-03-01T00:00:00Z").is_err());
}

#[test]
fn a_part_that_the_key_did_not_sign_is_not_used() {
    // The key and its name, then somebody else's part with their signature.
    let (own, foreign) = (bytes(vector!("sign_only")), bytes(CURVE.public));
    // The packet of a public subkey of GnuPG: old format, one octet of length.
    let part = foreign
        .windows(2)
        .position(|at| at == [0xb8, 0x38])
        .unwrap();
    let forged = STANDARD.encode([&own, &foreign[part..]].concat());
    let refusal = refusal(&forged);
    assert!(
        refusal.ends_with("it has no valid part that encrypts"),
        "{refusal}"
    );
}

#[test]
fn what_is_no_single_public_key_is_refused() {
    let two = [bytes(RSA.public), bytes(CURVE.public)].concat();
    let secret = include_str!("../../../../tests/vectors/openpgp/rsa2048.secret.b64");
    for (key, why) in [
        (
            "%".to_owned(),
            "error decoding given PGP key: illegal base64 data at input byte 0",
        ),
        (String::new(), "it is no OpenPGP public key"),
        ("AAAA".to_owned(), "it is no OpenPGP public key"),
        (secret.to_owned(), "it is no OpenPGP public key"),
        (STANDARD.encode(two), "it is followed by another key"),
        (
            "A".repeat(MAX_TEXT + 4),
            "it is longer than 131072 characters",
        ),
    ] {
        let refusal = refusal(&key);
        assert!(refusal.contains(why), "{refusal}, not {why}");
    }
}

#[test]
fn a_key_with_endless_signatures_costs_no_endless_time() {
    let key = bytes(vector!("revoked"));
    // The revocation follows the primary key; a bit of its end is changed, so that it is wrong.
    let primary = 2 + usize::from(key[1]);
    let revocation = 2 + usize::from(key[primary + 1]);
    let mut wrong = key[primary..primary + revocation].to_vec();
    *wrong.last_mut().unwrap() ^= 1;
    let mut many = key[..primary].to_vec();
    for _ in 0..=MAX_SIGNATURES {
        many.extend_from_slice(&wrong);
    }
    many.extend_from_slice(&key[primary..]);
    let refusal = refusal(&STANDARD.encode(many));
    assert!(
        refusal.ends_with("it carries too many signatures of its own"),
        "{refusal}"
    );
}

#[tokio::test]
async fn each_share_is_encrypted_to_its_holder() {
    let keys = [RSA.public.to_owned(), CURVE.public.to_owned()];
    let holders = Holders::read(keys.into(), 2, then()).await.unwrap();
    let shares = [SecretBytes::new(vec![1; 33]), SecretBytes::new(vec![2; 33])];
    let shown = holders.show(&shares).unwrap();
    for (at, pair) in [RSA, CURVE].iter().enumerate() {
        // EXPOSE: compared.
        let hex = bytes_of_hex(shown.hex[at].expose());
        assert_eq!(hex, bytes(shown.base64[at].expose()));
        let share = encoding::encode_hex(shares[at].expose());
        assert_eq!(Pair::open(pair, &shown.base64[at]), share.as_bytes());
    }
    assert!(holders.show(&shares[..1]).is_err());
}

fn bytes_of_hex(text: &str) -> Vec<u8> {
    // EXPOSE: a message.
    encoding::decode_hex(text).unwrap().expose().clone()
}

#[tokio::test]
async fn there_is_a_key_for_every_share_or_for_none() {
    let none = Holders::read(Vec::new(), 5, then()).await.unwrap();
    assert!(none.is_empty() && none.fingerprints().is_none());
    for keys in [vec![RSA.public.to_owned()], vec![RSA.public.to_owned(); 3]] {
        let error = Holders::read(keys, 2, then()).await.unwrap_err();
        assert!(error.to_string().starts_with("count mismatch"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_more_than_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = PgpKey::parse(&STANDARD.encode(bytes), then());
    }

    #[test]
    fn a_key_that_was_changed_is_refused_or_still_encrypts(
        which in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let mut key = bytes([RSA.public, CURVE.public, NIST.public][which]);
        let at = at.index(key.len());
        key[at] ^= 1 << bit;
        if let Ok(key) = PgpKey::parse(&STANDARD.encode(key), then()) {
            prop_assert!(key.encrypt(&SecretBytes::new(vec![7; 66])).is_ok());
        }
    }
}
