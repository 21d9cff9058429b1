//! The example that encrypts files, as its users run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{client_of_transit, create_key};
use crate::support::{Target, isolated};

const PROGRAM: &str = env!("CARGO_BIN_EXE_encrypt-file");

fn run(target: &Target, home: &TempDir, arguments: [&str; 3]) -> Output {
    let [direction, from, to] = arguments;
    let mut command: Command = isolated(Path::new(PROGRAM), home.path());
    command
        .env("VAULT_ADDR", &target.address)
        .env("VAULT_TOKEN", &target.token)
        .arg(direction)
        .args([home.path().join(from), home.path().join(to)]);
    command.output().unwrap()
}

#[tokio::test]
async fn the_example_seals_a_file_and_opens_it_again() {
    let target = Target::keyward();
    let client = client_of_transit(&target).await;
    create_key(&client, "files", "aes256-gcm96").await;
    let home = TempDir::new().unwrap();
    let at = |name: &str| home.path().join(name);
    let plaintext: Vec<u8> = (0..3_000_000u32).map(|at| (at / 5) as u8).collect();
    fs::write(at("film"), &plaintext).unwrap();

    let sealed = run(&target, &home, ["seal", "film", "film.kwe"]);
    assert!(sealed.status.success(), "{sealed:?}");
    let mut container = fs::read(at("film.kwe")).unwrap();
    assert!(container.starts_with(b"KWE1") && container.len() > plaintext.len());
    client.transit("transit").rotate_key("files").await.unwrap();
    let opened = run(&target, &home, ["open", "film.kwe", "back"]);
    assert!(opened.status.success(), "{opened:?}");
    assert!(fs::read(at("back")).unwrap() == plaintext);

    // What was changed, or is cut off, is told.
    let middle = container.len() / 2;
    fs::write(at("cut"), &container[..middle]).unwrap();
    container[middle] ^= 1;
    fs::write(at("changed"), &container).unwrap();
    for name in ["cut", "changed", "film"] {
        let refused = run(&target, &home, ["open", name, "none"]);
        assert_eq!(refused.status.code(), Some(1), "{name}: {refused:?}");
    }
}
