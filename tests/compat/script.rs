//! The suites that are programs of their own: `hvac` in Python, `node-vault` in JavaScript.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use crate::support::{Target, isolated, project_root, python};

#[test]
fn hvac_works_with_keyward() {
    hvac(&Target::keyward());
}

#[test]
fn hvac_works_with_the_peer() {
    hvac(&Target::peer());
}

#[test]
fn node_vault_works_with_keyward() {
    node_vault(&Target::keyward());
}

#[test]
fn node_vault_works_with_the_peer() {
    node_vault(&Target::peer());
}

fn hvac(target: &Target) {
    let suite = project_root().join("tests/compat/hvac_suite.py");
    run(&python(), &suite, target);
}

fn node_vault(target: &Target) {
    let folder = project_root().join("tests/compat/node");
    assert!(
        folder.join("node_modules/node-vault").exists(),
        "node-vault (npm) is missing: `npm ci` in {}, or `cargo xtask test`, installs it",
        folder.display()
    );
    run(Path::new("node"), &folder.join("suite.mjs"), target);
}

/// Runs a suite to its end; it has passed if it says so and named every check it made.
fn run(program: &Path, suite: &Path, target: &Target) {
    let home = TempDir::new().unwrap();
    let mut command: Command = isolated(program, home.path());
    command.arg(suite).arg(&target.address).arg(&target.token);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(
        output.status.success(),
        "{}:\n{}{}",
        suite.display(),
        said.lines().last().unwrap_or_default(),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
    assert!(
        said.lines().count() >= 15,
        "the suite stopped early:\n{said}"
    );
}
