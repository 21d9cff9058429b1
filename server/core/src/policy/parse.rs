//! Policy texts into rules.

use std::{num::NonZeroU64, sync::Arc, time::Duration};

use keyward_api::coerce;

use super::{
    Capabilities, Capability, Listing, Rule, Wrapping, control, key_filter::KeyFilter,
    parameters::Values,
};
use crate::{
    Timestamp,
    hcl::{self, Block, Body, Entry, Value},
};

/// Why a policy is refused: a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse policy: {0}")]
pub struct PolicyError(String);

impl From<hcl::Error> for PolicyError {
    fn from(error: hcl::Error) -> Self {
        Self(error.to_string())
    }
}

pub(super) fn rules(text: &str) -> Result<Vec<Rule>, PolicyError> {
    let body = hcl::parse(text)?;
    // A name inside the text is for readers; the one it is stored under counts.
    refuse_other_keys(&body, &["name", "path"]).map_err(PolicyError)?;
    let in_path =
        |block: &Block<'_>, error| PolicyError(format!("path {:?}: {error}", block.label));
    let blocks = body.labelled("path")?;
    blocks
        .iter()
        .map(|block| rule(block).map_err(|error| in_path(block, error)))
        .collect()
}

/// The keys of a `path` block; a `comment` is for readers.
const RULE_KEYS: [&str; 12] = [
    "allowed_parameters",
    "capabilities",
    "comment",
    "control_group",
    "denied_parameters",
    "expiration",
    "list_scan_response_keys_filter_path",
    "max_wrapping_ttl",
    "min_wrapping_ttl",
    "pagination_limit",
    "policy",
    "required_parameters",
];

/// Keys that other servers enforce. To ignore one would open what its writer meant to close.
const UNSUPPORTED_KEYS: [&str; 1] = ["mfa_methods"];

fn rule(block: &Block<'_>) -> Result<Rule, String> {
    refuse_other_keys(block.body, &RULE_KEYS)?;
    let path = block.label.strip_prefix('/').unwrap_or(block.label);
    if path.contains("+*") {
        return Err("invalid use of wildcards ('+*' is forbidden)".to_owned());
    }
    let mut rule = Rule {
        path: path.to_owned(),
        is_template: is_template(path)?,
        capabilities: Capabilities::default(),
        parameters: super::Parameters::default(),
        wrapping: Wrapping::default(),
        listing: Listing::default(),
        control: None,
        expiration: None,
    };
    refuse_duplicates(block.body.entries.iter())?;
    for entry in &block.body.entries {
        match entry.key.as_str() {
            "allowed_parameters" => rule.parameters.allowed = values(entry)?,
            "capabilities" => {
                rule.capabilities = rule.capabilities.union(capabilities(entry)?);
            }
            "control_group" => rule.control = Some(Arc::new(control::parse(entry)?)),
            "denied_parameters" => rule.parameters.denied = values(entry)?,
            "expiration" => rule.expiration = Some(moment(entry)?),
            "list_scan_response_keys_filter_path" => rule.listing.filter = key_filter(entry)?,
            "max_wrapping_ttl" => rule.wrapping.max = duration(entry)?,
            "min_wrapping_ttl" => rule.wrapping.min = duration(entry)?,
            "pagination_limit" => rule.listing.limit = limit(entry)?,
            "policy" => rule.capabilities = rule.capabilities.union(old_policy(entry)?),
            "required_parameters" => {
                let names = texts(entry)?.into_iter().map(str::to_lowercase);
                rule.parameters.require(names);
            }
            _ => {}
        }
    }
    if let Wrapping {
        min: Some(min),
        max: Some(max),
    } = rule.wrapping
        && max < min
    {
        return Err("max_wrapping_ttl cannot be less than min_wrapping_ttl".to_owned());
    }
    Ok(rule)
}

/// Refuses a key that is there twice.
pub(super) fn refuse_duplicates<'a>(
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    for Entry { key, position, .. } in entries {
        if seen.contains(&key.as_str()) {
            return Err(hcl::Error::duplicate(key, *position).to_string());
        }
        seen.push(key);
    }
    Ok(())
}

/// Lists the blocks that stand under a key without a label.
pub(super) fn bodies(entry: &Entry) -> Result<Vec<&Body>, String> {
    entry.bodies().map_err(|error| error.to_string())
}

pub(super) fn refuse_other_keys(body: &Body, known: &[&str]) -> Result<(), String> {
    let others = body
        .entries
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()));
    let complaints: Vec<String> = others
        .map(|Entry { key, position, .. }| {
            if UNSUPPORTED_KEYS.contains(&key.as_str()) {
                format!(
                    "\t* key {key:?} on line {} is not supported\n",
                    position.line
                )
            } else {
                format!("\t* invalid key {key:?} on line {}\n", position.line)
            }
        })
        .collect();
    match complaints.len() {
        0 => Ok(()),
        1 => Err(format!("1 error occurred:\n{}\n", complaints.concat())),
        count => Err(format!(
            "{count} errors occurred:\n{}\n",
            complaints.concat()
        )),
    }
}

