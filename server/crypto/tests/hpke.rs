//! HPKE as the key types offer it, and X-Wing against the vectors of its draft.
//!
//! These are a KEM's alone, which the crate's own interface does not have: they go to the primitive
//! that the crate is built on, with the keys that the crate makes of the same material. The vectors
//! of RFC 9180 are run beside the code.

#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

use hpke::Deserializable;
use hpke::kem::{Kem, XWing};
use keyward_crypto::key_type::CipherType;
use keyward_crypto::{Error, Scope, SecretBytes, key_type};
use serde::Deserialize;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn cipher(name: &str) -> &'static dyn CipherType {
    key_type(name).unwrap().cipher().unwrap()
}

/// What the crate computes as the public half of a private key.
fn public_half(name: &str, private: &[u8]) -> Vec<u8> {
    let whole = cipher(name).prepare(&SecretBytes::from(private)).unwrap();
    whole.public_key().unwrap()
}

#[derive(Deserialize)]
struct XWingVector {
    seed: String,
    ct: String,
    pk: String,
    ss: String,
}

/// draft-connolly-cfrg-xwing-kem, appendix of test vectors.
#[test]
fn the_vectors_of_x_wing_decapsulate() {
    let vectors: Vec<XWingVector> =
        serde_json::from_str(include_str!("vectors/x_wing.json")).unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let private = hex(&vector.seed);
        assert_eq!(public_half("hpke-xwing", &private), hex(&vector.pk));
        let private = <XWing as Kem>::PrivateKey::from_bytes(&private).unwrap();
        let enc = <XWing as Kem>::EncappedKey::from_bytes(&hex(&vector.ct)).unwrap();
        let shared = XWing::decap(&private, None, &enc).ok().unwrap();
        assert_eq!(shared.0.as_slice(), hex(&vector.ss));
    }
}

#[test]
fn the_public_half_seals_what_the_whole_key_alone_opens() {
    let scope = Scope {
        associated_data: b"associated",
        ..Scope::default()
    };
    for (name, enc_len) in [("hpke-x25519", 32), ("hpke-xwing", 1120)] {
        let material = key_type(name).unwrap().generate().unwrap();
        let whole = cipher(name).prepare(&material).unwrap();
        let public = cipher(name)
            .prepare_public(&whole.public_key().unwrap())
            .unwrap();
        assert_eq!(public.sealed_len(9), enc_len + 9 + 16);
        let mut payload = vec![0; public.sealed_len(9)];
        public.seal(b"plaintext", &scope, &mut payload).unwrap();
        let open = |payload: &[u8], scope: &Scope<'_>| whole.open(payload, scope);
        assert_eq!(open(&payload, &scope), Ok(b"plaintext"[..].into()));
        assert_eq!(open(&payload, &Scope::default()), Err(Error::Decryption));

        let mut again = payload.clone();
        public.seal(b"plaintext", &scope, &mut again).unwrap();
        assert_ne!(again[..enc_len], payload[..enc_len]);

        let other = key_type(name).unwrap().generate().unwrap();
        let other = cipher(name).prepare(&other).unwrap();
        assert_eq!(other.open(&payload, &scope), Err(Error::Decryption));
    }
}

#[test]
fn what_is_no_public_key_is_refused() {
    for (name, len) in [("hpke-x25519", 32), ("hpke-xwing", 1216)] {
        for wrong in [0, len - 1, len + 1] {
            assert!(cipher(name).prepare_public(&vec![7; wrong]).is_err());
        }
    }
    // A point of small order would make a key that everybody knows.
    let zero = cipher("hpke-x25519").prepare_public(&[0; 32]);
    let sealed = zero.and_then(|zero| {
        let mut payload = vec![0; zero.sealed_len(0)];
        zero.seal(b"", &Scope::default(), &mut payload)
    });
    assert!(sealed.is_err());
}
