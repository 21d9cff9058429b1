//! How many requests a client may send.

use serde::{Deserialize, Serialize, Serializer};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `LIST sys/quotas/rate-limit`: lists the names of the rate limits.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListRateLimits {}
endpoint!(ListRateLimits {} => RateLimits: List "quotas/rate-limit");

/// The names of rate limits.
#[derive(Debug, Deserialize, Serialize)]
pub struct RateLimits {
    /// Sorted.
    pub keys: Vec<String>,
}

/// `GET sys/quotas/rate-limit/:name`: reads one rate limit.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadRateLimit {
    /// Which.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadRateLimit { name } => RateLimit: Read "quotas/rate-limit/{name}");

/// A rate limit; times are in seconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct RateLimit {
    /// For how long a client that went over the limit gets nothing; 0 for as long as the interval
    /// lasts.
    pub block_interval: u64,
    /// Whether it holds in namespaces below; true for the one without a path.
    pub inheritable: bool,
    /// How long an interval lasts.
    pub interval: u64,
    /// Its name.
    pub name: String,
    /// What it holds for: a mount, a path, a path that ends in `*`, or all.
    pub path: String,
    /// How many requests each client may send in an interval.
    #[serde(serialize_with = "plain")]
    pub rate: f64,
    /// Always empty.
    pub role: String,
    /// `rate-limit`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Writes a whole number without decimals, as Go does.
fn plain<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    /// Up to here every whole number is one.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is a whole number, and small enough"
    )]
    if number.fract() == 0.0 && number.abs() <= EXACT {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// `POST sys/quotas/rate-limit/:name`: makes a rate limit, or makes it another one.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteRateLimit {
    /// Its name.
    #[serde(skip_serializing)]
    pub name: String,
    /// Kept for clients that send it: `rate-limit`.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// What it holds for: a mount (`transit/`), a path (`auth/token/create`), a path that ends in
    /// `*`; nothing for all. Of several the most special one counts.
    #[serde(deserialize_with = "coerce::text")]
    pub path: Option<String>,
    /// The role of a login that it holds for: no auth method here has roles, so it is refused.
    #[serde(deserialize_with = "coerce::text")]
    pub role: Option<String>,
    /// How many requests each client address may send in an interval, more than 0.
    #[serde(deserialize_with = "coerce::number")]
    pub rate: Option<f64>,
    /// How long an interval lasts; a second if nothing is said.
    #[serde(deserialize_with = "coerce::seconds")]
    pub interval: Option<i64>,
    /// For how long a client that went over the limit gets nothing.
    #[serde(deserialize_with = "coerce::seconds")]
    pub block_interval: Option<i64>,
    /// Kept for clients that send it: there is one namespace.
    #[serde(deserialize_with = "coerce::flag")]
    pub inheritable: Option<bool>,
}
endpoint!(WriteRateLimit { name } => (): Update "quotas/rate-limit/{name}");

/// `DELETE sys/quotas/rate-limit/:name`: removes a rate limit.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteRateLimit {
    /// Which.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteRateLimit { name } => (): Delete "quotas/rate-limit/{name}");

/// `GET sys/quotas/config`: tells what holds for all quotas.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadQuotaConfig {}
endpoint!(ReadQuotaConfig {} => QuotaConfig: Read "quotas/config");

/// What holds for all quotas.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct QuotaConfig {
    /// Paths that no quota holds for; they may end in `*`. With one namespace, the same as
    /// `rate_limit_exempt_paths`.
    #[serde(default)]
    pub absolute_rate_limit_exempt_paths: Vec<String>,
    /// Whether requests that were refused are on the audit record.
    pub enable_rate_limit_audit_logging: bool,
    /// Whether answers say how much of the quota is left.
    pub enable_rate_limit_response_headers: bool,
    /// Paths that no quota holds for; they may end in `*`.
    pub rate_limit_exempt_paths: Vec<String>,
}

/// `POST sys/quotas/config`: sets what holds for all quotas.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteQuotaConfig {
    /// Paths that no quota holds for; they may end in `*`.
    #[serde(deserialize_with = "coerce::list")]
    pub rate_limit_exempt_paths: Option<Vec<String>>,
    /// The same.
    #[serde(deserialize_with = "coerce::list")]
    pub absolute_rate_limit_exempt_paths: Option<Vec<String>>,
    /// Whether requests that were refused are on the audit record; false if nothing is said.
    #[serde(deserialize_with = "coerce::flag")]
    pub enable_rate_limit_audit_logging: Option<bool>,
    /// Whether answers say how much of the quota is left; false if nothing is said.
    #[serde(deserialize_with = "coerce::flag")]
    pub enable_rate_limit_response_headers: Option<bool>,
}
endpoint!(WriteQuotaConfig {} => (): Update "quotas/config");
