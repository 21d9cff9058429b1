//! Keys that leave and come back, whole or with their public half alone.

use super::*;
use crate::SecretString;

/// Every asymmetric key type.
fn asymmetric() -> impl Iterator<Item = (&'static dyn KeyType, Keyring)> {
    types()
        .filter(|key_type| key_type.public().is_some())
        .map(|key_type| (key_type, keyring(key_type.name(), Derivation::None)))
}

fn purpose(key_type: &dyn KeyType) -> Purpose {
    if key_type.supports_signing() {
        Purpose::Signing
    } else {
        Purpose::Encryption
    }
}

fn export(keyring: &Keyring, form: KeyForm) -> Result<SecretString, Error> {
    keyring.export(purpose(keyring.key_type()), 1, form)
}

#[test]
fn a_key_exported_as_pkcs8_is_the_same_key_when_it_is_imported() {
    for (key_type, original) in asymmetric() {
        let der = encoding::decode(export(&original, KeyForm::Der).unwrap().expose()).unwrap();
        let material = key_type.import(der).unwrap();
        let imported = Keyring::import(key_type, Derivation::None, material, NOW).unwrap();
        let public = |keyring: &Keyring| keyring.public_key(1, None).unwrap().unwrap();
        assert_eq!(public(&imported), public(&original), "{}", key_type.name());
        let pem = |keyring: &Keyring| export(keyring, KeyForm::Pem).unwrap();
        assert_eq!(pem(&imported), pem(&original), "{}", key_type.name());
    }
}

#[test]
fn what_is_no_key_of_the_type_is_not_imported() {
    for (key_type, _) in asymmetric() {
        for other in asymmetric().filter(|(other, _)| other.name() != key_type.name()) {
            let der = encoding::decode(export(&other.1, KeyForm::Der).unwrap().expose()).unwrap();
            let imported = key_type.import(der);
            let imported = imported
                .and_then(|material| Keyring::import(key_type, Derivation::None, material, NOW));
            assert!(matches!(imported, Err(Error::Invalid(_))));
        }
        for bytes in [&b""[..], b"0", &[0x30, 0x80], &[4; 100]] {
            let imported = key_type.import(bytes.into());
            let imported = imported
                .and_then(|material| Keyring::import(key_type, Derivation::None, material, NOW));
            assert!(matches!(imported, Err(Error::Invalid(_))));
            let public = key_type.public().unwrap();
            assert!(public.parse(&String::from_utf8_lossy(bytes)).is_err());
        }
    }
}

#[test]
fn a_public_half_verifies_and_does_not_sign() {
    for (key_type, whole) in asymmetric().filter(|(key_type, _)| key_type.supports_signing()) {
        let pem = whole.export_public(1, KeyForm::Pem).unwrap();
        assert!(pem.ends_with("-----END PUBLIC KEY-----"));
        let half = Material::Public(key_type.public().unwrap().parse(&pem).unwrap());
        let mut public = Keyring::import(key_type, Derivation::None, half, NOW).unwrap();
        assert!(public.versions().next().unwrap().public_only);
        assert_eq!(public.public_key(1, None), whole.public_key(1, None));

        let request = SignRequest::default();
        let text = whole.sign(b"message", &request).unwrap().text;
        assert_eq!(public.verify(b"message", &text, &request), Ok(true));
        assert_eq!(public.verify(b"messagE", &text, &request), Ok(false));
        assert_eq!(
            words(public.sign(b"message", &request)),
            "requested version for signing does not contain a private part"
        );
        assert_eq!(
            words(public.material(Purpose::Signing, 1)),
            "requested version for export does not contain a private part"
        );

        let stored = Keyring::decode(public.encode().expose()).unwrap();
        assert_eq!(stored.encode(), public.encode());
        assert_eq!(stored.verify(b"message", &text, &request), Ok(true));

        let stranger = keyring(key_type.name(), Derivation::None);
        let private = |keyring: &Keyring| {
            let material = keyring.material(Purpose::Signing, 1).unwrap();
            material.duplicate()
        };
        assert!(matches!(
            public.complete(1, private(&stranger)),
            Err(Error::Invalid(_))
        ));
        public.complete(1, private(&whole)).unwrap();
        let text = public.sign(b"other", &request).unwrap().text;
        assert_eq!(whole.verify(b"other", &text, &request), Ok(true));
        assert!(public.complete(1, private(&whole)).is_err());
    }
}

#[test]
fn a_symmetric_key_has_no_public_half() {
    let symmetric = keyring("aes256-gcm96", Derivation::None);
    let half = Material::Public(vec![1; 32]);
    let refused = Keyring::import(symmetric.key_type(), Derivation::None, half, NOW);
    assert!(matches!(refused, Err(Error::Unsupported(_))));
    assert_eq!(
        words(symmetric.export_public(1, KeyForm::Default)),
        "unknown key type aes256-gcm96 for export type public-key"
    );
    let export = |form| symmetric.export(Purpose::Encryption, 1, form);
    let raw = encoding::decode(export(KeyForm::Raw).unwrap().expose()).unwrap();
    assert_eq!(Ok(&raw), symmetric.material(Purpose::Encryption, 1));
    assert_eq!(
        words(export(KeyForm::Pem)),
        "unknown format for HMAC key; supported values are `` or `raw`"
    );
}

