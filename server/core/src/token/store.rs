//! Where tokens are kept and found.
//!
//! Below the store's view, with every value sealed by the barrier:
//!
//! ```text
//! salt                          the HMAC key of the digests, 32 bytes
//! id/DIGEST                     the record of a token
//! accessor/ACCESSOR             its digest
//! child/PARENT/DIGEST           that it is a child of PARENT
//! expiry/NANOSECONDS.DIGEST     that it ends then; 16 hexadecimal digits, so that time sorts
//! lease/PATH/hDIGEST            that a request to PATH made it: the name of its lease
//! grave/DIGEST                  that it is gone and what it left is still to be removed: its
//!                               children, its cubbyhole and the leases of secrets that it got; a
//!                               value says from when on
//! cubbyhole/DIGEST/…            what it keeps for itself
//! ```
//!
//! **Invariant:** the entries of a token are written and removed in one commit: no crash leaves a
//! record that no expiry and no parent leads to.

use std::{mem, sync::Arc, time::Duration};

use keyward_crypto::{MacKey, SecretBytes, SecretString, random};
use quick_cache::sync::Cache;

use super::{
    AuthGrant, Created, Digest, Token, TokenKind,
    batch::{self, Opened},
    record::Record,
    revoke::Buried,
};
use crate::{
    Denial, Error, Timestamp, TokenId, TtlLimits,
    barrier::Change,
    json,
    lease::{Leases, TokenLeaseId},
    storage::{Expect, Revision},
    tidy::Tidying,
    view::View,
};

/// How many records stay in memory.
const CACHED: usize = 1 << 16;

const PREFIX: &str = "hvs.";

/// Characters of a token behind its prefix: 142 bits, each equally likely.
const BODY_LENGTH: usize = 24;

/// Characters of a token.
pub(crate) const TOKEN_LENGTH: usize = PREFIX.len() + BODY_LENGTH;

const SALT: &str = "salt";
pub(super) const ACCESSORS: &str = "accessor/";
pub(super) const CHILDREN: &str = "child/";
pub(super) const EXPIRIES: &str = "expiry/";
pub(super) const GRAVES: &str = "grave/";
pub(super) const LEASES: &str = "lease/";

/// Makes, finds, renews and revokes tokens.
///
/// The store reads and writes on its own account: a handler waits for
/// [`View::on_record`] before it calls anything that changes something.
pub(crate) struct TokenStore {
    pub(super) view: View,
    /// The leases that end with tokens.
    pub(super) leases: Arc<Leases>,
    pub(super) salt: MacKey,
    /// Records as they were read; a change to one removes it here after it is durable.
    pub(super) cache: Cache<Digest, Arc<Token>>,
    pub(super) opened: Opened,
    pub(super) tidying: Tidying,
}

pub(super) fn id_key(digest: Digest) -> String {
    format!("id/{digest}")
}

pub(super) fn accessor_key(accessor: &str) -> String {
    format!("{ACCESSORS}{accessor}")
}

pub(super) fn children(parent: Digest) -> String {
    format!("{CHILDREN}{parent}/")
}

pub(super) fn child_key(parent: Digest, digest: Digest) -> String {
    format!("{CHILDREN}{parent}/{digest}")
}

pub(super) fn expiry_key(expires: Timestamp, digest: Digest) -> String {
    format!("{EXPIRIES}{:016x}.{digest}", expires.unix_nanos())
}

fn cubbyhole_folder(digest: Digest) -> String {
    format!("cubbyhole/{digest}/")
}

pub(super) fn lease_key(lease: &TokenLeaseId) -> String {
    format!("{LEASES}{lease}")
}

pub(super) fn grave_key(digest: Digest) -> String {
    format!("{GRAVES}{digest}")
}

