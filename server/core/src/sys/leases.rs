//! `sys/leases/`: what ends by itself, found by its lease.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::lease::{
    CountLeases, FailingLease, LeaseCount, LeaseInfo, LeaseNames, Leases, ListLeases,
    ListLeasesBelow, LookupLease, ReadLeases, RenewLease, RenewLeaseInBody, RenewLeaseOld,
    RevokeForce, RevokeForceOld, RevokeLease, RevokeLeaseInBody, RevokeLeaseOld, RevokePrefix,
    RevokePrefixOld, TidyLeases,
};

use super::Sys;
use crate::{
    Error, LeaseGrant, Outcome, Response,
    engine::{Context, not_negative},
    lease::{self, Ended, Patience, Record, SecretLeaseId, TokenLeaseId},
    token::Token,
};

/// Tells what is known of a lease.
pub(super) async fn lookup(
    cx: Context<Sys>,
    request: LookupLease,
) -> Result<Response<LeaseInfo>, Error> {
    let id = named(String::new(), request.lease_id)?;
    let info = match find(&cx, &id).await? {
        None => return Err(Error::invalid("invalid lease")),
        Some(Found::Secret(lease, record)) => LeaseInfo {
            expire_time: Some(record.expires().to_string()),
            issue_time: record.issued().to_string(),
            last_renewal: record.renewed().map(|renewed| renewed.to_string()),
            path: lease.path().to_owned(),
            renewable: record.renewable(),
            ttl: record.remaining(cx.now()),
            revocation: record.revocation(),
            id,
        },
        Some(Found::Token(token)) => LeaseInfo {
            expire_time: token.expires().map(|expires| expires.to_string()),
            id,
            issue_time: token.created().to_string(),
            last_renewal: token.renewed().map(|renewed| renewed.to_string()),
            path: token.path().to_owned(),
            renewable: token.renewable(),
            ttl: token.remaining(cx.now()),
            revocation: None,
        },
    };
    Ok(Response::data(info))
}

/// Gives the lease of a secret its next term. Tokens are renewed below `auth/token/`.
pub(super) async fn renew(cx: Context<Sys>, request: RenewLease) -> Result<Response<()>, Error> {
    let id = named(request.url_lease_id, request.lease_id)?;
    let increment = not_negative("increment", request.increment.unwrap_or_default())?;
    let increment = Duration::from_secs(increment);
    match find(&cx, &id).await? {
        Some(Found::Secret(lease, _)) => {
            cx.view().on_record().await?;
            let renewed = lease::renew(cx.core(), &lease, increment).await?;
            Ok(Response::empty().lease(LeaseGrant::Renewed(renewed)))
        }
        Some(Found::Token(token)) if token.expires().is_none() => {
            Err(Error::invalid("lease is not renewable"))
        }
        Some(Found::Token(_)) => Err(Error::invalid(
            "tokens cannot be renewed through this endpoint",
        )),
        None => Err(Error::invalid("lease not found")),
    }
}

/// As [`renew`].
pub(super) async fn renew_in_body(
    cx: Context<Sys>,
    RenewLeaseInBody(request): RenewLeaseInBody,
) -> Result<Response<()>, Error> {
    renew(cx, request).await
}

/// As [`renew`].
pub(super) async fn renew_old(
    cx: Context<Sys>,
    request: RenewLeaseOld,
) -> Result<Response<()>, Error> {
    let RenewLeaseOld {
        url_lease_id,
        lease_id,
        increment,
    } = request;
    renew(
        cx,
        RenewLease {
            url_lease_id,
            lease_id,
            increment,
        },
    )
    .await
}

/// Ends a lease and what it stands for: a secret, or a token and all that it made.
pub(super) async fn revoke(cx: Context<Sys>, request: RevokeLease) -> Result<Response<()>, Error> {
    let id = named(request.url_lease_id, request.lease_id)?;
    match find(&cx, &id).await? {
        Some(Found::Secret(lease, _)) => {
            cx.view().on_record().await?;
            let outcome = lease::end_one(cx.core(), &lease, cx.now()).await;
            ended(outcome.map(|()| Ended::All), request.sync)
        }
        Some(Found::Token(token)) => {
            cx.view().on_record().await?;
            cx.core().tokens.revoke(token.digest()).await?;
            ended(Ok(Ended::All), request.sync)
        }
        None => ended(Ok(Ended::All), request.sync),
    }
}

