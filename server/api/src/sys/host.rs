//! The server among its machine and its neighbours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::endpoint;

/// `GET sys/host-info`: tells about the machine that the server runs on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadHostInfo {}
endpoint!(ReadHostInfo {} => HostInfo: Read "host-info");

/// A machine, in the fields of Vault's, as far as its operating system tells.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HostInfo {
    /// The processors: `cpu`, `vendorId`, `modelName`, `mhz`.
    pub cpu: Vec<Map<String, Value>>,
    /// What each processor spent its seconds on: `user`, `system`, `idle`, `iowait` and so on.
    pub cpu_times: Vec<Map<String, Value>>,
    /// The file systems: `path`, `fstype`, and `total`, `free`, `used` in bytes.
    pub disk: Vec<Map<String, Value>>,
    /// `hostname`, `os`, `platform`, `kernelVersion`, `kernelArch`, `uptime` and `bootTime` in
    /// seconds.
    pub host: Map<String, Value>,
    /// `total`, `available`, `used`, `free`, `swaptotal`, `swapfree` in bytes.
    pub memory: Map<String, Value>,
    /// When this was so (RFC 3339).
    pub timestamp: String,
}

/// `GET sys/ha-status`: lists the servers of the cluster.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadHaStatus {}
endpoint!(ReadHaStatus {} => HaStatus: Read "ha-status");

/// The servers of a cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HaStatus {
    /// Each of them.
    pub nodes: Vec<HaNode>,
}

/// One server of a cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct HaNode {
    /// The name of its machine.
    pub hostname: String,
    /// Where clients reach it, as `api_addr` says.
    pub api_address: String,
    /// Where its neighbours reach it, as `cluster_addr` says.
    pub cluster_address: String,
    /// Whether it is the one that serves.
    pub active_node: bool,
    /// When it last told that it is there (RFC 3339); nothing for the one that serves.
    pub last_echo: Option<String>,
    /// Its version.
    pub version: String,
}

/// `GET sys/in-flight-req`: lists the requests that are being worked on, by their ids.
///
/// The answer has no envelope, as in Vault.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadInFlight {}
endpoint!(ReadInFlight {} => InFlight: Read "in-flight-req"; document);

/// Requests by their ids.
pub type InFlight = BTreeMap<String, InFlightRequest>;

/// A request that is being worked on.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct InFlightRequest {
    /// When it came (RFC 3339).
    pub start_time: String,
    /// The address and port that it came from.
    pub client_remote_address: String,
    /// Its path, `/v1/` included.
    pub request_path: String,
    /// Its method.
    pub request_method: String,
    /// Who asks: the id of the entity, or what stands for all tokens of the same policies. Left out
    /// while that is not known, or without a token.
    pub client_id: Option<String>,
}

/// `GET sys/pprof/cmdline`: tells how the process was started: the words of its command line, parted
/// by NUL. The token of a development server is left out.
///
/// It is the one of Vault's `sys/pprof` that is not about the runtime of Go.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadCommandLine {}
endpoint!(ReadCommandLine {} => String: Read "pprof/cmdline", access Sudo; document);

/// `GET sys/replication/status`: tells that nothing is replicated.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadReplication {}
endpoint!(ReadReplication {} => Replication: Read "replication/status", access Public);

/// How a server shares its data with other clusters.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Replication {
    /// `disabled`: there is one cluster.
    pub mode: String,
}
