//! Signing and verifying.

use super::*;

#[test]
fn an_ed25519_pair_whose_halves_differ_is_refused() {
    let (one, other) = (
        keyring("ed25519", Derivation::None),
        keyring("ed25519", Derivation::None),
    );
    let half = |keyring: &Keyring, range: std::ops::Range<usize>| {
        keyring.material(Purpose::Signing, 1).unwrap().expose()[range].to_vec()
    };
    let mixed = [half(&one, 0..32), half(&other, 32..64)].concat();
    let refused = Keyring::import(
        one.key_type(),
        Derivation::None,
        SecretBytes::new(mixed),
        NOW,
    );
    assert_eq!(
        words(refused),
        "the public key is not that of the private key"
    );
}

#[test]
fn signatures_verify_for_their_message_key_and_request_alone() {
    let mut keyring = keyring("ed25519", Derivation::None);
    let asn1 = SignRequest::default();
    let jws = SignRequest {
        marshaling: Marshaling::Jws,
        ..asn1
    };
    let signed = keyring.sign(b"message", &asn1).unwrap();
    assert_eq!((signed.version, signed.public_key), (1, None));
    assert_eq!(keyring.verify(b"message", &signed.text, &asn1), Ok(true));
    assert_eq!(keyring.verify(b"messagE", &signed.text, &asn1), Ok(false));
    assert!(keyring.verify(b"message", &signed.text, &jws).is_err());
    assert_eq!(
        keyring.verify(b"message", "vault:v1:AAAA", &asn1),
        Ok(false)
    );

    let marshaled = keyring.sign(b"message", &jws).unwrap().text;
    assert!(!marshaled.contains(['+', '/', '=']));
    assert_eq!(keyring.verify(b"message", &marshaled, &jws), Ok(true));

    keyring.rotate(NOW).unwrap();
    assert_eq!(keyring.verify(b"message", &signed.text, &asn1), Ok(true));
    let moved = signed.text.replace("vault:v1:", "vault:v2:");
    assert_eq!(keyring.verify(b"message", &moved, &asn1), Ok(false));
}

#[test]
fn each_bit_flip_of_a_signature_makes_it_invalid() {
    let keyring = keyring("ed25519", Derivation::None);
    let request = SignRequest::default();
    let text = keyring.sign(b"message", &request).unwrap().text;
    let signature = encoding::decode(text.strip_prefix("vault:v1:").unwrap()).unwrap();
    for bit in 0..512 {
        let mut flipped = signature.expose().clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped = format!("vault:v1:{}", encoding::encode(&flipped));
        assert_eq!(
            keyring.verify(b"message", &flipped, &request),
            Ok(false),
            "bit {bit}"
        );
    }
}

#[test]
fn a_derived_signature_comes_with_the_public_key_of_its_context() {
    let keyring = keyring("ed25519", Derivation::Derived);
    let request = SignRequest {
        context: Some(b"context"),
        ..SignRequest::default()
    };
    let signed = keyring.sign(b"message", &request).unwrap();
    assert_eq!(
        signed.public_key,
        keyring.public_key(1, Some(b"context")).unwrap()
    );
    assert_ne!(
        signed.public_key,
        keyring.public_key(1, Some(b"other")).unwrap()
    );
    assert_eq!(
        keyring.versions().next().unwrap().public_key.as_deref(),
        Some("")
    );
    assert_eq!(keyring.verify(b"message", &signed.text, &request), Ok(true));
    let other = SignRequest {
        context: Some(b"other"),
        ..request
    };
    assert_eq!(keyring.verify(b"message", &signed.text, &other), Ok(false));
}

/// RFC 8032 section 7.3.
#[test]
fn a_prehashed_sha512_digest_is_signed_as_ed25519ph() {
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let pair = hex(
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42\
         ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    );
    let signature = hex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
         31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    );
    let key_type = key_type("ed25519").unwrap();
    let pair = SecretBytes::new(pair);
    let keyring = Keyring::import(key_type, Derivation::None, pair, NOW)
        .ok()
        .unwrap();
    let digest = HashAlgorithm::Sha2_512.digest(b"abc");
    let request = SignRequest {
        hash_algorithm: Some(HashAlgorithm::Sha2_512),
        prehashed: true,
        ..SignRequest::default()
    };
    let text = keyring.sign(&digest, &request).unwrap().text;
    assert_eq!(text, format!("vault:v1:{}", encoding::encode(&signature)));
    assert_eq!(keyring.verify(&digest, &text, &request), Ok(true));
    assert_eq!(
        keyring.verify(&digest, &text, &SignRequest::default()),
        Ok(false)
    );
    assert!(matches!(
        keyring.sign(b"abc", &request),
        Err(Error::Invalid(_))
    ));
}
