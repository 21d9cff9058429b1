//! A secret in every field of every operation, in every shape: a caller that mistakes one field for
//! another must not find its secret in a log.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Watched;

/// The fields whose faulty values a refusal repeats, as Vault's does, to the caller alone; they are
/// durations, the words of a choice, and names of what is there or not, and none is for a secret. Each
/// stands behind the first part of its path: a `key` may be a name in one place and a share in another.
pub(super) const ECHOED: &[&str] = &[
    "auth allowed_keys",
    "auth allowed_operations",
    "auth bound_cidrs",
    "auth bound_origins",
    "auth explicit_max_ttl",
    "auth increment",
    "auth lease",
    "auth max_ttl",
    "auth period",
    "auth token_bound_cidrs",
    "auth token_explicit_max_ttl",
    "auth token_max_ttl",
    "auth token_period",
    "auth token_ttl",
    "auth token_type",
    "auth ttl",
    "identity access_token_ttl",
    "identity algorithm",
    "identity assignments",
    "identity client_type",
    "identity id_token_ttl",
    "identity key",
    "identity member_entity_ids",
    "identity member_group_ids",
    "identity rotation_period",
    "identity scopes_supported",
    "identity state",
    "identity ttl",
    "identity type",
    "identity verification_ttl",
    "sys block_interval",
    "sys config",
    "sys format",
    "sys increment",
    "sys interval",
    "sys level",
    "sys mounts",
    "sys plugin",
    "sys plugin_name",
    "sys ttl",
    "sys type",
    "sys user_lockout_config",
];

/// The fields that name a token to those who read the audit log, and paths, by which capabilities are
/// told; they stand there in clear.
const SHOWN: &[&str] = &["display_name", "meta", "path", "paths", "policies"];

/// What would end the walk: the server is sealed, or the token is gone.
const ENDING: &[&str] = &["auth/token/revoke-self", "sys/seal"];

/// Sends a secret in each field; returns the fields whose value a refusal repeated, each behind the
/// first part of its path.
pub(super) async fn walk(watched: &mut Watched) -> Vec<String> {
    for method in ["userpass"] {
        let body = json!({ "type": method });
        let path = format!("sys/auth/{method}");
        watched.root.post(&path, body).await.expect(204);
    }
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
        if ENDING.contains(&&*filled) {
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
                    let area = filled.split('/').next().unwrap_or_default();
                    echoed.insert(format!("{area} {field}"));
                }
            }
        }
    }
    // Else what came back since was that nobody may ask.
    watched.root.get("auth/token/lookup-self").await.expect(200);
    echoed.into_iter().collect()
}
