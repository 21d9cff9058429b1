//! The keys of a server, as its operators change them.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::Shell;
use crate::support::{Installation, Store};

/// The peer's own dev server lets nobody rekey, so that ours is asked alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_bao_cli_changes_the_keys_of_keyward() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let keys = installation.initialise(3, 2).await;
    installation.unseal(&keys).await;
    let address = installation.address();
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &address,
        token: keys.root_token.clone(),
    };
    let new = rekey(&shell, &keys.shares);
    generate_root(&shell, &new);
    shell.says("secrets enable -path=cli-m kv", "engine at: cli-m/");
    shell.says("kv put cli-m/a k=v", "Success!");
    shell.says(
        "secrets move cli-m cli-n",
        "Finished moving secrets engine cli-m/ to cli-n/",
    );
    shell.says("kv get cli-n/a", "k      v");
    shell.says("operator rotate", "Success! Rotated key");
    shell.says("operator key-status", "Key Term            2");
    let status = shell.json("operator key-status -format=json");
    assert_eq!(status["term"], 2);
    let new = rotate_keys(&shell, &new);
    shell.says("operator seal", "Success! Vault is sealed.");
    shell.fails("kv get cli-n/a", 2, "Vault is sealed");
    shell.says("operator unseal -reset", "Unseal Progress    0/2");
    shell.says(
        &format!("operator unseal {}", new[0]),
        "Unseal Progress    1/2",
    );
    shell.says(
        &format!("operator unseal {}", new[2]),
        "Sealed          false",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bao_cli_initializes_keyward() {
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let address = installation.address();
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &address,
        token: String::new(),
    };
    shell.fails("operator init -status", 2, "");
    shell.fails("status", 2, "");
    shell.fails(
        "operator init -key-shares=1 -key-threshold=2",
        2,
        "threshold cannot be larger than shares",
    );
    let made = shell.json("operator init -key-shares=1 -key-threshold=1 -format=json");
    shell.says("operator init -status", "Vault is initialized");
    let shares = keys_of(&made["unseal_keys_b64"]);
    let status = shell.json(&format!("operator unseal -format=json {}", shares[0]));
    assert_eq!(status["sealed"], false);
    let shell = shell.with(made["root_token"].as_str().unwrap());
    audit(&shell);
}

/// The peer is told of its devices in its configuration alone.
fn audit(shell: &Shell<'_>) {
    shell.fails("audit list", 2, "");
    let file = shell.home.path().join("audit.log");
    let file = file.display();
    shell.says(
        &format!("audit enable -path=log file file_path={file}"),
        "Success! Enabled the file audit device at: log/",
    );
    shell.says("audit list", "log/    file");
    shell.says("audit list -detailed", &format!("file_path={file}"));
    let listed = shell.json("audit list -format=json");
    assert_eq!(listed["log/"]["type"], "file");
    shell.says(
        "audit disable log",
        "Success! Disabled audit device (if it was enabled) at: log/",
    );
}

/// Makes three shares, verified, and returns them.
fn rotate_keys(shell: &Shell<'_>, shares: &[String]) -> Vec<String> {
    shell.says("operator rotate-keys -status", "Started    false");
    let begun = shell
        .json("operator rotate-keys -init -verify -key-shares=3 -key-threshold=2 -format=json");
    let give = format!(
        "operator rotate-keys -format=json -nonce={}",
        nonce_of(&begun)
    );
    shell.json(&format!("{give} {}", shares[0]));
    let made = shell.json(&format!("{give} {}", shares[1]));
    let new = keys_of(&shares_of(&made));
    let status = shell.json("operator rotate-keys -verify -status -format=json");
    let verify = format!("operator rotate-keys -verify -nonce={}", nonce_of(&status));
    shell.says(
        &format!("{verify} {}", new[1]),
        "Verification Progress    1/2",
    );
    shell.says(
        &format!("{verify} {}", new[2]),
        "Rotation verification successful.",
    );
    shell.says("operator rotate-keys -cancel", "Success! Canceled rotation");
    new
}

