//! Templates in the paths of policies: what they mean, and that no name widens them.

use proptest::prelude::*;

use super::{
    super::{Alias, Draft, Entity, Group, GroupKind, Identity, Snapshot},
    *,
};
use crate::policy::{Acl, Holder as _, Policy, Unfit};

/// Bob, with a name at a door, in one group that is in another.
fn bob(value: &str) -> (Identity, Entity, Vec<Group>) {
    let now = Timestamp::default();
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Some(pairs.collect::<BTreeMap<_, _>>())
    };
    let mut entity = Entity::new(Some("bob".to_owned()), now);
    entity.metadata = pairs(&[("team", "red"), ("value", value), ("a.b", "dotted")]);
    let mut alias = Alias::new("bob@door".to_owned(), "acc".to_owned(), now);
    alias.metadata = pairs(&[("m", "given")]);
    alias.custom_metadata = pairs(&[("c", "kept")]);
    entity.aliases.push(alias);
    let mut inner = Group::new(Some("inner".to_owned()), GroupKind::Internal, now);
    inner.member_entities.push(entity.id.clone());
    inner.metadata = pairs(&[("g", "of-inner")]);
    let mut outer = Group::new(Some("outer".to_owned()), GroupKind::Internal, now);
    outer.member_groups.push(inner.id.clone());
    let other = Group::new(Some("other".to_owned()), GroupKind::Internal, now);
    let groups = vec![inner, outer, other];
    let mut draft = Draft::of(&Snapshot::default());
    draft.put_entity(entity.clone());
    for group in &groups {
        draft.put_group(group.clone());
    }
    let (snapshot, _) = draft.finish().unwrap();
    let identity = Identity::resolve(&snapshot, snapshot.entity(&entity.id).unwrap(), 1);
    (identity, entity, groups)
}

#[test]
fn every_directive_names_its_value_and_no_other_does() {
    let (identity, entity, groups) = bob("x");
    let inner = &groups[0].id;
    for (directive, value) in [
        ("identity.entity.id", Some(&*entity.id)),
        ("identity.entity.name", Some("bob")),
        (" identity.entity.name ", Some("bob")),
        ("identity.entity.metadata.team", Some("red")),
        ("identity.entity.metadata.a.b", Some("dotted")),
        (
            "identity.entity.aliases.acc.id",
            Some(&entity.aliases[0].id),
        ),
        ("identity.entity.aliases.acc.name", Some("bob@door")),
        ("identity.entity.aliases.acc.metadata.m", Some("given")),
        (
            "identity.entity.aliases.acc.custom_metadata.c",
            Some("kept"),
        ),
        (&format!("identity.groups.ids.{inner}.name"), Some("inner")),
        (
            &format!("identity.groups.ids.{inner}.metadata.g"),
            Some("of-inner"),
        ),
        ("identity.groups.names.inner.id", Some(inner)),
        ("identity.groups.names.inner.metadata.g", Some("of-inner")),
        ("identity.groups.names.outer.id", Some(&groups[1].id)),
        // Of a group that it is not in, nothing is told.
        ("identity.groups.names.other.id", None),
        ("identity.entity.metadata.nothing", None),
        ("identity.entity.metadata.Team", None),
        ("identity.entity.metadata", None),
        ("identity.entity.aliases.acc.metadata", None),
        ("identity.entity.aliases.nowhere.name", None),
        ("identity.entity.groups.names", None),
        ("identity.entity.bogus", None),
        ("IDENTITY.entity.name", None),
        ("time.now", None),
        ("", None),
    ] {
        let path = identity.path(&format!("kv/{{{{{directive}}}}}/x"));
        let expected = value.map(|value| format!("kv/{value}/x"));
        assert_eq!(path, Ok(expected), "{directive}");
    }
}

#[test]
fn a_value_that_is_a_template_is_not_read_again() {
    let (identity, ..) = bob("{{identity.entity.name}}");
    let path = identity.path("kv/{{identity.entity.metadata.value}}");
    assert_eq!(path, Ok(Some("kv/{{identity.entity.name}}".to_owned())));
}

