//! A server as its users start it.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A running server; it is told to stop when this is dropped, and takes its store with it.
pub(crate) struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts one that is unsealed, with the root token `root`.
    pub(crate) fn dev() -> Self {
        let flags = ["-dev", "-dev-root-token-id=root", "-dev-no-store-token"];
        let address = "-dev-listen-address=127.0.0.1:0";
        Self::start(&[&flags[..], &[address]].concat())
    }

    /// Starts one that waits to be initialized.
    pub(crate) fn sealed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keyward.hcl");
        let config = "
            storage \"memory\" { }
            listener \"tcp\" { address = \"127.0.0.1:0\" tls_disable = true }";
        std::fs::write(&file, config).unwrap();
        let flag = format!("-config={}", file.display());
        Self::start(&[flag])
    }

    /// Starts one with flags of the caller's, and waits until it listens.
    pub(crate) fn start(flags: &[impl AsRef<OsStr>]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .arg("server")
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = output.find_map(|line| {
            let line = line.unwrap();
            Some(
                line.strip_prefix("==> Keyward server started! Listening on ")?
                    .to_owned(),
            )
        });
        // What it prints later is read by nobody, and must not block it.
        std::thread::spawn(move || output.for_each(drop));
        Self {
            child,
            url: url.expect("the server says where it listens"),
        }
    }

    /// Returns its address, such as `http://127.0.0.1:40001`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}
