//! What is attached to the tokens of a secret id, as callers write it.

use std::collections::BTreeMap;

use keyward_core::Error;
use keyward_crypto::encoding;

/// The longest text, in bytes.
const LONGEST: usize = 4096;

/// Reads the text of a JSON object of texts, or `name=value` pairs with commas between, or either in
/// base64.
///
/// # Errors
/// [`Error::Invalid`], in Vault's words, without what was sent.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, Error> {
    if text.len() > LONGEST {
        return Err(malformed());
    }
    let decoded = encoding::decode(text).ok();
    // EXPOSE: shown with the secret id, and with its tokens.
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes.expose().clone()).ok());
    let text = decoded.as_deref().unwrap_or(text).trim();
    if let Ok(object) = serde_json::from_str(text) {
        return Ok(object);
    }
    let pairs = text.split(',').map(str::trim);
    pairs.filter(|pair| !pair.is_empty()).map(pair).collect()
}

fn pair(text: &str) -> Result<(String, String), Error> {
    let (name, value) = text.split_once('=').ok_or_else(malformed)?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || value.is_empty() || value.contains('=') {
        return Err(malformed());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn malformed() -> Error {
    Error::invalid(
        "failed to parse metadata: failed to parse the input: invalid <key,value> format",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn each_form_is_read_as_the_peer_reads_it() {
        for text in [
            "a=b",
            " a = b ",
            "a=b,",
            "a=x,,a=b",
            r#"{"a":"b"}"#,
            " {\"a\":\"b\"}\n",
            "YT1i",
            "YT1i\n",
            "YT1iCg==",
            "eyJhIjoiYiJ9",
        ] {
            assert_eq!(parsed(text), pairs(&[("a", "b")]), "{text}");
        }
        for text in ["", " ", ",", "{}", "e30="] {
            assert_eq!(parsed(text), pairs(&[]), "{text}");
        }
        assert_eq!(parsed("\"a=b\""), pairs(&[("\"a", "b\"")]));
        assert_eq!(parsed("c=d,a=b"), pairs(&[("a", "b"), ("c", "d")]));
    }

    #[test]
    fn what_is_no_form_of_it_is_refused_without_being_repeated() {
        let long = format!("a={}", "b".repeat(LONGEST));
        for text in [
            "canary",
            "=canary",
            "canary=",
            "a=b=canary",
            "a=b\nc=canary",
            "a=b;c=canary",
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":"b""#,
            r#"{"a":"b"} x"#,
            "[1]",
            "null",
            "YQ==",
            "eyJhIjoxfQ==",
            "YT1ie",
            &long,
        ] {
            let refused = parse(text).unwrap_err();
            assert!(matches!(refused, Error::Invalid(_)), "{text}");
            assert!(!refused.to_string().contains("canary"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_object_comes_back_however_it_is_written(
            object in prop::collection::btree_map("\\PC{1,8}", "\\PC{0,8}", 0..5),
        ) {
            let text = serde_json::to_string(&object).unwrap();
            prop_assert_eq!(&parse(&text).unwrap(), &object);
            prop_assert_eq!(&parse(&encoding::encode(text.as_bytes())).unwrap(), &object);
        }

        #[test]
        fn pairs_come_back(object in prop::collection::btree_map("[a-z]{1,8}", "[a-z0-9.]{1,8}", 1..5)) {
            let text: Vec<_> = object.iter().map(|(name, value)| format!("{name}={value}")).collect();
            prop_assert_eq!(&parse(&text.join(",")).unwrap(), &object);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}|[a-b=,{}\": ]{0,40}") {
            let _ = parse(&text);
        }
    }
}
