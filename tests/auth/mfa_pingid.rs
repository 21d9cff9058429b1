//! Login MFA with PingID: pushes, and what comes of a service that does not do its part.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    House,
    guarded::{self, is_let_in},
};
use crate::support::{
    Answer, Authority,
    pingid::{PingId, Play},
};

const TOKEN: &str = "the token=of the organization";
const KEY: &str = "the key of the organization";
const BROKEN: &str =
    "the second factor could not be verified with pingid; the log of the server says why";

/// A server with bob, who logs in with a password and needs the second factor.
struct Guarded {
    house: House,
    pingid: PingId,
    method: String,
}

impl Guarded {
    async fn new(username_format: &str) -> Self {
        let authority = Authority::new();
        let pingid = PingId::start(&authority, TOKEN, KEY).await;
        Self::at(pingid, &authority, username_format).await
    }

    /// The server trusts `authority` alone.
    async fn at(pingid: PingId, authority: &Authority, username_format: &str) -> Self {
        let settings = pingid.settings();
        let body = json!({ "settings_file_base64": settings, "username_format": username_format });
        let (house, method) = guarded::guard(authority, "pingid", body).await;
        Self {
            house,
            pingid,
            method,
        }
    }

    async fn log_in(&self, headers: &[(&str, &str)]) -> Answer {
        guarded::log_in(&self.house, headers).await
    }

    async fn validate(&self) -> Answer {
        guarded::validate(&self.house, &self.method, &[]).await
    }
}

#[tokio::test]
async fn a_push_that_is_approved_logs_in_across_a_restart() {
    let mut guarded = Guarded::new("{{identity.entity.name}}@corp.example").await;
    guarded.house = guarded.house.restart().await;
    let waiting = guarded.log_in(&[]).await.expect(200);
    let any = waiting.at("/auth/mfa_requirement/mfa_constraints/people/any");
    let wanted = json!([{ "type": "pingid", "id": guarded.method, "name": "phone" }]);
    assert_eq!(any, &wanted);

    for play in [Play::Approve, Play::Terse] {
        guarded.pingid.play(play);
        let granted = guarded.validate().await;
        is_let_in(&guarded.house, granted).await;
        let name = guarded::entity_name(&guarded.house).await;
        assert_eq!(guarded.pingid.asked(), [format!("{name}@corp.example")]);
        // The same in one.
        let granted = guarded.log_in(&[("X-Vault-MFA", "phone")]).await;
        is_let_in(&guarded.house, granted).await;
    }
}

#[tokio::test]
async fn a_login_that_pingid_does_not_confirm_gives_no_token() {
    let guarded = Guarded::new("").await;
    guarded.pingid.play(Play::Deny);
    let refused = guarded.validate().await;
    refused.refused(403, "PingID did not confirm the login (error 20521)");
    // In one half, as always, no reason is told.
    let refused = guarded.log_in(&[("X-Vault-MFA", "phone")]).await;
    refused.refused(403, "permission denied");
    for _ in 0..3 {
        guarded.validate().await.refused(403, "(error 20521)");
    }
    guarded.pingid.play(Play::Approve);
    let limited = "maximum MFA validation attempts 6 exceeded the allowed attempts 5";
    guarded.validate().await.refused(403, limited);
    assert_eq!(guarded.pingid.reached(), 0);
}

#[tokio::test]
async fn an_answer_that_is_not_as_it_should_be_lets_nobody_in() {
    for plays in [
        [Play::Echo, Play::Fault, Play::Forge, Play::Foreign],
        [Play::Oversize, Play::Redirect, Play::Unknown, Play::Forge],
    ] {
        let guarded = Guarded::new("").await;
        for play in plays {
            guarded.pingid.play(play);
            guarded.validate().await.refused(403, BROKEN);
            // No redirect is followed, and nothing is tried again.
            assert_eq!(guarded.pingid.reached(), 1, "{play:?}");
        }
        guarded.pingid.play(Play::Approve);
        let granted = guarded.validate().await;
        is_let_in(&guarded.house, granted).await;
    }
}

#[tokio::test]
async fn a_service_with_a_wrong_certificate_or_another_key_is_not_believed() {
    let pingid = PingId::start(&Authority::new(), TOKEN, KEY).await;
    let guarded = Guarded::at(pingid, &Authority::new(), "").await;
    guarded.validate().await.refused(403, BROKEN);
    assert_eq!(guarded.pingid.reached(), 0);

    let authority = Authority::new();
    let pingid = PingId::start(&authority, TOKEN, KEY).await;
    let other = PingId::start(&authority, TOKEN, "another key").await;
    let guarded = Guarded::at(pingid, &authority, "").await;
    let path = format!("identity/mfa/method/pingid/{}", guarded.method);
    let write = async |settings| {
        let body = json!({ "settings_file_base64": settings });
        guarded.house.write(&path, body).await;
    };
    // A service that has another key than the method.
    write(guarded.pingid.settings_with("another key")).await;
    guarded.validate().await.refused(403, BROKEN);
    assert_eq!(guarded.pingid.reached(), 1);
    // Other settings count from the next login on.
    write(other.settings()).await;
    let granted = guarded.validate().await;
    is_let_in(&guarded.house, granted).await;
    assert_eq!((guarded.pingid.reached(), other.reached()), (1, 1));
}

#[tokio::test]
async fn neither_the_key_nor_the_token_is_shown() {
    let guarded = Guarded::new("").await;
    let path = format!("identity/mfa/method/pingid/{}", guarded.method);
    let read = guarded.house.root.get(&path).await.expect(200);
    assert_eq!(read.at("/data/use_signature"), true);
    for secret in [TOKEN, KEY, &STANDARD.encode(KEY)] {
        assert!(!read.text.contains(secret), "{}", read.text);
    }
    let file = "settings_file_base64";
    assert!(read.at("/data").get(file).is_none(), "{}", read.text);
}
