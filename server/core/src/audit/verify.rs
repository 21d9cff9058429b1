//! Checking a log: is every line there, in its place, as it was written?

use std::io::{self, BufRead};

use super::chain::Closed;
pub use super::value::{ChainValue, NoChainValue};

/// What a log that verifies holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Summary {
    /// How many lines it has.
    pub lines: u64,
    /// The chain value that it began with: the one that the file before it ended with.
    pub previous: ChainValue,
    /// The chain value that it ends with. Lines that are missing at the end show only here:
    /// compare it with what the server tells (`sys/audit-head`), or with the beginning of the next
    /// file.
    pub last: ChainValue,
    /// The sequence number of the last line.
    pub sequence: u64,
    /// After which lines a crash had left an unfinished one, which was removed, and its length.
    pub torn: Vec<(u64, u64)>,
    /// After which lines the device had failed or been too slow, and how many lines it did not take
    /// there.
    pub missed: Vec<(u64, u64)>,
}

/// The first line that is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Broken {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It does not begin the file as the first line of a file does.
    #[error("the lines before it are missing: a file begins with a line that says what it follows")]
    Beheaded,
    /// Its content does not match its chain value.
    #[error("it was edited, or the line before it was")]
    Edited,
    /// It has no sequence number and chain value of the right form.
    #[error("it was not written by an audit device, or it was edited")]
    Foreign,
    /// Its sequence number is too high.
    #[error("sequence number {found} where {expected} should be: lines were removed or moved")]
    Missing {
        /// The number that follows from the line before.
        expected: u64,
        /// Its own.
        found: u64,
    },
    /// Its sequence number is too low.
    #[error("sequence number {found} where {expected} should be: a line was repeated or moved")]
    Repeated {
        /// The number that follows from the line before.
        expected: u64,
        /// Its own.
        found: u64,
    },
    /// It says that it follows a line of the server's which is not there.
    #[error(
        "{lines} lines that the server wrote before it are missing: the log was shortened, or lines \
         did not arrive"
    )]
    Shortened {
        /// How many are missing.
        lines: u64,
    },
    /// It ends without a line feed.
    #[error("it is unfinished: a crash cut it short, or it is still being written")]
    Torn,
    /// It begins a file, and what it follows is not what was checked before.
    #[error("it does not follow the last line before it")]
    Unlinked,
    /// It could not be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
}

/// Checks a whole file. `after` is what the file before it, if that was checked, came to.
///
/// # Errors
/// The first line that is not as it was written.
pub fn verify(reader: impl BufRead, after: Option<&Summary>) -> Result<Summary, Broken> {
    verify_each(reader, after, |_| {})
}

/// Checks a whole file, and calls `each` with the chain value of each line. What the first line says
/// that it follows is nobody's line: whoever writes a file can say so.
///
/// # Errors
/// The first line that is not as it was written.
pub fn verify_each(
    mut reader: impl BufRead,
    after: Option<&Summary>,
    mut each: impl FnMut(ChainValue),
) -> Result<Summary, Broken> {
    let mut line = Vec::new();
    let mut summary: Option<Summary> = None;
    for number in 1.. {
        let broken = |reason| Broken {
            line: number,
            reason,
        };
        line.clear();
        reader
            .read_until(b'\n', &mut line)
            .map_err(|error| broken(Reason::Unreadable(error)))?;
        if line.is_empty() {
            break;
        }
        let line = line
            .strip_suffix(b"\n")
            .ok_or_else(|| broken(Reason::Torn))?;
        let closed = Closed::parse(line).ok_or_else(|| broken(Reason::Foreign))?;
        let current = match summary.take() {
            None => begin(&closed, after).map_err(broken)?,
            // It begins a file, or what a receiver got after it had been away, behind the one before.
            Some(current) => match closed.previous {
                Some(previous) if previous != *current.last.bytes() => {
                    let expected = current.sequence.saturating_add(1);
                    return Err(broken(match closed.sequence.checked_sub(expected) {
                        None | Some(0) => Reason::Unlinked,
                        Some(lines) => Reason::Shortened { lines },
                    }));
                }
                _ => current,
            },
        };
        let current = follow(current, &closed).map_err(broken)?;
        each(current.last);
        summary = Some(current);
    }
    Ok(summary.unwrap_or_else(|| match after {
        Some(after) => Summary {
            lines: 0,
            previous: after.last,
            torn: Vec::new(),
            missed: Vec::new(),
            ..*after
        },
        None => empty(),
    }))
}

const fn empty() -> Summary {
    let start = ChainValue::new([0; 32]);
    Summary {
        lines: 0,
        previous: start,
        last: start,
        sequence: 0,
        torn: Vec::new(),
        missed: Vec::new(),
    }
}

/// Returns the state before the first line of a file.
fn begin(first: &Closed<'_>, after: Option<&Summary>) -> Result<Summary, Reason> {
    let (previous, sequence) = match (first.previous.map(ChainValue::new), after) {
        (Some(previous), Some(after)) if after.last != previous => return Err(Reason::Unlinked),
        (Some(_), Some(after)) => (after.last, after.sequence),
        (Some(previous), None) => (previous, first.sequence.saturating_sub(1)),
        // A copy was taken of the file before, which was then emptied in place.
        (None, Some(after)) if first.follows(after.last.bytes()) => (after.last, after.sequence),
        (None, _) => return Err(Reason::Beheaded),
    };
    Ok(Summary {
        previous,
        last: previous,
        sequence,
        ..empty()
    })
}

