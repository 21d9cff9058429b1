//! Control groups: which other people have to approve a request before it is done (OpenBao,
//! "Control groups"; Vault Enterprise has them too).
//!
//! ```text
//! control_group {
//!   ttl = "4h"
//!   factor "managers" {
//!     controlled_capabilities = ["update"]
//!     identity {
//!       group_names = ["managers", "leads"]
//!       approvals   = 2
//!     }
//!   }
//! }
//! ```
//!
//! Every factor must be met; one person counts for each whose groups they are in. A factor without
//! `controlled_capabilities` is for all of the rule's, as both peers document it. Factors of several
//! rules for the same path add up: none lifts what another demands.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Capabilities, Capability,
    parse::{bodies, duration, must_be, refuse_duplicates, refuse_other_keys, texts},
};
use crate::hcl::{Block, Entry, Value};

/// For how long a request waits where no rule says so.
const DEFAULT_TTL: Duration = Duration::from_secs(24 * 3600);

/// What a rule demands beside its capabilities.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Control {
    ttl: Option<Duration>,
    factors: Vec<(Controlled, Factor)>,
}

/// Which requests a factor is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Controlled {
    All,
    These(Capabilities),
}

impl Controlled {
    fn contains(self, capability: Capability) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.contains(capability),
        }
    }
}

/// Some people who have to approve.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Factor {
    /// What the policy calls it.
    pub(crate) name: String,
    /// The names of groups of entities. Who is in one of them may approve.
    pub(crate) groups: Vec<String>,
    /// How many have to; at least one.
    pub(crate) approvals: usize,
    /// For how long what one of them said counts, in whole seconds; as long as the request waits if
    /// not given.
    pub(crate) ttl: Option<Duration>,
    /// Whether who asks may be one of them.
    pub(crate) is_for_requester: bool,
}

/// Everything that has to be approved of one request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Demand {
    /// For how long the request waits.
    pub(crate) ttl: Duration,
    /// Sorted, each once.
    pub(crate) factors: Vec<Factor>,
}

impl Demand {
    /// Gathers what rules for one path demand of one kind of request; none if they demand nothing.
    /// Of several times the least counts.
    pub(super) fn of(controls: &[Arc<Control>], capability: Capability) -> Option<Arc<Self>> {
        let mut ttl = None;
        let mut factors = Vec::new();
        for control in controls {
            let before = factors.len();
            let meant = control.factors.iter();
            let meant = meant.filter(|(controlled, _)| controlled.contains(capability));
            factors.extend(meant.map(|(_, factor)| factor.clone()));
            if factors.len() > before {
                ttl = ttl.into_iter().chain(control.ttl).min();
            }
        }
        factors.sort_unstable();
        factors.dedup();
        (!factors.is_empty()).then(|| {
            Arc::new(Self {
                ttl: ttl.unwrap_or(DEFAULT_TTL),
                factors,
            })
        })
    }

    /// What is left to approve where both count.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut factors = [&*self.factors, &*other.factors].concat();
        factors.sort_unstable();
        factors.dedup();
        Self {
            ttl: self.ttl.min(other.ttl),
            factors,
        }
    }

    /// Whether who met this has met another.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        let mut others = other.factors.iter();
        others.all(|factor| self.factors.contains(factor))
    }
}

/// Reads the `control_group` of a rule.
pub(super) fn parse(entry: &Entry) -> Result<Control, String> {
    let control = read(entry);
    control.map_err(|error| match error.contains("error occurred:") {
        true => format!("error handling control_group: {error}"),
        false => format!("error handling control_group: 1 error occurred:\n\t* {error}\n\n"),
    })
}

