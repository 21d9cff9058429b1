//! Keys with which a client proves that it holds a key: Ed25519 and ECDSA over P-256, as HTTP
//! message signatures name them (RFC 9421 sections 3.3.4 and 3.3.6).
//!
//! ```text
//! public key, Ed25519 = RFC 8032 encoding (32)
//! public key, P-256   = x (32) ‖ y (32), big-endian
//! signature           = 64 bytes: R ‖ S (RFC 8032), r ‖ s (RFC 9421 section 3.3.4)
//! ```
//! In a browser, where WebCrypto has P-256, there is Ed25519 alone.

use std::fmt;

use crate::key_type::{KeyForm, KeyType, Signer, Verifier, key_type};
use crate::{Error, HashAlgorithm, Marshaling, SecretBytes, SignRequest, encoding};

/// The length of every signature.
pub const SIGNATURE_LEN: usize = 64;

/// An algorithm of proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofAlgorithm {
    /// ECDSA over P-256 with SHA-256 (RFC 9421 section 3.3.4).
    EcdsaP256Sha256,
    /// Ed25519 (RFC 9421 section 3.3.6).
    Ed25519,
}

impl ProofAlgorithm {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 2] = [Self::EcdsaP256Sha256, Self::Ed25519];

    /// The name in the registry of HTTP signature algorithms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The length of a public key in bytes.
    #[must_use]
    pub const fn public_len(self) -> usize {
        match self {
            Self::EcdsaP256Sha256 => 64,
            Self::Ed25519 => 32,
        }
    }

    fn key_type(self) -> Result<&'static dyn KeyType, Error> {
        let name = match self {
            Self::EcdsaP256Sha256 => "ecdsa-p256",
            Self::Ed25519 => "ed25519",
        };
        key_type(name).ok_or_else(|| Error::unsupported(format!("{name} is not available here")))
    }

    /// How the key type is asked for signatures of that form.
    fn request(self) -> SignRequest<'static> {
        SignRequest {
            hash_algorithm: Some(HashAlgorithm::Sha2_256),
            marshaling: Marshaling::Jws,
            ..SignRequest::default()
        }
    }
}

impl fmt::Display for ProofAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A public key that verifies proofs, ready for use.
pub struct ProofVerifier {
    algorithm: ProofAlgorithm,
    public: Vec<u8>,
    key: Box<dyn Verifier>,
}

impl ProofVerifier {
    /// Takes a public key in the form that the module draws.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no point of its curve, or one of small order, for which
    /// anybody could sign; [`Error::Unsupported`] where there is no such algorithm.
    pub fn new(algorithm: ProofAlgorithm, public: &[u8]) -> Result<Self, Error> {
        let refused = || Error::invalid("the public key is not one of its type");
        let signer = algorithm.key_type()?.signer().ok_or_else(refused)?;
        if public.len() != algorithm.public_len() {
            return Err(refused());
        }
        let key = match algorithm {
            ProofAlgorithm::EcdsaP256Sha256 => {
                // An uncompressed point begins with 4 (SEC 1 section 2.3.3).
                signer.prepare_public(&[&[4], public].concat())?
            }
            ProofAlgorithm::Ed25519 => {
                let point = ed25519_dalek::VerifyingKey::try_from(public).map_err(|_| refused())?;
                if point.is_weak() {
                    return Err(refused());
                }
                signer.prepare_public(public)?
            }
        };
        Ok(Self {
            algorithm,
            public: public.to_vec(),
            key,
        })
    }

    /// The algorithm, which the key alone decides.
    #[must_use]
    pub const fn algorithm(&self) -> ProofAlgorithm {
        self.algorithm
    }

    /// The public key in the form that the module draws.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Tells whether `signature` is one of `message` by this key; Ed25519 is verified strictly.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_LEN
            && self
                .key
                .verify(message, signature, &self.algorithm.request())
                .unwrap_or(false)
    }
}

impl fmt::Debug for ProofVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofVerifier")
            .field("algorithm", &self.algorithm)
            .field("public", &encoding::encode_hex(&self.public))
            .finish_non_exhaustive()
    }
}

/// A private key that makes proofs, ready for use.
pub struct ProofSigner {
    algorithm: ProofAlgorithm,
    public: Vec<u8>,
    material: SecretBytes,
    key: Box<dyn Signer>,
}

impl ProofSigner {
    /// Generates a key.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is no such algorithm.
    pub fn generate(algorithm: ProofAlgorithm) -> Result<Self, Error> {
        Self::of(algorithm, algorithm.key_type()?.generate()?)
    }

