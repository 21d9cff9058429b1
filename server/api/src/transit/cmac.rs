//! CMAC: authentication with a block cipher.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Answer, batch, given};
use crate::{Base64, coerce, endpoint};

/// `POST cmac/:name[/:mac_length]` makes a CMAC (NIST SP 800-38B) with a key of one of the types
/// `aes128-cmac`, `aes192-cmac`, `aes256-cmac`.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MakeCmac {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// What to authenticate; may be empty.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// How many bytes of the CMAC to keep, 8 to 16: all 16 if not given or 0.
    #[serde(deserialize_with = "coerce::int")]
    pub mac_length: Option<i64>,
    /// The version to use; 0 is the latest.
    #[serde(deserialize_with = "coerce::int")]
    pub key_version: Option<i64>,
    /// Many inputs in place of one.
    #[serde(deserialize_with = "batch::items")]
    pub batch_input: Option<Vec<MakeCmacItem>>,
}
endpoint!(MakeCmac { name } => Answer<Cmac, CmacItem>:
    Update "cmac/{name}/{mac_length?}" as "cmac/{name}"; keyed);

/// One input of a batch to authenticate.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MakeCmacItem {
    /// What to authenticate; may be empty.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// A text that the result repeats.
    #[serde(deserialize_with = "coerce::text")]
    pub reference: Option<String>,
}

/// A CMAC.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Cmac {
    /// The CMAC, `vault:vN:…`.
    pub cmac: String,
}

/// The CMAC of one item of a batch.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct CmacItem {
    /// The CMAC.
    pub cmac: Option<String>,
    /// Why there is no CMAC.
    pub error: Option<String>,
    /// The reference of the item.
    #[serde(default)]
    pub reference: String,
}
