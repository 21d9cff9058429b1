//! Which versions encrypt, decrypt and are kept (Vault: `keys/:name/config`, `keys/:name/trim`).
//!
//! ```text
//! 1 … min_available … min_decryption … min_encryption … latest
//! └ trimmed ┘└ kept, hidden ┘└ decrypt ┘└ decrypt and encrypt ┘
//! ```
//! A minimum for encryption of 0 means that any version that may decrypt may be asked to encrypt.
//! Versions under the minimum for decryption are kept: lowering it brings them back. Only
//! [`Keyring::trim`] deletes.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::version::Version;
use super::{Keyring, no_such_version};
use crate::{Error, KeyType};

#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) min_available: u32,
    pub(super) min_decryption: u32,
    pub(super) min_encryption: u32,
}

impl Rules {
    pub(super) const fn new() -> Self {
        Self {
            min_available: 0,
            min_decryption: 1,
            min_encryption: 0,
        }
    }
}

/// A change of the minimums; what is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minimums {
    /// The oldest version that may decrypt and verify.
    pub decryption: Option<NonZeroU32>,
    /// The oldest version that may be asked to encrypt and sign; 0 for any that may decrypt.
    pub encryption: Option<u32>,
}

/// What key material is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Authenticating with a block cipher.
    Cmac,
    /// Encrypting and decrypting.
    Encryption,
    /// Authenticating; every key type has a key for it.
    Hmac,
    /// Signing.
    Signing,
}

impl Purpose {
    pub(super) fn check(self, key_type: &dyn KeyType) -> Result<(), Error> {
        match self {
            Self::Cmac if key_type.authenticator().is_none() => Err(Error::unsupported(format!(
                "key type {} does not support CMAC",
                key_type.name()
            ))),
            Self::Encryption if !key_type.supports_encryption() && key_type.format().is_none() => {
                Err(Error::unsupported("encryption not supported for the key"))
            }
            Self::Signing if !key_type.supports_signing() => {
                Err(Error::unsupported("signing not supported for the key"))
            }
            _ => Ok(()),
        }
    }

    /// The word for doing it, in the sentences of Vault.
    const fn doing(self) -> &'static str {
        match self {
            Self::Cmac => "CMAC",
            Self::Encryption => "encryption",
            Self::Hmac => "HMAC",
            Self::Signing => "signing",
        }
    }
}

impl Keyring {
    /// The oldest version that is kept, or 0 when none was ever trimmed.
    pub const fn min_available_version(&self) -> u32 {
        self.rules.min_available
    }

    /// The oldest version that may decrypt and verify.
    pub const fn min_decryption_version(&self) -> u32 {
        self.rules.min_decryption
    }

    /// The oldest version that may be asked to encrypt and sign; 0 for any that may decrypt.
    pub const fn min_encryption_version(&self) -> u32 {
        self.rules.min_encryption
    }

    /// Changes the minimums, both or neither.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words: a minimum over the latest version or under what was
    /// trimmed, or the one for encryption under the one for decryption.
    pub fn set_minimums(&mut self, change: Minimums) -> Result<(), Error> {
        let latest = self.latest_version();
        let available = self.rules.min_available;
        let decryption = change
            .decryption
            .map_or(self.rules.min_decryption, NonZeroU32::get);
        let encryption = change.encryption.unwrap_or(self.rules.min_encryption);
        if decryption > latest {
            return Err(Error::invalid(format!(
                "cannot set min decryption version of {decryption}, latest key version is {latest}"
            )));
        }
        if encryption > latest {
            return Err(Error::invalid(format!(
                "cannot set min encryption version of {encryption}, latest key version is {latest}"
            )));
        }
        if encryption > 0 && encryption < decryption {
            return Err(Error::invalid(format!(
                "cannot set min encryption/decryption values; min encryption version of \
                 {encryption} must be greater than or equal to min decryption version of \
                 {decryption}"
            )));
        }
        if encryption < available {
            return Err(Error::invalid(
                "min encryption version should not be less than min available version",
            ));
        }
        if decryption < available {
            return Err(Error::invalid(
                "min decryption version should not be less then min available version",
            ));
        }
        self.rules.min_decryption = decryption;
        self.rules.min_encryption = encryption;
        Ok(())
    }

