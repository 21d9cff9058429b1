//! The document of the API (OpenAPI 3.0.2), made from the routes of the mounts and the types of
//! their requests and answers: no path and no field is written down a second time. What is said of
//! them are the doc comments of those types.
//!
//! As Vault's: operations below `{TYPE_mount_path}` where generic places are asked for; a list is a
//! GET of the path with a slash and `list=true`; the schema of an answer is that of the envelope's
//! `data`; `x-vault-sudo` and `x-vault-unauthenticated` stand where they hold, at the operation.

mod help;
mod path;
mod text;

use std::{collections::BTreeSet, sync::Arc};

use keyward_api::{Access, Operation};
use serde_json::{Map, Value, json};

pub(crate) use self::help::help;
use self::{
    path::{Path, spelled},
    text::{Told, first_sentence, needs},
};
use crate::{
    Face,
    engine::{Class, Described},
    mounts::{Mount, is_builtin},
};

/// How the document names the places of mounts.
#[derive(Clone, Copy)]
pub(crate) enum Places {
    /// `/{transit_mount_path}/…`, once for all mounts of a type.
    Generic,
    /// Where each mount is.
    Real,
}

/// The parts of the document that grow with each operation.
#[derive(Default)]
struct Parts {
    ids: BTreeSet<String>,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
}

/// Describes mounts.
pub(crate) fn describe(mounts: &[Arc<Mount>], places: Places, version: &str) -> Value {
    let mut parts = Parts::default();
    for mount in mounts {
        parts.add_all(&Place::of(mount, places), operations(mount));
    }
    parts.document(version)
}

/// Describes some routes of one mount, where it is.
fn describe_one(mount: &Mount, routes: &[Described], version: &str) -> Value {
    let mut parts = Parts::default();
    let place = Place::of(mount, Places::Real);
    parts.add_all(&place, routes.iter().copied());
    parts.document(version)
}

/// Describes every operation of a mount; those that answer always are told of at `sys/`.
fn operations(mount: &Mount) -> impl Iterator<Item = Described> {
    mount.mounted.routes.describe().chain(faces(mount))
}

/// Describes those operations that answer always which are told of at a mount.
fn faces(mount: &Mount) -> impl Iterator<Item = Described> + use<> {
    let is_system = mount.entry.kind == "system";
    Face::described().filter(move |_| is_system)
}

/// Where a mount is, as the document says it.
struct Place {
    /// Without slashes around; may hold one parameter.
    path: String,
    parameter: Option<String>,
    /// Begins the ids of its operations.
    id: String,
    /// Begins the names of its schemas.
    prefix: String,
    tag: &'static str,
}

impl Place {
    fn of(mount: &Mount, places: Places) -> Self {
        let kind = &mount.entry.kind;
        let full = mount.full_path();
        let real = full.trim_end_matches('/');
        let (path, parameter) = match places {
            Places::Generic if !is_builtin(kind) => {
                let parameter = format!("{kind}_mount_path");
                let path = match mount.class {
                    Class::Auth => format!("auth/{{{parameter}}}"),
                    Class::Secret => format!("{{{parameter}}}"),
                };
                (path, Some(parameter))
            }
            _ => (real.to_owned(), None),
        };
        let id = parameter.as_ref().map_or(real, |_| kind.as_str());
        Self {
            id: id.replace('/', "-"),
            prefix: capitalised(kind),
            path,
            parameter,
            tag: match (kind.as_str(), mount.class) {
                ("system", _) => "system",
                (_, Class::Auth) => "auth",
                (_, Class::Secret) => "secrets",
            },
        }
    }
}

impl Parts {
    fn document(self, version: &str) -> Value {
        json!({
            "openapi": "3.0.2",
            "info": {
                "title": "Keyward API",
                "description": "HTTP API of Keyward, which is Vault's. All paths are prefixed with \
                                `/v1/`; the schema of an answer is that of the envelope's `data`.",
                "version": version,
                "license": {
                    "name": "Apache-2.0",
                    "url": "https://www.apache.org/licenses/LICENSE-2.0",
                },
            },
            "paths": self.paths,
            "components": { "responses": refused(), "schemas": self.schemas },
        })
    }

    fn add_all(&mut self, place: &Place, routes: impl Iterator<Item = Described>) {
        for route in routes {
            for path in spelled(route.path, route.operation) {
                self.add(place, &route, &path);
            }
        }
    }

