//! Seals a file, or opens it again: `encrypt_file seal|open FROM TO`.
//!
//! The server is that of `VAULT_ADDR` and `VAULT_TOKEN`; the key is `files` of the transit engine.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};

use keyward_client::{Context, EnvelopeLimits, Keyward};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [direction, from, to] = arguments.as_slice() else {
        return Err("say `seal` or `open`, and two files".into());
    };
    let keyward = Keyward::builder(&env::var("VAULT_ADDR")?)
        .token(env::var("VAULT_TOKEN")?)
        .build()?;
    let envelope = keyward.envelope("transit", "files", EnvelopeLimits::default())?;
    // Bound to what it is, so that no other envelope of the key passes for it.
    let context = Context::from([("kind".to_owned(), "file".to_owned())]);
    let (from, to) = (
        BufReader::new(File::open(from)?),
        BufWriter::new(File::create(to)?),
    );
    match direction.as_str() {
        "seal" => envelope.seal_all(from, to, Some(&context)).await?,
        "open" => envelope.open_all(from, to, Some(&context)).await?,
        other => return Err(format!("`{other}` is neither seal nor open").into()),
    };
    Ok(())
}
