//! Shamir's secret sharing over GF(2^8), in the share format of Vault.
//!
//! ```text
//! share = y(0) ‖ y(1) ‖ … ‖ y(n-1) ‖ x
//! ```
//! Each byte of the secret is the constant of its own random polynomial of degree `threshold - 1`
//! over the field of AES (x^8 + x^4 + x^3 + x + 1); a share holds the values of all of them at one
//! `x` that is not zero. Shares carry no checksum: a wrong one yields a wrong secret, and only the
//! use of the secret tells.
//!
//! **Invariant:** no branch and no table index depends on a secret byte.

use crate::{Error, Secret, SecretBytes, random};

/// Splits `secret` into `shares` shares, of which any `threshold` give it back and fewer give
/// nothing away.
///
/// # Errors
/// [`Error::Invalid`] when the secret is empty, or not `2 <= threshold <= shares`.
pub fn split(secret: &[u8], shares: u8, threshold: u8) -> Result<Vec<SecretBytes>, Error> {
    if threshold < 2 {
        return Err(Error::invalid("threshold must be at least 2"));
    }
    if shares < threshold {
        return Err(Error::invalid("parts cannot be less than threshold"));
    }
    if secret.is_empty() {
        return Err(Error::invalid("cannot split an empty secret"));
    }

    // One random coefficient for each byte and each power from 1 up, power by power.
    let coefficients = random::generate_bytes(secret.len() * usize::from(threshold - 1));
    // EXPOSE: the polynomials are evaluated into the shares.
    let coefficients = coefficients.expose();
    let share = |x: u8| {
        let mut share = Secret::new(Vec::with_capacity(secret.len() + 1));
        // EXPOSE: to fill the buffer, which is reserved and does not grow.
        let out = share.expose_mut();
        out.extend(secret.iter().enumerate().map(|(at, &constant)| {
            let powers = coefficients.chunks_exact(secret.len()).rev();
            let higher = powers.fold(0, |sum, power| multiply(sum ^ power[at], x));
            higher ^ constant
        }));
        out.push(x);
        share
    };
    Ok(distinct_points(shares).into_iter().map(share).collect())
}

/// Gives back the secret that at least a threshold of its shares hold, in any order.
///
/// # Errors
/// [`Error::Invalid`] when there are fewer than two, when they differ in length or are too short,
/// or when one stands twice or holds no share's point.
pub fn combine(shares: &[SecretBytes]) -> Result<SecretBytes, Error> {
    let mut opened: Vec<&[u8]> = Vec::with_capacity(shares.len());
    for share in shares {
        // EXPOSE: the secret is interpolated from the shares.
        opened.push(share.expose());
    }
    let shares = opened;
    let [first, _, ..] = shares[..] else {
        return Err(Error::invalid(
            "less than two parts cannot be used to reconstruct the secret",
        ));
    };
    if first.len() < 2 {
        return Err(Error::invalid("parts must be at least two bytes"));
    }
    if shares.iter().any(|share| share.len() != first.len()) {
        return Err(Error::invalid("all parts must be the same length"));
    }
    let points: Vec<u8> = shares.iter().map(|share| share[first.len() - 1]).collect();
    if points.contains(&0) {
        return Err(Error::invalid("a part is not a share of a secret"));
    }
    if (1..points.len()).any(|at| points[..at].contains(&points[at])) {
        return Err(Error::invalid("duplicate part detected"));
    }

    let mut secret = Secret::new(vec![0; first.len() - 1]);
    // EXPOSE: to sum into the buffer that is wiped.
    let out = secret.expose_mut();
    for (share, &x) in shares.iter().zip(&points) {
        let weight = weight_at_zero(x, &points);
        for (sum, &y) in out.iter_mut().zip(*share) {
            *sum ^= multiply(y, weight);
        }
    }
    Ok(secret)
}

/// Lagrange's basis polynomial of the point `x`, at zero. In this field, minus is plus.
fn weight_at_zero(x: u8, points: &[u8]) -> u8 {
    let others = points.iter().filter(|&&other| other != x);
    others.fold(1, |weight, &other| {
        multiply(weight, multiply(other, invert(other ^ x)))
    })
}

/// Picks `count` different points of 1..=255 at random, so that a share's point does not tell how
/// many there are (the front of a Fisher-Yates shuffle).
fn distinct_points(count: u8) -> Vec<u8> {
    let mut points: Vec<u8> = (1..=u8::MAX).collect();
    for at in 0..usize::from(count) {
        let left = points.len() - at;
        // Points are public, so a bias of 2^-56 is nobody's gain.
        let pick = u64::from_le_bytes(random::generate_nonce()) % left as u64;
        points.swap(at, at + pick as usize);
    }
    points.truncate(usize::from(count));
    points
}

/// Multiplies in GF(2^8), in constant time.
fn multiply(a: u8, b: u8) -> u8 {
    let (mut shifted, mut product) = (a, 0);
    for bit in 0..8 {
        product ^= shifted & (b >> bit & 1).wrapping_neg();
        shifted = shifted << 1 ^ 0x1b & (shifted >> 7).wrapping_neg();
    }
    product
}

