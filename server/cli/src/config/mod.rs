//! The server's configuration file, HCL or JSON, with Vault's names for its stanzas.
//!
//! ```text
//! storage "sled" { path = "/var/lib/keyward" }
//! listener "tcp" {
//!   address       = "127.0.0.1:8200"
//!   tls_cert_file = "/etc/keyward/cert.pem"
//!   tls_key_file  = "/etc/keyward/key.pem"
//! }
//! cluster_name = "production"
//! log_level    = "info"
//! ```
//! `seal "NAME" { … }` names a seal that opens by itself; without it people unseal. It may stand in
//! several files: of a setting or a storage the last counts, listeners and seals are all there.
//!
//! **Invariant:** a key that is not enforced is refused or warned of by name and line, never
//! ignored; every default of the server stands here.

mod elsewhere;
mod listener;
mod lockout;
mod log;
mod seal;
pub(crate) mod shown;
mod sources;
mod telemetry;
mod tls;
mod value;

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, anyhow, bail};
use keyward_api::proof::Address;
use keyward_builtin::storage;
use keyward_core::{
    LockoutConfig, OptionalEndpoints, Telemetry, TtlLimits,
    hcl::{self, Body, Entry},
};
use keyward_http::Rules;
use serde_json::{Map, Value};
use tracing::Level;

use self::value::{duration, duration_or_none, flag, plain, refuse, text, texts, unknown};
pub(crate) use listener::{ListenerConfig, Place};
pub(crate) use log::LogConfig;
pub(crate) use seal::SealConfigs;
pub(crate) use sources::Source;

use crate::Environment;

/// Where a server listens unless told otherwise.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:8200";

/// What a server is told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) storage: StorageConfig,
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) seals: SealConfigs,
    /// Where clients reach the server; empty if nobody said.
    pub(crate) api_addr: String,
    /// Where they reach it too, under other names.
    pub(crate) client_addresses: Vec<Address>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) log: LogConfig,
    /// Where the number of the process is written.
    pub(crate) pid_file: Option<PathBuf>,
    /// All of it, as operators may see it.
    pub(crate) shown: Map<String, Value>,
    pub(crate) telemetry: Telemetry,
    pub(crate) lockouts: LockoutConfig,
    /// How long leases and tokens last at mounts that are not tuned.
    pub(crate) lease_ttls: TtlLimits,
    /// What of the API there is only if it is asked for.
    pub(crate) endpoints: OptionalEndpoints,
    /// Whether every answer names this machine.
    pub(crate) names_host: bool,
    /// What stands there that has no effect, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Which store, and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorageConfig {
    pub(crate) name: String,
    pub(crate) settings: storage::Settings,
}

impl Config {
    /// Reads the files of a configuration; the environment says more of its seals.
    pub(crate) fn read(sources: &[Source], environment: &Environment) -> Result<Self> {
        let bodies = parse(sources)?;
        let storage = storage_of(sources, &bodies)?.ok_or_else(|| {
            anyhow!("the configuration needs one storage \"sled\" {{ … }} stanza, and has none")
        })?;
        let config = Self::of(storage).with(sources, &bodies, environment)?;
        if config.listeners.is_empty() {
            bail!("the configuration has no listener \"tcp\" {{ … }} stanza");
        }
        Ok(config)
    }

    /// Reads files that need not say everything: the rest is as it is here, and listeners are added.
    pub(crate) fn under(mut self, sources: &[Source], environment: &Environment) -> Result<Self> {
        let bodies = parse(sources)?;
        if let Some(storage) = storage_of(sources, &bodies)? {
            self.storage = storage;
        }
        self.with(sources, &bodies, environment)
    }

    /// Takes all that files say but their storage, and what the environment says.
    fn with(
        mut self,
        sources: &[Source],
        bodies: &[Body],
        environment: &Environment,
    ) -> Result<Self> {
        let files = || sources.iter().zip(bodies);
        let mut rules = Rules::default();
        for (source, body) in files() {
            source.naming(self.take(body, source, &mut rules))?;
        }
        if self.lease_ttls.default > self.lease_ttls.max {
            bail!(
                "default_lease_ttl ({}s) cannot be larger than max_lease_ttl ({}s)",
                self.lease_ttls.default.as_secs(),
                self.lease_ttls.max.as_secs()
            );
        }
        self.seals.complete(environment)?;
        if let Some(address) = environment.setting("API_ADDR") {
            address.clone_into(&mut self.api_addr);
        }
        // Last, since what all listeners share may stand in a later file.
        for (source, body) in files() {
            source.naming(self.listen(body, source, &rules))?;
        }
        self.shown = shown::of(bodies, &self);
        Ok(self)
    }

    /// Says of a storage what a server does that is told nothing else.
    pub(crate) fn of(storage: StorageConfig) -> Self {
        Self {
            storage,
            listeners: Vec::new(),
            seals: SealConfigs::default(),
            api_addr: String::new(),
            client_addresses: Vec::new(),
            cluster_name: None,
            log: LogConfig::default(),
            pid_file: None,
            shown: Map::new(),
            telemetry: Telemetry::default(),
            lockouts: LockoutConfig::default(),
            lease_ttls: TtlLimits::USUAL,
            endpoints: OptionalEndpoints::default(),
            names_host: false,
            warnings: Vec::new(),
        }
    }

