//! Labels: what operators write on their keys, and find them by.

use std::collections::BTreeMap;

use keyward_core::Error;

/// Labels of a key.
pub(super) type Labels = BTreeMap<String, String>;

/// The bounds that Vault has for the labels of KV entries.
const MOST: usize = 64;
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 512;

/// Checks labels that a caller gives.
pub(super) fn check(labels: Option<&Labels>) -> Result<(), Error> {
    let Some(labels) = labels else {
        return Ok(());
    };
    let refuse = |why: String| {
        Err(Error::invalid(format!(
            "custom_metadata validation failed: {why}"
        )))
    };
    if labels.len() > MOST {
        let given = labels.len();
        return refuse(format!(
            "payload must contain at most {MOST} keys, provided {given}"
        ));
    }
    for (name, value) in labels {
        if !(1..=LONGEST_NAME).contains(&name.len()) {
            return refuse(format!(
                "length of key {name:?} is {} but must be 0 < len(key) <= {LONGEST_NAME}",
                name.len()
            ));
        }
        if !(1..=LONGEST_VALUE).contains(&value.len()) {
            return refuse(format!(
                "length of value for key {name:?} is {} but must be 0 < len(value) <= \
                 {LONGEST_VALUE}",
                value.len()
            ));
        }
        if name.chars().chain(value.chars()).any(char::is_control) {
            return refuse(format!(
                "key {name:?} or its value contains unprintable characters"
            ));
        }
    }
    Ok(())
}

/// Tells whether labels have all that is asked for: `name=value`, or `name` for any value.
pub(super) fn match_all(labels: &Labels, asked: &[String]) -> bool {
    asked.iter().all(|asked| match asked.split_once('=') {
        Some((name, value)) => labels.get(name).is_some_and(|found| found == value),
        None => labels.contains_key(asked),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[(&str, &str)]) -> Labels {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        labels.iter().map(owned).collect()
    }

    #[test]
    fn labels_match_by_name_or_by_name_and_value() {
        let labels = labels(&[("team", "pay=ments"), ("env", "test")]);
        let matches = |asked: &[&str]| {
            let asked: Vec<_> = asked.iter().map(|&asked| asked.to_owned()).collect();
            match_all(&labels, &asked)
        };
        assert!(matches(&[]));
        assert!(matches(&["team", "env=test"]));
        assert!(matches(&["team=pay=ments"]));
        assert!(!matches(&["env=live"]));
        assert!(!matches(&["team", "owner"]));
    }

    #[test]
    fn labels_have_bounds() {
        assert!(check(None).is_ok());
        assert!(check(Some(&labels(&[("a", "b")]))).is_ok());
        let (name, value) = ("n".repeat(129), "v".repeat(513));
        for bad in [
            labels(&[("", "b")]),
            labels(&[("a", "")]),
            labels(&[(&name, "b")]),
            labels(&[("a", &value)]),
            labels(&[("a", "b\n")]),
            (0..65).map(|n| (n.to_string(), n.to_string())).collect(),
        ] {
            assert!(check(Some(&bad)).is_err(), "{bad:?}");
        }
    }
}
