//! What the tokens of a login are like: what operators say of them at a user, a role or whatever an
//! auth method has in that place.

use std::time::Duration;

use keyward_api::auth::{self as api, OlderParameters, TokenParameters};
use serde::{Deserialize, Serialize};

use super::{AuthGrant, BoundCidr, NoCidr, TokenKind, grant::sanitize, two_named::TwoNamed};
use crate::{
    Error, Remote,
    engine::{LoginTerm, not_negative},
    policy::DEFAULT_POLICY_NAME,
};

/// What the tokens of a login are like; an auth method stores it with what it knows of who logs in.
/// Durations are whole seconds, and 0 leaves them to the mount.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LoginTokens {
    ttl: TwoNamed<u64>,
    max_ttl: TwoNamed<u64>,
    explicit_max_ttl: u64,
    period: TwoNamed<u64>,
    /// 0 is without limit.
    num_uses: u64,
    /// As they were given.
    policies: TwoNamed<Vec<String>>,
    no_default_policy: bool,
    bound_cidrs: TwoNamed<Vec<BoundCidr>>,
    strictly_bind_ip: bool,
    /// None leaves that to the mount.
    kind: Option<TokenKind>,
}

/// What was given by older names, as answers show it beside the newer ones.
#[derive(Debug)]
pub struct OlderNames {
    /// Of `token_ttl`.
    pub ttl: Option<u64>,
    /// Of `token_max_ttl`.
    pub max_ttl: Option<u64>,
    /// Of `token_period`.
    pub period: Option<u64>,
    /// Of `token_policies`.
    pub policies: Option<Vec<String>>,
    /// Of `token_bound_cidrs`.
    pub bound_cidrs: Option<Vec<String>>,
}

impl LoginTokens {
    /// Overlays what is given. What was given by older names is not held against the rest, as in
    /// Vault.
    ///
    /// # Errors
    /// [`Error::Invalid`], in Vault's words; the settings are then to be thrown away.
    pub fn update(&mut self, given: TokenParameters, older: OlderParameters) -> Result<(), Error> {
        let newer_policies = given.token_policies.is_some();
        let newer_cidrs = given.token_bound_cidrs.is_some();
        let newer_ttl = given.token_ttl.is_some();
        let newer_max_ttl = given.token_max_ttl.is_some();
        let newer_period = given.token_period.is_some();
        self.update_newer(given)?;
        let policies = older.policies.map(sanitize);
        self.policies.set_older(policies, newer_policies);
        self.bound_cidrs
            .set_older(cidrs(older.bound_cidrs)?, newer_cidrs);
        self.ttl.set_older(seconds("ttl", older.ttl)?, newer_ttl);
        self.max_ttl
            .set_older(seconds("max_ttl", older.max_ttl)?, newer_max_ttl);
        self.period
            .set_older(seconds("period", older.period)?, newer_period);
        Ok(())
    }

    fn update_newer(&mut self, given: TokenParameters) -> Result<(), Error> {
        self.bound_cidrs.set_newer(cidrs(given.token_bound_cidrs)?);
        self.strictly_bind_ip = given
            .token_strictly_bind_ip
            .unwrap_or(self.strictly_bind_ip);
        if self.strictly_bind_ip && !self.bound_cidrs.value.is_empty() {
            return Err(Error::invalid(
                "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one",
            ));
        }
        if let Some(max) = seconds("token_explicit_max_ttl", given.token_explicit_max_ttl)? {
            self.explicit_max_ttl = max;
        }
        self.max_ttl
            .set_newer(seconds("token_max_ttl", given.token_max_ttl)?);
        self.no_default_policy = given
            .token_no_default_policy
            .unwrap_or(self.no_default_policy);
        self.period
            .set_newer(seconds("token_period", given.token_period)?);
        self.policies.set_newer(given.token_policies);
        if let Some(name) = given.token_type {
            self.kind = match name.as_str() {
                "" | DEFAULT => None,
                name => Some(TokenKind::parse(name).ok_or_else(|| {
                    Error::Invalid(format!("invalid 'token_type' value {name:?}"))
                })?),
            };
        }
        if let Some(uses) = given.token_num_uses {
            self.num_uses = u64::try_from(uses)
                .map_err(|_| Error::invalid("'token_num_uses' cannot be negative"))?;
        }
        self.check_batch()?;
        self.ttl.set_newer(seconds("token_ttl", given.token_ttl)?);
        if self.max_ttl.value != 0 && self.ttl.value > self.max_ttl.value {
            return Err(Error::invalid(
                "'token_ttl' cannot be greater than 'token_max_ttl'",
            ));
        }
        Ok(())
    }

