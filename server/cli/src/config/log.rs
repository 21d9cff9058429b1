//! What the configuration says of the log: how much is logged, how, and into which file.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use keyward_core::hcl::Entry;

use super::value::{duration_or_none, number, plain, refuse, text};

/// What is said of the log; none of it is what goes without saying.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogConfig {
    pub(crate) level: Option<String>,
    pub(crate) format: Option<String>,
    /// A file, or a folder for it.
    pub(crate) file: Option<PathBuf>,
    /// How large a file grows; 0 is without a bound.
    pub(crate) rotate_bytes: Option<u64>,
    /// For how long a file is written.
    pub(crate) rotate_duration: Option<Duration>,
    /// How many older files stay: 0 is all of them, and less than that none.
    pub(crate) rotate_max_files: Option<i64>,
}

impl LogConfig {
    /// Takes an entry if it is one of these.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<bool> {
        match entry.key.as_str() {
            "log_file" => {
                self.file = Some(text(entry)?)
                    .filter(|file| !file.is_empty())
                    .map(PathBuf::from);
            }
            "log_format" => self.format = Some(text(entry)?),
            "log_level" => self.level = Some(text(entry)?),
            "log_rotate_bytes" => self.rotate_bytes = Some(number(entry)?),
            "log_rotate_duration" => self.rotate_duration = duration_or_none(entry)?,
            "log_rotate_max_files" => {
                let files = plain(entry)?.parse();
                let files = files.map_err(|_| refuse(entry, "must be a whole number"))?;
                self.rotate_max_files = Some(files);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the same where `first` says nothing else.
    pub(crate) fn under(self, first: Self) -> Self {
        Self {
            level: first.level.or(self.level),
            format: first.format.or(self.format),
            file: first.file.or(self.file),
            rotate_bytes: first.rotate_bytes.or(self.rotate_bytes),
            rotate_duration: first.rotate_duration.or(self.rotate_duration),
            rotate_max_files: first.rotate_max_files.or(self.rotate_max_files),
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_core::hcl;

    use super::*;

    fn read(text: &str) -> Result<LogConfig> {
        let mut config = LogConfig::default();
        for entry in &hcl::parse(text).unwrap().entries {
            assert!(config.take(entry)?, "{text}");
        }
        Ok(config)
    }

    #[test]
    fn vaults_settings_are_read_and_those_of_the_command_line_come_first() {
        let said = "log_level = \"debug\"\nlog_format = \"json\"\nlog_file = \"/var/log/k/\"\n\
                    log_rotate_bytes = \"1000\"\nlog_rotate_duration = \"1h\"\n\
                    log_rotate_max_files = -1";
        let config = read(said).unwrap();
        let wanted = LogConfig {
            level: Some("debug".to_owned()),
            format: Some("json".to_owned()),
            file: Some("/var/log/k/".into()),
            rotate_bytes: Some(1000),
            rotate_duration: Some(Duration::from_secs(3600)),
            rotate_max_files: Some(-1),
        };
        assert_eq!(config, wanted);
        let flags = LogConfig {
            file: Some("x.log".into()),
            rotate_bytes: Some(7),
            ..LogConfig::default()
        };
        let both = wanted.clone().under(flags);
        assert_eq!(both.file, Some("x.log".into()));
        assert_eq!(both.rotate_bytes, Some(7));
        assert_eq!(both.rotate_duration, wanted.rotate_duration);
        assert_eq!(both.level, wanted.level);
    }

    #[test]
    fn what_is_no_number_and_no_duration_is_refused_with_its_line() {
        for (setting, refusal) in [
            (
                "log_rotate_bytes = -4",
                "\"log_rotate_bytes\" at line 1 must be a whole number",
            ),
            (
                "log_rotate_max_files = \"x\"",
                "\"log_rotate_max_files\" at line 1 must be a whole",
            ),
            (
                "log_rotate_duration = \"x\"",
                "\"log_rotate_duration\" at line 1 must be a duration",
            ),
            ("log_file = 1", "\"log_file\" at line 1 must be a string"),
        ] {
            let refused = read(setting).unwrap_err().to_string();
            assert!(refused.starts_with(refusal), "{refused}");
        }
    }
}
