//! Which logins need a second factor, and how it is brought.

use super::*;

const WRONG: &str = "MFA credentials not supplied or incorrect";

#[tokio::test]
async fn a_login_that_needs_a_second_factor_gives_no_token_before() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let phone = house.method(json!({"method_name": "phone"})).await;
    let desk = house.method(json!({})).await;
    let authenticator = house.enrol(&phone, &bob.entity).await;
    house.enforce("door", &[&phone, &desk]).await;
    let before = house.storage_keys("sys/token/").await;
    let done = house
        .ask("auth/door/login", json!({"name": "bob"}), |_| ())
        .await
        .unwrap();
    let waiting = waits_under(&done);
    assert_eq!(
        done.warnings,
        [
            "A login request was issued that is subject to MFA validation. Please make sure to \
          validate the login by sending another request to mfa/validate endpoint."
        ]
    );
    let auth = serde_json::to_value(done.auth.unwrap()).unwrap();
    let wanted = json!({
        "client_token": "", "accessor": "", "policies": null, "metadata": null,
        "lease_duration": 0, "renewable": false, "entity_id": "", "token_type": "default",
        "orphan": false, "num_uses": 0,
        "mfa_requirement": {
            "mfa_request_id": waiting,
            "mfa_constraints": {"door": {"any": [
                {"type": "totp", "id": phone, "uses_passcode": true, "name": "phone"},
                {"type": "totp", "id": desk, "uses_passcode": true},
            ]}},
        },
    });
    assert_eq!(auth, wanted);
    assert_eq!(house.storage_keys("sys/token/").await, before);
    let code = authenticator.code(house.clock.now(), 0);
    let done = house
        .validate(&waiting, json!({&phone: [code]}))
        .await
        .unwrap();
    let auth = serde_json::to_value(done.auth.as_ref().unwrap()).unwrap();
    // All but the names is as without a second factor.
    for (field, value) in bob.auth.as_object().unwrap() {
        if !["accessor", "client_token"].contains(&field.as_str()) {
            assert_eq!(auth[field], *value, "{field}");
        }
    }
    assert!(done.warnings.is_empty());
    let token = token(done);
    assert!(house.is_alive(&token).await);
    let looked = house
        .read_as(&token, "auth/token/lookup-self")
        .await
        .unwrap();
    assert_eq!(looked["path"], "auth/door/login");
}

#[tokio::test]
async fn a_login_is_covered_by_its_door_its_entity_and_its_groups() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let inner = house
        .group(json!({"name": "in", "member_entity_ids": [bob.entity]}))
        .await;
    let outer = house
        .group(json!({"name": "out", "member_group_ids": [inner]}))
        .await;
    let method = house.method(json!({})).await;
    let path = "identity/mfa/login-enforcement/e";
    for (field, of) in [
        ("auth_method_accessors", &house.door),
        ("auth_method_types", &"door".to_owned()),
        ("identity_entity_ids", &bob.entity),
        ("identity_group_ids", &inner),
        ("identity_group_ids", &outer),
    ] {
        house
            .write(path, json!({"mfa_method_ids": [method], field: [of]}))
            .await;
        house.begin().await;
        // `auth/gate` is of the same type, and bob somebody else there.
        let at_gate = house
            .ask("auth/gate/login", json!({"name": "bob"}), |_| ())
            .await
            .unwrap();
        let needs = at_gate.auth.unwrap().mfa_requirement.is_some();
        assert_eq!(needs, field == "auth_method_types", "{field}");
        house.delete(path).await;
    }
    assert!(house.holder("bob").await.entity == bob.entity);
}

#[tokio::test]
async fn what_is_no_login_needs_no_second_factor() {
    let house = House::new().await;
    let method = house.method(json!({})).await;
    let body = json!({"mfa_method_ids": [method], "auth_method_types": ["token", "door"]});
    house.write("identity/mfa/login-enforcement/e", body).await;
    let own = json!({"policies": ["default"]});
    let made = house.call(Operation::Update, &house.root, "auth/token/create", own);
    let made = token(made.await.unwrap());
    let renew = "auth/token/renew-self";
    let renewed = house.call(Operation::Update, &made, renew, Value::Null);
    let renewed = renewed.await.unwrap();
    assert!(renewed.auth.unwrap().mfa_requirement.is_none());
    assert!(house.is_alive(&made).await);
}

#[tokio::test]
async fn who_has_no_entity_cannot_have_a_second_factor() {
    let house = House::new().await;
    let nameless = json!({"nameless": true});
    let log_in = async || house.ask("auth/door/login", nameless.clone(), |_| ()).await;
    assert!(log_in().await.is_ok());
    let method = house.method(json!({})).await;
    house.enforce("e", &[&method]).await;
    assert!(matches!(log_in().await, Err(Error::Refused(text)) if text == "permission denied"));
}

#[tokio::test]
async fn a_login_may_bring_its_second_factor_along() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let phone = house
        .method(json!({"method_name": "phone", "digits": 8}))
        .await;
    let authenticator = house.enrol(&phone, &bob.entity).await;
    let code = |steps| authenticator.code(house.clock.now(), steps);
    let warned = house.log_in_with(&["phone:1"]).await.unwrap();
    assert_eq!(
        warned.warnings,
        ["Found MFA header but failed to find MFA Enforcement Config"]
    );
    house.enforce("door", &[&phone]).await;
    for steps in [-1, 0, 1] {
        let line = match steps {
            0 => format!("phone:{}", code(steps)),
            1 => format!("phone:passcode={}", code(steps)),
            _ => format!("{phone}:{}", code(steps)),
        };
        let done = house.log_in_with(&[&line]).await.unwrap();
        assert!(house.is_alive(&token(done)).await);
        assert_eq!(text(house.log_in_with(&[&line]).await), "permission denied");
    }
    for lines in [&["phone:00000000"][..], &["phone"], &["other:1"]] {
        assert_eq!(text(house.log_in_with(lines).await), "permission denied");
    }
    let waiting = house.log_in_with(&[""]).await.unwrap();
    assert!(waiting.auth.unwrap().mfa_requirement.is_some());
}

