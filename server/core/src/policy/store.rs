//! The policies of the server, and the compiled sets of them that tokens have.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use quick_cache::{Equivalent, sync::Cache};
use serde::{Deserialize, Serialize};

use super::{
    Acl, DEFAULT_POLICY, DEFAULT_POLICY_NAME, Holder, Policy, ROOT_POLICY_NAME, WRAPPING_POLICY,
    WRAPPING_POLICY_NAME, decode_text,
};
use crate::{Error, Timestamp, json, view::View};

/// How many sets of policies are kept compiled: one for each entity that is about, since the default
/// policy speaks of the entity.
const COMPILED: usize = 4096;

/// All policies in memory, behind the barrier in storage.
pub(crate) struct PolicyStore {
    view: View,
    /// The two that are not stored.
    root: Arc<Stored>,
    wrapping: Arc<Stored>,
    snapshot: ArcSwap<Snapshot>,
    /// One change at a time; it awaits storage in between.
    changing: tokio::sync::Mutex<()>,
}

/// A policy with what is known of it.
pub(crate) struct Stored {
    policy: Arc<Policy>,
    record: Record,
}

/// What is stored of a policy, as JSON.
///
/// Before there were versions it was the text alone. None of those is taken for a record: a text
/// that is a policy has no key `version`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    text: String,
    /// Counts the changes; 1 is the first text.
    version: u64,
    /// When this version was written; not known of what was stored before there were versions.
    modified: Option<Timestamp>,
    cas_required: bool,
    /// From when on the policy is gone.
    expiration: Option<Timestamp>,
}

/// What a request wants of a policy beside its text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PolicyChange {
    /// The version that is to be replaced: 0 or -1 if there must be none; none if it does not matter.
    pub(crate) cas: Option<i64>,
    /// Whether every change must say which version it replaces.
    pub(crate) cas_required: Option<bool>,
    /// From when on the policy is gone.
    pub(crate) expiration: Option<Timestamp>,
}

/// The policies of one moment, with what was compiled from just them: a change makes a new
/// snapshot, so that nothing compiled from an older policy can outlive it.
struct Snapshot {
    policies: BTreeMap<String, Arc<Stored>>,
    compiled: Cache<Compiled, Arc<Acl>>,
}

/// What was compiled: the names of policies, for one holder, or for none, which is 0.
#[derive(Eq, Hash, PartialEq)]
struct Compiled {
    holder: u64,
    names: Arc<[String]>,
}

/// The same without its own copy of the names.
#[derive(Hash)]
struct Wanted<'a> {
    holder: u64,
    names: &'a [String],
}

impl Equivalent<Compiled> for Wanted<'_> {
    fn equivalent(&self, key: &Compiled) -> bool {
        self.holder == key.holder && *self.names == *key.names
    }
}

impl Snapshot {
    fn of(policies: BTreeMap<String, Arc<Stored>>) -> Self {
        Self {
            policies,
            compiled: Cache::new(COMPILED),
        }
    }
}

impl Record {
    fn first(text: &str, modified: Option<Timestamp>) -> Self {
        Self {
            text: text.to_owned(),
            version: 1,
            modified,
            cas_required: false,
            expiration: None,
        }
    }

    /// Refuses a change that says it replaces another version than there is, or must say and does
    /// not.
    fn admit(current: Option<&Self>, change: &PolicyChange) -> Result<(), Error> {
        let required =
            current.is_some_and(|it| it.cas_required) || change.cas_required == Some(true);
        let version = current.map_or(0, |it| it.version);
        match change.cas {
            None if required => Err(Error::invalid(
                "check-and-set parameter required for this call",
            )),
            None => Ok(()),
            Some(-1) if current.is_none() => Ok(()),
            Some(-1) => Err(Error::invalid(
                "check-and-set parameter set to -1 on existing entry",
            )),
            Some(cas) if u64::try_from(cas).is_ok_and(|cas| cas == version) => Ok(()),
            Some(cas) => Err(Error::Invalid(format!(
                "check-and-set parameter {cas} did not match the current version {version}"
            ))),
        }
    }
}

impl Stored {
    fn new(policy: Policy, record: Record) -> Arc<Self> {
        Arc::new(Self {
            policy: Arc::new(policy.until(record.expiration)),
            record,
        })
    }

    fn read(name: &str, record: Record) -> Result<Arc<Self>, Error> {
        let policy = Policy::parse(name, &record.text).map_err(Error::internal)?;
        Ok(Self::new(policy, record))
    }

    fn lives_at(&self, now: Timestamp) -> bool {
        self.record.expiration.is_none_or(|end| now < end)
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.record.text
    }

