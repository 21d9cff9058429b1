//! Which versions may do what.

use super::*;

#[test]
fn a_text_of_version_zero_is_of_the_first() {
    let keyring = keyring("aes256-gcm96", Derivation::None);
    let text = keyring.encrypt(b"plaintext", &SCOPE, None).unwrap().text();
    let old = text.replace("vault:v1:", "vault:v0:");
    assert_eq!(keyring.decrypt(&old, &SCOPE), Ok(b"plaintext"[..].into()));
    let words = words(keyring.verify_hmac(b"", HashAlgorithm::Sha2_256, "vault:v0:AAAA"));
    assert_eq!(
        words,
        "cannot verify HMAC: version is too old (disallowed by policy)"
    );
}

#[test]
fn texts_of_other_versions_are_refused_in_the_words_of_vault() {
    let keyring = keyring("aes256-gcm96", Derivation::None);
    let decrypt = |text: &str| words(keyring.decrypt(text, &SCOPE));
    let too_old = "ciphertext or signature version is disallowed by policy (too old)";
    assert_eq!(
        decrypt("vault:v2:AAAA"),
        "invalid ciphertext: version is too new"
    );
    assert_eq!(
        decrypt("vault:v4294967297:AAAA"),
        "invalid ciphertext: version is too new"
    );
    assert_eq!(decrypt("vault:v-1:AAAA"), too_old);
    assert_eq!(
        decrypt("vault:v1:!"),
        "invalid ciphertext: could not decode base64"
    );

    let hmac = |text| words(keyring.verify_hmac(b"", HashAlgorithm::Sha2_256, text));
    assert_eq!(hmac("vault:v2:AAAA"), "invalid HMAC: version is too new");
    let illegal = "unable to decode verification HMAC as base64: illegal base64 data at input byte";
    assert_eq!(hmac("vault:v1:A:B"), format!("{illegal} 1"));

    let keyring = self::keyring("ed25519", Derivation::None);
    let verify = |text| words(keyring.verify(b"", text, &SignRequest::default()));
    assert_eq!(
        verify("vault:v2:AAAA"),
        "invalid signature: version is too new"
    );
    assert_eq!(verify("vault:v0:AAAA"), too_old);
    assert_eq!(verify("vault:v1:!"), "invalid base64 signature value");
}

#[test]
fn a_version_asked_for_must_be_one_that_may_encrypt() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    for version in 2..=4 {
        assert_eq!(keyring.rotate(NOW), Ok(version));
    }
    let encrypt = |keyring: &Keyring, version| words(keyring.encrypt(b"", &SCOPE, Some(version)));
    let hmac = |keyring: &Keyring, version| {
        words(keyring.hmac(b"", HashAlgorithm::Sha2_256, Some(version)))
    };
    assert_eq!(keyring.encrypt(b"", &SCOPE, Some(2)).unwrap().version(), 2);
    assert_eq!(keyring.encrypt(b"", &SCOPE, Some(0)).unwrap().version(), 4);
    assert_eq!(
        encrypt(&keyring, 5),
        "requested version for encryption is higher than the latest key version"
    );
    assert_eq!(
        hmac(&keyring, 5),
        "key version does not exist; latest key version is 4"
    );

    keyring.set_minimums(minimums(2, 0)).unwrap();
    assert_eq!(encrypt(&keyring, 1), "no such key version");
    assert_eq!(hmac(&keyring, 1), "no such key version");

    keyring.set_minimums(minimums(2, 3)).unwrap();
    assert_eq!(
        encrypt(&keyring, 2),
        "requested version for encryption is less than the minimum encryption key version"
    );
    assert_eq!(
        hmac(&keyring, 2),
        "cannot generate HMAC: version is too old (disallowed by policy)"
    );
    assert!(keyring.encrypt(b"", &SCOPE, Some(3)).is_ok());
}

