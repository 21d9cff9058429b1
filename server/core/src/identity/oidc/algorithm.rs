//! The algorithms of identity tokens (RFC 7518 section 3.1, RFC 8037 section 3.1).

use keyward_crypto::{HashAlgorithm, KeyType, key_type, key_type::JwsAlgorithm};
use serde::{Deserialize, Serialize};

use crate::Error;

/// One algorithm, and the type of key that it signs with.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(in super::super) struct Algorithm(usize);

/// Every algorithm, in the order in which Vault tells them: its name and its type of key.
pub(in super::super) const ALGORITHMS: [(&str, &str); 7] = [
    ("RS256", "rsa-2048"),
    ("RS384", "rsa-2048"),
    ("RS512", "rsa-2048"),
    ("ES256", "ecdsa-p256"),
    ("ES384", "ecdsa-p384"),
    ("ES512", "ecdsa-p521"),
    ("EdDSA", "ed25519"),
];

impl Default for Algorithm {
    /// RS256, which every verifier must know (OpenID Connect Core 1.0 section 15.1).
    fn default() -> Self {
        Self(0)
    }
}

impl Algorithm {
    /// Reads its name.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is none of this name.
    pub(super) fn parse(name: &str) -> Result<Self, Error> {
        let place = ALGORITHMS.iter().position(|(known, _)| *known == name);
        place
            .map(Self)
            .ok_or_else(|| Error::Invalid(format!("unknown signing algorithm {name:?}")))
    }

    /// Returns its name.
    pub(in super::super) fn name(self) -> &'static str {
        ALGORITHMS[self.0].0
    }

    /// Returns the hash that it signs, or that its signature makes (Ed25519: RFC 8032 section 5.1).
    pub(super) fn hash(self) -> HashAlgorithm {
        match self.name() {
            "RS256" | "ES256" => HashAlgorithm::Sha2_256,
            "RS384" | "ES384" => HashAlgorithm::Sha2_384,
            _ => HashAlgorithm::Sha2_512,
        }
    }

    /// Returns the type of its keys, and how they sign.
    ///
    /// # Errors
    /// [`Error::Internal`] if the type is not known: a fault of this table.
    pub(super) fn signing(self) -> Result<(&'static dyn KeyType, JwsAlgorithm), Error> {
        let (name, of_key) = ALGORITHMS[self.0];
        let unknown = || Error::internal(format!("no key type signs {name}"));
        let key_type = key_type(of_key).ok_or_else(unknown)?;
        let mut made = key_type.public().map_or(&[][..], |it| it.jws()).iter();
        let jws = made.find(|made| made.name == name).ok_or_else(unknown)?;
        Ok((key_type, *jws))
    }
}

impl TryFrom<String> for Algorithm {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        Self::parse(&name)
    }
}

impl From<Algorithm> for String {
    fn from(algorithm: Algorithm) -> Self {
        algorithm.name().to_owned()
    }
}
