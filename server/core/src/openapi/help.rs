//! What a person is told of a path, made from what programs are told: `?help=1`.

use std::{collections::BTreeMap, fmt::Write as _};

use keyward_api::sys::Help;
use serde_json::{Map, Value};

use super::{
    describe_one, faces, fields, operations,
    text::{Told, needs, wrapped},
};
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
        paths
            .entry(route.path)
            .or_default()
            .push(sentence(route, 8));
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
    let mut text = format!("Request:        {path}\nMatching Route: {template}\n\n## OPERATIONS\n");
    for route in routes {
        let _infallible = write!(text, "\n    {}\n", sentence(route, 4));
        let rest = Told::of(route).rest;
        if !rest.is_empty() {
            let (margin, rest) = (" ".repeat(4 + METHOD), wrapped(rest, 4 + METHOD));
            let _infallible = write!(text, "\n{margin}{rest}\n");
        }
    }
    let parameters = parameters(routes);
    if !parameters.is_empty() {
        text.push_str("\n## PARAMETERS\n");
    }
    for (
        Parameter {
            name,
            kind,
            text: what,
        },
        methods,
    ) in parameters
    {
        let _infallible = write!(text, "\n    {name} ({kind})");
        if methods.len() < routes.len() {
            let _infallible = write!(text, ", of {}", methods.join(", "));
        }
        text.push('\n');
        if !what.is_empty() {
            let _infallible = write!(text, "\n        {}\n", wrapped(&what, 8));
        }
    }
    text
}

/// One parameter, as one or more operations of a path take it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Parameter {
    name: String,
    kind: String,
    text: String,
}

/// Lists the parameters of a path, with the methods that take each.
fn parameters(routes: &[Described]) -> BTreeMap<Parameter, Vec<&'static str>> {
    let mut parameters: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for route in routes {
        let fields: Map<String, Value> = fields(route);
        for (name, schema) in fields {
            let told = |what: &str| schema.get(what).and_then(Value::as_str);
            let kind = told("type").unwrap_or("any").to_owned();
            let text = told("description").unwrap_or_default().to_owned();
            let methods = parameters.entry(Parameter { name, kind, text });
            methods.or_default().push(route.operation.method());
        }
    }
    parameters
}

/// How wide the column of methods is.
const METHOD: usize = 7;

/// Says what an operation does and needs, behind an indentation.
fn sentence(route: &Described, indent: usize) -> String {
    let what = format!("{} (needs {})", Told::of(route).summary, needs(route, ""));
    let what = wrapped(&what, indent + METHOD);
    format!("{:METHOD$}{what}", route.operation.method())
}
