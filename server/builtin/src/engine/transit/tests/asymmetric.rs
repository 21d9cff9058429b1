//! ECDSA and RSA keys.

use super::*;

#[tokio::test]
async fn a_key_shows_its_public_half() {
    let server = Server::start().await;
    for (key_type, name, encrypts) in [
        ("ecdsa-p256", "P-256", false),
        ("ecdsa-p384", "P-384", false),
        ("ecdsa-p521", "P-521", false),
        ("rsa-2048", "rsa-2048", true),
    ] {
        let path = format!("keys/{key_type}");
        let key = server.ok(&path, json!({"type": key_type})).await;
        assert_eq!(key["type"], key_type);
        assert_eq!(key["supports_signing"], true);
        assert_eq!(key["supports_encryption"], encrypts);
        assert_eq!(key["supports_decryption"], encrypts);
        assert_eq!(key["supports_derivation"], false);
        let version = &key["keys"]["1"];
        assert_eq!(version["name"], name);
        assert_eq!(version["certificate_chain"], "");
        let pem = version["public_key"].as_str().unwrap();
        assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nM"), "{pem}");
        assert!(pem.ends_with("\n-----END PUBLIC KEY-----\n"), "{pem}");
    }
}

#[tokio::test]
async fn a_rotated_key_verifies_with_the_version_that_signed() {
    let server = Server::start().await;
    for key_type in ["ecdsa-p384", "rsa-2048"] {
        server
            .ok(&format!("keys/{key_type}"), json!({"type": key_type}))
            .await;
        let old = server
            .ok(&format!("sign/{key_type}"), json!({"input": HELLO}))
            .await;
        let key = server
            .ok(&format!("keys/{key_type}/rotate"), json!({}))
            .await;
        let (first, second) = (&key["keys"]["1"], &key["keys"]["2"]);
        assert_ne!(first["public_key"], second["public_key"]);
        let new = server
            .ok(&format!("sign/{key_type}"), json!({"input": HELLO}))
            .await;
        assert_eq!(
            (&old["key_version"], &new["key_version"]),
            (&json!(1), &json!(2))
        );
        for signed in [old, new] {
            let verify = json!({"input": HELLO, "signature": signed["signature"]});
            let verified = server.ok(&format!("verify/{key_type}"), verify).await;
            assert_eq!(verified, json!({"valid": true}));
        }
    }
}

#[tokio::test]
async fn rsa_signs_as_it_is_told_and_verifies_nothing_else() {
    let server = Server::start().await;
    server.ok("keys/r", json!({"type": "rsa-2048"})).await;
    let ways = [
        json!({"signature_algorithm": "pkcs1v15"}),
        json!({"salt_length": "hash"}),
        json!({"salt_length": 20}),
        json!({"signature_algorithm": "pss", "hash_algorithm": "sha3-384"}),
    ];
    let with = |way: &Value, more: Value| {
        let mut body = way.clone();
        let fields = body.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        body
    };
    for way in &ways {
        let signed = server
            .ok("sign/r", with(way, json!({"input": HELLO})))
            .await;
        let verify = json!({"input": HELLO, "signature": signed["signature"]});
        for other in &ways {
            let verified = server.ok("verify/r", with(other, verify.clone())).await;
            assert_eq!(verified["valid"], way == other, "{way} {other}");
        }
    }
}

#[tokio::test]
async fn no_hash_is_refused_for_a_batch_as_a_whole() {
    let server = Server::start().await;
    for key_type in ["ecdsa-p256", "rsa-2048"] {
        server
            .ok(&format!("keys/{key_type}"), json!({"type": key_type}))
            .await;
        let batch = json!([{"input": HELLO, "signature": "vault:v1:AAAA"}]);
        for path in ["sign", "verify"] {
            let body = json!({"hash_algorithm": "none", "batch_input": batch});
            assert_eq!(
                server.refused(&format!("{path}/{key_type}"), body).await,
                "hash_algorithm=none requires both prehashed=true and \
                 signature_algorithm=pkcs1v15"
            );
        }
    }
    let unknown = json!({"input": HELLO, "signature_algorithm": "x"});
    assert_eq!(
        server.refused("sign/rsa-2048", unknown.clone()).await,
        "unsupported rsa signature algorithm x"
    );
    // It is nothing to a key that has one way to sign.
    server.ok("sign/ecdsa-p256", unknown).await;
}

