//! Translation: from under one key to under another.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Answer, Encrypted, EncryptedItem, batch, given};
use crate::{Base64, coerce, endpoint};

/// `POST translate/:source/:destination` decrypts under one key and encrypts under another; the
/// plaintext stays within the server.
///
/// The caller must be allowed to update this path, `decrypt/:source` and `encrypt/:destination`. A
/// policy that restricts the parameters of one of these allows no translation.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Translate {
    /// The name of the key that decrypts.
    #[serde(skip_serializing)]
    pub source: String,
    /// The name of the key that encrypts.
    #[serde(skip_serializing)]
    pub destination: String,
    /// The ciphertext, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// The context it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The associated data it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The context to encrypt with.
    #[serde(deserialize_with = "given")]
    pub destination_context: Option<Base64>,
    /// The associated data to encrypt with.
    #[serde(deserialize_with = "given")]
    pub destination_associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<TranslateItem>>,
}
endpoint!(Translate { source, destination } => Answer<Encrypted, EncryptedItem>:
    Update "translate/{source}/{destination}"; keyed);

/// One input of a batch to translate.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TranslateItem {
    /// The ciphertext, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// The context it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The associated data it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The context to encrypt with.
    #[serde(deserialize_with = "given")]
    pub destination_context: Option<Base64>,
    /// The associated data to encrypt with.
    #[serde(deserialize_with = "given")]
    pub destination_associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(deserialize_with = "batch::version")]
    pub key_version: Option<i64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}
