//! A mount whose engine gets another version: its data is made over while no request reaches it.
//!
//! The table says that a mount is being upgraded, in the same commit that gives it its new version;
//! so an upgrade that a crash or a fault ended is taken up again by [`Mounts::finish_upgrades`].

use std::sync::Arc;

use tokio::sync::Notify;

use super::{Mount, Mounts};
use crate::{Error, MountEntry, Timestamp, engine::Upgrade, panics::caught};

/// Tells when the last request has let go of a mount.
#[derive(Default)]
pub(super) struct Farewell(Arc<Notify>);

impl Farewell {
    pub(super) fn listen(&self) -> Arc<Notify> {
        Arc::clone(&self.0)
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// What a mount that is being upgraded waits for.
#[derive(Clone)]
pub(crate) struct Pending {
    upgrade: Upgrade,
    /// The version that it has until then.
    version: String,
    /// The mount as it was before: requests may still be on their way to it.
    before: Option<Arc<Notify>>,
}

/// The version of what says nothing of versions.
const FIRST: &str = "1";
const SECOND: &str = "2";

impl Mounts {
    /// Refuses an upgrade that the engine does not know; none where the version stays.
    pub(super) fn upgrade_of(
        &self,
        old: &Mount,
        new: &MountEntry,
    ) -> Result<Option<Pending>, Error> {
        let version = |entry: &MountEntry| {
            let options = entry.options.as_ref();
            let version = options.and_then(|options| options.get("version").cloned());
            version
                .filter(|version| !version.is_empty())
                .unwrap_or_else(|| FIRST.to_owned())
        };
        let (before, after) = (version(&old.entry), version(new));
        if before == after {
            return Ok(old.pending.clone());
        }
        let Some(upgrade) = self.kind(old.class, &new.kind)?.upgrade else {
            return Err(Error::Invalid(format!(
                "cannot upgrade mount from version {before}"
            )));
        };
        match after.as_str() {
            FIRST => Err(Error::Invalid(format!(
                "cannot downgrade mount from version {before}"
            ))),
            SECOND => Ok(Some(Pending {
                upgrade,
                version: before,
                before: Some(old.farewell.listen()),
            })),
            _ => Err(Error::Invalid(format!("invalid version provided: {after}"))),
        }
    }

    /// Returns what is left to be done of an upgrade that the table says is under way.
    pub(super) fn resumed(&self, mount: &Mount) -> Result<Option<Pending>, Error> {
        let upgrade = self.kind(mount.class, &mount.entry.kind)?.upgrade;
        Ok(upgrade.map(|upgrade| Pending {
            upgrade,
            version: FIRST.to_owned(),
            before: None,
        }))
    }

    /// Finishes the upgrades that are under way.
    ///
    /// # Errors
    /// The store failed; what is left is done at the next call.
    pub(crate) async fn finish_upgrades(&self, now: Timestamp) -> Result<(), Error> {
        let paths = |mounts: &Self| -> Vec<String> {
            let table = mounts.table.load();
            let pending = table.iter().filter(|(_, mount)| mount.pending.is_some());
            pending.map(|(path, _)| path.clone()).collect()
        };
        // Nearly always there are none, and then nothing is waited for.
        if paths(self).is_empty() {
            return Ok(());
        }
        let _changing = self.changing.lock().await;
        let mut outcome = Ok(());
        for path in paths(self) {
            outcome = outcome.and(self.finish_upgrade(&path, now).await);
        }
        outcome
    }

    /// Finishes the upgrade of one mount, or takes it back where the engine refuses it; its caller
    /// changes the table.
    pub(super) async fn finish_upgrade(&self, full: &str, now: Timestamp) -> Result<(), Error> {
        let Some(mount) = self.table.load().get(full).cloned() else {
            return Ok(());
        };
        let Some(pending) = &mount.pending else {
            return Ok(());
        };
        if let Some(before) = &pending.before {
            before.notified().await;
            // The next attempt, if there must be one, need not wait again.
            before.notify_one();
        }
        let outcome = caught((pending.upgrade)(mount.view.clone(), now)).await;
        let mut entry = (*mount.entry).clone();
        match &outcome {
            Ok(()) => {}
            Err(Error::Invalid(_)) => {
                let version = ("version".to_owned(), pending.version.clone());
                entry.options.get_or_insert_default().extend([version]);
            }
            Err(_) => return outcome,
        }
        let mut table = (**self.table.load()).clone();
        table.insert(
            full.to_owned(),
            Arc::new(self.build(mount.class, Arc::new(entry))?),
        );
        self.store(&table, &self.view).await?;
        self.table.store(Arc::new(table));
        outcome
    }
}
