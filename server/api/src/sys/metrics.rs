//! What an operator counts.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/metrics`: reads counts and latencies since the server started, in Vault's JSON, or as
/// text for Prometheus (exposition format 0.0.4). Latencies are in milliseconds.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadMetrics {
    /// `prometheus` for its text; nothing for JSON, unless the header `Accept` asks for
    /// `application/openmetrics-text` before all or for `prometheus/telemetry`.
    #[serde(deserialize_with = "coerce::text")]
    pub format: Option<String>,
}
endpoint!(ReadMetrics {} => serde_json::Value: Read "metrics"; document);

impl ReadMetrics {
    /// Tells whether a path below `/v1/` is this one, whose form the caller may choose by the header
    /// `Accept`.
    #[must_use]
    pub fn is_at(path: &str) -> bool {
        path == "sys/metrics"
    }
}

/// `GET sys/internal/counters/requests`: not there any more, which older pages expect to be told.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CountRequests {}
endpoint!(CountRequests {} => (): Read "internal/counters/requests");

/// `GET sys/internal/counters/tokens`: tells how many tokens are stored; batch tokens are not.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CountTokens {}
endpoint!(CountTokens {} => TokenCount: Read "internal/counters/tokens");

/// What `GET sys/internal/counters/tokens` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenCount {
    /// The one count there is.
    pub counters: TokenCounters,
}

/// `GET sys/internal/counters/entities`: tells how many entities there are.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CountEntities {}
endpoint!(CountEntities {} => EntityCount: Read "internal/counters/entities");

/// What `GET sys/internal/counters/entities` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct EntityCount {
    /// The one count there is.
    pub counters: EntityCounters,
}

/// The count of entities.
#[derive(Debug, Deserialize, Serialize)]
pub struct EntityCounters {
    /// All of them.
    pub entities: Total,
}

/// The count of tokens.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenCounters {
    /// The tokens that are stored.
    pub service_tokens: Total,
}

/// How many there are.
#[derive(Debug, Deserialize, Serialize)]
pub struct Total {
    /// The number.
    pub total: u64,
}
