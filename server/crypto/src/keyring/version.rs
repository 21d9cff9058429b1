//! One version of a key: its material, and what it makes ready for use.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Derivation, Timestamp};
use crate::derive::hkdf;
use crate::key_type::{Authenticator, Cipher, Encryptor, FormatCipher, Material, Signer, Verifier};
use crate::{Error, HashAlgorithm, KeyType, MacKey, SecretBytes, random};

/// The length of the key that makes the nonces of convergent encryption.
const NONCE_KEY_LEN: usize = 32;
const HMAC_KEY_LEN: usize = 32;

pub(super) const MISSING_CONTEXT: &str = "missing 'context' for key derivation; the key was created using a derived key, which means \
     additional, per-request information must be included in order to perform operations with the \
     key";

pub(super) struct Version {
    created: Timestamp,
    key_type: &'static dyn KeyType,
    material: Material,
    /// Separate from the material, as in Vault, so that an HMAC tells nothing about ciphertexts.
    hmac_key: MacKey,
    encryptions: AtomicU64,
    /// Only where the type has one; nothing is derived for it.
    authenticator: Option<Box<dyn Authenticator>>,
    /// As above.
    format: Option<Box<dyn FormatCipher>>,
    working: Working,
}

/// The key that does the work.
enum Working {
    /// Derived anew for each call's context.
    Derived { convergent: bool, len: usize },
    /// The material itself, expanded once.
    Direct {
        cipher: Option<Box<dyn Cipher>>,
        signer: Option<Box<dyn Signer>>,
    },
    /// The public half, expanded once.
    Public {
        encryptor: Option<Box<dyn Encryptor>>,
        verifier: Option<Box<dyn Verifier>>,
    },
}

pub(super) fn generate_hmac_key() -> SecretBytes {
    random::generate_bytes(HMAC_KEY_LEN)
}

/// Generates material, of `size` bytes where the type leaves the choice.
pub(super) fn generate_material(
    key_type: &dyn KeyType,
    size: Option<usize>,
) -> Result<SecretBytes, Error> {
    match size {
        Some(size) => key_type.generate_sized(size),
        None => key_type.generate(),
    }
}

impl Version {
    pub(super) fn generate(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        size: Option<usize>,
        created: Timestamp,
    ) -> Result<Self, Error> {
        let material = generate_material(key_type, size)?.into();
        Self::new(
            key_type,
            derivation,
            created,
            material,
            generate_hmac_key(),
            0,
        )
    }

    pub(super) fn new(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        created: Timestamp,
        material: Material,
        hmac_key: SecretBytes,
        encryptions: u64,
    ) -> Result<Self, Error> {
        let working = match &material {
            Material::Private(material) => Working::of(key_type, derivation, material)?,
            Material::Public(public_key) if derivation == Derivation::None => {
                Working::of_public(key_type, public_key)?
            }
            Material::Public(_) => {
                return Err(Error::unsupported("a public key alone cannot be derived"));
            }
        };
        let mut hmac_key = hmac_key;
        let (mut authenticator, mut format) = (None, None);
        if let Material::Private(material) = &material {
            key_type.check(material)?;
            if key_type.is_hmac_key() {
                hmac_key = material.duplicate();
            }
            authenticator = key_type
                .authenticator()
                .map(|authenticator| authenticator.prepare(material))
                .transpose()?;
            format = key_type
                .format()
                .map(|format| format.prepare(material))
                .transpose()?;
        }
        let (hmac_key, encryptions) = (MacKey::new(hmac_key), AtomicU64::new(encryptions));
        Ok(Self {
            created,
            key_type,
            material,
            hmac_key,
            encryptions,
            authenticator,
            format,
            working,
        })
    }

    /// The same version with its private key, which it had not.
    pub(super) fn completed(
        &self,
        derivation: Derivation,
        material: SecretBytes,
    ) -> Result<Self, Error> {
        let hmac_key = self.hmac_key.key().duplicate();
        Self::new(
            self.key_type,
            derivation,
            self.created,
            material.into(),
            hmac_key,
            self.encryptions(),
        )
    }

    pub(super) const fn created(&self) -> Timestamp {
        self.created
    }

    pub(super) const fn material(&self) -> &Material {
        &self.material
    }

    /// The symmetric or private key.
    pub(super) fn private(&self) -> Result<&SecretBytes, Error> {
        match &self.material {
            Material::Private(material) => Ok(material),
            Material::Public(_) => Err(no_private_part("export")),
        }
    }

    pub(super) const fn hmac_key(&self) -> &MacKey {
        &self.hmac_key
    }

    /// The key that authenticates with a block cipher.
    pub(super) fn authenticator(&self) -> Result<&dyn Authenticator, Error> {
        self.authenticator
            .as_deref()
            .ok_or_else(|| Error::unsupported("CMAC not supported for the key"))
    }

    /// The key that encrypts and keeps the format.
    pub(super) fn format(&self) -> Result<&dyn FormatCipher, Error> {
        self.format
            .as_deref()
            .ok_or_else(|| Error::unsupported("the key keeps no format"))
    }

    pub(super) fn encryptions(&self) -> u64 {
        self.encryptions.load(Ordering::Relaxed)
    }

    /// Counts `more` encryptions and returns how many there were before.
    pub(super) fn count_encryptions(&self, more: u64) -> u64 {
        self.encryptions.fetch_add(more, Ordering::Relaxed)
    }

