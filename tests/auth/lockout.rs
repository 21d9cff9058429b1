//! Who fails to log in too often: locked out whatever the password then is, listed, and let in again.

use std::fs;

use serde_json::json;

use super::House;

const LOGIN: &str = "userpass/login/ann";

#[tokio::test]
async fn who_fails_too_often_is_locked_out_until_somebody_unlocks_them() {
    let house = House::with("userpass").await;
    let pass = json!({ "password": "pass" });
    house.write("auth/userpass/users/ann", pass.clone()).await;
    for user in ["ann", "nobody"] {
        for _ in 0..5 {
            let wrong = json!({ "password": "wrong" });
            let answer = house.log_in(&format!("userpass/login/{user}"), wrong).await;
            answer.refused(400, "invalid username or password");
        }
    }
    // Nobody learns from it who exists.
    for user in ["ann", "ANN", "nobody"] {
        let answer = house
            .log_in(&format!("userpass/login/{user}"), pass.clone())
            .await;
        answer.refused(403, "permission denied");
    }
    let [request, response] = house.last_lines();
    assert_eq!(request["request"]["path"], "auth/userpass/login/nobody");
    let told = response["error"].as_str().unwrap();
    assert!(told.contains("permission denied"), "{told}");

    let listed = house.root.get("sys/locked-users").await.expect(200);
    assert_eq!(listed.at("/data/total"), 2);
    let mount = "/data/by_namespace/0/mount_accessors/0";
    let names = listed.at(&format!("{mount}/alias_identifiers"));
    assert_eq!(names, &json!(["ann", "nobody"]));
    let accessor = listed.text_at(&format!("{mount}/mount_accessor"));
    let unlock = format!("sys/locked-users/{accessor}/unlock/ann");
    house.write(&unlock, json!({})).await;
    house.holder(LOGIN, pass).await;
}

#[tokio::test]
async fn the_configuration_and_the_mount_say_when() {
    let house = House::with("userpass").await;
    let pass = json!({ "password": "pass" });
    let wrong = json!({ "password": "wrong" });
    house.write("auth/userpass/users/ann", pass.clone()).await;
    let file = house.installation.config();
    let stanza = "user_lockout \"userpass\" { lockout_threshold = 2 }\n";
    fs::write(&file, fs::read_to_string(&file).unwrap() + stanza).unwrap();
    let house = house.restart().await;
    for _ in 0..2 {
        house.log_in(LOGIN, wrong.clone()).await.expect(400);
    }
    house.log_in(LOGIN, pass.clone()).await.expect(403);
    let never = json!({ "user_lockout_config": { "lockout_disable": true } });
    house.write("sys/auth/userpass/tune", never).await;
    let tuned = house.root.get("sys/auth/userpass/tune").await.expect(200);
    assert_eq!(tuned.at("/data/user_lockout_disable"), true);
    house.holder(LOGIN, pass).await;
}
