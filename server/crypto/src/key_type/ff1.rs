//! FF1 with AES-256 (NIST SP 800-38G revision 1): encryption that keeps the format.
//!
//! ```text
//! material = AES key (32)
//! ```
//! A text of `n` symbols of an alphabet becomes another of as many, and the same text under the same
//! tweak always becomes the same. Nothing is authenticated, so this is no [`Cipher`](super::Cipher):
//! what was changed decodes to something else.

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};

use super::{FormatCipher, FormatType, KeyType};
use crate::{Error, SecretBytes, SecretNumerals, random};

const KEY_LEN: usize = 32;
/// The most symbols of a text. The numbers inside grow with it, and the time with their square.
const MOST: usize = 1024;
/// The longest tweak.
const TWEAK_MOST: usize = 256;

#[derive(Debug)]
pub(super) struct Ff1;

impl KeyType for Ff1 {
    fn name(&self) -> &'static str {
        "ff1"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["fpe"]
    }

    fn generate(&self) -> Result<SecretBytes, Error> {
        Ok(random::generate_bytes(KEY_LEN))
    }

    fn format(&self) -> Option<&dyn FormatType> {
        Some(self)
    }
}

impl FormatType for Ff1 {
    fn prepare(&self, material: &SecretBytes) -> Result<Box<dyn FormatCipher>, Error> {
        // EXPOSE: only the length matters here.
        if material.expose().len() != KEY_LEN {
            return Err(Error::invalid("the key has the wrong length for its type"));
        }
        Ok(Box::new(Prepared(material.duplicate())))
    }
}

/// A key whose length is right. The radix belongs to the library's key, so that is made anew for
/// each text: the key schedule costs less than one of the ten rounds.
struct Prepared(SecretBytes);

impl Prepared {
    fn cipher(&self, tweak: &[u8], numerals: &[u16], radix: u32) -> Result<FF1<Aes256>, Error> {
        if tweak.len() > TWEAK_MOST {
            return Err(Error::invalid(format!(
                "the tweak is longer than {TWEAK_MOST} bytes"
            )));
        }
        let least = least(radix);
        if numerals.len() < least {
            // A smaller domain than 10^6 is searched too soon (section 5.1).
            return Err(Error::invalid(format!(
                "the value is too short: {least} symbols of this alphabet at least"
            )));
        }
        if numerals.len() > MOST {
            return Err(Error::invalid(format!(
                "the value is too long: {MOST} symbols at most"
            )));
        }
        // EXPOSE: the key is expanded by the cipher, which wipes what it made of it.
        FF1::new(self.0.expose(), radix)
            .map_err(|_| Error::invalid("the alphabet has too few or too many symbols"))
    }
}

impl FormatCipher for Prepared {
    fn encipher(
        &self,
        numerals: &SecretNumerals,
        radix: u32,
        tweak: &[u8],
    ) -> Result<SecretNumerals, Error> {
        // EXPOSE: enciphered at once.
        let plain = numerals.expose();
        let cipher = self.cipher(tweak, plain, radix)?;
        cipher
            .encrypt(tweak, &FlexibleNumeralString::from(plain.clone()))
            .map(|made| SecretNumerals::new(made.into()))
            .map_err(|_| Error::internal("FF1 refused a text that was checked"))
    }

    fn decipher(
        &self,
        numerals: &SecretNumerals,
        radix: u32,
        tweak: &[u8],
    ) -> Result<SecretNumerals, Error> {
        // EXPOSE: deciphered at once.
        let enciphered = numerals.expose();
        let cipher = self.cipher(tweak, enciphered, radix)?;
        cipher
            .decrypt(tweak, &FlexibleNumeralString::from(enciphered.clone()))
            .map(|made| SecretNumerals::new(made.into()))
            .map_err(|_| Error::internal("FF1 refused a text that was checked"))
    }
}

/// The fewest symbols whose texts are a million.
fn least(radix: u32) -> usize {
    let (mut least, mut texts) = (0, 1_u64);
    while texts < 1_000_000 {
        texts *= u64::from(radix.max(2));
        least += 1;
    }
    least.max(2)
}
