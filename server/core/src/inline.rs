//! Logins that come along with the one request that they are for: inline authentication, as OpenBao
//! calls it ([its RFC](https://openbao.org/docs/rfcs/inline-auth)).
//!
//! The login is a request of its own: it passes the same gate, counts for lockouts, may have to bring
//! a second factor, and is on record by itself. What it grants serves the other request and is gone
//! then.
//!
//! **Invariant:** nothing of such a token is stored, and nothing that hangs on a token is made with
//! it: no child, no lease, no cubbyhole, no request that waits for an approval.

use std::{
    mem,
    sync::{Arc, OnceLock},
};

use crate::{
    Denial, Done, Error, InlineLogin, Request, gate::Standing, lifecycle::Unsealed, pipeline,
};

/// Logs in, then does the request in the name of who logged in.
///
/// # Errors
/// [`Error::Login`] if it was the login that failed; else as [`Core::handle`](crate::Core::handle).
/// Either is on record.
pub(crate) async fn handle(
    core: &Arc<Unsealed>,
    login: InlineLogin,
    mut request: Request,
) -> Result<Done, Error> {
    let InlineLogin {
        operation,
        path,
        body,
    } = login;
    let login = Request {
        mfa: mem::take(&mut request.mfa),
        remote: request.remote.clone(),
        origin: request.origin.clone(),
        headers: request.headers.clone(),
        ..Request::new(operation, path, body)
    };
    let granted = OnceLock::new();
    let answered = match core.mounts.find(login.path.as_str()) {
        Some((mount, _)) if mount.gives_logins() => {
            pipeline::handle(core, login, Standing::LogsIn(&granted)).await
        }
        // Nothing else is asked that way, so that no answer is taken for one of a login.
        _ => pipeline::refuse(core, login, Error::Denied(Denial::Token)).await,
    };
    let answer = answered.map_err(|error| Error::Login(Box::new(error)))?;
    let Some(token) = granted.into_inner() else {
        return Ok(Done {
            of_login: true,
            ..answer
        });
    };
    if request.idempotency_key.is_some() {
        let reason = "requests with inline authentication cannot have an idempotency key, which \
                      stands for what one token asks";
        return pipeline::refuse(core, request, Error::invalid(reason)).await;
    }
    pipeline::handle(core, request, Standing::LoggedIn(&token)).await
}
