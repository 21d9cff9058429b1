//! Token roles: what an operator decided about the tokens that are made under them.

use std::time::Duration;

use keyward_api::auth::{Caveat, TokenRole, WriteTokenRole};
use serde::{Deserialize, Serialize};

use super::{BoundCidr, TokenType, caveat, grant::sanitize, two_named::TwoNamed};
use crate::{
    Error, TtlLimits,
    engine::{globs, not_negative},
};

/// A token role as it is stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Role {
    pub(super) allowed_policies: Vec<String>,
    pub(super) allowed_policies_glob: Vec<String>,
    pub(super) disallowed_policies: Vec<String>,
    pub(super) disallowed_policies_glob: Vec<String>,
    pub(super) orphan: bool,
    pub(super) renewable: bool,
    pub(super) path_suffix: String,
    /// Seconds; 0 is none.
    pub(super) period: TwoNamed<u64>,
    /// Seconds; 0 is none.
    pub(super) explicit_max_ttl: TwoNamed<u64>,
    pub(super) bound_cidrs: TwoNamed<Vec<BoundCidr>>,
    allowed_entity_aliases: Option<Vec<String>>,
    pub(super) token_type: TokenType,
    /// 0 is without limit.
    pub(super) num_uses: u64,
    pub(super) no_default_policy: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) require_pop: bool,
    #[serde(default, skip_serializing_if = "Caveat::is_empty")]
    pub(super) caveat: Caveat,
}

impl Default for Role {
    fn default() -> Self {
        Self {
            allowed_policies: Vec::new(),
            allowed_policies_glob: Vec::new(),
            disallowed_policies: Vec::new(),
            disallowed_policies_glob: Vec::new(),
            orphan: false,
            renewable: true,
            path_suffix: String::new(),
            period: TwoNamed::default(),
            explicit_max_ttl: TwoNamed::default(),
            bound_cidrs: TwoNamed::default(),
            allowed_entity_aliases: None,
            token_type: TokenType::default(),
            num_uses: 0,
            no_default_policy: false,
            require_pop: false,
            caveat: Caveat::default(),
        }
    }
}

impl Role {
    /// Overlays what is given; returns what the caller should know.
    ///
    /// # Errors
    /// [`Error::Invalid`], in Vault's words; the role is then to be thrown away.
    pub(super) fn update(
        &mut self,
        given: WriteTokenRole,
        limits: TtlLimits,
    ) -> Result<Vec<String>, Error> {
        caveat::update(&mut self.caveat, &given)?;
        let set = |policies: &mut Vec<String>, given: Option<Vec<String>>| {
            if let Some(given) = given {
                *policies = unique(given);
            }
        };
        if let Some(policies) = given.allowed_policies {
            self.allowed_policies = sanitize(policies);
        }
        set(&mut self.allowed_policies_glob, given.allowed_policies_glob);
        set(&mut self.disallowed_policies, given.disallowed_policies);
        set(
            &mut self.disallowed_policies_glob,
            given.disallowed_policies_glob,
        );
        if let Some(aliases) = given.allowed_entity_aliases {
            self.allowed_entity_aliases = Some(unique(aliases));
        }
        self.orphan = given.orphan.unwrap_or(self.orphan);
        self.renewable = given.renewable.unwrap_or(self.renewable);
        self.no_default_policy = given
            .token_no_default_policy
            .unwrap_or(self.no_default_policy);
        self.require_pop = given.require_pop.unwrap_or(self.require_pop);
        if let Some(suffix) = given.path_suffix {
            check_suffix(&suffix)?;
            self.path_suffix = suffix;
        }
        if let Some(uses) = given.token_num_uses {
            self.num_uses = u64::try_from(uses).map_err(|_| {
                Error::invalid("error parsing role fields: 'token_num_uses' cannot be negative")
            })?;
        }
        if let Some(name) = given.token_type {
            self.token_type = TokenType::parse(&name)
                .ok_or_else(|| Error::Invalid(format!("invalid 'token_type' value \"{name}\"")))?;
        }
        let period = self.period.set(
            "period",
            seconds("token_period", given.token_period)?,
            seconds("period", given.period)?,
        );
        let bound_cidrs = self.bound_cidrs.set(
            "bound_cidrs",
            cidrs("role fields", given.token_bound_cidrs)?,
            cidrs("bound_cidrs", given.bound_cidrs)?,
        );
        let explicit_max_ttl = self.explicit_max_ttl.set(
            "explicit_max_ttl",
            seconds("token_explicit_max_ttl", given.token_explicit_max_ttl)?,
            seconds("explicit_max_ttl", given.explicit_max_ttl)?,
        );
        self.check_batch()?;
        let too_long = Some(self.explicit_max_ttl.value)
            .filter(|max| Duration::from_secs(*max) > limits.max)
            .map(|max| {
                format!(
                    "Given explicit max TTL of {max} is greater than system/mount allowed value \
                     of {} seconds; tokens of this role end at that",
                    limits.max.as_secs()
                )
            });
        let warnings = [period, bound_cidrs, explicit_max_ttl, too_long];
        Ok(warnings.into_iter().flatten().collect())
    }

