//! The configuration as `sys/config/state/sanitized` shows it.
//!
//! **Invariant:** of the storage and of what seals the server nothing but the type is shown: their
//! settings may hold credentials.

use keyward_core::hcl::{Body, Value};
use serde_json::{Map, Value as Json, json};

use super::{Config, SealConfigs};

/// Shows a configuration that names its storage, with the listeners that it shows already; of a
/// setting that stands in several files, the last counts.
pub(super) fn of(bodies: &[Body], config: &Config) -> Map<String, Json> {
    let shown = config.shown.get("listeners").and_then(Json::as_array);
    let mut listeners = shown.cloned().unwrap_or_default();
    for block in bodies
        .iter()
        .flat_map(|body| body.labelled("listener").unwrap_or_default())
    {
        listeners.push(listener(block.label, settings(block.body)));
    }
    let mut shown = document(&config.storage.name, listeners, &config.seals);
    for (name, value) in bodies.iter().flat_map(settings) {
        shown.insert(name, value);
    }
    // It need not stand in a file.
    if !config.api_addr.is_empty() {
        shown.insert("api_addr".to_owned(), json!(config.api_addr));
    }
    // As Vault shows them, however they are written.
    for (name, ttl) in [
        ("default_lease_ttl", config.lease_ttls.default),
        ("max_lease_ttl", config.lease_ttls.max),
    ] {
        if let Some(shown) = shown.get_mut(name) {
            *shown = json!(ttl.as_secs());
        }
    }
    if let Some(ui) = shown.remove("ui") {
        shown.insert("enable_ui".to_owned(), ui);
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
