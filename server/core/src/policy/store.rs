//! The policies of the server, and the compiled sets of them that tokens have.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use keyward_crypto::SecretBytes;
use quick_cache::{Equivalent, sync::Cache};

use super::{
    Acl, DEFAULT_POLICY, DEFAULT_POLICY_NAME, Holder, Policy, ROOT_POLICY_NAME, WRAPPING_POLICY,
    WRAPPING_POLICY_NAME, decode_text,
};
use crate::{Error, view::View};

/// How many sets of policies are kept compiled: one for each entity that is about, since the default
/// policy speaks of the entity.
const COMPILED: usize = 4096;

/// All policies in memory, behind the barrier in storage.
pub(crate) struct PolicyStore {
    view: View,
    /// The policy of wrapping tokens, which is not stored.
    wrapping: Arc<Policy>,
    snapshot: ArcSwap<Snapshot>,
    /// One change at a time; it awaits storage in between.
    changing: tokio::sync::Mutex<()>,
}

/// The policies of one moment, with what was compiled from just them: a change makes a new
/// snapshot, so that nothing compiled from an older policy can outlive it.
struct Snapshot {
    policies: BTreeMap<String, (Arc<Policy>, Arc<str>)>,
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
    fn of(policies: BTreeMap<String, (Arc<Policy>, Arc<str>)>) -> Self {
        Self {
            policies,
            compiled: Cache::new(COMPILED),
        }
    }
}

impl PolicyStore {
    /// Loads all policies; a new server gets the default one.
    pub(crate) async fn open(view: View) -> Result<Self, Error> {
        let mut policies = BTreeMap::new();
        for name in view.keys().await? {
            if let Some(entry) = view.get(&name).await? {
                // EXPOSE: the text of a policy is no secret to those who may read it.
                let text = std::str::from_utf8(entry.value.expose()).map_err(Error::internal)?;
                let policy = Policy::parse(&name, text).map_err(Error::internal)?;
                policies.insert(name, (Arc::new(policy), text.into()));
            }
        }
        let wrapping = Policy::parse(WRAPPING_POLICY_NAME, WRAPPING_POLICY);
        let store = Self {
            view,
            wrapping: Arc::new(wrapping.map_err(Error::internal)?),
            snapshot: ArcSwap::from_pointee(Snapshot::of(policies)),
            changing: tokio::sync::Mutex::default(),
        };
        if store.text(DEFAULT_POLICY_NAME).is_none() {
            store
                .write(DEFAULT_POLICY_NAME, DEFAULT_POLICY, &store.view)
                .await?;
        }
        Ok(store)
    }

    /// Returns what a token with these policies may do, with those of who holds it; unknown ones grant
    /// nothing.
    pub(crate) fn acl(&self, names: &[String], holder: Option<&dyn Holder>) -> Arc<Acl> {
        let snapshot = self.snapshot.load();
        let wanted = Wanted {
            holder: holder.map_or(0, Holder::stamp),
            names,
        };
        if let Some(acl) = snapshot.compiled.get(&wanted) {
            return acl;
        }
        let more = holder.map_or(&[][..], Holder::policies).iter();
        let more = more.filter(|name| !names.contains(name));
        let mut policies: Vec<_> = names
            .iter()
            .chain(more)
            .filter_map(|name| {
                snapshot
                    .policies
                    .get(name)
                    .map(|(policy, _)| Arc::clone(policy))
            })
            .collect();
        if names.iter().any(|name| name == ROOT_POLICY_NAME) {
            policies.push(Arc::new(Policy::root()));
        }
        if names.iter().any(|name| name == WRAPPING_POLICY_NAME) {
            policies.push(Arc::clone(&self.wrapping));
        }
        let acl = Arc::new(Acl::of(&policies, holder));
        let key = Compiled {
            holder: wanted.holder,
            names: names.into(),
        };
        snapshot.compiled.insert(key, Arc::clone(&acl));
        acl
    }

    /// Returns the names of all policies, `root` included, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.snapshot.load().policies.keys().cloned().collect();
        names.push(ROOT_POLICY_NAME.to_owned());
        names.sort_unstable();
        names
    }

    /// Returns the text of a policy.
    pub(crate) fn text(&self, name: &str) -> Option<Arc<str>> {
        match name {
            ROOT_POLICY_NAME => return Some("".into()),
            WRAPPING_POLICY_NAME => return Some(WRAPPING_POLICY.into()),
            _ => {}
        }
        self.snapshot
            .load()
            .policies
            .get(name)
            .map(|(_, text)| Arc::clone(text))
    }

    /// Writes a policy, through the view of the request that asks for it.
    pub(crate) async fn write(&self, name: &str, text: &str, request: &View) -> Result<(), Error> {
        if [ROOT_POLICY_NAME, WRAPPING_POLICY_NAME].contains(&name) {
            return Err(Error::Invalid(format!("cannot update \"{name}\" policy")));
        }
        let text = decode_text(text);
        let policy =
            Policy::parse(name, &text).map_err(|error| Error::Invalid(error.to_string()))?;
        let _changing = self.changing.lock().await;
        request.on_record().await?;
        self.view
            .put(name, SecretBytes::new(text.as_bytes().to_vec()))
            .await?;
        let mut policies = self.snapshot.load().policies.clone();
        policies.insert(name.to_owned(), (Arc::new(policy), text.as_ref().into()));
        self.snapshot.store(Arc::new(Snapshot::of(policies)));
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
        let mut policies = self.snapshot.load().policies.clone();
        policies.remove(name);
        self.snapshot.store(Arc::new(Snapshot::of(policies)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::{Derivation, Keyring, key_type};

    use super::*;
    use crate::{Timestamp, barrier::Barrier, storage::Memory};

    #[tokio::test]
    async fn a_policy_with_a_slash_in_its_name_is_there_again_after_a_restart() {
        let keyring = Keyring::generate(
            key_type("aes256-gcm96").unwrap(),
            Derivation::None,
            Timestamp::default().into(),
        );
        let barrier = Barrier::new(Arc::new(Memory::new()), keyring.unwrap());
        let view = View::new(Arc::new(barrier), "policy/");
        let store = PolicyStore::open(view.clone()).await.unwrap();
        store.write("team/reader", "", &view).await.unwrap();
        drop(store);
        let store = PolicyStore::open(view).await.unwrap();
        assert_eq!(store.names(), ["default", "root", "team/reader"]);
        assert_eq!(store.text("team/reader").as_deref(), Some(""));
    }
}
