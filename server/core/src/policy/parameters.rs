//! Which parameters a request may, must not and must carry.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A parameter name in lower case, or `*` for any, and the values meant; none means every value.
pub(super) type Values = BTreeMap<String, Vec<Value>>;

/// The parameter rules of one path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parameters {
    pub(super) allowed: Values,
    pub(super) denied: Values,
    /// In lower case, sorted, each once.
    pub(super) required: Vec<String>,
}

impl Parameters {
    pub(super) fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.denied.is_empty() && self.required.is_empty()
    }

    /// Adds names that a request must carry.
    pub(super) fn require(&mut self, names: impl IntoIterator<Item = String>) {
        self.required.extend(names);
        self.required.sort_unstable();
        self.required.dedup();
    }

    /// Unites the rules of two policies for the same path.
    ///
    /// Values for the same name add up, and every value swallows them; all requirements stand. A
    /// policy without a list of allowed parameters does not lift that of another.
    pub(super) fn merge(&mut self, other: &Self) {
        merge_values(&mut self.allowed, &other.allowed);
        merge_values(&mut self.denied, &other.denied);
        self.require(other.required.iter().cloned());
    }

    /// Whether a request with these parameters passes.
    ///
    /// Requirements come first, then denials, then permissions. Names are compared in lower case,
    /// except that a required name must be there in lower case, which is what engines read.
    pub(super) fn permit(&self, given: &Map<String, Value>) -> bool {
        if !self.required.iter().all(|name| given.contains_key(name)) {
            return false;
        }
        if given.is_empty() {
            return true;
        }
        if self.denied.contains_key("*") {
            return false;
        }
        let any_name_allowed = self.allowed.is_empty() || self.allowed.contains_key("*");
        given.iter().all(|(name, value)| {
            let name = name.to_lowercase();
            let denied = self
                .denied
                .get(&name)
                .is_some_and(|values| includes(values, value));
            let allowed = match self.allowed.get(&name) {
                Some(values) => includes(values, value),
                None => any_name_allowed,
            };
            allowed && !denied
        })
    }
}

fn merge_values(into: &mut Values, from: &Values) {
    for (name, values) in from {
        match into.get_mut(name) {
            None => drop(into.insert(name.clone(), values.clone())),
            Some(present) if values.is_empty() => present.clear(),
            Some(present) if present.is_empty() => {}
            Some(present) => present.extend_from_slice(values),
        }
    }
}

/// Whether a list of values includes one: an empty list includes all.
fn includes(values: &[Value], given: &Value) -> bool {
    values.is_empty() || values.iter().any(|value| matches(value, given))
}

/// Texts match as globs, numbers by their value, all else if equal.
fn matches(pattern: &Value, given: &Value) -> bool {
    match (pattern, given) {
        (Value::String(pattern), Value::String(given)) => glob_matches(pattern, given),
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            a.as_f64() == b.as_f64()
        }
        _ => pattern == given,
    }
}

/// A `*` at either end stands for any text; a lone `*` for itself.
fn glob_matches(pattern: &str, given: &str) -> bool {
    if pattern.len() < 2 {
        return pattern == given;
    }
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (None, None) => pattern == given,
        (None, Some(head)) => given.starts_with(head),
        (Some(tail), None) => given.ends_with(tail),
        (Some(_), Some(_)) => given.contains(&pattern[1..pattern.len() - 1]),
    }
}

#[cfg(test)]
mod tests;
