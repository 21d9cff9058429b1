//! What the barrier adds to storage: sealing and opening values, bound to their key.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keyward_crypto::{Derivation, Keyring, Timestamp, key_type};

fn barrier(criterion: &mut Criterion) {
    let aes = key_type("aes256-gcm96").expect("the table has this type");
    let keyring = Keyring::generate(aes, Derivation::None, Timestamp::from_unix_nanos(0))
        .expect("keys of this type can be made");
    let key = b"logical/6e3f8f6e-0c39-4d37-9c55-0c6f9a3c5a11/metadata/team/app/database";
    let mut group = criterion.benchmark_group("barrier");
    for size in [256, 4096, 65_536] {
        let value = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("seal", size), |bencher| {
            bencher.iter(|| {
                let mut sealed = Vec::new();
                keyring.seal(&value, key, &mut sealed).map(|()| sealed)
            });
        });
        let mut sealed = Vec::new();
        keyring.seal(&value, key, &mut sealed).expect("seals");
        group.bench_function(BenchmarkId::new("open", size), |bencher| {
            bencher.iter(|| keyring.open(&sealed, key));
        });
    }
    group.finish();
}

criterion_group!(benches, barrier);
criterion_main!(benches);
