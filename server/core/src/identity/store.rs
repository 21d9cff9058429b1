//! Where entities and groups are kept and found.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;
use quick_cache::sync::Cache;

use super::{
    Draft, Identity, Snapshot,
    snapshot::{ENTITIES, GROUPS},
};
use crate::{Error, view::View};

/// How many entities stay ready with all that their groups give them.
const RESOLVED: usize = 1 << 14;

/// Keeps entities and groups: in memory as a snapshot, behind the barrier in storage.
pub(crate) struct IdentityStore {
    view: View,
    snapshot: ArcSwap<Snapshot>,
    /// What an entity brings to a request, as long as neither it nor any group was changed.
    resolved: Cache<Arc<str>, Arc<Identity>>,
    stamps: AtomicU64,
    /// One change at a time; it awaits storage in between.
    changing: tokio::sync::Mutex<()>,
}

impl IdentityStore {
    /// Loads all entities and groups.
    ///
    /// # Errors
    /// The store below failed.
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let mut draft = Draft::of(&Snapshot::default());
        for (_, entity) in view.records(ENTITIES).await? {
            draft.put_entity(entity);
        }
        for (_, group) in view.records(GROUPS).await? {
            draft.put_group(group);
        }
        let (snapshot, _) = draft.finish()?;
        Ok(Self {
            view,
            snapshot: ArcSwap::from_pointee(snapshot),
            resolved: Cache::new(RESOLVED),
            stamps: AtomicU64::new(1),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Returns all entities and groups as they are now.
    pub(super) fn now(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Changes entities and groups, all that is asked or nothing; durable when it returns, and in
    /// force for every request that comes after. `request` is put on record first.
    ///
    /// # Errors
    /// What `change` refuses, or the store below failed.
    pub(super) async fn change<T>(
        &self,
        request: &View,
        change: impl FnOnce(&mut Draft) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _changing = self.changing.lock().await;
        let mut draft = Draft::of(&self.snapshot.load());
        let result = change(&mut draft)?;
        let (snapshot, changes) = draft.finish()?;
        if !changes.is_empty() {
            request.on_record().await?;
            self.view.commit(changes).await?;
            self.snapshot.store(Arc::new(snapshot));
        }
        Ok(result)
    }

    /// Tells what the entity of a token brings to a request; none if it is gone.
    ///
    /// One that was asked for before is answered without a walk through its groups, until it or any
    /// group is changed.
    pub(crate) fn of(&self, entity_id: &str) -> Option<Arc<Identity>> {
        let snapshot = self.snapshot.load();
        let entity = snapshot.entity_of_token(entity_id)?;
        if let Some(known) = self.resolved.get(entity_id)
            && known.is_of(entity, snapshot.group_changes)
        {
            return Some(known);
        }
        let stamp = self.stamps.fetch_add(1, Ordering::Relaxed);
        let identity = Arc::new(Identity::resolve(&snapshot, entity, stamp));
        let resolved = Arc::clone(&identity);
        self.resolved.insert(entity_id.into(), resolved);
        Some(identity)
    }

    /// Counts the entities.
    pub(crate) fn count(&self) -> u64 {
        let count = self.snapshot.load().entities().count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}
