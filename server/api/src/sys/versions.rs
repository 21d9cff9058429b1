//! Which versions of the server worked on the data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoint;

/// `LIST sys/version-history`: lists the versions that were unsealed on this data, from the first
/// on.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListVersions {}
endpoint!(ListVersions {} => Versions: List "version-history");

/// The versions, in the order in which they came.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Versions {
    /// The versions.
    pub keys: Vec<String>,
    /// What is known of each.
    pub key_info: BTreeMap<String, InstalledVersion>,
}

/// When a version came.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct InstalledVersion {
    /// Always empty: a build carries no date.
    pub build_date: String,
    /// The one before it; none for the first.
    pub previous_version: Option<String>,
    /// When it was first unsealed on this data (RFC 3339).
    pub timestamp_installed: String,
}
