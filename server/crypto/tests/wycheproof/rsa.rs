//! RSA: encryption and signatures.
//!
//! The crate encrypts with OAEP of SHA-256 and without a label; other hashes and labels go to the
//! primitive it is built on.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use keyward_crypto::{
    Error, HashAlgorithm, KeyType, Padding, SaltLength, Scheme, Scope, SecretBytes, SignRequest,
    key_type,
};
use serde::Deserialize;

use crate::file::{Group, Hex, Verdict, run};

/// The hash that a file names, if the crate has it.
fn hash(name: &str) -> Option<HashAlgorithm> {
    let name = name.to_lowercase().replace("sha3-", "sha3_");
    let name = match name.as_str() {
        "sha-1" => "sha1".to_owned(),
        other => other.replace("sha-", "sha2-").replace("sha3_", "sha3-"),
    };
    name.parse().ok()
}

/// The key type of the size that a group names.
fn key_type_of<T>(group: &Group<T>) -> &'static dyn KeyType {
    key_type(&format!("rsa-{}", group.key_size)).unwrap()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DecryptionTest {
    tc_id: u32,
    msg: Hex,
    ct: Hex,
    #[serde(default)]
    label: Hex,
    result: Verdict,
}

impl DecryptionTest {
    fn check(&self, outcome: Option<&[u8]>) {
        match self.result {
            Verdict::Valid => assert_eq!(outcome, Some(&*self.msg.0), "test {}", self.tc_id),
            _ => assert_eq!(outcome, None, "test {}", self.tc_id),
        }
    }

    /// Decrypts through the crate.
    fn check_ours(&self, key_type: &dyn KeyType, pkcs8: SecretBytes, padding: Padding) {
        let material = key_type.import(pkcs8).unwrap();
        let cipher = key_type.cipher().unwrap().prepare(&material).unwrap();
        let scope = Scope {
            padding,
            ..Scope::default()
        };
        let opened = cipher.open(&self.ct.0, &scope);
        assert!(matches!(opened, Ok(_) | Err(Error::Decryption)));
        self.check(
            opened
                .as_ref()
                .ok()
                .map(|opened| opened.expose().as_slice()),
        );
    }

    /// Decrypts with the primitive.
    fn check_primitive(&self, pkcs8: &[u8], algorithm: &'static OaepAlgorithm) {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).unwrap();
        let key = OaepPrivateDecryptingKey::new(key).unwrap();
        let mut out = vec![0; key.min_output_size()];
        let opened = key.decrypt(algorithm, &self.ct.0, &mut out, Some(&self.label.0));
        self.check(opened.ok().as_deref());
    }
}

/// The primitive with the hashes of a file, if there is one.
fn primitive(hash: &str, mask: &str) -> Option<&'static OaepAlgorithm> {
    match (hash, mask) {
        ("SHA-1", "SHA-1") => Some(&OAEP_SHA1_MGF1SHA1),
        ("SHA-256", "SHA-256") => Some(&OAEP_SHA256_MGF1SHA256),
        ("SHA-384", "SHA-384") => Some(&OAEP_SHA384_MGF1SHA384),
        ("SHA-512", "SHA-512") => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    }
}

/// Runs a file of OAEP.
pub(crate) fn oaep(file: &[u8]) {
    run(file, |group: &Group<DecryptionTest>, test| {
        let (hash, mask) = (group.sha.as_str(), group.mgf_sha.as_str());
        let pkcs8 = &group.private_key_pkcs8;
        let Some(algorithm) = primitive(hash, mask) else {
            return println!(
                "skipped test {}: nothing here decrypts OAEP of {hash} with the mask of {mask}",
                test.tc_id
            );
        };
        if (hash, mask) == ("SHA-256", "SHA-256") && test.label.0.is_empty() {
            test.check_ours(key_type_of(group), pkcs8.secret(), Padding::Oaep);
        }
        test.check_primitive(&pkcs8.0, algorithm);
    });
}

/// Runs a file of encryption after PKCS#1 version 1.5.
pub(crate) fn pkcs1_decryption(file: &[u8]) {
    run(file, |group: &Group<DecryptionTest>, test| {
        let pkcs8 = group.private_key_pkcs8.secret();
        test.check_ours(key_type_of(group), pkcs8, Padding::Pkcs1v15);
    });
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureTest {
    tc_id: u32,
    msg: Hex,
    sig: Hex,
    result: Verdict,
}

/// Says why a file is left out, when it is: its hash is none that Vault names.
fn without(hash: &str) {
    println!("skipped: signatures with {hash}, which Vault's API has no name for");
}

/// Runs a file of signatures to verify, of either scheme.
pub(crate) fn verification(file: &[u8]) {
    run(file, |group: &Group<SignatureTest>, test| {
        let Some(hash_algorithm) = hash(&group.sha) else {
            return without(&group.sha);
        };
        let key_type = key_type_of(group);
        let public_key = key_type.public().unwrap().parse(&group.public_key_pem);
        let key = key_type
            .signer()
            .unwrap()
            .prepare_public(&public_key.unwrap())
            .unwrap();
        let verify = |scheme| {
            let request = SignRequest {
                hash_algorithm: Some(hash_algorithm),
                scheme,
                ..SignRequest::default()
            };
            key.verify(&test.msg.0, &test.sig.0, &request).unwrap()
        };
        let pss = group.s_len.is_some();
        let valid = match group.s_len {
            Some(length) => verify(Scheme::Pss(SaltLength::Bytes(length))),
            None => verify(Scheme::Pkcs1v15),
        };
        // The mask of another hash is not what the key makes: nothing verifies then.
        let expressible = !pss || group.sha == group.mgf_sha;
        match test.result {
            Verdict::Valid => assert_eq!(valid, expressible, "test {}", test.tc_id),
            Verdict::Invalid => assert!(!valid, "test {}", test.tc_id),
            // Old signatures without the NULL of the hash's parameters: either is right.
            Verdict::Acceptable => {}
        }
        if pss && valid {
            assert!(verify(Scheme::Pss(SaltLength::Auto)), "test {}", test.tc_id);
        }
    });
}

/// Runs a file of signatures to make after PKCS#1 version 1.5.
pub(crate) fn pkcs1_generation(file: &[u8]) {
    run(file, |group: &Group<SignatureTest>, test| {
        let Some(hash_algorithm) = hash(&group.sha) else {
            return without(&group.sha);
        };
        let key_type = key_type_of(group);
        let material = key_type.import(group.private_key_pkcs8.secret()).unwrap();
        let key = key_type.signer().unwrap().prepare(&material).unwrap();
        let request = SignRequest {
            hash_algorithm: Some(hash_algorithm),
            scheme: Scheme::Pkcs1v15,
            ..SignRequest::default()
        };
        let made = key.sign(&test.msg.0, &request).unwrap();
        assert_eq!(made, test.sig.0, "test {}", test.tc_id);
        assert_eq!(key.verify(&test.msg.0, &made, &request), Ok(true));
    });
}
