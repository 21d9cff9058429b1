//! The `pkcs11` seal: an AES key in a hardware security module, reached by PKCS#11.
//!
//! `CKM_AES_GCM` alone: the module must authenticate what it decrypts. With RSA, whoever writes to
//! the store and knows the public key could wrap an unseal key of his own.
//!
//! ```text
//! wrapped = {"key": {"label": "…", "id": "…"}, "nonce": base64, "ciphertext": base64(‖ tag 16)}
//! ```
//! The associated data is the place, a zero byte and the name of the key.
//!
//! **Invariant:** a PIN that was refused is not tried again: a few more would lock the token.

mod module;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use keyward_core::{AutoSeal, SealError, Unwrapped};
use keyward_crypto::{SecretBytes, SecretString, encoding, random};
use serde::{Deserialize, Serialize};

use self::module::{Module, Sealing, Token};
use super::{SealKind, Setting, Settings, given, needed};

/// The line of the registry.
pub(super) const PKCS11: SealKind = SealKind {
    name: NAME,
    settings: &[
        Setting::or("lib", "HSM_LIB"),
        Setting::or("slot", "HSM_SLOT"),
        Setting::or("token_label", "HSM_TOKEN_LABEL"),
        Setting::or("pin", "HSM_PIN"),
        Setting::or("key_label", "HSM_KEY_LABEL"),
        Setting::or("key_id", "HSM_KEY_ID"),
        Setting::or("mechanism", "HSM_MECHANISM"),
        Setting::or("generate_key", "HSM_GENERATE_KEY"),
    ],
    open,
};

const NAME: &str = "pkcs11";

struct Pkcs11 {
    module: Arc<Module>,
    key: KeyName,
    generates: bool,
}

/// Which key of a token.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct KeyName {
    /// Its `CKA_LABEL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Its `CKA_ID` in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// What the module made.
#[derive(Deserialize, Serialize)]
struct Made {
    key: KeyName,
    nonce: String,
    ciphertext: String,
}

fn refused(why: impl std::fmt::Display) -> SealError {
    SealError::Refused(format!("seal \"pkcs11\": {why}"))
}

fn open(settings: &Settings) -> Result<Arc<dyn AutoSeal>, SealError> {
    let owned = |name| given(settings, name).map(str::to_owned);
    // CKM_AES_GCM, as the header of the standard numbers it.
    let mechanism = owned("mechanism").filter(|text| number(text) != Some(0x1087));
    if let Some(mechanism) = mechanism {
        return Err(refused(format!(
            "the mechanism {mechanism} is not supported: it must be 0x1087, CKM_AES_GCM"
        )));
    }
    let slot = owned("slot").map(|slot| {
        let slot = number(&slot);
        slot.ok_or_else(|| refused("\"slot\" must be a number, decimal or 0x…"))
    });
    let token = Token {
        slot: slot.transpose()?,
        label: owned("token_label"),
    };
    if token.slot.is_none() && token.label.is_none() {
        return Err(refused("it needs the setting \"slot\" or \"token_label\""));
    }
    let id = owned("key_id").map(|id| {
        let hex = id.strip_prefix("0x").unwrap_or(&id).to_lowercase();
        let is_hex = encoding::decode_hex(&hex).is_some();
        is_hex
            .then_some(hex)
            .ok_or_else(|| refused("\"key_id\" must be hexadecimal"))
    });
    let key = KeyName {
        label: owned("key_label"),
        id: id.transpose()?,
    };
    if key.label.is_none() && key.id.is_none() {
        return Err(refused("it needs the setting \"key_label\" or \"key_id\""));
    }
    let generates = match given(settings, "generate_key") {
        None | Some("false" | "0") => false,
        Some("true" | "1") if key.label.is_some() => true,
        Some("true" | "1") => return Err(refused("\"generate_key\" needs \"key_label\"")),
        Some(_) => return Err(refused("\"generate_key\" must be true or false")),
    };
    let pin = SecretString::from(needed(settings, NAME, "pin")?);
    let library = needed(settings, NAME, "lib")?.to_owned();
    Ok(Arc::new(Pkcs11 {
        module: Arc::new(Module::new(library, token, pin)),
        key,
        generates,
    }))
}

/// Reads a number as the tools of the makers write it.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

impl KeyName {
    fn shown(&self) -> String {
        let id = self.id.as_ref().map(|id| format!("0x{id}"));
        let parts = [self.label.clone(), id];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    /// Returns the associated data of what this key wraps for a place.
    fn binding(&self, place: &str) -> Vec<u8> {
        format!("{place}\0{}", self.shown()).into_bytes()
    }
}

impl Pkcs11 {
    /// Does work that may wait for the module.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Module) -> Result<T, SealError> + Send + 'static,
    ) -> Result<T, SealError> {
        let module = Arc::clone(&self.module);
        let done = tokio::task::spawn_blocking(move || work(&module)).await;
        // What a panic says is left out: it may quote a secret.
        done.map_err(|_| SealError::Unavailable("the work panicked".to_owned()))?
    }
}

#[async_trait]
impl AutoSeal for Pkcs11 {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn wrap(&self, secret: &SecretBytes, place: &str) -> Result<Vec<u8>, SealError> {
        let (key, generates, secret) = (self.key.clone(), self.generates, secret.duplicate());
        let binding = key.binding(place);
        let made = self.ask(move |module| {
            let mut nonce = random::generate_nonce::<12>();
            let sealed = Sealing {
                key: &key,
                nonce: &mut nonce,
                binding: &binding,
            };
            let ciphertext = module.encrypt(sealed, generates, &secret)?;
            Ok(Made {
                key,
                // After the call: some modules choose it themselves.
                nonce: encoding::encode(&nonce),
                ciphertext: encoding::encode(&ciphertext),
            })
        });
        serde_json::to_vec(&made.await?).map_err(refused)
    }

    async fn unwrap(&self, wrapped: &[u8], place: &str) -> Result<Unwrapped, SealError> {
        let unreadable = || refused("what is stored is not what this seal wrapped");
        let made: Made = serde_json::from_slice(wrapped).map_err(|_| unreadable())?;
        let nonce = encoding::decode(&made.nonce).map_err(|_| unreadable())?;
        let ciphertext = encoding::decode(&made.ciphertext).map_err(|_| unreadable())?;
        let is_stale = made.key != self.key;
        let binding = made.key.binding(place);
        let key = self.ask(move |module| {
            // EXPOSE: a nonce is not secret.
            let mut nonce = nonce.expose().clone();
            let sealed = Sealing {
                key: &made.key,
                nonce: &mut nonce,
                binding: &binding,
            };
            // EXPOSE: it is a ciphertext.
            module.decrypt(sealed, ciphertext.expose())
        });
        Ok(Unwrapped {
            key: key.await?,
            is_stale,
        })
    }
}
