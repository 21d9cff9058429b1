//! From a name at an auth method to an entity.

use super::*;

#[tokio::test]
async fn a_name_is_one_entity_at_one_auth_method_across_restarts() {
    let mut house = House::new().await;
    let bob = house.holder("bob").await;
    assert_eq!(house.holder("BOB").await.entity, bob.entity);
    house.restart().await;
    assert_eq!(house.holder("bob").await.entity, bob.entity);
    let elsewhere = house.log_in("gate", json!({"name": "bob"})).await.unwrap();
    assert_ne!(elsewhere.entity, bob.entity);
    let entity = house
        .read(&format!("identity/entity/id/{}", bob.entity))
        .await;
    assert_eq!(entity["aliases"].as_array().unwrap().len(), 1);
    assert_eq!(entity["aliases"][0]["mount_accessor"], house.door.as_str());
    assert_eq!(entity["aliases"][0]["mount_path"], "auth/door/");
    assert_eq!(entity["aliases"][0]["mount_type"], "door");
}

#[tokio::test]
async fn a_login_brings_the_metadata_up_to_date_and_writes_nothing_else() {
    let house = House::new().await;
    let bob = json!({"name": "bob", "metadata": {"team": "red"}});
    let path = format!(
        "identity/entity/id/{}",
        house.log_in("door", bob.clone()).await.unwrap().entity
    );
    let alias = async || house.read(&path).await["aliases"][0].clone();
    assert_eq!(alias().await["metadata"], json!({"team": "red"}));
    let custom = json!({"custom_metadata": {"desk": "7"}});
    let id = alias().await["id"].as_str().unwrap().to_owned();
    house
        .write(&format!("identity/entity-alias/id/{id}"), custom)
        .await;
    let before = alias().await;
    house.clock.advance(Duration::from_secs(1));
    house.log_in("door", bob).await.unwrap();
    assert_eq!(alias().await, before);
    let bob = json!({"name": "bob", "metadata": {"team": "blue"}});
    house.log_in("door", bob).await.unwrap();
    let after = alias().await;
    assert_eq!(after["metadata"], json!({"team": "blue"}));
    assert_eq!(after["custom_metadata"], json!({"desk": "7"}));
    assert_ne!(after["last_update_time"], before["last_update_time"]);
}

#[tokio::test]
async fn external_groups_follow_what_the_auth_method_says() {
    let house = House::new().await;
    for (name, accessor) in [
        ("admins", &house.door),
        ("staff", &house.door),
        ("far", &house.gate),
    ] {
        let group = json!({"name": name, "type": "external", "policies": name});
        let group = house.group(group).await;
        let alias = json!({"name": name, "mount_accessor": accessor, "canonical_id": group});
        house.write("identity/group-alias", alias).await;
    }
    let bob = house.entity(json!({"name": "bob"})).await;
    let alias =
        |accessor: &str| json!({"name": "bob", "canonical_id": bob, "mount_accessor": accessor});
    house
        .write("identity/entity-alias", alias(&house.door))
        .await;
    house
        .write("identity/entity-alias", alias(&house.gate))
        .await;
    house
        .group(json!({"name": "own", "policies": "own", "member_entity_ids": [bob]}))
        .await;
    let policies = async |place: &str, groups: Value| {
        let body = json!({"name": "bob", "groups": groups});
        let holder = house.log_in(place, body).await.unwrap();
        assert_eq!(holder.entity, bob);
        holder.auth["identity_policies"].clone()
    };
    assert_eq!(
        policies("door", json!(["Admins", "unknown"])).await,
        json!(["admins", "own"])
    );
    assert_eq!(
        policies("gate", json!(["far", "far"])).await,
        json!(["admins", "far", "own"])
    );
    assert_eq!(
        policies("door", json!(["staff"])).await,
        json!(["far", "own", "staff"])
    );
    assert_eq!(policies("door", json!([])).await, json!(["far", "own"]));
}

#[tokio::test]
async fn many_who_come_at_once_by_one_name_are_one() {
    let house = House::new().await;
    let logins = (0..16).map(|_| house.holder("bob"));
    let holders = futures_util::future::join_all(logins).await;
    assert!(
        holders
            .iter()
            .all(|holder| holder.entity == holders[0].entity)
    );
    let keys = house
        .call(
            Operation::List,
            &house.root,
            "identity/entity/id",
            Value::Null,
        )
        .await
        .unwrap();
    assert_eq!(data(keys)["keys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_that_moved_takes_the_next_login_with_it() {
    let house = House::new().await;
    let bob = house.holder("bob").await;
    let other = house.entity(json!({"name": "other"})).await;
    let alias = json!({"name": "bob", "mount_accessor": house.door, "canonical_id": other});
    house.write("identity/entity-alias", alias).await;
    assert_eq!(house.holder("bob").await.entity, other);
    // The token that was made before is its entity's still.
    assert!(house.is_alive(&bob.token).await);
}
