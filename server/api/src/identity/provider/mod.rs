//! The OpenID Connect provider: people who have a token here log in elsewhere with it.

mod client;
mod flow;
mod redirect;
mod scope;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

pub use client::{
    DeleteOidcClient, ListOidcClients, OidcClient, OidcClients, ReadOidcClient, WriteOidcClient,
};
pub use flow::{
    AuthorizeOidcClient, AuthorizeOidcClientByQuery, ExchangeOidcCode, OidcAuthorization,
    OidcFailure, OidcGrant, OidcUserInfo, PostOidcUserInfo, ReadOidcUserInfo,
};
pub use scope::{
    DeleteOidcAssignment, DeleteOidcScope, ListOidcAssignments, ListOidcScopes, OidcAssignment,
    OidcScope, ReadOidcAssignment, ReadOidcScope, WriteOidcAssignment, WriteOidcScope,
};

use super::OidcKeySet;
use crate::{coerce, endpoint};

/// `POST identity/oidc/provider/:name`: makes a provider, or changes what is given of it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcProvider {
    /// The name; `default` is there from the start, for all clients.
    #[serde(skip_serializing)]
    pub name: String,
    /// Scheme, host and optional port of the issuer (`https://example.com:8200`); empty for the
    /// `api_addr` of the server.
    #[serde(deserialize_with = "coerce::text")]
    pub issuer: Option<String>,
    /// The client ids of those who may use it; `*` is all, none is nobody.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_client_ids: Option<Vec<String>>,
    /// The scopes that clients may ask for beside `openid`.
    #[serde(deserialize_with = "coerce::list")]
    pub scopes_supported: Option<Vec<String>>,
}
endpoint!(WriteOidcProvider { name } => (): Update "oidc/provider/{name}");

/// `GET identity/oidc/provider/:name`: reads a provider.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcProvider {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcProvider { name } => OidcProvider: Read "oidc/provider/{name}");

/// A provider.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcProvider {
    /// The client ids of those who may use it; `*` is all.
    pub allowed_client_ids: Vec<String>,
    /// The `iss` of its tokens, whole.
    pub issuer: String,
    /// The scopes that clients may ask for beside `openid`.
    pub scopes_supported: Vec<String>,
}

/// `DELETE identity/oidc/provider/:name`: removes a provider; `default` stays.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOidcProvider {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteOidcProvider { name } => (): Delete "oidc/provider/{name}");

/// `LIST identity/oidc/provider`: lists all providers, or those that one client may use.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOidcProviders {
    /// The client id of that client.
    #[serde(deserialize_with = "coerce::text")]
    pub allowed_client_id: Option<String>,
}
endpoint!(ListOidcProviders {} => OidcProviders: List "oidc/provider");

/// Providers.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct OidcProviders {
    /// Their names.
    pub keys: Vec<String>,
    /// What they are, by name.
    pub key_info: BTreeMap<String, OidcProvider>,
}

/// `GET identity/oidc/provider/:name/.well-known/openid-configuration`: tells what a client must
/// know of a provider (OpenID Connect Discovery 1.0 section 3). Public, without an envelope.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcProviderDiscovery {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcProviderDiscovery { name } => OidcProviderDiscovery: Read
    "oidc/provider/{name}/.well-known/openid-configuration", access Public; document);

/// What a client must know of a provider.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcProviderDiscovery {
    /// The `iss` of every token.
    pub issuer: String,
    /// Where the public keys are.
    pub jwks_uri: String,
    /// The page that people are sent to: where Vault's own has it. It asks them to log in, calls
    /// [`AuthorizeOidcClient`] with their token and sends them back with the code.
    pub authorization_endpoint: String,
    /// Where a code becomes tokens.
    pub token_endpoint: String,
    /// Where an access token becomes claims.
    pub userinfo_endpoint: String,
    /// Always false.
    pub request_parameter_supported: bool,
    /// Always false.
    pub request_uri_parameter_supported: bool,
    /// The algorithms of signing keys.
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// Always `code`.
    pub response_types_supported: Vec<String>,
    /// The scopes of the provider, then `openid`.
    pub scopes_supported: Vec<String>,
    /// Always empty: the claims are those of the scopes.
    pub claims_supported: Vec<String>,
    /// Always `public`.
    pub subject_types_supported: Vec<String>,
    /// Always `authorization_code`.
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate: `none`, `client_secret_basic`, `client_secret_post`.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// How a code is bound to its client (RFC 8414 section 2): `plain`, `S256`.
    pub code_challenge_methods_supported: Vec<String>,
}

/// `GET identity/oidc/provider/:name/.well-known/keys`: reads the public keys of the clients that
/// may use a provider, the next ones included (RFC 7517 section 5). Public, without an envelope.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcProviderKeySet {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcProviderKeySet { name } => OidcKeySet: Read
    "oidc/provider/{name}/.well-known/keys", access Public; document);
