//! `keyward server`: puts the house together and runs it until it is told to stop.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use keyward_api::{Operation, auth::RevokeSelf, sys::EnableMount};
use keyward_builtin::{AUDIT_DEVICES, ENGINES, storage};
use keyward_core::{
    CanonicalPath, Core, Registry, Request, SealConfig, Settings, SystemClock, TokenId,
};
use keyward_crypto::{SecretBytes, SecretString, encoding};
use keyward_http::{Listener, router};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    Environment, Io,
    config::{Config, DEFAULT_ADDRESS, ListenerConfig, StorageConfig},
    token_helper,
};

/// The version that status endpoints and `keyward version` show.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Run a server
///
/// It runs until SIGINT or SIGTERM and then finishes the requests that it took; at SIGHUP it opens
/// its audit files anew. Without -dev it starts sealed: see `keyward operator init`.
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Examples:
  keyward server -dev -dev-root-token-id=root     keeps nothing, for trying things out
  keyward server -config=/etc/keyward.hcl

A configuration file, HCL or JSON:
  storage \"sled\" { path = \"/var/lib/keyward\" }
  listener \"tcp\" {
    address     = \"127.0.0.1:8200\"
    tls_disable = true
  }")]
pub(crate) struct Options {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Run for development: initialized, unsealed, on a store that is gone with the server.
    #[arg(long, conflicts_with = "config")]
    pub(crate) dev: bool,
    /// The root token of a development server. [DEV_ROOT_TOKEN_ID]
    #[arg(long, value_name = "TOKEN", requires = "dev")]
    pub(crate) dev_root_token_id: Option<String>,
    /// Where a development server listens; port 0 takes a free one. [DEV_LISTEN_ADDRESS]
    #[arg(long, value_name = "IP:PORT", requires = "dev")]
    pub(crate) dev_listen_address: Option<String>,
    /// Do not keep the token of a development server for later commands.
    #[arg(long, requires = "dev")]
    pub(crate) dev_no_store_token: bool,
    /// How much is logged: trace, debug, info, warn or error. [LOG_LEVEL]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// How it is logged: standard or json. [LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}

impl Options {
    /// Fills what was not given from the environment.
    fn with(self, environment: &Environment) -> Self {
        let or = |given: Option<String>, name| {
            given.or_else(|| environment.setting(name).map(str::to_owned))
        };
        Self {
            dev_root_token_id: or(self.dev_root_token_id, "DEV_ROOT_TOKEN_ID"),
            dev_listen_address: or(self.dev_listen_address, "DEV_LISTEN_ADDRESS"),
            log_level: or(self.log_level, "LOG_LEVEL"),
            log_format: or(self.log_format, "LOG_FORMAT"),
            ..self
        }
    }
}

/// Runs a server until SIGINT or SIGTERM; SIGHUP opens its audit files anew.
pub(crate) async fn run(options: Options, io: &mut Io<'_>) -> Result<()> {
    let options = options.with(&io.environment);
    // Lives as long as the server; the folder goes with it.
    let scratch = options.dev.then(scratch_directory).transpose()?;
    let config = match (&scratch, &options.config) {
        (Some(scratch), _) => dev_config(&options, scratch.path())?,
        (None, Some(file)) => read_config(file)?,
        (None, None) => bail!("a server needs -config=FILE, or -dev to try things out"),
    };
    start_log(
        options.log_level.as_deref().or(config.log_level.as_deref()),
        options
            .log_format
            .as_deref()
            .or(config.log_format.as_deref()),
    )?;
    forbid_core_dumps();
    let mut signals = Signals::watch()?;
    let core = Arc::new(open(&config).await?);
    let mut listeners = Vec::new();
    for listener in &config.listeners {
        let bound = Listener::bind(listener.address, listener.connections)
            .with_context(|| format!("cannot listen on {}", listener.address))?;
        listeners.push((bound, listener.limits));
    }
    let address = listeners[0].0.local_addr()?;
    io.print(&format!(
        "==> Keyward server configuration:\n\n             Address: http://{address}\n\
         \x20            Storage: {}\n             Version: Keyward v{VERSION}\n\n",
        config.storage.name
    ))?;
    if options.dev {
        prepare_dev(&core, &options, &format!("http://{address}"), io).await?;
    }
    let (stop, stopped) = tokio::sync::watch::channel(());
    let serving = listeners.into_iter().map(|(listener, limits)| {
        let mut stopped = stopped.clone();
        let router = router(Arc::clone(&core), limits);
        tokio::spawn(listener.serve(router, async move {
            // An error means that the sender is gone, which is a stop as well.
            let _ = stopped.changed().await;
        }))
    });
    let serving: Vec<_> = serving.collect();
    let ticking = tokio::spawn(tick(Arc::clone(&core)));
    io.print(&format!(
        "==> Keyward server started! Listening on http://{address}\n\n"
    ))?;
    signals.stop(&core).await;
    io.print("==> Keyward shutdown triggered\n")?;
    stop.send_replace(());
    for listener in serving {
        listener.await?;
    }
    ticking.abort();
    core.seal().await;
    Ok(())
}

fn read_config(file: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the configuration {}", file.display()))?;
    Config::parse(&text).with_context(|| format!("in the configuration {}", file.display()))
}

fn scratch_directory() -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("keyward-dev-").tempdir();
    folder.context("cannot make a folder for the development store")
}

