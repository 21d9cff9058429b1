//! The texts of password policies, refused in the peers' words.

use super::{Charset, PasswordPolicy, in_order};
use crate::{
    Error,
    hcl::{self, Block, Body, Entry, Value},
};

/// The shortest and the longest password that a policy may ask for, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=100;

impl PasswordPolicy {
    /// Reads a policy from HCL or JSON.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the text is no password policy, or no password can follow it.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let policy =
            parse(text).map_err(|why| Error::invalid(format!("invalid password policy: {why}")))?;
        if !LENGTHS.contains(&policy.length) {
            let (least, most) = LENGTHS.into_inner();
            return Err(Error::invalid(format!(
                "passwords must be between {least} and {most} characters"
            )));
        }
        Ok(policy)
    }
}

fn parse(text: &str) -> Result<PasswordPolicy, String> {
    let body = hcl::parse(text).map_err(|error| format!("unable to decode: {error}"))?;
    let in_config = |why| {
        format!(
            "failed to decode configuration: decoding failed due to the following error(s):\n\n\
             {why}"
        )
    };
    refuse_other_keys(&body, &["length", "rule"])?;
    let length = match body.find("length") {
        Some(entry) => whole(entry).map_err(in_config)?,
        None => 0,
    };
    let in_rules = |why| format!("unable to parse rules: {why}");
    let blocks = body
        .labelled("rule")
        .map_err(|error| in_rules(error.to_string()))?;
    let rules = blocks
        .iter()
        .map(rule)
        .collect::<Result<_, _>>()
        .map_err(in_rules)?;
    let policy = PasswordPolicy { length, rules };
    match &policy.faults()[..] {
        [] => Ok(policy),
        [fault] => Err(format!("1 error occurred:\n\t* {fault}\n\n")),
        faults => Err(format!(
            "{} errors occurred:\n\t* {}\n\n",
            faults.len(),
            faults.join("\n\t* ")
        )),
    }
}

fn rule(block: &Block<'_>) -> Result<Charset, String> {
    let label = block.label;
    let in_rule = |why: String| format!("unable to parse rule {label}: {why}");
    if label != "charset" {
        return Err(in_rule(format!("unrecognized rule type {label}")));
    }
    // A misspelt minimum must not make weaker passwords than its writer meant.
    refuse_other_keys(block.body, &["charset", "min-chars"]).map_err(in_rule)?;
    let in_charset = |why| {
        in_rule(format!(
            "failed to parse charset restriction: decoding failed due to the following \
             error(s):\n\n{why}"
        ))
    };
    let text = match block.body.find("charset") {
        None => "",
        Some(entry) => entry
            .value
            .as_text()
            .ok_or_else(|| in_charset(unconvertible(entry, "string")))?,
    };
    let min_chars = match block.body.find("min-chars") {
        None => 0,
        Some(entry) => whole(entry).map_err(in_charset)?,
    };
    Ok(Charset {
        characters: in_order(text.chars()),
        min_chars,
    })
}

impl PasswordPolicy {
    /// Tells why no password can follow the policy, or none that can be typed.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let asked = self
            .rules
            .iter()
            .fold(0usize, |sum, rule| sum.saturating_add(rule.min_chars));
        if self.length == 0 {
            faults.push("length must be > 0".to_owned());
        } else if asked > self.length {
            faults.push(format!(
                "specified rules require at least {asked} characters but {} is specified",
                self.length
            ));
        }
        let mut characters = self.rules.iter().flat_map(|rule| &rule.characters);
        if characters.clone().next().is_none() {
            faults.push("no charset specified".to_owned());
        } else if !characters.all(|&character| is_printable(character)) {
            faults.push("non-printable character in charset".to_owned());
        }
        faults
    }
}

/// Tells whether a character shows: of the white ones, only the blank counts.
fn is_printable(character: char) -> bool {
    let escaped = || character.escape_debug().to_string();
    character == ' '
        || !character.is_control() && !character.is_whitespace() && !escaped().starts_with("\\u")
}

/// Reads a whole number; one below zero is as good as zero.
fn whole(entry: &Entry) -> Result<usize, String> {
    match entry.value.as_integer() {
        Some(number) => Ok(usize::try_from(number.max(0)).unwrap_or(usize::MAX)),
        None => Err(unconvertible(entry, "int")),
    }
}

fn unconvertible(Entry { key, value, .. }: &Entry, wanted: &str) -> String {
    let got = match value {
        Value::Bool(_) => "bool",
        Value::Float(_) => "float64",
        Value::Integer(_) => "int",
        Value::List(_) => "[]interface {}",
        Value::Null => "nil",
        Value::Object(_) => "map[string]interface {}",
        Value::Text(_) => "string",
    };
    format!("'{key}' expected type '{wanted}', got unconvertible type '{got}'")
}

fn refuse_other_keys(body: &Body, known: &[&str]) -> Result<(), String> {
    let mut entries = body.entries.iter();
    match entries.find(|entry| !known.contains(&entry.key.as_str())) {
        Some(Entry { key, position, .. }) => {
            Err(format!("invalid key {key:?} on line {}", position.line))
        }
        None => Ok(()),
    }
}
