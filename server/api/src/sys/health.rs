//! Whether the server can be used, for those who route requests to it.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/health`: answers with a status that load balancers read. It leaves no audit entry, so that
/// it answers when the log cannot be written.
///
/// The states that only a cluster or a replica can be in are never those of this server: what is asked
/// of them must be well formed, as in Vault, and changes nothing.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadHealth {
    /// The status for a server that can be used, 200 to 999; 200 if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub activecode: Option<i64>,
    /// The status for a replica for recovery; 472 in Vault. No server is.
    #[serde(deserialize_with = "coerce::int")]
    pub drsecondarycode: Option<i64>,
    /// The status for one that lost its cluster; 474 in Vault. No server does.
    #[serde(deserialize_with = "coerce::int")]
    pub haunhealthycode: Option<i64>,
    /// The status for one that serves reads for another; 473 in Vault. No server does.
    #[serde(deserialize_with = "coerce::int")]
    pub performancestandbycode: Option<i64>,
    /// Whether one that serves reads for another answers as one that can be used.
    #[serde(deserialize_with = "coerce::flag")]
    pub perfstandbyok: Option<bool>,
    /// The status for one that was removed from its cluster; 530 in Vault. No server is.
    #[serde(deserialize_with = "coerce::int")]
    pub removedcode: Option<i64>,
    /// The status for one that is sealed; 503 if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub sealedcode: Option<i64>,
    /// The status for one that waits for another to end; 429 in Vault. No server does.
    #[serde(deserialize_with = "coerce::int")]
    pub standbycode: Option<i64>,
    /// Whether one that waits for another to end answers as one that can be used.
    #[serde(deserialize_with = "coerce::flag")]
    pub standbyok: Option<bool>,
    /// The status for one whose keys were not made; 501 if not given.
    #[serde(deserialize_with = "coerce::int")]
    pub uninitcode: Option<i64>,
}
endpoint!(ReadHealth {} => Health:
    Read "health", access Public, statuses [
        ("501", "The keys of the server were not made."),
        ("503", "The server is sealed."),
        ("default", "Whichever of these holds, with the status that the request asks for."),
    ]; document);

/// What `GET sys/health` answers, without an envelope.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct Health {
    /// Whether the keys were made.
    pub initialized: bool,
    /// Whether it is sealed.
    pub sealed: bool,
    /// Whether it serves nobody: it is sealed.
    pub standby: bool,
    /// Always false.
    pub performance_standby: bool,
    /// `disabled`; `unknown` while sealed.
    pub replication_performance_mode: String,
    /// `disabled`; `unknown` while sealed.
    pub replication_dr_mode: String,
    /// The time of the server, in seconds since 1970 (UTC).
    pub server_time_utc: u64,
    /// The version of the server.
    pub version: String,
    /// Always false.
    pub enterprise: bool,
    /// How long a standby node waited for the active one, in milliseconds: 0, since this is one.
    pub echo_duration_ms: i64,
    /// How far the clock of a standby node is from that of the active one, in milliseconds: 0.
    pub clock_skew_ms: i64,
    /// The name of the cluster; only while unsealed.
    pub cluster_name: Option<String>,
    /// The id of the cluster; only while unsealed.
    pub cluster_id: Option<String>,
}
