//! ECDSA (FIPS 186-5 section 6) over P-256, P-384 and P-521.
//!
//! ```text
//! material    = PKCS#8 DER
//! public half = SubjectPublicKeyInfo DER
//! ```
//! Any hash goes with any curve. The library ties a curve to one hash and takes digests of its
//! length alone, so a digest is made to fit: of a longer one the front is taken, as the standard
//! takes the leftmost bits (section 6.4.1), and a shorter one gets zeros in front, which are nothing
//! to the number it is read as.

use std::slice;

use aws_lc_rs::agreement::{self, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _,
    ParsedPublicKey,
};
use pkcs8::ObjectIdentifier;

use super::{
    AgreementType, Jwk, JwsAlgorithm, KeyForm, KeyType, PublicType, Signer, SignerType, Verifier,
    X509Signature, der,
};
use crate::keyring::Marshaling;
use crate::{Error, HashAlgorithm, SecretBytes, SecretString, SignRequest, encoding};

/// The key type of one curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ecdsa {
    name: &'static str,
    key_name: &'static str,
    /// The length of a coordinate in bytes.
    width: usize,
    /// RFC 7518 section 3.4.
    jws: JwsAlgorithm,
    /// ecdsa-with-SHA256 and the others (RFC 5758 section 3.2), with the hash of `jws`.
    x509: ObjectIdentifier,
    /// The hash whose digests the library takes.
    hash: &'static digest::Algorithm,
    agreement: &'static agreement::Algorithm,
    asn1: Form,
    fixed: Form,
}

/// How one form of signatures is made and verified.
#[derive(Clone, Copy, Debug)]
struct Form {
    sign: &'static EcdsaSigningAlgorithm,
    verify: &'static EcdsaVerificationAlgorithm,
}

pub(super) static P256: Ecdsa = Ecdsa {
    name: "ecdsa-p256",
    key_name: "P-256",
    width: 32,
    jws: jws("ES256", HashAlgorithm::Sha2_256),
    x509: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
    hash: &digest::SHA256,
    agreement: &agreement::ECDH_P256,
    asn1: Form {
        sign: &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        verify: &signature::ECDSA_P256_SHA256_ASN1,
    },
    fixed: Form {
        sign: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        verify: &signature::ECDSA_P256_SHA256_FIXED,
    },
};

pub(super) static P384: Ecdsa = Ecdsa {
    name: "ecdsa-p384",
    key_name: "P-384",
    width: 48,
    jws: jws("ES384", HashAlgorithm::Sha2_384),
    x509: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
    hash: &digest::SHA384,
    agreement: &agreement::ECDH_P384,
    asn1: Form {
        sign: &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        verify: &signature::ECDSA_P384_SHA384_ASN1,
    },
    fixed: Form {
        sign: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        verify: &signature::ECDSA_P384_SHA384_FIXED,
    },
};

pub(super) static P521: Ecdsa = Ecdsa {
    name: "ecdsa-p521",
    key_name: "P-521",
    width: 66,
    jws: jws("ES512", HashAlgorithm::Sha2_512),
    x509: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
    hash: &digest::SHA512,
    agreement: &agreement::ECDH_P521,
    asn1: Form {
        sign: &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        verify: &signature::ECDSA_P521_SHA512_ASN1,
    },
    fixed: Form {
        sign: &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        verify: &signature::ECDSA_P521_SHA512_FIXED,
    },
};

const fn jws(name: &'static str, hash: HashAlgorithm) -> JwsAlgorithm {
    JwsAlgorithm {
        name,
        hash: Some(hash),
        scheme: None,
    }
}

