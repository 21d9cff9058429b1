//! What operators do with keys: rekey, generate a root token, rotate.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Client, Installation, Keys, Process, Store};

const REKEY: &str = "sys/rekey/init";
const ATTEMPT: &str = "sys/generate-root/attempt";

/// A running server whose key is split in three, two of which unseal it.
pub(super) struct House {
    installation: Installation,
    server: Process,
    pub(super) keys: Keys,
    pub(super) root: Client,
    /// A client without a token.
    pub(super) nobody: Client,
}

impl House {
    pub(super) async fn new() -> Self {
        let installation = Installation::new(Store::Sled);
        let server = installation.start();
        let keys = installation.initialise(3, 2).await;
        installation.unseal(&keys).await;
        Self {
            server,
            root: installation.client(&keys.root_token),
            nobody: installation.client(""),
            keys,
            installation,
        }
    }

    async fn begin(&self, body: Value) -> String {
        let begun = self.root.post(REKEY, body).await.expect(200);
        begun.text_at("/nonce").to_owned()
    }

    /// Gives the two shares and returns the new ones.
    async fn rekeyed(&self, nonce: &str) -> Value {
        let update = |share: &str| {
            let body = json!({ "key": share, "nonce": nonce });
            self.root.post("sys/rekey/update", body)
        };
        let first = update(&self.keys.shares[0]).await.expect(200);
        assert_eq!(first.at("/progress"), &json!(1));
        let made = update(&self.keys.shares_base64[1]).await.expect(200);
        assert_eq!(made.at("/complete"), &json!(true));
        made.json
    }

    /// Ends the server without a word to it, and starts it again; connections are new ones.
    fn crash(&mut self) {
        self.server.kill();
        self.server = self.installation.start();
        self.root = self.installation.client(&self.keys.root_token);
        self.nobody = self.installation.client("");
    }

    /// Gives shares to the sealed server and tells whether it opened.
    pub(super) async fn unseals(&self, shares: &[String]) -> bool {
        for share in shares {
            let given = self
                .nobody
                .post("sys/unseal", json!({ "key": share }))
                .await;
            if given.status != 200 {
                return false;
            }
        }
        let status = self.nobody.get("sys/seal-status").await.expect(200);
        status.at("/sealed") == &json!(false)
    }
}

