//! The flags of `keyward server`, and the variables that stand for them.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{Environment, arguments::period, config::LogConfig};

/// Run a server
///
/// It runs until SIGINT or SIGTERM and then finishes the requests that it took; at SIGHUP it opens
/// its audit files and its log anew and reads its certificates and its log_level again. Without -dev
/// it starts sealed, see `keyward operator init`, unless the configuration names a seal that opens by
/// itself.
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
    /// Files of -config add to it.
    #[arg(long)]
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
    #[arg(long, value_name = "DURATION", value_parser = period)]
    pub(crate) log_rotate_duration: Option<Duration>,
    /// How many older files of the log stay; 0 is all of them, -1 none.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) log_rotate_max_files: Option<i64>,
}

impl Options {
    /// Fills what was not given from the environment.
    pub(super) fn with(self, environment: &Environment) -> Self {
        let or = |given: Option<String>, name| {
            given.or_else(|| environment.setting(name).map(str::to_owned))
        };
        let mut config = self.config;
        if config.is_empty() {
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
    pub(super) fn log(&self) -> LogConfig {
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
