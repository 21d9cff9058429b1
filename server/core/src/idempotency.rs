//! Idempotency keys: a change that is asked for twice is made once.
//!
//! Who sends a change with a key (draft-ietf-httpapi-idempotency-key-header) may send it again when
//! no answer came, and gets the answer of the first time. What is kept lies below the store's view,
//! sealed by the barrier, for [`KEPT`]:
//!
//! ```text
//! entry/NAME               the digest of the body, the end, and the answer once there is one
//! expiry/NANOSECONDS.NAME  that it ends then; 16 hexadecimal digits, so that time sorts
//! ```
//! NAME is the SHA-256 of token, operation, path and key: another token's key is another key.
//!
//! An entry is written before the engine runs, and its answer before the caller has it. So a crash
//! leaves one of three: no entry, and nothing was done; an answer, which is given again; or an entry
//! without one. Then nobody knows whether the change was made, and the key is refused until its end.
//!
//! **Invariant:** a refusal is not kept, since it changed nothing; asking again is asking anew. The
//! policies of the token are asked each time, before anything here is.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use keyward_api::{Operation, Sensitive};
use keyward_crypto::{HashAlgorithm, SecretBytes, SecretString, encoding};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    Done, Error, MountEntry, Outcome, Request, Timestamp, Token, barrier::Change, storage::Expect,
    view::View, wrapping::Wrapped,
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(600);

/// How many are kept at once: 170 changes a second for ten minutes. The next is refused, so that no
/// kept answer is forgotten before its time.
const MOST: usize = 100_000;

/// The largest answer that is kept, in bytes: twenty times a batch of tokens or keys.
const LARGEST: usize = 1 << 20;

/// How many ended entries are removed in one commit.
const PAGE: usize = 256;

const EXPIRIES: &str = "expiry/";

/// The text of a key that a caller sent: 1 to 255 visible characters of ASCII.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the header: a string of RFC 9651 section 3.3.3 as the draft has it, or the bare text.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is none.
    pub fn parse(header: &str) -> Result<Self, Error> {
        let quoted = header.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        let text = quoted.unwrap_or(header);
        let is_plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        if matches!(text.len(), 1..=255) && text.chars().all(is_plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid(
            "the idempotency key is no 1 to 255 visible characters of ASCII, in quotation marks",
        ))
    }
}

/// What is known of one key.
#[derive(Deserialize, Serialize)]
struct Entry {
    /// The SHA-256 of the body, hexadecimal.
    body: String,
    expires: Timestamp,
    answer: Option<Kept>,
}

/// An answer as it is kept.
#[derive(Deserialize, Serialize)]
struct Kept {
    envelope: Sensitive,
    outcome: Outcome,
    at_top: bool,
}

/// The keys of all tokens.
pub(crate) struct Idempotency {
    view: View,
    /// Those that are being worked on here.
    running: Arc<Mutex<HashSet<String>>>,
    /// How many marks are stored, about: a change of another node is not counted.
    stored: AtomicUsize,
}

/// What a request with a key comes to at first.
pub(crate) enum Begun {
    /// It was done before: the answer.
    Again(Box<Done>),
    /// It is to be done now.
    Run(Running),
}

/// A change that is being made; nobody else makes it until this is dropped.
pub(crate) struct Running {
    name: String,
    body: String,
    expires: Timestamp,
    running: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.lock().remove(&self.name);
    }
}

