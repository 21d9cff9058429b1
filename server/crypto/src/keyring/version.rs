//! One version of a key: its material, and what it makes ready for use.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Derivation, Timestamp};
use crate::derive::hkdf;
use crate::key_type::{Cipher, Signer};
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
    material: SecretBytes,
    /// Separate from the material, as in Vault, so that an HMAC tells nothing about ciphertexts.
    hmac_key: MacKey,
    encryptions: AtomicU64,
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
}

pub(super) fn generate_hmac_key() -> SecretBytes {
    random::generate_bytes(HMAC_KEY_LEN)
}

impl Version {
    pub(super) fn generate(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        created: Timestamp,
    ) -> Result<Self, Error> {
        let material = key_type.generate()?;
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
        material: SecretBytes,
        hmac_key: SecretBytes,
        encryptions: u64,
    ) -> Result<Self, Error> {
        // Prepared even when only derived keys will work: it proves that the material is a key.
        let cipher = key_type
            .cipher()
            .map(|cipher| cipher.prepare(&material))
            .transpose()?;
        let signer = key_type
            .signer()
            .map(|signer| signer.prepare(&material))
            .transpose()?;
        let working = match derivation {
            Derivation::None => Working::Direct { cipher, signer },
            Derivation::Convergent | Derivation::Derived => Working::Derived {
                convergent: derivation == Derivation::Convergent,
                len: key_type.derived_len().ok_or_else(no_derivation)?,
            },
        };
        let (hmac_key, encryptions) = (MacKey::new(hmac_key), AtomicU64::new(encryptions));
        Ok(Self {
            created,
            key_type,
            material,
            hmac_key,
            encryptions,
            working,
        })
    }

    pub(super) const fn created(&self) -> Timestamp {
        self.created
    }

    pub(super) const fn material(&self) -> &SecretBytes {
        &self.material
    }

    pub(super) const fn hmac_key(&self) -> &MacKey {
        &self.hmac_key
    }

    pub(super) fn encryptions(&self) -> u64 {
        self.encryptions.load(Ordering::Relaxed)
    }

    /// Counts `more` encryptions and returns how many there were before.
    pub(super) fn count_encryptions(&self, more: u64) -> u64 {
        self.encryptions.fetch_add(more, Ordering::Relaxed)
    }

    /// The public half as text if there is one for all contexts, else nothing.
    pub(super) fn public_key(&self) -> String {
        match &self.working {
            Working::Direct {
                signer: Some(signer),
                ..
            } => signer.public_key(),
            Working::Direct { signer: None, .. } | Working::Derived { .. } => String::new(),
        }
    }

    /// Runs `operation` with the key that encrypts, for the context if the key is derived.
    pub(super) fn with_cipher<T>(
        &self,
        context: Option<&[u8]>,
        operation: impl FnOnce(&dyn Cipher) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let &Working::Derived { convergent, len } = &self.working else {
            let Working::Direct {
                cipher: Some(cipher),
                ..
            } = &self.working
            else {
                return Err(Error::unsupported("encryption not supported for the key"));
            };
            return operation(cipher.as_ref());
        };
        let cipher_type = self
            .key_type
            .cipher()
            .ok_or_else(|| Error::unsupported("encryption not supported for the key"))?;
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
        let unsupported = || Error::unsupported("signing not supported for the key");
        match &self.working {
            Working::Direct { signer, .. } => {
                operation(signer.as_ref().ok_or_else(unsupported)?.as_ref())
            }
            &Working::Derived { len, .. } => {
                let signer = self.key_type.signer().ok_or_else(unsupported)?;
                operation(signer.prepare(&self.derive(context, len)?)?.as_ref())
            }
        }
    }

    /// HKDF-SHA256 of the material, without salt, the context as info.
    fn derive(&self, context: Option<&[u8]>, len: usize) -> Result<SecretBytes, Error> {
        let context = context
            .filter(|context| !context.is_empty())
            .ok_or_else(|| Error::invalid(MISSING_CONTEXT))?;
        hkdf(HashAlgorithm::Sha2_256, &self.material, &[], context, len)
    }
}

fn no_derivation() -> Error {
    Error::internal("a derived key is of a type that has no derivation")
}
