//! Keyring: the versions of one key and the rules that say which may do what.
//!
//! | file | holds |
//! |---|---|
//! | `version.rs` | one version: its material, and what it makes ready for use |
//! | `rules.rs` | which versions encrypt, decrypt, are kept; trimming |
//! | `encrypt.rs` `sign.rs` `hmac.rs` `cmac.rs` | the operations |
//! | `data_key.rs` `format.rs` `jose.rs` | more of them |
//! | `certificates.rs` | requests for certificates, and chains of them |
//! | `stored.rs` | the durable form |
//!
//! **Invariant:** the version in a text chooses the key; nothing is tried with another.

#[cfg(not(target_arch = "wasm32"))]
mod certificates;
mod cmac;
mod data_key;
mod encrypt;
mod format;
mod hmac;
mod jose;
mod rules;
mod sign;
mod stored;
#[cfg(test)]
mod tests;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::data_key::DataKeyRequest;
pub use self::encrypt::{Padding, Scope};
pub use self::format::{Alphabet, Format, Part, SecretNumerals};
use self::rules::Rules;
pub use self::rules::{Minimums, Purpose};
pub use self::sign::{Marshaling, SaltLength, Scheme, SignRequest, Signed};
use self::version::Version;
use crate::derive::hkdf;
use crate::key_type::{KeyForm, Material, PublicType};
use crate::{Error, HashAlgorithm, KeyType, SecretBytes, SecretString, encoding, key_type};

/// A point in time, as nanoseconds since 1970. The crate reads no clock: callers give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub const fn unix_seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }
}

/// How the key that does the work comes from the key that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// Derived from a context that each call gives (HKDF-SHA256), and nonces from the plaintext:
    /// equal plaintexts under equal contexts give equal ciphertexts.
    Convergent,
    /// Derived from a context that each call gives (HKDF-SHA256).
    Derived,
    /// The kept key itself.
    None,
}

/// One named key: a key type, its versions, and the rules that hold for them.
///
/// A clone is cheap and shares the versions (their material and their counts of encryptions), so
/// a change is made on a clone that then takes the place of the original: see [`Self::rotate`],
/// [`Self::set_minimums`], [`Self::trim`]. Every change that fails changes nothing.
#[derive(Clone)]
pub struct Keyring {
    key_type: &'static dyn KeyType,
    derivation: Derivation,
    rules: Rules,
    /// The number of the first version kept; those before were trimmed.
    first: u32,
    /// Contiguous, oldest first, never empty.
    versions: Vec<Arc<Version>>,
    /// The chains of certificates of the versions that have one, in PEM.
    certificates: BTreeMap<u32, Arc<str>>,
    /// The versions that their owner has put out of use for now. Not part of the durable form.
    disabled: BTreeSet<u32>,
}

/// What is public about one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionInfo {
    /// From 1 up.
    pub number: u32,
    /// When it was generated or imported.
    pub created: Timestamp,
    /// How many encryptions it has made; see [`Keyring::encryptions`].
    pub encryptions: u64,
    /// The public half as text if the key type has one. Empty when each context has its own: see
    /// [`Keyring::public_key`].
    pub public_key: Option<String>,
    /// Whether the public half is all there is: such a version neither signs nor decrypts.
    pub public_only: bool,
}

impl Keyring {
    /// Generates a key with one version.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type cannot be derived or convergent, in Vault's words.
    pub fn generate(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        created: Timestamp,
    ) -> Result<Self, Error> {
        Self::generate_sized(key_type, derivation, None, created)
    }

    /// Generates a key with one version, of `size` bytes where the type leaves the choice.
    ///
    /// # Errors
    /// As [`Self::generate`] and [`KeyType::generate_sized`].
    pub fn generate_sized(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        size: Option<usize>,
        created: Timestamp,
    ) -> Result<Self, Error> {
        check_derivation(key_type, derivation)?;
        let version = Version::generate(key_type, derivation, size, created)?;
        Self::with_first(version, key_type, derivation)
    }

    /// Takes charge of a key that was made elsewhere, as its first version.
    ///
    /// # Errors
    /// As [`Self::generate`], and [`Error::Invalid`] when `material` is no key of the type.
    pub fn import(
        key_type: &'static dyn KeyType,
        derivation: Derivation,
        material: impl Into<Material>,
        created: Timestamp,
    ) -> Result<Self, Error> {
        check_derivation(key_type, derivation)?;
        let hmac_key = version::generate_hmac_key();
        let version = Version::new(key_type, derivation, created, material.into(), hmac_key, 0)?;
        Self::with_first(version, key_type, derivation)
    }

    fn with_first(
        version: Version,
        key_type: &'static dyn KeyType,
        derivation: Derivation,
    ) -> Result<Self, Error> {
        let versions = vec![Arc::new(version)];
        Ok(Self {
            key_type,
            derivation,
            rules: Rules::new(),
            first: 1,
            versions,
            certificates: BTreeMap::new(),
            disabled: BTreeSet::new(),
        })
    }

