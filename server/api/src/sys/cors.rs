//! Which pages of other origins may call (the Fetch standard's CORS protocol).

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/config/cors`: tells which pages may call.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadCors {}
endpoint!(ReadCors {} => Cors: Read "config/cors", access Sudo);

/// `PUT sys/config/cors`: lets pages of the given origins call.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteCors {
    /// Exact origins such as `https://app.example.com`, or `*` alone.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_origins: Option<Vec<String>>,
    /// Request headers beyond the standard ones.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_headers: Option<Vec<String>>,
    /// Kept for clients that send it; false switches off.
    #[serde(deserialize_with = "coerce::flag")]
    pub enable: Option<bool>,
}
endpoint!(WriteCors {} => (): Update "config/cors", access Sudo);

/// `DELETE sys/config/cors`: lets no page call any more.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteCors {}
endpoint!(DeleteCors {} => (): Delete "config/cors", access Sudo);

/// What `GET sys/config/cors` answers.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Cors {
    /// Whether any page may call.
    pub enabled: bool,
    /// The origins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// All request headers that a page may send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_headers: Vec<String>,
}
