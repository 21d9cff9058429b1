//! The one form of a path that access control, routing, audit and storage all see.

use std::fmt;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// The longest path, in bytes.
const MAX_LEN: usize = 4096;

/// A request path without `/v1/`, parsed once at the edge.
///
/// Segments are not empty, not `.` or `..`, and hold only characters that can be seen, and the space
/// of ASCII; one `/` may stand at the end, which names a folder. Percent-encoding has been resolved before, and an encoded slash
/// is refused there, so nothing downstream decodes again.
///
/// **Invariant:** the parser refuses and never repairs: two spellings are never one path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalPath(String);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// An empty segment: `//`, or a slash at the beginning.
    #[error("path has an empty segment")]
    EmptySegment,
    /// `.` or `..`.
    #[error("path has a relative segment")]
    RelativeSegment,
    /// A character that cannot be seen, or an encoded slash.
    #[error("path has a forbidden character")]
    ForbiddenCharacter,
    /// More than 4,096 bytes.
    #[error("path is too long")]
    TooLong,
}

impl CanonicalPath {
    /// Parses a path whose percent-encoding is already resolved.
    ///
    /// # Errors
    /// The text is not in its one form; see the variants.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_LEN {
            return Err(PathError::TooLong);
        }
        if !text.chars().all(is_printable) {
            return Err(PathError::ForbiddenCharacter);
        }
        let segments = text.strip_suffix('/').unwrap_or(text);
        for segment in segments.split('/') {
            match segment {
                "" if text.is_empty() => {}
                "" => return Err(PathError::EmptySegment),
                "." | ".." => return Err(PathError::RelativeSegment),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// Parses a path as it stands in a URL, resolving percent-encoding once (RFC 3986 section 2.1).
    ///
    /// # Errors
    /// The text is not in its one form, or encodes a slash, what cannot be seen or no UTF-8.
    pub fn parse_encoded(text: &str) -> Result<Self, PathError> {
        if !text.contains('%') {
            return Self::parse(text);
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let mut digit = || {
                let digit = rest.next().and_then(|d| char::from(d).to_digit(16));
                digit.ok_or(PathError::ForbiddenCharacter)
            };
            let decoded = digit()? << 4 | digit()?;
            match u8::try_from(decoded) {
                Ok(b'/') | Err(_) => return Err(PathError::ForbiddenCharacter),
                Ok(decoded) => bytes.push(decoded),
            }
        }
        Self::parse(std::str::from_utf8(&bytes).map_err(|_| PathError::ForbiddenCharacter)?)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path with one slash at the end, as lists name folders.
    #[must_use]
    pub fn into_folder(mut self) -> Self {
        if !self.0.is_empty() && !self.0.ends_with('/') {
            self.0.push('/');
        }
        self
    }
}

/// Tells whether a character can be seen: a letter, mark, number, sign or symbol, or the space of
/// ASCII. Two paths that look the same to who reads a policy or a log shall not differ by one that
/// joins, turns round, or stands for nothing.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        _ if c.is_ascii() => false,
        _ => !matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator
        ),
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_stay_as_they_are() {
        for text in [
            "",
            "sys/mounts",
            "secret/data/a b",
            "secret/metadata/",
            "a/ö",
            "a/o\u{308}",
            "a/\u{1f600}\u{4e2d}\u{661}\u{20ac}\u{ff0f}",
        ] {
            assert_eq!(CanonicalPath::parse(text).map(|p| p.0), Ok(text.to_owned()));
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for (text, wanted) in [
            ("a//b", PathError::EmptySegment),
            ("/a", PathError::EmptySegment),
            ("/", PathError::EmptySegment),
            ("a/../b", PathError::RelativeSegment),
            ("./a", PathError::RelativeSegment),
            ("a%2fb", PathError::ForbiddenCharacter),
            ("a%00", PathError::ForbiddenCharacter),
            ("a%2e%2e%2", PathError::ForbiddenCharacter),
            ("a/%2e%2e/b", PathError::RelativeSegment),
            ("a%ff", PathError::ForbiddenCharacter),
            ("a%c0%af", PathError::ForbiddenCharacter),
        ] {
            assert_eq!(CanonicalPath::parse_encoded(text), Err(wanted), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let controls = ['\0', '\t', '\u{7f}', '\u{85}'];
        let formats = ['\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{feff}'];
        let spaces = ['\u{a0}', '\u{2028}', '\u{2029}', '\u{3000}'];
        let unassigned = ['\u{378}', '\u{e000}', '\u{fffe}', '\u{e0041}', '\u{10ffff}'];
        let all = [&controls[..], &formats, &spaces, &unassigned].concat();
        for c in all {
            let wanted = Err(PathError::ForbiddenCharacter);
            assert_eq!(CanonicalPath::parse(&format!("a{c}b")), wanted, "{c:?}");
        }
    }

    #[test]
    fn percent_encoding_is_resolved_once() {
        let path = CanonicalPath::parse_encoded("a%20b/%2561").map(|p| p.0);
        assert_eq!(path, Ok("a b/%61".to_owned()));
    }

    proptest! {
        #[test]
        fn what_parses_has_no_odd_segment(text in "\\PC{0,40}") {
            if let Ok(path) = CanonicalPath::parse_encoded(&text) {
                let inner = path.as_str().strip_suffix('/').unwrap_or(path.as_str());
                prop_assert!(path.as_str().is_empty()
                    || inner.split('/').all(|s| !matches!(s, "" | "." | "..")));
                prop_assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path.clone()));
            }
        }
    }
}
