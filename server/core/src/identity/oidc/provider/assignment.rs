//! Assignments: whom a client may ask about.

use std::sync::Arc;

use super::{
    super::{super::Identity, Oidc},
    ASSIGNMENTS, Assignment, Client, Registry, in_use, names_of, unique,
};
use crate::{Error, barrier::Change, view::View};

/// The assignment that is there from the start, for everybody.
pub(super) const ALLOW_ALL: &str = "allow_all";

/// Makes the assignment of everybody.
pub(super) fn everybody() -> Arc<Assignment> {
    let all = || vec!["*".to_owned()];
    Arc::new(Assignment {
        entity_ids: all(),
        group_ids: all(),
    })
}

impl Oidc {
    /// Makes an assignment, or changes what is given of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the one that stays as it is.
    pub(in crate::identity) async fn write_assignment(
        &self,
        name: &str,
        entity_ids: Option<Vec<String>>,
        group_ids: Option<Vec<String>>,
        request: &View,
    ) -> Result<(), Error> {
        if name == ALLOW_ALL {
            return Err(Error::Invalid(format!(
                "modification of assignment {name:?} not allowed"
            )));
        }
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let assignments = &mut known.registry.assignments;
        let old = assignments.get(name);
        let mut assignment = old.map(|it| (**it).clone()).unwrap_or_default();
        // Ids have one case, whatever was written.
        let ids = |ids: Vec<String>| unique(ids.iter().map(|id| id.to_lowercase()).collect());
        if let Some(given) = entity_ids {
            assignment.entity_ids = ids(given);
        }
        if let Some(given) = group_ids {
            assignment.group_ids = ids(given);
        }
        let change = Change::put_as(format!("{ASSIGNMENTS}{name}"), &assignment)?;
        assignments.insert(name.to_owned(), Arc::new(assignment));
        self.store(known, vec![change], Some(request)).await
    }

    /// Removes an assignment that no client refers to; its absence is no error.
    pub(in crate::identity) async fn delete_assignment(
        &self,
        name: &str,
        request: &View,
    ) -> Result<(), Error> {
        if name == ALLOW_ALL {
            return Err(Error::Invalid(format!(
                "deletion of assignment {name:?} not allowed"
            )));
        }
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let registry = &mut known.registry;
        let refers = |client: &Client| client.assignments.iter().any(|it| it == name);
        let users = names_of(&registry.clients, refers);
        if !users.is_empty() {
            return Err(in_use("assignment", name, "clients", &users));
        }
        if registry.assignments.remove(name).is_none() {
            return Ok(());
        }
        let change = Change::delete(format!("{ASSIGNMENTS}{name}"));
        self.store(known, vec![change], Some(request)).await
    }
}

impl Registry {
    /// Tells whether a client may ask about an entity, or a group of it.
    pub(super) fn may_ask(&self, client: &Client, about: &Identity) -> bool {
        let names = client.assignments.iter();
        let mut assignments = names.filter_map(|name| self.assignments.get(name));
        let lists = |ids: &[String], id: &str| ids.iter().any(|it| it == "*" || it == id);
        assignments.any(|assignment| {
            lists(&assignment.entity_ids, about.entity_id())
                || about
                    .groups
                    .iter()
                    .any(|group| lists(&assignment.group_ids, &group.id))
        })
    }
}
