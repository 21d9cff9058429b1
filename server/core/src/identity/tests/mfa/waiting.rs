//! Logins that wait, and what becomes of them.

use super::*;

/// A house where bob needs the code of his phone.
async fn guarded() -> (House, String, Authenticator) {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let phone = house.method(json!({})).await;
    let authenticator = house.enrol(&phone, &bob.entity).await;
    house.enforce("e", &[&phone]).await;
    (house, phone, authenticator)
}

#[tokio::test]
async fn a_code_is_good_once_across_restarts_and_for_whoever_is_first() {
    let (mut house, phone, authenticator) = guarded().await;
    let code = authenticator.code(house.clock.now(), 0);
    let payload = json!({ &phone: [code] });
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(house.begin().await);
    }
    let at_once = waiting.iter().map(|it| house.validate(it, payload.clone()));
    let at_once = futures_util::future::join_all(at_once).await;
    assert_eq!(at_once.iter().filter(|done| done.is_ok()).count(), 1);
    house.restart().await;
    let later = house.begin().await;
    assert!(text(house.validate(&later, payload).await).contains("not supplied or incorrect"));
}

#[tokio::test]
async fn a_login_waits_five_minutes_and_not_across_a_seal() {
    let (house, phone, authenticator) = guarded().await;
    let payload = || json!({ &phone: [authenticator.code(house.clock.now(), 0)] });
    let early = house.begin().await;
    house.advance(Duration::from_secs(299)).await;
    let late = house.begin().await;
    house.validate(&early, payload()).await.unwrap();
    assert_eq!(
        text(house.validate(&early, payload()).await),
        "invalid request ID"
    );
    house.advance(Duration::from_secs(300)).await;
    assert_eq!(
        text(house.validate(&late, payload()).await),
        "invalid request ID"
    );
    let sealed = house.begin().await;
    house.core.seal().await;
    house.unseal().await;
    assert_eq!(
        text(house.validate(&sealed, payload()).await),
        "invalid request ID"
    );
}

#[tokio::test]
async fn enforcements_count_as_they_are_when_the_code_comes() {
    let (house, phone, authenticator) = guarded().await;
    let payload = || json!({ &phone: [authenticator.code(house.clock.now(), 0)] });
    let waiting = house.begin().await;
    let desk = house.method(json!({})).await;
    house.enforce("more", &[&desk]).await;
    assert!(text(house.validate(&waiting, payload()).await).contains("enforcement more"));
    house.delete("identity/mfa/login-enforcement/more").await;
    house.validate(&waiting, payload()).await.unwrap();
}

#[tokio::test]
async fn nobody_gets_in_who_could_not_by_now() {
    let (house, phone, authenticator) = guarded().await;
    let payload = || json!({ &phone: [authenticator.code(house.clock.now(), 0)] });
    let waiting = house.begin().await;
    let listed = house.call(
        Operation::List,
        &house.root,
        "identity/entity/id",
        Value::Null,
    );
    let bob = data(listed.await.unwrap())["keys"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let entity = format!("identity/entity/id/{bob}");
    house.write(&entity, json!({"disabled": true})).await;
    assert_eq!(
        text(house.validate(&waiting, payload()).await),
        "permission denied"
    );
    house.write(&entity, json!({"disabled": false})).await;
    house.delete("sys/auth/door").await;
    house.write("sys/auth/door", json!({"type": "door"})).await;
    assert_eq!(
        text(house.validate(&waiting, payload()).await),
        "permission denied"
    );
}

#[tokio::test]
async fn an_enforcement_that_is_gone_ends_the_wait() {
    let (house, phone, authenticator) = guarded().await;
    let waiting = house.begin().await;
    house.delete("identity/mfa/login-enforcement/e").await;
    let payload = json!({ &phone: [authenticator.code(house.clock.now(), 0)] });
    assert_eq!(
        text(house.validate(&waiting, payload).await),
        "found nil or empty MFAEnforcement configuration"
    );
    house.holder("bob").await;
}

#[tokio::test]
async fn the_token_is_as_the_login_asked_for_it() {
    let (house, phone, authenticator) = guarded().await;
    let payload = |steps| json!({ &phone: [authenticator.code(house.clock.now(), steps)] });
    let body = json!({"name": "bob", "uses": 3, "cidrs": ["10.0.0.0/8"]});
    let from = |address: &str| Remote {
        address: address.to_owned(),
        port: 1,
    };
    let done = house
        .ask("auth/door/login", body, |it| it.remote = from("10.1.1.1"))
        .await;
    let waiting = waits_under(&done.unwrap());
    let validate = async |address: &str| {
        let body = json!({"mfa_request_id": waiting, "mfa_payload": payload(0)});
        let prepare = |it: &mut Request| it.remote = from(address);
        house.ask("sys/mfa/validate", body, prepare).await
    };
    // From elsewhere the login would have been of no use.
    assert_eq!(text(validate("11.1.1.1").await), "permission denied");
    let done = validate("10.2.2.2").await.unwrap();
    assert_eq!(done.auth.as_ref().unwrap().num_uses, 3);
    assert!(!house.is_alive(&token(done)).await);
    let body = json!({"name": "bob", "batch": true});
    let done = house.ask("auth/door/login", body, |_| ()).await.unwrap();
    let done = house
        .validate(&waits_under(&done), payload(1))
        .await
        .unwrap();
    assert_eq!(done.auth.unwrap().token_type, "batch");
}

#[tokio::test]
async fn a_token_that_was_to_be_wrapped_is() {
    let (house, phone, authenticator) = guarded().await;
    let wrapped = |it: &mut Request| it.wrap_ttl = Some(Duration::from_secs(60));
    let body = json!({"name": "bob"});
    let done = house.ask("auth/door/login", body, wrapped).await.unwrap();
    assert!(done.wrap_info.is_none());
    let waiting = waits_under(&done);
    let payload = |steps| json!({ &phone: [authenticator.code(house.clock.now(), steps)] });
    let done = house.validate(&waiting, payload(0)).await.unwrap();
    let info = done.wrap_info.unwrap();
    assert!(done.auth.is_none());
    assert_eq!((info.ttl, &*info.creation_path), (60, "auth/door/login"));
    let opened = house.call(
        Operation::Update,
        info.token.expose(),
        "sys/wrapping/unwrap",
        Value::Null,
    );
    let opened = opened.await.unwrap();
    assert_eq!(
        opened.auth.as_ref().unwrap().accessor,
        info.wrapped_accessor
    );
    assert!(house.is_alive(&token(opened)).await);
    // So it is where only the second half asks for it.
    let body = json!({"mfa_request_id": house.begin().await, "mfa_payload": payload(1)});
    let done = house.ask("sys/mfa/validate", body, wrapped).await.unwrap();
    assert_eq!(done.wrap_info.unwrap().creation_path, "sys/mfa/validate");
}
