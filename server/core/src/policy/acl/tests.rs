//! Each matching rule of the policy language, one by one.

use serde_json::{Value, json};

use super::*;

pub(super) fn acl(texts: &[&str]) -> Acl {
    let policy = |(index, text): (usize, &&str)| {
        Arc::new(Policy::parse(&format!("p{index}"), text).unwrap())
    };
    Acl::new(
        &texts.iter().enumerate().map(policy).collect::<Vec<_>>(),
        Timestamp::default(),
    )
}

/// One policy in which each path grants its own capability: read, list, update, delete, create.
pub(super) fn ladder(paths: &[&str]) -> Acl {
    let capabilities = ["read", "list", "update", "delete", "create"];
    let block =
        |(path, capability)| format!("path {path:?} {{ capabilities = [{capability:?}] }}\n");
    acl(&[&paths
        .iter()
        .zip(capabilities)
        .map(block)
        .collect::<String>()])
}

fn names(acl: &Acl, path: &str) -> String {
    let capabilities = acl.capabilities(path);
    capabilities
        .iter()
        .map(|capability| capability.name())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn question(capability: Capability, path: &str) -> Question<'_> {
    Question {
        capability,
        path,
        parameters: None,
        wrap_ttl: None,
    }
}

fn allows(acl: &Acl, capability: Capability, path: &str) -> bool {
    acl.check(&question(capability, path)).allowed
}

#[test]
fn an_exact_path_covers_itself_alone() {
    let acl = ladder(&["a/b"]);
    assert_eq!(names(&acl, "a/b"), "read");
    for path in ["a", "a/", "a/b/c", "a/bc", "A/b", ""] {
        assert_eq!(names(&acl, path), "deny", "{path}");
    }
}

#[test]
fn a_last_star_covers_any_rest_even_within_a_segment() {
    let acl = ladder(&["a/b*"]);
    for path in ["a/b", "a/bc", "a/b/", "a/b/c/d"] {
        assert_eq!(names(&acl, path), "read", "{path}");
    }
    assert_eq!(names(&acl, "a/c"), "deny");
    assert_eq!(names(&ladder(&["*"]), ""), "read");
}

#[test]
fn a_star_elsewhere_stands_for_itself() {
    let acl = ladder(&["a/*/b", "c**"]);
    assert_eq!(names(&acl, "a/*/b"), "read");
    assert_eq!(names(&acl, "a/x/b"), "deny");
    assert_eq!(names(&acl, "c*d"), "list");
    assert_eq!(names(&acl, "cd"), "deny");
}

#[test]
fn a_plus_covers_exactly_one_segment() {
    let acl = ladder(&["a/+/b"]);
    for path in ["a/x/b", "a//b", "a/+/b"] {
        assert_eq!(names(&acl, path), "read", "{path}");
    }
    for path in ["a/b", "a/x/y/b", "a/x/bc", "a/x/b/c", "x/x/b"] {
        assert_eq!(names(&acl, path), "deny", "{path}");
    }
    assert_eq!(names(&ladder(&["+"]), "x"), "read");
    assert_eq!(names(&ladder(&["+/b"]), "x/b"), "read");
    assert_eq!(names(&ladder(&["+/+/*"]), "x/y/"), "read");
    assert_eq!(names(&ladder(&["+/+/*"]), "x/y"), "deny");
}

#[test]
fn a_plus_beside_other_characters_stands_for_itself() {
    let acl = ladder(&["a/+b", "c+", "d+/+/e"]);
    assert_eq!(names(&acl, "a/+b"), "read");
    assert_eq!(names(&acl, "a/xb"), "deny");
    assert_eq!(names(&acl, "c+"), "list");
    assert_eq!(names(&acl, "cx"), "deny");
    assert_eq!(names(&acl, "d+/x/e"), "update");
    assert_eq!(names(&acl, "dx/x/e"), "deny");
}

#[test]
fn an_exact_path_wins_over_every_pattern() {
    let acl = ladder(&["a/*", "a/+", "a/b", "a/b*"]);
    assert_eq!(names(&acl, "a/b"), "update");
}