/// Inverts in GF(2^8), in constant time: the group has order 255, so a^254 is 1/a.
fn invert(a: u8) -> u8 {
    let mut power = a;
    let mut product = 1;
    for _ in 0..7 {
        power = multiply(power, power);
        product = multiply(product, power);
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vsss_rs::Gf256;

    use super::*;

    #[test]
    fn the_field_is_that_of_aes() {
        // FIPS 197 section 4.2.
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        for a in 1..=u8::MAX {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }

    #[test]
    fn bad_parameters_are_refused_in_the_words_of_vault() {
        let words = |result: Result<Vec<SecretBytes>, Error>| result.unwrap_err().to_string();
        assert_eq!(words(split(b"s", 1, 1)), "threshold must be at least 2");
        assert_eq!(
            words(split(b"s", 2, 3)),
            "parts cannot be less than threshold"
        );
        assert_eq!(words(split(b"", 3, 2)), "cannot split an empty secret");

        let words = |shares: &[&[u8]]| {
            let shares: Vec<_> = shares.iter().map(|&share| share.into()).collect();
            combine(&shares).unwrap_err().to_string()
        };
        let few = "less than two parts cannot be used to reconstruct the secret";
        assert_eq!(words(&[]), few);
        assert_eq!(words(&[b"ab"]), few);
        assert_eq!(words(&[b"a", b"b"]), "parts must be at least two bytes");
        assert_eq!(words(&[b"ab", b"abc"]), "all parts must be the same length");
        assert_eq!(words(&[b"ab", b"cb"]), "duplicate part detected");
        assert_eq!(words(&[b"ab", b"c\0"]), "a part is not a share of a secret");
    }

    #[test]
    fn the_most_shares_there_can_be_still_combine() {
        let shares = split(b"all of them", 255, 255).unwrap();
        assert_eq!(combine(&shares), Ok(SecretBytes::from(&b"all of them"[..])));
        assert_ne!(
            combine(&shares[1..]),
            Ok(SecretBytes::from(&b"all of them"[..]))
        );
    }

    /// With one share too few every secret is as likely as every other: for any value of the
    /// missing share's byte the outcome is another byte of the secret.
    #[test]
    fn too_few_shares_give_nothing_away() {
        let shares = split(&[0x42], 3, 3).unwrap();
        let [y, x] = shares[2].expose()[..] else {
            panic!("a share of one byte has two")
        };
        let mut outcomes: Vec<u8> = (0..=u8::MAX)
            .map(|guess| {
                let missing = SecretBytes::new(vec![y ^ guess, x]);
                let shares = [shares[0].duplicate(), shares[1].duplicate(), missing];
                combine(&shares).unwrap().expose()[0]
            })
            .collect();
        outcomes.sort_unstable();
        assert_eq!(outcomes, (0..=u8::MAX).collect::<Vec<_>>());
    }

    /// Vault writes `x` last, `vsss-rs` first.
    fn rotated(share: &SecretBytes) -> Vec<u8> {
        let mut share = share.expose().clone();
        share.rotate_right(1);
        share
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_subset_of_a_threshold_or_more_combines(
            secret in prop::collection::vec(any::<u8>(), 1..80),
            (shares, threshold) in (2u8..20).prop_flat_map(|shares| (Just(shares), 2..=shares)),
            order in Just((0..20usize).collect::<Vec<_>>()).prop_shuffle(),
            more in 0usize..20,
        ) {
            let all = split(&secret, shares, threshold).unwrap();
            prop_assert_eq!(all.len(), usize::from(shares));
            let picked: Vec<_> = order.iter()
                .filter_map(|&at| all.get(at))
                .take(usize::from(threshold) + more)
                .map(SecretBytes::duplicate)
                .collect();
            let expected = SecretBytes::from(&secret[..]);
            prop_assert_eq!(combine(&picked), Ok(expected.duplicate()));
            if threshold > 2 && secret.len() > 8 {
                let fewer = combine(&picked[..usize::from(threshold) - 1]).unwrap();
                prop_assert_ne!(fewer, expected);
            }
        }

        #[test]
        fn shares_of_ours_combine_elsewhere(
            secret in prop::collection::vec(any::<u8>(), 1..80),
            (shares, threshold) in (2u8..20).prop_flat_map(|shares| (Just(shares), 2..=shares)),
        ) {
            let ours = split(&secret, shares, threshold).unwrap();
            let theirs: Vec<_> = ours.iter().take(threshold.into()).map(rotated).collect();
            prop_assert_eq!(Gf256::combine_array(&theirs).unwrap(), secret);
        }

        #[test]
        fn shares_made_elsewhere_combine_here(
            secret in prop::collection::vec(any::<u8>(), 1..80),
            (shares, threshold) in (2usize..20).prop_flat_map(|shares| (Just(shares), 2..=shares)),
            seed: [u8; 32],
        ) {
            use rand::SeedableRng as _;
            let rng = rand::rngs::StdRng::from_seed(seed);
            let theirs = Gf256::split_array(threshold, shares, &secret, rng).unwrap();
            let ours: Vec<_> = theirs.into_iter().take(threshold)
                .map(|mut share| { share.rotate_left(1); SecretBytes::new(share) })
                .collect();
            prop_assert_eq!(combine(&ours), Ok(SecretBytes::from(&secret[..])));
        }
    }
}
