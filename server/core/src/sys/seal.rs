//! `sys/seal`, `sys/rotate`, `sys/key-status`.

use keyward_api::sys::{KeyStatus, ReadKeyStatus, Rotate, RotateKeyring, Seal};

use super::Sys;
use crate::{Error, Response, Timestamp, engine::Context};

/// Seals the server once the answer is on record.
pub(super) async fn seal(cx: Context<Sys>, _: Seal) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    cx.core().seal_when_answered();
    Ok(Response::empty())
}

/// Adds a term to the barrier's keyring.
pub(super) async fn rotate(cx: Context<Sys>, _: Rotate) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    cx.core().keys.rotate(cx.now()).await?;
    Ok(Response::empty())
}

/// Does the same under the newer path.
pub(super) async fn rotate_keyring(
    cx: Context<Sys>,
    _: RotateKeyring,
) -> Result<Response<()>, Error> {
    rotate(cx, Rotate {}).await
}

/// Tells which term seals new entries.
pub(super) async fn key_status(
    cx: Context<Sys>,
    _: ReadKeyStatus,
) -> Result<Response<KeyStatus>, Error> {
    let keyring = cx.core().barrier.keyring();
    let term = keyring.latest_version();
    let installed = keyring.versions().find(|version| version.number == term);
    let installed = installed.map(|version| Timestamp::from(version.created));
    Ok(Response::data(KeyStatus {
        encryptions: keyring.encryptions(term),
        install_time: installed.unwrap_or_default().to_string(),
        term,
    })
    .at_top())
}
