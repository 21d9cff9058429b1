//! The verdicts of the library, over signatures and what a change of one bit makes of them.

use ml_dsa::{B32, ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature};
use proptest::prelude::*;

use super::*;

/// What the library says of a signature.
fn library<P: MlDsaParams>(
    key: &ExpandedSigningKey<P>,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> bool {
    let signature = Signature::<P>::try_from(signature);
    signature.is_ok_and(|signature| {
        let key = key.verifying_key();
        key.verify_with_context(message, context, &signature)
    })
}

fn agrees<P: MlDsaParams>(
    set: &Set,
    seed: [u8; 32],
    message: &[u8],
    context: &[u8],
    places: &[prop::sample::Index],
) {
    let key = ExpandedSigningKey::<P>::from_seed(&B32::from(seed));
    let public = key.verifying_key().encode();
    assert_eq!(set.public_len(), public.len());
    let signature = key.sign_deterministic(message, context).unwrap().encode();
    assert_eq!(
        set.verify(&public, message, context, &signature),
        Some(true)
    );
    assert_eq!(
        set.verify(&public, message, b"other", &signature),
        Some(false)
    );
    for place in places {
        let mut changed = signature.to_vec();
        let bit = place.index(changed.len() * 8);
        changed[bit / 8] ^= 1 << (bit % 8);
        let verdict = set.verify(&public, message, context, &changed) == Some(true);
        assert_eq!(verdict, library(&key, message, context, &changed));
        assert!(!verdict);
    }
    for len in [0, set.challenge_len, signature.len() - 1] {
        assert_eq!(
            set.verify(&public, message, context, &signature[..len]),
            None
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_library_agrees(
        seed: [u8; 32],
        message: Vec<u8>,
        context in prop::collection::vec(any::<u8>(), 0..=255),
        places in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        agrees::<MlDsa44>(&ML_DSA_44, seed, &message, &context, &places);
        agrees::<MlDsa65>(&ML_DSA_65, seed, &message, &context, &places);
        agrees::<MlDsa87>(&ML_DSA_87, seed, &message, &context, &places);
    }

    #[test]
    fn a_transform_leads_back(coefficients in prop::collection::vec(0..Q, N)) {
        let mut w: Polynomial = coefficients.clone().try_into().unwrap();
        let zetas = zetas();
        forward(&mut w, &zetas);
        backward(&mut w, &zetas);
        prop_assert_eq!(w.to_vec(), coefficients);
    }
}
