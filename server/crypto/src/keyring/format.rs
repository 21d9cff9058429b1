//! Encryption that keeps the format: a text of an alphabet becomes another one of it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::Keyring;
use super::rules::{self, Purpose};
use crate::ciphertext::Kind;
use crate::key_type::FormatCipher;
use crate::{Error, Secret, SecretString};

/// The digits of a text, each below the number of symbols in its alphabet.
pub type SecretNumerals = Secret<Vec<u16>>;

/// How a name begins that stands for an alphabet. No alphabet begins so: a symbol is in it twice.
const BUILTIN: &str = "builtin/";

const DIGITS: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The alphabets that Vault's transform engine has names for, and what they are put together of.
const ALPHABETS: [(&str, &[&str]); 6] = [
    ("builtin/alphalower", &[LOWER]),
    ("builtin/alphanumeric", &[DIGITS, LOWER, UPPER]),
    ("builtin/alphanumericlower", &[DIGITS, LOWER]),
    ("builtin/alphanumericupper", &[DIGITS, UPPER]),
    ("builtin/alphaupper", &[UPPER]),
    ("builtin/numeric", &[DIGITS]),
];

/// The symbols that texts are made of, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    symbols: Vec<char>,
    numerals: BTreeMap<char, u16>,
}

impl Alphabet {
    /// The names of the alphabets that need no definition, in byte order.
    pub fn builtin() -> impl Iterator<Item = &'static str> {
        ALPHABETS.iter().map(|&(name, _)| name)
    }

    fn numeral(&self, symbol: char) -> Option<u16> {
        self.numerals.get(&symbol).copied()
    }

    /// How many symbols there are.
    fn radix(&self) -> u32 {
        self.symbols.len() as u32
    }
}

impl FromStr for Alphabet {
    type Err = Error;

    /// Reads an alphabet by a name that Vault's transform engine has for it, or symbol by symbol.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: &[&str] = match ALPHABETS.iter().find(|(name, _)| *name == text) {
            Some((_, parts)) => parts,
            None if text.starts_with(BUILTIN) => {
                return Err(Error::invalid(format!("unknown alphabet {text:?}")));
            }
            None => &[text],
        };
        let symbols: Vec<char> = parts.iter().flat_map(|part| part.chars()).collect();
        if !(2..=1 << 16).contains(&symbols.len()) {
            return Err(Error::invalid(
                "an alphabet has 2 to 65536 symbols, or is named builtin/…",
            ));
        }
        let numerals: BTreeMap<char, u16> = symbols
            .iter()
            .zip(0..=u16::MAX)
            .map(|(&symbol, numeral)| (symbol, numeral))
            .collect();
        if numerals.len() < symbols.len() {
            return Err(Error::invalid("a symbol stands twice in the alphabet"));
        }
        Ok(Self { symbols, numerals })
    }
}

impl fmt::Display for Alphabet {
    /// Writes it symbol by symbol.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.symbols
            .iter()
            .try_for_each(|symbol| write!(f, "{symbol}"))
    }
}

/// Which part of a text is encrypted; the rest stays where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part<'a> {
    /// All of it: a symbol that is not in the alphabet is refused.
    #[default]
    All,
    /// The symbols of the alphabet.
    Symbols,
    /// What lies in one of these ranges of bytes: there, what is not in the alphabet is refused.
    Within(&'a [Range<usize>]),
}

/// What texts are made of, and what else their encryption is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Format<'a> {
    /// The symbols.
    pub alphabet: &'a Alphabet,
    /// Which part of a text is encrypted.
    pub part: Part<'a>,
    /// What is bound to the text: equal texts become different ones under different tweaks.
    pub tweak: &'a [u8],
}

impl Format<'_> {
    /// The numeral of the symbol at a byte of a text; none if it stays.
    fn numeral(&self, at: usize, symbol: char) -> Result<Option<u16>, Error> {
        let numeral = self.alphabet.numeral(symbol);
        let is_part = match self.part {
            Part::All => true,
            Part::Symbols => numeral.is_some(),
            Part::Within(ranges) => ranges.iter().any(|range| range.contains(&at)),
        };
        if !is_part {
            return Ok(None);
        }
        let refused = || Error::invalid("the value has a symbol that is not in the alphabet");
        numeral.map(Some).ok_or_else(refused)
    }
}

