//! Mounts of secrets engines (`sys/mounts`) and auth methods (`sys/auth`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// The options of an engine, such as the `version` of a `kv`.
pub type EngineOptions = BTreeMap<String, String>;

/// `GET sys/mounts`: lists all secrets engines.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListMounts {}
endpoint!(ListMounts {} => BTreeMap<String, MountOutput>: Read "mounts");

/// `GET sys/auth`: lists all auth methods.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListAuth {}
endpoint!(ListAuth {} => BTreeMap<String, MountOutput>: Read "auth");

/// One mount, as lists and reads show it.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct MountOutput {
    /// The type of engine.
    #[serde(rename = "type")]
    pub kind: String,
    /// What its operator wrote about it.
    pub description: String,
    /// The handle that identity and audit refer to.
    pub accessor: String,
    /// The id under which its data is stored.
    pub uuid: String,
    /// What can be tuned.
    pub config: serde_json::Value,
    /// What the engine is told.
    #[serialize_always]
    pub options: Option<EngineOptions>,
    /// Always false or as set; it changes nothing.
    pub local: bool,
    /// Always false or as set; it changes nothing.
    pub seal_wrap: bool,
    /// Always false.
    pub external_entropy_access: bool,
    /// Always empty: engines are built in.
    pub plugin_version: String,
    /// The version of the server, as a built-in plugin.
    pub running_plugin_version: String,
    /// Always empty: engines are built in.
    pub running_sha256: String,
    /// `supported`, for engines that an operator mounts.
    pub deprecation_status: Option<String>,
}

/// The `config` object of a new mount.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct MountConfigInput {
    /// How long leases last where nothing else is asked.
    #[serde(deserialize_with = "coerce::text")]
    pub default_lease_ttl: Option<String>,
    /// How long leases may last at most.
    #[serde(deserialize_with = "coerce::text")]
    pub max_lease_ttl: Option<String>,
    /// Kept for clients that set it.
    #[serde(deserialize_with = "coerce::flag")]
    pub force_no_cache: Option<bool>,
    /// `unauth` or `hidden`.
    #[serde(deserialize_with = "coerce::text")]
    pub listing_visibility: Option<String>,
    /// Request parameters that the audit log shows as they are.
    #[serde(deserialize_with = "coerce::list")]
    pub audit_non_hmac_request_keys: Option<Vec<String>>,
    /// Response fields that the audit log shows as they are.
    #[serde(deserialize_with = "coerce::list")]
    pub audit_non_hmac_response_keys: Option<Vec<String>>,
    /// Request headers that the engine gets to see.
    #[serde(deserialize_with = "coerce::list")]
    pub passthrough_request_headers: Option<Vec<String>>,
    /// Response headers that the engine may set.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_response_headers: Option<Vec<String>>,
    /// The type of the tokens of an auth method.
    #[serde(deserialize_with = "coerce::text")]
    pub token_type: Option<String>,
    /// When who fails to log in with an auth method is locked out.
    pub user_lockout_config: Option<UserLockoutInput>,
    /// The type of engine where the type of the mount is `plugin`.
    #[serde(deserialize_with = "coerce::text")]
    pub plugin_name: Option<String>,
}

/// When who fails to log in is locked out; what is left out stays as it is, and what is 0 is left to
/// the configuration of the server.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct UserLockoutInput {
    /// How many failures in a row lock.
    #[serde(deserialize_with = "coerce::text")]
    pub lockout_threshold: Option<String>,
    /// For how long: seconds, or a duration such as `15m`.
    #[serde(deserialize_with = "coerce::text")]
    pub lockout_duration: Option<String>,
    /// After how long without a failure the count begins anew.
    #[serde(deserialize_with = "coerce::text")]
    pub lockout_counter_reset_duration: Option<String>,
    /// Whether nobody is locked out, whatever the configuration says.
    #[serde(deserialize_with = "coerce::flag")]
    pub lockout_disable: Option<bool>,
}

/// `POST sys/mounts/:path`: mounts a secrets engine.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct EnableMount {
    /// Where.
    #[serde(skip_serializing)]
    pub path: String,
    /// The type of engine; `plugin`, as older clients have it, leaves that to `plugin_name`.
    #[serde(rename = "type")]
    #[serde(deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// What to write about it.
    #[serde(deserialize_with = "coerce::text")]
    pub description: Option<String>,
    /// What can be tuned.
    pub config: Option<MountConfigInput>,
    /// What the engine is told.
    #[serde(deserialize_with = "coerce::map")]
    pub options: Option<EngineOptions>,
    /// Kept for clients that set it.
    #[serde(deserialize_with = "coerce::flag")]
    pub local: Option<bool>,
    /// Kept for clients that set it.
    #[serde(deserialize_with = "coerce::flag")]
    pub seal_wrap: Option<bool>,
    /// Kept for clients that set it.
    #[serde(deserialize_with = "coerce::flag")]
    pub external_entropy_access: Option<bool>,
    /// The type of engine where `type` is `plugin`.
    #[serde(deserialize_with = "coerce::text")]
    pub plugin_name: Option<String>,
    /// Kept for clients that set it; engines are built in.
    #[serde(deserialize_with = "coerce::text")]
    pub plugin_version: Option<String>,
}
endpoint!(EnableMount { path } => (): Update "mounts/{path*}" as "mounts/{path}"; any_slash);

/// `DELETE sys/mounts/:path`: unmounts a secrets engine and removes its data.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DisableMount {
    /// Where.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(DisableMount { path } => (): Delete "mounts/{path*}" as "mounts/{path}"; any_slash);

