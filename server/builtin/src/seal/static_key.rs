//! The seal `static`: a key of 32 bytes that the machine's keeper of secrets hands to the server.
//!
//! ```text
//! wrapped = {"key_id": "…", "wrapped": base64(term u32 BE ‖ nonce 12 ‖ ciphertext ‖ tag 16)}
//! ```
//! AES-256-GCM, whose associated data is the place, a zero byte and the id of the key.
//!
//! To put another key in its place, the old one is named `previous_key`, with its id: what it
//! wrapped is wrapped anew when the server unseals, and then it may go.

use std::{env, fs, sync::Arc};

use async_trait::async_trait;
use keyward_core::{AutoSeal, SealError, Timestamp, Unwrapped};
use keyward_crypto::{Derivation, Keyring, SecretBytes, encoding, key_type};
use serde::{Deserialize, Serialize};

use super::{SealKind, Setting, Settings, given, needed};

/// The line in the table of seals.
///
/// Settings: `current_key` and `current_key_id`; `previous_key` and `previous_key_id`. A key is 32
/// bytes, hexadecimal or base64 text of them, `file://PATH` of a file that holds one of these, or
/// `env://NAME` of a variable that does.
pub(super) const STATIC: SealKind = SealKind {
    name: NAME,
    settings: &[
        Setting::own("current_key"),
        Setting::own("current_key_id"),
        Setting::own("previous_key"),
        Setting::own("previous_key_id"),
    ],
    open,
};

const NAME: &str = "static";
const KEY_LENGTH: usize = 32;

struct Static {
    current: Key,
    previous: Option<Key>,
}

struct Key {
    id: String,
    keyring: Keyring,
}

#[derive(Deserialize, Serialize)]
struct Stored {
    key_id: String,
    wrapped: String,
}

fn open(settings: &Settings) -> Result<Arc<dyn AutoSeal>, SealError> {
    let key = |which: &str| -> Result<Key, SealError> {
        let (name, id) = (format!("{which}_key"), format!("{which}_key_id"));
        Ok(Key {
            id: needed(settings, NAME, &id)?.to_owned(),
            keyring: read_key(needed(settings, NAME, &name)?, &name)?,
        })
    };
    let is_followed = ["previous_key", "previous_key_id"]
        .iter()
        .any(|name| given(settings, name).is_some());
    let current = key("current")?;
    let previous = is_followed.then(|| key("previous")).transpose()?;
    if previous.as_ref().is_some_and(|key| key.id == current.id) {
        let why = "seal \"static\": \"previous_key_id\" must differ from \"current_key_id\"";
        return Err(SealError::Refused(why.to_owned()));
    }
    Ok(Arc::new(Static { current, previous }))
}

/// Reads a key from where a setting says that it is.
fn read_key(place: &str, name: &str) -> Result<Keyring, SealError> {
    let refused = |why: String| SealError::Refused(format!("seal \"static\": {name:?} {why}"));
    let bytes = if let Some(path) = place.strip_prefix("file://") {
        let read = fs::read(path).map(SecretBytes::new);
        read.map_err(|error| refused(format!("cannot be read from {path:?}: {error}")))?
    } else if let Some(variable) = place.strip_prefix("env://") {
        let read = env::var(variable).map(|text| SecretBytes::new(text.into_bytes()));
        read.map_err(|_| refused(format!("is not in the variable {variable:?}")))?
    } else {
        SecretBytes::from(place.as_bytes())
    };
    let key = decode_key(bytes).ok_or_else(|| {
        refused(format!(
            "must be {KEY_LENGTH} bytes, as they are or as hexadecimal or base64"
        ))
    })?;
    let aes = key_type("aes256-gcm96");
    let aes = aes.ok_or_else(|| refused("needs AES-256-GCM".to_owned()))?;
    // The moment counts for nothing: there is one version.
    Keyring::import(aes, Derivation::None, key, Timestamp::default().into())
        .map_err(|error| refused(error.to_string()))
}

/// Returns the key that bytes are, or the text of.
fn decode_key(bytes: SecretBytes) -> Option<SecretBytes> {
    // EXPOSE: only the length is looked at.
    if bytes.expose().len() == KEY_LENGTH {
        return Some(bytes);
    }
    // EXPOSE: decoded into a secret again.
    let text = std::str::from_utf8(bytes.expose()).ok()?.trim();
    // EXPOSE: only the length is looked at.
    let is_key = |key: &SecretBytes| key.expose().len() == KEY_LENGTH;
    let key = encoding::decode_hex(text).filter(is_key);
    key.or_else(|| encoding::decode(text).ok().filter(is_key))
}

impl Key {
    /// Returns the associated data of what this key wraps for a place.
    fn binding(&self, place: &str) -> Vec<u8> {
        format!("{place}\0{}", self.id).into_bytes()
    }
}

#[async_trait]
impl AutoSeal for Static {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn wrap(&self, key: &SecretBytes, place: &str) -> Result<Vec<u8>, SealError> {
        let refused = |why: String| SealError::Refused(format!("seal \"static\": {why}"));
        let Key { id, keyring } = &self.current;
        let mut sealed = Vec::new();
        keyring
            // EXPOSE: sealed into what is stored.
            .seal(key.expose(), &self.current.binding(place), &mut sealed)
            .map_err(|error| refused(error.to_string()))?;
        let stored = Stored {
            key_id: id.clone(),
            wrapped: encoding::encode(&sealed),
        };
        serde_json::to_vec(&stored).map_err(|error| refused(error.to_string()))
    }

