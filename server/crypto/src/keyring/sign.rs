//! Signing and verifying.

#[cfg(not(target_arch = "wasm32"))]
use std::borrow::Cow;
use std::str::FromStr;

use super::rules::Purpose;
use super::version::MISSING_CONTEXT;
use super::{Derivation, Keyring, rules};
use crate::ciphertext::{self, Ciphertext, Kind};
use crate::key_type::{KeyForm, SignerType};
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

/// How RSA signs (RFC 8017 section 8); other types look away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// PKCS#1 version 1.5.
    Pkcs1v15,
    /// PSS, its mask made with the hash of the message.
    Pss(SaltLength),
}

impl Default for Scheme {
    fn default() -> Self {
        Self::Pss(SaltLength::default())
    }
}

/// The length of the salt of RSA-PSS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaltLength {
    /// The longest there is room for; any when verifying.
    #[default]
    Auto,
    /// So many bytes.
    Bytes(usize),
    /// That of the hash.
    Hash,
}

impl FromStr for SaltLength {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "hash" => Ok(Self::Hash),
            number => match number.parse::<i64>() {
                // Go's names for the two words.
                Ok(0) => Ok(Self::Auto),
                Ok(-1) => Ok(Self::Hash),
                Ok(number) => usize::try_from(number)
                    .map(Self::Bytes)
                    .map_err(|_| Error::invalid(format!("salt length is invalid: {number}"))),
                Err(_) => Err(Error::invalid(format!(
                    "salt length neither 'auto', 'hash', nor an int: {text}"
                ))),
            },
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
    /// How RSA signs.
    pub scheme: Scheme,
    /// What a signature is bound to beside its message, for types that bind it to something; empty
    /// for nothing.
    pub signature_context: &'a [u8],
}

impl SignRequest<'_> {
    /// The digest to sign, for types that sign one: that of `message`, or `message` itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words when there is no hash and it is not said that there
    /// shall be none.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn digest_of<'m>(&self, message: &'m [u8]) -> Result<Cow<'m, [u8]>, Error> {
        self.check_hash()?;
        match self.hash_algorithm {
            Some(algorithm) if !self.prehashed => Ok(Cow::Owned(algorithm.digest(message))),
            _ => Ok(Cow::Borrowed(message)),
        }
    }

    /// Refuses a request that has no hash and does not say that there shall be none.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words.
    pub fn check_hash(&self) -> Result<(), Error> {
        if self.hash_algorithm.is_some() || self.prehashed && self.scheme == Scheme::Pkcs1v15 {
            return Ok(());
        }
        Err(Error::invalid(
            "hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15",
        ))
    }
}

impl Default for SignRequest<'_> {
    fn default() -> Self {
        Self {
            context: None,
            version: None,
            hash_algorithm: Some(HashAlgorithm::Sha2_256),
            prehashed: false,
            marshaling: Marshaling::default(),
            scheme: Scheme::default(),
            signature_context: &[],
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
        self.check_signature_context(request)?;
        version.with_signer(request.context, |signer| {
            let signature = signer.sign(message, request)?;
            let payload = match request.marshaling {
                Marshaling::Asn1 => encoding::encode(&signature),
                Marshaling::Jws => encoding::encode_url(&signature),
            };
            Ok(Signed {
                text: ciphertext::print(number, &payload),
                version: number,
                public_key: match self.key_type.public() {
                    Some(public) if derived => {
                        Some(public.print(&signer.public_key(), KeyForm::Default)?)
                    }
                    _ => None,
                },
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
        self.check_signature_context(request)?;
        version.with_verifier(request.context, |verifier| {
            verifier.verify(message, &signature, request)
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

    /// Refuses what the signature would not be bound to.
    fn check_signature_context(&self, request: &SignRequest<'_>) -> Result<(), Error> {
        let supported = self
            .key_type
            .signer()
            .is_some_and(SignerType::supports_context);
        if request.signature_context.is_empty() || supported {
            return Ok(());
        }
        let name = self.key_type.name();
        Err(Error::unsupported(format!(
            "signature_context is not supported for key type {name}"
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
