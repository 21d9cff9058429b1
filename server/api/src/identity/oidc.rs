//! Identity tokens: JSON Web Tokens (RFC 7519) about entities, for those who trust this server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::Names;
use crate::{Sensitive, coerce, endpoint};

/// `GET identity/oidc/config`: tells what all identity tokens have in common.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcConfig {}
endpoint!(ReadOidcConfig {} => OidcConfig: Read "oidc/config");

/// `POST identity/oidc/config`: sets what all identity tokens have in common.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcConfig {
    /// Scheme, host and optional port of the issuer (`https://example.com:8200`); empty for the
    /// `api_addr` of the server.
    #[serde(deserialize_with = "coerce::text")]
    pub issuer: Option<String>,
}
endpoint!(WriteOidcConfig {} => (): Update "oidc/config");

/// What all identity tokens have in common.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcConfig {
    /// Scheme, host and optional port of the issuer; empty for the `api_addr` of the server.
    pub issuer: String,
}

impl OidcConfig {
    /// Tells whether a text can be an issuer: scheme, host and perhaps port, and nothing else.
    #[must_use]
    pub fn takes(issuer: &str) -> bool {
        let host = issuer
            .strip_prefix("https://")
            .or_else(|| issuer.strip_prefix("http://"));
        let belongs = |byte: u8| byte.is_ascii_graphic() && !b"/?#@\\\"<>".contains(&byte);
        host.is_some_and(|host| !host.is_empty() && host.bytes().all(belongs))
    }
}

/// `POST identity/oidc/key/:name`: makes a signing key, or changes what is given of it. Another
/// algorithm takes effect at once; tokens that were signed before stay valid.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcKey {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
    /// How long it signs before the next one does: seconds, or a duration; 24 hours if left out.
    #[serde(deserialize_with = "coerce::seconds")]
    pub rotation_period: Option<i64>,
    /// How long what it signed can be verified after that: 24 hours if left out, at most ten times
    /// `rotation_period`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub verification_ttl: Option<i64>,
    /// `RS256` (if left out), `RS384`, `RS512`, `ES256`, `ES384`, `ES512` or `EdDSA`.
    #[serde(deserialize_with = "coerce::text")]
    pub algorithm: Option<String>,
    /// The client ids of the roles and clients that it may sign for; `*` is all, none is nobody.
    #[serde(deserialize_with = "coerce::list")]
    pub allowed_client_ids: Option<Vec<String>>,
}
endpoint!(WriteOidcKey { name } => (): Update "oidc/key/{name}");

/// `GET identity/oidc/key/:name`: tells what is public about a signing key.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcKey {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcKey { name } => OidcKey: Read "oidc/key/{name}");

/// What is public about a signing key. Durations are whole seconds.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcKey {
    /// The algorithm (RFC 7518 section 3.1).
    pub algorithm: String,
    /// The client ids of the roles and clients that it may sign for.
    pub allowed_client_ids: Vec<String>,
    /// How long it signs before the next one does.
    pub rotation_period: u64,
    /// How long what it signed can be verified after that.
    pub verification_ttl: u64,
}

/// `DELETE identity/oidc/key/:name`: removes a signing key that no role and no client refers to, which
/// is never `default`; one that is not there is no error.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOidcKey {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteOidcKey { name } => (): Delete "oidc/key/{name}");

/// `LIST identity/oidc/key`: lists the names of all signing keys.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOidcKeys {}
endpoint!(ListOidcKeys {} => Names: List "oidc/key");

/// `POST identity/oidc/key/:name/rotate`: signs with the next key from now on.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RotateOidcKey {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
    /// How long what the old one signed can be verified; as the key says if left out.
    #[serde(deserialize_with = "coerce::seconds")]
    pub verification_ttl: Option<i64>,
}
endpoint!(RotateOidcKey { name } => (): Update "oidc/key/{name}/rotate");

