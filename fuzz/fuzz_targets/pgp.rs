//! Fuzzes `pgp`; see `tests/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keyward_fuzzed::run("pgp", data));
