//! Certificates: requests, chains, and the versions they belong to. The certificates were made
//! elsewhere, see `server/crypto/tests/vectors/README.md`.

use proptest::prelude::*;
use serde_json::Value;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::request::CertReq;

use super::*;
use crate::key_type::X509Signature;
use crate::x509::{CertificateChain, RequestTemplate};

/// The file of certificates.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/certificates.json")).unwrap()
}

/// A key that is the public half of one that has certificates.
fn certified(name: &str) -> Keyring {
    let key_type = key_type(name).unwrap();
    let vectors = vectors();
    let public_key = vectors["keys"][name]["public_key"].as_str().unwrap();
    let public_key = key_type.public().unwrap().parse(public_key).unwrap();
    let material = Material::Public(public_key);
    Keyring::import(key_type, Derivation::None, material, NOW).unwrap()
}

/// Certificates by their pointers, one after another.
fn chain(pointers: &[&str]) -> CertificateChain {
    let vectors = vectors();
    let texts = pointers.iter().map(|pointer| {
        let text = vectors.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer}"))
    });
    CertificateChain::parse(&texts.collect::<String>()).unwrap()
}

const LEAF: &str = "/keys/ed25519/leaf";
const INTERMEDIATE: &str = "/intermediate";
const ROOT: &str = "/root";

#[test]
fn a_request_says_what_its_template_asks_for_and_is_signed_by_the_key() {
    let vectors = vectors();
    let text = vectors["template"].as_str().unwrap();
    let template = RequestTemplate::parse(text).unwrap();
    let der = |text: &str| pkcs8::der::pem::decode_vec(text.as_bytes()).unwrap().1;
    let asked = CertReq::from_der(&der(text)).unwrap();
    let signing = types().filter(|key_type| key_type.supports_signing());
    for key_type in signing {
        let name = key_type.name();
        let keyring = keyring(name, Derivation::None);
        let made = keyring.certificate_request(1, &template).unwrap();
        let made = CertReq::from_der(&der(&made)).unwrap();
        assert_eq!(made.info.subject, asked.info.subject, "{name}");
        assert_eq!(made.info.attributes, asked.info.attributes, "{name}");
        assert_ne!(made.info.public_key, asked.info.public_key, "{name}");
        let key = made.info.public_key.to_der().unwrap();
        let own = keyring.export_public(1, KeyForm::Der).unwrap();
        assert_eq!(encoding::encode(&key), own, "{name}");

        let X509Signature { request, .. } = key_type.signer().unwrap().x509().unwrap();
        let signature = encoding::encode(made.signature.raw_bytes());
        let signature = format!("vault:v1:{signature}");
        let message = made.info.to_der().unwrap();
        let valid = keyring.verify(&message, &signature, &request);
        assert_eq!(valid, Ok(true), "{name}");
    }
}

#[test]
fn a_request_without_a_template_asks_for_nothing() {
    let keyring = keyring("ed25519", Derivation::None);
    let text = keyring.certificate_request(1, &RequestTemplate::default());
    let (label, der) = pkcs8::der::pem::decode_vec(text.as_ref().unwrap().as_bytes()).unwrap();
    assert_eq!(label, "CERTIFICATE REQUEST");
    let request = CertReq::from_der(&der).unwrap();
    assert!(request.info.subject.is_empty() && request.info.attributes.is_empty());
}

#[test]
fn what_cannot_be_certified_is_refused_in_the_words_of_vault() {
    let template = RequestTemplate::default();
    let chain = chain(&[LEAF]);
    for (name, derivation, sentence) in [
        (
            "aes256-gcm96",
            Derivation::Derived,
            "key type 'aes256-gcm96' does not support signing",
        ),
        (
            "hmac",
            Derivation::None,
            "key type 'hmac' does not support signing",
        ),
        (
            "hpke-x25519",
            Derivation::None,
            "key type 'hpke-x25519' does not support signing",
        ),
        (
            "ed25519",
            Derivation::Derived,
            "operation not supported for keys with derivation enabled",
        ),
    ] {
        let mut keyring = keyring(name, derivation);
        assert_eq!(words(keyring.check_certifiable()), sentence);
        assert_eq!(words(keyring.certificate_request(1, &template)), sentence);
        assert_eq!(words(keyring.set_certificate_chain(1, &chain)), sentence);
    }
    let keyring = keyring("aes256-gcm96", Derivation::None);
    assert_eq!(
        words(keyring.export_certificate_chain(1)),
        "certificate chain not supported for keys that do not support signing"
    );
}

