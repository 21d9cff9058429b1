//! Backup of whole keys, and restoration.
//!
//! ```text
//! backup = base64({"keyward_backup": 1, "name": "…", "key": base64(durable form), "usage": {…}})
//! ```
//! The durable form says its own format. What was encrypted so far travels too: a key that came
//! back must not begin its count anew.

use keyward_api::{Base64, Sensitive, transit as api};
use keyward_core::{
    Error, Response,
    engine::{Context, is_name},
};
use keyward_crypto::{SecretBytes, encoding};
use serde::{Deserialize, Serialize};

use super::{
    Transit, input,
    record::Record,
    store::{Edit, Event, Key},
};

const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Deserialize, Serialize)]
struct Backup {
    keyward_backup: u32,
    name: String,
    key: Base64,
    usage: Record,
}

pub(super) async fn back_up(
    cx: Context<Transit>,
    request: api::BackUpKey,
) -> Result<Response<api::Backup>, Error> {
    let name = request.name;
    let time = cx.now().unix_nanos();
    let updated = cx.store.update(cx.view(), &name, |key| {
        input::check_usable(key)?;
        if !key.settings.exportable {
            return Err(Error::invalid("exporting is disallowed on the policy"));
        }
        if !key.settings.allow_plaintext_backup {
            return Err(Error::invalid(
                "plaintext backup is disallowed on the policy",
            ));
        }
        key.settings.backup_info = Some(Event {
            time,
            version: key.keyring.latest_version(),
        });
        Ok(Edit::Write)
    });
    let key = updated.await?.ok_or_else(|| not_found(&name))?;
    let usage = cx.store.usage(&name).await?;
    let backup = Backup {
        keyward_backup: FORMAT,
        name,
        key: Base64::new(key.encode()),
        usage,
    };
    Ok(Response::data(api::Backup {
        backup: Sensitive::from(encoding::encode_secret(&backup.print()?)),
    }))
}

pub(super) async fn restore(
    cx: Context<Transit>,
    request: api::RestoreKey,
) -> Result<Response<()>, Error> {
    let backup = request.backup.as_ref();
    // EXPOSE: taken apart; what is secret in it is kept wrapped.
    let backup = backup
        .map(Sensitive::expose)
        .filter(|text| !text.is_empty());
    let backup = backup.ok_or_else(|| Error::invalid("'backup' must be supplied"))?;
    let backup = Backup::parse(backup)?;
    let name = request.name.filter(|name| !name.is_empty());
    let name = name.unwrap_or(backup.name);
    if name.contains('/') {
        return Err(Error::invalid("key names cannot be paths"));
    }
    if !is_name(&name) {
        return Err(Error::invalid("invalid key name"));
    }
    let bytes = backup.key.bytes().map_err(|_| damaged())?;
    let mut key = Key::decode(bytes).map_err(|_| damaged())?;
    key.settings.restore_info = Some(Event {
        time: cx.now().unix_nanos(),
        version: key.keyring.latest_version(),
    });
    let (view, usage) = (cx.view(), &backup.usage);
    if request.force.unwrap_or_default() {
        cx.store.replace(view, &name, &key, usage).await?;
    } else if !cx.store.adopt(view, &name, &key, usage).await? {
        return Err(Error::invalid(format!("key {name:?} already exists")));
    }
    Ok(Response::empty())
}

impl Backup {
    fn print(&self) -> Result<SecretBytes, Error> {
        // EXPOSE: only the length.
        let key = self.key.bytes().map_or(0, |key| key.expose().len());
        // Reserved whole: a buffer that grew would leave copies behind. A line of usage has three
        // numbers and three names.
        let length = 128 + self.name.len() + key.div_ceil(3) * 4 + self.usage.0.len() * 128;
        let mut json = Vec::with_capacity(length);
        serde_json::to_writer(&mut json, self).map_err(Error::internal)?;
        Ok(SecretBytes::new(json))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let json = encoding::decode(text).map_err(|fault| Error::invalid(fault.to_string()))?;
        // EXPOSE: parsed into a type that keeps its secrets wrapped.
        let backup: Self = serde_json::from_slice(json.expose()).map_err(|_| damaged())?;
        if backup.keyward_backup != FORMAT {
            return Err(Error::invalid("the backup has a format not known here"));
        }
        Ok(backup)
    }
}

fn damaged() -> Error {
    Error::invalid("the backup is damaged, or was not made by this server's kind")
}

fn not_found(name: &str) -> Error {
    Error::invalid(format!("key {name:?} not found"))
}
