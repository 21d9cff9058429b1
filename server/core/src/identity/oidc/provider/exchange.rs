//! The token request (OpenID Connect Core 1.0 section 3.1.3): tokens for a code.

use std::sync::Arc;

use keyward_api::{
    ROOT_NAMESPACE_ID, Sensitive,
    identity::{ExchangeOidcCode, OidcGrant},
};
use serde_json::Value;

use super::{
    super::{super::IdentityStore, Known, NamedKey, Oidc},
    Client, Fault, OAuthError, Provider,
    access_token::Access,
    authorize::{NOT_ASSIGNED, given},
    code::Grant,
};
use crate::{Timestamp, view::View};

/// How a client shows who it is.
pub(in crate::identity) struct Shown {
    /// What it calls itself.
    pub(in crate::identity) client_id: Option<String>,
    /// What it proves that with.
    pub(in crate::identity) secret: Option<Sensitive>,
}

/// A client that may have tokens of a provider, and what signs them.
struct Admitted<'k> {
    client: &'k Client,
    provider: &'k Provider,
    key: &'k NamedKey,
}

impl Oidc {
    /// Uses a code up and makes the tokens for it; the request is put on record first.
    ///
    /// # Errors
    /// What is wrong with the request, in Vault's order; from the code on, it is used up.
    pub(in crate::identity) async fn exchange(
        &self,
        people: &IdentityStore,
        request: ExchangeOidcCode,
        shown: Shown,
        issuer: impl Fn(&Provider) -> String,
        on_record: &View,
        now: Timestamp,
    ) -> Result<OidcGrant, Fault> {
        // A code that is used up without a record would be an effect that nobody sees. Before all
        // else, since what is known may change while the record is written.
        on_record.on_record().await?;
        let known = self.now();
        let admitted = known.admit(&request.name, shown)?;
        if request.grant_type.as_deref() != Some("authorization_code") {
            return Err(Fault::new(
                OAuthError::UnsupportedGrantType,
                "unsupported grant_type or parameter is empty value",
            ));
        }
        let code = request.code.as_ref();
        // EXPOSE: only emptiness is looked at.
        let code = code.filter(|code| !code.expose().is_empty());
        let code = code.ok_or_else(|| Fault::invalid("code parameter is required"))?;
        let grant = self.codes.take(code, now);
        let grant = grant.ok_or_else(|| {
            let text = "authorization grant is invalid or expired";
            Fault::new(OAuthError::InvalidGrant, text)
        })?;
        check(&grant, &admitted, &request)?;
        let Admitted {
            client,
            provider,
            key,
        } = admitted;
        let about = people.of(&grant.entity_id);
        let about = about
            .filter(|about| !about.is_disabled() && known.registry.may_ask(client, about))
            .ok_or_else(|| Fault::invalid(NOT_ASSIGNED))?;
        check_verifier(&grant, request.code_verifier.as_ref())?;
        let mut claims = known
            .registry
            .claims(provider, &grant.scopes, &about, now)?;
        let access_token = self.seal_access(&Access {
            provider: request.name,
            client_id: grant.client_id,
            entity_id: about.entity_id().to_owned(),
            scopes: grant.scopes,
            end: now.plus(client.access_ttl()),
        })?;
        let seconds = now.unix_seconds();
        // Last, so that no template speaks for the server.
        for (name, value) in [
            ("iss", Value::from(issuer(provider))),
            ("sub", about.entity_id().into()),
            ("aud", client.client_id.as_str().into()),
            ("iat", seconds.into()),
            ("exp", seconds.saturating_add(client.id_token_ttl).into()),
            ("namespace", ROOT_NAMESPACE_ID.into()),
            ("at_hash", key.half_hash(&access_token)?.into()),
            ("c_hash", key.half_hash(code)?.into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let asked = [
            ("nonce", grant.nonce.map(Value::from)),
            ("auth_time", grant.auth_time.map(Value::from)),
        ];
        for (name, value) in asked {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        }
        Ok(OidcGrant {
            access_token,
            expires_in: client.access_token_ttl,
            id_token: Sensitive::new(key.sign(claims)?),
            token_type: "Bearer".to_owned(),
        })
    }
}

impl Known {
    /// Finds the client, and looks whether it is itself and may have tokens.
    fn admit(&self, provider: &str, shown: Shown) -> Result<Admitted<'_>, Fault> {
        let provider = self.registry.providers.get(provider);
        let provider = provider.ok_or_else(|| Fault::invalid("provider not found"))?;
        let id = given(shown.client_id.as_deref())
            .ok_or_else(|| Fault::invalid("client_id parameter is required"))?;
        let refused = |text: &str| Fault::new(OAuthError::InvalidClient, text);
        let client = self.registry.client(id);
        let is_itself = |client: &&Arc<Client>| match &client.secret {
            None => true,
            // In constant time.
            Some(secret) => shown.secret.as_ref() == Some(secret),
        };
        let client = client.filter(is_itself);
        let client = client.ok_or_else(|| refused("client failed to authenticate"))?;
        if !provider.allows(id) {
            return Err(refused("client is not authorized to use the provider"));
        }
        let key = self.keys.get(&client.key).filter(|key| key.allows(id));
        let key = key.ok_or_else(|| refused("client is not authorized to use the key"))?;
        Ok(Admitted {
            client,
            provider,
            key,
        })
    }
}

/// Looks whether a code was made for this request.
fn check(grant: &Grant, admitted: &Admitted<'_>, request: &ExchangeOidcCode) -> Result<(), Fault> {
    let refused = |text: &str| Err(Fault::new(OAuthError::InvalidGrant, text));
    if grant.client_id != admitted.client.client_id {
        return refused("authorization code was not issued to the client");
    }
    if grant.provider != request.name {
        return refused("authorization code was not issued by the provider");
    }
    match given(request.redirect_uri.as_deref()) {
        None => Err(Fault::invalid("redirect_uri parameter is required")),
        Some(uri) if uri != grant.redirect_uri => refused(
            "redirect_uri does not match the redirect_uri used in the authorization request",
        ),
        Some(_) => Ok(()),
    }
}

/// Looks whether the code comes from who asked for it. A verifier without a challenge is refused
/// too: somebody took the challenge out of the request on its way (RFC 9700 section 4.8.2).
fn check_verifier(grant: &Grant, verifier: Option<&Sensitive>) -> Result<(), Fault> {
    // EXPOSE: only emptiness is looked at.
    let verifier = verifier.filter(|verifier| !verifier.expose().is_empty());
    match (&grant.challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Fault::invalid(
            "unexpected code_verifier for token exchange",
        )),
        (Some(_), None) => Err(Fault::invalid("expected code_verifier for token exchange")),
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(Fault::new(
            OAuthError::InvalidGrant,
            "invalid code_verifier for token exchange",
        )),
    }
}
