//! Rotation of keys whose period is over.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use keyward_core::{Error, Timestamp};
use tracing::{info, warn};

use super::{
    Transit, fresh, input, retention,
    store::{Edit, Key},
};

/// How often the keys are visited.
const EVERY: Duration = Duration::from_secs(3600);

/// When the keys are visited next, in nanoseconds since 1970; at once after start.
#[derive(Default)]
pub(super) struct Schedule(AtomicU64);

/// Rotates every key whose latest version is older than its period, and destroys versions whose time
/// has come, once an hour.
///
/// On many nodes each one sweeps; the first to rotate a key leaves nothing to do for the others.
pub(super) async fn sweep(transit: &Transit, now: Timestamp) -> Result<(), Error> {
    let Schedule(next) = &transit.schedule;
    if now.unix_nanos() < next.load(Ordering::Relaxed) {
        return Ok(());
    }
    for name in transit.store.list(None, None).await? {
        // One key that fails must not keep the others from being rotated.
        match rotate_if_due(transit, &name, now).await {
            Ok(true) => info!(key = name, "rotated a transit key whose period was over"),
            Ok(false) => {}
            Err(error) => warn!(key = name, %error, "a transit key could not be rotated"),
        }
        if let Err(error) = retention::retire_if_due(transit, &name, now).await {
            warn!(key = name, %error, "old versions of a transit key could not be destroyed");
        }
    }
    next.store(now.plus(EVERY).unix_nanos(), Ordering::Relaxed);
    Ok(())
}

async fn rotate_if_due(transit: &Transit, name: &str, now: Timestamp) -> Result<bool, Error> {
    let store = &transit.store;
    // Most keys are not due: look first, past the cache, which is for keys in use.
    if !store
        .inspect(name)
        .await?
        .is_some_and(|key| is_due(&key, now))
    {
        return Ok(false);
    }
    let material = fresh::generate(store, name).await?;
    let rotated = store.update(store.upkeep(), name, |key| {
        if !is_due(key, now) {
            return Ok(Edit::Keep);
        }
        fresh::add(key, material.as_ref(), input::moment(now))?;
        Ok(Edit::Write)
    });
    Ok(rotated.await?.is_some())
}

fn is_due(key: &Key, now: Timestamp) -> bool {
    let period = key.settings.auto_rotate_period;
    let Some(latest) = key.keyring.versions().last() else {
        return false;
    };
    let created = Timestamp::from_unix_nanos(latest.created.unix_nanos());
    let kept = key.settings.imported && !key.settings.allow_rotation;
    let rotates = period > 0 && !key.settings.soft_deleted && !kept;
    rotates && now.since(created) >= Duration::from_secs(period)
}
