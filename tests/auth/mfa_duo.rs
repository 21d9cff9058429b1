//! Login MFA with Duo: pushes and passcodes, and what comes of a service that does not do its part.

use serde_json::{Value, json};
use tokio::{io::sink, net::TcpListener, task::JoinSet};

use super::{
    House,
    guarded::{self, is_let_in},
};
use crate::support::{
    Answer, Authority,
    duo::{Duo, INTEGRATION_KEY, PASSCODE, Play},
};

const SECRET_KEY: &str = "the secret key of the application";

/// A server that trusts the authority of the service, with bob, who logs in with a password and needs
/// the second factor.
struct Guarded {
    house: House,
    duo: Duo,
    method: String,
}

impl Guarded {
    async fn with(more: Value) -> Self {
        let authority = Authority::new();
        let duo = Duo::start(&authority, SECRET_KEY).await;
        Self::at(duo, &authority, more).await
    }

    /// The server trusts `authority` alone.
    async fn at(duo: Duo, authority: &Authority, more: Value) -> Self {
        let mut body = json!({
            "secret_key": SECRET_KEY, "integration_key": INTEGRATION_KEY,
            "api_hostname": duo.host(),
        });
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        let (house, method) = guarded::guard(authority, "duo", body).await;
        Self { house, duo, method }
    }

    /// Logs bob in with some headers.
    async fn log_in(&self, headers: &[(&str, &str)]) -> Answer {
        guarded::log_in(&self.house, headers).await
    }

    /// Logs bob in, in two halves.
    async fn validate(&self, passcodes: &[&str]) -> Answer {
        guarded::validate(&self.house, &self.method, passcodes).await
    }

    fn endpoints(&self) -> Vec<String> {
        let asked = self.duo.asked().into_iter();
        asked.map(|(endpoint, _)| endpoint).collect()
    }
}

#[tokio::test]
async fn a_push_that_is_approved_logs_in_across_a_restart() {
    let more = json!({
        "username_format": "{{identity.entity.name}}@corp.example", "push_info": "from=the%20vault",
    });
    let mut guarded = Guarded::with(more).await;
    guarded.house = guarded.house.restart().await;
    let waiting = guarded.log_in(&[]).await.expect(200);
    let any = waiting.at("/auth/mfa_requirement/mfa_constraints/people/any");
    let wanted = json!([{ "type": "duo", "id": guarded.method, "name": "phone" }]);
    assert_eq!(any, &wanted);

    let granted = guarded.validate(&[]).await;
    is_let_in(&guarded.house, granted).await;
    let name = guarded::entity_name(&guarded.house).await;
    let user = format!("username={name}%40corp.example");
    let status = "txid=45f7c92b-f45f-4862-8545-e0f58e78075a";
    let wanted = [
        ("preauth", format!("ipaddr=127.0.0.1&{user}")),
        (
            "auth",
            format!(
                "async=1&device=auto&factor=push&ipaddr=127.0.0.1&pushinfo=from%3Dthe%2520vault&{user}"
            ),
        ),
        ("auth_status", status.to_owned()),
        ("auth_status", status.to_owned()),
        ("auth_status", status.to_owned()),
    ];
    let wanted = wanted.map(|(endpoint, parameters)| (endpoint.to_owned(), parameters));
    assert_eq!(guarded.duo.asked(), wanted);

    // The same in one.
    let granted = guarded.log_in(&[("X-Vault-MFA", "phone")]).await;
    is_let_in(&guarded.house, granted).await;
}

#[tokio::test]
async fn a_login_that_duo_does_not_confirm_gives_no_token_and_says_why() {
    let guarded = Guarded::with(json!({})).await;
    let broken = "the second factor could not be verified with duo; the log of the server says why";
    for (play, why, last) in [
        (Play::Deny, "the push was denied", "auth_status"),
        (Play::TimeOut, "the push was denied", "auth_status"),
        (Play::Lock, "Duo does not let this user log in", "preauth"),
        (Play::Enroll, "this user has no device at Duo", "preauth"),
        (Play::Unknown, broken, "preauth"),
    ] {
        guarded.duo.play(play);
        guarded.validate(&[]).await.refused(403, why);
        assert_eq!(guarded.endpoints().last().unwrap(), last, "{play:?}");
    }
    guarded.duo.play(Play::Bypass);
    // Five were enough for now; Duo is not asked, whatever it would say.
    let limited = "maximum MFA validation attempts 6 exceeded the allowed attempts 5";
    guarded.validate(&[]).await.refused(403, limited);
    assert!(guarded.endpoints().is_empty());
}