fn dev_config(options: &Options, scratch: &Path) -> Result<Config> {
    let address = options
        .dev_listen_address
        .as_deref()
        .unwrap_or(DEFAULT_ADDRESS);
    let path = scratch.join("data").to_string_lossy().into_owned();
    Ok(Config {
        storage: StorageConfig {
            name: "sled".to_owned(),
            settings: [("path".to_owned(), path)].into(),
        },
        listeners: vec![ListenerConfig::plain(address)?],
        cluster_name: None,
        log_level: None,
        log_format: None,
    })
}

async fn open(config: &Config) -> Result<Core> {
    let backend = storage::storage(&config.storage.name).context("unknown storage backend")?;
    let storage = (backend.open)(config.storage.settings.clone()).await?;
    let registry = Registry {
        engines: ENGINES,
        audit: AUDIT_DEVICES,
    };
    let settings = Settings {
        storage_type: backend.names[0],
        cluster_name: config.cluster_name.clone(),
        version: VERSION,
    };
    Ok(Core::new(
        storage,
        Arc::new(SystemClock),
        registry,
        settings,
    ))
}

/// Initializes and unseals a development server, with the mounts that Vault's has.
async fn prepare_dev(core: &Core, options: &Options, address: &str, io: &mut Io<'_>) -> Result<()> {
    let secrets = core
        .initialize(SealConfig {
            shares: 1,
            threshold: 1,
        })
        .await?;
    let [share] = &secrets.shares[..] else {
        bail!("one share was asked for")
    };
    let unseal_key = encoding::encode_secret(share);
    core.unseal(share.duplicate()).await?;
    let token = match &options.dev_root_token_id {
        None => secrets.root_token,
        Some(id) => {
            let chosen = || TokenId::new(SecretString::new(id.clone()));
            core.create_root_token(chosen()).await?;
            // Nobody knows the first one, and nobody shall have to.
            handle(
                core,
                "auth/token/revoke-self",
                &RevokeSelf::default(),
                secrets.root_token,
            )
            .await?;
            chosen()
        }
    };
    let mount = EnableMount {
        kind: Some("kv".to_owned()),
        description: Some("key/value secret storage".to_owned()),
        options: Some([("version".to_owned(), "2".to_owned())].into()),
        ..EnableMount::default()
    };
    handle(core, "sys/mounts/secret", &mount, token.duplicate()).await?;
    // EXPOSE: the token of a development server is shown, that is what it is for.
    let token = token.expose();
    if !options.dev_no_store_token {
        token_helper::store(&io.environment.home()?, token)?;
    }
    // EXPOSE: the key of a development server is shown, that is what it is for.
    let unseal_key = unseal_key.expose();
    io.print(&format!(
        "WARNING! This is a development server: it keeps nothing, starts unsealed with a single\n\
         unseal key, and its root token is already known. Never run it in production.\n\n\
         You may need to set the following environment variable:\n\n    \
         $ export VAULT_ADDR='{address}'\n\nUnseal Key: {unseal_key}\nRoot Token: {token}\n\n"
    ))
}

/// Has the core handle an update, as if it came from outside.
async fn handle(core: &Core, path: &str, body: &impl Serialize, token: TokenId) -> Result<()> {
    let body = SecretBytes::new(serde_json::to_vec(body)?);
    let request = Request::new(Operation::Update, CanonicalPath::parse(path)?, body);
    core.handle(request.with_token(token)).await?;
    Ok(())
}

/// Has the core do what is due, once a second.
async fn tick(core: Arc<Core>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        seconds.tick().await;
        if let Err(error) = core.tick().await {
            tracing::error!(error = %chain(&error), "something due could not be done, it is tried again");
        }
    }
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
    async fn stop(&mut self, core: &Core) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => core.reopen_audit().await,
            }
        }
    }
}

fn start_log(level: Option<&str>, format: Option<&str>) -> Result<()> {
    let level = level.unwrap_or("info");
    let filter = tracing_subscriber::EnvFilter::try_new(level)
        .with_context(|| format!("{level:?} is not a log level"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match format.unwrap_or("standard") {
        "standard" => log.try_init(),
        "json" => log.json().try_init(),
        other => bail!("{other:?} is not a log format: use standard or json"),
    };
    // A second server in one process, as tests start them, goes on with the first one's log.
    if started.is_err() {
        tracing::debug!("the log was already set up");
    }
    Ok(())
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