    /// Refuses what no batch token can have.
    fn check_batch(&self) -> Result<(), Error> {
        let wrong = match self.kind {
            Some(TokenKind::Batch) if self.period.value != 0 => "periodic tokens",
            Some(TokenKind::Batch) if self.num_uses != 0 => "tokens with limited use count",
            _ => return Ok(()),
        };
        Err(Error::Invalid(format!(
            "'token_type' cannot be 'batch' or 'default_batch' when set to generate {wrong}"
        )))
    }

    /// Overlays policies alone, in the form in which they are compared.
    pub fn set_policies(&mut self, given: Option<Vec<String>>, older: Option<Vec<String>>) {
        let newer_was_given = given.is_some();
        self.policies.set_newer(given.map(sanitize));
        self.policies
            .set_older(older.map(sanitize), newer_was_given);
    }

    /// Tells whether one may log in from there.
    #[must_use]
    pub fn admits(&self, remote: &Remote) -> bool {
        BoundCidr::admit(&self.bound_cidrs.value, remote)
    }

    /// Asks for a token for who logs in from there. The auth method adds who that is.
    ///
    /// # Errors
    /// [`Error::Refused`] if the token is to be bound to an address, and there is none.
    pub fn grant(&self, remote: &Remote) -> Result<AuthGrant, Error> {
        let bound_cidrs = if self.strictly_bind_ip {
            let own = remote.address.parse();
            vec![own.map_err(|_: NoCidr| Error::permission_denied())?]
        } else {
            self.bound_cidrs.value.clone()
        };
        Ok(AuthGrant {
            policies: self.policies.value.clone(),
            no_default_policy: self.no_default_policy,
            ttl: Duration::from_secs(self.ttl.value),
            max_ttl: Duration::from_secs(self.max_ttl.value),
            explicit_max_ttl: Duration::from_secs(self.explicit_max_ttl),
            period: Duration::from_secs(self.period.value),
            num_uses: self.num_uses,
            kind: self.kind,
            bound_cidrs,
            ..AuthGrant::default()
        })
    }

    /// Returns how long a token that was made before may last on.
    #[must_use]
    pub fn term(&self) -> LoginTerm {
        LoginTerm {
            ttl: Duration::from_secs(self.ttl.value),
            max_ttl: Duration::from_secs(self.max_ttl.value),
            period: Duration::from_secs(self.period.value),
        }
    }

    /// Tells whether a token that a login gave now would have these policies. `default` is not looked
    /// at: whether a token gets that is decided when it is made.
    #[must_use]
    pub fn grants(&self, policies: &[String]) -> bool {
        let own = sanitize(&self.policies.value);
        let own = own.iter().filter(|name| *name != DEFAULT_POLICY_NAME);
        own.eq(policies.iter().filter(|name| *name != DEFAULT_POLICY_NAME))
    }

    /// Shows the settings on the wire.
    #[must_use]
    pub fn show(&self) -> api::LoginTokens {
        api::LoginTokens {
            token_ttl: self.ttl.value,
            token_max_ttl: self.max_ttl.value,
            token_explicit_max_ttl: self.explicit_max_ttl,
            token_period: self.period.value,
            token_num_uses: self.num_uses,
            token_policies: self.policies.value.clone(),
            token_no_default_policy: self.no_default_policy,
            token_bound_cidrs: texts(&self.bound_cidrs.value),
            token_strictly_bind_ip: self.strictly_bind_ip,
            token_type: self.kind.map_or(DEFAULT, TokenKind::name).to_owned(),
        }
    }

    /// Shows what was given by older names, where it is anything.
    #[must_use]
    pub fn show_older(&self) -> OlderNames {
        let number = |setting: &TwoNamed<u64>| setting.older().copied().filter(|it| *it != 0);
        OlderNames {
            ttl: number(&self.ttl),
            max_ttl: number(&self.max_ttl),
            period: number(&self.period),
            policies: self.policies.older().filter(|it| !it.is_empty()).cloned(),
            bound_cidrs: self
                .bound_cidrs
                .older()
                .filter(|it| !it.is_empty())
                .map(|cidrs| texts(cidrs)),
        }
    }
}

/// The type of token that the mount decides on.
const DEFAULT: &str = "default";

fn texts(cidrs: &[BoundCidr]) -> Vec<String> {
    cidrs.iter().map(ToString::to_string).collect()
}

fn seconds(name: &str, given: Option<i64>) -> Result<Option<u64>, Error> {
    given.map(|given| not_negative(name, given)).transpose()
}

