//! The durable form of a keyring. It holds secrets: seal it before it is stored.
//!
//! All numbers are big-endian:
//! ```text
//! format u8 = 3
//! key type: length u8 ‖ name
//! derivation u8: 0 none, 1 derived, 2 convergent
//! min_available u32 ‖ min_decryption u32 ‖ min_encryption u32
//! first version u32 ‖ number of versions u32
//! each version: created u64 (ns since 1970) ‖ encryptions u64
//!               ‖ kind u8: 0 the whole key, 1 its public half
//!               ‖ length u32 ‖ material ‖ length u32 ‖ HMAC key
//!               ‖ length u32 ‖ chain of certificates in PEM, empty if there is none
//! ```
//! Format 2 has no certificates. Format 1 has no kind either: all keys are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::version::Version;
use super::{Derivation, Keyring, Rules, Timestamp};
use crate::key_type::Material;
use crate::{Error, KeyType, Secret, SecretBytes, key_type};

const FORMAT: u8 = 3;
/// The kinds of material.
const WHOLE: u8 = 0;
const PUBLIC: u8 = 1;
/// The format in which every key is whole.
const FORMAT_WHOLE: u8 = 1;
/// The format before there were certificates.
const FORMAT_BARE: u8 = 2;
/// Everything but the name of the key type and the versions.
const HEAD_LEN: usize = 3 + 5 * 4;
/// Everything of a version but its two keys and its certificates.
const VERSION_LEN: usize = 2 * 8 + 1 + 3 * 4;

impl Keyring {
    /// Writes the durable form, with the counts of encryptions as they stand now.
    pub fn encode(&self) -> SecretBytes {
        let name = self.key_type.name();
        let keys = |version: &Version| {
            // EXPOSE: only the lengths matter here.
            kept(version).1.len() + version.hmac_key().key().expose().len()
        };
        let versions: usize = self
            .versions
            .iter()
            .map(|version| VERSION_LEN + keys(version))
            .sum();
        // Reserved whole: a buffer that grew would leave copies behind.
        let certificates: usize = self.certificates.values().map(|chain| chain.len()).sum();
        let len = HEAD_LEN + name.len() + versions + certificates;
        let mut encoded = Secret::new(Vec::with_capacity(len));
        // EXPOSE: to write into the buffer that is wiped.
        let out = encoded.expose_mut();
        out.extend([FORMAT, name.len() as u8]);
        out.extend(name.bytes());
        out.push(match self.derivation {
            Derivation::None => 0,
            Derivation::Derived => 1,
            Derivation::Convergent => 2,
        });
        let Rules {
            min_available,
            min_decryption,
            min_encryption,
        } = self.rules;
        let count = self.versions.len() as u32;
        for number in [
            min_available,
            min_decryption,
            min_encryption,
            self.first,
            count,
        ] {
            out.extend(number.to_be_bytes());
        }
        for (version, number) in self.versions.iter().zip(self.first..=u32::MAX) {
            out.extend(version.created().unix_nanos().to_be_bytes());
            out.extend(version.encryptions().to_be_bytes());
            let (kind, material) = kept(version);
            out.push(kind);
            // EXPOSE: copied into the durable form, which is a secret too.
            let hmac_key = version.hmac_key().key().expose();
            let certificates = self.certificates.get(&number);
            let certificates = certificates.map_or(&[][..], |chain| chain.as_bytes());
            for part in [material, hmac_key, certificates] {
                out.extend((part.len() as u32).to_be_bytes());
                out.extend_from_slice(part);
            }
        }
        debug_assert_eq!(out.len(), len);
        encoded
    }

    /// Reads the durable form.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is damaged or of a format not known here.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(bytes);
        let format = reader.u8()?;
        if !(FORMAT_WHOLE..=FORMAT).contains(&format) {
            return Err(Error::internal("a stored key has a format not known here"));
        }
        let name_len = reader.u8()?;
        let name = str::from_utf8(reader.take(name_len.into())?).map_err(|_| damaged())?;
        let key_type = key_type(name).ok_or_else(damaged)?;
        let derivation = match reader.u8()? {
            0 => Derivation::None,
            1 => Derivation::Derived,
            2 => Derivation::Convergent,
            _ => return Err(damaged()),
        };
        let rules = Rules {
            min_available: reader.u32()?,
            min_decryption: reader.u32()?,
            min_encryption: reader.u32()?,
        };
        let (first, count) = (reader.u32()?, reader.u32()?);
        let (mut versions, mut certificates) = (Vec::new(), BTreeMap::new());
        // Pushed one by one: a damaged count must not reserve memory.
        for index in 0..count {
            let number = first.checked_add(index).ok_or_else(damaged)?;
            let version = reader.version(format, key_type, derivation)?;
            versions.push(Arc::new(version));
            if format > FORMAT_BARE {
                let chain = reader.text()?;
                if !chain.is_empty() {
                    certificates.insert(number, chain.into());
                }
            }
        }
        if !reader.0.is_empty() {
            return Err(damaged());
        }
        let keyring = Self {
            key_type,
            derivation,
            rules,
            first,
            versions,
            certificates,
            disabled: BTreeSet::new(),
        };
        if keyring.is_consistent() {
            Ok(keyring)
        } else {
            Err(damaged())
        }
    }

    /// Whether the numbers of a stored key can stand together.
    fn is_consistent(&self) -> bool {
        let Rules {
            min_available,
            min_decryption,
            min_encryption,
        } = self.rules;
        let Some(last) = (self.versions.len() as u32).checked_sub(1) else {
            return false;
        };
        let Some(latest) = self.first.checked_add(last) else {
            return false;
        };
        self.first == min_available.max(1)
            && (self.first..=latest).contains(&min_decryption)
            && (min_encryption == 0 && min_available == 0
                || (min_decryption..=latest).contains(&min_encryption))
    }
}

/// The kind and the bytes of what is kept of a version.
fn kept(version: &Version) -> (u8, &[u8]) {
    match version.material() {
        // EXPOSE: copied into the durable form, which is a secret too.
        Material::Private(material) => (WHOLE, material.expose()),
        Material::Public(public_key) => (PUBLIC, public_key),
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (&taken, rest) = self.0.split_first_chunk().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_be_bytes)
    }

    fn key(&mut self) -> Result<SecretBytes, Error> {
        let len = self.u32()?;
        self.take(len as usize).map(SecretBytes::from)
    }

    fn text(&mut self) -> Result<&'a str, Error> {
        let len = self.u32()?;
        str::from_utf8(self.take(len as usize)?).map_err(|_| damaged())
    }

    fn version(
        &mut self,
        format: u8,
        key_type: &'static dyn KeyType,
        derivation: Derivation,
    ) -> Result<Version, Error> {
        let created = Timestamp::from_unix_nanos(self.u64()?);
        let encryptions = self.u64()?;
        let kind = match format {
            FORMAT_WHOLE => WHOLE,
            _ => self.u8()?,
        };
        let (material, hmac_key) = (self.key()?, self.key()?);
        let material = match kind {
            WHOLE => Material::Private(material),
            // EXPOSE: a public key is public.
            PUBLIC => Material::Public(material.expose().clone()),
            _ => return Err(damaged()),
        };
        Version::new(
            key_type,
            derivation,
            created,
            material,
            hmac_key,
            encryptions,
        )
        .map_err(|_| damaged())
    }
}

fn damaged() -> Error {
    Error::internal("a stored key is damaged")
}
