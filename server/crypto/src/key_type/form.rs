//! The forms of a key: what is kept of it, and what leaves the server.

use std::fmt;
use std::str::FromStr;

use crate::{Error, SecretBytes};

/// What is kept of one version of a key.
pub enum Material {
    /// The symmetric or private key, in the form its type stores.
    Private(SecretBytes),
    /// The public half alone: such a version verifies, and encrypts if its type does so with the
    /// public half, and no more.
    Public(Vec<u8>),
}

impl Material {
    /// Makes a second copy, for when two owners are really needed.
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Private(material) => Self::Private(material.duplicate()),
            Self::Public(public_key) => Self::Public(public_key.clone()),
        }
    }
}

impl From<SecretBytes> for Material {
    fn from(material: SecretBytes) -> Self {
        Self::Private(material)
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private(_) => "Private(***)",
            Self::Public(_) => "Public(…)",
        })
    }
}

/// How a key is written when it leaves the server (OpenBao: `format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyForm {
    /// What Vault gives: base64 of symmetric and Ed25519 keys, SEC1 PEM (RFC 5915) of ECDSA keys,
    /// PKCS#1 PEM (RFC 8017 appendix A.1) of RSA keys; PEM of their public halves.
    #[default]
    Default,
    /// Base64 of PKCS#8 or SubjectPublicKeyInfo DER.
    Der,
    /// PEM of PKCS#8 or of SubjectPublicKeyInfo.
    Pem,
    /// Base64 of the bare key, of types that have a bare key.
    Raw,
}

impl FromStr for KeyForm {
    type Err = Error;

    /// Finds a form by its name in OpenBao's API.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "" => Ok(Self::Default),
            "der" => Ok(Self::Der),
            "pem" => Ok(Self::Pem),
            "raw" => Ok(Self::Raw),
            _ => Err(Error::invalid(format!("invalid format: {name}"))),
        }
    }
}