fn cidrs(given: Option<Vec<String>>) -> Result<Option<Vec<BoundCidr>>, Error> {
    let parsed = given.map(|given| given.iter().map(|text| text.parse()).collect());
    parsed
        .transpose()
        .map_err(|error: NoCidr| Error::Invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(settings: &LoginTokens, given: TokenParameters) -> String {
        let mut settings = settings.clone();
        let refused = settings.update(given, OlderParameters::default());
        refused.unwrap_err().to_string()
    }

    fn texts(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_is_not_given_stays() {
        let mut settings = LoginTokens::default();
        let given = TokenParameters {
            token_ttl: Some(60),
            token_policies: texts(&["B", "a", "a"]),
            token_type: Some("batch".to_owned()),
            ..TokenParameters::default()
        };
        settings.update(given, OlderParameters::default()).unwrap();
        let given = TokenParameters {
            token_bound_cidrs: texts(&["10.0.0.0/8", "::1/128"]),
            token_type: Some("default".to_owned()),
            ..TokenParameters::default()
        };
        settings.update(given, OlderParameters::default()).unwrap();
        let shown = settings.show();
        assert_eq!((shown.token_ttl, &*shown.token_type), (60, "default"));
        assert_eq!(shown.token_policies, ["B", "a", "a"]);
        assert_eq!(shown.token_bound_cidrs, ["10.0.0.0/8", "::1"]);
        let from = |address: &str| Remote {
            address: address.to_owned(),
            port: 1,
        };
        assert!(settings.admits(&from("10.1.2.3")) && !settings.admits(&from("11.1.2.3")));
        let grant = settings.grant(&from("10.1.2.3")).unwrap();
        assert_eq!((grant.ttl.as_secs(), grant.kind), (60, None));
        assert_eq!(grant.bound_cidrs.len(), 2);
    }

    #[test]
    fn an_older_name_counts_where_the_newer_is_not_given() {
        let mut settings = LoginTokens::default();
        let older = OlderParameters {
            ttl: Some(7200),
            policies: texts(&["Q", "p"]),
            ..OlderParameters::default()
        };
        settings.update(TokenParameters::default(), older).unwrap();
        assert_eq!(settings.show().token_ttl, 7200);
        assert_eq!(settings.show().token_policies, ["p", "q"]);
        assert_eq!(settings.show_older().ttl, Some(7200));
        let (given, older) = (
            TokenParameters {
                token_ttl: Some(60),
                token_policies: texts(&["z"]),
                ..TokenParameters::default()
            },
            OlderParameters {
                ttl: Some(90),
                ..OlderParameters::default()
            },
        );
        settings.update(given, older).unwrap();
        assert_eq!(settings.show_older().ttl, Some(60));
        assert_eq!(settings.show_older().policies, None);
        let older = OlderParameters {
            ttl: Some(0),
            ..OlderParameters::default()
        };
        settings.update(TokenParameters::default(), older).unwrap();
        assert_eq!(settings.show_older().ttl, None);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let mut settings = LoginTokens::default();
        let given = TokenParameters {
            token_max_ttl: Some(60),
            token_period: Some(60),
            token_bound_cidrs: texts(&["10.0.0.0/8"]),
            ..TokenParameters::default()
        };
        settings.update(given, OlderParameters::default()).unwrap();
        let given = TokenParameters {
            token_ttl: Some(61),
            ..TokenParameters::default()
        };
        let text = "'token_ttl' cannot be greater than 'token_max_ttl'";
        assert_eq!(refusal(&settings, given), text);
        let given = TokenParameters {
            token_type: Some("batch".to_owned()),
            ..TokenParameters::default()
        };
        let text = "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic \
                    tokens";
        assert_eq!(refusal(&settings, given), text);
        let given = TokenParameters {
            token_strictly_bind_ip: Some(true),
            ..TokenParameters::default()
        };
        let text = "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one";
        assert_eq!(refusal(&settings, given), text);
    }

    #[test]
    fn a_token_is_bound_to_the_address_of_its_login() {
        let mut settings = LoginTokens::default();
        let given = TokenParameters {
            token_strictly_bind_ip: Some(true),
            ..TokenParameters::default()
        };
        settings.update(given, OlderParameters::default()).unwrap();
        let remote = Remote {
            address: "192.0.2.7".to_owned(),
            port: 1,
        };
        let bound = settings.grant(&remote).unwrap().bound_cidrs;
        assert_eq!(bound, ["192.0.2.7".parse().unwrap()]);
        let nowhere = settings.grant(&Remote::default());
        assert!(matches!(nowhere, Err(Error::Refused(_))));
    }

    #[test]
    fn policies_are_the_same_with_and_without_default() {
        let mut settings = LoginTokens::default();
        settings.set_policies(texts(&["Q", "default", "p"]), None);
        let policies = |names: &[&str]| texts(names).unwrap();
        assert!(settings.grants(&policies(&["p", "q"])));
        assert!(settings.grants(&policies(&["default", "p", "q"])));
        assert!(!settings.grants(&policies(&["default", "p"])));
        assert!(!settings.grants(&policies(&["default", "p", "q", "r"])));
    }
}