fn shares_of(made: &Value) -> Vec<String> {
    let texts = made["keys"].as_array().unwrap().iter();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn new_shares_unseal_a_server_that_was_killed_and_the_old_ones_do_not() {
    let mut house = House::new().await;
    house
        .root
        .post("sys/mounts/kv", json!({ "type": "kv" }))
        .await
        .expect(204);
    house.root.post("kv/a", json!({ "x": 1 })).await.expect(204);
    let nonce = house
        .begin(json!({ "secret_shares": 4, "secret_threshold": 3 }))
        .await;
    let new = shares_of(&house.rekeyed(&nonce).await);
    assert_eq!(new.len(), 4);
    house.root.post("sys/rotate", json!({})).await.expect(204);
    house.crash();
    assert!(!house.unseals(&house.keys.shares).await);
    house
        .nobody
        .post("sys/unseal", json!({ "reset": true }))
        .await
        .expect(200);
    assert!(house.unseals(&new[1..]).await);
    assert_eq!(
        house.root.get("kv/a").await.expect(200).at("/data/x"),
        &json!(1)
    );
    let status = house.root.get("sys/seal-status").await.expect(200);
    assert_eq!((status.at("/n"), status.at("/t")), (&json!(4), &json!(3)));
}

#[tokio::test]
async fn shares_that_were_not_verified_are_forgotten_by_a_crash() {
    let mut house = House::new().await;
    let plan = json!({ "secret_shares": 2, "secret_threshold": 2, "require_verification": true });
    let nonce = house.begin(plan.clone()).await;
    let made = house.rekeyed(&nonce).await;
    let new = shares_of(&made);
    house.crash();
    assert!(!house.unseals(&new).await);
    house
        .nobody
        .post("sys/unseal", json!({ "reset": true }))
        .await
        .expect(200);
    assert!(house.unseals(&house.keys.shares[..2]).await);
    let status = house.root.get(REKEY).await.expect(200);
    assert_eq!(status.at("/started"), &json!(false));

    let nonce = house.begin(plan).await;
    let made = house.rekeyed(&nonce).await;
    let new = shares_of(&made);
    for share in &new {
        let body = json!({ "key": share, "nonce": made["verification_nonce"] });
        house.root.post("sys/rekey/verify", body).await.expect(200);
    }
    house.crash();
    assert!(house.unseals(&new).await);
}

#[tokio::test]
async fn rekeying_needs_a_token_that_may() {
    let house = House::new().await;
    let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
    for path in ["sys/rekey/init", "sys/rekey/verify", "sys/rekey/backup"] {
        house
            .nobody
            .get(path)
            .await
            .refused(403, "permission denied");
        house
            .nobody
            .delete(path)
            .await
            .refused(403, "permission denied");
    }
    house
        .nobody
        .post(REKEY, body.clone())
        .await
        .refused(403, "permission denied");
    let rules = "path \"sys/rekey/*\" { capabilities = [\"read\", \"update\"] }";
    let policy = json!({ "policy": rules });
    house
        .root
        .post("sys/policies/acl/holder", policy)
        .await
        .expect(204);
    let made = house
        .root
        .post("auth/token/create", json!({ "policies": ["holder"] }))
        .await;
    let holder = house.root.with_token(made.text_at("/auth/client_token"));
    holder.post(REKEY, body).await.expect(200);
    holder.delete(REKEY).await.refused(403, "permission denied");
    house.root.delete(REKEY).await.expect(204);
    house
        .root
        .get("sys/rekey/backup")
        .await
        .refused(400, "no backed-up keys found");
    house.root.delete("sys/rekey/backup").await.expect(204);
}

#[tokio::test]
async fn a_rekey_refuses_what_it_cannot_do() {
    let house = House::new().await;
    for (body, why) in [
        (
            json!({}),
            "invalid rekey seal configuration: shares must be at least one",
        ),
        (
            json!({ "secret_shares": 2, "secret_threshold": 3 }),
            "invalid rekey seal configuration: threshold cannot be larger than shares",
        ),
        (
            json!({ "secret_shares": 2, "secret_threshold": 2, "pgp_keys": ["key"] }),
            "invalid rekey seal configuration: count mismatch between number of provided PGP keys",
        ),
        (
            json!({ "secret_shares": 1, "secret_threshold": 1, "backup": true }),
            "cannot request a backup of the new keys without providing PGP keys",
        ),
    ] {
        house.root.post(REKEY, body).await.refused(400, why);
    }
    let nonce = house
        .begin(json!({ "secret_shares": 1, "secret_threshold": 1 }))
        .await;
    let wrapped = house.root.send(
        "PUT",
        "sys/rekey/update",
        &[("x-vault-wrap-ttl", "60")],
        Some(json!({ "key": house.keys.shares[0], "nonce": nonce }).to_string()),
    );
    wrapped
        .await
        .refused(400, "an answer that has no envelope cannot be wrapped");
    let status = house.root.get(REKEY).await.expect(200);
    assert_eq!(status.at("/progress"), &json!(0), "nothing was done");
}

#[tokio::test]
async fn a_rotation_is_refused_in_its_own_words_and_changes_nothing() {
    let house = House::new().await;
    let at = |step: &str| format!("sys/rotate/root/{step}");
    let share = |number: usize, nonce: &str| {
        let key = &house.keys.shares[number];
        json!({ "key": key, "nonce": nonce })
    };
    let post = async |step: &str, body: Value| house.root.post(&at(step), body).await;
    let idle = "no rotation in progress";
    post("update", share(0, "")).await.refused(400, idle);
    post("verify", share(0, "")).await.refused(400, idle);
    let none = "no rotation configuration found";
    house.root.get(&at("verify")).await.refused(400, none);
    let plan = json!({ "secret_shares": 1, "secret_threshold": 2 });
    post("init", plan).await.refused(
        400,
        "invalid rotate seal configuration: threshold cannot be larger than shares",
    );
    let plan =
        || json!({ "secret_shares": 2, "secret_threshold": 2, "require_verification": true });
    let begun = post("init", plan()).await.expect(200);
    let nonce = begun.text_at("/data/nonce");
    let twice = post("init", plan()).await;
    twice.refused(400, "rotation already in progress");
    let empty = post("update", json!({ "nonce": nonce })).await;
    empty.refused(400, "missing required field 'key'");
    let text = format!("incorrect nonce supplied; nonce for rotation is {nonce:?}");
    post("update", share(0, "other")).await.refused(400, &text);
    post("update", share(0, nonce)).await.expect(200);
    let again = post("update", share(0, nonce)).await;
    again.refused(
        400,
        "given key has already been provided during this rotation",
    );
    let made = post("update", share(1, nonce)).await.expect(200);
    let nonce = made.text_at("/data/verification_nonce");
    let over = post("update", share(0, nonce)).await;
    over.refused(
        400,
        "rotation already finished; verification must be performed; nonce for the verification \
         operation is",
    );
    post("verify", share(0, nonce)).await.expect(200);
    let wrong = post("verify", share(1, nonce)).await;
    wrong.refused(
        400,
        "rotation verification failed; incorrect key shares supplied",
    );
    house.root.delete(&at("init")).await.expect(204);
    assert!(house.unseals(&house.keys.shares[..2]).await);
}

#[tokio::test]
async fn holders_of_shares_make_a_root_token_without_one() {
    let house = House::new().await;
    let status = house.nobody.get(ATTEMPT).await.expect(200);
    assert_eq!(status.at("/otp_length"), &json!(28));
    let begun = house.nobody.post(ATTEMPT, json!({})).await.expect(200);
    let (nonce, otp) = (begun.text_at("/nonce"), begun.text_at("/otp"));
    let again = house.nobody.get(ATTEMPT).await.expect(200);
    assert_eq!(again.at("/otp"), &json!(""), "the password is told once");
    let update = |share: &str| {
        let body = json!({ "key": share, "nonce": nonce });
        house.nobody.post("sys/generate-root/update", body)
    };
    update(&house.keys.shares[0]).await.expect(200);
    update(&house.keys.shares[0])
        .await
        .refused(400, "given key has already been provided");
    update(&"ab".repeat(33))
        .await
        .refused(400, "root generation aborted: unable to authenticate");
    update(&house.keys.shares[0]).await.expect(200);
    let made = update(&house.keys.shares[2]).await.expect(200);
    let token = decoded(made.text_at("/encoded_token"), otp);
    assert!(token.starts_with("hvs."), "{token}");
    let own = house
        .root
        .with_token(&token)
        .get("auth/token/lookup-self")
        .await;
    assert_eq!(own.expect(200).at("/data/policies"), &json!(["root"]));
    let status = house.nobody.get(ATTEMPT).await.expect(200);
    assert_eq!(status.at("/started"), &json!(false));
}

/// Base64 without padding of the token XOR the password.
fn decoded(encoded: &str, otp: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let hidden = STANDARD_NO_PAD.decode(encoded).unwrap();
    let bytes = hidden
        .iter()
        .zip(otp.bytes())
        .map(|(byte, mask)| byte ^ mask);
    String::from_utf8(bytes.collect()).unwrap()
}

#[tokio::test]
async fn every_call_about_keys_is_on_record_and_no_share_is() {
    let house = House::new().await;
    let file = house.installation.path("audit.log");
    let device = json!({ "type": "file", "options": { "file_path": file } });
    house.root.post("sys/audit/file", device).await.expect(204);
    house.nobody.get(ATTEMPT).await.expect(200);
    house.nobody.post(ATTEMPT, json!({})).await.expect(200);
    house.nobody.delete(ATTEMPT).await.expect(204);
    let nonce = house
        .begin(json!({ "secret_shares": 2, "secret_threshold": 2 }))
        .await;
    let made = house.rekeyed(&nonce).await;
    let log = fs::read_to_string(&file).unwrap();
    let count = |path: &str| {
        let lines = log
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["request"]["path"] == path).count()
    };
    assert_eq!(count(ATTEMPT), 6, "{log}");
    assert_eq!(count(REKEY), 2, "{log}");
    assert_eq!(count("sys/rekey/update"), 4, "{log}");
    let new = shares_of(&made);
    for share in house
        .keys
        .shares
        .iter()
        .chain(&house.keys.shares_base64)
        .chain(&new)
    {
        assert!(!log.contains(share.as_str()));
    }
}

#[tokio::test]
async fn automatic_rotation_is_configured_and_survives_a_restart() {
    let mut house = House::new().await;
    let config = "sys/rotate/config";
    let read = house.root.get(config).await.expect(200);
    assert_eq!(
        read.at("/data"),
        &json!({ "enabled": true, "interval": 0, "max_operations": 3_865_470_566_u64 })
    );
    house
        .root
        .post(config, json!({ "max_operations": 5 }))
        .await
        .refused(
            400,
            "max_operations must be in the range [1000000,3865470566]",
        );
    house
        .root
        .post(config, json!({ "interval": "1h" }))
        .await
        .refused(400, "interval must be greater or equal to 24h0m0s");
    let change = json!({ "enabled": false, "interval": "48h", "max_operations": "1000000" });
    house.root.post(config, change).await.expect(204);
    house.crash();
    assert!(house.unseals(&house.keys.shares[..2]).await);
    let read = house.root.get(config).await.expect(200);
    assert_eq!(
        read.at("/data"),
        &json!({ "enabled": false, "interval": "48h0m0s", "max_operations": 1_000_000 })
    );
}
