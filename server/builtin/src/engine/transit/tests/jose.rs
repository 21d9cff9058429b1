//! JSON Web Key sets and compact JSON Web Signatures.

use keyward_crypto::{
    HashAlgorithm, Marshaling, SaltLength, Scheme, SignRequest, encoding, key_type,
};

use super::*;

/// Reads a key set as everybody may, without a token.
async fn key_set(server: &Server, name: &str) -> Result<Value, Error> {
    let path = CanonicalPath::parse(&format!("transit/keys/{name}/jwks")).unwrap();
    let body = SecretBytes::new(Vec::new());
    let request = Request::new(Operation::Read, path, body);
    let done = server.core.handle(request).await?;
    assert!(done.data.is_none());
    let document = done.document.expect("a document");
    assert_eq!(document.content_type, "application/jwk-set+json");
    assert_eq!(document.max_age, Some(Duration::from_secs(60)));
    Ok(serde_json::from_slice(document.body.expose()).unwrap())
}

#[tokio::test]
async fn every_version_is_in_the_key_set_under_its_kid() {
    let server = Server::start().await;
    for (name, members) in [
        (
            "ed25519",
            json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}),
        ),
        (
            "ecdsa-p256",
            json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"}),
        ),
        (
            "ecdsa-p384",
            json!({"kty": "EC", "crv": "P-384", "alg": "ES384", "use": "sig"}),
        ),
        (
            "ecdsa-p521",
            json!({"kty": "EC", "crv": "P-521", "alg": "ES512", "use": "sig"}),
        ),
        (
            "mldsa-65",
            json!({"kty": "AKP", "alg": "ML-DSA-65", "use": "sig"}),
        ),
        (
            "hpke-x25519",
            json!({"kty": "OKP", "crv": "X25519", "use": "enc"}),
        ),
        (
            // It encrypts and signs, with several algorithms.
            "rsa-2048",
            json!({"kty": "RSA", "e": "AQAB", "alg": null, "use": null}),
        ),
    ] {
        server
            .ok(&format!("keys/{name}"), json!({"type": name}))
            .await;
        server.ok(&format!("keys/{name}/rotate"), json!({})).await;
        let set = key_set(&server, name).await.unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "{name}");
        for (key, version) in keys.iter().zip(1..) {
            assert_eq!(key["kid"], json!(format!("{name}:v{version}")));
            for (member, value) in members.as_object().unwrap() {
                assert_eq!(&key[member], value, "{name}");
            }
            assert_eq!(key["d"], Value::Null, "{name}");
        }
        let public = match name {
            "mldsa-65" => "pub",
            "rsa-2048" => "n",
            _ => "x",
        };
        assert_ne!(keys[0][public], keys[1][public]);
    }
    let config = json!({"min_decryption_version": 2});
    server.ok("keys/ed25519/config", config).await;
    let set = key_set(&server, "ed25519").await.unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    assert_eq!(set["keys"][0]["kid"], "ed25519:v2");
}

#[tokio::test]
async fn a_version_out_of_use_is_not_in_the_key_set() {
    let server = Server::start().await;
    server.ok("keys/k", json!({"type": "ecdsa-p256"})).await;
    server.ok("keys/k/rotate", json!({})).await;
    for (change, kids) in [("disable", &["k:v2"][..]), ("enable", &["k:v1", "k:v2"])] {
        let path = format!("keys/k/versions/1/{change}");
        server.ok(&path, json!({})).await;
        let set = key_set(&server, "k").await.unwrap();
        let keys = set["keys"].as_array().unwrap();
        let shown: Vec<_> = keys.iter().map(|key| text(&key["kid"])).collect();
        assert_eq!(shown, kids);
    }
}

#[tokio::test]
async fn nobody_learns_the_name_of_a_key_that_shows_nothing() {
    let server = Server::start().await;
    server.ok("keys/a", json!({})).await;
    let derived = json!({"type": "ed25519", "derived": true});
    server.ok("keys/d", derived).await;
    server.ok("keys/s", json!({"type": "ed25519"})).await;
    let path = "transit/keys/s/soft-delete";
    server
        .ask(Operation::Delete, path, json!({}))
        .await
        .unwrap();
    for name in ["a", "d", "s", "none"] {
        let refused = key_set(&server, name).await;
        assert!(matches!(refused, Err(Error::NotFound(None))), "{name}");
    }
}

