//! PEM (RFC 7468) as it is found in files: with text before, between and after the blocks, with
//! lines of any length.

use crate::encoding;

/// What stands between two boundaries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) der: Vec<u8>,
}

/// Reads the first block, and returns it with the text after it; `None` when there is no block, or
/// the first to end is broken.
pub(super) fn read(text: &str) -> Option<(Block<'_>, &str)> {
    let mut rest = text;
    let mut begun: Option<(&str, String)> = None;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.trim_end();
        rest = after;
        if let Some(label) = boundary(line, "-----BEGIN ") {
            begun = Some((label, String::new()));
        } else if let Some((label, body)) = &mut begun {
            if boundary(line, "-----END ") == Some(label) {
                let der = encoding::decode(body).ok()?;
                // EXPOSE: a certificate and a request for one are public.
                let der = der.expose().clone();
                return Some((Block { label, der }, rest));
            }
            body.push_str(line);
        }
    }
    None
}

/// The label in a boundary.
fn boundary<'a>(line: &'a str, head: &str) -> Option<&'a str> {
    line.strip_prefix(head)?.strip_suffix("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_among_other_text() {
        let text = "a\n-----BEGIN A B-----\r\nAAEC  \r\nAw==\r\n-----END A B-----\t\nb";
        let (block, rest) = read(text).unwrap();
        assert_eq!((block.label, block.der), ("A B", vec![0, 1, 2, 3]));
        assert_eq!(rest, "b");
        assert_eq!(read(rest), None);
    }

    #[test]
    fn a_block_that_was_cut_short_does_not_hide_the_next() {
        let text = "-----BEGIN A-----\nAAEC\n-----BEGIN B-----\nAw==\n-----END B-----";
        let (block, rest) = read(text).unwrap();
        assert_eq!((block.label, block.der, rest), ("B", vec![3], ""));
    }

    #[test]
    fn what_is_broken_is_no_block() {
        for text in [
            "",
            "AAEC",
            "-----BEGIN A-----",
            "-----BEGIN A-----\nAAEC",
            "-----BEGIN A-----\nAAEC\n-----END B-----",
            "-----BEGIN A-----\nAA*C\n-----END A-----",
            " -----BEGIN A-----\nAAEC\n-----END A-----",
            "-----BEGIN A-----\nAAEC\n-----END A-----b",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
