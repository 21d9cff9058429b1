//! Encrypt, decrypt, rewrap, data keys.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Answer, Ciphertext, batch, given};
use crate::{Base64, coerce, endpoint};

/// `POST encrypt/:name` encrypts data. An unknown key is created if the caller may create it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Encrypt {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What to encrypt; may be empty.
    #[serde(deserialize_with = "given")]
    pub plaintext: Option<Base64>,
    /// From which a derived key derives.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// What decryption must present again; authenticated, not encrypted.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// The type of a key that is created; `aes256-gcm96` if not given.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub key_type: Option<String>,
    /// Whether a key that is created is convergent.
    #[serde(deserialize_with = "coerce::flag")]
    pub convergent_encryption: Option<bool>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<EncryptItem>>,
    /// The status to answer with if only some items succeed.
    #[serde(deserialize_with = "coerce::int")]
    pub partial_failure_response_code: Option<i64>,
    /// How RSA pads: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub padding_scheme: Option<String>,
}
endpoint!(Encrypt { name } => Answer<Encrypted, EncryptedItem>: Update "encrypt/{name}"; keyed);

/// One input of a batch to encrypt.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EncryptItem {
    /// What to encrypt; may be empty. Unlike outside a batch, `null` is no plaintext.
    pub plaintext: Option<Base64>,
    /// From which a derived key derives; in all items or in none.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// What decryption must present again.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "batch::version")]
    pub key_version: Option<i64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
    /// How RSA pads: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub padding_scheme: Option<String>,
}

/// What encryption and rewrapping give.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Encrypted {
    /// The ciphertext, `vault:vN:…`.
    pub ciphertext: Ciphertext,
    /// The version that encrypted.
    pub key_version: u32,
}

/// What encryption and rewrapping give for one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct EncryptedItem {
    /// The ciphertext.
    pub ciphertext: Option<Ciphertext>,
    /// The version that encrypted.
    pub key_version: Option<u32>,
    /// Why there is no ciphertext.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}

/// `POST decrypt/:name` decrypts data.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Decrypt {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The ciphertext, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// The context it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The associated data it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<DecryptItem>>,
    /// The status to answer with if only some items succeed.
    #[serde(deserialize_with = "coerce::int")]
    pub partial_failure_response_code: Option<i64>,
    /// How RSA padded: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub padding_scheme: Option<String>,
}
endpoint!(Decrypt { name } => Answer<Decrypted, DecryptedItem>: Update "decrypt/{name}"; keyed);

/// One input of a batch to decrypt.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DecryptItem {
    /// The ciphertext, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// The context it was encrypted with; in all items or in none.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The associated data it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
    /// How RSA padded: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub padding_scheme: Option<String>,
}

/// What decryption gives.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Decrypted {
    /// The plaintext.
    pub plaintext: Base64,
}

/// What decryption gives for one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct DecryptedItem {
    /// The plaintext; empty on failure too, so look at `error`.
    pub plaintext: Base64,
    /// Why there is no plaintext.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}

/// `POST rewrap/:name` decrypts and encrypts again with a newer version; the plaintext stays within
/// the server.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Rewrap {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The ciphertext, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// The context it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The associated data it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<RewrapItem>>,
    /// How RSA padded: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub decrypt_padding_scheme: Option<String>,
    /// How RSA pads anew: `oaep` (if not given) or `pkcs1v15`.
    #[serde(deserialize_with = "coerce::text")]
    pub encrypt_padding_scheme: Option<String>,
}
endpoint!(Rewrap { name } => Answer<Encrypted, EncryptedItem>: Update "rewrap/{name}"; keyed);

/// One input of a batch to rewrap.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RewrapItem {
    /// The ciphertext, `vault:vN:…`.
    #[serde(deserialize_with = "coerce::text")]
    pub ciphertext: Option<String>,
    /// The context it was encrypted with; in all items or in none.
    #[serde(deserialize_with = "given")]
    pub context: Option<Base64>,
    /// The associated data it was encrypted with.
    #[serde(deserialize_with = "given")]
    pub associated_data: Option<Base64>,
    /// The version to encrypt with; 0 is the latest.
    #[serde(deserialize_with = "batch::version")]
    pub key_version: Option<i64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
    /// How RSA padded: `oaep` (if not given) or `pkcs1v15`; other types look away.
    #[serde(deserialize_with = "coerce::text")]
    pub decrypt_padding_scheme: Option<String>,
    /// How RSA pads anew: `oaep` (if not given) or `pkcs1v15`.
    #[serde(deserialize_with = "coerce::text")]
    pub encrypt_padding_scheme: Option<String>,
}
