//! The description of the API for programs.

use serde::{Deserialize, Serialize};

use crate::{coerce, endpoint};

/// `GET sys/internal/specs/openapi`: all operations of the mounts that the caller may use any of
/// (OpenAPI 3.0.2); without a token there are none.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOpenApi {
    /// Writes `{transit_mount_path}` in the place of where a mount is.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "coerce::flag"
    )]
    pub generic_mount_paths: Option<bool>,
}
endpoint!(ReadOpenApi {} => serde_json::Value:
    Read "internal/specs/openapi", access Public; document);
