//! Login MFA: with names and passwords, across a restart, and in the audit log.

use std::time::{SystemTime, UNIX_EPOCH};

use keyward_crypto::{HashAlgorithm, MacKey, SecretBytes, otp};
use serde_json::{Value, json};

use super::{
    House,
    inline::{self, Inline},
};
use crate::support::Answer;

/// The code of now, or of so many steps later, as an authenticator makes it that was given the URL.
#[expect(
    clippy::disallowed_methods,
    reason = "an authenticator goes by the clock on the wall, as the server does"
)]
fn code(url: &str, later: u64) -> String {
    let (_, secret) = url.split_once("&secret=").unwrap();
    let mut key = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in secret.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let step = now.as_secs() / 30 + later;
    let key = MacKey::new(SecretBytes::new(key));
    otp::hotp(&key, HashAlgorithm::Sha1, step, 6)
        .expose()
        .clone()
}

/// Has bob, who logs in with a password, need a code; returns the id of the method and the URL.
async fn guard(house: &House) -> (String, String) {
    let root = &house.root;
    let bob = json!({ "password": "a password" });
    house.write("auth/userpass/users/bob", bob).await;
    let entity = log_in(house, &[]).await.expect(200);
    let entity = entity.text_at("/auth/entity_id").to_owned();
    let body = json!({ "issuer": "Keyward", "method_name": "phone" });
    let made = root.post("identity/mfa/method/totp", body).await;
    let method = made.expect(200).text_at("/data/method_id").to_owned();
    let body = json!({ "method_id": method, "entity_id": entity });
    let shown = root.post("identity/mfa/method/totp/admin-generate", body);
    let url = shown.await.expect(200).text_at("/data/url").to_owned();
    let body = json!({ "mfa_method_ids": [method], "auth_method_types": ["userpass"] });
    house
        .write("identity/mfa/login-enforcement/people", body)
        .await;
    (method, url)
}

/// Logs bob in with some headers.
async fn log_in(house: &House, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "password": "a password" }).to_string();
    let nobody = house.root.with_token("");
    nobody
        .send("POST", "auth/userpass/login/bob", headers, Some(body))
        .await
}

async fn validate(house: &House, waiting: &Answer, payload: Value) -> Answer {
    let id = waiting.text_at("/auth/mfa_requirement/mfa_request_id");
    let body = json!({ "mfa_request_id": id, "mfa_payload": payload });
    let nobody = house.root.with_token("");
    nobody.post("sys/mfa/validate", body).await
}

#[tokio::test]
async fn a_password_and_a_code_log_in_and_a_restart_forgets_neither() {
    let house = House::with("userpass").await;
    let (method, url) = guard(&house).await;
    let waiting = log_in(&house, &[]).await.expect(200);
    assert_eq!(waiting.text_at("/auth/client_token"), "");
    let first = code(&url, 0);
    let granted = validate(&house, &waiting, json!({ &method: [first] }));
    let granted = granted.await.expect(200);
    let bob = house.root.with_token(granted.text_at("/auth/client_token"));
    bob.get("auth/token/lookup-self").await.expect(200);
    // Renewing is no login.
    bob.post("auth/token/renew-self", json!({}))
        .await
        .expect(200);
    let lost = log_in(&house, &[]).await.expect(200);

    let house = house.restart().await;
    let second = code(&url, 1);
    validate(&house, &lost, json!({ &method: [second] }))
        .await
        .refused(400, "invalid request ID");
    let waiting = log_in(&house, &[]).await.expect(200);
    validate(&house, &waiting, json!({ &method: [first] }))
        .await
        .refused(403, "MFA credentials not supplied or incorrect");
    log_in(&house, &[("X-Vault-MFA", &format!("phone:{first}"))])
        .await
        .refused(403, "permission denied");
    let granted = log_in(&house, &[("X-Vault-MFA", &format!("phone:{second}"))]).await;
    assert_ne!(granted.expect(200).text_at("/auth/client_token"), "");
    log_in(&house, &[("X-Vault-MFA", ":1")])
        .await
        .refused(400, "missing method name or ID");
}

#[tokio::test]
async fn the_audit_log_tells_of_both_halves_and_shows_no_code() {
    let house = House::with("userpass").await;
    // Even an operator who asks for it is not shown this one.
    let path = "sys/config/auditing/request-headers/X-Vault-MFA";
    house.write(path, json!({ "hmac": false })).await;
    let (method, url) = guard(&house).await;
    let (first, second) = (code(&url, 0), code(&url, 1));
    let waiting = log_in(&house, &[]).await.expect(200);
    let granted = validate(&house, &waiting, json!({ &method: [first] }));
    let granted = granted.await.expect(200);
    let header = format!("{method}:{second}");
    log_in(&house, &[("X-Vault-MFA", &header)])
        .await
        .expect(200);
    let log = house.log();
    let secret = url.split_once("&secret=").unwrap().1;
    let id = waiting.text_at("/auth/mfa_requirement/mfa_request_id");
    for hidden in [secret, &header, id] {
        assert!(!log.contains(hidden), "{hidden}");
    }
    // A code alone is short enough to come up by chance, but not as a value.
    for code in [&first, &second] {
        assert!(!log.contains(&format!("\"{code}\"")));
    }
    let entries = house.entries();
    let of = |path: &str| {
        let path = path.to_owned();
        let answers = entries.iter().filter(|entry| entry["type"] == "response");
        answers.filter(move |entry| entry["request"]["path"] == path.as_str())
    };
    let halves: Vec<_> = of("auth/userpass/login/bob").collect();
    let [_, begun, whole] = &halves[..] else {
        panic!("{halves:?}");
    };
    assert!(begun["response"]["auth"].is_null(), "{begun}");
    assert_eq!(whole["response"]["auth"]["display_name"], "userpass-bob");
    let ended = of("sys/mfa/validate").next().unwrap();
    let auth = &ended["response"]["auth"];
    assert_eq!(auth["display_name"], "userpass-bob");
    assert_eq!(auth["entity_id"], granted.text_at("/auth/entity_id"));
}

#[tokio::test]
async fn a_login_that_comes_along_brings_its_code_or_is_told_that_one_is_needed() {
    let house = House::with("userpass").await;
    let (_, url) = guard(&house).await;
    house.policy("own", "kv/a").await;
    house.write("sys/mounts/kv", json!({ "type": "kv" })).await;
    house.write("kv/a", json!({ "b": "c" })).await;
    let policies = json!({ "token_policies": "own" });
    house
        .write("auth/userpass/users/bob/policies", policies)
        .await;
    let bob = Inline::of(&house, "bob", "a password");
    let waiting = bob.get("kv/a").await.expect(200);
    assert!(inline::is_of_login(&waiting));
    assert_ne!(waiting.text_at("/auth/mfa_requirement/mfa_request_id"), "");
    let right = format!("phone:{}", code(&url, 0));
    let header = [("X-Vault-MFA", &*right)];
    let read = bob.send("GET", "kv/a", &header, None).await.expect(200);
    assert_eq!(read.text_at("/data/b"), "c");
    let again = bob.send("GET", "kv/a", &header, None).await;
    assert!(inline::is_of_login(&again));
    again.refused(403, "permission denied");
}
