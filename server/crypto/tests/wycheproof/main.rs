//! Runs every Wycheproof file of an algorithm that is here, every test of it; what is skipped is
//! printed with its reason.
//!
//! Where the crate's own interface can express a test, the test goes through it. It cannot express
//! a nonce: sealing with a given one, AES-192 and nonces of other lengths than 96 bits go to the
//! primitive that the crate is built on.
//!
//! The ciphers and signatures are in files of their own, which `wasm-client/vectors` compiles too.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the whole file is a test, and says what it skips"
)]

mod aead;
mod ecdsa;
mod file;
mod mldsa;
mod rsa;
mod signature;
mod verify;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use keyward_crypto::{
    Error, HashAlgorithm, KeyType, MacKey, Marshaling, derive, key_type, key_wrap,
};
use serde::Deserialize;

use file::{Group, Hex, Verdict};

const HASHES: [(&str, HashAlgorithm); 9] = [
    ("sha1", HashAlgorithm::Sha1),
    ("sha224", HashAlgorithm::Sha2_224),
    ("sha256", HashAlgorithm::Sha2_256),
    ("sha384", HashAlgorithm::Sha2_384),
    ("sha512", HashAlgorithm::Sha2_512),
    ("sha3_224", HashAlgorithm::Sha3_224),
    ("sha3_256", HashAlgorithm::Sha3_256),
    ("sha3_384", HashAlgorithm::Sha3_384),
    ("sha3_512", HashAlgorithm::Sha3_512),
];
const HKDF_HASHES: [&str; 4] = ["sha1", "sha256", "sha384", "sha512"];

fn folder() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "..",
        "..",
        "tests",
        "vectors",
        "wycheproof",
    ]
    .iter()
    .collect()
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

#[test]
fn aes_gcm() {
    aead::aes_gcm(&read("aes_gcm_test.json"));
}

#[test]
fn chacha20_poly1305() {
    aead::chacha20_poly1305(&read("chacha20_poly1305_test.json"));
}

#[test]
fn xchacha20_poly1305() {
    aead::xchacha20_poly1305(&read("xchacha20_poly1305_test.json"));
}

#[test]
fn mldsa() {
    for set in [44, 65, 87] {
        let verify = read(&format!("mldsa_{set}_verify_test.json"));
        let sign = read(&format!("mldsa_{set}_sign_seed_test.json"));
        mldsa::mldsa(set, &verify, &sign);
        verify::ml_dsa(set, &verify);
    }
}

#[test]
fn ed25519() {
    signature::ed25519(&read("ed25519_test.json"));
    verify::ed25519(&read("ed25519_test.json"));
}

#[test]
fn ecdsa() {
    for (curve, hash, algorithm, both) in ecdsa::FILES {
        let asn1 = read(&format!("ecdsa_{curve}_{hash}_test.json"));
        ecdsa::verify(curve, algorithm, Marshaling::Asn1, &asn1);
        if both {
            let fixed = read(&format!("ecdsa_{curve}_{hash}_p1363_test.json"));
            ecdsa::verify(curve, algorithm, Marshaling::Jws, &fixed);
        }
    }
}

/// The files whose names begin so.
fn files(start: &str) -> Vec<String> {
    fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(start))
        .collect()
}

