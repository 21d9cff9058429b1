//! The keyring as a whole.

mod asymmetric;
mod certificates;
mod forms;
mod model;
mod peer;
mod rules;
mod sign;
mod stored;

use super::*;
use crate::{HashAlgorithm, KEY_TYPES, encoding, key_type};

const NOW: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);
const SCOPE: Scope<'_> = Scope {
    context: Some(b"context"),
    associated_data: b"associated",
    padding: Padding::Oaep,
};

fn keyring(name: &str, derivation: Derivation) -> Keyring {
    Keyring::generate(key_type(name).unwrap(), derivation, NOW)
        .ok()
        .unwrap()
}

fn minimums(decryption: u32, encryption: u32) -> Minimums {
    Minimums {
        decryption: decryption.try_into().ok(),
        encryption: Some(encryption),
    }
}

fn words<T>(result: Result<T, Error>) -> String {
    result.err().expect("must be refused").to_string()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Every key type, but of RSA the smallest alone: its keys are all alike, and long in coming.
fn types() -> impl Iterator<Item = &'static dyn KeyType> {
    let types = KEY_TYPES.iter().copied();
    types.filter(|key_type| !["rsa-3072", "rsa-4096"].contains(&key_type.name()))
}

/// What a key is used with in tests: associated data if it takes any.
fn scope(keyring: &Keyring) -> Scope<'static> {
    if keyring.key_type().supports_associated_data() {
        return SCOPE;
    }
    Scope {
        associated_data: b"",
        ..SCOPE
    }
}

/// Every key type that encrypts, in every mode it has.
fn encrypting() -> impl Iterator<Item = Keyring> {
    every().filter(|keyring| keyring.key_type().supports_encryption())
}

/// Every key type, in every mode it has.
fn every() -> impl Iterator<Item = Keyring> {
    types().flat_map(|key_type| {
        [
            Derivation::None,
            Derivation::Derived,
            Derivation::Convergent,
        ]
        .into_iter()
        .filter_map(move |derivation| Keyring::generate(key_type, derivation, NOW).ok())
    })
}

#[test]
fn every_type_decrypts_what_it_encrypts() {
    for keyring in encrypting() {
        let scope = scope(&keyring);
        let long = if scope == SCOPE { 70_000 } else { 190 };
        for len in [0, 1, 15, 16, 17, 100, long] {
            let plaintext = vec![b'p'; len];
            let encrypted = keyring.encrypt(&plaintext, &scope, None).unwrap();
            assert_eq!(encrypted.version(), 1);
            assert_eq!(
                keyring.decrypt(&encrypted.text(), &scope),
                Ok(SecretBytes::new(plaintext))
            );
        }
        assert_eq!(keyring.encryptions(1), 7);
    }
}

#[test]
fn each_bit_flip_and_truncation_is_refused_alike() {
    encrypting().for_each(|keyring| refuses_each_bit_flip_and_truncation(&keyring));
}

/// Apart from the others, so that they run beside them: each flip is a private operation.
#[test]
fn each_bit_flip_and_truncation_for_rsa_3072_is_refused_alike() {
    refuses_each_bit_flip_and_truncation(&keyring("rsa-3072", Derivation::None));
}

#[test]
fn each_bit_flip_and_truncation_for_rsa_4096_is_refused_alike() {
    refuses_each_bit_flip_and_truncation(&keyring("rsa-4096", Derivation::None));
}

fn refuses_each_bit_flip_and_truncation(keyring: &Keyring) {
    let scope = scope(keyring);
    let text = keyring.encrypt(b"plaintext", &scope, None).unwrap().text();
    let payload = encoding::decode(text.strip_prefix("vault:v1:").unwrap()).unwrap();
    let decrypt = |payload: &[u8]| {
        keyring.decrypt(&format!("vault:v1:{}", encoding::encode(payload)), &scope)
    };
    let payload = payload.expose().as_slice();
    assert_eq!(decrypt(payload), Ok(b"plaintext"[..].into()));
    for bit in 0..payload.len() * 8 {
        let mut flipped = payload.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(decrypt(&flipped), Err(Error::Decryption), "bit {bit}");
    }
    for len in 0..payload.len() {
        assert_eq!(
            decrypt(&payload[..len]),
            Err(Error::Decryption),
            "front of {len}"
        );
        assert_eq!(
            decrypt(&payload[payload.len() - len..]),
            Err(Error::Decryption)
        );
    }
    assert_eq!(decrypt(&[payload, &[0]].concat()), Err(Error::Decryption));
    if scope == SCOPE {
        let other = Scope {
            associated_data: b"other",
            ..SCOPE
        };
        assert_eq!(keyring.decrypt(&text, &other), Err(Error::Decryption));
    }
}

#[test]
fn a_wrong_context_is_refused_like_any_other_fault() {
    for derivation in [Derivation::Derived, Derivation::Convergent] {
        let keyring = keyring("aes256-gcm96", derivation);
        let text = keyring.encrypt(b"plaintext", &SCOPE, None).unwrap().text();
        let other = Scope {
            context: Some(b"other"),
            ..SCOPE
        };
        assert_eq!(keyring.decrypt(&text, &other), Err(Error::Decryption));
    }
}

