//! Data keys: random keys for the caller, encrypted with a named one.

use keyward_api::{
    Base64,
    transit::{CreateDataKey, DataKey},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::random;

use super::{Transit, input};

pub(super) async fn create(
    cx: Context<Transit>,
    request: CreateDataKey,
) -> Result<Response<DataKey>, Error> {
    let shown = match request.form.as_str() {
        "plaintext" => true,
        "wrapped" => false,
        _ => {
            return Err(Error::invalid(
                "Invalid path, must be 'plaintext' or 'wrapped'",
            ));
        }
    };
    input::context(request.context.as_ref())?;
    let scope = input::scope(request.context.as_ref(), request.associated_data.as_ref())?;
    let mut key = input::find(&cx, &request.name).await?;
    let length = match request.bits.unwrap_or(256) {
        128 => 16,
        256 => 32,
        512 => 64,
        _ => return Err(Error::invalid("invalid bit length")),
    };
    let version = input::version(request.key_version, "encryption")?;
    let now = input::moment(cx.now());
    let plaintext = random::generate_bytes(length);
    let encrypted = cx
        .store
        .counted(&request.name, &mut key, version, now, |keyring| {
            // EXPOSE: encrypted at once.
            keyring.encrypt(plaintext.expose(), &scope, version)
        })
        .await?;
    let answer = Response::data(DataKey {
        ciphertext: encrypted.text,
        key_version: encrypted.version,
        plaintext: shown.then(|| Base64::new(plaintext)),
    });
    let ignored = input::ignores_context(&key, request.context.as_ref());
    Ok(if ignored {
        answer.warn(input::CONTEXT_IGNORED)
    } else {
        answer
    })
}
