//! `identity/oidc`: providers, their clients, and what these are told of whom.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{
    Sensitive,
    identity::{
        DeleteOidcAssignment, DeleteOidcClient, DeleteOidcProvider, DeleteOidcScope,
        ListOidcAssignments, ListOidcClients, ListOidcProviders, ListOidcScopes, Names,
        OidcAssignment, OidcClient, OidcClients, OidcKeySet, OidcProvider, OidcProviderDiscovery,
        OidcProviders, OidcScope, ReadOidcAssignment, ReadOidcClient, ReadOidcProvider,
        ReadOidcProviderDiscovery, ReadOidcProviderKeySet, ReadOidcScope, WriteOidcAssignment,
        WriteOidcClient, WriteOidcProvider, WriteOidcScope,
    },
};

use super::{
    super::oidc::{
        ALGORITHMS,
        provider::{Client, ClientChange, OPENID, Provider, ProviderChange},
    },
    Identities, given,
    oidc::{ISSUER, ISSUER_WARNING, JSON, check_issuer, names, seconds},
};
use crate::{Document, Error, Response, engine::Context, view::View};

/// Makes a scope, or changes it.
pub(super) async fn write_scope(
    cx: Context<Identities>,
    request: WriteOidcScope,
) -> Result<Response<()>, Error> {
    let WriteOidcScope {
        name,
        template,
        description,
    } = request;
    cx.oidc
        .write_scope(&name, template, description, cx.view(), cx.now())
        .await?;
    Ok(Response::empty())
}

/// Tells whether there is a scope of that name.
pub(super) async fn scope_exists(
    engine: Arc<Identities>,
    _: View,
    name: String,
) -> Result<bool, Error> {
    Ok(engine.oidc.now().registry.scopes.contains_key(&name))
}

/// Reads a scope.
pub(super) async fn read_scope(
    cx: Context<Identities>,
    request: ReadOidcScope,
) -> Result<Response<OidcScope>, Error> {
    let known = cx.oidc.now();
    let scope = known.registry.scopes.get(&request.name);
    let scope = scope.ok_or_else(Error::not_found)?;
    Ok(Response::data((**scope).clone()))
}

