//! GnuPG, which nobody here wrote: people with their keys.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;

use super::isolated;

/// A folder of keys, which have no passphrases.
pub(crate) struct Gpg {
    home: TempDir,
}

impl Gpg {
    pub(crate) fn new() -> Self {
        // Its permissions are the owner's alone, as the program wants them.
        Self {
            home: TempDir::new().unwrap(),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = isolated(Path::new(program), self.home.path());
        command.env("GNUPGHOME", self.home.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command("gpg");
        command
            .args(["--batch", "--quiet", "--no-tty", "--passphrase", ""])
            .args(arguments);
        let output = command.output();
        let output = output.unwrap_or_else(|error| panic!("gpg does not start: {error}"));
        assert!(output.status.success(), "gpg {arguments:?}: {output:?}");
        output
    }

    /// Makes a key that signs, with a part that encrypts, and returns its fingerprint.
    pub(crate) fn generate(&self, name: &str, signs: &str, encrypts: &str) -> String {
        self.run(&["--quick-gen-key", name, signs, "cert,sign", "never"]);
        let listed = self.run(&["--with-colons", "--list-keys", name]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        let fingerprint = listed
            .lines()
            .find_map(|line| line.strip_prefix("fpr:")?.split(':').nth(8));
        let fingerprint = fingerprint.unwrap().to_owned();
        self.run(&["--quick-add-key", &fingerprint, encrypts, "encr", "never"]);
        fingerprint.to_lowercase()
    }

    /// Returns a public key in base64, as it is sent.
    pub(crate) fn exported(&self, name: &str) -> String {
        STANDARD.encode(self.run(&["--export", name]).stdout)
    }

    /// Writes a public key to a file, armored or not.
    pub(crate) fn export_to(&self, name: &str, file: &str, options: &[&str]) -> PathBuf {
        let path = self.home.path().join(file);
        let exported = self.run(&[options, &["--export", name]].concat()).stdout;
        fs::write(&path, exported).unwrap();
        path
    }

    /// Opens a message in base64.
    pub(crate) fn open(&self, message: &str) -> String {
        let path = self.home.path().join("message");
        fs::write(&path, STANDARD.decode(message).unwrap()).unwrap();
        let opened = self.run(&["--decrypt", path.to_str().unwrap()]);
        String::from_utf8(opened.stdout).unwrap()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        // The agent that the program left running for this folder.
        let mut command = self.command("gpgconf");
        command.args(["--kill", "all"]).stderr(Stdio::null());
        let _ = command.status();
    }
}
