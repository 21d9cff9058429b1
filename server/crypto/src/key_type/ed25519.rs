//! Ed25519 and Ed25519ph (RFC 8032).
//!
//! ```text
//! material, stored  = seed (32) ‖ public key (32)
//! material, derived = seed (32)
//! ```
//! The message itself is signed, and the hash algorithm of the request does not matter, save for
//! `prehashed` with `sha2-512`: then the message is a digest and the signature is Ed25519ph, as in
//! Vault Enterprise.

use digest::consts::U64;
use digest::{Digest, FixedOutput, HashMarker, Output, OutputSizeUser, Update};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

use pkcs8::ObjectIdentifier;

#[cfg(not(target_arch = "wasm32"))]
use super::X509Signature;
use super::{Jwk, KeyForm, KeyType, PublicType, Signer, SignerType, Verifier, der};
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

    fn jws(&self) -> Option<(&'static str, HashAlgorithm)> {
        Some(("EdDSA", HashAlgorithm::Sha2_256))
    }
}

impl SignerType for Ed25519 {
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

impl Signer for SigningKey {
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error> {
        let signature = match Prehashed::of(message, request)? {
            Some(digest) => self
                .sign_prehashed(digest, None)
                .map_err(|_| Error::internal("Ed25519ph without a context cannot fail"))?,
            None => ed25519_dalek::Signer::sign(self, message),
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
        let digest = Prehashed::of(message, request)?;
        let Ok(signature) = Signature::from_slice(signature) else {
            return Ok(false);
        };
        // Strict: a point of small order would verify under messages nobody signed.
        let verdict = match digest {
            Some(digest) => self.verify_prehashed_strict(digest, None, &signature),
            None => self.verify_strict(message, &signature),
        };
        Ok(verdict.is_ok())
    }

    fn public_key(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

/// A digest made elsewhere, in the shape the signing function wants: what goes in comes out.
#[derive(Clone)]
struct Prehashed {
    digest: [u8; 64],
    filled: usize,
}

impl Prehashed {
    /// The digest that `message` is; `None` when `request` means the message itself.
    fn of(message: &[u8], request: &SignRequest<'_>) -> Result<Option<Self>, Error> {
        if !request.prehashed || request.hash_algorithm != Some(HashAlgorithm::Sha2_512) {
            return Ok(None);
        }
        if message.len() != 64 {
            return Err(Error::invalid(
                "a prehashed input for Ed25519ph must have 64 bytes",
            ));
        }
        Ok(Some(Self::new().chain_update(message)))
    }
}

impl Default for Prehashed {
    fn default() -> Self {
        Self {
            digest: [0; 64],
            filled: 0,
        }
    }
}

impl HashMarker for Prehashed {}

impl OutputSizeUser for Prehashed {
    type OutputSize = U64;
}

impl Update for Prehashed {
    fn update(&mut self, data: &[u8]) {
        let free = &mut self.digest[self.filled..];
        let taken = free.len().min(data.len());
        free[..taken].copy_from_slice(&data[..taken]);
        self.filled += taken;
    }
}

impl FixedOutput for Prehashed {
    fn finalize_into(self, out: &mut Output<Self>) {
        out.copy_from_slice(&self.digest);
    }
}
