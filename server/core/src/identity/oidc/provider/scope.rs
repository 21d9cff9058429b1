//! Scopes: what clients are told beside who somebody is.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{Oidc, role},
    OPENID, Registry, SCOPES, Scope, in_use, names_of,
};
use crate::{Error, Timestamp, barrier::Change, policy::decode_text, view::View};

impl Oidc {
    /// Makes a scope, or changes what is given of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if its name is taken, or its template makes no sense; the texts are Vault's.
    pub(in crate::identity) async fn write_scope(
        &self,
        name: &str,
        template: Option<String>,
        description: Option<String>,
        request: &View,
        now: Timestamp,
    ) -> Result<(), Error> {
        if name == OPENID {
            return Err(Error::Invalid(format!(
                "the {OPENID:?} scope name is reserved"
            )));
        }
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let scopes = &mut known.registry.scopes;
        let mut scope = scopes
            .get(name)
            .map(|it| (**it).clone())
            .unwrap_or_default();
        if let Some(description) = description {
            scope.description = description;
        }
        if let Some(template) = template {
            let template = decode_text(&template).into_owned();
            role::check(&template, now)?;
            scope.template = template;
        }
        let change = Change::put_as(format!("{SCOPES}{name}"), &scope)?;
        scopes.insert(name.to_owned(), Arc::new(scope));
        self.store(known, vec![change], Some(request)).await
    }

    /// Removes a scope that no provider refers to; its absence is no error.
    pub(in crate::identity) async fn delete_scope(
        &self,
        name: &str,
        request: &View,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock().await;
        let mut known = (*self.now()).clone();
        let registry = &mut known.registry;
        let refers = |list: &[String]| list.iter().any(|it| it == name);
        let users = names_of(&registry.providers, |it| refers(&it.scopes_supported));
        if !users.is_empty() {
            return Err(in_use("scope", name, "providers", &users));
        }
        if registry.scopes.remove(name).is_none() {
            return Ok(());
        }
        let change = Change::delete(format!("{SCOPES}{name}"));
        self.store(known, vec![change], Some(request)).await
    }
}

impl Registry {
    /// Looks whether scopes are there, and go together; returns what their keeper should know.
    ///
    /// # Errors
    /// [`Error::Invalid`] if one is not there.
    pub(super) fn judge_scopes(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<Vec<String>, Error> {
        let mut claimed: BTreeMap<String, &str> = BTreeMap::new();
        let mut warnings = Vec::new();
        for name in names {
            let scope = self.scopes.get(name);
            let scope: &Scope =
                scope.ok_or_else(|| Error::Invalid(format!("scope {name:?} does not exist")))?;
            for claim in role::claimed(&scope.template, now)? {
                if let Some(other) = claimed.get(claim.as_str()) {
                    warnings.push(format!(
                        "Found scope templates with conflicting top-level keys: conflict \
                         {claim:?} in scopes {name:?}, {other:?}. This may result in an error if \
                         the scopes are requested in an OIDC Authentication Request."
                    ));
                } else {
                    claimed.insert(claim, name);
                }
            }
        }
        Ok(warnings)
    }
}
