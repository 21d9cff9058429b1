//! ECDSA.

use keyward_crypto::{HashAlgorithm, Marshaling, SignRequest, key_type};
use serde::Deserialize;

use crate::file::{Group, Hex, Verdict, run};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureTest {
    tc_id: u32,
    msg: Hex,
    sig: Hex,
    result: Verdict,
}

/// The files: curve and hash, and whether the signatures are `r ‖ s` as well as DER.
pub(crate) const FILES: [(&str, &str, HashAlgorithm, bool); 8] = [
    ("secp256r1", "sha256", HashAlgorithm::Sha2_256, true),
    ("secp256r1", "sha3_256", HashAlgorithm::Sha3_256, false),
    ("secp256r1", "sha512", HashAlgorithm::Sha2_512, true),
    ("secp384r1", "sha384", HashAlgorithm::Sha2_384, true),
    ("secp384r1", "sha3_384", HashAlgorithm::Sha3_384, false),
    ("secp384r1", "sha512", HashAlgorithm::Sha2_512, true),
    ("secp521r1", "sha3_512", HashAlgorithm::Sha3_512, false),
    ("secp521r1", "sha512", HashAlgorithm::Sha2_512, true),
];

/// The names of the files.
pub(crate) fn names() -> impl Iterator<Item = String> {
    FILES.into_iter().flat_map(|(curve, hash, _, both)| {
        let asn1 = format!("ecdsa_{curve}_{hash}");
        let fixed = both.then(|| format!("{asn1}_p1363"));
        [Some(asn1), fixed].into_iter().flatten()
    })
}

/// Runs a file.
pub(crate) fn verify(curve: &str, hash_algorithm: HashAlgorithm, form: Marshaling, file: &[u8]) {
    let name = match curve {
        "secp256r1" => "ecdsa-p256",
        "secp384r1" => "ecdsa-p384",
        _ => "ecdsa-p521",
    };
    let key_type = key_type(name).unwrap();
    let request = SignRequest {
        hash_algorithm: Some(hash_algorithm),
        marshaling: form,
        ..SignRequest::default()
    };
    run(file, |group: &Group<SignatureTest>, test| {
        let public_key = key_type.public().unwrap().parse(&group.public_key_pem);
        let verdict = key_type
            .signer()
            .unwrap()
            .prepare_public(&public_key.unwrap())
            .unwrap()
            .verify(&test.msg.0, &test.sig.0, &request);
        assert_eq!(
            verdict == Ok(true),
            test.result == Verdict::Valid,
            "test {}",
            test.tc_id
        );
    });
}
