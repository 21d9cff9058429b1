//! Public keys for JOSE libraries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint;

/// `GET keys/:name/jwks` reads the public keys as a JSON Web Key set (RFC 7517 section 5). Beyond
/// Vault.
///
/// A `kid` is `NAME:vN`, as in the header of a compact JWS that `sign` makes.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadJwks {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadJwks { name } => Jwks: Read "keys/{name}/jwks");

/// A JSON Web Key set.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Jwks {
    /// One key for each version that may verify or decrypt, oldest first; its members are text.
    pub keys: Vec<BTreeMap<String, String>>,
}
