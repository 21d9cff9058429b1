//! What clones of Vault's transit get wrong, one test each.
//!
//! The numbers are those of the list in the contract of the wire. What belongs to HTTP, policies,
//! leases, wrapping and audit stands in `tests/`, under names that begin alike.

use keyward_crypto::{HashAlgorithm, byok, encoding};

use super::*;

/// The items of a batch's answer.
fn results(answer: &Answer) -> &[Value] {
    answer.data["batch_results"].as_array().unwrap()
}

#[tokio::test]
async fn trap_01_an_empty_plaintext_is_legal_and_an_absent_one_is_not() {
    let server = Server::start().await;
    let ciphertext = json!({"ciphertext": server.encrypt("a", "").await});
    assert_eq!(server.ok("decrypt/a", ciphertext).await["plaintext"], "");
    assert_eq!(
        server.refused("encrypt/a", json!({})).await,
        "missing plaintext to encrypt"
    );
    server.ok("keys/s", json!({"type": "ed25519"})).await;
    let signed = server.ok("sign/s", json!({})).await;
    let verify = json!({"input": "", "signature": signed["signature"]});
    assert_eq!(server.ok("verify/s", verify).await["valid"], true);
}

#[tokio::test]
async fn trap_02_base64_is_read_as_go_reads_it() {
    let server = Server::start().await;
    for (given, read) in [
        ("aGVs\nbG8=", HELLO),
        ("aGVsbG8=\r\n", HELLO),
        ("aGVsbG9=", HELLO),
    ] {
        let ciphertext = json!({"ciphertext": server.encrypt("a", given).await});
        assert_eq!(server.ok("decrypt/a", ciphertext).await["plaintext"], read);
    }
    for (given, offset) in [("aGVsbG8", 4), ("-_-_", 0), ("aGVs*", 4)] {
        assert_eq!(
            server
                .refused("encrypt/a", json!({"plaintext": given}))
                .await,
            format!("illegal base64 data at input byte {offset}")
        );
    }
}

#[tokio::test]
async fn trap_03_one_bad_item_makes_a_400_with_results_where_vault_does() {
    let server = Server::start().await;
    let good = server.encrypt("a", HELLO).await;
    let mixed = |code: Option<i64>| {
        let mut body = json!({"batch_input": [{"ciphertext": good}, {"ciphertext": "x"}]});
        if let Some(code) = code {
            body["partial_failure_response_code"] = json!(code);
        }
        body
    };
    let answer = server.post("decrypt/a", mixed(None)).await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    assert_eq!(results(&answer).len(), 2);
    let answer = server.post("decrypt/a", mixed(Some(207))).await;
    assert_eq!(answer.outcome, Outcome::Partial(207));
    let all_bad = json!({
        "batch_input": [{"ciphertext": "x"}], "partial_failure_response_code": 207,
    });
    let answer = server.post("decrypt/a", all_bad).await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    for path in ["rewrap/a", "translate/a/a"] {
        let answer = server.post(path, mixed(None)).await;
        assert_eq!(answer.outcome, Outcome::Success, "{path}");
    }
    let bad = json!({"batch_input": [{"input": "!"}, {"input": HELLO}]});
    let answer = server.post("hmac/a", bad).await;
    assert_eq!(answer.outcome, Outcome::Success);
}

#[tokio::test]
async fn trap_04_every_item_has_the_fields_that_clients_expect() {
    let server = Server::start().await;
    server
        .ok("keys/s", json!({"type": "ed25519", "derived": true}))
        .await;
    let items = json!({"batch_input": [
        {"input": HELLO, "context": "YQ==", "reference": "r"}, {"input": "!", "context": "YQ=="},
    ]});
    let answer = server.post("sign/s", items).await;
    let [good, bad] = results(&answer) else {
        panic!("two results");
    };
    assert_eq!(good["reference"], "r");
    assert!(good.get("publickey").is_some() && good.get("public_key").is_none());
    assert_eq!(
        (&bad["key_version"], &bad["reference"]),
        (&json!(0), &json!(""))
    );
    let one = json!({"input": HELLO, "context": "YQ=="});
    assert!(server.ok("sign/s", one).await.get("public_key").is_some());
    server.encrypt("a", HELLO).await;
    let answer = server
        .post("decrypt/a", json!({"batch_input": [{"ciphertext": "x"}]}))
        .await;
    assert_eq!(results(&answer)[0]["plaintext"], "");
    let wrong = json!({"batch_input": [{"input": HELLO, "hmac": "vault:v1:AAAA"}]});
    let answer = server.post("verify/a", wrong).await;
    assert_eq!(results(&answer)[0]["valid"], false);
}