    /// Takes what a file says, but for its storage and its listeners.
    fn take(&mut self, body: &Body, source: &Source, rules: &mut Rules) -> Result<()> {
        self.seals.take(body)?;
        lockout::take(&mut self.lockouts, body)?;
        for entry in &body.entries {
            match entry.key.as_str() {
                // Read elsewhere, whole.
                "storage" | "listener" | "seal" | "user_lockout" => {}
                "api_addr" => self.api_addr = text(entry)?,
                "client_addresses" => self.client_addresses = addresses(entry)?,
                "cluster_name" => self.cluster_name = Some(text(entry)?),
                "default_lease_ttl" => self.lease_ttls.default = lease_ttl(entry)?,
                "default_max_request_duration" => {
                    rules.limits.max_request_duration = duration(entry)?;
                }
                "enable_response_header_hostname" => self.names_host = flag(entry)?,
                "introspection_endpoint" => self.endpoints.introspection = flag(entry)?,
                "log_requests_level" => rules.log_requests = level(entry)?,
                "max_lease_ttl" => self.lease_ttls.max = lease_ttl(entry)?,
                "pid_file" => {
                    let file = Some(text(entry)?).filter(|file| !file.is_empty());
                    self.pid_file = file.map(PathBuf::from);
                }
                "raw_storage_endpoint" => self.endpoints.raw_storage = flag(entry)?,
                "telemetry" => self.telemetry = telemetry::read(entry)?,
                "unsafe_allow_api_audit_creation" if flag(entry)? => {}
                "unsafe_allow_api_audit_creation" => {
                    return Err(refuse(
                        entry,
                        "must be true: audit devices are enabled over the API",
                    ));
                }
                _ if self.log.take(entry)? => {}
                other => match elsewhere::take(entry)? {
                    None => return Err(unknown("stanza or setting", other, entry.position)),
                    Some(told) => self.warn(entry, source, told),
                },
            }
        }
        Ok(())
    }

    /// Takes the listeners of a file.
    fn listen(&mut self, body: &Body, source: &Source, rules: &Rules) -> Result<()> {
        for block in body.labelled("listener").map_err(in_line)? {
            self.listeners.push(ListenerConfig::read(block, rules)?);
            if let Some(entry) = block.body.find("cluster_address") {
                let told = "has no effect: there is one node, and so no cluster to listen for";
                self.warn(entry, source, Some(told.to_owned()));
            }
        }
        Ok(())
    }

    fn warn(&mut self, entry: &Entry, source: &Source, told: Option<String>) {
        let place = source.place(entry.position.line);
        let warning = told.map(|told| format!("\"{}\" {place} {told}", entry.key));
        self.warnings.extend(warning);
    }
}

/// Reads how long a lease lasts; 0 is as long as if nothing was said.
fn lease_ttl(entry: &Entry) -> Result<Duration> {
    let ttl = duration_or_none(entry)?;
    Ok(ttl.unwrap_or(TtlLimits::USUAL.max))
}

/// Reads at which level requests are logged that were answered; none if they are not.
fn level(entry: &Entry) -> Result<Option<Level>> {
    Ok(Some(match &*text(entry)?.trim().to_ascii_lowercase() {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "info" => Level::INFO,
        "warn" => Level::WARN,
        "error" => Level::ERROR,
        "" | "off" => return Ok(None),
        _ => {
            let problem = "must be trace, debug, info, warn, error or off";
            return Err(refuse(entry, problem));
        }
    }))
}

fn parse(sources: &[Source]) -> Result<Vec<Body>> {
    let parse = |source: &Source| source.naming(hcl::parse(&source.text).map_err(in_line));
    sources.iter().map(parse).collect()
}

/// Finds the storage: that of the last file with one counts.
fn storage_of(sources: &[Source], bodies: &[Body]) -> Result<Option<StorageConfig>> {
    let mut found = None;
    for (source, body) in sources.iter().zip(bodies) {
        found = source.naming(storage_in(body))?.or(found);
    }
    Ok(found)
}

/// Says where a file cannot be understood, in the words of the other refusals.
fn in_line(error: hcl::Error) -> anyhow::Error {
    anyhow!("line {}: {}", error.position.line, error.message)
}

/// Reads the addresses that clients sign requests for, beside those that the server knows itself.
fn addresses(entry: &Entry) -> Result<Vec<Address>> {
    /// Each costs a verification where a signature is none.
    const MOST: usize = 16;
    let texts = texts(entry)?;
    if texts.len() > MOST {
        return Err(refuse(entry, format!("has more than {MOST} addresses")));
    }
    let addresses = texts.iter().map(|text| Address::parse(text));
    addresses
        .collect::<Result<_, _>>()
        .map_err(|error| refuse(entry, format!("has an item that is none: {error}")))
}

fn storage_in(body: &Body) -> Result<Option<StorageConfig>> {
    let blocks = body.labelled("storage").map_err(in_line)?;
    let block = match blocks[..] {
        [] => return Ok(None),
        [block] => block,
        [_, second, ..] => bail!(
            "the storage {:?} at line {} is one too many",
            second.label,
            second.position.line
        ),
    };
    if storage::storage(block.label).is_none() {
        return Err(unknown("storage backend", block.label, block.position));
    }
    let settings = block.body.entries.iter();
    let settings = settings.map(|entry| Ok((entry.key.clone(), plain(entry)?)));
    Ok(Some(StorageConfig {
        name: block.label.to_owned(),
        settings: settings.collect::<Result<_>>()?,
    }))
}

#[cfg(test)]
mod tests;
