//! Signing and verifying.

use std::str::FromStr;

use super::rules::Purpose;
use super::version::MISSING_CONTEXT;
use super::{Derivation, Keyring, rules};
use crate::ciphertext::{self, Ciphertext, Kind};
use crate::{Error, HashAlgorithm, encoding};

/// How a signature is written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marshaling {
    /// Standard base64 of the algorithm's usual bytes (ECDSA: DER).
    #[default]
    Asn1,
    /// URL-safe base64 without padding, as in JWS (RFC 7518 section 3.4; ECDSA: `r ‖ s`).
    Jws,
}

impl FromStr for Marshaling {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "asn1" => Ok(Self::Asn1),
            "jws" => Ok(Self::Jws),
            _ => Err(Error::invalid(format!("invalid marshaling type {name:?}"))),
        }
    }
}

/// How to sign or verify (Vault: `sign/:name`, `verify/:name`). The default is Vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignRequest<'a> {
    /// What the working key is derived from; without effect on a key that is not derived.
    pub context: Option<&'a [u8]>,
    /// Which version shall sign; the latest if `None`. A signature to verify names its own.
    pub version: Option<u32>,
    /// The hash of algorithms that do not bring their own; `None` is Vault's `none`.
    pub hash_algorithm: Option<HashAlgorithm>,
    /// Whether the message is its digest already.
    pub prehashed: bool,
    /// How the signature is written as text.
    pub marshaling: Marshaling,
}

impl Default for SignRequest<'_> {
    fn default() -> Self {
        Self {
            context: None,
            version: None,
            hash_algorithm: Some(HashAlgorithm::Sha2_256),
            prehashed: false,
            marshaling: Marshaling::default(),
        }
    }
}

/// A signature as text, and the version that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `vault:vN:…`
    pub text: String,
    /// The version in it.
    pub version: u32,
    /// The public half for the context, if the key is derived: no one else could know it.
    pub public_key: Option<String>,
}

impl Keyring {
    /// Signs `message` with the latest version, or with another that may still sign.
    ///
    /// # Errors
    /// In Vault's words: [`Error::Invalid`] for a version that may not sign or a missing context,
    /// [`Error::Unsupported`] when the type does not sign.
    pub fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Signed, Error> {
        self.check_signs("signing")?;
        let (number, version) = self.version_for(Purpose::Signing, request.version)?;
        let derived = self.derivation != Derivation::None;
        self.check_context(request)?;
        version.with_signer(request.context, |signer| {
            let signature = signer.sign(message, request)?;
            let payload = match request.marshaling {
                Marshaling::Asn1 => encoding::encode(&signature),
                Marshaling::Jws => encoding::encode_url(&signature),
            };
            Ok(Signed {
                text: ciphertext::print(number, &payload),
                version: number,
                public_key: derived.then(|| signer.public_key()),
            })
        })
    }

    /// Says whether `text` is a signature of `message` by the version it names.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words when the text is no signature's, names a version that may
    /// not verify, or the context of a derived key is missing; [`Error::Unsupported`] when the type
    /// does not sign. A signature that is merely wrong is `false`.
    pub fn verify(
        &self,
        message: &[u8],
        text: &str,
        request: &SignRequest<'_>,
    ) -> Result<bool, Error> {
        self.check_signs("verification")?;
        let parsed = Ciphertext::parse(Kind::Signature, text)?;
        let too_new = || Kind::Signature.too_new();
        let version = self.version_named(parsed.version(), too_new, rules::too_old)?;
        let not_base64 = || Error::invalid("invalid base64 signature value");
        let signature = match request.marshaling {
            Marshaling::Asn1 => {
                let decoded = encoding::decode(parsed.payload()).map_err(|_| not_base64())?;
                // EXPOSE: a signature is public.
                decoded.expose().clone()
            }
            Marshaling::Jws => encoding::decode_url(parsed.payload()).ok_or_else(not_base64)?,
        };
        self.check_context(request)?;
        version.with_signer(request.context, |signer| {
            signer.verify(message, &signature, request)
        })
    }

    fn check_signs(&self, doing: &str) -> Result<(), Error> {
        if self.key_type.supports_signing() {
            return Ok(());
        }
        let name = self.key_type.name();
        Err(Error::unsupported(format!(
            "key type {name} does not support {doing}"
        )))
    }

    /// Here Vault's sentence begins otherwise than for encryption.
    fn check_context(&self, request: &SignRequest<'_>) -> Result<(), Error> {
        if self.derivation == Derivation::None || request.context.is_some_and(|c| !c.is_empty()) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "error deriving key: {MISSING_CONTEXT}"
        )))
    }
}
