//! The key that seals bodies, and what commits to it.

use super::{Header, Suite};
use crate::{Error, HashAlgorithm, Secret, SecretBytes, derive};

const KEY_LEN: usize = 32;
const COMMITMENT_INFO: &[u8] = b"keyward envelope commitment v1";

/// A data key, for one suite.
///
/// ```text
/// commitment = HKDF-SHA-256(data key, no salt, "keyward envelope commitment v1" ‖ suite, 32 bytes)
/// ```
#[derive(Debug)]
pub struct DataKey {
    suite: Suite,
    bytes: Secret<[u8; KEY_LEN]>,
    commitment: [u8; 32],
}

impl DataKey {
    /// Takes a data key as the server made or unwrapped it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it has not 32 bytes.
    pub fn new(suite: Suite, bytes: &SecretBytes) -> Result<Self, Error> {
        // EXPOSE: copied into the secret of its length.
        let array = bytes.expose().as_slice().try_into();
        let array = array.map_err(|_| Error::invalid("a data key has 32 bytes"))?;
        let info = [COMMITMENT_INFO, &[suite.number()]].concat();
        let derived = derive::hkdf(HashAlgorithm::Sha2_256, bytes, b"", &info, 32)?;
        // EXPOSE: a commitment is public.
        let commitment = derived.expose().as_slice().try_into();
        Ok(Self {
            suite,
            bytes: Secret::new(array),
            commitment: commitment.map_err(|_| Error::internal("HKDF made 32 bytes"))?,
        })
    }

    /// What it is for.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// What a header says of it.
    #[must_use]
    pub fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// Refuses to open what was not sealed with it.
    ///
    /// # Errors
    /// [`Error::Decryption`] when the header commits to another key or another suite.
    pub fn check(&self, header: &Header) -> Result<(), Error> {
        use subtle::ConstantTimeEq as _;
        let committed = self.commitment.ct_eq(header.commitment());
        if self.suite == header.suite() && bool::from(committed) {
            return Ok(());
        }
        Err(Error::Decryption)
    }

    pub(super) fn bytes(&self) -> &Secret<[u8; KEY_LEN]> {
        &self.bytes
    }
}
