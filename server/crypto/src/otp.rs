//! One-time passwords: HOTP (RFC 4226), which the time makes TOTP (RFC 6238).

use crate::{HashAlgorithm, MacKey, SecretBytes, SecretString};

/// The letters of Base32 (RFC 4648 section 6).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Makes the password of a counter (RFC 4226 section 5.3), of `digits` decimal digits; more than
/// nine are nine, as 31 bits have no more.
///
/// With time divided by the period as the counter this is TOTP (RFC 6238 section 4.2). Compare it
/// as the secret that it is: in constant time.
///
/// # Panics
/// `algorithm` makes less than 19 bytes: MD5 and the like, which no hash here does.
pub fn hotp(key: &MacKey, algorithm: HashAlgorithm, counter: u64, digits: u32) -> SecretString {
    let tag = key.compute(algorithm, &counter.to_be_bytes());
    let tag = tag.as_ref();
    // The lowest four bits of the last byte say where the password begins: RFC 6238's longer hashes
    // keep to them.
    let begin = usize::from(tag[tag.len() - 1] & 0xf);
    let word = tag[begin..begin + 4]
        .iter()
        .fold(0, |word: u32, byte| word << 8 | u32::from(*byte));
    let digits = digits.min(9);
    let number = (word & 0x7fff_ffff) % 10_u32.pow(digits);
    let width = digits as usize;
    SecretString::new(format!("{number:0width$}"))
}

/// Writes a key as authenticators take it: in Base32 (RFC 4648 section 6) without padding.
pub fn key_text(key: &SecretBytes) -> SecretString {
    // EXPOSE: written down in another form, in a text of its whole length, so that none grows.
    let bytes = key.expose();
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let group = u64::from_be_bytes(group);
        let letters = (chunk.len() * 8).div_ceil(5);
        for place in 0..letters {
            let index = group >> (35 - 5 * place) & 31;
            text.push(char::from(BASE32[index as usize]));
        }
    }
    SecretString::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(key: &[u8], algorithm: HashAlgorithm, counter: u64, digits: u32) -> String {
        let key = MacKey::new(SecretBytes::from(key));
        hotp(&key, algorithm, counter, digits).expose().clone()
    }

    /// RFC 4226 appendix D.
    #[test]
    fn the_passwords_of_rfc_4226_come_out() {
        let wanted = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, wanted) in (0..).zip(wanted) {
            let made = password(b"12345678901234567890", HashAlgorithm::Sha1, counter, 6);
            assert_eq!(made, wanted);
        }
    }

    /// RFC 6238 appendix B; its keys are as long as the hash (erratum 2866).
    #[test]
    fn the_passwords_of_rfc_6238_come_out() {
        let key = b"1234567890".repeat(7);
        let hashes = [
            (HashAlgorithm::Sha1, 20),
            (HashAlgorithm::Sha2_256, 32),
            (HashAlgorithm::Sha2_512, 64),
        ];
        let table = [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ];
        for (time, wanted) in table {
            for ((algorithm, length), wanted) in hashes.into_iter().zip(wanted) {
                let made = password(&key[..length], algorithm, time / 30, 8);
                assert_eq!(made, wanted, "{algorithm:?} at {time}");
            }
        }
    }

    /// RFC 4648 section 10, without its padding.
    #[test]
    fn a_key_is_written_in_base32() {
        for (key, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(key_text(&SecretBytes::from(key.as_bytes())).expose(), text);
        }
        let high = SecretBytes::from(&[0xff; 5][..]);
        assert_eq!(key_text(&high).expose(), "77777777");
    }
}
