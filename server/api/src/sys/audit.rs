//! Audit devices (`sys/audit`) and their hashes (`sys/audit-hash`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Sensitive, coerce, endpoint};

/// `GET sys/audit`: all enabled devices, by path.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListAuditDevices {}
endpoint!(ListAuditDevices {} => BTreeMap<String, AuditDevice>: Read "audit", access Sudo);

/// `PUT sys/audit/:path`: enables a device.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EnableAuditDevice {
    /// The name it gets.
    #[serde(skip_serializing)]
    pub path: String,
    /// The type of device: `file`.
    #[serde(
        rename = "type",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub kind: Option<String>,
    /// What its operator writes about it.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::text"
    )]
    pub description: Option<String>,
    /// Kept for clients that set it; it changes nothing on one cluster.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::flag"
    )]
    pub local: Option<bool>,
    /// For every device `hmac_accessor`, `elide_list_responses`, `prefix`; for a file `file_path`
    /// (also `stdout` and `discard`), `mode`, `durable`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::map"
    )]
    pub options: Option<BTreeMap<String, String>>,
}
endpoint!(EnableAuditDevice { path } => (): Update "audit/{path*}" as "audit/{path}", access Sudo);

/// `DELETE sys/audit/:path`: disables a device; what it wrote stays.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DisableAuditDevice {
    /// Its name.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(DisableAuditDevice { path } => (): Delete "audit/{path*}" as "audit/{path}", access Sudo);

/// `PUT sys/audit-hash/:path`: hashes a value as a device does, to look for it in the log.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HashForAudit {
    /// The name of the device.
    #[serde(skip_serializing)]
    pub path: String,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Sensitive>,
}
endpoint!(HashForAudit { path } => AuditHash: Update "audit-hash/{path*}" as "audit-hash/{path}");

/// An enabled device, as lists show it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AuditDevice {
    /// Its name, with a slash at the end.
    pub path: String,
    /// The type of device.
    #[serde(rename = "type")]
    pub kind: String,
    /// What its operator wrote about it.
    pub description: String,
    /// As it was set; it changes nothing.
    pub local: bool,
    /// What it was told.
    pub options: BTreeMap<String, String>,
}

/// What `sys/audit-hash` answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AuditHash {
    /// `hmac-sha256:` and 64 hexadecimal digits.
    pub hash: String,
}
