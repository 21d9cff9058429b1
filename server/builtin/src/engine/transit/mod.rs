//! The transit engine: cryptography as a service, with keys that never leave.
//!
//! | file | holds |
//! |---|---|
//! | `store.rs` `snapshots.rs` | the named keys: durable, changed by compare-and-set; in memory |
//! | `usage.rs` `record.rs` | the count of encryptions, on record before they are made; last use |
//! | `keys.rs` `fresh.rs` `config.rs` `rotation.rs` | create, read, list, delete; rules; rotation that is due |
//! | `retention.rs` | old versions that go by themselves, versions out of use |
//! | `labels.rs` | what operators write on keys |
//! | `import.rs` `export.rs` | keys that come from elsewhere and go there |
//! | `backup.rs` | backup of whole keys, and restoration |
//! | `encrypt.rs` `decrypt.rs` `rewrap.rs` `translate.rs` `data_key.rs` | encryption |
//! | `derive.rs` | keys that two parties agree on |
//! | `format.rs` `template.rs` | encryption that keeps the format; what formats there are |
//! | `sign.rs` `verify.rs` `hmac.rs` `cmac.rs` | authentication |
//! | `certificates.rs` | requests for certificates, and chains of them |
//! | `jose.rs` | key sets and signatures for JOSE libraries |
//! | `random.rs` | random bytes and hashes, without a key |
//! | `batch.rs` `input.rs` | what the operations share: batches, decoded parameters |
//!
//! A request with a warm key touches no storage and waits for nobody: it reads an immutable
//! snapshot of the key, and counts its encryptions in an atomic.

mod backup;
mod batch;
mod certificates;
mod cmac;
mod config;
mod data_key;
mod decrypt;
mod derive;
mod encrypt;
mod export;
mod format;
mod fresh;
mod hmac;
mod import;
mod input;
mod jose;
mod keys;
mod labels;
mod random;
mod record;
mod retention;
mod rewrap;
mod rotation;
mod sign;
mod snapshots;
mod store;
mod template;
mod translate;
mod usage;
mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_core::{
    Error, Timestamp, View,
    engine::{Backing, Class, Engine, EngineKind, Mounted, Routes},
};

use self::{import::WrappingKey, rotation::Schedule, store::Store};

/// The `transit` engine.
pub const TRANSIT: EngineKind = EngineKind {
    name: "transit",
    aliases: &[],
    class: Class::Secret,
    build,
    upgrade: None,
};

/// One mount of the engine.
struct Transit {
    store: Store,
    schedule: Schedule,
    wrapping_key: WrappingKey,
}

fn build(backing: Backing) -> Result<Mounted, Error> {
    let engine = Arc::new(Transit {
        store: Store::new(backing.view),
        schedule: Schedule::default(),
        wrapping_key: WrappingKey::default(),
    });
    let routes = Routes::of(Arc::clone(&engine))
        .on(keys::create)
        .on(keys::read)
        .on(jose::read)
        .on(certificates::request)
        .on(certificates::set)
        .on(keys::list)
        .on(keys::delete)
        .on(keys::rotate)
        .on(keys::trim)
        .on(retention::disable)
        .on(retention::enable)
        .on(keys::soft_delete)
        .on(keys::undelete)
        .on(config::configure)
        .on(config::read_all)
        .on(config::configure_all)
        .on(config::read_cache)
        .on(config::configure_cache)
        .on(import::read_wrapping_key)
        .on(import::import)
        .on(import::import_version)
        .on(export::export)
        .on(export::export_wrapped)
        .on(backup::back_up)
        .on(backup::restore)
        .on_upsert(encrypt::encrypt, exists)
        .on(decrypt::decrypt)
        .on(rewrap::rewrap)
        .on(translate::translate)
        .on(data_key::create)
        .on(derive::derive)
        .on(data_key::create_many)
        .on(data_key::derive)
        .on(sign::sign)
        .on(verify::verify)
        .on(hmac::authenticate)
        .on(cmac::authenticate)
        .on(format::encode)
        .on(format::decode)
        .on(template::write_alphabet)
        .on(template::read_alphabet)
        .on(template::list_alphabets)
        .on(template::delete_alphabet)
        .on(template::write_template)
        .on(template::read_template)
        .on(template::list_templates)
        .on(template::delete_template)
        .on(random::generate)
        .on(random::hash)
        .build();
    Ok(Mounted { routes, engine })
}

/// Tells whether encrypting would use a key or create it: different capabilities allow these.
async fn exists(engine: Arc<Transit>, _: View, name: String) -> Result<bool, Error> {
    Ok(engine.store.find(&name).await?.is_some())
}

#[async_trait]
impl Engine for Transit {
    async fn tick(&self, now: Timestamp) -> Result<(), Error> {
        self.store.resize_cache().await?;
        rotation::sweep(self, now).await
    }

    fn forget(&self, key: Option<&str>) {
        self.store.forget(key);
    }
}
