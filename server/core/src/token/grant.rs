//! What a login or a token creation asks for, and what it gets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use keyward_api::{GrantedAuth, Sensitive, proof::VerifyingKey};
use keyward_crypto::random;

use super::{
    BoundCidr, Caveats, Token, TokenKind,
    record::Record,
    ttl::{Term, Terms},
};
use crate::{
    AliasGrant, Error, Identity, MountEntry, Timestamp, TokenId, TtlLimits, ValidatedLogin,
    policy::ROOT_POLICY_NAME,
};

/// A token that is asked for. Durations of zero ask for nothing.
///
/// The default is what a login asks for: an orphan that can be renewed, with no policy but
/// `default`.
#[derive(Debug)]
pub struct AuthGrant {
    /// What it may do; lower-cased, sorted and made unique when the token is made.
    pub policies: Vec<String>,
    /// Whether `default` is not added; where it is among the policies it stays.
    pub no_default_policy: bool,
    /// What the creator attaches.
    pub meta: Option<BTreeMap<String, String>>,
    /// The name that audit entries show.
    pub display_name: String,
    /// How long it lasts.
    pub ttl: Duration,
    /// How long its first term may be, beside what the mount allows.
    pub max_ttl: Duration,
    /// How long it lasts at most, whatever is renewed.
    pub explicit_max_ttl: Duration,
    /// What each renewal gives, for ever.
    pub period: Duration,
    /// How often it may be used; 0 is without limit.
    pub num_uses: u64,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// How it is kept; none leaves that to the mount.
    pub kind: Option<TokenKind>,
    /// Whether it outlives the token that asks for it.
    pub orphan: bool,
    /// The token itself, where the creator chooses it.
    pub id: Option<TokenId>,
    /// The identity entity; empty where there is none.
    pub entity_id: String,
    /// Who logged in, as the auth method knows it: its entity takes the place of `entity_id`.
    pub alias: Option<AliasGrant>,
    /// The addresses that it may be used from; none is all.
    pub bound_cidrs: Vec<BoundCidr>,
    /// The key that requests with it must be signed by; none without one.
    pub client_key: Option<VerifyingKey>,
    /// What it is good for beside its policies.
    pub caveats: Caveats,
    /// The token role that it is made under; empty without one.
    pub role: String,
    /// What the role adds to the path that the token is known by; empty without that.
    pub path_suffix: String,
    /// What the caller should know about what is granted.
    pub warnings: Vec<String>,
}

impl Default for AuthGrant {
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            no_default_policy: false,
            meta: None,
            display_name: String::new(),
            ttl: Duration::ZERO,
            max_ttl: Duration::ZERO,
            explicit_max_ttl: Duration::ZERO,
            period: Duration::ZERO,
            num_uses: 0,
            renewable: true,
            kind: None,
            orphan: true,
            id: None,
            entity_id: String::new(),
            alias: None,
            bound_cidrs: Vec::new(),
            client_key: None,
            caveats: Caveats::default(),
            role: String::new(),
            path_suffix: String::new(),
            warnings: Vec::new(),
        }
    }
}

impl AuthGrant {
    /// Asks for a token that may do everything and has no end.
    #[must_use]
    pub fn root() -> Self {
        Self {
            policies: vec![ROOT_POLICY_NAME.to_owned()],
            display_name: "root".to_owned(),
            renewable: false,
            ..Self::default()
        }
    }

    /// Takes over what holds for every login at a mount, whose path goes before the name that audit
    /// entries show.
    ///
    /// # Errors
    /// [`Error::Invalid`], in Vault's words, if it asks for a root token.
    pub(crate) fn at_login(&mut self, mount: &MountEntry) -> Result<(), Error> {
        if sanitize(&self.policies) == [ROOT_POLICY_NAME] {
            return Err(Error::invalid("auth methods cannot create root tokens"));
        }
        let place = mount.path.replace('/', "-");
        let name = format!("{place}{}", self.display_name);
        self.display_name = name.strip_suffix('-').unwrap_or(&name).to_owned();
        Ok(())
    }

    /// Returns the policies as they are stored.
    pub(super) fn stored_policies(&self) -> Vec<String> {
        let policies = self.policies.iter().map(String::as_str);
        if self.no_default_policy {
            sanitize(policies)
        } else {
            sanitize(policies.chain(["default"]))
        }
    }
}