/// As [`revoke`].
pub(super) async fn revoke_in_body(
    cx: Context<Sys>,
    RevokeLeaseInBody(request): RevokeLeaseInBody,
) -> Result<Response<()>, Error> {
    revoke(cx, request).await
}

/// As [`revoke`].
pub(super) async fn revoke_old(
    cx: Context<Sys>,
    request: RevokeLeaseOld,
) -> Result<Response<()>, Error> {
    let RevokeLeaseOld {
        url_lease_id,
        lease_id,
        sync,
    } = request;
    revoke(
        cx,
        RevokeLease {
            url_lease_id,
            lease_id,
            sync,
        },
    )
    .await
}

/// Lists the mounts that hold leases.
pub(super) async fn list(cx: Context<Sys>, _: ListLeases) -> Result<Response<LeaseNames>, Error> {
    let prefix = String::new();
    list_below(cx, ListLeasesBelow { prefix }).await
}

/// Lists the leases of a path, and the paths below it.
pub(super) async fn list_below(
    cx: Context<Sys>,
    request: ListLeasesBelow,
) -> Result<Response<LeaseNames>, Error> {
    let core = cx.core();
    let mut keys = core.tokens.leases(&request.prefix).await?;
    keys.extend(core.leases.list(&request.prefix).await?);
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(LeaseNames { keys }))
}

/// The one type of lease that can be counted: what could not be revoked.
const IRREVOCABLE: &str = "irrevocable";

/// How many of them are listed unless more are asked for.
const LISTED: usize = 10_000;

/// Lists the leases that could not be revoked, however often that was tried.
pub(super) async fn read(cx: Context<Sys>, request: ReadLeases) -> Result<Response<Leases>, Error> {
    if request.kind.as_deref() != Some(IRREVOCABLE) {
        return Err(Error::not_found());
    }
    let most = match request.limit.as_deref().unwrap_or_default() {
        "" => LISTED,
        "none" => usize::MAX,
        limit => match limit.parse::<i64>() {
            Ok(most @ 1..) => usize::try_from(most).unwrap_or(usize::MAX),
            Ok(_) => {
                return Err(Error::invalid("limit must be 'none' or a positive integer"));
            }
            Err(_) => {
                return Err(Error::invalid(format!(
                    "invalid 'limit' provided: strconv.Atoi: parsing {limit:?}: invalid syntax"
                )));
            }
        },
    };
    let failing = lease::failing(cx.core(), most).await?;
    let leases: Vec<_> = failing
        .into_iter()
        .map(|failing| FailingLease {
            error: format!(
                "{} attempts failed, the next comes at {}; the log of the server says why",
                failing.revocation.failures, failing.revocation.next_attempt
            ),
            lease_id: failing.id.to_string(),
            mount_id: failing.mount,
        })
        .collect();
    Ok(Response::data(Leases {
        lease_count: leases.len() as u64,
        leases,
    }))
}

/// Counts the leases that could not be revoked, however often that was tried.
pub(super) async fn count(
    cx: Context<Sys>,
    request: CountLeases,
) -> Result<Response<LeaseCount>, Error> {
    if request.kind.as_deref() != Some(IRREVOCABLE) {
        return Err(Error::not_found());
    }
    let failing = lease::failing(cx.core(), usize::MAX).await?;
    let lease_count = failing.len() as u64;
    let mut counts = BTreeMap::new();
    for failing in failing {
        *counts.entry(failing.mount).or_default() += 1;
    }
    Ok(Response::data(LeaseCount {
        counts,
        lease_count,
    }))
}

/// Begins to tidy tokens and leases; how it went stands in the server's log.
pub(super) async fn tidy(cx: Context<Sys>, _: TidyLeases) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    let core = cx.core();
    let (tokens, secrets) = (core.tokens.start_tidying(), core.leases.start_tidying());
    Ok(if tokens || secrets {
        let text = "Tidy operation successfully started. Any information from the operation will be \
                    printed to Vault's server logs.";
        Response::empty().warn(text).outcome(Outcome::Accepted)
    } else {
        Response::empty().warn("Tidy operation already in progress.")
    })
}

