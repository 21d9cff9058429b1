//! Signatures of digests, every hash, every form; and what is RSA's alone.

use super::*;

/// Requests for every hash, marshaling and scheme; those without a hash come prehashed.
fn requests() -> impl Iterator<Item = SignRequest<'static>> {
    let schemes = [
        Scheme::Pkcs1v15,
        Scheme::Pss(SaltLength::Auto),
        Scheme::Pss(SaltLength::Hash),
        Scheme::Pss(SaltLength::Bytes(7)),
    ];
    let hashes = HashAlgorithm::ALL.map(Some).into_iter().chain([None]);
    let marshalings = [Marshaling::Asn1, Marshaling::Jws];
    hashes
        .flat_map(move |hash| schemes.map(|scheme| (hash, scheme)))
        .filter(|(hash, scheme)| hash.is_some() || *scheme == Scheme::Pkcs1v15)
        .flat_map(move |(hash_algorithm, scheme)| {
            marshalings.map(|marshaling| SignRequest {
                hash_algorithm,
                marshaling,
                prehashed: hash_algorithm.is_none(),
                scheme,
                ..SignRequest::default()
            })
        })
}

/// Every key type that signs digests.
fn hashing() -> impl Iterator<Item = Keyring> {
    types()
        .filter(|key_type| key_type.signer().is_some_and(|signer| signer.hashes()))
        .map(|key_type| keyring(key_type.name(), Derivation::None))
}

#[test]
fn every_hash_signs_a_message_as_it_signs_its_digest() {
    for keyring in hashing() {
        for request in requests() {
            let name = keyring.key_type().name();
            let signed = keyring.sign(b"message", &request).unwrap().text;
            let valid = keyring.verify(b"message", &signed, &request);
            assert_eq!(valid, Ok(true), "{name} {request:?}");
            let other = keyring.verify(b"messagE", &signed, &request);
            assert_eq!(other, Ok(false), "{name} {request:?}");

            let Some(hash) = request.hash_algorithm else {
                continue;
            };
            let prehashed = SignRequest {
                prehashed: true,
                ..request
            };
            let digest = hash.digest(b"message");
            let valid = keyring.verify(&digest, &signed, &prehashed);
            assert_eq!(valid, Ok(true), "{name} {request:?}");
            let signed = keyring.sign(&digest, &prehashed).unwrap().text;
            let valid = keyring.verify(b"message", &signed, &request);
            assert_eq!(valid, Ok(true), "{name} {request:?}");
        }
    }
}

#[test]
fn no_hash_must_be_meant() {
    for keyring in hashing() {
        let none = SignRequest {
            hash_algorithm: None,
            ..SignRequest::default()
        };
        let pkcs1 = SignRequest {
            scheme: Scheme::Pkcs1v15,
            ..none
        };
        let prehashed = SignRequest {
            prehashed: true,
            ..none
        };
        for request in [none, pkcs1, prehashed] {
            let sentence = "hash_algorithm=none requires both prehashed=true and \
                            signature_algorithm=pkcs1v15";
            assert_eq!(words(keyring.sign(b"", &request)), sentence);
            let verdict = keyring.verify(b"", "vault:v1:AAAA", &request);
            assert_eq!(words(verdict), sentence);
        }
    }
}

#[test]
fn each_bit_flip_and_truncation_of_a_signature_is_noticed() {
    for keyring in hashing() {
        for marshaling in [Marshaling::Asn1, Marshaling::Jws] {
            let request = SignRequest {
                marshaling,
                ..SignRequest::default()
            };
            let text = keyring.sign(b"message", &request).unwrap().text;
            let payload = text.strip_prefix("vault:v1:").unwrap();
            let signature = match marshaling {
                Marshaling::Asn1 => encoding::decode(payload).unwrap().expose().clone(),
                Marshaling::Jws => encoding::decode_url(payload).unwrap(),
            };
            let verify = |signature: &[u8]| {
                let payload = match marshaling {
                    Marshaling::Asn1 => encoding::encode(signature),
                    Marshaling::Jws => encoding::encode_url(signature),
                };
                keyring.verify(b"message", &format!("vault:v1:{payload}"), &request)
            };
            assert_eq!(verify(&signature), Ok(true));
            for bit in (0..signature.len() * 8).step_by(3) {
                let mut flipped = signature.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(verify(&flipped), Ok(true), "bit {bit}");
            }
            for len in 0..signature.len() {
                assert_ne!(verify(&signature[..len]), Ok(true), "front of {len}");
            }
            assert_ne!(verify(&[signature.as_slice(), &[0]].concat()), Ok(true));
        }
    }
}

