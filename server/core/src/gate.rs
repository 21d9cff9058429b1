//! The one gate: who are you, may you, and it is written down.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use keyward_api::{Access, Operation};
use keyward_crypto::encoding;
use sha2::{Digest as _, Sha256};

use crate::{
    Denial, Error, Identity, Request, Timestamp,
    audit::{Facts, Ticket},
    control,
    engine::{Asker, Fields, Matched},
    lifecycle::Unsealed,
    mounts::Mount,
    policy::{Acl, Capability, Demand, Listing, Question, Spellings, Verdict},
    token::Token,
    view::View,
};

/// Who asks: a token that was found good, and what its policies and those of its entity allow.
pub struct Principal {
    /// The token.
    pub token: Arc<Token>,
    /// Its policies and those of its entity, compiled.
    pub acl: Arc<Acl>,
    /// Its entity, as it was when the request came; none if it has none.
    pub identity: Option<Arc<Identity>>,
    /// Whether the token serves this one request, whose login came along with it: nothing may stay
    /// that hangs on the token.
    pub is_passing: bool,
    client_id: OnceLock<String>,
}

/// By what right a request comes.
#[derive(Clone, Copy)]
pub(crate) enum Standing<'a> {
    /// By the token that it carries, if any.
    Plain,
    /// It waited, and this is approved of it. What its sender proved, and what its token was used up
    /// by, was when it came.
    Approved(&'a Demand),
    /// It is a login for one request; the token that it grants is put here, and nowhere else.
    LogsIn(&'a OnceLock<Arc<Token>>),
    /// By the token of a login that came along.
    LoggedIn(&'a Arc<Token>),
}

impl<'a> Standing<'a> {
    const fn approved(self) -> Option<&'a Demand> {
        match self {
            Self::Approved(demand) => Some(demand),
            _ => None,
        }
    }
}

impl Principal {
    pub(crate) fn new(token: Arc<Token>, acl: Arc<Acl>, identity: Option<Arc<Identity>>) -> Self {
        Self {
            token,
            acl,
            identity,
            is_passing: false,
            client_id: OnceLock::new(),
        }
    }

    /// Returns what tells clients apart in the audit log, as in Vault: the id of the entity, or for a
    /// token without one a hash of its policies, since tokens that may do the same count as one.
    pub(crate) fn client_id(&self) -> &str {
        if let Some(identity) = &self.identity {
            return identity.entity_id();
        }
        // Every line of every device asks.
        self.client_id.get_or_init(|| {
            let mut policies: Vec<_> = self.token.policies().iter().map(String::as_str).collect();
            policies.sort_unstable();
            // Behind the zero stands the namespace.
            let text = policies.join("\x7f") + "\0root";
            encoding::encode(&Sha256::digest(text))
        })
    }
}

/// A request that was let in. Only [`admit`] makes one.
pub(crate) struct Admitted {
    pub(crate) operation: Operation,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) view: View,
    pub(crate) mount: Arc<Mount>,
    /// What the policies say of the answer, if it is a list.
    pub(crate) listing: Option<Arc<Listing>>,
    /// What others have to approve before it is done.
    pub(crate) demand: Option<Arc<Demand>>,
}

/// A request that was turned away, with the ticket under which that is written down.
pub(crate) struct Refused {
    pub(crate) error: Error,
    pub(crate) ticket: Arc<Ticket>,
}

/// Decides on one request. Every way out holds a ticket: nothing passes unrecorded.
///
/// A path without a route is put to the policies as well, so that a caller learns only of paths
/// that it may use whether there is something behind them.
pub(crate) async fn admit<'r>(
    core: &Arc<Unsealed>,
    request: &Arc<Request>,
    mount: Option<&Arc<Mount>>,
    route: Result<Matched<'r>, Error>,
    standing: Standing<'_>,
    now: Timestamp,
) -> Result<(Matched<'r>, Admitted), Refused> {
    let approved = standing.approved();
    let mut seen = Seen {
        standing,
        operation: request.operation,
        needs_token: true,
        principal: None,
        verdict: None,
    };
    let decided = decide(core, request, mount, route, now, &mut seen).await;
    let listing = seen.verdict.as_ref().and_then(|it| it.listing.clone());
    let demand = seen.verdict.as_ref().and_then(|it| it.demand.clone());
    let ticket = core.audit.ticket(Facts {
        request: Arc::clone(request),
        operation: seen.operation,
        principal: seen.principal.clone(),
        verdict: seen.verdict,
        mount: mount.map(|mount| Arc::clone(&mount.entry)),
        time: now,
    });
    // A use counts even where the request is then refused, as in Vault; not on public paths, and
    // not for who has not proven to hold the key of the token, or comes from a page that it is not
    // for: a thief must not use it up.
    let is_strange =
        |error: &Error| matches!(error, Error::Unproven(_) | Error::Denied(Denial::Origin));
    let counts = seen.needs_token && approved.is_none() && !decided.as_ref().is_err_and(is_strange);
    let used = match seen.principal.as_deref().map(|principal| &principal.token) {
        Some(token) if counts && token.num_uses() != 0 => {
            use_token(core, token, &ticket, now).await
        }
        _ => Ok(()),
    };
    let (matched, mount) = match used.and(decided) {
        Ok(decided) => decided,
        Err(error) => return Err(Refused { error, ticket }),
    };
    let view = mount.view.for_request(Arc::clone(&ticket));
    let Seen {
        operation,
        principal,
        ..
    } = seen;
    Ok((
        matched,
        Admitted {
            operation,
            principal,
            ticket,
            view,
            mount,
            listing,
            demand: demand.filter(|_| approved.is_none()),
        },
    ))
}

