//! The data of a write, as it stands on the command line.
//!
//! `key=value`, with the value from a file (`key=@file`) or from standard input (`key=-`); a key
//! that repeats makes a list; `\@` begins a value that really begins with `@`. A whole JSON object
//! comes from standard input (`-`) or from a file (`@file`).

use std::fs;

use keyward_crypto::SecretString;

use crate::{
    Io,
    error::{Error, Outcome},
    json::Json,
};

/// Reads the arguments into one object; none if there are no arguments.
pub(crate) fn read(arguments: &[String], io: &mut Io<'_>) -> Outcome<Option<Json>> {
    let mut input = Input { io, taken: false };
    let mut data = Vec::new();
    for argument in arguments {
        read_argument(argument, &mut input, &mut data)
            .map_err(|text| Error::local(format!("Failed to parse K=V data: {text}")))?;
    }
    Ok((!arguments.is_empty()).then_some(Json::Object(data)))
}

/// Reads arguments that are nothing but texts, such as options.
pub(crate) fn read_texts(arguments: &[String]) -> Outcome<Vec<(String, String)>> {
    let pairs = arguments.iter().map(|argument| {
        let pair = argument
            .split_once('=')
            .ok_or_else(|| Error::local(no_pair(argument)))?;
        Ok((pair.0.to_owned(), pair.1.to_owned()))
    });
    pairs.collect()
}

/// Standard input, which can be read once.
struct Input<'a, 'io> {
    io: &'a mut Io<'io>,
    taken: bool,
}

impl Input<'_, '_> {
    fn take(&mut self) -> Result<SecretString, String> {
        if std::mem::replace(&mut self.taken, true) {
            return Err("standard input can be read only once".to_owned());
        }
        self.io.read_all().map_err(|error| format!("{error:#}"))
    }
}

fn read_argument(
    argument: &str,
    input: &mut Input<'_, '_>,
    data: &mut Vec<(String, Json)>,
) -> Result<(), String> {
    let whole = match argument.strip_prefix('@') {
        _ if argument == "-" => Some(("standard input", input.take()?)),
        Some(file) => Some((file, read_file(file)?)),
        None => None,
    };
    if let Some((source, text)) = whole {
        // EXPOSE: parsed into values that are wiped.
        return match serde_json::from_str(text.expose()) {
            Ok(Json::Object(entries)) => {
                entries
                    .into_iter()
                    .for_each(|(key, value)| set(data, key, value));
                Ok(())
            }
            Ok(_) => Err(format!("{source} holds no JSON object")),
            Err(error) => Err(format!("{source} holds no JSON: {error}")),
        };
    }
    let (key, value) = argument.split_once('=').ok_or_else(|| no_pair(argument))?;
    let value = match value.strip_prefix('@') {
        _ if value == "-" => input.take()?,
        Some(file) => read_file(file)?,
        None if value.starts_with("\\@") => SecretString::from(&value[1..]),
        None => SecretString::from(value),
    };
    add(data, key, Json::Text(value));
    Ok(())
}

/// Says what is wrong, without the argument where it may be a secret that lost its key.
fn no_pair(argument: &str) -> String {
    let shown = argument
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let shown = if shown && argument.len() < 16 {
        format!(" {argument:?}")
    } else {
        String::new()
    };
    format!("invalid key/value pair{shown}: format must be key=value")
}

fn read_file(file: &str) -> Result<SecretString, String> {
    let text = fs::read_to_string(file);
    text.map(SecretString::new)
        .map_err(|error| format!("cannot read {file}: {error}"))
}

fn set(data: &mut Vec<(String, Json)>, key: String, value: Json) {
    data.retain(|(own, _)| *own != key);
    data.push((key, value));
}

/// Adds a value; the second one under a key makes a list of both.
fn add(data: &mut Vec<(String, Json)>, key: &str, value: Json) {
    match data.iter_mut().find(|(own, _)| own == key) {
        None => data.push((key.to_owned(), value)),
        Some((_, Json::List(items))) => items.push(value),
        Some((_, first)) => {
            let only = std::mem::replace(first, Json::Null);
            *first = Json::List(vec![only, value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Environment;

    fn parsed(arguments: &[&str], input: &str) -> Result<String, String> {
        let mut io = Io {
            input: Box::new(std::io::Cursor::new(input.to_owned())),
            output: Box::new(std::io::sink()),
            errors: Box::new(std::io::sink()),
            environment: Environment::default(),
            input_is_terminal: false,
            output_is_terminal: false,
        };
        let owned: Vec<_> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        match read(&owned, &mut io) {
            Ok(data) => Ok(serde_json::to_string(&data).unwrap()),
            Err(error) => Err(error.text),
        }
    }

    #[test]
    fn pairs_become_texts_and_repeated_keys_lists() {
        assert_eq!(parsed(&[], ""), Ok("null".to_owned()));
        assert_eq!(
            parsed(&["a=1", "b=x=y", "c="], ""),
            Ok(r#"{"a":"1","b":"x=y","c":""}"#.into())
        );
        assert_eq!(
            parsed(&["a=1", "a=2", "a=3"], ""),
            Ok(r#"{"a":["1","2","3"]}"#.into())
        );
    }

    #[test]
    fn a_value_comes_from_standard_input_or_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "from a file\n").unwrap();
        let from_file = format!("b=@{}", file.path().display());
        let wanted = r#"{"a":"piped\n","b":"from a file\n","c":"@home"}"#;
        assert_eq!(
            parsed(&["a=-", &from_file, r"c=\@home"], "piped\n"),
            Ok(wanted.into())
        );
    }

    #[test]
    fn a_whole_object_comes_from_standard_input_or_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, r#"{"a":1.50,"b":[null]}"#).unwrap();
        let whole = format!("@{}", file.path().display());
        assert_eq!(
            parsed(&[&whole, "c=d"], ""),
            Ok(r#"{"a":1.50,"b":[null],"c":"d"}"#.into())
        );
        assert_eq!(parsed(&["-"], r#"{"a":"b"}"#), Ok(r#"{"a":"b"}"#.into()));
    }

    #[test]
    fn what_cannot_be_read_is_said_without_the_secret() {
        let refused = |arguments: &[&str], input| parsed(arguments, input).unwrap_err();
        assert_eq!(
            refused(&["foo"], ""),
            "Failed to parse K=V data: invalid key/value pair \"foo\": format must be key=value"
        );
        assert!(!refused(&["hvs.CAESIJfoobarfoobar"], "").contains("hvs"));
        assert!(refused(&["-"], "[1]").ends_with("standard input holds no JSON object"));
        assert!(refused(&["a=-", "b=-"], "x").contains("only once"));
        assert!(refused(&["a=@/does/not/exist"], "").contains("/does/not/exist"));
    }

    proptest! {
        #[test]
        fn any_pair_keeps_its_key_and_value(key in "[a-z_]{1,8}", value in "[^@\\\\-].{0,12}|") {
            let argument = format!("{key}={value}");
            let wanted = serde_json::json!({ key: value }).to_string();
            prop_assert_eq!(parsed(&[&argument], ""), Ok(wanted));
        }

        #[test]
        fn any_arguments_are_read_or_refused(
            arguments in proptest::collection::vec("[^@]{0,4}=?[^@]{0,6}", 0..4), input in ".{0,12}"
        ) {
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let _ = parsed(&arguments, &input);
        }
    }
}
