//! Keys: create, read, list, configure, rotate, trim, delete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Base64, coerce, endpoint};

/// `POST keys/:name` creates a key. A key that exists is answered unchanged.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The type of the key; `aes256-gcm96` if not given.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub key_type: Option<String>,
    /// Whether every use derives a key of its own from a context.
    #[serde(deserialize_with = "coerce::flag")]
    pub derived: Option<bool>,
    /// Whether the same plaintext and context give the same ciphertext; needs `derived`.
    #[serde(deserialize_with = "coerce::flag")]
    pub convergent_encryption: Option<bool>,
    /// Whether the key may be exported; cannot be taken back.
    #[serde(deserialize_with = "coerce::flag")]
    pub exportable: Option<bool>,
    /// Whether the key may be backed up in the clear; cannot be taken back.
    #[serde(deserialize_with = "coerce::flag")]
    pub allow_plaintext_backup: Option<bool>,
    /// Seconds after which the key is rotated; 0 is never, otherwise at least an hour.
    #[serde(deserialize_with = "coerce::seconds")]
    pub auto_rotate_period: Option<i64>,
    /// The size of the key in bytes, for types that leave the choice.
    #[serde(deserialize_with = "coerce::int")]
    pub key_size: Option<i64>,
    /// Labels of the operator's own, which replace those there are. Beyond Vault.
    #[serde(deserialize_with = "coerce::map")]
    pub custom_metadata: Option<BTreeMap<String, String>>,
    /// The alphabet that values have unless a request says another, for the type `ff1`; see
    /// [`Encode`](super::Encode).
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
    /// The template that values have unless a request says another, in the place of an alphabet.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// The parameter set of the type, where `type` names a family: of `ml-dsa` `44`, `65` or `87`.
    #[serde(deserialize_with = "coerce::text")]
    pub parameter_set: Option<String>,
    /// The context whose public keys the answer shows, for derived signing keys.
    #[serde(deserialize_with = "super::given")]
    pub context: Option<Base64>,
}
endpoint!(CreateKey { name } => Key: Update "keys/{name}");

/// `GET keys/:name` reads what may be known of a key, never its secret.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The context whose public keys are wanted, for derived signing keys.
    #[serde(deserialize_with = "super::given")]
    pub context: Option<Base64>,
}
endpoint!(ReadKey { name } => Key: Read "keys/{name}"; keyed);

/// `LIST keys` names the keys, in byte order.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListKeys {
    /// Only names after this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// How many names at most; without limit if 0 or less.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
    /// Only keys with these labels: `name=value`, or `name` for any value. Beyond Vault.
    #[serde(deserialize_with = "coerce::list")]
    pub custom_metadata: Option<Vec<String>>,
    /// Whether the answer tells about each key. Beyond Vault.
    #[serde(deserialize_with = "coerce::flag")]
    pub key_info: Option<bool>,
}
endpoint!(ListKeys {} => KeyList: List "keys");

/// The names of keys.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyList {
    /// The names.
    pub keys: Vec<String>,
    /// What each is, where that was asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key_info: BTreeMap<String, KeyInfo>,
}

/// What a list tells about a key.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// The labels.
    pub custom_metadata: BTreeMap<String, String>,
    /// The newest version.
    pub latest_version: u32,
    /// Whether it was deleted in a way that can be undone.
    pub soft_deleted: bool,
    /// The type.
    #[serde(rename = "type")]
    pub key_type: String,
}

