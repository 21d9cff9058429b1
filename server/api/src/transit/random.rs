//! Random bytes and hashes, for which no key is needed.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::given;
use crate::{Base64, Sensitive, coerce, endpoint};

/// `POST random[/:source][/:bytes]` makes random bytes.
///
/// As in Vault, a single segment is the number of bytes unless it names a source.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MakeRandom {
    /// Where they come from: `platform` (if not given), `seal` or `all`.
    #[serde(deserialize_with = "coerce::text")]
    pub source: Option<String>,
    /// How many, as a segment of the path; it wins over `bytes`.
    #[serde(skip_serializing, deserialize_with = "coerce::text")]
    pub urlbytes: Option<String>,
    /// How many: 32 if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub bytes: Option<i64>,
    /// How they are written: `base64` (if not given) or `hex`.
    #[serde(deserialize_with = "coerce::text")]
    pub format: Option<String>,
}
endpoint!(MakeRandom {} => RandomBytes: Update "random/{source?}/{urlbytes?}" as "random");

/// Random bytes, which will be somebody's secret.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct RandomBytes {
    /// The bytes, in the format asked for.
    pub random_bytes: Sensitive,
}

/// `POST hash[/:algorithm]` hashes data.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Hash {
    /// What to hash; may be empty.
    #[serde(deserialize_with = "given")]
    pub input: Option<Base64>,
    /// The hash: `sha2-256` if not given.
    #[serde(deserialize_with = "coerce::text")]
    pub algorithm: Option<String>,
    /// How it is written: `hex` (if not given) or `base64`.
    #[serde(deserialize_with = "coerce::text")]
    pub format: Option<String>,
}
endpoint!(Hash {} => Hashed: Update "hash/{algorithm?}" as "hash");

/// A hash.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Hashed {
    /// The hash, in the format asked for.
    pub sum: String,
}
