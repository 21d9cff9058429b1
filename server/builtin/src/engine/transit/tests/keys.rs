//! Keys and their rules.

use super::*;

#[tokio::test]
async fn a_key_is_described_as_vault_does() {
    let server = Server::start().await;
    let created = server.ok("keys/a", json!({})).await;
    assert_eq!(
        created,
        json!({
            "allow_plaintext_backup": false, "auto_rotate_period": 0, "deletion_allowed": false,
            "derived": false, "exportable": false, "imported_key": false,
            "keys": {"1": 1_795_462_815}, "latest_version": 1, "min_available_version": 0,
            "min_decryption_version": 1, "min_encryption_version": 0, "name": "a",
            "soft_deleted": false, "supports_decryption": true, "supports_derivation": true,
            "supports_encryption": true, "supports_signing": false, "type": "aes256-gcm96",
        })
    );
    assert_eq!(server.read_key("a").await.unwrap(), created);
}

#[tokio::test]
async fn a_derived_key_says_how_it_derives() {
    let server = Server::start().await;
    let derived = server.ok("keys/d", json!({"derived": true})).await;
    assert_eq!(derived["kdf"], "hkdf_sha256");
    assert_eq!(derived["convergent_encryption"], false);
    assert!(derived.get("convergent_encryption_version").is_none());

    let body = json!({"derived": "true", "convergent_encryption": 1});
    let convergent = server.ok("keys/c", body).await;
    assert_eq!(convergent["convergent_encryption"], true);
    assert_eq!(convergent["convergent_encryption_version"], -1);
}

#[tokio::test]
async fn a_signing_key_shows_its_public_half_and_a_derived_one_that_of_a_context() {
    let server = Server::start().await;
    let key = server.ok("keys/e", json!({"type": "ed25519"})).await;
    let version = &key["keys"]["1"];
    assert_eq!(version["creation_time"], "2026-11-23T19:40:15.194302944Z");
    assert_eq!(version["name"], "ed25519");
    assert_eq!(version["certificate_chain"], "");
    assert_eq!(text(&version["public_key"]).len(), 44);
    assert_eq!(key["supports_signing"], true);
    assert_eq!(key["supports_encryption"], false);

    let derived = server
        .ok("keys/f", json!({"type": "ed25519", "derived": true}))
        .await;
    assert_eq!(derived["keys"]["1"]["public_key"], "");
    let read = server
        .ask(
            Operation::Read,
            "transit/keys/f",
            json!({"context": "YWJj"}),
        )
        .await;
    let shown = text(&read.unwrap().data["keys"]["1"]["public_key"]);
    let signed = server
        .ok("sign/f", json!({"input": HELLO, "context": "YWJj"}))
        .await;
    assert_eq!(signed["public_key"], shown);

    let bad = server
        .ask(Operation::Read, "transit/keys/f", json!({"context": "!"}))
        .await;
    assert_eq!(
        bad.unwrap_err().to_string(),
        "failed to base64-decode context"
    );
}