/// From OpenBao: one key in its forms.
#[test]
fn an_ecdsa_key_leaves_in_the_forms_of_a_peer() {
    let der = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgks++KwB8BMkkrhVOwUwbaBDlP6ijc/Rza5XV/YtjesqhRANCAASzGmJivRhz1rKqMIHrGaQeT1qfrTv9EaB2Xn2APWXiHwJYUy/7UEpCH0zCbnrZ5m5kNzz+ZMQ7zOPtwXsPIDab";
    let key_type = key_type("ecdsa-p256").unwrap();
    let material = key_type.import(encoding::decode(der).unwrap()).unwrap();
    let keyring = Keyring::import(key_type, Derivation::None, material, NOW).unwrap();
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\n\
                MHcCAQEEIJLPvisAfATJJK4VTsFMG2gQ5T+oo3P0c2uV1f2LY3rKoAoGCCqGSM49\n\
                AwEHoUQDQgAEsxpiYr0Yc9ayqjCB6xmkHk9an607/RGgdl59gD1l4h8CWFMv+1BK\n\
                Qh9Mwm562eZuZDc8/mTEO8zj7cF7DyA2mw==\n\
                -----END EC PRIVATE KEY-----";
    let pkcs8 = "-----BEGIN PRIVATE KEY-----\n\
                 MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgks++KwB8BMkkrhVO\n\
                 wUwbaBDlP6ijc/Rza5XV/YtjesqhRANCAASzGmJivRhz1rKqMIHrGaQeT1qfrTv9\n\
                 EaB2Xn2APWXiHwJYUy/7UEpCH0zCbnrZ5m5kNzz+ZMQ7zOPtwXsPIDab\n\
                 -----END PRIVATE KEY-----";
    for (form, text) in [
        (KeyForm::Default, sec1),
        (KeyForm::Der, der),
        (KeyForm::Pem, pkcs8),
    ] {
        assert_eq!(export(&keyring, form).unwrap().expose(), text);
    }
    assert_eq!(
        words(export(&keyring, KeyForm::Raw)),
        "unknown key format for ec key; supported values are ``, `der`, or `pem`"
    );
    let spki = "-----BEGIN PUBLIC KEY-----\n\
                MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsxpiYr0Yc9ayqjCB6xmkHk9an607\n\
                /RGgdl59gD1l4h8CWFMv+1BKQh9Mwm562eZuZDc8/mTEO8zj7cF7DyA2mw==\n\
                -----END PUBLIC KEY-----";
    for form in [KeyForm::Default, KeyForm::Pem] {
        assert_eq!(keyring.export_public(1, form).unwrap(), spki);
    }
    let shown = keyring.public_key(1, None).unwrap().unwrap();
    assert_eq!(shown, format!("{spki}\n"));
}

/// From OpenBao: one key in all the forms it gives.
#[test]
fn an_ed25519_key_leaves_in_the_forms_of_a_peer() {
    let pair =
        "wUFANriMi0MPFe2jycd3kGDCC57WpYqzFU52l7PwxJrFyfwHL5xONg59U2ul7aFYEd1ckB8A71sUNO0acDpUQg==";
    let key_type = key_type("ed25519").unwrap();
    let pair_bytes = encoding::decode(pair).unwrap();
    let keyring = Keyring::import(key_type, Derivation::None, pair_bytes, NOW).unwrap();
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEIMFBQDa4jItDDxXto8nHd5Bgwgue1qWKsxVOdpez8MSa\n\
               -----END PRIVATE KEY-----";
    for (form, text) in [
        (KeyForm::Default, pair),
        (KeyForm::Raw, pair),
        (
            KeyForm::Der,
            "MC4CAQAwBQYDK2VwBCIEIMFBQDa4jItDDxXto8nHd5Bgwgue1qWKsxVOdpez8MSa",
        ),
        (KeyForm::Pem, pem),
    ] {
        assert_eq!(export(&keyring, form).unwrap().expose(), text);
    }
    let pem = "-----BEGIN PUBLIC KEY-----\n\
               MCowBQYDK2VwAyEAxcn8By+cTjYOfVNrpe2hWBHdXJAfAO9bFDTtGnA6VEI=\n\
               -----END PUBLIC KEY-----";
    for (form, text) in [
        (
            KeyForm::Default,
            "xcn8By+cTjYOfVNrpe2hWBHdXJAfAO9bFDTtGnA6VEI=",
        ),
        (KeyForm::Raw, "xcn8By+cTjYOfVNrpe2hWBHdXJAfAO9bFDTtGnA6VEI="),
        (
            KeyForm::Der,
            "MCowBQYDK2VwAyEAxcn8By+cTjYOfVNrpe2hWBHdXJAfAO9bFDTtGnA6VEI=",
        ),
        (KeyForm::Pem, pem),
    ] {
        assert_eq!(keyring.export_public(1, form).unwrap(), text);
    }
}

#[test]
fn a_json_web_key_names_an_algorithm_if_its_key_makes_no_other() {
    for (key_type, keyring) in asymmetric() {
        let Some(jwk) = keyring.jwk(1) else {
            continue;
        };
        let named = jwk.iter().find(|(member, _)| *member == "alg");
        let named = named.map(|(_, algorithm)| algorithm.as_str());
        let only = match key_type.public().unwrap().jws() {
            [only] => Some(only.name),
            _ => None,
        };
        assert_eq!(named, only, "{}", key_type.name());
    }
}
