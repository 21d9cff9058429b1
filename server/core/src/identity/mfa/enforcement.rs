//! Enforcements: which logins need a second factor.

use std::{collections::BTreeMap, sync::Arc};

use keyward_api::{ROOT_NAMESPACE_ID, identity::LoginEnforcement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{super::Identity, Known, Method};
use crate::{Error, MountEntry};

/// Which logins need one of some methods.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(in super::super) struct Enforcement {
    pub(super) id: String,
    pub(super) name: String,
    /// The ids of the methods; where there is none, nobody logs in.
    pub(super) methods: Vec<String>,
    accessors: Vec<String>,
    types: Vec<String>,
    groups: Vec<String>,
    entities: Vec<String>,
}

/// What a request says of an enforcement; what it does not say stays.
///
/// That what it names is there, the methods excepted, is checked before.
#[derive(Debug, Default)]
pub(in super::super) struct EnforcementChange {
    pub(in super::super) methods: Option<Vec<String>>,
    pub(in super::super) accessors: Option<Vec<String>>,
    pub(in super::super) types: Option<Vec<String>>,
    pub(in super::super) groups: Option<Vec<String>>,
    pub(in super::super) entities: Option<Vec<String>>,
}

impl EnforcementChange {
    /// Refuses a request that leaves out what must be there.
    ///
    /// # Errors
    /// [`Error::Invalid`]; the texts are Vault's.
    pub(in super::super) fn check_methods(
        &self,
        known: &BTreeMap<String, Arc<Method>>,
    ) -> Result<(), Error> {
        let methods = self.methods.as_ref();
        let methods = methods.ok_or_else(|| Error::invalid("missing method ids"))?;
        if methods.iter().any(|id| !known.contains_key(id)) {
            return Err(Error::invalid(
                "one of the provided method ids doesn't exist",
            ));
        }
        Ok(())
    }

    /// Lays the change over an enforcement, or over a new one.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it names no methods, one that is not there, or no logins; the texts are
    /// Vault's.
    pub(super) fn apply(
        self,
        name: &str,
        old: Option<&Enforcement>,
        methods: &BTreeMap<String, Arc<Method>>,
    ) -> Result<Enforcement, Error> {
        self.check_methods(methods)?;
        let selects = [&self.accessors, &self.types, &self.groups, &self.entities];
        if selects.into_iter().all(Option::is_none) {
            return Err(Error::invalid(
                "One of auth_method_accessors, auth_method_types, identity_group_ids, \
                 identity_entity_ids must be specified",
            ));
        }
        let mut enforcement = old.cloned().unwrap_or_else(|| Enforcement {
            id: Uuid::new_v4().to_string(),
            name: name.to_owned(),
            methods: Vec::new(),
            accessors: Vec::new(),
            types: Vec::new(),
            groups: Vec::new(),
            entities: Vec::new(),
        });
        for (list, given) in [
            (&mut enforcement.methods, self.methods),
            (&mut enforcement.accessors, self.accessors),
            (&mut enforcement.types, self.types),
            (&mut enforcement.groups, self.groups),
            (&mut enforcement.entities, self.entities),
        ] {
            if let Some(given) = given {
                *list = given;
            }
        }
        Ok(enforcement)
    }
}

impl Enforcement {
    /// Tells whether a login at a mount is subject to it.
    fn covers(&self, mount: &MountEntry, identity: Option<&Identity>) -> bool {
        let names = |list: &[String], name: &str| list.iter().any(|it| it == name);
        if names(&self.accessors, &mount.accessor) || names(&self.types, &mount.kind) {
            return true;
        }
        identity.is_some_and(|identity| {
            let mut groups = identity.groups.iter();
            names(&self.entities, identity.entity_id())
                || groups.any(|group| names(&self.groups, &group.id))
        })
    }

    /// Shows it as the API does.
    pub(in super::super) fn shown(&self) -> LoginEnforcement {
        LoginEnforcement {
            auth_method_accessors: self.accessors.clone(),
            auth_method_types: self.types.clone(),
            id: self.id.clone(),
            identity_entity_ids: self.entities.clone(),
            identity_group_ids: self.groups.clone(),
            mfa_method_ids: self.methods.clone(),
            name: self.name.clone(),
            namespace_id: ROOT_NAMESPACE_ID.to_owned(),
            namespace_path: String::new(),
        }
    }
}

impl Known {
    /// Returns the enforcements that a login is subject to, in the order of their names.
    pub(super) fn covering(
        &self,
        mount: &MountEntry,
        identity: Option<&Identity>,
    ) -> Vec<&Enforcement> {
        let all = self.enforcements.values().map(|it| &**it);
        all.filter(|it| it.covers(mount, identity)).collect()
    }
}