impl KeyType for Ecdsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        let key = EcdsaKeyPair::generate(self.asn1.sign)
            .map_err(|_| Error::internal("no ECDSA key could be generated"))?;
        material(&key)
    }

    fn signer(&self) -> Option<&dyn SignerType> {
        Some(self)
    }

    fn agreement(&self) -> Option<&dyn AgreementType> {
        Some(self)
    }

    fn public(&self) -> Option<&dyn PublicType> {
        Some(self)
    }

    fn import(&self, key: SecretBytes) -> Result<SecretBytes, Error> {
        material(&self.key_pair(&key, &self.asn1)?)
    }

    fn export(&self, material: &SecretBytes, form: KeyForm) -> Result<SecretString, Error> {
        match form {
            KeyForm::Default => {
                let sec1 = self.key_pair(material, &self.asn1)?.private_key().as_der();
                let sec1 = sec1.map_err(|_| Error::internal("an ECDSA key has no DER"))?;
                der::secret_pem("EC PRIVATE KEY", sec1.as_ref())
            }
            KeyForm::Der => Ok(encoding::encode_secret(material)),
            // EXPOSE: written into a text that is wiped too.
            KeyForm::Pem => der::secret_pem(der::PRIVATE, material.expose()),
            KeyForm::Raw => Err(der::no_raw_form("ec")),
        }
    }
}

/// ECDH (NIST SP 800-56A revision 3, section 5.7.1.2): the x coordinate of the shared point.
impl AgreementType for Ecdsa {
    fn agree(&self, material: &SecretBytes, peer_public_key: &str) -> Result<SecretBytes, Error> {
        let peer = der::public_from_pem(peer_public_key).map_err(|_| {
            Error::invalid(
                "failed to parse supplied peer public key PEM: data does not contain any valid \
                 public keys ",
            )
        })?;
        let refused = || {
            let name = self.name;
            Error::invalid(format!(
                "base private key type {name} does not match peer public key curve"
            ))
        };
        // EXPOSE: the key is parsed by the library, which wipes what it made of it.
        let key = agreement::PrivateKey::from_private_key_der(self.agreement, material.expose())
            .map_err(|_| Error::invalid("the key is not one of its type"))?;
        // The library checks that the point is one of the curve.
        let peer = UnparsedPublicKey::new(self.agreement, peer);
        agree(&key, &peer, refused(), |secret| Ok(secret.into()))
    }
}

impl PublicType for Ecdsa {
    fn key_name(&self) -> &'static str {
        self.key_name
    }

    fn parse(&self, text: &str) -> Result<Vec<u8>, Error> {
        Ok(Public::new(*self, &der::public_from_pem(text)?)?.public_key())
    }

    fn spki(&self, public_key: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(public_key.to_vec())
    }

    fn print(&self, public_key: &[u8], form: KeyForm) -> Result<String, Error> {
        match form {
            KeyForm::Default | KeyForm::Pem => der::pem(der::PUBLIC, public_key),
            KeyForm::Der => Ok(encoding::encode(public_key)),
            KeyForm::Raw => Err(der::no_raw_form("ec")),
        }
    }

    /// RFC 7518 section 6.2.
    fn jwk(&self, public_key: &[u8]) -> Option<Jwk> {
        // An uncompressed point ends the SubjectPublicKeyInfo: 4 ‖ x ‖ y (SEC 1 section 2.3.3).
        let (_, point) =
            public_key.split_at_checked(public_key.len().checked_sub(2 * self.width)?)?;
        let (x, y) = point.split_at(self.width);
        Some(vec![
            ("kty", "EC".to_owned()),
            ("crv", self.key_name.to_owned()),
            ("x", encoding::encode_url(x)),
            ("y", encoding::encode_url(y)),
            ("alg", self.jws.name.to_owned()),
            ("use", "sig".to_owned()),
        ])
    }

    fn jws(&self) -> &[JwsAlgorithm] {
        slice::from_ref(&self.jws)
    }
}

impl SignerType for Ecdsa {
    fn hashes(&self) -> bool {
        true
    }

    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Signer>, Error> {
        let asn1 = self.key_pair(material, &self.asn1)?;
        let fixed = self.key_pair(material, &self.fixed)?;
        let public_key = asn1
            .public_key()
            .as_der()
            .map_err(|_| Error::internal("an ECDSA key has no public half"))?;
        let public = Public::new(*self, public_key.as_ref())?;
        Ok(Box::new(Private {
            asn1,
            fixed,
            public,
        }))
    }

    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Verifier>, Error> {
        Ok(Box::new(Public::new(*self, public_key)?))
    }

