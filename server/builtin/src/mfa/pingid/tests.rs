//! The settings file, the JWT that is sent, and the ones that are believed.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const FILE: &str = "#Auto-Generated from PingOne\n#Wed Nov 25 10:11:12 UTC 2026\n\
    use_base64_key=a2V5IG9mIHRoZSBvcmdhbml6YXRpb24=\nuse_signature=true\ntoken=the token=\r\n\n\
    idp_url=https://idp.example/pingid/\norg_alias=org-1\nadmin_url=https://admin.example\n\
    authenticator_url=https://authenticator.example/pingid/ppm\n";

fn configure(file: &[u8]) -> Result<PingId, String> {
    let configured = PingId::configure(CreatePingIdMfaMethod {
        settings_file_base64: Some(Sensitive::new(encoding::encode(file))),
        ..CreatePingIdMfaMethod::default()
    });
    configured.map_err(|error| error.to_string())
}

fn pingid() -> PingId {
    configure(FILE.as_bytes()).unwrap()
}

fn part(jwt: &str, place: usize) -> Value {
    let part = jwt.split('.').nth(place).unwrap();
    serde_json::from_slice(&encoding::decode_url(part).unwrap()).unwrap()
}

/// Signs an answer as PingID does, with a key.
fn answer(head: &Value, claims: &Value, key: &[u8]) -> String {
    let [head, claims] = [head, claims].map(|it| encoding::encode_url(it.to_string().as_bytes()));
    let signed = format!("{head}.{claims}");
    let key = MacKey::new(SecretBytes::new(key.to_vec()));
    let tag = key.compute(HashAlgorithm::Sha2_256, signed.as_bytes());
    format!("{signed}.{}", encoding::encode_url(tag.as_ref()))
}

