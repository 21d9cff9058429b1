//! Settings read from entries of the configuration, or refused by name and line.

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{Result, anyhow};
use keyward_api::coerce;
use keyward_core::hcl::{Entry, Position, Value};

/// Refuses a name that means nothing.
pub(super) fn unknown(what: &str, name: &str, position: Position) -> anyhow::Error {
    anyhow!("unknown {what} \"{name}\" at line {}", position.line)
}

/// Refuses what stands in an entry; `problem` ends the sentence.
pub(super) fn refuse(entry: &Entry, problem: impl fmt::Display) -> anyhow::Error {
    anyhow!(
        "\"{}\" at line {} {problem}",
        entry.key,
        entry.position.line
    )
}

/// Reads a string.
pub(super) fn text(entry: &Entry) -> Result<String> {
    let text = entry.value.as_text().map(str::to_owned);
    text.ok_or_else(|| refuse(entry, "must be a string"))
}

/// Reads a truth value, also as Vault's files write it in quotes.
pub(super) fn flag(entry: &Entry) -> Result<bool> {
    match &entry.value {
        Value::Bool(flag) => Ok(*flag),
        Value::Integer(number) => Ok(*number != 0),
        Value::Text(text) if matches!(text.as_str(), "true" | "1") => Ok(true),
        Value::Text(text) if matches!(text.as_str(), "false" | "0") => Ok(false),
        _ => Err(refuse(entry, "must be true or false")),
    }
}

/// Reads a setting as text, whether it was written as a string, a number or a boolean.
pub(super) fn plain(entry: &Entry) -> Result<String> {
    match &entry.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(refuse(entry, "must be a plain value")),
    }
}

/// Reads a whole number, in quotes or not.
pub(super) fn number<T: FromStr>(entry: &Entry) -> Result<T> {
    let number = plain(entry)?.parse();
    number.map_err(|_| refuse(entry, "must be a whole number that is not negative"))
}

/// Reads how much there may be of something; nothing at all would serve nobody.
pub(super) fn bound(entry: &Entry) -> Result<usize> {
    match number(entry)? {
        0 => Err(refuse(
            entry,
            "must be more than 0: nothing here is unbounded",
        )),
        bound => Ok(bound),
    }
}

/// Reads a duration such as `90`, `"90s"` or `"1m30s"`; none is 0.
pub(super) fn duration_or_none(entry: &Entry) -> Result<Option<Duration>> {
    let seconds = coerce::parse_seconds(&plain(entry)?).ok();
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let seconds =
        seconds.ok_or_else(|| refuse(entry, "must be a duration in seconds, such as \"90s\""))?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

/// Reads a duration that has an end.
pub(super) fn duration(entry: &Entry) -> Result<Duration> {
    let duration = duration_or_none(entry)?;
    duration.ok_or_else(|| refuse(entry, "must be more than 0: nothing here is unbounded"))
}

/// Reads a list of strings, also as Vault's files write it: one string, parted by commas.
pub(super) fn texts(entry: &Entry) -> Result<Vec<String>> {
    let problem = || refuse(entry, "must be a list of strings");
    match &entry.value {
        Value::Text(text) => Ok(text
            .split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()),
        Value::List(items) => {
            let items = items.iter().map(|item| item.as_text().map(str::to_owned));
            items.collect::<Option<_>>().ok_or_else(problem)
        }
        _ => Err(problem()),
    }
}
