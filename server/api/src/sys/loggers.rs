//! What the server logs, shown while it runs, and how much of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// Loggers by their names, each with its level: `trace`, `debug`, `info`, `warn` or `error`.
pub type Loggers = BTreeMap<String, String>;

/// `GET sys/loggers`: reads the level of every logger.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadLoggers {}
endpoint!(ReadLoggers {} => Loggers: Read "loggers");

/// `GET sys/loggers/:name`: reads the level of one logger; one that is not there has none.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadLogger {
    /// The logger.
    pub name: String,
}
endpoint!(ReadLogger { name } => Loggers: Read "loggers/{name}");

/// `PUT sys/loggers`: sets the level of every logger, until the server is started anew.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteLoggers {
    /// The level: `trace`, `debug`, `info`, `warn` or `error`.
    pub level: Option<String>,
}
endpoint!(WriteLoggers {} => (): Update "loggers");

/// `PUT sys/loggers/:name`: sets the level of one logger, until the server is started anew.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteLogger {
    /// The logger.
    pub name: String,
    /// The level: `trace`, `debug`, `info`, `warn` or `error`.
    pub level: Option<String>,
}
endpoint!(WriteLogger { name } => (): Update "loggers/{name}");

/// `DELETE sys/loggers`: gives every logger the level of the configuration.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteLoggers {}
endpoint!(DeleteLoggers {} => (): Delete "loggers");

/// `DELETE sys/loggers/:name`: gives one logger the level of the configuration.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteLogger {
    /// The logger.
    pub name: String,
}
endpoint!(DeleteLogger { name } => (): Delete "loggers/{name}");

/// `GET sys/monitor`: shows what the server logs from now on, a line each, until the caller hangs up
/// or the server ends. It is what the server itself says, whatever level its own log has, and nothing
/// of the libraries below it. Who reads too slowly loses lines, and a line says how many.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Monitor {
    /// `standard`, which it is if not given, or `json`.
    #[serde(deserialize_with = "coerce::text")]
    pub log_format: Option<String>,
    /// The least level that is shown: `trace`, `debug`, `info` (if not given), `warn` or `error`.
    #[serde(deserialize_with = "coerce::text")]
    pub log_level: Option<String>,
}
endpoint!(Monitor {} => serde_json::Value: Read "monitor"; document);
