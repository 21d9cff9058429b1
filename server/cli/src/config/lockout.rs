//! The `user_lockout` stanzas: when who fails to log in is locked out.
//!
//! ```text
//! user_lockout "all" {
//!   lockout_threshold     = 5
//!   lockout_duration      = "15m"
//!   lockout_counter_reset = "15m"
//! }
//! ```
//! Another label is a type of auth method, which comes before `all`; what is tuned of a mount comes
//! before both.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use keyward_builtin::AUTH_METHODS;
use keyward_core::{
    ALL_METHODS, LockoutConfig, LockoutTerms,
    hcl::{Block, Body},
};

use super::{
    in_line,
    value::{duration_or_none, flag, number, unknown},
};

/// Reads all stanzas of a file, which come before those of an earlier one.
pub(super) fn take(config: &mut LockoutConfig, body: &Body) -> Result<()> {
    let mut said = BTreeMap::new();
    for block in body.labelled("user_lockout").map_err(in_line)? {
        let is_method = AUTH_METHODS.iter().any(|kind| kind.name == block.label);
        if block.label != ALL_METHODS && !is_method {
            return Err(unknown("auth method", block.label, block.position));
        }
        let before = said.insert(block.label.to_owned(), terms(&block)?);
        if before.is_some() {
            let Block {
                label, position, ..
            } = block;
            return Err(anyhow!(
                "user_lockout \"{label}\" at line {} is there already",
                position.line
            ));
        }
    }
    config.terms.extend(said);
    Ok(())
}

fn terms(block: &Block<'_>) -> Result<LockoutTerms> {
    let mut terms = LockoutTerms::default();
    for setting in &block.body.entries {
        match setting.key.as_str() {
            // Nothing is no lockout: 0 leaves it to what else is said, as in Vault.
            "lockout_threshold" => terms.threshold = Some(number(setting)?).filter(|it| *it != 0),
            "lockout_duration" => terms.duration = duration_or_none(setting)?,
            "lockout_counter_reset" => terms.counter_reset = duration_or_none(setting)?,
            "disable_lockout" => terms.disabled = Some(flag(setting)?),
            other => return Err(unknown("setting of user_lockout", other, setting.position)),
        }
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyward_core::hcl;

    use super::*;

    fn parse(text: &str) -> Result<LockoutConfig> {
        let mut config = LockoutConfig::default();
        take(&mut config, &hcl::parse(text).unwrap()).map(|()| config)
    }

    #[test]
    fn what_vaults_files_say_is_read() {
        assert_eq!(parse("").unwrap(), LockoutConfig::default());
        let said = "user_lockout \"all\" {\n lockout_threshold = \"25\"\n lockout_duration = \"10m\"\n \
                    lockout_counter_reset = 90\n disable_lockout = \"false\" \n}";
        let wanted = LockoutTerms {
            threshold: Some(25),
            duration: Some(Duration::from_secs(600)),
            counter_reset: Some(Duration::from_secs(90)),
            disabled: Some(false),
        };
        assert_eq!(parse(said).unwrap().terms["all"], wanted);
        let nothing = "user_lockout \"all\" {\n lockout_threshold = 0\n lockout_duration = 0\n}";
        let nothing = parse(nothing).unwrap();
        assert_eq!(nothing.terms["all"], LockoutTerms::default());
        let userpass = parse("user_lockout \"userpass\" { lockout_threshold = 3 }").unwrap();
        assert_eq!(userpass.terms["userpass"].threshold, Some(3));
    }

    #[test]
    fn what_is_not_done_is_refused_with_its_line() {
        let all = |setting: &str| format!("user_lockout \"all\" {{\n{setting}\n}}");
        for (text, refusal) in [
            (
                "user_lockout \"nope\" { }".to_owned(),
                "unknown auth method \"nope\" at line 1",
            ),
            (
                all("nope = 1"),
                "unknown setting of user_lockout \"nope\" at line 2",
            ),
            (
                all("lockout_threshold = \"x\""),
                "\"lockout_threshold\" at line 2 must be a whole number",
            ),
            (
                all("lockout_duration = \"-4m\""),
                "\"lockout_duration\" at line 2 must be a duration",
            ),
            (
                all("disable_lockout = \"x\""),
                "\"disable_lockout\" at line 2 must be true or false",
            ),
            (
                "user_lockout { lockout_threshold = 1 }".to_owned(),
                "line 1: \"user_lockout\" needs a label",
            ),
            (
                format!("{}\n{}", all(""), all("")),
                "user_lockout \"all\" at line 4 is there already",
            ),
        ] {
            let refused = parse(&text).unwrap_err().to_string();
            assert!(refused.starts_with(refusal), "{refused}");
        }
    }
}
