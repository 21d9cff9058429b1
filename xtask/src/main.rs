//! The project's own commands: what a person who clones it runs first.
//!
//! | command | what it does |
//! |---|---|
//! | `cargo xtask demo` | builds everything, starts a server, shows the main job on real records |
//! | `cargo xtask test` | installs what the tests need and runs every one of them |
//! | `cargo xtask wasm` | builds the WebAssembly client into `bindings/js/pkg` |
//! | `cargo xtask bench-http` | load on any Vault-compatible server, alone or side by side |
//! | `cargo xtask peer` | an OpenBao server with a file audit device, to compare with |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to a person"
)]

mod bench;
mod command;
mod demo;
mod http;
mod needs;
mod peer;
mod project;
mod test;
mod wasm;

use std::process::ExitCode;

use clap::Parser;

use crate::project::Project;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Command {
    Demo(demo::Demo),
    Test(test::Test),
    Wasm(wasm::Wasm),
    BenchHttp(bench::BenchHttp),
    Peer(peer::Peer),
}

fn main() -> ExitCode {
    let project = Project::here();
    let done = match Command::parse() {
        Command::Demo(demo) => demo.run(&project),
        Command::Test(test) => test.run(&project),
        Command::Wasm(wasm) => wasm.run(&project),
        Command::BenchHttp(bench) => bench.run(),
        Command::Peer(peer) => peer.run(&project),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