#[test]
fn a_missing_context_is_refused_in_the_words_of_vault() {
    let sentence = "missing 'context' for key derivation; the key was created using a derived key, \
                    which means additional, per-request information must be included in order to \
                    perform operations with the key";
    let keyring = keyring("aes256-gcm96", Derivation::Derived);
    for context in [None, Some(&b""[..])] {
        let scope = Scope {
            context,
            associated_data: b"",
            ..SCOPE
        };
        assert_eq!(words(keyring.encrypt(b"", &scope, None)), sentence);
        assert_eq!(words(keyring.decrypt("vault:v1:AAAA", &scope)), sentence);
    }
    let keyring = self::keyring("ed25519", Derivation::Derived);
    let request = SignRequest::default();
    assert_eq!(
        words(keyring.sign(b"", &request)),
        format!("error deriving key: {sentence}")
    );
    let refused = keyring.verify(b"", "vault:v1:AAAA", &request);
    assert_eq!(words(refused), format!("error deriving key: {sentence}"));
}

#[test]
fn convergent_encryption_repeats_for_equal_input_alone() {
    let keyring = keyring("aes256-gcm96", Derivation::Convergent);
    let text = |plaintext, context| {
        let scope = Scope {
            context: Some(context),
            associated_data: b"",
            ..SCOPE
        };
        keyring.encrypt(plaintext, &scope, None).unwrap().text()
    };
    assert_eq!(
        text(b"plaintext", b"context"),
        text(b"plaintext", b"context")
    );
    assert_ne!(
        text(b"plaintext", b"context"),
        text(b"plaintexT", b"context")
    );
    assert_ne!(
        text(b"plaintext", b"context"),
        text(b"plaintext", b"contexT")
    );
}

#[test]
fn what_a_type_cannot_do_is_refused_in_the_words_of_vault() {
    let symmetric = keyring("aes256-gcm96", Derivation::None);
    let signing = keyring("ed25519", Derivation::None);
    let request = SignRequest::default();
    for (refused, sentence) in [
        (
            words(signing.encrypt(b"", &SCOPE, None)),
            "message encryption not supported for key type ed25519",
        ),
        (
            words(signing.decrypt("vault:v1:AAAA", &SCOPE)),
            "message decryption not supported for key type ed25519",
        ),
        (
            words(symmetric.sign(b"", &request)),
            "key type aes256-gcm96 does not support signing",
        ),
        (
            words(symmetric.verify(b"", "vault:v1:AAAA", &request)),
            "key type aes256-gcm96 does not support verification",
        ),
        (
            words(symmetric.material(Purpose::Signing, 1)),
            "signing not supported for the key",
        ),
        (
            words(signing.material(Purpose::Encryption, 1)),
            "encryption not supported for the key",
        ),
        (
            words(Keyring::generate(
                signing.key_type(),
                Derivation::Convergent,
                NOW,
            )),
            "convergent encryption not supported for keys of type ed25519",
        ),
    ] {
        assert_eq!(refused, sentence);
    }
}

#[test]
fn an_imported_key_is_the_same_key() {
    for original in encrypting() {
        let material = original
            .material(Purpose::Encryption, 1)
            .unwrap()
            .duplicate();
        let (key_type, derivation) = (original.key_type(), original.derivation());
        let imported = Keyring::import(key_type, derivation, material, NOW)
            .ok()
            .unwrap();
        let scope = scope(&original);
        let text = original.encrypt(b"plaintext", &scope, None).unwrap().text();
        assert_eq!(imported.decrypt(&text, &scope), Ok(b"plaintext"[..].into()));
    }
    for (key_type, len) in KEY_TYPES
        .iter()
        .flat_map(|key_type| [(key_type, 0), (key_type, 31)])
    {
        let refused = Keyring::import(
            *key_type,
            Derivation::None,
            SecretBytes::new(vec![1; len]),
            NOW,
        );
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }
}

#[test]
fn sealed_bytes_open_under_their_place_and_version_alone() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    let mut out = b"before".to_vec();
    keyring.seal(b"plaintext", b"place", &mut out).unwrap();
    let (before, sealed) = out.split_at(6);
    assert_eq!(before, b"before");
    assert_eq!(sealed.len(), 4 + 12 + 9 + 16);
    keyring.rotate(NOW).unwrap();
    assert_eq!(keyring.open(sealed, b"place"), Ok(b"plaintext"[..].into()));
    assert_eq!(keyring.open(sealed, b"other"), Err(Error::Decryption));
    for len in 0..sealed.len() {
        assert_eq!(
            keyring.open(&sealed[..len], b"place"),
            Err(Error::Decryption)
        );
    }
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            keyring.open(&flipped, b"place"),
            Err(Error::Decryption),
            "bit {bit}"
        );
    }

    let derived = self::keyring("aes256-gcm96", Derivation::Derived);
    assert!(matches!(
        derived.seal(b"", b"", &mut out),
        Err(Error::Unsupported(_))
    ));
    assert!(matches!(
        derived.open(&[0; 64], b""),
        Err(Error::Unsupported(_))
    ));
}
