//! What an operator says of a device.

use std::collections::BTreeMap;

use keyward_api::coerce;

use super::AuditError;

/// The options of a device by name, as `sys/audit` takes and shows them.
pub type Options = BTreeMap<String, String>;

/// How lines are written, whatever the kind of device.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Whether accessors are hashed as tokens are (`hmac_accessor`, true).
    pub(super) hashes_accessors: bool,
    /// Whether answers to lists show how many keys there are instead of each
    /// (`elide_list_responses`, false).
    pub(super) elides_lists: bool,
    /// Whether values are shown as they are (`log_raw`, false): every secret is in the log. Only a
    /// development server takes this.
    pub(super) shows_secrets: bool,
    /// What each line begins with (`prefix`).
    pub(super) prefix: String,
}

impl Format {
    /// The options that every device has.
    pub(super) const NAMES: [&str; 6] = [
        "elide_list_responses",
        "format",
        "hmac_accessor",
        "log_raw",
        "prefix",
        "skip_test",
    ];

    pub(super) fn parse(options: &Options) -> Result<Self, AuditError> {
        match options.get("format").map_or("json", String::as_str) {
            "" | "json" => {}
            "jsonx" => {
                return Err(AuditError::options(
                    "jsonx formatting has been removed, consider switching to json by omitting \
                     \"format\" or setting it to \"json\"",
                ));
            }
            other => {
                return Err(AuditError::options(format!(
                    "unknown format type \"{other}\""
                )));
            }
        }
        let prefix = options.get("prefix").cloned().unwrap_or_default();
        if prefix.chars().any(char::is_control) {
            return Err(AuditError::options(
                "prefix must not contain control characters",
            ));
        }
        Ok(Self {
            hashes_accessors: flag(options, "hmac_accessor", true)?,
            elides_lists: flag(options, "elide_list_responses", false)?,
            shows_secrets: flag(options, "log_raw", false)?,
            prefix,
        })
    }
}

/// Reads an option that is true or false, in the spellings that Vault takes.
///
/// # Errors
/// It is neither; the text is Vault's.
pub fn flag(options: &Options, name: &str, default: bool) -> Result<bool, AuditError> {
    let Some(text) = options.get(name) else {
        return Ok(default);
    };
    coerce::parse_flag(text).ok_or_else(|| {
        AuditError::options(format!(
            "strconv.ParseBool: parsing \"{text}\": invalid syntax"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[(&str, &str)]) -> Result<Format, String> {
        let pairs = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Format::parse(&pairs.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn accessors_are_hashed_and_lists_shown_unless_told_otherwise() {
        let format = parse(&[]).unwrap();
        assert!(format.hashes_accessors && !format.elides_lists && format.prefix.is_empty());
        let format = parse(&[
            ("format", "json"),
            ("hmac_accessor", "false"),
            ("elide_list_responses", "1"),
            ("log_raw", "false"),
            ("prefix", "@cee: "),
        ]);
        let wanted = Format {
            hashes_accessors: false,
            elides_lists: true,
            shows_secrets: false,
            prefix: "@cee: ".to_owned(),
        };
        assert_eq!(format, Ok(wanted));
    }

    #[test]
    fn what_is_not_done_is_refused() {
        for (name, value, text) in [
            ("format", "jsonx", "jsonx formatting has been removed"),
            ("format", "bla", "unknown format type \"bla\""),
            (
                "hmac_accessor",
                "maybe",
                "strconv.ParseBool: parsing \"maybe\": invalid syntax",
            ),
            (
                "prefix",
                "a\nb",
                "prefix must not contain control characters",
            ),
        ] {
            assert!(
                parse(&[(name, value)]).is_err_and(|error| error.starts_with(text)),
                "{name}"
            );
        }
    }
}
