//! JSON merge patch (RFC 7396) and the names inside a JSON text, without a tree of secrets.

use std::{borrow::Cow, collections::BTreeMap};

use keyward_api::SensitiveJson;
use keyward_core::Error;
use serde_json::{Value, value::RawValue};

/// The members of an object, their values still as text.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// Returns the members if the text is an object.
fn members(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

/// Tells whether a text is an object, which the data of a secret must be.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Applies a merge patch; the result is in a buffer of its own that is wiped.
///
/// # Errors
/// Never for texts that are JSON, which both are by their type.
pub(super) fn merge(target: &SensitiveJson, patch: &SensitiveJson) -> Result<SensitiveJson, Error> {
    // EXPOSE: the result is written into a secret again.
    let (target, patch) = (target.expose(), patch.expose());
    // Every byte of the result stands in one of the two texts, so that it never outgrows this.
    let mut out = String::with_capacity(target.len() + patch.len() + 2);
    write_merged(Some(target), patch, &mut out).map_err(Error::internal)?;
    SensitiveJson::new(out).map_err(Error::internal)
}

fn write_merged(
    target: Option<&str>,
    patch: &str,
    out: &mut String,
) -> Result<(), serde_json::Error> {
    let Some(patch) = members(patch) else {
        out.push_str(patch);
        return Ok(());
    };
    let target = target.and_then(members).unwrap_or_default();
    out.push('{');
    let mut first = true;
    let mut name = |key: &str, out: &mut String| -> Result<(), serde_json::Error> {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(key)?);
        out.push(':');
        Ok(())
    };
    for (key, value) in &target {
        match patch.get(key) {
            None => {
                name(key, out)?;
                out.push_str(value.get());
            }
            Some(change) if change.get() == "null" => {}
            Some(change) => {
                name(key, out)?;
                write_merged(Some(value.get()), change.get(), out)?;
            }
        }
    }
    for (key, change) in &patch {
        if !target.contains_key(key) && change.get() != "null" {
            name(key, out)?;
            write_merged(None, change.get(), out)?;
        }
    }
    out.push('}');
    Ok(())
}

/// Returns the tree of names in an object, `depth` levels of it (0 is all), with null for values.
pub(super) fn names(text: &str, depth: usize) -> Value {
    let Some(members) = members(text) else {
        return Value::Null;
    };
    let below = |value: &RawValue| match depth {
        1 => Value::Null,
        depth => match names(value.get(), depth.saturating_sub(1)) {
            // Where no name stands below, there is a value, as Vault sees it.
            Value::Object(names) if names.is_empty() => Value::Null,
            names => names,
        },
    };
    let object = members
        .into_iter()
        .map(|(key, value)| (key.into_owned(), below(value)));
    Value::Object(object.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(target: &str, patch: &str) -> String {
        let secret = |text: &str| SensitiveJson::new(text.to_owned()).unwrap();
        merge(&secret(target), &secret(patch))
            .unwrap()
            .expose()
            .to_owned()
    }

    /// The examples of RFC 7396 appendix A whose target is an object.
    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (target, patch, wanted) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged(target, patch), wanted);
        }
    }

    #[test]
    fn names_stop_at_the_depth() {
        let text = r#"{"a":{"b":{"c":1}},"d":[1],"e":{}}"#;
        assert_eq!(
            names(text, 0).to_string(),
            r#"{"a":{"b":{"c":null}},"d":null,"e":null}"#
        );
        assert_eq!(
            names(text, 2).to_string(),
            r#"{"a":{"b":null},"d":null,"e":null}"#
        );
        assert_eq!(
            names(text, 1).to_string(),
            r#"{"a":null,"d":null,"e":null}"#
        );
        assert_eq!(names("{}", 0).to_string(), "{}");
    }

    /// The algorithm of RFC 7396 section 2, on trees.
    fn reference(target: Value, patch: Value) -> Value {
        let Value::Object(patch) = patch else {
            return patch;
        };
        let mut object = if let Value::Object(object) = target {
            object
        } else {
            Default::default()
        };
        for (key, change) in patch {
            if change.is_null() {
                object.remove(&key);
            } else {
                let old = object.remove(&key).unwrap_or(Value::Null);
                object.insert(key, reference(old, change));
            }
        }
        Value::Object(object)
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-c\"\\\\é]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn texts_merge_as_trees_do(target in json(), patch in json()) {
            let merged: Value = serde_json::from_str(&merged(&target.to_string(), &patch.to_string())).unwrap();
            prop_assert_eq!(merged, reference(target, patch));
        }
    }
}
