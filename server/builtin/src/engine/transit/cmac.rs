//! CMACs, with the key types that are for nothing else.

use keyward_api::{
    Base64,
    transit::{Answer, Cmac, CmacItem, MakeCmac},
};
use keyward_core::{Error, Response, engine::Context};

use super::{
    Transit,
    batch::{self, Pace},
    input,
};

pub(super) async fn authenticate(
    cx: Context<Transit>,
    request: MakeCmac,
) -> Result<Response<Answer<Cmac, CmacItem>>, Error> {
    let key = input::find(&cx, &request.name).await?;
    let version = input::version(request.key_version, "CMAC")?;
    let length = length(request.mac_length)?;
    let now = input::moment(cx.now());
    let Some(items) = &request.batch_input else {
        let input = given(request.input.as_ref())?;
        let cmac = key.keyring.cmac(input, length, version)?;
        let texts = [cmac.as_str()];
        cx.store.mark_named(&request.name, &key, texts, now).await;
        return Ok(Response::data(Answer::One(Cmac { cmac })));
    };
    batch::not_empty(items)?;
    let mut results = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    for item in items {
        let input = batch::of_item(given(item.input.as_ref()))?;
        let cost = input.as_ref().map_or(0, |input| input.len());
        // What is wrong beside the input is wrong for all items: the type, the length, the version.
        let cmac = input.map(|input| key.keyring.cmac(input, length, version));
        let (cmac, error) = match cmac {
            Ok(cmac) => (Some(cmac?), None),
            Err(error) => (None, Some(error)),
        };
        results.push(CmacItem {
            cmac,
            error,
            reference: item.reference.clone().unwrap_or_default(),
        });
        pace.spend(Pace::CIPHER + cost).await;
    }
    let texts = results.iter().filter_map(|item| item.cmac.as_deref());
    cx.store.mark_named(&request.name, &key, texts, now).await;
    Ok(Response::data(Answer::batch(results)))
}

fn given(input: Option<&Base64>) -> Result<&[u8], Error> {
    if input.is_none() {
        return Err(Error::invalid("missing input for CMAC"));
    }
    input::input(input)
}

/// Reads how many bytes of a tag count; 0 and nothing are all.
pub(super) fn length(asked: Option<i64>) -> Result<Option<usize>, Error> {
    match asked {
        None | Some(0) => Ok(None),
        Some(length) => usize::try_from(length)
            .map(Some)
            .map_err(|_| Error::invalid("mac_length is negative")),
    }
}
