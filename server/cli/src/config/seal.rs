//! `seal "NAME" { … }`: the seal that opens by itself, and the one to migrate away from.
//!
//! ```text
//! seal "static" {
//!   current_key_id = "2026-11"
//!   current_key    = "file:///etc/keyward/seal-key"
//! }
//! ```
//! Each setting has a twin in the environment, which comes first: `KEYWARD_STATIC_SEAL_CURRENT_KEY`
//! for the one above, or else the same with `VAULT`. The settings of `transit` that clients have too
//! are taken from the variables of clients (`VAULT_ADDR`) where nothing else tells them.
//! `KEYWARD_SEAL_TYPE` names a seal that has no
//! stanza. `disabled = true` marks the one that the store is to be moved away from; if both are of
//! one type, the environment tells of the one in use alone.

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use keyward_builtin::seal::{self, SealKind, Settings};
use keyward_core::{
    AutoSeal, Seals,
    hcl::{Block, Body},
};
use keyward_crypto::SecretString;

use super::{
    in_line,
    value::{flag, plain, unknown},
};
use crate::Environment;

/// The seal that people open: its stanza says what goes without saying.
const SHAMIR: &str = "shamir";

/// The seals that a configuration names.
#[derive(Debug, Default)]
pub(crate) struct SealConfigs {
    active: Option<SealConfig>,
    disabled: Option<SealConfig>,
    /// Whether a stanza names one in use, be it that which people open.
    is_named: bool,
}

#[derive(Debug)]
struct SealConfig {
    kind: &'static SealKind,
    settings: Settings,
}

impl SealConfigs {
    /// Names the seals that the server knows of, each with whether it is to be left.
    pub(super) fn names(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let active = self.active.as_ref().map_or(SHAMIR, |seal| seal.kind.name);
        let disabled = self.disabled.as_ref().map(|seal| (seal.kind.name, true));
        std::iter::once((active, false)).chain(disabled)
    }

    /// Whether the one in use opens by itself.
    pub(crate) fn opens_itself(&self) -> bool {
        self.active.is_some()
    }

    /// Reads the stanzas of a configuration file, beside those of others.
    pub(super) fn take(&mut self, body: &Body) -> Result<()> {
        for block in body.labelled("seal").map_err(in_line)? {
            let is_disabled = block.body.find("disabled").map(flag).transpose()?;
            let is_disabled = is_disabled.unwrap_or_default();
            self.is_named |= !is_disabled;
            if block.label == SHAMIR {
                let mut entries = block.body.entries.iter();
                if let Some(entry) = entries.find(|entry| entry.key != "disabled") {
                    return Err(unknown("setting of a seal", &entry.key, entry.position));
                }
                continue;
            }
            let place = if is_disabled {
                &mut self.disabled
            } else {
                &mut self.active
            };
            if place.is_some() {
                bail!(
                    "the seal {:?} at line {} is one too many: there is one in use, and one that is \
                     disabled",
                    block.label,
                    block.position.line
                );
            }
            *place = Some(SealConfig::read(&block)?);
        }
        Ok(())
    }

    /// Adds what the environment says, once all stanzas are read.
    pub(super) fn complete(&mut self, environment: &Environment) -> Result<()> {
        if let (false, Some(name)) = (self.is_named, environment.setting("SEAL_TYPE")) {
            self.active = SealConfig::of_environment(name)?;
        }
        let of_active = self.active.as_ref().map(|seal| seal.kind.name);
        // A twin has one value: it would make one seal of two that are of one type.
        let disabled = self.disabled.as_mut();
        let disabled = disabled.filter(|seal| Some(seal.kind.name) != of_active);
        for seal in self.active.as_mut().into_iter().chain(disabled) {
            seal.complete(environment);
        }
        Ok(())
    }

    /// Makes them ready; they ask nobody yet.
    pub(crate) fn open(&self) -> Result<Seals> {
        let open = |seal: &Option<SealConfig>| seal.as_ref().map(SealConfig::open).transpose();
        Ok(Seals {
            active: open(&self.active)?,
            disabled: open(&self.disabled)?,
        })
    }
}

impl SealConfig {
    fn read(block: &Block<'_>) -> Result<Self> {
        let Some(kind) = seal::seal(block.label) else {
            return Err(unknown("seal", block.label, block.position));
        };
        let mut settings = Settings::new();
        for entry in &block.body.entries {
            if entry.key == "disabled" {
                continue;
            }
            if !kind
                .settings
                .iter()
                .any(|setting| setting.name == entry.key)
            {
                return Err(unknown("setting of a seal", &entry.key, entry.position));
            }
            settings.insert(entry.key.clone(), SecretString::new(plain(entry)?));
        }
        Ok(Self { kind, settings })
    }

