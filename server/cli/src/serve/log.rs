//! The log of the process, whose levels change while it runs.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result, anyhow, bail};
use keyward_api::sys::Loggers;
use keyward_core::{Error, Lines, unknown_logger};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    fmt::{
        self,
        writer::{BoxMakeWriter, MakeWriterExt as _},
    },
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use super::{
    log_file::{LogFile, Writing},
    monitor::Monitors,
};
use crate::config::LogConfig;

/// The loggers, each with the modules that it is made of; the longest that fits counts. The first
/// of them says what the level is where it was not changed.
const LOGGERS: [(&str, &[&str]); 8] = [
    ("audit", &["keyward_builtin::audit"]),
    ("core", &["keyward_core"]),
    ("core.audit", &["keyward_core::audit"]),
    (
        "core.expiration",
        &["keyward_core::lease", "keyward_core::token"],
    ),
    ("http", &["keyward_http"]),
    ("secrets", &["keyward_builtin::engine"]),
    ("server", &["keyward_cli"]),
    ("storage", &["keyward_builtin::storage"]),
];

/// The one log of this process.
static LOG: OnceLock<Log> = OnceLock::new();

/// The log: what the configuration says, and what was changed since.
pub(super) struct Log {
    levels: parking_lot::Mutex<Levels>,
    filter: reload::Handle<EnvFilter, Registry>,
    monitors: Arc<Monitors>,
    file: Option<LogFile>,
}

/// How much is logged.
#[derive(Clone)]
struct Levels {
    /// A level, or directives such as `info,hyper=debug`.
    configured: String,
    /// The levels of loggers that were set since.
    changed: BTreeMap<&'static str, &'static str>,
}

/// Starts the log, to the standard error stream and to a file if there is one to be: all is there
/// once what is returned beside the log is dropped.
///
/// A second server in one process, as tests start them, goes on with the first one's log.
///
/// # Errors
/// The level or the format is none, or the file cannot be opened.
pub(super) fn start(config: &LogConfig) -> Result<(&'static Log, Option<Writing>)> {
    let levels = Levels::configured(config)?;
    let filter = levels.filter()?;
    let is_json = match config.format.as_deref().unwrap_or("standard") {
        "standard" => false,
        "json" => true,
        other => bail!("{other:?} is not a log format: use standard or json"),
    };
    let (file, writing) = LogFile::open(config)?.unzip();
    let lines = fmt::layer().with_writer(match file.clone() {
        None => BoxMakeWriter::new(std::io::stderr),
        Some(file) => BoxMakeWriter::new(std::io::stderr.and(file)),
    });
    let lines = if is_json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    let (filter, handle) = reload::Layer::new(filter);
    let (monitors, shown) = Monitors::new();
    let log = LOG.get_or_init(|| Log {
        levels: parking_lot::Mutex::new(levels),
        filter: handle,
        monitors,
        file,
    });
    // Monitors see what the log leaves out, so that each has a filter of its own.
    let lines = lines.with_filter(filter).boxed();
    let started = tracing_subscriber::registry()
        .with(vec![lines, shown])
        .try_init();
    if started.is_err() {
        tracing::debug!("the log was already set up");
    }
    Ok((log, writing))
}

/// Tells whether there is a log that takes what is to be told.
pub(super) fn is_started() -> bool {
    LOG.get().is_some()
}

impl Log {
    /// Returns every logger and its level.
    pub(super) fn levels(&self) -> Loggers {
        let Levels {
            configured,
            changed,
        } = &*self.levels.lock();
        let levels = LOGGERS.iter().map(|(name, modules)| {
            let level = changed.get(name).copied();
            let level = level.unwrap_or_else(|| configured_level(configured, modules[0]));
            ((*name).to_owned(), level.to_owned())
        });
        levels.collect()
    }

    /// Takes the level of a configuration that was read anew: it comes before what was set since,
    /// unless it says nothing. Tells whether anything changed.
    ///
    /// # Errors
    /// The level is none; then all stays as it is.
    pub(super) fn configure(&self, config: &LogConfig) -> Result<bool> {
        let mut next = Levels::configured(config)?;
        let mut levels = self.levels.lock();
        if config.level.is_none() {
            next.changed.clone_from(&levels.changed);
        }
        let is_new = levels.directives() != next.directives();
        self.filter.reload(next.filter()?)?;
        *levels = next;
        Ok(is_new)
    }

    /// Sets the level of one logger, or of all; none goes back to what is configured.
    pub(super) fn set(&self, logger: Option<&str>, level: Option<&str>) -> Result<(), Error> {
        let level = level.map(parse_level).transpose()?;
        let known = |name: &str| LOGGERS.iter().find(|(known, _)| *known == name);
        let named = match logger {
            Some(name) => vec![known(name).ok_or_else(|| unknown_logger(name))?.0],
            None => LOGGERS.iter().map(|(name, _)| *name).collect(),
        };
        let mut levels = self.levels.lock();
        let mut next = levels.clone();
        for name in named {
            match level {
                Some(level) => drop(next.changed.insert(name, level)),
                None => drop(next.changed.remove(name)),
            }
        }
        let filter = EnvFilter::try_new(next.directives()).map_err(Error::internal)?;
        self.filter.reload(filter).map_err(Error::internal)?;
        *levels = next;
        Ok(())
    }

