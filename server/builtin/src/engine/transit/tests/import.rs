//! Keys that come from elsewhere and go there.

use keyward_crypto::{HashAlgorithm, byok, encoding, random};

use super::*;

impl Server {
    /// Wraps a key as a client does.
    async fn wrap(&self, key: &SecretBytes, hash: HashAlgorithm) -> String {
        let answer = self
            .ask(Operation::Read, "transit/wrapping_key", json!({}))
            .await
            .unwrap();
        let pem = text(&answer.data["public_key"]);
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = encoding::decode(&base64).unwrap();
        encoding::encode(&byok::wrap(der.expose(), hash, key).unwrap())
    }

    pub(super) async fn import(
        &self,
        name: &str,
        key: &SecretBytes,
        mut body: Value,
    ) -> Result<(), Error> {
        body["ciphertext"] = json!(self.wrap(key, HashAlgorithm::Sha2_256).await);
        self.try_post(&format!("keys/{name}/import"), body)
            .await
            .map(drop)
    }

    pub(super) async fn export(&self, path: &str, body: Value) -> Result<Value, Error> {
        let path = format!("transit/{path}");
        let answer = self.ask(Operation::Read, &path, body).await;
        answer.map(|answer| answer.data)
    }
}

#[tokio::test]
async fn what_is_exported_here_is_imported_there_and_decrypts() {
    let (here, there) = (Server::start().await, Server::start().await);
    for key_type in [
        "aes128-gcm96",
        "aes256-gcm96",
        "chacha20-poly1305",
        "xchacha20-poly1305",
    ] {
        for body in [
            json!({"type": key_type, "exportable": true}),
            json!({"type": key_type, "exportable": true, "derived": true}),
            json!({
                "type": key_type, "exportable": true, "derived": true,
                "convergent_encryption": true,
            }),
        ] {
            let name = format!("{key_type}{}", body.as_object().unwrap().len());
            here.ok(&format!("keys/{name}"), body.clone()).await;
            let exported = here
                .export(&format!("export/encryption-key/{name}"), json!({}))
                .await
                .unwrap();
            assert_eq!(exported["type"], key_type);
            let key = encoding::decode(text(&exported["keys"]["1"])).unwrap();
            there.import(&name, &key, body.clone()).await.unwrap();
            let plaintext = json!({"plaintext": HELLO, "context": "YWJj"});
            let encrypt = format!("encrypt/{name}");
            let ours = here.post(&encrypt, plaintext.clone()).await.data;
            let decrypt = json!({"ciphertext": ours["ciphertext"], "context": "YWJj"});
            let plain = there.post(&format!("decrypt/{name}"), decrypt).await.data;
            assert_eq!(plain["plaintext"], HELLO, "{name}");
            if body.get("convergent_encryption").is_some() {
                assert_eq!(there.post(&encrypt, plaintext).await.data, ours);
            }
        }
    }
}

#[tokio::test]
async fn signing_keys_travel_as_pkcs8() {
    let (here, there) = (Server::start().await, Server::start().await);
    for key_type in [
        "ed25519",
        "ecdsa-p256",
        "ecdsa-p384",
        "ecdsa-p521",
        "rsa-2048",
    ] {
        let body = json!({"type": key_type, "exportable": true});
        here.ok(&format!("keys/{key_type}"), body.clone()).await;
        let exported = here
            .export(
                &format!("export/signing-key/{key_type}/latest"),
                json!({"format": "der"}),
            )
            .await
            .unwrap();
        let key = encoding::decode(text(&exported["keys"]["1"])).unwrap();
        there.import(key_type, &key, body).await.unwrap();
        let signed = here
            .ok(&format!("sign/{key_type}"), json!({"input": HELLO}))
            .await;
        let verify = json!({"input": HELLO, "signature": signed["signature"]});
        let verified = there.ok(&format!("verify/{key_type}"), verify).await;
        assert_eq!(verified["valid"], true, "{key_type}");
        let public = |server: &Value| server["keys"]["1"]["public_key"].clone();
        assert_eq!(
            public(&here.read_key(key_type).await.unwrap()),
            public(&there.read_key(key_type).await.unwrap())
        );
    }
}

