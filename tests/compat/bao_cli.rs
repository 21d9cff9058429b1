//! The peer's own command line, a genuine Vault CLI, aimed at a server: transcripts.

use std::{fs, process::Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Installation, Store, Target, bao, isolated};

#[test]
fn the_bao_cli_works_with_keyward() {
    transcript(&Target::keyward());
}

#[test]
fn the_bao_cli_works_with_the_peer() {
    transcript(&Target::peer());
}

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

fn transcript(target: &Target) {
    let shell = Shell {
        home: TempDir::new().unwrap(),
        address: &target.address,
        token: target.token.clone(),
    };
    status_and_mounts(&shell);
    kv_version_2(&shell);
    kv_version_1(&shell);
    policies_and_tokens(&shell);
    transit(&shell);
    identity(&shell);
}

fn identity(shell: &Shell<'_>) {
    let made = shell
        .json("write -format=json identity/entity name=ann policies=default metadata=team=red");
    let id = made["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        shell
            .field("read -field=id identity/entity/name/ann")
            .trim(),
        id
    );
    let read = shell.json(&format!("read -format=json identity/entity/id/{id}"));
    assert_eq!(read["data"]["metadata"]["team"], "red");
    shell.says("list identity/entity/name", "ann");
    let group = format!("write -format=json identity/group name=crew member_entity_ids={id}");
    let group = shell.json(&group)["data"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let read = shell.json(&format!("read -format=json identity/group/id/{group}"));
    assert_eq!(read["data"]["member_entity_ids"][0], id.as_str());
    shell.says(
        "write identity/oidc/key/cli algorithm=EdDSA allowed_client_ids=*",
        "Success! Data written to: identity/oidc/key/cli",
    );
    shell.says("write identity/oidc/role/cli key=cli ttl=1h", "Success!");
    shell.says("read identity/oidc/key/cli", "EdDSA");
    shell.says(
        &format!("delete identity/entity/id/{id}"),
        "Success! Data deleted (if it existed) at: identity/entity/id",
    );
    shell.fails(
        &format!("read identity/entity/id/{id}"),
        2,
        "No value found at identity/entity/id",
    );
}

fn status_and_mounts(shell: &Shell<'_>) {
    let status = shell.json("status -format=json");
    assert_eq!(status["sealed"], false);
    assert_eq!(status["initialized"], true);
    shell.says(
        "secrets enable -path=cli -description=mine kv",
        "Success! Enabled the kv secrets engine at: cli/",
    );
    shell.fails(
        "secrets enable -path=cli kv",
        2,
        "* path is already in use at cli/",
    );
    let mounts = shell.json("secrets list -format=json");
    assert_eq!(mounts["cli/"]["description"], "mine");
    shell.says(
        "secrets tune -default-lease-ttl=1h cli",
        "Success! Tuned the secrets engine at: cli/",
    );
    let tuned = shell.json("read -format=json sys/mounts/cli/tune");
    assert_eq!(tuned["data"]["default_lease_ttl"], 3600);
    shell.says(
        "secrets disable cli",
        "Success! Disabled the secrets engine (if it existed) at: cli/",
    );
    let auths = shell.json("auth list -format=json");
    assert_eq!(auths["token/"]["type"], "token");
}

fn kv_version_2(shell: &Shell<'_>) {
    shell.says("secrets enable -path=cli-v2 kv-v2", "engine at: cli-v2/");
    shell.says(
        "kv put cli-v2/hello myvalue=s3cr3t n=5",
        "cli-v2/data/hello",
    );
    shell.says(
        "kv get cli-v2/hello",
        "===== Data =====\nKey        Value\n---        -----\nmyvalue    s3cr3t\nn          5\n",
    );
    shell.is("kv get -field=myvalue cli-v2/hello", "s3cr3t");
    shell.says(
        "kv put -cas=1 cli-v2/hello myvalue=other",
        "version            2",
    );
    shell.fails(
        "kv put -cas=1 cli-v2/hello myvalue=third",
        2,
        "Code: 400. Errors:\n\n* check-and-set parameter did not match the current version",
    );
    shell.says("kv patch cli-v2/hello more=1", "version            3");
    shell.is("kv get -version=1 -field=myvalue cli-v2/hello", "s3cr3t");
    shell.says(
        "kv rollback -version=1 cli-v2/hello",
        "version            4",
    );
    shell.is("kv list cli-v2", "Keys\n----\nhello\n");
    shell.says(
        "kv delete cli-v2/hello",
        "Success! Data deleted (if it existed) at: cli-v2/data/hello",
    );
    let deleted = shell.json("kv get -format=json cli-v2/hello");
    assert_eq!(deleted["data"]["data"], Value::Null);
    shell.says(
        "kv undelete -versions=4 cli-v2/hello",
        "Success! Data written to: cli-v2/undelete/hello",
    );
    shell.is("kv get -field=myvalue cli-v2/hello", "s3cr3t");
    shell.says(
        "kv destroy -versions=2 cli-v2/hello",
        "Success! Data written to: cli-v2/destroy/hello",
    );
    shell.says(
        "kv metadata put -max-versions=4 -custom-metadata=owner=me cli-v2/hello",
        "Success! Data written to: cli-v2/metadata/hello",
    );
    let metadata = shell.json("kv metadata get -format=json cli-v2/hello");
    assert_eq!(metadata["data"]["versions"]["2"]["destroyed"], true);
    assert_eq!(metadata["data"]["custom_metadata"]["owner"], "me");
    shell.says(
        "kv metadata delete cli-v2/hello",
        "Success! Data deleted (if it existed)",
    );
    shell.fails(
        "kv get cli-v2/hello",
        2,
        "No value found at cli-v2/data/hello",
    );
    shell.says("secrets disable cli-v2", "Success!");
}

fn kv_version_1(shell: &Shell<'_>) {
    shell.says(
        "secrets enable -path=cli-v1 -version=1 kv",
        "engine at: cli-v1/",
    );
    shell.is(
        "kv put cli-v1/a k=v",
        "Success! Data written to: cli-v1/a\n",
    );
    shell.is(
        "kv get cli-v1/a",
        "== Data ==\nKey    Value\n---    -----\nk      v\n",
    );
    shell.is("kv list cli-v1", "Keys\n----\na\n");
    shell.is(
        "kv delete cli-v1/a",
        "Success! Data deleted (if it existed) at: cli-v1/a\n",
    );
    shell.fails("kv get cli-v1/a", 2, "No value found at cli-v1/a");
    shell.says("secrets disable cli-v1", "Success!");
}

fn policies_and_tokens(shell: &Shell<'_>) {
    let rules = "path \"cli-p/allowed\" {\n  capabilities = [\"read\"]\n}\n";
    fs::write(shell.home.path().join("reader.hcl"), rules).unwrap();
    shell.is(
        "policy write cli-reader reader.hcl",
        "Success! Uploaded policy: cli-reader\n",
    );
    shell.is("policy read cli-reader", rules);
    shell.says("policy list", "cli-reader\n");
    shell.says("secrets enable -path=cli-p kv", "Success!");
    shell.says("kv put cli-p/allowed k=v", "Success!");
    shell.says("kv put cli-p/denied k=v", "Success!");

    let made = shell.json("token create -policy=cli-reader -ttl=1h -format=json");
    assert_eq!(
        made["auth"]["policies"],
        serde_json::json!(["cli-reader", "default"])
    );
    assert_eq!(made["auth"]["lease_duration"], 3600);
    let token = made["auth"]["client_token"].as_str().unwrap();
    let accessor = made["auth"]["accessor"].as_str().unwrap();
    let limited = shell.with(token);
    limited.is("kv get -field=k cli-p/allowed", "v");
    limited.fails("kv get cli-p/denied", 2, "Code: 403. Errors:");
    limited.fails("kv put cli-p/allowed k=w", 2, "* permission denied");
    limited.is("token capabilities cli-p/allowed", "read\n");
    limited.is("token capabilities cli-p/denied", "deny\n");
    let looked = limited.json("token lookup -format=json");
    assert_eq!(looked["data"]["accessor"], accessor);
    let renewed = limited.json("token renew -increment=30m -format=json");
    assert_eq!(renewed["auth"]["lease_duration"], 1800);
    let by_accessor = shell.json(&format!("token lookup -format=json -accessor {accessor}"));
    assert_eq!(by_accessor["data"]["id"], "");
    shell.is(
        &format!("token revoke {token}"),
        "Success! Revoked token (if it existed)\n",
    );
    limited.fails("token lookup", 2, "* permission denied");
    shell.fails("token renew", 2, "* lease is not renewable");
    shell.says(
        &format!("login -no-store token={}", shell.token),
        "policies             [\"root\"]",
    );
    shell.is(
        "policy delete cli-reader",
        "Success! Deleted policy: cli-reader\n",
    );
    shell.fails("policy read cli-reader", 2, "No policy named: cli-reader");
    shell.says("secrets disable cli-p", "Success!");
}

fn transit(shell: &Shell<'_>) {
    shell.says("secrets enable -path=cli-t transit", "engine at: cli-t/");
    for kind in ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305"] {
        shell.says(&format!("write cli-t/keys/{kind} type={kind}"), kind);
        let sealed = shell.field(&format!(
            "write -field=ciphertext cli-t/encrypt/{kind} plaintext=aGVsbG8="
        ));
        shell.is(
            &format!("write -field=plaintext cli-t/decrypt/{kind} ciphertext={sealed}"),
            "aGVsbG8=",
        );
        shell.says(
            &format!("write -f cli-t/keys/{kind}/rotate"),
            "latest_version            2",
        );
        let newer = shell.field(&format!(
            "write -field=ciphertext cli-t/rewrap/{kind} ciphertext={sealed}"
        ));
        assert!(newer.starts_with("vault:v2:"), "{newer}");
    }
    shell.says("write cli-t/keys/signer type=ed25519", "ed25519");
    let signature = shell.field("write -field=signature cli-t/sign/signer input=aGVsbG8=");
    shell.is(
        &format!("write -field=valid cli-t/verify/signer input=aGVsbG8= signature={signature}"),
        "true",
    );
    shell.is(
        &format!("write -field=valid cli-t/verify/signer input=b3RoZXI= signature={signature}"),
        "false",
    );
    let hmac = shell.field("write -field=hmac cli-t/hmac/signer input=aGVsbG8=");
    shell.is(
        &format!("write -field=valid cli-t/verify/signer input=aGVsbG8= hmac={hmac}"),
        "true",
    );
    let data_key = shell.json("write -f -format=json cli-t/datakey/plaintext/aes256-gcm96");
    assert!(data_key["data"]["plaintext"].is_string(), "{data_key}");
    shell.says(
        "list cli-t/keys",
        "Keys\n----\naes128-gcm96\naes256-gcm96\n",
    );
    shell.is("read -field=type cli-t/keys/signer", "ed25519");
    shell.fails(
        "write cli-t/decrypt/aes256-gcm96 ciphertext=hello",
        2,
        "Code: 400. Errors:\n\n* invalid ciphertext: no prefix",
    );
    shell.fails(
        "delete cli-t/keys/signer",
        2,
        "deletion is not allowed for this key",
    );
    shell.says(
        "write cli-t/keys/signer/config deletion_allowed=true",
        "deletion_allowed",
    );
    shell.is(
        "delete cli-t/keys/signer",
        "Success! Data deleted (if it existed) at: cli-t/keys/signer\n",
    );
    shell.fails(
        "read cli-t/keys/signer",
        2,
        "No value found at cli-t/keys/signer",
    );
    shell.says("secrets disable cli-t", "Success!");
}

