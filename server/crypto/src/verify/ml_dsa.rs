//! ML-DSA.Verify (FIPS 204), the three parameter sets in one code.
//!
//! A library is generic over the sets, and what it makes for each of them is a sixth of the module
//! for browsers. Here the sets are numbers. Everything is public, so time may tell what it likes:
//! **Invariant:** nothing here touches a secret; keys are generated and used elsewhere. Wycheproof's
//! vectors run over it natively and as WebAssembly, and it is held to the library's verdict.
//!
//! Numbers are residues of 0 to q - 1 throughout. Algorithms are named as the standard numbers them.

use shake::{ExtendableOutput as _, Shake128, Shake256, Update as _, XofReader};

/// The prime.
const Q: u32 = 8_380_417;
/// The coefficients of a polynomial.
const N: usize = 256;
/// How many bits of t are left out of a public key.
const D: u32 = 13;
/// The most rows and columns of a set.
const MAX: usize = 8;

type Polynomial = [u32; N];

/// A parameter set (section 4).
pub(super) struct Set {
    /// The rows of A.
    k: usize,
    /// The columns of A.
    l: usize,
    /// How many coefficients of c are not zero.
    tau: usize,
    /// The bits of a coefficient of z: one more than those of gamma_1.
    z_bits: usize,
    gamma_2: u32,
    /// tau times eta.
    beta: u32,
    /// The most hints.
    omega: usize,
    /// The length of c~: lambda / 4.
    challenge_len: usize,
}

pub(super) const ML_DSA_44: Set = Set {
    k: 4,
    l: 4,
    tau: 39,
    z_bits: 18,
    gamma_2: (Q - 1) / 88,
    beta: 78,
    omega: 80,
    challenge_len: 32,
};

pub(super) const ML_DSA_65: Set = Set {
    k: 6,
    l: 5,
    tau: 49,
    z_bits: 20,
    gamma_2: (Q - 1) / 32,
    beta: 196,
    omega: 55,
    challenge_len: 48,
};

pub(super) const ML_DSA_87: Set = Set {
    k: 8,
    l: 7,
    tau: 60,
    z_bits: 20,
    gamma_2: (Q - 1) / 32,
    beta: 120,
    omega: 75,
    challenge_len: 64,
};

impl Set {
    /// The length of a public key.
    pub(super) fn public_len(&self) -> usize {
        32 + 320 * self.k
    }

    /// Algorithms 3 and 8; none where the signature is no encoding of one. The public key has its
    /// length, and the context at most 255 bytes.
    pub(super) fn verify(
        &self,
        public_key: &[u8],
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let (rho, t1) = public_key.split_at_checked(32)?;
        let (challenge, rest) = signature.split_at_checked(self.challenge_len)?;
        let z_len = N * self.z_bits / 8;
        let (z, hints) = rest.split_at_checked(z_len * self.l)?;
        let hints = self.hints(hints)?;
        let zetas = zetas();

        let mut z_ntt = [[0; N]; MAX];
        for (z, ntt) in z.chunks(z_len).zip(&mut z_ntt) {
            let gamma_1 = 1 << (self.z_bits - 1);
            for (coefficient, packed) in ntt.iter_mut().zip(unpack(z, self.z_bits)) {
                let distance = packed.abs_diff(gamma_1);
                if distance >= gamma_1 - self.beta {
                    return Some(false);
                }
                *coefficient = (Q + gamma_1 - packed) % Q;
            }
            forward(ntt, &zetas);
        }
        let mut c = self.sample_in_ball(challenge);
        forward(&mut c, &zetas);

        let mut tr = [0; 64];
        hash(&[public_key], &mut tr);
        let mut mu = [0; 64];
        let head = [0, context.len() as u8];
        hash(&[&tr, &head, context, message], &mut mu);

        let mut commitment = Shake256::default();
        commitment.update(&mu);
        for (row, (t1, hints)) in t1.chunks(320).zip(&hints).enumerate() {
            let mut t = [0; N];
            for (coefficient, packed) in t.iter_mut().zip(unpack(t1, 10)) {
                *coefficient = packed << D;
            }
            forward(&mut t, &zetas);
            // w' = A z - c t1 2^d, a row at a time.
            let mut w = [0; N];
            for (at, w) in w.iter_mut().enumerate() {
                *w = Q - times(c[at], t[at]);
            }
            for (column, z) in z_ntt.iter().take(self.l).enumerate() {
                let a = reject_ntt(rho, column as u8, row as u8);
                for (at, w) in w.iter_mut().enumerate() {
                    *w = (*w + times(a[at], z[at])) % Q;
                }
            }
            backward(&mut w, &zetas);
            let bits = if self.gamma_2 == (Q - 1) / 88 { 6 } else { 4 };
            let mut packed = [0; N * 6 / 8];
            for (at, w) in w.iter().enumerate() {
                let high = self.use_hint(hints[at], *w);
                for bit in 0..bits {
                    let place = at * bits + bit;
                    packed[place / 8] |= (((high >> bit) & 1) as u8) << (place % 8);
                }
            }
            commitment.update(&packed[..N * bits / 8]);
        }
        let mut computed = [0; 64];
        let computed = &mut computed[..self.challenge_len];
        commitment.finalize_xof().read(computed);
        Some(computed == challenge)
    }