    /// Takes a key from PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of the algorithm, [`Error::Unsupported`] where there
    /// is no such algorithm.
    pub fn from_pkcs8(algorithm: ProofAlgorithm, pkcs8: SecretBytes) -> Result<Self, Error> {
        Self::of(algorithm, algorithm.key_type()?.import(pkcs8)?)
    }

    /// Writes the key as PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`Error::Internal`] when DER refuses it.
    pub fn to_pkcs8(&self) -> Result<SecretBytes, Error> {
        let key_type = self.algorithm.key_type()?;
        let text = key_type.export(&self.material, KeyForm::Der)?;
        // EXPOSE: from base64 into bytes that are wiped too.
        Ok(encoding::decode(text.expose())?)
    }

    fn of(algorithm: ProofAlgorithm, material: SecretBytes) -> Result<Self, Error> {
        let signer = algorithm
            .key_type()?
            .signer()
            .ok_or_else(|| Error::internal("a proof algorithm does not sign"))?;
        let key = signer.prepare(&material)?;
        // Of an ECDSA key this is a SubjectPublicKeyInfo, which the point ends.
        let public = key.public_key();
        let start = public.len().checked_sub(algorithm.public_len());
        let public = start.and_then(|start| public.get(start..));
        let public = public.ok_or_else(|| Error::internal("a key has no public half"))?;
        Ok(Self {
            algorithm,
            public: public.to_vec(),
            material,
            key,
        })
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> ProofAlgorithm {
        self.algorithm
    }

    /// The public key in the form that the module draws.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`Error::Internal`] when the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.key.sign(message, &self.algorithm.request())
    }
}

impl fmt::Debug for ProofSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofSigner")
            .field("algorithm", &self.algorithm)
            .field("public", &encoding::encode_hex(&self.public))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        for algorithm in ProofAlgorithm::ALL {
            let signer = ProofSigner::generate(algorithm).unwrap();
            let verifier = ProofVerifier::new(algorithm, signer.public()).unwrap();
            let signature = signer.sign(b"message").unwrap();
            assert_eq!(signature.len(), SIGNATURE_LEN);
            assert!(verifier.verify(b"message", &signature));
            assert!(!verifier.verify(b"massage", &signature));
            assert!(!verifier.verify(b"message", &signature[1..]));
            let mut changed = signature.clone();
            changed[40] ^= 1;
            assert!(!verifier.verify(b"message", &changed));
            let other = ProofSigner::generate(algorithm).unwrap();
            let other = ProofVerifier::new(algorithm, other.public()).unwrap();
            assert!(!other.verify(b"message", &signature));
        }
    }

    #[test]
    fn a_key_comes_back_from_pkcs8() {
        for algorithm in ProofAlgorithm::ALL {
            let signer = ProofSigner::generate(algorithm).unwrap();
            let again = ProofSigner::from_pkcs8(algorithm, signer.to_pkcs8().unwrap()).unwrap();
            assert_eq!(again.public(), signer.public());
            let verifier = ProofVerifier::new(algorithm, signer.public()).unwrap();
            assert!(verifier.verify(b"message", &again.sign(b"message").unwrap()));
        }
        let signer = ProofSigner::generate(ProofAlgorithm::Ed25519).unwrap();
        let pkcs8 = signer.to_pkcs8().unwrap();
        assert!(ProofSigner::from_pkcs8(ProofAlgorithm::EcdsaP256Sha256, pkcs8).is_err());
    }

    #[test]
    fn what_is_no_key_or_anybodys_key_is_refused() {
        let ed25519 = |public: &[u8]| ProofVerifier::new(ProofAlgorithm::Ed25519, public);
        let mut identity = [0; 32];
        identity[0] = 1;
        for point in [[0; 32], identity, [2; 32]] {
            assert!(ed25519(&point).is_err(), "{point:?}");
        }
        assert!(ed25519(&[]).is_err());
        let p256 = |public: &[u8]| ProofVerifier::new(ProofAlgorithm::EcdsaP256Sha256, public);
        assert!(p256(&[1; 64]).is_err());
        assert!(p256(&[1; 63]).is_err());
        assert!(p256(&[0; 64]).is_err());
    }

    #[test]
    fn a_key_is_printed_without_its_secret() {
        let signer = ProofSigner::generate(ProofAlgorithm::Ed25519).unwrap();
        let printed = format!("{signer:?}");
        assert!(printed.contains(&encoding::encode_hex(signer.public())));
        let secret = encoding::encode_hex(&signer.material.expose()[..32]);
        assert!(!printed.contains(&secret));
    }
}
