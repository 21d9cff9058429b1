//! Encryption that keeps the format.

use keyward_api::{
    Base64, Sensitive,
    transit::{Decode, Decoded, Encode, Encoded},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{Alphabet, Format, KeyType, SecretString};

use super::{Transit, input, store::Key};

/// The alphabet of a key that has none of its own.
const DEFAULT_ALPHABET: &str = "builtin/numeric";

pub(super) async fn encode(
    cx: Context<Transit>,
    request: Encode,
) -> Result<Response<Encoded>, Error> {
    let key = input::find(&cx, &request.name).await?;
    let value = request.value.as_ref();
    let value = value.ok_or_else(|| Error::invalid("missing value to encode"))?;
    // EXPOSE: encrypted at once.
    let value = SecretString::from(value.expose());
    let version = input::version(request.key_version, "encryption")?;
    let alphabet = alphabet(&key, request.alphabet.as_deref())?;
    let format = Format {
        alphabet: &alphabet,
        keep_others: request.keep_others.unwrap_or_default(),
        tweak: tweak(request.tweak.as_ref())?,
    };
    let (text, key_version) = key.keyring.encipher(&value, &format, version)?;
    let now = input::moment(cx.now());
    cx.store.mark(&request.name, &key, key_version, now).await;
    // EXPOSE: what is encrypted is public.
    let encoded_value = text.expose().clone();
    Ok(Response::data(Encoded {
        encoded_value,
        key_version,
    }))
}

pub(super) async fn decode(
    cx: Context<Transit>,
    request: Decode,
) -> Result<Response<Decoded>, Error> {
    let key = input::find(&cx, &request.name).await?;
    let value = request.value.as_deref();
    let value = value.ok_or_else(|| Error::invalid("missing value to decode"))?;
    let version = input::version(request.key_version, "decryption")?;
    // The latest is no good guess: another version than that of encoding gives another value, and
    // nobody would notice.
    let version = version.ok_or_else(|| {
        Error::invalid("missing key_version: the value does not tell which version encoded it")
    })?;
    let alphabet = alphabet(&key, request.alphabet.as_deref())?;
    let format = Format {
        alphabet: &alphabet,
        keep_others: request.keep_others.unwrap_or_default(),
        tweak: tweak(request.tweak.as_ref())?,
    };
    let text = key.keyring.decipher(&value.into(), &format, version)?;
    let now = input::moment(cx.now());
    cx.store.mark(&request.name, &key, version, now).await;
    Ok(Response::data(Decoded {
        decoded_value: Sensitive::from(text),
    }))
}

/// Reads the alphabet of a new key; only a type that keeps the format has one.
pub(super) fn own_alphabet(
    key_type: &dyn KeyType,
    asked: Option<&str>,
) -> Result<Option<String>, Error> {
    let asked = asked.filter(|asked| !asked.is_empty());
    if key_type.format().is_none() {
        let name = key_type.name();
        return match asked {
            None => Ok(None),
            Some(_) => Err(Error::invalid(format!(
                "alphabet is not valid for algorithm {name}"
            ))),
        };
    }
    let asked = asked.unwrap_or(DEFAULT_ALPHABET);
    asked.parse::<Alphabet>()?;
    Ok(Some(asked.to_owned()))
}

fn alphabet(key: &Key, asked: Option<&str>) -> Result<Alphabet, Error> {
    let own = key.settings.alphabet.as_deref();
    let text = asked.filter(|asked| !asked.is_empty()).or(own);
    Ok(text.unwrap_or(DEFAULT_ALPHABET).parse()?)
}

fn tweak(value: Option<&Base64>) -> Result<&[u8], Error> {
    input::bytes(value).map_err(|_| Error::invalid("failed to base64-decode tweak"))
}
