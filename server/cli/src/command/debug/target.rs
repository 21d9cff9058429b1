//! What can be collected of a server.

use clap::ValueEnum;
use keyward_api::client::CallError;
use serde_json::{Value, json};

use crate::{
    session::{Raw, bare},
    transport::{Http, Unreachable},
};

/// One of the things to collect, by the names of Vault's `debug`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Target {
    /// The configuration without its secrets, once.
    Config,
    /// Processors, memory and disks.
    Host,
    /// What the server logs meanwhile.
    Log,
    /// Latencies and counts.
    Metrics,
    /// What is being worked on.
    Requests,
    /// Whether it is up and unsealed.
    ServerStatus,
}

impl Target {
    /// Every one of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Config,
        Self::Host,
        Self::Log,
        Self::Metrics,
        Self::Requests,
        Self::ServerStatus,
    ];

    /// Returns its name on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Host => "host",
            Self::Log => "log",
            Self::Metrics => "metrics",
            Self::Requests => "requests",
            Self::ServerStatus => "server-status",
        }
    }

    /// Returns the file that it is collected in.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Config => "config.json",
            Self::Host => "host_info.json",
            Self::Log => "keyward.log",
            Self::Metrics => "metrics.json",
            Self::Requests => "requests.json",
            Self::ServerStatus => "server_status.json",
        }
    }

    /// Asks the server how it is, in the form of Vault's bundles; nothing of the log, which is
    /// followed.
    pub(super) async fn sample(
        self,
        http: &Http,
        now: &str,
    ) -> Result<Option<Value>, CallError<Unreachable>> {
        let sample = match self {
            Self::Config => json!({
                "timestamp": now,
                "config": data(http, "sys/config/state/sanitized").await?,
            }),
            Self::Host => data(http, "sys/host-info").await?,
            Self::Log => return Ok(None),
            Self::Metrics => bare(http, Raw::new("GET", "sys/metrics")).await?,
            Self::Requests => json!({
                "timestamp": now,
                "requests": bare::<Value>(http, Raw::new("GET", "sys/in-flight-req")).await?,
            }),
            Self::ServerStatus => json!({
                "timestamp": now,
                "health": health(http).await?,
                "seal": bare::<Value>(http, Raw::new("GET", "sys/seal-status")).await?,
            }),
        };
        Ok(Some(sample))
    }
}

/// Reads what is in the envelope of an answer.
async fn data(http: &Http, path: &str) -> Result<Value, CallError<Unreachable>> {
    let mut answer = bare::<Value>(http, Raw::new("GET", path)).await?;
    Ok(answer["data"].take())
}

/// Reads the health of a server, whatever it is.
async fn health(http: &Http) -> Result<Value, CallError<Unreachable>> {
    let raw = Raw {
        query: "standbyok=true&sealedcode=200&uninitcode=200".to_owned(),
        ..Raw::new("GET", "sys/health")
    };
    bare(http, raw).await
}
