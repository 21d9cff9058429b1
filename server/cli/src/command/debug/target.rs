//! What can be collected of a server.

use clap::ValueEnum;
use keyward_api::{
    Endpoint,
    client::CallError,
    sys::{
        ReadHealth, ReadHostInfo, ReadInFlight, ReadMetrics, ReadSanitizedConfig, ReadSealStatus,
    },
};
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
                "config": data::<ReadSanitizedConfig>(http).await?,
            }),
            Self::Host => data::<ReadHostInfo>(http).await?,
            Self::Log => return Ok(None),
            Self::Metrics => read::<ReadMetrics>(http, "").await?,
            Self::Requests => json!({
                "timestamp": now,
                "requests": read::<ReadInFlight>(http, "").await?,
            }),
            Self::ServerStatus => json!({
                "timestamp": now,
                "health": read::<ReadHealth>(http, WHATEVER_IT_IS).await?,
                "seal": read::<ReadSealStatus>(http, "").await?,
            }),
        };
        Ok(Some(sample))
    }
}

/// Has the health of a server answered whatever it is.
const WHATEVER_IT_IS: &str = "standbyok=true&sealedcode=200&uninitcode=200";

/// Reads what is in the envelope of an answer.
async fn data<E: Endpoint>(http: &Http) -> Result<Value, CallError<Unreachable>> {
    Ok(read::<E>(http, "").await?["data"].take())
}

/// Reads an answer as it is.
pub(super) async fn read<E: Endpoint>(
    http: &Http,
    query: &str,
) -> Result<Value, CallError<Unreachable>> {
    let path = format!("sys/{}", E::PATH);
    let raw = Raw {
        query: query.to_owned(),
        ..Raw::new(E::OPERATION.method(), &path)
    };
    bare(http, raw).await
}
