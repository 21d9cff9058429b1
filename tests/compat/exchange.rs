//! Keys, signatures and ciphertexts that cross between a real OpenBao and our cryptography.
//!
//! The peer makes a key of each type and gives it out; imported here, each side opens and verifies
//! what the other made.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keyward_crypto::{
    Derivation, HashAlgorithm, KeyType, Keyring, Marshaling, Material, Scheme, Scope, SecretBytes,
    SignRequest, Timestamp, key_type,
};
use serde_json::{Value, json};

use crate::support::{Client, Target};

const MESSAGE: &[u8] = b"what crosses over";
const NOW: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);

/// A key that both sides have.
struct Shared {
    peer: Client,
    name: &'static str,
    ours: Keyring,
    /// Our half that has no secret.
    public: Option<Keyring>,
}

impl Shared {
    /// Lets the peer make a key of a type, and takes it over.
    async fn new(target: &Target, name: &'static str) -> Self {
        let peer = Client::new(target);
        let create = json!({"type": name, "exportable": true});
        peer.post(&format!("transit/keys/{name}"), create)
            .await
            .expect(200);
        let key_type = key_type(name).unwrap();
        let (kind, form) = match key_type.public() {
            Some(_) if key_type.supports_signing() => ("signing-key", "der"),
            _ => ("encryption-key", "raw"),
        };
        let export = format!("transit/export/{kind}/{name}/1?format={form}");
        let exported = peer.get(&export).await.expect(200);
        let key = STANDARD.decode(exported.text_at("/data/keys/1")).unwrap();
        let material = key_type.import(SecretBytes::new(key)).unwrap();
        let ours = keyring(key_type, material.into());
        let public = match key_type.public() {
            Some(public) => {
                let export = format!("transit/export/public-key/{name}/1?format=pem");
                let exported = peer.get(&export).await.expect(200);
                let pem = exported.text_at("/data/keys/1");
                let half = Material::Public(public.parse(pem).unwrap());
                let half = keyring(key_type, half);
                assert_eq!(half.public_key(1, None), ours.public_key(1, None), "{name}");
                Some(half)
            }
            None => None,
        };
        Self {
            peer,
            name,
            ours,
            public,
        }
    }

    /// Everything that our side has for verifying and encrypting.
    fn halves(&self) -> impl Iterator<Item = &Keyring> {
        [Some(&self.ours), self.public.as_ref()]
            .into_iter()
            .flatten()
    }

    /// Sends a request about the key to the peer.
    async fn ask(&self, operation: &str, body: Value) -> Value {
        let path = format!("transit/{operation}/{}", self.name);
        let answer = self.peer.post(&path, body).await.expect(200);
        answer.at("/data").clone()
    }

    /// Signs on each side and verifies on the other.
    async fn exchange_signatures(&self, request: &SignRequest<'_>) {
        let what = format!("{} {request:?}", self.name);
        let with = |more: Value| {
            let mut body = body_of(request);
            let fields = body.as_object_mut().unwrap();
            fields.extend(more.as_object().unwrap().clone());
            body
        };
        let input = match request.hash_algorithm {
            Some(_) => MESSAGE.to_vec(),
            None => HashAlgorithm::Sha2_256.digest(MESSAGE),
        };
        let text = STANDARD.encode(&input);
        let made = self.ask("sign", with(json!({"input": text}))).await;
        let made = made["signature"].as_str().unwrap();
        for half in self.halves() {
            assert_eq!(half.verify(&input, made, request), Ok(true), "{what}");
            assert_ne!(half.verify(b"other", made, request), Ok(true), "{what}");
        }
        let ours = self.ours.sign(&input, request).unwrap().text;
        let verify = with(json!({"input": text, "signature": ours}));
        assert_eq!(self.ask("verify", verify).await["valid"], true, "{what}");
    }

    /// Encrypts on each side and decrypts on the other.
    async fn exchange_ciphertexts(&self) {
        let scope = Scope::default();
        let plaintext = STANDARD.encode(MESSAGE);
        let made = self.ask("encrypt", json!({"plaintext": plaintext})).await;
        let made = made["ciphertext"].as_str().unwrap();
        let opened = self.ours.decrypt(made, &scope);
        assert_eq!(opened, Ok(MESSAGE.into()), "{}", self.name);
        for half in self.halves() {
            let ours = half.encrypt(MESSAGE, &scope, None).unwrap().text();
            let opened = self.ask("decrypt", json!({"ciphertext": ours})).await;
            assert_eq!(opened["plaintext"], plaintext, "{}", self.name);
        }
    }
}

