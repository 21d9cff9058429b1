//! `bao debug`: all that is asked of a server that somebody needs help with.

use std::fs;

use serde_json::Value;

use super::Shell;

/// What there is to gather here.
const FILES: [&str; 7] = [
    "bao.log",
    "config.json",
    "host_info.json",
    "metrics.json",
    "replication_status.json",
    "requests.json",
    "server_status.json",
];

/// Gathers for as short as the command allows; of what it asks, the profiles of Go's runtime alone are
/// not there.
pub(super) fn package(shell: &Shell<'_>) {
    let folder = shell.home.path().join("package");
    let line = format!(
        "debug -duration=5s -interval=5s -metrics-interval=5s -compress=false -output={}",
        folder.display()
    );
    let mut gathering = shell.command(&line).spawn().unwrap();
    // The log is gathered from when it begins to when it ends.
    let status = loop {
        shell.field("secrets tune -description=told secret/");
        if let Some(status) = gathering.try_wait().unwrap() {
            break status;
        }
    };
    assert!(status.success(), "bao {line}: {status}");
    let read = |name: &str| {
        let file = folder.join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    for name in FILES {
        assert!(!read(name).is_empty(), "{name}");
    }
    assert!(read("bao.log").contains("a mount is tuned"));
    assert!(read("replication_status.json").contains("disabled"));
    let index: Value = serde_json::from_str(&read("index.json")).unwrap();
    let errors = index["errors"].as_array().unwrap();
    for error in errors {
        let told = error["error"].as_str().unwrap();
        let target = error["target"].as_str().unwrap();
        assert!(target.starts_with("pprof."), "{target}: {told}");
        assert!(told.contains("unsupported path"), "{target}: {told}");
    }
}