#[test]
fn only_a_version_that_may_sign_makes_a_request() {
    let template = RequestTemplate::default();
    let mut keyring = keyring("ed25519", Derivation::None);
    keyring.rotate(NOW).unwrap();
    keyring.rotate(NOW).unwrap();
    keyring.set_minimums(minimums(2, 3)).unwrap();
    for version in [0, 1, 4, u32::MAX] {
        let refused = keyring.certificate_request(version, &template);
        assert_eq!(words(refused), "no such key version", "{version}");
    }
    // As the peer: the minimum for encryption is no bar.
    keyring.certificate_request(2, &template).unwrap();
    keyring.set_disabled(BTreeSet::from([2]));
    assert_eq!(
        words(keyring.certificate_request(2, &template)),
        "key version 2 is disabled"
    );
    assert_eq!(
        words(certified("ed25519").certificate_request(1, &template)),
        "private key not imported for key version selected"
    );
}

#[test]
fn every_type_takes_a_chain_for_its_key_and_no_other() {
    let vectors = vectors();
    let names: Vec<_> = vectors["keys"].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 6);
    for name in &names {
        let mut keyring = certified(name);
        for other in names.iter().filter(|other| *other != name) {
            let refused =
                words(keyring.set_certificate_chain(1, &chain(&[&format!("/keys/{other}/leaf")])));
            let same = name[..5] == other[..5];
            let said = refused.contains("does not match the selected key version");
            assert_eq!(said, same, "{name} with {other}: {refused}");
            assert_eq!(keyring.certificate_chain(1), None);
        }
        let own = chain(&[&format!("/keys/{name}/leaf"), INTERMEDIATE, ROOT]);
        keyring.set_certificate_chain(1, &own).unwrap();
        assert_eq!(keyring.export_certificate_chain(1), Ok(own.text()));
    }
    assert_eq!(
        words(certified("mldsa-44").set_certificate_chain(1, &chain(&[LEAF]))),
        "could not validate key match between leaf certificate key and key entry in transit: \
         provided leaf certificate public key algorithm 'Ed25519' does not match the transit key \
         type 'mldsa-44'"
    );
    let other = chain(&["/ed25519_leaves/of another key"]);
    assert_eq!(
        words(certified("ed25519").set_certificate_chain(1, &other)),
        "leaf certificate public key does not match the selected key version"
    );
}

#[test]
fn a_chain_is_one_leaf_and_then_authorities() {
    let mut keyring = certified("ed25519");
    for pointers in [
        &[LEAF][..],
        &[LEAF, ROOT],
        &[LEAF, ROOT, INTERMEDIATE],
        &["/ed25519_leaves/without basic constraints"],
    ] {
        let chain = chain(pointers);
        keyring.set_certificate_chain(1, &chain).unwrap();
        assert_eq!(keyring.certificate_chain(1), Some(chain.text()));
    }
    let before = keyring.encode();
    let not_leaf = "certificate in the first element is not a valid leaf certificate";
    let not_authority = "certificate in the last element is not a valid CA certificate";
    for (pointers, sentence) in [
        (&[ROOT][..], not_leaf),
        (&[INTERMEDIATE, LEAF], not_leaf),
        (&["/ed25519_leaves/an authority"], not_leaf),
        (&[LEAF, LEAF], not_authority),
        (
            &[LEAF, ROOT, "/ed25519_leaves/of another key"],
            not_authority,
        ),
        (
            &[LEAF, LEAF, ROOT],
            "could not validate if there is only one leaf certificate in the provided chain",
        ),
    ] {
        let refused = keyring.set_certificate_chain(1, &chain(pointers));
        assert_eq!(words(refused), sentence, "{pointers:?}");
    }
    for version in [0, 2] {
        let refused = keyring.set_certificate_chain(version, &chain(&[LEAF]));
        assert_eq!(words(refused), "no such key version");
    }
    assert_eq!(keyring.encode(), before);
}

