//! Writes the JavaScript glue of a compiled module: `keyward-bindgen MODULE.wasm FOLDER [mute]`.
//!
//! With `mute`, panics of the module trap without words. The library behind the `wasm-bindgen`
//! command, so that its version is pinned in the one lock file and nothing need be installed. A
//! crate of its own, since `cargo xtask` should not wait for it to compile.

mod mute;

use std::env;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let module = arguments.next().context("name the module to read")?;
    let folder = arguments.next().context("name the folder to write")?;
    let option = arguments.next();
    let mute = option.is_some_and(|option| option == "mute");
    let mut output = Bindgen::new()
        .input_path(module)
        .web(true)?
        .out_name("keyward")
        .typescript(true)
        // A trap leaves the instance in disorder: the package drops it and makes another.
        .reset_state_function(true)
        .ts_typed_array_buffers(true)
        .demangle(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    if mute {
        mute::panics(output.wasm_mut());
    }
    output.emit(folder)
}