    /// Deletes all versions under `min_available` for good.
    ///
    /// # Errors
    /// [`Error::Invalid`] in Vault's words: no minimum for encryption is set, or `min_available` is
    /// zero, lower than before, or over one of the other minimums.
    pub fn trim(&mut self, min_available: u32) -> Result<(), Error> {
        let refusal = if min_available < self.rules.min_available {
            "minimum available version cannot be decremented"
        } else if self.rules.min_encryption == 0 {
            "minimum available version cannot be set when minimum encryption version is not set"
        } else if min_available > self.rules.min_encryption {
            "minimum available version cannot be greater than minmum encryption version"
        } else if min_available > self.rules.min_decryption {
            "minimum available version cannot be greater than minimum decryption version"
        } else if min_available == 0 {
            "minimum available version should be positive"
        } else {
            self.versions.drain(..(min_available - self.first) as usize);
            self.certificates = self.certificates.split_off(&min_available);
            self.first = min_available;
            self.rules.min_available = min_available;
            return Ok(());
        };
        Err(Error::invalid(refusal))
    }

    /// Puts versions out of use, and all others into use again: a disabled version encrypts,
    /// decrypts, signs, verifies and authenticates nothing.
    pub fn set_disabled(&mut self, versions: BTreeSet<u32>) {
        self.disabled = versions;
    }

    pub(super) fn check_enabled(&self, number: u32) -> Result<(), Error> {
        if self.disabled.contains(&number) {
            return Err(Error::invalid(format!("key version {number} is disabled")));
        }
        Ok(())
    }

    /// The version that shall encrypt, sign or authenticate; the latest if none or 0 is asked for.
    pub(super) fn version_for(
        &self,
        purpose: Purpose,
        asked: Option<u32>,
    ) -> Result<(u32, &Version), Error> {
        let latest = self.latest_version();
        let number = match asked {
            None | Some(0) => latest,
            Some(number) if number > latest && purpose == Purpose::Hmac => {
                return Err(Error::invalid(format!(
                    "key version does not exist; latest key version is {latest}"
                )));
            }
            Some(number) if number > latest => {
                return Err(Error::invalid(format!(
                    "requested version for {} is higher than the latest key version",
                    purpose.doing()
                )));
            }
            Some(number) if number < self.rules.min_encryption && purpose == Purpose::Hmac => {
                return Err(Error::invalid(
                    "cannot generate HMAC: version is too old (disallowed by policy)",
                ));
            }
            Some(number) if number < self.rules.min_encryption => {
                return Err(Error::invalid(format!(
                    "requested version for {} is less than the minimum encryption key version",
                    purpose.doing()
                )));
            }
            Some(number) if number < self.rules.min_decryption => return Err(no_such_version()),
            Some(number) => number,
        };
        self.check_enabled(number)?;
        Ok((number, self.version(number).ok_or_else(no_such_version)?))
    }

    /// The version that a text names, if it may still decrypt and verify.
    pub(super) fn version_named(
        &self,
        number: i64,
        too_new: impl FnOnce() -> Error,
        too_old: impl FnOnce() -> Error,
    ) -> Result<&Version, Error> {
        if number > i64::from(self.latest_version()) {
            return Err(too_new());
        }
        if number < i64::from(self.rules.min_decryption) {
            return Err(too_old());
        }
        let number = u32::try_from(number).map_err(|_| no_such_version())?;
        let version = self.version(number).ok_or_else(no_such_version)?;
        self.check_enabled(number)?;
        Ok(version)
    }
}

/// Refuses a ciphertext or signature of a version that may no longer be used.
pub(super) fn too_old() -> Error {
    Error::invalid("ciphertext or signature version is disallowed by policy (too old)")
}
