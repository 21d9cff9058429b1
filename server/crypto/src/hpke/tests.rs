//! The vectors of RFC 9180, through the functions that the key types seal and open with.
//!
//! These take any AEAD and any `info`, so that the standard's vectors fit. Single-shot encryption is
//! the first message of a vector; the later ones and the exports check the library below alone.

use hpke::aead::{AesGcm128, ChaCha20Poly1305, ExportOnlyAead};
use hpke::{Kem as _, setup_receiver, setup_sender_with_rng};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    #[serde(rename = "aead_id")]
    aead: u16,
    info: String,
    #[serde(rename = "ikmR")]
    recipient_ikm: String,
    #[serde(rename = "ikmE")]
    ephemeral_ikm: String,
    #[serde(rename = "skRm")]
    private: String,
    #[serde(rename = "pkRm")]
    public: String,
    enc: String,
    encryptions: Vec<Encryption>,
    exports: Vec<Export>,
}

#[derive(Deserialize)]
struct Encryption {
    seq: usize,
    aad: String,
    pt: String,
    ct: String,
}

#[derive(Deserialize)]
struct Export {
    exporter_context: String,
    exported_value: String,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../tests/vectors/rfc9180.json");
    serde_json::from_str(text).unwrap()
}

type X25519 = X25519HkdfSha256;
type PrivateKey = <X25519 as hpke::Kem>::PrivateKey;
type PublicKey = <X25519 as hpke::Kem>::PublicKey;

impl Vector {
    /// The keys of the recipient as printed, which are those that are derived. The library keeps a
    /// private key with the bits set that X25519 sets (RFC 7748 section 5).
    fn keys(&self) -> (PrivateKey, PublicKey) {
        let private = PrivateKey::from_bytes(&hex(&self.private)).unwrap();
        let public = PublicKey::from_bytes(&hex(&self.public)).unwrap();
        let (derived, derived_public) = X25519::derive_keypair(&hex(&self.recipient_ikm));
        assert_eq!(derived.to_bytes(), private.to_bytes());
        assert_eq!(
            (&derived_public, &X25519::sk_to_pk(&private)),
            (&public, &public)
        );
        (private, public)
    }

    fn seals_and_opens<A: Aead>(&self) {
        let (private, public) = self.keys();
        let (info, first) = (hex(&self.info), &self.encryptions[0]);
        assert_eq!(first.seq, 0);
        let (aad, plaintext) = (hex(&first.aad), hex(&first.pt));
        let expected = [hex(&self.enc), hex(&first.ct)].concat();

        let mut payload = vec![0; expected.len()];
        let ephemeral_ikm = hex(&self.ephemeral_ikm);
        let mut entropy = Seed(&ephemeral_ikm);
        let sealed =
            Suite::<A, X25519>::seal(&public, &info, &aad, &plaintext, &mut payload, &mut entropy);
        assert_eq!(sealed, Ok(()));
        assert_eq!(payload, expected);

        let open = |info: &[u8], payload: Vec<u8>| {
            Suite::<A, X25519>::open(&private, info, &aad, &payload)
        };
        assert_eq!(
            open(&info, payload.clone()),
            Ok(SecretBytes::new(plaintext))
        );
        assert_eq!(open(b"", payload), Err(Error::Decryption));
    }

    fn goes_on<A: Aead>(&self) {
        let (private, public) = self.keys();
        let info = hex(&self.info);
        let ephemeral_ikm = hex(&self.ephemeral_ikm);
        let mut entropy = Seed(&ephemeral_ikm);
        let (enc, mut sender) = setup_sender_with_rng::<A, HkdfSha256, X25519>(
            &OpModeS::Base,
            &public,
            &info,
            &mut entropy,
        )
        .unwrap();
        assert_eq!(enc.to_bytes()[..], hex(&self.enc));
        let mut receiver =
            setup_receiver::<A, HkdfSha256, X25519>(&OpModeR::Base, &private, &enc, &info).unwrap();
        let last = self.encryptions.last().map_or(0, |last| last.seq + 1);
        for seq in 0..last {
            let printed = self.encryptions.iter().find(|printed| printed.seq == seq);
            let plaintext = hex(&self.encryptions[0].pt);
            let aad = format!("Count-{seq}").into_bytes();
            let sealed = sender.seal(&plaintext, &aad).unwrap();
            if let Some(printed) = printed {
                assert_eq!((&plaintext, &aad), (&hex(&printed.pt), &hex(&printed.aad)));
                assert_eq!(sealed, hex(&printed.ct), "{seq}");
            }
            assert_eq!(receiver.open(&sealed, &aad).unwrap(), plaintext);
        }
        for export in &self.exports {
            let mut value = [0; 32];
            let context = hex(&export.exporter_context);
            sender.export(&context, &mut value).unwrap();
            assert_eq!(value[..], hex(&export.exported_value));
            receiver.export(&context, &mut value).unwrap();
            assert_eq!(value[..], hex(&export.exported_value));
        }
    }
}

#[test]
fn the_vectors_of_rfc_9180_seal_and_open() {
    let mut seen = Vec::new();
    for vector in vectors() {
        match vector.aead {
            1 => vector.seals_and_opens::<AesGcm128>(),
            2 => vector.seals_and_opens::<AesGcm256>(),
            3 => vector.seals_and_opens::<ChaCha20Poly1305>(),
            // It exports and encrypts nothing.
            0xffff => continue,
            other => panic!("an AEAD that the standard does not have: {other}"),
        }
        seen.push(vector.aead);
    }
    assert_eq!(seen, [1, 3, 2]);
}

#[test]
fn the_vectors_of_rfc_9180_go_on_and_export() {
    for vector in vectors() {
        match vector.aead {
            1 => vector.goes_on::<AesGcm128>(),
            2 => vector.goes_on::<AesGcm256>(),
            3 => vector.goes_on::<ChaCha20Poly1305>(),
            _ => vector.goes_on::<ExportOnlyAead>(),
        }
    }
}

#[test]
fn a_public_key_that_is_none_is_refused() {
    let seed = SecretBytes::new(vec![7; 64]);
    for (kem, public_key) in [
        (Kem::X25519, vec![9; 31]),
        // Of small order: whatever the ephemeral key, the secret is zero.
        (Kem::X25519, vec![0; 32]),
        (Kem::XWing, vec![9; 32]),
        // Its ML-KEM part has coefficients that are not reduced (FIPS 203 section 7.2).
        (Kem::XWing, vec![0xff; 1216]),
    ] {
        let sealed = seal(kem, &public_key, b"", b"", b"text", &seed);
        assert!(matches!(sealed, Err(Error::Invalid(_))), "{kem:?}");
    }
}

#[test]
fn a_seed_that_is_too_short_is_refused() {
    for kem in [Kem::X25519, Kem::XWing] {
        let seed = SecretBytes::new(vec![7; kem.seed_len() - 1]);
        let sealed = seal(kem, &[9; 1216], b"", b"", b"text", &seed);
        assert_eq!(sealed, Err(Error::invalid("the seed is too short")));
    }
}