impl Keyring {
    /// Encrypts a text with the latest version, or with another that may still encrypt, and keeps
    /// its format. The version that did it is returned too: the text cannot tell.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the type does not, [`Error::Invalid`] for a version that may not
    /// encrypt, or a text that is not of the format, too short or too long.
    pub fn encipher(
        &self,
        text: &SecretString,
        format: &Format<'_>,
        version: Option<u32>,
    ) -> Result<(SecretString, u32), Error> {
        self.check_format()?;
        let (number, version) = self.version_for(Purpose::Encryption, version)?;
        let cipher = version.format()?;
        let text = convert(text, format, |numerals, radix| {
            cipher.encipher(numerals, radix, format.tweak)
        })?;
        Ok((text, number))
    }

    /// Decrypts a text with the version that encrypted it.
    ///
    /// # Errors
    /// As [`Self::encipher`]. A wrong version or tweak, or a changed text, is not noticed: the
    /// outcome is then another text.
    pub fn decipher(
        &self,
        text: &SecretString,
        format: &Format<'_>,
        version: u32,
    ) -> Result<SecretString, Error> {
        self.check_format()?;
        let too_new = || Kind::Ciphertext.too_new();
        let version = self.version_named(version.into(), too_new, rules::too_old)?;
        let cipher: &dyn FormatCipher = version.format()?;
        convert(text, format, |numerals, radix| {
            cipher.decipher(numerals, radix, format.tweak)
        })
    }

    /// Refuses a type that does not keep the format.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub fn check_format(&self) -> Result<(), Error> {
        if self.key_type.format().is_some() {
            return Ok(());
        }
        let name = self.key_type.name();
        Err(Error::unsupported(format!(
            "key type {name} does not keep the format of what it encrypts"
        )))
    }
}

