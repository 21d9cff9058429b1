//! OpenPGP keys (RFC 9580) of people: what they shall get is encrypted to them.
//!
//! A key comes from outside and is not believed: what of it encrypts, and until when, counts only as
//! far as the key itself signed it. Otherwise whoever passes a key on could hang a part of their own
//! into it, and its fingerprint would stay the same.
//!
//! **Invariant:** only public keys are worked with; a key was encrypted to once before it is a
//! [`PgpKey`], so that what was begun with it does not fail for it later.

mod holders;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, fmt};

use keyward_crypto::{SecretBytes, encoding, random};
use pgp::{
    composed::{Deserializable, MessageBuilder, SignedPublicKey, SignedPublicSubKey},
    crypto::{hash::HashAlgorithm, sym::SymmetricKeyAlgorithm},
    packet::{PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData, UserId},
    ser::Serialize,
    types::{Duration, KeyDetails, KeyVersion, PublicParams, Tag},
};
use rand_core_06::{CryptoRng, RngCore};

pub use holders::{Holders, ShownShares};

use crate::{Error, Timestamp};

/// How long the base64 of a key may be. A key with a picture and the signatures of friends has room.
const MAX_TEXT: usize = 128 * 1024;

/// How many signatures of a key are looked into: each costs up to a millisecond, and strangers may
/// send keys.
const MAX_SIGNATURES: usize = 32;

/// The bytes that are hashed and sent of an RSA modulus of 2048 bits; shorter ones can be factored
/// by those who have the means.
const LEAST_RSA: usize = 256;

/// The public key of somebody, in which one part encrypts.
pub struct PgpKey {
    fingerprint: String,
    part: Part,
}

enum Part {
    Primary(PublicKey),
    Subkey(PublicSubkey),
}

impl PgpKey {
    /// Reads a key as `gpg --export` writes it, in base64, and finds what of it encrypts now.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no public key of version 4, has expired or was revoked, or has no
    /// valid part that encrypts.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Error> {
        if text.len() > MAX_TEXT {
            return Err(Error::Invalid(format!(
                "error decoding given PGP key: it is longer than {MAX_TEXT} characters; export it \
                 with \"--export-options export-minimal\""
            )));
        }
        let bytes = encoding::decode(text)
            .map_err(|error| Error::Invalid(format!("error decoding given PGP key: {error}")))?;
        // EXPOSE: a public key.
        let mut found = SignedPublicKey::from_bytes_many(&bytes.expose()[..])
            .map_err(|_| unreadable("it is no OpenPGP public key"))?;
        let Some(Ok(key)) = found.next() else {
            return Err(unreadable("it is no OpenPGP public key"));
        };
        if found.next().is_some() {
            return Err(unreadable("it is followed by another key"));
        }
        if key.version() != KeyVersion::V4 {
            return Err(unreadable("only keys of version 4 are supported"));
        }
        let fingerprint = format!("{:x}", key.fingerprint());
        let examined = Examination {
            key: &key,
            now: now.unix_seconds(),
            left: MAX_SIGNATURES,
        };
        let part = examined.part().map_err(|why| {
            Error::Invalid(format!("cannot encrypt to PGP key {fingerprint}: {why}"))
        })?;
        let key = Self { fingerprint, part };
        key.sealed(&[]).map_err(|_| {
            let fingerprint = &key.fingerprint;
            Error::Invalid(format!(
                "cannot encrypt to PGP key {fingerprint}: its algorithm is not supported"
            ))
        })?;
        Ok(key)
    }

    /// Does what [`parse`](Self::parse) does, off the threads that serve requests: numbers of some
    /// thousand bits are reckoned with, which anybody may send.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub async fn read(text: String, now: Timestamp) -> Result<Self, Error> {
        off_thread(move || Self::parse(&text, now)).await
    }

    /// Returns the fingerprint of the whole key, in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Encrypts to the key: a message (RFC 9580 section 10.3) that says for which key it is, and
    /// that its reader notices to be whole (section 5.13.1).
    ///
    /// What the library copies of the plaintext on the way is not wiped.
    ///
    /// # Errors
    /// [`Error::Internal`]; the key itself was proved to work.
    pub fn encrypt(&self, plaintext: &SecretBytes) -> Result<Vec<u8>, Error> {
        // EXPOSE: encrypted.
        self.sealed(plaintext.expose()).map_err(Error::internal)
    }

    fn sealed(&self, plaintext: &[u8]) -> pgp::errors::Result<Vec<u8>> {
        let message = MessageBuilder::from_reader("", plaintext);
        // What every reader knows; keys say whether they read the newer form.
        let mut message = message.seipd_v1(Entropy, SymmetricKeyAlgorithm::AES256);
        match &self.part {
            Part::Primary(key) => message.encrypt_to_key(Entropy, key).map(drop)?,
            Part::Subkey(key) => message.encrypt_to_key(Entropy, key).map(drop)?,
        }
        message.to_vec(Entropy)
    }
}

