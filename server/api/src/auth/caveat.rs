//! What tokens are good for beside their policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a token role confines its tokens to. Empty lists, an empty map and 0 confine to nothing.
///
/// A token has one of these for each role on the way to it, and is good for what all of them allow:
/// a child never has more than its parent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Caveat {
    /// The origins of the pages that it may be used from (RFC 6454 section 6.2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bound_origins: Vec<String>,
    /// The keys that it may use, as patterns of mount and name: `transit/orders-*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_keys: Vec<String>,
    /// What it may do with keys, as the paths name it: `encrypt`, `sign` and the like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_operations: Vec<String>,
    /// What its ciphertexts are bound to: their associated data is this map as canonical JSON
    /// (RFC 8785).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub required_context: BTreeMap<String, String>,
    /// The most inputs of one request.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_batch: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Caveat {
    /// Tells whether it confines to nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether it says anything about keys.
    #[must_use]
    pub fn is_about_keys(&self) -> bool {
        let Self {
            bound_origins: _,
            allowed_keys,
            allowed_operations,
            required_context,
            max_batch,
        } = self;
        !(allowed_keys.is_empty()
            && allowed_operations.is_empty()
            && required_context.is_empty()
            && *max_batch == 0)
    }
}