#[test]
fn the_pattern_with_the_later_first_wildcard_wins() {
    let acl = ladder(&["a/*", "a/b*", "a/b/c*", "*"]);
    assert_eq!(names(&acl, "a/b/c/d"), "update");
    assert_eq!(names(&acl, "a/b/d"), "list");
    assert_eq!(names(&acl, "a/d"), "read");
    assert_eq!(names(&acl, "d"), "delete");
    assert_eq!(names(&ladder(&["a/+/c/d", "a/b/*"]), "a/b/c/d"), "list");
    assert_eq!(names(&ladder(&["a/b/+/d", "a/+/c/d"]), "a/b/c/d"), "read");
}

#[test]
fn a_pattern_with_an_earlier_wildcard_counts_where_the_later_ones_do_not_match() {
    let acl = ladder(&["a/*", "a/b/+/d", "a/b/c*"]);
    assert_eq!(names(&acl, "a/b/c/d"), "update");
    assert_eq!(names(&acl, "a/b/x/d"), "list");
    assert_eq!(names(&acl, "a/b/x/e"), "read");
    assert_eq!(names(&acl, "a/bb"), "read");
}

#[test]
fn of_two_patterns_the_one_without_a_last_star_wins() {
    assert_eq!(names(&ladder(&["a/+/*", "a/+/c"]), "a/b/c"), "list");
    assert_eq!(names(&ladder(&["a/*", "a/+"]), "a/b"), "list");
    assert_eq!(names(&ladder(&["a/+/+", "a/+/c*"]), "a/b/c"), "read");
}

#[test]
fn of_two_patterns_the_one_with_fewer_plus_segments_wins() {
    assert_eq!(names(&ladder(&["a/+/+", "a/+/c"]), "a/b/c"), "list");
    assert_eq!(names(&ladder(&["a/+/*", "a/*"]), "a/b/c"), "list");
}

#[test]
fn of_two_patterns_the_longer_wins() {
    assert_eq!(names(&ladder(&["a/+/b*", "a/+/bc*"]), "a/x/bcd"), "list");
}

#[test]
fn of_two_patterns_alike_in_all_else_the_greater_in_byte_order_wins() {
    assert_eq!(
        names(&ladder(&["+/+/a/b", "+/a/+/b", "+/a/a/+"]), "x/a/a/b"),
        "update"
    );
    assert_eq!(names(&ladder(&["+/a/+", "+/+/b"]), "x/a/b"), "read");
}

#[test]
fn leading_slashes_do_not_count_in_a_request_and_once_in_a_rule() {
    let acl = ladder(&["/a", "//b"]);
    assert_eq!(names(&acl, "a"), "read");
    assert_eq!(names(&acl, "//a"), "read");
    assert_eq!(names(&acl, "//b"), "deny");
}

#[test]
fn to_list_a_folder_the_rule_for_its_name_without_slash_is_enough() {
    for rule in ["a/b", "a/+", "+/b"] {
        let acl = acl(&[&format!(
            "path {rule:?} {{ capabilities = [\"list\", \"scan\", \"read\"] }}"
        )]);
        for capability in [Capability::List, Capability::Scan] {
            assert!(allows(&acl, capability, "a/b/"), "{rule}");
            assert!(allows(&acl, capability, "a/b"), "{rule}");
        }
        assert!(!allows(&acl, Capability::Read, "a/b/"), "{rule}");
    }
    assert!(!allows(&ladder(&["x", "a/b/"]), Capability::List, "a/b"));
}

#[test]
fn to_list_a_folder_a_rule_with_the_slash_is_asked_first() {
    assert_eq!(names(&ladder(&["a/b", "a/b/"]), "a/b/"), "list");
    assert_eq!(names(&ladder(&["a/b", "a/b/*"]), "a/b/"), "read");
    assert_eq!(names(&ladder(&["a/+", "a/*"]), "a/b/"), "list");
    assert_eq!(names(&ladder(&["a/b*", "a/b/*"]), "a/b/"), "list");
}

#[test]
fn rules_for_the_same_path_are_united_over_policies_and_within_one() {
    let acl = acl(&[
        "path \"a*\" { capabilities = [\"read\"] } path \"a*\" { capabilities = [\"create\"] }",
        "path \"a*\" { capabilities = [\"sudo\"] }",
    ]);
    assert_eq!(names(&acl, "abc"), "create read sudo");
}

