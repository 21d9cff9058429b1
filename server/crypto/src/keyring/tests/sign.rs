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
    let pair = hex(
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42\
         ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    );
    let signature = hex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
         31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    );
    let keyring = imported(pair);
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

/// The keyring of an Ed25519 key pair or seed.
fn imported(pair: Vec<u8>) -> Keyring {
    let key_type = key_type("ed25519").unwrap();
    Keyring::import(key_type, Derivation::None, SecretBytes::new(pair), NOW).unwrap()
}

/// RFC 8032 section 7.2: seed, message, context, signature.
const ED25519CTX: [[&str; 4]; 4] = [
    [
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "f726936d19c800494e3fdaff20b276a8",
        "666f6f",
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a\
         8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
    ],
    [
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "f726936d19c800494e3fdaff20b276a8",
        "626172",
        "fc60d5872fc46b3aa69f8b5b4351d5808f92bcc044606db097abab6dbcb1aee3\
         216c48e8b3b66431b5b186d1d28f8ee15a5ca2df6668346291c2043d4eb3e90d",
    ],
    [
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "508e9e6882b979fea900f62adceaca35",
        "666f6f",
        "8b70c1cc8310e1de20ac53ce28ae6e7207f33c3295e03bb5c0732a1d20dc6490\
         8922a8b052cf99b7c4fe107a5abb5b2c4085ae75890d02df26269d8945f84b0b",
    ],
    [
        "ab9c2853ce297ddab85c993b3ae14bcad39b2c682beabc27d6d4eb20711d6560",
        "f726936d19c800494e3fdaff20b276a8",
        "666f6f",
        "21655b5f1aa965996b3f97b3c849eafba922a0a62992f73b3d1b73106a84ad85\
         e9b86a7b6005ea868337ff2d20a7f5fbd4cd10b0be49a68da2b2e0dc0ad8960f",
    ],
];

#[test]
fn a_message_in_a_signature_context_is_signed_as_ed25519ctx() {
    for [seed, message, context, signature] in ED25519CTX {
        let keyring = imported(hex(seed));
        let (message, context) = (hex(message), hex(context));
        let request = SignRequest {
            signature_context: &context,
            ..SignRequest::default()
        };
        let text = keyring.sign(&message, &request).unwrap().text;
        assert_eq!(
            text,
            format!("vault:v1:{}", encoding::encode(&hex(signature)))
        );
        let verify = |message: &[u8], text: &str, context: &[u8]| {
            let request = SignRequest {
                signature_context: context,
                ..SignRequest::default()
            };
            keyring.verify(message, text, &request)
        };
        assert_eq!(verify(&message, &text, &context), Ok(true));
        assert_eq!(verify(&message, &text, b"fox"), Ok(false));
        assert_eq!(verify(&message, &text, b""), Ok(false));
        assert_eq!(verify(b"another", &text, &context), Ok(false));
        let plain = keyring.sign(&message, &SignRequest::default()).unwrap();
        assert_eq!(verify(&message, &plain.text, &context), Ok(false));
    }
}

/// The standard has none of these: computed by the program of RFC 8032 section 6, which computes
/// those of sections 7.2 and 7.3 too.
#[test]
fn a_digest_in_a_signature_context_is_signed_as_ed25519ph_with_it() {
    let keyring = imported(hex(
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    ));
    let signature = hex(
        "e039702b4c2595a6a541ac8509236e2990474795330c9b34a75f58a660129e08\
         fd736943fb1943a55720b9e0957b1ed6734816619f1388f43f73e6e3baa81c0e",
    );
    let digest = HashAlgorithm::Sha2_512.digest(b"abc");
    let bound = SignRequest {
        hash_algorithm: Some(HashAlgorithm::Sha2_512),
        prehashed: true,
        signature_context: b"foo",
        ..SignRequest::default()
    };
    let text = keyring.sign(&digest, &bound).unwrap().text;
    assert_eq!(text, format!("vault:v1:{}", encoding::encode(&signature)));
    assert_eq!(keyring.verify(&digest, &text, &bound), Ok(true));
    for other in [
        SignRequest {
            signature_context: b"",
            ..bound
        },
        SignRequest {
            prehashed: false,
            ..bound
        },
    ] {
        assert_eq!(keyring.verify(&digest, &text, &other), Ok(false));
    }
}

#[test]
fn a_signature_context_that_no_standard_knows_is_refused() {
    let keyring = keyring("ed25519", Derivation::None);
    let long = [7; 256];
    let request = |signature_context| SignRequest {
        signature_context,
        ..SignRequest::default()
    };
    let signed = keyring.sign(b"message", &request(&long[..255])).unwrap();
    let too_long = "signature_context is longer than 255 bytes";
    assert_eq!(words(keyring.sign(b"message", &request(&long))), too_long);
    let verified = keyring.verify(b"message", &signed.text, &request(&long));
    assert_eq!(words(verified), too_long);
    let unknown = SignRequest {
        prehashed: true,
        ..request(b"foo")
    };
    assert_eq!(
        words(keyring.sign(&[7; 64], &unknown)),
        "a prehashed input with a signature_context requires hash_algorithm=sha2-512"
    );
}

/// The key and the nonce are the neutral point and S is zero: the equation holds for every message.
#[test]
fn points_of_small_order_verify_nothing_in_a_signature_context() {
    let mut neutral = vec![0; 32];
    neutral[0] = 1;
    let signature = [neutral.clone(), vec![0; 32]].concat();
    let signer = key_type("ed25519").unwrap().signer().unwrap();
    let verifier = signer.prepare_public(&neutral).unwrap();
    let request = SignRequest {
        signature_context: b"foo",
        ..SignRequest::default()
    };
    assert_eq!(verifier.verify(b"message", &signature, &request), Ok(false));
}

#[test]
fn a_jws_verifies_for_its_parts_alone() {
    for name in ["ecdsa-p521", "ed25519", "rsa-2048"] {
        let keyring = keyring(name, Derivation::None);
        let algorithm = keyring.key_type().public().unwrap().jws()[0];
        let jws = keyring.sign_jws(b"{}", b"payload", 1, algorithm).unwrap();
        let (signed, signature) = jws.rsplit_once('.').unwrap();
        let verifies = |signed: &str, signature: &str| {
            keyring.verify_jws(signed.as_bytes(), signature, algorithm)
        };
        assert!(verifies(signed, signature), "{name}");
        assert!(!verifies(&signed[..signed.len() - 1], signature), "{name}");
        for other in ["", "AAAA", "no base64", &signature[4..]] {
            assert!(!verifies(signed, other), "{name}: {other}");
        }
    }
}
