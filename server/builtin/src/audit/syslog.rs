//! The `syslog` audit device: lines to the log daemon of this machine.
//!
//! ```text
//! datagram = <PRI>Mmm dd hh:mm:ss TAG[PID]: LINE LF      RFC 3164, without a host name as every
//! PRI      = 8 × facility + 6 (informational)            program of the machine itself sends it
//! ```
//!
//! The time is in UTC, as the line's own. A line that is too long for a datagram of the system
//! (some 200 KiB on Linux) fails on this device, as in Vault: enable a file device beside it. Many
//! daemons cut lines far shorter; raise their limit (`$MaxMessageSize`, `LineMax=`).

use std::{io::Write as _, path::PathBuf, sync::Arc, time::Duration};

use keyward_core::{
    Timestamp,
    audit::{AuditDevice, AuditError, AuditKind, Options, Standing},
};

use super::{
    courier::Courier,
    datagram::{Datagrams, Target},
};

/// The line of the registry.
///
/// Options: `facility`, `AUTH` unless given; `tag`, `vault` unless given; `address`, the path of
/// the daemon's socket, where the system has it unless given.
pub const SYSLOG: AuditKind = AuditKind {
    name: "syslog",
    options: &["address", "facility", "tag"],
    open,
};

/// Where the systems that we run on have the socket.
const SOCKETS: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// How long the daemon may leave its queue full.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The names of RFC 3164 section 4.1.1 in the order of their numbers, as `syslog.h` spells them.
const FACILITIES: [&str; 12] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV",
    "FTP",
];
/// The number of `LOCAL0`.
const FIRST_LOCAL: u8 = 16;
const INFORMATIONAL: u8 = 6;

fn open(options: &Options, standing: &Arc<Standing>) -> Result<Arc<dyn AuditDevice>, AuditError> {
    let option = |name, default: &'static str| options.get(name).map_or(default, String::as_str);
    let priority = parse_facility(option("facility", "AUTH"))? * 8 + INFORMATIONAL;
    let tag = option("tag", "vault").to_owned();
    if tag.is_empty() || tag.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AuditError::options(
            "tag must be one word, without control characters",
        ));
    }
    let paths = match option("address", "") {
        "" => SOCKETS.iter().map(PathBuf::from).collect(),
        path => vec![PathBuf::from(path)],
    };
    let clock = Arc::clone(standing.clock());
    let pid = std::process::id();
    let head = move |datagram: &mut Vec<u8>| {
        let time = stamp(clock.now());
        write!(datagram, "<{priority}>{time} {tag}[{pid}]: ").expect("a Vec takes every byte");
    };
    Ok(Courier::start(Datagrams::new(
        Target::Unix(paths),
        TIMEOUT,
        Box::new(head),
        standing,
    )))
}

fn parse_facility(text: &str) -> Result<u8, AuditError> {
    let name = text.to_ascii_uppercase();
    let local = name.strip_prefix("LOCAL").and_then(|n| match n.as_bytes() {
        [digit @ b'0'..=b'7'] => Some(FIRST_LOCAL + digit - b'0'),
        _ => None,
    });
    let listed = (0..).zip(FACILITIES).find(|(_, it)| *it == name);
    local
        .or(listed.map(|(number, _)| number))
        .ok_or_else(|| AuditError::options(format!("invalid syslog facility: {name}")))
}

/// `Jan  2 15:04:05`: the day in two columns.
fn stamp(moment: Timestamp) -> String {
    let time = moment.date_time();
    let month = time.month().to_string();
    format!(
        "{} {:>2} {:02}:{:02}:{:02}",
        &month[..3],
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests;
