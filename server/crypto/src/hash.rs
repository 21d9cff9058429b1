//! The hash algorithms that Vault names.

use std::fmt;
use std::str::FromStr;

use digest::Digest;

use crate::Error;

/// A hash algorithm of `hash`, `hmac`, `sign` and `verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-1 (FIPS 180-4): broken for collisions, kept for HMACs and for signatures that exist.
    Sha1,
    /// SHA-224 (FIPS 180-4).
    Sha2_224,
    /// SHA-256 (FIPS 180-4), what Vault takes when nothing is said.
    Sha2_256,
    /// SHA-384 (FIPS 180-4).
    Sha2_384,
    /// SHA-512 (FIPS 180-4).
    Sha2_512,
    /// SHA3-224 (FIPS 202).
    Sha3_224,
    /// SHA3-256 (FIPS 202).
    Sha3_256,
    /// SHA3-384 (FIPS 202).
    Sha3_384,
    /// SHA3-512 (FIPS 202).
    Sha3_512,
}

/// Runs `$body` with `$hash` standing for the hash's type and `$hmac` for its HMAC's.
///
/// SHA-3 has no separable block function, so its HMAC is the one that works on any hash.
macro_rules! with_hash {
    ($algorithm:expr, |$hash:ident, $hmac:ident| $body:expr) => {{
        use $crate::HashAlgorithm::*;
        macro_rules! arm {
            ($type:ty, $mac:ty) => {{
                #[allow(dead_code, reason = "a body may need only one of the two")]
                type $hash = $type;
                #[allow(dead_code, reason = "a body may need only one of the two")]
                type $hmac = $mac;
                $body
            }};
        }
        match $algorithm {
            Sha1 => arm!(sha1::Sha1, hmac::Hmac<sha1::Sha1>),
            Sha2_224 => arm!(sha2::Sha224, hmac::Hmac<sha2::Sha224>),
            Sha2_256 => arm!(sha2::Sha256, hmac::Hmac<sha2::Sha256>),
            Sha2_384 => arm!(sha2::Sha384, hmac::Hmac<sha2::Sha384>),
            Sha2_512 => arm!(sha2::Sha512, hmac::Hmac<sha2::Sha512>),
            Sha3_224 => arm!(sha3::Sha3_224, hmac::SimpleHmac<sha3::Sha3_224>),
            Sha3_256 => arm!(sha3::Sha3_256, hmac::SimpleHmac<sha3::Sha3_256>),
            Sha3_384 => arm!(sha3::Sha3_384, hmac::SimpleHmac<sha3::Sha3_384>),
            Sha3_512 => arm!(sha3::Sha3_512, hmac::SimpleHmac<sha3::Sha3_512>),
        }
    }};
}
pub(crate) use with_hash;

impl HashAlgorithm {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 9] = [
        Self::Sha1,
        Self::Sha2_224,
        Self::Sha2_256,
        Self::Sha2_384,
        Self::Sha2_512,
        Self::Sha3_224,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// The name in Vault's API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha2_224 => "sha2-224",
            Self::Sha2_256 => "sha2-256",
            Self::Sha2_384 => "sha2-384",
            Self::Sha2_512 => "sha2-512",
            Self::Sha3_224 => "sha3-224",
            Self::Sha3_256 => "sha3-256",
            Self::Sha3_384 => "sha3-384",
            Self::Sha3_512 => "sha3-512",
        }
    }

    /// The length of its digests in bytes.
    pub fn digest_len(self) -> usize {
        with_hash!(self, |H, M| <H as Digest>::output_size())
    }

    /// Hashes `input`.
    pub fn digest(self, input: &[u8]) -> Vec<u8> {
        with_hash!(self, |H, M| H::digest(input).to_vec())
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HashAlgorithm {
    type Err = Error;

    /// Finds an algorithm by its name in Vault's API.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| Error::invalid(format!("invalid hash algorithm {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for algorithm in HashAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.digest(b"").len(), algorithm.digest_len());
        }
        assert_eq!(
            "md5".parse::<HashAlgorithm>().unwrap_err().to_string(),
            "invalid hash algorithm \"md5\""
        );
    }

    /// FIPS 180-4 and FIPS 202 examples of the message "abc".
    #[test]
    fn digests_are_those_of_the_standards() {
        for (algorithm, start) in [
            (HashAlgorithm::Sha1, [0xa9, 0x99, 0x3e, 0x36]),
            (HashAlgorithm::Sha2_224, [0x23, 0x09, 0x7d, 0x22]),
            (HashAlgorithm::Sha2_256, [0xba, 0x78, 0x16, 0xbf]),
            (HashAlgorithm::Sha2_384, [0xcb, 0x00, 0x75, 0x3f]),
            (HashAlgorithm::Sha2_512, [0xdd, 0xaf, 0x35, 0xa1]),
            (HashAlgorithm::Sha3_224, [0xe6, 0x42, 0x82, 0x4c]),
            (HashAlgorithm::Sha3_256, [0x3a, 0x98, 0x5d, 0xa7]),
            (HashAlgorithm::Sha3_384, [0xec, 0x01, 0x49, 0x82]),
            (HashAlgorithm::Sha3_512, [0xb7, 0x51, 0x85, 0x0b]),
        ] {
            assert_eq!(algorithm.digest(b"abc")[..4], start, "{algorithm}");
        }
    }
}