/// A user at a terminal: a home folder, a server, a token.
struct Shell<'a> {
    home: TempDir,
    address: &'a str,
    token: String,
}

impl Shell<'_> {
    /// The same user with another token.
    fn with(&self, token: &str) -> Shell<'_> {
        Shell {
            home: TempDir::new().unwrap(),
            address: self.address,
            token: token.to_owned(),
        }
    }

    /// Runs one line of words without quoting.
    fn run(&self, line: &str) -> Output {
        let mut command = isolated(&bao(), self.home.path());
        command
            .args(line.split(' '))
            .env("BAO_ADDR", self.address)
            .env("BAO_TOKEN", &self.token)
            .env("BAO_CLI_NO_COLOR", "1");
        command
            .output()
            .unwrap_or_else(|error| panic!("bao {line}: {error}"))
    }

    /// Runs a line that must succeed and returns what it printed.
    fn field(&self, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "bao {line}: {}\n{said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        println!("ok     bao {line}");
        said
    }

    fn says(&self, line: &str, text: &str) {
        let said = self.field(line);
        assert!(
            said.contains(text),
            "bao {line} does not say {text:?}:\n{said}"
        );
    }

    fn is(&self, line: &str, text: &str) {
        assert_eq!(self.field(line), text, "bao {line}");
    }

    fn json(&self, line: &str) -> Value {
        let said = self.field(line);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("bao {line}: {error}\n{said}"))
    }

    fn fails(&self, line: &str, code: i32, text: &str) {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "bao {line}:\n{said}");
        assert!(
            said.contains(text),
            "bao {line} does not say {text:?}:\n{said}"
        );
        println!("ok     bao {line} is refused");
    }
}
