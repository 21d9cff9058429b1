//! Takes out of a reply what two runs of one server cannot have alike.
//!
//! Ids, times and random values become words for what they are, so that their kind, and where it is
//! telling their length, is still compared. Everything else stays as it is. The proof that these
//! rules are enough is a run of one peer against another: it finds no difference.

use base64::{Engine as _, engine::general_purpose};
use serde_json::Value;

use super::call::{Call, Names};

/// Members whose text is random in a form of its own: shown by length.
const RANDOM_MEMBERS: &[&str] = &[
    "accessor",
    "public_key",
    "publickey",
    "plaintext_key",
    "wrapped_accessor",
];
/// How a PNG image begins in base64; how long it is depends on how it is compressed.
const IMAGE: &str = "iVBORw0KGgo";
/// Members that count down while the test runs: shown rounded up to ten seconds.
const REMAINING_SECONDS: &[&str] = &["lease_duration", "ttl"];
/// Members that name the build or the installation.
const OF_THE_BUILD: &[&str] = &[
    "build_date",
    "cluster_name",
    "commit_date",
    "running_plugin_version",
    "running_sha256",
    "version",
];

/// The body of the reply to a call in its comparable form.
pub(crate) fn normalise(mut body: Value, names: &Names, call: &Call) -> Value {
    // The peer names what lies in deeper folders last; the calls for a page tell the order of ours.
    if call.scans_all()
        && let Some(Value::Array(keys)) = body.pointer_mut("/data/keys")
    {
        keys.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
    for pointer in &call.volatile {
        if let Some(value) = body.pointer_mut(pointer) {
            *value = kind(value);
        }
    }
    walk(&mut body, "", names);
    body
}

fn walk(value: &mut Value, member: &str, names: &Names) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, member, names)),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(key, mut item)| {
                    walk(&mut item, &key, names);
                    (named(&key, names), item)
                })
                .collect();
        }
        Value::String(text) => *text = normal_text(text, member, names),
        Value::Number(number) => {
            if let Some(seconds) = number.as_u64() {
                if is_unix_time(seconds) {
                    *value = "<unix time>".into();
                } else if REMAINING_SECONDS.contains(&member) {
                    *value = seconds.next_multiple_of(10).into();
                }
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn normal_text(text: &str, member: &str, names: &Names) -> String {
    let named = named(text, names);
    if named != text {
        return named;
    }
    if is_uuid(text) {
        return "<uuid>".to_owned();
    }
    if is_time(text) {
        return "<time>".to_owned();
    }
    if is_token(text) {
        return "<token>".to_owned();
    }
    if text.starts_with(IMAGE) {
        return "<image>".to_owned();
    }
    if let Some((prefix, bytes)) = versioned(text) {
        // The length of an ECDSA signature as DER is a matter of chance.
        return match is_der(&bytes) {
            true => format!("<{prefix}, a sequence>"),
            false => format!("<{prefix}, {} bytes>", bytes.len()),
        };
    }
    if OF_THE_BUILD.contains(&member) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return format!("<{member}>");
    }
    if RANDOM_MEMBERS.contains(&member) && !text.is_empty() {
        let prefix = text.split_once('_').map_or("", |(prefix, _)| prefix);
        return format!("<{member}: {prefix}, {} long>", text.len());
    }
    text.to_owned()
}

/// Puts names in the place of the values they were given for.
fn named(text: &str, names: &Names) -> String {
    let mut text = text.to_owned();
    let mut by_length: Vec<_> = names.iter().filter(|(_, value)| value.len() >= 8).collect();
    by_length.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (name, value) in by_length {
        text = text.replace(value.as_str(), &format!("<{name}>"));
    }
    text
}

/// A word for a value of the moment.
fn kind(value: &Value) -> Value {
    match value {
        Value::Array(items) => format!("<array of {}>", items.len()).into(),
        Value::Bool(_) => "<bool>".into(),
        Value::Null => Value::Null,
        Value::Number(_) => "<number>".into(),
        Value::Object(_) => "<object>".into(),
        Value::String(text) if text.is_empty() => "".into(),
        Value::String(text) => format!("<text of {}>", text.len()).into(),
    }
}

/// This century's past and near future.
fn is_unix_time(seconds: u64) -> bool {
    (1_600_000_000..4_000_000_000).contains(&seconds)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// RFC 3339, with any fraction and any offset.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && (bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]) == (b'-', b'-', b'T', b':', b':')
}

fn is_token(text: &str) -> bool {
    ["hvs.", "hvb.", "s.", "b."].iter().any(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= 20
                && rest
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        })
    })
}

/// A ciphertext, signature or HMAC: its prefix and the bytes it carries.
fn versioned(text: &str) -> Option<(&str, Vec<u8>)> {
    let rest = text.strip_prefix("vault:v")?;
    let digits = rest.find(':')?;
    rest[..digits].parse::<u32>().ok()?;
    let (prefix, payload) = text.split_at("vault:v".len() + digits);
    let payload = &payload[1..];
    let bytes = general_purpose::STANDARD
        .decode(payload)
        .or_else(|_| general_purpose::URL_SAFE_NO_PAD.decode(payload))
        .ok()?;
    Some((prefix, bytes))
}

/// Whether bytes are one DER sequence, by its tag and length.
fn is_der(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, 0x81, length, rest @ ..] => rest.len() == usize::from(*length),
        [0x30, length, rest @ ..] => rest.len() == usize::from(*length),
        _ => false,
    }
}
