//! The `kv` engine: secrets under paths, in two versions that share nothing but the name.

mod merge;
mod record;
mod upgrade;
mod v1;
mod v2;

use keyward_core::{
    Error,
    engine::{Backing, Class, EngineKind, Mounted},
};

/// The line of the registry.
pub const KV: EngineKind = EngineKind {
    name: "kv",
    class: Class::Secret,
    aliases: &[
        // Its first name.
        ("generic", &[]),
        ("kv-v1", &[("version", "1")]),
        ("kv-v2", &[("version", "2")]),
    ],
    build,
    upgrade: Some(|view, now| Box::pin(upgrade::upgrade(view, now))),
};

fn build(backing: Backing) -> Result<Mounted, Error> {
    let options = backing.entry.options.as_ref();
    match options
        .and_then(|options| options.get("version"))
        .map_or("1", String::as_str)
    {
        "" | "1" => Ok(v1::mount()),
        "2" => Ok(v2::mount()),
        _ => Err(Error::invalid(
            "nil backend of type \"kv\" returned from factory",
        )),
    }
}
