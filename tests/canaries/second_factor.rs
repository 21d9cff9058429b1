//! The secrets of a second factor that a service confirms: its keys, and passcodes.

use serde_json::json;

use super::Watched;
use crate::support::duo::{Duo, INTEGRATION_KEY, Play};

const METHOD: &str = "identity/mfa/method/duo";

/// All of it.
pub(super) async fn tell(watched: &mut Watched) {
    let secret_key = watched.secret("the secret key of Duo");
    let integration_key = watched.secret("an integration key of Duo");
    let duo = Duo::start(&watched.authority, &secret_key).await;
    let refused = json!({ "secret_key": secret_key, "integration_key": integration_key });
    watched.post(METHOD, refused).await;
    let body = json!({
        "secret_key": secret_key, "integration_key": INTEGRATION_KEY, "api_hostname": duo.host(),
        "method_name": "push",
    });
    let made = watched.post(METHOD, body).await;
    let id = made["data"]["method_id"].as_str().unwrap().to_owned();
    let other = json!({
        "secret_key": secret_key, "integration_key": integration_key, "api_hostname": "127.0.0.1:1",
    });
    watched.post(METHOD, other).await;
    for (call, path) in [
        ("GET", format!("{METHOD}/{id}")),
        ("GET", format!("identity/mfa/method/{id}")),
        ("LIST", "identity/mfa/method".to_owned()),
        ("LIST", METHOD.to_owned()),
    ] {
        let answer = watched.root.send(call, &path, &[], None).await.expect(200);
        watched.keep(&path, &answer, true);
    }
    let body = json!({ "mfa_method_ids": [id], "auth_method_types": ["userpass"] });
    let enforcement = "identity/mfa/login-enforcement/second";
    watched.post(enforcement, body).await;
    let plays = [Play::Approve, Play::Deny, Play::Fault, Play::Redirect];
    for (number, play) in plays.into_iter().enumerate() {
        duo.play(play);
        let password = watched.secret("a password beside a second factor");
        let user = format!("auth/userpass/users/second-{number}");
        watched.post(&user, json!({ "password": password })).await;
        let passcode = watched.secret("a passcode of Duo");
        let login = format!("auth/userpass/login/second-{number}");
        let credentials = Some(json!({ "password": password }).to_string());
        let header = format!("push:{passcode}");
        let header = [("X-Vault-MFA", header.as_str())];
        let call = ("POST", &*login);
        watched
            .say("a passcode", call, &header, credentials.clone(), "")
            .await;
        let waiting = watched.say("a login", call, &[], credentials, "").await;
        let name = &waiting["auth"]["mfa_requirement"]["mfa_request_id"];
        watched
            .scanner
            .learn("a waiting login", name.as_str().unwrap());
        for brought in [json!([format!("passcode={passcode}")]), json!([])] {
            let body = json!({ "mfa_request_id": name, "mfa_payload": { "push": brought } });
            let call = ("POST", "sys/mfa/validate");
            watched
                .say("validated", call, &[], Some(body.to_string()), "")
                .await;
        }
    }
    let gone = watched.root.delete(enforcement).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
}