#[test]
fn a_file_is_read_and_shown_without_its_secrets() {
    let pingid = pingid();
    let shown = Value::Object(pingid.shown());
    let wanted = json!({
        "admin_url": "https://admin.example",
        "authenticator_url": "https://authenticator.example/pingid/ppm",
        "idp_url": "https://idp.example/pingid/", "org_alias": "org-1", "use_signature": true,
    });
    assert_eq!(shown, wanted);
    assert_eq!(pingid.settings.token.expose(), "the token=");
    let place = "https://idp.example/pingid/rest/4/authonline/do";
    assert_eq!(pingid.settings.authonline().unwrap().as_str(), place);
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_not_repeated() {
    let told = |file: &str| configure(file.as_bytes()).err().unwrap();
    let replaced = |what: &str, by: &str| told(&FILE.replace(what, by));
    for (what, by, why) in [
        (
            "use_signature=true",
            "use_signature=hunter2",
            "error parsing use_signature value",
        ),
        (
            "org_alias=",
            "other=",
            "unknown key in line 8 of the pingid settings file",
        ),
        (
            "use_base64_key=",
            "hunter2hunter2==",
            "unknown key in line 3 of the pingid settings file",
        ),
        ("#Wed", "hunter2", "line that is not in key=value format"),
        (
            "org_alias=org-1",
            "",
            "pingid settings file lacks org_alias",
        ),
        (
            "token=the token=",
            "token=",
            "pingid settings file lacks token",
        ),
        (
            "use_base64_key=a2V5",
            "use_base64_key=!",
            "use_base64_key in pingid settings file is no",
        ),
        (
            "https://idp",
            "http://idp",
            "idp_url in pingid settings file is no https address",
        ),
        (
            "https://idp",
            "https://hunter2@idp",
            "idp_url in pingid settings file is no https",
        ),
        (
            "pingid/\n",
            "pingid?hunter2\n",
            "idp_url in pingid settings file is no https address",
        ),
    ] {
        let text = replaced(what, by);
        assert!(text.contains(why), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(told(&"#".repeat(16 << 10 | 1)).contains("too long"));
    assert_eq!(told(""), "settings_file_base64 is empty");
    let bad = PingId::configure(CreatePingIdMfaMethod {
        settings_file_base64: Some(Sensitive::new("!!".to_owned())),
        ..CreatePingIdMfaMethod::default()
    });
    let text = bad.err().unwrap().to_string();
    assert_eq!(text, "illegal base64 data at input byte 0");
}

#[test]
fn a_request_is_signed_and_says_whom_it_is_about() {
    let now = Timestamp::from_unix_nanos(1_796_126_463_045_000_000);
    let pingid = pingid();
    let signed = pingid.sign("bob \"the\" b.", "mark", now).unwrap();
    let signed = signed.expose().as_str();
    let head = json!({ "alg": "HS256", "org_alias": "org-1", "token": "the token=" });
    assert_eq!(part(signed, 0), head);
    let claims = json!({
        "reqHeader": {
            "locale": "en", "orgAlias": "org-1", "secretKey": "the token=",
            "timestamp": "2026-12-01 12:01:03.045", "version": "4.9",
        },
        "reqBody": {
            "authType": "CONFIRM", "clientData": "mark", "spAlias": "web",
            "userName": "bob \"the\" b.",
        },
    });
    assert_eq!(part(signed, 1), claims);
    let (rest, tag) = signed.rsplit_once('.').unwrap();
    let key = MacKey::new(SecretBytes::new(b"key of the organization".to_vec()));
    let tag = encoding::decode_url(tag).unwrap();
    assert!(key.verify(HashAlgorithm::Sha2_256, rest.as_bytes(), &tag));
}

#[test]
fn only_what_the_organization_signed_is_believed() {
    const KEY: &[u8] = b"key of the organization";
    let pingid = pingid();
    let open = |answer: String| {
        let opened = pingid.open(answer.as_bytes());
        opened.map(|body| (body.error_id, body.client_data))
    };
    let head = |alg: &str, alias: &str, org: &str, token: &str| json!({ "alg": alg, "token": token, alias: org });
    let said = json!({ "responseBody": { "errorId": 200, "errorMsg": "ok", "clientData": "m" } });
    let good = Ok((200, Some("m".to_owned())));
    for alias in ["org_alias", "orgAlias"] {
        let head = head("HS256", alias, "org-1", "the token=");
        assert_eq!(open(answer(&head, &said, KEY)), good);
        assert_eq!(open(answer(&head, &said, KEY) + "\n"), good);
        let unsigned = Err("is not signed by the key of the settings file");
        assert_eq!(open(answer(&head, &said, b"another key")), unsigned);
        assert!(open(answer(&head, &said, KEY).replace('.', ".A")).is_err());
        let empty = json!({ "responseBody": {} });
        assert_eq!(
            open(answer(&head, &empty, KEY)),
            Err("does not hold what it should")
        );
    }
    for (alg, org, token, why) in [
        (
            "none",
            "org-1",
            "the token=",
            "is not signed by the key of the settings file",
        ),
        (
            "HS512",
            "org-1",
            "the token=",
            "is not signed by the key of the settings file",
        ),
        (
            "HS256",
            "org-2",
            "the token=",
            "is for another organization",
        ),
        ("HS256", "org-1", "token", "is for another organization"),
    ] {
        let head = head(alg, "orgAlias", org, token);
        assert_eq!(open(answer(&head, &said, KEY)), Err(why));
    }
    let bare = answer(&head("none", "orgAlias", "org-1", "the token="), &said, KEY);
    let (signed, _) = bare.rsplit_once('.').unwrap();
    assert!(open(format!("{signed}.")).is_err());
    for other in ["", ".", "..", "a.b.c", "{}", "ä.ö.ü"] {
        assert_eq!(open(other.to_owned()), Err("is no JWT"), "{other}");
    }
}

proptest! {
    #[test]
    fn no_file_and_no_answer_panics(
        file in "([a-z_]{0,6}[=#]?.{0,9}\n){0,5}",
        answer in "[A-Za-z0-9_.-]{0,60}|.{0,40}",
    ) {
        let _ = configure(file.as_bytes());
        prop_assert!(pingid().open(answer.as_bytes()).is_err());
    }

    /// Whatever follows the first `=` is the value, and whatever stands in comments is not looked at.
    #[test]
    fn a_value_is_all_behind_the_first_sign(token in "[!-~][ -~]{0,20}[!-~]", comment in "[ -~]{0,20}") {
        let file = FILE.replace("the token=", &token).replace("#Wed", &format!("#{comment}"));
        let settings = configure(file.as_bytes()).unwrap().settings;
        prop_assert_eq!(settings.token.expose(), &token);
    }
}
