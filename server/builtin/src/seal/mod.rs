//! Seals that open by themselves.

#[cfg(feature = "pkcs11")]
mod pkcs11;
mod static_key;
mod transit;

use std::{collections::BTreeMap, sync::Arc};

use keyward_core::{AutoSeal, SealError};
use keyward_crypto::SecretString;

/// The settings of a `seal` stanza, by name; any of them may be a secret.
pub type Settings = BTreeMap<String, SecretString>;

/// One kind of seal, as the table of [`SEALS`] lists it.
#[derive(Clone, Copy, Debug)]
pub struct SealKind {
    /// What a `seal "NAME"` stanza calls it, and seal-status.
    pub name: &'static str,
    /// The settings that it takes.
    pub settings: &'static [Setting],
    /// Makes the seal; it asks nobody yet.
    ///
    /// Fails with [`SealError::Refused`] on a setting that is missing or wrong.
    pub open: fn(&Settings) -> Result<Arc<dyn AutoSeal>, SealError>,
}

/// One setting of a kind of seal.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the stanza.
    pub name: &'static str,
    /// The variable of clients, without its prefix, that tells it where nothing else does.
    pub otherwise: Option<&'static str>,
}

impl Setting {
    const fn own(name: &'static str) -> Self {
        let otherwise = None;
        Self { name, otherwise }
    }

    const fn or(name: &'static str, otherwise: &'static str) -> Self {
        let otherwise = Some(otherwise);
        Self { name, otherwise }
    }
}

/// Every seal that opens by itself.
pub const SEALS: &[SealKind] = &[
    #[cfg(feature = "pkcs11")]
    pkcs11::PKCS11,
    static_key::STATIC,
    transit::TRANSIT,
];

/// Finds a kind of seal by its name.
#[must_use]
pub fn seal(name: &str) -> Option<&'static SealKind> {
    SEALS.iter().find(|kind| kind.name == name)
}

/// Returns a setting that is not empty.
fn given<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    // EXPOSE: handed to the seal, which keeps what is secret of it wrapped.
    let text = settings.get(name).map(|text| text.expose().as_str());
    text.filter(|text| !text.is_empty())
}

/// Returns a setting that must be there.
fn needed<'a>(settings: &'a Settings, seal: &str, name: &str) -> Result<&'a str, SealError> {
    let missing = || SealError::Refused(format!("seal {seal:?} needs the setting {name:?}"));
    given(settings, name).ok_or_else(missing)
}
