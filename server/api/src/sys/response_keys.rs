//! The keys that answers are signed with.

use serde::{Deserialize, Serialize};

use crate::{endpoint, transit::Jwks};

/// `GET sys/response-keys`: reads the public keys that answers to signed requests are signed with,
/// as a JSON Web Key set (RFC 7517 section 5). Beyond Vault.
///
/// The path is public, and the body is the set itself, of the type `application/jwk-set+json`;
/// caches may keep it for a minute. There is one key for as long as the store lives, and its `kid`
/// is its thumbprint (RFC 7638): clients hold on to it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadResponseKeys {}
endpoint!(ReadResponseKeys {} => Jwks: Read "response-keys", access Public; document);
