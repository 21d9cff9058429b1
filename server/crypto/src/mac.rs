//! HMAC (RFC 2104, FIPS 198-1) with a key that is prepared once.

use std::sync::OnceLock;

use digest::{KeyInit, Mac};
use subtle::ConstantTimeEq;

use crate::hash::with_hash;
use crate::{HashAlgorithm, SecretBytes};

/// An HMAC key. Absorbing the key costs half of a short HMAC, so the outcome is kept for each
/// algorithm that was used once.
pub struct MacKey {
    key: SecretBytes,
    prepared: [OnceLock<Box<dyn Prepared>>; HashAlgorithm::ALL.len()],
}

impl MacKey {
    /// Takes charge of a key of any length.
    pub fn new(key: SecretBytes) -> Self {
        Self {
            key,
            prepared: Default::default(),
        }
    }

    /// Authenticates `input`.
    pub fn compute(&self, algorithm: HashAlgorithm, input: &[u8]) -> Tag {
        self.prepared[algorithm as usize]
            .get_or_init(|| self.prepare(algorithm))
            .compute(input)
    }

    /// Says in constant time whether `tag` is the whole HMAC of `input`.
    pub fn verify(&self, algorithm: HashAlgorithm, input: &[u8], tag: &[u8]) -> bool {
        self.compute(algorithm, input).as_ref().ct_eq(tag).into()
    }

    /// The key itself, for storing and exporting.
    pub const fn key(&self) -> &SecretBytes {
        &self.key
    }

    fn prepare(&self, algorithm: HashAlgorithm) -> Box<dyn Prepared> {
        // EXPOSE: the key is absorbed into a state that is wiped too.
        let key = self.key.expose();
        with_hash!(algorithm, |H, M| Box::new(
            <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
        ))
    }
}

/// The outcome of an HMAC: as long as its hash, 64 bytes at most.
#[derive(Clone, Copy)]
pub struct Tag {
    bytes: [u8; 64],
    len: usize,
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A state that has absorbed the key.
trait Prepared: Send + Sync {
    fn compute(&self, input: &[u8]) -> Tag;
}

impl<M: Mac + Clone + Send + Sync> Prepared for M {
    fn compute(&self, input: &[u8]) -> Tag {
        let outcome = self.clone().chain_update(input).finalize().into_bytes();
        let mut tag = Tag {
            bytes: [0; 64],
            len: outcome.len(),
        };
        tag.bytes[..outcome.len()].copy_from_slice(&outcome);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_right_tag_verifies() {
        let key = MacKey::new(SecretBytes::from(&b"key"[..]));
        for algorithm in HashAlgorithm::ALL {
            let tag = key.compute(algorithm, b"input");
            let tag = tag.as_ref();
            assert_eq!(tag.len(), algorithm.digest_len());
            assert!(key.verify(algorithm, b"input", tag));
            assert!(!key.verify(algorithm, b"inpuT", tag));
            assert!(!key.verify(algorithm, b"input", &tag[1..]));
            assert!(!key.verify(algorithm, b"input", &[]));
        }
    }
}
