//! RSA (RFC 8017) of 2048, 3072 and 4096 bits: encryption and signatures.
//!
//! ```text
//! material    = PKCS#8 DER
//! public half = SubjectPublicKeyInfo DER
//! payload     = as long as the modulus
//! ```
//! What is done with the private key is done by aws-lc-rs, in constant time, save for signatures
//! with hashes it does not have: see [`signature`]. It says which key it will not take too: other
//! sizes, even or small exponents, halves that do not belong together.

mod encryption;
mod signature;

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
    Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::AnyRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::traits::PublicKeyParts as _;

use super::{
    Cipher, CipherType, Encryptor, Jwk, JwsAlgorithm, KeyForm, KeyType, PublicType, Signer,
    SignerType, Verifier, X509Signature, der,
};
use crate::keyring::{SaltLength, Scheme};
use crate::{Error, HashAlgorithm, SecretBytes, SecretString, SignRequest, encoding};

/// rsaEncryption (RFC 8017 appendix A.1).
const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// sha256WithRSAEncryption (RFC 8017 appendix A.2.4).
const WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// The key type of one size.
#[derive(Debug)]
pub(super) struct Rsa {
    name: &'static str,
    size: KeySize,
}

pub(super) static RSA_2048: Rsa = Rsa {
    name: "rsa-2048",
    size: KeySize::Rsa2048,
};

pub(super) static RSA_3072: Rsa = Rsa {
    name: "rsa-3072",
    size: KeySize::Rsa3072,
};

pub(super) static RSA_4096: Rsa = Rsa {
    name: "rsa-4096",
    size: KeySize::Rsa4096,
};

impl KeyType for Rsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        let key = PrivateDecryptingKey::generate(self.size)
            .map_err(|_| Error::internal("no RSA key could be generated"))?;
        material(&key)
    }

    fn cipher(&self) -> Option<&dyn CipherType> {
        Some(self)
    }

    fn signer(&self) -> Option<&dyn SignerType> {
        Some(self)
    }

    fn public(&self) -> Option<&dyn PublicType> {
        Some(self)
    }

    fn supports_associated_data(&self) -> bool {
        false
    }

    fn import(&self, key: SecretBytes) -> Result<SecretBytes, Error> {
        material(&self.private_key(&key)?)
    }

    fn export(&self, material: &SecretBytes, form: KeyForm) -> Result<SecretString, Error> {
        match form {
            KeyForm::Default => {
                let pkcs1 = der::private_key(material, OID)?;
                // EXPOSE: written into a text that is wiped too.
                der::secret_pem("RSA PRIVATE KEY", pkcs1.expose())
            }
            KeyForm::Der => Ok(encoding::encode_secret(material)),
            // EXPOSE: written into a text that is wiped too.
            KeyForm::Pem => der::secret_pem(der::PRIVATE, material.expose()),
            KeyForm::Raw => Err(der::no_raw_form("rsa")),
        }
    }
}

impl PublicType for Rsa {
    fn key_name(&self) -> &'static str {
        self.name
    }

    fn parse(&self, text: &str) -> Result<Vec<u8>, Error> {
        Ok(self.public(&der::public_from_pem(text)?)?.spki)
    }

    fn spki(&self, public_key: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(public_key.to_vec())
    }

    fn print(&self, public_key: &[u8], form: KeyForm) -> Result<String, Error> {
        match form {
            KeyForm::Default | KeyForm::Pem => der::pem(der::PUBLIC, public_key),
            KeyForm::Der => Ok(encoding::encode(public_key)),
            KeyForm::Raw => Err(der::no_raw_form("rsa")),
        }
    }

    /// RFC 7518 section 6.3. No `alg`: one key signs with several.
    fn jwk(&self, public_key: &[u8]) -> Option<Jwk> {
        let key = rsa::PublicKey::from_public_key_der(public_key).ok()?;
        Some(vec![
            ("kty", "RSA".to_owned()),
            ("n", encoding::encode_url(&key.n_bytes())),
            ("e", encoding::encode_url(&key.e_bytes())),
        ])
    }

    /// RFC 7518 sections 3.3 and 3.5, which makes salts as long as the hash.
    fn jws(&self) -> &[JwsAlgorithm] {
        const fn of(name: &'static str, hash: HashAlgorithm, scheme: Scheme) -> JwsAlgorithm {
            JwsAlgorithm {
                name,
                hash: Some(hash),
                scheme: Some(scheme),
            }
        }
        const PSS: Scheme = Scheme::Pss(SaltLength::Hash);
        const {
            &[
                of("PS256", HashAlgorithm::Sha2_256, PSS),
                of("PS384", HashAlgorithm::Sha2_384, PSS),
                of("PS512", HashAlgorithm::Sha2_512, PSS),
                of("RS256", HashAlgorithm::Sha2_256, Scheme::Pkcs1v15),
                of("RS384", HashAlgorithm::Sha2_384, Scheme::Pkcs1v15),
                of("RS512", HashAlgorithm::Sha2_512, Scheme::Pkcs1v15),
            ]
        }
    }
}

