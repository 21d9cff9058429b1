//! `userpass`: people who log in with a name and a password.

use serde_json::json;

use super::House;

#[tokio::test]
async fn a_user_logs_in_and_may_what_the_policies_say_across_a_restart() {
    let house = House::with("userpass").await;
    house.policy("reader", "sys/mounts").await;
    let user = json!({ "password": "pass", "token_policies": "reader", "token_ttl": "1h" });
    house.write("auth/userpass/users/Ann", user).await;
    let login = json!({ "password": "pass" });
    let before = house.holder("userpass/login/ann", login.clone()).await;
    before.get("sys/mounts").await.expect(200);

    let house = house.restart().await;
    before.get("sys/mounts").await.expect(200);
    let answer = house.log_in("userpass/login/ANN", login).await.expect(200);
    assert_eq!(answer.at("/auth/lease_duration"), 3600);
    assert_eq!(answer.at("/auth/policies"), &json!(["default", "reader"]));
    assert_eq!(answer.at("/auth/metadata"), &json!({ "username": "ann" }));
    let after = house.root.with_token(answer.text_at("/auth/client_token"));
    after.get("sys/mounts").await.expect(200);
    after
        .get("sys/auth")
        .await
        .refused(403, "permission denied");
    let info = after.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(info.at("/data/display_name"), "userpass-ann");
    let first = before.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(info.at("/data/entity_id"), first.at("/data/entity_id"));

    // Their leases have the path of the login.
    house
        .write(
            "sys/leases/revoke-prefix/auth/userpass/login/ann",
            json!({}),
        )
        .await;
    before
        .get("sys/mounts")
        .await
        .refused(403, "permission denied");
    after.get("sys/mounts").await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_refused_alike() {
    let house = House::with("userpass").await;
    house
        .write("auth/userpass/users/ann", json!({ "password": "pass" }))
        .await;
    for (user, password) in [("ann", "Pass"), ("ann", " pass"), ("bob", "pass")] {
        let login = json!({ "password": password });
        let answer = house.log_in(&format!("userpass/login/{user}"), login).await;
        answer.refused(400, "invalid username or password");
    }
    for (user, body) in [("ann", json!({})), ("bob", json!({ "password": "" }))] {
        let answer = house.log_in(&format!("userpass/login/{user}"), body).await;
        answer.refused(400, "missing password");
    }
    let other = json!({ "password": "other" });
    house
        .write("auth/userpass/users/ann/password", other.clone())
        .await;
    let old = json!({ "password": "pass" });
    let answer = house.log_in("userpass/login/ann", old).await;
    answer.refused(400, "invalid username or password");
    house.holder("userpass/login/ann", other.clone()).await;
    house
        .root
        .delete("auth/userpass/users/ann")
        .await
        .expect(204);
    let answer = house.log_in("userpass/login/ann", other).await;
    answer.refused(400, "invalid username or password");
}

#[tokio::test]
async fn a_login_leaves_its_lines_without_the_password() {
    let house = House::with("userpass").await;
    house
        .write("auth/userpass/users/ann", json!({ "password": "pass" }))
        .await;
    let [request, _] = house.last_lines();
    assert_eq!(
        request["request"]["data"]["password"],
        house.hash("pass").await
    );
    let answer = house
        .log_in("userpass/login/ann", json!({ "password": "pass" }))
        .await;
    let [request, response] = house.last_lines();
    assert_eq!(request["request"]["path"], "auth/userpass/login/ann");
    assert_eq!(request["request"]["mount_type"], "userpass");
    assert_eq!(
        request["request"]["data"]["password"],
        house.hash("pass").await
    );
    let auth = &response["response"]["auth"];
    assert_eq!(auth["display_name"], "userpass-ann");
    assert_eq!(auth["policies"], json!(["default"]));
    let token = answer.text_at("/auth/client_token");
    assert_eq!(auth["client_token"], house.hash(token).await);
    assert_eq!(response["auth"], response["response"]["auth"]);

    // Whoever asked, it is the line of who is logged in.
    let body = json!({ "password": "pass" });
    let login = house.root.post("auth/userpass/login/ann", body).await;
    login.expect(200);
    let [_, response] = house.last_lines();
    assert_eq!(response["auth"]["display_name"], "userpass-ann");
    assert_eq!(response["auth"], response["response"]["auth"]);
    // Who unwraps a login that was wrapped is not who logged in.
    let body = Some(json!({ "password": "pass" }).to_string());
    let header = [("X-Vault-Wrap-TTL", "60")];
    let login = house
        .root
        .send("POST", "auth/userpass/login/ann", &header, body);
    let login = login.await.expect(200);
    let token = json!({ "token": login.text_at("/wrap_info/token") });
    let unwrapped = house.root.post("sys/wrapping/unwrap", token).await;
    unwrapped.expect(200);
    let [_, response] = house.last_lines();
    assert_eq!(response["auth"]["display_name"], "root");
    assert_eq!(response["response"]["auth"]["policies"], json!(["default"]));

    house
        .log_in("userpass/login/ann", json!({ "password": "x" }))
        .await;
    let [request, response] = house.last_lines();
    assert_eq!(
        request["request"]["data"]["password"],
        house.hash("x").await
    );
    assert!(response["error"].is_string(), "{response}");
    assert_eq!(response["response"]["auth"], json!(null));
}

#[tokio::test]
async fn a_token_is_renewed_as_its_user_is_by_now() {
    let house = House::with("userpass").await;
    let user = json!({ "password": "pass", "token_policies": "a", "token_ttl": "1h", "token_max_ttl": "2h" });
    house.write("auth/userpass/users/ann", user).await;
    let ann = house
        .holder("userpass/login/ann", json!({ "password": "pass" }))
        .await;
    let renew = async || ann.post("auth/token/renew-self", json!({})).await;
    assert_eq!(renew().await.expect(200).at("/auth/lease_duration"), 3600);
    house
        .write("auth/userpass/users/ann", json!({ "token_ttl": "10m" }))
        .await;
    assert_eq!(renew().await.expect(200).at("/auth/lease_duration"), 600);
    house
        .write(
            "auth/userpass/users/ann/policies",
            json!({ "policies": "b" }),
        )
        .await;
    let text =
        "1 error occurred:\n\t* failed to renew entry: policies have changed, not renewing\n\n";
    renew().await.refused(400, text);
    house
        .root
        .delete("auth/userpass/users/ann")
        .await
        .expect(204);
    renew().await.expect(204);
    ann.get("auth/token/lookup-self").await.expect(200);
}

#[tokio::test]
async fn addresses_uses_and_kinds_of_tokens_are_as_the_user_says() {
    let house = House::with("userpass").await;
    let login = json!({ "password": "pass" });
    let user = async |settings: serde_json::Value| {
        let mut user = json!({ "password": "pass" });
        user.as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        house
            .root
            .delete("auth/userpass/users/ann")
            .await
            .expect(204);
        house.write("auth/userpass/users/ann", user).await;
    };
    user(json!({ "token_bound_cidrs": "10.0.0.0/8" })).await;
    let answer = house.log_in("userpass/login/ann", login.clone()).await;
    answer.refused(403, "permission denied");

    user(json!({ "token_strictly_bind_ip": true, "token_num_uses": 2 })).await;
    let ann = house.holder("userpass/login/ann", login.clone()).await;
    let info = ann.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(info.at("/data/bound_cidrs"), &json!(["127.0.0.1"]));
    ann.get("auth/token/lookup-self").await.expect(200);
    ann.get("auth/token/lookup-self")
        .await
        .refused(403, "permission denied");

    user(json!({ "token_type": "batch" })).await;
    let ann = house.holder("userpass/login/ann", login.clone()).await;
    assert!(ann.own_token().starts_with("hvb."));
    let info = ann.get("auth/token/lookup-self").await.expect(200);
    assert_eq!(info.at("/data/meta"), &json!({ "username": "ann" }));

    user(json!({ "token_policies": "root" })).await;
    let answer = house.log_in("userpass/login/ann", login).await;
    answer.refused(400, "auth methods cannot create root tokens");
}
