//! Paths that lack `data/` or `metadata/`: nothing is there, and the answer says where to look.

use keyward_api::kv::misplaced::{Delete, List, Read, Write};
use keyward_core::{Error, Outcome, Response, engine::Context};

use super::Kv;

pub(super) async fn read(_: Context<Kv>, _: Read) -> Result<Response<()>, Error> {
    Ok(misplaced("get"))
}

pub(super) async fn write(_: Context<Kv>, _: Write) -> Result<Response<()>, Error> {
    Ok(misplaced("put"))
}

pub(super) async fn delete(_: Context<Kv>, _: Delete) -> Result<Response<()>, Error> {
    Ok(misplaced("delete"))
}

pub(super) async fn list(_: Context<Kv>, _: List) -> Result<Response<()>, Error> {
    Ok(misplaced("list"))
}

fn misplaced(command: &str) -> Response<()> {
    let text = format!(
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API \
         endpoints to use. If using the Vault CLI, use 'vault kv {command}' for this operation."
    );
    Response::empty().warn(text).outcome(Outcome::NotFound)
}
