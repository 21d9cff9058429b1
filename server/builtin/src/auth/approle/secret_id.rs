//! What callers ask about secret ids.

use keyward_api::{Sensitive, auth::approle as api};
use keyward_core::{
    Error, Outcome, Response, Timestamp, View,
    engine::{Context, not_negative, page},
};
use uuid::Uuid;

use super::{
    Approle, blocks, metadata,
    record::{self, Place, SecretId},
    role::{Found, Role, check_blocks, fault, generate_id, generate_secret_id},
    upkeep,
};

/// How Vault writes that something never ends: the first moment of the year 1.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The longest secret id, in bytes.
const LONGEST: usize = 4096;

pub(super) async fn generate(
    cx: Context<Approle>,
    request: api::GenerateSecretId,
) -> Result<Response<api::SecretId>, Error> {
    make(&cx, request, generate_secret_id()).await
}

pub(super) async fn take(
    cx: Context<Approle>,
    request: api::TakeSecretId,
) -> Result<Response<api::SecretId>, Error> {
    let api::TakeSecretId {
        role_name,
        secret_id,
        metadata,
        cidr_list,
        token_bound_cidrs,
        num_uses,
        ttl,
    } = request;
    let secret_id = named(secret_id)?;
    // EXPOSE: its length is looked at.
    if secret_id.expose().len() > LONGEST {
        return Err(fault(&format!(
            "failed to store secret_id: failed to create HMAC of secret ID: value is longer than \
             maximum of {LONGEST} bytes"
        )));
    }
    let request = api::GenerateSecretId {
        role_name,
        metadata,
        cidr_list,
        token_bound_cidrs,
        num_uses,
        ttl,
    };
    make(&cx, request, secret_id).await
}

async fn make(
    cx: &Context<Approle>,
    request: api::GenerateSecretId,
    secret_id: Sensitive,
) -> Result<Response<api::SecretId>, Error> {
    let found = Role::find(cx.view(), &request.role_name).await?;
    let Found { role, .. } = found.ok_or_else(|| no_such_role(&request.role_name))?;
    if !role.bind_secret_id {
        return Err(Error::invalid("bind_secret_id is not set on the role"));
    }
    let cidr_list = request.cidr_list.unwrap_or_default();
    check_blocks(&cidr_list).map_err(|error| fault(&error.to_string()))?;
    check_within(&role.secret_id_bound_cidrs, &cidr_list)?;
    let token_bound_cidrs = request.token_bound_cidrs.unwrap_or_default();
    let checked = blocks(&token_bound_cidrs).map(drop);
    checked.map_err(|error| fault(&format!("failed to validate token CIDR blocks: {error}")))?;
    check_within(&role.tokens.show().token_bound_cidrs, &token_bound_cidrs)?;
    let num_uses = match request.num_uses {
        None => role.secret_id_num_uses,
        Some(uses) => {
            let uses = u64::try_from(uses);
            let uses = uses.map_err(|_| Error::invalid("num_uses cannot be negative"))?;
            within(uses, role.secret_id_num_uses).ok_or_else(|| {
                Error::invalid("num_uses cannot be higher than the role's secret_id_num_uses")
            })?
        }
    };
    let ttl = match request.ttl {
        None => role.secret_id_ttl,
        Some(ttl) => within(not_negative("ttl", ttl)?, role.secret_id_ttl)
            .ok_or_else(|| Error::invalid("ttl cannot be longer than the role's secret_id_ttl"))?,
    };
    // As long as the mount lets anything last.
    let ttl = ttl.min(cx.limits().max.as_secs());
    let now = cx.now();
    let kept = SecretId {
        accessor: generate_id(),
        num_uses,
        ttl,
        created: now,
        updated: now,
        expires: record::end(ttl, now),
        metadata: metadata::parse(request.metadata.as_deref().unwrap_or_default())?,
        cidr_list,
        token_bound_cidrs,
    };
    // EXPOSE: hashed with the role's key, not kept.
    let place = role.place(secret_id.expose())?;
    let inserted = place.insert(cx.view(), &kept).await;
    inserted.map_err(|error| match error {
        Error::Conflict(_) => fault("failed to store secret_id: SecretID is already registered"),
        other => other,
    })?;
    if !is_there(cx.view(), &request.role_name, &role).await? {
        // Removed meanwhile, and what was on the shelf perhaps before this came there.
        cx.view().commit(vec![upkeep::leave(&role.shelf)]).await?;
        return Err(no_such_role(&request.role_name));
    }
    let made = api::SecretId {
        secret_id,
        secret_id_accessor: kept.accessor.clone(),
        secret_id_num_uses: kept.num_uses,
        secret_id_ttl: kept.ttl,
    };
    Ok(Response::data(made).accessor(kept.accessor))
}

