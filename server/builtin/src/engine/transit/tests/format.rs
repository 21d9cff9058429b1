//! Encryption that keeps the format.

use super::*;

#[tokio::test]
async fn a_card_number_stays_one() {
    let server = Server::start().await;
    let key = server.ok("keys/f", json!({"type": "ff1"})).await;
    assert_eq!(key["type"], "ff1");
    assert_eq!(key["alphabet"], "builtin/numeric");
    assert_eq!(key["supports_encryption"], false);
    let body = json!({"value": "4111-1111-1111-1111", "keep_others": true, "tweak": HELLO});
    let encoded = server.ok("encode/f", body.clone()).await;
    let value = text(&encoded["encoded_value"]);
    let kept: Vec<_> = value.split('-').map(str::len).collect();
    assert_eq!(kept, [4; 4]);
    assert!(value.chars().all(|c| c == '-' || c.is_ascii_digit()));
    assert_eq!(server.ok("encode/f", body).await, encoded);

    server.ok("keys/f/rotate", json!({})).await;
    let decode = |version: Value, tweak: &str| json!({"value": value, "keep_others": true, "tweak": tweak, "key_version": version});
    let decoded = server.ok("decode/f", decode(json!(1), HELLO)).await;
    assert_eq!(decoded["decoded_value"], "4111-1111-1111-1111");
    for (version, tweak) in [(json!(2), HELLO), (json!(1), "")] {
        let other = server.ok("decode/f", decode(version, tweak)).await;
        assert_ne!(other, decoded);
    }
    for version in [json!(null), json!(0)] {
        let refused = server.refused("decode/f", decode(version, HELLO)).await;
        assert_eq!(
            refused,
            "missing key_version: the value does not tell which version encoded it"
        );
    }
}

#[tokio::test]
async fn the_alphabet_is_the_key_s_or_the_request_s() {
    let server = Server::start().await;
    let body = json!({"type": "fpe", "alphabet": "0123456789abcdef"});
    let key = server.ok("keys/f", body).await;
    assert_eq!(
        (&key["type"], &key["alphabet"]),
        (&json!("ff1"), &json!("0123456789abcdef"))
    );
    for (alphabet, value) in [
        (json!(null), "00ff00ff"),
        (json!("builtin/alphanumeric"), "Hello00"),
        (json!("äöü0123456789"), "äöü000"),
    ] {
        let body = json!({"value": value, "alphabet": alphabet});
        let encoded = server.ok("encode/f", body).await;
        let body = json!({
            "value": encoded["encoded_value"], "alphabet": alphabet,
            "key_version": encoded["key_version"],
        });
        assert_eq!(server.ok("decode/f", body).await["decoded_value"], value);
    }
}

#[tokio::test]
async fn what_keeps_no_format_is_refused() {
    let server = Server::start().await;
    server.ok("keys/f", json!({"type": "ff1"})).await;
    server.ok("keys/a", json!({})).await;
    for (path, body, refusal) in [
        ("encode/f", json!({}), "missing value to encode"),
        ("decode/f", json!({}), "missing value to decode"),
        (
            "encode/f",
            json!({"value": "12345"}),
            "the value is too short: 6 symbols of this alphabet at least",
        ),
        (
            "encode/f",
            json!({"value": "12345a"}),
            "the value has a symbol that is not in the alphabet",
        ),
        (
            "encode/f",
            json!({"value": "123456", "alphabet": "00"}),
            "a symbol stands twice in the alphabet",
        ),
        (
            "encode/f",
            json!({"value": "123456", "tweak": "!"}),
            "failed to base64-decode tweak",
        ),
        (
            "encode/a",
            json!({"value": "123456"}),
            "key type aes256-gcm96 does not keep the format of what it encrypts",
        ),
        (
            "encrypt/f",
            json!({"plaintext": ""}),
            "message encryption not supported for key type ff1",
        ),
        (
            "keys/new",
            json!({"alphabet": "01"}),
            "alphabet is not valid for algorithm aes256-gcm96",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal, "{path}");
    }
}

