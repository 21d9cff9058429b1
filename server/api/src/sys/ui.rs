//! What the command line and web pages ask before they call a mount.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use super::{EngineOptions, MountOutput};
use crate::endpoint;

/// `GET sys/internal/ui/mounts`: lists the mounts that the caller may see; none without a token,
/// but for those with `listing_visibility=unauth`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UiMounts {}
endpoint!(UiMounts {} => UiMountsReply: Read "internal/ui/mounts", access Public);

/// What `GET sys/internal/ui/mounts` answers.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct UiMountsReply {
    /// The auth methods.
    pub auth: BTreeMap<String, ShownMount>,
    /// The secrets engines.
    pub secret: BTreeMap<String, ShownMount>,
}

/// One mount, as the caller may see it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum ShownMount {
    /// All of it, for a caller with a token.
    Whole(Box<MountOutput>),
    /// As much as anybody may know.
    Brief {
        /// The type of engine.
        #[serde(rename = "type")]
        kind: String,
        /// What its operator wrote about it.
        description: String,
        /// What the engine is told.
        options: Option<EngineOptions>,
    },
}

/// `GET sys/internal/ui/mounts/:path`: reads the mount that a path belongs to, if the caller may
/// use any of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UiMount {
    /// Any path of the mount.
    #[serde(skip_serializing)]
    pub path: String,
}
endpoint!(UiMount { path } => UiMountOutput:
    Read "internal/ui/mounts/{path*}" as "internal/ui/mounts/{path}", access Public);

/// One mount with its path.
#[derive(Debug, Deserialize, Serialize)]
pub struct UiMountOutput {
    /// Where it is mounted.
    pub path: String,
    /// The mount.
    #[serde(flatten)]
    pub mount: MountOutput,
}

/// `GET sys/internal/ui/resultant-acl`: tells what the caller's policies come to together.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadResultantAcl {}
endpoint!(ReadResultantAcl {} => ResultantAcl: Read "internal/ui/resultant-acl");

/// What policies come to. Rules with a `+` in their path are left out, as by Vault.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ResultantAcl {
    /// Whether everything is allowed; then nothing else is told.
    pub root: bool,
    /// The rules for one path each.
    pub exact_paths: Option<BTreeMap<String, ResultantRule>>,
    /// The rules for all paths that begin so.
    pub glob_paths: Option<BTreeMap<String, ResultantRule>>,
}

/// What is allowed on the paths of a rule; what it does not restrict is left out.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ResultantRule {
    /// The capabilities, by name.
    pub capabilities: Vec<String>,
    /// The parameters that a request may carry, `*` for any, with the values that they may have; none
    /// means every value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub allowed_parameters: BTreeMap<String, Vec<Value>>,
    /// The parameters that it must not carry, in the same form.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub denied_parameters: BTreeMap<String, Vec<Value>>,
    /// The parameters that it must carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_parameters: Vec<String>,
    /// How many seconds the answer must at least stay wrapped.
    pub min_wrapping_ttl: Option<u64>,
    /// How many seconds the answer may stay wrapped.
    pub max_wrapping_ttl: Option<u64>,
}

/// `GET sys/internal/ui/namespaces`: lists the namespaces that the caller may use beside this one:
/// none. Any token will do.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct UiNamespaces {}
endpoint!(UiNamespaces {} => UiNamespacesReply: Read "internal/ui/namespaces", access Public);

/// What `GET sys/internal/ui/namespaces` answers: nothing.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct UiNamespacesReply {}