/// Takes the symbols out of a text, and puts back what `operation` makes of their numerals.
fn convert(
    text: &SecretString,
    format: &Format<'_>,
    operation: impl FnOnce(&SecretNumerals, u32) -> Result<SecretNumerals, Error>,
) -> Result<SecretString, Error> {
    let alphabet = format.alphabet;
    // EXPOSE: taken apart into numerals, which are wiped too.
    let text = text.expose();
    // Reserved whole: a buffer that grew would leave copies behind.
    let mut numerals = Secret::new(Vec::with_capacity(text.len()));
    for (at, symbol) in text.char_indices() {
        if let Some(numeral) = format.numeral(at, symbol)? {
            // EXPOSE: as above.
            numerals.expose_mut().push(numeral);
        }
    }
    let made = operation(&numerals, alphabet.radix())?;
    // EXPOSE: put together into a text that is wiped too.
    let mut made = made.expose().iter();
    // A symbol has four bytes at most.
    let mut out = Secret::new(String::with_capacity(text.len() * 4));
    for (at, symbol) in text.char_indices() {
        let symbol = match format.numeral(at, symbol)? {
            Some(_) => made
                .next()
                .and_then(|&numeral| alphabet.symbols.get(usize::from(numeral)).copied())
                .ok_or_else(|| Error::internal("a text lost a symbol"))?,
            None => symbol,
        };
        // EXPOSE: as above.
        out.expose_mut().push(symbol);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Derivation, Timestamp};
    use super::*;
    use crate::{SecretBytes, key_type};

    const NOW: Timestamp = Timestamp::from_unix_nanos(0);

    fn alphabet(text: &str) -> Alphabet {
        text.parse().unwrap()
    }

    fn plain<'a>(alphabet: &'a Alphabet, tweak: &'a [u8]) -> Format<'a> {
        Format {
            alphabet,
            part: Part::All,
            tweak,
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    fn keyring() -> Keyring {
        Keyring::generate(key_type("ff1").unwrap(), Derivation::None, NOW).unwrap()
    }

    /// NIST, FF1 samples 7 to 9: those with AES-256.
    #[test]
    fn the_samples_of_nist_come_out() {
        let key = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";
        for (symbols, tweak, text, expected) in [
            ("builtin/numeric", "", "0123456789", "6657667009"),
            (
                "builtin/numeric",
                "39383736353433323130",
                "0123456789",
                "1001623463",
            ),
            (
                "builtin/alphanumericlower",
                "3737373770717273373737",
                "0123456789abcdefghi",
                "xs8a0azh2avyalyzuwd",
            ),
        ] {
            let material = SecretBytes::new(hex(key));
            let key_type = key_type("fpe").unwrap();
            let keyring = Keyring::import(key_type, Derivation::None, material, NOW).unwrap();
            let (alphabet, tweak) = (alphabet(symbols), hex(tweak));
            let format = plain(&alphabet, &tweak);
            let made = keyring.encipher(&text.into(), &format, None).unwrap();
            assert_eq!(made, (expected.into(), 1));
            assert_eq!(keyring.decipher(&made.0, &format, 1), Ok(text.into()));
        }
    }

    #[test]
    fn what_is_not_in_the_alphabet_stays_if_asked_and_is_refused_otherwise() {
        let keyring = keyring();
        let digits = alphabet("builtin/numeric");
        let card = SecretString::from("4111-1111-1111-1111");
        let strict = plain(&digits, b"");
        assert!(matches!(
            keyring.encipher(&card, &strict, None),
            Err(Error::Invalid(_))
        ));
        let kept = Format {
            part: Part::Symbols,
            ..strict
        };
        let (made, _) = keyring.encipher(&card, &kept, None).unwrap();
        let dashes: Vec<_> = made.expose().match_indices('-').map(|(at, _)| at).collect();
        assert_eq!((made.expose().len(), dashes), (19, vec![4, 9, 14]));
        assert_ne!(made, card);
        assert_eq!(keyring.decipher(&made, &kept, 1), Ok(card));
    }

    #[test]
    fn what_lies_outside_the_ranges_stays_even_if_it_is_in_the_alphabet() {
        let keyring = keyring();
        let digits = alphabet("builtin/numeric");
        let format = Format {
            part: Part::Within(&[5..9, 10..14]),
            ..plain(&digits, b"")
        };
        let card = SecretString::from("€1-1111-1111-1111");
        let shifted = Format {
            part: Part::Within(&[4..8, 9..13]),
            ..format
        };
        let refused = keyring.encipher(&card, &shifted, None);
        assert!(
            matches!(refused, Err(Error::Invalid(_))),
            "a dash is no digit"
        );

        let (made, _) = keyring.encipher(&card, &format, None).unwrap();
        let [card_text, made_text] = [&card, &made].map(|text| text.expose().as_str());
        for outside in [0..5, 9..10, 14..19] {
            assert_eq!(made_text[outside.clone()], card_text[outside]);
        }
        assert_ne!(made, card);
        assert_eq!(keyring.decipher(&made, &format, 1), Ok(card));
    }

    #[test]
    fn a_domain_under_a_million_is_refused() {
        let keyring = keyring();
        for (symbols, least) in [
            ("01", 20),
            ("builtin/numeric", 6),
            ("builtin/alphanumeric", 4),
        ] {
            let alphabet = alphabet(symbols);
            let format = plain(&alphabet, b"");
            let text = |len| SecretString::new("0".repeat(len));
            assert!(keyring.encipher(&text(least), &format, None).is_ok());
            for wrong in [0, least - 1, 1025] {
                let refused = keyring.encipher(&text(wrong), &format, None);
                assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong}");
                assert!(keyring.decipher(&text(wrong), &format, 1).is_err());
            }
        }
    }

    #[test]
    fn an_alphabet_has_each_symbol_once() {
        for bad in ["", "a", "aba", "builtin/", "builtin/none"] {
            assert!(bad.parse::<Alphabet>().is_err(), "{bad:?}");
        }
        assert_eq!(alphabet("äö€").radix(), 3);
        for name in Alphabet::builtin() {
            let named = alphabet(name);
            assert_eq!(alphabet(&named.to_string()), named, "{name}");
        }
    }

    #[test]
    fn another_version_or_tweak_makes_another_text() {
        let mut keyring = keyring();
        let digits = alphabet("builtin/numeric");
        let text = SecretString::from("01234567890123456789");
        let (first, _) = keyring.encipher(&text, &plain(&digits, b""), None).unwrap();
        let (tweaked, _) = keyring
            .encipher(&text, &plain(&digits, b"t"), None)
            .unwrap();
        keyring.rotate(NOW).unwrap();
        let (second, version) = keyring.encipher(&text, &plain(&digits, b""), None).unwrap();
        assert_eq!(version, 2);
        assert!(first != tweaked && first != second);
        assert_eq!(keyring.decipher(&first, &plain(&digits, b""), 1), Ok(text));
        for none in [0, 3] {
            assert!(
                keyring
                    .decipher(&first, &plain(&digits, b""), none)
                    .is_err()
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_enciphered_deciphers(text in "[0-9a-zA-Z]{4,60}", tweak: Vec<u8>) {
            let tweak = &tweak[..tweak.len().min(256)];
            let keyring = keyring();
            let alphabet = alphabet("builtin/alphanumeric");
            let format = plain(&alphabet, tweak);
            let text = SecretString::new(text);
            let (made, _) = keyring.encipher(&text, &format, None).unwrap();
            prop_assert_eq!(made.expose().len(), text.expose().len());
            prop_assert_eq!(keyring.decipher(&made, &format, 1), Ok(text));
        }
    }
}