#[tokio::test]
async fn a_template_says_what_is_encrypted_and_what_stays() {
    let server = Server::start().await;
    server.ok("keys/f", json!({"type": "ff1"})).await;
    server
        .ok("alphabets/hex", json!({"alphabet": "0123456789abcdef"}))
        .await;
    let body = json!({
        "type": "regex", "pattern": r"(?:id|ID):([0-9a-f]{8})-\d{2}-([0-9a-f]{4})",
        "alphabet": "alphabets/hex",
    });
    server.ok("templates/id", body).await;
    for (template, value, stays) in [
        (
            "builtin/creditcardnumber",
            "4111-1111 11111111",
            &[4..5, 9..10][..],
        ),
        ("builtin/socialsecuritynumber", "123-45-6789", &[3..4, 6..7]),
        ("id", "ID:00ff00ff-17-beef", &[0..3, 11..15]),
    ] {
        let body = json!({"value": value, "template": template});
        let encoded = server.ok("encode/f", body).await;
        let text = text(&encoded["encoded_value"]);
        assert_ne!(text, value);
        for stays in stays {
            assert_eq!(text[stays.clone()], value[stays.clone()], "{template}");
        }
        let body = json!({"value": text, "template": template, "key_version": 1});
        assert_eq!(server.ok("decode/f", body).await["decoded_value"], value);
    }
    let body = json!({"type": "ff1", "template": "builtin/creditcardnumber"});
    let key = server.ok("keys/card", body).await;
    assert_eq!(key["template"], "builtin/creditcardnumber");
    assert_eq!(key["alphabet"], Value::Null);
    let body = json!({"value": "4111-1111-1111-1111"});
    let encoded = server.ok("encode/card", body).await;
    let text = text(&encoded["encoded_value"]);
    let body = json!({"value": text, "key_version": 1, "alphabet": "builtin/numeric",
        "keep_others": true});
    let decoded = server.ok("decode/card", body).await;
    assert_eq!(decoded["decoded_value"], "4111-1111-1111-1111");
}

#[tokio::test]
async fn each_item_of_a_batch_has_its_own_outcome() {
    let server = Server::start().await;
    server.ok("keys/f", json!({"type": "ff1"})).await;
    server.ok("keys/f/rotate", json!({})).await;
    let body = json!({"tweak": HELLO, "batch_input": [
        {"value": "123456", "reference": "a"},
        {"value": "4111-1111-1111-1111", "template": "builtin/creditcardnumber", "key_version": 1},
        {"value": "12345", "reference": "short"},
        {"reference": "none"},
        {"value": "123456", "template": "unknown"},
        {"value": "123456", "template": "unknown"},
        {"value": "123456", "tweak": ""},
    ]});
    let answer = server.post("encode/f", body.clone()).await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    let results = answer.data["batch_results"].as_array().unwrap();
    let versions: Vec<_> = results.iter().map(|item| &item["key_version"]).collect();
    let none = &Value::Null;
    assert_eq!(
        versions,
        [&json!(2), &json!(1), none, none, none, none, &json!(2)]
    );
    let references: Vec<_> = results.iter().map(|item| &item["reference"]).collect();
    assert_eq!(references, ["a", "", "short", "none", "", "", ""]);
    for (index, error) in [
        (
            2,
            "the value is too short: 6 symbols of this alphabet at least",
        ),
        (3, "missing value to encode"),
        (4, "unknown template \"unknown\""),
        (5, "unknown template \"unknown\""),
    ] {
        assert_eq!(results[index]["error"], error);
        assert_eq!(results[index]["encoded_value"], Value::Null);
    }
    assert_ne!(results[0]["encoded_value"], results[6]["encoded_value"]);

    let mut partial = body;
    partial["partial_failure_response_code"] = json!(207);
    let answer = server.post("encode/f", partial).await;
    assert_eq!(answer.outcome, Outcome::Partial(207));

    let value = |index: usize| &results[index]["encoded_value"];
    let body = json!({"tweak": HELLO, "key_version": 2, "batch_input": [
        {"value": value(0), "reference": "a"},
        {"value": value(1), "template": "builtin/creditcardnumber", "key_version": 1},
        {"value": value(6), "tweak": ""},
    ]});
    let decoded = server.ok("decode/f", body).await;
    assert_eq!(
        decoded["batch_results"],
        json!([
            {"decoded_value": "123456", "reference": "a"},
            {"decoded_value": "4111-1111-1111-1111", "reference": ""},
            {"decoded_value": "123456", "reference": ""},
        ])
    );
    let body = json!({"batch_input": [{"value": value(0)}]});
    let answer = server.post("decode/f", body).await;
    assert_eq!(answer.outcome, Outcome::Invalid);
    assert_eq!(
        answer.data["batch_results"][0]["error"],
        "missing key_version: the value does not tell which version encoded it"
    );
}

