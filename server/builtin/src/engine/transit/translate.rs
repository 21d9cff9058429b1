//! Translation: from under one key to under another, within the server.

use std::{slice, sync::Arc};

use keyward_api::{
    Operation,
    transit::{Answer, Encrypted, Translate, TranslateItem},
};
use keyward_core::{Denial, Error, Response, engine::Context};

use super::{
    Transit,
    batch::{self, Pace},
    decrypt, encrypt, input,
    store::Key,
};

/// The two keys.
struct Pair<'a> {
    source_name: &'a str,
    source: Arc<Key>,
    destination_name: &'a str,
    destination: Arc<Key>,
}

pub(super) async fn translate(
    cx: Context<Transit>,
    mut request: Translate,
) -> Result<encrypt::Reply, Error> {
    let (source, destination) = (&request.source, &request.destination);
    // Whoever may do only one of the two could otherwise read, by a key of his own, what he may not
    // decrypt, or write under a key that he may not encrypt with.
    let decrypts = cx.permits(Operation::Update, &format!("decrypt/{source}"));
    let encrypts = cx.permits(Operation::Update, &format!("encrypt/{destination}"));
    if !(decrypts && encrypts) {
        return Err(Error::Denied(Denial::Policy));
    }
    let batch = request.batch_input.take();
    let one;
    let items = match &batch {
        Some(items) => {
            batch::not_empty(items)?;
            batch::uniform_context(items.iter().map(|item| item.context.as_ref()))?;
            let contexts = items.iter().map(|item| item.destination_context.as_ref());
            batch::uniform_context(contexts)?;
            items.as_slice()
        }
        None => {
            one = TranslateItem {
                ciphertext: Some(decrypt::given(request.ciphertext.take())?),
                context: request.context.take(),
                associated_data: request.associated_data.take(),
                destination_context: request.destination_context.take(),
                destination_associated_data: request.destination_associated_data.take(),
                key_version: request.key_version,
                reference: None,
            };
            slice::from_ref(&one)
        }
    };
    let mut keys = Pair {
        source_name: source,
        source: input::find(&cx, source).await?,
        destination_name: destination,
        destination: input::find(&cx, destination).await?,
    };
    let answer = if batch.is_some() {
        let mut results = Vec::with_capacity(items.len());
        let mut pace = Pace::default();
        for item in items {
            let result = batch::of_item(keys.translate(&cx, item).await)?;
            results.push(encrypt::of_item(result, item.reference.as_deref()));
            let length = item.ciphertext.as_ref().map_or(0, String::len);
            pace.spend(Pace::CIPHER + 2 * length).await;
        }
        // As a batch to rewrap, it is a success whatever its items are.
        Response::data(Answer::batch(results))
    } else {
        Response::data(Answer::One(keys.translate(&cx, &items[0]).await?))
    };
    let ignored = input::ignores_context(&keys.source, items[0].context.as_ref())
        || input::ignores_context(&keys.destination, items[0].destination_context.as_ref());
    Ok(if ignored {
        answer.warn(input::CONTEXT_IGNORED)
    } else {
        answer
    })
}

impl Pair<'_> {
    async fn translate(
        &mut self,
        cx: &Context<Transit>,
        item: &TranslateItem,
    ) -> Result<Encrypted, Error> {
        let ciphertext = item.ciphertext.as_deref().filter(|text| !text.is_empty());
        let ciphertext = ciphertext.ok_or_else(|| Error::invalid(decrypt::MISSING))?;
        let from = input::scope(item.context.as_ref(), item.associated_data.as_ref())?;
        let to = input::scope(
            item.destination_context.as_ref(),
            item.destination_associated_data.as_ref(),
        )?;
        let version = input::version(item.key_version, "encryption")?;
        let now = input::moment(cx.now());
        let plaintext = self.source.keyring.decrypt(ciphertext, &from)?;
        let encrypted = cx
            .store
            .counted(
                self.destination_name,
                &mut self.destination,
                version,
                now,
                |keyring| {
                    // EXPOSE: encrypted again at once.
                    keyring.encrypt(plaintext.expose(), &to, version)
                },
            )
            .await?;
        let texts = [ciphertext];
        cx.store
            .mark_named(self.source_name, &self.source, texts, now)
            .await;
        Ok(Encrypted {
            key_version: encrypted.version(),
            ciphertext: encrypted.into(),
        })
    }
}
