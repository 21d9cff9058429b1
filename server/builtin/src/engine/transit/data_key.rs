//! Data keys: random keys for the caller, encrypted with a named one.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::{
    Base64,
    transit::{CreateDataKey, CreateDataKeys, DataKey, DataKeys, DeriveDataKeys, KeyPair},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{DataKeyRequest, Encrypted, Scope, SecretBytes, random};

use super::{Transit, batch::Pace, input, store::Key};

/// The most keys of one call.
const MOST: i64 = 10_000;

pub(super) async fn create(
    cx: Context<Transit>,
    request: CreateDataKey,
) -> Result<Response<DataKey>, Error> {
    let shown = shown(&request.form)?;
    input::context(request.context.as_ref())?;
    let scope = Scope {
        padding: input::padding(request.padding_scheme.as_deref())?,
        ..input::scope(request.context.as_ref(), request.associated_data.as_ref())?
    };
    let mut key = input::find(&cx, &request.name).await?;
    let length = length(request.bits)?;
    let version = input::version(request.key_version, "encryption")?;
    let plaintext = random::generate_bytes(length);
    let encrypted = wrap(&cx, &request.name, &mut key, &plaintext, &scope, version).await?;
    let answer = Response::data(DataKey {
        ciphertext: encrypted.text(),
        key_version: encrypted.version(),
        plaintext: shown.then(|| Base64::new(plaintext)),
    });
    Ok(input::warn_of_context(
        &key,
        request.context.as_ref(),
        answer,
    ))
}

pub(super) async fn create_many(
    cx: Context<Transit>,
    request: CreateDataKeys,
) -> Result<Response<DataKeys>, Error> {
    let shown = shown(&request.form)?;
    input::context(request.context.as_ref())?;
    let scope = input::scope(request.context.as_ref(), request.associated_data.as_ref())?;
    let mut key = input::find(&cx, &request.name).await?;
    let length = length(request.bits)?;
    let version = input::version(request.key_version, "encryption")?;
    let count = request.count.unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(Error::invalid(format!(
            "'count' must be between 1 and {MOST}"
        )));
    }
    let mut key_pairs = Vec::with_capacity(count.unsigned_abs() as usize);
    let mut key_version = 0;
    let mut pace = Pace::default();
    for _ in 0..count {
        let plaintext = random::generate_bytes(length);
        let encrypted = wrap(&cx, &request.name, &mut key, &plaintext, &scope, version).await?;
        key_version = encrypted.version();
        key_pairs.push(KeyPair {
            ciphertext: encrypted.text(),
            plaintext: shown.then(|| Base64::new(plaintext)),
        });
        pace.spend(Pace::CIPHER + length).await;
    }
    let answer = Response::data(DataKeys {
        key_pairs,
        key_version,
    });
    Ok(input::warn_of_context(
        &key,
        request.context.as_ref(),
        answer,
    ))
}

pub(super) async fn derive(
    cx: Context<Transit>,
    request: DeriveDataKeys,
) -> Result<Response<BTreeMap<u32, DataKey>>, Error> {
    let shown = shown(&request.form)?;
    let context = input::context(request.context.as_ref())?;
    let scope = input::scope(request.context.as_ref(), None)?;
    let mut key = input::find(&cx, &request.name).await?;
    let length = length(request.bits.or(request.key_bits))?;
    let asked = input::version(request.key_version, "encryption")?;
    let salt = request.salt.as_deref().unwrap_or_default();
    let info = request.info.as_deref().unwrap_or_default();
    let from = request.key_index_from.unwrap_or_default();
    let to = request.key_index_to.unwrap_or(from.saturating_add(1));
    let indices = u32::try_from(from).ok().zip(u32::try_from(to).ok());
    let indices = indices.filter(|_| from < to && to - from <= MOST);
    let (from, to) = indices.ok_or_else(|| {
        Error::invalid(format!(
            "'key_index_to' must be above 'key_index_from' by 1 to {MOST}"
        ))
    })?;
    let mut keys = BTreeMap::new();
    let mut pace = Pace::default();
    for index in from..to {
        let (version, plaintext) = key.keyring.derive_data_key(&DataKeyRequest {
            version: asked,
            context,
            salt: salt.as_bytes(),
            info: info.as_bytes(),
            index,
            len: length,
        })?;
        let encrypted = wrap(&cx, &request.name, &mut key, &plaintext, &scope, asked).await?;
        debug_assert!(version <= encrypted.version(), "a key rotates forwards");
        let data_key = DataKey {
            ciphertext: encrypted.text(),
            key_version: encrypted.version(),
            plaintext: shown.then(|| Base64::new(plaintext)),
        };
        keys.insert(index, data_key);
        pace.spend(2 * Pace::CIPHER + length).await;
    }
    let answer = Response::data(keys);
    Ok(input::warn_of_context(
        &key,
        request.context.as_ref(),
        answer,
    ))
}

async fn wrap(
    cx: &Context<Transit>,
    name: &str,
    key: &mut Arc<Key>,
    plaintext: &SecretBytes,
    scope: &Scope<'_>,
    version: Option<u32>,
) -> Result<Encrypted, Error> {
    let now = input::moment(cx.now());
    let encrypt = cx.store.counted(name, key, version, now, |keyring| {
        // EXPOSE: encrypted at once.
        keyring.encrypt(plaintext.expose(), scope, version)
    });
    encrypt.await
}

/// Tells whether the caller gets the keys themselves.
fn shown(form: &str) -> Result<bool, Error> {
    match form {
        "plaintext" => Ok(true),
        "wrapped" => Ok(false),
        _ => Err(Error::invalid(
            "Invalid path, must be 'plaintext' or 'wrapped'",
        )),
    }
}

/// Reads the size of a key, in bytes.
fn length(bits: Option<i64>) -> Result<usize, Error> {
    match bits.unwrap_or(256) {
        128 => Ok(16),
        256 => Ok(32),
        512 => Ok(64),
        _ => Err(Error::invalid("invalid bit length")),
    }
}
