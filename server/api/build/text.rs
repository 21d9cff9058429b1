//! Doc comments as texts for those who use the API: Markdown without what only rustdoc understands.

use std::fmt::Write as _;

use crate::source::Types;

const METHODS: [&str; 7] = ["DELETE", "GET", "LIST", "PATCH", "POST", "PUT", "SCAN"];

/// Writes the table that `src/docs.rs` includes.
pub(crate) fn table(types: &Types) -> String {
    let mut table = "&[\n".to_owned();
    for (path, it) in types {
        let text = told(&plain(&it.doc, path, types));
        let fields: Vec<_> = it
            .fields
            .iter()
            .map(|(name, doc)| (name, plain(doc, path, types)))
            .collect();
        let _infallible = writeln!(
            table,
            "Docs {{ path: {path:?}, text: {text:?}, fields: &{fields:?} }},"
        );
    }
    table.push_str("]\n");
    table
}

/// Takes off where an operation is, which stands beside its text in the document of the API.
fn told(text: &str) -> String {
    let Some((_, mut rest)) = request(text) else {
        return text.to_owned();
    };
    for and in [", and ", " and "] {
        if let Some((_, behind)) = rest.strip_prefix(and).and_then(request) {
            rest = behind;
        }
    }
    let rest = rest.trim_start_matches([':', ' ']);
    let mut told = rest.to_owned();
    if let Some(first) = told.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    told
}

/// Splits off the method and the path of a request, with which the text of one begins.
fn request(text: &str) -> Option<(&str, &str)> {
    let (request, rest) = text.strip_prefix('`')?.split_once('`')?;
    let (method, _) = request.split_once(' ')?;
    METHODS.contains(&method).then_some((request, rest))
}

/// Joins the lines of paragraphs, and makes links plain: one to a request names that.
fn plain(doc: &str, path: &str, types: &Types) -> String {
    let mut text = String::new();
    for line in doc.lines() {
        let is_apart = line.starts_with(['-', '*', '#', '|']);
        if line.is_empty() {
            text.truncate(text.trim_end().len());
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(if is_apart { '\n' } else { ' ' });
            }
            text.push_str(line.trim_end());
        }
    }
    let mut linked = String::new();
    let mut rest = text.trim();
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, behind)) = link.split_once("`]") else {
            break;
        };
        let target = behind.strip_prefix('(').and_then(|it| it.split_once(')'));
        rest = target.map_or(behind, |(_, behind)| behind);
        let target = target.map_or(name, |(target, _)| target);
        let named = find(target, path, types).unwrap_or(name);
        let _infallible = write!(linked, "{before}`{named}`");
    }
    linked.push_str(rest);
    linked
}

/// Finds the request that a link means: in the module of the type whose text it stands in, or in one
/// around that, or anywhere.
fn find<'t>(target: &str, path: &str, types: &'t Types) -> Option<&'t str> {
    let name = target.rsplit("::").next()?;
    let around = std::iter::successors(path.rsplit_once("::"), |(it, _)| it.rsplit_once("::"));
    let mut near = around.filter_map(|(module, _)| types.get(&format!("{module}::{name}")));
    let anywhere = || {
        let ending = format!("::{name}");
        let found = types.iter().find(|(path, _)| path.ends_with(&ending));
        found.map(|(_, it)| it)
    };
    let found = near.next().or_else(anywhere)?;
    Some(request(&found.doc)?.0)
}
