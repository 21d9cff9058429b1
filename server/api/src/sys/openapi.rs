//! The description of the API, for programs and for people.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/internal/specs/openapi`: lists all operations of the mounts that the caller may use any
/// of (OpenAPI 3.0.2); without a token there are none.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOpenApi {
    /// Writes `{transit_mount_path}` in the place of where a mount is.
    #[serde(deserialize_with = "coerce::flag")]
    pub generic_mount_paths: Option<bool>,
}
endpoint!(ReadOpenApi {} => serde_json::Value:
    Read "internal/specs/openapi", access Public; document);

/// `POST sys/internal/specs/openapi`: lists the same operations, for clients that say in a body how.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct QueryOpenApi(
    /// What [`ReadOpenApi`] takes.
    pub ReadOpenApi,
);
endpoint!(QueryOpenApi {} => serde_json::Value:
    Update "internal/specs/openapi", access Public; document);

/// `GET sys/internal/help/:path`, and `GET :path?help=1`: tells what can be done at a path.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadHelp {
    /// The path, with that of its mount.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(ReadHelp { path } => Help:
    Read "internal/help/{path*}" as "internal/help/{path}", access Public; document);

/// What is told of a path.
#[derive(Debug, Deserialize, Serialize)]
pub struct Help {
    /// A text for people.
    pub help: String,
    /// The same for programs (OpenAPI 3.0.2).
    pub openapi: serde_json::Value,
    /// Always none.
    pub see_also: Option<Vec<String>>,
}
