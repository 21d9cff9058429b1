//! Ed25519, Ed25519ctx and Ed25519ph (RFC 8032).
//!
//! ```text
//! material, stored  = seed (32) ‖ public key (32)
//! material, derived = seed (32)
//! ```
//! Which of the three it is, the request says, as in Vault Enterprise:
//!
//! | `prehashed` with `sha2-512` | `signature_context` | signature | of |
//! |---|---|---|---|
//! | no | none | Ed25519 | the message |
//! | no | some | Ed25519ctx | the message |
//! | yes | none or some | Ed25519ph | the digest that the message is |
//!
//! No other hash is known to the standard. Without a context the request's hash algorithm does not
//! matter, `prehashed` or not, and what came is signed as the message that it is.

mod context;

use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use pkcs8::ObjectIdentifier;

use self::context::Passed;
#[cfg(not(target_arch = "wasm32"))]
use super::X509Signature;
use super::{
    Jwk, JwsAlgorithm, KeyForm, KeyType, PublicType, Signer, SignerType, Verifier, check_context,
    der,
};
use crate::{
    Error, HashAlgorithm, Secret, SecretBytes, SecretString, SignRequest, encoding, random,
};

const SEED_LEN: usize = 32;
/// id-Ed25519 (RFC 8410 section 3).
const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// The head of a CurvePrivateKey: a DER octet string of 32 bytes (RFC 8410 section 7).
const SEED_HEAD: [u8; 2] = [4, 32];

#[derive(Debug)]
pub(super) struct Ed25519;

impl KeyType for Ed25519 {
    fn name(&self) -> &'static str {
        "ed25519"
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        Ok(material(&random::generate_key()))
    }

    fn public(&self) -> Option<&dyn PublicType> {
        Some(self)
    }

    fn import(&self, key: SecretBytes) -> Result<SecretBytes, Error> {
        let key = der::private_key(&key, OID)?;
        // EXPOSE: the seed is taken out of its octet string.
        let seed = key.expose().strip_prefix(&SEED_HEAD);
        let seed = seed.and_then(|seed| <[u8; SEED_LEN]>::try_from(seed).ok());
        let seed =
            seed.ok_or_else(|| Error::invalid("the key has the wrong length for its type"))?;
        Ok(material(&Secret::new(seed)))
    }

    fn export(&self, material: &SecretBytes, form: KeyForm) -> Result<SecretString, Error> {
        if matches!(form, KeyForm::Default | KeyForm::Raw) {
            return Ok(encoding::encode_secret(material));
        }
        // EXPOSE: the seed is put into PKCS#8, in buffers that are wiped.
        let seed = material.expose().get(..SEED_LEN).unwrap_or_default();
        let inner = Secret::new([&SEED_HEAD, seed].concat());
        // EXPOSE: as above.
        let pkcs8 = der::pkcs8(OID, inner.expose())?;
        match form {
            KeyForm::Pem => der::secret_pem(der::PRIVATE, pkcs8.as_bytes()),
            _ => Ok(Secret::new(encoding::encode(pkcs8.as_bytes()))),
        }
    }

    fn signer(&self) -> Option<&dyn SignerType> {
        Some(self)
    }

    fn derived_len(&self) -> Option<usize> {
        Some(SEED_LEN)
    }
}

/// Computes the public half of a seed and puts it beside it.
fn material(seed: &Secret<[u8; SEED_LEN]>) -> SecretBytes {
    // EXPOSE: the public half is computed from the seed and stored beside it.
    let key = SigningKey::from_bytes(seed.expose());
    let pair = Secret::new(key.to_keypair_bytes());
    // EXPOSE: moved from the stack to the heap.
    pair.expose().as_slice().into()
}