    /// Adds a version, which is the latest from then on, and returns its number. The key for HMACs
    /// is new too. Where [`KeyType::generate`] may take long, generate first and [`Self::add`].
    ///
    /// # Errors
    /// [`Error::Internal`] when the key type fails to generate.
    pub fn rotate(&mut self, created: Timestamp) -> Result<u32, Error> {
        self.add(
            version::generate_material(self.key_type, self.key_size())?,
            created,
        )
    }

    /// Adds a version whose key was made elsewhere, and otherwise does as [`Self::rotate`].
    ///
    /// # Errors
    /// [`Error::Invalid`] when `material` is no key of the type.
    pub fn add(&mut self, material: impl Into<Material>, created: Timestamp) -> Result<u32, Error> {
        let number = self
            .latest_version()
            .checked_add(1)
            .ok_or_else(|| Error::unsupported("the key has as many versions as there can be"))?;
        let (key_type, derivation) = (self.key_type, self.derivation);
        let hmac_key = version::generate_hmac_key();
        let version = Version::new(key_type, derivation, created, material.into(), hmac_key, 0)?;
        self.versions.push(Arc::new(version));
        Ok(number)
    }

    /// Gives a version that has its public half alone the private key that belongs to it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the version is not kept or is whole already, or `material` is another
    /// key.
    pub fn complete(&mut self, number: u32, material: SecretBytes) -> Result<(), Error> {
        let version = self.version(number).ok_or_else(no_such_version)?;
        let Material::Public(public_key) = version.material() else {
            return Err(Error::invalid(
                "private key imported, key version cannot be updated",
            ));
        };
        let whole = version.completed(self.derivation, material)?;
        if whole.public_key().as_ref() != Some(public_key) {
            return Err(Error::invalid(
                "the private key does not belong to the public key of the version",
            ));
        }
        self.versions[(number - self.first) as usize] = Arc::new(whole);
        Ok(())
    }

