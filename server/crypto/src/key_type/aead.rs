//! What all AEAD key types share: the payload, its nonces, its convergent mode.
//!
//! ```text
//! payload = nonce ‖ ciphertext ‖ tag (16)
//! ```
//! **Invariant:** no caller chooses a nonce. It is random, or in convergent mode a keyed hash of
//! the plaintext, so that a nonce returns only with the very same plaintext.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use aes_gcm::aead::array::Array;
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::aead::consts::U16;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadCore, AeadInOut, KeyInit};

use super::{Cipher, CipherType, ConvergentType, Encryptor, KeyType};
use crate::{Error, HashAlgorithm, MacKey, Scope, Secret, SecretBytes, random};

const TAG_LEN: usize = 16;

/// An AEAD whose tag has 16 bytes and follows the ciphertext.
pub(super) trait Aead: AeadInOut<TagSize = U16> + KeyInit + Send + Sync + 'static {}

impl<A: AeadInOut<TagSize = U16> + KeyInit + Send + Sync + 'static> Aead for A {}

/// A key type that is one AEAD.
pub(super) struct AeadKeyType<A> {
    name: &'static str,
    algorithm: PhantomData<fn() -> A>,
}

impl<A> AeadKeyType<A> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            algorithm: PhantomData,
        }
    }
}

impl<A> fmt::Debug for AeadKeyType<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(type_name::<A>()).field(&self.name).finish()
    }
}

impl<A: Aead> KeyType for AeadKeyType<A> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        Ok(random::generate_bytes(A::key_size()))
    }

    fn cipher(&self) -> Option<&dyn CipherType> {
        Some(self)
    }

    fn derived_len(&self) -> Option<usize> {
        Some(A::key_size())
    }
}

impl<A: Aead> CipherType for AeadKeyType<A> {
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(AeadCipher::<A>::new(material, None)?))
    }

    fn convergent(&self) -> Option<&dyn ConvergentType> {
        Some(self)
    }
}

impl<A: Aead> ConvergentType for AeadKeyType<A> {
    fn prepare(&self, key: &SecretBytes, nonce_key: SecretBytes) -> Result<Box<dyn Cipher>, Error> {
        Ok(Box::new(AeadCipher::<A>::new(
            key,
            Some(MacKey::new(nonce_key)),
        )?))
    }
}

/// An expanded key, and the key its nonces are made with in convergent mode.
struct AeadCipher<A> {
    aead: A,
    nonce_key: Option<MacKey>,
}

impl<A: Aead> AeadCipher<A> {
    const NONCE_LEN: usize = <A::NonceSize as Unsigned>::USIZE;

    fn new(key: &SecretBytes, nonce_key: Option<MacKey>) -> Result<Self, Error> {
        // EXPOSE: the key is expanded by the cipher, which wipes what it made of it.
        let aead = A::new_from_slice(key.expose())
            .map_err(|_| Error::invalid("the key has the wrong length for its type"))?;
        Ok(Self { aead, nonce_key })
    }

    fn fill_nonce(&self, plaintext: &[u8], nonce: &mut [u8]) {
        match &self.nonce_key {
            Some(key) => {
                let hash = key.compute(HashAlgorithm::Sha2_256, plaintext);
                nonce.copy_from_slice(&hash.as_ref()[..nonce.len()]);
            }
            None => random::fill_nonce(nonce),
        }
    }
}

impl<A: Aead> Encryptor for AeadCipher<A> {
    fn sealed_len(&self, plaintext_len: usize) -> usize {
        Self::NONCE_LEN + plaintext_len + TAG_LEN
    }

    fn seal(&self, plaintext: &[u8], scope: &Scope<'_>, payload: &mut [u8]) -> Result<(), Error> {
        let (nonce, rest) = payload.split_at_mut(Self::NONCE_LEN);
        let (text, tag) = rest.split_at_mut(plaintext.len());
        self.fill_nonce(plaintext, nonce);
        let nonce = nonce_of::<A>(nonce)?;
        let into = InOutBuf::new(plaintext, text)
            .map_err(|_| Error::internal("a payload has room for its plaintext"))?;
        let made = self
            .aead
            .encrypt_inout_detached(&nonce, scope.associated_data, into)
            .map_err(|_| Error::invalid("the plaintext is too long for the key's type"))?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    fn encryption_limit(&self) -> u64 {
        // Random nonces of 96 bits: after 2^32 of them the chance that two are equal is 2^-33
        // (NIST SP 800-38D section 8.3). Longer ones never get there.
        if Self::NONCE_LEN == 12 {
            1 << 32
        } else {
            u64::MAX
        }
    }
}

impl<A: Aead> Cipher for AeadCipher<A> {
    fn open(&self, payload: &[u8], scope: &Scope<'_>) -> Result<SecretBytes, Error> {
        let (nonce, rest) = payload
            .split_at_checked(Self::NONCE_LEN)
            .ok_or(Error::Decryption)?;
        let (text, tag) = rest.split_last_chunk().ok_or(Error::Decryption)?;
        let mut plaintext = Secret::new(vec![0; text.len()]);
        // EXPOSE: to decrypt into the buffer that is wiped.
        let into = InOutBuf::new(text, plaintext.expose_mut())
            .map_err(|_| Error::internal("a plaintext is as long as its ciphertext"))?;
        let tag: &[u8; TAG_LEN] = tag;
        self.aead
            .decrypt_inout_detached(
                &nonce_of::<A>(nonce)?,
                scope.associated_data,
                into,
                &Array(*tag),
            )
            .map_err(|_| Error::Decryption)?;
        Ok(plaintext)
    }
}

fn nonce_of<A: AeadCore>(bytes: &[u8]) -> Result<Array<u8, A::NonceSize>, Error> {
    Array::try_from(bytes).map_err(|_| Error::internal("a nonce has the length of its algorithm"))
}
