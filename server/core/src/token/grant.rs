//! What a login or a token creation asks for, and what it gets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{GrantedAuth, Sensitive};

use super::{Token, TokenKind};
use crate::TokenId;

/// A token that is asked for. Durations of zero ask for nothing.
///
/// The default is what a login asks for: an orphan that can be renewed, with no policy but
/// `default`.
#[derive(Debug)]
pub struct AuthGrant {
    /// What it may do; lower-cased, sorted and made unique when the token is made.
    pub policies: Vec<String>,
    /// Whether `default` is left out, even where it is among the policies.
    pub no_default_policy: bool,
    /// What the creator attaches.
    pub meta: Option<BTreeMap<String, String>>,
    /// The name that audit entries show.
    pub display_name: String,
    /// How long it lasts.
    pub ttl: Duration,
    /// How long it lasts at most, whatever is renewed.
    pub explicit_max_ttl: Duration,
    /// What each renewal gives, for ever.
    pub period: Duration,
    /// How often it may be used; 0 is without limit.
    pub num_uses: u64,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// How it is kept.
    pub kind: TokenKind,
    /// Whether it outlives the token that asks for it.
    pub orphan: bool,
    /// The token itself, where the creator chooses it.
    pub id: Option<TokenId>,
    /// The identity entity; empty where there is none.
    pub entity_id: String,
}

impl Default for AuthGrant {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            no_default_policy: false,
            meta: None,
            display_name: String::new(),
            ttl: Duration::ZERO,
            explicit_max_ttl: Duration::ZERO,
            period: Duration::ZERO,
            num_uses: 0,
            renewable: true,
            kind: TokenKind::Service,
            orphan: true,
            id: None,
            entity_id: String::new(),
        }
    }
}

impl AuthGrant {
    /// Asks for a token that may do everything and has no end.
    #[must_use]
    pub fn root() -> Self {
        Self {
            policies: vec!["root".to_owned()],
            display_name: "root".to_owned(),
            renewable: false,
            ..Self::default()
        }
    }

    /// Returns the policies as they are stored.
    pub(super) fn stored_policies(&self) -> Vec<String> {
        let policies = self.policies.iter().map(String::as_str);
        if self.no_default_policy {
            let mut policies = sanitize(policies);
            policies.retain(|name| name != "default");
            policies
        } else {
            sanitize(policies.chain(["default"]))
        }
    }
}

/// Puts policy names into the form in which policies are stored: trimmed, lower case, sorted, each
/// once. `root` allows everything, so that it stands alone.
pub(super) fn sanitize<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    let names = names
        .into_iter()
        .map(|name| name.as_ref().trim().to_lowercase());
    let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| name == "root") {
        return vec!["root".to_owned()];
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The token that an answer gives.
#[derive(Debug)]
pub enum Auth {
    /// One to be made when the handler is done.
    Asked(AuthGrant),
    /// One that was renewed.
    Renewed(Created),
}

/// A token that was made or renewed.
#[derive(Debug)]
pub struct Created {
    /// The token itself, which is shown now and never again; none where only its accessor is known.
    pub id: Option<TokenId>,
    /// Its record.
    pub token: Arc<Token>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

impl Created {
    /// Returns the `auth` block of the reply.
    #[must_use]
    pub fn into_granted(self) -> GrantedAuth {
        let Token { record, .. } = Arc::unwrap_or_clone(self.token);
        // EXPOSE: the caller is given the token that was made for it, or that it sent.
        let id = self.id.as_ref().map_or("", TokenId::expose);
        GrantedAuth {
            client_token: Sensitive::new(id.to_owned()),
            accessor: record.accessor,
            token_policies: record.policies.clone(),
            policies: record.policies,
            metadata: record.meta,
            lease_duration: record.ttl,
            renewable: record.renewable,
            entity_id: record.entity_id,
            token_type: record.kind.name().to_owned(),
            orphan: record.parent.is_none(),
            mfa_requirement: None,
            num_uses: record.num_uses,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(policies: &[&str], no_default_policy: bool) -> Vec<String> {
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        AuthGrant {
            policies,
            no_default_policy,
            ..AuthGrant::default()
        }
        .stored_policies()
    }

    #[test]
    fn policies_are_sorted_lower_case_and_unique_with_default_among_them() {
        assert_eq!(
            stored(&["Zed", "abc", " abc ", ""], false),
            ["abc", "default", "zed"]
        );
        assert_eq!(stored(&["p"], true), ["p"]);
        assert_eq!(stored(&["default", "p"], true), ["p"]);
        assert!(stored(&[], true).is_empty());
    }

    #[test]
    fn root_stands_alone() {
        assert_eq!(stored(&["a", "Root"], false), ["root"]);
    }

    proptest! {
        #[test]
        fn sanitizing_twice_changes_nothing(names in prop::collection::vec("[ a-cA-C]{0,3}|root", 0..6)) {
            let once = sanitize(&names);
            prop_assert_eq!(&sanitize(&once), &once);
        }
    }
}
