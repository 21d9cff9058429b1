//! Finds one HTTP/1.1 answer in the bytes that have come so far (RFC 9112).

use std::io::{Error, ErrorKind, Result};
use std::ops::Range;

/// Where the parts of a complete answer lie in the buffer.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Frame {
    pub(super) status: u16,
    pub(super) keep_alive: bool,
    pub(super) body: Body,
    /// Where the answer ends.
    pub(super) end: usize,
}

/// The body's bytes: in one piece, or in the pieces of a chunked coding.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Body {
    Chunks(Vec<Range<usize>>),
    Whole(Range<usize>),
}

/// How the head says that the body ends.
enum Length {
    Chunked,
    Exactly(usize),
}

impl Frame {
    /// `None` while the answer is not complete.
    ///
    /// # Errors
    /// `InvalidData`: this can never become an answer that we read.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(head_end) = find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..head_end]).map_err(|_| invalid("head"))?;
        let mut lines = head.split("\r\n");
        let status: u16 = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 "))
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| invalid("status line"))?;

        // RFC 9112 section 6.3: these two have no body whatever their head says.
        let mut length = matches!(status, 204 | 304).then_some(Length::Exactly(0));
        let mut keep_alive = true;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("header line"))?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") && length.is_none() {
                let exactly = value.parse().map_err(|_| invalid("Content-Length"))?;
                length = Some(Length::Exactly(exactly));
            } else if name.eq_ignore_ascii_case("transfer-encoding") && length.is_none() {
                if !value.eq_ignore_ascii_case("chunked") {
                    return Err(invalid("Transfer-Encoding"));
                }
                length = Some(Length::Chunked);
            } else if name.eq_ignore_ascii_case("connection") {
                keep_alive = !value.eq_ignore_ascii_case("close");
            }
        }

        let start = head_end + 4;
        let found = match length.ok_or_else(|| invalid("answer: it names no length"))? {
            Length::Chunked => chunks(bytes, start)?,
            Length::Exactly(length) => start
                .checked_add(length)
                .filter(|end| *end <= bytes.len())
                .map(|end| (Body::Whole(start..end), end)),
        };
        Ok(found.map(|(body, end)| Self {
            status,
            keep_alive,
            body,
            end,
        }))
    }
}

impl Body {
    /// The body in one piece; chunks are moved together inside the buffer.
    pub(super) fn gather(self, buffer: &mut [u8]) -> &[u8] {
        match self {
            Self::Whole(range) => &buffer[range],
            Self::Chunks(ranges) => {
                let mut end = 0;
                for range in ranges {
                    let length = range.len();
                    buffer.copy_within(range, end);
                    end += length;
                }
                &buffer[..end]
            }
        }
    }
}

/// The chunks from `start` and where the last one ends (RFC 9112 section 7.1); trailers are none
/// of ours and refused.
fn chunks(bytes: &[u8], start: usize) -> Result<Option<(Body, usize)>> {
    let mut ranges = Vec::new();
    let mut at = start;
    loop {
        let Some(line) = find(&bytes[at..], b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[at..at + line])
            .ok()
            .and_then(|line| line.split(';').next())
            .and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok())
            .ok_or_else(|| invalid("chunk size"))?;
        let data = at + line + 2;
        let end = data
            .checked_add(size)
            .ok_or_else(|| invalid("chunk size"))?;
        let Some(after) = bytes.get(end..).filter(|rest| rest.len() >= 2) else {
            return Ok(None);
        };
        if !after.starts_with(b"\r\n") {
            return Err(invalid("end of a chunk"));
        }
        at = end + 2;
        if size == 0 {
            return Ok(Some((Body::Chunks(ranges), at)));
        }
        ranges.push(data..end);
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

fn invalid(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        format!("not an HTTP/1.1 answer: bad {what}"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> (u16, bool, Vec<u8>) {
        let frame = Frame::parse(bytes)
            .unwrap()
            .expect("the answer is complete");
        assert_eq!(frame.end, bytes.len());
        let mut buffer = bytes.to_vec();
        (
            frame.status,
            frame.keep_alive,
            frame.body.gather(&mut buffer).to_vec(),
        )
    }

    fn chunked(pieces: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        bytes
    }

    #[test]
    fn an_answer_with_a_length_is_found() {
        let bytes = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nX: y\r\n\r\n{}";
        assert_eq!(whole(bytes), (400, true, b"{}".to_vec()));
    }

    #[test]
    fn no_content_needs_no_length() {
        let bytes = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        assert_eq!(whole(bytes), (204, false, Vec::new()));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n\r\n",
        ] {
            assert!(
                Frame::parse(bytes).is_err(),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    proptest! {
        #[test]
        fn chunks_come_together_as_they_were_sent(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        ) {
            prop_assert_eq!(whole(&chunked(&pieces)).2, pieces.concat());
        }

        #[test]
        fn a_part_of_an_answer_is_not_yet_one(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = chunked(&pieces);
            let part = &bytes[..cut.index(bytes.len())];
            prop_assert_eq!(Frame::parse(part).unwrap(), None);
        }

        #[test]
        fn no_bytes_make_it_panic(
            head in "HTTP/1.1 [0-9a-z ]{0,5}\r\n(Content-Length: [0-9]{0,22}\r\n)?(Transfer-Encoding: chunked\r\n)?\r\n",
            rest in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut bytes = head.into_bytes();
            bytes.extend(rest);
            let _ = Frame::parse(&bytes);
        }
    }
}
