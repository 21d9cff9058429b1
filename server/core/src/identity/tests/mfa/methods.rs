//! Methods, secrets and enforcements: made, read, listed, changed, removed.

use super::*;

const METHOD: &str = "identity/mfa/method/totp";
const GENERATE: &str = "identity/mfa/method/totp/generate";
const ADMIN_GENERATE: &str = "identity/mfa/method/totp/admin-generate";
const ADMIN_DESTROY: &str = "identity/mfa/method/totp/admin-destroy";
const NONE: &str = "00000000-0000-0000-0000-000000000000";

async fn list(house: &House, path: &str) -> Result<Value, Error> {
    let listed = house.call(Operation::List, &house.root, path, Value::Null);
    listed.await.map(data)
}

#[tokio::test]
async fn methods_survive_a_restart_and_are_listed_by_type() {
    let mut house = House::new().await;
    let missing = list(&house, "identity/mfa/method").await;
    assert!(matches!(missing, Err(Error::NotFound(None))));
    let body = json!({"method_name": "phone", "period": "1m", "digits": 8, "algorithm": "SHA512"});
    let id = house.method(body).await;
    house.restart().await;
    let method = house.read(&format!("{METHOD}/{id}")).await;
    let wanted = json!({
        "algorithm": "SHA512", "digits": 8, "id": id, "issuer": "Keyward", "key_size": 20,
        "max_validation_attempts": 5, "name": "phone", "namespace_id": "root",
        "namespace_path": "", "period": 60, "qr_size": 200, "skew": 1, "type": "totp",
    });
    assert_eq!(method, wanted);
    assert_eq!(
        house.read(&format!("identity/mfa/method/{id}")).await,
        wanted
    );
    for path in ["identity/mfa/method", METHOD] {
        let listed = list(&house, path).await.unwrap();
        assert_eq!(listed["keys"], json!([id]));
        assert_eq!(listed["key_info"][&id], wanted);
    }
    let unknown = list(&house, "identity/mfa/method/sms").await;
    assert!(matches!(unknown, Err(Error::UnsupportedOperation)));
}

#[tokio::test]
async fn a_name_is_that_of_one_method() {
    let house = House::new().await;
    let first = house.method(json!({"method_name": "phone"})).await;
    assert_eq!(
        house
            .method(json!({"method_name": "phone", "digits": 8}))
            .await,
        first
    );
    assert_eq!(house.read(&format!("{METHOD}/{first}")).await["digits"], 8);
    let second = house.method(json!({})).await;
    let path = format!("{METHOD}/{second}");
    let refused = house.refusal(&path, json!({"issuer": "i", "method_name": "phone"}));
    assert_eq!(
        refused.await,
        "a login MFA method configuration with the method name phone already exists"
    );
    assert_eq!(house.read(&path).await["name"], "");
    house
        .write(&path, json!({"issuer": "i", "method_name": "desk"}))
        .await;
    let method = house.read(&path).await;
    assert_eq!(
        (&method["name"], &method["issuer"]),
        (&json!("desk"), &json!("i"))
    );
}

#[tokio::test]
async fn what_is_no_method_is_told_as_vault_does() {
    let house = House::new().await;
    let read = async |path: &str| house.read_as(&house.root, path).await.unwrap_err();
    assert!(matches!(read(METHOD).await, Error::UnsupportedOperation));
    for path in ["identity/mfa/method/no-id", &format!("{METHOD}/no-id")] {
        assert!(matches!(read(path).await, Error::NotFound(None)), "{path}");
    }
    let path = format!("{METHOD}/no-id");
    let update = house.call(Operation::Update, &house.root, &path, json!({}));
    assert!(matches!(update.await, Err(Error::UnsupportedPath)));
    let path = format!("{METHOD}/{NONE}");
    assert!(matches!(read(&path).await, Error::NotFound(None)));
    let update = house.call(
        Operation::Update,
        &house.root,
        &path,
        json!({"issuer": "i"}),
    );
    assert!(matches!(update.await, Err(Error::NotFound(None))));
    house.delete(&path).await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_made_anew_once_it_is_destroyed() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let method = house.method(json!({"method_name": "phone"})).await;
    let body = json!({"method_id": method, "entity_id": bob.entity});
    let first = house.write(ADMIN_GENERATE, body.clone()).await;
    let url = first["url"].as_str().unwrap();
    let head = format!(
        "otpauth://totp/Keyward:{}?algorithm=SHA1&digits=6",
        bob.entity
    );
    assert!(url.starts_with(&head), "{url}");
    assert!(
        first["barcode"]
            .as_str()
            .unwrap()
            .starts_with("iVBORw0KGgo")
    );
    let again = house.call(Operation::Update, &house.root, ADMIN_GENERATE, body.clone());
    let again = again.await.unwrap();
    assert_eq!(
        again.warnings,
        ["Entity already has a secret for MFA method \"phone\""]
    );
    assert!(again.data.is_none());
    house.write(ADMIN_DESTROY, body.clone()).await;
    house.write(ADMIN_DESTROY, body.clone()).await;
    assert_ne!(house.write(ADMIN_GENERATE, body).await["url"], first["url"]);
}

