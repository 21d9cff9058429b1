//! Moving a mount to another path.

use serde::{Deserialize, Serialize};

use crate::{coerce, endpoint};

/// `POST sys/remount`: moves a secrets engine or an auth method, with all that it holds.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Remount {
    /// Where it is; an auth method with `auth/` in front.
    #[serde(deserialize_with = "coerce::text")]
    pub from: Option<String>,
    /// Where it shall be.
    #[serde(deserialize_with = "coerce::text")]
    pub to: Option<String>,
}
endpoint!(Remount {} => Remounted: Update "remount", access Sudo);

/// What `POST sys/remount` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Remounted {
    /// The id under which [`ReadRemount`] tells of the move.
    pub migration_id: String,
}

/// `GET sys/remount/status/:migration_id`: tells how far a move is.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRemount {
    /// The id of the move.
    pub migration_id: String,
}
endpoint!(ReadRemount { migration_id } => RemountStatus: Read "remount/status/{migration_id}");

/// What `GET sys/remount/status/:migration_id` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct RemountStatus {
    /// The id of the move.
    pub migration_id: String,
    /// The move.
    pub migration_info: Migration,
}

/// A move of a mount.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Where it was.
    pub source_mount: String,
    /// Where it is.
    pub target_mount: String,
    /// `in-progress`, `success` or `failure`; here a move is over when it is answered.
    pub status: String,
}
