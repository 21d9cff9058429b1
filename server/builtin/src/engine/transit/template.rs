//! Alphabets and templates for encryption that keeps the format: built in, or stored under a name.
//!
//! ```text
//! alphabets/NAME = JSON of StoredAlphabet
//! templates/NAME = JSON of StoredTemplate
//! ```
//! Each request reads and compiles what it names, once: they are small, a batch shares them, and so
//! nothing has to be told of a change.

use std::{fmt::Debug, ops::Range};

use keyward_api::transit as api;
use keyward_core::{
    Change, Error, Expect, Response, View,
    engine::{Context, is_name},
};
use keyward_crypto::Alphabet;
use regex::{Regex, RegexBuilder};
use serde::{Serialize, de::DeserializeOwned};

use super::Transit;

/// How an alphabet is named that is stored. No list of symbols begins so: one stands in it twice.
const ALPHABETS: &str = "alphabets/";
const TEMPLATES: &str = "templates/";

/// The templates that Vault's transform engine brings, and their patterns; all of digits.
const BUILTIN: [(&str, &str); 2] = [
    (
        "builtin/creditcardnumber",
        r"(\d{4})[- ]?(\d{4})[- ]?(\d{4})[- ]?(\d{4})",
    ),
    (
        "builtin/socialsecuritynumber",
        r"(\d{3})[- ]?(\d{2})[- ]?(\d{4})",
    ),
];

/// The only type of templates there is.
const REGEX: &str = "regex";

/// The longest pattern in bytes, and the most memory that it may take when it is compiled.
const PATTERN_MAX: usize = 1024;
const COMPILED_MAX: usize = 1 << 20;

/// A template made ready for use.
pub(super) struct Template {
    pub(super) alphabet: Alphabet,
    pattern: Regex,
}

impl Template {
    /// Finds what of a value is encrypted: what lies in a group, in order. Groups inside one
    /// another are one.
    pub(super) fn parts(&self, value: &str) -> Result<Vec<Range<usize>>, Error> {
        let groups = self.pattern.captures(value);
        let groups =
            groups.ok_or_else(|| Error::invalid("the value does not match the template"))?;
        let mut ranges: Vec<_> = groups.iter().skip(1).flatten().map(|g| g.range()).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut parts: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match parts.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => parts.push(range),
            }
        }
        Ok(parts)
    }
}

/// Reads an alphabet: symbol by symbol, built in, or stored.
pub(super) async fn alphabet(view: &View, text: &str) -> Result<Alphabet, Error> {
    let Some(name) = text.strip_prefix(ALPHABETS) else {
        return Ok(text.parse()?);
    };
    match find::<api::StoredAlphabet>(view, ALPHABETS, name).await? {
        Some(stored) => Ok(stored.alphabet.parse()?),
        None => Err(Error::invalid(format!("unknown alphabet {text:?}"))),
    }
}

/// Finds a template, built in or stored.
pub(super) async fn template(view: &View, name: &str) -> Result<Template, Error> {
    let stored = find_template(view, name).await?;
    let stored = stored.ok_or_else(|| Error::invalid(format!("unknown template {name:?}")))?;
    Ok(Template {
        alphabet: alphabet(view, &stored.alphabet).await?,
        pattern: compile(&stored.pattern)?,
    })
}

/// Compiles a pattern so that it matches whole values alone.
fn compile(pattern: &str) -> Result<Regex, Error> {
    if pattern.len() > PATTERN_MAX {
        return Err(Error::invalid(format!(
            "a pattern has {PATTERN_MAX} bytes at most"
        )));
    }
    let build = |pattern: &str| {
        let built = RegexBuilder::new(pattern).size_limit(COMPILED_MAX).build();
        built.map_err(|error| Error::invalid(format!("invalid pattern: {error}")))
    };
    // By itself first: two halves of a group would make a whole one of what stands around them.
    build(pattern)?;
    let whole = build(&format!(r"\A(?:{pattern})\z"))?;
    if whole.captures_len() < 2 {
        return Err(Error::invalid(
            "the pattern has no group, so nothing would be encrypted",
        ));
    }
    Ok(whole)
}

async fn find<T: DeserializeOwned>(
    view: &View,
    folder: &str,
    name: &str,
) -> Result<Option<T>, Error> {
    if !is_name(name) {
        return Ok(None);
    }
    let found = view.get_as(&format!("{folder}{name}")).await?;
    Ok(found.map(|(stored, _)| stored))
}

async fn find_template(view: &View, name: &str) -> Result<Option<api::StoredTemplate>, Error> {
    let builtin = BUILTIN.iter().find(|(builtin, _)| *builtin == name);
    match builtin {
        Some((_, pattern)) => Ok(Some(api::StoredTemplate {
            template_type: REGEX.to_owned(),
            pattern: (*pattern).to_owned(),
            alphabet: "builtin/numeric".to_owned(),
        })),
        None => find(view, TEMPLATES, name).await,
    }
}

/// Stores what is new, and takes the same for done. Another in its place would make values decode
/// to others, and nobody would notice.
async fn store<T>(view: &View, folder: &str, name: &str, new: &T) -> Result<Response<()>, Error>
where
    T: Debug + DeserializeOwned + PartialEq + Serialize + Sync,
{
    check_name(name)?;
    match find::<T>(view, folder, name).await? {
        Some(stored) if stored == *new => {}
        Some(_) => {
            return Err(Error::invalid(format!(
                "{folder}{name} exists, and values that were encoded with it would decode to \
                 others; delete it first, or use another name"
            )));
        }
        None => {
            let change = Change::put_as(format!("{folder}{name}"), new)?;
            view.commit(vec![change.expecting(Expect::Absent)]).await?;
        }
    }
    Ok(Response::empty())
}