#[tokio::test]
async fn trap_05_encrypting_with_an_unknown_key_needs_create_and_creating_needs_update() {
    let server = Server::start().await;
    let token = async |capability: &str| {
        let rule = format!("capabilities = [\"{capability}\"]");
        let rules = [("encrypt/*", rule.as_str()), ("keys/*", rule.as_str())];
        server.token_for(capability, &rules).await
    };
    let (create, update) = (token("create").await, token("update").await);
    let encrypt = |token, name: &str| {
        let path = format!("transit/encrypt/{name}");
        let body = json!({"plaintext": HELLO});
        let server = &server;
        async move {
            let answer = server.ask_as(token, Operation::Update, &path, body).await;
            answer.is_ok()
        }
    };
    assert!(!encrypt(&update, "a").await);
    assert!(encrypt(&create, "a").await);
    assert!(!encrypt(&create, "a").await);
    assert!(encrypt(&update, "a").await);
    let path = "transit/keys/b";
    let made = server.ask_as(&create, Operation::Update, path, json!({}));
    assert!(made.await.is_err());
    let made = server.ask_as(&update, Operation::Update, path, json!({}));
    assert!(made.await.is_ok());
    let derived = json!({"plaintext": HELLO, "context": "YQ=="});
    server.ok("encrypt/d", derived).await;
    assert_eq!(server.read_key("d").await.unwrap()["derived"], true);
}

#[tokio::test]
async fn trap_06_creating_a_key_that_exists_answers_it_unchanged() {
    let server = Server::start().await;
    let first = server.ok("keys/a", json!({})).await;
    let again = json!({"type": "ed25519", "exportable": true});
    assert_eq!(server.ok("keys/a", again).await, first);
}

#[tokio::test]
async fn trap_07_an_unknown_key_is_told_in_each_operations_own_words() {
    let server = Server::start().await;
    for (path, body, refusal) in [
        (
            "decrypt/x",
            json!({"ciphertext": "vault:v1:AAAA"}),
            "encryption key not found",
        ),
        (
            "rewrap/x",
            json!({"ciphertext": "vault:v1:AAAA"}),
            "encryption key not found",
        ),
        ("datakey/wrapped/x", json!({}), "encryption key not found"),
        ("hmac/x", json!({"input": ""}), "encryption key not found"),
        ("sign/x", json!({}), "signing key not found"),
        (
            "verify/x",
            json!({"signature": "vault:v1:AAAA"}),
            "signature verification key not found",
        ),
        ("keys/x/rotate", json!({}), "key not found"),
        (
            "keys/x/config",
            json!({}),
            "no existing key named x could be found",
        ),
        ("keys/x/trim", json!({}), "invalid key name"),
    ] {
        assert_eq!(server.refused(path, body).await, refusal, "{path}");
    }
    for path in ["keys/x", "export/hmac-key/x"] {
        let path = format!("transit/{path}");
        let read = server.ask(Operation::Read, &path, json!({}));
        assert!(matches!(read.await, Err(Error::NotFound(None))), "{path}");
    }
    let backup = server.ask(Operation::Read, "transit/backup/x", json!({}));
    assert_eq!(backup.await.unwrap_err().to_string(), "key \"x\" not found");
    let delete = server.ask(Operation::Delete, "transit/keys/x", json!({}));
    assert_eq!(
        delete.await.unwrap_err().to_string(),
        "error deleting policy x: could not delete key; not found"
    );
}

