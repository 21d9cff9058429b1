//! Encryption, which creates the key if there is none.

use std::{slice, sync::Arc};

use keyward_api::{
    Operation,
    transit::{Answer, Encrypt, EncryptItem, Encrypted, EncryptedItem},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{Derivation, Keyring, Scope};

use super::{
    Transit,
    batch::{self, Pace},
    config, input, keys,
    store::{Key, Settings},
};

const MISSING: &str = "missing plaintext to encrypt";

pub(super) type Reply = Response<Answer<Encrypted, EncryptedItem>>;

pub(super) async fn encrypt(cx: Context<Transit>, mut request: Encrypt) -> Result<Reply, Error> {
    let batch = request.batch_input.take();
    let one;
    let items = match &batch {
        Some(items) => {
            batch::not_empty(items)?;
            batch::complete(
                items.iter().map(|item| &item.plaintext),
                "plaintext",
                MISSING,
            )?;
            batch::uniform_context(items.iter().map(|item| item.context.as_ref()))?;
            items.as_slice()
        }
        None if request.plaintext.is_none() => return Err(Error::invalid(MISSING)),
        None => {
            one = EncryptItem {
                plaintext: request.plaintext.take(),
                context: request.context.take(),
                associated_data: request.associated_data.take(),
                key_version: request.key_version,
                reference: None,
                padding_scheme: request.padding_scheme.take(),
            };
            slice::from_ref(&one)
        }
    };
    let name = &request.name;
    loop {
        let found = cx.store.find(name).await?;
        let is_new = found.is_none();
        let mut key = match found {
            Some(key) => {
                input::check_usable(&key)?;
                key
            }
            None => Arc::new(new_key(&cx, &request, items).await?),
        };
        let (answer, successes) = if batch.is_some() {
            encrypt_batch(&cx, &mut key, &request, items).await?
        } else {
            (
                Response::data(Answer::One(
                    encrypt_one(&cx, &mut key, name, 0, &items[0]).await?,
                )),
                1,
            )
        };
        // A key that has encrypted nothing is not worth keeping; one that somebody else has
        // created in the meantime wins, and what was encrypted with ours is thrown away.
        if is_new && successes > 0 && !cx.store.create(cx.view(), name, &key).await? {
            continue;
        }
        let ignored = input::ignores_context(&key, items[0].context.as_ref());
        return Ok(if ignored {
            answer.warn(input::CONTEXT_IGNORED)
        } else {
            answer
        });
    }
}

async fn encrypt_batch(
    cx: &Context<Transit>,
    key: &mut Arc<Key>,
    request: &Encrypt,
    items: &[EncryptItem],
) -> Result<(Reply, usize), Error> {
    let mut results = Vec::with_capacity(items.len());
    let mut failed = 0;
    let mut pace = Pace::default();
    for (index, item) in items.iter().enumerate() {
        let result = batch::of_item(encrypt_one(cx, key, &request.name, index, item).await)?;
        failed += usize::from(result.is_err());
        let cost = result
            .as_ref()
            .map_or(0, |encrypted| encrypted.ciphertext.len());
        results.push(of_item(result, item.reference.as_deref()));
        pace.spend(Pace::CIPHER + cost).await;
    }
    let answer = Response::data(Answer::batch(results));
    let code = request.partial_failure_response_code;
    Ok((
        batch::judge(answer, items.len(), failed, code),
        items.len() - failed,
    ))
}

async fn encrypt_one(
    cx: &Context<Transit>,
    key: &mut Arc<Key>,
    name: &str,
    index: usize,
    item: &EncryptItem,
) -> Result<Encrypted, Error> {
    input::check_bindable(key, index, item.associated_data.as_ref())?;
    let plaintext = input::bytes(item.plaintext.as_ref())?;
    let scope = Scope {
        padding: input::padding(item.padding_scheme.as_deref())?,
        ..input::scope(item.context.as_ref(), item.associated_data.as_ref())?
    };
    let version = input::version(item.key_version, "encryption")?;
    let now = input::moment(cx.now());
    let encrypted = cx
        .store
        .counted(name, key, version, now, |keyring| {
            keyring.encrypt(plaintext, &scope, version)
        })
        .await?;
    Ok(Encrypted {
        key_version: encrypted.version(),
        ciphertext: encrypted.into(),
    })
}

/// Makes the result of one item of a batch.
pub(super) fn of_item(result: Result<Encrypted, String>, reference: Option<&str>) -> EncryptedItem {
    let reference = reference.unwrap_or_default().to_owned();
    match result {
        Ok(encrypted) => EncryptedItem {
            ciphertext: Some(encrypted.ciphertext),
            key_version: Some(encrypted.key_version),
            error: None,
            reference,
        },
        Err(error) => EncryptedItem {
            error: Some(error),
            reference,
            ..EncryptedItem::default()
        },
    }
}

/// Makes the key that the first encryption creates: derived if there is a context.
async fn new_key(
    cx: &Context<Transit>,
    request: &Encrypt,
    items: &[EncryptItem],
) -> Result<Key, Error> {
    // Without the capability to create, the operation is an update, of nothing.
    if cx.operation() != Operation::Create || config::all_keys(cx.view()).await?.disable_upsert {
        return Err(input::encryption_key_not_found());
    }
    let derived = items
        .iter()
        .any(|item| input::is_given(item.context.as_ref()));
    let derivation = match (derived, request.convergent_encryption.unwrap_or_default()) {
        (false, false) => Derivation::None,
        (false, true) => {
            return Err(Error::invalid(
                "convergent encryption requires derivation to be enabled, so context is required",
            ));
        }
        (true, false) => Derivation::Derived,
        (true, true) => Derivation::Convergent,
    };
    let key_type = keys::key_type(request.key_type.as_deref(), None)?;
    if !(key_type.supports_encryption() && key_type.supports_derivation()) {
        return Err(Error::invalid(format!(
            "unknown key type {}",
            key_type.name()
        )));
    }
    let keyring = Keyring::generate(key_type, derivation, input::moment(cx.now()))?;
    let key = Key::new(keyring, Settings::default());
    key.budget
        .grant(items.len() as u64, input::moment(cx.now()));
    Ok(key)
}