#[test]
fn rsa() {
    let run = |start: &str, check: fn(&[u8]), count: usize| {
        let files = files(start);
        assert_eq!(files.len(), count, "{start}");
        for file in &files {
            println!("{file}");
            check(&read(file));
        }
    };
    run("rsa_oaep_", rsa::oaep, 17);
    run("rsa_pkcs1_2048_test", rsa::pkcs1_decryption, 1);
    run("rsa_pkcs1_2048_sig", rsa::pkcs1_generation, 1);
    run("rsa_pkcs1_3072_sig", rsa::pkcs1_generation, 1);
    run("rsa_pkcs1_4096_sig", rsa::pkcs1_generation, 1);
    run("rsa_pss_", rsa::verification, 12);
    run("rsa_signature_", rsa::verification, 6);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MacTest {
    tc_id: u32,
    key: Hex,
    msg: Hex,
    tag: Hex,
    result: Verdict,
}

#[test]
fn hmac() {
    for (hash, algorithm) in HASHES {
        file::run(
            &read(&format!("hmac_{hash}_test.json")),
            |group: &Group<MacTest>, test| {
                let tag = MacKey::new(test.key.secret()).compute(algorithm, &test.msg.0);
                // Some groups hold tags that were cut.
                let front = &tag.as_ref()[..group.tag_size / 8];
                assert_eq!(
                    front == test.tag.0,
                    test.result == Verdict::Valid,
                    "test {}",
                    test.tc_id
                );
            },
        );
    }
}

#[test]
fn aes_cmac() {
    file::run(
        &read("aes_cmac_test.json"),
        |group: &Group<MacTest>, test| {
            let name = format!("aes{}-cmac", test.key.0.len() * 8);
            let authenticator = key_type(&name).and_then(KeyType::authenticator);
            let Some(authenticator) = authenticator else {
                assert_eq!(test.result, Verdict::Invalid, "test {}", test.tc_id);
                return;
            };
            let tag = authenticator.prepare(&test.key.secret()).unwrap();
            let tag = tag.compute(&test.msg.0);
            assert_eq!(
                tag[..group.tag_size / 8] == test.tag.0,
                test.result == Verdict::Valid,
                "test {}",
                test.tc_id
            );
        },
    );
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HkdfTest {
    tc_id: u32,
    ikm: Hex,
    salt: Hex,
    info: Hex,
    size: usize,
    okm: Hex,
    result: Verdict,
}

#[test]
fn hkdf() {
    for (hash, algorithm) in HASHES
        .into_iter()
        .filter(|(hash, _)| HKDF_HASHES.contains(hash))
    {
        file::run(
            &read(&format!("hkdf_{hash}_test.json")),
            |_, test: &HkdfTest| {
                let (salt, info) = (&test.salt.0, &test.info.0);
                let derived = derive::hkdf(algorithm, &test.ikm.secret(), salt, info, test.size);
                match test.result {
                    Verdict::Valid => {
                        assert_eq!(derived, Ok(test.okm.secret()), "test {}", test.tc_id)
                    }
                    _ => assert!(derived.is_err(), "test {}", test.tc_id),
                }
            },
        );
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrapTest {
    tc_id: u32,
    key: Hex,
    msg: Hex,
    ct: Hex,
    result: Verdict,
}

#[test]
fn aes_kwp() {
    file::run(&read("aes_kwp_test.json"), |_, test: &WrapTest| {
        let kek = test.key.secret();
        let unwrapped = key_wrap::unwrap(&kek, &test.ct.0);
        match test.result {
            Verdict::Valid => {
                assert_eq!(unwrapped, Ok(test.msg.secret()), "test {}", test.tc_id);
                let wrapped = key_wrap::wrap(&kek, &test.msg.secret());
                assert_eq!(wrapped.as_ref(), Ok(&test.ct.0), "test {}", test.tc_id);
            }
            _ => {
                assert_eq!(unwrapped, Err(Error::Decryption), "test {}", test.tc_id);
            }
        }
    });
}

/// The files of the source that are not here, by how their names begin, and why.
const NOT_RUN: [(&str, &str); 12] = [
    ("aes_gcm_siv_", "no key type is AES-GCM-SIV"),
    ("aes_siv_cmac_", "no key type is AES-SIV"),
    ("aes_wrap_", "keys are wrapped with padding alone: aes_kwp"),
    ("c2sp_chunked_encryption_", "no key type encrypts in chunks"),
    (
        "json_web_crypto_",
        "made of keys in the forms of JOSE, which are not read",
    ),
    ("json_web_encryption_", "JWE is neither made nor read"),
    ("json_web_key_", "JWK is written and not read"),
    ("json_web_signature_", "JWS is made and not read"),
    (
        "mlkem_",
        "ML-KEM stands inside X-Wing alone, which has vectors of its own",
    ),
    ("pbkdf2_", "no password makes a key"),
    ("primality_", "AWS-LC finds the primes of RSA"),
    (
        "x25519_",
        "X25519 stands inside HPKE alone, which has vectors of its own",
    ),
];

#[test]
#[allow(clippy::print_stdout, reason = "a reason that nobody reads is none")]
fn what_is_not_run_has_its_reason() {
    let source = fs::read_to_string(folder().join("SOURCE")).unwrap();
    let there: BTreeSet<String> = files("").into_iter().collect();
    let mut missing: BTreeSet<&str> = source.lines().collect();
    assert!(!missing.is_empty());
    missing.retain(|name| !there.contains(*name));
    for name in missing {
        let reason = NOT_RUN.iter().find(|(start, _)| name.starts_with(start));
        let (_, reason) = reason.unwrap_or_else(|| panic!("{name} is not run"));
        println!("{name} is not run: {reason}");
    }
}

#[test]
fn every_file_is_run_and_is_that_of_the_source() {
    let run: BTreeSet<String> = [
        "aes_cmac",
        "aes_gcm",
        "aes_kwp",
        "chacha20_poly1305",
        "ed25519",
        "mldsa_44_sign_seed",
        "mldsa_44_verify",
        "mldsa_65_sign_seed",
        "mldsa_65_verify",
        "mldsa_87_sign_seed",
        "mldsa_87_verify",
        "xchacha20_poly1305",
    ]
    .map(String::from)
    .into_iter()
    .chain(ecdsa::names())
    .chain(HASHES.map(|(hash, _)| format!("hmac_{hash}")))
    .chain(HKDF_HASHES.map(|hash| format!("hkdf_{hash}")))
    .map(|name| format!("{name}_test.json"))
    .chain(files("rsa_"))
    .collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(there, run);

    let sums = fs::read_to_string(folder().join("SHA256SUMS")).unwrap();
    let listed: BTreeSet<String> = sums
        .lines()
        .map(|line| {
            let (sum, name) = line.split_once("  ").unwrap();
            let digest = HashAlgorithm::Sha2_256.digest(&fs::read(folder().join(name)).unwrap());
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, sum, "{name}");
            name.to_owned()
        })
        .collect();
    assert!(listed.is_superset(&there));
}