#[tokio::test]
async fn all_enforcements_must_be_met_and_one_method_of_each() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let (phone, desk) = (house.method(json!({})).await, house.method(json!({})).await);
    let on_phone = house.enrol(&phone, &bob.entity).await;
    let on_desk = house.enrol(&desk, &bob.entity).await;
    house.enforce("a", &[&phone, &desk]).await;
    house.enforce("b", &[&desk]).await;
    let waiting = house.begin().await;
    let now = house.clock.now();
    let only = json!({&phone: [on_phone.code(now, 0)]});
    let refused = text(house.validate(&waiting, only.clone()).await);
    assert!(
        refused.starts_with("failed to satisfy enforcement b. error: "),
        "{refused}"
    );
    // What was good is not used up by that, and one code serves both enforcements.
    let mut both = only.clone();
    both[&desk] = json!([on_desk.code(now, 0)]);
    house.validate(&waiting, both).await.unwrap();
    let waiting = house.begin().await;
    let one = json!({&desk: [on_desk.code(now, 1)]});
    house.validate(&waiting, one).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_is_told_in_vaults_words() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let phone = house.method(json!({"method_name": "phone"})).await;
    let desk = house.method(json!({})).await;
    house.enrol(&phone, &bob.entity).await;
    house.enforce("e", &[&phone, &desk]).await;
    let waiting = house.begin().await;
    let missing = format!(
        "failed to satisfy enforcement e. error: failed to sanitize MFA creds, 2 errors \
         occurred:\n\t* failed to find MFA credentials associated with an MFA method ID {phone}, \
         method name phone\n\t* failed to find MFA credentials associated with an MFA method ID \
         {desk}, method name \n\n"
    );
    for payload in [json!({}), json!({"other": ["1"]})] {
        assert_eq!(text(house.validate(&waiting, payload).await), missing);
    }
    let fault = |fault: &str| {
        format!(
            "failed to satisfy enforcement e. error: 2 errors occurred:\n\t* {fault}\n\t* login MFA \
             validation failed for methodID: [{phone} {desk}]\n\n"
        )
    };
    for (payload, why) in [
        (json!({&phone: ["000"]}), WRONG.to_owned()),
        (json!({&phone: [123_456]}), WRONG.to_owned()),
        (json!({&phone: []}), WRONG.to_owned()),
        (json!({&phone: null}), WRONG.to_owned()),
        (
            json!({&phone: ["1", "2"]}),
            "failed to parse MFA factor, found multiple passcodes for the same MFA method"
                .to_owned(),
        ),
        (
            json!({&desk: ["1"]}),
            format!(
                "MFA secret for method name \"\" not present in entity {:?}",
                bob.entity
            ),
        ),
    ] {
        assert_eq!(text(house.validate(&waiting, payload).await), fault(&why));
    }
    for payload in [
        json!({&phone: "123456"}),
        json!({&phone: {"code": "123456"}}),
    ] {
        assert_eq!(
            text(house.validate(&waiting, payload).await),
            "invalid mfa payload"
        );
    }
    for payload in [
        json!("123456"),
        json!(123_456),
        json!(["123456"]),
        json!(true),
    ] {
        let refused = text(house.validate(&waiting, payload).await);
        assert!(refused.contains("got unconvertible type"), "{refused}");
        assert!(!refused.contains("123456"), "{refused}");
    }
    assert_eq!(
        text(house.validate("", json!({})).await),
        "missing request ID"
    );
    assert_eq!(
        text(house.validate("zz", json!({})).await),
        "invalid request ID"
    );
}

#[tokio::test]
async fn an_enforcement_without_methods_lets_nobody_in() {
    let house = House::new().await;
    let phone = house.method(json!({})).await;
    house.enforce("e", &[]).await;
    let waiting = house.begin().await;
    let refused = text(house.validate(&waiting, json!({&phone: ["1"]})).await);
    assert_eq!(
        refused,
        "failed to satisfy enforcement e. error: failed to sanitize MFA creds, <nil>"
    );
}

#[tokio::test]
async fn guesses_are_limited_for_a_period() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let phone = house.method(json!({"max_validation_attempts": 2})).await;
    let authenticator = house.enrol(&phone, &bob.entity).await;
    house.enforce("e", &[&phone]).await;
    let waiting = house.begin().await;
    for _ in 0..2 {
        let refused = text(house.validate(&waiting, json!({&phone: ["000"]})).await);
        assert!(refused.contains(WRONG), "{refused}");
    }
    // The right one too, and at whichever login.
    for (waiting, attempts) in [(&waiting, 3), (&house.begin().await, 4)] {
        let right = json!({&phone: [authenticator.code(house.clock.now(), 0)]});
        let refused = text(house.validate(waiting, right).await);
        let why = format!(
            "maximum TOTP validation attempts {attempts} exceeded the allowed attempts 2. Please \
             try again in 30s seconds"
        );
        assert!(refused.contains(&why), "{refused}");
    }
    house.advance(Duration::from_secs(30)).await;
    let right = json!({&phone: [authenticator.code(house.clock.now(), 0)]});
    house.validate(&waiting, right).await.unwrap();
    // Who has proven who it is begins anew.
    let waiting = house.begin().await;
    for _ in 0..2 {
        let refused = text(house.validate(&waiting, json!({&phone: ["000"]})).await);
        assert!(refused.contains(WRONG), "{refused}");
    }
}
