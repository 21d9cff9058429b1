//! The suites that are programs of their own: `hvac`, a library for certificates, one for signatures
//! of HTTP messages and a validator of OpenAPI in Python; `node-vault`, an HPKE, a JOSE library, one of
//! relying parties of OpenID Connect and another for signatures of HTTP messages in JavaScript.

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

#[test]
fn an_hpke_library_seals_and_opens() {
    node("@hpke/core", "hpke.mjs", &Target::keyward(), 8);
}

#[test]
fn a_jose_library_verifies_with_the_key_set() {
    node("jose", "jose.mjs", &Target::keyward(), 13);
}

#[test]
fn a_jose_library_verifies_identity_tokens() {
    node("jose", "identity.mjs", &Target::keyward(), 11);
}

#[test]
fn a_jose_library_verifies_identity_tokens_of_the_peer() {
    node("jose", "identity.mjs", &Target::peer(), 11);
}

/// Not of the peer, which takes a secret in a header as it stands: RFC 6749 section 2.3.1 has it encoded
/// as in a form, which this library does.
#[test]
fn a_library_of_relying_parties_logs_people_in() {
    node("openid-client", "provider.mjs", &Target::keyward(), 18);
}

#[test]
fn a_certificate_library_certifies_keys_of_keyward() {
    certificates(&Target::keyward());
}

#[test]
fn a_certificate_library_certifies_keys_of_the_peer() {
    certificates(&Target::peer());
}

#[test]
fn a_library_in_python_proves_its_key_and_trusts_answers() {
    let suite = project_root().join("tests/compat/signature_suite.py");
    run(&python(), &suite, &Target::keyward(), 10);
}

#[test]
fn a_library_in_javascript_proves_its_key_and_trusts_answers() {
    node("http-message-sig", "signatures.mjs", &Target::keyward(), 6);
}

#[test]
fn a_validator_of_openapi_reads_the_document_of_the_api() {
    let suite = project_root().join("tests/compat/openapi_suite.py");
    run(&python(), &suite, &Target::keyward(), 6);
}

fn hvac(target: &Target) {
    let suite = project_root().join("tests/compat/hvac_suite.py");
    run(&python(), &suite, target, 15);
}

fn certificates(target: &Target) {
    let suite = project_root().join("tests/compat/certificate_suite.py");
    run(&python(), &suite, target, 35);
}

fn node_vault(target: &Target) {
    node("node-vault", "suite.mjs", target, 15);
}

/// Runs a suite that needs a package of npm.
fn node(package: &str, suite: &str, target: &Target, checks: usize) {
    let folder = project_root().join("tests/compat/node");
    assert!(
        folder.join("node_modules").join(package).exists(),
        "{package} (npm) is missing: `npm ci` in {}, or `cargo xtask test`, installs it",
        folder.display()
    );
    run(Path::new("node"), &folder.join(suite), target, checks);
}

/// Runs a suite to its end; it has passed if it says so and named every check it made, `checks` at
/// least.
fn run(program: &Path, suite: &Path, target: &Target, checks: usize) {
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
        said.lines().count() >= checks,
        "the suite stopped early:\n{said}"
    );
}
