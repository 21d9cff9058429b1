//! Certificates: requests, chains, and their life with the versions they are for.

use keyward_crypto::x509::RequestTemplate;

use super::*;

/// Certificates and keys made elsewhere; see the README beside the file.
fn vectors() -> Value {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crypto/tests/vectors/certificates.json"
    ));
    serde_json::from_str(text).unwrap()
}

/// The leaf for a type's key, and the authorities over it.
fn chain(name: &str) -> String {
    let vectors = vectors();
    let parts = [
        &vectors["keys"][name]["leaf"],
        &vectors["intermediate"],
        &vectors["root"],
    ];
    parts.map(text).concat()
}

impl Server {
    /// Imports the public half of a key that has certificates, under the name of its type.
    async fn import_certified(&self, name: &str) {
        let body = json!({
            "type": name, "public_key": vectors()["keys"][name]["public_key"],
            "exportable": true, "allow_plaintext_backup": true, "allow_rotation": true,
        });
        let path = format!("keys/{name}/import");
        self.try_post(&path, body).await.unwrap();
    }

    async fn certify(&self, name: &str, body: Value) -> Value {
        self.ok(&format!("keys/{name}/set-certificate"), body).await
    }

    async fn not_certified(&self, name: &str, body: Value) -> String {
        self.refused(&format!("keys/{name}/set-certificate"), body)
            .await
    }

    /// The chain that the key shows with a version.
    async fn shown_chain(&self, name: &str, version: u32) -> String {
        let key = self.read_key(name).await.unwrap();
        text(&key["keys"][version.to_string()]["certificate_chain"])
    }

    async fn export_chain(&self, path: &str) -> Result<Value, Error> {
        let path = format!("transit/export/certificate-chain/{path}");
        let answer = self.ask(Operation::Read, &path, json!({})).await;
        answer.map(|answer| answer.data)
    }
}

