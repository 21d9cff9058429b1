//! HPKE sealed with the randomness of the vectors, so that equal bytes come out.

use keyward_crypto::SecretBytes;
use keyward_crypto::hpke::{Kem, seal};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    aead_id: u16,
    info: String,
    #[serde(rename = "ikmE")]
    ephemeral_ikm: String,
    #[serde(rename = "pkRm")]
    public: String,
    enc: String,
    encryptions: Vec<Encryption>,
}

#[derive(Deserialize)]
struct Encryption {
    aad: String,
    pt: String,
    ct: String,
}

#[derive(Deserialize)]
struct XWing {
    eseed: String,
    pk: String,
    ct: String,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Seals the first message of each vector that has AES-256-GCM; returns how many there are.
pub(crate) fn rfc_9180(file: &[u8]) -> usize {
    let vectors: Vec<Vector> = serde_json::from_slice(file).unwrap();
    let mut ran = 0;
    for vector in vectors.iter().filter(|vector| vector.aead_id == 2) {
        let first = &vector.encryptions[0];
        let sealed = seal(
            Kem::X25519,
            &hex(&vector.public),
            &hex(&vector.info),
            &hex(&first.aad),
            &hex(&first.pt),
            &SecretBytes::new(hex(&vector.ephemeral_ikm)),
        );
        assert_eq!(sealed, Ok([hex(&vector.enc), hex(&first.ct)].concat()));
        ran += 1;
    }
    ran
}

/// Seals to the key of each vector and compares what is encapsulated; returns how many there are.
pub(crate) fn x_wing(file: &[u8]) -> usize {
    let vectors: Vec<XWing> = serde_json::from_slice(file).unwrap();
    for vector in &vectors {
        let (public, seed) = (hex(&vector.pk), SecretBytes::new(hex(&vector.eseed)));
        let sealed = seal(Kem::XWing, &public, b"", b"", b"text", &seed).unwrap();
        let enc = hex(&vector.ct);
        assert_eq!(sealed.len(), enc.len() + "text".len() + 16);
        assert_eq!(sealed[..enc.len()], enc);
    }
    vectors.len()
}
