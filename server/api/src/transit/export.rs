//! Keys that go elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `GET export/:kind/:name[/:version]` reads keys in the clear, which their settings must allow;
/// public keys and certificates may always be read.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ExportKey {
    /// `encryption-key`, `signing-key`, `hmac-key`, `public-key` or `certificate-chain`.
    #[serde(skip_serializing)]
    pub kind: String,
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The version: a number, `v` and a number, or `latest`; all that may decrypt if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub version: Option<String>,
    /// How keys are written: as by Vault if not given, or `raw`, `der`, `pem`.
    #[serde(deserialize_with = "coerce::text")]
    pub format: Option<String>,
}
endpoint!(ExportKey { kind, name } => ExportedKeys:
    Read "export/{kind}/{name}/{version?}" as "export/{kind}/{name}");

/// `GET byok-export/:destination/:source[/:version]` reads keys wrapped for the owner of an RSA key
/// whose public half is here.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ExportWrappedKey {
    /// The name of the RSA key.
    #[serde(skip_serializing)]
    pub destination: String,
    /// The name of the key that is wrapped.
    #[serde(skip_serializing)]
    pub source: String,
    /// The version, as in `export`.
    #[serde(deserialize_with = "coerce::text")]
    pub version: Option<String>,
    /// The hash of RSA-OAEP: `SHA256` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub hash: Option<String>,
}
endpoint!(ExportWrappedKey { destination, source } => ExportedKeys:
    Read "byok-export/{destination}/{source}/{version?}" as "byok-export/{destination}/{source}");

/// Exported keys.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ExportedKeys {
    /// The keys by version.
    pub keys: BTreeMap<u32, Sensitive>,
    /// The name of the key.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub key_type: String,
}