#[test]
fn decrypt_refuses_a_version_below_the_minimum_until_it_is_lowered() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    let text = keyring.encrypt(b"plaintext", &SCOPE, None).unwrap().text();
    let hmac = keyring
        .hmac(b"input", HashAlgorithm::Sha2_256, None)
        .unwrap();
    keyring.rotate(NOW).unwrap();
    keyring.set_minimums(minimums(2, 0)).unwrap();
    let too_old = "ciphertext or signature version is disallowed by policy (too old)";
    assert_eq!(words(keyring.decrypt(&text, &SCOPE)), too_old);
    assert_eq!(
        words(keyring.verify_hmac(b"input", HashAlgorithm::Sha2_256, &hmac)),
        "cannot verify HMAC: version is too old (disallowed by policy)"
    );
    assert_eq!(
        keyring
            .versions()
            .map(|version| version.number)
            .collect::<Vec<_>>(),
        [2]
    );

    keyring.set_minimums(minimums(1, 0)).unwrap();
    assert_eq!(keyring.decrypt(&text, &SCOPE), Ok(b"plaintext"[..].into()));
    assert_eq!(
        keyring.verify_hmac(b"input", HashAlgorithm::Sha2_256, &hmac),
        Ok(true)
    );
    assert_eq!(
        keyring
            .versions()
            .map(|version| version.number)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn minimums_that_cannot_stand_together_change_nothing() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    for _ in 0..3 {
        keyring.rotate(NOW).unwrap();
    }
    for (change, sentence) in [
        (
            minimums(9, 0),
            "cannot set min decryption version of 9, latest key version is 4",
        ),
        (
            minimums(1, 9),
            "cannot set min encryption version of 9, latest key version is 4",
        ),
        (
            minimums(3, 2),
            "cannot set min encryption/decryption values; min encryption version of 2 must be \
             greater than or equal to min decryption version of 3",
        ),
    ] {
        assert_eq!(words(keyring.set_minimums(change)), sentence);
        assert_eq!(
            (
                keyring.min_decryption_version(),
                keyring.min_encryption_version()
            ),
            (1, 0)
        );
    }
}

#[test]
fn trim_follows_the_rules_of_vault() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    let text = keyring.encrypt(b"plaintext", &SCOPE, None).unwrap().text();
    for _ in 0..3 {
        keyring.rotate(NOW).unwrap();
    }
    let cannot = |rest: &str| format!("minimum available version cannot be {rest}");
    assert_eq!(
        words(keyring.trim(2)),
        cannot("set when minimum encryption version is not set")
    );
    keyring.set_minimums(minimums(2, 3)).unwrap();
    assert_eq!(
        words(keyring.trim(0)),
        "minimum available version should be positive"
    );
    assert_eq!(
        words(keyring.trim(4)),
        cannot("greater than minmum encryption version")
    );
    assert_eq!(
        words(keyring.trim(3)),
        cannot("greater than minimum decryption version")
    );
    assert_eq!(keyring.trim(2), Ok(()));
    assert_eq!(keyring.trim(2), Ok(()));
    assert_eq!(words(keyring.trim(1)), cannot("decremented"));
    assert_eq!(
        (keyring.min_available_version(), keyring.latest_version()),
        (2, 4)
    );
    assert!(words(keyring.decrypt(&text, &SCOPE)).ends_with("(too old)"));

    assert_eq!(
        words(keyring.set_minimums(Minimums {
            decryption: 1.try_into().ok(),
            encryption: None
        })),
        "min decryption version should not be less then min available version"
    );
    assert_eq!(
        words(keyring.set_minimums(Minimums {
            decryption: None,
            encryption: Some(0)
        })),
        "min encryption version should not be less than min available version"
    );
}

#[test]
fn material_is_given_only_of_versions_that_may_decrypt() {
    let mut keyring = keyring("chacha20-poly1305", Derivation::None);
    keyring.rotate(NOW).unwrap();
    assert_eq!(
        keyring
            .material(Purpose::Encryption, 1)
            .unwrap()
            .expose()
            .len(),
        32
    );
    assert_ne!(
        keyring.material(Purpose::Hmac, 1),
        keyring.material(Purpose::Encryption, 1)
    );
    assert_ne!(
        keyring.material(Purpose::Hmac, 1),
        keyring.material(Purpose::Hmac, 2)
    );
    keyring.set_minimums(minimums(2, 0)).unwrap();
    assert_eq!(
        words(keyring.material(Purpose::Hmac, 1)),
        "version for export is below minimum decryption version"
    );
    let words = words(keyring.material(Purpose::Encryption, 3));
    assert_eq!(words, "version does not exist or cannot be found");
}

#[test]
fn a_version_refuses_the_encryption_over_its_limit() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    keyring.count_encryptions(1, (1 << 32) - 1);
    let text = keyring.encrypt(b"the last", &SCOPE, None).unwrap().text();
    assert_eq!(keyring.encrypt(b"", &SCOPE, None), Err(Error::Exhausted(1)));
    let mut out = Vec::new();
    assert_eq!(keyring.seal(b"", b"", &mut out), Err(Error::Exhausted(1)));
    assert_eq!(out, b"");
    assert_eq!(keyring.decrypt(&text, &SCOPE), Ok(b"the last"[..].into()));
    keyring.rotate(NOW).unwrap();
    assert_eq!(keyring.encrypt(b"", &SCOPE, None).unwrap().version(), 2);
}
