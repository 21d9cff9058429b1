//! Each target over its seeds, and over what a few changes make of them.

use std::{
    collections::BTreeSet,
    env, fs,
    hash::{BuildHasher, RandomState},
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use axum::{body::Body, http::Request as HttpRequest};

use super::TARGETS;
use crate::house::ask_over_http;

/// Set to repeat a failure.
const SEED: &str = "KEYWARD_TEST_SEED";
/// How many changed inputs each target gets at most, and for how long.
const MOST: usize = 3_000;
const LONGEST: Duration = Duration::from_secs(3);

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(fuzz().join("seeds").join(name))
        .unwrap_or_else(|error| panic!("the target {name} has no seeds: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One seed with some bytes changed, left out, doubled, or taken from another.
fn changed(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut data = seeds[chance.below(seeds.len())].clone();
    for _ in 0..1 + chance.below(4) {
        let at = chance.below(data.len() + 1);
        let to = (at + 1 + chance.below(8)).min(data.len());
        match chance.below(6) {
            0 => drop(data.drain(at.min(to)..to)),
            1 => data.truncate(at),
            2 => data.insert(at, [0, 0x7f, 0x80, 0xff, b'%', b'/', b'"'][chance.below(7)]),
            3 if at < data.len() => data[at] ^= 1 << chance.below(8),
            4 => {
                let piece = data[at.min(to)..to].to_vec();
                data.splice(at..at, piece.repeat(1 + chance.below(20)));
            }
            _ => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                data.splice(at..to.max(at), other[from..].iter().copied());
            }
        }
    }
    data
}

#[test]
#[allow(clippy::print_stdout, reason = "the seed repeats a failure")]
fn no_target_panics_on_its_seeds_and_what_is_like_them() {
    let seed = env::var(SEED).map_or_else(
        |_| RandomState::new().hash_one(0) >> 16,
        |seed| seed.parse().unwrap(),
    );
    println!("{SEED}={seed}");
    for target in TARGETS {
        let seeds = seeds(target.name);
        let mut chance = Chance(seed);
        let start = Instant::now();
        let like_them = (0..MOST).map(|_| changed(&seeds, &mut chance));
        let like_them = like_them.take_while(|_| start.elapsed() < LONGEST);
        let mut runs = 0;
        for data in seeds.clone().into_iter().chain(like_them) {
            let survived = catch_unwind(|| (target.run)(&data)).is_ok();
            assert!(
                survived,
                "{} panics on b\"{}\"; repeat with {SEED}={seed}",
                target.name,
                data.escape_ascii()
            );
            runs += 1;
        }
        println!("{}: {runs} inputs", target.name);
        assert!(runs > seeds.len(), "{}", target.name);
    }
}

#[test]
fn a_whole_request_passes_what_stands_before_the_core() {
    let status = |head: &str| {
        let request = HttpRequest::get("/v1/transit/keys/k").header("X-Forwarded-For", head);
        ask_over_http(request.body(Body::empty()).unwrap()).as_u16()
    };
    assert_eq!(status("10.0.0.1"), 200);
    assert_eq!(status("nobody"), 400);
}

#[test]
fn the_guest_logs_in_and_scans_and_is_not_lost() {
    let status = |method: &str, path: &str, mfa: Option<&str>, body: &'static str| {
        let request = HttpRequest::builder().method(method).uri(path);
        let request = mfa
            .into_iter()
            .fold(request, |request, code| request.header("X-Vault-MFA", code));
        ask_over_http(request.body(Body::from(body)).unwrap()).as_u16()
    };
    let login = "/v1/auth/userpass/login/ann";
    let (right, wrong) = (r#"{"password":"pass"}"#, r#"{"password":"x"}"#);
    assert_eq!(status("POST", login, None, wrong), 400);
    // The first half of a login; the second one is wrong, or none.
    assert_eq!(status("POST", login, None, right), 200);
    assert_eq!(status("POST", login, Some("phone:000000"), right), 403);
    assert_eq!(status("POST", login, Some(":1"), right), 400);
    let scanned = status("SCAN", "/v1/kv/metadata", None, "");
    assert!(matches!(scanned, 200 | 404), "{scanned}");
    let accessor = r#"{"accessor":"a"}"#;
    for (path, body) in [
        ("revoke", r#"{"token":"guest"}"#),
        ("revoke-orphan", r#"{"token":"guest"}"#),
        ("revoke-accessor", accessor),
        ("revoke-self", "{}"),
    ] {
        let path = format!("/v1/auth/token/{path}");
        assert_eq!(status("POST", &path, None, body), 403, "{path}");
    }
}

#[test]
fn every_target_has_a_file_that_runs_it_and_no_file_is_left_over() {
    let files: BTreeSet<String> = fs::read_dir(fuzz().join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let names: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(files, names);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in names {
        let file = format!("fuzz_targets/{name}.rs");
        let text = fs::read_to_string(fuzz().join(&file)).unwrap();
        assert!(text.contains(&format!("run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("path = \"{file}\"")), "{name}");
    }
}
