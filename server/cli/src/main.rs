//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyward_cli::main()
}
