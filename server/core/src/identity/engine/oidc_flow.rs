//! `identity/oidc/provider/:name`: the authorization code flow.

use keyward_api::{
    Sensitive,
    identity::{
        AuthorizeOidcClient, AuthorizeOidcClientByQuery, ExchangeOidcCode, OidcAuthorization,
        OidcFailure, OidcGrant, OidcUserInfo, PostOidcUserInfo, ReadOidcUserInfo,
    },
};

use super::{
    super::oidc::provider::{Asker, Fault, OAuthError, Shown},
    Identities,
    oidc::JSON,
    oidc_provider::issuer,
};
use crate::{Credentials, Denial, Document, Error, Outcome, Response, engine::Context};

/// Makes a code for a client about the caller's entity.
pub(super) async fn authorize(
    cx: Context<Identities>,
    request: AuthorizeOidcClient,
) -> Result<Response<OidcAuthorization>, Error> {
    let state = request.state.clone().unwrap_or_default();
    let principal = cx.principal().ok_or(Error::Denied(Denial::Token))?;
    let asker = Asker {
        identity: principal.identity.as_deref(),
        since: principal.token.created(),
        is_confined: !principal.token.caveats().is_empty(),
    };
    // A code is an effect that nothing takes back.
    cx.view().on_record().await?;
    let known = cx.oidc.now();
    match cx.oidc.authorize(&known, request, &asker, cx.now()) {
        Ok(code) => {
            let answer = OidcAuthorization { code, state };
            Document::json(JSON, &answer).map(Response::document)
        }
        Err(fault) => told(fault, Some(state), Outcome::Invalid, None),
    }
}

/// As [`authorize`], of a query.
pub(super) async fn authorize_by_query(
    cx: Context<Identities>,
    AuthorizeOidcClientByQuery(request): AuthorizeOidcClientByQuery,
) -> Result<Response<OidcAuthorization>, Error> {
    authorize(cx, request).await
}

/// Makes tokens for a code.
pub(super) async fn exchange(
    cx: Context<Identities>,
    mut request: ExchangeOidcCode,
) -> Result<Response<OidcGrant>, Error> {
    let shown = match &cx.request().credentials {
        Some(Credentials { name, secret }) => Shown {
            client_id: Some(name.clone()),
            secret: Some(Sensitive::from(secret.duplicate())),
        },
        None => Shown {
            client_id: request.client_id.take(),
            secret: request.client_secret.take(),
        },
    };
    let provider = request.name.clone();
    let exchanged = cx
        .oidc
        .exchange(
            &cx.store,
            request,
            shown,
            |it| issuer(&cx, &provider, it),
            cx.view(),
            cx.now(),
        )
        .await;
    match exchanged {
        Ok(grant) => Document::json(JSON, &grant).map(Response::document),
        Err(fault) => match fault.error {
            OAuthError::InvalidClient => told(fault, None, Outcome::Unauthenticated, Some("Basic")),
            _ => told(fault, None, Outcome::Invalid, None),
        },
    }
}

/// Shows the claims that an access token opens.
pub(super) async fn user_info(
    cx: Context<Identities>,
    ReadOidcUserInfo { name }: ReadOidcUserInfo,
) -> Result<Response<OidcUserInfo>, Error> {
    let token = cx.request().token.as_ref();
    match cx.oidc.user_info(&cx.store, &name, token, cx.now()) {
        Ok(info) => Document::json(JSON, &info).map(Response::document),
        Err(fault) => match fault.error {
            OAuthError::AccessDenied => told(fault, None, Outcome::Denied, None),
            OAuthError::InvalidToken => {
                let text = &fault.description;
                let challenge =
                    format!("Bearer error=\"invalid_token\",error_description=\"{text}\"");
                told(fault, None, Outcome::Unauthenticated, Some(&challenge))
            }
            _ => told(fault, None, Outcome::Invalid, None),
        },
    }
}

/// As [`user_info`], by POST.
pub(super) async fn post_user_info(
    cx: Context<Identities>,
    PostOidcUserInfo { name }: PostOidcUserInfo,
) -> Result<Response<OidcUserInfo>, Error> {
    user_info(cx, ReadOidcUserInfo { name }).await
}

/// Answers with what is wrong, in the words of OAuth.
///
/// # Errors
/// What is wrong is with the server.
fn told<T>(
    fault: Fault,
    state: Option<String>,
    outcome: Outcome,
    challenge: Option<&str>,
) -> Result<Response<T>, Error> {
    if let Some(error) = fault.internal {
        return Err(error);
    }
    let failure = OidcFailure {
        error: fault.error.name().to_owned(),
        error_description: fault.description,
        state,
    };
    let mut document = Document::json(JSON, &failure)?;
    if let Some(challenge) = challenge {
        document = document.challenging(challenge);
    }
    Ok(Response::document(document).outcome(outcome))
}
