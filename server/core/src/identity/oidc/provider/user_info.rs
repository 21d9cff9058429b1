//! The claims of who an access token is about (OpenID Connect Core 1.0 section 5.3).

use keyward_api::identity::OidcUserInfo;

use super::{
    super::{super::IdentityStore, Oidc},
    Fault, OAuthError,
    authorize::NOT_ASSIGNED,
};
use crate::{Timestamp, TokenId};

impl Oidc {
    /// Tells who brings an access token about whom it is.
    ///
    /// All that was looked at when it was made is looked at again: it is good only as long as the
    /// client may still ask.
    ///
    /// # Errors
    /// The access token is none, or not good any more.
    pub(in crate::identity) fn user_info(
        &self,
        people: &IdentityStore,
        provider_name: &str,
        token: Option<&TokenId>,
        now: Timestamp,
    ) -> Result<OidcUserInfo, Fault> {
        let refused = |text: &str| Fault::new(OAuthError::InvalidToken, text);
        let denied = |text: &str| Fault::new(OAuthError::AccessDenied, text);
        let token = token.ok_or_else(|| refused("permission denied"))?;
        // EXPOSE: opened.
        let access = self.open_access(token.expose(), now);
        let access = access.ok_or_else(|| refused("access token is malformed or invalid"))?;
        let known = self.now();
        let registry = &known.registry;
        let provider = registry.providers.get(provider_name);
        let provider = provider
            .filter(|_| access.provider == provider_name)
            .ok_or_else(|| refused("permission denied"))?;
        let about = people.of(&access.entity_id);
        let about = about
            .filter(|about| !about.is_disabled())
            .ok_or_else(|| refused("permission denied"))?;
        let client = registry.client(&access.client_id);
        let client = client.ok_or_else(|| denied("client not found"))?;
        if !registry.may_ask(client, &about) {
            return Err(denied(NOT_ASSIGNED));
        }
        if !provider.allows(&client.client_id) {
            return Err(denied("client is not authorized to use the provider"));
        }
        let claims = registry.claims(provider, &access.scopes, &about, now)?;
        let mut told: OidcUserInfo = claims.into_iter().collect();
        // Last, so that no template speaks for the server.
        told.insert("sub".to_owned(), about.entity_id().into());
        Ok(told)
    }
}