#[tokio::test]
async fn trap_08_an_empty_list_is_not_found() {
    let server = Server::start().await;
    let list = server.ask(Operation::List, "transit/keys", json!({}));
    assert!(matches!(list.await, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn trap_13_a_parameter_that_nobody_reads_is_told_about() {
    let server = Server::start().await;
    let answer = server
        .post("keys/a", json!({"colour": "blue", "name": "b"}))
        .await;
    assert_eq!(
        answer.warnings,
        [
            "Endpoint ignored these unrecognized parameters: [colour]",
            "Endpoint replaced the value of these parameters with the values captured from the \
             endpoint's path: [name]",
        ]
    );
}

#[tokio::test]
async fn trap_14_numbers_texts_and_times_are_read_for_each_other() {
    let server = Server::start().await;
    for (name, period) in [("a", json!("1h")), ("b", json!(3600)), ("c", json!("3600"))] {
        let body = json!({"auto_rotate_period": period, "derived": "true", "exportable": 1});
        let key = server.ok(&format!("keys/{name}"), body).await;
        assert_eq!(key["auto_rotate_period"], 3600);
        assert_eq!(
            (&key["derived"], &key["exportable"]),
            (&json!(true), &json!(true))
        );
    }
    let body = json!({"plaintext": 1234, "key_version": "1"});
    server.ok("keys/n", json!({})).await;
    let ciphertext = server.ok("encrypt/n", body).await["ciphertext"].clone();
    let plain = server
        .ok("decrypt/n", json!({"ciphertext": ciphertext}))
        .await;
    assert_eq!(plain["plaintext"], "1234");
}

#[tokio::test]
async fn trap_18_a_key_shows_its_versions_as_its_type_does() {
    let server = Server::start().await;
    for (key_type, is_object, is_pem) in [
        ("aes256-gcm96", false, false),
        ("ed25519", true, false),
        ("ecdsa-p256", true, true),
    ] {
        let path = format!("keys/{key_type}");
        let key = server.ok(&path, json!({"type": key_type})).await;
        let version = &key["keys"]["1"];
        assert_eq!(version.is_object(), is_object);
        assert_eq!(version.is_u64(), !is_object);
        let public_key = version["public_key"].as_str().unwrap_or_default();
        assert_eq!(
            public_key.starts_with("-----BEGIN PUBLIC KEY-----\n"),
            is_pem
        );
        server.ok(&format!("{path}/rotate"), json!({})).await;
        let minimum = json!({"min_decryption_version": 2});
        let key = server.ok(&format!("{path}/config"), minimum).await;
        let shown: Vec<_> = key["keys"].as_object().unwrap().keys().collect();
        assert_eq!(shown, ["2"]);
    }
}

#[tokio::test]
async fn trap_19_versions_are_counted_hidden_and_trimmed_in_vaults_order() {
    let server = Server::start().await;
    let first = server.encrypt("a", HELLO).await;
    let zero = json!({"ciphertext": first.replace("vault:v1:", "vault:v0:")});
    assert_eq!(server.ok("decrypt/a", zero).await["plaintext"], HELLO);
    server.ok("keys/a/rotate", json!({})).await;
    let latest = json!({"plaintext": HELLO, "key_version": 0});
    assert_eq!(server.ok("encrypt/a", latest).await["key_version"], 2);
    let answer = server
        .post("keys/a/config", json!({"min_decryption_version": 0}))
        .await;
    assert_eq!(answer.data["min_decryption_version"], 1);
    assert_eq!(answer.warnings.len(), 1);
    let decrypt = json!({"ciphertext": first});
    let raise = json!({"min_decryption_version": 2, "min_encryption_version": 2});
    server.ok("keys/a/config", raise).await;
    server.refused("decrypt/a", decrypt.clone()).await;
    // What is hidden comes back; what is trimmed does not.
    let lower = json!({"min_decryption_version": 1});
    server.ok("keys/a/config", lower.clone()).await;
    server.ok("decrypt/a", decrypt.clone()).await;
    let trim = json!({"min_available_version": 2});
    assert_eq!(
        server.refused("keys/a/trim", trim.clone()).await,
        "minimum available version cannot be greater than minimum decryption version"
    );
    let raise = json!({"min_decryption_version": 2});
    server.ok("keys/a/config", raise).await;
    server.ok("keys/a/trim", trim).await;
    server.refused("keys/a/config", lower).await;
    server.refused("decrypt/a", decrypt).await;
}

/// Keys and ciphertexts of OpenBao 2.7.2: the same key, imported, makes the same ciphertext.
#[tokio::test]
async fn trap_20_convergent_ciphertexts_equal_those_of_the_peer() {
    let server = Server::start().await;
    for (key_type, key, ciphertext) in [
        (
            "aes256-gcm96",
            "smzEeKdokr2gOzObsjeaIdDNChw/MWkVAcjKLmwxwng=",
            "vault:v1:5/xZ6YWwNnmzUx/OH5gQjzy8KPU1X9kbFDyD1nV2fajk",
        ),
        (
            "aes128-gcm96",
            "8ySk/ELP31J+9z5oVNR0MQ==",
            "vault:v1:Pw/I8ItNF6r2eDBSITZEIH77JiDzYYwE+abXLNANyCzN",
        ),
    ] {
        let body = json!({"type": key_type, "derived": true, "convergent_encryption": true});
        let key = encoding::decode(key).unwrap();
        server.import(key_type, &key, body).await.unwrap();
        let path = format!("encrypt/{key_type}");
        let made = server
            .ok(&path, json!({"plaintext": HELLO, "context": "YWJj"}))
            .await;
        assert_eq!(made["ciphertext"], ciphertext);
    }
}

#[tokio::test]
async fn trap_21_rsa_signs_with_any_salt_and_jws_changes_the_alphabet() {
    let server = Server::start().await;
    server.ok("keys/r", json!({"type": "rsa-2048"})).await;
    for salt in ["auto", "hash", "0", "17"] {
        let body = json!({"input": HELLO, "salt_length": salt});
        let signed = server.ok("sign/r", body).await;
        // Whoever verifies need not know the salt.
        let verify = json!({"input": HELLO, "signature": signed["signature"]});
        assert_eq!(server.ok("verify/r", verify).await["valid"], true, "{salt}");
    }
    for (key_type, length) in [("rsa-2048", 256), ("ecdsa-p256", 64), ("ed25519", 64)] {
        server
            .ok(&format!("keys/{key_type}"), json!({"type": key_type}))
            .await;
        let body = json!({"input": HELLO, "marshaling_algorithm": "jws"});
        let signed = server.ok(&format!("sign/{key_type}"), body).await;
        let signature = text(&signed["signature"]);
        let payload = signature.strip_prefix("vault:v1:").unwrap();
        let bytes = encoding::decode_url(payload).unwrap();
        assert_eq!(bytes.len(), length, "{key_type}");
    }
    // A digest that is given must have the length of its hash.
    let body = json!({"input": HELLO, "prehashed": true});
    server.refused("sign/r", body).await;
}

/// OAEP has SHA-256 and no label: what another implementation encrypts decrypts.
#[tokio::test]
async fn trap_21_rsa_encrypts_with_oaep_sha256_and_no_label() {
    let server = Server::start().await;
    let key = server.ok("keys/r", json!({"type": "rsa-2048"})).await;
    let pem = text(&key["keys"]["1"]["public_key"]);
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = encoding::decode(&base64).unwrap();
    let secret = keyward_crypto::random::generate_bytes(5);
    let wrapped = byok::wrap(der.expose(), HashAlgorithm::Sha2_256, &secret).unwrap();
    let (oaep, sealed) = wrapped.split_at(256);
    let ciphertext = format!("vault:v1:{}", encoding::encode(oaep));
    let plain = server
        .ok("decrypt/r", json!({"ciphertext": ciphertext}))
        .await;
    let ephemeral = encoding::decode(text(&plain["plaintext"])).unwrap();
    let unwrapped = keyward_crypto::key_wrap::unwrap(&ephemeral, sealed);
    assert_eq!(unwrapped.unwrap(), secret);
}

#[tokio::test]
async fn trap_22_the_key_of_hmacs_is_another_and_its_version_is_in_the_text() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"exportable": true})).await;
    let export = async |kind: &str| {
        let path = format!("export/{kind}/a");
        server.export(&path, json!({})).await.unwrap()["keys"]["1"].clone()
    };
    assert_ne!(export("encryption-key").await, export("hmac-key").await);
    let old = server.ok("hmac/a", json!({"input": HELLO})).await;
    server.ok("keys/a/rotate", json!({})).await;
    let new = server.ok("hmac/a", json!({"input": HELLO})).await;
    assert_ne!(old, new);
    for hmac in [old, new] {
        let verify = json!({"input": HELLO, "hmac": hmac["hmac"]});
        assert_eq!(server.ok("verify/a", verify).await["valid"], true);
    }
}