/// `POST keys/:name/config` changes the rules of a key; what is not given stays.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ConfigureKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The oldest version that decrypts and verifies.
    #[serde(deserialize_with = "coerce::int")]
    pub min_decryption_version: Option<i64>,
    /// The oldest version that encrypts and signs; 0 is the latest alone.
    #[serde(deserialize_with = "coerce::int")]
    pub min_encryption_version: Option<i64>,
    /// Whether the key may be deleted.
    #[serde(deserialize_with = "coerce::flag")]
    pub deletion_allowed: Option<bool>,
    /// Whether the key may be exported; true cannot be taken back.
    #[serde(deserialize_with = "coerce::flag")]
    pub exportable: Option<bool>,
    /// Whether the key may be backed up in the clear; true cannot be taken back.
    #[serde(deserialize_with = "coerce::flag")]
    pub allow_plaintext_backup: Option<bool>,
    /// Seconds after which the key is rotated; 0 is never, otherwise at least an hour.
    #[serde(deserialize_with = "coerce::seconds")]
    pub auto_rotate_period: Option<i64>,
    /// After how many encryptions a version is replaced by a new one; 0 is when its nonces ask for
    /// it, after 2^32. Beyond Vault.
    #[serde(deserialize_with = "coerce::int")]
    pub max_encryptions: Option<i64>,
    /// How many versions stay at least; older ones go once they were not used for `keep_days`, or
    /// for a day. 0 is all. Beyond Vault.
    #[serde(deserialize_with = "coerce::int")]
    pub keep_versions: Option<i64>,
    /// For how many days a version stays after it was replaced and after it was last used; 0 is
    /// for ever. Beyond Vault.
    #[serde(deserialize_with = "coerce::int")]
    pub keep_days: Option<i64>,
    /// Labels of the operator's own, which replace those there are. Beyond Vault.
    #[serde(deserialize_with = "coerce::map")]
    pub custom_metadata: Option<BTreeMap<String, String>>,
}
endpoint!(ConfigureKey { name } => Key: Update "keys/{name}/config");

/// `POST keys/:name/rotate` adds a version, which encrypts and signs from then on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RotateKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(RotateKey { name } => Key: Update "keys/{name}/rotate");

/// `POST keys/:name/trim` destroys old versions for good.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TrimKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The oldest version to keep.
    #[serde(deserialize_with = "coerce::int")]
    pub min_available_version: Option<i64>,
}
endpoint!(TrimKey { name } => Key: Update "keys/{name}/trim");

/// `POST keys/:name/versions/:version/disable` puts one version out of use. Beyond Vault.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DisableVersion {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The version.
    #[serde(skip_serializing)]
    pub version: String,
}
endpoint!(DisableVersion { name, version } => Key:
    Update "keys/{name}/versions/{version}/disable");

/// `POST keys/:name/versions/:version/enable` puts a version into use again. Beyond Vault.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EnableVersion {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The version.
    #[serde(skip_serializing)]
    pub version: String,
}
endpoint!(EnableVersion { name, version } => Key:
    Update "keys/{name}/versions/{version}/enable");

/// `DELETE keys/:name` destroys a key whose `deletion_allowed` was set.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteKey { name } => (): Delete "keys/{name}");

/// `DELETE keys/:name/soft-delete` makes a key refuse every use, in a way that can be undone.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SoftDeleteKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(SoftDeleteKey { name } => Key: Delete "keys/{name}/soft-delete");

/// `POST keys/:name/soft-delete-restore` undoes a soft deletion.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UndeleteKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(UndeleteKey { name } => Key: Update "keys/{name}/soft-delete-restore");

/// `GET config/keys` reads the rules for all keys of the mount.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadKeysConfig {}
endpoint!(ReadKeysConfig {} => KeysConfig: Read "config/keys");

/// `POST config/keys` sets the rules for all keys of the mount.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ConfigureKeys {
    /// Whether encryption with an unknown key fails instead of creating it; false if not given.
    #[serde(deserialize_with = "coerce::flag")]
    pub disable_upsert: Option<bool>,
}
endpoint!(ConfigureKeys {} => KeysConfig: Update "config/keys");

/// The rules for all keys of a mount.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeysConfig {
    /// Whether encryption with an unknown key fails instead of creating it.
    pub disable_upsert: bool,
}

