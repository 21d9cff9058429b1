//! Key types beyond Vault's community edition whose public half is for everybody.

use keyward_crypto::{Scope, encoding, key_type};

use super::*;

/// "context" in base64.
const CONTEXT: &str = "Y29udGV4dA==";

#[tokio::test]
async fn ml_dsa_signs_under_both_of_its_names() {
    let server = Server::start().await;
    for set in ["44", "65", "87"] {
        let name = format!("mldsa-{set}");
        let vault = json!({"type": "ml-dsa", "parameter_set": set});
        let key = server.ok(&format!("keys/{name}"), vault).await;
        assert_eq!(
            (&key["type"], &key["parameter_set"]),
            (&json!(name), &json!(set))
        );
        assert_eq!(key["keys"]["1"]["name"], json!(name));
        let other = server
            .ok(&format!("keys/o{set}"), json!({"type": name}))
            .await;
        assert_eq!(
            (&other["type"], &other["parameter_set"]),
            (&json!(name), &json!(set))
        );

        let (sign, verify) = (format!("sign/{name}"), format!("verify/{name}"));
        let signed = server.ok(&sign, json!({"input": HELLO})).await;
        for (name, input, valid) in [(&verify, HELLO, true), (&verify, "", false)] {
            let body = json!({"input": input, "signature": signed["signature"]});
            assert_eq!(server.ok(name, body).await["valid"], valid);
        }
        let public = encoding::decode(text(&key["keys"]["1"]["public_key"])).unwrap();
        let signer = key_type(&name).unwrap().signer().unwrap();
        let public = signer.prepare_public(public.expose()).unwrap();
        let signature = text(&signed["signature"]);
        let signature = encoding::decode(signature.strip_prefix("vault:v1:").unwrap()).unwrap();
        let request = keyward_crypto::SignRequest::default();
        assert_eq!(
            public.verify(b"hello", signature.expose(), &request),
            Ok(true)
        );
    }
}

#[tokio::test]
async fn a_signature_context_binds_the_signature() {
    let server = Server::start().await;
    let digest = encoding::encode(&[7; 64]);
    let long = encoding::encode(&[0; 256]);
    for (key_type, how) in [
        ("ed25519", json!({"input": HELLO})),
        (
            "ed25519",
            json!({"input": digest, "prehashed": true, "hash_algorithm": "sha2-512"}),
        ),
        ("mldsa-65", json!({"input": HELLO})),
    ] {
        let (sign, verify) = (format!("sign/{key_type}"), format!("verify/{key_type}"));
        let key = format!("keys/{key_type}");
        server.ok(&key, json!({"type": key_type})).await;
        let body = |context: &str| {
            let mut body = how.clone();
            body["signature_context"] = json!(context);
            body
        };
        let signed = server.ok(&sign, body(CONTEXT)).await;
        for (context, valid) in [(CONTEXT, true), (HELLO, false), ("", false)] {
            let mut body = body(context);
            body["signature"] = signed["signature"].clone();
            let verified = server.ok(&verify, body).await;
            assert_eq!(verified["valid"], valid, "{key_type} {context}");
        }
        for (context, refusal) in [
            (&*long, "signature_context is longer than 255 bytes"),
            ("!", "failed to base64-decode signature_context"),
        ] {
            assert_eq!(server.refused(&sign, body(context)).await, refusal);
            let mut body = body(context);
            body["signature"] = signed["signature"].clone();
            assert_eq!(server.refused(&verify, body).await, refusal);
        }
    }
    server.ok("keys/e", json!({"type": "ecdsa-p256"})).await;
    let body = json!({"input": HELLO, "signature_context": CONTEXT});
    let refused = server.refused("sign/e", body).await;
    assert_eq!(
        refused,
        "signature_context is not supported for key type ecdsa-p256"
    );
}

#[tokio::test]
async fn a_parameter_set_belongs_to_its_family() {
    let server = Server::start().await;
    for (key_type, set, refusal) in [
        (
            "ml-dsa",
            json!(null),
            "parameter_set is required for algorithm ml-dsa",
        ),
        (
            "ml-dsa",
            json!("66"),
            "invalid parameter_set 66 for algorithm ml-dsa",
        ),
        (
            "mldsa-65",
            json!("44"),
            "parameter_set is not valid for algorithm mldsa-65",
        ),
        (
            "ed25519",
            json!("44"),
            "parameter_set is not valid for algorithm ed25519",
        ),
        ("slh-dsa", json!("44"), "unknown key type slh-dsa"),
    ] {
        let body = json!({"type": key_type, "parameter_set": set});
        assert_eq!(server.refused("keys/new", body).await, refusal);
    }
}

#[tokio::test]
async fn who_has_the_public_half_encrypts_and_the_server_decrypts() {
    let server = Server::start().await;
    for name in ["hpke-x25519", "hpke-xwing"] {
        let key = server
            .ok(&format!("keys/{name}"), json!({"type": name}))
            .await;
        let public = encoding::decode(text(&key["keys"]["1"]["public_key"])).unwrap();
        let cipher = key_type(name).unwrap().cipher().unwrap();
        let sender = cipher.prepare_public(public.expose()).unwrap();
        let scope = Scope {
            associated_data: b"context",
            ..Scope::default()
        };
        let mut payload = vec![0; sender.sealed_len(5)];
        sender.seal(b"hello", &scope, &mut payload).unwrap();
        let ciphertext = format!("vault:v1:{}", encoding::encode(&payload));
        let body = json!({"ciphertext": ciphertext, "associated_data": CONTEXT});
        let decrypt = format!("decrypt/{name}");
        assert_eq!(server.ok(&decrypt, body.clone()).await["plaintext"], HELLO);
        let unbound = json!({"ciphertext": ciphertext});
        let fault = server.refused(&decrypt, unbound).await;
        payload[0] ^= 1;
        let forged = format!("vault:v1:{}", encoding::encode(&payload));
        let forged = json!({"ciphertext": forged, "associated_data": CONTEXT});
        assert_eq!(server.refused(&decrypt, forged).await, fault);

        // The server does what other types do, too.
        server.ok(&format!("keys/{name}/rotate"), json!({})).await;
        let moved = server.ok(&format!("rewrap/{name}"), body).await;
        let moved = json!({"ciphertext": moved["ciphertext"], "associated_data": CONTEXT});
        assert!(text(&moved["ciphertext"]).starts_with("vault:v2:"));
        assert_eq!(server.ok(&decrypt, moved).await["plaintext"], HELLO);
        let data_key = server
            .ok(&format!("datakey/plaintext/{name}"), json!({}))
            .await;
        let wrapped = json!({"ciphertext": data_key["ciphertext"]});
        let opened = server.ok(&decrypt, wrapped).await;
        assert_eq!(opened["plaintext"], data_key["plaintext"]);
        let encrypted = server.encrypt(name, HELLO).await;
        let opened = server.ok(&decrypt, json!({"ciphertext": encrypted})).await;
        assert_eq!(opened["plaintext"], HELLO);
    }
}