#[tokio::test]
async fn a_compact_signature_verifies_with_the_key_its_header_names() {
    let server = Server::start().await;
    for (name, algorithm) in [
        ("ed25519", "EdDSA"),
        ("ecdsa-p384", "ES384"),
        ("mldsa-44", "ML-DSA-44"),
    ] {
        let key = server
            .ok(&format!("keys/{name}"), json!({"type": name}))
            .await;
        server.ok(&format!("keys/{name}/rotate"), json!({})).await;
        let body = json!({
            "input": HELLO, "marshaling_algorithm": "jws-compact", "key_version": 1,
            "jws_header": {"typ": "JWT"},
        });
        let signed = server.ok(&format!("sign/{name}"), body).await;
        assert_eq!(signed["key_version"], 1);
        let compact = text(&signed["signature"]);
        let (message, signature) = compact.rsplit_once('.').unwrap();
        let (header, payload) = message.split_once('.').unwrap();
        let header = encoding::decode_url(header).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&header).unwrap(),
            json!({"alg": algorithm, "kid": format!("{name}:v1"), "typ": "JWT"})
        );
        assert_eq!(encoding::decode_url(payload).unwrap(), b"hello");

        let key_type = key_type(name).unwrap();
        let public = text(&key["keys"]["1"]["public_key"]);
        let raw = match name {
            "ecdsa-p384" => key_type.public().unwrap().parse(&public).unwrap(),
            _ => encoding::decode(&public).unwrap().expose().clone(),
        };
        let verifier = key_type.signer().unwrap().prepare_public(&raw).unwrap();
        let how = SignRequest {
            hash_algorithm: Some(HashAlgorithm::Sha2_384),
            marshaling: Marshaling::Jws,
            ..SignRequest::default()
        };
        let signature = encoding::decode_url(signature).unwrap();
        let verdict = verifier.verify(message.as_bytes(), &signature, &how);
        assert_eq!(verdict, Ok(true));
        let verdict = verifier.verify(b"other", &signature, &how);
        assert_eq!(verdict, Ok(false));
    }
}

#[tokio::test]
async fn who_signs_with_rsa_chooses_the_algorithm() {
    let server = Server::start().await;
    let key = server.ok("keys/r", json!({"type": "rsa-2048"})).await;
    let key_type = key_type("rsa-2048").unwrap();
    let public = text(&key["keys"]["1"]["public_key"]);
    let public = key_type.public().unwrap().parse(&public).unwrap();
    let verifier = key_type.signer().unwrap().prepare_public(&public).unwrap();
    let pss = Scheme::Pss(SaltLength::Hash);
    for (choice, algorithm, hash, scheme) in [
        (json!({}), "PS256", HashAlgorithm::Sha2_256, pss),
        (
            json!({"hash_algorithm": "sha2-384", "salt_length": "auto"}),
            "PS384",
            HashAlgorithm::Sha2_384,
            pss,
        ),
        (
            json!({"hash_algorithm": "sha2-512", "signature_algorithm": "pss", "salt_length": 64}),
            "PS512",
            HashAlgorithm::Sha2_512,
            pss,
        ),
        (
            json!({"signature_algorithm": "pkcs1v15"}),
            "RS256",
            HashAlgorithm::Sha2_256,
            Scheme::Pkcs1v15,
        ),
        (
            json!({"algorithm": "sha2-384", "signature_algorithm": "pkcs1v15"}),
            "RS384",
            HashAlgorithm::Sha2_384,
            Scheme::Pkcs1v15,
        ),
        (
            json!({"hash_algorithm": "sha2-512", "signature_algorithm": "pkcs1v15"}),
            "RS512",
            HashAlgorithm::Sha2_512,
            Scheme::Pkcs1v15,
        ),
    ] {
        let compact = sign_compact(&server, "r", choice).await.unwrap();
        let (message, signature) = compact.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let header = encoding::decode_url(header).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({"alg": algorithm, "kid": "r:v1"}));
        let how = SignRequest {
            hash_algorithm: Some(hash),
            marshaling: Marshaling::Jws,
            scheme,
            ..SignRequest::default()
        };
        let signature = encoding::decode_url(signature).unwrap();
        let verdict = verifier.verify(message.as_bytes(), &signature, &how);
        assert_eq!(verdict, Ok(true), "{algorithm}");
    }
}

