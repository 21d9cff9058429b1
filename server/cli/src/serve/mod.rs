//! `keyward server`: puts the house together and runs it until it is told to stop.

mod dev;
mod dev_tls;
mod host;
mod listeners;
mod log;
mod log_file;
mod monitor;
mod panics;
mod pid_file;
mod rotating;
mod upkeep;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use keyward_api::{coerce, proof::Address};
use keyward_builtin::{AUDIT_DEVICES, MOUNTABLE, storage};
use keyward_core::{Core, Registry, Settings, SystemClock};
use sysinfo::System;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::{
    dev::Dev,
    host::Process,
    listeners::{Certificates, Listeners},
    log::Log,
    pid_file::PidFile,
    upkeep::Upkeep,
};
use crate::{
    Environment, Io,
    config::{Config, LogConfig, Source},
};

/// The version that status endpoints and `keyward version` show.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Run a server
///
/// It runs until SIGINT or SIGTERM and then finishes the requests that it took; at SIGHUP it opens
/// its audit files and its log anew and reads its certificates again. Without -dev it starts sealed,
/// see `keyward operator init`, unless the configuration names a seal that opens by itself.
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Examples:
  keyward server -dev -dev-root-token-id=root     keeps nothing, for trying things out
  keyward server -config=/etc/keyward.hcl

A configuration file, HCL or JSON:
  storage \"sled\" { path = \"/var/lib/keyward\" }
  listener \"tcp\" {
    address       = \"127.0.0.1:8200\"
    tls_cert_file = \"/etc/keyward/cert.pem\"
    tls_key_file  = \"/etc/keyward/key.pem\"
  }
  seal \"static\" {
    current_key_id = \"2026-11\"
    current_key    = \"file:///etc/keyward/seal-key\"
  }")]
pub(crate) struct Options {
    /// A configuration file, or a folder of them: all *.hcl and *.json. Of a setting in several the
    /// last counts. [CONFIG_PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// Run for development: initialized, unsealed, on a store that is gone with the server.
    #[arg(long, conflicts_with = "config")]
    pub(crate) dev: bool,
    /// The root token of a development server. [DEV_ROOT_TOKEN_ID]
    #[arg(long, value_name = "TOKEN", requires = "dev")]
    pub(crate) dev_root_token_id: Option<String>,
    /// Where a development server listens; port 0 takes a free one. [DEV_LISTEN_ADDRESS]
    #[arg(long, value_name = "IP:PORT", requires = "dev")]
    pub(crate) dev_listen_address: Option<String>,
    /// Serve TLS, with a certificate that is made at start and an authority to trust it by.
    #[arg(long, requires = "dev")]
    pub(crate) dev_tls: bool,
    /// Where the files of -dev-tls are put, to stay there.
    #[arg(long, value_name = "FOLDER", requires = "dev_tls")]
    pub(crate) dev_tls_cert_dir: Option<PathBuf>,
    /// One more name or address that the certificate of -dev-tls holds for.
    #[arg(long, value_name = "NAME", requires = "dev_tls")]
    pub(crate) dev_tls_san: Vec<String>,
    /// Do not keep the token of a development server for later commands.
    #[arg(long, requires = "dev")]
    pub(crate) dev_no_store_token: bool,
    /// How much is logged: trace, debug, info, warn or error. [LOG_LEVEL]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// How it is logged: standard or json. [LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// Into which file it is logged too, or into which folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// With how many bytes a file of the log is put aside; at any size if not given.
    #[arg(long, value_name = "BYTES")]
    pub(crate) log_rotate_bytes: Option<u64>,
    /// After how long a file of the log is put aside, such as 12h; after a day if not given.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) log_rotate_duration: Option<Duration>,
    /// How many older files of the log stay; 0 is all of them, -1 none.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) log_rotate_max_files: Option<i64>,
}

impl Options {
    /// Fills what was not given from the environment.
    fn with(self, environment: &Environment) -> Self {
        let or = |given: Option<String>, name| {
            given.or_else(|| environment.setting(name).map(str::to_owned))
        };
        let mut config = self.config;
        if config.is_empty() && !self.dev {
            config.extend(environment.setting("CONFIG_PATH").map(PathBuf::from));
        }
        Self {
            config,
            dev_root_token_id: or(self.dev_root_token_id, "DEV_ROOT_TOKEN_ID"),
            dev_listen_address: or(self.dev_listen_address, "DEV_LISTEN_ADDRESS"),
            log_level: or(self.log_level, "LOG_LEVEL"),
            log_format: or(self.log_format, "LOG_FORMAT"),
            ..self
        }
    }