/// Whether a path holds templates.
///
/// # Errors
/// A template is not closed, or one that was not opened is.
fn is_template(path: &str) -> Result<bool, String> {
    let mut pieces = path.split("{{");
    let outside = pieces.next().unwrap_or_default();
    let mut templates = 0;
    let mut is_balanced = !outside.contains("}}");
    for piece in pieces {
        templates += 1;
        is_balanced &= piece.matches("}}").count() == 1;
    }
    if is_balanced {
        Ok(templates > 0)
    } else {
        Err("failed to validate policy templating: unbalanced templating characters".to_owned())
    }
}

fn capabilities(entry: &Entry) -> Result<Capabilities, String> {
    let named = |name| {
        Capability::granted_by_name(name).ok_or_else(|| format!("invalid capability {name:?}"))
    };
    texts(entry)?.into_iter().map(named).collect()
}

/// Reads the one word that stood for a set of capabilities before there were any.
fn old_policy(entry: &Entry) -> Result<Capabilities, String> {
    use Capability::{Create, Delete, Deny, List, Read, Sudo, Update};
    let word = entry
        .value
        .as_text()
        .ok_or_else(|| must_be(entry, "a string"))?;
    let granted: &[Capability] = match word {
        "deny" => &[Deny],
        "read" => &[List, Read],
        "sudo" => &[Create, Delete, List, Read, Sudo, Update],
        "write" => &[Create, Delete, List, Read, Update],
        _ => return Err(format!("invalid policy {word:?}")),
    };
    Ok(granted.iter().copied().collect())
}

fn values(entry: &Entry) -> Result<Values, String> {
    let parameters = entry.value.as_object();
    let parameters = parameters.ok_or_else(|| must_be(entry, "an object of lists"))?;
    let mut values = Values::new();
    for parameter in &parameters.entries {
        let list = parameter
            .value
            .as_list()
            .ok_or_else(|| must_be(parameter, "a list"))?;
        let list = list.iter().map(Value::to_json).collect();
        if values.insert(parameter.key.to_lowercase(), list).is_some() {
            return Err(hcl::Error::duplicate(&parameter.key, parameter.position).to_string());
        }
    }
    Ok(values)
}

pub(super) fn texts(entry: &Entry) -> Result<Vec<&str>, String> {
    let list = entry.value.as_list();
    let texts = list.and_then(|items| items.iter().map(Value::as_text).collect());
    texts.ok_or_else(|| must_be(entry, "a list of strings"))
}

/// Reads a number of seconds or a text such as `1h30m`; nothing, or 0, is no bound.
pub(super) fn duration(entry: &Entry) -> Result<Option<Duration>, String> {
    let duration = match &entry.value {
        Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
        Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Text(text) => {
            let seconds = coerce::parse_seconds(text)
                .map_err(|error| format!("error parsing {}: {error}", entry.key))?;
            u64::try_from(seconds).ok().map(Duration::from_secs)
        }
        _ => None,
    };
    match duration {
        Some(duration) => Ok(Some(duration).filter(|duration| !duration.is_zero())),
        None => Err(format!(
            "error parsing {}: could not parse duration from input",
            entry.key
        )),
    }
}

/// Reads a whole number, which may be quoted; none above 0 is no limit.
fn limit(entry: &Entry) -> Result<Option<NonZeroU64>, String> {
    let number = match &entry.value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| must_be(entry, "a whole number"))?;
    Ok(u64::try_from(number).ok().and_then(NonZeroU64::new))
}

/// Reads a template; an empty one is none.
fn key_filter(entry: &Entry) -> Result<Option<Arc<KeyFilter>>, String> {
    let text = entry
        .value
        .as_text()
        .ok_or_else(|| must_be(entry, "a string"))?;
    if text.is_empty() {
        return Ok(None);
    }
    let filter = KeyFilter::parse(text).map_err(|error| format!("{} {error}", entry.key))?;
    Ok(Some(Arc::new(filter)))
}

/// Reads a moment: RFC 3339, or seconds since 1970.
///
/// One that is past is none the less read: a policy that was written before must still be.
fn moment(entry: &Entry) -> Result<Timestamp, String> {
    let moment = match &entry.value {
        Value::Integer(seconds) => Timestamp::parse(&seconds.to_string()),
        Value::Text(text) => Timestamp::parse(text),
        _ => None,
    };
    moment.ok_or_else(|| {
        "invalid expiration time: could not parse string as date and time".to_owned()
    })
}

pub(super) fn must_be(Entry { key, position, .. }: &Entry, what: &str) -> String {
    format!("{key:?} on line {} must be {what}", position.line)
}

#[cfg(test)]
mod tests;
