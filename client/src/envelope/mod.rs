//! Envelope encryption: data sealed here, with data keys that a key of the server wraps.
//!
//! The container is KWE1 (`keyward_crypto::envelope`). One data key seals many things, within
//! [`EnvelopeLimits`], so that most calls ask the server nothing.

mod cache;
mod stream;

use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::lock::OwnedMutexGuard;
use keyward_crypto::envelope::{
    Context, DataKey, HEAD_LEN, Header, Layout, Opener, Parsed, Sealer, Suite, from_text,
    open_record, seal_record, to_text,
};
use keyward_crypto::{SecretBytes, random};

pub use cache::{EnvelopeLimits, EnvelopeStats};
pub use stream::{StreamOpener, StreamSealer};

use self::cache::{DataKeys, Found, Kept, Place};
use crate::{Error, Keyward, Options, Transport};

/// The beginning of a container that is read first; most headers are shorter.
const BEGINNING: usize = 512;

/// Seals and opens with one named key.
///
/// Keys for sealing and for opening are kept apart, since who may do one may lack the other. Calls
/// that need the same key at the same time wait for the first of them to ask the server; each asks
/// for itself if the answer is of no use to it.
pub struct Envelope<T> {
    client: Keyward<T>,
    mount: String,
    name: String,
    keys: Mutex<DataKeys>,
}

impl<T> fmt::Debug for Envelope<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.reference();
        f.debug_struct("Envelope").field("key", &key).finish()
    }
}

impl<T> Envelope<T> {
    /// Tells what happened so far.
    pub fn stats(&self) -> EnvelopeStats {
        self.keys().stats()
    }

    /// Forgets all data keys. Those in use are wiped when their use ends.
    pub fn clear(&self) {
        self.keys().clear();
    }

    fn reference(&self) -> String {
        format!("{}/{}", self.mount, self.name)
    }

    fn keys(&self) -> MutexGuard<'_, DataKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport> Envelope<T> {
    pub(crate) fn new(
        client: Keyward<T>,
        mount: &str,
        name: &str,
        limits: EnvelopeLimits,
    ) -> Result<Self, Error> {
        limits.check()?;
        Ok(Self {
            client,
            mount: mount.to_owned(),
            name: name.to_owned(),
            keys: Mutex::new(DataKeys::new(limits)),
        })
    }

    /// Seals a record, bound to the context; gives the container.
    ///
    /// # Errors
    /// As of [`Keyward::call`]; [`Error::Open`] when it is longer than 64 GiB.
    pub async fn seal(
        &self,
        plaintext: &[u8],
        context: Option<&Context>,
    ) -> Result<Vec<u8>, Error> {
        let kept = self.for_sealing(Suite::Record, plaintext.len()).await?;
        let nonce = random::generate_nonce();
        Ok(seal_record(
            kept.key(),
            kept.header(),
            context,
            &nonce,
            plaintext,
        )?)
    }

    /// Opens a record.
    ///
    /// # Errors
    /// [`Error::Open`] when it is none, was changed, or was sealed with another key or context; as
    /// of [`Keyward::call`].
    pub async fn open(
        &self,
        container: &[u8],
        context: Option<&Context>,
    ) -> Result<SecretBytes, Error> {
        let (header, body) = Header::split(container)?;
        if header.suite() != Suite::Record {
            return Err(Error::Open(keyward_crypto::Error::Decryption));
        }
        let kept = self.for_opening(&header, body.len()).await?;
        Ok(open_record(kept.key(), &header, context, body)?)
    }

    /// Seals a record as text, `kwe:1:…`, for columns and fields that hold no bytes.
    ///
    /// # Errors
    /// As of [`seal`](Self::seal).
    pub async fn seal_text(
        &self,
        plaintext: &[u8],
        context: Option<&Context>,
    ) -> Result<String, Error> {
        Ok(to_text(&self.seal(plaintext, context).await?))
    }