fn keyring(key_type: &'static dyn KeyType, material: Material) -> Keyring {
    Keyring::import(key_type, Derivation::None, material, NOW).unwrap()
}

/// What a request is in the API.
fn body_of(request: &SignRequest<'_>) -> Value {
    json!({
        "hash_algorithm": request.hash_algorithm.map_or("none", HashAlgorithm::name),
        "marshaling_algorithm": match request.marshaling {
            Marshaling::Asn1 => "asn1",
            Marshaling::Jws => "jws",
        },
        "prehashed": request.prehashed,
        "signature_algorithm": match request.scheme {
            Scheme::Pkcs1v15 => "pkcs1v15",
            Scheme::Pss(_) => "pss",
        },
    })
}

/// A peer with its transit engine in place.
async fn peer() -> Target {
    let target = Target::peer();
    Client::new(&target)
        .post("sys/mounts/transit", json!({"type": "transit"}))
        .await
        .expect(204);
    target
}

#[tokio::test]
async fn signatures_cross_both_ways() {
    let target = peer().await;
    let hashes = HashAlgorithm::ALL.map(Some).into_iter().chain([None]);
    let requests: Vec<_> = hashes
        .flat_map(|hash_algorithm| {
            [Scheme::Pkcs1v15, Scheme::default()].map(|scheme| (hash_algorithm, scheme))
        })
        .filter(|(hash, scheme)| hash.is_some() || *scheme == Scheme::Pkcs1v15)
        .map(|(hash_algorithm, scheme)| SignRequest {
            hash_algorithm,
            prehashed: hash_algorithm.is_none(),
            scheme,
            ..SignRequest::default()
        })
        .collect();
    for name in ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048"] {
        let shared = Shared::new(&target, name).await;
        for request in &requests {
            shared.exchange_signatures(request).await;
        }
        let jws = SignRequest {
            marshaling: Marshaling::Jws,
            ..SignRequest::default()
        };
        shared.exchange_signatures(&jws).await;
    }
    for name in [
        "ed25519", "mldsa-44", "mldsa-65", "mldsa-87", "rsa-3072", "rsa-4096",
    ] {
        let shared = Shared::new(&target, name).await;
        shared.exchange_signatures(&SignRequest::default()).await;
    }
}

#[tokio::test]
async fn ciphertexts_cross_both_ways() {
    let target = peer().await;
    for name in ["aes256-gcm96", "xchacha20-poly1305", "rsa-2048", "rsa-3072"] {
        let shared = Shared::new(&target, name).await;
        shared.exchange_ciphertexts().await;
    }
}

/// Both sides make one and the same ciphertext, nonce and all.
#[tokio::test]
async fn convergent_xchacha20_poly1305_converges_with_the_peer() {
    let target = peer().await;
    let peer = Client::new(&target);
    let create = json!({
        "type": "xchacha20-poly1305", "exportable": true, "derived": true,
        "convergent_encryption": true,
    });
    peer.post("transit/keys/c", create).await.expect(200);
    let exported = peer.get("transit/export/encryption-key/c/1").await;
    let exported = exported.expect(200);
    let key = STANDARD.decode(exported.text_at("/data/keys/1")).unwrap();
    let key_type = key_type("xchacha20-poly1305").unwrap();
    let ours = Keyring::import(key_type, Derivation::Convergent, SecretBytes::new(key), NOW);
    let scope = Scope {
        context: Some(b"context"),
        ..Scope::default()
    };
    let ours = ours.unwrap().encrypt(MESSAGE, &scope, None).unwrap().text();
    let encrypt = json!({
        "plaintext": STANDARD.encode(MESSAGE), "context": STANDARD.encode("context"),
    });
    let made = peer.post("transit/encrypt/c", encrypt).await.expect(200);
    assert_eq!(made.text_at("/data/ciphertext"), ours);
}
