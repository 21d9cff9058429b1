//! `cargo xtask wasm`: the WebAssembly client, compiled and given its JavaScript glue.
//!
//! The crate has a target folder of its own, since it may be compiled by another toolchain than
//! the host's.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::command::{self, cargo, output, program, run};
use crate::needs::debian_packages;
use crate::project::Project;

const TARGET: &str = "wasm32-unknown-unknown";

/// Leaves out of the module from where a panic comes and how values print for debugging: a tenth of
/// it, which nobody ever reads. The options are unstable; with `RUSTC_BOOTSTRAP` every compiler takes
/// them.
const SILENT: &str = "target.wasm32-unknown-unknown.rustflags = \
                      ['-Zlocation-detail=none', '-Zfmt-debug=none']";

/// The modules of the workspace `wasm-client`, and where glue and module of each go.
const CLIENT: Module = Module {
    krate: "keyward-wasm",
    compiled: "keyward_wasm.wasm",
    package: "bindings/js/pkg",
    options: &["mute"],
};
const VECTORS: Module = Module {
    krate: "keyward-vectors",
    compiled: "keyward_vectors.wasm",
    package: "target/wasm/vectors",
    options: &[],
};

/// Build the WebAssembly client into `bindings/js/pkg`.
#[derive(Args)]
pub(crate) struct Wasm {}

impl Wasm {
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        build(project)
    }
}

/// Compiles the client and writes module, glue and types to `bindings/js/pkg`.
///
/// # Errors
/// There is no toolchain for wasm32, or one of the two steps failed.
pub(crate) fn build(project: &Project) -> Result<()> {
    build_modules(project, &[CLIENT])
}

/// As [`build`], and the module of Wycheproof's vectors, to `target/wasm/vectors`.
///
/// # Errors
/// As of [`build`].
pub(crate) fn build_with_vectors(project: &Project) -> Result<()> {
    build_modules(project, &[CLIENT, VECTORS])
}

struct Module {
    krate: &'static str,
    compiled: &'static str,
    package: &'static str,
    /// What the writer of the glue is told beside.
    options: &'static [&'static str],
}

fn build_modules(project: &Project, modules: &[Module]) -> Result<()> {
    let toolchain = Toolchain::choose()?;
    let target_folder = project.path("target/wasm");
    // Each by itself, whatever cargo is set up for: what the vectors want of a crate would be in the
    // client too, and the client has no standard library.
    for module in modules {
        let mut compile = toolchain.cargo(&project.path("wasm-client"));
        compile
            .args(["--package", module.krate])
            .env("CARGO_TARGET_DIR", &target_folder)
            .env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION");
        run(&mut compile)?;
    }

    // As part of the workspace, so that it shares what the tests compile.
    run(cargo(&project.path("")).args([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "keyward-bindgen",
    ]))?;
    for module in modules {
        let compiled = target_folder
            .join(TARGET)
            .join("release")
            .join(module.compiled);
        let package = project.path(module.package);
        run(
            program(project.built("debug", "keyward-bindgen"), &project.path(""))
                .args([&compiled, &package])
                .args(module.options),
        )?;
        let written = package.join("keyward_bg.wasm");
        let size = fs::metadata(&written)
            .with_context(|| format!("{} was not written", written.display()))?
            .len();
        println!("{}/keyward_bg.wasm: {size} bytes", module.package);
    }
    Ok(())
}

/// What compiles for wasm32 on this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Toolchain {
    /// Debian's compiler with the standard library built from its source, for machines that reach
    /// Debian's packages but not Rust's downloads.
    Debian,
    /// The host's toolchain with the target added.
    Rustup,
}

const DEBIAN_PACKAGES: [&str; 5] = [
    "cargo-web",
    "lld-22",
    "rust-web-llvm",
    "rust-web-src",
    "rustc-web",
];

impl Toolchain {
    /// Takes what is there; else adds the target; else installs Debian's compiler.
    ///
    /// # Errors
    /// None of these works here; the error says what to install.
    pub(crate) fn choose() -> Result<Self> {
        if target_installed() {
            return Ok(Self::Rustup);
        }
        // Before rustup, so that a machine which needed it once does not try to download each time.
        if debian_installed() {
            return Ok(Self::Debian);
        }
        if command::find("rustup").is_some() {
            println!("Adding the target {TARGET} to the Rust toolchain.");
            if run(Command::new("rustup").args(["target", "add", TARGET])).is_ok() {
                return Ok(Self::Rustup);
            }
            println!("It cannot be downloaded here; Debian's compiler can build it instead.");
        }
        debian_packages(
            &DEBIAN_PACKAGES,
            "no toolchain for WebAssembly: run `rustup target add wasm32-unknown-unknown`, \
             or on Debian 12 install cargo-web lld-22 rust-web-llvm rust-web-src rustc-web",
        )?;
        Ok(Self::Debian)
    }

    /// The release build of the crate in `folder`.
    fn cargo(self, folder: &Path) -> Command {
        let build = ["build", "--release", "--quiet", "--target", TARGET];
        let mut command = match self {
            Self::Rustup => cargo(folder),
            Self::Debian => program("/usr/bin/cargo", folder),
        };
        command
            .args(build)
            .args(["--config", SILENT])
            .env("RUSTC_BOOTSTRAP", "1");
        if self == Self::Debian {
            let path = env::var("PATH").unwrap_or_default();
            command
                .arg("-Zbuild-std=std,panic_abort")
                .env("PATH", format!("/usr/bin:{path}"))
                .env("RUSTC", "/usr/bin/rustc")
                .env_remove("RUSTUP_TOOLCHAIN");
        }
        command
    }
}

fn target_installed() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    output(&mut rustc).is_ok_and(|folder| Path::new(&folder).is_dir())
}

fn debian_installed() -> bool {
    let mut query = Command::new("dpkg-query");
    query
        .args(["--show", "--showformat=${db:Status-Status}\\n"])
        .args(DEBIAN_PACKAGES);
    output(&mut query).is_ok_and(|states| states.lines().all(|state| state == "installed"))
}
