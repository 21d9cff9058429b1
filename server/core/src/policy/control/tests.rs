//! Which control groups are taken, and what they demand together.

use super::*;
use crate::policy::Policy;

/// What a policy for `path "a"` with a control group is refused with; none if it is taken.
fn refusal(group: &str) -> Option<String> {
    let text = format!("path \"a\" {{ capabilities = [\"read\"]\n{group} }}");
    let error = Policy::parse("p", &text).err()?.to_string();
    let text = error
        .strip_prefix("failed to parse policy: path \"a\": error handling control_group: ")
        .and_then(|text| text.strip_prefix("1 error occurred:\n\t* "))
        .and_then(|text| text.strip_suffix("\n\n"));
    Some(text.unwrap_or(&error).to_owned())
}

fn with_factor(factor: &str) -> String {
    format!("control_group {{ factor \"x\" {{ {factor} }} }}")
}

fn with_identity(identity: &str) -> String {
    with_factor(&format!("identity {{ {identity} }}"))
}

const GOOD: &str = "group_names = [\"x\"] approvals = 1";

#[test]
fn a_control_group_may_be_written_as_both_peers_write_it() {
    let good = format!("factor \"x\" {{ identity {{ {GOOD} }} }}");
    for group in [
        with_identity(GOOD),
        with_identity(&format!("{GOOD} ttl = \"5d\" self_authorization = true")),
        with_identity("group_names = [\"x\"] approvals = \"2\""),
        with_factor(&format!(
            "controlled_capabilities = [\"read\", \"list\"] identity {{ {GOOD} }}"
        )),
        format!("control_group = {{ {good} }}"),
        format!("control_group {{ ttl = 60 self_auth_allowed = true {good} }}"),
        format!("control_group {{ {good} factor \"y\" {{ identity = {{ {GOOD} }} }} }}"),
    ] {
        assert_eq!(refusal(&group), None, "{group}");
    }
    let json = r#"{"path": {"a": {"capabilities": ["read"], "control_group": {"ttl": "1h",
        "factor": [{"x": {"identity": [{"group_names": ["x"], "approvals": 1}]}}]}}}}"#;
    assert!(Policy::parse("p", json).is_ok());
}

#[test]
fn a_control_group_that_would_let_everything_or_nothing_through_is_refused() {
    let x = |text: &str| format!("factor 0: {text}");
    let invalid = |name: &str| format!("path control_group Operation(s) not valid: {name}");
    let caps = |list: &str| {
        with_factor(&format!(
            "controlled_capabilities = {list} identity {{ {GOOD} }}"
        ))
    };
    let unknown = |key: &str| format!("invalid key {key:?} on line 2");
    let one = |what: &str| format!("{what:?} on line 2 must be ");
    let none = "requires at least one factor but had none".to_owned();
    for (group, text) in [
        ("control_group {}".to_owned(), none.clone()),
        ("control_group { ttl = \"1h\" }".to_owned(), none),
        (
            "control_group = 1".to_owned(),
            "At 2:1: \"control_group\" must be a block".to_owned(),
        ),
        (with_factor(""), x("missing required approvals")),
        (
            with_identity("approvals = 1"),
            x("missing approving groups"),
        ),
        (
            with_identity("group_names = [\"x\"]"),
            x("missing required approvals"),
        ),
        (
            with_identity("group_names = [\"x\"] approvals = 0"),
            x("missing required approvals"),
        ),
        (
            with_identity("group_names = [\"x\"] approvals = -1"),
            format!("{}a whole number of at least 1", one("approvals")),
        ),
        (caps("[]"), x("missing controlled capabilities")),
        (caps("[\"foo\"]"), invalid("foo")),
        (caps("[\"deny\"]"), invalid("deny")),
        (caps("[\"sudo\"]"), invalid("sudo")),
        (caps("[\"READ\"]"), invalid("READ")),
        (
            with_identity(&format!("{GOOD} group_ids = []")),
            unknown("group_ids"),
        ),
        (with_factor("foo = 1"), unknown("foo")),
        ("control_group { foo = 1 }".to_owned(), unknown("foo")),
        (
            with_identity(&format!("{GOOD} self_authorization = 1")),
            format!("{}true or false", one("self_authorization")),
        ),
        (
            format!("control_group {{ ttl = \"x\" factor \"x\" {{ identity {{ {GOOD} }} }} }}"),
            "path control_group: invalid ttl: time: invalid duration \"x\"".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&group), Some(text), "{group}");
    }
    let twice = with_identity(&format!("{GOOD} approvals = 2"));
    assert!(refusal(&twice).unwrap().contains("already set"), "{twice}");
    let blocks = format!("identity {{ {GOOD} }} identity {{ {GOOD} }}");
    assert!(refusal(&with_factor(&blocks)).is_some());
    let groups = format!("{0} {0}", with_identity(GOOD));
    assert!(refusal(&groups).is_some());
}

fn control(groups: &str) -> Arc<Control> {
    let text = format!("path \"a\" {{ control_group {{ {groups} }} }}");
    let mut policy = Policy::parse("p", &text).unwrap();
    policy.rules.remove(0).control.unwrap()
}

#[test]
fn what_rules_demand_adds_up_by_what_is_asked_for() {
    let factor = |name: &str, capabilities: &str| {
        format!("factor \"{name}\" {{ {capabilities} identity {{ {GOOD} }} }}")
    };
    let read = factor("read", "controlled_capabilities = [\"read\"]");
    let both = control(&format!("ttl = \"2m\" {read} {}", factor("all", "")));
    let update = factor("update", "controlled_capabilities = [\"update\"]");
    let update = control(&format!("ttl = \"1m\" {update}"));
    let again = control(&factor("all", ""));
    let controls = [both, update, again];
    let names = |capability| {
        let demand = Demand::of(&controls, capability).unwrap();
        let names = demand.factors.iter().map(|factor| factor.name.clone());
        (demand.ttl.as_secs(), names.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(names(Capability::Read), (120, "all read".to_owned()));
    assert_eq!(names(Capability::Update), (60, "all update".to_owned()));
    assert_eq!(names(Capability::List), (120, "all".to_owned()));
    let without_time = [control(&factor("all", ""))];
    let demand = Demand::of(&without_time, Capability::List).unwrap();
    assert_eq!(demand.ttl, DEFAULT_TTL);
    assert_eq!(Demand::of(&controls[1..2], Capability::Read), None);
}
