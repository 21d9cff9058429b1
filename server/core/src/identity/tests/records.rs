//! Entities and aliases made, changed, merged and removed, and there again after a restart.

use proptest::prelude::*;

use super::{
    super::{Alias, Draft, Entity, Group, GroupKind, Snapshot},
    *,
};

#[tokio::test]
async fn an_entity_is_found_by_all_that_names_it_across_restarts() {
    let mut house = House::new().await;
    let body = json!({"name": "Bob", "metadata": {"a": "b"}, "policies": ["P2", "p1", "p2"]});
    let bob = house.entity(body).await;
    let alias = json!({
        "name": "bob@door", "canonical_id": bob, "mount_accessor": house.door,
        "custom_metadata": {"k": "v"},
    });
    let alias = id(&house.write("identity/entity-alias", alias).await);
    let group = house
        .group(json!({"name": "g", "member_entity_ids": [bob]}))
        .await;
    let mut before = Value::Null;
    for _ in 0..2 {
        let by_id = house.read(&format!("identity/entity/id/{bob}")).await;
        assert_eq!(by_id["name"], "Bob");
        assert_eq!(by_id["policies"], json!(["p1", "p2"]));
        assert_eq!(by_id["direct_group_ids"], json!([group]));
        assert_eq!(by_id["aliases"][0]["custom_metadata"], json!({"k": "v"}));
        assert_eq!(house.read("identity/entity/name/bOB").await, by_id);
        for query in [
            json!({"id": bob}),
            json!({"name": "BOB"}),
            json!({"alias_id": alias}),
            json!({"alias_name": "Bob@Door", "alias_mount_accessor": house.door}),
        ] {
            assert_eq!(house.write("identity/lookup/entity", query).await, by_id);
        }
        assert!(before.is_null() || before == by_id);
        before = by_id;
        house.restart().await;
    }
    for query in [json!({"name": "x"}), json!({"alias_id": "x"})] {
        assert_eq!(
            house.write("identity/lookup/entity", query).await,
            Value::Null
        );
    }
    house.delete(&format!("identity/entity/id/{bob}")).await;
    let lookup = json!({"alias_name": "bob@door", "alias_mount_accessor": house.door});
    assert_eq!(
        house.write("identity/lookup/entity", lookup).await,
        Value::Null
    );
    let group = house.read("identity/group/name/g").await;
    assert_eq!(group["member_entity_ids"], Value::Null);
}

