//! `sys/policies/acl`, and `sys/policy` as it was called before.

use keyward_api::sys::{
    DeletePolicy, DeletePolicyOld, ListPolicies, ListPoliciesOld, ListPoliciesOldByGet, Policies,
    PoliciesOld, Policy, PolicyOld, ReadPolicy, ReadPolicyOld, WritePolicy, WritePolicyOld,
};

use super::Sys;
use crate::{Error, Response, engine::Context};

/// Lists the names of all policies.
pub(super) async fn list(
    cx: Context<Sys>,
    request: ListPolicies,
) -> Result<Response<Policies>, Error> {
    let mut keys = cx.core().policies.names();
    if let Some(after) = &request.after {
        keys.retain(|name| name > after);
    }
    if let Some(limit) = request.limit.and_then(|limit| usize::try_from(limit).ok())
        && limit > 0
    {
        keys.truncate(limit);
    }
    Ok(Response::data(Policies { keys }))
}

/// Lists them under the older path.
pub(super) async fn list_old(
    cx: Context<Sys>,
    _: ListPoliciesOld,
) -> Result<Response<PoliciesOld>, Error> {
    let keys = cx.core().policies.names();
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
    let (name, text) = find(&cx, &request.name)?;
    Ok(Response::data(Policy { name, policy: text }))
}

/// Reads a policy under the older path.
pub(super) async fn read_old(
    cx: Context<Sys>,
    request: ReadPolicyOld,
) -> Result<Response<PolicyOld>, Error> {
    let (name, text) = find(&cx, &request.name)?;
    Ok(Response::data(PolicyOld { name, rules: text }).at_top())
}

/// Writes a policy.
pub(super) async fn write(cx: Context<Sys>, request: WritePolicy) -> Result<Response<()>, Error> {
    let name = request.name.to_lowercase();
    let text = request.policy.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::invalid("'policy' parameter not supplied or empty"))?;
    cx.core().policies.write(&name, &text, cx.view()).await?;
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

fn find(cx: &Context<Sys>, name: &str) -> Result<(String, String), Error> {
    let name = name.to_lowercase();
    let text = cx
        .core()
        .policies
        .text(&name)
        .ok_or_else(Error::not_found)?;
    Ok((name, text.to_string()))
}