#[test]
fn a_salt_length_is_a_word_or_a_number() {
    for (text, length) in [
        ("auto", SaltLength::Auto),
        ("0", SaltLength::Auto),
        ("hash", SaltLength::Hash),
        ("-1", SaltLength::Hash),
        ("20", SaltLength::Bytes(20)),
    ] {
        assert_eq!(text.parse(), Ok(length));
    }
    for (text, sentence) in [
        ("-2", "salt length is invalid: -2"),
        ("x", "salt length neither 'auto', 'hash', nor an int: x"),
        ("", "salt length neither 'auto', 'hash', nor an int: "),
    ] {
        assert_eq!(words(text.parse::<SaltLength>()), sentence);
    }
}

#[test]
fn rsa_has_three_sizes() {
    for (name, len) in [("rsa-2048", 256), ("rsa-3072", 384), ("rsa-4096", 512)] {
        let keyring = keyring(name, Derivation::None);
        for padding in [Padding::Oaep, Padding::Pkcs1v15] {
            let scope = Scope {
                padding,
                ..Scope::default()
            };
            let text = keyring.encrypt(b"plaintext", &scope, None).unwrap().text();
            let payload = encoding::decode(text.strip_prefix("vault:v1:").unwrap()).unwrap();
            assert_eq!(payload.expose().len(), len);
            assert_eq!(keyring.decrypt(&text, &scope), Ok(b"plaintext"[..].into()));
        }
        let request = SignRequest::default();
        let text = keyring.sign(b"message", &request).unwrap().text;
        assert_eq!(keyring.verify(b"message", &text, &request), Ok(true));
        let hashed = SignRequest {
            scheme: Scheme::Pss(SaltLength::Hash),
            ..request
        };
        assert_eq!(keyring.verify(b"message", &text, &hashed), Ok(false));
        let pem = export_default(&keyring);
        assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\nMII"));
        assert!(pem.ends_with("\n-----END RSA PRIVATE KEY-----"));
        assert_eq!(
            Err(Error::Decryption),
            keyring.decrypt("vault:v1:AAAA", &Scope::default())
        );
    }
}

fn export_default(keyring: &Keyring) -> String {
    let text = keyring.export(Purpose::Encryption, 1, KeyForm::Default);
    text.unwrap().expose().clone()
}

#[test]
fn what_rsa_cannot_take_is_refused_in_the_words_of_vault() {
    let keyring = keyring("rsa-2048", Derivation::None);
    let long = "failed to RSA encrypt the plaintext: crypto/rsa: message too long for RSA key size";
    for (padding, longest) in [(Padding::Oaep, 190), (Padding::Pkcs1v15, 245)] {
        let scope = Scope {
            padding,
            ..Scope::default()
        };
        assert!(keyring.encrypt(&vec![0; longest], &scope, None).is_ok());
        let refused = keyring.encrypt(&vec![0; longest + 1], &scope, None);
        assert_eq!(words(refused), long);
    }
    let bound = "'associated_data' provided for non-AEAD cipher suite rsa-2048";
    assert_eq!(words(keyring.encrypt(b"", &SCOPE, None)), bound);
    assert_eq!(words(keyring.decrypt("vault:v1:AAAA", &SCOPE)), bound);

    let with = |scheme, prehashed| SignRequest {
        prehashed,
        scheme,
        ..SignRequest::default()
    };
    let pss = |len| Scheme::Pss(SaltLength::Bytes(len));
    assert!(keyring.sign(b"", &with(pss(222), false)).is_ok());
    for (request, sentence) in [
        (
            with(pss(223), false),
            "requested salt length 223 is invalid",
        ),
        (
            with(Scheme::default(), true),
            "crypto/rsa: input must be hashed with given hash",
        ),
        (
            with(Scheme::Pkcs1v15, true),
            "crypto/rsa: input must be hashed message",
        ),
    ] {
        assert_eq!(words(keyring.sign(b"", &request)), sentence);
    }
    for scheme in [Scheme::default(), Scheme::Pkcs1v15] {
        let text = keyring.sign(b"", &with(scheme, false)).unwrap().text;
        assert_eq!(keyring.verify(b"", &text, &with(scheme, true)), Ok(false));
    }
}

