//! Keys that two parties agree on.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `POST derive-key/:name` makes a key of what the private key of one named key and the public key
/// of somebody else agree on: ECDH (NIST SP 800-56A), then HKDF-SHA256 without salt or info. A key
/// that exists gets it as a new version.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeriveKey {
    /// The name of the new key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The name of the key that agrees, of an `ecdsa-` type.
    #[serde(deserialize_with = "coerce::text")]
    pub base_key_name: Option<String>,
    /// The version of it; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub base_key_version: Option<i64>,
    /// The other public key, on the same curve, as PEM.
    #[serde(deserialize_with = "coerce::text")]
    pub peer_public_key: Option<String>,
    /// How they agree: `ecdh`.
    #[serde(deserialize_with = "coerce::text")]
    pub key_derivation_algorithm: Option<String>,
    /// The type of the new key, which encrypts; `aes256-gcm96` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub derived_key_type: Option<String>,
}
endpoint!(DeriveKey { name } => (): Update "derive-key/{name}");
