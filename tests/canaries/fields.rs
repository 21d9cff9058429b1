//! A secret in every field of every operation, in every shape: a caller that mistakes one field for
//! another must not find its secret in a log. Nor must one who may not ask, or who has no token.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Watched, story::MERGE};

/// The fields whose faulty values a refusal repeats, as Vault's does, to the caller alone; they are
/// durations, numbers, the words of a choice, labels, the options of a write, the header of a JWS, which
/// anyone reads, and names of what is there or not, and none is for a secret. Each stands behind the
/// first part of its path: a `key` may be a name in one place and a share in another.
pub(super) const ECHOED: &[&str] = &[
    "auth allowed_keys",
    "auth allowed_operations",
    "auth bound_cidr_list",
    "auth bound_cidrs",
    "auth bound_origins",
    "auth cidr_list",
    "auth explicit_max_ttl",
    "auth increment",
    "auth lease",
    "auth max_ttl",
    "auth period",
    "auth secret_id_accessor",
    "auth secret_id_bound_cidrs",
    "auth secret_id_ttl",
    "auth token_bound_cidrs",
    "auth token_explicit_max_ttl",
    "auth token_max_ttl",
    "auth token_period",
    "auth token_ttl",
    "auth token_type",
    "auth ttl",
    "database credential_type",
    "database default_ttl",
    "database max_ttl",
    "database plugin_name",
    "identity access_token_ttl",
    "identity algorithm",
    "identity assignments",
    "identity client_type",
    "identity id_token_ttl",
    "identity key",
    "identity member_entity_ids",
    "identity member_group_ids",
    "identity period",
    "identity rotation_period",
    "identity scopes_supported",
    "identity state",
    "identity ttl",
    "identity type",
    "identity verification_ttl",
    "kv2 delete_version_after",
    "kv2 versions",
    "sys block_interval",
    "sys compression_type",
    "sys config",
    "sys default_lease_ttl",
    "sys encoding",
    "sys format",
    "sys increment",
    "sys interval",
    "sys level",
    "sys listing_visibility",
    "sys max_lease_ttl",
    "sys mounts",
    "sys plugin",
    "sys plugin_version",
    "sys ttl",
    "sys type",
    "sys user_lockout_config",
    "transit auto_rotate_period",
    "transit derived_key_type",
    "transit format",
    "transit hash",
    "transit hash_function",
    "transit marshaling_algorithm",
    "transit salt_length",
    "transit type",
];

/// The fields that name a token to those who read the audit log, and paths, by which capabilities are
/// told; they stand there in clear.
const SHOWN: &[&str] = &["display_name", "meta", "path", "paths", "policies"];

/// What a connection is made of; the field that is walked takes the place of its own. Nothing listens
/// there.
const CONNECTION: &str = r#"{
    "plugin_name": "postgresql-database-plugin",
    "connection_url": "postgresql://{{username}}:{{password}}@127.0.0.1:1/walk",
    "username": "keeper",
    "password": "is walked",
    "allowed_roles": "*"
}"#;

