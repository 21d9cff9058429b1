//! The name under which a token is stored.

use std::{fmt, str::FromStr};

use keyward_crypto::{HashAlgorithm, MacKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::TokenId;

/// HMAC-SHA-256 (RFC 2104) of a token under the store's salt; 64 hexadecimal digits as text.
///
/// It finds the record of a token and does not give the token back, so that it may stand in
/// storage keys and lease ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 32]);

/// A text that is no digest.
#[derive(Debug, thiserror::Error)]
#[error("a token digest is 64 hexadecimal digits")]
pub(crate) struct NoDigest;

impl Digest {
    /// Computes the digest of a token.
    pub(super) fn of(salt: &MacKey, id: &TokenId) -> Self {
        // EXPOSE: hashed with a key, not kept.
        let tag = salt.compute(HashAlgorithm::Sha2_256, id.expose().as_bytes());
        Self(
            tag.as_ref()
                .try_into()
                .expect("HMAC-SHA-256 is 32 bytes long"),
        )
    }

    /// Takes the bytes of a digest.
    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.pad(std::str::from_utf8(&text).expect("digits are ASCII"))
    }
}

impl FromStr for Digest {
    type Err = NoDigest;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(NoDigest),
        };
        if text.len() != 64 {
            return Err(NoDigest);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_text_of_a_digest_reads_back(bytes: [u8; 32]) {
            let digest = Digest(bytes);
            let text = digest.to_string();
            prop_assert_eq!(text.len(), 64);
            prop_assert_eq!(text.parse::<Digest>().ok(), Some(digest));
            prop_assert!(text.to_uppercase().parse::<Digest>().is_err() || !text.contains(|c: char| c.is_ascii_lowercase()));
            prop_assert!(text[1..].parse::<Digest>().is_err());
        }

        #[test]
        fn no_other_text_is_a_digest(text in "\\PC{0,70}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
