//! `sys/raw`: what lies below the barrier, in clear, for who mends a store by hand.
//!
//! **Invariant:** what holds keys of the barrier or of the seal is neither shown nor changed: it lies
//! outside of the barrier, or goes through what guards it.

use std::sync::Arc;

use keyward_api::{
    Sensitive,
    sys::{DeleteRaw, ListRaw, RawEntry, RawKeys, ReadRaw, WriteRaw},
};
use keyward_crypto::{self as crypto, SecretBytes, SecretString, encoding};

use super::Sys;
use crate::{
    Error, Response, View,
    engine::{Context, page},
    rekey, seal,
};

/// How a value stands in a request or an answer.
enum Encoding {
    Base64,
    Text,
}

/// Reads an entry.
pub(super) async fn read(cx: Context<Sys>, request: ReadRaw) -> Result<Response<RawEntry>, Error> {
    let ReadRaw {
        path,
        compressed: _,
        encoding,
    } = request;
    check(&path)?;
    let encoding = Encoding::parse(encoding)?;
    let entry = match is_folder(&path) {
        true => None,
        false => cx.view().whole().get(&path).await?,
    };
    let value = entry.ok_or_else(Error::not_found)?.value;
    let value = match encoding {
        Encoding::Base64 => encoding::encode_secret(&value),
        Encoding::Text => text(&value),
    };
    Ok(Response::data(RawEntry {
        value: Sensitive::from(value),
    }))
}

/// Names what is below a folder.
pub(super) async fn list(cx: Context<Sys>, request: ListRaw) -> Result<Response<RawKeys>, Error> {
    let ListRaw {
        path: mut folder,
        after,
        limit,
    } = request;
    if !is_folder(&folder) {
        folder.push('/');
    }
    let (after, limit) = (after.as_deref(), page(limit));
    let keys = cx.view().whole().list(&folder, after, limit).await?;
    match keys.is_empty() {
        true => Err(Error::not_found()),
        false => Ok(Response::data(RawKeys { keys })),
    }
}

/// Writes an entry.
pub(super) async fn write(cx: Context<Sys>, request: WriteRaw) -> Result<Response<()>, Error> {
    let WriteRaw {
        path,
        value,
        compression_type,
        encoding,
    } = request;
    check(&path)?;
    if let Some(kind) = compression_type.filter(|kind| !kind.is_empty()) {
        return Err(Error::Invalid(format!(
            "invalid compression type {kind:?}: nothing that is stored is compressed"
        )));
    }
    let encoding = Encoding::parse(encoding)?;
    let value = value.ok_or_else(|| Error::invalid("missing value"))?;
    // EXPOSE: made into the value that is stored.
    let value = value.expose();
    let value = match encoding {
        Encoding::Base64 => encoding::decode(value).map_err(crypto::Error::from)?,
        Encoding::Text => SecretBytes::new(value.as_bytes().to_vec()),
    };
    cx.view().whole().put(&path, value).await?;
    Ok(Response::empty())
}

/// Tells whether a write replaces something; of what cannot be written it says so.
pub(super) async fn exists(_: Arc<Sys>, view: View, path: String) -> Result<bool, Error> {
    let is_written = !is_folder(&path) && check(&path).is_ok();
    Ok(!is_written || view.whole().get(&path).await?.is_some())
}

/// Removes an entry.
pub(super) async fn delete(cx: Context<Sys>, request: DeleteRaw) -> Result<Response<()>, Error> {
    let DeleteRaw { path } = request;
    check(&path)?;
    if !is_folder(&path) {
        cx.view().whole().delete(&path).await?;
    }
    Ok(Response::empty())
}

/// Refuses a key that is none of the caller's business; the text is the peer's.
fn check(path: &str) -> Result<(), Error> {
    match seal::keeps(path) || path.starts_with(rekey::BACKUPS) {
        true => Err(Error::Invalid(format!("cannot access {path:?}"))),
        false => Ok(()),
    }
}

/// Tells whether a path cannot be that of an entry.
fn is_folder(path: &str) -> bool {
    path.is_empty() || path.ends_with('/')
}

/// Shows bytes as a text, as Go's encoder of JSON does: what is no UTF-8 is replaced byte by byte.
fn text(value: &SecretBytes) -> SecretString {
    // EXPOSE: this is what the caller reads.
    let value = value.expose();
    // Reserved whole, so that no half-filled buffer is left behind unwiped.
    let longest = value.len() * char::REPLACEMENT_CHARACTER.len_utf8();
    let mut text = String::with_capacity(longest);
    for chunk in value.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    SecretString::new(text)
}

impl Encoding {
    fn parse(name: Option<String>) -> Result<Self, Error> {
        match name.as_deref() {
            None | Some("") => Ok(Self::Text),
            Some("base64") => Ok(Self::Base64),
            Some(other) => Err(Error::Invalid(format!("invalid encoding {other:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_no_character_is_replaced_alone() {
        let shown = |bytes: &[u8]| text(&SecretBytes::new(bytes.to_vec())).expose().to_owned();
        assert_eq!(shown(b"h\xc3\xa9llo"), "h\u{e9}llo");
        assert_eq!(shown(b"\xff\xfe\xfd"), "\u{fffd}".repeat(3));
        // Half a character.
        assert_eq!(shown(b"a\xe2\x82b"), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn what_holds_keys_cannot_be_named() {
        for path in [
            "core/keyring",
            "core/x/y",
            "core/",
            "sys/rekey-backup/barrier",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
        for path in ["", "core", "corex/y", "sys/rekey", "logical/core/keyring"] {
            check(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
}