impl Record {
    /// Characters of an accessor.
    pub(super) const ACCESSOR_LENGTH: usize = 24;

    /// Writes down what is granted at `now`, and what the caller should know about its term.
    pub(super) fn of(
        grant: AuthGrant,
        parent: Option<&Token>,
        limits: TtlLimits,
        path: &str,
        now: Timestamp,
    ) -> (Self, Option<String>) {
        let policies = grant.stored_policies();
        let kind = grant.kind.unwrap_or_default();
        // Root has no end of its own; a maximum that it is given is how long it lasts.
        let is_root = policies == [ROOT_POLICY_NAME];
        let asked = match grant.ttl {
            Duration::ZERO if is_root => grant.explicit_max_ttl,
            asked => asked,
        };
        let endless = is_root && asked.is_zero() && grant.period.is_zero();
        let terms = Terms {
            asked,
            period: grant.period,
            explicit_max: grant.explicit_max_ttl,
            created: now,
        };
        let limits = limits.capped(grant.max_ttl);
        let term = (!endless).then(|| terms.grant(limits, now));
        let (ttl, expires, warning) = match term {
            Some(Term { length, warning }) => (length.as_secs(), Some(now.plus(length)), warning),
            None => (0, None, None),
        };
        let path = match grant.path_suffix.as_str() {
            "" => path.to_owned(),
            suffix => format!("{path}/{suffix}"),
        };
        let record = Self {
            // EXPOSE: an accessor is a handle, which the caller and the audit log see.
            accessor: random::generate_text(Self::ACCESSOR_LENGTH)
                .expose()
                .clone(),
            policies,
            meta: grant.meta.filter(|meta| !meta.is_empty()),
            display_name: grant.display_name,
            path,
            role: grant.role,
            kind,
            parent: parent.map(Token::digest),
            created: now,
            creation_ttl: ttl,
            ttl,
            expires,
            renewed: None,
            explicit_max_ttl: grant.explicit_max_ttl.as_secs(),
            period: grant.period.as_secs(),
            renewable: grant.renewable && expires.is_some(),
            num_uses: grant.num_uses,
            entity_id: grant.entity_id,
            // Whoever may make root tokens without an end may go anywhere, as in Vault: else a
            // mistake would lock the operator out.
            bound_cidrs: if endless {
                Vec::new()
            } else {
                grant.bound_cidrs
            },
            client_key: grant.client_key,
            caveats: grant.caveats,
            leaseless: true,
        };
        (record, warning)
    }
}

/// Puts policy names into the form in which policies are stored: trimmed, lower case, sorted, each
/// once. `root` allows everything, so that it stands alone.
pub(crate) fn sanitize<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    let names = names
        .into_iter()
        .map(|name| name.as_ref().trim().to_lowercase());
    let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| name == ROOT_POLICY_NAME) {
        return vec![ROOT_POLICY_NAME.to_owned()];
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
    /// One to be made for a login that waited for its second factor.
    Validated(ValidatedLogin),
}

/// A token that was made or renewed.
#[derive(Debug)]
pub struct Created {
    /// The token itself, which is shown now and never again; none where only its accessor is known.
    pub id: Option<TokenId>,
    /// Its record.
    pub token: Arc<Token>,
    /// Its entity; none if it has none, or it is gone.
    pub identity: Option<Arc<Identity>>,
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
        let identity_policies = self.identity.as_deref().map_or(&[][..], Identity::policies);
        let policies = together(&record.policies, identity_policies);
        let mut identity_policies = identity_policies.to_vec();
        identity_policies.sort_unstable();
        GrantedAuth {
            client_token: Sensitive::new(id.to_owned()),
            accessor: record.accessor,
            policies: Some(policies),
            token_policies: record.policies,
            identity_policies,
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

/// Returns all that a token may do by its own policies and by those of its entity, as answers and the
/// audit log show it: sorted, each once, and `root` alone.
pub(crate) fn together(own: &[String], of_entity: &[String]) -> Vec<String> {
    if of_entity.is_empty() {
        return own.to_vec();
    }
    sanitize(own.iter().chain(of_entity))
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
        assert_eq!(stored(&["default", "p"], true), ["default", "p"]);
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