impl Idempotency {
    /// Opens the store, and counts what is in it.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let stored = view.list(EXPIRIES, None, None).await?.len();
        Ok(Self {
            view,
            running: Arc::default(),
            stored: AtomicUsize::new(stored),
        })
    }

    /// Looks at the key of a request that was let in; none if it has none or changes nothing.
    ///
    /// # Errors
    /// [`Error::Busy`] while the same request is being worked on, [`Error::Conflict`] if nobody knows
    /// whether it was done, [`Error::Unprocessable`] if the key was used for another body,
    /// [`Error::Limited`] if there is no room; else the store failed.
    pub(crate) async fn begin(
        &self,
        request: &Request,
        token: &Token,
        mount: &Arc<MountEntry>,
        on_record: &View,
        now: Timestamp,
    ) -> Result<Option<Begun>, Error> {
        let Some(key) = request
            .idempotency_key
            .as_ref()
            .filter(|_| changes(request))
        else {
            return Ok(None);
        };
        let name = name(request, token, key);
        if !self.running.lock().insert(name.clone()) {
            return Err(busy());
        }
        // EXPOSE: hashed; the digest alone is kept.
        let body = hex(request.body.expose());
        let running = Running {
            name,
            body,
            expires: now.plus(KEPT),
            running: Arc::clone(&self.running),
        };
        let found = self.view.get_as::<Entry>(&entry_key(&running.name)).await?;
        let expected = match found {
            Some((entry, _)) if entry.expires > now => {
                if entry.body != running.body {
                    return Err(Error::Unprocessable(
                        "the idempotency key was used for another request".to_owned(),
                    ));
                }
                let kept = entry.answer.ok_or_else(|| {
                    Error::Conflict(
                        "the request of this idempotency key was begun, and it is not known \
                         whether it was done: look, and send it with another key if it was not"
                            .to_owned(),
                    )
                })?;
                let done = kept.done(Arc::clone(mount))?;
                return Ok(Some(Begun::Again(Box::new(done))));
            }
            Some((_, revision)) => Expect::At(revision),
            None => Expect::Absent,
        };
        if self.stored.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.less(1);
            return Err(Error::Limited(
                "too many idempotency keys are in use; try again later".to_owned(),
            ));
        }
        on_record.on_record().await?;
        let put = Change::put_as(entry_key(&running.name), &running.entry(None))?;
        let mark = expiry_key(running.expires, &running.name);
        let mark = Change::put(mark, SecretBytes::new(Vec::new()));
        match self.view.commit(vec![put.expecting(expected), mark]).await {
            Ok(_) => Ok(Some(Begun::Run(running))),
            // Another node over the same store was first.
            Err(Error::Conflict(_)) => Err(busy()),
            Err(error) => Err(error),
        }
    }

    /// Keeps what came of a change. What cannot be kept is answered all the same: it was done, and
    /// the key is refused from then on.
    pub(crate) async fn finish(&self, running: Running, came: Result<&Done, &Error>, id: &Request) {
        let outcome = match came {
            Ok(done) => self.keep(&running, done, id).await,
            // It may have been done.
            Err(Error::Internal(_)) => Ok(()),
            Err(_) => self.forget(&running).await,
        };
        if let Err(error) = outcome {
            tracing::warn!(request_id = %id.id, cause = %error, "an idempotent answer is not kept");
        }
    }

    async fn keep(&self, running: &Running, done: &Done, request: &Request) -> Result<(), Error> {
        if done.document.is_some() {
            return self.forget(running).await;
        }
        let Wrapped {
            envelope, outcome, ..
        } = Wrapped::of(done, request.id)?;
        // EXPOSE: becomes a text in an entry that the barrier seals.
        if envelope.expose().len() > LARGEST {
            return Ok(());
        }
        // EXPOSE: as above.
        let text = String::from_utf8(envelope.expose().clone()).map_err(Error::internal)?;
        let kept = Kept {
            envelope: Sensitive::from(SecretString::new(text)),
            outcome,
            at_top: done.at_top,
        };
        let entry = running.entry(Some(kept));
        self.view.put_as(&entry_key(&running.name), &entry).await
    }

    async fn forget(&self, running: &Running) -> Result<(), Error> {
        let changes = vec![
            Change::delete(entry_key(&running.name)),
            Change::delete(expiry_key(running.expires, &running.name)),
        ];
        self.view.commit(changes).await?;
        self.less(1);
        Ok(())
    }

    fn less(&self, removed: usize) {
        let less = |stored: usize| Some(stored.saturating_sub(removed));
        // The closure always gives a number.
        let _ = self
            .stored
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Removes what has ended by `now`, in the order of time, so that what lives is not looked at.
    ///
    /// # Errors
    /// The store failed; what is due stays due.
    pub(crate) async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        loop {
            let names = self.view.list(EXPIRIES, None, Some(PAGE)).await?;
            let marks = names.iter().filter_map(|mark| parse_expiry(mark));
            let due: Vec<_> = marks.take_while(|(expires, _)| *expires <= now).collect();
            if due.is_empty() {
                return Ok(());
            }
            let mut changes = Vec::with_capacity(2 * due.len());
            for &(expires, name) in &due {
                changes.extend(self.removal(expires, name, now).await?);
            }
            match self.view.commit(changes).await {
                Ok(_) => self.less(due.len()),
                // Another request took a key anew in between; the next tick sees it.
                Err(Error::Conflict(_)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Removes a mark, and its entry unless the key was taken anew since.
    async fn removal(
        &self,
        expires: Timestamp,
        name: &str,
        now: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let mut changes = vec![Change::delete(expiry_key(expires, name))];
        let found = self.view.get_as::<Entry>(&entry_key(name)).await?;
        if let Some((entry, revision)) = found
            && entry.expires <= now
        {
            let delete = Change::delete(entry_key(name));
            changes.push(delete.expecting(Expect::At(revision)));
        }
        Ok(changes)
    }
}

impl Running {
    fn entry(&self, answer: Option<Kept>) -> Entry {
        Entry {
            body: self.body.clone(),
            expires: self.expires,
            answer,
        }
    }
}

impl Kept {
    fn done(self, mount: Arc<MountEntry>) -> Result<Done, Error> {
        let wrapped = Wrapped {
            // EXPOSE: copied into a buffer that is wiped too.
            envelope: SecretBytes::new(self.envelope.expose().as_bytes().to_vec()),
            outcome: self.outcome,
            document: None,
        };
        Ok(Done {
            at_top: self.at_top,
            replayed: true,
            ..Done::unwrapped(wrapped, mount)?
        })
    }
}

/// Tells whether a request may change something.
const fn changes(request: &Request) -> bool {
    match request.operation {
        Operation::Create | Operation::Delete | Operation::Patch | Operation::Update => true,
        Operation::List | Operation::Read | Operation::Scan => false,
    }
}

fn busy() -> Error {
    Error::Busy("the request of this idempotency key is still being worked on".to_owned())
}

fn name(request: &Request, token: &Token, IdempotencyKey(key): &IdempotencyKey) -> String {
    let method = request.operation.method();
    let path = request.path.as_str();
    // No part but the last can hold a line break.
    hex(format!("{}\n{method}\n{path}\n{key}", token.digest()).as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    encoding::encode_hex(&HashAlgorithm::Sha2_256.digest(bytes))
}

fn entry_key(name: &str) -> String {
    format!("entry/{name}")
}

fn expiry_key(expires: Timestamp, name: &str) -> String {
    format!("{EXPIRIES}{:016x}.{name}", expires.unix_nanos())
}

fn parse_expiry(mark: &str) -> Option<(Timestamp, &str)> {
    let (time, name) = mark.split_once('.')?;
    let nanos = u64::from_str_radix(time, 16).ok()?;
    Some((Timestamp::from_unix_nanos(nanos), name))
}

#[cfg(test)]
mod tests;
