//! XAES-256-GCM: the vectors that its specification prints.

use keyward_crypto::{Error, Secret, SecretBytes, xaes};
use serde::Deserialize;
use shake::{ExtendableOutput, Shake128, Update, XofReader};

#[derive(Deserialize)]
struct File {
    tests: Vec<Given>,
    accumulated: Vec<Accumulated>,
}

#[derive(Deserialize)]
struct Given {
    key: String,
    nonce: String,
    plaintext: String,
    aad: String,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Accumulated {
    iterations: u32,
    hash: String,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Runs the vectors that have their inputs beside them; returns how many.
pub(crate) fn given(file: &[u8]) -> usize {
    let file: File = serde_json::from_slice(file).unwrap();
    for test in &file.tests {
        let key = Secret::new(hex(&test.key).try_into().unwrap());
        let nonce = test.nonce.as_bytes().try_into().unwrap();
        let (aad, plaintext) = (test.aad.as_bytes(), test.plaintext.as_bytes());
        let ciphertext = hex(&test.ciphertext);
        assert_eq!(
            xaes::seal(&key, nonce, aad, plaintext),
            Ok(ciphertext.clone())
        );
        let opened = xaes::open(&key, nonce, aad, &ciphertext);
        assert_eq!(opened, Ok(SecretBytes::from(plaintext)));
        let whole = ciphertext.len();
        for len in 0..whole {
            let cut = xaes::open(&key, nonce, aad, &ciphertext[..len]);
            assert_eq!(cut, Err(Error::Decryption), "{len}");
        }
        for at in 0..whole {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            let opened = xaes::open(&key, nonce, aad, &changed);
            assert_eq!(opened, Err(Error::Decryption), "{at}");
        }
    }
    file.tests.len()
}

/// Runs as many random encryptions as one of the accumulated vectors has, and compares the hash of
/// all ciphertexts.
pub(crate) fn accumulated(file: &[u8], iterations: u32) {
    let file: File = serde_json::from_slice(file).unwrap();
    let test = file
        .accumulated
        .iter()
        .find(|test| test.iterations == iterations);
    let test = test.unwrap();
    let mut random = Shake128::default().finalize_xof();
    let mut hash = Shake128::default();
    for round in 0..iterations {
        let (mut key, mut nonce) = ([0; 32], [0; 24]);
        random.read(&mut key);
        random.read(&mut nonce);
        let mut text = || {
            let mut len = [0];
            random.read(&mut len);
            let mut text = vec![0; len[0].into()];
            random.read(&mut text);
            text
        };
        let (plaintext, aad) = (text(), text());
        let key = Secret::new(key);
        let ciphertext = xaes::seal(&key, &nonce, &aad, &plaintext).unwrap();
        if round % 10 == 0 {
            let opened = xaes::open(&key, &nonce, &aad, &ciphertext);
            assert_eq!(opened, Ok(SecretBytes::new(plaintext)));
        }
        hash.update(&ciphertext);
    }
    let mut digest = [0; 32];
    hash.finalize_xof().read(&mut digest);
    assert_eq!(digest[..], hex(&test.hash));
}