impl CipherType for Rsa {
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(self.private(material)?))
    }

    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Encryptor>, Error> {
        Ok(Box::new(self.public(public_key)?))
    }
}

impl SignerType for Rsa {
    fn hashes(&self) -> bool {
        true
    }

    fn has_schemes(&self) -> bool {
        true
    }

    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Signer>, Error> {
        Ok(Box::new(self.private(material)?))
    }

    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Verifier>, Error> {
        Ok(Box::new(self.public(public_key)?))
    }

    /// PKCS#1 version 1.5 with SHA-256, which everybody verifies (RFC 4055 section 5).
    fn x509(&self) -> Option<X509Signature> {
        Some(X509Signature {
            algorithm: AlgorithmIdentifierRef {
                oid: WITH_SHA256,
                parameters: Some(AnyRef::NULL),
            },
            request: SignRequest {
                scheme: Scheme::Pkcs1v15,
                ..SignRequest::default()
            },
        })
    }
}

impl Rsa {
    fn private_key(&self, material: &SecretBytes) -> Result<PrivateDecryptingKey, Error> {
        // EXPOSE: the key is parsed by the library, which wipes what it made of it.
        let key = PrivateDecryptingKey::from_pkcs8(material.expose()).map_err(|_| not_private())?;
        if key.key_size_bytes() == self.size.len() {
            Ok(key)
        } else {
            Err(not_private())
        }
    }

    fn private(&self, material: &SecretBytes) -> Result<Private, Error> {
        let key = self.private_key(material)?;
        let spki = key.public_key().as_der().map_err(|_| not_private())?;
        Ok(Private {
            public: self.public(spki.as_ref())?,
            // EXPOSE: the key is parsed by the library, which wipes what it made of it.
            pair: KeyPair::from_pkcs8(material.expose()).map_err(|_| not_private())?,
            oaep: OaepPrivateDecryptingKey::new(key.clone()).map_err(|_| not_private())?,
            pkcs1: Pkcs1PrivateDecryptingKey::new(key).map_err(|_| not_private())?,
            material: material.duplicate(),
            other: OnceLock::new(),
        })
    }

    fn public(&self, spki: &[u8]) -> Result<Public, Error> {
        let key = PublicEncryptingKey::from_der(spki).map_err(|_| not_public())?;
        if key.key_size_bytes() != self.size.len() {
            return Err(not_public());
        }
        let spki = key.as_der().map_err(|_| not_public())?.as_ref().to_vec();
        Ok(Public {
            name: self.name,
            len: self.size.len(),
            oaep: OaepPublicEncryptingKey::new(key.clone()).map_err(|_| not_public())?,
            pkcs1: Pkcs1PublicEncryptingKey::new(key).map_err(|_| not_public())?,
            other: rsa::PublicKey::from_public_key_der(&spki).map_err(|_| not_public())?,
            spki,
        })
    }
}

/// The public half, for each of its uses.
struct Public {
    name: &'static str,
    /// The length of the modulus in bytes.
    len: usize,
    spki: Vec<u8>,
    oaep: OaepPublicEncryptingKey,
    pkcs1: Pkcs1PublicEncryptingKey,
    /// For what aws-lc-rs cannot verify.
    other: rsa::PublicKey,
}

/// The whole key, for each of its uses.
struct Private {
    public: Public,
    pair: KeyPair,
    oaep: OaepPrivateDecryptingKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
    material: SecretBytes,
    /// For what aws-lc-rs cannot sign; made when it is wanted first, which takes milliseconds.
    other: OnceLock<Option<rsa::PrivateKey>>,
}

impl Private {
    fn other(&self) -> Result<&rsa::PrivateKey, Error> {
        let other = self.other.get_or_init(|| {
            // EXPOSE: the key is parsed by the library, which wipes what it made of it.
            rsa::PrivateKey::from_pkcs8_der(self.material.expose()).ok()
        });
        // What the one library takes the other may refuse: an exponent over 32 bits.
        other.as_ref().ok_or_else(|| {
            Error::unsupported("the key cannot sign with this hash algorithm or salt length")
        })
    }
}

fn material(key: &PrivateDecryptingKey) -> Result<SecretBytes, Error> {
    let pkcs8 = key
        .as_der()
        .map_err(|_| Error::internal("an RSA key has no PKCS#8"))?;
    Ok(pkcs8.as_ref().into())
}

fn not_private() -> Error {
    Error::invalid("the key is not one of its type")
}

fn not_public() -> Error {
    Error::invalid("the public key is not one of its type")
}
