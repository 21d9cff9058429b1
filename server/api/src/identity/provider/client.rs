//! Clients: the relying parties that may send people here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint};

/// `POST identity/oidc/client/:name`: registers a client, or changes what is given of it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcClient {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
    /// Where it may send people back to. The port of a loopback address does not count (RFC 8252
    /// section 7.3).
    #[serde(deserialize_with = "coerce::list")]
    pub redirect_uris: Option<Vec<String>>,
    /// The assignments that say whom it may ask about; `allow_all` is everybody, none is nobody.
    #[serde(deserialize_with = "coerce::list")]
    pub assignments: Option<Vec<String>>,
    /// The key that signs its tokens, `default` if left out; it cannot be changed later.
    #[serde(deserialize_with = "coerce::text")]
    pub key: Option<String>,
    /// `confidential` (if left out), which has a secret, or `public`, which has none and must use
    /// PKCE; it cannot be changed later.
    #[serde(deserialize_with = "coerce::text")]
    pub client_type: Option<String>,
    /// How long its identity tokens last: 24 hours if left out, at most the key's
    /// `verification_ttl`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub id_token_ttl: Option<i64>,
    /// How long its access tokens last: 24 hours if left out.
    #[serde(deserialize_with = "coerce::seconds")]
    pub access_token_ttl: Option<i64>,
}
endpoint!(WriteOidcClient { name } => (): Update "oidc/client/{name}");

/// `GET identity/oidc/client/:name`: reads a client with its secret.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcClient {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcClient { name } => OidcClient: Read "oidc/client/{name}");

/// A client. Durations are whole seconds.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcClient {
    /// How long its access tokens last.
    pub access_token_ttl: u64,
    /// The assignments that say whom it may ask about.
    pub assignments: Vec<String>,
    /// What it calls itself; made up by the server.
    pub client_id: String,
    /// What it proves that with; none of a public client, and none in a list.
    pub client_secret: Option<Sensitive>,
    /// `confidential` or `public`.
    pub client_type: String,
    /// How long its identity tokens last.
    pub id_token_ttl: u64,
    /// The key that signs its tokens.
    pub key: String,
    /// Where it may send people back to.
    pub redirect_uris: Vec<String>,
}

/// `DELETE identity/oidc/client/:name`: removes a client; its codes and access tokens are over.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOidcClient {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteOidcClient { name } => (): Delete "oidc/client/{name}");

/// `LIST identity/oidc/client`: lists all clients, without their secrets.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOidcClients {}
endpoint!(ListOidcClients {} => OidcClients: List "oidc/client");

/// All clients.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct OidcClients {
    /// Their names.
    pub keys: Vec<String>,
    /// What they are, by name.
    pub key_info: BTreeMap<String, OidcClient>,
}
