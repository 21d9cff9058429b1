//! Where the segments of a stream lie: the arithmetic of Tink's AES256_GCM_HKDF_1MB.

use std::ops::Range;

use crate::Error;

/// The length of what stands before the segments: its own length (1) ‖ salt (32) ‖ nonce prefix (7).
pub const HEAD_LEN: usize = 40;
/// The length of a segment with its tag. The first is shorter by the head, and the last by as much
/// as is lacking.
pub const SEGMENT_LEN: usize = 1 << 20;

pub(super) const TAG_LEN: usize = 16;
const FIRST_PLAIN: u64 = (SEGMENT_LEN - HEAD_LEN - TAG_LEN) as u64;
const OTHER_PLAIN: u64 = (SEGMENT_LEN - TAG_LEN) as u64;

/// The most plaintext that segment `number` holds.
pub(super) fn plain_capacity(number: u32) -> usize {
    SEGMENT_LEN - TAG_LEN - if number == 0 { HEAD_LEN } else { 0 }
}

/// The layout of a body of a known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    body_len: u64,
    segments: u32,
}

/// One segment, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number, from 0.
    pub number: u32,
    /// Whether none follows it.
    pub is_last: bool,
    /// Which bytes of the body it is.
    pub body: Range<u64>,
    /// Which bytes of the plaintext it holds.
    pub plaintext: Range<u64>,
}

impl Layout {
    /// Computes the layout of a body.
    ///
    /// # Errors
    /// [`Error::Truncated`] when no body has that length; [`Error::Invalid`] when it would have
    /// more than 2^32 segments.
    pub fn of_body(body_len: u64) -> Result<Self, Error> {
        let segments = body_len.div_ceil(SEGMENT_LEN as u64).max(1);
        let last_at = (segments - 1) * SEGMENT_LEN as u64;
        let head = if segments == 1 { HEAD_LEN as u64 } else { 0 };
        if body_len < last_at + head + TAG_LEN as u64 {
            return Err(Error::Truncated);
        }
        let segments = u32::try_from(segments)
            .map_err(|_| Error::invalid("a stream has at most 2^32 - 1 segments"))?;
        Ok(Self { body_len, segments })
    }

    /// How many segments there are.
    #[must_use]
    pub fn segments(&self) -> u32 {
        self.segments
    }

    /// How long the plaintext is.
    #[must_use]
    pub fn plaintext_len(&self) -> u64 {
        self.body_len - HEAD_LEN as u64 - u64::from(self.segments) * TAG_LEN as u64
    }

    /// Segment `number`, if there is one.
    #[must_use]
    pub fn segment(&self, number: u32) -> Option<Segment> {
        if number >= self.segments {
            return None;
        }
        let wide = u64::from(number);
        let (at, plain_at) = match wide.checked_sub(1) {
            None => (HEAD_LEN as u64, 0),
            Some(before) => (
                wide * SEGMENT_LEN as u64,
                FIRST_PLAIN + before * OTHER_PLAIN,
            ),
        };
        let end = self.body_len.min((wide + 1) * SEGMENT_LEN as u64);
        Some(Segment {
            number,
            is_last: number + 1 == self.segments,
            body: at..end,
            plaintext: plain_at..plain_at + (end - at - TAG_LEN as u64),
        })
    }

    /// The segments that hold some of a range of the plaintext; what is beyond its end is left out.
    pub fn covering(&self, range: Range<u64>) -> impl Iterator<Item = Segment> + use<> {
        let range = range.start..range.end.min(self.plaintext_len());
        let numbers = if range.is_empty() {
            0..0
        } else {
            segment_at(range.start)..segment_at(range.end - 1) + 1
        };
        let layout = *self;
        // Bounded by the count of segments, which has 32 bits.
        numbers.filter_map(move |number| layout.segment(u32::try_from(number).ok()?))
    }
}

/// The number of the segment that holds a byte of the plaintext.
fn segment_at(offset: u64) -> u64 {
    match offset.checked_sub(FIRST_PLAIN) {
        None => 0,
        Some(rest) => 1 + rest / OTHER_PLAIN,
    }
}
