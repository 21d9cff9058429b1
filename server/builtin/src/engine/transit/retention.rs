//! Old versions that go by themselves, and versions that are out of use for a while.
//!
//! A version goes when all of this holds: it is not among the newest `keep_versions`, nor the
//! latest; `keep_days` have passed since it was replaced, since it was last used for anything, and
//! since the rule was made. It goes from the oldest on, so what is kept has no gaps.

use std::{num::NonZeroU32, time::Duration};

use keyward_api::transit as api;
use keyward_core::{Change, Error, Expect, Response, Timestamp, engine::Context};
use keyward_crypto::Minimums;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::{
    Transit, config, keys,
    record::Record,
    store::{self, Edit, Key, Store},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The rule by which old versions of a key go.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Retention {
    /// 0 is the latest alone.
    pub(super) keep_versions: u32,
    /// 0 is one day: a version in use must show itself first.
    pub(super) keep_days: u32,
    /// When the rule was made, in nanoseconds since 1970. What was used before may not be on
    /// record.
    pub(super) since: u64,
}

impl Retention {
    /// Changes a rule; where both numbers are 0 there is none.
    pub(super) fn changed(
        before: Option<Self>,
        keep_versions: Option<u32>,
        keep_days: Option<u32>,
        now: Timestamp,
    ) -> Option<Self> {
        let old = before.unwrap_or_default();
        let new = Self {
            keep_versions: keep_versions.unwrap_or(old.keep_versions),
            keep_days: keep_days.unwrap_or(old.keep_days),
            since: old.since,
        };
        if (new.keep_versions, new.keep_days) == (0, 0) {
            return None;
        }
        if before == Some(new) {
            return before;
        }
        Some(Self {
            since: now.unix_nanos(),
            ..new
        })
    }

    /// Tells the oldest version that stays.
    fn oldest_kept(self, key: &Key, record: &Record, now: Timestamp) -> u32 {
        let quiet = DAY * self.keep_days.max(1);
        let keyring = &key.keyring;
        let latest = keyring.latest_version();
        let newest_to_go = latest.saturating_sub(self.keep_versions.max(1));
        let goes = |version: u32| {
            // Of hidden versions nothing is told; they were replaced before the first that shows.
            let successor = keyring.versions().find(|it| it.number > version);
            let replaced = successor.map_or(now.unix_nanos(), |it| it.created.unix_nanos());
            let used = record.0.get(&version).map_or(0, |used| used.used_until);
            let used = used.saturating_mul(1_000_000_000);
            let last = replaced.max(used).max(self.since);
            now.since(Timestamp::from_unix_nanos(last)) >= quiet
        };
        let first = keyring.min_available_version().max(1);
        (first..=newest_to_go)
            .find(|&version| !goes(version))
            .unwrap_or(newest_to_go.max(first - 1) + 1)
    }
}

/// Destroys the versions of a key whose time has come.
pub(super) async fn retire_if_due(
    transit: &Transit,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if transit.store.retire(name, now).await? {
        info!(key = name, "destroyed old versions of a transit key");
    }
    Ok(())
}

impl Store {
    /// Destroys the versions of a key whose time has come, if none of them was used meanwhile; tells
    /// whether there were any.
    async fn retire(&self, name: &str, now: Timestamp) -> Result<bool, Error> {
        let view = self.upkeep();
        loop {
            let Some((mut key, revision)) = store::read(view, name).await? else {
                return Ok(false);
            };
            // Most keys have no rule, and their records need not be read.
            let Some(rule) = key.settings.retention else {
                return Ok(false);
            };
            let (mut record, expect) = Record::read(view, name).await?;
            let first = rule.oldest_kept(&key, &record, now);
            if first <= key.keyring.min_available_version().max(1) {
                return Ok(false);
            }
            key.retire(first)?;
            record.0.retain(|&version, _| version >= first);
            let put = Change::put(store::path(name), key.encode()).expecting(Expect::At(revision));
            // A use that came between is in the record, and then nothing is committed.
            let record = record.put(name).expecting(expect);
            if self.commit(view, name, vec![put, record]).await? {
                return Ok(true);
            }
        }
    }
}

impl Key {
    /// Destroys the versions before `first`.
    pub(super) fn retire(&mut self, first: u32) -> Result<(), Error> {
        let (keyring, disabled) = (&mut self.keyring, &mut self.settings.disabled_versions);
        let decryption = keyring.min_decryption_version().max(first);
        keyring.set_minimums(Minimums {
            decryption: NonZeroU32::new(decryption),
            encryption: Some(keyring.min_encryption_version().max(decryption)),
        })?;
        keyring.trim(first)?;
        disabled.retain(|&version| version >= first);
        Ok(())
    }
}

pub(super) async fn disable(
    cx: Context<Transit>,
    request: api::DisableVersion,
) -> Result<Response<api::Key>, Error> {
    set_enabled(&cx, &request.name, &request.version, false).await
}

pub(super) async fn enable(
    cx: Context<Transit>,
    request: api::EnableVersion,
) -> Result<Response<api::Key>, Error> {
    set_enabled(&cx, &request.name, &request.version, true).await
}

async fn set_enabled(
    cx: &Context<Transit>,
    name: &str,
    version: &str,
    enabled: bool,
) -> Result<Response<api::Key>, Error> {
    let version: u32 = version
        .parse()
        .map_err(|_| Error::invalid("invalid key version"))?;
    let changed = cx.store.update(cx.view(), name, |key| {
        let first = key.keyring.min_available_version().max(1);
        let latest = key.keyring.latest_version();
        if !(first..=latest).contains(&version) {
            return Err(Error::invalid("no such key version"));
        }
        if version == latest && !enabled {
            return Err(Error::invalid(
                "the latest version cannot be disabled; rotate the key first",
            ));
        }
        let disabled = &mut key.settings.disabled_versions;
        let changed = if enabled {
            disabled.remove(&version)
        } else {
            disabled.insert(version)
        };
        Ok(if changed { Edit::Write } else { Edit::Keep })
    });
    let key = changed.await?;
    let key = key.ok_or_else(|| config::no_existing_key(name))?;
    Ok(Response::data(keys::describe(name, &key, None)?))
}