    fn add(&mut self, place: &Place, route: &Described, path: &Path) {
        let slash = if route.operation.lists() { "/" } else { "" };
        let full = format!("/{}/{}{slash}", place.path, path.text);
        let fields = fields(route);
        let item = self.paths.entry(full.clone()).or_insert_with(|| {
            let mount = place.parameter.as_deref().map(in_mount_path);
            let captured = path.captures.iter();
            let captured = captured.map(|name| in_path(name, fields.get(*name)));
            let parameters: Vec<Value> = mount.into_iter().chain(captured).collect();
            json!({ "parameters": parameters })
        });
        let Value::Object(item) = item else { return };
        let method = match route.operation {
            Operation::Create | Operation::Update => "post",
            Operation::Delete => "delete",
            Operation::List | Operation::Read | Operation::Scan => "get",
            Operation::Patch => "patch",
        };
        if let Some(known) = item.get_mut(method) {
            // A path that is spelled out wins over what another leaves open there; both are one call.
            // A list and a scan of one path are two.
            if route.operation == Operation::Scan {
                or_scanned(known);
            }
            return;
        }
        let mut id = format!("{}-{}", place.id, words(route.name).join("-"));
        if !path.optional.is_empty() {
            id = format!("{id}-with-{}", path.optional.join("-"));
        }
        let id = numbered(&id, |id| !self.ids.contains(id));
        self.ids.insert(id.clone());
        let operation = self.operation(place, route, path, fields, &id);
        self.paths[&full][method] = operation;
    }

    fn operation(
        &mut self,
        place: &Place,
        route: &Described,
        path: &Path,
        mut fields: Map<String, Value>,
        id: &str,
    ) -> Value {
        let Told { summary, rest } = Told::of(route);
        let gap = if rest.is_empty() { "" } else { "\n\n" };
        let mut operation = json!({
            "operationId": id,
            "summary": summary,
            "description": format!("{rest}{gap}Needs {}.", needs(route, "`")),
            "tags": [place.tag],
            "responses": self.responses(place, route),
        });
        match route.access {
            Access::Public => operation["x-vault-unauthenticated"] = true.into(),
            Access::Sudo => operation["x-vault-sudo"] = true.into(),
            Access::Token => {}
        }
        fields.retain(|name, _| !path::captures(route.path).any(|capture| capture == name));
        match route.operation {
            Operation::Create | Operation::Patch | Operation::Update if !fields.is_empty() => {
                let schema = json!({ "type": "object", "properties": fields });
                let name = format!("{}{}Request", place.prefix, route.name);
                let schema = self.schema(&name, schema);
                let media = match route.operation {
                    Operation::Patch => "application/merge-patch+json",
                    _ => "application/json",
                };
                operation["requestBody"] = json!({ "content": { media: { "schema": schema } } });
            }
            Operation::Delete | Operation::List | Operation::Read | Operation::Scan => {
                let mut query: Vec<Value> = fields
                    .into_iter()
                    .filter(|(name, _)| !path.captures.contains(&name.as_str()))
                    .map(|(name, schema)| parameter(&name, "query", schema))
                    .collect();
                if route.operation.lists() {
                    query.push(json!({
                        "name": route.operation.name(),
                        "in": "query",
                        "required": true,
                        "description": match route.operation {
                            Operation::Scan => "Names what lies below, however deep.",
                            _ => "Names what lies one level below.",
                        },
                        "schema": { "type": "string", "enum": ["true"] },
                    }));
                }
                if !query.is_empty() {
                    operation["parameters"] = query.into();
                }
            }
            _ => {}
        }
        operation
    }

    fn responses(&mut self, place: &Place, route: &Described) -> Value {
        let mut responses = refusals();
        match (route.reply)() {
            None => {
                responses["204"] = json!({ "description": "Done." });
                // An envelope around nothing, for the sake of its warnings.
                responses["200"] = json!({ "description": "Done, with warnings." });
                responses["202"] = json!({ "description": "Begun; it goes on by itself." });
            }
            Some(schema) => {
                let name = format!("{}{}Response", place.prefix, route.name);
                let what = schema.get("description").and_then(Value::as_str);
                let what = what
                    .map_or("The answer.", |text| first_sentence(text).0)
                    .to_owned();
                let schema = self.schema(&name, schema);
                let content = json!({ "application/json": { "schema": schema } });
                responses["200"] = json!({ "description": what, "content": &content });
                if route.optional {
                    responses["204"] = json!({ "description": "Done, with nothing to tell." });
                }
                for (status, when) in route.statuses {
                    responses[*status] = json!({ "description": when, "content": content });
                }
            }
        }
        responses
    }

    /// Keeps a schema under a name, and refers to it.
    fn schema(&mut self, name: &str, schema: Value) -> Value {
        let is_free = |name: &str| self.schemas.get(name).is_none_or(|known| *known == schema);
        let name = numbered(name, is_free);
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        self.schemas.insert(name, schema);
        reference
    }
}