#[tokio::test]
async fn what_contradicts_the_algorithm_is_refused() {
    let server = Server::start().await;
    for name in ["ed25519", "ecdsa-p384", "rsa-2048", "mldsa-44"] {
        let body = json!({"type": name});
        server.ok(&format!("keys/{name}"), body).await;
    }
    let others = |name: &str, made: &str| {
        format!(
            "no JWS algorithm of key type {name} has this hash_algorithm, signature_algorithm and \
             salt_length: there is {made}"
        )
    };
    let rsa = others("rsa-2048", "PS256, PS384, PS512, RS256, RS384, RS512");
    for (name, choice, refusal) in [
        (
            "ecdsa-p384",
            json!({"hash_algorithm": "sha2-256"}),
            &*others("ecdsa-p384", "ES384"),
        ),
        (
            "ed25519",
            json!({"hash_algorithm": "sha2-256"}),
            &others("ed25519", "EdDSA"),
        ),
        (
            "mldsa-44",
            json!({"hash_algorithm": "sha2-256"}),
            &others("mldsa-44", "ML-DSA-44"),
        ),
        ("rsa-2048", json!({"hash_algorithm": "sha1"}), &rsa),
        ("rsa-2048", json!({"hash_algorithm": "sha3-256"}), &rsa),
        ("rsa-2048", json!({"salt_length": 20}), &rsa),
        (
            "rsa-2048",
            json!({"signature_algorithm": "x"}),
            "unsupported rsa signature algorithm x",
        ),
        (
            "rsa-2048",
            json!({"hash_algorithm": "none", "signature_algorithm": "pkcs1v15"}),
            "marshaling_algorithm=jws-compact needs a hash_algorithm",
        ),
        (
            "rsa-2048",
            json!({"prehashed": true}),
            "marshaling_algorithm=jws-compact has no prehashed",
        ),
        (
            "ed25519",
            json!({"signature_context": HELLO}),
            "marshaling_algorithm=jws-compact has no signature_context",
        ),
    ] {
        match sign_compact(&server, name, choice).await {
            Err(Error::Invalid(text)) => assert_eq!(text, refusal),
            other => panic!("{name} was not refused: {other:?}"),
        }
    }
    for (name, choice) in [
        ("ecdsa-p384", json!({"hash_algorithm": "sha2-384"})),
        ("ecdsa-p384", json!({"signature_algorithm": "pkcs1v15"})),
        ("ed25519", json!({"hash_algorithm": "sha2-512"})),
    ] {
        sign_compact(&server, name, choice).await.unwrap();
    }
}

async fn sign_compact(server: &Server, name: &str, choice: Value) -> Result<String, Error> {
    let mut body = choice;
    body["input"] = json!(HELLO);
    body["marshaling_algorithm"] = json!("jws-compact");
    let signed = server.try_post(&format!("sign/{name}"), body).await?;
    Ok(text(&signed.data["signature"]))
}

#[tokio::test]
async fn a_compact_signature_that_cannot_be_is_refused() {
    let server = Server::start().await;
    server.ok("keys/e", json!({"type": "ed25519"})).await;
    server.ok("keys/a", json!({})).await;
    let derived = json!({"type": "ed25519", "derived": true});
    server.ok("keys/d", derived).await;
    for (name, more, refusal) in [
        (
            "e",
            json!({"jws_header": {"alg": "none"}}),
            "jws_header must not hold \"alg\"",
        ),
        (
            "e",
            json!({"jws_header": {"kid": "x"}}),
            "jws_header must not hold \"kid\"",
        ),
        (
            "e",
            json!({"key_version": 2}),
            "requested version for signing is higher than the latest key version",
        ),
        (
            "e",
            json!({"batch_input": [{"input": HELLO}]}),
            "marshaling_algorithm=jws-compact signs one input at a time",
        ),
        (
            "d",
            json!({}),
            "key type ed25519 does not support signing of JWS",
        ),
        (
            "a",
            json!({}),
            "key type aes256-gcm96 does not support signing",
        ),
        ("none", json!({}), "signing key not found"),
    ] {
        let mut body = json!({"input": HELLO, "marshaling_algorithm": "jws-compact"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let refused = server.refused(&format!("sign/{name}"), body).await;
        assert_eq!(refused, refusal);
    }
}