async fn is_there(view: &View, name: &str, role: &Role) -> Result<bool, Error> {
    let found = Role::find(view, name).await?;
    Ok(found.is_some_and(|found| found.role.shelf == role.shelf))
}

fn no_such_role(name: &str) -> Error {
    Error::NotFound(Some(format!("role {name:?} does not exist")))
}

/// Holds what is asked against what a role allows, of which 0 is all; none if it is more.
fn within(asked: u64, allowed: u64) -> Option<u64> {
    (allowed == 0 || (asked != 0 && asked <= allowed)).then_some(asked)
}

/// Refuses addresses that are not within those of the role.
fn check_within(of_role: &[String], asked: &[String]) -> Result<(), Error> {
    let parse = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect();
    let (outer, inner): (Vec<keyward_core::BoundCidr>, Vec<_>) = (parse(of_role), parse(asked));
    let is_covered = |it: &keyward_core::BoundCidr| outer.iter().any(|outer| outer.covers(it));
    if outer.is_empty() || inner.iter().all(is_covered) {
        return Ok(());
    }
    Err(fault(&format!(
        "failed to verify subset relationship between CIDR blocks on the role {of_role:?} and CIDR \
         blocks on the secret ID {asked:?}"
    )))
}

pub(super) async fn list(
    cx: Context<Approle>,
    request: api::ListSecretIds,
) -> Result<Response<api::Keys>, Error> {
    let name = &request.role_name;
    let found = Role::find(cx.view(), name).await?;
    let found = found.ok_or_else(|| Error::Invalid(format!("role {name:?} does not exist")))?;
    let limit = page(request.limit);
    let after = request.after.as_deref();
    let keys = record::accessors(cx.view(), &found.role.shelf, after, limit).await?;
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(api::Keys { keys }))
}

pub(super) async fn lookup(
    cx: Context<Approle>,
    request: api::LookupSecretId,
) -> Result<Response<api::SecretIdInfo>, Error> {
    let place = place(cx.view(), &request.role_name, request.secret_id).await?;
    Ok(match read(cx.view(), Some(place), cx.now()).await? {
        Some(secret_id) => Response::data(show(secret_id)),
        None => Response::empty(),
    })
}

pub(super) async fn destroy(
    cx: Context<Approle>,
    request: api::DestroySecretId,
) -> Result<Response<()>, Error> {
    let place = place(cx.view(), &request.role_name, request.secret_id).await?;
    place.remove(cx.view()).await?;
    Ok(Response::empty())
}

pub(super) async fn delete(
    cx: Context<Approle>,
    request: api::DeleteSecretId,
) -> Result<Response<()>, Error> {
    let api::DeleteSecretId {
        role_name,
        secret_id,
    } = request;
    let request = api::DestroySecretId {
        role_name,
        secret_id,
    };
    destroy(cx, request).await
}

