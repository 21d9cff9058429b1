//! What a token may do on given paths.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// What the capabilities calls answer: the capabilities of each path, and those of the only path
/// once more under `capabilities`.
pub type CapabilitiesReply = BTreeMap<String, Vec<String>>;

/// `POST sys/capabilities`: tells what a token may do at each of some paths.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Capabilities {
    /// The token.
    pub token: Option<Sensitive>,
    /// The paths.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub paths: Option<Vec<String>>,
    /// The older spelling of `paths`.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub path: Option<Vec<String>>,
}
endpoint!(Capabilities {} => CapabilitiesReply: Update "capabilities");

/// `POST sys/capabilities-accessor`: tells what the token behind an accessor may do at each of some
/// paths.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CapabilitiesAccessor {
    /// The accessor.
    #[serde(deserialize_with = "coerce::text")]
    pub accessor: Option<String>,
    /// The paths.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub paths: Option<Vec<String>>,
    /// The older spelling of `paths`.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub path: Option<Vec<String>>,
}
endpoint!(CapabilitiesAccessor {} => CapabilitiesReply: Update "capabilities-accessor");

/// `POST sys/capabilities-self`: tells what the caller may do at each of some paths.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CapabilitiesSelf {
    /// The paths.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub paths: Option<Vec<String>>,
    /// The older spelling of `paths`.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub path: Option<Vec<String>>,
}
endpoint!(CapabilitiesSelf {} => CapabilitiesReply: Update "capabilities-self");
