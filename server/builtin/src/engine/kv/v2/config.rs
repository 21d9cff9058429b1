//! `config`: the settings of the mount.

use keyward_api::{
    coerce,
    kv::{Config, ReadConfig, WriteConfig},
};
use keyward_core::{Error, Response, View, engine::Context};

use super::{Kv, record::Settings};

const KEY: &str = "config";

/// Reads the settings, as they take effect where nothing was set.
pub(super) async fn load(view: &View) -> Result<Settings, Error> {
    Ok(view
        .get_as(KEY)
        .await?
        .map(|(settings, _)| settings)
        .unwrap_or_default())
}

pub(super) async fn read(cx: Context<Kv>, _: ReadConfig) -> Result<Response<Config>, Error> {
    let settings = load(cx.view()).await?;
    Ok(Response::data(Config {
        max_versions: settings.max_versions,
        cas_required: settings.cas_required,
        delete_version_after: coerce::format_seconds(settings.delete_version_after),
    }))
}

pub(super) async fn write(cx: Context<Kv>, request: WriteConfig) -> Result<Response<()>, Error> {
    let mut settings = load(cx.view()).await?;
    apply(
        &mut settings,
        request.max_versions,
        request.cas_required,
        request.delete_version_after,
    )?;
    cx.view().put_as(KEY, &settings).await?;
    Ok(Response::empty())
}

/// Changes what is given of the settings of a mount or of a secret.
pub(super) fn apply(
    settings: &mut Settings,
    max_versions: Option<i64>,
    cas_required: Option<bool>,
    delete_version_after: Option<i64>,
) -> Result<(), Error> {
    if let Some(max) = max_versions {
        settings.max_versions =
            u32::try_from(max).map_err(|_| Error::invalid("max_versions must not be negative"))?;
    }
    if let Some(required) = cas_required {
        settings.cas_required = required;
    }
    if let Some(seconds) = delete_version_after {
        // A negative duration switches the deletion off, as in Vault.
        settings.delete_version_after = u64::try_from(seconds).unwrap_or(0);
    }
    Ok(())
}
