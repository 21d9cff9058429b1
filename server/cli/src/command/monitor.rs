//! `keyward monitor`.

use clap::Args;
use keyward_api::client::percent_encode;

use crate::{
    error::{Error, Outcome},
    session::{Raw, Session},
};

/// The levels that there are; Vault's command line knows no other spelling.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// Show what the server logs, as it happens
///
/// It goes on until it is interrupted or the server ends. The level is that of what is shown here;
/// the server's own log keeps its own.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward monitor
  keyward monitor -log-level=debug                more than the server writes to its log
  keyward monitor -log-format=json")]
pub(crate) struct Monitor {
    /// The least level that is shown: trace, debug, info, warn or error.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
    /// How it is shown: standard or json.
    #[arg(long, value_name = "FORMAT", default_value = "standard")]
    log_format: String,
}

impl Monitor {
    pub(crate) async fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let level = self.log_level.trim().to_lowercase();
        if !LEVELS.contains(&&*level) {
            return Err(Error::local(format!(
                "{level} is an unknown log level. Valid log levels are: [{}]",
                LEVELS.join(" ")
            )));
        }
        let raw = lines(&level, &self.log_format);
        session.follow("starting monitor", raw).await
    }
}

/// Asks for the lines of the log from a level on.
pub(super) fn lines(level: &str, format: &str) -> Raw<'static> {
    let format = percent_encode(format);
    Raw {
        query: format!("log_format={format}&log_level={level}"),
        ..Raw::new("GET", "sys/monitor")
    }
}
