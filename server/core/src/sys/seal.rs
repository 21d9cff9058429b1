//! `sys/seal`, `sys/step-down`, `sys/rotate`, `sys/rotate/config`, `sys/key-status`.

use keyward_api::{
    coerce,
    sys::{
        KeyStatus, ReadKeyStatus, ReadRotateConfig, ReadRotateKeyringConfig, Rotate, RotateConfig,
        RotateKeyring, Seal, StepDown, WriteRotateConfig, WriteRotateKeyringConfig,
    },
};

use super::Sys;
use crate::{Error, Response, Timestamp, engine::Context};

/// Seals the server once the answer is on record.
pub(super) async fn seal(cx: Context<Sys>, _: Seal) -> Result<Response<()>, Error> {
    cx.view().on_record().await?;
    cx.core().seal_when_answered();
    Ok(Response::empty())
}

/// Steps down for nobody: there is one node, which goes on.
pub(super) async fn step_down(_: Context<Sys>, _: StepDown) -> Result<Response<()>, Error> {
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

/// Tells when it gets one by itself.
pub(super) async fn read_rotate_config(
    cx: Context<Sys>,
    _: ReadRotateConfig,
) -> Result<Response<RotateConfig>, Error> {
    let rotation = cx.core().rotation.current();
    Ok(Response::data(RotateConfig {
        enabled: rotation.enabled,
        interval: match rotation.interval {
            0 => 0.into(),
            seconds => coerce::format_seconds(seconds).into(),
        },
        max_operations: i64::try_from(rotation.max_operations).map_err(Error::internal)?,
    }))
}

/// Changes when it gets one by itself.
pub(super) async fn write_rotate_config(
    cx: Context<Sys>,
    request: WriteRotateConfig,
) -> Result<Response<()>, Error> {
    let WriteRotateConfig {
        enabled,
        interval,
        max_operations,
    } = request;
    let store = &cx.core().rotation;
    let rotation = store.current().changed(enabled, max_operations, interval)?;
    store.store(rotation, cx.view()).await?;
    Ok(Response::empty())
}

/// Tells the same under the newer path.
pub(super) async fn read_rotate_keyring_config(
    cx: Context<Sys>,
    _: ReadRotateKeyringConfig,
) -> Result<Response<RotateConfig>, Error> {
    read_rotate_config(cx, ReadRotateConfig {}).await
}

/// Changes the same under the newer path.
pub(super) async fn write_rotate_keyring_config(
    cx: Context<Sys>,
    WriteRotateKeyringConfig(request): WriteRotateKeyringConfig,
) -> Result<Response<()>, Error> {
    write_rotate_config(cx, request).await
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
