//! A mount at another path: one commit of the table; the data lies under the mount's uuid.

use std::{collections::VecDeque, sync::Arc};

use keyward_api::sys::Migration;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Mount, Mounts, full_path, is_builtin, is_reserved, upgrade::Farewell};
use crate::{
    Error, MountEntry, Timestamp,
    engine::Class,
    lease::{self, Leases},
    metrics::RouteMetrics,
    token::TokenStore,
    view::View,
};

/// The last moves, by id.
#[derive(Default)]
pub(super) struct Migrations(Mutex<VecDeque<(String, Migration)>>);

impl Migrations {
    /// How many are remembered.
    const MOST: usize = 64;

    fn remember(&self, from: &str, to: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let migration = Migration {
            source_mount: from.to_owned(),
            target_mount: to.to_owned(),
            status: "success".to_owned(),
        };
        let mut moves = self.0.lock();
        if moves.len() == Self::MOST {
            moves.pop_front();
        }
        moves.push_back((id.clone(), migration));
        id
    }
}

impl Mounts {
    /// Moves a mount and returns the id of the move, which is over when this returns. Paths are
    /// those below `/v1/`, with their slash.
    ///
    /// Requests that are on their way to the old path are answered by the same engine. Tokens that
    /// an auth method made at its old path are revoked, as in Vault, and so are leases.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such mount, or it cannot be there; the texts are Vault's.
    /// [`Error::Busy`] while its engine makes secrets.
    pub(crate) async fn remount(
        &self,
        from: &str,
        to: &str,
        tokens: &TokenStore,
        leases: &Leases,
        now: Timestamp,
        request: &View,
    ) -> Result<String, Error> {
        let _changing = self.changing.lock().await;
        let mut table = (**self.table.load()).clone();
        let mount = table.get(from);
        if mount.is_some_and(|it| is_builtin(&it.entry.kind))
            || (!from.starts_with("auth/") && is_reserved(from))
        {
            return Err(Error::Invalid(format!("cannot remount {from:?}")));
        }
        let (class, path) = destination(from, to)?;
        let mount =
            mount.ok_or_else(|| Error::Invalid(format!("no matching mount at {from:?}")))?;
        let overlaps = |taken: &&String| to.starts_with(*taken) || taken.starts_with(to);
        if let Some(taken) = table.keys().find(overlaps) {
            return Err(Error::Invalid(format!("path already in use at {taken:?}")));
        }
        let entry = MountEntry {
            path: path.to_owned(),
            ..(*mount.entry).clone()
        };
        let moved = Mount {
            entry: Arc::new(entry),
            class,
            view: mount.view.clone(),
            mounted: Arc::clone(&mount.mounted),
            pending: mount.pending.clone(),
            farewell: Farewell::default(),
            metrics: RouteMetrics::new(&self.metrics, to.to_owned()),
            system_ttls: self.system_ttls,
        };
        let old = Arc::clone(mount);
        let left = table.remove(from);
        table.insert(full_path(class, path), Arc::new(moved));
        request.on_record().await?;
        if class == Class::Auth {
            tokens.revoke_prefix(from, now).await?;
        }
        lease::end_mount(leases, &old, now).await?;
        self.store(&table, request).await?;
        self.table.store(Arc::new(table));
        if let Some(left) = left {
            left.metrics.forget();
        }
        if class == Class::Auth {
            // Those that were made while the first ones were revoked.
            tokens.revoke_prefix(from, now).await?;
        }
        Ok(self.migrations.remember(from, to))
    }

    /// Returns a move; none if it is unknown or long ago.
    pub(crate) fn migration(&self, id: &str) -> Option<Migration> {
        let moves = self.migrations.0.lock();
        let found = moves.iter().find(|(known, _)| known == id);
        found.map(|(_, migration)| migration.clone())
    }
}

/// Returns the class and the path within it of where a mount is moved to.
fn destination<'t>(from: &str, to: &'t str) -> Result<(Class, &'t str), Error> {
    match (from.starts_with("auth/"), to.strip_prefix("auth/")) {
        _ if to == "/" => Err(Error::invalid("invalid destination mount path \"/\"")),
        (true, None) => Err(Error::Invalid(format!(
            "cannot remount auth mount to non-auth mount {to:?}"
        ))),
        (true, Some(path)) if !path.is_empty() => Ok((Class::Auth, path)),
        (false, None) if !is_reserved(to) => Ok((Class::Secret, to)),
        _ => Err(Error::Invalid(format!(
            "cannot remount to destination {to}"
        ))),
    }
}
