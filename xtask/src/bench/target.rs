//! A server under measurement.

use std::fs;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

use crate::http::Address;

/// One server: what to call it, where it is, and how to be let in.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) label: String,
    pub(super) address: Address,
    pub(super) token: String,
    /// Its process on this machine, where it is known.
    pub(super) process: Option<u32>,
}

impl Target {
    /// The memory that its process holds now, in KiB; `None` where it is not known.
    pub(super) fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process?)).ok()?;
        resident(&status)
    }
}

/// `LABEL=ADDR,TOKEN[,PID]`.
impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (label, rest) = text
            .split_once('=')
            .context("write LABEL=ADDR,TOKEN[,PID]")?;
        let mut parts = rest.split(',');
        let (Some(address), Some(token)) = (parts.next(), parts.next()) else {
            bail!("write LABEL=ADDR,TOKEN[,PID]");
        };
        let process = parts
            .next()
            .map(|text| {
                text.parse()
                    .with_context(|| format!("{text:?} is no process number"))
            })
            .transpose()?;
        if label.is_empty() || token.is_empty() || parts.next().is_some() {
            bail!("write LABEL=ADDR,TOKEN[,PID]");
        }
        Ok(Self {
            label: label.to_owned(),
            address: address.parse()?,
            token: token.to_owned(),
            process,
        })
    }
}

/// `VmRSS` of a `/proc/PID/status`, in KiB (proc(5)).
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_label_address_token_and_perhaps_a_process() {
        let target: Target = "bao=http://127.0.0.1:8200,root,42".parse().unwrap();
        assert_eq!(
            (target.label.as_str(), target.token.as_str()),
            ("bao", "root")
        );
        assert_eq!(target.address.authority(), "127.0.0.1:8200");
        assert_eq!(target.process, Some(42));
        assert_eq!("b=h:1,t".parse::<Target>().unwrap().process, None);
    }

    #[test]
    fn half_a_target_is_refused() {
        for text in [
            "",
            "bao",
            "bao=h:1",
            "=h:1,t",
            "b=h:1,",
            "b=h:1,t,x",
            "b=h:1,t,1,2",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn resident_memory_is_read_from_the_status() {
        assert_eq!(
            resident("Name:\tbao\nVmRSS:\t  1234 kB\nThreads:\t9\n"),
            Some(1234)
        );
        assert_eq!(resident("Name:\tkthreadd\n"), None);
    }
}
