//! Statements of operators: how they are written down, and what is put into them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keyward_crypto::SecretString;

/// What stands in a statement for something of one user.
pub(super) type Values<'a> = [(&'a str, &'a str)];

/// Reads statements as an operator may write them: each as it is, or in base64, and either as one
/// text or as that of a JSON list.
pub(super) fn read(written: &[String]) -> Vec<String> {
    let mut statements = Vec::new();
    for text in written {
        let decoded = STANDARD.decode(text.trim()).ok();
        // Words of letters alone can pass for base64; what they stand for is hardly ever text.
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = decoded.as_deref().unwrap_or(text);
        match serde_json::from_str::<Vec<String>>(text) {
            Ok(list) => statements.extend(list),
            Err(_) => statements.push(text.to_owned()),
        }
    }
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

/// Puts values into a statement in the place of their names in double braces, each place once: what
/// was put in is not looked at again.
pub(super) fn fill(statement: &str, values: &Values<'_>) -> SecretString {
    let mut filled = String::with_capacity(statement.len() + 256);
    let mut rest = statement;
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let value = values.iter().find_map(|(name, value)| {
            let after = from[2..].strip_prefix(name)?.strip_prefix("}}")?;
            Some((*value, after))
        });
        rest = match value {
            Some((value, after)) => {
                filled.push_str(value);
                after
            }
            None => {
                filled.push('{');
                &from[1..]
            }
        };
    }
    filled.push_str(rest);
    SecretString::new(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(statement: &str) -> String {
        let values = [("name", "u-{{password}}"), ("password", "p")];
        // EXPOSE: the test looks at it.
        fill(statement, &values).expose().clone()
    }

    #[test]
    fn values_take_the_places_of_their_names_and_nothing_else_is_touched() {
        assert_eq!(
            filled("CREATE ROLE \"{{name}}\" PASSWORD '{{password}}';"),
            "CREATE ROLE \"u-{{password}}\" PASSWORD 'p';"
        );
        for same in ["", "{", "{{", "{{}}", "{{ name }}", "{{names}}", "{{name}"] {
            assert_eq!(filled(same), same);
        }
        assert_eq!(
            filled("{{{name}}}"),
            "{{{name}}}".replace("{{name}}", "u-{{password}}")
        );
    }

    #[test]
    fn statements_are_read_as_they_may_be_written() {
        let of = |text: &str| read(&[text.to_owned()]);
        assert_eq!(of("A; B"), ["A; B"]);
        assert_eq!(of(r#"["A", "B", " "]"#), ["A", "B"]);
        assert_eq!(of(&STANDARD.encode("A; B")), ["A; B"]);
        assert_eq!(of(&STANDARD.encode(r#"["A","B"]"#)), ["A", "B"]);
        assert_eq!(of("NONSENSE"), ["NONSENSE"]);
        assert!(of(" ").is_empty());
    }
}
