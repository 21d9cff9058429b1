//! Streams in pieces of any size: cut into segments, and put together again.
//!
//! Only the end of the input tells which segment is the last, so a full one goes on its way when the
//! byte after it has come.

use keyward_crypto::SecretBytes;
use keyward_crypto::envelope::{Header, Opener, SEGMENT_LEN, Sealer};

use crate::Error;

/// Seals a stream that is given in pieces: first [`start`](Self::start), then what
/// [`push`](Self::push) gives for each piece, then what [`finish`](Self::finish) gives.
pub struct StreamSealer {
    start: Vec<u8>,
    sealer: Sealer,
    waiting: SecretBytes,
}

impl StreamSealer {
    pub(super) fn new(header: &Header, sealer: Sealer) -> Self {
        let mut start = header.encode();
        start.extend_from_slice(sealer.head());
        Self {
            start,
            sealer,
            // Reserved whole, so that no half-filled buffer is left behind unwiped.
            waiting: SecretBytes::new(Vec::with_capacity(SEGMENT_LEN)),
        }
    }

    /// What the container begins with.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// Takes a piece; gives the segments that are full.
    ///
    /// # Errors
    /// [`Error::Open`] when the stream has 2^32 segments.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<Vec<u8>, Error> {
        let mut sealed = Vec::new();
        loop {
            // EXPOSE: the buffer is filled, and sealed when it is full.
            let waiting = self.waiting.expose_mut();
            let room = self.sealer.capacity() - waiting.len();
            if piece.len() <= room {
                waiting.extend_from_slice(piece);
                return Ok(sealed);
            }
            let (filling, rest) = piece.split_at(room);
            waiting.extend_from_slice(filling);
            sealed.extend(self.sealer.seal(waiting)?);
            waiting.clear();
            piece = rest;
        }
    }

    /// Seals what is left as the last segment.
    ///
    /// # Errors
    /// [`Error::Open`]: none that could be met.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        // EXPOSE: sealed.
        Ok(self.sealer.seal_last(self.waiting.expose())?)
    }
}

/// Opens a stream that is given in pieces: what [`push`](Self::push) gives for each piece, then what
/// [`finish`](Self::finish) gives. All of it has been authenticated in its place, but is a beginning
/// until `finish` succeeds.
pub struct StreamOpener {
    opener: Opener,
    waiting: Vec<u8>,
    /// What came with the beginning.
    first: Vec<u8>,
}

impl StreamOpener {
    pub(super) fn new(opener: Opener, first: &[u8]) -> Self {
        Self {
            opener,
            waiting: Vec::new(),
            first: first.to_vec(),
        }
    }

    /// Takes a piece; gives what could be opened.
    ///
    /// # Errors
    /// [`Error::Open`] when anything was changed. The stream is to be given up then.
    pub fn push(&mut self, piece: &[u8]) -> Result<SecretBytes, Error> {
        let first = std::mem::take(&mut self.first);
        let most = first.len() + self.waiting.len() + piece.len();
        let mut opened = SecretBytes::new(Vec::with_capacity(most));
        self.take(&first, &mut opened)?;
        self.take(piece, &mut opened)?;
        Ok(opened)
    }

    /// Opens the last segment.
    ///
    /// # Errors
    /// [`Error::Open`] with `Truncated` when the stream was cut off, or else when anything was
    /// changed.
    pub fn finish(mut self) -> Result<SecretBytes, Error> {
        let mut opened = self.push(b"")?;
        let last = self.opener.open_last(&self.waiting)?;
        // EXPOSE: put behind what came with the beginning; reserved, so that nothing is left behind.
        opened.expose_mut().reserve_exact(last.expose().len());
        // EXPOSE: as above.
        opened.expose_mut().extend_from_slice(last.expose());
        Ok(opened)
    }

    fn take(&mut self, mut piece: &[u8], opened: &mut SecretBytes) -> Result<(), Error> {
        loop {
            let room = self.opener.segment_len() - self.waiting.len();
            if piece.len() <= room {
                self.waiting.extend_from_slice(piece);
                return Ok(());
            }
            let (filling, rest) = piece.split_at(room);
            self.waiting.extend_from_slice(filling);
            let plaintext = self.opener.open(&self.waiting)?;
            // EXPOSE: into the buffer that has room for it and is wiped.
            opened.expose_mut().extend_from_slice(plaintext.expose());
            self.waiting.clear();
            piece = rest;
        }
    }
}
