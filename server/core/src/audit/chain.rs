//! The hash chain: what makes an edited, removed or moved line show.
//!
//! ```text
//! line n   = entry n ‖ marks ‖ ,"sequence":N ‖ ,"chain":"HEX n"} ‖ LF
//!            └────────── hashed n ─────────┘
//! chain n  = SHA-256( chain n-1 ‖ hashed n )     32 bytes; HEX is their lower-case form
//! chain 0  = 32 zero bytes                       the value before the first line ever
//! N        = n in decimal; it goes on from file to file
//! marks    = ,"previous":"HEX n-1"               on the first line of a file, or of what a
//!                                                receiver gets after it was away
//!            ,"torn":BYTES                       where so many bytes of a line that a crash cut
//!                                                short were removed before this one
//! ```
//!
//! `entry n` is the JSON text without its closing brace, with the device's `prefix` before it, so
//! that a line stays one JSON object of Vault's shape with two members more. It ends in
//! `,"missed":LINES` where so many lines before it were not taken by the device, which failed or
//! was too slow; another device has them, or their requests were refused.
//!
//! **Invariant:** the chain is not keyed. It shows what was changed by whoever could not write the
//! rest of the file anew. Against one who can, the server keeps where each log ends
//! ([`super::Standing`]), and tells it (`sys/audit-head`) to who keeps it elsewhere.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::value::{ChainValue, Value, push_hex, read_hex};
use crate::Timestamp;

const SEQUENCE: &[u8] = b",\"sequence\":";
const CHAIN: &[u8] = b",\"chain\":\"";
const PREVIOUS: &[u8] = b",\"previous\":\"";
const TORN: &[u8] = b",\"torn\":";
const MISSED: &[u8] = b",\"missed\":";

/// The lines of one request for one device: text that the device's [`Chain`] has yet to close.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Takes JSON objects that have a member, lack their closing brace and end in a line feed.
    pub const fn new(text: Vec<u8>) -> Self {
        Self(text)
    }

    /// Returns about how many bytes they take when closed.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len() + 512
    }

    /// Lets the first line tell that `missed` lines before it were not taken.
    pub(super) fn note_missed(&mut self, missed: u64) {
        let end = memchr::memchr(b'\n', &self.0).unwrap_or(self.0.len());
        let mut mark = Vec::new();
        push_number(MISSED, missed, &mut mark);
        self.0.splice(end..end, mark);
    }

    /// Appends the lines, closed, to `out`.
    pub fn close(&self, chain: &mut Chain, out: &mut Vec<u8>) {
        for line in self.iter() {
            chain.close(line, out);
        }
    }

    /// Returns the lines one by one, for a device that does not write them together.
    pub fn iter(&self) -> impl Iterator<Item = Open<'_>> {
        let mut start = 0;
        memchr::memchr_iter(b'\n', &self.0).map(move |end| {
            let line = Open(&self.0[start..end]);
            start = end + 1;
            line
        })
    }
}

/// One of the [`Lines`]: it lacks its closing brace and line feed.
#[derive(Clone, Copy, Debug)]
pub struct Open<'l>(&'l [u8]);

/// Where a log's chain stands: what the next line is bound to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain {
    /// The sequence number of the last line.
    sequence: u64,
    value: Value,
    begins_file: bool,
    torn: u64,
}

/// The chain before the first line ever.
impl Default for Chain {
    fn default() -> Self {
        Self {
            sequence: 0,
            value: [0; 32],
            begins_file: true,
            torn: 0,
        }
    }
}

/// The last line of a device's log.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Head {
    /// Its sequence number.
    pub sequence: u64,
    /// Its chain value.
    pub chain: ChainValue,
    /// When it was written.
    pub time: Timestamp,
}

/// What one line of a log says of a [`Head`]; lines are asked from the last one backwards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sought {
    /// It came later: the line before it is to be asked.
    Before,
    /// The log has what was known of it.
    Here,
    /// The log was shortened, or is another one.
    Lost,
}

impl Head {
    /// Asks a line, without its line feed.
    #[must_use]
    pub fn seek(&self, line: &[u8]) -> Sought {
        let Some(line) = Closed::parse(line) else {
            return Sought::Lost;
        };
        let next = self.sequence.saturating_add(1);
        let is_here = match line.sequence {
            later if later > next => return Sought::Before,
            // It may begin a file.
            after if after == next => line.follows(self.chain.bytes()),
            same => same == self.sequence && line.value == *self.chain.bytes(),
        };
        if is_here { Sought::Here } else { Sought::Lost }
    }
}

/// What the end of a file says about its chain.
#[derive(Debug, Eq, PartialEq)]
pub enum Resumed {
    /// The next line follows the last whole one; `torn` bytes after that are to be cut off.
    At {
        /// Where the chain stands.
        chain: Chain,
        /// How many bytes of an unfinished line stand at the end.
        torn: u64,
    },
    /// No line is whole; `torn` bytes, which is all there is, are to be cut off.
    Empty {
        /// How many bytes of an unfinished line there are.
        torn: u64,
    },
    /// The last line is not one that a chain closed, or does not follow the one before it.
    Foreign,
    /// The part of the file does not reach back far enough.
    Short,
}

