//! How many keys stay in memory.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET cache-config` reads how many keys stay in memory.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadCacheConfig {}
endpoint!(ReadCacheConfig {} => CacheConfig: Read "cache-config");

/// `POST cache-config` sets how many keys stay in memory, at once and on every node.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ConfigureCache {
    /// How many: at least 10, or 0 (if not given) to leave it to the server.
    #[serde(deserialize_with = "coerce::int")]
    pub size: Option<i64>,
}
endpoint!(ConfigureCache {} => CacheConfig: Update "cache-config");

/// How many keys stay in memory.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct CacheConfig {
    /// How many; 0 leaves it to the server, which bounds the memory that they take.
    pub size: u64,
}
