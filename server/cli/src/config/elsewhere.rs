//! What Vault's and OpenBao's files say that changes nothing here, and what cannot be had.
//!
//! **Invariant:** whoever asks for something that is not done hears of it: at start in the log, or
//! as a refusal where it would be dangerous or of no use to go on.

use anyhow::Result;
use keyward_core::hcl::Entry;

use super::value::{flag, number, plain, refuse, text};

/// Which values a setting has, and which of them asks for nothing else than what is.
#[derive(Clone, Copy)]
enum Kind {
    Flag { as_it_is: bool },
    Number,
    Plain,
    Text,
}

use Kind::{Flag, Number, Plain, Text};

/// The settings that change nothing, and why.
const WITHOUT_EFFECT: &[(&str, Kind, &str)] = &[
    (
        "allow_audit_log_prefixing",
        Flag { as_it_is: false },
        "lines of the audit log have no prefix",
    ),
    ("cache_size", Number, "the store sizes its cache itself"),
    (
        "cluster_addr",
        Text,
        "there is one node, and so no cluster to be reached",
    ),
    (
        "cluster_cipher_suites",
        Text,
        "there is one node, and so no cluster to be reached",
    ),
    ("detect_deadlocks", Text, "locks are not watched"),
    (
        "disable_cache",
        Flag { as_it_is: false },
        "caches cannot be switched off",
    ),
    (
        "disable_clustering",
        Flag { as_it_is: true },
        "there is one node",
    ),
    (
        "disable_indexing",
        Flag { as_it_is: true },
        "nothing is indexed",
    ),
    (
        "disable_mlock",
        Flag { as_it_is: true },
        "memory is not locked: have no swap, or encrypt it",
    ),
    (
        "disable_performance_standby",
        Flag { as_it_is: true },
        "there is one node",
    ),
    (
        "disable_printable_check",
        Flag { as_it_is: false },
        "paths with characters that cannot be printed are always refused",
    ),
    (
        "disable_sealwrap",
        Flag { as_it_is: true },
        "no value is encrypted by the seal beside the store's own key",
    ),
    (
        "disable_sentinel_trace",
        Flag { as_it_is: true },
        "there is no Sentinel",
    ),
    (
        "enable_response_header_raft_node_id",
        Flag { as_it_is: false },
        "there is no Raft",
    ),
    (
        "imprecise_lease_role_tracking",
        Flag { as_it_is: false },
        "leases are not counted by role",
    ),
    ("license_path", Text, "no license is needed"),
    ("plugin_directory", Text, "no plugins are run"),
    ("plugin_file_permissions", Plain, "no plugins are run"),
    ("plugin_file_uid", Number, "no plugins are run"),
    (
        "ui",
        Flag { as_it_is: false },
        "there are no pages to be shown",
    ),
];

/// The stanzas and settings without which a server would not be what its operator takes it for.
const REFUSED: &[(&str, &str)] = &[
    (
        "audit",
        "audit devices are enabled with \"keyward audit enable\"",
    ),
    ("backend", "write storage \"sled\" { … }"),
    ("entropy", "random numbers come from the system"),
    ("ha_backend", "there is one node"),
    ("ha_storage", "there is one node"),
    (
        "initialize",
        "a server is initialized with \"keyward operator init\"",
    ),
    ("kms_library", "seal \"pkcs11\" names its library itself"),
    ("plugin", "no plugins are run"),
    ("replication", "there is one node"),
    ("sentinel", "there is no Sentinel"),
    ("service_registration", "no registry is told of this server"),
];

/// Takes an entry if it is one of those; `None` if it is none of them. What is to be said about it
/// ends the sentence "`ui` at line 3 …".
pub(super) fn take(entry: &Entry) -> Result<Option<Option<String>>> {
    let name = entry.key.as_str();
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(refuse(entry, format_args!("cannot be had: {why}")));
    }
    let Some((_, kind, why)) = WITHOUT_EFFECT.iter().find(|(known, ..)| *known == name) else {
        return Ok(None);
    };
    let is_asked = match kind {
        Flag { as_it_is } => flag(entry)? != *as_it_is,
        Number => number::<u64>(entry).map(|number| number != 0)?,
        Plain => !plain(entry)?.is_empty(),
        Text => !text(entry)?.is_empty(),
    };
    Ok(Some(is_asked.then(|| format!("has no effect: {why}"))))
}

#[cfg(test)]
mod tests {
    use keyward_core::hcl;

    use super::*;

    fn taken(setting: &str) -> Result<Option<Option<String>>> {
        take(&hcl::parse(setting).unwrap().entries[0])
    }

    #[test]
    fn what_asks_for_something_that_is_not_done_is_told() {
        for (setting, told) in [
            (
                "ui = true",
                Some("has no effect: there are no pages to be shown"),
            ),
            ("ui = \"false\"", None),
            ("disable_mlock = true", None),
            (
                "disable_mlock = false",
                Some("has no effect: memory is not locked: have no swap, or encrypt it"),
            ),
            (
                "license_path = \"/x\"",
                Some("has no effect: no license is needed"),
            ),
            ("detect_deadlocks = \"\"", None),
            ("cache_size = \"0\"", None),
            (
                "plugin_file_permissions = \"0777\"",
                Some("has no effect: no plugins are run"),
            ),
        ] {
            let read = taken(setting).unwrap().unwrap();
            assert_eq!(read.as_deref(), told, "{setting}");
        }
        assert!(taken("nosuch = 1").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_had_or_read_is_refused_with_its_line() {
        for (setting, refusal) in [
            (
                "ha_storage \"raft\" { }",
                "\"ha_storage\" at line 1 cannot be had: there is one node",
            ),
            (
                "\nservice_registration \"kubernetes\" { }",
                "\"service_registration\" at line 2 cannot be had: no registry is told of this server",
            ),
            ("ui = \"maybe\"", "\"ui\" at line 1 must be true or false"),
            (
                "license_path = 1",
                "\"license_path\" at line 1 must be a string",
            ),
            (
                "cache_size = -1",
                "\"cache_size\" at line 1 must be a whole number that is not negative",
            ),
        ] {
            assert_eq!(taken(setting).unwrap_err().to_string(), refusal);
        }
    }

    #[test]
    fn names_stand_once_and_in_their_order() {
        let known: Vec<_> = WITHOUT_EFFECT.iter().map(|(name, ..)| name).collect();
        assert!(known.is_sorted_by(|a, b| a < b), "{known:?}");
        let refused: Vec<_> = REFUSED.iter().map(|(name, _)| name).collect();
        assert!(refused.is_sorted_by(|a, b| a < b), "{refused:?}");
    }
}