/// `GET sys/mounts/:path`: reads one secrets engine.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadMount {
    /// Where.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(ReadMount { path } => MountOutput: Read "mounts/{path*}" as "mounts/{path}"; any_slash);

/// `GET sys/mounts/:path/tune`: tells what is tuned of a mount.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadTune {
    /// Where; `auth/…` names an auth method.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(ReadTune { path } => TuneOutput: Read "mounts/{path+}/tune" as "mounts/{path}/tune");

/// `POST sys/mounts/:path/tune`: tunes a mount.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Tune {
    /// Where; `auth/…` names an auth method.
    #[serde(skip_serializing)]
    pub path: String,
    /// What to write about it.
    #[serde(deserialize_with = "coerce::text")]
    pub description: Option<String>,
    /// What the engine is told.
    #[serde(deserialize_with = "coerce::map")]
    pub options: Option<EngineOptions>,
    /// How long leases last where nothing else is asked.
    #[serde(deserialize_with = "coerce::text")]
    pub default_lease_ttl: Option<String>,
    /// How long leases may last at most.
    #[serde(deserialize_with = "coerce::text")]
    pub max_lease_ttl: Option<String>,
    /// `unauth` or `hidden`.
    #[serde(deserialize_with = "coerce::text")]
    pub listing_visibility: Option<String>,
    /// Request parameters that the audit log shows as they are.
    #[serde(deserialize_with = "coerce::list")]
    pub audit_non_hmac_request_keys: Option<Vec<String>>,
    /// Response fields that the audit log shows as they are.
    #[serde(deserialize_with = "coerce::list")]
    pub audit_non_hmac_response_keys: Option<Vec<String>>,
    /// Request headers that the engine gets to see.
    #[serde(deserialize_with = "coerce::list")]
    pub passthrough_request_headers: Option<Vec<String>>,
    /// Response headers that the engine may set.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_response_headers: Option<Vec<String>>,
    /// The type of the tokens of an auth method.
    #[serde(deserialize_with = "coerce::text")]
    pub token_type: Option<String>,
    /// When who fails to log in with an auth method is locked out.
    pub user_lockout_config: Option<UserLockoutInput>,
    /// The version of the engine: that of the server is the only one there is.
    #[serde(deserialize_with = "coerce::text")]
    pub plugin_version: Option<String>,
}
endpoint!(Tune { path } => (): Update "mounts/{path+}/tune" as "mounts/{path}/tune");

/// What is tuned of a mount: times in seconds as they take effect.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct TuneOutput {
    /// How long leases last where nothing else is asked.
    pub default_lease_ttl: u64,
    /// How long leases may last at most.
    pub max_lease_ttl: u64,
    /// What its operator wrote about it.
    pub description: String,
    /// As set; it changes nothing.
    pub force_no_cache: bool,
    /// What the engine is told, if anything.
    pub options: Option<EngineOptions>,
    /// `unauth` or `hidden`, if set.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub listing_visibility: String,
    /// Request parameters that the audit log shows as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit_non_hmac_request_keys: Vec<String>,
    /// Response fields that the audit log shows as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit_non_hmac_response_keys: Vec<String>,
    /// Request headers that the engine gets to see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passthrough_request_headers: Vec<String>,
    /// Response headers that the engine may set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_response_headers: Vec<String>,
    /// The type of the tokens of an auth method.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_type: String,
    /// After how long without a failed login the count begins anew, where lockouts were tuned; 0
    /// leaves it to the configuration, as in the two that follow.
    pub user_lockout_counter_reset_duration: Option<u64>,
    /// Whether nobody is locked out, where lockouts were tuned.
    pub user_lockout_disable: Option<bool>,
    /// For how long who failed too often is locked out, where that was tuned.
    pub user_lockout_duration: Option<u64>,
    /// How many failed logins in a row lock, where that was tuned.
    pub user_lockout_threshold: Option<u64>,
}

/// Defines the request below `sys/auth` that is the same as one below `sys/mounts`.
macro_rules! auth_twin {
    ($auth:ident, $mount:ident, $text:literal, $path:literal, $format:literal) => {
        #[doc = $text]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(transparent)]
        pub struct $auth(pub $mount);

        impl crate::Endpoint for $auth {
            const NAME: &'static str = stringify!($auth);
            const OPERATION: crate::Operation = <$mount as crate::Endpoint>::OPERATION;
            const PATH: &'static str = $path;
            const ACCESS: crate::Access = crate::Access::Sudo;
            const ANY_SLASH: bool = <$mount as crate::Endpoint>::ANY_SLASH;
            type Reply = <$mount as crate::Endpoint>::Reply;

            fn path(&self) -> String {
                format!($format, self.0.path)
            }
        }
    };
}

auth_twin!(
    EnableAuth,
    EnableMount,
    "`POST sys/auth/:path`: mounts an auth method.",
    "auth/{path*}",
    "auth/{}"
);
auth_twin!(
    DisableAuth,
    DisableMount,
    "`DELETE sys/auth/:path`: unmounts an auth method and revokes what it granted.",
    "auth/{path*}",
    "auth/{}"
);
auth_twin!(
    ReadAuth,
    ReadMount,
    "`GET sys/auth/:path`: reads one auth method.",
    "auth/{path*}",
    "auth/{}"
);
auth_twin!(
    ReadAuthTune,
    ReadTune,
    "`GET sys/auth/:path/tune`: tells what is tuned of an auth method.",
    "auth/{path+}/tune",
    "auth/{}/tune"
);
auth_twin!(
    TuneAuth,
    Tune,
    "`POST sys/auth/:path/tune`: tunes an auth method.",
    "auth/{path+}/tune",
    "auth/{}/tune"
);
