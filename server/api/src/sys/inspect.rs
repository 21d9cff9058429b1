//! What the server makes of its mounts and of a request; only of a server whose configuration says
//! `introspection_endpoint = true`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint;

/// `GET sys/internal/inspect/router/:tag`: shows the mounts as requests are led to them.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct InspectRouter {
    /// What they are sorted by: `root` for their paths, `uuid`, `accessor` or `storage`.
    #[serde(skip_serializing)]
    pub tag: String,
}
endpoint!(InspectRouter { tag } => BTreeMap<String, Vec<InspectedMount>>:
    Read "internal/inspect/router/{tag}", access Sudo);

/// A mount.
#[skip_serializing_none]
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct InspectedMount {
    /// The handle that identity and audit refer to.
    pub accessor: String,
    /// Always empty: there is one namespace.
    pub mount_namespace: String,
    /// Where it answers, without `auth/`.
    pub mount_path: String,
    /// The type of engine or auth method.
    pub mount_type: String,
    /// Below which keys its data is stored; by `root` and `storage`.
    pub storage_prefix: Option<String>,
    /// Always false, where `storage_prefix` is told: a mount that goes takes no more requests.
    pub tainted: Option<bool>,
    /// The id under which its data is stored.
    pub uuid: String,
}

/// `GET sys/internal/inspect/request`: shows what an engine is told of this very request.
///
/// Unlike in OpenBao no token stands in the answer, nor what the query holds.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct InspectRequest {}
endpoint!(InspectRequest {} => InspectedRequest: Read "internal/inspect/request", access Sudo);

/// What an engine is told. What Vault shows beside it, and no server without plugins has, is left out.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedRequest {
    /// The id of the cluster.
    pub cluster_id: String,
    /// Always null.
    pub cluster_id_error: Option<String>,
    /// Always empty: parameters are not repeated.
    pub data: BTreeMap<String, String>,
    /// The entity of the token; null if it has none.
    pub entity: Option<InspectedEntity>,
    /// Always null.
    pub entity_error: Option<String>,
    /// All groups of the entity; null if there are none.
    pub groups: Option<Vec<InspectedGroup>>,
    /// Always null.
    pub groups_error: Option<String>,
    /// Where the engine runs.
    pub plugin_env: InspectedEnvironment,
    /// Always null.
    pub plugin_env_error: Option<String>,
    /// The request.
    pub req: RequestFacts,
    /// The version of the server.
    pub vault_version: String,
    /// Always null.
    pub vault_version_error: Option<String>,
}

/// Where an engine runs.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedEnvironment {
    /// The version of the server.
    pub vault_version: String,
}

/// An entity, as engines see it.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedEntity {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its names at auth methods.
    pub aliases: Vec<InspectedAlias>,
    /// What its keeper attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its name.
    pub name: String,
}

/// The name of an entity at an auth method.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedAlias {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// The accessor of the auth method.
    pub mount_accessor: String,
    /// The type of the auth method; empty if that is gone.
    pub mount_type: String,
    /// The name.
    pub name: String,
    /// Always `root`.
    pub namespace_id: String,
}

/// A group, as engines see it.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedGroup {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// What its keeper attached.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its name.
    pub name: String,
    /// Always `root`.
    pub namespace_id: String,
}

/// A request.
#[derive(Debug, Deserialize, Serialize)]
pub struct RequestFacts {
    /// Which client it counts for.
    pub client_id: String,
    /// Always empty: a token stands in no answer but the one that gives it.
    pub client_token: String,
    /// The accessor of the token.
    pub client_token_accessor: String,
    /// How many uses the token had left; 0 is without limit.
    pub client_token_remaining_uses: u64,
    /// Where it came from.
    pub connection: InspectedConnection,
    /// The name of the token.
    pub display_name: String,
    /// The id of the entity of the token; empty if it has none.
    pub entity_id: String,
    /// Always empty: no engine is told of headers that its mount does not pass on.
    pub headers: BTreeMap<String, Vec<String>>,
    /// Its id.
    pub id: String,
    /// The accessor of the mount.
    pub mount_accessor: String,
    /// Where the mount is.
    pub mount_point: String,
    /// The type of the mount.
    pub mount_type: String,
    /// What it does.
    pub operation: String,
    /// Its path below the mount.
    pub path: String,
    /// Always false: it has a token.
    pub unauthenticated: bool,
    /// How its answer shall be wrapped; null if it shall not.
    pub wrap_info: Option<InspectedWrapping>,
}

/// Where a request came from.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedConnection {
    /// The IP address.
    pub remote_addr: String,
    /// The port.
    pub remote_port: u16,
}

/// How an answer shall be wrapped.
#[derive(Debug, Deserialize, Serialize)]
pub struct InspectedWrapping {
    /// For how many seconds.
    pub ttl: u64,
}