#[tokio::test]
async fn a_service_that_is_broken_lets_nobody_in() {
    let guarded = Guarded::with(json!({})).await;
    let broken = "the second factor could not be verified with duo; the log of the server says why";
    for play in [Play::Fault, Play::Oversize, Play::Redirect] {
        guarded.duo.play(play);
        guarded.validate(&[]).await.refused(403, broken);
        // No redirect is followed, and nothing is tried again.
        assert_eq!(guarded.endpoints(), ["preauth"], "{play:?}");
    }
    // In one half, as always, no reason is told.
    let refused = guarded.log_in(&[("X-Vault-MFA", "phone")]).await;
    refused.refused(403, "permission denied");
    guarded.duo.play(Play::Bypass);
    let granted = guarded.validate(&[]).await;
    is_let_in(&guarded.house, granted).await;
}

#[tokio::test]
async fn a_passcode_is_looked_at_by_duo_and_no_push_is_sent() {
    let guarded = Guarded::with(json!({ "use_passcode": true })).await;
    let waiting = guarded.log_in(&[]).await.expect(200);
    let any = waiting.at("/auth/mfa_requirement/mfa_constraints/people/any/0");
    assert_eq!(any["uses_passcode"], true);
    let missing = "MFA credentials not supplied or incorrect";
    guarded.validate(&[]).await.refused(403, missing);
    assert!(guarded.endpoints().is_empty());
    let wrong = guarded.validate(&["passcode=424242"]).await;
    wrong.refused(403, "Duo refused the passcode");
    let granted = guarded.validate(&[&format!("passcode={PASSCODE}")]).await;
    is_let_in(&guarded.house, granted).await;
    let asked = guarded.duo.asked();
    let pushes = asked.iter().filter(|(_, it)| it.contains("push"));
    assert_eq!(pushes.count(), 0, "{asked:?}");
    let header = format!("phone:{PASSCODE}");
    let granted = guarded.log_in(&[("X-Vault-MFA", &header)]).await;
    is_let_in(&guarded.house, granted).await;
}

#[tokio::test]
async fn a_service_with_a_wrong_certificate_or_another_key_is_not_believed() {
    let broken = "the second factor could not be verified with duo";
    let duo = Duo::start(&Authority::new(), SECRET_KEY).await;
    let guarded = Guarded::at(duo, &Authority::new(), json!({})).await;
    guarded.duo.play(Play::Bypass);
    guarded.validate(&[]).await.refused(403, broken);
    assert!(guarded.endpoints().is_empty());

    let guarded = Guarded::with(json!({ "secret_key": "another" })).await;
    guarded.duo.play(Play::Bypass);
    guarded.validate(&[]).await.refused(403, broken);
    assert!(guarded.endpoints().is_empty());
}

#[tokio::test]
async fn no_push_is_sent_that_is_not_on_record() {
    let guarded = Guarded::with(json!({})).await;
    let root = &guarded.house.root;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let reading = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move { tokio::io::copy(&mut stream, &mut sink()).await });
        }
    });
    let options = json!({ "address": address });
    let device = json!({ "type": "socket", "options": options });
    root.post("sys/audit/wire", device).await.expect(204);
    root.delete("sys/audit/file").await.expect(204);
    let waiting = guarded.log_in(&[]).await.expect(200);
    reading.abort();
    let _cancelled = reading.await;
    let id = waiting.text_at("/auth/mfa_requirement/mfa_request_id");
    let body = json!({ "mfa_request_id": id, "mfa_payload": { &guarded.method: [] } });
    let nobody = root.with_token("");
    nobody.post("sys/mfa/validate", body).await.expect(500);
    assert!(guarded.endpoints().is_empty());
}
