//! Audit devices (`sys/audit`), their hashes (`sys/audit-hash`), where their logs end
//! (`sys/audit-head`), and the request headers that they show (`sys/config/auditing`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `GET sys/audit`: lists all audit devices, by path.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListAuditDevices {}
endpoint!(ListAuditDevices {} => BTreeMap<String, AuditDevice>: Read "audit", access Sudo);

/// `PUT sys/audit/:path`: enables an audit device.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EnableAuditDevice {
    /// The name it gets.
    #[serde(skip_serializing)]
    pub path: String,
    /// The type of device: `file`, `http`, `socket` or `syslog`.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// What its operator writes about it.
    #[serde(deserialize_with = "coerce::text")]
    pub description: Option<String>,
    /// Kept for clients that set it; it changes nothing on one cluster.
    #[serde(deserialize_with = "coerce::flag")]
    pub local: Option<bool>,
    /// For every device `hmac_accessor`, `elide_list_responses`, `prefix`, `skip_test`; for a file
    /// `file_path` (also `stdout` and `discard`), `mode`, `durable`; for a socket `address`,
    /// `socket_type`, `write_timeout`; for syslog `facility`, `tag`, `address`; for http `uri`,
    /// `headers`.
    #[serde(deserialize_with = "coerce::map")]
    pub options: Option<BTreeMap<String, String>>,
}
endpoint!(EnableAuditDevice { path } => (): Update "audit/{path*}" as "audit/{path}", access Sudo; any_slash);

/// `DELETE sys/audit/:path`: disables an audit device; what it wrote stays.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DisableAuditDevice {
    /// Its name.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(DisableAuditDevice { path } => (): Delete "audit/{path*}" as "audit/{path}", access Sudo; any_slash);

/// `PUT sys/audit-hash/:path`: hashes a value as an audit device does, to look for it in the log.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HashForAudit {
    /// The name of the device.
    #[serde(skip_serializing)]
    pub path: String,
    /// The value.
    pub input: Option<Sensitive>,
}
endpoint!(HashForAudit { path } => AuditHash: Update "audit-hash/{path*}" as "audit-hash/{path}"; any_slash);

/// `GET sys/audit-head/:path`: tells where the log of an audit device ends.
///
/// It is the line of this request. Kept elsewhere, its chain value shows later whether the log was
/// shortened or written anew: `keyward audit verify -head=CHAIN`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadAuditHead {
    /// The name of the device.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(
    ReadAuditHead { path } => AuditHead: Read "audit-head/{path*}" as "audit-head/{path}",
    access Sudo; any_slash
);

/// `GET sys/config/auditing/request-headers`: reads the request headers that the audit log shows.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListAuditedHeaders {}
endpoint!(
    ListAuditedHeaders {} => AuditedHeaders: Read "config/auditing/request-headers", access Sudo
);

/// `GET sys/config/auditing/request-headers/:header`: tells how the audit log shows a request
/// header; the answer has the name as it was asked for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadAuditedHeader {
    /// Its name.
    #[serde(skip_serializing)]
    pub header: String,
}
endpoint!(
    ReadAuditedHeader { header } => BTreeMap<String, AuditedHeader>:
    Read "config/auditing/request-headers/{header*}" as "config/auditing/request-headers/{header}",
    access Sudo; any_case
);

/// `POST sys/config/auditing/request-headers/:header`: lets the audit log show a request header.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteAuditedHeader {
    /// Its name.
    #[serde(skip_serializing)]
    pub header: String,
    /// Whether its values are hashed.
    #[serde(deserialize_with = "coerce::flag")]
    pub hmac: Option<bool>,
}
endpoint!(
    WriteAuditedHeader { header } => ():
    Update "config/auditing/request-headers/{header*}" as "config/auditing/request-headers/{header}",
    access Sudo; any_case
);

/// `DELETE sys/config/auditing/request-headers/:header`: keeps a request header out of the audit
/// log.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteAuditedHeader {
    /// Its name.
    #[serde(skip_serializing)]
    pub header: String,
}
endpoint!(
    DeleteAuditedHeader { header } => ():
    Delete "config/auditing/request-headers/{header*}" as "config/auditing/request-headers/{header}",
    access Sudo; any_case
);

/// The request headers that the audit log shows.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct AuditedHeaders {
    /// By their names in lower case.
    pub headers: BTreeMap<String, AuditedHeader>,
}

/// How the audit log shows a request header.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditedHeader {
    /// Whether its values are hashed.
    pub hmac: bool,
}

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

/// What `sys/audit-head` answers: the last line of a log.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AuditHead {
    /// The name of the device, with a slash at the end.
    pub path: String,
    /// The number of the line, from 1 for the first that the device wrote.
    pub sequence: u64,
    /// Its chain value: 64 hexadecimal digits.
    pub chain: String,
    /// When it was written, in RFC 3339.
    pub time: String,
}

/// What `sys/audit-hash` answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AuditHash {
    /// `hmac-sha256:` and 64 hexadecimal digits.
    pub hash: String,
}