    /// The public half if there is one for all contexts.
    pub(super) fn public_key(&self) -> Option<Vec<u8>> {
        let (encryptor, verifier): (Option<&dyn Encryptor>, Option<&dyn Verifier>) =
            match &self.working {
                Working::Derived { .. } => (None, None),
                Working::Direct { cipher, signer } => (
                    cipher.as_deref().map(|cipher| cipher as _),
                    signer.as_deref().map(|signer| signer as _),
                ),
                Working::Public {
                    encryptor,
                    verifier,
                } => (encryptor.as_deref(), verifier.as_deref()),
            };
        verifier
            .map(Verifier::public_key)
            .or_else(|| encryptor?.public_key())
    }

    /// Runs `operation` with the key that encrypts, for the context if the key is derived.
    pub(super) fn with_encryptor<T>(
        &self,
        context: Option<&[u8]>,
        operation: impl FnOnce(&dyn Encryptor) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.working {
            Working::Public { encryptor, .. } => {
                operation(encryptor.as_deref().ok_or_else(no_encryption)?)
            }
            Working::Derived { .. } | Working::Direct { .. } => {
                self.with_cipher(context, |cipher| operation(cipher))
            }
        }
    }

    /// Runs `operation` with the key that decrypts, for the context if the key is derived.
    pub(super) fn with_cipher<T>(
        &self,
        context: Option<&[u8]>,
        operation: impl FnOnce(&dyn Cipher) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (convergent, len) = match &self.working {
            &Working::Derived { convergent, len } => (convergent, len),
            Working::Direct { cipher, .. } => {
                return operation(cipher.as_deref().ok_or_else(no_encryption)?);
            }
            Working::Public { .. } => return Err(no_private_part("decryption")),
        };
        let cipher_type = self.key_type.cipher().ok_or_else(no_encryption)?;
        if !convergent {
            return operation(cipher_type.prepare(&self.derive(context, len)?)?.as_ref());
        }
        let both = self.derive(context, len + NONCE_KEY_LEN)?;
        // EXPOSE: what was derived is cut in two keys.
        let (key, nonce_key) = both.expose().split_at(len);
        let convergent = cipher_type.convergent().ok_or_else(no_derivation)?;
        operation(convergent.prepare(&key.into(), nonce_key.into())?.as_ref())
    }

    /// Runs `operation` with the key that signs, for the context if the key is derived.
    pub(super) fn with_signer<T>(
        &self,
        context: Option<&[u8]>,
        operation: impl FnOnce(&dyn Signer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.working {
            &Working::Derived { len, .. } => {
                let signer = self.key_type.signer().ok_or_else(no_signing)?;
                operation(signer.prepare(&self.derive(context, len)?)?.as_ref())
            }
            Working::Direct { signer, .. } => operation(signer.as_deref().ok_or_else(no_signing)?),
            Working::Public { .. } => Err(no_private_part("signing")),
        }
    }

    /// Runs `operation` with the key that verifies, for the context if the key is derived.
    pub(super) fn with_verifier<T>(
        &self,
        context: Option<&[u8]>,
        operation: impl FnOnce(&dyn Verifier) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.working {
            Working::Public { verifier, .. } => {
                operation(verifier.as_deref().ok_or_else(no_signing)?)
            }
            Working::Derived { .. } | Working::Direct { .. } => {
                self.with_signer(context, |signer| operation(signer))
            }
        }
    }

    /// HKDF-SHA256 of the material, without salt, the context as info.
    pub(super) fn derive(&self, context: Option<&[u8]>, len: usize) -> Result<SecretBytes, Error> {
        let context = context
            .filter(|context| !context.is_empty())
            .ok_or_else(|| Error::invalid(MISSING_CONTEXT))?;
        hkdf(HashAlgorithm::Sha2_256, self.private()?, &[], context, len)
    }
}

impl Working {
    fn of(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        material: &SecretBytes,
    ) -> Result<Self, Error> {
        // Prepared even when only derived keys will work: it proves that the material is a key.
        let cipher = key_type
            .cipher()
            .map(|cipher| cipher.prepare(material))
            .transpose()?;
        let signer = key_type
            .signer()
            .map(|signer| signer.prepare(material))
            .transpose()?;
        Ok(match derivation {
            Derivation::None => Self::Direct { cipher, signer },
            Derivation::Convergent | Derivation::Derived => Self::Derived {
                convergent: derivation == Derivation::Convergent,
                len: key_type.derived_len().ok_or_else(no_derivation)?,
            },
        })
    }

    fn of_public(key_type: &'static dyn KeyType, public_key: &[u8]) -> Result<Self, Error> {
        if key_type.public().is_none() {
            return Err(Error::unsupported("a symmetric key has no public half"));
        }
        let encryptor = key_type
            .cipher()
            .map(|cipher| cipher.prepare_public(public_key))
            .transpose()?;
        let verifier = key_type
            .signer()
            .map(|signer| signer.prepare_public(public_key))
            .transpose()?;
        Ok(Self::Public {
            encryptor,
            verifier,
        })
    }
}

fn no_encryption() -> Error {
    Error::unsupported("encryption not supported for the key")
}

fn no_private_part(doing: &str) -> Error {
    Error::invalid(format!(
        "requested version for {doing} does not contain a private part"
    ))
}

fn no_signing() -> Error {
    Error::unsupported("signing not supported for the key")
}

fn no_derivation() -> Error {
    Error::internal("a derived key is of a type that has no derivation")
}