#[test]
fn the_public_half_of_rsa_encrypts_and_does_not_decrypt() {
    let whole = keyring("rsa-2048", Derivation::None);
    let key_type = whole.key_type();
    let pem = whole.export_public(1, KeyForm::Pem).unwrap();
    let half = Material::Public(key_type.public().unwrap().parse(&pem).unwrap());
    let public = Keyring::import(key_type, Derivation::None, half, NOW).unwrap();
    let scope = Scope::default();
    let text = public.encrypt(b"plaintext", &scope, None).unwrap().text();
    assert_eq!(whole.decrypt(&text, &scope), Ok(b"plaintext"[..].into()));
    assert_eq!(
        words(public.decrypt(&text, &scope)),
        "requested version for decryption does not contain a private part"
    );
}

/// From OpenBao: what it derives of one key's private and another's public half.
#[test]
fn two_keys_agree_on_what_a_peer_makes_of_them() {
    let base = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8GuDmDXTxYkDQB+x2bJEc74n7gYHZnCgF1hVcwEibX+hRANCAAQCsxDCKkYDpqlko31L9pDg07qqiPl4VjIT/hOoka+pklNiCfKvZiXXTImwnXTIRpvfTz/NDUi8isMGVkPH6jXL";
    let peer = "-----BEGIN PUBLIC KEY-----\n\
                MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhwoBBdVQUePZORuP9PXz8FjBOKR+\n\
                8APqf0ede9pej7E4l/OTOZRHcN8Z/DqPJCAbnH53hgEOuYeJt0ApnJtPZw==\n\
                -----END PUBLIC KEY-----\n";
    let key_type = key_type("ecdsa-p256").unwrap();
    let material = key_type.import(encoding::decode(base).unwrap()).unwrap();
    let base = Keyring::import(key_type, Derivation::None, material, NOW).unwrap();
    let agreed = encoding::decode("PG64QJdeKBeZJujClGh1gHCGBn21nJhXuZ8vIkOcKZ0=").unwrap();
    assert_eq!(base.agree(None, peer, 32), Ok(agreed));
}

#[test]
fn keys_agree_with_keys_of_their_curve_alone() {
    let curves = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"];
    for one in curves.map(|name| keyring(name, Derivation::None)) {
        for other in curves.map(|name| keyring(name, Derivation::None)) {
            let public = |keyring: &Keyring| keyring.public_key(1, None).unwrap().unwrap();
            let agreed = one.agree(None, &public(&other), 32);
            let name = one.key_type().name();
            if name == other.key_type().name() {
                assert_eq!(agreed, other.agree(Some(1), &public(&one), 32));
                assert!(agreed.is_ok());
            } else {
                let sentence =
                    format!("base private key type {name} does not match peer public key curve");
                assert_eq!(words(agreed), sentence);
            }
        }
        assert!(matches!(one.agree(Some(2), "", 32), Err(Error::Invalid(_))));
        assert!(matches!(one.agree(None, "", 32), Err(Error::Invalid(_))));
    }
    let symmetric = keyring("aes256-gcm96", Derivation::None);
    assert_eq!(
        words(symmetric.agree(None, "", 32)),
        "base key type aes256-gcm96 does not support key agreement"
    );
}
