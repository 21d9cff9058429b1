//! The server under test: the command line's own entry, under a name that Cargo hands to the tests.
//!
//! Cargo tells an integration test where the binaries of its own package are, and only those.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyward_cli::main()
}
