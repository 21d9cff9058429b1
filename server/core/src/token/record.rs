//! What is known of a token.

use std::{collections::BTreeMap, ops};

use keyward_api::proof::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::{BoundCidr, Caveats, Digest, TokenKind, store::ROOT_PATH};
use crate::{Remote, Timestamp, lease::TokenLeaseId};

/// A token that was found good: an immutable copy of its record.
#[derive(Clone, Debug)]
pub struct Token {
    pub(super) digest: Digest,
    pub(super) record: Record,
}

/// The stored form of a token. Durations are whole seconds; 0 is none.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Record {
    pub(super) accessor: String,
    pub(super) policies: Vec<String>,
    pub(super) meta: Option<BTreeMap<String, String>>,
    pub(super) display_name: String,
    /// The path of the request that made it.
    pub(super) path: String,
    /// The role that it was made under; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) role: String,
    pub(super) kind: TokenKind,
    /// None for an orphan.
    pub(super) parent: Option<Digest>,
    pub(super) created: Timestamp,
    /// What it got at creation.
    pub(super) creation_ttl: u64,
    /// What it got last: at creation, or at a renewal.
    pub(super) ttl: u64,
    /// From this moment on it is dead; none for a root token without an end.
    pub(super) expires: Option<Timestamp>,
    pub(super) renewed: Option<Timestamp>,
    pub(super) explicit_max_ttl: u64,
    pub(super) period: u64,
    pub(super) renewable: bool,
    /// How many uses are left; 0 is without limit, since the last use removes the record.
    pub(super) num_uses: u64,
    pub(super) entity_id: String,
    /// The addresses that it may be used from; none is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) bound_cidrs: Vec<BoundCidr>,
    /// The key that requests with it must be signed by; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_key: Option<VerifyingKey>,
    /// What it is good for beside its policies.
    #[serde(default, skip_serializing_if = "Caveats::is_empty")]
    pub(super) caveats: Caveats,
    /// No lease of a secret was written for it yet, so that none need be looked for when it ends.
    /// Cleared before the first one is written; a record that does not say so may have some.
    #[serde(default, skip_serializing_if = "ops::Not::not")]
    pub(super) leaseless: bool,
}

impl Token {
    /// Returns the name under which it is stored.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the handle by which it can be looked up and revoked, but not used.
    #[must_use]
    pub fn accessor(&self) -> &str {
        &self.record.accessor
    }

    /// Returns its policies, sorted.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.record.policies
    }

    /// Returns the name that audit entries show.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.record.display_name
    }

    /// Returns what its creator attached.
    #[must_use]
    pub const fn meta(&self) -> Option<&BTreeMap<String, String>> {
        self.record.meta.as_ref()
    }

    /// Returns how it is kept.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.record.kind
    }

    /// Returns how many uses were left when it was found; 0 is without limit.
    #[must_use]
    pub const fn num_uses(&self) -> u64 {
        self.record.num_uses
    }

    /// Returns when it was made.
    #[must_use]
    pub const fn created(&self) -> Timestamp {
        self.record.created
    }

    /// Returns the seconds that it got at creation; 0 is without end.
    #[must_use]
    pub const fn creation_ttl(&self) -> u64 {
        self.record.creation_ttl
    }

    /// Returns the seconds that it got last, at creation or renewal; 0 is without end.
    #[must_use]
    pub const fn ttl(&self) -> u64 {
        self.record.ttl
    }

    /// Returns the seconds from its creation that no renewal goes beyond; 0 is none.
    #[must_use]
    pub const fn explicit_max_ttl(&self) -> u64 {
        self.record.explicit_max_ttl
    }

    /// Returns the seconds that each renewal gives a periodic token; 0 if it is none.
    #[must_use]
    pub const fn period(&self) -> u64 {
        self.record.period
    }

    /// Tells whether it can be renewed.
    #[must_use]
    pub const fn renewable(&self) -> bool {
        self.record.renewable
    }

    /// Tells whether it outlives the token that made it.
    #[must_use]
    pub const fn orphan(&self) -> bool {
        self.record.parent.is_none()
    }

    /// Returns the token that made it; none of an orphan.
    pub(crate) const fn parent(&self) -> Option<Digest> {
        self.record.parent
    }

    /// Returns the path of the request that made it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.record.path
    }

    /// Returns the name of its lease; none if no request made it.
    pub(crate) fn lease(&self) -> Option<TokenLeaseId> {
        self.record.lease(self.digest)
    }

    /// Returns the role that it was made under; empty without one.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.record.role
    }

    /// Returns the addresses that it may be used from; none is all.
    #[must_use]
    pub fn bound_cidrs(&self) -> &[BoundCidr] {
        &self.record.bound_cidrs
    }

    /// Returns the key that requests with it must be signed by; none if it is not bound to one.
    #[must_use]
    pub const fn client_key(&self) -> Option<&VerifyingKey> {
        self.record.client_key.as_ref()
    }

    /// Returns what it is good for beside its policies.
    #[must_use]
    pub(crate) const fn caveats(&self) -> &Caveats {
        &self.record.caveats
    }

    /// Tells whether it may be used from there.
    #[must_use]
    pub fn admits(&self, remote: &Remote) -> bool {
        BoundCidr::admit(&self.record.bound_cidrs, remote)
    }

    /// Returns the identity entity; empty where there is none.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.record.entity_id
    }

    /// Returns the moment from which it is dead; none for a root token without an end.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.record.expires
    }

    /// Returns when it was renewed last.
    #[must_use]
    pub const fn renewed(&self) -> Option<Timestamp> {
        self.record.renewed
    }

    /// Returns the whole seconds that it has left at `now`; 0 is without end.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> u64 {
        self.record
            .expires
            .map_or(0, |expires| expires.since(now).as_secs())
    }

    /// Tells whether its time is not over at `now`.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.record.expires.is_none_or(|expires| now < expires)
    }

    /// Tells whether it has the root policy, which allows everything.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.record.policies.iter().any(|policy| policy == "root")
    }
}

impl Record {
    /// Returns the name of the token's lease; none if no request made the token.
    pub(super) fn lease(&self, digest: Digest) -> Option<TokenLeaseId> {
        (self.path != ROOT_PATH).then(|| TokenLeaseId::new(&self.path, digest))
    }
}