    /// Shows what is logged from now on.
    pub(super) fn monitor(&self, level: &str, format: &str) -> Result<Lines, Error> {
        let level = parse_level(level).map_err(|_| Error::invalid("unknown log level"))?;
        self.monitors.begin(level, format)
    }

    /// Opens the file anew, if there is one.
    pub(super) fn reopen(&self) {
        if let Some(file) = &self.file {
            file.reopen();
            tracing::info!("the log_file is opened anew");
        }
    }

    /// Ends all that is shown.
    pub(super) fn end_monitors(&self) {
        self.monitors.end();
    }
}

impl Levels {
    /// Reads what is configured; where nothing is said, it is `info`.
    fn configured(config: &LogConfig) -> Result<Self> {
        Ok(Self {
            configured: parse_levels(config.level.as_deref().unwrap_or("info"))?,
            changed: BTreeMap::new(),
        })
    }

    fn filter(&self) -> Result<EnvFilter> {
        let configured = &self.configured;
        EnvFilter::try_new(self.directives())
            .with_context(|| format!("{configured:?} is not a log level"))
    }

    /// Returns what a filter is told: what is configured, then what was changed, which overrides it.
    fn directives(&self) -> String {
        let mut directives = self.configured.clone();
        for (name, modules) in LOGGERS {
            if let Some(level) = self.changed.get(name) {
                for module in modules {
                    directives.push_str(&format!(",{module}={level}"));
                }
            }
        }
        directives
    }
}

/// Finds the level that a configuration gives to modules: the longest prefix of them that it names.
fn configured_level<'c>(configured: &'c str, modules: &str) -> &'c str {
    let mut found = ("", "error");
    for directive in configured.split(',').map(str::trim) {
        let (named, level) = directive.split_once('=').unwrap_or(("", directive));
        if modules.starts_with(named) && named.len() >= found.0.len() {
            found = (named, level);
        }
    }
    found.1
}

/// Reads what is configured: a level, or directives such as `info,hyper=debug`.
///
/// The filter takes a word that is no level for the name of a module, and then logs nothing else.
fn parse_levels(configured: &str) -> Result<String> {
    let directives = configured.split(',').map(|directive| {
        let (module, level) = match directive.split_once('=') {
            Some((module, level)) => (module.trim(), level),
            None => ("", directive),
        };
        let level = match level.trim() {
            "off" => "off",
            level => parse_level(level).map_err(|_| {
                anyhow!(
                    "unknown log level {level:?}: use trace, debug, info, warn or error, or off"
                )
            })?,
        };
        Ok(match module {
            "" => level.to_owned(),
            module => format!("{module}={level}"),
        })
    });
    Ok(directives.collect::<Result<Vec<_>>>()?.join(","))
}

/// Reads a level in any of the spellings that Vault takes.
fn parse_level(text: &str) -> Result<&'static str, Error> {
    match text.trim().to_ascii_lowercase().as_str() {
        "trace" => Ok("trace"),
        "debug" => Ok("debug"),
        "info" | "notice" => Ok("info"),
        "warn" | "warning" => Ok("warn"),
        "err" | "error" => Ok("error"),
        _ => Err(Error::Invalid(format!(
            "invalid level provided: unknown log level: {text}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_special_directive_of_the_configuration_counts() {
        let configured = "warn,keyward_core=debug, keyward_core::audit=trace";
        for (modules, level) in [
            ("keyward_http", "warn"),
            ("keyward_core", "debug"),
            ("keyward_core::token", "debug"),
            ("keyward_core::audit", "trace"),
        ] {
            assert_eq!(configured_level(configured, modules), level);
        }
    }

    #[test]
    fn what_was_changed_overrides_what_is_configured() {
        let directives = |changed: &[(&'static str, &'static str)]| {
            let levels = Levels {
                configured: "info".to_owned(),
                changed: changed.iter().copied().collect(),
            };
            levels.directives()
        };
        assert_eq!(
            directives(&[("storage", "debug"), ("core", "error")]),
            "info,keyward_core=error,keyward_builtin::storage=debug"
        );
        assert_eq!(
            directives(&[("core.expiration", "trace")]),
            "info,keyward_core::lease=trace,keyward_core::token=trace"
        );
    }

    #[test]
    fn what_is_configured_is_levels_and_nothing_that_looks_like_one() {
        for (configured, read) in [
            ("Warning", "warn"),
            ("notice", "info"),
            ("err, hyper = debug,h2=off", "error,hyper=debug,h2=off"),
        ] {
            assert_eq!(parse_levels(configured).unwrap(), read);
        }
        for configured in ["wran", "", "info,keyward_core", "hyper=loud", "info,"] {
            let refused = parse_levels(configured).unwrap_err().to_string();
            assert!(refused.starts_with("unknown log level"), "{refused}");
        }
    }

    #[test]
    fn levels_have_vaults_spellings() {
        for (text, level) in [("WARN", "warn"), ("err", "error"), ("notice", "info")] {
            assert_eq!(parse_level(text).unwrap(), level);
        }
        let error = parse_level("loud").unwrap_err().to_string();
        assert_eq!(error, "invalid level provided: unknown log level: loud");
    }
}
