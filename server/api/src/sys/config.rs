//! The configuration: seen, and read anew.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/config/state/sanitized`: reads the configuration of the server, with no secret in it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadSanitizedConfig {}
endpoint!(ReadSanitizedConfig {} => Map<String, Value>: Read "config/state/sanitized");

/// `PUT sys/config/reload/:subsystem`: reads files anew without a restart.
///
/// The subsystem `audit` opens the audit files anew, `listener` reads the certificates of the
/// listeners; SIGHUP does both.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReloadConfig {
    /// What to read anew: `audit` or `listener`.
    pub subsystem: String,
}
endpoint!(ReloadConfig { subsystem } => (): Update "config/reload/{subsystem}", access Sudo);

/// `LIST sys/config/ui/headers`: lists the names of the headers that answers below `/ui` carry.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListUiHeaders {}
endpoint!(ListUiHeaders {} => UiHeaderNames: List "config/ui/headers", access Sudo);

/// The names of headers.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UiHeaderNames {
    /// The names.
    pub keys: Vec<String>,
}

/// `GET sys/config/ui/headers/:header`: reads a header that answers below `/ui` carry.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadUiHeader {
    /// The name, in any case.
    #[serde(skip_serializing)]
    pub header: String,
    /// Whether to answer with all values rather than the first.
    #[serde(deserialize_with = "coerce::flag")]
    pub multivalue: Option<bool>,
}
endpoint!(ReadUiHeader { header } => UiHeader: Read "config/ui/headers/{header}", access Sudo; any_case);

/// The values of a header.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UiHeader {
    /// The first value, unless all were asked for.
    pub value: Option<String>,
    /// All values, if they were asked for.
    pub values: Option<Vec<String>>,
}

/// `PUT sys/config/ui/headers/:header`: has answers below `/ui` carry a header.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteUiHeader {
    /// The name; none that begins with `X-Vault-`.
    #[serde(skip_serializing)]
    pub header: String,
    /// The values, each a header of its own.
    #[serde(deserialize_with = "coerce::list")]
    pub values: Option<Vec<String>>,
}
endpoint!(WriteUiHeader { header } => (): Update "config/ui/headers/{header}", access Sudo; any_case);

/// `DELETE sys/config/ui/headers/:header`: has answers below `/ui` no longer carry a header.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteUiHeader {
    /// The name, in any case.
    #[serde(skip_serializing)]
    pub header: String,
}
endpoint!(DeleteUiHeader { header } => (): Delete "config/ui/headers/{header}", access Sudo; any_case);