/// What else an operation asks for before it looks at the field that is walked.
const BESIDE: &[(&str, &str)] = &[
    ("auth/userpass/users/walk", r#"{ "password": "is walked" }"#),
    ("database/config/walk", CONNECTION),
    (
        "database/roles/walk",
        r#"{ "db_name": "walk", "creation_statements": "x" }"#,
    ),
    (
        "database/static-roles/walk",
        r#"{ "db_name": "walk", "username": "x" }"#,
    ),
    ("kv2/data/walk", r#"{ "data": { "a": "b" } }"#),
    ("sys/mounts/walk", r#"{ "type": "kv" }"#),
];

/// What would end the walk: the server is sealed, or the token is gone.
const ENDING: &[&str] = &["auth/token/revoke-self", "sys/seal"];

/// What the walk came by.
pub(super) struct Walked {
    /// The fields whose value a refusal repeated, each behind the first part of its path.
    pub(super) echoed: BTreeSet<String>,
    pub(super) fields: usize,
    pub(super) requests: usize,
}

/// One operation of the document, and how a field of it is sent.
struct Way<'a> {
    method: &'a str,
    path: &'a str,
    field: &'a str,
}

/// Sends a secret in each field of each body, and in each parameter of each query: with the root
/// token, with one that may not, and with none.
pub(super) async fn walk(watched: &mut Watched) -> Walked {
    furnish(watched).await;
    let document = watched
        .root
        .get("sys/internal/specs/openapi")
        .await
        .expect(200);
    let body = json!({ "policies": ["nothing"], "no_default_policy": true });
    let made = watched.root.post("auth/token/create", body).await;
    let nothing = made.expect(200).text_at("/auth/client_token").to_owned();
    watched.scanner.learn("a token that may nothing", &nothing);
    let root = watched.root.own_token().to_owned();
    let tokens = [&*root, &*nothing, ""];
    let mut walked = Walked {
        echoed: BTreeSet::new(),
        fields: 0,
        requests: 0,
    };
    for (path, item) in document.at("/paths").as_object().unwrap() {
        let filled = path.trim_start_matches('/').split('/');
        let filled = filled.map(|part| match part.starts_with('{') {
            true => "walk",
            false => part,
        });
        let filled = filled.collect::<Vec<_>>().join("/");
        if ENDING.contains(&&*filled) {
            continue;
        }
        for (method, key) in [("GET", "get"), ("POST", "post"), ("PATCH", "patch")] {
            let Some(operation) = item.get(key) else {
                continue;
            };
            let fields = match method {
                "GET" => of_query(operation),
                _ => of_body(operation, document.at("/components/schemas")),
            };
            let method = match method == "GET" && filled.ends_with('/') {
                true => "LIST",
                false => method,
            };
            for field in &fields {
                if SHOWN.contains(&field.as_str()) {
                    continue;
                }
                let secret = watched.secret(&format!("{method} {path} {field}"));
                walked.fields += 1;
                let path = &*filled;
                let way = Way {
                    method,
                    path,
                    field,
                };
                for value in shapes(&way, &secret) {
                    for token in tokens {
                        send(watched, &mut walked, &way, &value, token).await;
                    }
                }
            }
        }
    }
    // Else what came back since was that nobody may ask.
    watched.root.get("auth/token/lookup-self").await.expect(200);
    look_back(watched).await;
    walked
}

/// Mounts all there is, with something in it.
async fn furnish(watched: &Watched) {
    for method in ["approle", "userpass"] {
        let body = json!({ "type": method });
        let path = format!("sys/auth/{method}");
        watched.root.post(&path, body).await.expect(204);
    }
    for (path, body) in [
        ("sys/mounts/database", json!({ "type": "database" })),
        ("sys/mounts/kv1", json!({ "type": "kv" })),
        (
            "sys/mounts/kv2",
            json!({ "type": "kv", "options": { "version": "2" } }),
        ),
        ("sys/mounts/transit", json!({ "type": "transit" })),
        ("transit/keys/walk", json!({ "exportable": true })),
        ("kv1/walk", json!({ "a": "b" })),
        ("kv2/data/walk", json!({ "data": { "a": "b" } })),
        ("auth/approle/role/walk", json!({})),
        ("auth/userpass/users/walk", json!({ "password": "a word" })),
        ("auth/token/roles/walk", json!({})),
    ] {
        let answer = watched.root.post(path, body).await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
    }
    let mut connection: Value = serde_json::from_str(CONNECTION).unwrap();
    connection["verify_connection"] = json!(false);
    let path = "database/config/walk";
    watched.root.post(path, connection).await.expect(204);
}

fn of_query(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let names = parameters.filter(|parameter| parameter["in"] == "query");
    names
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
        .collect()
}

fn of_body(operation: &Value, schemas: &Value) -> Vec<String> {
    let schema = operation
        .pointer("/requestBody/content")
        .and_then(Value::as_object)
        .and_then(|content| content.values().next())
        .and_then(|content| content["schema"]["$ref"].as_str());
    let Some(schema) = schema else {
        return Vec::new();
    };
    let schema = &schemas[schema.rsplit('/').next().unwrap()];
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields.map(|(name, _)| name.clone()).collect()
}

/// The values of a field that hold a secret.
fn shapes(way: &Way<'_>, secret: &str) -> Vec<Value> {
    if matches!(way.method, "GET" | "LIST") {
        return vec![json!(secret)];
    }
    let mut shapes = vec![
        json!(secret),
        json!([secret]),
        json!({ "a": secret }),
        json!([[secret]]),
        json!([{ "a": secret }]),
    ];
    if way.field == "connection_url" {
        shapes.extend([
            json!(format!("postgresql://keeper:{secret}@127.0.0.1:1/walk")),
            json!(format!("postgresql://keeper:{secret}@127.0.0.1:x/walk")),
            json!(format!("postgresql://127.0.0.1:1/walk?password={secret}")),
            json!(format!("postgresql://127.0.0.1:1/walk?{secret}={secret}")),
            json!(format!("host=127.0.0.1 port=1 password={secret} sslmode=x")),
        ]);
    }
    shapes
}

/// Sends a value, and keeps what must hold no secret.
async fn send(
    watched: &mut Watched,
    walked: &mut Walked,
    way: &Way<'_>,
    value: &Value,
    token: &str,
) {
    let Way {
        method,
        path,
        field,
    } = *way;
    let client = watched.root.with_token(token);
    let answer = match method {
        "GET" | "LIST" => {
            let value = value.as_str().unwrap();
            // What it answers would not end, unless it is asked for no lines.
            let path = match path {
                "sys/monitor" if field != "log_level" => {
                    format!("{path}?log_level=none&{field}={value}")
                }
                _ => format!("{path}?{field}={value}"),
            };
            client.send(method, &path, &[], None).await
        }
        _ => {
            let beside = BESIDE.iter().find(|(known, _)| *known == path);
            let mut body: Map<String, Value> = beside
                .map(|(_, body)| serde_json::from_str(body).unwrap())
                .unwrap_or_default();
            body.insert(field.to_owned(), value.clone());
            let headers = match method {
                "PATCH" => &[MERGE][..],
                _ => &[][..],
            };
            let body = Some(Value::from(body).to_string());
            client.send(method, path, headers, body).await
        }
    };
    walked.requests += 1;
    let repeats = answer.status >= 400 && !watched.scanner.scan(answer.text.as_bytes()).is_empty();
    if repeats && answer.status != 403 {
        let area = path.split('/').next().unwrap_or_default();
        walked.echoed.insert(format!("{area} {field}"));
    }
    let shown = match answer.status {
        // Who may not ask is told nothing.
        403 => answer.text.clone(),
        _ => answer.json["warnings"].to_string(),
    };
    let shown = format!("{:?}\n{shown}", answer.headers);
    watched
        .outputs
        .push((format!("{method} {path} {field}"), shown));
}

/// Asks what the server tells of itself after all of that.
async fn look_back(watched: &mut Watched) {
    for path in [
        "sys/metrics",
        "sys/metrics?format=prometheus",
        "sys/in-flight-req",
        "sys/config/state/sanitized",
        "sys/host-info",
    ] {
        let answer = watched.root.get(path).await.expect(200);
        watched.keep(path, &answer, true);
    }
}
