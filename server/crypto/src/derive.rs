//! Key derivation: HKDF (RFC 5869) over any hash.

use hkdf::GenericHkdf;

use crate::hash::with_hash;
use crate::{Error, HashAlgorithm, Secret, SecretBytes};

/// Derives `len` bytes from `key`: HKDF-Extract with `salt` (empty is no salt), then HKDF-Expand
/// with `info`.
///
/// # Errors
/// [`Error::Invalid`] when `len` is over 255 digests, the limit of RFC 5869 section 2.3.
pub fn hkdf(
    algorithm: HashAlgorithm,
    key: &SecretBytes,
    salt: &[u8],
    info: &[u8],
    len: usize,
) -> Result<SecretBytes, Error> {
    // Refused before the buffer is made, so that no caller can ask for one of any size.
    if len > 255 * algorithm.digest_len() {
        return Err(Error::invalid("derived key is too long"));
    }
    let mut derived = Secret::new(vec![0; len]);
    // EXPOSE: derivation reads one secret and fills another.
    let (key, out) = (key.expose(), derived.expose_mut());
    with_hash!(algorithm, |H, M| GenericHkdf::<M>::new(Some(salt), key)
        .expand(info, out))
    .map_err(|_| Error::internal("HKDF refused a length that was checked"))?;
    Ok(derived)
}