impl Chain {
    /// Returns the chain whose next line begins a file after the line of `head`.
    #[must_use]
    pub fn after(head: &Head) -> Self {
        Self {
            sequence: head.sequence,
            value: *head.chain.bytes(),
            ..Self::default()
        }
    }

    /// Lets the next line follow the line of `head`, which the file lacks: a gap that shows.
    pub fn skip_to(&mut self, head: &Head) {
        *self = Self {
            sequence: self.sequence.max(head.sequence),
            ..Self::after(head)
        };
    }

    /// Returns the sequence number and the chain value of the last line.
    #[must_use]
    pub const fn last(&self) -> (u64, ChainValue) {
        (self.sequence, ChainValue::new(self.value))
    }

    /// Lets the next line begin a file: it carries the value that the last file ended with.
    pub fn begin_file(&mut self) {
        self.begins_file = true;
    }

    /// Lets the next line tell that `torn` bytes of an unfinished line were removed before it.
    pub fn note_torn(&mut self, torn: u64) {
        self.torn = torn;
    }

    /// Reads where the chain stands from the end of a file; `whole` says that `tail` is all of it.
    ///
    /// A crash can leave an unfinished last line. It was never acknowledged, so it is cut off, and
    /// the next line tells.
    #[must_use]
    pub fn resume(tail: &[u8], whole: bool) -> Resumed {
        let Some(end) = last_line_feed(tail) else {
            return if whole {
                Resumed::Empty {
                    torn: tail.len() as u64,
                }
            } else {
                Resumed::Short
            };
        };
        let torn = (tail.len() - end - 1) as u64;
        let start = match last_line_feed(&tail[..end]) {
            Some(before) => before + 1,
            None if whole => 0,
            None => return Resumed::Short,
        };
        let Some(last) = Closed::parse(&tail[start..end]) else {
            return Resumed::Foreign;
        };
        let previous = match (last.previous, start) {
            (Some(previous), _) => Some(previous),
            (None, 0) => None,
            (None, _) => {
                let before = &tail[..start - 1];
                match strip_chain(before) {
                    Some((_, value)) => Some(value),
                    None if whole || before.len() >= CHAIN.len() + 66 => None,
                    None => return Resumed::Short,
                }
            }
        };
        if previous.is_some_and(|previous| last.follows(&previous)) {
            let Closed {
                sequence, value, ..
            } = last;
            Resumed::At {
                chain: Self {
                    sequence,
                    value,
                    begins_file: false,
                    torn: 0,
                },
                torn,
            }
        } else {
            Resumed::Foreign
        }
    }

    /// Appends one line to `out` and closes it.
    pub fn close(&mut self, Open(line): Open<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(line);
        if std::mem::take(&mut self.begins_file) {
            out.extend_from_slice(PREVIOUS);
            push_hex(&self.value, out);
            out.push(b'"');
        }
        let torn = std::mem::take(&mut self.torn);
        if torn > 0 {
            push_number(TORN, torn, out);
        }
        self.sequence += 1;
        push_number(SEQUENCE, self.sequence, out);
        self.value = link(&self.value, &out[start..]);
        out.extend_from_slice(CHAIN);
        push_hex(&self.value, out);
        out.extend_from_slice(b"\"}\n");
    }
}

/// A closed line, taken apart.
#[derive(Debug)]
pub(super) struct Closed<'l> {
    hashed: &'l [u8],
    pub(super) previous: Option<Value>,
    pub(super) torn: Option<u64>,
    pub(super) missed: Option<u64>,
    pub(super) sequence: u64,
    pub(super) value: Value,
}

impl<'l> Closed<'l> {
    /// Takes apart a line without its line feed; none if no chain closed it.
    pub(super) fn parse(line: &'l [u8]) -> Option<Self> {
        let (hashed, value) = strip_chain(line)?;
        let (rest, sequence) = strip_number(hashed, SEQUENCE)?;
        let (rest, torn) = match strip_number(rest, TORN) {
            Some((rest, torn)) => (rest, Some(torn)),
            None => (rest, None),
        };
        let (rest, previous) = match strip_value(rest, PREVIOUS, b"\"") {
            Some((rest, value)) => (rest, Some(value)),
            None => (rest, None),
        };
        let missed = strip_number(rest, MISSED).map(|(_, missed)| missed);
        Some(Self {
            hashed,
            previous,
            torn,
            missed,
            sequence,
            value,
        })
    }

    /// Tells whether the line is the one that was closed after the chain value `previous`.
    pub(super) fn follows(&self, previous: &Value) -> bool {
        link(previous, self.hashed) == self.value
    }
}

fn link(previous: &Value, hashed: &[u8]) -> Value {
    Sha256::new()
        .chain_update(previous)
        .chain_update(hashed)
        .finalize()
        .into()
}

fn last_line_feed(text: &[u8]) -> Option<usize> {
    text.iter().rposition(|&byte| byte == b'\n')
}

