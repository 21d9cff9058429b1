//! The rules of one key, and of all keys of a mount.

use std::num::NonZeroU32;

use keyward_api::transit as api;
use keyward_core::{Error, Response, View, engine::Context};
use keyward_crypto::Minimums;

use super::{
    Transit, keys, labels,
    retention::Retention,
    store::{Edit, Key},
};

/// Where the rules for all keys are stored.
const ALL_KEYS: &str = "config/keys";

/// The smallest number of keys that stay in memory.
const SMALLEST_CACHE: u64 = 10;

/// The shortest period of rotation, in seconds: keys are visited once an hour.
const SHORTEST_PERIOD: i64 = 3600;

pub(super) async fn configure(
    cx: Context<Transit>,
    request: api::ConfigureKey,
) -> Result<Response<api::Key>, Error> {
    let name = &request.name;
    let minimums = Minimums {
        decryption: minimum(request.min_decryption_version, "decryption")?
            // Versions begin at 1; Vault takes 0 for it.
            .map(|version| NonZeroU32::new(version).unwrap_or(NonZeroU32::MIN)),
        encryption: minimum(request.min_encryption_version, "encryption")?,
    };
    let auto_rotate_period = period(request.auto_rotate_period)?;
    labels::check(request.custom_metadata.as_ref())?;
    let max_encryptions = count(request.max_encryptions, "max_encryptions")?;
    let keep_versions = small_count(request.keep_versions, "keep_versions")?;
    let keep_days = small_count(request.keep_days, "keep_days")?;
    let configured = cx.store.update(cx.view(), name, |key| {
        let Key {
            keyring, settings, ..
        } = key;
        let before = (
            settings.clone(),
            keyring.min_decryption_version(),
            keyring.min_encryption_version(),
        );
        keyring.set_minimums(minimums)?;
        settings.deletion_allowed = request
            .deletion_allowed
            .unwrap_or(settings.deletion_allowed);
        // What was once allowed may have happened; it cannot be taken back.
        settings.exportable |= request.exportable.unwrap_or_default();
        settings.allow_plaintext_backup |= request.allow_plaintext_backup.unwrap_or_default();
        if let Some(labels) = &request.custom_metadata {
            settings.custom_metadata.clone_from(labels);
        }
        settings.retention =
            Retention::changed(settings.retention, keep_versions, keep_days, cx.now());
        settings.max_encryptions = max_encryptions.unwrap_or(settings.max_encryptions);
        settings.auto_rotate_period = auto_rotate_period.unwrap_or(settings.auto_rotate_period);
        let after = (
            settings.clone(),
            keyring.min_decryption_version(),
            keyring.min_encryption_version(),
        );
        Ok(if before == after {
            Edit::Keep
        } else {
            Edit::Write
        })
    });
    let key = configured.await?.ok_or_else(|| no_existing_key(name))?;
    let answer = Response::data(keys::describe(name, &key, None)?);
    if request.min_decryption_version == Some(0) {
        return Ok(
            answer.warn("since Vault 0.3, transit key numbering starts at 1; forcing minimum to 1")
        );
    }
    Ok(answer)
}

pub(super) fn no_existing_key(name: &str) -> Error {
    Error::invalid(format!("no existing key named {name} could be found"))
}

pub(super) async fn read_all(
    cx: Context<Transit>,
    _: api::ReadKeysConfig,
) -> Result<Response<api::KeysConfig>, Error> {
    Ok(Response::data(all_keys(cx.view()).await?))
}

pub(super) async fn configure_all(
    cx: Context<Transit>,
    request: api::ConfigureKeys,
) -> Result<Response<api::KeysConfig>, Error> {
    let config = api::KeysConfig {
        disable_upsert: request.disable_upsert.unwrap_or_default(),
    };
    cx.view().put_as(ALL_KEYS, &config).await?;
    Ok(Response::data(config))
}

pub(super) async fn read_cache(
    cx: Context<Transit>,
    _: api::ReadCacheConfig,
) -> Result<Response<api::CacheConfig>, Error> {
    Ok(Response::data(cx.store.cache_config().await?))
}

pub(super) async fn configure_cache(
    cx: Context<Transit>,
    request: api::ConfigureCache,
) -> Result<Response<api::CacheConfig>, Error> {
    let size = u64::try_from(request.size.unwrap_or_default()).ok();
    let size = size.filter(|&size| size == 0 || size >= SMALLEST_CACHE);
    let size = size.ok_or_else(|| {
        Error::invalid(format!(
            "size must be 0 or a value greater or equal to {SMALLEST_CACHE}"
        ))
    })?;
    let config = api::CacheConfig { size };
    cx.store.configure_cache(cx.view(), config).await?;
    Ok(Response::data(config))
}

/// Reads the rules for all keys.
pub(super) async fn all_keys(view: &View) -> Result<api::KeysConfig, Error> {
    Ok(view
        .get_as(ALL_KEYS)
        .await?
        .map_or_else(Default::default, |(config, _)| config))
}

/// Checks a period of rotation: 0 is never.
pub(super) fn period(seconds: Option<i64>) -> Result<Option<u64>, Error> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    let Ok(period) = u64::try_from(seconds) else {
        return Err(Error::invalid(format!(
            "error converting input for field \"auto_rotate_period\": cannot provide negative \
             value '{seconds}'"
        )));
    };
    if (1..SHORTEST_PERIOD).contains(&seconds) {
        let text = "auto rotate period must be 0 to disable or at least an hour";
        return Err(Error::invalid(text));
    }
    Ok(Some(period))
}

/// Reads a number that is not negative.
fn count(number: Option<i64>, field: &str) -> Result<Option<u64>, Error> {
    let negative = |_| Error::invalid(format!("{field} cannot be negative"));
    number.map(u64::try_from).transpose().map_err(negative)
}

/// Reads a number that is not negative, of versions or days; more than there are is for ever.
fn small_count(number: Option<i64>, field: &str) -> Result<Option<u32>, Error> {
    let number = count(number, field)?;
    Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}

fn minimum(version: Option<i64>, of: &str) -> Result<Option<u32>, Error> {
    match version {
        Some(negative) if negative < 0 => Err(Error::invalid(format!(
            "min {of} version cannot be negative"
        ))),
        // What does not fit is more than any key has; the keyring says so.
        other => Ok(other.map(|version| u32::try_from(version).unwrap_or(u32::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_nothing_or_at_least_an_hour() {
        assert_eq!(period(None).unwrap(), None);
        assert_eq!(period(Some(0)).unwrap(), Some(0));
        assert_eq!(period(Some(3600)).unwrap(), Some(3600));
        for short in [1, 3599] {
            assert_eq!(
                period(Some(short)).unwrap_err().to_string(),
                "auto rotate period must be 0 to disable or at least an hour"
            );
        }
        assert!(
            period(Some(-1))
                .unwrap_err()
                .to_string()
                .contains("negative value '-1'")
        );
    }

    #[test]
    fn a_minimum_is_not_negative() {
        assert_eq!(minimum(Some(3), "encryption").unwrap(), Some(3));
        assert_eq!(
            minimum(Some(-1), "decryption").unwrap_err().to_string(),
            "min decryption version cannot be negative"
        );
    }
}
