//! Keys as JSON Web Keys (RFC 7517; RFC 8037 for Ed25519), known by their thumbprints (RFC 7638).

use std::{fmt, sync::Arc};

use keyward_crypto::{
    Error, HashAlgorithm, SecretBytes, encoding,
    proof::{ProofAlgorithm, ProofSigner, ProofVerifier},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
};
use serde_with::skip_serializing_none;

/// The public key of a client, or of a server that signs its answers: `OKP` with `Ed25519`, or `EC`
/// with `P-256`.
///
/// It reads a JSON Web Key, of which it keeps what the key consists of; one that has a private half
/// is refused, since it was not meant to be sent.
#[derive(Clone, Debug)]
pub struct VerifyingKey(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    verifier: ProofVerifier,
    thumbprint: String,
}

/// The members that a key consists of, in the order of RFC 7638 section 3.2.
#[skip_serializing_none]
#[derive(Serialize)]
struct Members<'k> {
    crv: &'k str,
    kty: &'k str,
    x: String,
    y: Option<String>,
}

/// A key as it is sent.
#[derive(Default)]
struct Sent {
    /// The type: `OKP` or `EC`.
    kty: Option<String>,
    /// The curve: `Ed25519` or `P-256`.
    crv: Option<String>,
    /// The public key, or the first of its two coordinates, in base64url without padding.
    x: Option<String>,
    /// The second coordinate; of `EC` alone.
    y: Option<String>,
    is_private: bool,
}

/// Reads a key as it is sent. Not derived, so that the private member is looked for and yet is none
/// of those that the document of the API names.
struct SentVisitor;

impl<'de> Visitor<'de> for SentVisitor {
    type Value = Sent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON Web Key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sent, A::Error> {
        let mut sent = Sent::default();
        while let Some(name) = map.next_key::<String>()? {
            let member = match name.as_str() {
                "kty" => &mut sent.kty,
                "crv" => &mut sent.crv,
                "x" => &mut sent.x,
                "y" => &mut sent.y,
                name => {
                    let value = map.next_value::<Option<IgnoredAny>>()?;
                    sent.is_private |= name == "d" && value.is_some();
                    continue;
                }
            };
            if member.is_some() {
                return Err(de::Error::custom("a member stands there twice"));
            }
            *member = map.next_value()?;
        }
        Ok(sent)
    }
}

impl VerifyingKey {
    /// Takes a public key that is ready for use.
    #[must_use]
    pub fn new(verifier: ProofVerifier) -> Self {
        let members = members(&verifier);
        // It has no map with other keys than text, and cannot fail.
        let json = serde_json::to_vec(&members).unwrap_or_default();
        let thumbprint = encoding::encode_url(&HashAlgorithm::Sha2_256.digest(&json));
        Self(Arc::new(Inner {
            verifier,
            thumbprint,
        }))
    }

    /// Its thumbprint: base64url of SHA-256, 43 characters.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// The one algorithm that it verifies.
    #[must_use]
    pub fn algorithm(&self) -> ProofAlgorithm {
        self.0.verifier.algorithm()
    }

    /// Tells whether a signature of a message is by this key.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verifier.verify(message, signature)
    }

    /// The name of its family, of its curve, and its coordinates in base64url.
    #[must_use]
    pub fn members(&self) -> Vec<(&'static str, String)> {
        let Members { crv, kty, x, y } = members(&self.0.verifier);
        let mut members = vec![("kty", kty.to_owned()), ("crv", crv.to_owned()), ("x", x)];
        members.extend(y.map(|y| ("y", y)));
        members
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.thumbprint() == other.thumbprint()
    }
}

impl Eq for VerifyingKey {}

fn members(verifier: &ProofVerifier) -> Members<'static> {
    let public = verifier.public();
    match verifier.algorithm() {
        ProofAlgorithm::EcdsaP256Sha256 => {
            let (x, y) = public.split_at(public.len() / 2);
            Members {
                crv: "P-256",
                kty: "EC",
                x: encoding::encode_url(x),
                y: Some(encoding::encode_url(y)),
            }
        }
        ProofAlgorithm::Ed25519 => Members {
            crv: "Ed25519",
            kty: "OKP",
            x: encoding::encode_url(public),
            y: None,
        },
    }
}

impl Serialize for VerifyingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        members(&self.0.verifier).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for VerifyingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What stands in the wrong place may be a secret, and serde would repeat it.
        let no_key = || de::Error::custom("the key is no JSON Web Key (RFC 7517)");
        let sent = deserializer
            .deserialize_struct("VerifyingKey", &["kty", "crv", "x", "y"], SentVisitor)
            .map_err(|_| no_key())?;
        if sent.is_private {
            return Err(de::Error::custom("the key has a private half"));
        }
        let (Some(kty), Some(crv), Some(x)) = (&sent.kty, &sent.crv, &sent.x) else {
            return Err(no_key());
        };
        let (algorithm, coordinates) = match (kty.as_str(), crv.as_str(), &sent.y) {
            ("OKP", "Ed25519", None) => (ProofAlgorithm::Ed25519, [Some(x), None]),
            ("EC", "P-256", Some(y)) => (ProofAlgorithm::EcdsaP256Sha256, [Some(x), Some(y)]),
            _ => {
                return Err(de::Error::custom(
                    "the key is neither OKP with Ed25519 nor EC with P-256",
                ));
            }
        };
        let mut public = Vec::with_capacity(algorithm.public_len());
        for text in coordinates.into_iter().flatten() {
            let bytes = encoding::decode_url(text).filter(|bytes| {
                // One form, and the whole length: a thumbprint must name one key.
                bytes.len() == 32 && encoding::encode_url(bytes) == *text
            });
            let bytes = bytes.ok_or_else(|| {
                de::Error::custom("a coordinate of the key is not 32 bytes in base64url")
            })?;
            public.extend_from_slice(&bytes);
        }
        let verifier = ProofVerifier::new(algorithm, &public).map_err(de::Error::custom)?;
        Ok(Self::new(verifier))
    }
}