fn follow(mut summary: Summary, line: &Closed<'_>) -> Result<Summary, Reason> {
    let (expected, found) = (summary.sequence.saturating_add(1), line.sequence);
    if found > expected {
        return Err(Reason::Missing { expected, found });
    }
    if found < expected {
        return Err(Reason::Repeated { expected, found });
    }
    if !line.follows(summary.last.bytes()) {
        return Err(Reason::Edited);
    }
    if let Some(bytes) = line.torn {
        summary.torn.push((summary.lines, bytes));
    }
    if let Some(lines) = line.missed {
        summary.missed.push((summary.lines, lines));
    }
    summary.lines += 1;
    summary.sequence = found;
    summary.last = ChainValue::new(line.value);
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::{Chain, Lines};

    fn append(chain: &mut Chain, count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|n| {
                let mut out = Vec::new();
                let line = format!("{{\"type\":\"request\",\"request\":{{\"n\":{n}}}\n");
                Lines::new(line.into_bytes()).close(chain, &mut out);
                out
            })
            .collect()
    }

    fn broken(lines: &[Vec<u8>]) -> (u64, Reason) {
        let broken = verify(&*lines.concat(), None).unwrap_err();
        (broken.line, broken.reason)
    }

    #[test]
    fn a_log_verifies_and_so_does_the_file_after_it() {
        let mut chain = Chain::default();
        let first = verify(&*append(&mut chain, 3).concat(), None).unwrap();
        assert_eq!((first.lines, first.sequence), (3, 3));
        chain.begin_file();
        chain.note_torn(7);
        let file = append(&mut chain, 2).concat();
        let second = verify(&*file, Some(&first)).unwrap();
        assert_eq!(
            (second.lines, second.sequence, second.previous),
            (2, 5, first.last)
        );
        assert_eq!(second.torn, [(0, 7)]);
        assert_eq!(verify(&*file, None).unwrap(), second);
        assert_eq!(verify(&b""[..], Some(&second)).unwrap().last, second.last);

        let other = verify(&*append(&mut Chain::default(), 1).concat(), None).unwrap();
        let unlinked = verify(&*file, Some(&other)).unwrap_err();
        assert!(matches!(
            unlinked,
            Broken {
                line: 1,
                reason: Reason::Unlinked
            }
        ));
    }

    #[test]
    fn the_first_bad_line_is_named() {
        let lines = append(&mut Chain::default(), 5);
        let with = |change: fn(&mut Vec<Vec<u8>>)| {
            let mut lines = lines.clone();
            change(&mut lines);
            broken(&lines)
        };
        assert!(matches!(
            with(|lines| lines[2][30] ^= 1),
            (3, Reason::Edited)
        ));
        assert!(matches!(
            with(|lines| drop(lines.remove(2))),
            (3, Reason::Missing { .. })
        ));
        assert!(matches!(
            with(|lines| drop(lines.remove(0))),
            (1, Reason::Beheaded)
        ));
        assert!(matches!(
            with(|lines| lines.swap(1, 2)),
            (2, Reason::Missing { .. })
        ));
        assert!(matches!(
            with(|lines| lines.insert(2, lines[1].clone())),
            (3, Reason::Repeated { .. })
        ));
        assert!(matches!(
            with(|lines| lines.insert(2, b"{\"type\":\"request\"}\n".to_vec())),
            (3, Reason::Foreign)
        ));
        assert!(matches!(
            with(|lines| lines[4].truncate(40)),
            (5, Reason::Torn)
        ));
        // Two chains, one after the other, are not one log.
        assert!(matches!(
            with(|lines| lines.extend(append(&mut Chain::default(), 1))),
            (6, Reason::Unlinked)
        ));
    }

    #[test]
    fn files_in_one_and_a_file_that_was_emptied_in_place_are_one_log() {
        let mut chain = Chain::default();
        let first = append(&mut chain, 2).concat();
        let copied = append(&mut chain, 2).concat();
        chain.begin_file();
        let second = append(&mut chain, 2).concat();
        let whole = verify(&*[&*first, &*copied, &*second].concat(), None).unwrap();
        assert_eq!((whole.lines, whole.sequence), (6, 6));

        let before = verify(&*first, None).unwrap();
        let after = verify(&*[&*copied, &*second].concat(), Some(&before)).unwrap();
        assert_eq!((after.lines, after.last), (4, whole.last));
        let beheaded = verify(&second[second.len() / 2..], Some(&before)).unwrap_err();
        assert_eq!(beheaded.line, 1);
        let unknown = verify(&*copied, None).unwrap_err();
        assert!(matches!(unknown.reason, Reason::Beheaded));
    }

    proptest! {
        #[test]
        fn no_edit_of_a_single_byte_goes_unseen(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut text = append(&mut Chain::default(), 4).concat();
            let at = at.index(text.len());
            let line = text[..at].iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
            prop_assume!(text[at] != to);
            text[at] = to;
            // An edit of the last line feed of a line makes one line of two.
            prop_assert_eq!(verify(&*text, None).unwrap_err().line, line);
        }

        #[test]
        fn no_line_can_be_taken_out_doubled_or_moved(a in 0usize..8, b in 0usize..8) {
            let lines = append(&mut Chain::default(), 9);
            let mut removed = lines.clone();
            removed.remove(a);
            prop_assert_eq!(broken(&removed).0, a as u64 + 1);
            let mut doubled = lines.clone();
            doubled.insert(b, lines[a].clone());
            // Of two equal neighbours the second is the one too many.
            let wanted = if a == b { a + 2 } else { b + 1 };
            prop_assert_eq!(broken(&doubled).0, wanted as u64);
            if a != b {
                let mut swapped = lines;
                swapped.swap(a, b);
                prop_assert_eq!(broken(&swapped).0, a.min(b) as u64 + 1);
            }
        }
    }
}
