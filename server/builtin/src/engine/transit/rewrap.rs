//! Rewrapping: decryption and encryption again, within the server.

use std::{slice, sync::Arc};

use keyward_api::transit::{Answer, Encrypted, Rewrap, RewrapItem};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::Scope;

use super::{
    Transit,
    batch::{self, Pace},
    decrypt, encrypt, input,
    store::Key,
};

pub(super) async fn rewrap(
    cx: Context<Transit>,
    mut request: Rewrap,
) -> Result<encrypt::Reply, Error> {
    let batch = request.batch_input.take();
    let one;
    let items = match &batch {
        Some(items) => {
            batch::not_empty(items)?;
            batch::uniform_context(items.iter().map(|item| item.context.as_ref()))?;
            items.as_slice()
        }
        None => {
            one = RewrapItem {
                ciphertext: Some(decrypt::given(request.ciphertext.take())?),
                context: request.context.take(),
                associated_data: request.associated_data.take(),
                key_version: request.key_version,
                reference: None,
                decrypt_padding_scheme: request.decrypt_padding_scheme.take(),
                encrypt_padding_scheme: request.encrypt_padding_scheme.take(),
            };
            slice::from_ref(&one)
        }
    };
    let name = &request.name;
    let mut key = input::find(&cx, name).await?;
    let answer = if batch.is_some() {
        let mut results = Vec::with_capacity(items.len());
        let mut pace = Pace::default();
        for item in items {
            let result = batch::of_item(rewrap_one(&cx, &mut key, name, item).await)?;
            results.push(encrypt::of_item(result, item.reference.as_deref()));
            let length = item.ciphertext.as_ref().map_or(0, String::len);
            pace.spend(Pace::CIPHER + 2 * length).await;
        }
        // Unlike the batches of encrypt and decrypt this one is a success whatever its items are.
        Response::data(Answer::batch(results))
    } else {
        Response::data(Answer::One(
            rewrap_one(&cx, &mut key, name, &items[0]).await?,
        ))
    };
    let ignored = input::ignores_context(&key, items[0].context.as_ref());
    Ok(if ignored {
        answer.warn(input::CONTEXT_IGNORED)
    } else {
        answer
    })
}

async fn rewrap_one(
    cx: &Context<Transit>,
    key: &mut Arc<Key>,
    name: &str,
    item: &RewrapItem,
) -> Result<Encrypted, Error> {
    let ciphertext = item.ciphertext.as_deref().filter(|text| !text.is_empty());
    let ciphertext = ciphertext.ok_or_else(|| Error::invalid(decrypt::MISSING))?;
    let from = Scope {
        padding: input::padding(item.decrypt_padding_scheme.as_deref())?,
        ..input::scope(item.context.as_ref(), item.associated_data.as_ref())?
    };
    let to = Scope {
        padding: input::padding(item.encrypt_padding_scheme.as_deref())?,
        ..from
    };
    let version = input::version(item.key_version, "encryption")?;
    let now = input::moment(cx.now());
    let encrypted = cx
        .store
        .counted(name, key, version, now, |keyring| {
            keyring.rewrap(ciphertext, &from, &to, version)
        })
        .await?;
    cx.store.mark_named(name, key, [ciphertext], now).await;
    Ok(Encrypted {
        key_version: encrypted.version(),
        ciphertext: encrypted.into(),
    })
}
