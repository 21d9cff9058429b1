//! The transit secrets engine: cryptography as a service.
//!
//! Paths are relative to the mount. Binary values travel as standard base64 with padding (RFC 4648
//! section 4); ciphertexts, signatures and HMACs as `vault:vN:base64`, where N is the version of
//! the key that made them.
//!
//! Most operations take one input, or many in `batch_input`; an [`Answer`] holds one result or one
//! for each item, in the order of the items.

mod backup;
mod batch;
mod cache;
mod certificates;
mod ciphertext;
mod cmac;
mod data_key;
mod derive;
mod encryption;
mod export;
mod format;
mod import;
mod jwks;
mod keyed;
mod keys;
mod random;
mod signing;
mod template;
mod translate;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

pub use backup::{BackUpKey, Backup, RestoreKey};
pub use cache::{CacheConfig, ConfigureCache, ReadCacheConfig};
pub use certificates::{
    CertificateChain, CertificateRequest, MakeCertificateRequest, SetCertificateChain,
};
pub use ciphertext::Ciphertext;
pub use cmac::{Cmac, CmacItem, MakeCmac, MakeCmacItem};
pub use data_key::{CreateDataKey, CreateDataKeys, DataKey, DataKeys, DeriveDataKeys, KeyPair};
pub use derive::DeriveKey;
pub use encryption::{
    Decrypt, DecryptItem, Decrypted, DecryptedItem, Encrypt, EncryptItem, Encrypted, EncryptedItem,
    Rewrap, RewrapItem,
};
pub use export::{ExportKey, ExportWrappedKey, ExportedKeys};
pub use format::{
    Decode, DecodeItem, Decoded, DecodedItem, Encode, EncodeItem, Encoded, EncodedItem,
};
pub use import::{ImportKey, ImportKeyVersion, ReadWrappingKey, WrappingKey};
pub use jwks::{Jwks, ReadJwks};
pub use keys::{
    ConfigureKey, ConfigureKeys, CreateKey, DeleteKey, DisableVersion, EnableVersion, Key,
    KeyEvent, KeyInfo, KeyList, KeyUsage, KeyVersion, KeysConfig, ListKeys, ReadKey,
    ReadKeysConfig, RotateKey, SoftDeleteKey, TrimKey, UndeleteKey,
};
pub use random::{Hash, Hashed, MakeRandom, RandomBytes};
pub use signing::{
    Authenticate, AuthenticateItem, Authenticated, AuthenticatedItem, Sign, SignItem, Signed,
    SignedItem, Verified, VerifiedItem, Verify, VerifyItem,
};
pub use template::{
    DeleteAlphabet, DeleteTemplate, FormatNames, ListAlphabets, ListTemplates, ReadAlphabet,
    ReadTemplate, StoredAlphabet, StoredTemplate, WriteAlphabet, WriteTemplate,
};
pub use translate::{Translate, TranslateItem};

/// What an operation answers that takes one input or a batch.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer<One, Item> {
    /// One result for each item of `batch_input`, in its order.
    Batch {
        /// The results; each tells its own success or failure.
        batch_results: Vec<Item>,
    },
    /// The result of the one input.
    One(One),
}

impl<One, Item> Answer<One, Item> {
    /// Answers a batch.
    #[must_use]
    pub const fn batch(batch_results: Vec<Item>) -> Self {
        Self::Batch { batch_results }
    }

    /// Returns the one result; none if the answer is to a batch.
    pub fn one(self) -> Option<One> {
        match self {
            Self::Batch { .. } => None,
            Self::One(one) => Some(one),
        }
    }

    /// Returns the results of a batch; none if the answer is to one input.
    pub fn items(self) -> Option<Vec<Item>> {
        match self {
            Self::Batch { batch_results } => Some(batch_results),
            Self::One(_) => None,
        }
    }
}

/// Looks for `batch_results` before it reads the rest: serde's own way for untagged enums keeps every
/// value in a copy that nobody wipes, and a plaintext is one of them.
impl<'de, One: DeserializeOwned, Item: DeserializeOwned> Deserialize<'de> for Answer<One, Item> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Batch<Item> {
            batch_results: Option<Vec<Item>>,
        }
        let json = <&RawValue>::deserialize(deserializer)?.get().as_bytes();
        let batch: Batch<Item> = serde_json::from_slice(json).map_err(D::Error::custom)?;
        match batch.batch_results {
            Some(batch_results) => Ok(Self::Batch { batch_results }),
            None => serde_json::from_slice(json)
                .map(Self::One)
                .map_err(D::Error::custom),
        }
    }
}

/// Reads a field that counts as given even when it is `null`: Vault reads that as the empty text,
/// and an empty plaintext is a plaintext.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
