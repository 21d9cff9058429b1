//! The end of secret ids, and of what removed roles leave.

use keyward_api::auth::approle as api;
use keyward_core::{Change, Error, Outcome, Response, Timestamp, View, engine::Context};
use keyward_crypto::SecretBytes;

use super::{Approle, record};

const LEFT: &str = "left/";

/// How many secret ids are removed at once.
const PAGE: usize = 256;

/// Begins to remove what is due, as every tick goes on to do.
pub(super) async fn tidy(
    cx: Context<Approle>,
    _: api::TidySecretIds,
) -> Result<Response<()>, Error> {
    match remove_due(cx.view(), cx.now()).await {
        // The tick came first.
        Ok(()) | Err(Error::Conflict(_)) => {}
        Err(error) => return Err(error),
    }
    let text = "Tidy operation successfully started. Any information from the operation will be \
                printed to Vault's server logs.";
    Ok(Response::empty().warn(text).outcome(Outcome::Accepted))
}

/// Removes secret ids whose time is over, and what is left of a role that was removed: a page of
/// each.
///
/// # Errors
/// The store failed, or something was changed meanwhile; what is left is still due.
pub(super) async fn remove_due(view: &View, now: Timestamp) -> Result<(), Error> {
    record::clear_ended(view, now, PAGE).await?;
    let shelves = view.list(LEFT, None, Some(1)).await?;
    let Some(shelf) = shelves.first() else {
        return Ok(());
    };
    if record::clear(view, shelf, PAGE).await? {
        view.delete(&format!("{LEFT}{shelf}")).await?;
    }
    Ok(())
}

/// Returns what has the ticks remove all that is on a shelf.
pub(super) fn leave(shelf: &str) -> Change {
    Change::put(format!("{LEFT}{shelf}"), SecretBytes::new(Vec::new()))
}
