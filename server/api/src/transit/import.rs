//! Keys that come from elsewhere.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET wrapping_key` reads the public key under which keys are wrapped to be imported.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadWrappingKey {}
endpoint!(ReadWrappingKey {} => WrappingKey: Read "wrapping_key");

/// The public half of the wrapping key.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct WrappingKey {
    /// PEM of an RSA-4096 key.
    pub public_key: String,
}

/// `POST keys/:name/import` makes a key of one that was made elsewhere.
///
/// The ciphertext is an AES-256 key under the wrapping key (RSA-OAEP, RFC 8017), followed by the key
/// itself under that (AES-KWP, RFC 5649). Symmetric keys are wrapped as they are, others as PKCS#8
/// DER.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ImportKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The key, wrapped, in standard base64.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// PEM of the public half: alone it makes a key that verifies and no more, beside a
    /// ciphertext it must belong to that.
    #[serde(deserialize_with = "coerce::text")]
    pub public_key: Option<String>,
    /// The hash of RSA-OAEP: `SHA256` if not given, or `SHA1`, `SHA224`, `SHA384`, `SHA512`.
    #[serde(deserialize_with = "coerce::text")]
    pub hash_function: Option<String>,
    /// The type of the key; `aes256-gcm96` if not given.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub key_type: Option<String>,
    /// Whether the server may add versions of its own.
    #[serde(deserialize_with = "coerce::flag")]
    pub allow_rotation: Option<bool>,
    /// Whether every use derives a key of its own from a context.
    #[serde(deserialize_with = "coerce::flag")]
    pub derived: Option<bool>,
    /// Whether the same plaintext and context give the same ciphertext. Beyond Vault, which
    /// exports such keys and does not take them back.
    #[serde(deserialize_with = "coerce::flag")]
    pub convergent_encryption: Option<bool>,
    /// Whether the key may be exported; cannot be taken back.
    #[serde(deserialize_with = "coerce::flag")]
    pub exportable: Option<bool>,
    /// Whether the key may be backed up in the clear; cannot be taken back.
    #[serde(deserialize_with = "coerce::flag")]
    pub allow_plaintext_backup: Option<bool>,
    /// Seconds after which the key is rotated; needs `allow_rotation`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub auto_rotate_period: Option<i64>,
    /// Kept for clients that send it; a key derives from the context of each use.
    #[serde(deserialize_with = "coerce::text")]
    pub context: Option<String>,
}
endpoint!(ImportKey { name } => (): Update "keys/{name}/import");

/// `POST keys/:name/import_version` adds a version that was made elsewhere to an imported key.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ImportKeyVersion {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The key, wrapped, in standard base64.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// PEM of the public half, as in `import`.
    #[serde(deserialize_with = "coerce::text")]
    pub public_key: Option<String>,
    /// The hash of RSA-OAEP: `SHA256` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub hash_function: Option<String>,
    /// The version whose public half is there and whose private half this is; a new version if
    /// not given.
    #[serde(deserialize_with = "coerce::int")]
    pub version: Option<i64>,
}
endpoint!(ImportKeyVersion { name } => (): Update "keys/{name}/import_version");
