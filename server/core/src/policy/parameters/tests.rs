//! Each rule about parameters, one by one.

use serde_json::json;

use super::*;

fn parameters(value: &Value) -> Parameters {
    let values = |key: &str| {
        let lists = value
            .get(key)
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        lists
            .map(|(name, list)| (name.clone(), list.as_array().cloned().unwrap_or_default()))
            .collect()
    };
    let mut parameters = Parameters {
        allowed: values("allowed"),
        denied: values("denied"),
        required: Vec::new(),
    };
    let required = value
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    parameters.require(required.filter_map(Value::as_str).map(str::to_owned));
    parameters
}

fn permits(rules: &Value, given: &Value) -> bool {
    parameters(rules).permit(given.as_object().unwrap())
}

/// Tries what must pass and what must not.
fn assert_permits(rules: Value, passing: &[Value], refused: &[Value]) {
    for given in passing {
        assert!(permits(&rules, given), "{rules} must let {given} pass");
    }
    for given in refused {
        assert!(!permits(&rules, given), "{rules} must refuse {given}");
    }
}

#[test]
fn with_allowed_parameters_no_other_may_be_given() {
    assert_permits(
        json!({"allowed": {"x": []}}),
        &[
            json!({}),
            json!({"x": 1}),
            json!({"X": 1}),
            json!({"x": null}),
            json!({"x": {"y": 1}}),
        ],
        &[json!({"y": 1}), json!({"x": 1, "y": 1})],
    );
}

#[test]
fn a_star_among_allowed_parameters_lets_every_other_name_pass() {
    assert_permits(
        json!({"allowed": {"x": ["a"], "*": []}}),
        &[
            json!({"x": "a"}),
            json!({"y": "b"}),
            json!({"y": "b", "x": "a"}),
        ],
        &[json!({"x": "b"}), json!({"y": "b", "x": "b"})],
    );
    assert_permits(
        json!({"allowed": {"*": ["a"]}}),
        &[json!({"x": "a"}), json!({"x": "b"})],
        &[],
    );
}

#[test]
fn denied_parameters_refuse_by_name_or_by_value() {
    assert_permits(
        json!({"denied": {"x": []}}),
        &[json!({}), json!({"y": 1})],
        &[json!({"x": 1}), json!({"X": 1}), json!({"y": 1, "x": null})],
    );
    assert_permits(
        json!({"denied": {"x": ["a*"]}}),
        &[json!({"x": "b"}), json!({"x": 1}), json!({"y": "a"})],
        &[json!({"x": "a"}), json!({"x": "ab"}), json!({"X": "a"})],
    );
}

#[test]
fn a_star_among_denied_parameters_refuses_every_name() {
    assert_permits(
        json!({"denied": {"*": ["a"]}}),
        &[json!({})],
        &[json!({"x": "a"}), json!({"x": "b"})],
    );
}

#[test]
fn what_is_both_allowed_and_denied_is_refused() {
    assert_permits(
        json!({"allowed": {"x": []}, "denied": {"x": ["a"]}}),
        &[json!({"x": "b"})],
        &[json!({"x": "a"}), json!({"y": "b"})],
    );
}

#[test]
fn every_required_parameter_must_be_there_in_lower_case() {
    assert_permits(
        json!({"required": ["x", "y"]}),
        &[json!({"x": 1, "y": null}), json!({"x": 1, "y": 1, "z": 1})],
        &[json!({}), json!({"x": 1}), json!({"X": 1, "Y": 1})],
    );
    assert_permits(
        json!({"required": ["x"], "allowed": {"y": []}}),
        &[],
        &[json!({"x": 1}), json!({"x": 1, "y": 1})],
    );
}

#[test]
fn texts_match_with_a_star_at_either_end() {
    assert_permits(
        json!({"allowed": {"x": ["a*", "*b", "*c*", "*", "d", "e**"]}}),
        &["a", "abc", "b", "ab", "c", "zcz", "*", "d", "e*", "e*f"].map(|text| json!({"x": text})),
        &["q", "D", "", "e", "ef", "da"].map(|text| json!({"x": text})),
    );
    assert_permits(
        json!({"allowed": {"x": ["**"]}}),
        &[json!({"x": ""}), json!({"x": "any"})],
        &[json!({"x": 1})],
    );
}

#[test]
fn other_values_match_by_what_they_are() {
    assert_permits(
        json!({"allowed": {"x": [5, 1.5, true, "6", ["a", "b"], {"k": "v"}]}}),
        &[
            json!({"x": 5}),
            json!({"x": 5.0}),
            json!({"x": 1.5}),
            json!({"x": true}),
            json!({"x": "6"}),
            json!({"x": ["a", "b"]}),
            json!({"x": {"k": "v"}}),
        ],
        &[
            json!({"x": "5"}),
            json!({"x": 6}),
            json!({"x": false}),
            json!({"x": "true"}),
            json!({"x": null}),
            json!({"x": ["a"]}),
            json!({"x": [{"k": "v"}]}),
        ],
    );
    let large = json!({"allowed": {"x": [9_007_199_254_740_993_i64]}});
    assert_permits(
        large,
        &[json!({"x": 9_007_199_254_740_993_i64})],
        &[json!({"x": 9_007_199_254_740_992_i64})],
    );
}

/// Unites rules in both orders, which must give the same.
fn united(a: &Value, b: &Value) -> Parameters {
    let sorted = |mut parameters: Parameters| {
        for values in parameters
            .allowed
            .values_mut()
            .chain(parameters.denied.values_mut())
        {
            values.sort_by_key(ToString::to_string);
        }
        parameters
    };
    let merge = |a, b| {
        let mut merged = parameters(a);
        merged.merge(&parameters(b));
        sorted(merged)
    };
    assert_eq!(merge(a, b), merge(b, a));
    merge(a, b)
}

#[test]
fn united_policies_add_up_their_values_and_all_swallows_some() {
    for kind in ["allowed", "denied"] {
        let a = json!({kind: {"x": ["a"], "y": ["c"], "z": []}});
        let b = json!({kind: {"x": ["b"], "y": [], "w": ["d"]}});
        let expected = json!({kind: {"x": ["a", "b"], "y": [], "z": [], "w": ["d"]}});
        assert_eq!(united(&a, &b), parameters(&expected));
    }
}

#[test]
fn united_policies_add_up_their_requirements() {
    let expected = parameters(&json!({"required": ["x", "y", "z"]}));
    assert_eq!(
        united(
            &json!({"required": ["z", "x"]}),
            &json!({"required": ["y", "x"]})
        ),
        expected
    );
}

#[test]
fn a_policy_without_restrictions_does_not_lift_those_of_another() {
    let restricted = json!({"allowed": {"x": ["a"]}, "denied": {"y": []}, "required": ["x"]});
    assert_eq!(united(&restricted, &json!({})), parameters(&restricted));
}
