//! OpenPGP public keys of people, from the files that `gpg --export` writes.

use std::fs;

use keyward_crypto::encoding;

use crate::error::{Error, Outcome};

const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Reads the keys in some files, armored, binary or in base64, as a server takes them; none are
/// none.
pub(super) fn read_all(files: &[String]) -> Outcome<Option<Vec<String>>> {
    let keys = files.iter().map(|file| read(file));
    let keys = keys.collect::<Outcome<Vec<_>>>()?;
    Ok((!keys.is_empty()).then_some(keys))
}

/// Reads the key in a file.
pub(super) fn read(file: &str) -> Outcome<String> {
    let fault = |why: &str| Error::local(format!("Error reading the PGP key {file:?}: {why}"));
    if file.starts_with("keybase:") {
        return Err(fault(
            "keys are read from files alone; ask keybase.io for it, and give the file",
        ));
    }
    let bytes = fs::read(file).map_err(|error| fault(&error.to_string()))?;
    encoded(&bytes).map_err(fault)
}

fn encoded(bytes: &[u8]) -> Result<String, &'static str> {
    let text = str::from_utf8(bytes).map(str::trim);
    let encoded = match text {
        Ok(text) if text.starts_with("-----BEGIN") => body(text)?,
        Ok(text) if !text.is_empty() && encoding::decode(text).is_ok() => text.to_owned(),
        _ => encoding::encode(bytes),
    };
    let key = encoding::decode(&encoded).map_err(|_| "its armor is damaged")?;
    // EXPOSE: a public key, or one that is not sent.
    match key.expose().first().copied().map(tag) {
        Some(5 | 7) => Err("it holds the private key; export the public one with gpg --export"),
        Some(6) => Ok(encoded),
        _ => Err("it holds no OpenPGP public key"),
    }
}

/// Returns what stands between the armor (RFC 9580 section 6.2): base64, without its checksum.
fn body(text: &str) -> Result<String, &'static str> {
    let Some(armored) = text.strip_prefix(ARMOR) else {
        return Err("it holds no OpenPGP public key; export it with gpg --export");
    };
    // Headers end in an empty line.
    let mut lines = armored.lines().map(str::trim).skip(1);
    lines
        .find(|line| line.is_empty())
        .ok_or("its armor is damaged")?;
    Ok(lines
        .take_while(|line| !line.starts_with(['=', '-']))
        .collect())
}

/// Returns the type of a packet (RFC 9580 section 4.2) that begins with an octet.
const fn tag(octet: u8) -> u8 {
    match octet {
        0xc0.. => octet & 0x3f,
        0x80.. => (octet & 0x3f) >> 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../../../../tests/vectors/openpgp/curve25519.b64");

    fn bytes() -> Vec<u8> {
        // EXPOSE: a public key.
        encoding::decode(KEY).unwrap().expose().clone()
    }

    #[test]
    fn a_key_is_read_in_each_form_that_gpg_writes() {
        let plain = encoding::encode(&bytes());
        let armored =
            format!("{ARMOR}\nComment: x\n\n{KEY}=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n");
        let bare = format!("{ARMOR}\r\n\r\n{KEY}-----END PGP PUBLIC KEY BLOCK-----");
        for form in [
            KEY.as_bytes(),
            &bytes(),
            armored.as_bytes(),
            bare.as_bytes(),
        ] {
            let read = encoded(form).unwrap();
            assert_eq!(read.replace('\n', ""), plain);
        }
    }

    #[test]
    fn private_keys_and_other_files_are_not_sent() {
        let secret = include_str!("../../../../../tests/vectors/openpgp/curve25519.secret.b64");
        let private = "it holds the private key; export the public one with gpg --export";
        assert_eq!(encoded(secret.as_bytes()), Err(private));
        for other in [
            "",
            "hello",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nxx",
            ARMOR,
        ] {
            assert!(encoded(other.as_bytes()).is_err(), "{other}");
        }
    }
}