#[tokio::test]
async fn a_public_key_alone_verifies_until_its_private_key_comes() {
    let (here, there) = (Server::start().await, Server::start().await);
    for key_type in ["ed25519", "ecdsa-p256", "rsa-2048"] {
        let body = json!({"type": key_type, "exportable": true});
        here.ok(&format!("keys/{key_type}"), body).await;
        let signed = here
            .ok(&format!("sign/{key_type}"), json!({"input": HELLO}))
            .await;
        let path = format!("export/public-key/{key_type}");
        let public = here.export(&path, json!({"format": "pem"})).await.unwrap();
        let pem = text(&public["keys"]["1"]);
        let import = json!({"type": key_type, "public_key": pem});
        there
            .try_post(&format!("keys/{key_type}/import"), import)
            .await
            .unwrap();
        let verify = json!({"input": HELLO, "signature": signed["signature"]});
        let verified = there.ok(&format!("verify/{key_type}"), verify).await;
        assert_eq!(verified["valid"], true);
        there
            .refused(&format!("sign/{key_type}"), json!({"input": HELLO}))
            .await;

        let path = format!("export/signing-key/{key_type}");
        let exported = here.export(&path, json!({"format": "der"})).await.unwrap();
        let key = encoding::decode(text(&exported["keys"]["1"])).unwrap();
        let path = format!("keys/{key_type}/import_version");
        let other = random::generate_bytes(48);
        let other = there.wrap(&other, HashAlgorithm::Sha2_256).await;
        let other = json!({"ciphertext": other, "version": 1});
        there.refused(&path, other).await;
        let ciphertext = there.wrap(&key, HashAlgorithm::Sha2_256).await;
        let version = json!({"ciphertext": ciphertext, "version": 1});
        there.try_post(&path, version).await.unwrap();
        there
            .ok(&format!("sign/{key_type}"), json!({"input": HELLO}))
            .await;
    }
}

#[tokio::test]
async fn every_hash_that_wraps_unwraps() {
    let server = Server::start().await;
    for (name, hash) in [
        ("SHA1", HashAlgorithm::Sha1),
        ("sha224", HashAlgorithm::Sha2_224),
        ("SHA256", HashAlgorithm::Sha2_256),
        ("SHA384", HashAlgorithm::Sha2_384),
        ("SHA512", HashAlgorithm::Sha2_512),
    ] {
        let ciphertext = server.wrap(&random::generate_bytes(32), hash).await;
        let body = json!({"ciphertext": ciphertext, "hash_function": name});
        let path = format!("keys/{name}/import");
        server.try_post(&path, body).await.unwrap();
    }
}

