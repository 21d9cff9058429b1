//! Entities and their names at auth methods, as they are stored.

use std::collections::BTreeMap;

use keyward_crypto::random;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Timestamp};

/// One person or machine.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Entity {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) metadata: Option<BTreeMap<String, String>>,
    /// Lower case, sorted, each once; never `root`.
    pub(super) policies: Vec<String>,
    pub(super) disabled: bool,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// The ids of the entities that were merged into it; tokens may still carry them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) merged: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) aliases: Vec<Alias>,
}

/// A name at an auth method.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Alias {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mount_accessor: String,
    /// What the auth method attaches at each login.
    pub(super) metadata: Option<BTreeMap<String, String>>,
    /// What the keeper of the alias attaches.
    pub(super) custom_metadata: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) merged_from: Vec<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Entity {
    /// Makes an entity with a name of its own.
    pub(super) fn new(name: Option<String>, now: Timestamp) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            name: name.unwrap_or_else(|| made_up("entity")),
            metadata: None,
            policies: Vec::new(),
            disabled: false,
            created: now,
            updated: now,
            merged: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Returns the alias at an auth method.
    pub(super) fn alias_at(&self, accessor: &str) -> Option<&Alias> {
        self.aliases
            .iter()
            .find(|alias| alias.mount_accessor == accessor)
    }
}

impl Alias {
    pub(super) fn new(name: String, mount_accessor: String, now: Timestamp) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            name,
            mount_accessor,
            metadata: None,
            custom_metadata: None,
            merged_from: Vec::new(),
            created: now,
            updated: now,
        }
    }
}

/// Makes up a name, in the form that Vault's have.
pub(super) fn made_up(what: &str) -> String {
    let random = random::generate_nonce::<4>();
    let hex = random.map(|byte| format!("{byte:02x}")).concat();
    format!("{what}_{hex}.root")
}

/// The most pairs of metadata, and the longest of their keys and values, in bytes.
const MOST_PAIRS: usize = 64;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 512;

/// Refuses metadata that is too much; the texts are Vault's.
///
/// # Errors
/// [`Error::Invalid`] names the pair.
pub(crate) fn check_metadata(what: &str, metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    let fault = |why: String| {
        let text = format!("invalid {what} metadata: {why}");
        Err(Error::fault(&text))
    };
    if metadata.len() > MOST_PAIRS {
        return fault(format!(
            "metadata cannot contain more than {MOST_PAIRS} key/value pairs"
        ));
    }
    for (key, value) in metadata {
        let why = match (key.len(), value.len()) {
            (0, _) => "key cannot be blank".to_owned(),
            (LONGEST_KEY.., _) if key.len() > LONGEST_KEY => {
                format!("key is too long (limit: {LONGEST_KEY} characters)")
            }
            (_, LONGEST_VALUE..) if value.len() > LONGEST_VALUE => {
                format!("value is too long (limit: {LONGEST_VALUE} characters)")
            }
            _ => continue,
        };
        return fault(format!(
            "failed to load metadata pair ({key:?}, {value:?}): {why}"
        ));
    }
    Ok(())
}

/// The same for the custom metadata of an alias, which Vault words differently.
pub(super) fn check_custom_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    let fault = |why: String| {
        let text = format!("custom_metadata validation failed: {why}");
        Err(Error::fault(&text))
    };
    if metadata.len() > MOST_PAIRS {
        return fault(format!(
            "payload must contain at most {MOST_PAIRS} keys, provided {}",
            metadata.len()
        ));
    }
    for (key, value) in metadata {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return fault(format!(
                "length of key {key:?} is {} but must be 0 < len(key) <= {LONGEST_KEY}",
                key.len()
            ));
        }
        if value.is_empty() || value.len() > LONGEST_VALUE {
            return fault(format!(
                "length of value for key {key:?} is {} but must be 0 < len(value) <= \
                 {LONGEST_VALUE}",
                value.len()
            ));
        }
    }
    Ok(())
}