    /// Counts the changes; 0 for a policy that cannot be changed.
    pub(crate) const fn version(&self) -> u64 {
        self.record.version
    }

    /// When it was last changed, where that is known.
    pub(crate) const fn modified(&self) -> Option<Timestamp> {
        self.record.modified
    }

    /// Whether every change must say which version it replaces.
    pub(crate) const fn cas_required(&self) -> bool {
        self.record.cas_required
    }

    /// From when on it is gone.
    pub(crate) const fn expiration(&self) -> Option<Timestamp> {
        self.record.expiration
    }
}

impl PolicyStore {
    /// Loads all policies; a new server gets the default one.
    pub(crate) async fn open(view: View, now: Timestamp) -> Result<Self, Error> {
        let mut policies = BTreeMap::new();
        for name in view.keys().await? {
            if let Some(entry) = view.get(&name).await? {
                let record = match json::from_secret(&entry.value) {
                    Ok(record) => record,
                    Err(_) => {
                        // EXPOSE: the text of a policy is no secret to those who may read it.
                        let text = str::from_utf8(entry.value.expose()).map_err(Error::internal)?;
                        Record::first(text, None)
                    }
                };
                let stored = Stored::read(&name, record)?;
                policies.insert(name, stored);
            }
        }
        let unchanging = |text| Record {
            version: 0,
            ..Record::first(text, None)
        };
        let store = Self {
            view,
            root: Stored::new(Policy::root(), unchanging("")),
            wrapping: Stored::read(WRAPPING_POLICY_NAME, unchanging(WRAPPING_POLICY))?,
            snapshot: ArcSwap::from_pointee(Snapshot::of(policies)),
            changing: tokio::sync::Mutex::default(),
        };
        if store.find(DEFAULT_POLICY_NAME, now).is_none() {
            let change = PolicyChange::default();
            store
                .write(
                    DEFAULT_POLICY_NAME,
                    DEFAULT_POLICY,
                    change,
                    now,
                    &store.view,
                )
                .await?;
        }
        Ok(store)
    }

    /// Returns what a token with these policies may do, with those of who holds it; unknown ones grant
    /// nothing, nor do those that have ended.
    pub(crate) fn acl(
        &self,
        names: &[String],
        holder: Option<&dyn Holder>,
        now: Timestamp,
    ) -> Arc<Acl> {
        let snapshot = self.snapshot.load();
        let wanted = Wanted {
            holder: holder.map_or(0, Holder::stamp),
            names,
        };
        if let Some(acl) = snapshot.compiled.get(&wanted)
            && acl.counts_at(now)
        {
            return acl;
        }
        let more = holder.map_or(&[][..], Holder::policies).iter();
        let more = more.filter(|name| !names.contains(name));
        let known = names
            .iter()
            .chain(more)
            .filter_map(|name| snapshot.policies.get(name));
        let mut policies: Vec<_> = known.map(|stored| Arc::clone(&stored.policy)).collect();
        for (name, stored) in [
            (ROOT_POLICY_NAME, &self.root),
            (WRAPPING_POLICY_NAME, &self.wrapping),
        ] {
            if names.iter().any(|given| given == name) {
                policies.push(Arc::clone(&stored.policy));
            }
        }
        let acl = Arc::new(Acl::of(&policies, holder, now));
        let key = Compiled {
            holder: wanted.holder,
            names: names.into(),
        };
        snapshot.compiled.insert(key, Arc::clone(&acl));
        acl
    }

    /// Returns all policies, `root` included, by name.
    pub(crate) fn all(&self, now: Timestamp) -> BTreeMap<String, Arc<Stored>> {
        let mut all = self.snapshot.load().policies.clone();
        all.retain(|_, stored| stored.lives_at(now));
        all.insert(ROOT_POLICY_NAME.to_owned(), Arc::clone(&self.root));
        all
    }

    /// Returns a policy, unless it has ended.
    pub(crate) fn find(&self, name: &str, now: Timestamp) -> Option<Arc<Stored>> {
        match name {
            ROOT_POLICY_NAME => Some(Arc::clone(&self.root)),
            WRAPPING_POLICY_NAME => Some(Arc::clone(&self.wrapping)),
            _ => self.stored(name, now),
        }
    }

    fn stored(&self, name: &str, now: Timestamp) -> Option<Arc<Stored>> {
        let snapshot = self.snapshot.load();
        let stored = snapshot.policies.get(name);
        stored.filter(|stored| stored.lives_at(now)).cloned()
    }

