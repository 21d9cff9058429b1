//! `keyward operator validate-config`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    arguments::Format,
    config::{Config, Source},
    error::{Error, Outcome},
    json::Json,
    session::Session,
};

/// Check the configuration of a server, without a server
///
/// It finds what a server would refuse at start because of what stands in its files: what is no HCL,
/// settings that are unknown, values of the wrong type, stanzas that are missing. Files that are
/// named there are not looked at, so that it can be run on another machine. The exit code is 0 if
/// all is well, 1 if a server would not start, 2 if something has no effect, and 3 without -config.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  keyward operator validate-config -config=/etc/keyward.hcl
  keyward operator validate-config -config=/etc/keyward.d -config=override.json -format=json")]
pub(crate) struct ValidateConfig {
    /// A configuration file, or a folder of them, as for the server. [CONFIG_PATH]
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl ValidateConfig {
    pub(super) fn run(self, session: &mut Session<'_, '_>) -> Outcome {
        let environment = &session.io.environment;
        let mut files = self.config;
        if files.is_empty() {
            files.extend(environment.setting("CONFIG_PATH").map(PathBuf::from));
        }
        if files.is_empty() {
            return Err(Error {
                code: 3,
                text: "a configuration is named with -config=FILE".to_owned(),
            });
        }
        let read = Source::read_all(&files).and_then(|it| Config::read(&it, environment));
        let (status, warnings, message) = match read {
            Ok(config) if config.warnings.is_empty() => ("ok", Vec::new(), None),
            Ok(config) => ("warn", config.warnings, None),
            Err(error) => ("fail", Vec::new(), Some(format!("{error:#}"))),
        };
        let report = Report {
            name: "Validate Config",
            status,
            warnings,
            message,
        };
        report.print(session)?;
        let code = match status {
            "ok" => return Ok(()),
            "warn" => 2,
            _ => 1,
        };
        Err(Error {
            code,
            text: String::new(),
        })
    }
}

impl Report {
    fn print(&self, session: &mut Session<'_, '_>) -> Outcome {
        if session.format != Format::Table {
            let shown = Json::of(self).map_err(|error| Error::local(error.to_string()))?;
            return session.show_value(&shown);
        }
        let (word, said) = match self.status {
            "ok" => ("success", Vec::new()),
            "warn" => ("warning", self.warnings.clone()),
            _ => ("failure", self.message.iter().cloned().collect()),
        };
        let mut text = format!("[ {word} ] {}", self.name);
        for line in said {
            text.push_str("\n  ");
            text.push_str(&line);
        }
        Ok(session.io.say(&text)?)
    }
}
