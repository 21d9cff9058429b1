//! Codes: what somebody's consent is carried to the client in.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use keyward_api::Sensitive;
use keyward_crypto::{HashAlgorithm, random};
use parking_lot::Mutex;

use super::{Fault, OAuthError, pkce::Challenge};
use crate::Timestamp;

/// What a code stands for.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) provider: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    /// Whom it is about.
    pub(super) entity_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    /// When the entity logged in, in seconds since 1970; only where that was asked for.
    pub(super) auth_time: Option<u64>,
    pub(super) challenge: Option<Challenge>,
}

/// The codes that were not used yet, by their hashes: a dump of memory holds none, and how long a
/// look-up takes tells nothing of one.
#[derive(Default)]
pub(in crate::identity::oidc) struct Codes(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    grants: HashMap<Digest, (Grant, Timestamp)>,
    /// Those of each entity, the oldest first.
    of: HashMap<String, VecDeque<Digest>>,
}

type Digest = Vec<u8>;

/// How long a code is good: half of what RFC 6749 section 4.1.2 allows at most.
const LIFE: Duration = Duration::from_secs(300);

/// Characters of a code.
const LENGTH: usize = 32;

/// The most codes at a time: those who may ask for some must not fill the memory with them.
const MOST: usize = 1 << 16;

/// The most codes of one entity: the oldest gives way, so that nobody keeps others from theirs.
const MOST_OF_ONE: usize = 32;

impl Codes {
    /// Makes a code.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn issue(&self, grant: Grant, now: Timestamp) -> Result<Sensitive, Fault> {
        let code = Sensitive::from(random::generate_text(LENGTH));
        let digest = digest(&code);
        let mut kept = self.0.lock();
        let own = kept.of.get(&grant.entity_id);
        if own.is_some_and(|own| own.len() >= MOST_OF_ONE) {
            kept.forget_oldest(&grant.entity_id);
        }
        if kept.grants.len() >= MOST {
            kept.prune(now);
        }
        if kept.grants.len() >= MOST {
            return Err(Fault::new(
                OAuthError::TemporarilyUnavailable,
                "too many authorization codes are in use",
            ));
        }
        let own = kept.of.entry(grant.entity_id.clone()).or_default();
        own.push_back(digest.clone());
        kept.grants.insert(digest, (grant, now.plus(LIFE)));
        Ok(code)
    }

    /// Uses a code up; none if it is unknown, or its time is over.
    pub(super) fn take(&self, code: &Sensitive, now: Timestamp) -> Option<Grant> {
        let digest = digest(code);
        let mut kept = self.0.lock();
        let (grant, end) = kept.grants.remove(&digest)?;
        kept.drop_gone(&grant.entity_id);
        (now < end).then_some(grant)
    }

    /// Forgets those whose time is over.
    pub(in crate::identity::oidc) fn tick(&self, now: Timestamp) {
        self.0.lock().prune(now);
    }
}

impl Kept {
    fn forget_oldest(&mut self, entity: &str) {
        let own = self.of.get_mut(entity);
        if let Some(oldest) = own.and_then(VecDeque::pop_front) {
            self.grants.remove(&oldest);
        }
    }

    fn prune(&mut self, now: Timestamp) {
        self.grants.retain(|_, (_, end)| now < *end);
        let grants = &self.grants;
        self.of.retain(|_, own| {
            own.retain(|digest| grants.contains_key(digest));
            !own.is_empty()
        });
    }

    /// Drops the codes of an entity that are gone.
    fn drop_gone(&mut self, entity: &str) {
        if let Some(own) = self.of.get_mut(entity) {
            own.retain(|digest| self.grants.contains_key(digest));
            if own.is_empty() {
                self.of.remove(entity);
            }
        }
    }
}

fn digest(code: &Sensitive) -> Digest {
    // EXPOSE: hashed.
    HashAlgorithm::Sha2_256.digest(code.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        of("")
    }

    fn of(entity: &str) -> Grant {
        Grant {
            provider: String::new(),
            client_id: String::new(),
            redirect_uri: String::new(),
            entity_id: entity.to_owned(),
            scopes: Vec::new(),
            nonce: None,
            auth_time: None,
            challenge: None,
        }
    }

    #[test]
    fn a_code_is_good_once_and_for_five_minutes() {
        let (codes, now) = (Codes::default(), Timestamp::default());
        let code = codes.issue(grant(), now).unwrap();
        // EXPOSE: its form is looked at.
        assert_eq!(code.expose().len(), LENGTH);
        assert!(codes.take(&Sensitive::new(String::new()), now).is_none());
        assert!(codes.take(&code, now).is_some());
        assert!(codes.take(&code, now).is_none());
        let late = now.plus(Duration::from_secs(299));
        let code = codes.issue(grant(), now).unwrap();
        codes.tick(late);
        assert!(codes.take(&code, late).is_some());
        let code = codes.issue(grant(), now).unwrap();
        assert!(codes.take(&code, now.plus(LIFE)).is_none());
        codes.issue(grant(), now).unwrap();
        codes.tick(now.plus(LIFE));
        assert!(codes.0.lock().grants.is_empty() && codes.0.lock().of.is_empty());
    }

    #[test]
    fn nobody_keeps_others_from_their_codes() {
        let (codes, now) = (Codes::default(), Timestamp::default());
        let theirs = codes.issue(of("b"), now).unwrap();
        let oldest = codes.issue(of("a"), now).unwrap();
        let mut newest = codes.issue(of("a"), now).unwrap();
        for _ in 0..MOST_OF_ONE - 1 {
            newest = codes.issue(of("a"), now).unwrap();
        }
        assert!(codes.take(&oldest, now).is_none());
        assert!(codes.take(&newest, now).is_some());
        assert!(codes.take(&theirs, now).is_some());
        assert_eq!(codes.0.lock().grants.len(), MOST_OF_ONE - 1);
        assert_eq!(codes.0.lock().of.len(), 1);
    }

    #[test]
    fn there_are_only_so_many_codes_at_a_time() {
        let (codes, now) = (Codes::default(), Timestamp::default());
        for number in 0..MOST {
            codes.issue(of(&number.to_string()), now).unwrap();
        }
        let refused = codes.issue(grant(), now).unwrap_err();
        assert_eq!(refused.error, OAuthError::TemporarilyUnavailable);
        codes.issue(grant(), now.plus(LIFE)).unwrap();
        assert_eq!(codes.0.lock().grants.len(), 1);
    }
}
