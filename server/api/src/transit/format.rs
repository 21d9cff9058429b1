//! Encryption that keeps the format: card numbers stay card numbers.
//!
//! The words are those of Vault's transform engine.

use serde::{Deserialize, Serialize};

use super::given;
use crate::{Base64, Sensitive, coerce, endpoint};

/// `POST encode/:name` encrypts a text of an alphabet to another text of it, with a key of the type
/// `ff1` (NIST SP 800-38G revision 1). Beyond Vault's transit.
///
/// The same value under the same tweak gives the same text, and nothing tells whether a text was
/// changed: use it only where the format must stay. The version that encrypted is not in the text;
/// keep `key_version` beside it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Encode {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What to encrypt: symbols of the alphabet, so many that there are a million such texts, and
    /// 1024 at most.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub value: Option<Sensitive>,
    /// The alphabet, symbol by symbol, or `builtin/` with `numeric`, `alphalower`, `alphaupper`,
    /// `alphanumericlower`, `alphanumericupper` or `alphanumeric`; the key's own if not given.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub alphabet: Option<String>,
    /// What the text is bound to, 256 bytes at most: the same must be given to decode.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub tweak: Option<Base64>,
    /// Whether what is not in the alphabet stays where it stands; else it is refused.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::flag"
    )]
    pub keep_others: Option<bool>,
    /// The version to use; 0 is the latest.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub key_version: Option<i64>,
}
endpoint!(Encode { name } => Encoded: Update "encode/{name}");

/// What encoding gives.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Encoded {
    /// The text, of the same format.
    pub encoded_value: String,
    /// The version that encrypted, to be kept beside it.
    pub key_version: u32,
}

/// `POST decode/:name` undoes `encode`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Decode {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The text.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub value: Option<String>,
    /// As it was to encode.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub alphabet: Option<String>,
    /// As it was to encode.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub tweak: Option<Base64>,
    /// As it was to encode.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::flag"
    )]
    pub keep_others: Option<bool>,
    /// The version that encrypted.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::int"
    )]
    pub key_version: Option<i64>,
}
endpoint!(Decode { name } => Decoded: Update "decode/{name}");

/// What decoding gives.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Decoded {
    /// The value; another one if the text, the tweak or the version is not that of `encode`.
    pub decoded_value: Sensitive,
}
