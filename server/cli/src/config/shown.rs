//! The configuration as `sys/config/state/sanitized` shows it.
//!
//! **Invariant:** of the storage and of what seals the server nothing but the type is shown: their
//! settings may hold credentials.

use keyward_core::hcl::{Body, Value};
use serde_json::{Map, Value as Json, json};

use super::SealConfigs;

/// Shows a configuration that names its storage.
pub(super) fn of(body: &Body, storage: &str, seals: &SealConfigs) -> Map<String, Json> {
    let mut listeners = Vec::new();
    for block in body.labelled("listener").unwrap_or_default() {
        listeners.push(listener(block.label, settings(block.body)));
    }
    let mut shown = document(storage, listeners, seals);
    for (name, value) in settings(body) {
        shown.insert(name, value);
    }
    shown
}

/// Shows a configuration that consists of a storage, of listeners and of seals.
pub(crate) fn document(
    storage: &str,
    listeners: Vec<Json>,
    seals: &SealConfigs,
) -> Map<String, Json> {
    let seals: Vec<_> = seals
        .names()
        .map(|(name, disabled)| json!({ "type": name, "disabled": disabled }))
        .collect();
    let shown = [
        ("listeners", json!(listeners)),
        ("storage", json!({ "type": storage })),
        ("seals", json!(seals)),
    ];
    let shown = shown.into_iter();
    shown
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Shows a listener.
pub(crate) fn listener(kind: &str, settings: Map<String, Json>) -> Json {
    json!({ "type": kind, "config": settings })
}

/// Takes the entries that are single values or lists of them; blocks are left out.
fn settings(body: &Body) -> Map<String, Json> {
    let entries = body.entries.iter();
    entries
        .filter_map(|entry| Some((entry.key.clone(), plain(&entry.value)?)))
        .collect()
}

fn plain(value: &Value) -> Option<Json> {
    match value {
        Value::Bool(flag) => Some(json!(flag)),
        Value::Integer(number) => Some(json!(number)),
        Value::Text(text) => Some(json!(text)),
        Value::List(items) => items.iter().map(plain).collect::<Option<_>>(),
        _ => None,
    }
}
