//! The signatures, verified by what clients verify with.

use keyward_crypto::verify::{self, MlDsaSet};
use serde::Deserialize;
use serde_json::Value;

use crate::file::{Hex, Verdict};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    number_of_tests: usize,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    public_key: Value,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: u32,
    msg: Hex,
    #[serde(default)]
    ctx: Hex,
    sig: Hex,
    result: Verdict,
}

/// Runs the file of Ed25519; returns how many tests it holds.
pub(crate) fn ed25519(file: &[u8]) -> usize {
    run(file, |group, test| {
        let public: Hex = serde_json::from_value(group["pk"].clone()).unwrap();
        let (Ok(public), Ok(signature)) = (
            public.0.as_slice().try_into(),
            test.sig.0.as_slice().try_into(),
        ) else {
            return false;
        };
        verify::ed25519(public, &test.msg.0, signature) == Ok(true)
    })
}

/// Runs the file of one parameter set of ML-DSA; returns how many tests it holds.
pub(crate) fn ml_dsa(set: u32, file: &[u8]) -> usize {
    let set = match set {
        44 => MlDsaSet::MlDsa44,
        65 => MlDsaSet::MlDsa65,
        _ => MlDsaSet::MlDsa87,
    };
    run(file, |group, test| {
        let public: Hex = serde_json::from_value(group.clone()).unwrap();
        verify::ml_dsa(set, &public.0, &test.msg.0, &test.ctx.0, &test.sig.0) == Ok(true)
    })
}

fn run(file: &[u8], verify: impl Fn(&Value, &Test) -> bool) -> usize {
    let file: File = serde_json::from_slice(file).unwrap();
    let mut ran = 0;
    for group in &file.test_groups {
        for test in &group.tests {
            let fits = verify(&group.public_key, test);
            assert_eq!(fits, test.result == Verdict::Valid, "test {}", test.tc_id);
            ran += 1;
        }
    }
    assert_eq!(ran, file.number_of_tests);
    ran
}
