//! `vaultrs`, a Rust client with typed answers: what it cannot parse it refuses.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use vaultrs::{
    api::{
        kv2::requests::{SetSecretMetadataRequest, SetSecretRequestOptions},
        sys::requests::EnableEngineRequest,
        token::requests::{CreateOrphanTokenRequest, CreateTokenRequest},
        transit::{
            HashAlgorithm, KeyType,
            requests::{
                CreateKeyRequest, DataKeyType, DecryptDataRequest, EncryptDataRequest,
                UpdateKeyConfigurationRequest, VerifySignedDataRequest,
            },
            responses::ReadKeyData,
        },
    },
    client::{VaultClient, VaultClientSettingsBuilder},
    error::ClientError,
    kv1, kv2, sys, token,
    transit::{data, generate, key},
};

use crate::support::Target;

#[tokio::test]
async fn vaultrs_works_with_keyward() {
    let target = Target::keyward();
    suite(&target).await;
}

#[tokio::test]
async fn vaultrs_works_with_the_peer() {
    let target = Target::peer();
    suite(&target).await;
}

/// The peer dropped `performance_standby`, without which this client does not parse the reply: ours
/// alone can answer it.
#[tokio::test]
async fn vaultrs_reads_the_health_of_keyward() {
    let target = Target::keyward();
    let health = sys::health(&client(&target, &target.token)).await.unwrap();
    assert!(health.initialized && !health.sealed && !health.standby && !health.performance_standby);
}

async fn suite(target: &Target) {
    let root = client(target, &target.token);
    mounts(&root).await;
    policies(target, &root).await;
    tokens(target, &root).await;
    kv_version_1(&root).await;
    kv_version_2(&root).await;
    keys(&root).await;
    ciphers(&root).await;
    derived_keys(&root).await;
    signatures(&root).await;
}

fn client(target: &Target, token: &str) -> VaultClient {
    let settings = VaultClientSettingsBuilder::default()
        .address(&target.address)
        .token(token)
        .build();
    VaultClient::new(settings.unwrap()).unwrap()
}

fn ok(check: &str) {
    println!("ok     {check}");
}

/// Insists on the server's refusal: its status, and a text in one of its errors.
fn refused<T>(result: Result<T, ClientError>, status: u16, text: &str) {
    match result {
        Ok(_) => panic!("not refused with {status} {text:?}"),
        Err(ClientError::APIError { code, errors }) => {
            assert_eq!(code, status, "{errors:?}");
            assert!(
                text.is_empty() || errors.iter().any(|it| it.contains(text)),
                "{errors:?}"
            );
        }
        // A refusal with data in it, as of a deleted version, is no `APIError` to this client.
        Err(other) => {
            let said = format!("{other:?}");
            assert!(
                said.contains(&format!("code: {status}")) && said.contains(text),
                "{said}"
            );
        }
    }
}

async fn mounts(root: &VaultClient) {
    sys::mount::enable(
        root,
        "rs-mount",
        "kv",
        Some(EnableEngineRequest::builder().description("for a while")),
    )
    .await
    .unwrap();
    let mounts = sys::mount::list(root).await.unwrap();
    assert_eq!(mounts["rs-mount/"].description, "for a while");
    let mount = sys::mount::get_configuration_of_a_secret_engine(root, "rs-mount")
        .await
        .unwrap();
    assert_eq!(mount.mount_type, "kv");
    refused(
        sys::mount::enable(root, "rs-mount", "kv", None).await,
        400,
        "path is already in use at rs-mount/",
    );
    sys::mount::disable(root, "rs-mount").await.unwrap();
    assert!(
        !sys::mount::list(root)
            .await
            .unwrap()
            .contains_key("rs-mount/")
    );
    assert_eq!(
        sys::auth::list(root).await.unwrap()["token/"].mount_type,
        "token"
    );
    ok("sys: enable, list, read and disable mounts");
}

