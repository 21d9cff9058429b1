//! Login MFA with Okta: pushes, whom they are sent to, and what comes of a service that does not do
//! its part.

use serde_json::{Value, json};

use super::{
    House,
    guarded::{self, is_let_in},
};
use crate::support::{
    Answer, Authority,
    okta::{Okta, Play},
};

const TOKEN: &str = "00-the_API_token-of-the-organization";
const BROKEN: &str =
    "the second factor could not be verified with okta; the log of the server says why";

/// A server that trusts the authority of two services, with bob, who logs in with a password and needs
/// the second factor of one.
struct Guarded {
    house: House,
    okta: Okta,
    other: Okta,
    method: String,
}

impl Guarded {
    async fn with(more: Value) -> Self {
        let authority = Authority::new();
        let okta = Okta::start(&authority, TOKEN).await;
        Self::at(okta, &authority, more).await
    }

    /// The server trusts `authority` alone.
    async fn at(okta: Okta, authority: &Authority, more: Value) -> Self {
        let other = Okta::start(authority, TOKEN).await;
        okta.point_to(&other);
        let (org_name, base_url) = okta.place();
        let mut body = json!({
            "org_name": org_name, "base_url": base_url, "api_token": TOKEN,
        });
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        let (house, method) = guarded::guard(authority, "okta", body).await;
        Self {
            house,
            okta,
            other,
            method,
        }
    }

    /// Logs bob in with some headers.
    async fn log_in(&self, headers: &[(&str, &str)]) -> Answer {
        guarded::log_in(&self.house, headers).await
    }

    /// Logs bob in, in two halves.
    async fn validate(&self) -> Answer {
        guarded::validate(&self.house, &self.method, &[]).await
    }

    /// Tells the id and the name of bob's entity.
    async fn entity(&self) -> (String, String) {
        self.log_in(&[]).await.expect(200);
        let listed = self.house.root.list("identity/entity/id").await.expect(200);
        let id = listed.text_at("/data/keys/0").to_owned();
        let path = format!("identity/entity/id/{id}");
        let entity = self.house.root.get(&path).await.expect(200);
        (id, entity.text_at("/data/name").to_owned())
    }

    /// Each request: its verb, path and query.
    fn asked(&self) -> Vec<(String, String, String)> {
        let asked = self.okta.asked().into_iter();
        asked
            .map(|call| (call.method, call.path, call.query))
            .collect()
    }

    /// The last part of each path that was asked.
    fn ends(&self) -> Vec<String> {
        let end = |call: &str| call.rsplit('/').next().unwrap_or_default().to_owned();
        let asked = self.asked();
        asked.iter().map(|(_, path, _)| end(path)).collect()
    }
}

#[tokio::test]
async fn a_push_that_is_approved_logs_in_across_a_restart() {
    let more = json!({ "username_format": "{{identity.entity.name}}@corp.example" });
    let mut guarded = Guarded::with(more).await;
    guarded.house = guarded.house.restart().await;
    let waiting = guarded.log_in(&[]).await.expect(200);
    let any = waiting.at("/auth/mfa_requirement/mfa_constraints/people/any");
    let wanted = json!([{ "type": "okta", "id": guarded.method, "name": "phone" }]);
    assert_eq!(any, &wanted);

    let granted = guarded.validate().await;
    is_let_in(&guarded.house, granted).await;
    let (_, name) = guarded.entity().await;
    let user = "/api/v1/users/00ub0oNGTSWTBKOLGLNR";
    let factor = format!("{user}/factors/opf3hkfocI4JTLAju0g4");
    let poll = format!("{factor}/transactions/v2mst.GldKV5VxTrifyeZmWSQguA");
    let find = format!("filter=profile.login%20eq%20%22{name}%40corp.example%22&limit=2");
    let wanted = [
        ("GET", "/api/v1/users".to_owned(), find.as_str()),
        ("GET", format!("{user}/factors"), ""),
        ("POST", format!("{factor}/verify"), ""),
        ("GET", poll.clone(), ""),
        ("GET", poll.clone(), ""),
        ("GET", poll, ""),
    ];
    let wanted = wanted.map(|(verb, path, query)| (verb.to_owned(), path, query.to_owned()));
    assert_eq!(guarded.asked(), wanted);
    let asked = guarded.okta.asked();
    assert_eq!(asked[2].headers["x-forwarded-for"], "127.0.0.1");

    // The same in one.
    guarded.okta.play(Play::Approve);
    let granted = guarded.log_in(&[("X-Vault-MFA", "phone")]).await;
    is_let_in(&guarded.house, granted).await;
}