#[tokio::test]
async fn who_may_generates_a_secret_for_its_own_entity() {
    let house = House::new().await;
    let method = house.method(json!({"qr_size": 0})).await;
    let bob = house.holder("bob").await;
    let body = json!({ "method_id": method });
    let refused = house.call(Operation::Update, &bob.token, GENERATE, body.clone());
    assert!(matches!(refused.await, Err(Error::Denied(Denial::Policy))));
    let policy = format!("path \"{GENERATE}\" {{ capabilities = [\"update\"] }}");
    house
        .write("sys/policies/acl/enrol", json!({ "policy": policy }))
        .await;
    let path = format!("identity/entity/id/{}", bob.entity);
    house.write(&path, json!({"policies": "enrol"})).await;
    let shown = house.call(Operation::Update, &bob.token, GENERATE, body.clone());
    let shown = data(shown.await.unwrap());
    assert_eq!(shown["barcode"], "");
    assert!(shown["url"].as_str().unwrap().contains(&bob.entity));
    assert_eq!(house.refusal(GENERATE, body).await, "missing entityID");
}

#[tokio::test]
async fn a_secret_of_nothing_is_refused_in_vaults_words() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let method = house.method(json!({"qr_size": 10})).await;
    let body = |method: &str, entity: &str| json!({"method_id": method, "entity_id": entity});
    for (path, missing) in [
        (ADMIN_GENERATE, "missing entityID"),
        (ADMIN_DESTROY, "missing entity ID"),
    ] {
        assert_eq!(house.refusal(path, json!({})).await, "missing method ID");
        assert_eq!(house.refusal(path, body(&method, "")).await, missing);
        assert_eq!(
            house.refusal(path, body(&method, "zz")).await,
            "invalid entity ID"
        );
        assert_eq!(
            house.refusal(path, body("zz", &bob.entity)).await,
            "configuration for method ID \"zz\" does not exist"
        );
    }
    let small = house
        .refusal(ADMIN_GENERATE, body(&method, &bob.entity))
        .await;
    assert!(small.contains("can not scale barcode"), "{small}");
    // Nothing was made.
    let path = format!("{METHOD}/{method}");
    house.write(&path, json!({"issuer": "Keyward"})).await;
    house.enrol(&method, &bob.entity).await;
}

#[tokio::test]
async fn an_enforcement_is_made_changed_read_listed_and_removed() {
    let mut house = House::new().await;
    let method = house.method(json!({})).await;
    let group = house.group(json!({"name": "staff"})).await;
    let entity = house.entity(json!({"name": "bob"})).await;
    let path = "identity/mfa/login-enforcement/all";
    let missing = list(&house, "identity/mfa/login-enforcement").await;
    assert!(matches!(missing, Err(Error::NotFound(None))));
    let body = json!({"mfa_method_ids": [method], "auth_method_types": "door"});
    house.write(path, body).await;
    let id = house.read(path).await["id"].clone();
    let body = json!({
        "mfa_method_ids": [method], "identity_group_ids": [group],
        "identity_entity_ids": [entity], "auth_method_accessors": [house.gate],
    });
    house.write(path, body).await;
    house.restart().await;
    let wanted = json!({
        "auth_method_accessors": [house.gate], "auth_method_types": ["door"], "id": id,
        "identity_entity_ids": [entity], "identity_group_ids": [group],
        "mfa_method_ids": [method], "name": "all", "namespace_id": "root", "namespace_path": "",
    });
    assert_eq!(house.read(path).await, wanted);
    let listed = list(&house, "identity/mfa/login-enforcement")
        .await
        .unwrap();
    assert_eq!(
        listed,
        json!({"keys": ["all"], "key_info": {"all": wanted}})
    );
    let method = format!("{METHOD}/{method}");
    let used = house.call(Operation::Delete, &house.root, &method, Value::Null);
    let used = used.await.unwrap_err().to_string();
    let id = id.as_str().unwrap();
    assert_eq!(
        used,
        format!("methodID is still used by an enforcement configuration with ID: {id}")
    );
    for _ in 0..2 {
        house.delete(path).await;
    }
    let gone = house.read_as(&house.root, path).await;
    assert!(matches!(gone, Err(Error::NotFound(None))));
    house.delete(&method).await;
}

