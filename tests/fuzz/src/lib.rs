//! Everything that reads untrusted bytes, as functions of bytes that must not panic.
//!
//! `fuzz/` wraps each of them into a target of cargo-fuzz; the test beside runs them over their
//! seeds and over what small changes make of these, with any compiler.
#![allow(
    clippy::unwrap_used,
    reason = "all of this is test code: it panics where a promise is broken"
)]

mod envelope;
mod house;
mod proof;
mod server;
mod text;

/// A function that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its file in `fuzz/fuzz_targets` and its folder in
    /// `fuzz/seeds`.
    pub name: &'static str,
    /// What is done with the bytes.
    pub run: fn(&[u8]),
}

/// All of them, by name.
pub const TARGETS: &[Target] = &[
    Target {
        name: "base64",
        run: text::base64,
    },
    Target {
        name: "batch",
        run: server::batch,
    },
    Target {
        name: "cidr",
        run: text::cidr,
    },
    Target {
        name: "ciphertext",
        run: text::ciphertext,
    },
    Target {
        name: "config",
        run: text::config,
    },
    Target {
        name: "duration",
        run: server::duration,
    },
    Target {
        name: "envelope",
        run: envelope::envelope,
    },
    Target {
        name: "format",
        run: server::format,
    },
    Target {
        name: "http",
        run: server::http,
    },
    Target {
        name: "import",
        run: server::import,
    },
    Target {
        name: "log",
        run: text::log,
    },
    Target {
        name: "path",
        run: text::path,
    },
    Target {
        name: "pgp",
        run: text::pgp,
    },
    Target {
        name: "policy",
        run: text::policy,
    },
    Target {
        name: "proof",
        run: proof::proof,
    },
    Target {
        name: "token",
        run: server::token,
    },
];

/// Runs the target of that name.
///
/// # Panics
/// If there is none, or if the bytes break what it promises.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("the table has a line for each target").run)(data);
}

#[cfg(test)]
mod tests;
