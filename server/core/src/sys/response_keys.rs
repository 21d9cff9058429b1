//! `sys/response-keys`.

use std::time::Duration;

use keyward_api::{sys::ReadResponseKeys, transit::Jwks};

use super::Sys;
use crate::{Document, Error, Response, engine::Context};

/// How long caches may keep the keys.
const FRESH: Duration = Duration::from_secs(60);

/// Shows the public half of the key that answers to signed requests are signed with.
pub(super) async fn read(cx: Context<Sys>, _: ReadResponseKeys) -> Result<Response<Jwks>, Error> {
    let key = cx.core().proofs.response_key();
    let own = [
        ("kid", key.thumbprint().to_owned()),
        ("use", "sig".to_owned()),
    ];
    let members = key.members().into_iter().chain(own);
    let keys = Jwks {
        keys: vec![
            members
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        ],
    };
    let document = Document::json("application/jwk-set+json", &keys)?;
    Ok(Response::document(document.cached_for(FRESH)))
}
