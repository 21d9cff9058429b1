//! The environment variables: ours, each falling back on Vault's.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, Result};
use keyward_api::coerce;

/// The environment of a command.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes the environment of the process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        // What is not UTF-8 is no variable of ours.
        variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns `KEYWARD_<name>`, or else `VAULT_<name>`; an empty one counts as not set.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.named(name).map(|(_, value)| value)
    }

    /// Returns a setting with the name of the variable that gave it.
    pub(crate) fn named(&self, name: &str) -> Option<(&str, &str)> {
        ["KEYWARD", "VAULT"].iter().find_map(|prefix| {
            let (name, value) = self.0.get_key_value(&format!("{prefix}_{name}"))?;
            (!value.is_empty()).then_some((name.as_str(), value.as_str()))
        })
    }

    /// Returns a setting that is a truth value, as Go reads one.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        let Some((name, value)) = self.named(name) else {
            return Ok(None);
        };
        match coerce::parse_flag(value) {
            Some(flag) => Ok(Some(flag)),
            None => anyhow::bail!("{name} must be true or false"),
        }
    }

    /// Returns the name that the user has on this machine.
    pub(crate) fn user(&self) -> Option<&str> {
        let mut names = ["LOGNAME", "USER"]
            .iter()
            .filter_map(|name| self.0.get(*name));
        names.find(|name| !name.is_empty()).map(String::as_str)
    }

    /// Returns the home folder, where the token is kept between commands.
    pub(crate) fn home(&self) -> Result<PathBuf> {
        let home = self.0.get("HOME").filter(|home| !home.is_empty());
        home.map(PathBuf::from).context("HOME is not set")
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(variables: T) -> Self {
        Self(variables.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        variables.iter().map(owned).collect()
    }

    #[test]
    fn ours_comes_before_vaults() {
        let both = environment(&[
            ("VAULT_ADDR", "b"),
            ("KEYWARD_ADDR", "a"),
            ("VAULT_TOKEN", "t"),
        ]);
        assert_eq!(both.setting("ADDR"), Some("a"));
        assert_eq!(both.named("TOKEN"), Some(("VAULT_TOKEN", "t")));
        assert_eq!(both.setting("FORMAT"), None);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let empty = environment(&[("KEYWARD_ADDR", ""), ("VAULT_ADDR", "b"), ("HOME", "")]);
        assert_eq!(empty.setting("ADDR"), Some("b"));
        assert!(empty.home().is_err());
    }

    #[test]
    fn a_user_has_a_login_name_or_else_another() {
        let both = environment(&[("USER", "b"), ("LOGNAME", "a")]);
        assert_eq!(both.user(), Some("a"));
        assert_eq!(
            environment(&[("USER", "b"), ("LOGNAME", "")]).user(),
            Some("b")
        );
        assert_eq!(environment(&[]).user(), None);
    }

    #[test]
    fn a_flag_that_is_neither_is_refused_by_name() {
        let flags = environment(&[("VAULT_SKIP_VERIFY", "yes"), ("KEYWARD_OTHER", "1")]);
        assert_eq!(flags.flag("OTHER").unwrap(), Some(true));
        let refused = flags.flag("SKIP_VERIFY").unwrap_err().to_string();
        assert_eq!(refused, "VAULT_SKIP_VERIFY must be true or false");
    }
}
