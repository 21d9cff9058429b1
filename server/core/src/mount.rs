//! The mount table: which engine answers below which path.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::token::{TokenKind, TokenType};

/// One line of the mount table, as it is stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct MountEntry {
    /// Where it answers, with a slash at the end and without `auth/`: `transit/`.
    pub path: String,
    /// The type of engine: `transit`, `kv`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id under which its data is stored; it survives a move.
    pub uuid: String,
    /// The handle that identity and audit refer to: `transit_1a2b3c4d`.
    pub accessor: String,
    /// What its operator wrote about it.
    pub description: String,
    /// What can be tuned.
    #[serde(default)]
    pub config: MountConfig,
    /// What the engine is told: `version` of a `kv`.
    pub options: Option<BTreeMap<String, String>>,
    /// Kept for clients that set it; it changes nothing on one cluster.
    #[serde(default)]
    pub local: bool,
    /// Kept for clients that set it; every value is sealed by the barrier.
    #[serde(default)]
    pub seal_wrap: bool,
}

/// What can be tuned of a mount; times in whole seconds, 0 is the system's default.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct MountConfig {
    /// How long leases and tokens last where nothing else is asked.
    pub default_lease_ttl: u64,
    /// How long they may last at most.
    pub max_lease_ttl: u64,
    /// Kept for clients that set it.
    pub force_no_cache: bool,
    /// `unauth` shows the mount to callers without a token; empty or `hidden` does not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub listing_visibility: String,
    /// Request parameters that the audit log shows as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit_non_hmac_request_keys: Vec<String>,
    /// Response fields that the audit log shows as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audit_non_hmac_response_keys: Vec<String>,
    /// Request headers that the engine gets to see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passthrough_request_headers: Vec<String>,
    /// Response headers that the engine may set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_response_headers: Vec<String>,
    /// Which kind of token its logins give; auth methods only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<TokenType>,
    /// When who fails to log in is locked out, where that was tuned; auth methods with logins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_lockout_config: Option<UserLockout>,
}

/// What is tuned of lockouts at a mount; times in whole seconds, 0 leaves it to the configuration.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct UserLockout {
    /// After how long without a failure the count begins anew.
    pub user_lockout_counter_reset_duration: u64,
    /// Whether nobody is locked out there, whatever the configuration says.
    pub user_lockout_disable: bool,
    /// For how long a name is locked.
    pub user_lockout_duration: u64,
    /// How many failures in a row lock.
    pub user_lockout_threshold: u64,
}

/// How long leases and tokens last: those of a mount, or those of all mounts that say nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlLimits {
    /// Where nothing else is asked; what is above the maximum is capped when it is granted.
    pub default: Duration,
    /// At most.
    pub max: Duration,
}

impl TtlLimits {
    /// What a server has that is told nothing else: Vault's 32 days, for both.
    pub const USUAL: Self = Self {
        default: Duration::from_secs(768 * 3600),
        max: Duration::from_secs(768 * 3600),
    };

    /// Returns the same with a maximum beside the mount's; zero is none.
    #[must_use]
    pub(crate) fn capped(self, max: Duration) -> Self {
        match max {
            Duration::ZERO => self,
            max => Self {
                max: self.max.min(max),
                ..self
            },
        }
    }
}

impl MountConfig {
    /// Decides on the kind of a token that a login asks for.
    #[must_use]
    pub fn token_kind(&self, asked: Option<TokenKind>) -> TokenKind {
        self.token_type.unwrap_or_default().kind(asked)
    }

    /// Returns the limits as they take effect in a system; each that is tuned comes before the
    /// system's, also where it is longer.
    #[must_use]
    pub(crate) fn limits(&self, system: TtlLimits) -> TtlLimits {
        let or = |seconds, system| match seconds {
            0 => system,
            seconds => Duration::from_secs(seconds),
        };
        TtlLimits {
            default: or(self.default_lease_ttl, system.default),
            max: or(self.max_lease_ttl, system.max),
        }
    }
}