#[test]
fn a_chain_stays_with_its_version_until_that_is_trimmed() {
    let mut keyring = certified("ed25519");
    let first = chain(&[LEAF, ROOT]);
    keyring.set_certificate_chain(1, &first).unwrap();
    keyring.rotate(NOW).unwrap();
    assert_eq!(keyring.certificate_chain(1), Some(first.text()));
    assert_eq!(
        words(keyring.export_certificate_chain(2)),
        "selected key version does not have a certificate chain imported"
    );
    assert_eq!(
        words(keyring.export_certificate_chain(3)),
        "version does not exist or cannot be found"
    );

    let back = Keyring::decode(keyring.encode().expose()).unwrap();
    assert_eq!(back.certificate_chain(1), Some(first.text()));
    assert_eq!(back.certificate_chain(2), None);
    assert_eq!(back.encode(), keyring.encode());

    keyring.set_minimums(minimums(2, 2)).unwrap();
    assert_eq!(
        words(keyring.export_certificate_chain(1)),
        "version for export is below minimum decryption version"
    );
    assert_eq!(
        words(keyring.set_certificate_chain(1, &first)),
        "no such key version"
    );
    keyring.trim(2).unwrap();
    assert_eq!(keyring.certificate_chain(1), None);
    let back = Keyring::decode(keyring.encode().expose()).unwrap();
    assert_eq!(back.encode(), keyring.encode());
}

#[test]
fn certificates_are_found_among_other_text() {
    let plain = chain(&[LEAF, ROOT]);
    let vectors = vectors();
    let (leaf, root) = (
        vectors.pointer(LEAF).unwrap().as_str().unwrap(),
        vectors[&ROOT[1..]].as_str().unwrap(),
    );
    let key = vectors["keys"]["ed25519"]["public_key"].as_str().unwrap();
    let old = leaf.replace("CERTIFICATE", "X509 CERTIFICATE");
    for text in [
        format!("\r\n{leaf}\n\n{root}\n\n"),
        format!("{leaf}{root}").replace('\n', "\r\n"),
        format!("subject=leaf\n{leaf}subject=root\n{root}"),
        format!("{key}{leaf}{key}{root}"),
        format!("{old}{root}"),
    ] {
        assert_eq!(CertificateChain::parse(&text).unwrap().text(), plain.text());
    }
    let not_pem = "could not decode a PEM block in the certificate chain";
    let none = "provided certificate chain did not contain any valid PEM encoded certificate";
    for (text, sentence) in [
        ("", none),
        (" \n", none),
        (key, none),
        ("garbage", not_pem),
        (&format!("{leaf}garbage"), not_pem),
        (&leaf.replace("MII", "M*I"), not_pem),
        (&leaf.replace("END", "end"), not_pem),
    ] {
        assert_eq!(words(CertificateChain::parse(text)), sentence, "{text}");
    }
    let key = key.replace("PUBLIC KEY", "CERTIFICATE");
    let refused = words(CertificateChain::parse(&format!("{leaf}{key}")));
    assert!(
        refused.starts_with("could not parse a certificate in the certificate chain: "),
        "{refused}"
    );
    let long = "a".repeat(256 * 1024 + 1);
    assert_eq!(
        words(CertificateChain::parse(&long)),
        "the certificate chain is longer than 262144 bytes"
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC*") {
        let _ = CertificateChain::parse(&text);
        let _ = RequestTemplate::parse(&text);
    }

    #[test]
    fn no_der_makes_a_parser_panic(der: Vec<u8>) {
        parse(&der);
    }

    /// Most of these get past the first tags.
    #[test]
    fn no_damage_makes_a_parser_panic(which in 0usize..2, at: prop::sample::Index, with: u8, len: prop::sample::Index) {
        let vectors = vectors();
        let text = [&vectors["template"], vectors.pointer(LEAF).unwrap()][which];
        let (_, mut der) = pkcs8::der::pem::decode_vec(text.as_str().unwrap().as_bytes()).unwrap();
        let at = at.index(der.len());
        der[at] = with;
        parse(&der);
        der.truncate(len.index(der.len()));
        parse(&der);
    }
}

/// Reads DER as both kinds; what can be read can be written too.
fn parse(der: &[u8]) {
    let pem = |label| crate::key_type::der::pem(label, der).unwrap();
    if let Ok(chain) = CertificateChain::parse(&pem("CERTIFICATE")) {
        let _ = certified("ed25519").set_certificate_chain(1, &chain);
    }
    if let Ok(template) = RequestTemplate::parse(&pem("CERTIFICATE REQUEST")) {
        let keyring = keyring("ed25519", Derivation::None);
        keyring.certificate_request(1, &template).unwrap();
    }
}
