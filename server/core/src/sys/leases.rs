//! `sys/leases/`: what ends by itself, found by its lease.

use std::sync::Arc;

use keyward_api::lease::{
    LeaseInfo, LookupLease, RenewLease, RenewLeaseOld, RevokeLease, RevokeLeaseOld,
};

use super::Sys;
use crate::{Error, Response, engine::Context, lease::LeaseId, token::Token};

/// Tells what is known of a lease.
pub(super) async fn lookup(
    cx: Context<Sys>,
    request: LookupLease,
) -> Result<Response<LeaseInfo>, Error> {
    let id = named(String::new(), request.lease_id)?;
    let token = find(&cx, &id).await?;
    let end = token.and_then(|token| token.expires().map(|expires| (token, expires)));
    let (token, expires) = end.ok_or_else(|| Error::invalid("invalid lease"))?;
    Ok(Response::data(LeaseInfo {
        expire_time: expires.to_string(),
        id,
        issue_time: token.created().to_string(),
        last_renewal: token.renewed().map(|renewed| renewed.to_string()),
        path: token.path().to_owned(),
        renewable: token.renewable(),
        ttl: token.remaining(cx.now()),
    }))
}

/// Refuses: tokens, which are all that has a lease, are renewed below `auth/token/`.
pub(super) async fn renew(cx: Context<Sys>, request: RenewLease) -> Result<Response<()>, Error> {
    let id = named(request.url_lease_id, request.lease_id)?;
    match find(&cx, &id).await? {
        Some(_) => Err(Error::invalid(
            "tokens cannot be renewed through this endpoint",
        )),
        None => Err(Error::invalid("lease not found")),
    }
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

/// Ends a lease and what it stands for: a token, and all that it made.
pub(super) async fn revoke(cx: Context<Sys>, request: RevokeLease) -> Result<Response<()>, Error> {
    let id = named(request.url_lease_id, request.lease_id)?;
    if let Some(token) = find(&cx, &id).await? {
        cx.view().on_record().await?;
        cx.core().tokens.revoke(token.digest()).await?;
    }
    Ok(Response::empty())
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

/// Takes the lease from the path or, where that names none, from the body.
fn named(in_path: String, in_body: Option<String>) -> Result<String, Error> {
    let id = Some(in_path).filter(|id| !id.is_empty()).or(in_body);
    id.filter(|id| !id.is_empty())
        .ok_or_else(|| Error::invalid("lease_id must be specified"))
}

async fn find(cx: &Context<Sys>, id: &str) -> Result<Option<Arc<Token>>, Error> {
    match id.parse::<LeaseId>() {
        Ok(lease) => lease.find(&cx.core().tokens, cx.now()).await,
        Err(_) => Ok(None),
    }
}
