//! What a real OpenBao made with keys it gave out; see `server/crypto/tests/vectors/README.md`.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Key {
    r#type: String,
    derivation: String,
    keys: Vec<String>,
    hmac_keys: Vec<String>,
    #[serde(default)]
    ciphertexts: Vec<Ciphertext>,
    #[serde(default)]
    public_keys: Vec<String>,
    #[serde(default)]
    signatures: Vec<Signature>,
    hmacs: Vec<Hmac>,
}

#[derive(Deserialize)]
struct Ciphertext {
    plaintext: String,
    context: Option<String>,
    associated_data: String,
    text: String,
}

#[derive(Deserialize)]
struct Signature {
    message: String,
    context: Option<String>,
    marshaling: String,
    text: String,
}

#[derive(Deserialize)]
struct Hmac {
    input: String,
    algorithm: String,
    text: String,
}

fn bytes(text: &str) -> Vec<u8> {
    encoding::decode(text).unwrap().expose().clone()
}

impl Key {
    fn keyring(&self) -> Keyring {
        let key_type = key_type(&self.r#type).unwrap();
        let derivation = match self.derivation.as_str() {
            "none" => Derivation::None,
            "derived" => Derivation::Derived,
            "convergent" => Derivation::Convergent,
            other => panic!("unknown derivation {other}"),
        };
        let pairs = self.keys.iter().zip(&self.hmac_keys);
        let versions = pairs.map(|(material, hmac_key)| {
            let material = SecretBytes::from(bytes(material)).into();
            let hmac_key = bytes(hmac_key).into();
            let version = Version::new(key_type, derivation, NOW, material, hmac_key, 0);
            Arc::new(version.ok().unwrap())
        });
        Keyring {
            key_type,
            derivation,
            rules: Rules::new(),
            first: 1,
            versions: versions.collect(),
            certificates: Default::default(),
            disabled: Default::default(),
        }
    }
}

fn version_of(text: &str) -> u32 {
    text["vault:v".len()..]
        .split(':')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

fn check_hmacs(key: &Key, keyring: &Keyring) {
    for made in &key.hmacs {
        let (input, algorithm) = (bytes(&made.input), made.algorithm.parse().unwrap());
        let ours = keyring
            .hmac(&input, algorithm, Some(version_of(&made.text)))
            .unwrap();
        assert_eq!(ours, made.text);
        assert_eq!(keyring.verify_hmac(&input, algorithm, &made.text), Ok(true));
    }
}

#[test]
fn ciphertexts_and_hmacs_of_a_peer_are_ours() {
    let keys: Vec<Key> = serde_json::from_str(include_str!(
        "../../../tests/vectors/openbao_encryption.json"
    ))
    .unwrap();
    assert_eq!(keys.len(), 9);
    for key in &keys {
        let keyring = key.keyring();
        assert!(!key.ciphertexts.is_empty());
        for made in &key.ciphertexts {
            let (context, associated_data) = (
                made.context.as_deref().map(bytes),
                bytes(&made.associated_data),
            );
            let scope = Scope {
                context: context.as_deref(),
                associated_data: &associated_data,
                ..SCOPE
            };
            let plaintext = bytes(&made.plaintext);
            let version = version_of(&made.text);
            assert_eq!(
                keyring.decrypt(&made.text, &scope),
                Ok(plaintext.as_slice().into())
            );
            let again = keyring.encrypt(&plaintext, &scope, Some(version)).unwrap();
            let convergent = keyring.derivation() == Derivation::Convergent;
            assert_eq!(again.text() == made.text, convergent);
        }
        check_hmacs(key, &keyring);
    }
}

#[test]
fn signatures_and_public_keys_of_a_peer_are_ours() {
    let keys: Vec<Key> =
        serde_json::from_str(include_str!("../../../tests/vectors/openbao_signing.json")).unwrap();
    assert_eq!(keys.len(), 2);
    for key in &keys {
        let keyring = key.keyring();
        assert!(!key.signatures.is_empty());
        for made in &key.signatures {
            let context = made.context.as_deref().map(bytes);
            let version = version_of(&made.text);
            let request = SignRequest {
                context: context.as_deref(),
                version: Some(version),
                marshaling: made.marshaling.parse().unwrap(),
                ..SignRequest::default()
            };
            let message = bytes(&made.message);
            assert_eq!(keyring.verify(&message, &made.text, &request), Ok(true));
            assert_eq!(keyring.sign(&message, &request).unwrap().text, made.text);
            let public_key = keyring.public_key(version, request.context).unwrap();
            assert_eq!(
                public_key.as_ref(),
                key.public_keys.get(version as usize - 1)
            );
        }
        check_hmacs(key, &keyring);
    }
}
