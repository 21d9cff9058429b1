//! ML-DSA: signatures that exist, and signatures from a seed.
//!
//! The crate's own signatures are hedged, so what a test wants repeated byte by byte is asked of the
//! primitive that the crate signs with in a context; the crate then verifies it, and what the crate
//! signs the test's public key verifies.

use keyward_crypto::{SignRequest, key_type};
use ml_dsa::{
    B32, EncodedVerifyingKey, ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed,
    Signature, VerifyingKey,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::file::{Hex, Verdict};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<G> {
    number_of_tests: usize,
    test_groups: Vec<G>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerifyGroup {
    public_key: Hex,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignGroup {
    private_seed: Hex,
    /// None of what is no seed.
    public_key: Option<Hex>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    tc_id: u32,
    msg: Option<Hex>,
    #[serde(default)]
    ctx: Hex,
    mu: Option<Hex>,
    rnd: Option<Hex>,
    sig: Hex,
    result: Verdict,
}

impl Test {
    fn request(&self) -> SignRequest<'_> {
        SignRequest {
            signature_context: &self.ctx.0,
            ..SignRequest::default()
        }
    }

    fn is_valid(&self) -> bool {
        self.result == Verdict::Valid
    }
}

/// Runs both files of one parameter set; returns how many tests they hold.
pub(crate) fn mldsa(set: u32, verify: &[u8], sign: &[u8]) -> usize {
    let name = format!("mldsa-{set}");
    let verified = verify_file(&name, verify);
    verified
        + match set {
            44 => sign_file::<MlDsa44>(&name, sign),
            65 => sign_file::<MlDsa65>(&name, sign),
            _ => sign_file::<MlDsa87>(&name, sign),
        }
}

fn verify_file(name: &str, file: &[u8]) -> usize {
    let signer = key_type(name).unwrap().signer().unwrap();
    run_groups(file, |group: &VerifyGroup| {
        for test in &group.tests {
            let message = &test.msg.as_ref().unwrap().0;
            let verdict = signer
                .prepare_public(&group.public_key.0)
                .and_then(|key| key.verify(message, &test.sig.0, &test.request()));
            assert_eq!(verdict == Ok(true), test.is_valid(), "test {}", test.tc_id);
        }
        group.tests.len()
    })
}

fn sign_file<P: MlDsaParams>(name: &str, file: &[u8]) -> usize {
    let signer = key_type(name).unwrap().signer().unwrap();
    run_groups(file, |group: &SignGroup| {
        let ours = signer.prepare(&group.private_seed.secret());
        for test in &group.tests {
            let Ok(ours) = &ours else {
                assert!(!test.is_valid(), "test {}", test.tc_id);
                continue;
            };
            let public_key = &group.public_key.as_ref().unwrap().0;
            assert_eq!(&ours.public_key(), public_key, "test {}", test.tc_id);
            let seed = Seed::try_from(group.private_seed.0.as_slice()).unwrap();
            let key = ExpandedSigningKey::<P>::from_seed(&seed);
            let made = primitive(&key, test);
            assert_eq!(made.is_some(), test.is_valid(), "test {}", test.tc_id);
            if let Some(made) = &made {
                assert_eq!(made.encode().as_slice(), test.sig.0, "test {}", test.tc_id);
            }
            let Some(message) = &test.msg else {
                // A test of the inner function, which has no message and no context.
                let mu = test.mu.as_ref().unwrap().0.as_slice().try_into().unwrap();
                let key = EncodedVerifyingKey::<P>::try_from(public_key.as_slice());
                let key = VerifyingKey::<P>::decode(&key.unwrap());
                assert!(key.verify_mu(&mu, &made.unwrap()), "test {}", test.tc_id);
                continue;
            };
            let signed = ours.sign(&message.0, &test.request());
            assert_eq!(signed.is_ok(), test.is_valid(), "test {}", test.tc_id);
            for signature in signed.iter().chain(test.is_valid().then_some(&test.sig.0)) {
                let verdict = ours.verify(&message.0, signature, &test.request());
                assert_eq!(verdict, Ok(true), "test {}", test.tc_id);
            }
        }
        group.tests.len()
    })
}

/// Runs `check` on every group, which tells how many tests it ran, and compares with what the file
/// says that it holds.
fn run_groups<G: DeserializeOwned>(file: &[u8], check: impl Fn(&G) -> usize) -> usize {
    let file: File<G> = serde_json::from_slice(file).unwrap();
    let ran = file.test_groups.iter().map(check).sum();
    assert_eq!(ran, file.number_of_tests);
    ran
}

/// Signs as the test says; none if the primitive refuses.
fn primitive<P: MlDsaParams>(key: &ExpandedSigningKey<P>, test: &Test) -> Option<Signature<P>> {
    match (&test.msg, &test.mu, &test.rnd) {
        (Some(message), _, Some(randomness)) => {
            let head = [0, test.ctx.0.len() as u8];
            let randomness = B32::try_from(randomness.0.as_slice()).unwrap();
            Some(key.sign_internal(&[&head, &test.ctx.0, &message.0], &randomness))
        }
        (Some(message), _, None) => key.sign_deterministic(&message.0, &test.ctx.0).ok(),
        (None, Some(mu), _) => {
            let mu = mu.0.as_slice().try_into().unwrap();
            Some(key.sign_mu_deterministic(&mu))
        }
        (None, None, _) => panic!("test {} has nothing to sign", test.tc_id),
    }
}
