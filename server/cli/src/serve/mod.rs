//! `keyward server`: puts the house together and runs it until it is told to stop.

mod dev;
mod dev_tls;
mod host;
mod listeners;
mod log;
mod log_file;
mod monitor;
mod options;
mod panics;
mod pid_file;
mod rotating;
mod upkeep;

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use keyward_api::proof::Address;
use keyward_builtin::{AUDIT_DEVICES, MFA_SERVICES, MOUNTABLE, storage};
use keyward_core::{Core, Registry, Settings, SystemClock};
use sysinfo::System;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::{
    dev::Dev,
    host::Process,
    listeners::{Certificates, Listeners},
    pid_file::PidFile,
    upkeep::Upkeep,
};
use crate::{
    Environment, Io,
    config::{Config, Source},
};
pub(crate) use options::Options;

/// The version that status endpoints and `keyward version` show.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs a server until SIGINT or SIGTERM; SIGHUP opens its audit files and its log anew and reads
/// its certificates and its log level again.
pub(crate) async fn run(options: Options, io: &mut Io<'_>) -> Result<()> {
    // Before anything is read that is secret.
    panics::hide_messages();
    let options = options.with(&io.environment);
    // What a development server keeps goes with it.
    let dev = options.dev.then(|| Dev::prepare(&options)).transpose()?;
    let told = Told {
        options: &options,
        environment: io.environment.clone(),
        dev: dev.as_ref(),
    };
    let mut config = told.read()?;
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
    let process = Arc::new(Process {
        certificates: Arc::clone(&certificates),
        configuration: config.shown.clone().into(),
        log,
    });
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
        .with_host(process.clone())
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
    let urls = listeners.urls()?;
    let addresses = urls.join(", ");
    io.print(&format!(
        "==> Keyward server configuration:\n\n             Address: {addresses}\n\
         \x20            Storage: {}\n             Version: Keyward v{VERSION}\n\n",
        config.storage.name
    ))?;
    if let Some(dev) = &dev {
        let (storage, seals) = (&config.storage, &config.seals);
        let opened = dev.unseal(&core, &options, storage, seals).await?;
        // It listens there before anywhere else.
        let address = urls.first().context("there is no listener")?;
        dev.welcome(&opened, &options, address, io)?;
    }
    let serving = listeners.serve(&core);
    let upkeep = Upkeep::begin(&core);
    io.print(&format!(
        "==> Keyward server started! Listening on {addresses}\n\n"
    ))?;
    signals.stop(&core, &process, &told).await;
    io.print("==> Keyward shutdown triggered\n")?;
    // They would not end by themselves.
    log.end_monitors();
    serving.finish().await?;
    upkeep.end().await;
    core.seal().await;
    drop(pid_file);
    Ok(())
}

/// What tells a server how to be: at start, and again at SIGHUP.
struct Told<'a> {
    options: &'a Options,
    environment: Environment,
    dev: Option<&'a Dev>,
}

impl Told<'_> {
    fn read(&self) -> Result<Config> {
        match (self.dev, &self.options.config[..]) {
            (Some(dev), files) => {
                let files = Source::read_any(files)?;
                dev.config(self.options)?.under(&files, &self.environment)
            }
            (None, []) => bail!("a server needs -config=FILE, or -dev to try things out"),
            (None, files) => Config::read(&Source::read_all(files)?, &self.environment),
        }
    }
}

async fn open(config: &Config) -> Result<Core> {
    // Before the store is touched: a seal that cannot be used opens nothing.
    let seals = config.seals.open()?;
    let backend = storage::storage(&config.storage.name).context("unknown storage backend")?;
    let storage = (backend.open)(config.storage.settings.clone()).await?;
    let registry = Registry {
        engines: MOUNTABLE,
        audit: AUDIT_DEVICES,
        mfa: MFA_SERVICES,
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
    async fn stop(&mut self, core: &Core, process: &Process, told: &Told<'_>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    process.log.reopen();
                    let read = told.read();
                    let followed = read.and_then(|it| process.follow(it, told.options.log()));
                    if let Err(error) = followed {
                        tracing::error!(
                            error = %format_args!("{error:#}"),
                            "the configuration could not be read anew, nothing of it changes"
                        );
                    }
                    core.reopen_audit().await;
                    process.certificates.reload();
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