proptest! {
    /// A value is put in as it is or closes everything: what comes out matches the one path that was
    /// meant, whatever the value and whatever stands around it.
    #[test]
    fn no_value_widens_a_policy(
        before in "[ab+]{0,2}/?", after in "/?[ab]{0,2}(/[+])?[*]?",
        value in prop_oneof!["[ab/+*]{0,4}", "\\PC{0,6}"],
        probe in "[ab]{0,3}(/[ab]{0,3}){0,3}",
    ) {
        let template = format!("{before}{{{{identity.entity.metadata.value}}}}{after}");
        let text = format!("path \"{template}\" {{ capabilities = [\"read\"] }}");
        let Ok(policy) = Policy::parse("p", &text) else {
            return Ok(());
        };
        let (identity, ..) = bob(&value);
        let acl = Acl::of(&[Arc::new(policy)], Some(&identity), Timestamp::default());
        let may = |path: &str| acl.capabilities(path).iter().any(|it| it.name() == "read");
        let unfit = value.is_empty() || value.contains(['/', '*', '+']);
        prop_assert_eq!(identity.path(&template).is_err(), unfit);
        if unfit {
            prop_assert!(!may(&probe));
        } else {
            // The same rule with a word for the value grants the same, with the word in its place.
            let word = "W";
            let plain = format!("path \"{before}{word}{after}\" {{ capabilities = [\"read\"] }}");
            let plain = Acl::new(
                &[Arc::new(Policy::parse("p", &plain).unwrap())],
                Timestamp::default(),
            );
            let granted = |path: &str| plain.capabilities(path).iter().any(|it| it.name() == "read");
            let own = format!("{}{value}{}", before.trim_start_matches('/'), after.trim_end_matches('*'));
            let same = format!("{}{word}{}", before.trim_start_matches('/'), after.trim_end_matches('*'));
            prop_assert_eq!(may(&own), granted(&same), "{} {}", own, same);
            // A path without the value in it is none of this rule's.
            if !probe.contains(&value) {
                prop_assert!(!may(&probe), "{} by {} with {:?}", probe, template, value);
            }
        }
    }
}

#[tokio::test]
async fn a_rule_without_its_value_is_left_out_and_one_with_a_bad_value_closes_all() {
    let house = House::new().await;
    let policy = r#"
        path "kv/*" { capabilities = ["read"] }
        path "kv/{{identity.entity.metadata.team}}/*" { capabilities = ["deny"] }
        path "own/{{identity.entity.metadata.team}}" { capabilities = ["read"] }
    "#;
    house
        .write("sys/policies/acl/team", json!({ "policy": policy }))
        .await;
    let bob = house.holder("bob").await;
    let path = format!("identity/entity/id/{}", bob.entity);
    house.write(&path, json!({"policies": "team"})).await;
    let may = async |path: &str| house.may(&bob.token, path).await;
    assert_eq!(may("kv/red/x").await, json!(["read"]));
    assert_eq!(may("own/red").await, json!(["deny"]));
    house
        .write(&path, json!({"metadata": {"team": "red"}}))
        .await;
    assert_eq!(may("kv/red/x").await, json!(["deny"]));
    assert_eq!(may("kv/blue/x").await, json!(["read"]));
    assert_eq!(may("own/red").await, json!(["read"]));
    for bad in ["*", "+", "red/blue", "r+d", ""] {
        house.write(&path, json!({"metadata": {"team": bad}})).await;
        for closed in ["kv/red/x", "kv/blue/x", "own/red", "auth/token/lookup-self"] {
            assert_eq!(may(closed).await, json!(["deny"]), "{bad:?} {closed}");
        }
    }
    house
        .write(&path, json!({"metadata": {"team": "blue"}}))
        .await;
    assert_eq!(may("own/blue").await, json!(["read"]));
    assert_eq!(may("own/red").await, json!(["deny"]));
}

#[tokio::test]
async fn a_holder_reads_its_own_entity_by_the_default_policy() {
    let house = House::new().await;
    let (bob, ann) = (house.holder("bob").await, house.holder("ann").await);
    let path = format!("identity/entity/id/{}", bob.entity);
    let entity = house.read_as(&bob.token, &path).await.unwrap();
    assert_eq!(entity["id"], bob.entity.as_str());
    let by_name = format!("identity/entity/name/{}", entity["name"].as_str().unwrap());
    assert!(house.read_as(&bob.token, &by_name).await.is_ok());
    for path in [&path, &by_name] {
        let refused = house.read_as(&ann.token, path).await;
        assert!(matches!(refused, Err(Error::Denied(Denial::Policy))));
    }
}

#[test]
fn an_unfit_value_is_told_from_a_missing_one() {
    let (identity, ..) = bob("a/b");
    assert_eq!(
        identity.path("{{identity.entity.metadata.value}}"),
        Err(Unfit)
    );
    assert_eq!(identity.path("{{identity.entity.metadata.none}}"), Ok(None));
}
