//! Backup and restoration of whole keys.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `GET backup/:name` gives a whole key in the clear, which its settings must allow.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct BackUpKey {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(BackUpKey { name } => Backup: Read "backup/{name}");

/// A key with all its versions and settings.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// The base64 of a text that only the server reads.
    pub backup: Sensitive,
}

/// `POST restore[/:name]` brings a key back from its backup.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RestoreKey {
    /// The name it shall have; the one it had if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub name: Option<String>,
    /// The backup.
    pub backup: Option<Sensitive>,
    /// Whether a key of this name is replaced; refused if not given.
    #[serde(deserialize_with = "coerce::flag")]
    pub force: Option<bool>,
}
endpoint!(RestoreKey {} => (): Update "restore/{name?}" as "restore");