    /// Refuses settings that no batch token can have, where all tokens would be ones.
    fn check_batch(&self) -> Result<(), Error> {
        let wrong = match self.token_type {
            TokenType::Batch if !self.orphan => "non-orphan tokens",
            TokenType::Batch if self.period.value != 0 => "periodic tokens",
            TokenType::Batch if self.renewable => "renewable tokens",
            TokenType::Batch if self.explicit_max_ttl.value != 0 => {
                "tokens with an explicit max TTL"
            }
            TokenType::Batch if self.num_uses != 0 => "tokens with a limited number of uses",
            _ => return Ok(()),
        };
        Err(Error::Invalid(format!(
            "'token_type' cannot be 'batch' when role is set to generate {wrong}"
        )))
    }

    /// Shows the role on the wire.
    pub(super) fn show(&self, name: String) -> TokenRole {
        let caveat = self.caveat.clone();
        let texts = |cidrs: &Vec<BoundCidr>| cidrs.iter().map(ToString::to_string).collect();
        TokenRole {
            allowed_entity_aliases: self.allowed_entity_aliases.clone(),
            allowed_keys: caveat.allowed_keys,
            allowed_operations: caveat.allowed_operations,
            allowed_policies: self.allowed_policies.clone(),
            allowed_policies_glob: self.allowed_policies_glob.clone(),
            bound_cidrs: self.bound_cidrs.older().map(texts).unwrap_or_default(),
            bound_origins: caveat.bound_origins,
            disallowed_policies: self.disallowed_policies.clone(),
            disallowed_policies_glob: self.disallowed_policies_glob.clone(),
            explicit_max_ttl: self.explicit_max_ttl.older().copied().unwrap_or_default(),
            max_batch: Some(caveat.max_batch).filter(|most| *most != 0),
            name,
            orphan: self.orphan,
            path_suffix: self.path_suffix.clone(),
            period: self.period.older().copied().unwrap_or_default(),
            renewable: self.renewable,
            require_pop: self.require_pop,
            required_context: caveat.required_context,
            token_bound_cidrs: texts(&self.bound_cidrs.value),
            token_explicit_max_ttl: self.explicit_max_ttl.value,
            token_no_default_policy: self.no_default_policy,
            token_num_uses: Some(self.num_uses).filter(|uses| *uses != 0),
            token_period: self.period.value,
            token_type: self.token_type.name().to_owned(),
        }
    }

    /// Tells whether a token may ask for an alias.
    pub(super) fn allows_alias(&self, alias: &str) -> bool {
        let allowed = self.allowed_entity_aliases.as_deref().unwrap_or_default();
        let alias = alias.to_lowercase();
        allowed.iter().any(|pattern| globs(pattern, &alias))
    }
}

/// Puts names into the form in which they are compared: trimmed, lower case, sorted, each once.
fn unique(names: Vec<String>) -> Vec<String> {
    let names = names.iter().map(|name| name.trim().to_lowercase());
    let mut names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn seconds(name: &str, given: Option<i64>) -> Result<Option<u64>, Error> {
    given.map(|given| not_negative(name, given)).transpose()
}

fn cidrs(what: &str, given: Option<Vec<String>>) -> Result<Option<Vec<BoundCidr>>, Error> {
    let Some(given) = given else {
        return Ok(None);
    };
    let parsed: Result<_, _> = given.iter().map(|text| text.parse()).collect();
    let parsed =
        parsed.map_err(|error| Error::Invalid(format!("error parsing {what}: {error}")))?;
    Ok(Some(parsed))
}

/// Checks what is added to a path: three letters, digits and marks or more, none of them a slash.
fn check_suffix(suffix: &str) -> Result<(), Error> {
    if suffix.is_empty() || (suffix.len() > 2 && crate::engine::is_name(suffix)) {
        return Ok(());
    }
    Err(Error::invalid(
        "given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w",
    ))
}