#[tokio::test]
async fn rsa_pads_as_it_is_told() {
    let server = Server::start().await;
    server.ok("keys/r", json!({"type": "rsa-2048"})).await;
    let opaque = "cipher: message authentication failed";
    for (scheme, other) in [("oaep", "pkcs1v15"), ("pkcs1v15", "oaep")] {
        let encrypt = json!({"plaintext": HELLO, "padding_scheme": scheme});
        let ciphertext = server.ok("encrypt/r", encrypt).await["ciphertext"].clone();
        let decrypt = |scheme: &str| json!({"ciphertext": ciphertext, "padding_scheme": scheme});
        assert_eq!(
            server.ok("decrypt/r", decrypt(scheme)).await["plaintext"],
            HELLO
        );
        assert_eq!(server.refused("decrypt/r", decrypt(other)).await, opaque);

        let rewrap = json!({
            "ciphertext": ciphertext, "decrypt_padding_scheme": scheme,
            "encrypt_padding_scheme": other,
        });
        let rewrapped = server.ok("rewrap/r", rewrap).await["ciphertext"].clone();
        let decrypt = json!({"ciphertext": rewrapped, "padding_scheme": other});
        assert_eq!(server.ok("decrypt/r", decrypt).await["plaintext"], HELLO);

        let made = json!({"padding_scheme": scheme});
        let made = server.ok("datakey/plaintext/r", made).await;
        let decrypt = json!({"batch_input": [
            {"ciphertext": made["ciphertext"], "padding_scheme": scheme},
        ]});
        let decrypted = server.ok("decrypt/r", decrypt).await;
        assert_eq!(
            decrypted["batch_results"][0]["plaintext"],
            made["plaintext"]
        );
    }
    let unknown = json!({"plaintext": HELLO, "padding_scheme": "x"});
    assert_eq!(
        server.refused("encrypt/r", unknown).await,
        "unknown padding scheme x"
    );
}

#[tokio::test]
async fn rsa_binds_to_no_associated_data_and_says_so() {
    let server = Server::start().await;
    server.ok("keys/r", json!({"type": "rsa-2048"})).await;
    let refusal = "'[0].associated_data' provided for non-AEAD cipher suite rsa-2048";
    let encrypt = json!({"plaintext": HELLO, "associated_data": "YWJj"});
    assert_eq!(server.refused("encrypt/r", encrypt).await, refusal);
    let decrypt = json!({"ciphertext": "vault:v1:AAAA", "associated_data": "YWJj"});
    assert_eq!(server.refused("decrypt/r", decrypt).await, refusal);
    let long = "failed to RSA encrypt the plaintext: crypto/rsa: message too long for RSA key size";
    let plaintext = keyward_crypto::encoding::encode(&[0; 191]);
    let encrypt = json!({"plaintext": plaintext});
    assert_eq!(server.refused("encrypt/r", encrypt).await, long);
}

#[tokio::test]
async fn two_parties_derive_the_same_key() {
    let server = Server::start().await;
    let mut public = Vec::new();
    for name in ["alice", "bob"] {
        let path = format!("keys/{name}");
        let key = server.ok(&path, json!({"type": "ecdsa-p384"})).await;
        public.push(key["keys"]["1"]["public_key"].clone());
    }
    for (name, base, peer) in [("a", "alice", &public[1]), ("b", "bob", &public[0])] {
        let derive = json!({
            "base_key_name": base, "peer_public_key": peer,
            "derived_key_type": "chacha20-poly1305",
        });
        server.post(&format!("derive-key/{name}"), derive).await;
    }
    let encrypted = server.ok("encrypt/a", json!({"plaintext": HELLO})).await;
    let decrypt = json!({"ciphertext": encrypted["ciphertext"]});
    assert_eq!(server.ok("decrypt/b", decrypt).await["plaintext"], HELLO);

    let again = json!({
        "base_key_name": "alice", "peer_public_key": public[1],
        "derived_key_type": "chacha20-poly1305",
    });
    server.post("derive-key/a", again).await;
    let encrypted = server.ok("encrypt/a", json!({"plaintext": HELLO})).await;
    assert_eq!(encrypted["key_version"], 2);

    let refused = json!({"base_key_name": "alice", "peer_public_key": public[1]});
    assert_eq!(
        server.refused("derive-key/a", refused).await,
        "error importing key: the key is of type chacha20-poly1305"
    );
}
