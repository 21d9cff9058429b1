//! Finds where two replies part, and which of these places are meant to.

use serde::Deserialize;
use serde_json::Value;

use super::call::present;

/// Stands for no value at all.
const NOTHING: &str = "(nothing)";

/// One place where the replies to a call differ.
#[derive(Debug)]
pub(crate) struct Difference {
    /// `area: call`.
    pub(crate) call: String,
    /// `/status`, `/header/NAME` or `/body/…`.
    pub(crate) at: String,
    pub(crate) peer: Option<Value>,
    pub(crate) ours: Option<Value>,
}

/// A difference on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnPurpose {
    /// Which calls, as `area: call`; `*` stands for anything.
    calls: String,
    /// Which place; `*` stands for anything.
    at: String,
    /// What the peer answers there, if that matters; in a text `*` stands for anything and `{ours}`
    /// for our text.
    #[serde(default, deserialize_with = "present")]
    peer: Option<Value>,
    /// What we answer there, if that matters; `*` in a text stands for anything.
    #[serde(default, deserialize_with = "present")]
    ours: Option<Value>,
    /// Why.
    reason: String,
}

impl OnPurpose {
    /// Reads the table.
    pub(crate) fn table(text: &str) -> Vec<Self> {
        let table: Vec<Self> = serde_json::from_str(text).expect("the table of differences");
        for entry in &table {
            assert!(!entry.reason.is_empty(), "{entry:?} gives no reason");
        }
        table
    }

    /// Whether this entry speaks of that difference.
    pub(crate) fn covers(&self, difference: &Difference) -> bool {
        let ours = difference.ours.as_ref();
        let text = ours.and_then(Value::as_str).unwrap_or_default();
        let peer = self.peer.as_ref().map(|peer| match peer {
            Value::String(peer) => Value::from(peer.replace("{ours}", text)),
            other => other.clone(),
        });
        matches(&self.calls, &difference.call)
            && matches(&self.at, &difference.at)
            && is(peer.as_ref(), difference.peer.as_ref())
            && is(self.ours.as_ref(), ours)
    }
}

impl std::fmt::Display for OnPurpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {} ({})", self.calls, self.at, self.reason)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or_else(|| NOTHING.to_owned(), Value::to_string)
        };
        let (call, at, peer, ours) = (&self.call, &self.at, &self.peer, &self.ours);
        write!(
            f,
            "{call}\n    at {at}\n    peer {}\n    ours {}",
            show(peer),
            show(ours)
        )
    }
}

/// Collects the places at which `peer` and `ours` part, from `at` downwards.
pub(crate) fn compare(
    call: &str,
    at: &str,
    peer: Option<&Value>,
    ours: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (peer, ours) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let added = right.keys().filter(|key| !left.contains_key(*key));
            for key in left.keys().chain(added) {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(call, &at, left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(
                    call,
                    &format!("{at}/{index}"),
                    Some(left),
                    Some(right),
                    found,
                );
            }
        }
        (left, right) if left == right => {}
        (left, right) => found.push(Difference {
            call: call.to_owned(),
            at: at.to_owned(),
            peer: left.cloned(),
            ours: right.cloned(),
        }),
    }
}

/// Whether a value is the expected one, of which `"(nothing)"` is no value and `None` any.
fn is(expected: Option<&Value>, value: Option<&Value>) -> bool {
    match (expected, value) {
        (None, _) => true,
        (Some(expected), None) => expected == NOTHING,
        (Some(Value::String(pattern)), Some(Value::String(text))) => matches(pattern, text),
        (Some(expected), Some(value)) => expected == value,
    }
}

/// Whether `text` matches `pattern`, in which each `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            (0..=text.len())
                .filter(|&at| text.is_char_boundary(at))
                .any(|at| matches(rest, &text[at..]))
        }),
    }
}

#[test]
fn a_star_matches_any_run_and_nothing_else_does() {
    assert!(matches("kv2: *", "kv2: read"));
    assert!(matches("*/mount_type", "/body/mount_type"));
    assert!(matches("/body/*/keys", "/body/data/keys"));
    assert!(!matches("/body/data", "/body/data/keys"));
    assert!(!matches("kv: *", "kv2: read"));
}
