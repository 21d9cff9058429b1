//! Request bodies: read within bounds, brought to one form.

use axum::{
    body::Body,
    http::{HeaderMap, Method, header},
};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use keyward_crypto::SecretBytes;
use serde_json::{Map, Value};

use crate::{JsonLimits, Limits};

/// Why a body was not taken.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It is not what its type says.
    Malformed(String),
    /// It is longer than the limit.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// A PATCH needs another content type.
    UnsupportedType(String),
    /// The connection broke.
    Unreadable,
}

/// Reads a whole body into a wiped buffer.
pub(crate) async fn read(body: Body, limits: &Limits) -> Result<SecretBytes, BodyError> {
    let read = read_within(body, limits.max_request_size);
    let in_time = tokio::time::timeout(limits.read_timeout, read).await;
    let bytes = in_time.map_err(|_| BodyError::TooSlow)??;
    Ok(bytes)
}

async fn read_within(mut body: Body, limit: usize) -> Result<SecretBytes, BodyError> {
    let hint = body.size_hint();
    if hint.lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let expected = hint
        .exact()
        .and_then(|exact| usize::try_from(exact).ok())
        .unwrap_or(0);
    let mut bytes = SecretBytes::new(Vec::with_capacity(expected));
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame.map_err(|_| BodyError::Unreadable)?.into_data() else {
            continue;
        };
        // EXPOSE: appended to; the buffer is replaced before it would grow in place.
        let read = bytes.expose();
        let needed = read.len() + frame.len();
        if needed > limit {
            return Err(BodyError::TooLarge);
        }
        if needed > read.capacity() {
            let mut grown = Vec::with_capacity(needed.max(read.capacity() * 2));
            grown.extend_from_slice(read);
            bytes = SecretBytes::new(grown);
        }
        // EXPOSE: the capacity was made sufficient above.
        bytes.expose_mut().extend_from_slice(&frame);
    }
    Ok(bytes)
}

/// Brings a body to its one form, a JSON object: forms are translated, other types are taken as
/// JSON whatever they say, as Vault does.
pub(crate) fn to_json(
    method: &Method,
    headers: &HeaderMap,
    body: SecretBytes,
) -> Result<SecretBytes, BodyError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let (media_type, parameters) = content_type
        .unwrap_or("")
        .split_once(';')
        .unwrap_or((content_type.unwrap_or(""), ""));
    let media_type = media_type.trim();
    if method == Method::PATCH {
        check_media_type(media_type, parameters)
            .map_err(|why| BodyError::Malformed(format!("mime: {why}")))?;
        if !media_type.eq_ignore_ascii_case("application/merge-patch+json") {
            let given = media_type.to_ascii_lowercase();
            return Err(BodyError::UnsupportedType(format!(
                "PATCH requires Content-Type of application/merge-patch+json, provided {given}"
            )));
        }
    }
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        // EXPOSE: whether there is anything in it is looked at.
        return Ok(match body.expose().trim_ascii_start().is_empty() {
            true => SecretBytes::new(Vec::new()),
            false => body,
        });
    }
    // EXPOSE: translated into the JSON form, in a wiped buffer again.
    let text = std::str::from_utf8(body.expose())
        .map_err(|_| BodyError::Malformed("the form is not UTF-8".to_owned()))?;
    // A JSON text under a form's type is what some scripts send; Vault reads what can be an object
    // or a list as JSON, and all else as a form.
    if text
        .trim_start_matches([' ', '\t', '\n', '\r'])
        .starts_with(['{', '['])
    {
        return Ok(body);
    }
    form_to_json(text)
}

/// Says what is wrong with a media type and its parameters (RFC 9110 section 8.3.1), in the words of
/// Go.
fn check_media_type(media_type: &str, parameters: &str) -> Result<(), &'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let after_token = |text: &'_ str| text.bytes().position(|byte| !is_token(byte));
    let (kind, rest) = media_type.split_at(after_token(media_type).unwrap_or(media_type.len()));
    if kind.is_empty() {
        return Err("no media type");
    }
    if !rest.is_empty() {
        let subtype = rest
            .strip_prefix('/')
            .ok_or("expected slash in first token")?;
        match after_token(subtype) {
            Some(0) => return Err("expected token after slash"),
            Some(_) => return Err("unexpected content after media subtype"),
            None if subtype.is_empty() => return Err("expected token after slash"),
            None => {}
        }
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parameters = parameters.split(|character| {
        let ends = character == ';' && !is_quoted;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && is_quoted && !is_escaped;
        ends
    });
    let mut given = parameters
        .map(str::trim)
        .filter(|parameter| !parameter.is_empty());
    match given.all(|parameter| parameter.contains('=')) {
        true => Ok(()),
        false => Err("invalid media parameter"),
    }
}

