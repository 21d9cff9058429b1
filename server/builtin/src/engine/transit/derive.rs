//! Keys that two parties agree on.

use keyward_api::transit as api;
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{self as crypto, Derivation, Keyring};

use super::{
    Transit, input, keys,
    store::{Edit, Key, Settings},
};

pub(super) async fn derive(
    cx: Context<Transit>,
    request: api::DeriveKey,
) -> Result<Response<()>, Error> {
    let name = &request.name;
    let asked = request.derived_key_type.as_deref();
    let asked = asked.unwrap_or(keys::DEFAULT_TYPE);
    let unknown = || Error::invalid(format!("unknown key type {asked}"));
    let key_type = crypto::key_type(asked)
        .filter(|key_type| key_type.supports_encryption())
        .ok_or_else(unknown)?;
    // The length of a bare key is that of a derived one.
    let len = key_type.derived_len().ok_or_else(unknown)?;
    let peer = request.peer_public_key.as_deref();
    let peer = peer
        .filter(|peer| !peer.is_empty())
        .ok_or_else(|| Error::invalid("peer public key not provided"))?;
    match request.key_derivation_algorithm.as_deref() {
        None | Some("ecdh") => {}
        Some(other) => {
            return Err(Error::invalid(format!(
                "key derivation algorithm {other} not supported"
            )));
        }
    }
    if request.base_key_version.is_some_and(|version| version < 0) {
        let text = "requested version of the base key is negative";
        return Err(Error::invalid(text));
    }
    let version = input::version(request.base_key_version, "agreement")?;
    let base = request.base_key_name.as_deref().unwrap_or_default();
    let base = cx.store.find(base).await?;
    let base = base.ok_or_else(|| Error::invalid("specified base key not found"))?;
    input::check_usable(&base)?;
    let material = base.keyring.agree(version, peer, len)?;

    let now = input::moment(cx.now());
    let keyring = Keyring::import(key_type, Derivation::None, material.duplicate(), now)?;
    let settings = Settings {
        // Both parties have it: it was not made here alone.
        imported: true,
        ..Settings::default()
    };
    let key = Key::new(keyring, settings);
    if cx.store.create(cx.view(), name, &key).await? {
        return Ok(Response::empty());
    }
    let added = cx.store.update(cx.view(), name, |key| {
        input::check_usable(key)?;
        let there = key.keyring.key_type().name();
        if there != key_type.name() {
            return Err(Error::invalid(format!(
                "error importing key: the key is of type {there}"
            )));
        }
        key.keyring.add(material.duplicate(), now)?;
        Ok(Edit::Write)
    });
    match added.await? {
        Some(_) => Ok(Response::empty()),
        None => Err(keys::deleted_meanwhile()),
    }
}