#[tokio::test]
async fn alphabets_and_templates_are_written_read_listed_and_deleted() {
    let server = Server::start().await;
    let at = |operation, path: &str| {
        let path = format!("transit/{path}");
        let server = &server;
        async move { server.ask(operation, &path, json!({})).await }
    };
    let template = json!({"type": "regex", "pattern": "(x+)", "alphabet": "builtin/alphalower"});
    for (folder, body, builtin) in [
        ("alphabets", json!({"alphabet": "01"}), "builtin/numeric"),
        ("templates", template, "builtin/socialsecuritynumber"),
    ] {
        let path = format!("{folder}/own");
        // Twice the same is once.
        for _ in 0..2 {
            assert_eq!(server.ok(&path, body.clone()).await, Value::Null);
        }
        assert_eq!(at(Operation::Read, &path).await.unwrap().data, body);
        let listed = at(Operation::List, folder).await.unwrap().data;
        let names = listed["keys"].as_array().unwrap();
        assert!(names.contains(&json!("own")) && names.contains(&json!(builtin)));
        assert!(names.is_sorted_by_key(text));
        let builtin = format!("{folder}/{builtin}");
        assert!(at(Operation::Read, &builtin).await.is_ok());
        let deleted = at(Operation::Delete, &builtin).await;
        assert!(matches!(deleted, Err(Error::UnsupportedPath)));
        let written = server.try_post(&builtin, body.clone()).await;
        assert!(matches!(written, Err(Error::UnsupportedPath)));

        let other = json!({"alphabet": "012", "pattern": "(y+)"});
        let refused = server.refused(&path, other).await;
        assert!(refused.contains("exists"), "{refused}");
        at(Operation::Delete, &path).await.unwrap();
        let gone = at(Operation::Read, &path).await;
        assert!(matches!(gone, Err(Error::NotFound(None))));
        let nothing = at(Operation::Read, &format!("{folder}/builtin/none")).await;
        assert!(matches!(nothing, Err(Error::NotFound(None))));
    }
}

#[tokio::test]
async fn what_is_no_template_is_refused() {
    let server = Server::start().await;
    server.ok("keys/f", json!({"type": "ff1"})).await;
    let narrow = json!({"pattern": "(1[0-9]{6})", "alphabet": "builtin/numeric"});
    server.ok("templates/narrow", narrow).await;
    for (path, body, refusal) in [
        ("templates/t", json!({"alphabet": "01"}), "missing pattern"),
        ("templates/t", json!({"pattern": "(.)"}), "missing alphabet"),
        (
            "templates/t",
            json!({"pattern": "(.)", "alphabet": "alphabets/none"}),
            "unknown alphabet \"alphabets/none\"",
        ),
        (
            "templates/t",
            json!({"type": "glob", "pattern": "(.)", "alphabet": "01"}),
            "unknown type of template \"glob\"",
        ),
        (
            "alphabets/a",
            json!({}),
            "an alphabet has 2 to 65536 symbols, or is named builtin/…",
        ),
        (
            "encode/f",
            json!({"value": "123456", "template": "id", "alphabet": "01"}),
            "a template has an alphabet of its own: give one or the other",
        ),
        (
            "encode/f",
            json!({"value": "4111", "template": "builtin/creditcardnumber"}),
            "the value does not match the template",
        ),
        (
            "encode/f",
            json!({"value": "123-45-6789", "template": "builtin/socialsecuritynumber",
                "keep_others": true}),
            "a template says itself what stays: keep_others has no place beside it",
        ),
        (
            "keys/new",
            json!({"type": "ff1", "template": "none"}),
            "unknown template \"none\"",
        ),
        (
            "keys/new",
            json!({"template": "builtin/creditcardnumber"}),
            "template is not valid for algorithm aes256-gcm96",
        ),
    ] {
        assert_eq!(server.refused(path, body).await, refusal, "{path}");
    }
    // Of ten texts, one begins with 1 and could be decoded.
    let mut outcomes = Vec::new();
    for number in 1_000_000..1_000_040 {
        let value = number.to_string();
        let body = json!({"value": value, "template": "narrow"});
        match server.try_post("encode/f", body).await {
            Ok(encoded) => {
                let body = json!({
                    "value": encoded.data["encoded_value"], "template": "narrow",
                    "key_version": 1,
                });
                assert_eq!(server.ok("decode/f", body).await["decoded_value"], value);
                outcomes.push(true);
            }
            Err(Error::Invalid(text)) => {
                assert!(text.starts_with("the template does not match what would be"));
                outcomes.push(false);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(outcomes.contains(&false));
}
