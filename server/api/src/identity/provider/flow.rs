//! The authorization code flow (OpenID Connect Core 1.0 section 3.1): a code, tokens for it, claims.
//!
//! None of these answers has an envelope, and what is wrong is told in the words of OAuth 2.0.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use crate::{Operation, Sensitive, coerce, endpoint};

/// `POST identity/oidc/provider/:name/authorize`: makes a code about the caller's entity for a client
/// (RFC 6749 section 4.1.1). The page that people are sent to calls it with their token.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct AuthorizeOidcClient {
    /// The name of the provider.
    #[serde(skip_serializing)]
    pub name: String,
    /// The client.
    #[serde(deserialize_with = "coerce::text")]
    pub client_id: Option<String>,
    /// Where it wants people to be sent back to: one of those that it is registered with.
    #[serde(deserialize_with = "coerce::text")]
    pub redirect_uri: Option<String>,
    /// `code`.
    #[serde(deserialize_with = "coerce::text")]
    pub response_type: Option<String>,
    /// `openid`, and the scopes whose claims it wants, with blanks between; those that the provider
    /// does not have are ignored.
    #[serde(deserialize_with = "coerce::text")]
    pub scope: Option<String>,
    /// Comes back as it is.
    #[serde(deserialize_with = "coerce::text")]
    pub state: Option<String>,
    /// Stands in the identity token as it is.
    #[serde(deserialize_with = "coerce::text")]
    pub nonce: Option<String>,
    /// How many seconds ago the caller's token may have been made at most.
    #[serde(deserialize_with = "coerce::int")]
    pub max_age: Option<i64>,
    /// What binds the code to who asks for it (RFC 7636 section 4.2); public clients must.
    /// With `plain` it is the very text that the code is exchanged with.
    pub code_challenge: Option<Sensitive>,
    /// `plain` (if left out) or `S256`.
    #[serde(deserialize_with = "coerce::text")]
    pub code_challenge_method: Option<String>,
    /// Not supported.
    #[serde(deserialize_with = "coerce::text")]
    pub request: Option<String>,
    /// Not supported.
    #[serde(deserialize_with = "coerce::text")]
    pub request_uri: Option<String>,
}
endpoint!(AuthorizeOidcClient { name } => OidcAuthorization: Update
    "oidc/provider/{name}/authorize"; document);

/// `GET identity/oidc/provider/:name/authorize`: makes a code, as [`AuthorizeOidcClient`] does.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct AuthorizeOidcClientByQuery(
    /// What [`AuthorizeOidcClient`] takes.
    pub AuthorizeOidcClient,
);

impl crate::Endpoint for AuthorizeOidcClientByQuery {
    const NAME: &'static str = "AuthorizeOidcClientByQuery";
    const OPERATION: Operation = Operation::Read;
    const PATH: &'static str = AuthorizeOidcClient::PATH;
    const DOCUMENT: bool = true;
    type Reply = OidcAuthorization;

    fn path(&self) -> String {
        self.0.path()
    }
}

/// A code.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcAuthorization {
    /// The code: good once, within five minutes.
    pub code: Sensitive,
    /// What was sent; empty if nothing was.
    pub state: String,
}

/// `POST identity/oidc/provider/:name/token`: gives tokens for a code (RFC 6749 section 4.1.3).
/// Public.
///
/// A client with a secret shows it here, or in `Authorization: Basic`, which counts if both are
/// sent.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ExchangeOidcCode {
    /// The name of the provider.
    #[serde(skip_serializing)]
    pub name: String,
    /// `authorization_code`.
    #[serde(deserialize_with = "coerce::text")]
    pub grant_type: Option<String>,
    /// The code.
    pub code: Option<Sensitive>,
    /// That with which the code was asked for.
    #[serde(deserialize_with = "coerce::text")]
    pub redirect_uri: Option<String>,
    /// The client.
    #[serde(deserialize_with = "coerce::text")]
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Sensitive>,
    /// What the challenge was made of (RFC 7636 section 4.1).
    pub code_verifier: Option<Sensitive>,
}
endpoint!(ExchangeOidcCode { name } => OidcGrant: Update
    "oidc/provider/{name}/token", access Public; document);

/// What a client gets for a code (OpenID Connect Core 1.0 section 3.1.3.3).
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcGrant {
    /// Opens the claims at `userinfo`, and nothing else.
    pub access_token: Sensitive,
    /// How long it lasts, in seconds.
    pub expires_in: u64,
    /// The identity token: a JSON Web Token in its compact form.
    pub id_token: Sensitive,
    /// Always `Bearer`.
    pub token_type: String,
}

/// `GET identity/oidc/provider/:name/userinfo`: reads the claims of the scopes that an access token
/// was asked for with (OpenID Connect Core 1.0 section 5.3). The access token stands where a token
/// of this server would, in `Authorization: Bearer`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcUserInfo {
    /// The name of the provider.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcUserInfo { name } => OidcUserInfo: Read
    "oidc/provider/{name}/userinfo", access Public; document);

impl ReadOidcUserInfo {
    /// Tells whether a path below `/v1/` is one of these: libraries of OAuth call them, which write
    /// the scheme of their token in either case (RFC 9110 section 11.1).
    #[must_use]
    pub fn is_at(path: &str) -> bool {
        let name = path.strip_prefix("identity/oidc/provider/");
        let name = name.and_then(|rest| rest.strip_suffix("/userinfo"));
        name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
    }
}

/// `POST identity/oidc/provider/:name/userinfo`: reads claims, as [`ReadOidcUserInfo`] does.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct PostOidcUserInfo {
    /// The name of the provider.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(PostOidcUserInfo { name } => OidcUserInfo: Update
    "oidc/provider/{name}/userinfo", access Public; document);

/// What a client is told of somebody: `sub`, and the claims of the scopes.
pub type OidcUserInfo = std::collections::BTreeMap<String, Value>;

/// Why the flow does not go on (RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1).
#[skip_serializing_none]
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct OidcFailure {
    /// A word for programs.
    pub error: String,
    /// A sentence for people.
    pub error_description: String,
    /// What was sent to `authorize`; empty if nothing was.
    pub state: Option<String>,
}
