//! A secret in every field of every operation, in every shape: a caller that mistakes one field for
//! another must not find its secret in a log.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Watched;

/// The fields whose faulty values a refusal repeats, as Vault's does, to the caller alone; they are
/// durations, and none is for a secret.
pub(super) const ECHOED: &[&str] = &["explicit_max_ttl", "increment", "lease", "period", "ttl"];

/// The fields that name a token to those who read the audit log, and stand there in clear.
const SHOWN: &[&str] = &["display_name", "meta", "policies"];

/// Sends a secret in each field; returns the fields whose value a refusal repeated.
pub(super) async fn walk(watched: &mut Watched) -> Vec<String> {
    let document = watched
        .root
        .get("sys/internal/specs/openapi")
        .await
        .expect(200);
    let mut echoed = BTreeSet::new();
    for (path, item) in document.at("/paths").as_object().unwrap() {
        let Some(post) = item.get("post") else {
            continue;
        };
        let Some(name) = post
            .pointer("/requestBody/content/application~1json/schema/$ref")
            .and_then(Value::as_str)
        else {
            continue;
        };
        let name = name.rsplit('/').next().unwrap();
        let schema = &document.at("/components/schemas")[name];
        let filled = path.trim_start_matches('/').split('/');
        let filled = filled.map(|part| match part.starts_with('{') {
            true => "walk",
            false => part,
        });
        let filled = filled.collect::<Vec<_>>().join("/");
        if filled == "sys/seal" {
            continue;
        }
        for field in schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            if SHOWN.contains(&field.as_str()) {
                continue;
            }
            let secret = watched.secret(&format!("{path} {field}"));
            for value in [
                json!(secret),
                json!([secret]),
                json!({ "a": secret }),
                json!([[secret]]),
                json!([{ "a": secret }]),
            ] {
                let answer = watched.root.post(&filled, json!({ field: value })).await;
                if answer.status >= 400 && !watched.scanner.scan(answer.text.as_bytes()).is_empty()
                {
                    echoed.insert(field.clone());
                }
            }
        }
    }
    echoed.into_iter().collect()
}
