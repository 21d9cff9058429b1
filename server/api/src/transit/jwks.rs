//! Public keys for JOSE libraries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint;

/// `GET keys/:name/jwks` reads the public keys as a JSON Web Key set (RFC 7517 section 5). Beyond
/// Vault.
///
/// Made for JOSE libraries, which take a URL, bring no token and know no envelope: the path is
/// public, and the body is the set itself, of the type `application/jwk-set+json`. Caches may keep
/// it for a minute. A key that does not exist and one that has nothing to show both answer 404.
///
/// A `kid` is `NAME:vN`, as in the header of a compact JWS that `sign` makes.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadJwks {
    /// The name of the key.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadJwks { name } => Jwks: Read "keys/{name}/jwks", access Public; document);

/// A JSON Web Key set.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Jwks {
    /// One key for each version that may verify or decrypt, oldest first; its members are text.
    pub keys: Vec<BTreeMap<String, String>>,
}
