//! What a server can be started with before it is finished, as Vault lists it.

use serde::{Deserialize, Serialize};

use crate::endpoint;

/// `GET sys/experiments`: tells what can be tried, and what is; there is nothing.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadExperiments {}
endpoint!(ReadExperiments {} => Experiments: Read "experiments");

/// Names of experiments.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Experiments {
    /// Those that can be tried.
    pub available: Vec<String>,
    /// Those that are.
    pub enabled: Vec<String>,
}