    /// Returns what the command line says of the log.
    fn log(&self) -> LogConfig {
        LogConfig {
            level: self.log_level.clone(),
            format: self.log_format.clone(),
            file: self.log_file.clone(),
            rotate_bytes: self.log_rotate_bytes,
            rotate_duration: self.log_rotate_duration,
            rotate_max_files: self.log_rotate_max_files,
        }
    }
}

/// Reads a duration in seconds or with its units.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = u64::try_from(coerce::parse_seconds(text)?).ok();
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "it must be more than 0".to_owned())
}

/// Runs a server until SIGINT or SIGTERM; SIGHUP opens its audit files and its log anew and reads
/// its certificates again.
pub(crate) async fn run(options: Options, io: &mut Io<'_>) -> Result<()> {
    // Before anything is read that is secret.
    panics::hide_messages();
    let options = options.with(&io.environment);
    // What a development server keeps goes with it.
    let dev = options.dev.then(|| Dev::prepare(&options)).transpose()?;
    let mut config = match (&dev, &options.config[..]) {
        (Some(dev), _) => dev.config(&options)?,
        (None, []) => bail!("a server needs -config=FILE, or -dev to try things out"),
        (None, files) => Config::read(&Source::read_all(files)?, &io.environment)?,
    };
    let (log, _writing) = log::start(&config.log.clone().under(options.log()))?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    forbid_core_dumps();
    if config.names_host {
        let host = System::host_name().unwrap_or_default();
        let listeners = config.listeners.iter_mut();
        listeners.for_each(|listener| listener.rules.headers.name_host(&host));
    }
    let mut signals = Signals::watch()?;
    // Before anything is touched: without them nobody could come in.
    let certificates = Arc::new(Certificates::open(&config.listeners)?);
    let process = Process {
        certificates: Arc::clone(&certificates),
        configuration: config.shown.clone(),
        log,
    };
    let core = open(&config).await?;
    let listeners = Listeners::bind(config.listeners, &certificates)?;
    let pid_file = config.pid_file.as_deref().map(PidFile::write).transpose()?;
    let known = [config.api_addr.as_str()].map(Address::parse);
    let known = known.into_iter().flatten().chain(config.client_addresses);
    let mut lockouts = config.lockouts;
    lockouts.off = io
        .environment
        .flag("DISABLE_USER_LOCKOUT")?
        .unwrap_or(false);
    let core = core
        .with_host(Arc::new(process))
        .with_telemetry(config.telemetry)
        .with_lockouts(lockouts)
        .with_lease_ttls(config.lease_ttls)
        .with_endpoints(config.endpoints)
        .known_as(known.chain(listeners.addresses()?));
    let core = Arc::new(if options.dev {
        core.for_development()
    } else {
        core
    });
    let addresses = listeners.urls()?.join(", ");
    io.print(&format!(
        "==> Keyward server configuration:\n\n             Address: {addresses}\n\
         \x20            Storage: {}\n             Version: Keyward v{VERSION}\n\n",
        config.storage.name
    ))?;
    if let Some(dev) = &dev {
        dev.unseal(&core, &options, &addresses, io).await?;
    }
    let serving = listeners.serve(&core);
    let upkeep = Upkeep::begin(&core);
    io.print(&format!(
        "==> Keyward server started! Listening on {addresses}\n\n"
    ))?;
    signals.stop(&core, &certificates, log).await;
    io.print("==> Keyward shutdown triggered\n")?;
    // They would not end by themselves.
    log.end_monitors();
    serving.finish().await?;
    upkeep.end().await;
    core.seal().await;
    drop(pid_file);
    Ok(())
}

async fn open(config: &Config) -> Result<Core> {
    // Before the store is touched: a seal that cannot be used opens nothing.
    let seals = config.seals.open()?;
    let backend = storage::storage(&config.storage.name).context("unknown storage backend")?;
    let storage = (backend.open)(config.storage.settings.clone()).await?;
    let registry = Registry {
        engines: MOUNTABLE,
        audit: AUDIT_DEVICES,
    };
    let settings = Settings {
        storage_type: backend.names[0],
        cluster_name: config.cluster_name.clone(),
        version: VERSION,
    };
    let core = Core::new(storage, Arc::new(SystemClock), registry, settings).with_seals(seals);
    Ok(core.reached_at(&config.api_addr))
}

/// The signals that a server obeys.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes charge of them, so that none kills the process any more.
    fn watch() -> Result<Self> {
        let watch = |kind| signal(kind).context("cannot watch for signals");
        Ok(Self {
            hangup: watch(SignalKind::hangup())?,
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
        })
    }

    /// Waits for the one that stops the server, and does meanwhile what the other one asks for.
    async fn stop(&mut self, core: &Core, certificates: &Certificates, log: &Log) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    log.reopen();
                    core.reopen_audit().await;
                    certificates.reload();
                }
            }
        }
    }
}

/// Keeps key material out of files that a crash would leave behind.
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
}

/// Returns an error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