/// Ends all leases below a path.
pub(super) async fn revoke_prefix(
    cx: Context<Sys>,
    request: RevokePrefix,
) -> Result<Response<()>, Error> {
    let RevokePrefix { prefix, sync } = request;
    cx.view().on_record().await?;
    let core = cx.core();
    // What keeps one of them from its end does not keep the other.
    let tokens = core.tokens.revoke_prefix(&prefix, cx.now()).await;
    let secrets = lease::end_below(core, &prefix, patience(sync)).await;
    tracing::info!(prefix, "leases below a path are revoked");
    tokens.and(ended(secrets, sync))
}

/// As [`revoke_prefix`].
pub(super) async fn revoke_prefix_old(
    cx: Context<Sys>,
    request: RevokePrefixOld,
) -> Result<Response<()>, Error> {
    let RevokePrefixOld { prefix, sync } = request;
    revoke_prefix(cx, RevokePrefix { prefix, sync }).await
}

/// Ends all leases below a path, even those whose engine fails to take back what it gave: nobody
/// tries that again.
pub(super) async fn revoke_force(
    cx: Context<Sys>,
    request: RevokeForce,
) -> Result<Response<()>, Error> {
    let RevokeForce { prefix, sync } = request;
    cx.view().on_record().await?;
    let core = cx.core();
    let tokens = core.tokens.revoke_prefix(&prefix, cx.now()).await;
    // As at the peers, who asks for force waits, unless it would take too long.
    let sync = sync.filter(|sync| *sync);
    let secrets = lease::force_below(core, &prefix, patience(sync)).await;
    tokens.and(secrets.and_then(told))
}

/// As [`revoke_force`].
pub(super) async fn revoke_force_old(
    cx: Context<Sys>,
    request: RevokeForceOld,
) -> Result<Response<()>, Error> {
    let RevokeForceOld { prefix, sync } = request;
    revoke_force(cx, RevokeForce { prefix, sync }).await
}

/// How long a request waits for what it ends, unless it says: well below the time that one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes from `sync` how long a caller waits.
const fn patience(sync: Option<bool>) -> Patience {
    match sync {
        Some(true) => Patience::Endless,
        Some(false) => Patience::None,
        None => Patience::Some(PATIENCE),
    }
}

/// Answers a revocation. One that fails is tried again for ever, which is an error only for who
/// asked to wait for it.
fn ended(outcome: Result<Ended, Error>, sync: Option<bool>) -> Result<Response<()>, Error> {
    match outcome {
        Err(error) if sync == Some(true) => Err(error),
        Err(_) => {
            let text = "Some of it cannot be revoked now; it is tried again until it is done.";
            Ok(Response::empty().warn(text).outcome(Outcome::Accepted))
        }
        // Who asked not to wait is told just that, however soon it was done.
        Ok(_) if sync == Some(false) => told(Ended::Begun),
        Ok(ended) => told(ended),
    }
}

/// Answers a revocation that goes well.
fn told(ended: Ended) -> Result<Response<()>, Error> {
    Ok(match ended {
        Ended::All => Response::empty(),
        Ended::Begun => Response::empty().outcome(Outcome::Accepted),
    })
}

/// Takes the lease from the path or, where that names none, from the body.
fn named(in_path: String, in_body: Option<String>) -> Result<String, Error> {
    let id = Some(in_path).filter(|id| !id.is_empty()).or(in_body);
    id.filter(|id| !id.is_empty())
        .ok_or_else(|| Error::invalid("lease_id must be specified"))
}

/// What a lease stands for.
enum Found {
    Secret(SecretLeaseId, Record),
    Token(Arc<Token>),
}

async fn find(cx: &Context<Sys>, id: &str) -> Result<Option<Found>, Error> {
    if let Ok(lease) = id.parse::<TokenLeaseId>() {
        let token = lease.find(&cx.core().tokens, cx.now()).await?;
        return Ok(token.map(Found::Token));
    }
    let Ok(lease) = id.parse::<SecretLeaseId>() else {
        return Ok(None);
    };
    let record = cx.core().leases.find(&lease).await?;
    Ok(record.map(|record| Found::Secret(lease, record)))
}