/// What any operation may be refused with: the status, the name of the answer, when it comes.
const REFUSALS: [(&str, &str, &str); 12] = [
    ("400", "Invalid", "The request must be changed."),
    (
        "401",
        "Unproven",
        "The request does not prove who sends it: it is not signed by the key that its token is bound \
         to, or what else it brings is not good.",
    ),
    ("403", "Denied", "There is no token that may do this."),
    ("404", "NotFound", "What the path names is not there."),
    ("405", "Unsupported", "The path has no such operation."),
    (
        "409",
        "Conflict",
        "Another request changed the same thing first.",
    ),
    (
        "413",
        "TooLarge",
        "The body is longer than the listener takes.",
    ),
    (
        "415",
        "WrongMediaType",
        "The body is not of the media type of the operation.",
    ),
    (
        "422",
        "Contradicted",
        "The idempotency key was used for another request.",
    ),
    ("429", "Limited", "A rate limit refuses it for now."),
    (
        "431",
        "TokenTooLarge",
        "The token is longer than the listener takes.",
    ),
    ("503", "Sealed", "The server is sealed."),
];

/// Refers to every refusal.
fn refusals() -> Value {
    let refusals = REFUSALS.iter().map(|(status, name, _)| {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        ((*status).to_owned(), reference)
    });
    refusals.collect::<Map<_, _>>().into()
}

/// Describes every refusal.
fn refused() -> Value {
    let errors = json!({
        "type": "array",
        "items": { "type": "string" },
        "description": "Why, in words; empty where there is nothing to say.",
    });
    let schema = json!({ "type": "object", "properties": { "errors": errors } });
    let refused = REFUSALS.iter().map(|(_, name, when)| {
        let content = json!({ "application/json": { "schema": schema } });
        let described = json!({ "description": when, "content": content });
        ((*name).to_owned(), described)
    });
    refused.collect::<Map<_, _>>().into()
}

/// Returns a name, with a number behind it where it is taken: engines of one type and two versions
/// have requests of one name.
fn numbered(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let mut numbered = name.to_owned();
    let mut number = 1;
    while !is_free(&numbered) {
        number += 1;
        numbered = format!("{name}{number}");
    }
    numbered
}

/// Returns the schemas of what an operation takes, by name.
fn fields(route: &Described) -> Map<String, Value> {
    let schema = (route.parameters)();
    match schema.and_then(|mut schema| Some(schema.get_mut("properties")?.take())) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Describes a parameter by the schema of its field; what is said of it stands beside that.
fn parameter(name: &str, place: &str, mut schema: Value) -> Value {
    let text = schema
        .as_object_mut()
        .and_then(|it| it.remove("description"));
    let mut parameter = json!({ "name": name, "in": place, "schema": schema });
    if let Some(text) = text {
        parameter["description"] = text;
    }
    parameter
}

fn in_path(name: &str, schema: Option<&Value>) -> Value {
    let any = || json!({ "type": "string" });
    let mut parameter = parameter(name, "path", schema.cloned().unwrap_or_else(any));
    parameter["required"] = true.into();
    parameter
}

fn in_mount_path(name: &str) -> Value {
    let text = "Where the mount is, without slashes around.";
    in_path(
        name,
        Some(&json!({ "type": "string", "description": text })),
    )
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Splits the name of a request into its words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in name.chars() {
        match words.last_mut() {
            Some(word) if !character.is_uppercase() => word.push(character),
            _ => words.push(character.to_lowercase().to_string()),
        }
    }
    words
}

/// Adds to a list that it may be a scan: one of the two parameters must be given.
fn or_scanned(list: &mut Value) {
    let Some(Value::Array(query)) = list.get_mut("parameters") else {
        return;
    };
    let Some(parameter) = query.iter_mut().find(|it| it["name"] == "list") else {
        return;
    };
    parameter["required"] = false.into();
    parameter["description"] = "Names what lies one level below; this, or `scan`.".into();
    let mut scan = parameter.clone();
    scan["name"] = "scan".into();
    scan["description"] =
        "Names what lies below, however deep; this, or `list`. Needs `scan`.".into();
    query.push(scan);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_request_is_split_into_its_words() {
        assert_eq!(words("EnableAuditDevice"), ["enable", "audit", "device"]);
        assert_eq!(words("Seal"), ["seal"]);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let taken = ["Read", "Read2"];
        assert_eq!(numbered("Read", |name| !taken.contains(&name)), "Read3");
        assert_eq!(numbered("Write", |name| !taken.contains(&name)), "Write");
    }
}
