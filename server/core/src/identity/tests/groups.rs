//! Groups of groups: no circles, and everything that is above counts.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn circles_are_refused_however_long() {
    let house = House::new().await;
    let a = house.group(json!({"name": "a"})).await;
    let b = house
        .group(json!({"name": "b", "member_group_ids": [a]}))
        .await;
    let c = house
        .group(json!({"name": "c", "member_group_ids": [b]}))
        .await;
    for (member, text) in [
        (
            &b,
            format!("cyclic relationship detected for member group ID \"{b}\""),
        ),
        (
            &c,
            format!("cyclic relationship detected for member group ID \"{c}\""),
        ),
        (
            &a,
            format!(
                "1 error occurred:\n\t* member group ID \"{a}\" is same as the ID of the group\n\n"
            ),
        ),
    ] {
        let body = json!({"member_group_ids": [member]});
        let path = format!("identity/group/id/{a}");
        assert_eq!(house.refusal(&path, body).await, text);
    }
    assert_eq!(
        house.read("identity/group/name/A").await["parent_group_ids"],
        json!([b])
    );
    house.delete(&format!("identity/group/id/{b}")).await;
    assert_eq!(
        house.read("identity/group/name/a").await["parent_group_ids"],
        Value::Null
    );
    assert_eq!(
        house.read("identity/group/name/c").await["member_group_ids"],
        Value::Null
    );
    let body = json!({"member_group_ids": [c]});
    house.write(&format!("identity/group/id/{a}"), body).await;
}

#[tokio::test]
async fn what_makes_no_group_is_refused_and_changes_nothing() {
    let house = House::new().await;
    let bob = house.entity(json!({"name": "bob"})).await;
    let inner = house.group(json!({"name": "inner"})).await;
    house
        .group(json!({"name": "ext", "type": "external"}))
        .await;
    for (body, text) in [
        (
            json!({"name": "x", "type": "foo"}),
            "invalid group type \"foo\"",
        ),
        (
            json!({"name": "inner", "type": "external"}),
            "group type cannot be changed",
        ),
        (json!({"id": "nope"}), "invalid group ID"),
        (
            json!({"id": inner, "name": "EXT"}),
            "group name is already in use",
        ),
        (
            json!({"name": "ext", "member_entity_ids": [bob]}),
            "member entities can't be set manually for external groups",
        ),
        (
            json!({"name": "ext", "member_group_ids": [inner]}),
            "member groups can't be set for external groups",
        ),
        (
            json!({"name": "x", "member_entity_ids": ["zz"]}),
            "1 error occurred:\n\t* invalid entity ID \"zz\"\n\n",
        ),
        (
            json!({"name": "x", "member_group_ids": ["zz"]}),
            "1 error occurred:\n\t* invalid member group ID \"zz\"\n\n",
        ),
    ] {
        assert_eq!(house.refusal("identity/group", body).await, text);
    }
    let alias = json!({"name": "n", "mount_accessor": house.door, "canonical_id": inner});
    let text = house.refusal("identity/group-alias", alias).await;
    assert_eq!(text, "alias can't be set on an internal group");
    let names = house
        .call(
            Operation::List,
            &house.root,
            "identity/group/name",
            Value::Null,
        )
        .await;
    assert_eq!(data(names.unwrap())["keys"], json!(["ext", "inner"]));
}

proptest! {
    /// Whatever groups are put into groups: what is accepted has no circle, and an entity has just
    /// the policies of the groups from which a way leads down to it.
    #[test]
    fn policies_come_down_every_way_and_no_other(
        edges in prop::collection::vec((0..6_usize, 0..6_usize), 0..20),
        member in 0..6_usize,
    ) {
        use super::super::{Draft, Entity, Group, GroupKind, Identity, Snapshot};
        let now = Timestamp::default();
        let mut draft = Draft::of(&Snapshot::default());
        let mut groups: Vec<Group> = (0..6)
            .map(|number| Group::new(Some(format!("g{number}")), GroupKind::Internal, now))
            .collect();
        let entity = Entity::new(None, now);
        groups[member].member_entities.push(entity.id.clone());
        for (number, group) in groups.iter_mut().enumerate() {
            group.policies.push(format!("p{number}"));
            draft.put_group(group.clone());
        }
        draft.put_entity(entity.clone());
        let mut below = [[false; 6]; 6];
        for (upper, lower) in edges {
            // What the endpoint refuses: a circle.
            if upper == lower || reaches(&below, lower, upper) {
                continue;
            }
            below[upper][lower] = true;
            let lower = groups[lower].id.clone();
            if !groups[upper].member_groups.contains(&lower) {
                groups[upper].member_groups.push(lower);
            }
            draft.put_group(groups[upper].clone());
        }
        let (snapshot, _) = draft.finish().unwrap();
        let entity = snapshot.entity(&entity.id).unwrap();
        let mut policies = Identity::resolve(&snapshot, entity, 1).policies().to_vec();
        policies.sort();
        let expected: Vec<String> = (0..6)
            .filter(|&group| group == member || reaches(&below, group, member))
            .map(|group| format!("p{group}"))
            .collect();
        prop_assert_eq!(policies, expected);
    }
}

/// Whether a way leads from a group down to another.
fn reaches(below: &[[bool; 6]; 6], from: usize, to: usize) -> bool {
    (0..6).any(|next| below[from][next] && (next == to || reaches(below, next, to)))
}
