//! `config`: the settings of the mount.

use keyward_api::kv::{Config, ReadConfig, WriteConfig};
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
        delete_version_after: settings.delete_version_after(),
        metadata_cas_required: settings.metadata_cas_required,
    }))
}

pub(super) async fn write(cx: Context<Kv>, request: WriteConfig) -> Result<Response<()>, Error> {
    let mut settings = load(cx.view()).await?;
    let asked = Asked {
        max_versions: request.max_versions,
        cas_required: request.cas_required,
        delete_version_after: request.delete_version_after,
        metadata_cas_required: request.metadata_cas_required,
    };
    asked.apply(&mut settings)?;
    cx.view().put_as(KEY, &settings).await?;
    Ok(Response::empty())
}

/// What a request gives of the settings of a mount or of a secret.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) max_versions: Option<i64>,
    pub(super) cas_required: Option<bool>,
    pub(super) delete_version_after: Option<i64>,
    pub(super) metadata_cas_required: Option<bool>,
}

impl Asked {
    /// Changes what is given.
    pub(super) fn apply(self, settings: &mut Settings) -> Result<(), Error> {
        if let Some(max) = self.max_versions {
            settings.max_versions = u32::try_from(max)
                .map_err(|_| Error::invalid("max_versions must not be negative"))?;
        }
        if let Some(required) = self.cas_required {
            settings.cas_required = required;
        }
        if let Some(seconds) = self.delete_version_after {
            // All times below zero mean the same.
            settings.delete_version_after = seconds.max(-1);
        }
        if let Some(required) = self.metadata_cas_required {
            settings.metadata_cas_required = required;
        }
        Ok(())
    }
}