/// A server whose unseal key a seal keeps, from its first day.
#[tokio::test(flavor = "multi_thread")]
async fn the_bao_cli_works_with_recovery_keys() {
    let installation = Installation::new(Store::Sled);
    let config = fs::read_to_string(installation.config()).unwrap();
    let seal = "seal \"static\" {\n  current_key_id = \"one\"\n  current_key = \
                \"0101010101010101010101010101010101010101010101010101010101010101\"\n}\n";
    fs::write(installation.config(), format!("{config}\n{seal}")).unwrap();
    let _server = installation.start();
    let address = installation.address();
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &address,
        token: String::new(),
    };
    let made = shell.json("operator init -recovery-shares=3 -recovery-threshold=2 -format=json");
    assert_eq!(made["unseal_keys_b64"], serde_json::json!([]));
    let shares = keys_of(&made["recovery_keys_b64"]);
    let shell = shell.with(made["root_token"].as_str().unwrap());
    let status = shell.field("status");
    assert!(
        status.contains("Recovery Seal Type       shamir"),
        "{status}"
    );
    assert!(status.contains("Total Recovery Shares    3"), "{status}");

    // The root key alone: nobody gets shares.
    let begun = shell.json("operator rotate-keys -init -format=json");
    let nonce = nonce_of(&begun);
    let give = format!("operator rotate-keys -nonce={nonce}");
    shell.says(
        &format!("{give} {}", shares[0]),
        "Progress                 1/2",
    );
    shell.says(
        &format!("{give} {}", shares[1]),
        "Barrier root key rotated using recovery keys.",
    );
    // New recovery keys, under both names of the command.
    let begun = shell.json(
        "operator rotate-keys -target=recovery -init -key-shares=2 -key-threshold=2 -format=json",
    );
    let give = format!(
        "operator rotate-keys -target=recovery -format=json -nonce={}",
        nonce_of(&begun)
    );
    shell.json(&format!("{give} {}", shares[0]));
    let made = shell.json(&format!("{give} {}", shares[2]));
    let shares = keys_of(&shares_of(&made));
    shell.says(
        "operator rotate-keys -target=recovery -status",
        "Started    false",
    );
    let begun = shell
        .json("operator rekey -target=recovery -init -key-shares=1 -key-threshold=1 -format=json");
    let give = format!(
        "operator rekey -target=recovery -format=json -nonce={}",
        nonce_of(&begun)
    );
    shell.json(&format!("{give} {}", shares[0]));
    let made = shell.json(&format!("{give} {}", shares[1]));
    let shares = keys_of(&shares_of(&made));
    shell.says("operator seal", "sealed");
    let status = shell.json(&format!("operator unseal -format=json {}", shares[0]));
    assert_eq!(status["sealed"], false);
}

/// Returns the nonce of an attempt, within the envelope or without.
fn nonce_of(begun: &Value) -> String {
    let data = begun.get("data").unwrap_or(begun);
    data["nonce"].as_str().unwrap().to_owned()
}

fn shares_of(made: &Value) -> Value {
    let data = made.get("data").unwrap_or(made);
    data["keys_base64"].clone()
}

fn keys_of(list: &Value) -> Vec<String> {
    let keys = list.as_array().unwrap_or_else(|| panic!("{list}")).iter();
    keys.map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// Makes two shares of three, verified, and returns them.
fn rekey(shell: &Shell<'_>, shares: &[String]) -> Vec<String> {
    shell.says("operator rekey -status", "Started    false");
    let begun =
        shell.json("operator rekey -init -verify -key-shares=2 -key-threshold=2 -format=json");
    let nonce = begun["nonce"].as_str().unwrap();
    shell.says("operator rekey -status", "Verification Required    true");
    let give = format!("operator rekey -format=json -nonce={nonce}");
    assert_eq!(shell.json(&format!("{give} {}", shares[2]))["progress"], 1);
    let made = shell.json(&format!("{give} {}", shares[0]));
    let new = made["keys_base64"].as_array().unwrap();
    let new: Vec<_> = new.iter().map(|key| key.as_str().unwrap()).collect();
    let nonce = made["verification_nonce"].as_str().unwrap();
    shell.says(
        "operator rekey -verify -status",
        "Verification Progress    0/2",
    );
    let verify = format!("operator rekey -verify -nonce={nonce}");
    shell.says(
        &format!("{verify} {}", new[0]),
        "Verification Progress    1/2",
    );
    shell.says(
        &format!("{verify} {}", new[1]),
        "Rekey verification successful.",
    );
    shell.says("operator rekey -cancel", "Success! Canceled rekeying");
    new.into_iter().map(str::to_owned).collect()
}

fn generate_root(shell: &Shell<'_>, shares: &[String]) {
    shell.says("operator generate-root -status", "OTP Length    28");
    let begun = shell.json("operator generate-root -init -format=json");
    let (nonce, otp) = (
        begun["nonce"].as_str().unwrap(),
        begun["otp"].as_str().unwrap(),
    );
    let give = format!("operator generate-root -format=json -nonce={nonce}");
    assert_eq!(shell.json(&format!("{give} {}", shares[0]))["progress"], 1);
    let made = shell.json(&format!("{give} {}", shares[1]));
    let encoded = made["encoded_token"].as_str().unwrap();
    let token = shell.field(&format!(
        "operator generate-root -decode={encoded} -otp={otp}"
    ));
    let other = shell.with(token.trim());
    assert_eq!(
        other.json("token lookup -format=json")["data"]["policies"][0],
        "root"
    );
    shell.says("operator generate-root -cancel", "Success!");
}