fn strip_chain(line: &[u8]) -> Option<(&[u8], Value)> {
    strip_value(line, CHAIN, b"\"}")
}

/// Takes `name`, 64 digits and `end` off the end of `text`.
fn strip_value<'t>(text: &'t [u8], name: &[u8], end: &[u8]) -> Option<(&'t [u8], Value)> {
    let text = text.strip_suffix(end)?;
    let (rest, digits) = text.split_at_checked(text.len().checked_sub(64)?)?;
    Some((rest.strip_suffix(name)?, read_hex(digits)?))
}

/// Takes `name` and a number off the end of `text`.
fn strip_number<'t>(text: &'t [u8], name: &[u8]) -> Option<(&'t [u8], u64)> {
    let start = text.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    let number = std::str::from_utf8(&text[start..]).ok()?.parse().ok()?;
    Some((text[..start].strip_suffix(name)?, number))
}

fn push_number(name: &[u8], number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(chain: &mut Chain, lines: &str) -> String {
        let mut out = Vec::new();
        Lines::new(lines.as_bytes().to_vec()).close(chain, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Computed with an independent SHA-256; files written today must verify for ever.
    #[test]
    fn the_first_two_lines_are_frozen() {
        let zeros = "0".repeat(64);
        assert_eq!(
            text(&mut Chain::default(), "{\"a\":1\n{\"b\":{}\n"),
            format!(
                "{{\"a\":1,\"previous\":\"{zeros}\",\"sequence\":1,\"chain\":\"e7e3a0e75b78da791dbfed2f6de122d1a7380ad00621c7f93316c62aa7e8bad8\"}}\n\
                 {{\"b\":{{}},\"sequence\":2,\"chain\":\"07079f2251bebfa27cd863e04811dd9752f6682e419d5bf3a4ffe1a968569580\"}}\n"
            )
        );
    }

    #[test]
    fn a_chain_resumes_from_the_end_of_its_file() {
        let mut chain = Chain::default();
        let file = text(&mut chain, "{\"a\":1\n{\"b\":2\n{\"c\":3\n");
        let resumed = |text: &str, whole| Chain::resume(text.as_bytes(), whole);
        assert_eq!(
            resumed(&file, true),
            Resumed::At {
                chain: chain.clone(),
                torn: 0
            }
        );
        // The last line and the end of the one before are enough.
        let second = file.find("{\"b\"").unwrap();
        assert_eq!(
            resumed(&file[second..], false),
            Resumed::At {
                chain: chain.clone(),
                torn: 0
            }
        );
        let third = file.find("{\"c\"").unwrap();
        assert_eq!(resumed(&file[third..], false), Resumed::Short);
        assert_eq!(resumed(&file[third - 20..], false), Resumed::Short);
        assert_eq!(resumed("{\"a\"", false), Resumed::Short);

        let torn = format!("{file}{{\"d\":4,\"seq");
        assert_eq!(resumed(&torn, true), Resumed::At { chain, torn: 11 });
        assert_eq!(resumed("{\"a\":1", true), Resumed::Empty { torn: 6 });
        assert_eq!(resumed("", true), Resumed::Empty { torn: 0 });
    }

    #[test]
    fn a_file_that_no_chain_closed_is_not_continued() {
        let mut chain = Chain::default();
        let file = text(&mut chain, "{\"a\":1\n{\"b\":2\n");
        let edited = file.replace("\"b\":2", "\"b\":3");
        let beheaded = &file[file.find("{\"b\"").unwrap()..];
        for foreign in [
            "{\"a\":1}\n",
            "\n",
            &edited,
            beheaded,
            &format!("{file}x\n"),
        ] {
            assert_eq!(
                Chain::resume(foreign.as_bytes(), true),
                Resumed::Foreign,
                "{foreign}"
            );
        }
    }

    #[test]
    fn a_line_tells_whether_a_log_has_what_was_known() {
        let mut chain = Chain::default();
        let mut log = Vec::new();
        let mut heads = Vec::new();
        for _ in 0..5 {
            Lines::new(b"{\"a\":1\n".to_vec()).close(&mut chain, &mut log);
            let (sequence, chain) = chain.last();
            let time = Timestamp::default();
            heads.push(Head {
                sequence,
                chain,
                time,
            });
        }
        let lines: Vec<_> = log.split(|&byte| byte == b'\n').collect();
        let head = heads[2];
        assert_eq!(head.seek(lines[4]), Sought::Before);
        assert_eq!(head.seek(lines[3]), Sought::Here, "the next one follows it");
        assert_eq!(head.seek(lines[2]), Sought::Here);
        assert_eq!(head.seek(lines[1]), Sought::Lost);
        assert_eq!(head.seek(b"{\"a\":1}"), Sought::Lost);
        let other = Head {
            chain: heads[1].chain,
            ..head
        };
        assert_eq!(other.seek(lines[3]), Sought::Lost);
        assert_eq!(other.seek(lines[2]), Sought::Lost);
    }
}
