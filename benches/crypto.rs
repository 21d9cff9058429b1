//! Keyrings against the bare primitive, by size of the plaintext.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keyward_crypto::{
    Derivation, HashAlgorithm, Keyring, Scope, SignRequest, Timestamp, key_type, random,
};

const SIZES: [usize; 4] = [64, 256, 1024, 65_536];

fn keyring(name: &str) -> Keyring {
    let key_type = key_type(name).expect("the table has this type");
    Keyring::generate(key_type, Derivation::None, Timestamp::from_unix_nanos(0))
        .expect("keys of this type can be made")
}

fn encryption(criterion: &mut Criterion) {
    let scope = Scope::default();
    for name in ["aes256-gcm96", "chacha20-poly1305"] {
        let keyring = keyring(name);
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
        }
        group.finish();
    }
}

fn bare_aes(criterion: &mut Criterion) {
    use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
    let key = random::generate_key::<32>();
    // EXPOSE: the yardstick uses the key as the primitive takes it.
    let cipher = Aes256Gcm::new(key.expose().into());
    let mut group = criterion.benchmark_group("bare AES-256-GCM");
    for size in SIZES {
        let mut buffer = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("seal in place", size), |bencher| {
            bencher.iter(|| {
                let nonce = random::generate_nonce::<12>();
                cipher.encrypt_inout_detached(&nonce.into(), b"", buffer.as_mut_slice().into())
            });
        });
    }
    group.finish();
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

criterion_group!(benches, encryption, bare_aes, signatures);
criterion_main!(benches);
