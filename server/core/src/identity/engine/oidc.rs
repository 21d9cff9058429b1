//! `identity/oidc`: identity tokens, their keys and roles.

use std::{sync::Arc, time::Duration};

use keyward_api::{
    Sensitive,
    identity::{
        DeleteOidcKey, DeleteOidcRole, IntrospectOidcToken, Introspection, ListOidcKeys,
        ListOidcRoles, Names, OidcConfig, OidcDiscovery, OidcKey, OidcKeySet, OidcRole, OidcToken,
        ReadOidcConfig, ReadOidcDiscovery, ReadOidcKey, ReadOidcKeySet, ReadOidcRole,
        ReadOidcToken, RotateOidcKey, WriteOidcConfig, WriteOidcKey, WriteOidcRole,
    },
};

use super::{
    super::oidc::{ALGORITHMS, Config, KeyChange, RoleChange, jwt},
    Identities, given,
};
use crate::{
    Denial, Document, Error, Response,
    engine::{Context, not_negative},
    view::View,
};

/// The media type of what has no envelope.
pub(super) const JSON: &str = "application/json";

/// Where the tokens come from, below the address of the server.
pub(super) const ISSUER: &str = "/v1/identity/oidc";

/// Reads what all tokens have in common.
pub(super) async fn read_config(
    cx: Context<Identities>,
    _: ReadOidcConfig,
) -> Result<Response<OidcConfig>, Error> {
    let issuer = cx.oidc.now().config.issuer.clone();
    Ok(Response::data(OidcConfig { issuer }))
}

/// Sets what all tokens have in common.
pub(super) async fn write_config(
    cx: Context<Identities>,
    request: WriteOidcConfig,
) -> Result<Response<()>, Error> {
    let Some(issuer) = request.issuer else {
        return Ok(Response::empty());
    };
    check_issuer(&issuer)?;
    let is_set = !issuer.is_empty();
    cx.oidc.configure(Config { issuer }, cx.view()).await?;
    Ok(match is_set {
        false => Response::empty(),
        true => Response::empty().warn(ISSUER_WARNING),
    })
}

/// What Vault says to who names an issuer.
pub(super) const ISSUER_WARNING: &str = "If \"issuer\" is set explicitly, all tokens must be \
    validated against that address, including those issued by secondary clusters. Setting issuer to \
    \"\" will restore the default behavior of using the cluster's api_addr as the issuer.";

/// Refuses an issuer that is more than an address; none is one.
pub(super) fn check_issuer(issuer: &str) -> Result<(), Error> {
    if issuer.is_empty() || OidcConfig::takes(issuer) {
        return Ok(());
    }
    Err(Error::invalid(
        "invalid issuer, which must include only a scheme, host, and optional port (e.g. \
         https://example.com:8200)",
    ))
}

/// Makes a key, or changes it.
pub(super) async fn write_key(
    cx: Context<Identities>,
    request: WriteOidcKey,
) -> Result<Response<()>, Error> {
    let change = KeyChange {
        algorithm: request.algorithm,
        rotation_period: seconds("rotation_period", request.rotation_period)?,
        verification_ttl: seconds("verification_ttl", request.verification_ttl)?,
        allowed_client_ids: request.allowed_client_ids,
    };
    cx.oidc
        .write_key(&request.name, change, cx.view(), cx.now())
        .await?;
    Ok(Response::empty())
}

/// Tells whether there is a key of that name.
pub(super) async fn key_exists(
    engine: Arc<Identities>,
    _: View,
    name: String,
) -> Result<bool, Error> {
    Ok(engine.oidc.now().keys.contains_key(&name))
}

/// Reads what is public about a key.
pub(super) async fn read_key(
    cx: Context<Identities>,
    request: ReadOidcKey,
) -> Result<Response<OidcKey>, Error> {
    let known = cx.oidc.now();
    let key = known.keys.get(&request.name).ok_or_else(Error::not_found)?;
    let settings = &key.settings;
    Ok(Response::data(OidcKey {
        algorithm: settings.algorithm.name().to_owned(),
        allowed_client_ids: settings.allowed_client_ids.clone(),
        rotation_period: settings.rotation_period,
        verification_ttl: settings.verification_ttl,
    }))
}

