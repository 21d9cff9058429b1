//! ML-DSA (FIPS 204), the post-quantum signatures.
//!
//! ```text
//! material    = seed (32)
//! public half = pkEncode of the standard (1312, 1952 or 2592)
//! ```
//! The message itself is signed, whatever hash or `prehashed` the request says, as in OpenBao. A
//! `signature_context` is the context string of the standard. Signing is hedged: equal messages get
//! different signatures.
//!
//! Two libraries work here: AWS-LC is the faster by three and takes no context, so what has one goes
//! to the crate `ml-dsa`. Both are held to the same vectors.

use std::slice;

use aws_lc_rs::signature::{
    self, KeyPair as _, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
    UnparsedPublicKey,
};
use ml_dsa::{
    ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed, Signature, VerifyingKey,
};
use pkcs8::ObjectIdentifier;

use super::{
    Jwk, JwsAlgorithm, KeyForm, KeyType, PublicType, Signer, SignerType, Verifier, X509Signature,
    check_context, der,
};
use crate::{Error, Secret, SecretBytes, SecretString, SignRequest, encoding, random};

const SEED_LEN: usize = 32;
/// The head of a private key that is a seed: `[0] IMPLICIT OCTET STRING` of 32 bytes (RFC 9881
/// section 6).
const SEED_HEAD: [u8; 2] = [0x80, 32];

/// The key type of one parameter set.
#[derive(Clone, Copy, Debug)]
pub(super) struct MlDsa {
    name: &'static str,
    set: &'static str,
    jws: JwsAlgorithm,
    /// id-ml-dsa-44 and the others (RFC 9881 section 2).
    oid: ObjectIdentifier,
    sign: &'static PqdsaSigningAlgorithm,
    verify: &'static PqdsaVerificationAlgorithm,
    sign_in_context: SignInContext,
    verify_in_context: VerifyInContext,
}

/// Signs with a seed: the message, the context.
type SignInContext = fn(&SecretBytes, &[u8], &[u8]) -> Result<Vec<u8>, Error>;
/// Verifies with a public half: the message, the context, the signature.
type VerifyInContext = fn(&[u8], &[u8], &[u8], &[u8]) -> bool;

pub(super) static MLDSA_44: MlDsa = MlDsa {
    name: "mldsa-44",
    set: "44",
    jws: jws("ML-DSA-44"),
    oid: ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
    sign: &signature::ML_DSA_44_SIGNING,
    verify: &signature::ML_DSA_44,
    sign_in_context: sign_in_context::<MlDsa44>,
    verify_in_context: verify_in_context::<MlDsa44>,
};

pub(super) static MLDSA_65: MlDsa = MlDsa {
    name: "mldsa-65",
    set: "65",
    jws: jws("ML-DSA-65"),
    oid: ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
    sign: &signature::ML_DSA_65_SIGNING,
    verify: &signature::ML_DSA_65,
    sign_in_context: sign_in_context::<MlDsa65>,
    verify_in_context: verify_in_context::<MlDsa65>,
};

pub(super) static MLDSA_87: MlDsa = MlDsa {
    name: "mldsa-87",
    set: "87",
    jws: jws("ML-DSA-87"),
    oid: ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
    sign: &signature::ML_DSA_87_SIGNING,
    verify: &signature::ML_DSA_87,
    sign_in_context: sign_in_context::<MlDsa87>,
    verify_in_context: verify_in_context::<MlDsa87>,
};

/// What draft-ietf-cose-dilithium calls a parameter set; its hash is a SHAKE, which has no name here.
const fn jws(name: &'static str) -> JwsAlgorithm {
    JwsAlgorithm {
        name,
        hash: None,
        scheme: None,
    }
}

impl KeyType for MlDsa {
    fn name(&self) -> &'static str {
        self.name
    }

    fn parameter_set(&self) -> Option<(&'static str, &'static str)> {
        Some(("ml-dsa", self.set))
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        Ok(random::generate_bytes(SEED_LEN))
    }

    fn public(&self) -> Option<&dyn PublicType> {
        Some(self)
    }

    fn import(&self, key: SecretBytes) -> Result<SecretBytes, Error> {
        let key = der::private_key(&key, self.oid)?;
        // EXPOSE: the seed is taken out of its octet string.
        let seed = key.expose().strip_prefix(&SEED_HEAD);
        seed.filter(|seed| seed.len() == SEED_LEN)
            .map(SecretBytes::from)
            .ok_or_else(|| Error::invalid("the private key is not a seed"))
    }

    fn export(&self, material: &SecretBytes, form: KeyForm) -> Result<SecretString, Error> {
        if matches!(form, KeyForm::Default | KeyForm::Raw) {
            return Ok(encoding::encode_secret(material));
        }
        // EXPOSE: the seed is put into PKCS#8, in buffers that are wiped.
        let inner = Secret::new([&SEED_HEAD, material.expose().as_slice()].concat());
        // EXPOSE: as above.
        let pkcs8 = der::pkcs8(self.oid, inner.expose())?;
        match form {
            KeyForm::Pem => der::secret_pem(der::PRIVATE, pkcs8.as_bytes()),
            _ => Ok(Secret::new(encoding::encode(pkcs8.as_bytes()))),
        }
    }

    fn signer(&self) -> Option<&dyn SignerType> {
        Some(self)
    }
}