/// Removes a scope.
pub(super) async fn delete_scope(
    cx: Context<Identities>,
    request: DeleteOidcScope,
) -> Result<Response<()>, Error> {
    cx.oidc.delete_scope(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists the names of all scopes.
pub(super) async fn list_scopes(
    cx: Context<Identities>,
    _: ListOidcScopes,
) -> Result<Response<Names>, Error> {
    names(cx.oidc.now().registry.scopes.keys())
}

/// Makes an assignment, or changes it.
pub(super) async fn write_assignment(
    cx: Context<Identities>,
    request: WriteOidcAssignment,
) -> Result<Response<()>, Error> {
    let WriteOidcAssignment {
        name,
        entity_ids,
        group_ids,
    } = request;
    cx.oidc
        .write_assignment(&name, entity_ids, group_ids, cx.view())
        .await?;
    Ok(Response::empty())
}

/// Tells whether there is an assignment of that name.
pub(super) async fn assignment_exists(
    engine: Arc<Identities>,
    _: View,
    name: String,
) -> Result<bool, Error> {
    Ok(engine.oidc.now().registry.assignments.contains_key(&name))
}

/// Reads an assignment.
pub(super) async fn read_assignment(
    cx: Context<Identities>,
    request: ReadOidcAssignment,
) -> Result<Response<OidcAssignment>, Error> {
    let known = cx.oidc.now();
    let assignment = known.registry.assignments.get(&request.name);
    let assignment = assignment.ok_or_else(Error::not_found)?;
    Ok(Response::data((**assignment).clone()))
}

/// Removes an assignment.
pub(super) async fn delete_assignment(
    cx: Context<Identities>,
    request: DeleteOidcAssignment,
) -> Result<Response<()>, Error> {
    cx.oidc.delete_assignment(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists the names of all assignments.
pub(super) async fn list_assignments(
    cx: Context<Identities>,
    _: ListOidcAssignments,
) -> Result<Response<Names>, Error> {
    names(cx.oidc.now().registry.assignments.keys())
}

/// Registers a client, or changes it.
pub(super) async fn write_client(
    cx: Context<Identities>,
    request: WriteOidcClient,
) -> Result<Response<()>, Error> {
    let change = ClientChange {
        redirect_uris: request.redirect_uris,
        assignments: request.assignments,
        key: request.key,
        client_type: request.client_type,
        id_token_ttl: seconds("id_token_ttl", request.id_token_ttl)?,
        access_token_ttl: seconds("access_token_ttl", request.access_token_ttl)?,
    };
    cx.oidc
        .write_client(&request.name, change, cx.view(), cx.now())
        .await?;
    Ok(Response::empty())
}

/// Tells whether there is a client of that name.
pub(super) async fn client_exists(
    engine: Arc<Identities>,
    _: View,
    name: String,
) -> Result<bool, Error> {
    Ok(engine.oidc.now().registry.clients.contains_key(&name))
}

/// Reads a client, its secret included.
pub(super) async fn read_client(
    cx: Context<Identities>,
    request: ReadOidcClient,
) -> Result<Response<OidcClient>, Error> {
    let known = cx.oidc.now();
    let client = known.registry.clients.get(&request.name);
    let client = client.ok_or_else(Error::not_found)?;
    Ok(Response::data(OidcClient {
        client_secret: client.secret.as_ref().map(Sensitive::duplicate),
        ..shown(client)
    }))
}

/// Removes a client.
pub(super) async fn delete_client(
    cx: Context<Identities>,
    request: DeleteOidcClient,
) -> Result<Response<()>, Error> {
    cx.oidc.delete_client(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists all clients, without their secrets.
pub(super) async fn list_clients(
    cx: Context<Identities>,
    _: ListOidcClients,
) -> Result<Response<OidcClients>, Error> {
    let known = cx.oidc.now();
    let clients = known.registry.clients.iter();
    let key_info: BTreeMap<_, _> = clients
        .map(|(name, client)| (name.clone(), shown(client)))
        .collect();
    if key_info.is_empty() {
        return Err(Error::not_found());
    }
    let keys = key_info.keys().cloned().collect();
    Ok(Response::data(OidcClients { keys, key_info }))
}

fn shown(client: &Client) -> OidcClient {
    OidcClient {
        access_token_ttl: client.access_token_ttl,
        assignments: client.assignments.clone(),
        client_id: client.client_id.clone(),
        client_secret: None,
        client_type: client.kind().to_owned(),
        id_token_ttl: client.id_token_ttl,
        key: client.key.clone(),
        redirect_uris: client.redirect_uris.clone(),
    }
}

/// Makes a provider, or changes it.
pub(super) async fn write_provider(
    cx: Context<Identities>,
    request: WriteOidcProvider,
) -> Result<Response<()>, Error> {
    let WriteOidcProvider {
        name,
        issuer,
        allowed_client_ids,
        scopes_supported,
    } = request;
    if let Some(issuer) = &issuer {
        check_issuer(issuer)?;
    }
    let change = ProviderChange {
        issuer,
        allowed_client_ids,
        scopes_supported,
    };
    let warnings = cx
        .oidc
        .write_provider(&name, change, cx.view(), cx.now())
        .await?;
    let known = cx.oidc.now();
    let provider = known.registry.providers.get(&name);
    let mut response = Response::empty();
    if provider.is_some_and(|provider| !provider.issuer.is_empty()) {
        response = response.warn(ISSUER_WARNING);
    }
    response.warnings.extend(warnings);
    Ok(response)
}

/// Tells whether there is a provider of that name.
pub(super) async fn provider_exists(
    engine: Arc<Identities>,
    _: View,
    name: String,
) -> Result<bool, Error> {
    Ok(engine.oidc.now().registry.providers.contains_key(&name))
}

/// Reads a provider.
pub(super) async fn read_provider(
    cx: Context<Identities>,
    request: ReadOidcProvider,
) -> Result<Response<OidcProvider>, Error> {
    let known = cx.oidc.now();
    let provider = known.registry.providers.get(&request.name);
    let provider = provider.ok_or_else(Error::not_found)?;
    Ok(Response::data(told(&cx, &request.name, provider)))
}

/// Removes a provider.
pub(super) async fn delete_provider(
    cx: Context<Identities>,
    request: DeleteOidcProvider,
) -> Result<Response<()>, Error> {
    cx.oidc.delete_provider(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists all providers, or those that one client may use.
pub(super) async fn list_providers(
    cx: Context<Identities>,
    request: ListOidcProviders,
) -> Result<Response<OidcProviders>, Error> {
    let client_id = given(request.allowed_client_id);
    let known = cx.oidc.now();
    let providers = known.registry.providers.iter();
    let key_info: BTreeMap<_, _> = providers
        .filter(|(_, provider)| client_id.as_ref().is_none_or(|id| provider.allows(id)))
        .map(|(name, provider)| (name.clone(), told(&cx, name, provider)))
        .collect();
    if key_info.is_empty() {
        return Err(Error::not_found());
    }
    let keys = key_info.keys().cloned().collect();
    Ok(Response::data(OidcProviders { keys, key_info }))
}

fn told(cx: &Context<Identities>, name: &str, provider: &Provider) -> OidcProvider {
    OidcProvider {
        allowed_client_ids: provider.allowed_client_ids.clone(),
        issuer: issuer(cx, name, provider),
        scopes_supported: provider.scopes_supported.clone(),
    }
}

/// Tells everybody where a provider does what.
pub(super) async fn discovery(
    cx: Context<Identities>,
    request: ReadOidcProviderDiscovery,
) -> Result<Response<OidcProviderDiscovery>, Error> {
    let known = cx.oidc.now();
    let name = &request.name;
    let provider = known.registry.providers.get(name);
    let provider = provider.ok_or_else(Error::not_found)?;
    let issuer = issuer(&cx, name, provider);
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let scopes = provider.scopes_supported.iter().map(String::as_str);
    let scopes: Vec<&str> = scopes.chain([OPENID]).collect();
    let document = OidcProviderDiscovery {
        jwks_uri: format!("{issuer}/.well-known/keys"),
        authorization_endpoint: format!(
            "{}/ui/vault/identity/oidc/provider/{name}/authorize",
            origin(&cx, provider)
        ),
        token_endpoint: format!("{issuer}/token"),
        userinfo_endpoint: format!("{issuer}/userinfo"),
        issuer,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        id_token_signing_alg_values_supported: owned(&ALGORITHMS.map(|(name, _)| name)),
        response_types_supported: owned(&["code"]),
        scopes_supported: owned(&scopes),
        claims_supported: Vec::new(),
        subject_types_supported: owned(&["public"]),
        grant_types_supported: owned(&["authorization_code"]),
        token_endpoint_auth_methods_supported: owned(&[
            "none",
            "client_secret_basic",
            "client_secret_post",
        ]),
        code_challenge_methods_supported: owned(&["plain", "S256"]),
    };
    let document = Document::json(JSON, &document)?;
    Ok(Response::document(
        document.cached_for(Duration::from_secs(3600)),
    ))
}

/// Shows everybody the public keys of a provider's clients.
pub(super) async fn key_set(
    cx: Context<Identities>,
    request: ReadOidcProviderKeySet,
) -> Result<Response<OidcKeySet>, Error> {
    let known = cx.oidc.now();
    let provider = known.registry.providers.get(&request.name);
    let provider = provider.ok_or_else(Error::not_found)?;
    let (keys, kept) = known.provider_key_set(provider, cx.now());
    let document = Document::json(JSON, &OidcKeySet { keys })?;
    Ok(Response::document(document.cached_for(kept)))
}

/// Returns the `iss` of a provider's tokens.
pub(super) fn issuer(cx: &Context<Identities>, name: &str, provider: &Provider) -> String {
    let origin = origin(cx, provider);
    format!("{origin}{ISSUER}/provider/{name}")
}

fn origin<'o>(cx: &'o Context<Identities>, provider: &'o Provider) -> &'o str {
    let origin = match provider.issuer.as_str() {
        "" => cx.core().api_addr.as_str(),
        issuer => issuer,
    };
    origin.trim_end_matches('/')
}