#[tokio::test]
async fn an_imported_key_gets_versions_of_its_owner_unless_he_allows_others() {
    let server = Server::start().await;
    let key = random::generate_bytes(32);
    server.import("kept", &key, json!({})).await.unwrap();
    let read = server.read_key("kept").await.unwrap();
    assert_eq!(read["imported_key"], true);
    assert_eq!(read["imported_key_allow_rotation"], false);
    assert_eq!(
        server.refused("keys/kept/rotate", json!({})).await,
        "imported key kept does not allow rotation within Vault"
    );
    let ciphertext = server
        .wrap(&random::generate_bytes(32), HashAlgorithm::Sha2_256)
        .await;
    server
        .try_post(
            "keys/kept/import_version",
            json!({"ciphertext": ciphertext}),
        )
        .await
        .unwrap();
    assert_eq!(server.read_key("kept").await.unwrap()["latest_version"], 2);
    // It is not worn out by itself into a version of ours, nor by time.
    let limit = json!({"max_encryptions": 1, "auto_rotate_period": "1h"});
    server.ok("keys/kept/config", limit).await;
    server.encrypt("kept", HELLO).await;
    assert_eq!(
        server
            .refused("encrypt/kept", json!({"plaintext": HELLO}))
            .await,
        "key version 2 has reached its limit of encryptions and must be rotated"
    );
    server.wait(Duration::from_secs(10_000)).await;
    assert_eq!(server.read_key("kept").await.unwrap()["latest_version"], 2);

    let free = json!({"allow_rotation": true, "auto_rotate_period": "1h"});
    server.import("free", &key, free).await.unwrap();
    server.wait(Duration::from_secs(10_000)).await;
    let read = server.read_key("free").await.unwrap();
    assert_eq!(read["latest_version"], 2);
    assert_eq!(read["imported_key"], false);
    assert!(read.get("imported_key_allow_rotation").is_none());
    assert_eq!(
        server
            .refused("keys/free/import_version", json!({"ciphertext": "AAAA"}))
            .await,
        "the import_version endpoint can only be used with an imported key"
    );
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused() {
    let server = Server::start().await;
    server.ok("keys/there", json!({})).await;
    let short = server
        .wrap(&random::generate_bytes(31), HashAlgorithm::Sha2_256)
        .await;
    let good = server
        .wrap(&random::generate_bytes(32), HashAlgorithm::Sha2_256)
        .await;
    let foreign = "the ciphertext was not made with the wrapping key of this mount, or was changed";
    for (path, body, refusal) in [
        (
            "keys/a/import",
            json!({"ciphertext": ""}),
            "provided ciphertext is too short",
        ),
        (
            "keys/a/import",
            json!({"ciphertext": "!"}),
            "illegal base64 data at input byte 0",
        ),
        (
            "keys/a/import",
            json!({}),
            "provided type does not support public_key import",
        ),
        (
            "keys/a/import",
            json!({"ciphertext": good, "hash_function": "MD5"}),
            "unknown hash function: MD5",
        ),
        (
            "keys/a/import",
            json!({"ciphertext": good, "hash_function": "SHA1"}),
            foreign,
        ),
        (
            "keys/a/import",
            json!({"ciphertext": encoding::encode(&[7; 552])}),
            foreign,
        ),
        (
            "keys/a/import",
            json!({"ciphertext": short}),
            "error importing key: the key has the wrong length for its type",
        ),
        (
            "keys/a/import",
            json!({"ciphertext": good, "auto_rotate_period": "2h"}),
            "allow_rotation must be set to true if auto-rotation is enabled",
        ),
        (
            "keys/there/import",
            json!({"ciphertext": good}),
            "the import path cannot be used with an existing key; use import-version to rotate \
             an existing imported key",
        ),
        (
            "keys/there/import_version",
            json!({"ciphertext": good}),
            "the import_version endpoint can only be used with an imported key",
        ),
        (
            "keys/a/import_version",
            json!({"ciphertext": good}),
            "no key found with name a; to import a new key, use the import/ endpoint",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal);
    }
}

#[tokio::test]
async fn a_public_key_beside_a_private_one_must_belong_to_it() {
    let server = Server::start().await;
    for name in ["a", "b"] {
        let body = json!({"type": "ed25519", "exportable": true});
        server.ok(&format!("keys/{name}"), body).await;
    }
    let der = json!({"format": "der"});
    let private = server.export("export/signing-key/a", der).await.unwrap();
    let private = encoding::decode(text(&private["keys"]["1"])).unwrap();
    for (from, to) in [("b", "c"), ("a", "d")] {
        let path = format!("export/public-key/{from}");
        let public = server
            .export(&path, json!({"format": "pem"}))
            .await
            .unwrap();
        let body = json!({"type": "ed25519", "public_key": public["keys"]["1"]});
        let imported = server.import(to, &private, body).await;
        assert_eq!(imported.is_ok(), from == "a");
        assert_eq!(server.read_key(to).await.is_ok(), from == "a");
    }
}

#[tokio::test]
async fn an_export_gives_the_versions_that_may_decrypt_and_only_if_allowed() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"exportable": true})).await;
    server.ok("keys/a/rotate", json!({})).await;
    server.ok("keys/closed", json!({})).await;
    let kinds = |data: Value| {
        let keys = data["keys"].as_object().unwrap();
        keys.keys().cloned().collect::<Vec<_>>()
    };
    for (path, versions) in [
        ("export/encryption-key/a", vec!["1", "2"]),
        ("export/hmac-key/a", vec!["1", "2"]),
        ("export/encryption-key/a/1", vec!["1"]),
        ("export/encryption-key/a/v2", vec!["2"]),
        ("export/encryption-key/a/latest", vec!["2"]),
    ] {
        let exported = server.export(path, json!({})).await.unwrap();
        assert_eq!(kinds(exported), versions, "{path}");
    }
    server
        .ok("keys/a/config", json!({"min_decryption_version": 2}))
        .await;
    let exported = server.export("export/encryption-key/a", json!({})).await;
    assert_eq!(kinds(exported.unwrap()), ["2"]);
    for (path, refusal) in [
        ("export/foo/a", "invalid export type: foo"),
        (
            "export/encryption-key/closed",
            "private key material is not exportable",
        ),
        (
            "export/hmac-key/closed",
            "private key material is not exportable",
        ),
        ("export/encryption-key/a/x", "invalid key version"),
        (
            "export/encryption-key/a/1",
            "version for export is below minimum decryption version",
        ),
        (
            "export/encryption-key/a/9",
            "version does not exist or cannot be found",
        ),
        ("export/signing-key/a", "signing not supported for the key"),
        (
            "export/public-key/a",
            "unknown key type aes256-gcm96 for export type public-key",
        ),
    ] {
        let error = server.export(path, json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), refusal, "{path}");
    }
    let missing = server.export("export/encryption-key/b", json!({})).await;
    assert!(matches!(missing, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn the_key_of_hmacs_is_separate_from_the_key_that_encrypts() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"exportable": true})).await;
    let encryption = server.export("export/encryption-key/a", json!({})).await;
    let hmac = server.export("export/hmac-key/a", json!({})).await.unwrap();
    assert_ne!(encryption.unwrap()["keys"]["1"], hmac["keys"]["1"]);
    let key = encoding::decode(text(&hmac["keys"]["1"])).unwrap();
    let tag = keyward_crypto::MacKey::new(key).compute(HashAlgorithm::Sha2_256, b"hello");
    let made = server.ok("hmac/a", json!({"input": HELLO})).await;
    let expected = format!("vault:v1:{}", encoding::encode(tag.as_ref()));
    assert_eq!(made["hmac"], expected);
}

