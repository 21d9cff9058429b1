//! `sys/policies/acl`, and `sys/policy` as it was called before.

use std::{sync::Arc, time::Duration};

use keyward_api::sys::{
    DeletePolicy, DeletePolicyOld, DetailedPolicies, DetailedPolicy, ListDetailedPolicies,
    ListPolicies, ListPoliciesOld, ListPoliciesOldByGet, PatchPolicy, Policies, PoliciesOld,
    Policy, PolicyOld, ReadDetailedPolicy, ReadPolicy, ReadPolicyOld, WritePolicy, WritePolicyOld,
};

use super::Sys;
use crate::{
    Error, Response, Timestamp,
    engine::{self, Context, not_negative},
    policy::{PolicyChange, Stored},
};

/// Lists the names of all policies.
pub(super) async fn list(
    cx: Context<Sys>,
    request: ListPolicies,
) -> Result<Response<Policies>, Error> {
    let keys = page(&cx, request.after.as_deref(), request.limit);
    let keys = keys.into_iter().map(|(name, _)| name).collect();
    Ok(Response::data(Policies { keys }))
}

/// Lists all policies, with what is known of each.
pub(super) async fn list_detailed(
    cx: Context<Sys>,
    request: ListDetailedPolicies,
) -> Result<Response<DetailedPolicies>, Error> {
    let page = page(&cx, request.after.as_deref(), request.limit);
    let keys = page.iter().map(|(name, _)| name.clone()).collect();
    let describe = |(name, stored): (String, Arc<Stored>)| (name.clone(), detailed(name, &stored));
    let key_info = page.into_iter().map(describe).collect();
    Ok(Response::data(DetailedPolicies { key_info, keys }))
}

/// Lists them under the older path.
pub(super) async fn list_old(
    cx: Context<Sys>,
    _: ListPoliciesOld,
) -> Result<Response<PoliciesOld>, Error> {
    let keys: Vec<_> = cx.core().policies.all(cx.now()).into_keys().collect();
    Ok(Response::data(PoliciesOld {
        policies: keys.clone(),
        keys,
    })
    .at_top())
}

/// Lists them under the older path by GET.
pub(super) async fn list_old_by_get(
    cx: Context<Sys>,
    _: ListPoliciesOldByGet,
) -> Result<Response<PoliciesOld>, Error> {
    list_old(cx, ListPoliciesOld {}).await
}

/// Reads a policy.
pub(super) async fn read(cx: Context<Sys>, request: ReadPolicy) -> Result<Response<Policy>, Error> {
    let (name, stored) = find(&cx, &request.name)?;
    Ok(Response::data(Policy {
        name,
        policy: stored.text().to_owned(),
    }))
}

/// Reads a policy, with what is known of it.
pub(super) async fn read_detailed(
    cx: Context<Sys>,
    request: ReadDetailedPolicy,
) -> Result<Response<DetailedPolicy>, Error> {
    let (name, stored) = find(&cx, &request.name)?;
    Ok(Response::data(detailed(name, &stored)))
}

/// Reads a policy under the older path.
pub(super) async fn read_old(
    cx: Context<Sys>,
    request: ReadPolicyOld,
) -> Result<Response<PolicyOld>, Error> {
    let (name, stored) = find(&cx, &request.name)?;
    Ok(Response::data(PolicyOld {
        name,
        rules: stored.text().to_owned(),
    })
    .at_top())
}

/// Writes a policy.
pub(super) async fn write(cx: Context<Sys>, request: WritePolicy) -> Result<Response<()>, Error> {
    let name = writable(&request.name)?;
    let text = request.policy.filter(|text| !text.is_empty());
    let text = text.ok_or_else(no_text)?;
    let change = PolicyChange {
        cas: request.cas,
        cas_required: request.cas_required,
        expiration: end(request.expiration.as_deref(), request.ttl, cx.now())?,
    };
    let policies = &cx.core().policies;
    policies
        .write(&name, &text, change, cx.now(), cx.view())
        .await?;
    Ok(Response::empty())
}