/// The private key of a client, or of a server that signs its answers.
#[derive(Debug)]
pub struct SigningKey {
    signer: ProofSigner,
    public: VerifyingKey,
}

impl SigningKey {
    /// Generates a key.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is no such algorithm.
    pub fn generate(algorithm: ProofAlgorithm) -> Result<Self, Error> {
        Self::of(ProofSigner::generate(algorithm)?)
    }

    /// Takes a key from PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of the algorithm, [`Error::Unsupported`] where there
    /// is no such algorithm.
    pub fn from_pkcs8(algorithm: ProofAlgorithm, pkcs8: SecretBytes) -> Result<Self, Error> {
        Self::of(ProofSigner::from_pkcs8(algorithm, pkcs8)?)
    }

    /// Writes the key as PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`Error::Internal`] when DER refuses it.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, Error> {
        self.signer.to_pkcs8()
    }

    fn of(signer: ProofSigner) -> Result<Self, Error> {
        let verifier = ProofVerifier::new(signer.algorithm(), signer.public())?;
        Ok(Self {
            signer,
            public: VerifyingKey::new(verifier),
        })
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> &VerifyingKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signer.sign(message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn key(json: Value) -> Result<VerifyingKey, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    /// RFC 8037 appendix A.3.
    #[test]
    fn a_thumbprint_is_that_of_the_standard() {
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        let read = key(jwk.clone()).unwrap();
        assert_eq!(
            read.thumbprint(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
        assert_eq!(serde_json::to_value(&read).unwrap(), jwk);
        assert_eq!(read.algorithm(), ProofAlgorithm::Ed25519);
    }

    /// The key of RFC 9421 appendix B.1.3, and what OpenSSL and SHA-256 make of its members.
    #[test]
    fn a_key_of_p256_reads_back() {
        let jwk = json!({
            "kty": "EC", "crv": "P-256",
            "x": "qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA",
            "y": "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0",
        });
        let read = key(jwk.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), jwk);
        assert_eq!(read.thumbprint().len(), 43);
        assert_eq!(read.algorithm(), ProofAlgorithm::EcdsaP256Sha256);
    }

    #[test]
    fn what_is_beside_the_key_is_not_kept() {
        let mut jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "ext": true, "key_ops": ["verify"], "alg": "Ed25519", "kid": "mine",
        });
        let read = key(jwk.clone()).unwrap();
        let kept = serde_json::to_value(&read).unwrap();
        assert_eq!(kept.as_object().unwrap().len(), 3);
        jwk["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        assert_eq!(key(jwk).unwrap_err(), "the key has a private half");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        for jwk in [
            json!({}),
            json!("text"),
            json!([]),
            json!({ "kty": "OKP", "crv": "Ed25519" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": x }),
            json!({ "kty": "EC", "crv": "Ed25519", "x": x }),
            json!({ "kty": "EC", "crv": "P-256", "x": x }),
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x }),
            json!({ "kty": "EC", "crv": "P-384", "x": x, "y": x }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "y": x }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": format!("{x}=") }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": &x[1..] }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x.replace('_', "/") }),
            // The last character has bits that no byte takes.
            json!({ "kty": "OKP", "crv": "Ed25519", "x": x.replace("Ro", "Rp") }),
            // A point of small order, under which anything verifies.
            json!({ "kty": "OKP", "crv": "Ed25519", "x": encoding::encode_url(&[0; 32]) }),
            json!({ "kty": "oct", "k": "AAAA" }),
        ] {
            assert!(key(jwk.clone()).is_err(), "{jwk}");
        }
    }

    #[test]
    fn a_member_stands_there_once() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let text = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","x":"{x}"}}"#);
        let error = serde_json::from_str::<VerifyingKey>(&text).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("the key is no JSON Web Key"), "{error}");
    }

    #[test]
    fn the_document_of_the_api_asks_for_no_private_half() {
        let schema = crate::schema::of::<VerifyingKey>().unwrap();
        let members = schema["properties"].as_object().unwrap();
        let names: Vec<_> = members.keys().collect();
        assert_eq!(names, ["crv", "kty", "x", "y"]);
        assert!(members.values().all(|member| member["type"] == "string"));
    }

    #[test]
    fn a_private_key_is_kept_as_pkcs8() {
        for algorithm in ProofAlgorithm::ALL {
            let signing = SigningKey::generate(algorithm).unwrap();
            let pkcs8 = signing.to_pkcs8().unwrap();
            let again = SigningKey::from_pkcs8(algorithm, pkcs8).unwrap();
            assert_eq!(again.public(), signing.public());
        }
    }
}
