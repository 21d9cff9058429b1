//! An audit file on a disk that is full.
//!
//! The test starts a process, and so it has a binary of its own: between its fork and its start the
//! child holds every file lock of its parent, and a test beside it would find its file taken.
#![allow(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::Arc};

use keyward_builtin::audit::file::FILE;
use keyward_core::{
    SystemClock,
    audit::{
        Lines, Standing,
        verify::{Summary, verify},
    },
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn line(text: &str) -> Lines {
    Lines::new(format!("{{\"text\":\"{text}\"\n").into_bytes())
}

fn check(path: &Path) -> Summary {
    verify(&*fs::read(path).unwrap(), None).unwrap()
}

/// The kernel itself cuts a write short here: a limit on file sizes, with its signal ignored, which
/// only a shell can do for a process without unsafe code.
#[test]
fn a_write_cut_short_by_a_full_disk_leaves_no_half_line() {
    const NAME: &str = "a_write_cut_short_by_a_full_disk_leaves_no_half_line";
    const INSIDE: &str = "KEYWARD_TEST_IGNORES_XFSZ";
    if std::env::var_os(INSIDE).is_some() {
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(fill_the_disk());
        return;
    }
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(NAME)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

async fn fill_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let options = BTreeMap::from([("file_path".to_owned(), path.to_str().unwrap().to_owned())]);
    let standing = Standing::new("file/", Arc::new(SystemClock), None);
    let device = (FILE.open)(&options, &Arc::new(standing)).unwrap();
    let unlimited = getrlimit(Resource::Fsize);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(1000),
            ..unlimited
        },
    )
    .unwrap();
    let mut kept = 0;
    while device.write(line(&"x".repeat(100))).await.is_ok() {
        kept += 1;
    }
    assert!(kept > 1);
    let summary = check(&path);
    assert_eq!(summary.lines, kept);
    assert!(device.write(line(&"x".repeat(2000))).await.is_err());
    assert_eq!(check(&path), summary);

    setrlimit(Resource::Fsize, unlimited).unwrap();
    device.write(line("there is room again")).await.unwrap();
    let summary = check(&path);
    assert_eq!(
        (summary.lines, summary.sequence, summary.torn),
        (kept + 1, kept + 1, vec![])
    );
}
