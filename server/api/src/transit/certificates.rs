//! Certificates for signing keys.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `POST keys/:name/csr` makes a request for a certificate (PKCS#10, RFC 2986), signed by the key.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MakeCertificateRequest {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The version that signs; the latest if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub version: Option<i64>,
    /// PEM of a request whose subject and attributes, extensions among them, the new one takes
    /// over; whose key it has and who signed it does not matter. If not given, the subject is
    /// empty.
    #[serde(deserialize_with = "coerce::text")]
    pub csr: Option<String>,
}
endpoint!(MakeCertificateRequest { name } => CertificateRequest: Update "keys/{name}/csr");

/// A request for a certificate.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct CertificateRequest {
    /// The request in PEM.
    pub csr: String,
    /// The name of the key.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub key_type: String,
}

/// `POST keys/:name/set-certificate` keeps certificates with the version of the key they are for.
/// Nobody's signature on them is verified.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct SetCertificateChain {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
    /// The version; the latest if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub version: Option<i64>,
    /// The certificates in PEM: first the one of the key, then those of authorities.
    #[serde(deserialize_with = "coerce::text")]
    pub certificate_chain: Option<String>,
}
endpoint!(SetCertificateChain { name } => CertificateChain: Update "keys/{name}/set-certificate");

/// The certificates of a version of a key.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct CertificateChain {
    /// The certificates as they were given.
    pub certificate_chain: String,
    /// The name of the key.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub key_type: String,
}
