//! What the scopes of a request tell about somebody.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    super::{
        super::{Identity, template},
        role,
    },
    Fault, Provider, Registry,
};
use crate::Timestamp;

impl Registry {
    /// Fills the templates of those scopes that the provider has; others are ignored.
    ///
    /// # Errors
    /// Two of them tell the same claim, or a template has become one that nobody fills.
    pub(super) fn claims(
        &self,
        provider: &Provider,
        scopes: &[String],
        about: &Identity,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Fault> {
        let mut claims = Map::new();
        let mut told_by: BTreeMap<String, &str> = BTreeMap::new();
        let supported = provider.scopes_supported.iter();
        for name in supported.filter(|name| scopes.contains(name)) {
            let scope = self.scopes.get(name);
            let Some(scope) = scope.filter(|scope| !scope.template.is_empty()) else {
                continue;
            };
            let told = template::claims(&scope.template, about, now).map_err(Fault::invalid)?;
            for (claim, value) in role::without_reserved(told) {
                if let Some(other) = told_by.get(claim.as_str()) {
                    return Err(Fault::invalid(format!(
                        "found scopes with conflicting top-level claim: claim {claim:?} in scopes \
                         {name:?}, {other:?}"
                    )));
                }
                told_by.insert(claim.clone(), name);
                claims.insert(claim, value);
            }
        }
        Ok(claims)
    }
}