#[test]
fn only_rules_with_the_same_path_text_are_united() {
    let acl = acl(&[
        "path \"a/*\" { policy = \"write\" }",
        "path \"a/b\" { capabilities = [\"read\"] }",
    ]);
    assert_eq!(names(&acl, "a/b"), "read");
}

#[test]
fn deny_wins_over_all_that_any_policy_grants_on_the_path() {
    let (grant, deny) = (
        "path \"a\" { policy = \"sudo\" }",
        "path \"a\" { capabilities = [\"deny\"] }",
    );
    for texts in [[grant, deny], [deny, grant]] {
        let acl = acl(&texts);
        assert_eq!(names(&acl, "a"), "deny");
        let verdict = acl.check(&question(Capability::Read, "a"));
        assert_eq!(
            (verdict.allowed, verdict.sudo, verdict.granting.len()),
            (false, false, 0)
        );
    }
    assert_eq!(
        names(
            &acl(&["path \"a\" { capabilities = [\"read\", \"deny\"] }"]),
            "a"
        ),
        "deny"
    );
}

#[test]
fn a_denial_is_no_permission_to_be_denied() {
    let acl = acl(&["path \"a\" { capabilities = [\"deny\"] }"]);
    assert!(!allows(&acl, Capability::Deny, "a"));
    assert!(!allows(&acl, Capability::Root, "a"));
}

#[test]
fn a_rule_without_capabilities_grants_nothing_and_hides_patterns() {
    let acl = ladder(&["a/*"]);
    assert_eq!(names(&acl, "a/b"), "read");
    let acl = super::tests::acl(&["path \"a/*\" { capabilities = [\"read\"] } path \"a/b\" {}"]);
    assert_eq!(names(&acl, "a/b"), "deny");
}

#[test]
fn without_policies_nothing_is_allowed() {
    let acl = Acl::new(&[], Timestamp::default());
    for capability in Capability::ALL {
        assert!(!allows(&acl, capability, "sys/health"));
    }
    assert_eq!(names(&acl, "a"), "deny");
    assert!(!acl.reaches(""));
}

#[test]
fn every_capability_opens_its_operation_and_no_other() {
    for granted in Capability::ALL
        .into_iter()
        .filter(|capability| *capability != Capability::Root)
    {
        let acl = acl(&[&format!(
            "path \"a\" {{ capabilities = [{:?}] }}",
            granted.name()
        )]);
        for asked in Capability::ALL {
            let expected = asked == granted && granted != Capability::Deny;
            assert_eq!(allows(&acl, asked, "a"), expected, "{granted} {asked}");
        }
        assert_eq!(names(&acl, "a"), granted.name());
    }
}

#[test]
fn the_root_policy_allows_everything_and_counts_alone() {
    let deny = Arc::new(
        Policy::parse(
            "p",
            "path \"*\" { capabilities = [\"deny\"] required_parameters = [\"x\"] }",
        )
        .unwrap(),
    );
    let acl = Acl::new(&[deny, Arc::new(Policy::root())], Timestamp::default());
    for capability in Capability::ALL {
        let verdict = acl.check(&question(capability, "sys/anything"));
        assert!(verdict.allowed && verdict.sudo && verdict.root);
        assert_eq!(*verdict.granting, [Arc::from("root")]);
        assert!(!acl.needs_parameters(capability, "sys/anything"));
    }
    assert_eq!(acl.capabilities("sys/anything"), [Capability::Root]);
    assert!(acl.reaches("sys/"));
}

#[test]
fn a_policy_that_is_only_called_root_is_an_ordinary_one() {
    let acl = Acl::new(
        &[Arc::new(Policy::parse("root", "").unwrap())],
        Timestamp::default(),
    );
    assert!(!allows(&acl, Capability::Read, "a"));
}

#[test]
fn the_verdict_names_the_policies_that_grant_the_capability() {
    let acl = acl(&[
        "path \"a\" { capabilities = [\"read\"] } path \"a\" { capabilities = [\"read\"] }",
        "path \"a\" { capabilities = [\"list\"] }",
        "path \"a\" { capabilities = [\"read\", \"list\"] } path \"b\" { capabilities = [\"read\"] }",
    ]);
    let granting = |capability, path| acl.check(&question(capability, path)).granting.join(" ");
    assert_eq!(granting(Capability::Read, "a"), "p0 p2");
    assert_eq!(granting(Capability::List, "a"), "p1 p2");
    assert_eq!(granting(Capability::Read, "b"), "p2");
    assert_eq!(granting(Capability::Update, "a"), "");
}

