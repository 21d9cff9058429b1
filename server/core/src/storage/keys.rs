//! The rules of keys, and how a flat ordered key space reads as folders.

use std::ops::Bound;

use super::StorageError;

/// The longest key, in bytes. Every medium can index a key of this length.
pub const MAX_KEY_LENGTH: usize = 1024;

/// Checks that `key` is a path: names joined by single slashes, without NUL, not too long.
///
/// # Errors
/// [`StorageError::Invalid`], with the reason.
pub fn check_key(key: &str) -> Result<(), StorageError> {
    if key.len() > MAX_KEY_LENGTH {
        return Err(StorageError::Invalid(format!(
            "a key of {} bytes is too long",
            key.len()
        )));
    }
    // PostgreSQL's `text` cannot hold a NUL, so that no store does.
    if key.contains('\0') {
        return Err(StorageError::Invalid("a key contains NUL".to_owned()));
    }
    if key.split('/').any(str::is_empty) {
        return Err(StorageError::Invalid(format!(
            "key {key:?} has an empty name"
        )));
    }
    Ok(())
}

/// Checks that `prefix` names a folder: empty, or a key followed by a slash.
///
/// # Errors
/// [`StorageError::Invalid`], with the reason.
pub fn check_prefix(prefix: &str) -> Result<(), StorageError> {
    if prefix.is_empty() {
        return Ok(());
    }
    match prefix.strip_suffix('/') {
        Some(folder) => check_key(folder),
        None => Err(StorageError::Invalid(format!(
            "prefix {prefix:?} does not end in a slash"
        ))),
    }
}

/// Lists the names below `prefix` by asking an ordered store for its next key again and again.
///
/// `next_key` returns the least key within the bound. A folder is stepped over in one go, however
/// many keys it holds. Otherwise as [`Storage::list`](super::Storage::list).
///
/// # Errors
/// Whatever `next_key` fails with.
pub fn children<E>(
    prefix: &str,
    after: Option<&str>,
    limit: Option<usize>,
    mut next_key: impl FnMut(Bound<&str>) -> Result<Option<String>, E>,
) -> Result<Vec<String>, E> {
    let mut names = Vec::new();
    let mut from = match after {
        None | Some("") => Bound::Included(prefix.to_owned()),
        Some(name) => behind(format!("{prefix}{name}")),
    };
    while limit.is_none_or(|limit| names.len() < limit) {
        let Some(key) = next_key(from.as_ref().map(String::as_str))? else {
            break;
        };
        let Some(rest) = key.strip_prefix(prefix) else {
            break;
        };
        let name = match rest.find('/') {
            Some(slash) => &rest[..=slash],
            None => rest,
        };
        names.push(name.to_owned());
        from = behind(format!("{prefix}{name}"));
    }
    Ok(names)
}

/// The keys that sort behind a key, or behind everything in a folder.
fn behind(mut path: String) -> Bound<String> {
    if path.ends_with('/') {
        // '0' follows '/', so that this is the least string behind all that begin with the folder.
        path.pop();
        path.push('0');
        Bound::Included(path)
    } else {
        Bound::Excluded(path)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, convert::Infallible};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_names_joined_by_single_slashes() {
        for key in ["a", "a/b", "a b/ü/.", "sys/policy/ops"] {
            assert_eq!(check_key(key), Ok(()), "{key:?}");
        }
        let long = "k".repeat(MAX_KEY_LENGTH + 1);
        for key in ["", "/", "/a", "a/", "a//b", "a\0b", &long] {
            assert!(
                matches!(check_key(key), Err(StorageError::Invalid(_))),
                "{key:?}"
            );
        }
        assert_eq!(check_key(&long[1..]), Ok(()));
    }

    #[test]
    fn a_prefix_is_empty_or_a_key_and_a_slash() {
        for prefix in ["", "a/", "a/b/"] {
            assert_eq!(check_prefix(prefix), Ok(()), "{prefix:?}");
        }
        for prefix in ["/", "a", "a//", "/a/"] {
            assert!(
                matches!(check_prefix(prefix), Err(StorageError::Invalid(_))),
                "{prefix:?}"
            );
        }
    }

    fn any_key() -> impl Strategy<Value = String> {
        // Characters on both sides of the slash in byte order.
        prop::collection::vec("[a.0~]{1,2}", 1..4).prop_map(|names| names.join("/"))
    }

    proptest! {
        #[test]
        fn paging_through_children_gives_what_splitting_every_key_gives(
            keys in prop::collection::btree_set(any_key(), 0..40),
            folder in prop::option::of(any_key()),
            page in 1_usize..5,
        ) {
            let prefix = folder.map_or(String::new(), |folder| folder + "/");
            let expected: BTreeSet<String> = keys
                .iter()
                .filter_map(|key| key.strip_prefix(&prefix))
                .map(|rest| rest.split_inclusive('/').next().unwrap().to_owned())
                .collect();

            let mut paged = Vec::<String>::new();
            loop {
                let names = children(&prefix, paged.last().map(String::as_str), Some(page), |from| {
                    Ok::<_, Infallible>(keys.range::<str, _>((from, Bound::Unbounded)).next().cloned())
                })
                .unwrap();
                prop_assert!(names.len() <= page);
                if names.is_empty() {
                    break;
                }
                paged.extend(names);
            }
            prop_assert_eq!(paged, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