impl PublicType for MlDsa {
    fn key_name(&self) -> &'static str {
        self.name
    }

    fn parse(&self, text: &str) -> Result<Vec<u8>, Error> {
        der::public_key(&der::public_from_pem(text)?, self.oid)
    }

    fn spki(&self, public_key: &[u8]) -> Result<Vec<u8>, Error> {
        der::spki(self.oid, public_key)
    }

    fn print(&self, public_key: &[u8], form: KeyForm) -> Result<String, Error> {
        match form {
            KeyForm::Default | KeyForm::Raw => Ok(encoding::encode(public_key)),
            KeyForm::Der => Ok(encoding::encode(&self.spki(public_key)?)),
            KeyForm::Pem => der::pem(der::PUBLIC, &self.spki(public_key)?),
        }
    }

    /// The key type of "Algorithm Key Pairs" (draft-ietf-cose-dilithium).
    fn jwk(&self, public_key: &[u8]) -> Option<Jwk> {
        Some(vec![
            ("kty", "AKP".to_owned()),
            ("alg", self.jws.name.to_owned()),
            ("pub", encoding::encode_url(public_key)),
            ("use", "sig".to_owned()),
        ])
    }

    fn jws(&self) -> &[JwsAlgorithm] {
        slice::from_ref(&self.jws)
    }
}

impl SignerType for MlDsa {
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Signer>, Error> {
        // EXPOSE: the key is expanded by the library, which wipes what it made of it.
        let pair = PqdsaKeyPair::from_seed(self.sign, material.expose())
            .map_err(|_| Error::invalid("the key has the wrong length for its type"))?;
        Ok(Box::new(MlDsaSigner {
            key_type: *self,
            public: MlDsaVerifier {
                key_type: *self,
                public_key: pair.public_key().as_ref().to_vec(),
            },
            seed: material.duplicate(),
            pair,
        }))
    }

    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Verifier>, Error> {
        if public_key.len() != self.sign.public_key_len() {
            return Err(Error::invalid("the public key is not one of its type"));
        }
        Ok(Box::new(MlDsaVerifier {
            key_type: *self,
            public_key: public_key.to_vec(),
        }))
    }

    fn supports_context(&self) -> bool {
        true
    }

    /// RFC 9881 section 2.
    fn x509(&self) -> Option<X509Signature> {
        Some(X509Signature {
            algorithm: der::without_parameters(self.oid),
            request: SignRequest::default(),
        })
    }
}

/// A whole key; the seed beside what is made of it serves signatures in a context.
struct MlDsaSigner {
    key_type: MlDsa,
    pair: PqdsaKeyPair,
    public: MlDsaVerifier,
    seed: SecretBytes,
}

impl Signer for MlDsaSigner {
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error> {
        let context = request.signature_context;
        if !context.is_empty() {
            check_context(context)?;
            return (self.key_type.sign_in_context)(&self.seed, message, context);
        }
        let mut signature = vec![0; self.key_type.sign.signature_len()];
        self.pair
            .sign(message, &mut signature)
            .map_err(|_| Error::internal("ML-DSA failed to sign"))?;
        Ok(signature)
    }
}

impl Verifier for MlDsaSigner {
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

/// The public half.
struct MlDsaVerifier {
    key_type: MlDsa,
    public_key: Vec<u8>,
}

impl Verifier for MlDsaVerifier {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        let context = request.signature_context;
        if context.is_empty() {
            let key = UnparsedPublicKey::new(self.key_type.verify, &self.public_key);
            return Ok(key.verify(message, signature).is_ok());
        }
        check_context(context)?;
        let verify = self.key_type.verify_in_context;
        Ok(verify(&self.public_key, message, context, signature))
    }

    fn public_key(&self) -> Vec<u8> {
        self.public_key.clone()
    }
}

/// ML-DSA.Sign (FIPS 204 section 5.2), with randomness of ours.
fn sign_in_context<P: MlDsaParams>(
    seed: &SecretBytes,
    message: &[u8],
    context: &[u8],
) -> Result<Vec<u8>, Error> {
    // EXPOSE: the key is expanded by the library, which wipes what it made of it.
    let seed = Secret::new(
        <[u8; SEED_LEN]>::try_from(seed.expose().as_slice())
            .map_err(|_| Error::internal("a key that was prepared has the length of its type"))?,
    );
    // EXPOSE: as above.
    let seed: &Seed = seed.expose().into();
    let key = ExpandedSigningKey::<P>::from_seed(seed);
    let randomness = random::generate_key();
    let head = [0, context.len() as u8];
    // EXPOSE: mixed into the signature's secret, which makes a fault or a leak tell less.
    let signature = key.sign_internal(&[&head, context, message], randomness.expose().into());
    Ok(signature.encode().to_vec())
}

/// ML-DSA.Verify (FIPS 204 section 5.3).
fn verify_in_context<P: MlDsaParams>(
    public_key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> bool {
    let (Ok(public_key), Ok(signature)) =
        (public_key.try_into(), Signature::<P>::try_from(signature))
    else {
        return false;
    };
    VerifyingKey::<P>::decode(public_key).verify_with_context(message, context, &signature)
}