#[tokio::test]
async fn an_enforcement_of_what_is_not_there_is_refused_in_vaults_words() {
    let house = House::new().await;
    let method = house.method(json!({})).await;
    let path = "identity/mfa/login-enforcement/e";
    assert_eq!(house.refusal(path, json!({})).await, "missing method ids");
    for (field, given, text) in [
        (
            "mfa_method_ids",
            json!(["zz"]),
            "one of the provided method ids doesn't exist",
        ),
        (
            "mfa_method_ids",
            json!(format!("{method},{method}")),
            "one of the provided method ids doesn't exist",
        ),
        (
            "auth_method_accessors",
            json!(["zz"]),
            "one of the auth method accessors provided is invalid",
        ),
        (
            "auth_method_types",
            json!(["zz"]),
            "one of the auth method types provided is invalid",
        ),
        (
            "auth_method_types",
            json!(["identity"]),
            "one of the auth method types provided is invalid",
        ),
        (
            "identity_group_ids",
            json!(["zz"]),
            "one of the provided group ids doesn't exist",
        ),
        (
            "identity_entity_ids",
            json!(["zz"]),
            "one of the provided entity ids doesn't exist",
        ),
    ] {
        let mut body = json!({ "mfa_method_ids": [method] });
        body[field] = given;
        assert_eq!(house.refusal(path, body).await, text);
    }
    assert_eq!(
        house
            .refusal(path, json!({ "mfa_method_ids": [method] }))
            .await,
        "One of auth_method_accessors, auth_method_types, identity_group_ids, identity_entity_ids \
         must be specified"
    );
    let nothing = house.read_as(&house.root, path).await;
    assert!(matches!(nothing, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn secrets_go_with_their_entity_and_with_their_method() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let amy = house.holder("amy").await;
    let (phone, desk) = (house.method(json!({})).await, house.method(json!({})).await);
    for entity in [&bob.entity, &amy.entity] {
        for method in [&phone, &desk] {
            house.enrol(method, entity).await;
        }
    }
    let secrets = async || {
        let keys = house.storage_keys("logical/identity/mfa/secret/").await;
        keys.len()
    };
    assert_eq!(secrets().await, 4);
    house
        .delete(&format!("identity/entity/id/{}", bob.entity))
        .await;
    assert_eq!(secrets().await, 2);
    house.delete(&format!("{METHOD}/{phone}")).await;
    assert_eq!(secrets().await, 1);
}

#[tokio::test]
async fn merged_entities_keep_their_second_factors() {
    let house = House::new().await;
    let to = house.log_in("gate", json!({"name": "bob"})).await.unwrap();
    let from = house.holder("bob").await;
    let (phone, desk) = (house.method(json!({})).await, house.method(json!({})).await);
    let kept = house.enrol(&phone, &to.entity).await;
    house.enrol(&phone, &from.entity).await;
    let moved = house.enrol(&desk, &from.entity).await;
    let mut body = json!({"from_entity_ids": [from.entity], "to_entity_id": to.entity});
    let refused = house.refusal("identity/entity/merge", body.clone()).await;
    assert_eq!(
        refused,
        format!(
            "conflicting MFA config ID {phone:?} in entity ID {:?}",
            from.entity
        )
    );
    body["force"] = json!(true);
    house.write("identity/entity/merge", body).await;
    assert_eq!(
        house
            .storage_keys("logical/identity/mfa/secret/")
            .await
            .len(),
        2
    );
    house.enforce("one", &[&phone]).await;
    house.enforce("two", &[&desk]).await;
    let waiting = house.begin().await;
    let now = house.clock.now();
    let payload = json!({&phone: [kept.code(now, 0)], &desk: [moved.code(now, 0)]});
    let done = house.validate(&waiting, payload).await.unwrap();
    assert_eq!(done.auth.unwrap().entity_id, to.entity);
}
