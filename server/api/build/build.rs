//! Reads the doc comments of the types of this crate, so that the server can tell them to those who
//! use the API: see `src/docs.rs`.
//!
//! A derive would know the types as well, but every type that stands in another would have to be named
//! to it a second time: serde is asked for the fields of a type (see `src/schema.rs`) and tells no
//! more than its name. Here nothing has to be written at the types, nor at the macros that make some.

#[cfg(feature = "describe")]
mod expand;
#[cfg(feature = "describe")]
mod source;
#[cfg(feature = "describe")]
mod text;

#[cfg(not(feature = "describe"))]
fn main() {
    println!("cargo::rerun-if-changed=build");
}

#[cfg(feature = "describe")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::{env, fs, path::Path};

    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let types = source::read(&Path::new(&root).join("src"))?;
    let into = Path::new(&env::var("OUT_DIR")?).join("docs.rs");
    Ok(fs::write(into, text::table(&types))?)
}