    /// What the key can do.
    pub const fn key_type(&self) -> &'static dyn KeyType {
        self.key_type
    }

    /// How many bytes its keys have, where the type leaves the choice.
    pub fn key_size(&self) -> Option<usize> {
        self.key_type.key_sizes()?;
        let latest = self.versions.last()?.private().ok()?;
        // EXPOSE: only the length matters here.
        Some(latest.expose().len())
    }

    /// How the working key comes from the kept one.
    pub const fn derivation(&self) -> Derivation {
        self.derivation
    }

    /// The number of the newest version.
    pub fn latest_version(&self) -> u32 {
        self.first + (self.versions.len() - 1) as u32
    }

    /// What is public about the versions that may decrypt, oldest first. Older ones are kept until
    /// trimmed, but Vault does not show them.
    pub fn versions(&self) -> impl Iterator<Item = VersionInfo> + '_ {
        (self.min_decryption_version()..=self.latest_version()).filter_map(|number| {
            let version = self.version(number)?;
            Some(VersionInfo {
                number,
                created: version.created(),
                encryptions: version.encryptions(),
                public_key: self.key_type.public().map(|public| shown(public, version)),
                public_only: matches!(version.material(), Material::Public(_)),
            })
        })
    }

    /// How many encryptions a version has made; zero for one that is not kept.
    ///
    /// The count goes on in memory with every encryption and is part of the durable form
    /// ([`Self::encode`]). Who persists it must persist ahead of it, so that a crash counts too
    /// many and never too few: see [`Self::count_encryptions`].
    pub fn encryptions(&self, version: u32) -> u64 {
        self.version(version)
            .map_or(0, |version| version.encryptions())
    }

    /// Adds to the count of a version without encrypting: before [`Self::encode`], to persist the
    /// count ahead of what is done.
    pub fn count_encryptions(&self, version: u32, more: u64) {
        if let Some(version) = self.version(version) {
            version.count_encryptions(more);
        }
    }

    /// The public half of a version as text, for the context if the key is derived; `None` when
    /// the key type has none.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the version is not kept, or the context of a derived key is missing.
    pub fn public_key(
        &self,
        version: u32,
        context: Option<&[u8]>,
    ) -> Result<Option<String>, Error> {
        let Some(public) = self.key_type.public() else {
            return Ok(None);
        };
        let version = self.version(version).ok_or_else(no_such_version)?;
        if self.derivation == Derivation::None {
            return Ok(Some(shown(public, version)));
        }
        version.with_verifier(context, |verifier| {
            let key = verifier.public_key();
            public.print(&key, KeyForm::Default).map(Some)
        })
    }

    /// The private or symmetric key of a version as its type stores it: raw bytes, Ed25519 as
    /// `seed ‖ public key`, RSA and ECDSA as PKCS#8 DER. Whether the key may be exported at all is
    /// the caller's rule.
    ///
    /// # Errors
    /// In Vault's words: [`Error::Invalid`] when the version does not exist, is below the minimum
    /// for decryption or has no private key, [`Error::Unsupported`] when the type has no key for the
    /// purpose.
    pub fn material(&self, purpose: Purpose, version: u32) -> Result<&SecretBytes, Error> {
        purpose.check(self.key_type)?;
        let version = self.exported(version)?;
        match purpose {
            Purpose::Cmac | Purpose::Encryption | Purpose::Signing => version.private(),
            Purpose::Hmac => Ok(version.hmac_key().key()),
        }
    }

    /// The private or symmetric key of a version as text, in a form that its type has. Whether the
    /// key may be exported at all is the caller's rule.
    ///
    /// # Errors
    /// As [`Self::material`], and [`Error::Invalid`] when the type has no such form.
    pub fn export(
        &self,
        purpose: Purpose,
        version: u32,
        form: KeyForm,
    ) -> Result<SecretString, Error> {
        let material = self.material(purpose, version)?;
        match (purpose, form) {
            (Purpose::Cmac | Purpose::Encryption | Purpose::Signing, form) => {
                self.key_type.export(material, form)
            }
            (Purpose::Hmac, KeyForm::Default | KeyForm::Raw) => {
                Ok(encoding::encode_secret(material))
            }
            (Purpose::Hmac, KeyForm::Der | KeyForm::Pem) => Err(key_type::no_such_form()),
        }
    }

    /// The public half of a version as text for export, in a form that its type has.
    ///
    /// # Errors
    /// In Vault's words: [`Error::Invalid`] when the version does not exist or is below the minimum
    /// for decryption, or the type has no such form; [`Error::Unsupported`] when the type has no
    /// public half.
    pub fn export_public(&self, version: u32, form: KeyForm) -> Result<String, Error> {
        let name = self.key_type.name();
        let public = self.key_type.public().ok_or_else(|| {
            Error::unsupported(format!(
                "unknown key type {name} for export type public-key"
            ))
        })?;
        let public_key = self.exported(version)?.public_key();
        let mut text = public.print(&public_key.unwrap_or_default(), form)?;
        // Where a key is read PEM ends in a line break, and where it is exported it does not.
        text.truncate(text.trim_end().len());
        Ok(text)
    }

    /// Agrees with the holder of another key on the key of `len` bytes that both can make: ECDH,
    /// then HKDF-SHA256 without salt or info, as OpenBao does.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type does not agree; [`Error::Invalid`] when the version does
    /// not exist, is below the minimum for decryption or has no private key, or the public key is
    /// none of the type.
    pub fn agree(
        &self,
        version: Option<u32>,
        peer_public_key: &str,
        len: usize,
    ) -> Result<SecretBytes, Error> {
        let agreement = self.key_type.agreement().ok_or_else(|| {
            let name = self.key_type.name();
            Error::unsupported(format!(
                "base key type {name} does not support key agreement"
            ))
        })?;
        let latest = self.latest_version();
        let number = version.filter(|&number| number != 0).unwrap_or(latest);
        if number > latest {
            return Err(Error::invalid(
                "requested version of the base key is higher than the latest key version",
            ));
        }
        let version = self.version_named(number.into(), no_such_version, rules::too_old)?;
        let secret = agreement.agree(version.private()?, peer_public_key)?;
        hkdf(HashAlgorithm::Sha2_256, &secret, &[], &[], len)
    }

    /// A version that may leave the server.
    fn exported(&self, number: u32) -> Result<&Version, Error> {
        if number < self.min_decryption_version() {
            return Err(Error::invalid(
                "version for export is below minimum decryption version",
            ));
        }
        self.version(number)
            .ok_or_else(|| Error::invalid("version does not exist or cannot be found"))
    }

    fn version(&self, number: u32) -> Option<&Version> {
        let index = number.checked_sub(self.first)?;
        self.versions.get(index as usize).map(Arc::as_ref)
    }
}

/// The public half of a version as Vault shows it; empty if each context has its own.
fn shown(public: &dyn PublicType, version: &Version) -> String {
    let public_key = version.public_key();
    public_key
        .and_then(|key| public.print(&key, KeyForm::Default).ok())
        .unwrap_or_default()
}

fn check_derivation(key_type: &'static dyn KeyType, derivation: Derivation) -> Result<(), Error> {
    let name = key_type.name();
    match derivation {
        Derivation::Convergent if !key_type.supports_convergent() => Err(Error::unsupported(
            format!("convergent encryption not supported for keys of type {name}"),
        )),
        Derivation::Derived if !key_type.supports_derivation() => Err(Error::unsupported(format!(
            "key derivation and convergent encryption not supported for keys of type {name}"
        ))),
        _ => Ok(()),
    }
}

fn no_such_version() -> Error {
    Error::invalid("no such key version")
}
