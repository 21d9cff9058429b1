//! What is kept of the lease of a secret, and its name.

use std::{fmt, str::FromStr, time::Duration};

use keyward_api::lease::LeaseRevocation;
use keyward_crypto::random;
use serde::{Deserialize, Serialize};

use super::NoLease;
use crate::{
    CanonicalPath, Timestamp, TtlLimits,
    engine::{Lease, LeaseData},
    token::Digest,
};

/// The name of the lease of a secret: the path of the request that made it, a slash, and 24
/// characters that no other lease has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SecretLeaseId(String);

/// Characters of the last part of a name.
const RANDOM_LENGTH: usize = 24;

impl SecretLeaseId {
    /// Makes a name for a lease of a secret that a request to `path` made.
    pub(super) fn generate(path: &str) -> Self {
        let random = random::generate_text(RANDOM_LENGTH);
        // EXPOSE: the name of a lease is no secret; it opens nothing.
        Self(format!(
            "{}/{}",
            path.trim_end_matches('/'),
            random.expose()
        ))
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path of the request.
    pub(crate) fn path(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(path, _)| path)
    }

    /// Returns the part that no other lease has.
    pub(super) fn random(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, random)| random)
    }
}

impl fmt::Display for SecretLeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for SecretLeaseId {
    type Err = NoLease;

    fn from_str(text: &str) -> Result<Self, NoLease> {
        let (path, random) = text.rsplit_once('/').ok_or(NoLease)?;
        let is_random = random.len() == RANDOM_LENGTH
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if path.is_empty() || !is_random || CanonicalPath::parse(text).is_err() {
            return Err(NoLease);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The stored form of a lease. Durations are whole seconds.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// The uuid of the mount whose engine made the secret.
    pub(super) mount: String,
    /// The token that it ends with; none for that of a batch token without a parent.
    pub(super) token: Option<Digest>,
    /// The end of the batch token that asked for it, which no renewal goes beyond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_expires: Option<Timestamp>,
    pub(super) internal: LeaseData,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) renewed: Option<Timestamp>,
    pub(super) renewable: bool,
    /// Set once it shall end, whatever its term: there is no way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revocation: Option<Revocation>,
}

/// How far the end of a lease is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Revocation {
    /// How often its engine failed to take the secret back.
    pub(super) failures: u32,
    /// When that is tried again.
    pub(super) next: Timestamp,
    /// Its token has ended: a secret that is still being made gets no term.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) orphaned: bool,
    /// It ends even if its engine does not take the secret back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) forced: bool,
}

/// Why a lease shall end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Somebody asked for it.
    Asked,
    /// Somebody asked for it, whatever its engine does.
    Forced,
    /// Its token has ended.
    Orphaned,
}

impl Revocation {
    /// Adds a reason. One that is forced is tried at once however often it failed, but not while its
    /// secret is being made.
    pub(super) fn add(&mut self, reason: Reason) {
        match reason {
            Reason::Asked => {}
            Reason::Forced => {
                self.forced = true;
                if self.failures > 0 {
                    self.next = Timestamp::default();
                }
            }
            Reason::Orphaned => self.orphaned = true,
        }
    }
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Record {
    /// Returns when its engine shall take the secret back.
    pub(super) fn due(&self) -> Timestamp {
        self.revocation.map_or(self.expires, |it| it.next)
    }

    /// Tells whether its time is over at `now`, or it was revoked.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.revocation.is_some() || self.expires <= now
    }

    /// Tells whether a request may be making the secret: only who makes it may say that it shall end.
    pub(super) fn is_being_made(&self, now: Timestamp) -> bool {
        let untried = self.revocation.filter(|it| it.failures == 0);
        untried.is_some_and(|it| now < it.next)
    }

    /// Returns the lease as its engine sees it.
    pub(super) fn lease<'a>(
        &'a self,
        id: &'a SecretLeaseId,
        increment: Duration,
        limits: TtlLimits,
        now: Timestamp,
    ) -> Lease<'a> {
        Lease {
            id: id.as_str(),
            internal: &self.internal,
            issued: self.issued,
            increment,
            limits,
            now,
        }
    }

    /// Returns when it ends.
    pub(crate) const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Returns when the secret was made.
    pub(crate) const fn issued(&self) -> Timestamp {
        self.issued
    }

    /// Returns when it was renewed last.
    pub(crate) const fn renewed(&self) -> Option<Timestamp> {
        self.renewed
    }

    /// Tells whether it can be renewed.
    pub(crate) fn renewable(&self) -> bool {
        self.renewable && self.revocation.is_none()
    }

    /// Returns the whole seconds that it has left at `now`.
    pub(crate) fn remaining(&self, now: Timestamp) -> u64 {
        match self.revocation {
            Some(_) => 0,
            None => self.expires.since(now).as_secs(),
        }
    }

    /// Tells how its revocation fares; none before that has failed.
    pub(crate) fn revocation(&self) -> Option<LeaseRevocation> {
        let revocation = self.revocation.filter(|it| it.failures != 0)?;
        Some(LeaseRevocation {
            failures: revocation.failures,
            next_attempt: revocation.next.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_reads_back(path in "[a-z]{1,5}(/[a-z]{1,5}){0,3}/?") {
            let id = SecretLeaseId::generate(&path);
            prop_assert_eq!(id.path(), path.trim_end_matches('/'));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn no_other_text_is_a_name(text in "\\PC{0,40}|[a-z./]{0,3}/[0-9a-zA-Z]{23,25}") {
            if let Ok(id) = text.parse::<SecretLeaseId>() {
                prop_assert!(CanonicalPath::parse(&text).is_ok());
                prop_assert_eq!(id.random().len(), 24);
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