#[tokio::test]
async fn what_makes_no_entity_is_refused_and_changes_nothing() {
    let house = House::new().await;
    let bob = house.entity(json!({"name": "bob"})).await;
    let ann = house.entity(json!({"name": "ann"})).await;
    let long = "k".repeat(129);
    let many: BTreeMap<_, _> = (0..65).map(|number| (number.to_string(), "v")).collect();
    for (body, text) in [
        (json!({"id": "nope"}), "entity not found from id".to_owned()),
        (
            json!({"id": bob, "name": "ANN"}),
            "entity name is already in use".to_owned(),
        ),
        (
            json!({"name": "x", "metadata": {long.clone(): "v"}}),
            format!(
                "1 error occurred:\n\t* invalid entity metadata: failed to load metadata pair \
                 (\"{long}\", \"v\"): key is too long (limit: 128 characters)\n\n"
            ),
        ),
        (
            json!({"name": "x", "metadata": {"": "v"}}),
            "1 error occurred:\n\t* invalid entity metadata: failed to load metadata pair (\"\", \
             \"v\"): key cannot be blank\n\n"
                .to_owned(),
        ),
        (
            json!({"name": "x", "metadata": many}),
            "1 error occurred:\n\t* invalid entity metadata: metadata cannot contain more than 64 \
             key/value pairs\n\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(house.refusal("identity/entity", body).await, text);
    }
    let alias = |name: &str, id: &str, accessor: &str| json!({"name": name, "canonical_id": id, "mount_accessor": accessor});
    let door = &house.door;
    house
        .write("identity/entity-alias", alias("b", &bob, door))
        .await;
    house
        .write("identity/entity-alias", alias("a", &ann, door))
        .await;
    for (body, text) in [
        (
            alias("b2", &bob, door),
            "Alias already exists for requested entity and mount accessor",
        ),
        (
            alias("B", &ann, door),
            "Alias already exists for requested entity and mount accessor",
        ),
        (alias("x", "nope", door), "invalid canonical ID"),
        (
            alias("b", "nope", door),
            "given 'canonical_id' is not associated with an entity",
        ),
        (alias("x", &bob, "nope"), "invalid mount accessor \"nope\""),
        (
            json!({"name": "x"}),
            "'id' or 'mount_accessor' and 'name' must be provided",
        ),
        (
            json!({"id": "nope", "name": "x"}),
            "invalid alias ID provided",
        ),
        (
            json!({"name": "x", "mount_accessor": house.gate, "custom_metadata": {"": "v"}}),
            "1 error occurred:\n\t* custom_metadata validation failed: length of key \"\" is 0 but \
             must be 0 < len(key) <= 128\n\n",
        ),
    ] {
        assert_eq!(house.refusal("identity/entity-alias", body).await, text);
    }
    let list = house.call(
        Operation::List,
        &house.root,
        "identity/entity/name",
        Value::Null,
    );
    assert_eq!(data(list.await.unwrap())["keys"], json!(["ann", "bob"]));
    let list = house.call(
        Operation::List,
        &house.root,
        "identity/entity-alias/id",
        Value::Null,
    );
    assert_eq!(
        data(list.await.unwrap())["keys"].as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn a_merge_asks_which_of_two_names_at_one_door_stays() {
    let house = House::new().await;
    let (to, from) = (
        house.holder("to").await.entity,
        house.holder("from").await.entity,
    );
    let alias = async |entity: &str| {
        let entity = house.read(&format!("identity/entity/id/{entity}")).await;
        entity["aliases"][0]["id"].as_str().unwrap().to_owned()
    };
    let (of_to, of_from) = (alias(&to).await, alias(&from).await);
    let merge = |keep: &[&str]| json!({"to_entity_id": to, "from_entity_ids": [from], "conflicting_alias_ids_to_keep": keep});
    let conflict = house.call(
        Operation::Update,
        &house.root,
        "identity/entity/merge",
        merge(&[]),
    );
    let Err(Error::Contested { text, data: sides }) = conflict.await else {
        panic!("two names at one door are merged");
    };
    assert_eq!(sides.as_array().unwrap().len(), 2);
    let name = house.read(&format!("identity/entity/id/{from}")).await["name"].clone();
    let side = json!({"alias": "from", "entity": name, "entity_id": from, "mount": "door", "mount_path": "auth/door/"});
    assert_eq!(sides[1], side);
    assert!(
        text.starts_with("2 errors occurred:\n\t* toEntity and at least one"),
        "{text}"
    );
    assert!(
        text.contains(&format!("conflicting fromEntity alias ID: {of_from}\n\n")),
        "{text}"
    );
    for (keep, which) in [(&["zz"][..], "neither"), (&[&of_to, &of_from], "both")] {
        let text = house.refusal("identity/entity/merge", merge(keep)).await;
        assert_eq!(
            text,
            format!(
                "conflicting mount accessors in following alias IDs and {which} were present in \
                 conflicting_alias_ids_to_keep: {of_from}, {of_to}"
            )
        );
    }
    assert!(house.read(&format!("identity/entity/id/{from}")).await["id"] == from.as_str());
    house
        .write("identity/entity/merge", merge(&[&of_from]))
        .await;
    let merged = house.read(&format!("identity/entity/id/{to}")).await;
    assert_eq!(merged["merged_entity_ids"], json!([from]));
    assert_eq!(merged["aliases"].as_array().unwrap().len(), 1);
    assert_eq!(merged["aliases"][0]["id"], of_from.as_str());
    assert_eq!(
        merged["aliases"][0]["merged_from_canonical_ids"],
        json!([from])
    );
    // The name that did not stay is nobody's.
    assert_ne!(house.holder("to").await.entity, to);
}

#[tokio::test]
async fn the_id_of_what_was_merged_hits_nobody() {
    let mut house = House::new().await;
    let to = house.entity(json!({"name": "to"})).await;
    let from = house.entity(json!({"name": "from"})).await;
    let body = json!({"to_entity_id": to, "from_entity_ids": [from]});
    house.write("identity/entity/merge", body.clone()).await;
    house.restart().await;
    let gone = format!("identity/entity/id/{from}");
    house.delete(&gone).await;
    let batch = json!({"entity_ids": [from]});
    house.write("identity/entity/batch-delete", batch).await;
    let lookup = json!({"id": from});
    assert_eq!(
        house.write("identity/lookup/entity", lookup).await,
        Value::Null
    );
    let read = house.call(Operation::Read, &house.root, &gone, Value::Null);
    assert!(matches!(read.await, Err(Error::NotFound(None))));
    for (path, body, text) in [
        (
            gone.as_str(),
            json!({"name": "x"}),
            "entity not found from id",
        ),
        (
            "identity/entity",
            json!({"id": from, "name": "x"}),
            "entity not found from id",
        ),
        (
            "identity/entity/merge",
            body,
            "entity id to merge from is invalid",
        ),
        (
            "identity/entity-alias",
            json!({"name": "x", "mount_accessor": house.door, "canonical_id": from}),
            "invalid canonical ID",
        ),
    ] {
        assert_eq!(house.refusal(path, body).await, text, "{path}");
    }
    let body = json!({"name": "g", "member_entity_ids": [from]});
    let text = house.refusal("identity/group", body).await;
    assert!(text.contains("invalid entity ID"), "{text}");
    let left = house.read(&format!("identity/entity/id/{to}")).await;
    assert_eq!(left["name"], "to");
    assert_eq!(left["merged_entity_ids"], json!([from]));
}

#[tokio::test]
async fn a_renamed_alias_keeps_what_its_keeper_attached() {
    let house = House::new().await;
    let [bob, ann] = [
        house.entity(json!({"name": "bob"})).await,
        house.entity(json!({"name": "ann"})).await,
    ];
    let body = json!({"name": "b", "canonical_id": bob, "mount_accessor": house.door, "custom_metadata": {"k": "v"}});
    let made = house.write("identity/entity-alias", body).await;
    let path = format!("identity/entity-alias/id/{}", made["id"].as_str().unwrap());
    for (body, left) in [
        (json!({"name": "new"}), json!({"k": "v"})),
        (json!({"canonical_id": ann}), json!({"k": "v"})),
        (json!({"custom_metadata": {}}), json!({})),
    ] {
        house.write(&path, body).await;
        assert_eq!(house.read(&path).await["custom_metadata"], left);
    }
}

#[tokio::test]
async fn a_merge_is_all_or_nothing() {
    let house = House::new().await;
    let (to, from) = (
        house.entity(json!({"name": "to"})).await,
        house.entity(json!({})).await,
    );
    house
        .group(json!({"name": "both", "member_entity_ids": [to, from]}))
        .await;
    for (body, text) in [
        (json!({}), "missing entity id to merge to"),
        (
            json!({"to_entity_id": to}),
            "missing entity ids to merge from",
        ),
        (
            json!({"to_entity_id": "zz", "from_entity_ids": [from]}),
            "entity id to merge to is invalid",
        ),
        (
            json!({"to_entity_id": to, "from_entity_ids": [from, "zz"]}),
            "entity id to merge from is invalid",
        ),
        (
            json!({"to_entity_id": to, "from_entity_ids": [from, to]}),
            "to_entity_id should not be present in from_entity_ids",
        ),
    ] {
        assert_eq!(house.refusal("identity/entity/merge", body).await, text);
    }
    let group = house.read("identity/group/name/both").await;
    assert_eq!(group["member_entity_ids"], json!([to, from]));
    let body = json!({"to_entity_id": to, "from_entity_ids": [from, from]});
    house.write("identity/entity/merge", body).await;
    let group = house.read("identity/group/name/both").await;
    assert_eq!(group["member_entity_ids"], json!([to]));
}

#[tokio::test]
async fn many_entities_go_at_once() {
    let house = House::new().await;
    let (a, b) = (house.entity(json!({})).await, house.entity(json!({})).await);
    let text = house
        .refusal("identity/entity/batch-delete", json!({}))
        .await;
    assert_eq!(text, "missing entity ids to delete");
    let body = json!({"entity_ids": [a, "unknown", b]});
    house.write("identity/entity/batch-delete", body).await;
    let list = house.call(
        Operation::List,
        &house.root,
        "identity/entity/id",
        Value::Null,
    );
    assert!(matches!(list.await, Err(Error::NotFound(None))));
}

#[tokio::test]
async fn the_mount_stays_where_it_is() {
    let house = House::new().await;
    let done = house.call(
        Operation::Delete,
        &house.root,
        "sys/mounts/identity",
        Value::Null,
    );
    assert_eq!(
        done.await.unwrap_err().to_string(),
        "cannot unmount \"identity/\""
    );
    let body = json!({"from": "identity", "to": "elsewhere"});
    assert_eq!(
        house.refusal("sys/remount", body).await,
        "cannot remount \"identity/\""
    );
    for path in ["identity", "identity/below"] {
        let body = json!({"type": "identity"});
        let text = house.refusal(&format!("sys/mounts/{path}"), body).await;
        assert_eq!(text, format!("cannot mount \"{path}/\""));
    }
    for (path, parameter) in [
        ("identity", "max_lease_ttl"),
        ("sys", "description"),
        ("cubbyhole", "default_lease_ttl"),
    ] {
        let text = house
            .refusal(&format!("sys/mounts/{path}/tune"), json!({parameter: "1h"}))
            .await;
        let wanted = format!("cannot tune parameter {parameter} of {path}/");
        assert_eq!(text, wanted);
    }
    let shown = json!({"audit_non_hmac_request_keys": ["name"]});
    house.write("sys/mounts/identity/tune", shown).await;
    let text = house.refusal("sys/auth/none/tune", json!({})).await;
    assert_eq!(
        text,
        "tune of path \"auth/none/\" failed: no mount entry found"
    );
    for folder in ["sys/mounts/", "sys/auth/"] {
        let done = house.call(Operation::Delete, &house.root, folder, Value::Null);
        assert!(
            matches!(done.await, Err(Error::UnsupportedPath)),
            "{folder}"
        );
    }
    let done = house.call(
        Operation::Delete,
        &house.root,
        "sys/policies/acl/",
        Value::Null,
    );
    assert!(matches!(done.await, Err(Error::UnsupportedOperation)));
    let place = house.read("sys/internal/ui/mounts/auth/token/x").await;
    assert_eq!(place["path"], "token/");
    assert_eq!(
        house.read("sys/mounts").await["identity/"]["type"],
        "identity"
    );
}

/// A change to the records of a draft.
#[derive(Clone, Debug)]
enum Step {
    Entity {
        slot: usize,
        name: String,
        alias: String,
        merged: Option<usize>,
    },
    Group {
        slot: usize,
        name: String,
        entity: usize,
        group: usize,
        alias: Option<String>,
    },
    RemoveEntity(usize),
    RemoveGroup(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || "[a-cA-C]";
    prop_oneof![
        (0..4_usize, name(), name(), prop::option::of(0..4_usize)).prop_map(
            |(slot, name, alias, merged)| Step::Entity {
                slot,
                name,
                alias,
                merged
            }
        ),
        (
            0..4_usize,
            name(),
            0..4_usize,
            0..4_usize,
            prop::option::of(name())
        )
            .prop_map(|(slot, name, entity, group, alias)| Step::Group {
                slot,
                name,
                entity,
                group,
                alias
            }),
        (0..4_usize).prop_map(Step::RemoveEntity),
        (0..4_usize).prop_map(Step::RemoveGroup),
    ]
}

proptest! {
    /// Whatever is written and removed, and in which order: all that leads to a record is what a
    /// restart would read from the records themselves.
    #[test]
    fn a_draft_keeps_its_indexes_true(steps in prop::collection::vec(step(), 0..40)) {
        let mut draft = Draft::of(&Snapshot::default());
        for step in steps {
            apply(&mut draft, step);
        }
        let (live, _) = draft.finish().unwrap();
        let mut read = Draft::of(&Snapshot::default());
        live.entities().for_each(|entity| read.put_entity((**entity).clone()));
        live.groups().for_each(|group| read.put_group((**group).clone()));
        prop_assert_eq!(view(&live), view(read.now()));
    }
}

fn apply(draft: &mut Draft, step: Step) {
    let now = Timestamp::default();
    let slots = |slot: usize| format!("id-{slot}");
    match step {
        Step::Entity {
            slot,
            name,
            alias,
            merged,
        } => {
            // What the endpoints refuse.
            let taken = |it: Option<&Arc<Entity>>| it.is_some_and(|it| it.id != slots(slot));
            let other = draft
                .now()
                .alias_named("acc", &alias)
                .map(|(entity, _)| entity);
            if taken(draft.now().entity_named(&name)) || taken(other) {
                return;
            }
            let mut entity = Entity::new(Some(name), now);
            entity.id = slots(slot);
            let mut alias = Alias::new(alias, "acc".to_owned(), now);
            alias.id = format!("alias-{slot}");
            entity.aliases.push(alias);
            let merged = merged.map(|merged| format!("old-{slot}-{merged}"));
            entity.merged.extend(merged);
            draft.put_entity(entity);
        }
        Step::Group {
            slot,
            name,
            entity,
            group,
            alias,
        } => {
            let taken = |it: Option<&Arc<Group>>| it.is_some_and(|it| it.id != slots(slot));
            let other = alias
                .as_ref()
                .and_then(|alias| draft.now().group_alias_named("acc", alias));
            if taken(draft.now().group_named(&name)) || taken(other) {
                return;
            }
            let mut it = Group::new(Some(name), GroupKind::Internal, now);
            it.id = slots(slot);
            it.member_entities.push(slots(entity));
            it.member_groups.push(slots(group));
            it.alias = alias.map(|alias| {
                let mut alias = Alias::new(alias, "acc".to_owned(), now);
                alias.id = format!("group-alias-{slot}");
                alias
            });
            draft.put_group(it);
        }
        Step::RemoveEntity(slot) => draft.remove_entity(&slots(slot)),
        Step::RemoveGroup(slot) => draft.remove_group(&slots(slot)),
    }
}

/// All that a snapshot finds.
fn view(it: &Snapshot) -> Vec<Option<String>> {
    let mut found = Vec::new();
    let of_entity = |entity: Option<&Arc<Entity>>| entity.map(|entity| entity.id.clone());
    let of_group = |group: Option<&Arc<Group>>| group.map(|group| group.id.clone());
    let ids = |groups: Vec<Arc<Group>>| {
        Some(
            groups
                .iter()
                .map(|group| group.id.as_str())
                .collect::<Vec<_>>()
                .join(","),
        )
    };
    for slot in 0..4 {
        let id = format!("id-{slot}");
        found.push(of_entity(it.entity(&id)));
        found.push(of_group(it.group(&id)));
        found.push(of_entity(
            it.alias(&format!("alias-{slot}")).map(|(entity, _)| entity),
        ));
        found.push(of_group(it.group_of_alias(&format!("group-alias-{slot}"))));
        found.push(ids(it.direct_groups(&id)));
        found.push(ids(it.parents(&id)));
        for merged in 0..4 {
            found.push(of_entity(
                it.entity_of_token(&format!("old-{slot}-{merged}")),
            ));
        }
    }
    for name in ["a", "b", "c"] {
        found.push(of_entity(it.entity_named(name)));
        found.push(of_group(it.group_named(name)));
        found.push(of_entity(
            it.alias_named("acc", name).map(|(entity, _)| entity),
        ));
        found.push(of_group(it.group_alias_named("acc", name)));
    }
    found
}
