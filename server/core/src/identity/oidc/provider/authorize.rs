//! The authorization request (OpenID Connect Core 1.0 section 3.1.2): somebody lets a client know who
//! they are.

use std::sync::Arc;

use keyward_api::{
    Sensitive,
    identity::{AuthorizeOidcClient, OidcClient},
};

use super::{
    super::{super::Identity, Known, Oidc},
    Client, Fault, OAuthError, OPENID,
    code::Grant,
    pkce::Challenge,
};
use crate::Timestamp;

/// Who lets a client know.
pub(in crate::identity) struct Asker<'p> {
    /// None if the token is of nobody.
    pub(in crate::identity) identity: Option<&'p Identity>,
    /// When their token was made.
    pub(in crate::identity) since: Timestamp,
    /// Their token is good for some keys or pages alone.
    pub(in crate::identity) is_confined: bool,
}

/// The longest nonce, in bytes: a code keeps it in memory.
const LONGEST_NONCE: usize = 1024;

impl Oidc {
    /// Makes a code.
    ///
    /// # Errors
    /// What is wrong with the request. The order is Vault's: first what says whether people may be
    /// sent back at all.
    pub(in crate::identity) fn authorize(
        &self,
        known: &Known,
        request: AuthorizeOidcClient,
        asker: &Asker<'_>,
        now: Timestamp,
    ) -> Result<Sensitive, Fault> {
        let client = known.client_of(&request)?;
        let scopes = known.scopes_of(client, &request)?;
        let identity = asker
            .identity
            .ok_or_else(|| denied("identity entity must be associated with the request"))?;
        if !known.registry.may_ask(client, identity) {
            return Err(denied(NOT_ASSIGNED));
        }
        // What is made elsewhere with the outcome is confined to nothing.
        if asker.is_confined {
            return Err(denied(
                "a token that is confined to keys or pages logs nobody in",
            ));
        }
        if request
            .nonce
            .as_ref()
            .is_some_and(|nonce| nonce.len() > LONGEST_NONCE)
        {
            let text = format!("nonce is longer than {LONGEST_NONCE} bytes");
            return Err(Fault::invalid(text));
        }
        let challenge = Challenge::parse(
            request.code_challenge,
            request.code_challenge_method.as_deref(),
        )?;
        if challenge.is_none() && client.secret.is_none() {
            return Err(Fault::invalid("PKCE is required for public clients"));
        }
        let auth_time = match request.max_age {
            None => None,
            Some(most) => Some(auth_time(most, asker.since, now)?),
        };
        let grant = Grant {
            provider: request.name,
            client_id: client.client_id.clone(),
            redirect_uri: request.redirect_uri.unwrap_or_default(),
            entity_id: identity.entity_id().to_owned(),
            scopes,
            nonce: request.nonce.filter(|nonce| !nonce.is_empty()),
            auth_time,
            challenge,
        };
        self.codes.issue(grant, now)
    }
}

/// Why a client is told nothing about somebody.
pub(super) const NOT_ASSIGNED: &str = "identity entity not authorized by client assignment";

fn denied(description: &str) -> Fault {
    Fault::new(OAuthError::AccessDenied, description)
}

/// Returns when somebody logged in, which is when their token was made, if that is not too long ago.
fn auth_time(most: i64, since: Timestamp, now: Timestamp) -> Result<u64, Fault> {
    let Some(most) = u64::try_from(most).ok().filter(|most| *most > 0) else {
        return Err(Fault::invalid("max_age must be greater than zero"));
    };
    if now.since(since).as_secs() > most {
        return Err(Fault::new(
            OAuthError::MaxAgeViolation,
            "active re-authentication is required by max_age",
        ));
    }
    Ok(since.unix_seconds())
}

impl Known {
    /// Finds the client, and looks whether it may send people where it says.
    fn client_of(&self, request: &AuthorizeOidcClient) -> Result<&Arc<Client>, Fault> {
        let unknown = |description: &str| Fault::new(OAuthError::InvalidClientId, description);
        let id = given(request.client_id.as_deref())
            .ok_or_else(|| unknown("client_id parameter is required"))?;
        let client = self.registry.client(id);
        let client = client.ok_or_else(|| unknown("client with client_id not found"))?;
        let uri = given(request.redirect_uri.as_deref())
            .ok_or_else(|| Fault::invalid("redirect_uri parameter is required"))?;
        let mut registered = client.redirect_uris.iter();
        if !registered.any(|registered| OidcClient::redirects(registered, uri)) {
            return Err(Fault::new(
                OAuthError::InvalidRedirectUri,
                "redirect_uri is not allowed for the client",
            ));
        }
        Ok(client)
    }

    /// Looks whether the provider does what is asked for; returns the scopes beside `openid`.
    fn scopes_of(
        &self,
        client: &Client,
        request: &AuthorizeOidcClient,
    ) -> Result<Vec<String>, Fault> {
        let provider = self.registry.providers.get(&request.name);
        let provider = provider.ok_or_else(|| Fault::invalid("provider not found"))?;
        if !provider.allows(&client.client_id) {
            return Err(Fault::new(
                OAuthError::UnauthorizedClient,
                "client is not authorized to use the provider",
            ));
        }
        if given(request.request.as_deref()).is_some() {
            return Err(Fault::new(
                OAuthError::RequestNotSupported,
                "request parameter is not supported",
            ));
        }
        if given(request.request_uri.as_deref()).is_some() {
            return Err(Fault::new(
                OAuthError::RequestUriNotSupported,
                "request_uri parameter is not supported",
            ));
        }
        let scope = request.scope.as_deref().unwrap_or_default();
        let asked: Vec<&str> = scope.split_whitespace().collect();
        if !asked.contains(&OPENID) {
            return Err(Fault::invalid(format!(
                "scope parameter must contain the {OPENID:?} value"
            )));
        }
        match given(request.response_type.as_deref()) {
            Some("code") => {}
            None => return Err(Fault::invalid("response_type parameter is required")),
            Some(_) => {
                return Err(Fault::new(
                    OAuthError::UnsupportedResponseType,
                    "unsupported response_type value",
                ));
            }
        }
        let supported = provider.scopes_supported.iter();
        let wanted = supported.filter(|name| asked.contains(&name.as_str()));
        Ok(wanted.cloned().collect())
    }
}

/// Takes a text that is given and not empty.
pub(super) fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
