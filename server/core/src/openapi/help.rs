//! What a person is told of a path, made from what programs are told: `?help=1`.

use std::{collections::BTreeMap, fmt::Write as _};

use keyward_api::{Access, sys::Help};
use serde_json::Value;

use super::{capitalised, describe_one, faces, operations, words};
use crate::{Error, engine::Described, mounts::Mount};

/// Tells what can be done at a path of a mount; with an empty path, which paths it has.
///
/// # Errors
/// [`Error::UnsupportedPath`] if the mount does not know the path.
pub(crate) fn help(mount: &Mount, path: &str, version: &str) -> Result<Help, Error> {
    let (help, described) = if path.is_empty() {
        let all: Vec<Described> = operations(mount).collect();
        (of_mount(mount, &all), all)
    } else {
        let mut covering: Vec<Described> = faces(mount).filter(|face| face.path == path).collect();
        if covering.is_empty() {
            covering = mount.mounted.routes.covering(path).collect();
        }
        let first = covering.first().ok_or(Error::UnsupportedPath)?;
        (of_path(path, first.path, &covering), covering)
    };
    Ok(Help {
        help,
        openapi: describe_one(mount, &described, version),
        see_also: None,
    })
}

fn of_mount(mount: &Mount, routes: &[Described]) -> String {
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for route in routes {
        paths.entry(route.path).or_default().push(sentence(route));
    }
    let entry = &mount.entry;
    let mut text = format!(
        "## DESCRIPTION\n\nType {} at {}",
        entry.kind,
        mount.full_path()
    );
    if !entry.description.is_empty() {
        let _infallible = write!(text, ": {}", entry.description);
    }
    text.push_str(
        "\n\n## PATHS\n\nAsk for help on any of them to see its parameters. What you may do there, \
         your\npolicies say.\n",
    );
    for (path, sentences) in paths {
        let path = if path.is_empty() { "(the mount)" } else { path };
        let _infallible = write!(text, "\n    {path}\n");
        for sentence in sentences {
            let _infallible = writeln!(text, "        {sentence}");
        }
    }
    text
}

fn of_path(path: &str, template: &str, routes: &[Described]) -> String {
    let mut text =
        format!("Request:        {path}\nMatching Route: {template}\n\n## OPERATIONS\n\n");
    let mut parameters = BTreeMap::new();
    for route in routes {
        let _infallible = writeln!(text, "    {}", sentence(route));
        if let Some(schema) = (route.parameters)()
            && let Some(fields) = schema.get("properties").and_then(Value::as_object)
        {
            let kind = |schema: &Value| {
                let kind = schema.get("type").and_then(Value::as_str);
                kind.unwrap_or("any").to_owned()
            };
            parameters.extend(fields.iter().map(|(name, it)| (name.clone(), kind(it))));
        }
    }
    if !parameters.is_empty() {
        text.push_str("\n## PARAMETERS\n\n");
    }
    for (name, kind) in parameters {
        let _infallible = writeln!(text, "    {name} ({kind})");
    }
    text
}

/// Says what an operation does and needs.
fn sentence(route: &Described) -> String {
    let what = capitalised(&words(route.name).join(" "));
    let needs = match route.access {
        Access::Public => "no token".to_owned(),
        Access::Sudo => format!("{} and sudo", route.operation.name()),
        Access::Token => route.operation.name().to_owned(),
    };
    format!("{:6} {what} (needs {needs})", route.operation.method())
}