/// Removes a key.
pub(super) async fn delete_key(
    cx: Context<Identities>,
    request: DeleteOidcKey,
) -> Result<Response<()>, Error> {
    cx.oidc.delete_key(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists the names of all keys.
pub(super) async fn list_keys(
    cx: Context<Identities>,
    _: ListOidcKeys,
) -> Result<Response<Names>, Error> {
    names(cx.oidc.now().keys.keys())
}

/// Signs with the next key from now on.
pub(super) async fn rotate_key(
    cx: Context<Identities>,
    request: RotateOidcKey,
) -> Result<Response<()>, Error> {
    let ttl = seconds("verification_ttl", request.verification_ttl)?;
    let ttl = ttl.map(Duration::from_secs);
    cx.oidc
        .rotate_key(&request.name, ttl, cx.view(), cx.now())
        .await?;
    Ok(Response::empty())
}

/// Makes a role, or changes it.
pub(super) async fn write_role(
    cx: Context<Identities>,
    request: WriteOidcRole,
) -> Result<Response<()>, Error> {
    let change = RoleChange {
        key: request.key,
        template: request.template,
        ttl: seconds("ttl", request.ttl)?,
        client_id: request.client_id,
    };
    cx.oidc
        .write_role(&request.name, change, cx.view(), cx.now())
        .await?;
    Ok(Response::empty())
}

/// Tells whether there is a role of that name.
pub(super) async fn role_exists(
    engine: Arc<Identities>,
    _: View,
    name: String,
) -> Result<bool, Error> {
    Ok(engine.oidc.now().roles.contains_key(&name))
}

/// Reads a role.
pub(super) async fn read_role(
    cx: Context<Identities>,
    request: ReadOidcRole,
) -> Result<Response<OidcRole>, Error> {
    let known = cx.oidc.now();
    let role = known.roles.get(&request.name);
    let role = role.ok_or_else(Error::not_found)?;
    Ok(Response::data(OidcRole {
        client_id: role.client_id.clone(),
        key: role.key.clone(),
        template: role.template.clone(),
        ttl: role.ttl,
    }))
}

/// Removes a role.
pub(super) async fn delete_role(
    cx: Context<Identities>,
    request: DeleteOidcRole,
) -> Result<Response<()>, Error> {
    cx.oidc.delete_role(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists the names of all roles.
pub(super) async fn list_roles(
    cx: Context<Identities>,
    _: ListOidcRoles,
) -> Result<Response<Names>, Error> {
    names(cx.oidc.now().roles.keys())
}

/// Makes a token about the caller's entity.
pub(super) async fn token(
    cx: Context<Identities>,
    request: ReadOidcToken,
) -> Result<Response<OidcToken>, Error> {
    let known = cx.oidc.now();
    let name = &request.name;
    let role = known
        .roles
        .get(name)
        .ok_or_else(|| Error::Invalid(format!("role {name:?} not found")))?;
    let key = known
        .keys
        .get(&role.key)
        .ok_or_else(|| Error::internal(format!("the key {:?} is gone", role.key)))?;
    if !key.allows(&role.client_id) {
        return Err(Error::Invalid(format!(
            "the key {:?} does not list the client ID of the role {name:?} as an allowed client ID",
            role.key
        )));
    }
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    let identity = principal
        .identity
        .as_deref()
        .ok_or_else(|| Error::invalid("no entity associated with the request's token"))?;
    // What is made elsewhere with it is confined to nothing.
    if !principal.token.caveats().is_empty() {
        return Err(Error::Denied(Denial::Policy));
    }
    // A token is an effect that nothing takes back.
    cx.view().on_record().await?;
    let token = jwt::issue(role, key, identity, &issuer(&cx), cx.now())?;
    Ok(Response::data(OidcToken {
        client_id: role.client_id.clone(),
        token: Sensitive::new(token),
        ttl: role.ttl,
    }))
}

/// Tells whether a token is good.
pub(super) async fn introspect(
    cx: Context<Identities>,
    request: IntrospectOidcToken,
) -> Result<Response<Introspection>, Error> {
    let audience = given(request.client_id);
    // EXPOSE: verified, not kept.
    let token = request.token.as_ref().map_or("", Sensitive::expose);
    let known = cx.oidc.now();
    let checked = known.check(token, audience.as_deref(), &issuer(&cx), cx.now());
    let checked = checked.and_then(|checked| {
        let snapshot = cx.store.now();
        match snapshot.entity_of_token(&checked.subject) {
            None => Err("entity was not found".to_owned()),
            Some(entity) if entity.disabled => Err("entity is disabled".to_owned()),
            Some(_) => Ok(()),
        }
    });
    let answer = Introspection {
        active: checked.is_ok(),
        error: checked.err(),
    };
    Document::json(JSON, &answer).map(Response::document)
}

/// Tells everybody how tokens are verified.
pub(super) async fn discovery(
    cx: Context<Identities>,
    _: ReadOidcDiscovery,
) -> Result<Response<OidcDiscovery>, Error> {
    let issuer = issuer(&cx);
    let document = OidcDiscovery {
        jwks_uri: format!("{issuer}/.well-known/keys"),
        issuer,
        response_types_supported: vec!["id_token".to_owned()],
        subject_types_supported: vec!["public".to_owned()],
        id_token_signing_alg_values_supported: ALGORITHMS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect(),
    };
    let document = Document::json(JSON, &document)?;
    Ok(Response::document(
        document.cached_for(Duration::from_secs(3600)),
    ))
}

/// Shows everybody the public keys.
pub(super) async fn key_set(
    cx: Context<Identities>,
    _: ReadOidcKeySet,
) -> Result<Response<OidcKeySet>, Error> {
    let (keys, kept) = cx.oidc.now().key_set(cx.now());
    let document = Document::json(JSON, &OidcKeySet { keys })?;
    Ok(Response::document(document.cached_for(kept)))
}

fn issuer(cx: &Context<Identities>) -> String {
    let known = cx.oidc.now();
    let origin = match known.config.issuer.as_str() {
        "" => cx.core().api_addr.as_str(),
        issuer => issuer,
    };
    format!("{}{ISSUER}", origin.trim_end_matches('/'))
}

/// Answers with names; that there are none is not found.
pub(super) fn names<'n>(names: impl Iterator<Item = &'n String>) -> Result<Response<Names>, Error> {
    let keys: Vec<_> = names.cloned().collect();
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(Names { keys })),
    }
}

/// Reads a duration that is given.
pub(super) fn seconds(name: &str, given: Option<i64>) -> Result<Option<u64>, Error> {
    given.map(|given| not_negative(name, given)).transpose()
}