    async fn unwrap(&self, wrapped: &[u8], place: &str) -> Result<Unwrapped, SealError> {
        let refused = |why: String| SealError::Refused(format!("seal \"static\": {why}"));
        let stored: Stored = serde_json::from_slice(wrapped)
            .map_err(|_| refused("what is stored is not what this seal wrapped".to_owned()))?;
        let keys = [Some(&self.current), self.previous.as_ref()];
        let key = keys
            .into_iter()
            .flatten()
            .find(|key| key.id == stored.key_id);
        let key = key.ok_or_else(|| {
            refused(format!(
                "the store needs the key {:?}, which is not there",
                stored.key_id
            ))
        })?;
        let wrong = || refused(format!("the key {:?} is not the one it was", stored.key_id));
        let sealed = encoding::decode(&stored.wrapped).map_err(|_| wrong())?;
        // EXPOSE: ciphertext.
        let opened = key.keyring.open(sealed.expose(), &key.binding(place));
        Ok(Unwrapped {
            key: opened.map_err(|_| wrong())?,
            is_stale: key.id != self.current.id,
        })
    }
}

#[cfg(test)]
mod tests {
    use keyward_crypto::SecretString;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), SecretString::from(*text));
        pairs.iter().map(owned).collect()
    }

    fn seal(pairs: &[(&str, &str)]) -> Result<Arc<dyn AutoSeal>, SealError> {
        open(&settings(pairs))
    }

    const RAW: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "another key, of 32 bytes as well";

    fn key() -> SecretBytes {
        SecretBytes::new(vec![9; 32])
    }

    #[tokio::test]
    async fn one_key_in_any_of_its_forms_unwraps_what_another_form_wrapped() {
        let folder = tempfile::tempdir().unwrap();
        let hex = RAW.bytes().map(|byte| format!("{byte:02x}"));
        let hex: String = hex.collect();
        let base64 = encoding::encode(RAW.as_bytes());
        let mut forms = vec![RAW.to_owned(), hex.clone(), base64.clone()];
        for (at, text) in [RAW, &format!("{hex}\n"), &format!("{base64}\n")]
            .iter()
            .enumerate()
        {
            let path = folder.path().join(at.to_string());
            fs::write(&path, text).unwrap();
            forms.push(format!("file://{}", path.display()));
        }
        let first = seal(&[("current_key", RAW), ("current_key_id", "k")]).unwrap();
        let wrapped = first.wrap(&key(), "core/a").await.unwrap();
        for form in forms {
            let seal = seal(&[("current_key", &form), ("current_key_id", "k")]).unwrap();
            let unwrapped = seal.unwrap(&wrapped, "core/a").await.unwrap();
            assert_eq!(unwrapped.key, key());
            assert!(!unwrapped.is_stale);
        }
    }

    #[tokio::test]
    async fn what_was_wrapped_for_one_place_or_key_does_not_open_for_another() {
        let seal_of = |key, id| seal(&[("current_key", key), ("current_key_id", id)]).unwrap();
        let wrapped = seal_of(RAW, "k").wrap(&key(), "core/a").await.unwrap();
        assert!(seal_of(RAW, "k").unwrap(&wrapped, "core/b").await.is_err());
        assert!(
            seal_of(OTHER, "k")
                .unwrap(&wrapped, "core/a")
                .await
                .is_err()
        );
        assert!(seal_of(RAW, "l").unwrap(&wrapped, "core/a").await.is_err());
        let text = String::from_utf8(wrapped).unwrap();
        let renamed = text.replace("\"k\"", "\"l\"");
        assert!(
            seal_of(RAW, "l")
                .unwrap(renamed.as_bytes(), "core/a")
                .await
                .is_err()
        );
        for broken in ["", "{}", "null", r#"{"key_id":"k","wrapped":"AAAA"}"#] {
            assert!(
                seal_of(RAW, "k")
                    .unwrap(broken.as_bytes(), "core/a")
                    .await
                    .is_err()
            );
        }
    }

    #[tokio::test]
    async fn what_the_previous_key_wrapped_opens_and_is_stale() {
        let old = seal(&[("current_key", RAW), ("current_key_id", "k")]).unwrap();
        let wrapped = old.wrap(&key(), "core/a").await.unwrap();
        let new = seal(&[
            ("current_key", OTHER),
            ("current_key_id", "l"),
            ("previous_key", RAW),
            ("previous_key_id", "k"),
        ]);
        let new = new.unwrap();
        let unwrapped = new.unwrap(&wrapped, "core/a").await.unwrap();
        assert_eq!((&unwrapped.key, unwrapped.is_stale), (&key(), true));
        let anew = new.wrap(&unwrapped.key, "core/a").await.unwrap();
        assert!(!new.unwrap(&anew, "core/a").await.unwrap().is_stale);
        assert!(old.unwrap(&anew, "core/a").await.is_err());
    }

    #[test]
    fn a_setting_that_is_missing_or_wrong_is_named_and_its_value_is_not() {
        let named = |pairs: &[(&str, &str)]| seal(pairs).err().unwrap().to_string();
        let id = ("current_key_id", "k");
        assert!(named(&[]).contains("\"current_key_id\""));
        assert!(named(&[id]).contains("\"current_key\""));
        let told = named(&[id, ("current_key", "too short")]);
        assert!(
            told.contains("\"current_key\"") && !told.contains("too short"),
            "{told}"
        );
        assert!(named(&[id, ("current_key", "file:///no/such/file")]).contains("/no/such/file"));
        assert!(named(&[id, ("current_key", "env://NO_SUCH_KEY")]).contains("NO_SUCH_KEY"));
        let pairs = [id, ("current_key", RAW), ("previous_key", OTHER)];
        assert!(named(&pairs).contains("\"previous_key_id\""));
        let pairs = [&pairs[..], &[("previous_key_id", "k")]].concat();
        assert!(named(&pairs).contains("must differ"));
    }
}