#[test]
fn sudo_is_told_apart_from_being_allowed() {
    let acl = acl(&["path \"a\" { capabilities = [\"sudo\"] } path \"b\" { policy = \"sudo\" }"]);
    let verdict = |path| acl.check(&question(Capability::Read, path));
    assert_eq!((verdict("a").allowed, verdict("a").sudo), (false, true));
    assert_eq!((verdict("b").allowed, verdict("b").sudo), (true, true));
    assert_eq!((verdict("c").allowed, verdict("c").sudo), (false, false));
}

#[test]
fn a_rule_with_a_template_matches_nothing() {
    let acl = acl(&[
        "path \"a/{{identity.entity.id}}\" { policy = \"sudo\" } path \"{{x}}*\" { policy = \"sudo\" }",
    ]);
    for path in ["a/", "a/{{identity.entity.id}}", "a/x", "{{x}}", ""] {
        assert_eq!(names(&acl, path), "deny", "{path}");
    }
}

#[test]
fn a_bound_on_wrapping_refuses_what_is_outside_and_what_is_not_wrapped() {
    let allowed = |texts: &[&str], ttl: Option<u64>| {
        let wrap_ttl = ttl.map(Duration::from_secs);
        acl(texts)
            .check(&Question {
                wrap_ttl,
                ..question(Capability::Read, "a")
            })
            .allowed
    };
    let path = |bounds| format!("path \"a\" {{ capabilities = [\"read\"] {bounds} }}");
    let (min, max, both) = (
        path("min_wrapping_ttl = 30"),
        path("max_wrapping_ttl = \"1m\""),
        path("min_wrapping_ttl = 40 max_wrapping_ttl = 90"),
    );
    for (texts, open, shut) in [
        (vec![&min], vec![Some(30), Some(1000)], vec![None, Some(29)]),
        (vec![&max], vec![Some(0), Some(60)], vec![None, Some(61)]),
        (
            vec![&both],
            vec![Some(40), Some(90)],
            vec![None, Some(39), Some(91)],
        ),
        // Of two bounds the lesser counts, for both kinds.
        (
            vec![&min, &both],
            vec![Some(30), Some(90)],
            vec![None, Some(29), Some(91)],
        ),
        (
            vec![&both, &max],
            vec![Some(40), Some(60)],
            vec![None, Some(39), Some(61)],
        ),
        // United, two policies can leave no way.
        (
            vec![
                &path("min_wrapping_ttl = 60"),
                &path("max_wrapping_ttl = 50"),
            ],
            vec![],
            vec![None, Some(50), Some(55), Some(60)],
        ),
    ] {
        let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
        assert!(open.iter().all(|ttl| allowed(&texts, *ttl)), "{texts:?}");
        assert!(!shut.iter().any(|ttl| allowed(&texts, *ttl)), "{texts:?}");
    }
    assert!(allowed(&[&path("min_wrapping_ttl = 0")], None));
}

#[test]
fn parameters_are_asked_for_only_where_a_rule_restricts_them() {
    let restricted = acl(&[
        "path \"a*\" { policy = \"write\" allowed_parameters = { x = [] } } path \"b\" { policy = \"write\" }",
    ]);
    for capability in Capability::ALL {
        let carries = ["create", "patch", "read", "update"].contains(&capability.name());
        assert_eq!(
            restricted.needs_parameters(capability, "abc"),
            carries,
            "{capability}"
        );
        assert!(!restricted.needs_parameters(capability, "b"));
        assert!(!restricted.needs_parameters(capability, "c"));
    }
    assert!(!ladder(&["a"]).needs_parameters(Capability::Read, "a"));
}

