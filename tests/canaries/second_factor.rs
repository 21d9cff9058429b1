//! The secrets of second factors that services confirm: their keys and tokens, and passcodes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Watched;
use crate::support::{
    duo::{self, Duo, INTEGRATION_KEY},
    okta::{self, Okta},
    pingid::{self, PingId},
};

/// All of it.
pub(super) async fn tell(watched: &mut Watched) {
    ask_duo(watched).await;
    ask_okta(watched).await;
    ask_pingid(watched).await;
}

async fn ask_duo(watched: &mut Watched) {
    let secret_key = watched.secret("the secret key of Duo");
    let integration_key = watched.secret("an integration key of Duo");
    let duo = Duo::start(&watched.authority, &secret_key).await;
    let refused = json!({ "secret_key": secret_key, "integration_key": integration_key });
    let other = json!({
        "secret_key": secret_key, "integration_key": integration_key, "api_hostname": "127.0.0.1:1",
    });
    let method = json!({
        "secret_key": secret_key, "integration_key": INTEGRATION_KEY, "api_hostname": duo.host(),
        "method_name": "duo",
    });
    make(watched, "duo", [refused, other, method]).await;
    for play in [
        duo::Play::Approve,
        duo::Play::Deny,
        duo::Play::Fault,
        duo::Play::Redirect,
    ] {
        duo.play(play);
        log_in(watched, "duo", &format!("{play:?}")).await;
    }
    remove(watched, "duo").await;
}

async fn ask_okta(watched: &mut Watched) {
    let token = watched.secret("an API token of Okta");
    let okta = Okta::start(&watched.authority, &token).await;
    let other = Okta::start(&watched.authority, &token).await;
    okta.point_to(&other);
    let (org_name, base_url) = okta.place();
    let refused = json!({ "org_name": "no host/", "api_token": token });
    let other = json!({ "org_name": "127", "base_url": "0.0.1:1", "api_token": token });
    let method = json!({
        "org_name": org_name, "base_url": base_url, "api_token": token, "method_name": "okta",
    });
    make(watched, "okta", [refused, other, method]).await;
    for play in [
        okta::Play::Approve,
        okta::Play::Deny,
        okta::Play::Elsewhere,
        okta::Play::Fault,
        okta::Play::Redirect,
    ] {
        okta.play(play);
        log_in(watched, "okta", &format!("{play:?}")).await;
    }
    remove(watched, "okta").await;
}

async fn ask_pingid(watched: &mut Watched) {
    let (token, key) = (
        watched.secret("a token of PingID"),
        watched.secret("a key of PingID"),
    );
    let pingid = PingId::start(&watched.authority, &token, &key).await;
    let encode = |file: String| json!({ "settings_file_base64": STANDARD.encode(file) });
    let refused = encode(format!(
        "token={token}\nuse_base64_key={key}\nno setting {token}"
    ));
    let other = encode(format!(
        "token={token}\nuse_base64_key={key}!\norg_alias=x\n"
    ));
    let method = json!({ "settings_file_base64": pingid.settings(), "method_name": "pingid" });
    make(watched, "pingid", [refused, other, method]).await;
    for play in [
        pingid::Play::Approve,
        pingid::Play::Deny,
        pingid::Play::Forge,
        pingid::Play::Redirect,
    ] {
        pingid.play(play);
        log_in(watched, "pingid", &format!("{play:?}")).await;
    }
    remove(watched, "pingid").await;
}

/// Makes methods of a kind, looks at them, and demands the last.
async fn make(watched: &mut Watched, kind: &str, methods: [Value; 3]) {
    let path = format!("identity/mfa/method/{kind}");
    let mut made = Value::Null;
    for method in methods {
        made = watched.post(&path, method).await;
    }
    let id = made["data"]["method_id"].as_str().unwrap();
    for (call, path) in [
        ("GET", format!("{path}/{id}")),
        ("GET", format!("identity/mfa/method/{id}")),
        ("LIST", "identity/mfa/method".to_owned()),
        ("LIST", path),
    ] {
        let answer = watched.root.send(call, &path, &[], None).await.expect(200);
        watched.keep(&path, &answer, true);
    }
    let body = json!({ "mfa_method_ids": [id], "auth_method_types": ["userpass"] });
    watched.post(&enforcement(kind), body).await;
}

fn enforcement(kind: &str) -> String {
    format!("identity/mfa/login-enforcement/{kind}")
}

/// Logs a new user in, in one half and in two, with a passcode and without.
async fn log_in(watched: &mut Watched, method: &str, play: &str) {
    let name = format!("{method}-{play}");
    let password = watched.secret("a password beside a second factor");
    let user = format!("auth/userpass/users/{name}");
    watched.post(&user, json!({ "password": password })).await;
    let passcode = watched.secret("a passcode of a service");
    let login = format!("auth/userpass/login/{name}");
    let credentials = Some(json!({ "password": password }).to_string());
    let header = format!("{method}:{passcode}");
    let header = [("X-Vault-MFA", header.as_str())];
    let call = ("POST", &*login);
    watched
        .say("a passcode", call, &header, credentials.clone(), "")
        .await;
    let waiting = watched.say("a login", call, &[], credentials, "").await;
    let id = &waiting["auth"]["mfa_requirement"]["mfa_request_id"];
    watched
        .scanner
        .learn("a waiting login", id.as_str().unwrap());
    for brought in [json!([format!("passcode={passcode}")]), json!([])] {
        let body = json!({ "mfa_request_id": id, "mfa_payload": { method: brought } });
        let call = ("POST", "sys/mfa/validate");
        watched
            .say("validated", call, &[], Some(body.to_string()), "")
            .await;
    }
}

async fn remove(watched: &mut Watched, kind: &str) {
    let gone = watched.root.delete(&enforcement(kind)).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
}
