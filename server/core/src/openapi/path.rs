//! Path templates of routes in the form of OpenAPI's.

use keyward_api::Operation;

/// One path that a template stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// With each capture as `{name}`.
    pub(super) text: String,
    /// The captures that it holds, in order.
    pub(super) captures: Vec<&'static str>,
    /// Those of them that the template could do without.
    pub(super) optional: Vec<&'static str>,
}

/// Spells a template out: once with everything, and once for each part that may be missing. The
/// rest of a path may only where it is listed: elsewhere an empty one names nothing.
pub(super) fn spelled(template: &'static str, operation: Operation) -> Vec<Path> {
    let segments: Vec<&'static str> = template.split('/').collect();
    let all = segments.len();
    // What may be missing stands at the end; a template that is nothing else keeps it.
    let needed = segments
        .iter()
        .rposition(|segment| {
            let is_listed = operation.lists() && segment.ends_with("*}");
            !segment.ends_with("?}") && !is_listed
        })
        .map_or(1, |last| last + 1);
    (needed..=all)
        .map(|length| {
            let spelled = &segments[..length];
            let text: Vec<String> = spelled.iter().map(|segment| plain(segment)).collect();
            Path {
                text: text.join("/"),
                captures: spelled
                    .iter()
                    .filter_map(|segment| capture(segment))
                    .collect(),
                optional: spelled[needed..]
                    .iter()
                    .filter_map(|segment| capture(segment))
                    .collect(),
            }
        })
        .collect()
}

/// Lists the captures of a template.
pub(super) fn captures(template: &'static str) -> impl Iterator<Item = &'static str> {
    template.split('/').filter_map(capture)
}

fn capture(segment: &'static str) -> Option<&'static str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    Some(name.trim_end_matches(['*', '+', '?']))
}

fn plain(segment: &'static str) -> String {
    capture(segment).map_or_else(|| segment.to_owned(), |name| format!("{{{name}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(template: &'static str, operation: Operation) -> Vec<String> {
        spelled(template, operation)
            .into_iter()
            .map(|path| path.text)
            .collect()
    }

    #[test]
    fn what_may_be_missing_is_spelled_out() {
        assert_eq!(
            texts("keys/{name}/rotate", Operation::Update),
            ["keys/{name}/rotate"]
        );
        assert_eq!(
            texts("m/{path+}/tune", Operation::Update),
            ["m/{path}/tune"]
        );
        assert_eq!(
            texts("data/{path*}", Operation::List),
            ["data", "data/{path}"]
        );
        assert_eq!(texts("data/{path*}", Operation::Read), ["data/{path}"]);
        assert_eq!(texts("{path*}", Operation::Update), ["{path}"]);
        assert_eq!(
            texts("random/{source?}/{urlbytes?}", Operation::Update),
            ["random", "random/{source}", "random/{source}/{urlbytes}"]
        );
    }

    #[test]
    fn captures_are_told_with_those_that_were_optional() {
        let spelled = spelled("sign/{name}/{hash?}", Operation::Update);
        assert_eq!(spelled[0].captures, ["name"]);
        assert_eq!(spelled[1].captures, ["name", "hash"]);
        assert_eq!(spelled[1].optional, ["hash"]);
        assert_eq!(
            captures("sign/{name}/{hash?}").collect::<Vec<_>>(),
            ["name", "hash"]
        );
    }
}
