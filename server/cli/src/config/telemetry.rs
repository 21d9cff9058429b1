//! The `telemetry` stanza: how what is counted is shown.

use anyhow::Result;
use keyward_core::{Telemetry, hcl::Entry};

use super::value::{duration_or_none, flag, refuse, unknown};

/// Reads the stanza.
pub(super) fn read(entry: &Entry) -> Result<Telemetry> {
    let body = entry.value.as_object();
    let body = body.ok_or_else(|| refuse(entry, "must be a block"))?;
    let mut telemetry = Telemetry::default();
    for setting in &body.entries {
        match setting.key.as_str() {
            // What is counted stays as long as the server runs, however short this is; 0 is none.
            "prometheus_retention_time" => {
                telemetry.prometheus = duration_or_none(setting)?.is_some();
            }
            "usage_gauge_period" => {
                telemetry.usage_gauge_period = match duration_or_none(setting)? {
                    Some(period) if period.as_secs() < 10 => {
                        return Err(refuse(setting, "must be 0 or at least 10 seconds"));
                    }
                    period => period,
                };
            }
            "disable_hostname" if flag(setting)? => {}
            "disable_hostname" => {
                return Err(refuse(
                    setting,
                    "must be true: no name of a metric begins with that of the host",
                ));
            }
            other => return Err(unknown("setting of telemetry", other, setting.position)),
        }
    }
    Ok(telemetry)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyward_core::hcl;

    use super::*;

    fn parse(settings: &str) -> Result<Telemetry> {
        let body = hcl::parse(&format!("telemetry {{\n{settings}\n}}")).unwrap();
        read(&body.entries[0])
    }

    #[test]
    fn what_vaults_files_say_is_read() {
        assert_eq!(parse("").unwrap(), Telemetry::default());
        let said = "prometheus_retention_time = \"30s\"\ndisable_hostname = true\n\
                    usage_gauge_period = \"1m\"";
        let wanted = Telemetry {
            prometheus: true,
            usage_gauge_period: Some(Duration::from_secs(60)),
        };
        assert_eq!(parse(said).unwrap(), wanted);
        let none = parse("prometheus_retention_time = 0\nusage_gauge_period = 0").unwrap();
        assert_eq!((none.prometheus, none.usage_gauge_period), (false, None));
    }

    #[test]
    fn what_is_not_done_is_refused_with_its_line() {
        for (setting, text) in [
            (
                "statsd_address = \"a\"",
                "unknown setting of telemetry \"statsd_address\" at line 2",
            ),
            (
                "disable_hostname = false",
                "\"disable_hostname\" at line 2 must be true",
            ),
            (
                "usage_gauge_period = \"1s\"",
                "\"usage_gauge_period\" at line 2 must be 0",
            ),
            (
                "prometheus_retention_time = \"x\"",
                "\"prometheus_retention_time\" at line 2",
            ),
        ] {
            let refused = parse(setting).unwrap_err().to_string();
            assert!(refused.starts_with(text), "{refused}");
        }
    }
}