async fn policies(target: &Target, root: &VaultClient) {
    let rules = "path \"rs-p/allowed\" { capabilities = [\"read\"] }";
    sys::policy::set(root, "rs-reader", rules).await.unwrap();
    assert_eq!(
        sys::policy::read(root, "rs-reader").await.unwrap().rules,
        rules
    );
    let names = sys::policy::list(root).await.unwrap().policies;
    assert!(names.contains(&"rs-reader".to_owned()), "{names:?}");
    ok("policies: write, read, list");

    sys::mount::enable(root, "rs-p", "kv", None).await.unwrap();
    let data = HashMap::from([("a", "b")]);
    kv1::set(root, "rs-p", "allowed", &data).await.unwrap();
    kv1::set(root, "rs-p", "denied", &data).await.unwrap();
    let made = token::new(
        root,
        Some(
            CreateTokenRequest::builder()
                .policies(vec!["rs-reader".to_owned()])
                .ttl("1h"),
        ),
    )
    .await
    .unwrap();
    let limited = client(target, &made.client_token);
    let read: HashMap<String, String> = kv1::get(&limited, "rs-p", "allowed").await.unwrap();
    assert_eq!(read["a"], "b");
    refused(
        kv1::get::<Value>(&limited, "rs-p", "denied").await,
        403,
        "permission denied",
    );
    refused(
        kv1::set(&limited, "rs-p", "allowed", &data).await,
        403,
        "permission denied",
    );
    refused(sys::mount::list(&limited).await, 403, "permission denied");
    ok("policies: a limited token is held to its own");

    sys::policy::delete(root, "rs-reader").await.unwrap();
    refused(sys::policy::read(root, "rs-reader").await, 404, "");
    refused(
        kv1::get::<Value>(&limited, "rs-p", "allowed").await,
        403,
        "permission denied",
    );
    sys::mount::disable(root, "rs-p").await.unwrap();
    ok("policies: delete");
}

async fn tokens(target: &Target, root: &VaultClient) {
    let made = token::new(
        root,
        Some(
            CreateTokenRequest::builder()
                .policies(vec!["default".to_owned()])
                .ttl("1h"),
        ),
    )
    .await
    .unwrap();
    assert_eq!(made.lease_duration, 3600);
    let looked = token::lookup(root, &made.client_token).await.unwrap();
    assert_eq!(looked.policies, ["default"]);
    assert_eq!(
        token::lookup_accessor(root, &made.accessor)
            .await
            .unwrap()
            .id,
        ""
    );
    let own = client(target, &made.client_token);
    assert_eq!(
        token::lookup_self(&own).await.unwrap().accessor,
        made.accessor
    );
    assert_eq!(
        token::renew_self(&own, Some("30m"))
            .await
            .unwrap()
            .lease_duration,
        1800
    );
    let renewed = token::renew(root, &made.client_token, Some("20m"))
        .await
        .unwrap();
    assert_eq!(renewed.lease_duration, 1200);
    token::renew_accessor(root, &made.accessor, None)
        .await
        .unwrap();
    ok("tokens: create, look up, renew");

    token::revoke_accessor(root, &made.accessor).await.unwrap();
    refused(token::lookup_self(&own).await, 403, "permission denied");
    refused(
        token::lookup(root, &made.client_token).await,
        403,
        "bad token",
    );
    let parent = token::new(root, None).await.unwrap().client_token;
    let family = client(target, &parent);
    let child = token::new(&family, Some(CreateTokenRequest::builder().ttl("1h")))
        .await
        .unwrap();
    let orphan = token::new_orphan(&family, Some(CreateOrphanTokenRequest::builder().ttl("1h")))
        .await
        .unwrap();
    token::revoke(root, &parent).await.unwrap();
    refused(
        token::lookup(root, &child.client_token).await,
        403,
        "bad token",
    );
    assert!(
        token::lookup(root, &orphan.client_token)
            .await
            .unwrap()
            .orphan
    );
    token::revoke_self(&client(target, &orphan.client_token))
        .await
        .unwrap();
    ok("tokens: children die with their parent, orphans do not");
}

async fn kv_version_1(root: &VaultClient) {
    let version = HashMap::from([("version".to_owned(), "1".to_owned())]);
    let options = &mut EnableEngineRequest::builder();
    sys::mount::enable(root, "rs-v1", "kv", Some(options.options(version)))
        .await
        .unwrap();
    kv1::set(root, "rs-v1", "folder/a", &HashMap::from([("a", "b")]))
        .await
        .unwrap();
    let raw = kv1::get_raw(root, "rs-v1", "folder/a").await.unwrap();
    assert_eq!(raw.data, json!({ "a": "b" }));
    assert_eq!(
        kv1::list(root, "rs-v1", "").await.unwrap().data.keys,
        ["folder/"]
    );
    kv1::delete(root, "rs-v1", "folder/a").await.unwrap();
    refused(kv1::get_raw(root, "rs-v1", "folder/a").await, 404, "");
    sys::mount::disable(root, "rs-v1").await.unwrap();
    ok("kv 1: put, get, list, delete");
}