    /// Opens a record that is text.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub async fn open_text(
        &self,
        text: &str,
        context: Option<&Context>,
    ) -> Result<SecretBytes, Error> {
        self.open(&from_text(text)?, context).await
    }

    /// Begins to seal a stream of any length, which is given in pieces.
    ///
    /// # Errors
    /// As of [`Keyward::call`]; [`Error::Open`] when the context is too long.
    pub async fn stream_sealer(&self, context: Option<&Context>) -> Result<StreamSealer, Error> {
        let kept = self.for_sealing(Suite::Stream, 0).await?;
        let sealer = Sealer::new(
            kept.key(),
            kept.header(),
            context,
            &random::generate_nonce(),
        )?;
        Ok(StreamSealer::new(kept.header(), sealer))
    }

    /// Begins to open a stream that is given in pieces. `beginning` is what the container begins
    /// with: the header and [`HEAD_LEN`] bytes at least, or all of it; what is behind these is
    /// the first piece.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub async fn stream_opener(
        &self,
        beginning: &[u8],
        context: Option<&Context>,
    ) -> Result<StreamOpener, Error> {
        let (header, body) = Header::split(beginning)?;
        let (head, rest) = body
            .split_first_chunk()
            .ok_or(keyward_crypto::Error::Truncated)?;
        let opener = self.opener(&header, context, head).await?;
        Ok(StreamOpener::new(opener, rest))
    }

    /// Seals all that `reader` gives into `writer`; returns how many bytes went in. Reading and
    /// writing block the thread.
    ///
    /// # Errors
    /// As of [`stream_sealer`](Self::stream_sealer); [`Error::Io`].
    pub async fn seal_all(
        &self,
        mut reader: impl Read,
        mut writer: impl Write,
        context: Option<&Context>,
    ) -> Result<u64, Error> {
        let mut sealer = self.stream_sealer(context).await?;
        writer.write_all(sealer.start())?;
        let mut buffer = SecretBytes::new(vec![0; 1 << 16]);
        let mut total = 0;
        loop {
            // EXPOSE: filled with what is to be sealed, in a buffer that is wiped.
            let len = reader.read(buffer.expose_mut())?;
            if len == 0 {
                break;
            }
            total += len as u64;
            // EXPOSE: sealed.
            writer.write_all(&sealer.push(&buffer.expose()[..len])?)?;
        }
        writer.write_all(&sealer.finish()?)?;
        writer.flush()?;
        self.keys().spend(Suite::Stream, total);
        Ok(total)
    }

    /// Opens all that `reader` gives into `writer`; returns how many bytes came out. What is written
    /// has been authenticated in its place, but is a beginning until this returns without an error.
    /// Reading and writing block the thread.
    ///
    /// # Errors
    /// As of [`stream_opener`](Self::stream_opener); [`Error::Io`].
    pub async fn open_all(
        &self,
        mut reader: impl Read,
        mut writer: impl Write,
        context: Option<&Context>,
    ) -> Result<u64, Error> {
        let beginning = read_beginning(&mut reader)?;
        let mut opener = self.stream_opener(&beginning, context).await?;
        let mut buffer = vec![0; 1 << 16];
        let mut total = 0;
        loop {
            let len = reader.read(&mut buffer)?;
            if len == 0 {
                break;
            }
            let opened = opener.push(&buffer[..len])?;
            // EXPOSE: handed to the caller's writer.
            let opened = opened.expose();
            writer.write_all(opened)?;
            total += opened.len() as u64;
        }
        let last = opener.finish()?;
        // EXPOSE: as above.
        let last = last.expose();
        writer.write_all(last)?;
        writer.flush()?;
        Ok(total + last.len() as u64)
    }

    /// Opens a range of a stream; what is beyond its end is left out. Only the segments that hold
    /// some of it are read, each in one piece.
    ///
    /// # Errors
    /// As of [`stream_opener`](Self::stream_opener); [`Error::Io`].
    pub async fn open_range(
        &self,
        mut source: impl Read + Seek,
        range: Range<u64>,
        context: Option<&Context>,
    ) -> Result<SecretBytes, Error> {
        let end = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let beginning = read_beginning(&mut source)?;
        let (header, body) = Header::split(&beginning)?;
        let body_at = (beginning.len() - body.len()) as u64;
        let head = body.first_chunk().ok_or(keyward_crypto::Error::Truncated)?;
        let layout = Layout::of_body(end.saturating_sub(body_at))?;
        let opener = self.opener(&header, context, head).await?;
        let range = range.start..range.end.min(layout.plaintext_len());
        let len = range.end.saturating_sub(range.start);
        let room = usize::try_from(len).map_err(|_| Error::Invalid("too long a range".into()))?;
        let mut opened = SecretBytes::new(Vec::with_capacity(room));
        for segment in layout.covering(range.clone()) {
            let mut sealed = vec![0; (segment.body.end - segment.body.start) as usize];
            source.seek(SeekFrom::Start(body_at + segment.body.start))?;
            source.read_exact(&mut sealed)?;
            let plaintext = opener.open_at(&segment, &sealed)?;
            let from = range.start.saturating_sub(segment.plaintext.start) as usize;
            let to = (range.end.min(segment.plaintext.end) - segment.plaintext.start) as usize;
            // EXPOSE: the piece that was asked for goes into the buffer that is wiped.
            opened
                .expose_mut()
                .extend_from_slice(&plaintext.expose()[from..to]);
        }
        Ok(opened)
    }

    /// Wraps the data key of a container with the newest version of the named key. The answer is
    /// the new header, which takes the place of the `usize` bytes that the old one has; the body
    /// stays as it is.
    ///
    /// # Errors
    /// As of [`Keyward::call`]; [`Error::Open`] when it is no container.
    pub async fn rewrap_header(&self, container: &[u8]) -> Result<(Vec<u8>, usize), Error> {
        let (header, body) = Header::split(container)?;
        let transit = self.client.transit(&self.mount);
        let options = Options::default();
        let wrapped = transit.rewrap(&self.name, header.wrapped_key(), options);
        let newer = header.rewrapped(&wrapped.await?)?;
        Ok((newer.encode(), container.len() - body.len()))
    }

    async fn opener(
        &self,
        header: &Header,
        context: Option<&Context>,
        head: &[u8; HEAD_LEN],
    ) -> Result<Opener, Error> {
        if header.suite() != Suite::Stream {
            return Err(Error::Open(keyward_crypto::Error::Decryption));
        }
        let kept = self.for_opening(header, 0).await?;
        Ok(Opener::new(kept.key(), header, context, head)?)
    }

    async fn for_sealing(&self, suite: Suite, len: usize) -> Result<Arc<Kept>, Error> {
        let place = Place::Sealing(suite);
        let _turn = match self.find(&place, len).await {
            Ok(kept) => return Ok(kept),
            Err(turn) => turn,
        };
        let transit = self.client.transit(&self.mount);
        let made = transit.data_key(&self.name).await?;
        let key = DataKey::new(suite, &made.plaintext)?;
        let header = Header::new(suite, &self.reference(), *key.commitment(), &made.wrapped)?;
        let now = self.client.transport().now();
        Ok(self.keys().keep(place, key, header, len as u64, now))
    }

    async fn for_opening(&self, header: &Header, len: usize) -> Result<Arc<Kept>, Error> {
        if header.key() != self.reference() {
            let text = format!(
                "it was sealed with {}, not with {}",
                header.key(),
                self.reference()
            );
            return Err(Error::Invalid(text));
        }
        let kept = self.unwrapped(header, len).await?;
        kept.key().check(header)?;
        Ok(kept)
    }

    async fn unwrapped(&self, header: &Header, len: usize) -> Result<Arc<Kept>, Error> {
        let place = Place::of(header);
        let _turn = match self.find(&place, len).await {
            Ok(kept) => return Ok(kept),
            Err(turn) => turn,
        };
        let transit = self.client.transit(&self.mount);
        let wrapped = header.wrapped_key();
        let plaintext = transit.decrypt(&self.name, wrapped, Options::default());
        let key = DataKey::new(header.suite(), &plaintext.await?)?;
        let now = self.client.transport().now();
        let header = header.clone();
        Ok(self.keys().keep(place, key, header, len as u64, now))
    }

    /// Finds a key that is kept, or that another call is asking for. Otherwise the server is to be
    /// asked, with the turn to do so if it was free.
    async fn find(
        &self,
        place: &Place,
        len: usize,
    ) -> Result<Arc<Kept>, Option<OwnedMutexGuard<()>>> {
        let now = self.client.transport().now();
        let found = self.keys().find(place, len as u64, now);
        match found {
            Found::Kept(kept) => Ok(kept),
            Found::Missing(turn) => Err(Some(turn)),
            Found::Underway(turn) => {
                drop(turn.lock().await);
                let now = self.client.transport().now();
                // It failed, or its key is spent already: no second queue for that.
                self.keys().take(place, len as u64, now).ok_or(None)
            }
        }
    }
}

/// Reads what a container begins with: the header, and the head of a stream.
fn read_beginning(reader: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut beginning = Vec::new();
    let mut needed = BEGINNING;
    loop {
        let missing = needed.saturating_sub(beginning.len()) as u64;
        let came = reader.take(missing).read_to_end(&mut beginning)?;
        needed = match Header::parse(&beginning)? {
            Parsed::Needs(needed) => needed,
            Parsed::Whole(_, len) => len + HEAD_LEN,
        };
        if beginning.len() >= needed || came == 0 {
            return Ok(beginning);
        }
    }
}

#[cfg(test)]
mod tests;
