//! The durable form.

use super::*;
use crate::MacKey;

#[test]
fn a_clone_shares_the_count_of_encryptions() {
    let keyring = keyring("aes256-gcm96", Derivation::None);
    let mut clone = keyring.clone();
    clone.rotate(NOW).unwrap();
    keyring.encrypt(b"", &SCOPE, None).unwrap();
    clone.encrypt(b"", &SCOPE, Some(1)).unwrap();
    assert_eq!(
        (
            keyring.encryptions(1),
            clone.encryptions(1),
            clone.encryptions(2)
        ),
        (2, 2, 0)
    );
    assert_eq!(keyring.latest_version(), 1);
}

#[test]
fn a_stored_key_comes_back_whole() {
    for mut keyring in every() {
        for second in 1..=4 {
            keyring
                .rotate(Timestamp::from_unix_nanos(NOW.unix_nanos() + second))
                .unwrap();
        }
        keyring.set_minimums(minimums(3, 4)).unwrap();
        keyring.trim(2).unwrap();
        keyring.count_encryptions(4, 77);
        let encoded = keyring.encode();
        let back = Keyring::decode(encoded.expose()).ok().unwrap();
        assert_eq!(back.encode(), encoded);
        assert_eq!(back.key_type().name(), keyring.key_type().name());
        assert_eq!(back.derivation(), keyring.derivation());
        assert!(back.versions().eq(keyring.versions()));
        let hmac = keyring
            .hmac(b"input", HashAlgorithm::Sha2_256, None)
            .unwrap();
        assert_eq!(
            back.verify_hmac(b"input", HashAlgorithm::Sha2_256, &hmac),
            Ok(true)
        );

        // To make large keys ready takes long.
        let step = if keyring.key_type().public().is_some() {
            61
        } else {
            1
        };
        for len in (0..encoded.expose().len()).step_by(step) {
            assert!(
                Keyring::decode(&encoded.expose()[..len]).is_err(),
                "front of {len}"
            );
        }
        assert!(Keyring::decode(&[encoded.expose().as_slice(), &[0]].concat()).is_err());
    }
}

#[test]
fn keys_of_older_formats_are_read() {
    let keyring = keyring("aes256-gcm96", Derivation::None);
    let newest = keyring.encode();
    let newest = newest.expose().as_slice();
    // In format 2 the length of the certificates is not there, in format 1 nor is the kind.
    let (second, _) = newest.split_last_chunk::<4>().unwrap();
    let second = [&[2], &second[1..]].concat();
    let kind_at = second.len() - 2 * (4 + 32) - 1;
    let first = [&[1], &second[1..kind_at], &second[kind_at + 1..]].concat();
    for older in [first, second] {
        let back = Keyring::decode(&older).unwrap();
        assert_eq!(back.encode(), keyring.encode());
    }
    for other in [0, 4] {
        assert!(Keyring::decode(&[&[other], &newest[1..]].concat()).is_err());
    }
}

#[test]
fn an_hmac_key_keeps_its_size_and_is_its_own_material() {
    let key_type = key_type("hmac").unwrap();
    for size in [32, 100, 512] {
        let keyring = Keyring::generate_sized(key_type, Derivation::None, Some(size), NOW);
        let mut keyring = keyring.unwrap();
        keyring.rotate(NOW).unwrap();
        let back = Keyring::decode(keyring.encode().expose()).unwrap();
        assert_eq!(back.key_size(), Some(size));
        for version in [1, 2] {
            let key = back.material(Purpose::Hmac, version).unwrap();
            assert_eq!(key.expose().len(), size);
            assert_eq!(key, keyring.material(Purpose::Hmac, version).unwrap());
        }
        let tag = MacKey::new(back.material(Purpose::Hmac, 1).unwrap().duplicate())
            .compute(HashAlgorithm::Sha2_256, b"input");
        let text = format!("vault:v1:{}", encoding::encode(tag.as_ref()));
        assert_eq!(
            keyring.verify_hmac(b"input", HashAlgorithm::Sha2_256, &text),
            Ok(true)
        );
    }
    for size in [0, 31, 513] {
        let refused = Keyring::generate_sized(key_type, Derivation::None, Some(size), NOW);
        assert_eq!(words(refused), format!("invalid key_size {size}"));
    }
    let other = crate::key_type("ed25519").unwrap();
    assert_eq!(
        words(Keyring::generate_sized(
            other,
            Derivation::None,
            Some(32),
            NOW
        )),
        "key_size is not valid for algorithm ed25519"
    );
}

#[test]
fn stored_rules_that_cannot_stand_together_are_refused() {
    let mut keyring = keyring("aes256-gcm96", Derivation::None);
    keyring.rotate(NOW).unwrap();
    let encoded = keyring.encode();
    let rules_at = 2 + "aes256-gcm96".len() + 1;
    let with = |numbers: [u32; 4]| {
        let mut bytes = encoded.expose().clone();
        for (at, number) in numbers.into_iter().enumerate() {
            bytes[rules_at + at * 4..][..4].copy_from_slice(&number.to_be_bytes());
        }
        Keyring::decode(&bytes).is_ok()
    };
    assert!(with([0, 1, 0, 1]) && with([0, 2, 2, 1]) && with([1, 1, 1, 1]) && with([7, 7, 8, 7]));
    for bad in [
        [0, 0, 0, 1],
        [0, 3, 0, 1],
        [0, 2, 1, 1],
        [0, 1, 3, 1],
        [1, 1, 0, 1],
        [0, 1, 0, 0],
        [2, 2, 2, 1],
        [u32::MAX, u32::MAX, u32::MAX, u32::MAX],
    ] {
        assert!(!with(bad), "{bad:?}");
    }
}
