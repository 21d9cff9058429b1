//! The durable form of a keyring. It holds secrets: seal it before it is stored.
//!
//! All numbers are big-endian:
//! ```text
//! format u8 = 2
//! key type: length u8 ‖ name
//! derivation u8: 0 none, 1 derived, 2 convergent
//! min_available u32 ‖ min_decryption u32 ‖ min_encryption u32
//! first version u32 ‖ number of versions u32
//! each version: created u64 (ns since 1970) ‖ encryptions u64
//!               ‖ kind u8: 0 the whole key, 1 its public half
//!               ‖ length u32 ‖ material ‖ length u32 ‖ HMAC key
//! ```
//! In format 1 there is no kind: all keys are whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::version::Version;
use super::{Derivation, Keyring, Rules, Timestamp};
use crate::key_type::Material;
use crate::{Error, KeyType, Secret, SecretBytes, key_type};

const FORMAT: u8 = 2;
/// The kinds of material.
const WHOLE: u8 = 0;
const PUBLIC: u8 = 1;
/// The format in which every key is whole.
const FORMAT_WHOLE: u8 = 1;
/// Everything but the name of the key type and the versions.
const HEAD_LEN: usize = 3 + 5 * 4;
/// Everything of a version but its two keys.
const VERSION_LEN: usize = 2 * 8 + 1 + 2 * 4;

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
        let len = HEAD_LEN + name.len() + versions;
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
        for version in &self.versions {
            out.extend(version.created().unix_nanos().to_be_bytes());
            out.extend(version.encryptions().to_be_bytes());
            let (kind, material) = kept(version);
            out.push(kind);
            // EXPOSE: copied into the durable form, which is a secret too.
            for key in [material, version.hmac_key().key().expose()] {
                out.extend((key.len() as u32).to_be_bytes());
                out.extend_from_slice(key);
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
        if ![FORMAT, FORMAT_WHOLE].contains(&format) {
            return Err(Error::internal("a stored key has a format not known here"));
        }
        let name_len = reader.u8()?;
        let name = std::str::from_utf8(reader.take(name_len.into())?).map_err(|_| damaged())?;
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
        // Collected one by one: a damaged count must not reserve memory.
        let versions = (0..count)
            .map(|_| reader.version(format, key_type, derivation).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        if !reader.0.is_empty() {
            return Err(damaged());
        }
        let keyring = Self {
            key_type,
            derivation,
            rules,
            first,
            versions,
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
fn kept(version: &Version) -> (u8, &Vec<u8>) {
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

    fn version(
        &mut self,
        format: u8,
        key_type: &'static dyn KeyType,
        derivation: Derivation,
    ) -> Result<Version, Error> {
        let created = Timestamp::from_unix_nanos(self.u64()?);
        let encryptions = self.u64()?;
        let kind = if format == FORMAT { self.u8()? } else { WHOLE };
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
