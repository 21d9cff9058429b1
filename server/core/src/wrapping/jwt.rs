//! A wrapping token as a JSON Web Token (RFC 7519), signed with ES512 (RFC 7518 section 3.4): who is
//! handed it can tell where it is opened, and until when.
//!
//! ```text
//! { "accessor": that of the token inside, if the answer gives one; else empty
//!   "addr":     where the server is reached; empty if nobody said
//!   "iat", "exp": when it was made and when it ends; "nbf": five seconds before
//!   "jti":      the wrapping token
//!   "type":     "wrapping" }
//! ```
//!
//! The key is made when the first answer is wrapped so, lies behind the barrier, and stays: every
//! server of the store signs with it and knows what the others signed.
//!
//! **Invariant:** whether it can be opened is what the record of the wrapping token says; the claims
//! decide nothing, and are not read before the signature is found to be one of this store.

use keyward_api::{Sensitive, WrapInfo};
use keyward_crypto::{
    Derivation, KeyType, Keyring, SecretBytes, encoding, key_type, key_type::JwsAlgorithm,
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{Error, Timestamp, TokenId, barrier::Change, json, storage::Expect, view::View};

const ALGORITHM: &str = "ES512";
const HEADER: &str = r#"{"alg":"ES512","typ":"JWT"}"#;
const TYPE: &str = "wrapping";
/// Where the key lies.
const KEY: &str = "jwt-key";
/// By how many seconds the clock of who looks at `nbf` may be behind.
const LEEWAY: u64 = 5;

/// Signs wrapping tokens, and knows its signature.
pub(crate) struct Jwts {
    view: View,
    key: OnceCell<Keyring>,
}

/// The key that signs.
pub(crate) struct Signer<'a> {
    key: &'a Keyring,
    algorithm: JwsAlgorithm,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize, Serialize)]
struct Claims {
    accessor: String,
    addr: String,
    exp: u64,
    iat: u64,
    jti: Sensitive,
    nbf: u64,
    #[serde(rename = "type")]
    kind: String,
}

impl Jwts {
    /// Keeps its key below `view`.
    pub(crate) fn new(view: View) -> Self {
        Self {
            view,
            key: OnceCell::new(),
        }
    }

    /// Returns the key that signs, and makes it at the first need. The request must be on record.
    ///
    /// # Errors
    /// The store failed.
    pub(crate) async fn signer(&self, now: Timestamp) -> Result<Signer<'_>, Error> {
        let (_, algorithm) = es512()?;
        let key = self.key.get_or_try_init(|| self.load_or_make(now)).await?;
        Ok(Signer { key, algorithm })
    }

    /// Reads the wrapping token out of a JWT; none if the text is no JWT.
    ///
    /// # Errors
    /// [`Error::Refused`] if this store has not signed it; else the store failed.
    pub(crate) async fn open(&self, id: &TokenId) -> Result<Option<TokenId>, Error> {
        // EXPOSE: taken apart.
        let text = id.expose();
        let parts: Vec<_> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Ok(None);
        };
        let header = encoding::decode_url(header);
        let header = header.and_then(|json| serde_json::from_slice::<Header>(&json).ok());
        let Some(Header { alg }) = header else {
            return Ok(None);
        };
        // The key says how it signs: `none`, or a MAC with the public key, is no choice of who asks.
        if alg != ALGORITHM {
            return Err(refused("could not be parsed: its algorithm is not ES512"));
        }
        let (_, algorithm) = es512()?;
        let signed = &text[..text.len() - signature.len() - 1];
        let is_ours = match self.known().await? {
            Some(key) => key.verify_jws(signed.as_bytes(), signature, algorithm),
            None => false,
        };
        if !is_ours {
            return Err(refused("signature could not be validated"));
        }
        let claims = encoding::decode_url(payload).map(SecretBytes::new);
        let claims = claims.ok_or_else(|| Error::internal("a claim that was signed is no text"))?;
        let claims: Claims = json::from_secret(&claims)?;
        if claims.kind != TYPE {
            return Err(refused("could not be parsed: its type is not wrapping"));
        }
        // EXPOSE: becomes the token that it is.
        let token = claims.jti.expose().to_owned();
        Ok(Some(TokenId::new(token.into())))
    }

    /// Returns the key, if it was ever made.
    async fn known(&self) -> Result<Option<&Keyring>, Error> {
        if let Some(key) = self.key.get() {
            return Ok(Some(key));
        }
        match self.stored().await? {
            Some(key) => Ok(Some(self.key.get_or_init(|| async { key }).await)),
            None => Ok(None),
        }
    }

    async fn stored(&self) -> Result<Option<Keyring>, Error> {
        let entry = self.view.get(KEY).await?;
        // EXPOSE: read into a keyring, which keeps its material wrapped.
        let key = entry.map(|entry| Keyring::decode(entry.value.expose()));
        Ok(key.transpose()?)
    }

    async fn load_or_make(&self, now: Timestamp) -> Result<Keyring, Error> {
        match self.stored().await? {
            Some(key) => Ok(key),
            None => self.make(now).await,
        }
    }

    /// Makes the key, or takes that of another server that made one meanwhile.
    pub(super) async fn make(&self, now: Timestamp) -> Result<Keyring, Error> {
        let (key_type, _) = es512()?;
        let key = Keyring::generate(key_type, Derivation::None, now.into())?;
        let change = Change::put(KEY, key.encode()).expecting(Expect::Absent);
        match self.view.commit(vec![change]).await {
            Ok(_) => Ok(key),
            // Another server was first.
            Err(Error::Conflict(_)) => {
                let key = self.stored().await?;
                key.ok_or_else(|| Error::internal("the key of wrapping tokens is gone"))
            }
            Err(error) => Err(error),
        }
    }
}

impl Signer<'_> {
    /// Gives a wrapping token the form of a JWT, which is opened at `addr`.
    ///
    /// # Errors
    /// The key failed.
    pub(crate) fn sign(
        &self,
        info: &mut WrapInfo,
        addr: &str,
        made: Timestamp,
    ) -> Result<(), Error> {
        let iat = made.unix_seconds();
        let claims = json::to_secret(&Claims {
            accessor: info.wrapped_accessor.clone(),
            addr: addr.to_owned(),
            exp: iat.saturating_add(info.ttl),
            iat,
            jti: info.token.duplicate(),
            nbf: iat.saturating_sub(LEEWAY),
            kind: TYPE.to_owned(),
        })?;
        // EXPOSE: signed, and given to the caller as a whole.
        let payload = claims.expose();
        let signed = self
            .key
            .sign_jws(HEADER.as_bytes(), payload, 1, self.algorithm)?;
        info.token = Sensitive::new(signed);
        Ok(())
    }
}

/// Returns the type of the key, and how it signs.
fn es512() -> Result<(&'static dyn KeyType, JwsAlgorithm), Error> {
    let unknown = || Error::internal("no key type signs ES512");
    let key_type = key_type("ecdsa-p521").ok_or_else(unknown)?;
    let mut made = key_type.public().map_or(&[][..], |it| it.jws()).iter();
    let jws = made.find(|made| made.name == ALGORITHM);
    Ok((key_type, *jws.ok_or_else(unknown)?))
}

fn refused(why: &str) -> Error {
    Error::Refused(format!(
        "error validating wrapping token: wrapping token {why}"
    ))
}