    /// Returns a seal that the environment alone tells of.
    fn of_environment(name: &str) -> Result<Option<Self>> {
        if name == SHAMIR {
            return Ok(None);
        }
        let kind = seal::seal(name);
        let kind = kind.ok_or_else(|| anyhow!("SEAL_TYPE: unknown seal {name:?}"))?;
        let settings = Settings::new();
        Ok(Some(Self { kind, settings }))
    }

    /// Adds what the environment says: a twin comes before the stanza, what clients are told after.
    fn complete(&mut self, environment: &Environment) {
        for setting in self.kind.settings {
            let twin = format!("{}_SEAL_{}", self.kind.name, setting.name).to_ascii_uppercase();
            let name = setting.name.to_owned();
            if let Some(text) = environment.setting(&twin) {
                self.settings.insert(name, SecretString::from(text));
            } else if let Some(text) = setting.otherwise.and_then(|it| environment.setting(it)) {
                let otherwise = || SecretString::from(text);
                self.settings.entry(name).or_insert_with(otherwise);
            }
        }
    }

    fn open(&self) -> Result<Arc<dyn AutoSeal>> {
        Ok((self.kind.open)(&self.settings)?)
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::hcl;

    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Seals> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let environment: Environment = variables.iter().map(owned).collect();
        let mut seals = SealConfigs::default();
        seals.take(&hcl::parse(text).unwrap())?;
        seals.complete(&environment)?;
        seals.open()
    }

    fn names(seals: &Seals) -> (Option<&str>, Option<&str>) {
        let name = |seal: &Option<Arc<dyn AutoSeal>>| seal.as_ref().map(|seal| seal.name());
        (name(&seals.active), name(&seals.disabled))
    }

    #[test]
    fn a_stanza_and_its_twins_in_the_environment_name_a_seal() {
        let stanza = format!("seal \"static\" {{ current_key = {KEY:?} current_key_id = \"k\" }}");
        let seals = read(&stanza, &[]).unwrap();
        assert_eq!(names(&seals), (Some("static"), None));
        let disabled = stanza.replace("current_key_id", "disabled = \"true\" current_key_id");
        assert_eq!(
            names(&read(&disabled, &[]).unwrap()),
            (None, Some("static"))
        );
        let twins = [
            ("VAULT_STATIC_SEAL_CURRENT_KEY", KEY),
            ("KEYWARD_STATIC_SEAL_CURRENT_KEY_ID", "k"),
        ];
        let seals = read("seal \"static\" { }", &twins).unwrap();
        assert_eq!(names(&seals), (Some("static"), None));
        let named = [&twins[..], &[("KEYWARD_SEAL_TYPE", "static")]].concat();
        assert_eq!(names(&read("", &named).unwrap()), (Some("static"), None));
        assert_eq!(names(&read("", &twins).unwrap()), (None, None));
        assert_eq!(
            names(&read("seal \"shamir\" { }", &[]).unwrap()),
            (None, None)
        );
    }

    #[test]
    fn what_is_unknown_is_named_with_its_line() {
        let refused = |text: &str| read(text, &[]).unwrap_err().to_string();
        assert_eq!(
            refused("\nseal \"awskms\" { }"),
            "unknown seal \"awskms\" at line 2"
        );
        assert_eq!(
            refused("seal \"static\" {\n  colour = 1\n}"),
            "unknown setting of a seal \"colour\" at line 2"
        );
        assert_eq!(
            refused("seal \"shamir\" {\n  colour = 1\n}"),
            "unknown setting of a seal \"colour\" at line 2"
        );
        assert!(refused("seal \"static\" { }").contains("current_key_id"));
        let one = format!("seal \"static\" {{ current_key = {KEY:?} current_key_id = \"k\" }}\n");
        assert!(refused(&format!("{one}{one}")).contains("at line 2 is one too many"));
    }

    #[test]
    fn of_two_seals_of_one_type_the_environment_tells_of_the_one_in_use() {
        let disabled = format!(
            "seal \"static\" {{ disabled = true current_key = {KEY:?} current_key_id = \"k\" }}\n"
        );
        let twins = [
            ("KEYWARD_STATIC_SEAL_CURRENT_KEY", KEY),
            ("KEYWARD_STATIC_SEAL_CURRENT_KEY_ID", "l"),
        ];
        let both = Some("static");
        let seals = read(&format!("{disabled}seal \"static\" {{ }}"), &twins).unwrap();
        assert_eq!(names(&seals), (both, both));
        let named = [&twins[..], &[("KEYWARD_SEAL_TYPE", "static")]].concat();
        assert_eq!(names(&read(&disabled, &named).unwrap()), (both, both));
        let empty = "seal \"static\" { disabled = true }\n";
        let active = disabled.replace("disabled = true ", "");
        assert!(read(&format!("{empty}{active}"), &twins).is_err());
    }
}