    /// Writes a policy, through the view of the request that asks for it. Nothing of an earlier
    /// version stays.
    pub(crate) async fn write(
        &self,
        name: &str,
        text: &str,
        change: PolicyChange,
        now: Timestamp,
        request: &View,
    ) -> Result<(), Error> {
        admit(name, &change, now)?;
        let (policy, text) = parse(name, text)?;
        let _changing = self.changing.lock().await;
        let current = self.stored(name, now);
        let current = current.as_deref().map(|stored| &stored.record);
        Record::admit(current, &change)?;
        let record = Record {
            text,
            version: current.map_or(0, |it| it.version) + 1,
            modified: Some(now),
            cas_required: change.cas_required.unwrap_or_default(),
            expiration: change.expiration,
        };
        self.put(name, Stored::new(policy, record), request).await
    }

    /// Changes parts of a policy; what is not said stays.
    pub(crate) async fn patch(
        &self,
        name: &str,
        text: Option<&str>,
        change: PolicyChange,
        now: Timestamp,
        request: &View,
    ) -> Result<(), Error> {
        admit(name, &change, now)?;
        let _changing = self.changing.lock().await;
        let current = self.stored(name, now);
        let current = current.as_deref().map(|stored| &stored.record);
        let current = current.ok_or_else(|| Error::invalid("policy not found"))?;
        Record::admit(Some(current), &change)?;
        let (policy, text) = parse(name, text.unwrap_or(&current.text))?;
        let record = Record {
            text,
            version: current.version + 1,
            modified: Some(now),
            cas_required: change.cas_required.unwrap_or(current.cas_required),
            expiration: change.expiration.or(current.expiration),
        };
        self.put(name, Stored::new(policy, record), request).await
    }

    /// Stores a policy while nothing else changes.
    async fn put(&self, name: &str, stored: Arc<Stored>, request: &View) -> Result<(), Error> {
        request.on_record().await?;
        self.view.put_as(name, &stored.record).await?;
        self.change(|policies| drop(policies.insert(name.to_owned(), stored)));
        Ok(())
    }

    /// Removes a policy; its absence is no error.
    pub(crate) async fn delete(&self, name: &str, request: &View) -> Result<(), Error> {
        match name {
            ROOT_POLICY_NAME | WRAPPING_POLICY_NAME => {
                return Err(Error::Invalid(format!("cannot delete \"{name}\" policy")));
            }
            DEFAULT_POLICY_NAME => return Err(Error::invalid("cannot delete default policy")),
            _ => {}
        }
        let _changing = self.changing.lock().await;
        request.on_record().await?;
        self.view.delete(name).await?;
        self.change(|policies| drop(policies.remove(name)));
        tracing::debug!(policy = name, "a policy is removed");
        Ok(())
    }

    /// Removes the policies that have ended.
    ///
    /// # Errors
    /// The store failed; what is left grants nothing, and is removed by another call.
    pub(crate) async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        let have_ended = |(_, stored): &(&String, &Arc<Stored>)| !stored.lives_at(now);
        if !self
            .snapshot
            .load()
            .policies
            .iter()
            .any(|it| have_ended(&it))
        {
            return Ok(());
        }
        let _changing = self.changing.lock().await;
        let snapshot = self.snapshot.load_full();
        for (name, _) in snapshot.policies.iter().filter(have_ended) {
            self.view.delete(name).await?;
            self.change(|policies| drop(policies.remove(name)));
        }
        Ok(())
    }

    /// Makes the snapshot that follows, while nothing else changes.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Arc<Stored>>)) {
        let mut policies = self.snapshot.load().policies.clone();
        change(&mut policies);
        self.snapshot.store(Arc::new(Snapshot::of(policies)));
    }
}

/// Refuses to change what cannot be, and an end that is past.
fn admit(name: &str, change: &PolicyChange, now: Timestamp) -> Result<(), Error> {
    if [ROOT_POLICY_NAME, WRAPPING_POLICY_NAME].contains(&name) {
        return Err(Error::Invalid(format!("cannot update \"{name}\" policy")));
    }
    if change.expiration.is_some_and(|end| end <= now) {
        return Err(Error::invalid(
            "refusing to update policy as expiration time has already elapsed",
        ));
    }
    if name == DEFAULT_POLICY_NAME && change.expiration.is_some() {
        return Err(Error::invalid("the default policy cannot expire"));
    }
    Ok(())
}

fn parse(name: &str, text: &str) -> Result<(Policy, String), Error> {
    let text = decode_text(text);
    let policy = Policy::parse(name, &text).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok((policy, text.into_owned()))
}

#[cfg(test)]
mod tests;