impl TokenStore {
    /// Opens the store; makes the salt of a new one.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn open(view: View, leases: Arc<Leases>) -> Result<Self, Error> {
        let salt = match view.get(SALT).await? {
            Some(entry) => entry.value,
            None => {
                let salt = random::generate_bytes(32);
                let change = Change::put(SALT, salt.duplicate()).expecting(Expect::Absent);
                match view.commit(vec![change]).await {
                    Ok(_) => salt,
                    // Another node was first.
                    Err(Error::Conflict(_)) => {
                        let entry = view.get(SALT).await?;
                        entry
                            .ok_or_else(|| Error::internal("the token salt is gone"))?
                            .value
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(Self {
            view,
            leases,
            salt: MacKey::new(salt),
            cache: Cache::new(CACHED),
            opened: Opened::new(),
            tidying: Tidying::default(),
        })
    }

    /// Finds a token; none if it is unknown, revoked, used up, or its time is over at `now`.
    ///
    /// A token that was found before is answered from memory.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn lookup(
        &self,
        id: &TokenId,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        let digest = Digest::of(&self.salt, id);
        if batch::is_batch(id) {
            self.find_batch(id, digest, now).await
        } else {
            self.find(digest, now).await
        }
    }

    /// Finds a token by the name of its record.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn find(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        let token = self.stored(digest).await?;
        Ok(token.filter(|token| token.is_alive(now)))
    }

    /// Finds what is stored of a token, be its time over or not.
    pub(super) async fn stored(&self, digest: Digest) -> Result<Option<Arc<Token>>, Error> {
        match self.cache.get_value_or_guard_async(&digest).await {
            Ok(token) => Ok(Some(token)),
            Err(vacancy) => {
                let Some((record, _)) = self.read(digest).await? else {
                    return Ok(None);
                };
                let token = Arc::new(Token { digest, record });
                // Refused where the record was changed since it was read: then it must be read
                // again for the next request, and this one came before the change.
                let _ = vacancy.insert(Arc::clone(&token));
                Ok(Some(token))
            }
        }
    }

    /// Finds a token by its accessor.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn by_accessor(
        &self,
        accessor: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        // It becomes part of a storage key, so that nothing of another form gets there.
        if accessor.len() != Record::ACCESSOR_LENGTH
            || !accessor.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Ok(None);
        }
        match self.view.get_as::<Digest>(&accessor_key(accessor)).await? {
            Some((digest, _)) => self.find(digest, now).await,
            None => Ok(None),
        }
    }

    /// Lists accessors in byte order; `after` and `limit` page.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn accessors(
        &self,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<String>, Error> {
        self.view.list(ACCESSORS, after, limit).await
    }

    /// Makes a token; durable when it returns. `parent` is ignored where an orphan is asked for.
    ///
    /// What the caller may ask for is decided before.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the chosen id is taken or a batch token cannot be what is asked,
    /// [`Error::Denied`] if the parent was revoked meanwhile; else the store below failed.
    pub(crate) async fn create(
        &self,
        mut grant: AuthGrant,
        parent: Option<&Token>,
        limits: TtlLimits,
        path: &str,
        now: Timestamp,
    ) -> Result<Created, Error> {
        let parent = parent.filter(|_| !grant.orphan);
        let mut warnings = mem::take(&mut grant.warnings);
        let chosen = grant.id.take();
        let (record, warning) = Record::of(grant, parent, limits, path, now);
        warnings.extend(warning);
        if record.kind == TokenKind::Batch {
            if chosen.is_some() {
                warnings.push(
                    "The chosen ID was not used: the ID of a batch token is what it says"
                        .to_owned(),
                );
            }
            let (id, token) = self.seal_batch(record, parent)?;
            return Ok(Created {
                id: Some(id),
                token,
                identity: None,
                warnings,
            });
        }
        let (id, token) = self.insert(chosen, record).await?;
        // A parent that was revoked in between may have missed this child: whoever writes first,
        // one of the two sees the other.
        if let Some(parent) = parent
            && self.read(parent.digest).await?.is_none()
        {
            self.revoke(token.digest).await?;
            return Err(Error::Denied(Denial::Token));
        }
        Ok(Created {
            id: Some(id),
            token,
            identity: None,
            warnings,
        })
    }

    /// Makes a token that serves one request: it is stored nowhere and told to nobody, can do what a
    /// batch token can, and goes when it is dropped.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a batch token cannot be what is asked.
    pub(crate) fn lend(
        &self,
        grant: AuthGrant,
        limits: TtlLimits,
        path: &str,
        now: Timestamp,
    ) -> Result<Created, Error> {
        // Uses are not counted: there is one.
        let grant = AuthGrant {
            kind: Some(TokenKind::Batch),
            num_uses: 0,
            id: None,
            warnings: Vec::new(),
            ..grant
        };
        let (record, _) = Record::of(grant, None, limits, path, now);
        let record = batch::kept_of(record)?;
        // Nobody can ask with it: its text is not kept.
        let digest = Digest::of(&self.salt, &generate());
        let token = Arc::new(Token { digest, record });
        Ok(Created {
            id: None,
            token,
            identity: None,
            warnings: Vec::new(),
        })
    }

    /// Makes the first root token.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn create_root(&self, now: Timestamp) -> Result<TokenId, Error> {
        let created = self
            .create(AuthGrant::root(), None, NO_LIMITS, ROOT_PATH, now)
            .await?;
        created
            .id
            .ok_or_else(|| Error::internal("a token was made without an id"))
    }

    /// Makes a root token with the text that the grant chooses, unless it is there already.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn adopt_root(&self, grant: AuthGrant, now: Timestamp) -> Result<(), Error> {
        if let Some(id) = &grant.id
            && self.lookup(id, now).await?.is_some()
        {
            return Ok(());
        }
        self.create(grant, None, NO_LIMITS, ROOT_PATH, now)
            .await
            .map(drop)
    }

    /// Returns what a token keeps for itself, which goes when the token goes. A handler waits for
    /// [`View::on_record`] before it writes there.
    pub(crate) fn cubbyhole(&self, digest: Digest) -> View {
        self.view.below(&cubbyhole_folder(digest))
    }

    /// Writes down that a token may get leases of secrets, so that they are looked for when it ends;
    /// durable when it returns. Once per token: whoever has written a lease asks
    /// [`expects_leases`](Self::expects_leases) then, past the cache.
    ///
    /// # Errors
    /// [`Error::Denied`] if the token is gone; else the store below failed.
    pub(crate) async fn expect_leases(&self, digest: Digest) -> Result<(), Error> {
        if let Some(token) = self.stored(digest).await?
            && !token.record.leaseless
        {
            return Ok(());
        }
        loop {
            let Some((mut record, revision)) = self.read(digest).await? else {
                return Err(Error::Denied(Denial::Token));
            };
            if !record.leaseless {
                return Ok(());
            }
            record.leaseless = false;
            let changes = vec![record.update(digest, revision)?];
            let outcome = self.view.commit(changes).await;
            self.cache.remove(&digest);
            match outcome {
                Ok(_) => return Ok(()),
                // It was renewed, used or revoked in between, or has a lease by now.
                Err(Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Tells whether a token is stored, be its time over or not, and its leases are looked for when
    /// it ends; past the cache, so that nothing that was revoked before is taken for alive, nor a
    /// namesake for what it was.
    pub(crate) async fn expects_leases(&self, digest: Digest) -> Result<bool, Error> {
        let found = self.read(digest).await?;
        Ok(found.is_some_and(|(record, _)| !record.leaseless))
    }

    /// Tells whether a token is gone and has left nothing that would still be removed with it.
    ///
    /// Such a token does not come back: a namesake is another one.
    pub(crate) async fn is_gone(&self, digest: Digest) -> Result<bool, Error> {
        Ok(
            self.read(digest).await?.is_none()
                && self.view.get(&grave_key(digest)).await?.is_none(),
        )
    }

    /// Reads a record past the cache, with the revision that a change to it expects.
    pub(super) async fn read(&self, digest: Digest) -> Result<Option<(Record, Revision)>, Error> {
        self.view.get_as(&id_key(digest)).await
    }

    async fn insert(
        &self,
        chosen: Option<TokenId>,
        record: Record,
    ) -> Result<(TokenId, Arc<Token>), Error> {
        let is_chosen = chosen.is_some();
        let id = chosen.unwrap_or_else(generate);
        let digest = Digest::of(&self.salt, &id);
        // A namesake that was revoked must not take the children of this token with it.
        if is_chosen && self.view.get(&grave_key(digest)).await?.is_some() {
            self.clear(vec![Buried::unknown(digest)]).await?;
        }
        let absent = |key, value| Change::put(key, value).expecting(Expect::Absent);
        let mut changes = vec![
            absent(id_key(digest), json::to_secret(&record)?),
            absent(accessor_key(&record.accessor), json::to_secret(&digest)?),
        ];
        changes.extend(record.parent.map(|parent| mark(child_key(parent, digest))));
        changes.extend(
            record
                .expires
                .map(|expires| mark(expiry_key(expires, digest))),
        );
        changes.extend(record.lease(digest).map(|lease| mark(lease_key(&lease))));
        match self.view.commit(changes).await {
            Ok(_) => Ok((id, Arc::new(Token { digest, record }))),
            Err(Error::Conflict(_)) if is_chosen => {
                Err(Error::invalid("cannot create a token with a duplicate ID"))
            }
            Err(error) => Err(error),
        }
    }
}

/// The path that root tokens made by no request are known by.
pub(super) const ROOT_PATH: &str = "auth/token/root";

/// A root token without an end has no term to limit.
const NO_LIMITS: TtlLimits = TtlLimits {
    default: Duration::ZERO,
    max: Duration::ZERO,
};

/// Writes an entry that says all by its key.
pub(super) fn mark(key: String) -> Change {
    Change::put(key, SecretBytes::new(Vec::new()))
}

/// Makes a service token: `hvs.` and 24 characters.
fn generate() -> TokenId {
    let body = random::generate_text(BODY_LENGTH);
    let mut text = String::with_capacity(TOKEN_LENGTH);
    text.push_str(PREFIX);
    // EXPOSE: copied into the token, which is wiped too; the buffer does not grow.
    text.push_str(body.expose());
    TokenId::new(SecretString::new(text))
}
