//! What can be mounted, under the name that Vault has for it: the catalog of plugins. All of them
//! are part of the server; none can be added.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `GET sys/plugins/catalog`: lists what can be mounted.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPlugins {}
endpoint!(ReadPlugins {} => Plugins: Read "plugins/catalog");

/// The catalog.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Plugins {
    /// The auth methods that can be enabled.
    pub auth: Vec<String>,
    /// The secrets engines.
    pub secret: Vec<String>,
    /// What is known of each.
    pub detailed: Vec<ListedPlugin>,
}

/// A type of mount.
#[derive(Debug, Deserialize, Serialize)]
pub struct ListedPlugin {
    /// Always true.
    pub builtin: bool,
    /// Always `supported`.
    pub deprecation_status: String,
    /// The type of mount that it is for.
    pub name: String,
    /// `auth` or `secret`.
    #[serde(rename = "type")]
    pub kind: String,
    /// That of the server.
    pub version: String,
}

/// `LIST sys/plugins/catalog/:type`: lists the types of auth methods or of secrets engines that can
/// be mounted.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListPlugins {
    /// `auth` or `secret`; of another type there are none.
    #[serde(skip_serializing, rename = "type")]
    pub kind: String,
}
endpoint!(ListPlugins { kind } => PluginNames:
    List "plugins/catalog/{type}" as "plugins/catalog/{kind}", access Sudo);

/// Names of plugins.
#[derive(Debug, Deserialize, Serialize)]
pub struct PluginNames {
    /// In alphabetical order.
    pub keys: Vec<String>,
}

/// `GET sys/plugins/catalog/:type/:name`: tells what is known of a type that can be mounted.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadPlugin {
    /// `auth` or `secret`.
    #[serde(skip_serializing, rename = "type")]
    pub kind: String,
    /// The type of mount.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadPlugin { kind, name } => Plugin:
    Read "plugins/catalog/{type}/{name}" as "plugins/catalog/{kind}/{name}", access Sudo);

/// `POST sys/plugins/catalog/:type/:name`: refused; all that can be mounted is part of the server.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RegisterPlugin {
    /// `auth`, `database` or `secret`.
    #[serde(skip_serializing, rename = "type")]
    pub kind: String,
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(RegisterPlugin { kind, name } => ():
    Update "plugins/catalog/{type}/{name}" as "plugins/catalog/{kind}/{name}", access Sudo; free_form);

/// `DELETE sys/plugins/catalog/:type/:name`: refused; what is part of the server stays.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeregisterPlugin {
    /// `auth`, `database` or `secret`.
    #[serde(skip_serializing, rename = "type")]
    pub kind: String,
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeregisterPlugin { kind, name } => ():
    Delete "plugins/catalog/{type}/{name}" as "plugins/catalog/{kind}/{name}", access Sudo);

/// What is known of a plugin.
#[derive(Debug, Deserialize, Serialize)]
pub struct Plugin {
    /// Always none: there is no program to call.
    pub args: Option<Vec<String>>,
    /// Always true.
    pub builtin: bool,
    /// Always empty.
    pub command: String,
    /// Always `supported`.
    pub deprecation_status: String,
    /// The type of mount that it is for.
    pub name: String,
    /// Always empty.
    pub sha256: String,
    /// That of the server.
    pub version: String,
}

/// `POST sys/plugins/reload/backend`: has mounts read what they keep of their storage anew.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReloadPlugin {
    /// All mounts of this type; either this or `mounts`.
    #[serde(deserialize_with = "coerce::text")]
    pub plugin: Option<String>,
    /// The paths of the mounts, those of auth methods with `auth/`.
    #[serde(deserialize_with = "coerce::list")]
    pub mounts: Option<Vec<String>>,
    /// `global` for all servers of a cluster, which is this one.
    #[serde(deserialize_with = "coerce::text")]
    pub scope: Option<String>,
}
endpoint!(ReloadPlugin {} => Reloaded: Update "plugins/reload/backend");

/// What `POST sys/plugins/reload/backend` answers, once it is done.
#[derive(Debug, Deserialize, Serialize)]
pub struct Reloaded {
    /// The id of the request.
    pub reload_id: String,
}
