//! What policy texts say, and why some are refused.

use super::*;

fn one(text: &str) -> Rule {
    let mut rules = rules(text).unwrap();
    assert_eq!(rules.len(), 1, "{text}");
    rules.remove(0)
}

fn granted(text: &str) -> String {
    one(text)
        .capabilities
        .iter()
        .map(Capability::name)
        .collect::<Vec<_>>()
        .join(" ")
}

fn refusal(text: &str) -> String {
    match rules(text) {
        Ok(rules) => panic!("{text:?} was accepted as {rules:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_policy_may_be_empty_and_may_carry_a_name_for_readers() {
    for text in [
        "",
        "# nothing\n",
        "{}",
        "name = \"x\"",
        "{\"name\": \"x\", \"path\": {}}",
    ] {
        assert!(rules(text).unwrap().is_empty(), "{text}");
    }
}

#[test]
fn each_block_is_a_rule_in_the_order_of_the_text() {
    let rules = rules("path \"b\" {} path \"a\" {} path \"b\" {}").unwrap();
    let paths: Vec<_> = rules.iter().map(|rule| rule.path.as_str()).collect();
    assert_eq!(paths, ["b", "a", "b"]);
}

#[test]
fn a_path_loses_one_leading_slash() {
    assert_eq!(one("path \"/a/b\" {}").path, "a/b");
    assert_eq!(one("path \"//a\" {}").path, "/a");
    assert_eq!(one("path \"\" {}").path, "");
}

#[test]
fn old_policy_words_stand_for_their_capabilities() {
    assert_eq!(granted("path \"a\" { policy = \"read\" }"), "list read");
    assert_eq!(
        granted("path \"a\" { policy = \"write\" }"),
        "create delete list read update"
    );
    assert_eq!(
        granted("path \"a\" { policy = \"sudo\" }"),
        "create delete list read sudo update"
    );
    assert_eq!(granted("path \"a\" { policy = \"deny\" }"), "deny");
    assert_eq!(
        granted("path \"a\" { policy = \"read\" capabilities = [\"patch\"] }"),
        "list patch read"
    );
    assert_eq!(
        granted("path \"a\" { capabilities = [\"read\"] policy = \"deny\" }"),
        "deny"
    );
}

#[test]
fn all_keys_of_a_rule_are_read() {
    let rule = one(r#"path "a" {
            comment = "why"
            capabilities = ["scan", "update",]
            allowed_parameters = { "Ttl" = [], "x" = ["a*", 5, 1.5, true, ["y"], { k = "v" }] }
            denied_parameters { y = ["z"] }
            required_parameters = ["Foo", "bar", "foo"]
            expiration = "2031-02-03T04:05:06+01:00"
            min_wrapping_ttl = "1m30s"
            max_wrapping_ttl = 3600
        }"#);
    assert_eq!(
        rule.capabilities,
        [Capability::Scan, Capability::Update].into_iter().collect()
    );
    let allowed = serde_json::json!({"ttl": [], "x": ["a*", 5, 1.5, true, ["y"], {"k": "v"}]});
    assert_eq!(
        serde_json::to_value(&rule.parameters.allowed).unwrap(),
        allowed
    );
    assert_eq!(
        serde_json::to_value(&rule.parameters.denied).unwrap(),
        serde_json::json!({"y": ["z"]})
    );
    assert_eq!(rule.parameters.required, ["bar", "foo"]);
    let bounds = Wrapping {
        min: Some(Duration::from_secs(90)),
        max: Some(Duration::from_secs(3600)),
    };
    assert_eq!(rule.wrapping, bounds);
    let end = Timestamp::parse("2031-02-03T03:05:06Z");
    assert_eq!(rule.expiration, end);
}

#[test]
fn an_end_is_a_date_with_its_time_or_seconds_since_1970_and_may_be_past() {
    let end = |value: &str| one(&format!("path \"a\" {{ expiration = {value} }}")).expiration;
    let moment = Timestamp::from_unix_nanos(1_890_000_000_000_000_000);
    for value in [
        "1890000000",
        "\"1890000000\"",
        "\"2029-11-22T00:00:00Z\"",
        "\"2029-11-22T02:00:00+02:00\"",
    ] {
        assert_eq!(end(value), Some(moment), "{value}");
    }
    assert!(end("\"1971-01-01T00:00:00Z\"").is_some());
    for value in ["\"\"", "\"soon\"", "\"2031-01-01\"", "1.5", "true", "-1"] {
        assert_eq!(
            refusal(&format!("path \"a\" {{ expiration = {value} }}")),
            "failed to parse policy: path \"a\": invalid expiration time: could not parse string as \
             date and time",
            "{value}"
        );
    }
}

#[test]
fn a_limit_on_lists_is_a_whole_number_and_one_below_1_is_none() {
    let limit = |value: &str| {
        let rule = one(&format!("path \"a\" {{ pagination_limit = {value} }}"));
        rule.listing.limit.map(std::num::NonZeroU64::get)
    };
    for (value, wanted) in [
        ("3", Some(3)),
        ("\"3\"", Some(3)),
        ("0", None),
        ("-1", None),
        ("9223372036854775807", Some(i64::MAX.unsigned_abs())),
    ] {
        assert_eq!(limit(value), wanted, "{value}");
    }
    let refused = "\"pagination_limit\" on line 2 must be a whole number";
    for value in ["\"x\"", "\"\"", "\"max\"", "1.5", "true", "[1]", "{}"] {
        assert_entry_refused(&format!("pagination_limit = {value}"), refused);
    }
}

#[test]
fn a_filter_of_lists_is_a_template_and_an_empty_one_is_none() {
    let filter = |value: &str| {
        let entry = format!("list_scan_response_keys_filter_path = {value}");
        one(&format!("path \"a\" {{ {entry} }}")).listing.filter
    };
    let path = filter("\"{{ .path | replace \\\"a/\\\" \\\"b/\\\" }}{{ .key }}\"");
    let path = path.unwrap().path("a/c/", "d");
    assert_eq!(path.as_deref(), Some("b/c/d"));
    assert_eq!(filter("\"\""), None);
    for (value, complaint) in [
        (
            "\"{{ .key\"",
            "list_scan_response_keys_filter_path has an unclosed action",
        ),
        (
            "\"plain\"",
            "list_scan_response_keys_filter_path resulted in same path for two different keys",
        ),
        (
            "3",
            "\"list_scan_response_keys_filter_path\" on line 2 must be a string",
        ),
        (
            "[\"a\"]",
            "\"list_scan_response_keys_filter_path\" on line 2 must be a string",
        ),
    ] {
        let entry = format!("list_scan_response_keys_filter_path = {value}");
        assert_entry_refused(&entry, complaint);
    }
}

#[test]
fn a_bound_on_wrapping_is_a_number_or_a_text() {
    let min = |value: &str| {
        one(&format!("path \"a\" {{ min_wrapping_ttl = {value} }}"))
            .wrapping
            .min
    };
    for (value, millis) in [
        ("90", 90_000),
        ("\"90\"", 90_000),
        ("\"1h30m\"", 5_400_000),
        ("\"1d\"", 86_400_000),
        ("1.5", 1_500),
        ("0x10", 16_000),
    ] {
        assert_eq!(min(value), Some(Duration::from_millis(millis)), "{value}");
    }
    for value in ["0", "\"\"", "\"0s\""] {
        assert_eq!(min(value), None, "{value}");
    }
}

#[test]
fn a_template_is_recognised_by_its_braces() {
    assert!(one("path \"a/{{identity.entity.id}}/b\" {}").is_template);
    assert!(one("path \"{{a}}{{b}}\" {}").is_template);
    assert!(!one("path \"a/{identity}\" {}").is_template);
    assert!(!one("path \"a}/{\" {}").is_template);
}

/// Checks the sentence that a text is refused with.
fn assert_refused(text: &str, expected: &str) {
    assert_eq!(
        refusal(text),
        format!("failed to parse policy: {expected}"),
        "{text:?}"
    );
}

/// Checks the sentence that one entry of `path "a"` is refused with.
fn assert_entry_refused(entry: &str, expected: &str) {
    assert_refused(
        &format!("path \"a\" {{\n{entry}\n}}"),
        &format!("path \"a\": {expected}"),
    );
}

#[test]
fn a_text_that_cannot_be_read_is_refused_with_the_place() {
    let no_value = "expected start of object ('{') or assignment ('=')";
    assert_refused("x", &format!("At 1:2: {no_value}"));
    assert_refused("path = \"a\"", "At 1:1: \"path\" must be a block");
    let no_label = "At 1:1: \"path\" needs a label and a block: path \"…\" { … }";
    assert_refused("path { policy = \"read\" }", no_label);
}

#[test]
fn unknown_keys_are_named_with_their_lines() {
    let one =
        |key, line| format!("1 error occurred:\n\t* invalid key \"{key}\" on line {line}\n\n");
    assert_refused("foo = 1", &one("foo", 1));
    assert_refused("\nfoo \"x\" {}", &one("foo", 2));
    assert_entry_refused("foo = 1", &one("foo", 2));
    let json = "{\"path\": {\"a\": {\n\"foo\": 1}}}";
    assert_refused(json, &format!("path \"a\": {}", one("foo", 2)));
    assert_refused(
        "path \"a\" \"b\" {}",
        &format!("path \"a\": {}", one("b", 1)),
    );
    let two =
        "2 errors occurred:\n\t* invalid key \"x\" on line 1\n\t* invalid key \"y\" on line 2";
    assert_refused("x = 1\ny = 2", &format!("{two}\n\n"));
}

#[test]
fn what_only_other_servers_enforce_is_refused_and_not_ignored() {
    let complaint = "\t* key \"mfa_methods\" on line 2 is not supported\n";
    assert_entry_refused(
        "mfa_methods = [\"x\"]",
        &format!("1 error occurred:\n{complaint}\n"),
    );
}

#[test]
fn nothing_may_be_said_twice() {
    let twice = |key, place| {
        format!(
            "At {place}: The argument \"{key}\" at {place} was already set. Each argument can \
             only be defined once"
        )
    };
    let text = "path \"a\" {\n policy = \"read\"\n policy = \"read\"\n}";
    assert_refused(text, &twice("policy", "3:2"));
    let blocks = "denied_parameters {}\ndenied_parameters {}";
    assert_entry_refused(blocks, &twice("denied_parameters", "3:1"));
    assert_entry_refused("allowed_parameters { x = []\nX = [] }", &twice("X", "3:1"));
}

#[test]
fn unknown_words_are_refused() {
    for word in ["reed", "READ", "root", ""] {
        let entry = format!("capabilities = [\"read\", {word:?}]");
        assert_entry_refused(&entry, &format!("invalid capability {word:?}"));
    }
    assert_entry_refused(
        "capabilities = [\"deny\", \"reed\"]",
        "invalid capability \"reed\"",
    );
    assert_entry_refused("policy = \"rite\"", "invalid policy \"rite\"");
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    let texts = |key| format!("{key:?} on line 2 must be a list of strings");
    for value in ["\"read\"", "[1]", "[[\"read\"]]", "{}", "true"] {
        for key in ["capabilities", "required_parameters"] {
            assert_entry_refused(&format!("{key} = {value}"), &texts(key));
        }
    }
    assert_entry_refused(
        "policy = [\"read\"]",
        "\"policy\" on line 2 must be a string",
    );
    let lists = "\"allowed_parameters\" on line 2 must be an object of lists";
    assert_entry_refused("allowed_parameters = [\"x\"]", lists);
    assert_entry_refused(
        "allowed_parameters {\nx = \"y\"\n}",
        "\"x\" on line 3 must be a list",
    );
}

#[test]
fn a_plus_before_a_star_is_refused() {
    for path in ["a+*", "a/+*", "a/+*/b"] {
        let expected = "invalid use of wildcards ('+*' is forbidden)";
        assert_refused(
            &format!("path {path:?} {{}}"),
            &format!("path {path:?}: {expected}"),
        );
    }
}

#[test]
fn unbalanced_templates_are_refused() {
    for path in ["{{a", "a}}", "{{a}}}}", "{{{{a}}}}", "{{a}}{{b", "{{"] {
        let expected = "failed to validate policy templating: unbalanced templating characters";
        assert_refused(
            &format!("path {path:?} {{}}"),
            &format!("path {path:?}: {expected}"),
        );
    }
}

#[test]
fn bounds_on_wrapping_that_make_no_sense_are_refused() {
    let no_duration = "error parsing max_wrapping_ttl: could not parse duration from input";
    for value in ["[5]", "true", "-5", "\"-5s\"", "1e300"] {
        assert_entry_refused(&format!("max_wrapping_ttl = {value}"), no_duration);
    }
    let invalid = "error parsing min_wrapping_ttl: time: invalid duration \"x\"";
    assert_entry_refused("min_wrapping_ttl = \"x\"", invalid);
    let crossed = "min_wrapping_ttl = \"5m\"\nmax_wrapping_ttl = 60";
    assert_entry_refused(
        crossed,
        "max_wrapping_ttl cannot be less than min_wrapping_ttl",
    );
}