#[tokio::test]
async fn every_signing_key_makes_a_request() {
    let server = Server::start().await;
    let template = vectors()["template"].clone();
    for name in [
        "ecdsa-p256",
        "ecdsa-p384",
        "ecdsa-p521",
        "ed25519",
        "mldsa-44",
        "mldsa-65",
        "mldsa-87",
        "rsa-2048",
    ] {
        server
            .ok(&format!("keys/{name}"), json!({"type": name}))
            .await;
        let path = format!("keys/{name}/csr");
        let bodies = [
            json!({}),
            json!({"csr": ""}),
            json!({"csr": null, "version": 1}),
            json!({"csr": template, "version": "1"}),
        ];
        for body in bodies {
            let data = server.ok(&path, body).await;
            assert_eq!(data["name"], name);
            assert_eq!(data["type"], name);
            let csr = text(&data["csr"]);
            assert!(csr.ends_with("-----END CERTIFICATE REQUEST-----\n"));
            RequestTemplate::parse(&csr).unwrap();
        }
        let key = server.read_whole(name).await.unwrap();
        assert_ne!(key["usage"]["1"]["last_used"], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn a_request_is_refused_in_the_words_of_the_peer() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    let derived = json!({"type": "ed25519", "derived": true});
    server.ok("keys/d", derived).await;
    server.import_certified("ed25519").await;
    let no_version = "could not create the csr: no such key version";
    for (name, body, refusal) in [
        ("none", json!({}), "key with provided name 'none' not found"),
        (
            "a",
            json!({}),
            "key type 'aes256-gcm96' does not support signing",
        ),
        (
            "d",
            json!({"csr": "x"}),
            "operation not supported for keys with derivation enabled",
        ),
        ("e", json!({"csr": "x"}), "could not decode PEM CSR"),
        (
            "e",
            json!({"csr": "x", "version": 7}),
            "could not decode PEM CSR",
        ),
        ("e", json!({"version": 0}), no_version),
        ("e", json!({"version": 2}), no_version),
        ("e", json!({"version": -1}), no_version),
        (
            "ed25519",
            json!({}),
            "could not create the csr: private key not imported for key version selected",
        ),
    ] {
        let path = format!("keys/{name}/csr");
        assert_eq!(server.refused(&path, body).await, refusal, "{name}");
    }
    let leaf = text(&vectors()["keys"]["ed25519"]["leaf"]);
    let refusal = server.refused("keys/e/csr", json!({"csr": leaf})).await;
    assert!(
        refusal.starts_with("could not parse the CSR: "),
        "{refusal}"
    );
    let soft_delete = "transit/keys/e/soft-delete";
    server
        .ask(Operation::Delete, soft_delete, json!({}))
        .await
        .unwrap();
    let refusal = "refusing to use soft-deleted key";
    assert_eq!(server.refused("keys/e/csr", json!({})).await, refusal);
    assert_eq!(server.not_certified("e", json!({})).await, refusal);
}

#[tokio::test]
async fn a_chain_is_shown_and_exported_with_its_version() {
    let server = Server::start().await;
    for name in ["ecdsa-p256", "ed25519", "mldsa-44", "rsa-2048"] {
        server.import_certified(name).await;
        assert_eq!(server.shown_chain(name, 1).await, "");
        let chain = chain(name);
        let body = json!({"certificate_chain": chain, "version": 1});
        assert_eq!(
            server.certify(name, body).await,
            json!({"certificate_chain": chain, "name": name, "type": name})
        );
        assert_eq!(server.shown_chain(name, 1).await, chain.trim_end());
        let exported = server.export_chain(name).await.unwrap();
        let keys = json!({"1": chain.trim_end()});
        assert_eq!(exported, json!({"keys": keys, "name": name, "type": name}));
        for version in ["1", "v1", "latest"] {
            let path = format!("{name}/{version}");
            assert_eq!(server.export_chain(&path).await.unwrap()["keys"], keys);
        }
    }
}

#[tokio::test]
async fn a_chain_for_another_key_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    server.import_certified("ed25519").await;
    let own = chain("ed25519");
    server
        .certify("ed25519", json!({"certificate_chain": own}))
        .await;
    let before = server.read_key("ed25519").await.unwrap();
    let vectors = vectors();
    let (leaf, root) = (
        text(&vectors["keys"]["ed25519"]["leaf"]),
        text(&vectors["root"]),
    );
    let tried = "failed to persist certificate chain: ";
    for (chain, refusal) in [
        (
            text(&vectors["ed25519_leaves"]["of another key"]),
            format!("{tried}leaf certificate public key does not match the selected key version"),
        ),
        (
            chain("rsa-2048"),
            format!(
                "{tried}could not validate key match between leaf certificate key and key entry in \
                 transit: provided leaf certificate public key algorithm 'RSA' does not match the \
                 transit key type 'ed25519'"
            ),
        ),
        (
            root.clone(),
            format!("{tried}certificate in the first element is not a valid leaf certificate"),
        ),
        (
            leaf.repeat(2),
            format!("{tried}certificate in the last element is not a valid CA certificate"),
        ),
        (
            leaf.repeat(2) + &root,
            format!(
                "{tried}could not validate if there is only one leaf certificate in the provided \
                 chain"
            ),
        ),
        (
            String::new(),
            "provided certificate chain did not contain any valid PEM encoded certificate"
                .to_owned(),
        ),
        (
            leaf.clone() + "x",
            "could not decode a PEM block in the certificate chain".to_owned(),
        ),
    ] {
        let body = json!({"certificate_chain": chain});
        assert_eq!(server.not_certified("ed25519", body).await, refusal);
    }
    for version in [0, 2, -1] {
        let body = json!({"certificate_chain": leaf, "version": version});
        assert_eq!(
            server.not_certified("ed25519", body).await,
            format!("{tried}no such key version")
        );
    }
    assert_eq!(server.read_key("ed25519").await.unwrap(), before);

    server.ok("keys/a", json!({})).await;
    for (name, refusal) in [
        ("none", "key with provided name 'none' not found"),
        ("a", "key type 'aes256-gcm96' does not support signing"),
    ] {
        assert_eq!(server.not_certified(name, json!({})).await, refusal);
    }
}

#[tokio::test]
async fn what_has_no_chain_exports_none() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"exportable": true})).await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    for (path, refusal) in [
        (
            "a",
            "certificate chain not supported for keys that do not support signing",
        ),
        (
            "e",
            "selected key version does not have a certificate chain imported",
        ),
        ("e/2", "version does not exist or cannot be found"),
    ] {
        let error = server.export_chain(path).await.unwrap_err();
        assert_eq!(error.to_string(), refusal, "{path}");
    }
    let unknown = server.export_chain("none").await;
    assert!(matches!(unknown, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn a_chain_lives_through_rotation_and_backup_and_goes_with_its_version() {
    let server = Server::start().await;
    server.import_certified("ed25519").await;
    let chain = chain("ed25519");
    let body = json!({"certificate_chain": chain});
    server.certify("ed25519", body.clone()).await;
    server.ok("keys/ed25519/rotate", json!({})).await;
    assert_eq!(server.shown_chain("ed25519", 1).await, chain.trim_end());
    assert_eq!(server.shown_chain("ed25519", 2).await, "");
    // The leaf is for version 1, and the latest is meant.
    let refusal = server.not_certified("ed25519", body).await;
    assert!(refusal.contains("does not match the selected key version"));

    let backup = server
        .ask(Operation::Read, "transit/backup/ed25519", json!({}))
        .await
        .unwrap();
    let restore = json!({"backup": backup.data["backup"]});
    server.try_post("restore/back", restore).await.unwrap();
    assert_eq!(server.shown_chain("back", 1).await, chain.trim_end());

    let config = json!({"min_decryption_version": 2, "min_encryption_version": 2});
    server.ok("keys/back/config", config).await;
    let trim = json!({"min_available_version": 2});
    server.ok("keys/back/trim", trim).await;
    let key = server.read_key("back").await.unwrap();
    assert!(!key.to_string().contains("BEGIN CERTIFICATE"));
    let error = server.export_chain("back/1").await.unwrap_err();
    let refusal = "version for export is below minimum decryption version";
    assert_eq!(error.to_string(), refusal);
    assert_eq!(server.shown_chain("ed25519", 1).await, chain.trim_end());
}
