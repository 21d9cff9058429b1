//! Requests that wait until others approve them (control groups).
//!
//! A rule of a policy says who has to approve (see [`policy`](crate::policy)). Such a request is not
//! done: it is laid, whole, into the cubbyhole of a new wrapping token, and the answer is that token.
//! Who has its accessor can look at the request and, being in the right groups, approve it. When all
//! that the rule demands is there, unwrapping the token does the request, in the name of who asked.
//!
//! - It is done once: who removes the token does it, and it fails for good if it fails then.
//! - It passes the gate again: who asked must still have the token and be allowed to, and the
//!   policies may demand nothing that was not approved.
//! - It leaves audit lines of its own beside those of the unwrapping, under its own id.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{Operation, Sensitive, WrapInfo};
use keyward_crypto::{SecretBytes, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    CanonicalPath, Error, IdempotencyKey, Identity, Principal, Remote, Request, Timestamp, Token,
    TokenId, WrapFormat,
    barrier::Change,
    identity::Identities,
    lifecycle::Unsealed,
    policy::{Demand, Factor},
    storage::{Expect, Revision},
    token::TokenStore,
    wrapping::{self, WrapGrant},
};

/// The entry of a cubbyhole that holds a request.
const REQUEST: &str = "control-group";

/// A request that waits.
#[derive(Deserialize, Serialize)]
pub(crate) struct Waiting {
    operation: Operation,
    path: String,
    /// The JSON text of the body; empty for none.
    body: Sensitive,
    /// The token of who asked.
    token: Sensitive,
    /// The entity of who asked; empty for none.
    requester: String,
    idempotency_key: Option<IdempotencyKey>,
    wrap_ttl: Option<Duration>,
    #[serde(default)]
    wrap_format: WrapFormat,
    address: String,
    port: u16,
    origin: Option<String>,
    headers: BTreeMap<String, Vec<String>>,
    demand: Demand,
    /// In the order in which they came; each entity once.
    approvals: Vec<Approval>,
}

/// What one person said.
#[derive(Deserialize, Serialize)]
struct Approval {
    entity: String,
    time: Timestamp,
    /// The factors that it counts for.
    factors: Vec<Factor>,
}

/// Lays a request aside until it is approved; durable when it returns. It must be on record.
///
/// # Errors
/// The store failed: nobody can approve it.
pub(crate) async fn lay_aside(
    tokens: &TokenStore,
    request: &Request,
    principal: &Principal,
    demand: Demand,
    now: Timestamp,
) -> Result<WrapInfo, Error> {
    if principal.is_passing {
        return Err(Error::invalid(
            "requests with inline authentication cannot wait for an approval",
        ));
    }
    // EXPOSE: becomes a text in an entry that the barrier seals.
    let body = str::from_utf8(request.body.expose()).map_err(Error::internal)?;
    // EXPOSE: as the body.
    let token = request.token.as_ref().map_or("", TokenId::expose);
    let how = WrapGrant {
        ttl: demand.ttl,
        format: WrapFormat::Token,
        path: request.path.as_str().to_owned(),
    };
    let identity = principal.identity.as_deref();
    let waiting = Waiting {
        operation: request.operation,
        path: how.path.clone(),
        body: Sensitive::new(body.to_owned()),
        token: Sensitive::new(token.to_owned()),
        requester: identity.map_or_else(String::new, |it| it.entity_id().to_owned()),
        idempotency_key: request.idempotency_key.clone(),
        wrap_ttl: request.wrap_ttl,
        wrap_format: request.wrap_format,
        address: request.remote.address.clone(),
        port: request.remote.port,
        origin: request.origin.clone(),
        headers: request.headers.clone(),
        demand,
        approvals: Vec::new(),
    };
    let changes = vec![Change::put_as(REQUEST, &waiting)?];
    wrapping::hold(tokens, changes, how, now).await
}

/// Finds the request that waits behind a wrapping token; none if it wraps an answer.
///
/// # Errors
/// The store failed.
pub(crate) async fn find(
    tokens: &TokenStore,
    token: &Token,
) -> Result<Option<(Waiting, Revision)>, Error> {
    tokens.cubbyhole(token.digest()).get_as(REQUEST).await
}