#[test]
fn a_rule_that_restricts_parameters_refuses_a_request_that_does_not_show_them() {
    let acl = acl(&["path \"a\" { policy = \"write\" denied_parameters = { x = [] } }"]);
    assert!(!allows(&acl, Capability::Update, "a"));
    assert!(allows(&acl, Capability::Delete, "a"));
    let shown = |given: Value| {
        let parameters = given.as_object();
        acl.check(&Question {
            parameters,
            ..question(Capability::Update, "a")
        })
    };
    assert!(shown(json!({})).allowed);
    assert!(shown(json!({"y": 1})).allowed);
    let refused = shown(json!({"x": 1}));
    assert_eq!((refused.allowed, refused.granting.len()), (false, 0));
}

#[test]
fn a_mount_is_reached_by_a_rule_that_grants_something_on_it_or_below() {
    let reached = |rule: &str, capabilities: &str| {
        acl(&[&format!(
            "path {rule:?} {{ capabilities = [{capabilities}] }}"
        )])
        .reaches("a/b/")
    };
    let rules = [
        ("a/b/", true),
        ("a/b", true),
        ("a/b/*", true),
        ("a/b/c", true),
        ("a/b/c*", true),
        ("*", true),
        ("a/*", true),
        ("+/b/c", true),
        ("a/+/c", true),
        ("a/+/c/+/d*", true),
        ("+/+/+", true),
        ("a/b/+/c", true),
        ("+/*", true),
        ("a", false),
        ("a/", false),
        ("a/bc", false),
        ("a/bc*", false),
        ("b/*", false),
        ("a/+c/x", false),
        ("+/c/+", false),
        ("+", false),
        ("b/+/+", false),
    ];
    for (rule, expected) in rules {
        assert_eq!(reached(rule, "\"read\""), expected, "{rule}");
        assert!(!reached(rule, "\"deny\""), "{rule}");
        assert!(!reached(rule, ""), "{rule}");
    }
}

#[test]
fn a_limit_on_lists_is_put_to_what_is_asked_for() {
    let acl = acl(&[
        "path \"a/\" { capabilities = [\"list\", \"scan\", \"read\"] pagination_limit = 3 }",
    ]);
    let asked = |capability, given: Value| {
        let parameters = given.as_object();
        let verdict = acl.check(&Question {
            parameters,
            ..question(capability, "a/")
        });
        let listing = verdict.listing;
        (verdict.allowed, listing.and_then(|it| it.limit).is_some())
    };
    for capability in [Capability::List, Capability::Scan] {
        assert!(acl.needs_parameters(capability, "a/"));
        for limit in [
            json!("2"),
            json!("3"),
            json!("0"),
            json!(""),
            json!("max"),
            json!(3),
        ] {
            assert_eq!(
                asked(capability, json!({"limit": limit})),
                (true, true),
                "{limit}"
            );
        }
        assert_eq!(asked(capability, json!({"after": "b"})), (true, true));
        for limit in [
            json!("4"),
            json!("-1"),
            json!("MAX"),
            json!("x"),
            json!("2.5"),
            json!(["2", "9"]),
        ] {
            assert_eq!(
                asked(capability, json!({"limit": limit})),
                (false, false),
                "{limit}"
            );
        }
        assert!(!allows(&acl, capability, "a/"), "without what is asked for");
    }
    assert_eq!(
        asked(Capability::Read, json!({"limit": "4"})),
        (true, false)
    );
}

#[test]
fn the_least_limit_and_the_first_filter_of_several_policies_count() {
    let rule = |more: &str| format!("path \"a/\" {{ capabilities = [\"list\"] {more} }}");
    let filter =
        |path: &str| format!("list_scan_response_keys_filter_path = \"{path}{{{{ .key }}}}\"");
    let texts = [
        rule("pagination_limit = 4"),
        rule(""),
        rule(&format!("pagination_limit = 2 {}", filter("first/"))),
        rule(&format!("pagination_limit = 0 {}", filter("second/"))),
    ];
    let acl = acl(&texts.each_ref().map(String::as_str));
    let verdict = acl.check(&Question {
        parameters: json!({}).as_object(),
        ..question(Capability::List, "a/")
    });
    let listing = verdict.listing.unwrap();
    assert_eq!(listing.limit.map(std::num::NonZeroU64::get), Some(2));
    let path = listing.filter.as_ref().unwrap().path("a/", "b");
    assert_eq!(path.as_deref(), Some("first/b"));
}