async fn delete(view: &View, folder: &str, name: &str) -> Result<Response<()>, Error> {
    check_name(name)?;
    view.delete(&format!("{folder}{name}")).await?;
    Ok(Response::empty())
}

/// Refuses a name that no key could have: one that is built in, for instance.
fn check_name(name: &str) -> Result<(), Error> {
    is_name(name).then_some(()).ok_or(Error::UnsupportedPath)
}

async fn names(
    view: &View,
    folder: &str,
    builtin: impl Iterator<Item = &'static str>,
) -> Result<Response<api::FormatNames>, Error> {
    let mut keys = view.list(folder, None, None).await?;
    keys.extend(builtin.map(str::to_owned));
    keys.sort_unstable();
    Ok(Response::data(api::FormatNames { keys }))
}

pub(super) async fn write_alphabet(
    cx: Context<Transit>,
    request: api::WriteAlphabet,
) -> Result<Response<()>, Error> {
    let symbols = request.alphabet.unwrap_or_default();
    // A name would be followed wherever it leads by then.
    let alphabet = symbols.parse::<Alphabet>()?.to_string();
    let stored = api::StoredAlphabet { alphabet };
    store(cx.view(), ALPHABETS, &request.name, &stored).await
}

pub(super) async fn read_alphabet(
    cx: Context<Transit>,
    request: api::ReadAlphabet,
) -> Result<Response<api::StoredAlphabet>, Error> {
    let name = &request.name;
    let found = if Alphabet::builtin().any(|builtin| builtin == name) {
        let alphabet = name.parse::<Alphabet>()?.to_string();
        Some(api::StoredAlphabet { alphabet })
    } else {
        find(cx.view(), ALPHABETS, name).await?
    };
    found.map(Response::data).ok_or_else(Error::not_found)
}

pub(super) async fn list_alphabets(
    cx: Context<Transit>,
    _: api::ListAlphabets,
) -> Result<Response<api::FormatNames>, Error> {
    names(cx.view(), ALPHABETS, Alphabet::builtin()).await
}

pub(super) async fn delete_alphabet(
    cx: Context<Transit>,
    request: api::DeleteAlphabet,
) -> Result<Response<()>, Error> {
    delete(cx.view(), ALPHABETS, &request.name).await
}

pub(super) async fn write_template(
    cx: Context<Transit>,
    request: api::WriteTemplate,
) -> Result<Response<()>, Error> {
    let template_type = request.template_type.unwrap_or_else(|| REGEX.to_owned());
    if template_type != REGEX {
        return Err(Error::invalid(format!(
            "unknown type of template {template_type:?}"
        )));
    }
    let missing = |field: &str| Error::invalid(format!("missing {field}"));
    let stored = api::StoredTemplate {
        template_type,
        pattern: request.pattern.ok_or_else(|| missing("pattern"))?,
        alphabet: request.alphabet.ok_or_else(|| missing("alphabet"))?,
    };
    compile(&stored.pattern)?;
    alphabet(cx.view(), &stored.alphabet).await?;
    store(cx.view(), TEMPLATES, &request.name, &stored).await
}

pub(super) async fn read_template(
    cx: Context<Transit>,
    request: api::ReadTemplate,
) -> Result<Response<api::StoredTemplate>, Error> {
    let found = find_template(cx.view(), &request.name).await?;
    found.map(Response::data).ok_or_else(Error::not_found)
}

pub(super) async fn list_templates(
    cx: Context<Transit>,
    _: api::ListTemplates,
) -> Result<Response<api::FormatNames>, Error> {
    names(cx.view(), TEMPLATES, BUILTIN.iter().map(|&(name, _)| name)).await
}

pub(super) async fn delete_template(
    cx: Context<Transit>,
    request: api::DeleteTemplate,
) -> Result<Response<()>, Error> {
    delete(cx.view(), TEMPLATES, &request.name).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(pattern: &str, value: &str) -> Result<Vec<(usize, usize)>, String> {
        let template = Template {
            alphabet: "builtin/numeric".parse().unwrap(),
            pattern: compile(pattern).map_err(|error| error.to_string())?,
        };
        let parts = template.parts(value).map_err(|error| error.to_string())?;
        Ok(parts.iter().map(|part| (part.start, part.end)).collect())
    }

    #[test]
    fn the_groups_of_a_whole_match_are_the_parts() {
        assert_eq!(parts(r"(\d{4})|(\d{6})", "123456"), Ok(vec![(0, 6)]));
        assert_eq!(parts(r"a(\d+)-(\d+)", "a12-345"), Ok(vec![(1, 3), (4, 7)]));
        assert_eq!(parts(r"((\d\d)\d)x(\d)?", "123x"), Ok(vec![(0, 3)]));
        for value in ["12345", "x123456", "123456\n"] {
            let refused = parts(r"(\d{4})|(\d{6})", value);
            assert_eq!(refused, Err("the value does not match the template".into()));
        }
    }

    #[test]
    fn a_pattern_is_whole_small_and_has_a_group() {
        for (pattern, refusal) in [
            (r"\d{4}", "the pattern has no group"),
            (r"a)(b", "invalid pattern"),
            (r"(\d{4}", "invalid pattern"),
            (r"(a)\1", "invalid pattern"),
            (r"((\w{1000}){1000})", "invalid pattern"),
            (&"(a)".repeat(400), "a pattern has 1024 bytes at most"),
        ] {
            let refused = parts(pattern, "").unwrap_err();
            assert!(refused.starts_with(refusal), "{pattern}: {refused}");
        }
    }
}
