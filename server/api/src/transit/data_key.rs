//! Data keys: random keys for the caller, which a named key encrypts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::given;
use crate::{Base64, coerce, endpoint};

/// `POST datakey/:form/:name` makes a random key and encrypts it with a named one.
#[skip_serializing_none]
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
    #[serde(deserialize_with = "coerce::int")]
    pub bits: Option<i64>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// What decryption must present again.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// How RSA pads: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub padding_scheme: Option<String>,
}
endpoint!(CreateDataKey { form, name } => DataKey: Update "datakey/{form}/{name}"; keyed);

/// A new data key.
#[skip_serializing_none]
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct DataKey {
    /// The key, encrypted: `vault:vN:…`.
    pub ciphertext: String,
    /// The version that encrypted it.
    pub key_version: u32,
    /// The key itself, where it was asked for.
    pub plaintext: Option<Base64>,
}

/// `POST datakeys/:form/:name` makes many random keys and encrypts each with a named one.
#[skip_serializing_none]
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
    #[serde(deserialize_with = "coerce::int")]
    pub count: Option<i64>,
    /// The size of each: 128, 256 (if not given) or 512.
    #[serde(deserialize_with = "coerce::int")]
    pub bits: Option<i64>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// What decryption must present again.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
}
endpoint!(CreateDataKeys { form, name } => DataKeys: Update "datakeys/{form}/{name}"; keyed);

/// New data keys.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct DataKeys {
    /// The keys.
    pub key_pairs: Vec<KeyPair>,
    /// The version that encrypted them; the newest, if the named key was rotated meanwhile.
    pub key_version: u32,
}

/// A data key and its ciphertext.
#[skip_serializing_none]
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyPair {
    /// The key, encrypted: `vault:vN:…`.
    pub ciphertext: String,
    /// The key itself, where it was asked for.
    pub plaintext: Option<Base64>,
}

/// `POST derivedkeys/:form/:name` derives data keys, the same ones each time, and encrypts each.
///
/// Key number `i` is HKDF-SHA256 of the named key (or of what it derives from the context), with
/// the salt `keyward data key v1:` and what is given, and the info `i` as four bytes, big-endian,
/// and what is given.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeriveDataKeys {
    /// `plaintext` to get the keys themselves too, `wrapped` to get their ciphertexts alone.
    #[serde(skip_serializing)]
    pub form: String,
    /// The name of the key that encrypts.
    #[serde(skip_serializing)]
    pub name: String,
    /// A text that separates one family of keys from another.
    #[serde(deserialize_with = "coerce::text")]
    pub salt: Option<String>,
    /// A text that the keys are bound to.
    #[serde(deserialize_with = "coerce::text")]
    pub info: Option<String>,
    /// The number of the first key: 0 if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub key_index_from: Option<i64>,
    /// The number after that of the last key: one key if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub key_index_to: Option<i64>,
    /// The size of each: 128, 256 (if not given) or 512.
    #[serde(deserialize_with = "coerce::int")]
    pub bits: Option<i64>,
    /// The name that Vault's client library has for `bits`.
    #[serde(deserialize_with = "coerce::int")]
    pub key_bits: Option<i64>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The version to derive from and encrypt with; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
}
endpoint!(DeriveDataKeys { form, name } => BTreeMap<u32, DataKey>:
    Update "derivedkeys/{form}/{name}"; keyed);
