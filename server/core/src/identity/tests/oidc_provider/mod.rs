//! The OpenID Connect provider: what it is told, and the flow from consent to claims.

mod flow;
mod refusals;
mod settings;

use keyward_crypto::encoding;

use super::*;
use crate::{Credentials, Outcome};

const PLACE: &str = "https://app.example/cb";

/// A house with a client for everybody, and somebody who may let clients know who they are.
struct Party {
    house: House,
    bob: Holder,
    client: Value,
}

/// What came of a request of the flow.
#[derive(Debug)]
struct Told {
    outcome: Outcome,
    challenge: Option<String>,
    body: Value,
}

impl Told {
    /// The word and the sentence of a refusal.
    fn refusal(&self) -> (Outcome, &str, &str) {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        (self.outcome, text("error"), text("error_description"))
    }

    fn text(&self, name: &str) -> &str {
        let text = self.body[name].as_str();
        text.unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }
}

impl Party {
    async fn new() -> Self {
        let house = House::new().await;
        let rule = "path \"identity/oidc/provider/*\" { capabilities = [\"read\", \"update\"] }";
        house
            .write("sys/policies/acl/flow", json!({ "policy": rule }))
            .await;
        let bob = house.holder("bob").await;
        let path = format!("identity/entity/id/{}", bob.entity);
        house
            .write(&path, json!({"name": "bob", "policies": "flow"}))
            .await;
        let party = Self {
            house,
            bob,
            client: Value::Null,
        };
        let key = json!({"algorithm": "EdDSA", "allowed_client_ids": "*"});
        party.house.write("identity/oidc/key/ed", key).await;
        let client = party.client("app", json!({})).await;
        Self { client, ..party }
    }

    /// Registers a client for everybody.
    async fn client(&self, name: &str, more: Value) -> Value {
        let mut body = json!({"key": "ed", "redirect_uris": PLACE, "assignments": "allow_all"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let path = format!("identity/oidc/client/{name}");
        self.house.write(&path, body).await;
        self.house.read(&path).await
    }

    /// Changes the `default` provider.
    async fn provider(&self, body: Value) {
        self.house
            .write("identity/oidc/provider/default", body)
            .await;
    }

    async fn scope(&self, name: &str, template: &str) {
        let path = format!("identity/oidc/scope/{name}");
        self.house
            .write(&path, json!({ "template": template }))
            .await;
    }

    /// What a client usually asks for, with other values, or without those that are null.
    fn asked(&self, other: Value) -> Value {
        let mut body = json!({
            "client_id": self.client["client_id"], "redirect_uri": PLACE, "response_type": "code",
            "scope": "openid", "state": "a state",
        });
        lay_over(&mut body, other);
        body
    }

    /// What a client usually brings for its tokens.
    fn brought(&self, code: &str, other: Value) -> Value {
        let mut body = json!({
            "grant_type": "authorization_code", "redirect_uri": PLACE, "code": code,
            "client_id": self.client["client_id"], "client_secret": self.client["client_secret"],
        });
        lay_over(&mut body, other);
        body
    }

    async fn authorize_as(&self, token: &str, body: Value) -> Told {
        let path = "identity/oidc/provider/default/authorize";
        told(self.house.call(Operation::Update, token, path, body).await)
    }

    async fn authorize(&self, other: Value) -> Told {
        self.authorize_as(&self.bob.token, self.asked(other)).await
    }

    /// Gets a code.
    async fn code(&self, other: Value) -> String {
        self.authorize(other).await.text("code").to_owned()
    }

    async fn exchange_at(&self, provider: &str, body: Value) -> Told {
        let path = format!("identity/oidc/provider/{provider}/token");
        told(self.house.call(Operation::Update, "", &path, body).await)
    }

    async fn exchange(&self, code: &str, other: Value) -> Told {
        self.exchange_at("default", self.brought(code, other)).await
    }

    async fn user_info_at(&self, provider: &str, token: &str) -> Told {
        let path = format!("identity/oidc/provider/{provider}/userinfo");
        told(
            self.house
                .call(Operation::Read, token, &path, Value::Null)
                .await,
        )
    }

    async fn user_info(&self, token: &str) -> Told {
        self.user_info_at("default", token).await
    }

    /// Goes the whole way for some scopes.
    async fn tokens(&self, scope: &str) -> Told {
        let code = self.code(json!({ "scope": scope })).await;
        let told = self.exchange(&code, json!({})).await;
        assert_eq!(told.outcome, Outcome::Success, "{told:?}");
        told
    }

    async fn disable(&self, disabled: bool) {
        let path = format!("identity/entity/id/{}", self.bob.entity);
        self.house
            .write(&path, json!({ "disabled": disabled }))
            .await;
    }
}

fn lay_over(body: &mut Value, other: Value) {
    let body = body.as_object_mut().unwrap();
    for (name, value) in other.as_object().unwrap() {
        match value {
            Value::Null => drop(body.remove(name)),
            value => drop(body.insert(name.clone(), value.clone())),
        }
    }
}

fn told(done: Result<Done, Error>) -> Told {
    let done = done.unwrap();
    let document = done.document.unwrap();
    Told {
        outcome: done.outcome,
        challenge: document.challenge,
        // EXPOSE: looked at by the test.
        body: serde_json::from_slice(document.body.expose()).unwrap(),
    }
}

/// Reads a part of an identity token.
fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&encoding::decode_url(part).unwrap()).unwrap()
}