#[tokio::test]
async fn only_the_owner_of_an_rsa_key_gets_wrapped_keys() {
    let server = Server::start().await;
    server.ok("keys/a", json!({"exportable": true})).await;
    server.ok("keys/closed", json!({})).await;
    server.ok("keys/ed", json!({"type": "ed25519"})).await;
    for (path, refusal) in [
        (
            "byok-export/nothing/a",
            "no such destination key to export to",
        ),
        ("byok-export/ed/nothing", "no such source key for export"),
        ("byok-export/ed/closed", "key is not exportable"),
        (
            "byok-export/ed/a",
            "unsupported key type in use; must be a rsa key",
        ),
        (
            "byok-export/closed/a",
            "unsupported key type in use; must be a rsa key",
        ),
        ("byok-export/ed/a/x", "invalid key version"),
    ] {
        let error = server.export(path, json!({})).await.unwrap_err();
        assert_eq!(error.to_string(), refusal, "{path}");
    }
}

#[tokio::test]
async fn a_wrapped_export_opens_for_the_owner_of_the_rsa_key() {
    let server = Server::start().await;
    let owner = byok::WrappingKey::generate().unwrap();
    let body = json!({"type": "rsa-4096", "public_key": owner.public_key().unwrap()});
    server.try_post("keys/owner/import", body).await.unwrap();
    for (name, key_type, kind, form) in [
        ("a", "aes256-gcm96", "encryption-key", "raw"),
        ("b", "ed25519", "signing-key", "der"),
        ("c", "ecdsa-p384", "signing-key", "der"),
    ] {
        let body = json!({"type": key_type, "exportable": true});
        server.ok(&format!("keys/{name}"), body).await;
        server.ok(&format!("keys/{name}/rotate"), json!({})).await;
        let path = format!("export/{kind}/{name}");
        let plain = server.export(&path, json!({"format": form})).await.unwrap();
        for (hash, algorithm) in [
            ("SHA256", HashAlgorithm::Sha2_256),
            ("SHA224", HashAlgorithm::Sha2_224),
        ] {
            let path = format!("byok-export/owner/{name}");
            let wrapped = server.export(&path, json!({"hash": hash})).await.unwrap();
            assert_eq!(wrapped["type"], key_type);
            for version in ["1", "2"] {
                let sealed = encoding::decode(text(&wrapped["keys"][version])).unwrap();
                let key = owner.unwrap(sealed.expose(), algorithm).unwrap();
                assert_eq!(plain["keys"][version], encoding::encode(key.expose()));
            }
        }
    }
    let one = server.export("byok-export/owner/a/latest", json!({})).await;
    let versions = one.unwrap()["keys"].as_object().unwrap().len();
    assert_eq!(versions, 1);
}
