//! How much the server logs, changed while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint;

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
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteLoggers {
    /// The level: `trace`, `debug`, `info`, `warn` or `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}
endpoint!(WriteLoggers {} => (): Update "loggers");

/// `PUT sys/loggers/:name`: sets the level of one logger, until the server is started anew.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteLogger {
    /// The logger.
    pub name: String,
    /// The level: `trace`, `debug`, `info`, `warn` or `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
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
