//! Encryption that keeps the format: card numbers stay card numbers.
//!
//! The words are those of Vault's transform engine.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Answer, batch, given};
use crate::{Base64, Sensitive, coerce, endpoint};

/// `POST encode/:name` encrypts a text of an alphabet to another text of it, with a key of the type
/// `ff1` (NIST SP 800-38G revision 1). Beyond Vault's transit.
///
/// The same value under the same tweak gives the same text, and nothing tells whether a text was
/// changed: use it only where the format must stay. The version that encrypted is not in the text;
/// keep `key_version` beside it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Encode {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What to encrypt: symbols of the alphabet, so many that there are a million such texts, and
    /// 1024 at most.
    #[serde(deserialize_with = "given")]
    pub value: Option<Sensitive>,
    /// The alphabet, symbol by symbol; `builtin/` with `numeric`, `alphalower`, `alphaupper`,
    /// `alphanumericlower`, `alphanumericupper` or `alphanumeric`; or `alphabets/` with the name of
    /// a stored one. If neither it nor a template is given, the key's own.
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
    /// The template, in the place of an alphabet: `builtin/creditcardnumber`,
    /// `builtin/socialsecuritynumber`, or the name of a stored one.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// What the text is bound to, 256 bytes at most: the same must be given to decode.
    #[serde(deserialize_with = "given")]
    pub tweak: Option<Base64>,
    /// Whether what is not in the alphabet stays where it stands; else it is refused. A template
    /// says itself what stays.
    #[serde(deserialize_with = "coerce::flag")]
    pub keep_others: Option<bool>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many values in place of one. What an item does not say, the request says for it.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<EncodeItem>>,
    /// The status to answer with if only some items succeed.
    #[serde(deserialize_with = "coerce::int")]
    pub partial_failure_response_code: Option<i64>,
}
endpoint!(Encode { name } => Answer<Encoded, EncodedItem>: Update "encode/{name}"; keyed);

/// One value of a batch to encode.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EncodeItem {
    /// What to encrypt.
    #[serde(deserialize_with = "given")]
    pub value: Option<Sensitive>,
    /// The alphabet.
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
    /// The template.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// What the text is bound to.
    #[serde(deserialize_with = "given")]
    pub tweak: Option<Base64>,
    /// Whether what is not in the alphabet stays where it stands.
    #[serde(deserialize_with = "coerce::flag")]
    pub keep_others: Option<bool>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "batch::version")]
    pub key_version: Option<i64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}

/// What encoding gives.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Encoded {
    /// The text, of the same format.
    pub encoded_value: String,
    /// The version that encrypted, to be kept beside it.
    pub key_version: u32,
}

/// What encoding gives for one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct EncodedItem {
    /// The text.
    pub encoded_value: Option<String>,
    /// The version that encrypted.
    pub key_version: Option<u32>,
    /// Why there is no text.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}

/// `POST decode/:name` undoes `encode`.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Decode {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The text.
    #[serde(deserialize_with = "coerce::text")]
    pub value: Option<String>,
    /// As it was to encode.
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
    /// As it was to encode.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// As it was to encode.
    #[serde(deserialize_with = "given")]
    pub tweak: Option<Base64>,
    /// As it was to encode.
    #[serde(deserialize_with = "coerce::flag")]
    pub keep_others: Option<bool>,
    /// The version that encrypted.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many texts in place of one. What an item does not say, the request says for it.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<DecodeItem>>,
    /// The status to answer with if only some items succeed.
    #[serde(deserialize_with = "coerce::int")]
    pub partial_failure_response_code: Option<i64>,
}
endpoint!(Decode { name } => Answer<Decoded, DecodedItem>: Update "decode/{name}"; keyed);

/// One text of a batch to decode.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DecodeItem {
    /// The text.
    #[serde(deserialize_with = "coerce::text")]
    pub value: Option<String>,
    /// As it was to encode.
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
    /// As it was to encode.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// As it was to encode.
    #[serde(deserialize_with = "given")]
    pub tweak: Option<Base64>,
    /// As it was to encode.
    #[serde(deserialize_with = "coerce::flag")]
    pub keep_others: Option<bool>,
    /// The version that encrypted.
    #[serde(deserialize_with = "batch::version")]
    pub key_version: Option<i64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}

/// What decoding gives.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Decoded {
    /// The value; another one if the text, the tweak or the version is not that of `encode`.
    pub decoded_value: Sensitive,
}

/// What decoding gives for one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct DecodedItem {
    /// The value.
    pub decoded_value: Option<Sensitive>,
    /// Why there is no value.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}