/// Says that something is still to be approved, in Vault's words.
pub(crate) fn needs_approval() -> Error {
    Error::invalid("request needs further approval")
}

impl Waiting {
    /// Adds what one person says, for all factors that it counts for; nothing changes if there are
    /// none. Durable when it returns; the approval must be on record.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another person approved at the same moment: nothing was changed;
    /// [`Error::Invalid`] for who asked, and for who has approved before.
    pub(crate) async fn approve(
        &mut self,
        core: &Unsealed,
        token: &Token,
        revision: Revision,
        approver: &Identity,
        now: Timestamp,
    ) -> Result<(), Error> {
        // What was merged meanwhile is one person.
        let is_approver = |id: &str| {
            let identity = core.identities.store.of(id);
            identity.is_some_and(|it| it.entity_id() == approver.entity_id())
        };
        let asked = is_approver(&self.requester);
        let may = |factor: &&Factor| {
            let mut names = approver.group_names();
            names.any(|name| factor.groups.iter().any(|group| group == name))
        };
        let theirs = self.demand.factors.iter().filter(may);
        let by_others = theirs.filter(|it| !asked || it.is_for_requester);
        let counts: Vec<_> = by_others.cloned().collect();
        if asked && counts.is_empty() {
            return Err(Error::fault("token owner cannot be approver"));
        }
        if self.approvals.iter().any(|it| is_approver(&it.entity)) {
            return Err(Error::fault("approver has already authorized"));
        }
        if counts.is_empty() {
            return Ok(());
        }
        self.approvals.push(Approval {
            entity: approver.entity_id().to_owned(),
            time: now,
            factors: counts,
        });
        let change = Change::put_as(REQUEST, self)?.expecting(Expect::At(revision));
        let cubbyhole = core.tokens.cubbyhole(token.digest());
        cubbyhole.commit(vec![change]).await?;
        Ok(())
    }

    /// Tells whether everything that is demanded is there now.
    pub(crate) fn is_approved(&self, now: Timestamp) -> bool {
        let counts = |factor: &Factor, approval: &Approval| {
            approval.factors.contains(factor)
                && factor.ttl.is_none_or(|ttl| now < approval.time.plus(ttl))
        };
        self.demand.factors.iter().all(|factor| {
            let approvals = self.approvals.iter();
            let approvals = approvals.filter(|approval| counts(factor, approval));
            approvals.count() >= factor.approvals
        })
    }

    /// Makes the request again, with what was approved of it.
    ///
    /// # Errors
    /// The record is none, which is a fault of the server.
    pub(crate) fn into_request(self) -> Result<(Request, Demand), Error> {
        let path = CanonicalPath::parse(&self.path).map_err(Error::internal)?;
        // EXPOSE: copied into a buffer that is wiped too.
        let body = SecretBytes::new(self.body.expose().as_bytes().to_vec());
        // EXPOSE: as the body.
        let token = SecretString::new(self.token.expose().to_owned());
        let mut request = Request::new(self.operation, path, body).with_token(TokenId::new(token));
        request.idempotency_key = self.idempotency_key;
        request.wrap_ttl = self.wrap_ttl;
        request.wrap_format = self.wrap_format;
        request.remote = Remote {
            address: self.address,
            port: self.port,
        };
        request.origin = self.origin;
        request.headers = self.headers;
        Ok((request, self.demand))
    }

    /// Who asked, as an entity; none for a token without one.
    pub(crate) fn requester(&self, identities: &Identities) -> Option<Arc<Identity>> {
        identities.store.of(&self.requester)
    }

    /// Who has approved: ids, with the entities as they are now.
    pub(crate) fn approvers<'a>(
        &'a self,
        identities: &'a Identities,
    ) -> impl Iterator<Item = (&'a str, Option<Arc<Identity>>)> {
        let approvals = self.approvals.iter();
        approvals.map(|it| (it.entity.as_str(), identities.store.of(&it.entity)))
    }

    /// What is asked for.
    pub(crate) const fn operation(&self) -> Operation {
        self.operation
    }

    /// Where.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// With which body.
    pub(crate) const fn body(&self) -> &Sensitive {
        &self.body
    }
}