    /// Algorithm 21: which coefficients have a hint. There is one encoding of each.
    fn hints(&self, bytes: &[u8]) -> Option<[[bool; N]; MAX]> {
        let (places, ends) = bytes.split_at_checked(self.omega)?;
        if ends.len() != self.k {
            return None;
        }
        let mut hints = [[false; N]; MAX];
        let mut start = 0;
        for (end, hints) in ends.iter().zip(&mut hints) {
            // Fails where an end is before its start, or beyond all places.
            let places = places.get(start..usize::from(*end))?;
            if !places.is_sorted_by(|left, right| left < right) {
                return None;
            }
            for place in places {
                hints[usize::from(*place)] = true;
            }
            start = usize::from(*end);
        }
        let unused = places.get(start..)?;
        unused.iter().all(|place| *place == 0).then_some(hints)
    }

    /// Algorithm 29.
    fn sample_in_ball(&self, seed: &[u8]) -> Polynomial {
        let mut hash = Shake256::default();
        hash.update(seed);
        let mut bytes = hash.finalize_xof();
        let mut signs = [0; 8];
        bytes.read(&mut signs);
        let mut signs = u64::from_le_bytes(signs);
        let mut c = [0; N];
        for place in N - self.tau..N {
            let other = loop {
                let mut byte = [0];
                bytes.read(&mut byte);
                let [byte] = byte;
                if usize::from(byte) <= place {
                    break usize::from(byte);
                }
            };
            c[place] = c[other];
            c[other] = if signs & 1 == 1 { Q - 1 } else { 1 };
            signs >>= 1;
        }
        c
    }

    /// Algorithms 36 and 40: the high bits of `r`, one more or less by the hint.
    fn use_hint(&self, hint: bool, r: u32) -> u32 {
        let alpha = 2 * self.gamma_2;
        let count = (Q - 1) / alpha;
        let low = r % alpha;
        // Low parts are of -gamma_2 (not included) to gamma_2.
        let (mut high, mut is_positive) = if low > self.gamma_2 {
            (r / alpha + 1, false)
        } else {
            (r / alpha, low > 0)
        };
        if high == count {
            // The highest part wraps around to 0, and its low part becomes one less.
            (high, is_positive) = (0, false);
        }
        match (hint, is_positive) {
            (false, _) => high,
            (true, true) => (high + 1) % count,
            (true, false) => (high + count - 1) % count,
        }
    }
}

/// H of the standard: SHAKE256 of what is given, one after the other.
fn hash(parts: &[&[u8]], out: &mut [u8]) {
    let mut hash = Shake256::default();
    for part in parts {
        hash.update(part);
    }
    hash.finalize_xof().read(out);
}

/// Algorithms 18 and 19 without the sign: numbers of `bits`, the lowest bit first.
fn unpack(bytes: &[u8], bits: usize) -> impl Iterator<Item = u32> {
    (0..N).map(move |at| {
        (0..bits).fold(0, |number, bit| {
            let place = at * bits + bit;
            number | (u32::from((bytes[place / 8] >> (place % 8)) & 1) << bit)
        })
    })
}

/// Algorithm 30: an entry of A.
fn reject_ntt(rho: &[u8], column: u8, row: u8) -> Polynomial {
    let mut hash = Shake128::default();
    hash.update(rho);
    hash.update(&[column, row]);
    let mut bytes = hash.finalize_xof();
    let mut a = [0; N];
    for coefficient in &mut a {
        *coefficient = loop {
            let mut number = [0; 4];
            bytes.read(&mut number[..3]);
            let number = u32::from_le_bytes(number) & 0x7f_ffff;
            if number < Q {
                break number;
            }
        };
    }
    a
}

/// The powers of the root 1753, in the order of their bits reversed (appendix B).
fn zetas() -> Polynomial {
    let mut zetas = [0; N];
    let mut power = 1;
    for index in 0..=u8::MAX {
        zetas[usize::from(index.reverse_bits())] = power;
        power = times(power, 1753);
    }
    zetas
}

/// Algorithm 41.
fn forward(w: &mut Polynomial, zetas: &Polynomial) {
    let mut zetas = zetas.iter().skip(1);
    let mut len = N / 2;
    while len > 0 {
        for (block, zeta) in w.chunks_mut(2 * len).zip(&mut zetas) {
            let (left, right) = block.split_at_mut(len);
            for (left, right) in left.iter_mut().zip(right) {
                let product = times(*zeta, *right);
                *right = (*left + Q - product) % Q;
                *left = (*left + product) % Q;
            }
        }
        len /= 2;
    }
}

/// Algorithm 42.
fn backward(w: &mut Polynomial, zetas: &Polynomial) {
    let mut zetas = zetas.iter().rev();
    let mut len = 1;
    while len < N {
        for (block, zeta) in w.chunks_mut(2 * len).zip(&mut zetas) {
            let (left, right) = block.split_at_mut(len);
            for (left, right) in left.iter_mut().zip(right) {
                let (sum, difference) = (*left + *right, *left + Q - *right);
                *left = sum % Q;
                *right = times(Q - *zeta, difference % Q);
            }
        }
        len *= 2;
    }
    for coefficient in w {
        // 256^-1.
        *coefficient = times(*coefficient, 8_347_681);
    }
}

fn times(left: u32, right: u32) -> u32 {
    (u64::from(left) * u64::from(right) % u64::from(Q)) as u32
}

#[cfg(test)]
mod tests;
