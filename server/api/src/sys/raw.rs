//! What the server keeps below the barrier, in clear; only of a server whose configuration says
//! `raw_storage_endpoint = true`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `GET sys/raw/:path`: reads what the server keeps under a key of its storage, decrypted.
///
/// What the keys of the store and of the seal lie in is not shown: `core/…`, and the encrypted shares
/// of `sys/rekey/backup`.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRaw {
    /// The key.
    #[serde(skip_serializing)]
    pub path: String,
    /// Whether to undo a compression. Without effect: nothing that is stored is compressed.
    #[serde(deserialize_with = "coerce::flag")]
    pub compressed: Option<bool>,
    /// `base64` for bytes that need not be a text; empty for text, in which each byte that belongs to
    /// no character of UTF-8 is replaced by U+FFFD.
    #[serde(deserialize_with = "coerce::text")]
    pub encoding: Option<String>,
}
endpoint!(ReadRaw { path } => RawEntry: Read "raw/{path*}" as "raw/{path}", access Sudo);

/// What is kept under a key.
#[derive(Debug, Deserialize, Serialize)]
pub struct RawEntry {
    /// It, in the encoding that was asked for.
    pub value: Sensitive,
}

/// `LIST sys/raw/:path`: names the keys one level below a folder of the storage.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListRaw {
    /// The folder; empty for the top.
    #[serde(skip_serializing)]
    pub path: String,
    /// Only names after this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many names; without limit if none, 0 or less.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListRaw { path } => RawKeys: List "raw/{path*}" as "raw/{path}", access Sudo);

/// Names of keys.
#[derive(Debug, Deserialize, Serialize)]
pub struct RawKeys {
    /// In byte order; folders have a slash at the end.
    pub keys: Vec<String>,
}

/// `POST sys/raw/:path`: writes what the server keeps under a key of its storage; it is encrypted
/// there as everything is.
///
/// Nothing looks at whether the server can read it. What the server holds in memory, such as its
/// mounts, policies and tokens, it reads when it is unsealed: a change below that takes effect after
/// it was sealed and unsealed.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteRaw {
    /// The key; not below `core/`, where the keys of the store and of the seal lie, and no backup of
    /// shares.
    #[serde(skip_serializing)]
    pub path: String,
    /// What to write; must be given.
    pub value: Option<Sensitive>,
    /// Must be empty: nothing that is stored is compressed.
    #[serde(deserialize_with = "coerce::text")]
    pub compression_type: Option<String>,
    /// `base64` if the value is encoded so; empty for text.
    #[serde(deserialize_with = "coerce::text")]
    pub encoding: Option<String>,
}
endpoint!(WriteRaw { path } => (): Update "raw/{path*}" as "raw/{path}", access Sudo);

/// `DELETE sys/raw/:path`: removes what the server keeps under a key of its storage, which takes
/// effect as a write does; that nothing is there is no error.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRaw {
    /// The key; not one that cannot be written.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(DeleteRaw { path } => (): Delete "raw/{path*}" as "raw/{path}", access Sudo);
