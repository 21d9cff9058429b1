//! `auth/token/tidy`: entries that lead to no token are removed.

use keyward_api::auth::TidyTokens;

use super::super::TokenStore;
use crate::{Error, Outcome, Response, engine::Context};

/// Begins to tidy; how it went stands in the server's log.
pub(super) async fn tidy(cx: Context<TokenStore>, _: TidyTokens) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    Ok(if cx.start_tidying() {
        let text = "Tidy operation successfully started. Any information from the operation will be \
                    printed to Vault's server logs.";
        Response::empty().warn(text).outcome(Outcome::Accepted)
    } else {
        Response::empty().warn("Tidy operation already in progress.")
    })
}
