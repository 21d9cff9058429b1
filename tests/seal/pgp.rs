//! Shares, recovery keys and root tokens that are encrypted to OpenPGP keys: GnuPG opens them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    auto::{self, STATIC},
    keys::House,
};
use crate::support::{Answer, Gpg, Installation, KEYWARD, Store, bao, isolated};

/// Two people: one with RSA, one with Curve25519.
struct People {
    gpg: Gpg,
    keys: [String; 2],
    fingerprints: [String; 2],
}

impl People {
    fn new() -> Self {
        let gpg = Gpg::new();
        let fingerprints = [
            gpg.generate("ada", "rsa2048", "rsa4096"),
            gpg.generate("ben", "ed25519", "cv25519"),
        ];
        Self {
            keys: ["ada", "ben"].map(|name| gpg.exported(name)),
            fingerprints,
            gpg,
        }
    }

    /// Opens what an answer lists.
    fn open(&self, messages: &Value) -> Vec<String> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| self.gpg.open(message.as_str().unwrap()))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn init_gives_each_holder_an_encrypted_share_and_shows_none() {
    let people = People::new();
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let client = installation.client("");
    let plan = json!({
        "secret_shares": 2,
        "secret_threshold": 2,
        "pgp_keys": people.keys,
        "root_token_pgp_key": people.keys[1],
    });
    let made = client.post("sys/init", plan).await.expect(200);
    let shares = people.open(made.at("/keys_base64"));
    let token = people.gpg.open(made.text_at("/root_token"));
    for secret in shares.iter().chain([&token]) {
        assert!(!made.text.contains(secret.as_str()), "{secret} is shown");
    }
    for share in &shares {
        assert_eq!(share.len(), 66, "the hexadecimal text of a share");
        let given = client.post("sys/unseal", json!({ "key": share })).await;
        given.expect(200);
    }
    installation.wait_until_active().await;
    let root = installation.client(&token);
    root.get("sys/mounts").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn command_lines_take_the_files_that_gpg_writes() {
    let people = People::new();
    let files = [
        ("ada", "ada.asc", &["--armor"][..]),
        ("ben", "ben.pgp", &[]),
    ];
    let files = files.map(|(name, file, options)| {
        let path = people.gpg.export_to(name, file, options);
        path.display().to_string()
    });
    for program in [PathBuf::from(KEYWARD), bao()] {
        let installation = Installation::new(Store::Sled);
        let _server = installation.start();
        let mut command = isolated(&program, &installation.path("."));
        let made = command
            .env("VAULT_ADDR", installation.address())
            .args(["operator", "init", "-format=json"])
            .args(["-key-shares=2", "-key-threshold=2"])
            .arg(format!("-pgp-keys={}", files.join(",")))
            .arg(format!("-root-token-pgp-key={}", files[1]))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{}: {told}", program.display());
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let client = installation.client("");
        for share in people.open(&made["unseal_keys_b64"]) {
            let given = client.post("sys/unseal", json!({ "key": share })).await;
            given.expect(200);
        }
        installation.wait_until_active().await;
        let token = people.gpg.open(made["root_token"].as_str().unwrap());
        let root = installation.client(&token);
        root.get("sys/mounts").await.expect(200);
    }
}

#[tokio::test]
async fn keys_that_are_bad_make_nothing() {
    let good = include_str!("../vectors/openpgp/curve25519.b64");
    let expired = include_str!("../vectors/openpgp/expired.b64");
    let sign_only = include_str!("../vectors/openpgp/sign_only.b64");
    let installation = Installation::new(Store::Sled);
    let _server = installation.start();
    let client = installation.client("");
    let of = |why: &str| format!("invalid seal configuration: {why}");
    for (more, why) in [
        (
            json!({ "pgp_keys": [good] }),
            of("count mismatch between number of provided PGP keys and number of shares"),
        ),
        (
            json!({ "pgp_keys": [good, "x"] }),
            of("error decoding given PGP key: illegal base64 data at input byte"),
        ),
        (
            json!({ "pgp_keys": [good, "AAAA"] }),
            of("error parsing given PGP key: it is no OpenPGP public key"),
        ),
        // A script whose variables are empty asked for keys all the same.
        (
            json!({ "pgp_keys": ["", ""] }),
            of("error parsing given PGP key: it is no OpenPGP public key"),
        ),
        (
            json!({ "pgp_keys": [good, expired] }),
            of("cannot encrypt to PGP key "),
        ),
        (
            json!({ "pgp_keys": [sign_only, good] }),
            of("cannot encrypt to PGP key "),
        ),
        (
            json!({ "root_token_pgp_key": "AAAA" }),
            "error parsing given PGP key: it is no OpenPGP public key".to_owned(),
        ),
        (
            json!({ "recovery_pgp_keys": [good] }),
            "parameters recovery_pgp_keys not applicable to seal type shamir".to_owned(),
        ),
        (
            json!({ "recovery_shares": 1 }),
            "parameters recovery_shares not applicable to seal type shamir".to_owned(),
        ),
        (
            json!({ "recovery_threshold": 1, "recovery_pgp_keys": [good] }),
            "parameters recovery_threshold,recovery_pgp_keys not applicable to seal type shamir"
                .to_owned(),
        ),
    ] {
        let mut plan = json!({ "secret_shares": 2, "secret_threshold": 2 });
        let members = more.as_object().unwrap().clone();
        plan.as_object_mut().unwrap().extend(members);
        client.post("sys/init", plan).await.refused(400, &why);
    }
    let status = client.get("sys/init").await.expect(200);
    assert_eq!(status.json, json!({ "initialized": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_keys_are_encrypted_and_do_what_they_are_for() {
    let people = People::new();
    let house = auto::House::new(STATIC);
    let nobody = house.nobody();
    let plan = |keys: &[String]| {
        json!({
            "recovery_shares": 2,
            "recovery_threshold": 2,
            "recovery_pgp_keys": keys,
        })
    };
    let mismatch = "count mismatch between number of provided PGP keys and number of shares";
    let one = nobody.post("sys/init", plan(&people.keys[..1])).await;
    one.refused(400, &format!("invalid recovery configuration: {mismatch}"));
    let mut other = plan(&[]);
    other["pgp_keys"] = json!(people.keys);
    let other = nobody.post("sys/init", other).await;
    other.refused(
        400,
        "parameters pgp_keys not applicable to seal type static",
    );
    let status = nobody.get("sys/init").await.expect(200);
    assert_eq!(status.json, json!({ "initialized": false }));

    let made = nobody.post("sys/init", plan(&people.keys)).await;
    let made = made.expect(200);
    assert_eq!(made.at("/keys"), &json!([]));
    let shares = people.open(made.at("/recovery_keys_base64"));
    assert!(shares.iter().all(|share| !made.text.contains(share)));
    house.installation.wait_until_active().await;
    let root = made.text_at("/root_token");
    house.generate_root(&shares).await;
    house.seal_and_open(root, &shares).await;

    // New ones, which are kept until their holders have them.
    let client = house.installation.client(root);
    let plan = json!({
        "secret_shares": 2, "secret_threshold": 2, "pgp_keys": people.keys, "backup": true,
    });
    let begun = client.post("sys/rekey-recovery-key/init", plan).await;
    let begun = begun.expect(200);
    let mut made = begun.json.clone();
    for share in &shares {
        let body = json!({ "key": share, "nonce": begun.at("/nonce") });
        let given = client.post("sys/rekey-recovery-key/update", body);
        made = given.await.expect(200).json;
    }
    assert_eq!(made["pgp_fingerprints"], json!(people.fingerprints));
    let fresh = people.open(&made["keys_base64"]);
    assert!(fresh.iter().all(|share| !shares.contains(share)));
    let kept = client.get("sys/rekey/recovery-key-backup").await;
    let kept = kept.expect(200);
    for (at, fingerprint) in people.fingerprints.iter().enumerate() {
        let keys = kept.at(&format!("/data/keys_base64/{fingerprint}"));
        assert_eq!(keys, &json!([made["keys_base64"][at]]));
    }
    house.seal_and_open(root, &fresh).await;
}

/// Where encrypted shares are made and kept, and whether the answers are enveloped.
const PATHS: [(&str, &str, &str); 2] = [
    ("sys/rekey", "sys/rekey/backup", ""),
    ("sys/rotate/root", "sys/rotate/root/backup", "/data"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_rekey_keeps_encrypted_shares_until_they_are_removed() {
    let people = People::new();
    for (path, backup, data) in PATHS {
        let house = House::new().await;
        let field = |answer: &Answer, name: &str| answer.at(&format!("{data}/{name}")).clone();
        let plan = json!({
            "secret_shares": 2,
            "secret_threshold": 2,
            "pgp_keys": people.keys,
            "backup": true,
            "require_verification": true,
        });
        let begun = house
            .root
            .post(&format!("{path}/init"), plan)
            .await
            .expect(200);
        assert_eq!(
            field(&begun, "pgp_fingerprints"),
            json!(people.fingerprints)
        );
        assert_eq!(field(&begun, "backup"), json!(true));
        let nonce = field(&begun, "nonce");
        let give = async |share: &str| {
            let body = json!({ "key": share, "nonce": nonce });
            house
                .root
                .post(&format!("{path}/update"), body)
                .await
                .expect(200)
        };
        give(&house.keys.shares[0]).await;
        house
            .root
            .get(backup)
            .await
            .refused(400, "no backed-up keys found");
        let made = give(&house.keys.shares[1]).await;
        assert_eq!(field(&made, "pgp_fingerprints"), json!(people.fingerprints));
        let shares = people.open(&field(&made, "keys_base64"));
        assert!(shares.iter().all(|share| !made.text.contains(share)));

        let kept = house.root.get(backup).await.expect(200);
        assert_eq!(kept.at("/data/nonce"), &nonce);
        assert_eq!(
            kept.at("/nonce"),
            &nonce,
            "older clients look beside the envelope"
        );
        for (at, fingerprint) in people.fingerprints.iter().enumerate() {
            let keys = kept.at(&format!("/data/keys/{fingerprint}"));
            assert_eq!(keys, &json!([field(&made, "keys")[at]]));
            let keys = kept.at(&format!("/data/keys_base64/{fingerprint}"));
            assert_eq!(keys, &json!([field(&made, "keys_base64")[at]]));
        }

        let verification = field(&made, "verification_nonce");
        for share in &shares {
            let body = json!({ "key": share, "nonce": verification });
            house
                .root
                .post(&format!("{path}/verify"), body)
                .await
                .expect(200);
        }
        house.root.get(backup).await.expect(200);
        house.root.delete(backup).await.expect(204);
        house
            .root
            .get(backup)
            .await
            .refused(400, "no backed-up keys found");
        house.root.post("sys/seal", json!({})).await.expect(204);
        assert!(house.unseals(&shares).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_token_is_encrypted_to_the_key_of_who_asks() {
    let people = People::new();
    let house = House::new().await;
    let attempt = "sys/generate-root/attempt";
    let refused = async |body: Value, why: &str| {
        house.nobody.post(attempt, body).await.refused(400, why);
    };
    let undecoded = "error parsing PGP key: error decoding given PGP key";
    refused(json!({ "pgp_key": "x" }), undecoded).await;
    let both = json!({ "pgp_key": people.keys[0], "otp": "x" });
    refused(both, "give a PGP key or an OTP, and not both").await;
    let status = house.nobody.get(attempt).await.expect(200);
    assert_eq!(status.at("/started"), &json!(false));

    let plan = json!({ "pgp_key": people.keys[0] });
    let begun = house.nobody.post(attempt, plan).await.expect(200);
    assert_eq!(begun.text_at("/pgp_fingerprint"), people.fingerprints[0]);
    assert_eq!(begun.text_at("/otp"), "");
    let nonce = begun.text_at("/nonce");
    let give = async |share: &str| {
        let body = json!({ "key": share, "nonce": nonce });
        house
            .nobody
            .post("sys/generate-root/update", body)
            .await
            .expect(200)
    };
    give(&house.keys.shares[0]).await;
    let made = give(&house.keys.shares[1]).await;
    assert_eq!(
        made.text_at("/encoded_token"),
        made.text_at("/encoded_root_token")
    );
    let token = people.gpg.open(made.text_at("/encoded_token"));
    assert!(!made.text.contains(&token));
    let root = house.root.with_token(&token);
    let own = root.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(own.at("/data/policies"), &json!(["root"]));
}
