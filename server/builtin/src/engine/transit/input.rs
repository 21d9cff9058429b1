//! Parameters on their way from the wire to the keyring, refused in Vault's words.

use std::sync::Arc;

use keyward_api::Base64;
use keyward_core::{Error, Response, Timestamp, engine::Context};
use keyward_crypto as crypto;
use keyward_crypto::{Derivation, Padding, Scope};

use super::{Transit, store::Key};

/// Says that a context was given to a key that does not derive, where Vault is silent.
pub(super) const CONTEXT_IGNORED: &str =
    "the context was ignored: the key is not derived, so it binds nothing to the context";

/// Finds the key that encrypts, decrypts or authenticates, if it may be used.
pub(super) async fn find(cx: &Context<Transit>, name: &str) -> Result<Arc<Key>, Error> {
    let found = cx.store.find(name).await?;
    let key = found.ok_or_else(encryption_key_not_found)?;
    check_usable(&key)?;
    Ok(key)
}

/// Refuses a key that was deleted, if only for now.
pub(super) fn check_usable(key: &Key) -> Result<(), Error> {
    if key.settings.soft_deleted {
        return Err(Error::invalid("refusing to use soft-deleted key"));
    }
    Ok(())
}

pub(super) fn encryption_key_not_found() -> Error {
    Error::invalid("encryption key not found")
}

/// Reads bytes, an empty slice where none were given.
pub(super) fn bytes(value: Option<&Base64>) -> Result<&[u8], Error> {
    let Some(value) = value else { return Ok(&[]) };
    let bytes = value
        .bytes()
        .map_err(|fault| Error::invalid(fault.to_string()))?;
    // EXPOSE: handed to the keyring, which encrypts, signs or authenticates them.
    Ok(bytes.expose())
}

/// Reads what is signed or authenticated.
pub(super) fn input(value: Option<&Base64>) -> Result<&[u8], Error> {
    bytes(value)
        .map_err(|fault| Error::invalid(format!("unable to decode input as base64: {fault}")))
}

/// Reads a context where Vault does not tell what is wrong with it.
pub(super) fn context(value: Option<&Base64>) -> Result<Option<&[u8]>, Error> {
    match bytes(value) {
        Ok(context) => Ok(value.map(|_| context)),
        Err(_) => Err(Error::invalid("failed to base64-decode context")),
    }
}

/// Reads what a signature is bound to.
pub(super) fn signature_context(value: Option<&Base64>) -> Result<&[u8], Error> {
    bytes(value).map_err(|_| Error::invalid("failed to base64-decode signature_context"))
}

/// Reads what an encryption is bound to.
pub(super) fn scope<'a>(
    context: Option<&'a Base64>,
    associated_data: Option<&'a Base64>,
) -> Result<Scope<'a>, Error> {
    let context = context.map(|context| bytes(Some(context))).transpose()?;
    let associated_data = bytes(associated_data).map_err(|fault| {
        Error::invalid(format!(
            "unable to get associated_data/additional_data from factory[0]: {fault}"
        ))
    })?;
    Ok(Scope {
        context,
        associated_data,
        ..Scope::default()
    })
}

/// Reads how RSA pads.
pub(super) fn padding(scheme: Option<&str>) -> Result<Padding, Error> {
    match scheme {
        None | Some("") => Ok(Padding::default()),
        Some(name) => Ok(name.parse()?),
    }
}

/// Refuses associated data for a key that cannot authenticate any, in an item of a batch or in the
/// one item that a request without a batch is.
pub(super) fn check_bindable(
    key: &Key,
    index: usize,
    associated_data: Option<&Base64>,
) -> Result<(), Error> {
    let key_type = key.keyring.key_type();
    let refused = key_type.supports_encryption() && !key_type.supports_associated_data();
    if !refused || bytes(associated_data)?.is_empty() {
        return Ok(());
    }
    let name = key_type.name();
    Err(Error::invalid(format!(
        "'[{index}].associated_data' provided for non-AEAD cipher suite {name}"
    )))
}

/// Tells whether a context is given; an empty one is none.
pub(super) fn is_given(context: Option<&Base64>) -> bool {
    context.is_some_and(|context| match context.bytes() {
        // EXPOSE: only whether there is something.
        Ok(bytes) => !bytes.expose().is_empty(),
        Err(_) => true,
    })
}

/// Tells whether a context will have no effect with this key.
pub(super) fn ignores_context(key: &Key, context: Option<&Base64>) -> bool {
    key.keyring.derivation() == Derivation::None && is_given(context)
}

/// Says so if a context will have no effect with this key.
pub(super) fn warn_of_context<T>(
    key: &Key,
    context: Option<&Base64>,
    answer: Response<T>,
) -> Response<T> {
    if ignores_context(key, context) {
        answer.warn(CONTEXT_IGNORED)
    } else {
        answer
    }
}

/// Reads the version of a key; 0 and nothing are the latest. `doing` is Vault's word for what the
/// version shall do.
pub(super) fn version(asked: Option<i64>, doing: &str) -> Result<Option<u32>, Error> {
    match asked {
        None | Some(0) => Ok(None),
        Some(negative) if negative < 0 => Err(Error::invalid(format!(
            "requested version for {doing} is negative"
        ))),
        // What does not fit is more than any key has; the keyring says so.
        Some(version) => Ok(Some(u32::try_from(version).unwrap_or(u32::MAX))),
    }
}

/// Writes a moment as the crypto floor does.
pub(super) const fn moment(now: Timestamp) -> crypto::Timestamp {
    crypto::Timestamp::from_unix_nanos(now.unix_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_zero_is_the_latest() {
        assert_eq!(version(None, "encryption").unwrap(), None);
        assert_eq!(version(Some(0), "encryption").unwrap(), None);
        assert_eq!(version(Some(7), "encryption").unwrap(), Some(7));
        assert_eq!(
            version(Some(i64::MAX), "encryption").unwrap(),
            Some(u32::MAX)
        );
        assert_eq!(
            version(Some(-1), "signing").unwrap_err().to_string(),
            "requested version for signing is negative"
        );
    }
}
