//! `cargo xtask bench-http`: load on Vault-compatible servers, alone or side by side.
//!
//! Every connection sends its next request when the last was answered (a closed loop). With several
//! targets each workload runs on all of them in turn, so that a ratio compares neighbours in time.
//! Measure with a release build: `cargo run --release -p xtask -- bench-http`.

mod drive;
mod echo;
mod report;
mod target;
mod workload;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::runtime;

use crate::http::Address;
use drive::{Goal, Load};
use echo::Echo;
use report::{Memory, Report, Row};
use target::Target;
use workload::{Mounts, Workload};

/// Measure a Vault-compatible server under load, alone or side by side with others.
///
/// Sets up its own mounts and keys. The first target is the one that ratios refer to.
#[derive(Args)]
pub(crate) struct BenchHttp {
    /// The server to measure (plain http).
    #[arg(long, env = "KEYWARD_ADDR", default_value = "http://127.0.0.1:8200")]
    addr: Address,

    /// A token that may mount engines there.
    #[arg(
        long,
        env = "KEYWARD_TOKEN",
        default_value = "root",
        hide_env_values = true
    )]
    token: String,

    /// What to call it in the report.
    #[arg(long, default_value = "keyward")]
    name: String,

    /// Its process, to report its memory.
    #[arg(long)]
    pid: Option<u32>,

    /// Another server to measure in the same run; may be given several times.
    #[arg(long, value_name = "LABEL=ADDR,TOKEN[,PID]")]
    against: Vec<Target>,

    /// Measure also a bare axum handler that echoes the encrypt request: the yardstick.
    #[arg(long)]
    echo: bool,

    /// Which workloads, in this order.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Workload::ALL)]
    workload: Vec<Workload>,

    /// Kept-alive connections, each with one request in flight.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    connections: u32,

    /// Threads of the client.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,

    /// How long each workload is measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,

    /// Measure so many requests instead of a time.
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,

    /// How long each workload runs before it is measured.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=60))]
    warm_up_seconds: u64,

    /// Size of the plaintext, the signed input and the stored value.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    payload_bytes: u32,

    /// Where the transit engine is, or is to be mounted.
    #[arg(long, default_value = "bench-transit")]
    mount_transit: String,

    /// Where the KV version 2 engine is, or is to be mounted.
    #[arg(long, default_value = "bench-kv")]
    mount_kv: String,

    /// Write the figures here as JSON too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl BenchHttp {
    pub(crate) fn run(self) -> Result<()> {
        if cfg!(debug_assertions) {
            eprintln!(
                "note: this is a debug build of the client; for figures that count run\n\
                 note:   cargo run --release -p xtask -- bench-http …"
            );
        }
        let targets = self.targets()?;
        let load = self.load();
        let mounts = Mounts {
            transit: self.mount_transit.clone(),
            kv: self.mount_kv.clone(),
        };
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;

        let before: Vec<_> = targets.iter().map(Target::memory).collect();
        let mut rows = Vec::new();
        for workload in &self.workload {
            for target in &targets {
                let prepared =
                    workload.prepare(target, &mounts, load.connections, self.payload_bytes);
                let requests = runtime
                    .block_on(prepared)
                    .with_context(|| format!("cannot set up {workload} on {}", target.label))?;
                let outcome = load.run(
                    &target.address,
                    &requests,
                    &format!("{workload} {}", target.label),
                )?;
                rows.push(Row::new(&target.label, *workload, outcome));
            }
            if self.echo && *workload == Workload::Encrypt {
                let echo = Echo::start()?;
                let requests = Workload::encrypt_requests(
                    &echo.target(),
                    &mounts,
                    load.connections,
                    self.payload_bytes,
                );
                let outcome = load.run(
                    echo.address(),
                    &requests,
                    &format!("{workload} {}", Echo::LABEL),
                )?;
                rows.push(Row::new(Echo::LABEL, *workload, outcome));
            }
        }
        let memory = targets
            .iter()
            .zip(before)
            .filter_map(|(target, before)| {
                Some(Memory::new(&target.label, before?, target.memory()?))
            })
            .collect();

        let report = Report::new(&load, self.payload_bytes, rows, memory);
        println!("{report}");
        if let Some(path) = &self.json {
            fs::write(path, serde_json::to_vec_pretty(&report)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        if report.failed() {
            bail!("some requests were not answered with success");
        }
        Ok(())
    }

    fn targets(&self) -> Result<Vec<Target>> {
        let first = Target {
            label: self.name.clone(),
            address: self.addr.clone(),
            token: self.token.clone(),
            process: self.pid,
        };
        let targets: Vec<Target> = [first]
            .into_iter()
            .chain(self.against.iter().cloned())
            .collect();
        for (index, target) in targets.iter().enumerate() {
            if targets[..index]
                .iter()
                .any(|earlier| earlier.label == target.label)
            {
                bail!("two targets are called {:?}", target.label);
            }
        }
        Ok(targets)
    }

    fn load(&self) -> Load {
        Load {
            connections: self.connections,
            threads: self.threads.min(self.connections),
            warm_up: Duration::from_secs(self.warm_up_seconds),
            goal: match self.requests {
                Some(requests) => Goal::Requests(requests),
                None => Goal::Time(Duration::from_secs(self.seconds)),
            },
        }
    }
}