#[tokio::test]
async fn creating_a_key_again_changes_nothing() {
    let server = Server::start().await;
    let first = server.ok("keys/a", json!({})).await;
    let again = json!({"type": "ed25519", "exportable": true, "derived": true});
    assert_eq!(server.ok("keys/a", again).await, first);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused() {
    let server = Server::start().await;
    for (body, refusal) in [
        (json!({"type": "foo"}), "unknown key type foo"),
        (json!({"type": ""}), "unknown key type "),
        (
            json!({"type": "AES256-GCM96"}),
            "unknown key type AES256-GCM96",
        ),
        (
            json!({"convergent_encryption": true}),
            "convergent encryption requires derivation to be enabled",
        ),
        (
            json!({"type": "ed25519", "derived": true, "convergent_encryption": true}),
            "convergent encryption not supported for keys of type ed25519",
        ),
        (
            json!({"auto_rotate_period": "5m"}),
            "auto rotate period must be 0 to disable or at least an hour",
        ),
        (
            json!({"key_size": 32}),
            "key_size is not valid for algorithm aes256-gcm96",
        ),
    ] {
        assert_eq!(server.refused("keys/a", body).await, refusal);
    }
    assert!(matches!(
        server.read_key("a").await,
        Err(Error::NotFound(None))
    ));
}

#[tokio::test]
async fn keys_are_listed_in_byte_order_and_in_pages() {
    let server = Server::start().await;
    let list = |body: Value| server.ask(Operation::List, "transit/keys", body);
    assert!(matches!(list(json!({})).await, Err(Error::NotFound(None))));
    for name in ["b", "a.b", "a", "Z", "c"] {
        server.ok(&format!("keys/{name}"), json!({})).await;
    }
    let names = |answer: Answer| answer.data["keys"].clone();
    let all = json!(["Z", "a", "a.b", "b", "c"]);
    assert_eq!(names(list(json!({})).await.unwrap()), all);
    assert_eq!(names(list(json!({"limit": -1})).await.unwrap()), all);
    let page = list(json!({"after": "a", "limit": "2"})).await.unwrap();
    assert_eq!(names(page), json!(["a.b", "b"]));
    assert!(matches!(
        list(json!({"after": "z"})).await,
        Err(Error::NotFound(None))
    ));
}

#[tokio::test]
async fn rotation_adds_a_version_and_old_ciphertexts_still_decrypt() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let old = server.encrypt("a", HELLO).await;
    server.clock.advance(Duration::from_secs(4));
    let rotated = server.ok("keys/a/rotate", json!({})).await;
    assert_eq!(rotated["latest_version"], 2);
    assert_eq!(
        rotated["keys"],
        json!({"1": 1_795_462_815, "2": 1_795_462_819})
    );

    assert!(server.encrypt("a", HELLO).await.starts_with("vault:v2:"));
    assert_eq!(
        server.ok("decrypt/a", json!({"ciphertext": old})).await["plaintext"],
        HELLO
    );
    assert_eq!(
        server.refused("keys/nope/rotate", json!({})).await,
        "key not found"
    );
}

#[tokio::test]
async fn minimums_hide_and_forbid_versions_and_bring_them_back() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let old = server.encrypt("a", HELLO).await;
    server.ok("keys/a/rotate", json!({})).await;
    let raised = server
        .ok("keys/a/config", json!({"min_decryption_version": 2}))
        .await;
    assert_eq!(
        raised["keys"]
            .as_object()
            .unwrap()
            .keys()
            .collect::<Vec<_>>(),
        ["2"]
    );
    assert_eq!(
        server
            .refused("decrypt/a", json!({"ciphertext": old}))
            .await,
        "ciphertext or signature version is disallowed by policy (too old)"
    );
    server
        .ok("keys/a/config", json!({"min_decryption_version": 1}))
        .await;
    assert_eq!(
        server.ok("decrypt/a", json!({"ciphertext": old})).await["plaintext"],
        HELLO
    );
}

#[tokio::test]
async fn a_minimum_for_decryption_of_zero_is_one_with_a_warning() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let answer = server
        .post("keys/a/config", json!({"min_decryption_version": 0}))
        .await;
    assert_eq!(answer.data["min_decryption_version"], 1);
    assert!(answer.warnings[0].ends_with("forcing minimum to 1"));
}

#[tokio::test]
async fn rules_that_cannot_be_are_refused_and_change_nothing() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/a/rotate", json!({})).await;
    let before = server.ok("keys/a/rotate", json!({})).await;
    for (body, refusal) in [
        (
            json!({"min_decryption_version": -1}),
            "min decryption version cannot be negative",
        ),
        (
            json!({"min_encryption_version": -1}),
            "min encryption version cannot be negative",
        ),
        (
            json!({"min_decryption_version": 9}),
            "cannot set min decryption version of 9, latest key version is 3",
        ),
        (
            json!({"deletion_allowed": true, "min_encryption_version": 9}),
            "cannot set min encryption version of 9, latest key version is 3",
        ),
        (
            json!({"min_encryption_version": 1, "min_decryption_version": 2}),
            "cannot set min encryption/decryption values; min encryption version of 1 must be \
             greater than or equal to min decryption version of 2",
        ),
        (
            json!({"auto_rotate_period": "5m"}),
            "auto rotate period must be 0 to disable or at least an hour",
        ),
    ] {
        assert_eq!(server.refused("keys/a/config", body).await, refusal);
    }
    assert_eq!(server.read_key("a").await.unwrap(), before);
    assert_eq!(
        server.refused("keys/nope/config", json!({})).await,
        "no existing key named nope could be found"
    );
}