/// Counts one use of a token that has only so many; on record first.
async fn use_token(
    core: &Unsealed,
    token: &Arc<Token>,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<(), Error> {
    ticket.written().await?;
    match core.tokens.consume(token, now).await? {
        true => Ok(()),
        false => Err(Error::Denied(Denial::Token)),
    }
}

/// What was learnt of a request, for the record, however the decision falls.
struct Seen<'a> {
    standing: Standing<'a>,
    operation: Operation,
    needs_token: bool,
    principal: Option<Arc<Principal>>,
    verdict: Option<Verdict>,
}

async fn decide<'r>(
    core: &Arc<Unsealed>,
    request: &Request,
    mount: Option<&Arc<Mount>>,
    route: Result<Matched<'r>, Error>,
    now: Timestamp,
    seen: &mut Seen<'_>,
) -> Result<(Matched<'r>, Arc<Mount>), Error> {
    let principal = match (seen.standing, &request.token) {
        (Standing::LoggedIn(token), _) => core.holder(Arc::clone(token), now).map(|it| {
            Arc::new(Principal {
                is_passing: true,
                ..it
            })
        }),
        (_, Some(token)) => core.principal(token, now).await?,
        (_, None) => None,
    };
    // From where it is not bound to, a token is none: it opens nothing, and no use of it is
    // counted, so that a stranger cannot use it up.
    seen.principal = principal.filter(|it| it.token.admits(&request.remote));
    let approved = seen.standing.approved();
    // On public paths as well, some of which tell more to whom they know.
    if let Some(principal) = &seen.principal {
        principal.token.caveats().admit(request.origin.as_deref())?;
        if let (Some(key), None) = (principal.token.client_key(), approved) {
            core.proofs.check(request, key, now)?;
        }
    }
    let access = route.as_ref().map_or(Access::Token, Matched::access);
    seen.needs_token = access != Access::Public;
    if seen.needs_token {
        let Some(principal) = seen.principal.clone() else {
            return Err(Error::Denied(Denial::Token));
        };
        if let (Ok(matched), Some(mount)) = (&route, mount) {
            let asker = || Asker {
                view: mount.view.clone(),
                principal: Arc::clone(&principal),
                core: Arc::clone(core),
            };
            seen.operation = matched.operation(asker).await?;
        }
        // Of the mount that answers, wherever it was moved meanwhile.
        let spellings = match (&route, mount) {
            (Ok(_), Some(mount)) => {
                let has_capitals = principal.acl.has_capitals();
                mount.spellings(request.path.as_str(), has_capitals)
            }
            _ => Spellings::default(),
        };
        let verdict = ask(&principal.acl, request, &spellings, seen.operation)?;
        let allowed = verdict.allowed && (access != Access::Sudo || verdict.sudo);
        let demand = verdict.demand.clone();
        seen.verdict = Some(verdict);
        if !allowed || manages_keys(&principal, &route, mount) {
            return Err(Error::Denied(Denial::Policy));
        }
        if let (Some(demand), Some(approved)) = (demand, approved)
            && !approved.includes(&demand)
        {
            return Err(control::needs_approval());
        }
    }
    let matched = route?;
    let mount = mount.ok_or(Error::UnsupportedPath)?;
    if !seen.needs_token {
        seen.verdict = Some(Verdict::public());
    }
    Ok((matched, Arc::clone(mount)))
}

/// Tells whether a request asks for something beside the use of keys, where they are, of a token that
/// is confined to the use of some.
fn manages_keys(
    principal: &Principal,
    route: &Result<Matched<'_>, Error>,
    mount: Option<&Arc<Mount>>,
) -> bool {
    let holds_keys = mount.is_some_and(|mount| mount.mounted.routes.use_keys());
    holds_keys
        && route.as_ref().is_ok_and(|matched| !matched.uses_keys())
        && principal.token.caveats().are_about_keys()
}

impl From<Operation> for Capability {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Create => Self::Create,
            Operation::Delete => Self::Delete,
            Operation::List => Self::List,
            Operation::Patch => Self::Patch,
            Operation::Read => Self::Read,
            Operation::Scan => Self::Scan,
            Operation::Update => Self::Update,
        }
    }
}

/// Asks the compiled policies. Parameters are read only where a rule looks at them.
fn ask(
    acl: &Acl,
    request: &Request,
    spellings: &Spellings,
    operation: Operation,
) -> Result<Verdict, Error> {
    let capability = Capability::from(operation);
    let path = request.path.as_str();
    let parameters = if acl.needs_parameters_spelled(capability, path, spellings) {
        // EXPOSE: read by the parameter rules of a policy, in a tree that lives as long as this.
        Some(Fields::parse(request.body.expose())?.to_map()?)
    } else {
        None
    };
    let question = Question {
        capability,
        path,
        parameters: parameters.as_ref(),
        wrap_ttl: request.wrap_ttl.filter(|ttl| *ttl > Duration::ZERO),
    };
    Ok(acl.check_spelled(&question, spellings))
}
