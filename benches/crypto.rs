//! Keyrings against the bare primitive, by size of the plaintext.

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit,
    aead::{AeadInOut, Nonce},
};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keyward_crypto::{
    Derivation, HashAlgorithm, Keyring, Scope, SignRequest, Timestamp, key_type, random,
};

const SIZES: [usize; 4] = [64, 1024, 65_536, 1 << 20];

/// XChaCha20-Poly1305's.
const LONGEST_NONCE: usize = 24;

fn keyring(name: &str) -> Keyring {
    let key_type = key_type(name).expect("the table has this type");
    Keyring::generate(key_type, Derivation::None, Timestamp::from_unix_nanos(0))
        .expect("keys of this type can be made")
}

/// A key type beside the bare primitive it is made of, in the same run: with fresh nonces in
/// place, without text, versions and rules.
fn encryption<A: KeyInit + AeadInOut>(criterion: &mut Criterion, name: &str) {
    let scope = Scope::default();
    let keyring = keyring(name);
    let bytes = random::generate_bytes(A::key_size());
    // EXPOSE: the yardstick uses the key as the primitive takes it.
    let bare = A::new_from_slice(bytes.expose()).expect("the key has its length");
    let mut group = criterion.benchmark_group(name);
    for size in SIZES {
        let plaintext = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("encrypt to text", size), |bencher| {
            bencher.iter(|| keyring.encrypt(&plaintext, &scope, None));
        });
        let text = keyring
            .encrypt(&plaintext, &scope, None)
            .expect("encrypts")
            .text;
        group.bench_function(BenchmarkId::new("decrypt from text", size), |bencher| {
            bencher.iter(|| keyring.decrypt(&text, &scope));
        });
        let mut nonce = Nonce::<A>::default();
        let nonce_len = nonce.len();
        let mut buffer = plaintext.clone();
        group.bench_function(BenchmarkId::new("bare seal", size), |bencher| {
            bencher.iter(|| {
                let fresh = random::generate_nonce::<LONGEST_NONCE>();
                nonce.copy_from_slice(&fresh[..nonce_len]);
                bare.encrypt_inout_detached(&nonce, b"", buffer.as_mut_slice().into())
            });
        });
        let tag = bare
            .encrypt_inout_detached(&nonce, b"", buffer.as_mut_slice().into())
            .expect("seals");
        group.bench_function(BenchmarkId::new("bare open", size), |bencher| {
            // What was opened would not open again.
            bencher.iter_batched_ref(
                || buffer.clone(),
                |sealed| {
                    bare.decrypt_inout_detached(&nonce, b"", sealed.as_mut_slice().into(), &tag)
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn encryptions(criterion: &mut Criterion) {
    encryption::<Aes128Gcm>(criterion, "aes128-gcm96");
    encryption::<Aes256Gcm>(criterion, "aes256-gcm96");
    encryption::<ChaCha20Poly1305>(criterion, "chacha20-poly1305");
    encryption::<XChaCha20Poly1305>(criterion, "xchacha20-poly1305");
}

fn signatures(criterion: &mut Criterion) {
    let keyring = keyring("ed25519");
    let request = SignRequest::default();
    let message = [7; 256];
    criterion.bench_function("ed25519 sign", |bencher| {
        bencher.iter(|| keyring.sign(&message, &request));
    });
    let text = keyring.sign(&message, &request).expect("signs").text;
    criterion.bench_function("ed25519 verify", |bencher| {
        bencher.iter(|| keyring.verify(&message, &text, &request));
    });
    criterion.bench_function("HMAC-SHA-256 of 256 bytes", |bencher| {
        bencher.iter(|| keyring.hmac(&message, HashAlgorithm::Sha2_256, None));
    });
}

criterion_group!(benches, encryptions, signatures);
criterion_main!(benches);