pub(super) async fn lookup_accessor(
    cx: Context<Approle>,
    request: api::LookupSecretIdAccessor,
) -> Result<Response<api::LookedUp>, Error> {
    let accessor = request.secret_id_accessor.unwrap_or_default();
    let place = accessed(cx.view(), &request.role_name, &accessor).await?;
    Ok(match read(cx.view(), place, cx.now()).await? {
        Some(secret_id) => Response::data(api::LookedUp::Known(Box::new(show(secret_id)))),
        None => {
            let error = unknown(&accessor);
            Response::data(api::LookedUp::Unknown { error }).outcome(Outcome::NotFound)
        }
    })
}

pub(super) async fn destroy_accessor(
    cx: Context<Approle>,
    request: api::DestroySecretIdAccessor,
) -> Result<Response<()>, Error> {
    let accessor = request.secret_id_accessor.unwrap_or_default();
    let place = accessed(cx.view(), &request.role_name, &accessor).await?;
    let place = place.ok_or_else(|| fault(&unknown(&accessor)))?;
    place.remove(cx.view()).await?;
    Ok(Response::empty())
}

pub(super) async fn delete_accessor(
    cx: Context<Approle>,
    request: api::DeleteSecretIdAccessor,
) -> Result<Response<()>, Error> {
    let api::DeleteSecretIdAccessor {
        role_name,
        secret_id_accessor,
    } = request;
    let request = api::DestroySecretIdAccessor {
        role_name,
        secret_id_accessor,
    };
    destroy_accessor(cx, request).await
}

/// Returns where a secret id of a role is, if it is anywhere.
async fn place(view: &View, name: &str, secret_id: Option<Sensitive>) -> Result<Place, Error> {
    let secret_id = named(secret_id)?;
    let found = Role::find(view, name).await?;
    let Found { role, .. } = found.ok_or_else(|| no_role(name))?;
    // EXPOSE: hashed with the role's key, not kept.
    role.place(secret_id.expose())
}

/// Returns where the secret id of an accessor is; none if it is not the role's.
async fn accessed(view: &View, name: &str, accessor: &str) -> Result<Option<Place>, Error> {
    if accessor.is_empty() {
        return Err(Error::invalid("missing secret_id_accessor"));
    }
    let found = Role::find(view, name).await?;
    let found = found.ok_or_else(|| no_role(name))?;
    // What is no accessor may be no key either.
    if Uuid::try_parse(accessor).is_err() {
        return Ok(None);
    }
    Place::of_accessor(view, &found.role.shelf, accessor).await
}

/// Reads a secret id that is good for something.
async fn read(
    view: &View,
    place: Option<Place>,
    now: Timestamp,
) -> Result<Option<SecretId>, Error> {
    let found = match place {
        Some(place) => place.read(view).await?,
        None => None,
    };
    Ok(found.map(|(it, _)| it).filter(|it| it.is_good(now)))
}

fn named(secret_id: Option<Sensitive>) -> Result<Sensitive, Error> {
    // EXPOSE: whether it is empty is looked at.
    let given = secret_id.filter(|it| !it.expose().is_empty());
    given.ok_or_else(|| Error::invalid("missing secret_id"))
}

fn no_role(name: &str) -> Error {
    fault(&format!("role {name:?} does not exist"))
}

fn unknown(accessor: &str) -> String {
    format!("failed to find accessor entry for secret_id_accessor: {accessor:?}")
}

fn show(secret_id: SecretId) -> api::SecretIdInfo {
    let expires = secret_id.expires.map(|expires| expires.to_string());
    api::SecretIdInfo {
        cidr_list: secret_id.cidr_list,
        creation_time: secret_id.created.to_string(),
        expiration_time: expires.unwrap_or_else(|| NEVER.to_owned()),
        last_updated_time: secret_id.updated.to_string(),
        metadata: secret_id.metadata,
        secret_id_accessor: secret_id.accessor,
        secret_id_num_uses: secret_id.num_uses,
        secret_id_ttl: secret_id.ttl,
        token_bound_cidrs: secret_id.token_bound_cidrs,
    }
}
