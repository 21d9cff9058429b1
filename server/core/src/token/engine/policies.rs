//! Which policies a new token gets: its creator's at most, or what its role says.

use super::super::{Token, grant::sanitize, role::Role};
use crate::{Error, engine::globs, policy::WRAPPING_POLICY_NAME};

/// Who asks for the policies of a new token.
pub(super) struct Asking<'a> {
    /// The token of the caller.
    pub(super) parent: &'a Token,
    /// Whether the caller has root or sudo.
    pub(super) sudo: bool,
    /// The role that the new token is made under.
    pub(super) role: Option<&'a Role>,
}

/// The policies of a new token.
#[derive(Debug)]
pub(super) struct Policies {
    pub(super) names: Vec<String>,
    pub(super) no_default: bool,
}

impl Asking<'_> {
    /// Decides on the policies. A role only keeps `default` from being added; a caller that wants
    /// none gets none, wherever it would come from.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the caller or the role does not allow what is asked.
    pub(super) fn decide(&self, asked: &[String], no_default: bool) -> Result<Policies, Error> {
        let not_added = no_default || self.role.is_some_and(|role| role.no_default_policy);
        let mut policies = match self.role {
            Some(role) if role.bounds_policies() => {
                role.bounded(asked, not_added, self.parent.policies())?
            }
            _ => self.inherited(asked, not_added)?,
        };
        if no_default {
            policies.names.retain(|name| name != "default");
            policies.no_default = true;
        }
        if policies.names == ["root"] && !self.parent.is_root() {
            let text = "root tokens may not be created without parent token being root";
            return Err(Error::invalid(text));
        }
        if policies
            .names
            .iter()
            .any(|policy| policy == WRAPPING_POLICY_NAME)
        {
            return Err(Error::invalid("cannot assign policy \"response-wrapping\""));
        }
        Ok(policies)
    }

    /// Decides where no role bounds the policies: without root or sudo a caller gives what it has
    /// and no more, `default` included.
    fn inherited(&self, asked: &[String], no_default: bool) -> Result<Policies, Error> {
        let own = self.parent.policies();
        let has = |policy: &str| own.iter().any(|own| own == policy);
        if asked.is_empty() {
            return Ok(Policies {
                names: own.to_vec(),
                no_default: no_default || !has("default"),
            });
        }
        // A list of blanks names no policy; it does not ask for those of the caller.
        let names = sanitize(asked);
        if !self.sudo && !names.iter().all(|policy| has(policy)) {
            return Err(Error::invalid("child policies must be subset of parent"));
        }
        Ok(Policies {
            names,
            no_default: no_default || (!self.sudo && !has("default")),
        })
    }
}

impl Role {
    /// Tells whether the role says which policies its tokens have; then the caller's do not count.
    fn bounds_policies(&self) -> bool {
        let lists = [
            &self.allowed_policies,
            &self.allowed_policies_glob,
            &self.disallowed_policies,
            &self.disallowed_policies_glob,
        ];
        lists.iter().any(|list| !list.is_empty())
    }

    /// Decides on the policies within the bounds of the role.
    fn bounded(
        &self,
        asked: &[String],
        no_default: bool,
        parent: &[String],
    ) -> Result<Policies, Error> {
        let adds_default = !no_default && !self.disallows("default");
        let with_default = |names: &[String]| {
            let default = adds_default.then_some("default");
            sanitize(names.iter().map(String::as_str).chain(default))
        };
        let allows = !self.allowed_policies.is_empty() || !self.allowed_policies_glob.is_empty();
        let allowed = with_default(&self.allowed_policies);
        let names = match (asked.is_empty(), allows) {
            (false, _) => with_default(asked),
            (true, true) => allowed.clone(),
            (true, false) => with_default(parent),
        };
        let is_allowed = |name: &String| {
            let mut patterns = self.allowed_policies_glob.iter();
            !allows || allowed.contains(name) || patterns.any(|pattern| globs(pattern, name))
        };
        if !names.iter().all(is_allowed) {
            return Err(Error::Invalid(format!(
                "token policies ({}) must be subset of the role's allowed policies ({}) or glob \
                 policies ({})",
                listed(&names),
                listed(&allowed),
                listed(&self.allowed_policies_glob),
            )));
        }
        if let Some(name) = names.iter().find(|name| self.disallows(name)) {
            return Err(Error::Invalid(format!(
                "token policy {name:?} is disallowed by this role"
            )));
        }
        Ok(Policies {
            no_default: !names.iter().any(|name| name == "default"),
            names,
        })
    }

    fn disallows(&self, name: &str) -> bool {
        let mut patterns = self.disallowed_policies_glob.iter();
        self.disallowed_policies.iter().any(|policy| policy == name)
            || patterns.any(|pattern| globs(pattern, name))
    }
}

/// Writes a list of names as Go does.
fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", names.join(" "))
}
