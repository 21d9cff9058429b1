//! A server whose logins a service of others confirms: bob has a password and needs its word too.

use serde_json::{Value, json};

use super::House;
use crate::support::{Answer, Authority, Installation, Store};

/// Starts a server that trusts `authority`, and demands a method of a kind from bob; returns the id of
/// the method, whose name is `phone`.
pub(super) async fn guard(authority: &Authority, kind: &str, mut method: Value) -> (House, String) {
    let mut installation = Installation::new(Store::Sled);
    let authorities = installation.path("authorities.pem");
    std::fs::write(&authorities, &authority.pem).unwrap();
    installation.tell("SSL_CERT_FILE", authorities);
    let house = House::of(installation, "userpass").await;
    let bob = json!({ "password": "a password" });
    house.write("auth/userpass/users/bob", bob).await;
    method["method_name"] = "phone".into();
    let path = format!("identity/mfa/method/{kind}");
    let made = house.root.post(&path, method).await.expect(200);
    let method = made.text_at("/data/method_id").to_owned();
    let body = json!({ "mfa_method_ids": [method], "auth_method_types": ["userpass"] });
    house
        .write("identity/mfa/login-enforcement/people", body)
        .await;
    (house, method)
}

/// Logs bob in with some headers.
pub(super) async fn log_in(house: &House, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "password": "a password" }).to_string();
    let nobody = house.root.with_token("");
    let path = "auth/userpass/login/bob";
    nobody.send("POST", path, headers, Some(body)).await
}

/// Logs bob in, in two halves.
pub(super) async fn validate(house: &House, method: &str, passcodes: &[&str]) -> Answer {
    let waiting = log_in(house, &[]).await.expect(200);
    let id = waiting.text_at("/auth/mfa_requirement/mfa_request_id");
    let body = json!({ "mfa_request_id": id, "mfa_payload": { method: passcodes } });
    let nobody = house.root.with_token("");
    nobody.post("sys/mfa/validate", body).await
}

/// Tells the name of bob's entity.
pub(super) async fn entity_name(house: &House) -> String {
    let names = house.root.list("identity/entity/name").await.expect(200);
    names.text_at("/data/keys/0").to_owned()
}

pub(super) async fn is_let_in(house: &House, granted: Answer) {
    let granted = granted.expect(200);
    let bob = house.root.with_token(granted.text_at("/auth/client_token"));
    bob.get("auth/token/lookup-self").await.expect(200);
}