impl fmt::Debug for PgpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PgpKey").field(&self.fingerprint).finish()
    }
}

fn unreadable(why: &str) -> Error {
    Error::Invalid(format!("error parsing given PGP key: {why}"))
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Error::panicked())?
}

/// A look into a key at one moment.
struct Examination<'a> {
    key: &'a SignedPublicKey,
    /// Seconds since 1970.
    now: u64,
    left: usize,
}

/// What a signature is over, beside the primary key.
#[derive(Clone, Copy)]
enum Over<'a> {
    Nothing,
    Subkey(&'a PublicSubkey),
    User(&'a UserId),
}

type Why = &'static str;

impl<'a> Examination<'a> {
    /// Finds the part that encrypts: of several the newest, as others do.
    fn part(mut self) -> Result<Part, Why> {
        let key = self.key;
        let revocations = key.details.revocation_signatures.iter();
        if self.any(revocations.map(|signature| (signature, Over::Nothing)))? {
            return Err("it was revoked");
        }
        let direct = key.details.direct_signatures.iter();
        let direct = direct
            .filter(|signature| signature.typ() == Some(SignatureType::Key))
            .map(|signature| (signature, Over::Nothing));
        let users = key.details.users.iter().flat_map(|user| {
            let certifications = user.signatures.iter();
            certifications
                .filter(|signature| signature.typ() != Some(SignatureType::CertRevocation))
                .map(|signature| (signature, Over::User(&user.id)))
        });
        let own = self.newest(direct.chain(users).collect())?;
        let own = own.ok_or("it has no valid signature of its own")?;
        if self.is_over(key.created_at().as_secs(), own.key_expiration_time()) {
            return Err("it has expired");
        }
        let mut subkeys: Vec<&SignedPublicSubKey> = key.public_subkeys.iter().collect();
        subkeys.sort_by_key(|subkey| Reverse(subkey.key.created_at().as_secs()));
        for subkey in subkeys {
            if self.encrypts(subkey)? {
                return strong(subkey.key.public_params())
                    .map(|()| Part::Subkey(subkey.key.clone()));
            }
        }
        if key.algorithm().can_encrypt() && is_to_encrypt(own) {
            return strong(key.public_params()).map(|()| Part::Primary(key.primary_key.clone()));
        }
        Err("it has no valid part that encrypts")
    }

    /// Tells whether a subkey belongs to the key, is made to encrypt, and does so now.
    fn encrypts(&mut self, subkey: &'a SignedPublicSubKey) -> Result<bool, Why> {
        if !subkey.key.algorithm().can_encrypt() {
            return Ok(false);
        }
        let signatures = subkey.signatures.iter();
        let (revocations, bindings): (Vec<_>, Vec<_>) = signatures
            .map(|signature| (signature, Over::Subkey(&subkey.key)))
            .partition(|(signature, _)| signature.typ() == Some(SignatureType::SubkeyRevocation));
        if self.any(revocations.into_iter())? {
            return Ok(false);
        }
        let Some(binding) = self.newest(bindings)? else {
            return Ok(false);
        };
        let created = subkey.key.created_at().as_secs();
        Ok(is_to_encrypt(binding) && !self.is_over(created, binding.key_expiration_time()))
    }

    fn any(
        &mut self,
        mut signatures: impl Iterator<Item = (&'a Signature, Over<'a>)>,
    ) -> Result<bool, Why> {
        signatures.try_fold(false, |found, (signature, over)| {
            Ok(found || self.is_valid(signature, over)?)
        })
    }

    /// Returns the newest signature that is valid: it says what holds of the key.
    fn newest(
        &mut self,
        mut signatures: Vec<(&'a Signature, Over<'a>)>,
    ) -> Result<Option<&'a Signature>, Why> {
        signatures.sort_by_key(|(signature, _)| Reverse(made(signature)));
        for (signature, over) in signatures {
            if self.is_valid(signature, over)? {
                return Ok(Some(signature));
            }
        }
        Ok(None)
    }

    /// Tells whether the key itself made a signature, and it counts now.
    fn is_valid(&mut self, signature: &Signature, over: Over<'_>) -> Result<bool, Why> {
        let primary = &self.key.primary_key;
        let issuers = signature.issuer_key_id();
        let is_own = issuers.is_empty() || issuers.contains(&&primary.legacy_key_id());
        let ends = signature.signature_expiration_time();
        // SHA-1 is weak against somebody who chooses both of two texts; here the key's holder does,
        // and keys from before 2014 have no other.
        let is_hashed_well = matches!(
            signature.hash_alg(),
            Some(
                HashAlgorithm::Sha1
                    | HashAlgorithm::Sha224
                    | HashAlgorithm::Sha256
                    | HashAlgorithm::Sha384
                    | HashAlgorithm::Sha512
                    | HashAlgorithm::Sha3_256
                    | HashAlgorithm::Sha3_512
            )
        );
        if !is_own || !is_hashed_well || self.is_over(made(signature), ends) {
            return Ok(false);
        }
        let left = self.left.checked_sub(1);
        self.left = left.ok_or("it carries too many signatures of its own")?;
        let verified = match over {
            Over::Nothing => signature.verify_key(primary),
            Over::Subkey(subkey) => signature.verify_subkey_binding(primary, subkey),
            Over::User(id) => signature.verify_certification(primary, Tag::UserId, id),
        };
        Ok(verified.is_ok())
    }

    /// Tells whether something made then, which lasts so long, is over; 0 is for ever.
    fn is_over(&self, made: u32, lasts: Option<Duration>) -> bool {
        let lasts = lasts.map_or(0, Duration::as_secs);
        lasts > 0 && u64::from(made) + u64::from(lasts) <= self.now
    }
}

/// Returns when a signature was made, in seconds since 1970.
fn made(signature: &Signature) -> u32 {
    signature.created().map_or(0, |made| made.as_secs())
}

/// Tells whether a signature says that a key is there to encrypt; old ones leave that to the
/// algorithm.
fn is_to_encrypt(signature: &Signature) -> bool {
    let says = signature.config().is_some_and(|config| {
        let mut told = config.hashed_subpackets();
        told.any(|told| matches!(told.data, SubpacketData::KeyFlags(_)))
    });
    let flags = signature.key_flags();
    !says || flags.encrypt_comms() || flags.encrypt_storage()
}

fn strong(params: &PublicParams) -> Result<(), Why> {
    match params {
        PublicParams::RSA(key) if key.write_len() < LEAST_RSA => {
            Err("RSA keys must have at least 2048 bits")
        }
        _ => Ok(()),
    }
}

/// The house's entropy, as the library asks for it.
struct Entropy;

impl RngCore for Entropy {
    fn next_u32(&mut self) -> u32 {
        rand_core_06::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core_06::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        // EXPOSE: session keys and padding, which the library takes by this buffer.
        out.copy_from_slice(random::generate_bytes(out.len()).expose());
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Entropy {}