    fn x509(&self) -> Option<X509Signature> {
        Some(X509Signature {
            algorithm: der::without_parameters(self.x509),
            request: SignRequest {
                hash_algorithm: self.jws.hash,
                ..SignRequest::default()
            },
        })
    }
}

impl Ecdsa {
    fn key_pair(&self, material: &SecretBytes, form: &Form) -> Result<EcdsaKeyPair, Error> {
        // EXPOSE: the key is parsed by the library, which wipes what it made of it.
        EcdsaKeyPair::from_pkcs8(form.sign, material.expose())
            .map_err(|_| Error::invalid("the key is not one of its type"))
    }

    /// The digest to sign, as long as those that the library takes.
    fn digest(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Digest, Error> {
        let digest = request.digest_of(message)?;
        let mut fitted = [0; digest::MAX_OUTPUT_LEN];
        let fitted = &mut fitted[..self.hash.output_len()];
        // P-521 has room for two bytes more than its hash has, and OpenBao signs those too, as the
        // leftmost 521 bits of whatever came (Go's way). It cannot be done here: the library signs
        // digests of its own hashes alone, of which none is longer than 64 bytes, and has no door
        // for a bare number. No hash that a caller may name makes such an input either, and a
        // second library for P-521 would be trusted with the key for it alone.
        if self.hash.output_len() == digest::SHA512_OUTPUT_LEN && digest.len() > fitted.len() {
            return Err(Error::invalid("a digest cannot be longer than 64 bytes"));
        }
        let taken = digest.len().min(fitted.len());
        let start = fitted.len() - taken;
        fitted[start..].copy_from_slice(&digest[..taken]);
        Digest::import_less_safe(fitted, self.hash)
            .map_err(|_| Error::internal("a digest has the length of its hash"))
    }
}

fn material(key: &EcdsaKeyPair) -> Result<SecretBytes, Error> {
    let pkcs8 = key
        .to_pkcs8v1()
        .map_err(|_| Error::internal("an ECDSA key has no PKCS#8"))?;
    Ok(pkcs8.as_ref().into())
}

/// The public half, for both forms of signatures.
struct Public {
    ecdsa: Ecdsa,
    asn1: ParsedPublicKey,
    fixed: ParsedPublicKey,
}

/// The whole key, for both forms of signatures.
struct Private {
    asn1: EcdsaKeyPair,
    fixed: EcdsaKeyPair,
    public: Public,
}

impl Public {
    fn new(ecdsa: Ecdsa, public_key: &[u8]) -> Result<Self, Error> {
        let parse = |form: &Form| {
            ParsedPublicKey::new(form.verify, public_key)
                .map_err(|_| Error::invalid("the public key is not one of its type"))
        };
        Ok(Self {
            ecdsa,
            asn1: parse(&ecdsa.asn1)?,
            fixed: parse(&ecdsa.fixed)?,
        })
    }
}

impl Verifier for Public {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        let digest = self.ecdsa.digest(message, request)?;
        let key = match request.marshaling {
            Marshaling::Asn1 if !der::is_two_integers(signature) => {
                return Err(Error::invalid("supplied signature is invalid"));
            }
            Marshaling::Asn1 => &self.asn1,
            Marshaling::Jws => &self.fixed,
        };
        Ok(key.verify_digest_sig(&digest, signature).is_ok())
    }

    fn public_key(&self) -> Vec<u8> {
        let der = self.asn1.as_der();
        der.map(|der| der.as_ref().to_vec()).unwrap_or_default()
    }
}

impl Verifier for Private {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        self.public.verify(message, signature, request)
    }

    fn public_key(&self) -> Vec<u8> {
        self.public.public_key()
    }
}

impl Signer for Private {
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error> {
        let digest = self.public.ecdsa.digest(message, request)?;
        let key = match request.marshaling {
            Marshaling::Asn1 => &self.asn1,
            Marshaling::Jws => &self.fixed,
        };
        let signature = key
            .sign_digest(&digest)
            .map_err(|_| Error::internal("ECDSA could not sign"))?;
        Ok(signature.as_ref().to_vec())
    }
}
