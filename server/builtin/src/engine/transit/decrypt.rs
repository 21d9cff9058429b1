//! Decryption.

use std::slice;

use keyward_api::{
    Base64,
    transit::{Answer, Decrypt, DecryptItem, Decrypted, DecryptedItem},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{Scope, SecretBytes};

use super::{
    Transit,
    batch::{self, Pace},
    input,
    store::Key,
};

pub(super) const MISSING: &str = "missing ciphertext to decrypt";

pub(super) async fn decrypt(
    cx: Context<Transit>,
    mut request: Decrypt,
) -> Result<Response<Answer<Decrypted, DecryptedItem>>, Error> {
    let batch = request.batch_input.take();
    let one;
    let items = match &batch {
        Some(items) => {
            batch::not_empty(items)?;
            batch::complete(
                items.iter().map(|item| &item.ciphertext),
                "ciphertext",
                MISSING,
            )?;
            batch::uniform_context(items.iter().map(|item| item.context.as_ref()))?;
            items.as_slice()
        }
        None => {
            one = DecryptItem {
                ciphertext: Some(given(request.ciphertext.take())?),
                context: request.context.take(),
                associated_data: request.associated_data.take(),
                reference: None,
                padding_scheme: request.padding_scheme.take(),
            };
            slice::from_ref(&one)
        }
    };
    let key = input::find(&cx, &request.name).await?;
    let answer = if batch.is_some() {
        let code = request.partial_failure_response_code;
        decrypt_batch(&key, items, code).await?
    } else {
        let plaintext = Base64::new(decrypt_one(&key, 0, &items[0])?);
        Response::data(Answer::One(Decrypted { plaintext }))
    };
    let decrypted = items
        .iter()
        .enumerate()
        .filter(|&(index, _)| match &answer.data {
            Some(Answer::Batch { batch_results }) => batch_results[index].error.is_none(),
            _ => true,
        });
    let texts = decrypted.filter_map(|(_, item)| item.ciphertext.as_deref());
    let now = input::moment(cx.now());
    cx.store.mark_named(&request.name, &key, texts, now).await;
    let ignored = input::ignores_context(&key, items[0].context.as_ref());
    Ok(if ignored {
        answer.warn(input::CONTEXT_IGNORED)
    } else {
        answer
    })
}

async fn decrypt_batch(
    key: &Key,
    items: &[DecryptItem],
    partial_failure_response_code: Option<i64>,
) -> Result<Response<Answer<Decrypted, DecryptedItem>>, Error> {
    let mut results = Vec::with_capacity(items.len());
    let mut failed = 0;
    let mut pace = Pace::default();
    for (index, item) in items.iter().enumerate() {
        let (plaintext, error) = match batch::of_item(decrypt_one(key, index, item))? {
            Ok(plaintext) => (plaintext, None),
            Err(error) => (SecretBytes::new(Vec::new()), Some(error)),
        };
        failed += usize::from(error.is_some());
        results.push(DecryptedItem {
            plaintext: Base64::new(plaintext),
            error,
            reference: item.reference.clone().unwrap_or_default(),
        });
        let length = item.ciphertext.as_ref().map_or(0, String::len);
        pace.spend(Pace::CIPHER + length).await;
    }
    let answer = Response::data(Answer::batch(results));
    Ok(batch::judge(
        answer,
        items.len(),
        failed,
        partial_failure_response_code,
    ))
}

fn decrypt_one(key: &Key, index: usize, item: &DecryptItem) -> Result<SecretBytes, Error> {
    input::check_bindable(key, index, item.associated_data.as_ref())?;
    let ciphertext = item.ciphertext.as_deref().filter(|text| !text.is_empty());
    let ciphertext = ciphertext.ok_or_else(|| Error::invalid(MISSING))?;
    let scope = Scope {
        padding: input::padding(item.padding_scheme.as_deref())?,
        ..input::scope(item.context.as_ref(), item.associated_data.as_ref())?
    };
    Ok(key.keyring.decrypt(ciphertext, &scope)?)
}

/// Refuses a ciphertext that is absent or empty.
pub(super) fn given(ciphertext: Option<String>) -> Result<String, Error> {
    ciphertext
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::invalid(MISSING))
}