/// Translates a form to a JSON object; of a name given twice the values are joined by a comma, as in
/// Vault.
fn form_to_json(text: &str) -> Result<SecretBytes, BodyError> {
    if !is_form(text) {
        return Err(BodyError::Malformed("error parsing form data".to_owned()));
    }
    let mut object = Map::new();
    for (name, value) in form_pairs(text) {
        match object.get_mut(&name) {
            Some(Value::String(values)) => {
                values.push(',');
                values.push_str(&value);
            }
            _ => drop(object.insert(name, Value::String(value))),
        }
    }
    if object.is_empty() {
        return Ok(SecretBytes::new(Vec::new()));
    }
    let json = Value::Object(object).to_string();
    Ok(SecretBytes::new(json.into_bytes()))
}

/// Tells whether each `%` of a text begins an octet, and no `;` parts its pairs: Vault takes neither.
fn is_form(text: &str) -> bool {
    let mut after = text.split('%');
    let _before_the_first = after.next();
    let octets = after.all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    octets && !text.contains(';')
}

/// Passes a JSON body on that has no more structure than it may.
pub(crate) fn within(limits: &JsonLimits, body: SecretBytes) -> Result<SecretBytes, BodyError> {
    // EXPOSE: only counted through.
    let counted = limits.check(body.expose());
    counted.map_err(|why| BodyError::Malformed(format!("failed to parse JSON input: {why}")))?;
    Ok(body)
}

/// Translates a query string to a JSON object; a name given twice becomes a list.
pub(crate) fn pairs_to_json(text: &str, keep: impl Fn(&str) -> bool) -> SecretBytes {
    let mut object = Map::new();
    for (name, value) in form_pairs(text) {
        if !keep(&name) {
            continue;
        }
        let value = Value::String(value);
        match object.get_mut(&name) {
            None => drop(object.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    if object.is_empty() {
        return SecretBytes::new(Vec::new());
    }
    SecretBytes::new(Value::Object(object).to_string().into_bytes())
}

/// Splits `a=1&b=2`, resolving `+` and percent-encoding (WHATWG URL section 5.1).
pub(crate) fn form_pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decode(name), form_decode(value))
    })
}

/// Resolves `+` and percent-encoding.
pub(crate) fn form_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'+', ..) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high << 4 | low));
                at += 2;
            }
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_becomes_an_object() {
        let json = pairs_to_json("list=true&version=2&a=x%20y+z&b=1&b=2", |name| {
            name != "list"
        });
        let wanted = r#"{"a":"x y z","b":["1","2"],"version":"2"}"#;
        assert_eq!(json, SecretBytes::new(wanted.into()));
        assert_eq!(
            pairs_to_json("list=true", |name| name != "list"),
            SecretBytes::new(vec![])
        );
    }

    /// What the peer makes of each of them.
    #[test]
    fn a_form_becomes_an_object_unless_it_is_json() {
        let mut headers = HeaderMap::new();
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        headers.insert(header::CONTENT_TYPE, form.parse().unwrap());
        let read = |text: &str| to_json(&Method::PUT, &headers, SecretBytes::new(text.into()));
        for (text, wanted) in [
            ("a=b", r#"{"a":"b"}"#),
            ("a=b&a=c", r#"{"a":"b,c"}"#),
            ("a=b&c", r#"{"a":"b","c":""}"#),
            ("=b", r#"{"":"b"}"#),
            ("\"x\"", r#"{"\"x\"":""}"#),
            ("1", r#"{"1":""}"#),
            ("null", r#"{"null":""}"#),
            (" ", r#"{" ":""}"#),
            ("", ""),
            // Left as they are, for what reads JSON.
            (" \r\n\t[1]", " \r\n\t[1]"),
            ("{\"a\":1}", "{\"a\":1}"),
            ("{a=b", "{a=b"),
        ] {
            assert_eq!(
                read(text).unwrap(),
                SecretBytes::new(wanted.into()),
                "{text}"
            );
        }
        for text in ["a=%zz", "a=b&x=%f", "a=%", "a;b=c"] {
            let refused = read(text);
            assert!(
                matches!(&refused, Err(BodyError::Malformed(why)) if why == "error parsing form data"),
                "{text}: {refused:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_query_becomes_json(text in "\\PC{0,60}") {
            let json = pairs_to_json(&text, |_| true);
            prop_assert!(json.expose().is_empty()
                || serde_json::from_slice::<Map<String, Value>>(json.expose()).is_ok());
        }
    }
}
