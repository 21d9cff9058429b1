//! Our own server as its users run it: a child process, its files, its socket.

use std::{net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::{
    peer::isolated,
    process::{Process, free_address},
};

const ROOT_TOKEN: &str = "root";

/// The binary under test.
pub(crate) const KEYWARD: &str = env!("CARGO_BIN_EXE_keyward-under-test");

/// A dev server: unsealed, in memory or on a store that dies with it.
pub(crate) struct Server {
    _process: Process,
    address: SocketAddr,
    _home: TempDir,
}

impl Server {
    /// Starts `keyward server -dev` with the root token `root`.
    pub(crate) fn dev() -> Self {
        let home = TempDir::new().unwrap();
        let address = free_address();
        let mut command = isolated(Path::new(KEYWARD), home.path());
        command
            .args(["server", "-dev"])
            .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
            .arg(format!("-dev-listen-address={address}"));
        let mut process = Process::spawn(command);
        process
            .wait_until_it_answers(address)
            .unwrap_or_else(|why| panic!("keyward: {why}"));
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
