//! The only door to entropy.
//!
//! Keys, tokens and shares take their bytes from the operating system (in a browser: WebCrypto).
//! Nonces, which are public, come from a generator in this process that the system reseeds: a
//! system call for each would cost more than the encryption it serves.

use zeroize::Zeroizing;

use crate::{Secret, SecretBytes, SecretString};

/// Digits, upper case, lower case: what token bodies are made of.
const BASE62: [char; 62] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I',
    'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b',
    'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u',
    'v', 'w', 'x', 'y', 'z',
];

/// Generates `len` secret bytes.
///
/// # Panics
/// If the operating system has no entropy to give: going on would make guessable keys.
pub fn generate_bytes(len: usize) -> SecretBytes {
    let mut bytes = Secret::new(vec![0; len]);
    // EXPOSE: to fill the buffer where it stays.
    fill(bytes.expose_mut());
    bytes
}

/// Generates a key of `N` bytes.
///
/// # Panics
/// As [`generate_bytes`].
pub fn generate_key<const N: usize>() -> Secret<[u8; N]> {
    let mut key = Secret::new([0; N]);
    // EXPOSE: to fill the buffer where it stays.
    fill(key.expose_mut());
    key
}

/// Generates a public value that must not repeat: a nonce, a salt.
///
/// # Panics
/// As [`generate_bytes`].
pub fn generate_nonce<const N: usize>() -> [u8; N] {
    let mut nonce = [0; N];
    fill_nonce(&mut nonce);
    nonce
}

/// Generates `len` characters of `0-9A-Za-z`, each equally likely: 5.95 bits a character.
///
/// # Panics
/// As [`generate_bytes`].
pub fn generate_text(len: usize) -> SecretString {
    generate_text_of(&BASE62, len)
}

/// Generates `len` characters of an alphabet, each of its places equally likely; nothing where the
/// alphabet is empty.
///
/// # Panics
/// As [`generate_bytes`].
pub fn generate_text_of(alphabet: &[char], len: usize) -> SecretString {
    let widest = alphabet.iter().map(|character| character.len_utf8()).max();
    let mut text = Secret::new(String::with_capacity(len * widest.unwrap_or_default()));
    let Some(places) = u32::try_from(alphabet.len())
        .ok()
        .filter(|&places| places > 0)
    else {
        return text;
    };
    // EXPOSE: to fill the buffer, which is reserved and does not grow.
    let out = text.expose_mut();
    let mut missing = len;
    let mut pool = Zeroizing::new([0; 256]);
    // Numbers from here on are thrown away rather than folded, since folding would make some
    // characters likelier than the rest.
    let fair = u32::MAX - u32::MAX % places;
    while missing > 0 {
        fill(&mut *pool);
        let (draws, _) = pool.as_chunks();
        let numbers = draws.iter().map(|draw| u32::from_le_bytes(*draw));
        for number in numbers.filter(|&number| number < fair).take(missing) {
            out.push(alphabet[(number % places) as usize]);
            missing -= 1;
        }
    }
    text
}

/// Fills `nonce` as [`generate_nonce`] does, where it will be used.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn fill_nonce(nonce: &mut [u8]) {
    use rand::Rng as _;
    rand::rng().fill_bytes(nonce);
}

/// Fills `nonce` as [`generate_nonce`] does, where it will be used.
#[cfg(target_arch = "wasm32")]
pub(crate) fn fill_nonce(nonce: &mut [u8]) {
    fill(nonce);
}

fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the system must give entropy: without it no key is safe");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn text_has_the_asked_length_and_only_base62() {
        for len in [0, 1, 24, 63, 64, 65, 1000] {
            let text = generate_text(len);
            assert_eq!(text.expose().len(), len);
            assert!(
                text.expose()
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric())
            );
        }
    }

    #[test]
    fn text_uses_every_character_about_equally() {
        let text = generate_text(62_000);
        let mut counts = [0u32; 256];
        for byte in text.expose().bytes() {
            counts[usize::from(byte)] += 1;
        }
        for character in BASE62 {
            // 1000 expected, standard deviation 31: ten of them is no accident.
            let count = counts[character as usize];
            assert!((690..1310).contains(&count), "{character}: {count}");
        }
    }

    #[test]
    fn an_alphabet_is_used_evenly_whatever_its_size_and_its_characters() {
        for alphabet in ["x", "ab", "abc", "äöü€𝄞"] {
            let alphabet: Vec<char> = alphabet.chars().collect();
            let text = generate_text_of(&alphabet, 1000 * alphabet.len());
            assert_eq!(text.expose().chars().count(), 1000 * alphabet.len());
            for &character in &alphabet {
                let count = text.expose().chars().filter(|&it| it == character).count();
                assert!((690..1310).contains(&count), "{character}: {count}");
            }
        }
        assert_eq!(generate_text_of(&[], 9).expose(), "");
    }

    #[test]
    fn nothing_repeats() {
        let nonces: HashSet<[u8; 12]> = (0..10_000).map(|_| generate_nonce()).collect();
        assert_eq!(nonces.len(), 10_000);
        assert_ne!(generate_bytes(32), generate_bytes(32));
        assert_ne!(generate_key::<32>(), generate_key::<32>());
    }
}
