//! Keys that travel between a real OpenBao and us over the API alone, wrapped, in both directions.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use keyward_crypto::{HashAlgorithm, SecretBytes, byok};
use serde_json::{Value, json};

use crate::support::{Client, Target};

/// "hello" in base64.
const HELLO: &str = "aGVsbG8=";

/// Ciphers and signing keys, with what each is called in an export.
const TYPES: &[(&str, &str, &str)] = &[
    ("aes128-gcm96", "encryption-key", "raw"),
    ("aes256-gcm96", "encryption-key", "raw"),
    ("chacha20-poly1305", "encryption-key", "raw"),
    ("xchacha20-poly1305", "encryption-key", "raw"),
    ("ed25519", "signing-key", "der"),
    ("ecdsa-p256", "signing-key", "der"),
    ("ecdsa-p384", "signing-key", "der"),
    ("ecdsa-p521", "signing-key", "der"),
    ("rsa-2048", "signing-key", "der"),
];

/// A server with a transit engine.
async fn server(target: &Target) -> Client {
    let client = Client::new(target);
    let mount = json!({"type": "transit"});
    client.post("sys/mounts/transit", mount).await.expect(204);
    client
}

/// Wraps a key for a server.
async fn wrap(server: &Client, key: Vec<u8>, hash: HashAlgorithm) -> String {
    let answer = server.get("transit/wrapping_key").await.expect(200);
    let pem = answer.text_at("/data/public_key");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).unwrap();
    STANDARD.encode(byok::wrap(&der, hash, &SecretBytes::new(key)).unwrap())
}

/// Asks and returns the data.
async fn ask(server: &Client, path: &str, body: Value) -> Value {
    let path = format!("transit/{path}");
    server
        .post(&path, body)
        .await
        .expect(200)
        .at("/data")
        .clone()
}

/// Makes keys in one server, moves them to the other, and lets each open what the other made.
async fn travel(from: &Client, to: &Client, hashes: &[(&str, HashAlgorithm)]) {
    for (&(name, kind, form), &(hash, algorithm)) in TYPES.iter().zip(hashes.iter().cycle()) {
        let create = json!({"type": name, "exportable": true});
        ask(from, &format!("keys/{name}"), create).await;
        let export = format!("transit/export/{kind}/{name}/1?format={form}");
        let exported = from.get(&export).await.expect(200);
        let key = STANDARD.decode(exported.text_at("/data/keys/1")).unwrap();
        let import = json!({
            "type": name, "hash_function": hash, "ciphertext": wrap(to, key, algorithm).await,
        });
        to.post(&format!("transit/keys/{name}/import"), import)
            .await
            .expect(204);
        for (one, other) in [(from, to), (to, from)] {
            if kind == "encryption-key" || name.starts_with("rsa") {
                let encrypt = json!({"plaintext": HELLO});
                let made = ask(one, &format!("encrypt/{name}"), encrypt).await;
                let decrypt = json!({"ciphertext": made["ciphertext"]});
                let opened = ask(other, &format!("decrypt/{name}"), decrypt).await;
                assert_eq!(opened["plaintext"], HELLO, "{name}");
            }
            if kind == "signing-key" {
                let made = ask(one, &format!("sign/{name}"), json!({"input": HELLO})).await;
                let verify = json!({"input": HELLO, "signature": made["signature"]});
                let verified = ask(other, &format!("verify/{name}"), verify).await;
                assert_eq!(verified["valid"], true, "{name}");
            }
        }
    }
}

/// What the peer wraps with, each with our name for it.
const HASHES: &[(&str, HashAlgorithm)] = &[
    ("SHA256", HashAlgorithm::Sha2_256),
    ("SHA1", HashAlgorithm::Sha1),
    ("SHA224", HashAlgorithm::Sha2_224),
    ("SHA384", HashAlgorithm::Sha2_384),
    ("SHA512", HashAlgorithm::Sha2_512),
];

#[tokio::test]
async fn keys_travel_from_the_peer_to_us() {
    let (peer, ours) = (Target::peer(), Target::keyward());
    let (peer, ours) = (server(&peer).await, server(&ours).await);
    travel(&peer, &ours, HASHES).await;
}

#[tokio::test]
async fn keys_travel_from_us_to_the_peer() {
    let (peer, ours) = (Target::peer(), Target::keyward());
    let (peer, ours) = (server(&peer).await, server(&ours).await);
    travel(&ours, &peer, HASHES).await;
}

/// A key goes from one server to the other without ever being seen: wrapped by the one for the
/// wrapping key of the other.
#[tokio::test]
async fn a_wrapped_export_is_imported_by_the_other_server() {
    let (peer, ours) = (Target::peer(), Target::keyward());
    let (peer, ours) = (server(&peer).await, server(&ours).await);
    for (from, to) in [(&peer, &ours), (&ours, &peer)] {
        let answer = to.get("transit/wrapping_key").await.expect(200);
        let owner = json!({
            "type": "rsa-4096", "public_key": answer.text_at("/data/public_key"),
        });
        from.post("transit/keys/owner/import", owner)
            .await
            .expect(204);
        ask(from, "keys/unseen", json!({"exportable": true})).await;
        let wrapped = from
            .get("transit/byok-export/owner/unseen")
            .await
            .expect(200);
        let import = json!({"ciphertext": wrapped.text_at("/data/keys/1")});
        to.post("transit/keys/moved/import", import)
            .await
            .expect(204);
        let made = ask(from, "encrypt/unseen", json!({"plaintext": HELLO})).await;
        let decrypt = json!({"ciphertext": made["ciphertext"]});
        assert_eq!(ask(to, "decrypt/moved", decrypt).await["plaintext"], HELLO);
    }
}