/// `POST identity/oidc/role/:name`: makes a role, which says what identity tokens tell, or changes
/// what is given of it.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteOidcRole {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
    /// The signing key.
    #[serde(deserialize_with = "coerce::text")]
    pub key: Option<String>,
    /// The claims beside the standard ones: a JSON object with templates such as
    /// `{{identity.entity.name}}`, plain or in base64.
    #[serde(deserialize_with = "coerce::text")]
    pub template: Option<String>,
    /// How long its tokens last: 24 hours if left out, at most the key's `verification_ttl`.
    #[serde(deserialize_with = "coerce::seconds")]
    pub ttl: Option<i64>,
    /// The audience of its tokens; made up where none is given.
    #[serde(deserialize_with = "coerce::text")]
    pub client_id: Option<String>,
}
endpoint!(WriteOidcRole { name } => (): Update "oidc/role/{name}");

/// `GET identity/oidc/role/:name`: tells what a role says.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcRole {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcRole { name } => OidcRole: Read "oidc/role/{name}");

/// What a role says.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcRole {
    /// The audience of its tokens.
    pub client_id: String,
    /// The signing key.
    pub key: String,
    /// The claims beside the standard ones.
    pub template: String,
    /// How long its tokens last, in seconds.
    pub ttl: u64,
}

/// `DELETE identity/oidc/role/:name`: removes a role.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteOidcRole {
    /// The name.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteOidcRole { name } => (): Delete "oidc/role/{name}");

/// `LIST identity/oidc/role`: lists the names of all roles.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListOidcRoles {}
endpoint!(ListOidcRoles {} => Names: List "oidc/role");

/// `GET identity/oidc/token/:name`: makes an identity token about the caller's entity.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcToken {
    /// The name of the role.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadOidcToken { name } => OidcToken: Read "oidc/token/{name}");

/// An identity token.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcToken {
    /// Its audience.
    pub client_id: String,
    /// The token: a JSON Web Token in its compact form.
    pub token: Sensitive,
    /// How long it lasts, in seconds.
    pub ttl: u64,
}

/// `POST identity/oidc/introspect`: tells whether an identity token is good, and its entity there
/// and not disabled. The answer has no envelope.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct IntrospectOidcToken {
    /// The token.
    pub token: Option<Sensitive>,
    /// The audience that it must have, if it must have one.
    #[serde(deserialize_with = "coerce::text")]
    pub client_id: Option<String>,
}
endpoint!(IntrospectOidcToken {} => Introspection: Update "oidc/introspect"; document);

/// Whether an identity token is good (RFC 7662 section 2.2).
#[skip_serializing_none]
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Introspection {
    /// Whether it is.
    pub active: bool,
    /// Why not.
    pub error: Option<String>,
}

/// `GET identity/oidc/.well-known/openid-configuration`: tells what who verifies identity tokens
/// must know (OpenID Connect Discovery 1.0 section 3). Public, without an envelope.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcDiscovery {}
endpoint!(ReadOidcDiscovery {} => OidcDiscovery: Read "oidc/.well-known/openid-configuration", access Public; document);

/// What who verifies identity tokens must know.
#[derive(Debug, Deserialize, Serialize)]
pub struct OidcDiscovery {
    /// The `iss` of every token.
    pub issuer: String,
    /// Where the public keys are.
    pub jwks_uri: String,
    /// Always `id_token`.
    pub response_types_supported: Vec<String>,
    /// Always `public`.
    pub subject_types_supported: Vec<String>,
    /// The algorithms of signing keys.
    pub id_token_signing_alg_values_supported: Vec<String>,
}

/// `GET identity/oidc/.well-known/keys`: reads the public keys of all signing keys that a role
/// refers to, the next ones included (RFC 7517 section 5). Public, without an envelope.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadOidcKeySet {}
endpoint!(ReadOidcKeySet {} => OidcKeySet: Read "oidc/.well-known/keys", access Public; document);

/// Public keys.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct OidcKeySet {
    /// The keys; their members are text.
    pub keys: Vec<BTreeMap<String, String>>,
}
