//! What the values of parameters mean that engines share.

use crate::Error;

/// Tells whether a text fits a pattern, in which `*` stands for any text.
#[must_use]
pub fn globs(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else {
        return pattern == text;
    };
    let inner = text
        .strip_prefix(first)
        .and_then(|text| text.strip_suffix(last));
    let Some(mut rest) = inner else {
        return false;
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

/// Reads a number that counts something, such as seconds.
///
/// # Errors
/// [`Error::Invalid`], in Vault's words, if it is negative.
pub fn not_negative(field: &str, given: i64) -> Result<u64, Error> {
    u64::try_from(given).map_err(|_| {
        Error::Invalid(format!(
            "error converting input for field {field:?}: cannot provide negative value '{given}'"
        ))
    })
}

/// Returns how many names are wanted at most; none, nothing or less than that is no limit.
#[must_use]
pub fn page(limit: Option<i64>) -> Option<usize> {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.filter(|&limit| limit > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by trying every way, which is too simple to be wrong.
    fn globs_slowly(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|at| globs_slowly(rest, &text[at..])),
            [byte, rest @ ..] => text.first() == Some(byte) && globs_slowly(rest, &text[1..]),
        }
    }

    #[test]
    fn a_limit_that_is_none_limits_nothing() {
        for limit in [None, Some(0), Some(-1), Some(i64::MIN)] {
            assert_eq!(page(limit), None, "{limit:?}");
        }
        assert_eq!(page(Some(2)), Some(2));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_it_says(pattern in "[ab*]{0,7}", text in "[ab]{0,9}") {
            prop_assert_eq!(
                globs(&pattern, &text),
                globs_slowly(pattern.as_bytes(), text.as_bytes())
            );
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, covers) in [
            ("*", "", true),
            ("*", "read", true),
            ("read", "read", true),
            ("read", "reader", false),
            ("read*", "reader", true),
            ("*only", "readonly", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(globs(pattern, text), covers, "{pattern} {text}");
        }
    }

    #[test]
    fn a_number_of_seconds_is_not_negative() {
        assert_eq!(not_negative("ttl", 0).unwrap(), 0);
        assert_eq!(
            not_negative("ttl", -1).unwrap_err().to_string(),
            "error converting input for field \"ttl\": cannot provide negative value '-1'"
        );
    }
}