/// Changes parts of a policy.
pub(super) async fn patch(
    cx: Context<Sys>,
    PatchPolicy(request): PatchPolicy,
) -> Result<Response<()>, Error> {
    let name = writable(&request.name)?;
    let text = request.policy.as_deref();
    if text.is_some_and(str::is_empty) {
        return Err(no_text());
    }
    let change = PolicyChange {
        cas: request.cas,
        cas_required: request.cas_required,
        expiration: end(request.expiration.as_deref(), request.ttl, cx.now())?,
    };
    let policies = &cx.core().policies;
    policies
        .patch(&name, text, change, cx.now(), cx.view())
        .await?;
    Ok(Response::empty())
}

/// Writes a policy under the older path, whose text may have the older name.
pub(super) async fn write_old(
    cx: Context<Sys>,
    request: WritePolicyOld,
) -> Result<Response<()>, Error> {
    let old_name = request.policy.is_none() && request.rules.is_some();
    let policy = request.policy.or(request.rules);
    let written = write(
        cx,
        WritePolicy {
            name: request.name,
            policy,
            cas: request.cas,
            cas_required: request.cas_required,
            expiration: request.expiration,
            ttl: request.ttl,
        },
    )
    .await?;
    Ok(if old_name {
        written.warn("'rules' is deprecated, please use 'policy' instead")
    } else {
        written
    })
}

/// Removes a policy.
pub(super) async fn delete(cx: Context<Sys>, request: DeletePolicy) -> Result<Response<()>, Error> {
    if request.name.is_empty() {
        return Err(Error::UnsupportedOperation);
    }
    // No policy has such a name, which is none of a key.
    if request.name.ends_with('/') {
        return Ok(Response::empty());
    }
    cx.core()
        .policies
        .delete(&request.name.to_lowercase(), cx.view())
        .await?;
    Ok(Response::empty())
}

/// Removes a policy under the older path.
pub(super) async fn delete_old(
    cx: Context<Sys>,
    request: DeletePolicyOld,
) -> Result<Response<()>, Error> {
    delete(cx, DeletePolicy { name: request.name }).await
}

/// Returns the policies behind a name, and no more than wanted.
fn page(cx: &Context<Sys>, after: Option<&str>, limit: Option<i64>) -> Vec<(String, Arc<Stored>)> {
    let limit = engine::page(limit).unwrap_or(usize::MAX);
    let all = cx.core().policies.all(cx.now()).into_iter();
    all.filter(|(name, _)| after.is_none_or(|after| name.as_str() > after))
        .take(limit)
        .collect()
}

/// Reads the name of a policy to write. Those of tokens are trimmed, so no token could have one with
/// spaces around.
fn writable(name: &str) -> Result<String, Error> {
    match name.trim() == name {
        true => Ok(name.to_lowercase()),
        false => Err(Error::invalid(
            "policy names cannot begin or end with a space",
        )),
    }
}

fn find(cx: &Context<Sys>, name: &str) -> Result<(String, Arc<Stored>), Error> {
    let name = name.to_lowercase();
    let stored = cx.core().policies.find(&name, cx.now());
    Ok((name, stored.ok_or_else(Error::not_found)?))
}

fn detailed(name: String, stored: &Stored) -> DetailedPolicy {
    let text = |moment: Timestamp| moment.to_string();
    DetailedPolicy {
        cas_required: stored.cas_required(),
        expiration: stored.expiration().map(text),
        modified: stored.modified().map(text),
        name,
        policy: stored.text().to_owned(),
        version: stored.version(),
    }
}

fn no_text() -> Error {
    Error::invalid("'policy' parameter not supplied or empty")
}

/// Reads from when on a policy is gone, which may be told in one of two ways.
fn end(
    expiration: Option<&str>,
    ttl: Option<i64>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    match (expiration, ttl) {
        (None, None) => Ok(None),
        (None, Some(ttl)) => {
            let seconds = not_negative("ttl", ttl)?;
            Ok(Some(now.plus(Duration::from_secs(seconds))))
        }
        (Some(text), None) => {
            let unreadable = || {
                Error::invalid(
                    "error converting input for field \"expiration\": could not parse string as \
                     date and time",
                )
            };
            Timestamp::parse(text).map(Some).ok_or_else(unreadable)
        }
        (Some(_), Some(_)) => Err(Error::invalid(
            "cannot supply both 'expiration' and 'ttl' for policies",
        )),
    }
}
