//! Keyrings against the bare primitive, by size of the plaintext.

use std::fmt::Write as _;

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, KeyInit,
    aead::{AeadInOut, Nonce},
};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hpke::{
    OpModeR, OpModeS,
    aead::AesGcm256,
    kdf::HkdfSha256,
    kem::{Kem, X25519HkdfSha256, XWing},
    single_shot_open, single_shot_seal,
};
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

/// Encrypts, and writes the text where the answer is put together.
fn encrypt_into(answer: &mut String, keyring: &Keyring, plaintext: &[u8]) {
    let encrypted = keyring.encrypt(plaintext, &Scope::default(), None);
    answer.clear();
    write!(answer, "{}", encrypted.expect("encrypts")).expect("a string takes text");
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
            let mut answer = String::new();
            bencher.iter(|| encrypt_into(&mut answer, &keyring, &plaintext));
        });
        let text = keyring
            .encrypt(&plaintext, &scope, None)
            .expect("encrypts")
            .text();
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
    hpke_encryption::<X25519HkdfSha256>(criterion, "hpke-x25519");
    hpke_encryption::<XWing>(criterion, "hpke-xwing");
    rsa_encryption(criterion);
}

/// A key type with a public half beside the bare HPKE it is made of.
fn hpke_encryption<K: Kem>(criterion: &mut Criterion, name: &str) {
    let scope = Scope::default();
    let keyring = keyring(name);
    let (private, public) = K::gen_keypair();
    let mut group = criterion.benchmark_group(name);
    for size in SIZES {
        let plaintext = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("encrypt to text", size), |bencher| {
            let mut answer = String::new();
            bencher.iter(|| encrypt_into(&mut answer, &keyring, &plaintext));
        });
        let text = keyring
            .encrypt(&plaintext, &scope, None)
            .expect("encrypts")
            .text();
        group.bench_function(BenchmarkId::new("decrypt from text", size), |bencher| {
            bencher.iter(|| keyring.decrypt(&text, &scope));
        });
        let seal = || {
            single_shot_seal::<AesGcm256, HkdfSha256, K>(
                &OpModeS::Base,
                &public,
                b"",
                &plaintext,
                b"",
            )
        };
        group.bench_function(BenchmarkId::new("bare seal", size), |bencher| {
            bencher.iter(seal);
        });
        let (enc, sealed) = seal().expect("seals");
        group.bench_function(BenchmarkId::new("bare open", size), |bencher| {
            bencher.iter(|| {
                single_shot_open::<AesGcm256, HkdfSha256, K>(
                    &OpModeR::Base,
                    &private,
                    &enc,
                    b"",
                    &sealed,
                    b"",
                )
            });
        });
    }
    group.finish();
}

/// RSA beside the bare OAEP it is made of; it encrypts no more than a key or two.
fn rsa_encryption(criterion: &mut Criterion) {
    const SIZE: usize = 64;
    let scope = Scope::default();
    let keyring = keyring("rsa-2048");
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key can be made");
    let public = OaepPublicEncryptingKey::new(private.public_key()).expect("a key for OAEP");
    let private = OaepPrivateDecryptingKey::new(private).expect("a key for OAEP");
    let mut group = criterion.benchmark_group("rsa-2048");
    let plaintext = [7; SIZE];
    group.bench_function(BenchmarkId::new("encrypt to text", SIZE), |bencher| {
        let mut answer = String::new();
        bencher.iter(|| encrypt_into(&mut answer, &keyring, &plaintext));
    });
    let text = keyring.encrypt(&plaintext, &scope, None);
    let text = text.expect("encrypts").text();
    group.bench_function(BenchmarkId::new("decrypt from text", SIZE), |bencher| {
        bencher.iter(|| keyring.decrypt(&text, &scope));
    });
    let mut sealed = vec![0; public.ciphertext_size()];
    group.bench_function(BenchmarkId::new("bare seal", SIZE), |bencher| {
        bencher.iter(|| {
            public
                .encrypt(&OAEP_SHA256_MGF1SHA256, &plaintext, &mut sealed, None)
                .map(|text| text.len())
        });
    });
    let mut opened = vec![0; private.min_output_size()];
    group.bench_function(BenchmarkId::new("bare open", SIZE), |bencher| {
        bencher.iter(|| {
            private
                .decrypt(&OAEP_SHA256_MGF1SHA256, &sealed, &mut opened, None)
                .map(|text| text.len())
        });
    });
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

criterion_group!(benches, encryptions, signatures);
criterion_main!(benches);