#[tokio::test]
async fn a_login_that_okta_does_not_confirm_gives_no_token_and_says_why() {
    let guarded = Guarded::with(json!({})).await;
    let poll = "v2mst.GldKV5VxTrifyeZmWSQguA";
    for (play, why, last) in [
        (Play::Deny, "the push was denied", poll),
        (Play::TimeOut, "nobody answered the push", poll),
        (Play::Lock, "Okta does not let this user log in", "users"),
        (
            Play::NoPush,
            "this user gets no pushes from Okta",
            "factors",
        ),
        (Play::Unknown, BROKEN, poll),
    ] {
        guarded.okta.play(play);
        guarded.validate().await.refused(403, why);
        assert_eq!(guarded.ends().last().unwrap(), last, "{play:?}");
    }
    guarded.okta.play(Play::Approve);
    // Five were enough for now; Okta is not asked, whatever it would say.
    let limited = "maximum MFA validation attempts 6 exceeded the allowed attempts 5";
    guarded.validate().await.refused(403, limited);
    assert!(guarded.asked().is_empty());
}

#[tokio::test]
async fn a_push_goes_to_the_one_user_of_the_name_or_to_nobody() {
    let guarded = Guarded::with(json!({})).await;
    for (play, why) in [
        (Play::Nobody, "Okta knows no such user"),
        (Play::Many, "Okta knows more than one such user"),
        (Play::Another, BROKEN),
    ] {
        guarded.okta.play(play);
        guarded.validate().await.refused(403, why);
        assert_eq!(guarded.ends(), ["users"], "{play:?}");
    }
    // The push of another user is not looked at.
    guarded.okta.play(Play::Foreign);
    guarded.validate().await.refused(403, BROKEN);
    assert_eq!(guarded.ends(), ["users", "factors", "verify"]);
}

#[tokio::test]
async fn no_name_asks_for_anybody_else() {
    let more = json!({ "username_format": "{{identity.entity.metadata.okta}}" });
    let guarded = Guarded::with(more).await;
    let (entity, _) = guarded.entity().await;
    for name in [
        "bob\" or profile.login sw \"",
        "bob\\\" or profile.login pr or profile.login eq \\\"",
        "../users/00ub0oNGTSWTBKOLGLNR/factors?filter=#",
        "bob&filter=status eq \"ACTIVE\"",
        "bob%22%20or%20status%20pr",
        "b+o b\\",
        "Bürger/в@corp.example",
    ] {
        let path = format!("identity/entity/id/{entity}");
        let body = json!({ "metadata": { "okta": name } });
        guarded.house.write(&path, body).await;
        // There is somebody, whom the name would find if it said more than a name.
        guarded.okta.play(Play::Prompt);
        guarded.okta.is_home_of("bob");
        let nobody = guarded.validate().await;
        nobody.refused(403, "Okta knows no such user");
        assert_eq!(guarded.ends(), ["users"], "{name:?}");
        guarded.okta.is_home_of(name);
        let granted = guarded.validate().await;
        is_let_in(&guarded.house, granted).await;
    }
}

#[tokio::test]
async fn a_primary_email_is_looked_for_as_one() {
    let more = json!({ "primary_email": true, "username_format": "Bob@Corp.example" });
    let guarded = Guarded::with(more).await;
    let granted = guarded.validate().await;
    is_let_in(&guarded.house, granted).await;
    let (_, _, query) = guarded.asked().swap_remove(0);
    let wanted = "filter=profile.email%20eq%20%22Bob%40Corp.example%22&limit=2";
    assert_eq!(query, wanted);
    guarded.okta.play(Play::Another);
    guarded.validate().await.refused(403, BROKEN);
}

#[tokio::test]
async fn a_service_that_is_broken_lets_nobody_in() {
    let guarded = Guarded::with(json!({})).await;
    for play in [Play::Fault, Play::Oversize, Play::Redirect] {
        guarded.okta.play(play);
        guarded.validate().await.refused(403, BROKEN);
        // Nothing is tried again.
        assert_eq!(guarded.ends(), ["users"], "{play:?}");
    }
    guarded.okta.play(Play::Elsewhere);
    guarded.validate().await.refused(403, BROKEN);
    assert_eq!(guarded.ends(), ["users", "factors", "verify"]);
    // Wherever a redirect or a link leads, nothing goes there.
    assert!(!guarded.other.was_reached());
    // In one half, as always, no reason is told.
    guarded.okta.play(Play::Deny);
    let refused = guarded.log_in(&[("X-Vault-MFA", "phone")]).await;
    refused.refused(403, "permission denied");
}

#[tokio::test]
async fn a_service_with_a_wrong_certificate_or_another_token_is_not_believed() {
    let okta = Okta::start(&Authority::new(), TOKEN).await;
    let guarded = Guarded::at(okta, &Authority::new(), json!({})).await;
    guarded.validate().await.refused(403, BROKEN);
    assert!(!guarded.okta.was_reached());

    let guarded = Guarded::with(json!({ "api_token": "another" })).await;
    guarded.validate().await.refused(403, BROKEN);
    assert!(guarded.asked().is_empty());
}
