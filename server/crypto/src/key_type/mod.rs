//! Key types: what each algorithm can do, and keys of it made ready for use.
//!
//! A key type is one static object. It says by `Option` what it offers ([`KeyType::cipher`],
//! [`KeyType::signer`]), so that nobody asks which type it is. A new one is one file here and one
//! line in `table.rs`.

mod aead;
mod aes_gcm;
mod chacha20_poly1305;
mod ed25519;
mod table;

use std::fmt;

pub use self::table::{KEY_TYPES, key_type};
use crate::{Error, SecretBytes, SignRequest};

/// One algorithm that keys can be of.
pub trait KeyType: fmt::Debug + Send + Sync {
    /// The name in Vault's API.
    fn name(&self) -> &'static str;

    /// Other names that mean the same.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// Generates the material of a new key: the bytes that are stored and exported.
    ///
    /// # Errors
    /// [`Error::Internal`] when the algorithm fails to find a key.
    fn generate(&self) -> Result<SecretBytes, Error>;

    /// What it offers if it encrypts.
    fn cipher(&self) -> Option<&dyn CipherType> {
        None
    }

    /// What it offers if it signs.
    fn signer(&self) -> Option<&dyn SignerType> {
        None
    }

    /// How many bytes a derived key of it takes; `None` when none can be derived.
    fn derived_len(&self) -> Option<usize> {
        None
    }

    /// Whether keys of it can be derived from a context.
    fn supports_derivation(&self) -> bool {
        self.derived_len().is_some()
    }

    /// Whether encryption with it can be convergent.
    fn supports_convergent(&self) -> bool {
        self.supports_derivation()
            && self
                .cipher()
                .is_some_and(|cipher| cipher.convergent().is_some())
    }

    /// Whether keys of it encrypt.
    fn supports_encryption(&self) -> bool {
        self.cipher().is_some()
    }

    /// Whether keys of it sign.
    fn supports_signing(&self) -> bool {
        self.signer().is_some()
    }
}

/// The encrypting half of a key type.
pub trait CipherType: Send + Sync {
    /// Makes key material ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Cipher>, Error>;

    /// What it offers if it encrypts convergently: equal plaintexts to equal ciphertexts.
    fn convergent(&self) -> Option<&dyn ConvergentType> {
        None
    }
}

/// The convergent mode of a key type (Vault's version 3).
pub trait ConvergentType: Send + Sync {
    /// Makes `key` ready for use, with nonces that are the front of the HMAC-SHA256 of the
    /// plaintext under `nonce_key`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `key` is no key of this type.
    fn prepare(&self, key: &SecretBytes, nonce_key: SecretBytes) -> Result<Box<dyn Cipher>, Error>;
}

/// A key that encrypts, ready for use.
pub trait Cipher: Send + Sync {
    /// The length of the payload that a plaintext makes.
    fn sealed_len(&self, plaintext_len: usize) -> usize;

    /// Encrypts `plaintext` and fills `payload`, which has just [`sealed_len`](Self::sealed_len).
    ///
    /// # Errors
    /// [`Error::Invalid`] when the plaintext is too long for the algorithm.
    fn seal(
        &self,
        plaintext: &[u8],
        associated_data: &[u8],
        payload: &mut [u8],
    ) -> Result<(), Error>;

    /// Decrypts a payload in its own buffer.
    ///
    /// # Errors
    /// [`Error::Decryption`], whatever is wrong with it.
    fn open(&self, payload: SecretBytes, associated_data: &[u8]) -> Result<SecretBytes, Error>;

    /// How many encryptions one key may make before its nonces are likely to repeat.
    fn encryption_limit(&self) -> u64;
}

/// The signing half of a key type.
pub trait SignerType: Send + Sync {
    /// The name Vault gives to the key beside its public half, as in `P-256`.
    fn key_name(&self) -> &'static str;

    /// Makes key material, stored or derived, ready for use.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no key of this type.
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Signer>, Error>;

    /// Makes the public half alone ready for use, from its raw bytes.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no public key of this type.
    fn prepare_public(&self, public_key: &[u8]) -> Result<Box<dyn Verifier>, Error>;
}

/// A key that verifies, ready for use.
pub trait Verifier: Send + Sync {
    /// Says whether `signature` is one of `message`, or of the digest that `message` is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the request does not fit the algorithm.
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        request: &SignRequest<'_>,
    ) -> Result<bool, Error>;

    /// The public half in the text form of Vault.
    fn public_key(&self) -> String;
}

/// A key that signs too, ready for use.
pub trait Signer: Verifier {
    /// Signs `message`, or the digest that `message` is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the request does not fit the algorithm.
    fn sign(&self, message: &[u8], request: &SignRequest<'_>) -> Result<Vec<u8>, Error>;
}
