//! Which rules count for what several paths lead to.

use super::{
    tests::{acl, ladder, question},
    *,
};

/// Of two paths to one thing each that a rule counts for has to let a request in.
#[test]
fn what_is_known_by_another_path_is_let_in_by_the_rules_for_both() {
    let all = r#"path "names/*" { capabilities = ["read", "update", "sudo"] }"#;
    for (path, capability, listed) in [
        ("other", "deny", "read sudo update"),
        ("names/a", "deny", "deny"),
        ("names/A", "deny", "deny"),
        ("names/a", "read", "read"),
        ("names/A", "read", "read"),
        ("names/a", "list", "deny"),
    ] {
        let acl = acl(&[
            all,
            &format!("path {path:?} {{ capabilities = [{capability:?}] }}"),
        ]);
        let listed: Vec<_> = listed.split(' ').collect();
        let spellings = known_as("names/a");
        let capabilities = acl.capabilities_spelled("names/A", &spellings);
        let names: Vec<_> = capabilities.iter().map(|it| it.name()).collect();
        assert_eq!(names, listed, "{path} {capability}");
        for capability in [Capability::Read, Capability::Update] {
            let verdict = acl.check_spelled(&question(capability, "names/A"), &spellings);
            assert_eq!(
                verdict.allowed,
                listed.contains(&capability.name()),
                "{path}"
            );
            assert_eq!(verdict.granting.is_empty(), !verdict.allowed);
            assert_eq!(verdict.sudo, listed.contains(&"sudo"), "{path}");
        }
    }
    for (path, allowed) in [("names/a", true), ("names/A", true), ("names/b", false)] {
        let question = question(Capability::Read, "names/A");
        let verdict = ladder(&[path]).check_spelled(&question, &known_as("names/a"));
        assert_eq!(verdict.allowed, allowed, "{path}");
    }
}

fn known_as(path: &str) -> Spellings {
    Spellings {
        known_as: Some(path.to_owned()),
        folded: None,
    }
}

/// A rule with capital letters restricts what is spelled without them, and opens nothing by that.
#[test]
fn a_rule_in_capitals_restricts_every_spelling() {
    let all = r#"path "names/*" { capabilities = ["read", "update", "sudo"] }"#;
    let spelled = |path: &str| Spellings {
        known_as: Some("names/a".to_owned()).filter(|known| known != path),
        folded: Some("names/a".to_owned()),
    };
    for (rule, capability, listed) in [
        ("names/A", "deny", "deny"),
        ("NAMES/*", "deny", "deny"),
        ("names/A*", "read", "read"),
        ("+/A", "read", "read sudo update"),
        ("names/B", "deny", "read sudo update"),
    ] {
        let rule = format!("path {rule:?} {{ capabilities = [{capability:?}] }}");
        let acl = acl(&[all, &rule]);
        assert!(acl.has_capitals());
        let listed: Vec<_> = listed.split(' ').collect();
        let path = "names/a";
        let capabilities = acl.capabilities_spelled(path, &spelled(path));
        let names: Vec<_> = capabilities.iter().map(|it| it.name()).collect();
        assert_eq!(names, listed, "{rule}");
        for capability in [Capability::Read, Capability::Update] {
            let verdict = acl.check_spelled(&question(capability, path), &spelled(path));
            let is_listed = listed.contains(&capability.name());
            assert_eq!(verdict.allowed, is_listed, "{rule}");
        }
    }
    let acl = acl(&[r#"path "names/A" { capabilities = ["read"] }"#]);
    let may = |path| {
        let question = question(Capability::Read, path);
        acl.check_spelled(&question, &spelled(path)).allowed
    };
    assert_eq!(["names/A", "names/a"].map(may), [true, false]);
    assert!(!ladder(&["names/a"]).has_capitals());
}

/// What two rules restrict that both count, both restrict.
#[test]
fn neither_of_two_rules_lifts_what_the_other_demands() {
    let rule = |path: &str, more: &str| {
        format!("path {path:?} {{ capabilities = [\"update\", \"list\"]\n{more} }}")
    };
    let factor = |name: &str, ttl: &str| {
        format!(
            "control_group {{ ttl = {ttl:?}\n factor {name:?} {{ identity {{ \
             group_names = [{name:?}]\n approvals = 1 }} }} }}"
        )
    };
    let spellings = Spellings {
        known_as: None,
        folded: Some("names/a".to_owned()),
    };
    let ask = |rules: [String; 2], capability| {
        let [one, other] = rules;
        let acl = acl(&[&one, &other]);
        let question = Question {
            parameters: Some(&Map::new()),
            ..question(capability, "names/a")
        };
        acl.check_spelled(&question, &spellings)
    };
    let verdict = ask(
        [
            rule("names/*", &factor("security", "2h")),
            rule("names/A", &factor("lead", "1h")),
        ],
        Capability::Update,
    );
    let demand = verdict.demand.unwrap();
    let names: Vec<_> = demand.factors.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["lead", "security"]);
    assert_eq!(demand.ttl, Duration::from_secs(3600));

    let filter = |text: &str| format!("list_scan_response_keys_filter_path = {text:?}");
    let [of_lists, of_names] = ["lists", "names"].map(|at| filter(&format!("{at}/{{{{ .key }}}}")));
    let listed = |one: &str, other: &str| {
        let rules = [rule("names/*", one), rule("names/A", other)];
        ask(rules, Capability::List)
    };
    let verdict = listed(
        &format!("{of_lists}\npagination_limit = 10"),
        "pagination_limit = 100",
    );
    let listing = verdict.listing.unwrap();
    assert_eq!(listing.limit.map(NonZeroU64::get), Some(10));
    assert!(listing.filter.is_some());
    assert!(listed(&of_lists, &of_lists).allowed);
    assert!(!listed(&of_lists, &of_names).allowed);
}

/// Letters that are neither small nor capital fold too, and one capital folds alike wherever it
/// stands.
#[test]
fn a_rule_restricts_spellings_of_any_alphabet() {
    let all = r#"path "names/*" { capabilities = ["read"] }"#;
    for (rule, sent) in [
        ("names/\u{1c5}x", "names/\u{1c6}x"),
        ("names/ΑΣ*", "names/ασβ"),
        ("names/ΑΣ", "names/ας"),
        ("names/ας", "names/ΑΣ"),
    ] {
        let acl = acl(&[
            all,
            &format!("path {rule:?} {{ capabilities = [\"deny\"] }}"),
        ]);
        assert!(acl.has_capitals(), "{rule}");
        let spellings = Spellings {
            known_as: None,
            folded: Some(fold(sent)),
        };
        let verdict = acl.check_spelled(&question(Capability::Read, sent), &spellings);
        assert!(!verdict.allowed, "{rule} {sent}");
    }
}