async fn kv_version_2(root: &VaultClient) {
    sys::mount::enable(root, "rs-v2", "kv-v2", None)
        .await
        .unwrap();
    assert_eq!(
        kv2::set(root, "rs-v2", "a", &json!({ "n": 1 }))
            .await
            .unwrap()
            .version,
        1
    );
    let cas = |cas| SetSecretRequestOptions { cas };
    let second = kv2::set_with_options(root, "rs-v2", "a", &json!({ "n": 2 }), cas(1)).await;
    assert_eq!(second.unwrap().version, 2);
    refused(
        kv2::set_with_options(root, "rs-v2", "a", &json!({ "n": 3 }), cas(1)).await,
        400,
        "check-and-set parameter did not match the current version",
    );
    assert_eq!(
        kv2::read::<Value>(root, "rs-v2", "a").await.unwrap()["n"],
        2
    );
    assert_eq!(
        kv2::read_version::<Value>(root, "rs-v2", "a", 1)
            .await
            .unwrap()["n"],
        1
    );
    ok("kv 2: versions and check-and-set");

    kv2::delete_latest(root, "rs-v2", "a").await.unwrap();
    refused(kv2::read::<Value>(root, "rs-v2", "a").await, 404, "");
    kv2::undelete_versions(root, "rs-v2", "a", vec![2])
        .await
        .unwrap();
    kv2::read::<Value>(root, "rs-v2", "a").await.unwrap();
    kv2::delete_versions(root, "rs-v2", "a", vec![2])
        .await
        .unwrap();
    kv2::destroy_versions(root, "rs-v2", "a", vec![1])
        .await
        .unwrap();
    let metadata = kv2::read_metadata(root, "rs-v2", "a").await.unwrap();
    assert!(metadata.versions["1"].destroyed && !metadata.versions["2"].destroyed);
    assert!(!metadata.versions["2"].deletion_time.is_empty());
    ok("kv 2: delete, undelete, destroy");

    kv2::set_metadata(
        root,
        "rs-v2",
        "a",
        Some(SetSecretMetadataRequest::builder().max_versions(4_u64)),
    )
    .await
    .unwrap();
    assert_eq!(
        kv2::read_metadata(root, "rs-v2", "a")
            .await
            .unwrap()
            .max_versions,
        4
    );
    kv2::set(root, "rs-v2", "folder/b", &json!({}))
        .await
        .unwrap();
    assert_eq!(
        kv2::list(root, "rs-v2", "").await.unwrap(),
        ["a", "folder/"]
    );
    assert_eq!(
        kv2::config::read(root, "rs-v2").await.unwrap().max_versions,
        0
    );
    kv2::delete_metadata(root, "rs-v2", "a").await.unwrap();
    refused(kv2::read_metadata(root, "rs-v2", "a").await, 404, "");
    sys::mount::disable(root, "rs-v2").await.unwrap();
    ok("kv 2: metadata, list, config");
}

const CIPHERS: [(&str, KeyType); 3] = [
    ("aes128", KeyType::Aes128Gcm96),
    ("aes256", KeyType::Aes256Gcm96),
    ("chacha20", KeyType::Chacha20Poly1305),
];

async fn keys(root: &VaultClient) {
    sys::mount::enable(root, "rs-t", "transit", None)
        .await
        .unwrap();
    for (name, kind) in CIPHERS {
        let options = &mut CreateKeyRequest::builder();
        key::create(root, "rs-t", name, Some(options.key_type(kind)))
            .await
            .unwrap();
        let read = key::read(root, "rs-t", name).await.unwrap();
        assert_eq!(format!("{:?}", read.key_type), format!("{kind:?}"));
        assert!(matches!(read.keys, ReadKeyData::Symmetric(keys) if keys.len() == 1));
    }
    let options = &mut CreateKeyRequest::builder();
    key::create(
        root,
        "rs-t",
        "signer",
        Some(options.key_type(KeyType::Ed25519)),
    )
    .await
    .unwrap();
    let read = key::read(root, "rs-t", "signer").await.unwrap();
    assert!(matches!(read.keys, ReadKeyData::Asymmetric(keys) if keys["1"].name == "ed25519"));
    let names = key::list(root, "rs-t").await.unwrap().keys;
    assert_eq!(names, ["aes128", "aes256", "chacha20", "signer"]);
    refused(key::read(root, "rs-t", "nothing").await, 404, "");
    ok("transit: create, read, list");

    refused(
        key::delete(root, "rs-t", "signer").await,
        400,
        "deletion is not allowed for this key",
    );
    let options = &mut UpdateKeyConfigurationRequest::builder();
    key::update(root, "rs-t", "signer", Some(options.deletion_allowed(true)))
        .await
        .unwrap();
    key::delete(root, "rs-t", "signer").await.unwrap();
    refused(key::read(root, "rs-t", "signer").await, 404, "");
    ok("transit: config, delete");
}

