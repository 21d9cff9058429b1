//! `cargo xtask test`: every test there is.
//!
//! The list of steps is the whole of it: what they need is installed first, so that nothing fails
//! late for want of a package; then they run in order, up to the first that fails.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};

use crate::command::{cargo, program, run};
use crate::needs::{self, Need};
use crate::project::Project;
use crate::wasm;

/// Install what the tests need, then run every one of them.
#[derive(Args)]
pub(crate) struct Test {
    /// Run this step alone; may be given several times.
    #[arg(long, value_name = "STEP", value_parser = step_named)]
    only: Vec<&'static Step>,

    /// Say what the steps are and run none.
    #[arg(long)]
    list: bool,
}

/// One thing to check.
#[derive(Debug)]
struct Step {
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Project) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "the Rust code is formatted",
        needs: &[],
        run: |project| {
            run(cargo(&project.path("")).args(["fmt", "--all", "--check", "--", "-l"]))?;
            run(cargo(&project.path("wasm-client")).args(["fmt", "--all", "--check", "--", "-l"]))
        },
    },
    Step {
        name: "clippy",
        about: "no compiler or clippy warning in any target",
        needs: &[Need::Compiler],
        run: |project| {
            for workspace in ["", "wasm-client"] {
                run(cargo(&project.path(workspace)).args([
                    "clippy",
                    "--quiet",
                    "--workspace",
                    "--all-targets",
                    "--",
                    "-D",
                    "warnings",
                ]))?;
            }
            Ok(())
        },
    },
    Step {
        name: "test",
        about: "unit, property, end-to-end, documentation tests; real clients and a real peer",
        needs: &[
            Need::Compiler,
            Need::GnuPg,
            Need::Npm("tests/compat/node"),
            Need::Postgresql,
            Need::Python,
            Need::Strace,
        ],
        run: |project| run(cargo(&project.path("")).args(["test", "--quiet", "--workspace"])),
    },
    Step {
        name: "pkcs11",
        about: "the seal that is a hardware module, and a server that it opens, over SoftHSM",
        needs: &[Need::Compiler, Need::SoftHsm],
        run: soft_hsm,
    },
    Step {
        name: "doc",
        about: "the documentation builds without a warning",
        needs: &[Need::Compiler],
        run: |project| {
            run(cargo(&project.path(""))
                .args(["doc", "--quiet", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"))
        },
    },
    Step {
        name: "deny",
        about: "licences, forbidden crates and sources of every dependency",
        needs: &[Need::CargoDeny],
        run: |project| {
            run(
                program(needs::cargo_deny(project)?, &project.path("")).args([
                    "--log-level",
                    "error",
                    "check",
                    "licenses",
                    "bans",
                    "sources",
                ]),
            )
        },
    },
    Step {
        name: "wasm",
        about: "the WebAssembly client and its test vectors build",
        needs: &[Need::Compiler, Need::Wasm],
        run: wasm::build_with_vectors,
    },
    Step {
        name: "js",
        about: "the package for browsers and edge runtimes, in seven of them, against a running server",
        needs: &[
            Need::Browser,
            Need::Compiler,
            Need::Firefox,
            Need::Npm("bindings/js"),
            Need::Python,
            Need::Wasm,
        ],
        run: |project| {
            run(cargo(&project.path("")).args([
                "build",
                "--quiet",
                "--workspace",
                "--bin",
                "keyward",
            ]))?;
            run(program("npm", &project.path("bindings/js"))
                .arg("test")
                .env("KEYWARD_BROWSER", needs::browser()?)
                .env("KEYWARD_FIREFOX", needs::firefox()?)
                // A server of their own, whatever the shell is set up for.
                .env_remove("KEYWARD_ADDR")
                .env_remove("KEYWARD_TOKEN")
                .env("KEYWARD_BIN", project.built("debug", "keyward")))
        },
    },
];

/// Runs the tests that need a security module, over tokens that are made anew each time.
fn soft_hsm(project: &Project) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens)?;
    let configuration = folder.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\n", tokens.display());
    std::fs::write(&configuration, text)?;
    let test = |package: &str| {
        let mut command = cargo(&project.path(""));
        command.args(["test", "--quiet", "--features", "pkcs11", "-p", package]);
        command
    };
    run(test("keyward-builtin")
        .args(["--lib", "seal"])
        .env("SOFTHSM2_CONF", &configuration))?;
    // The whole server; each of these tests makes a module of its own.
    run(test("keyward-tests").args(["--test", "e2e", "seal::hsm"]))
}

impl Test {
    pub(crate) fn run(&self, project: &Project) -> Result<()> {
        let steps: Vec<&Step> = match self.only.as_slice() {
            [] => STEPS.iter().collect(),
            only => only.to_vec(),
        };
        if self.list {
            for step in steps {
                println!("{:8} {}", step.name, step.about);
            }
            return Ok(());
        }
        for need in needs_of(&steps) {
            need.ensure(project)?;
        }
        let mut results = Vec::new();
        for step in &steps {
            println!("\n{}: {}", step.name, step.about);
            let start = Instant::now();
            let outcome = (step.run)(project);
            results.push((outcome.is_ok(), start.elapsed()));
            if let Err(error) = outcome {
                println!("\n{}", table(&steps, &results));
                return Err(error.context(format!(
                    "the step {0} failed; `cargo xtask test --only {0}` runs it alone",
                    step.name
                )));
            }
        }
        println!("\n{}", table(&steps, &results));
        Ok(())
    }
}

/// What the steps need, each thing once.
fn needs_of(steps: &[&Step]) -> Vec<Need> {
    let mut needs: Vec<Need> = steps.iter().flat_map(|step| step.needs).copied().collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// One line a step: passed, failed or not reached, and how long it took.
fn table(steps: &[&Step], results: &[(bool, Duration)]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_header(["step", "result", "seconds"]);
    for (index, step) in steps.iter().enumerate() {
        let (result, seconds) = match results.get(index) {
            Some((passed, elapsed)) => {
                let result = if *passed { "passed" } else { "FAILED" };
                (result, format!("{:.1}", elapsed.as_secs_f64()))
            }
            None => ("not run", String::new()),
        };
        table.add_row([step.name, result, &seconds]);
    }
    table
}

fn step_named(name: &str) -> Result<&'static Step> {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no such step; the steps are {}", names.join(", "));
    };
    Ok(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_by_its_name_and_an_unknown_one_lists_them() {
        assert_eq!(step_named("doc").unwrap().name, "doc");
        let error = step_named("dock").unwrap_err().to_string();
        assert!(error.contains("fmt, clippy, test, pkcs11, doc"), "{error}");
    }

    #[test]
    fn a_need_of_several_steps_is_asked_for_once() {
        let steps: Vec<&Step> = STEPS.iter().collect();
        let needs = needs_of(&steps);
        assert_eq!(
            needs.iter().filter(|need| **need == Need::Compiler).count(),
            1
        );
        assert!(needs.contains(&Need::Python));
    }

    #[test]
    fn what_was_not_reached_stands_in_the_table() {
        let steps: Vec<&Step> = STEPS.iter().take(3).collect();
        let second = Duration::from_secs(1);
        let table = table(&steps, &[(true, second), (false, second)]).to_string();
        for word in ["passed", "FAILED", "not run"] {
            assert!(table.contains(word), "{table}");
        }
    }
}
