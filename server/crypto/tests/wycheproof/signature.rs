//! The signatures.

use keyward_crypto::{SignRequest, key_type};
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

/// Runs the file of Ed25519; returns how many tests it holds.
pub(crate) fn ed25519(file: &[u8]) -> usize {
    let signer = key_type("ed25519").unwrap().signer().unwrap();
    run(file, |group: &Group<SignatureTest>, test| {
        let verdict = signer
            .prepare_public(&group.public_key.pk.0)
            .and_then(|key| key.verify(&test.msg.0, &test.sig.0, &SignRequest::default()));
        assert_eq!(
            verdict == Ok(true),
            test.result == Verdict::Valid,
            "test {}",
            test.tc_id
        );
    })
}
