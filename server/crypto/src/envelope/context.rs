//! The JSON Canonicalization Scheme (RFC 8785) of a map of strings.

use super::Context;

/// Writes a context in the one form that equal contexts share: members in the order of the UTF-16
/// units of their names (section 3.2.3), and strings escaped no more than they must be (section
/// 3.2.2.2).
#[must_use]
pub fn canonical(context: &Context) -> String {
    let mut members: Vec<_> = context.iter().collect();
    // The map's own order is that of UTF-8, which differs beyond the basic plane.
    members.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    let mut text = String::from("{");
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_string(&mut text, name);
        text.push(':');
        push_string(&mut text, value);
    }
    text.push('}');
    text
}

fn push_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                text.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}
