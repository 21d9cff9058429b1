//! Requests that nobody wrote: schemathesis reads the document of the API and makes them up, within
//! what it says and beyond. No answer may be a failure of the server, nor have a status that the
//! document does not know; and no operation of the document may be left out, whoever asks.

use std::process::Command;

use tempfile::TempDir;

use crate::support::{Chance, Target, isolated, project_root, python};

/// Some minutes; `KEYWARD_TEST_SEED` repeats a run.
#[test]
fn a_fuzzer_finds_no_failure_and_no_status_beyond_the_document() {
    let target = Target::keyward();
    let chance = Chance::new();
    let home = TempDir::new().unwrap();
    let mut command: Command = isolated(&python(), home.path());
    let output = command
        .arg(project_root().join("tests/compat/schemathesis_suite.py"))
        .args([&target.address, &target.token, &chance.seed().to_string()])
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(
        output.status.success(),
        "{}\n{said}{}",
        chance.how_to_repeat(),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        said.lines().filter(|line| line.starts_with("ok ")).count(),
        8,
        "{said}"
    );
}
