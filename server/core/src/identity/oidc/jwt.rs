//! Identity tokens made and checked (RFC 7519 section 7).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{ROOT_NAMESPACE_ID, Sensitive};
use keyward_crypto::encoding;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{Identity, template},
    Known,
    key::{Half, NamedKey},
    provider::Provider,
    role::{Role, without_reserved},
};
use crate::{Error, Timestamp};

/// How long key sets may be kept at most: what is retired by hand, or made for a new role, is known
/// everywhere after that.
const LONGEST_CACHED: Duration = Duration::from_secs(3600);

/// What of a token is looked at.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// What a token says of whom, when it is good.
pub(in super::super) struct Checked {
    /// The id of the entity.
    pub(in super::super) subject: String,
}

/// Makes a token about an entity.
///
/// # Errors
/// [`Error::Invalid`] if the template of the role makes no JSON; else the key failed.
pub(in super::super) fn issue(
    role: &Role,
    key: &NamedKey,
    identity: &Identity,
    issuer: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let mut claims = match role.template.as_str() {
        "" => Map::new(),
        template => {
            let told = template::claims(template, identity, now).map_err(Error::Invalid)?;
            without_reserved(told).collect()
        }
    };
    let seconds = now.unix_seconds();
    // Last, so that no template speaks for the server.
    for (name, value) in [
        ("iss", Value::from(issuer)),
        ("sub", identity.entity_id().into()),
        ("aud", role.client_id.as_str().into()),
        ("iat", seconds.into()),
        ("exp", seconds.saturating_add(role.ttl).into()),
        ("namespace", ROOT_NAMESPACE_ID.into()),
    ] {
        claims.insert(name.to_owned(), value);
    }
    key.sign(claims)
}

impl NamedKey {
    /// Signs claims with the key whose turn it is; returns the compact form (RFC 7515 section 3.1).
    ///
    /// # Errors
    /// The key failed.
    pub(super) fn sign(&self, claims: Map<String, Value>) -> Result<String, Error> {
        let current = self.current()?;
        let header = json!({ "alg": current.algorithm.name(), "kid": current.kid });
        let (_, jws) = current.algorithm.signing()?;
        let payload = Value::Object(claims).to_string();
        let header = header.to_string();
        let signed = current
            .keyring
            .sign_jws(header.as_bytes(), payload.as_bytes(), 1, jws)?;
        Ok(signed)
    }

    /// Hashes what an identity token is bound to: the left half of the hash that its algorithm
    /// uses, as base64url (OpenID Connect Core 1.0 section 3.1.3.6).
    ///
    /// # Errors
    /// The key was never made.
    pub(super) fn half_hash(&self, bound: &Sensitive) -> Result<String, Error> {
        // EXPOSE: hashed.
        let digest = self
            .current()?
            .algorithm
            .hash()
            .digest(bound.expose().as_bytes());
        Ok(encoding::encode_url(&digest[..digest.len() / 2]))
    }

    fn current(&self) -> Result<&Half, Error> {
        let pair = self.pair.as_ref();
        let pair = pair.ok_or_else(|| Error::internal("a key in use was never made"))?;
        Ok(&pair.current)
    }
}

impl Known {
    /// Checks a token: its signature, its issuer, its time, and its audience if one is asked for.
    ///
    /// # Errors
    /// Why it is not good, in words for the caller.
    pub(in super::super) fn check(
        &self,
        token: &str,
        audience: Option<&str>,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Checked, String> {
        let parts: Vec<_> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err("error parsing token: compact JWS format must have three parts".to_owned());
        };
        let decoded = |part: &str| encoding::decode_url(part);
        let header: Option<Header> =
            decoded(header).and_then(|json| serde_json::from_slice(&json).ok());
        let header =
            header.ok_or_else(|| "error parsing token: the header is not readable".to_owned())?;
        let signed = &token[..token.len() - signature.len() - 1];
        let half = self.half(&header.kid, now);
        // The key says how it signs; what the token says must be the same.
        let is_good = half
            .filter(|half| half.algorithm.name() == header.alg)
            .is_some_and(|half| half.verifies(signed.as_bytes(), signature));
        if !is_good {
            return Err("unable to validate the token signature".to_owned());
        }
        let claims: Option<Claims> =
            decoded(payload).and_then(|json| serde_json::from_slice(&json).ok());
        let claims =
            claims.ok_or_else(|| "error parsing token: the claims are not readable".to_owned())?;
        let fault = |what: &str| Err(format!("error validating claims: {what}"));
        if claims.iss != issuer {
            return fault("validation failed, invalid issuer claim (iss)");
        }
        if claims.exp <= now.unix_seconds() {
            return fault("validation failed, token is expired (exp)");
        }
        if audience.is_some_and(|audience| audience != claims.aud) {
            return fault("validation failed, invalid audience claim (aud)");
        }
        Ok(Checked {
            subject: claims.sub,
        })
    }

    /// Finds the key of an id, if tokens may be verified with it.
    fn half(&self, kid: &str, now: Timestamp) -> Option<&Arc<Half>> {
        let mut keys = self.keys.values().flat_map(|key| key.public(now));
        keys.find(|half| half.kid == kid)
    }

    /// Returns the public keys of all keys that a role refers to, and for how long they may be kept.
    pub(in super::super) fn key_set(
        &self,
        now: Timestamp,
    ) -> (Vec<BTreeMap<String, String>>, Duration) {
        self.published(|name| !self.users(name).is_empty(), now)
    }

    /// Returns the public keys of all keys that sign for the clients of a provider, and for how long
    /// they may be kept.
    pub(in super::super) fn provider_key_set(
        &self,
        provider: &Provider,
        now: Timestamp,
    ) -> (Vec<BTreeMap<String, String>>, Duration) {
        let used = self.registry.keys_of(provider);
        self.published(|name| used.contains(&name), now)
    }

    fn published(
        &self,
        is_used: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> (Vec<BTreeMap<String, String>>, Duration) {
        let used = self.keys.iter().filter(|(name, _)| is_used(name));
        let used: Vec<_> = used.map(|(_, key)| key).collect();
        let keys = used.iter().flat_map(|key| key.public(now));
        let keys = keys.filter_map(|half| half.jwk()).collect();
        let rotations = used.iter().map(|key| key.rotates.since(now));
        let kept = rotations.min().unwrap_or(LONGEST_CACHED);
        (keys, kept.min(LONGEST_CACHED))
    }
}

impl Half {
    /// Tells whether a signature of the compact form is one of this key.
    fn verifies(&self, signed: &[u8], signature: &str) -> bool {
        let signing = self.algorithm.signing();
        signing.is_ok_and(|(_, jws)| self.keyring.verify_jws(signed, signature, jws))
    }
}
