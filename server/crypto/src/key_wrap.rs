//! AES Key Wrap with Padding (RFC 5649): how keys of any length travel under another key.
//!
//! ```text
//! wrapped = W(KEK, A65959A6 ‖ length u32 BE ‖ key ‖ zeros to a multiple of 8)
//! ```
//! The key-encryption key has 16, 24 or 32 bytes. It comes from a caller who may be wrong, so its
//! length is checked here.

use aes_kw::cipher::consts::U16;
use aes_kw::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes_kw::{AesKwp, IV_LEN, KeyInit, KwpAes128, KwpAes192, KwpAes256};

use crate::{Error, Secret, SecretBytes};

/// Wraps `key` under the key-encryption key `kek`.
///
/// # Errors
/// [`Error::Invalid`] when `kek` has not 16, 24 or 32 bytes, or `key` is empty or over 4 GiB.
pub fn wrap(kek: &SecretBytes, key: &SecretBytes) -> Result<Vec<u8>, Error> {
    // EXPOSE: both are read by the cipher alone.
    let (kek, key) = (kek.expose(), key.expose());
    match kek.len() {
        16 => wrap_with(&prepare::<KwpAes128>(kek)?, key),
        24 => wrap_with(&prepare::<KwpAes192>(kek)?, key),
        32 => wrap_with(&prepare::<KwpAes256>(kek)?, key),
        _ => Err(wrong_kek()),
    }
}

/// Unwraps what [`wrap`] made.
///
/// # Errors
/// [`Error::Invalid`] when `kek` has not 16, 24 or 32 bytes; [`Error::Decryption`] when `wrapped`
/// was not made under it, of whatever length.
pub fn unwrap(kek: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, Error> {
    // EXPOSE: read by the cipher alone.
    let kek = kek.expose();
    match kek.len() {
        16 => unwrap_with(&prepare::<KwpAes128>(kek)?, wrapped),
        24 => unwrap_with(&prepare::<KwpAes192>(kek)?, wrapped),
        32 => unwrap_with(&prepare::<KwpAes256>(kek)?, wrapped),
        _ => Err(wrong_kek()),
    }
}

fn prepare<C: KeyInit>(kek: &[u8]) -> Result<C, Error> {
    C::new_from_slice(kek).map_err(|_| wrong_kek())
}

fn wrong_kek() -> Error {
    Error::invalid("a key-encryption key has 16, 24 or 32 bytes")
}

fn wrap_with<C>(cipher: &AesKwp<C>, key: &[u8]) -> Result<Vec<u8>, Error>
where
    C: BlockCipherEncrypt<BlockSize = U16>,
{
    if key.is_empty() {
        return Err(Error::invalid("a key to wrap cannot be empty"));
    }
    let mut wrapped = vec![0; IV_LEN + key.len().next_multiple_of(IV_LEN)];
    cipher
        .wrap_key(key, &mut wrapped)
        .map_err(|_| Error::invalid("a key to wrap cannot be over 4 GiB"))?;
    Ok(wrapped)
}

fn unwrap_with<C>(cipher: &AesKwp<C>, wrapped: &[u8]) -> Result<SecretBytes, Error>
where
    C: BlockCipherDecrypt<BlockSize = U16>,
{
    // The shortest has the prefix and one block: RFC 5649 wraps no empty key.
    if wrapped.len() < 2 * IV_LEN {
        return Err(Error::Decryption);
    }
    let mut key = Secret::new(vec![0; wrapped.len() - IV_LEN]);
    // EXPOSE: to unwrap into the buffer that is wiped.
    let out = key.expose_mut();
    let len = cipher
        .unwrap_key(wrapped, out)
        .map_err(|_| Error::Decryption)?
        .len();
    out.truncate(len);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_returns() {
        for kek in [16, 24, 32].map(crate::random::generate_bytes) {
            for len in 1..70 {
                let key = crate::random::generate_bytes(len);
                assert_eq!(unwrap(&kek, &wrap(&kek, &key).unwrap()), Ok(key));
            }
        }
    }

    #[test]
    fn bad_sizes_are_refused() {
        let (kek, key) = (SecretBytes::new(vec![0; 32]), SecretBytes::new(vec![0; 17]));
        assert!(matches!(wrap(&key, &kek), Err(Error::Invalid(_))));
        assert!(matches!(unwrap(&key, &[0; 24]), Err(Error::Invalid(_))));
        assert!(matches!(
            wrap(&kek, &SecretBytes::new(Vec::new())),
            Err(Error::Invalid(_))
        ));
        for len in [0, 1, 8, 15, 16, 17, 24, 64] {
            assert_eq!(unwrap(&kek, &vec![0; len]), Err(Error::Decryption), "{len}");
        }
    }
}