/// What may be known of a key.
#[skip_serializing_none]
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The alphabet of its values, of the type `ff1`.
    pub alphabet: Option<String>,
    /// Whether it may be backed up in the clear.
    pub allow_plaintext_backup: bool,
    /// Seconds after which it is rotated; 0 is never.
    pub auto_rotate_period: u64,
    /// When it was last backed up, if ever.
    pub backup_info: Option<KeyEvent>,
    /// Whether encryption is convergent; only of derived keys.
    pub convergent_encryption: Option<bool>,
    /// How convergent nonces are made: -1 is "each version says"; only of convergent keys.
    pub convergent_encryption_version: Option<i64>,
    /// The labels, if there are any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_metadata: BTreeMap<String, String>,
    /// Whether it may be deleted.
    pub deletion_allowed: bool,
    /// Whether every use derives a key of its own from a context.
    pub derived: bool,
    /// The versions that are out of use for now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled_versions: Vec<u32>,
    /// Whether it may be exported.
    pub exportable: bool,
    /// Whether its material was brought from elsewhere, all of it.
    pub imported_key: bool,
    /// Whether the server may add versions of its own; only of imported keys.
    pub imported_key_allow_rotation: Option<bool>,
    /// For how many days a version stays after it was replaced and last used, if old ones go.
    pub keep_days: Option<u32>,
    /// How many versions stay at least, if old ones go.
    pub keep_versions: Option<u32>,
    /// How keys are derived; only of derived keys.
    pub kdf: Option<String>,
    /// How many bytes its keys have, where the type leaves the choice.
    pub key_size: Option<usize>,
    /// The versions that may decrypt or verify; of the type `hmac` none is shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<u32, KeyVersion>,
    /// The version that encrypts and signs unless another is asked for.
    pub latest_version: u32,
    /// After how many encryptions a version is replaced, if the owner said so.
    pub max_encryptions: Option<u64>,
    /// The oldest version that was not trimmed; 0 if nothing was.
    pub min_available_version: u32,
    /// The oldest version that decrypts and verifies.
    pub min_decryption_version: u32,
    /// The oldest version that encrypts and signs; 0 is the latest alone.
    pub min_encryption_version: u32,
    /// The name.
    pub name: String,
    /// The parameter set of its type, where the type is one of a family.
    pub parameter_set: Option<String>,
    /// When it was brought back from a backup, if it was.
    pub restore_info: Option<KeyEvent>,
    /// Whether it was deleted in a way that can be undone.
    #[serde(default)]
    pub soft_deleted: bool,
    /// The template of its values, of the type `ff1`, if it has one in the place of an alphabet.
    pub template: Option<String>,
    /// Whether it decrypts.
    pub supports_decryption: bool,
    /// Whether keys of its type can be derived.
    pub supports_derivation: bool,
    /// Whether it encrypts.
    pub supports_encryption: bool,
    /// Whether it signs.
    pub supports_signing: bool,
    /// The type.
    #[serde(rename = "type")]
    pub key_type: String,
    /// How the versions were used; only where a key is read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<u32, KeyUsage>,
}

/// How a version of a key was used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyUsage {
    /// How often it has encrypted; too many after a crash, and never too few.
    pub encryptions: u64,
    /// The end of the hour in which it was last used for anything (RFC 3339), or now if that is
    /// earlier; nothing if it never was.
    #[serde(default)]
    pub last_used: Option<String>,
}

/// Something that was done with a whole key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct KeyEvent {
    /// When (RFC 3339, nanoseconds).
    pub time: String,
    /// The version that was the latest then.
    pub version: u32,
}

/// What may be known of one version of a key.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum KeyVersion {
    /// A symmetric key: the second of its creation, since 1970.
    Created(u64),
    /// A key with a public half.
    Public {
        /// The certificates issued for it, in PEM; empty if there are none.
        #[serde(default)]
        certificate_chain: String,
        /// When it was made (RFC 3339, nanoseconds).
        creation_time: String,
        /// The name of the algorithm.
        name: String,
        /// The public key; for Ed25519 the base64 of its 32 bytes, and empty if it is derived and
        /// no context was given.
        public_key: String,
    },
}