#[tokio::test]
async fn what_may_be_exported_stays_so() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let allow = json!({"exportable": true, "allow_plaintext_backup": true});
    server.ok("keys/a/config", allow).await;
    let forbid = json!({"exportable": false, "allow_plaintext_backup": false});
    let key = server.ok("keys/a/config", forbid).await;
    assert_eq!(key["exportable"], true);
    assert_eq!(key["allow_plaintext_backup"], true);
}

#[tokio::test]
async fn trimming_destroys_versions_and_follows_its_order() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let old = server.encrypt("a", HELLO).await;
    server.ok("keys/a/rotate", json!({})).await;
    server.ok("keys/a/rotate", json!({})).await;

    let refuse = |body: Value| server.refused("keys/a/trim", body);
    assert_eq!(
        server.refused("keys/nope/trim", json!({})).await,
        "invalid key name"
    );
    assert_eq!(refuse(json!({})).await, "missing min_available_version");
    assert_eq!(
        refuse(json!({"min_available_version": 1})).await,
        "minimum available version cannot be set when minimum encryption version is not set"
    );
    let minimums = json!({"min_decryption_version": 2, "min_encryption_version": 2});
    server.ok("keys/a/config", minimums).await;
    assert_eq!(
        refuse(json!({"min_available_version": 0})).await,
        "minimum available version should be positive"
    );
    assert_eq!(
        refuse(json!({"min_available_version": 3})).await,
        "minimum available version cannot be greater than minmum encryption version"
    );
    let trimmed = server
        .ok("keys/a/trim", json!({"min_available_version": 2}))
        .await;
    assert_eq!(trimmed["min_available_version"], 2);
    for lower in [1, -1] {
        assert_eq!(
            refuse(json!({"min_available_version": lower})).await,
            "minimum available version cannot be decremented"
        );
    }
    assert_eq!(
        server
            .refused("keys/a/config", json!({"min_decryption_version": 1}))
            .await,
        "min decryption version should not be less then min available version"
    );
    assert_eq!(
        server
            .refused("decrypt/a", json!({"ciphertext": old}))
            .await,
        "ciphertext or signature version is disallowed by policy (too old)"
    );
}

#[tokio::test]
async fn a_key_is_deleted_only_when_that_is_allowed() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let ciphertext = server.encrypt("a", HELLO).await;
    let delete = || async {
        let answer = server
            .ask(Operation::Delete, "transit/keys/a", json!({}))
            .await;
        answer
            .map(|answer| answer.data)
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        delete().await,
        Err("error deleting policy a: deletion is not allowed for this key".to_owned())
    );
    server
        .ok("keys/a/config", json!({"deletion_allowed": true}))
        .await;
    assert_eq!(delete().await, Ok(Value::Null));
    assert_eq!(
        delete().await,
        Err("error deleting policy a: could not delete key; not found".to_owned())
    );
    assert!(matches!(
        server.read_key("a").await,
        Err(Error::NotFound(None))
    ));
    assert_eq!(
        server
            .refused("decrypt/a", json!({"ciphertext": ciphertext}))
            .await,
        "encryption key not found"
    );
}

#[tokio::test]
async fn keys_rotate_when_their_period_is_over() {
    let server = Server::start().await;
    server
        .ok("keys/a", json!({"auto_rotate_period": "2h"}))
        .await;
    server.ok("keys/b", json!({})).await;
    let latest = || async {
        let a = server.read_key("a").await.unwrap()["latest_version"].clone();
        let b = server.read_key("b").await.unwrap()["latest_version"].clone();
        (a, b)
    };
    server.wait(Duration::from_secs(3600)).await;
    assert_eq!(latest().await, (json!(1), json!(1)));
    server.wait(Duration::from_secs(3600)).await;
    assert_eq!(latest().await, (json!(2), json!(1)));
    server.wait(Duration::from_secs(1)).await;
    assert_eq!(latest().await, (json!(2), json!(1)));

    server
        .ok("keys/a/config", json!({"auto_rotate_period": 0}))
        .await;
    server.wait(Duration::from_secs(24 * 3600)).await;
    assert_eq!(latest().await, (json!(2), json!(1)));
}

#[tokio::test]
async fn names_that_are_no_names_have_no_route() {
    let server = Server::start().await;
    for name in ["-a", "a-", ".a", "a b", "a/b/c/d"] {
        let answer = server.try_post(&format!("keys/{name}"), json!({})).await;
        assert!(
            matches!(answer, Err(Error::UnsupportedPath)),
            "{name}: {answer:?}"
        );
    }
}