impl PublicType for Ed25519 {
    fn key_name(&self) -> &'static str {
        "ed25519"
    }

    fn parse(&self, text: &str) -> Result<Vec<u8>, Error> {
        der::public_key(&der::public_from_pem(text)?, OID)
    }

    fn spki(&self, public_key: &[u8]) -> Result<Vec<u8>, Error> {
        der::spki(OID, public_key)
    }

    fn print(&self, public_key: &[u8], form: KeyForm) -> Result<String, Error> {
        match form {
            KeyForm::Default | KeyForm::Raw => Ok(encoding::encode(public_key)),
            KeyForm::Der => Ok(encoding::encode(&self.spki(public_key)?)),
            KeyForm::Pem => der::pem(der::PUBLIC, &self.spki(public_key)?),
        }
    }

    /// RFC 8037.
    fn jwk(&self, public_key: &[u8]) -> Option<Jwk> {
        Some(vec![
            ("kty", "OKP".to_owned()),
            ("crv", "Ed25519".to_owned()),
            ("x", encoding::encode_url(public_key)),
            ("alg", "EdDSA".to_owned()),
            ("use", "sig".to_owned()),
        ])
    }

    /// RFC 8037 section 3.1: Ed25519, without context and not prehashed.
    fn jws(&self) -> &[JwsAlgorithm] {
        &[JwsAlgorithm {
            name: "EdDSA",
            hash: Some(HashAlgorithm::Sha2_512),
            scheme: None,
        }]
    }
}

impl SignerType for Ed25519 {
    fn supports_context(&self) -> bool {
        true
    }

    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Signer>, Error> {
        // EXPOSE: the key is expanded by the signer, which wipes what it made of it.
        let material = material.expose().as_slice();
        let key = if let Ok(seed) = material.try_into() {
            SigningKey::from_bytes(seed)
        } else if let Ok(pair) = material.try_into() {
            SigningKey::from_keypair_bytes(pair)
                .map_err(|_| Error::invalid("the public key is not that of the private key"))?
        } else {
            return Err(Error::invalid("the key has the wrong length for its type"));
        };
        Ok(Box::new(key))
    }

    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Verifier>, Error> {
        let key = VerifyingKey::try_from(public_key)
            .map_err(|_| Error::invalid("the public key is not one of its type"))?;
        Ok(Box::new(key))
    }

    /// RFC 8410 section 3.
    #[cfg(not(target_arch = "wasm32"))]
    fn x509(&self) -> Option<X509Signature> {
        Some(X509Signature {
            algorithm: der::without_parameters(OID),
            request: SignRequest::default(),
        })
    }
}

/// What of the three is to be made or verified.
enum Variant<'a> {
    /// Ed25519, of the message.
    Plain,
    /// Ed25519ctx, of the message, bound to a context that is not empty.
    Bound(&'a [u8]),
    /// Ed25519ph, of a digest, bound to a context that may be empty.
    Prehashed(Passed, &'a [u8]),
}

impl<'a> Variant<'a> {
    fn of(message: &[u8], request: &SignRequest<'a>) -> Result<Self, Error> {
        let context = request.signature_context;
        check_context(context)?;
        match (request.prehashed, request.hash_algorithm) {
            (true, Some(HashAlgorithm::Sha2_512)) => {
                let digest = message.try_into().map_err(|_| {
                    Error::invalid("a prehashed input for Ed25519ph must have 64 bytes")
                })?;
                Ok(Self::Prehashed(Passed::of(digest), context))
            }
            _ if context.is_empty() => Ok(Self::Plain),
            // The two signatures of one input differ: whoever means the one must not get the other.
            (true, _) => Err(Error::invalid(
                "a prehashed input with a signature_context requires hash_algorithm=sha2-512",
            )),
            (false, _) => Ok(Self::Bound(context)),
        }
    }
}

impl Signer for SigningKey {
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error> {
        let signature = match Variant::of(message, request)? {
            Variant::Plain => ed25519_dalek::Signer::sign(self, message),
            Variant::Bound(context) => context::sign(self, message, context)?,
            Variant::Prehashed(digest, context) => self
                .sign_prehashed(digest, Some(context))
                .map_err(|_| Error::internal("Ed25519ph fails on long contexts alone"))?,
        };
        Ok(signature.to_bytes().to_vec())
    }
}

impl Verifier for SigningKey {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        Verifier::verify(&self.verifying_key(), message, signature, request)
    }

    fn public_key(&self) -> Vec<u8> {
        self.verifying_key().public_key()
    }
}

impl Verifier for VerifyingKey {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        let variant = Variant::of(message, request)?;
        let Ok(signature) = Signature::from_slice(signature) else {
            return Ok(false);
        };
        // Strict: a point of small order would verify under messages nobody signed.
        Ok(match variant {
            Variant::Plain => self.verify_strict(message, &signature).is_ok(),
            Variant::Bound(context) => context::verify(self, message, context, &signature),
            Variant::Prehashed(digest, context) => self
                .verify_prehashed_strict(digest, Some(context), &signature)
                .is_ok(),
        })
    }

    fn public_key(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}
