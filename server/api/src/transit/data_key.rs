//! Data keys: random keys for the caller, which a named key encrypts.

use serde::{Deserialize, Serialize};

use super::given;
use crate::{Base64, coerce, endpoint};

/// `POST datakey/:form/:name` makes a random key and encrypts it with a named one.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateDataKey {
    /// `plaintext` to get the key itself too, `wrapped` to get its ciphertext alone.
    #[serde(skip_serializing)]
    pub form: String,
    /// The name of the key that encrypts.
    #[serde(skip_serializing)]
    pub name: String,
    /// The size of the new key: 128, 256 (if not given) or 512.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub bits: Option<i64>,
    /// From which a derived key derives.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub context: Option<Base64>,
    /// What decryption must present again.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub key_version: Option<i64>,
    /// How RSA pads: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub padding_scheme: Option<String>,
}
endpoint!(CreateDataKey { form, name } => DataKey: Update "datakey/{form}/{name}");

/// A new data key.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct DataKey {
    /// The key, encrypted: `vault:vN:…`.
    pub ciphertext: String,
    /// The version that encrypted it.
    pub key_version: u32,
    /// The key itself, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Base64>,
}

/// `POST datakeys/:form/:name` makes many random keys and encrypts each with a named one.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateDataKeys {
    /// `plaintext` to get the keys themselves too, `wrapped` to get their ciphertexts alone.
    #[serde(skip_serializing)]
    pub form: String,
    /// The name of the key that encrypts.
    #[serde(skip_serializing)]
    pub name: String,
    /// How many: 1 if not given, at most 10000.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub count: Option<i64>,
    /// The size of each: 128, 256 (if not given) or 512.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub bits: Option<i64>,
    /// From which a derived key derives.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub context: Option<Base64>,
    /// What decryption must present again.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub key_version: Option<i64>,
}
endpoint!(CreateDataKeys { form, name } => DataKeys: Update "datakeys/{form}/{name}");

/// New data keys.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct DataKeys {
    /// The keys.
    pub key_pairs: Vec<KeyPair>,
    /// The version that encrypted them; the newest, if the named key was rotated meanwhile.
    pub key_version: u32,
}

/// A data key and its ciphertext.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyPair {
    /// The key, encrypted: `vault:vN:…`.
    pub ciphertext: String,
    /// The key itself, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Base64>,
}
