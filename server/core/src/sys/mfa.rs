//! `sys/mfa/`: the second half of a login.

use keyward_api::sys::ValidateMfa;

use super::Sys;
use crate::{Error, MfaCredentials, Response, Validation, engine::Context};

/// Ends a login that waits for its second factor.
pub(super) async fn validate(
    cx: Context<Sys>,
    request: ValidateMfa,
) -> Result<Response<()>, Error> {
    // EXPOSE: whether it is empty is looked at.
    let id = request.mfa_request_id.filter(|id| !id.expose().is_empty());
    let id = id.ok_or_else(|| Error::invalid("missing request ID"))?;
    let credentials = MfaCredentials::of_payload(request.mfa_payload.unwrap_or_default())?;
    let validation = Validation {
        core: cx.core(),
        remote: &cx.request().remote,
        view: cx.view(),
        now: cx.now(),
    };
    // A service may be asked, which a phone shows.
    cx.view().on_record().await?;
    let mfa = &cx.core().identities.mfa;
    // EXPOSE: the login that waits is found by it.
    let login = mfa.validate(id.expose(), &credentials, validation).await?;
    Ok(Response::validated(login))
}