fn read(entry: &Entry) -> Result<Control, String> {
    let [body] = bodies(entry)?[..] else {
        return Err(must_be(entry, "one block"));
    };
    refuse_other_keys(body, &["factor", "self_auth_allowed", "ttl"])?;
    let singles = |entry: &&Entry| entry.key != "factor";
    refuse_duplicates(body.entries.iter().filter(singles))?;
    let mut control = Control {
        ttl: None,
        factors: Vec::new(),
    };
    let mut is_for_requester = false;
    for entry in &body.entries {
        match entry.key.as_str() {
            "self_auth_allowed" => is_for_requester = flag(entry)?,
            "ttl" => control.ttl = ttl(entry)?,
            _ => {}
        }
    }
    let blocks = body.labelled("factor").map_err(|error| error.to_string())?;
    for (number, block) in blocks.iter().enumerate() {
        let (controlled, mut factor) = factor(block, number)?;
        factor.is_for_requester |= is_for_requester;
        control.factors.push((controlled, factor));
    }
    if control.factors.is_empty() {
        return Err("requires at least one factor but had none".to_owned());
    }
    Ok(control)
}

/// Reads a factor, by its number in complaints as in the peer's.
fn factor(block: &Block<'_>, number: usize) -> Result<(Controlled, Factor), String> {
    refuse_other_keys(block.body, &["controlled_capabilities", "identity"])?;
    refuse_duplicates(block.body.entries.iter())?;
    let controlled = match block.body.find("controlled_capabilities") {
        None => Controlled::All,
        Some(entry) => Controlled::These(controlled(entry, number)?),
    };
    let mut factor = Factor {
        name: block.label.to_owned(),
        groups: Vec::new(),
        approvals: 0,
        ttl: None,
        is_for_requester: false,
    };
    if let Some(entry) = block.body.find("identity") {
        let [body] = bodies(entry)?[..] else {
            return Err(must_be(entry, "one block"));
        };
        let known = ["approvals", "group_names", "self_authorization", "ttl"];
        refuse_other_keys(body, &known)?;
        refuse_duplicates(body.entries.iter())?;
        for entry in &body.entries {
            match entry.key.as_str() {
                "approvals" => factor.approvals = count(entry)?,
                "group_names" => {
                    factor.groups = texts(entry)?.into_iter().map(str::to_owned).collect();
                }
                "self_authorization" => factor.is_for_requester = flag(entry)?,
                "ttl" => factor.ttl = ttl(entry)?,
                _ => {}
            }
        }
    }
    if factor.approvals == 0 {
        return Err(format!("factor {number}: missing required approvals"));
    }
    if factor.groups.is_empty() {
        return Err(format!("factor {number}: missing approving groups"));
    }
    Ok((controlled, factor))
}

/// Reads the capabilities that a factor is for: those that a request can need.
fn controlled(entry: &Entry, number: usize) -> Result<Capabilities, String> {
    let can_be_needed =
        |it: &Capability| !matches!(it, Capability::Deny | Capability::Root | Capability::Sudo);
    let named = |name| {
        Capability::granted_by_name(name)
            .filter(can_be_needed)
            .ok_or_else(|| format!("path control_group Operation(s) not valid: {name}"))
    };
    let names = texts(entry)?;
    if names.is_empty() {
        return Err(format!("factor {number}: missing controlled capabilities"));
    }
    names.into_iter().map(named).collect()
}

/// Reads how long something counts; nothing, or 0, is without a bound of its own.
fn ttl(entry: &Entry) -> Result<Option<Duration>, String> {
    duration(entry).map_err(|error| match error.strip_prefix("error parsing ttl: ") {
        Some(why) => format!("path control_group: invalid ttl: {why}"),
        None => error,
    })
}

fn flag(entry: &Entry) -> Result<bool, String> {
    let flag = entry.value.as_bool();
    flag.ok_or_else(|| must_be(entry, "true or false"))
}

/// Reads a number of people, or its text, as Vault takes it.
fn count(entry: &Entry) -> Result<usize, String> {
    let count = match &entry.value {
        Value::Integer(count) => usize::try_from(*count).ok(),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    count.ok_or_else(|| must_be(entry, "a whole number of at least 1"))
}

#[cfg(test)]
mod tests;
