//! The types of transit, written and read.

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;
use crate::{Base64, Endpoint};

/// Reads JSON text, as a body arrives.
fn read<T: DeserializeOwned>(json: Value) -> Result<T, String> {
    serde_json::from_str(&json.to_string()).map_err(|error| {
        let text = error.to_string();
        text.split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

fn write<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

fn bytes(text: &str) -> Base64 {
    Base64::from(text.as_bytes())
}

#[test]
fn a_request_travels_without_its_captures_and_without_what_is_not_given() {
    let request = Encrypt {
        name: "orders".to_owned(),
        plaintext: Some(bytes("hello")),
        key_version: Some(2),
        ..Encrypt::default()
    };
    assert_eq!(request.path(), "encrypt/orders");
    assert_eq!(
        write(&request),
        json!({"plaintext": "aGVsbG8=", "key_version": 2})
    );
}

#[test]
fn optional_path_segments_travel_in_the_body() {
    let request = Authenticate {
        name: "orders".to_owned(),
        input: Some(bytes("")),
        algorithm: Some("sha2-512".to_owned()),
        ..Authenticate::default()
    };
    assert_eq!(request.path(), "hmac/orders");
    assert_eq!(
        write(&request),
        json!({"input": "", "algorithm": "sha2-512"})
    );
}

#[test]
fn a_batch_is_written_as_it_is_read() {
    let json = json!({"batch_input": [
        {"plaintext": "aGVsbG8=", "context": "YWJj", "reference": "r"},
        {"plaintext": "", "key_version": 1},
    ]});
    let request: Encrypt = read(json.clone()).unwrap();
    assert_eq!(write(&request), json);
}

#[test]
fn an_absent_plaintext_differs_from_an_empty_one() {
    let absent: Encrypt = read(json!({})).unwrap();
    assert!(absent.plaintext.is_none());
    for empty in [json!({"plaintext": ""}), json!({"plaintext": null})] {
        let given: Encrypt = read(empty).unwrap();
        assert_eq!(given.plaintext, Some(bytes("")));
    }
    let batch: Encrypt = read(json!({"batch_input": [{"plaintext": null}]})).unwrap();
    assert!(batch.batch_input.unwrap()[0].plaintext.is_none());
}

#[test]
fn a_batch_that_is_null_is_not_given() {
    assert!(
        read::<Encrypt>(json!({"batch_input": null}))
            .unwrap()
            .batch_input
            .is_none()
    );
    assert!(
        read::<Encrypt>(json!({"batch_input": []}))
            .unwrap()
            .batch_input
            .is_some()
    );
}

#[test]
fn a_fault_in_a_batch_names_item_and_field_and_never_the_value() {
    let faults = [
        (
            json!("s3cr3t"),
            "source data must be an array or slice, got string",
        ),
        (
            json!({"a": "s3cr3t"}),
            "source data must be an array or slice, got map[string]interface {}",
        ),
        (json!([{}, "s3cr3t"]), "[1] expected a map, got 'string'"),
        (json!([7]), "[0] expected a map, got 'json.Number'"),
        (json!([null]), "[0] expected a map, got '<nil>'"),
        (
            json!([{}, {"key_version": "s3cr3t"}]),
            "'[1].key_version' expected type 'int', got unconvertible type 'string'",
        ),
        (
            json!([{"plaintext": ["s3cr3t"]}]),
            "'[0].plaintext' expected type 'string', got unconvertible type '[]interface {}'",
        ),
    ];
    for (batch, fault) in faults {
        let text = read::<Encrypt>(json!({"batch_input": batch})).unwrap_err();
        assert_eq!(text, format!("failed to parse batch input: {fault}"));
    }
}

#[test]
fn a_bad_base64_spoils_its_item_alone() {
    let request: Encrypt =
        read(json!({"batch_input": [{"plaintext": "!!"}, {"plaintext": "aGVsbG8="}]})).unwrap();
    let items = request.batch_input.unwrap();
    let fault = items[0].plaintext.as_ref().unwrap().bytes().unwrap_err();
    assert_eq!(fault.to_string(), "illegal base64 data at input byte 0");
    assert!(items[1].plaintext.as_ref().unwrap().bytes().is_ok());
}

#[test]
fn an_answer_is_one_result_or_many() {
    let one: Answer<Encrypted, EncryptedItem> =
        read(json!({"ciphertext": "vault:v1:AA==", "key_version": 1})).unwrap();
    assert_eq!(one.one().unwrap().key_version, 1);

    let failed = json!({"batch_results": [{"error": "x", "reference": ""}]});
    let many: Answer<Encrypted, EncryptedItem> = read(failed.clone()).unwrap();
    assert_eq!(write(&many), failed);
    assert_eq!(many.items().unwrap()[0].error.as_deref(), Some("x"));
}

#[test]
fn failed_items_keep_the_fields_that_clients_expect() {
    let signed = SignedItem {
        error: Some("x".to_owned()),
        ..SignedItem::default()
    };
    assert_eq!(
        write(&signed),
        json!({"key_version": 0, "error": "x", "reference": ""})
    );
    let verified = VerifiedItem {
        error: Some("x".to_owned()),
        ..VerifiedItem::default()
    };
    assert_eq!(
        write(&verified),
        json!({"valid": false, "error": "x", "reference": ""})
    );
    let decrypted = DecryptedItem {
        plaintext: bytes(""),
        error: Some("x".to_owned()),
        reference: String::new(),
    };
    assert_eq!(
        write(&decrypted),
        json!({"plaintext": "", "error": "x", "reference": ""})
    );
}

#[test]
fn the_public_key_of_a_batch_item_is_one_word() {
    let item = SignedItem {
        public_key: Some("k".to_owned()),
        ..SignedItem::default()
    };
    assert_eq!(write(&item)["publickey"], "k");
    let one = Signed {
        signature: String::new(),
        key_version: 1,
        public_key: Some("k".to_owned()),
    };
    assert_eq!(write(&one)["public_key"], "k");
}

#[test]
fn a_key_is_read_as_vault_writes_it() {
    let common = json!({
        "allow_plaintext_backup": false, "auto_rotate_period": 0, "deletion_allowed": false,
        "derived": false, "exportable": false, "imported_key": false, "latest_version": 2,
        "min_available_version": 0, "min_decryption_version": 1, "min_encryption_version": 0,
        "name": "a", "soft_deleted": false, "supports_decryption": true,
        "supports_derivation": true, "supports_encryption": true, "supports_signing": false,
        "type": "aes256-gcm96", "keys": {"1": 1_795_462_815, "2": 1_795_462_819},
    });
    let key: Key = read(common.clone()).unwrap();
    assert_eq!(key.keys[&2], KeyVersion::Created(1_795_462_819));
    assert_eq!(write(&key), common);

    let mut signing = common;
    signing["keys"] = json!({"1": {
        "certificate_chain": "", "creation_time": "2026-11-23T19:40:28.194302944Z",
        "name": "ed25519", "public_key": "vkuE9R3tisdjNsHEaT05xavtP3/IpZug+ranWJBRbXA=",
    }});
    let key: Key = read(signing.clone()).unwrap();
    assert!(matches!(&key.keys[&1], KeyVersion::Public { name, .. } if name == "ed25519"));
    assert_eq!(write(&key), signing);
}

/// Any JSON in which every text is a secret.
fn secret_json() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["plaintext", "key_version", "reference", "other"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("s3cr3t")),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn no_batch_makes_the_reader_panic_or_tell_a_secret(batch in secret_json()) {
        if let Err(text) = read::<Encrypt>(json!({"batch_input": batch})) {
            prop_assert!(text.starts_with("failed to parse batch input: "), "{text}");
            prop_assert!(!text.contains("s3cr3t"), "{text}");
        }
    }
}