async fn ciphers(root: &VaultClient) {
    let plaintext = STANDARD.encode("hello");
    for (name, _) in CIPHERS {
        let old = data::encrypt(root, "rs-t", name, &plaintext, None)
            .await
            .unwrap()
            .ciphertext;
        key::rotate(root, "rs-t", name).await.unwrap();
        let new = data::rewrap(root, "rs-t", name, &old, None)
            .await
            .unwrap()
            .ciphertext;
        assert!(old.starts_with("vault:v1:") && new.starts_with("vault:v2:"));
        for ciphertext in [&old, &new] {
            let back = data::decrypt(root, "rs-t", name, ciphertext, None)
                .await
                .unwrap();
            assert_eq!(back.plaintext, plaintext);
        }
        let options = &mut UpdateKeyConfigurationRequest::builder();
        key::update(
            root,
            "rs-t",
            name,
            Some(options.min_decryption_version(2_u64)),
        )
        .await
        .unwrap();
        refused(
            data::decrypt(root, "rs-t", name, &old, None).await,
            400,
            "(too old)",
        );
        let data_key = generate::data_key(root, "rs-t", name, DataKeyType::Plaintext, None).await;
        let data_key = data_key.unwrap();
        let back = data::decrypt(root, "rs-t", name, &data_key.ciphertext, None)
            .await
            .unwrap();
        assert_eq!(Some(back.plaintext), data_key.plaintext);
        let wrapped = generate::data_key(root, "rs-t", name, DataKeyType::Wrapped, None).await;
        assert!(wrapped.unwrap().plaintext.is_none());
        ok(&format!(
            "transit: encrypt, decrypt, rotate, rewrap, data keys with {name}"
        ));
    }
    refused(
        data::decrypt(root, "rs-t", "aes256", "hello", None).await,
        400,
        "no prefix",
    );
    refused(
        data::decrypt(root, "rs-t", "nothing", "vault:v1:AAAA", None).await,
        400,
        "encryption key not found",
    );
    ok("transit: bad ciphertexts and unknown keys are refused");
}

async fn derived_keys(root: &VaultClient) {
    let (plaintext, context) = (STANDARD.encode("hello"), STANDARD.encode("context"));
    let options = &mut CreateKeyRequest::builder();
    key::create(
        root,
        "rs-t",
        "same",
        Some(options.derived(true).convergent_encryption(true)),
    )
    .await
    .unwrap();
    let mut ciphertexts = Vec::new();
    for _ in 0..2 {
        let options = &mut EncryptDataRequest::builder();
        let made = data::encrypt(
            root,
            "rs-t",
            "same",
            &plaintext,
            Some(options.context(&context)),
        )
        .await;
        ciphertexts.push(made.unwrap().ciphertext);
    }
    assert_eq!(ciphertexts[0], ciphertexts[1]);
    let options = &mut DecryptDataRequest::builder();
    let back = data::decrypt(
        root,
        "rs-t",
        "same",
        &ciphertexts[0],
        Some(options.context(&context)),
    )
    .await;
    assert_eq!(back.unwrap().plaintext, plaintext);
    refused(
        data::encrypt(root, "rs-t", "same", &plaintext, None).await,
        400,
        "missing 'context' for key derivation",
    );
    ok("transit: derived and convergent keys");
}

async fn signatures(root: &VaultClient) {
    let (input, other) = (STANDARD.encode("hello"), STANDARD.encode("other"));
    let options = &mut CreateKeyRequest::builder();
    key::create(
        root,
        "rs-t",
        "signer",
        Some(options.key_type(KeyType::Ed25519)),
    )
    .await
    .unwrap();
    let signature = data::sign(root, "rs-t", "signer", &input, None)
        .await
        .unwrap()
        .signature;
    for (message, valid) in [(&input, true), (&other, false)] {
        let options = &mut VerifySignedDataRequest::builder();
        let options = options.signature(signature.as_str());
        let verified = data::verify(root, "rs-t", "signer", message, Some(options))
            .await
            .unwrap();
        assert_eq!(verified.valid, valid);
    }
    refused(
        data::sign(root, "rs-t", "aes256", &input, None).await,
        400,
        "does not support signing",
    );
    let hmac = generate::hmac(root, "rs-t", "signer", &input, None)
        .await
        .unwrap()
        .hmac;
    let options = &mut VerifySignedDataRequest::builder();
    let options = options
        .hmac(hmac.as_str())
        .hash_algorithm(HashAlgorithm::Sha2_256);
    assert!(
        data::verify(root, "rs-t", "signer", &input, Some(options))
            .await
            .unwrap()
            .valid
    );
    sys::mount::disable(root, "rs-t").await.unwrap();
    ok("transit: sign, verify, hmac");
}
