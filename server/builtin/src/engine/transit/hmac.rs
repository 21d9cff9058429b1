//! HMACs, with the key for them that every version of every key has.

use keyward_api::{
    Base64,
    transit::{Answer, Authenticate, Authenticated, AuthenticatedItem},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::HashAlgorithm;

use super::{
    Transit,
    batch::{self, Pace},
    input,
};

pub(super) const NO_ALGORITHM: &str = "algorithm cannot be none";

pub(super) async fn authenticate(
    cx: Context<Transit>,
    request: Authenticate,
) -> Result<Response<Answer<Authenticated, AuthenticatedItem>>, Error> {
    let key = input::find(&cx, &request.name).await?;
    let version = version(request.key_version)?;
    let algorithm = algorithm(request.algorithm.as_deref())?;
    let now = input::moment(cx.now());
    let Some(items) = &request.batch_input else {
        let input = given(request.input.as_ref())?;
        let hmac = key.keyring.hmac(input, algorithm, version)?;
        let texts = [hmac.as_str()];
        cx.store.mark_named(&request.name, &key, texts, now).await;
        return Ok(Response::data(Answer::One(Authenticated { hmac })));
    };
    batch::not_empty(items)?;
    let mut results = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    for item in items {
        let input = batch::of_item(given(item.input.as_ref()))?;
        let length = input.as_ref().map_or(0, |input| input.len());
        let reference = item.reference.clone().unwrap_or_default();
        results.push(match input {
            Ok(input) => {
                // What is wrong now is wrong for all items: the version.
                let hmac = Some(key.keyring.hmac(input, algorithm, version)?);
                AuthenticatedItem {
                    hmac,
                    error: None,
                    reference,
                }
            }
            Err(error) => AuthenticatedItem {
                hmac: None,
                error: Some(error),
                reference,
            },
        });
        pace.spend(Pace::CIPHER + length).await;
    }
    let texts = results.iter().filter_map(|item| item.hmac.as_deref());
    cx.store.mark_named(&request.name, &key, texts, now).await;
    Ok(Response::data(Answer::batch(results)))
}

fn given(input: Option<&Base64>) -> Result<&[u8], Error> {
    if input.is_none() {
        return Err(Error::invalid("missing input for HMAC"));
    }
    input::input(input)
}

fn version(asked: Option<i64>) -> Result<Option<u32>, Error> {
    if asked.is_some_and(|version| version < 0) {
        return Err(Error::invalid(
            "key version does not exist (cannot be negative)",
        ));
    }
    input::version(asked, "HMAC")
}

fn algorithm(name: Option<&str>) -> Result<HashAlgorithm, Error> {
    match name {
        None => Ok(HashAlgorithm::Sha2_256),
        Some("none") => Err(Error::invalid(NO_ALGORITHM)),
        Some(name) => name
            .parse()
            .map_err(|_| Error::invalid(format!("unsupported algorithm {name:?}"))),
    }
}
