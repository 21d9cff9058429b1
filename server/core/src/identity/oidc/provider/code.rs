//! Codes: what somebody's consent is carried to the client in.

use std::{collections::HashMap, time::Duration};

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
pub(in crate::identity::oidc) struct Codes(Mutex<HashMap<Vec<u8>, (Grant, Timestamp)>>);

/// How long a code is good: half of what RFC 6749 section 4.1.2 allows at most.
const LIFE: Duration = Duration::from_secs(300);

/// Characters of a code.
const LENGTH: usize = 32;

/// The most codes at a time: who may ask for some must not fill the memory with them.
const MOST: usize = 1 << 16;

impl Codes {
    /// Makes a code.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn issue(&self, grant: Grant, now: Timestamp) -> Result<Sensitive, Fault> {
        let code = Sensitive::from(random::generate_text(LENGTH));
        let digest = digest(&code);
        let mut codes = self.0.lock();
        if codes.len() >= MOST {
            prune(&mut codes, now);
        }
        if codes.len() >= MOST {
            return Err(Fault::new(
                OAuthError::TemporarilyUnavailable,
                "too many authorization codes are in use",
            ));
        }
        codes.insert(digest, (grant, now.plus(LIFE)));
        Ok(code)
    }

    /// Uses a code up; none if it is unknown, or its time is over.
    pub(super) fn take(&self, code: &Sensitive, now: Timestamp) -> Option<Grant> {
        let digest = digest(code);
        let (grant, end) = self.0.lock().remove(&digest)?;
        (now < end).then_some(grant)
    }

    /// Forgets those whose time is over.
    pub(in crate::identity::oidc) fn tick(&self, now: Timestamp) {
        prune(&mut self.0.lock(), now);
    }
}

fn prune(codes: &mut HashMap<Vec<u8>, (Grant, Timestamp)>, now: Timestamp) {
    codes.retain(|_, (_, end)| now < *end);
}

fn digest(code: &Sensitive) -> Vec<u8> {
    // EXPOSE: hashed.
    HashAlgorithm::Sha2_256.digest(code.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            provider: String::new(),
            client_id: String::new(),
            redirect_uri: String::new(),
            entity_id: String::new(),
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
        assert!(codes.0.lock().is_empty());
    }

    #[test]
    fn there_are_only_so_many_codes_at_a_time() {
        let (codes, now) = (Codes::default(), Timestamp::default());
        for _ in 0..MOST {
            codes.issue(grant(), now).unwrap();
        }
        let refused = codes.issue(grant(), now).unwrap_err();
        assert_eq!(refused.error, OAuthError::TemporarilyUnavailable);
        codes.issue(grant(), now.plus(LIFE)).unwrap();
        assert_eq!(codes.0.lock().len(), 1);
    }
}
