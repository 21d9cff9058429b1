//! What the parsers accept, what they refuse, and that no text can hurt them.

use proptest::prelude::*;
use serde_json::json;

use super::{Body, Entry, MAX_DEPTH, Position, Value, parse};

fn parsed(text: &str) -> Body {
    parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refusal(text: &str) -> String {
    match parse(text) {
        Ok(body) => panic!("{text:?} was accepted as {body:?}"),
        Err(error) => error.to_string(),
    }
}

/// The text of the value of `x`.
fn text_of_x(text: &str) -> String {
    let body = parsed(text);
    body.find("x")
        .and_then(|entry| entry.value.as_text())
        .map(str::to_owned)
        .unwrap()
}

/// The tree as JSON, in which positions play no role.
fn json_of(text: &str) -> String {
    Value::Object(parsed(text)).to_json().to_string()
}

#[test]
fn native_syntax_has_every_kind_of_value() {
    let text = r#"
        a = 1  b = -2  c = 0x1F  d = 010  e = 1.5  f = -2e3  g = true  h = false
        i = "text"
        j = ["one", 2, [true], { k = 3 },]
        l { m = 1 }
        "n" = {}
        o = []
    "#;
    let expected = json!({
        "a": 1, "b": -2, "c": 31, "d": 8, "e": 1.5, "f": -2000.0, "g": true, "h": false,
        "i": "text",
        "j": ["one", 2, [true], {"k": 3}],
        "l": {"m": 1},
        "n": {},
        "o": [],
    });
    assert_eq!(json_of(text), expected.to_string());
}

#[test]
fn entries_may_share_a_line_with_and_without_commas() {
    let expected = json_of("a = 1\nb {\nc = 2\nd = 3\n}\ne = 4");
    assert_eq!(json_of("a = 1 b { c = 2 d = 3 } e = 4"), expected);
    assert_eq!(json_of("a=1,b{c=2,d=3,},e=4"), expected);
    assert_eq!(
        json_of("a=1\r\nb {\r\nc=2\r\nd=3\r\n}\r\ne=4\r\n"),
        expected
    );
}

#[test]
fn a_label_is_a_level_of_the_tree_in_both_forms() {
    let json = json_of(r#"{"path": {"a": {"b": 1}}}"#);
    assert_eq!(json_of(r#"path "a" { b = 1 }"#), json);
    assert_eq!(json_of(r#""path" a { "b" = 1 }"#), json);
    assert_eq!(json_of("path { a { b = 1 } }"), json);
}

#[test]
fn comments_are_skipped_wherever_a_blank_may_stand() {
    let text = "# one\n// two\n/* three\n * lines */ a /* b */ = /**/ [1, # c\n 2 /* d */,\n] // e";
    assert_eq!(json_of(text), r#"{"a":[1,2]}"#);
    assert_eq!(
        text_of_x("x = \"# // /* no comment */\""),
        "# // /* no comment */"
    );
}

#[test]
fn strings_have_the_escapes_of_the_language() {
    let text = r#"x = "\a\b\f\n\r\t\v\\\"\101\x41\u00e9\U0001F600 é""#;
    assert_eq!(text_of_x(text), "\x07\x08\x0c\n\r\t\x0b\\\"AAé😀 é");
    assert_eq!(text_of_x(r#"x = "${y}""#), "${y}");
}

#[test]
fn heredocs_keep_their_lines() {
    assert_eq!(
        text_of_x("x = <<EOF\none\n  two\n\nEOF\n"),
        "one\n  two\n\n"
    );
    assert_eq!(text_of_x("x = <<EOF\r\none\r\nEOF\r\n"), "one\r\n");
    assert_eq!(text_of_x("x = <<EOF\nEOF"), "");
    assert_eq!(json_of("x = <<A\none\nA\ny = 2"), r#"{"x":"one\n","y":2}"#);
}

#[test]
fn an_indented_heredoc_loses_the_indentation_of_its_closing_mark() {
    assert_eq!(
        text_of_x("x = <<-EOF\n    one\n      two\n    EOF\n"),
        "one\n  two\n"
    );
    assert_eq!(text_of_x("x = <<-EOF\n  one\ntwo\n  EOF\n"), "  one\ntwo\n");
}

#[test]
fn json_has_every_kind_of_value() {
    let text = r#" { "a": 1, "b": -2.5e1, "c": true, "d": null, "e": ["x", {"f": []},],
        "g": "\u00e9\ud83d\ude00\/\n", "h": {}, "i": 18446744073709551615, } "#;
    let expected = json!({
        "a": 1, "b": -25.0, "c": true, "d": null, "e": ["x", {"f": []}],
        "g": "é😀/\n", "h": {}, "i": 18_446_744_073_709_551_615.0,
    });
    assert_eq!(json_of(text), expected.to_string());
}

#[test]
fn every_entry_knows_where_its_key_stands() {
    for text in [
        "\n  a = 1 é = 2\n/*\n*/ b {\n\tc = <<X\nX\n d = 1 }",
        "\n{ \"a\": 1, \"é\":2,\n\n\"b\": {\n\"c\": 0,\n\n \"d\": 1}}",
    ] {
        let body = parsed(text);
        let line = |body: &Body, key: &str| body.find(key).map(|entry| entry.position.line);
        assert_eq!(line(&body, "a"), Some(2));
        assert_eq!(line(&body, "é"), Some(2));
        assert_eq!(line(&body, "b"), Some(4));
        let inner = body
            .find("b")
            .and_then(|entry| entry.value.as_object())
            .unwrap();
        assert_eq!(line(inner, "c"), Some(5));
        assert_eq!(line(inner, "d"), Some(7));
    }
    assert_eq!(
        parsed("é = 1 b = 2").entries[1].position,
        Position { line: 1, column: 7 }
    );
}

#[test]
fn refusals_name_the_place_and_the_trouble() {
    let cases = [
        (
            "x",
            "At 1:2: expected start of object ('{') or assignment ('=')",
        ),
        (
            "a \"b\" c",
            "At 1:8: expected start of object ('{') or assignment ('=')",
        ),
        ("a {", "At 1:4: object expected closing RBRACE got: EOF"),
        (
            "a {}}",
            "At 1:5: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE",
        ),
        (
            "a { { } }",
            "At 1:5: expected: IDENT | STRING | ASSIGN | LBRACE got: LBRACE",
        ),
        (
            "a = 1,, b = 2",
            "At 1:7: expected: IDENT | STRING | ASSIGN | LBRACE got: COMMA",
        ),
        ("= 1", "At 1:1: no object keys found!"),
        (
            "a \"b\" = {}",
            "At 1:7: nested object expected: LBRACE got: ASSIGN",
        ),
        ("a = b", "At 1:5: Unknown token: 1:5 IDENT"),
        ("a = }", "At 1:5: Unknown token: 1:5 RBRACE"),
        (
            "a = [1 2]",
            "At 1:8: error parsing list, expected comma or list end, got: NUMBER",
        ),
        (
            "a = [1, true false]",
            "At 1:14: error parsing list, expected comma or list end, got: BOOL",
        ),
        (
            "a = [1",
            "At 1:7: error parsing list, expected comma or list end, got: EOF",
        ),
        ("a = [,]", "At 1:6: Unknown token: 1:6 COMMA"),
        ("a = \"b", "At 1:5: literal not terminated"),
        ("\na = \"b\n\"", "At 2:5: literal not terminated"),
        ("a = \"\0\"", "At 1:5: literal not terminated"),
        ("a = \"\\q\"", "At 1:6: illegal char escape"),
        ("a = \"\\uD800\"", "At 1:6: illegal char escape"),
        ("a = \"\\xff\"", "At 1:6: illegal char escape"),
        ("a = 'b'", "At 1:5: illegal char"),
        ("a: 1", "At 1:2: illegal char"),
        ("\u{feff}a = 1", "At 1:1: illegal char"),
        ("a = 1 / 2", "At 1:7: expected '/' for comment"),
        ("a = 1 /* b", "At 1:7: comment not terminated"),
        (
            "a = <EOF",
            "At 1:5: heredoc expected second '<', didn't see it",
        ),
        ("a = <<\nEOF", "At 1:7: zero-length heredoc anchor"),
        (
            "a = <<E F\nE",
            "At 1:8: invalid characters in heredoc anchor",
        ),
        ("a = <<EOF\nb\n", "At 1:5: heredoc not terminated"),
        ("a = 08", "At 1:5: illegal number"),
        ("a = -", "At 1:5: illegal number"),
        ("a = 0xg", "At 1:5: illegal number"),
        ("a = 1e999", "At 1:5: illegal number"),
        ("a = 99999999999999999999", "At 1:5: illegal number"),
        ("{", "At 1:2: expected: STRING"),
        ("{a: 1}", "At 1:2: expected: STRING"),
        ("{\"a\" 1}", "At 1:6: expected ':'"),
        ("{\"a\": }", "At 1:7: illegal value \"\""),
        ("{\"a\": tru}", "At 1:7: illegal value \"tru\""),
        ("{\"a\": 08}", "At 1:7: illegal value \"08\""),
        ("{\"a\": [1 2]}", "At 1:10: expected ']'"),
        ("{\"a\": 1 \"b\": 2}", "At 1:9: expected '}'"),
        ("{\"a\": \"b\n\"}", "At 1:7: illegal string"),
        ("{\"a\": \"\\q\"}", "At 1:7: illegal string"),
        ("{\"a\": \"b}", "At 1:7: literal not terminated"),
        ("{} {}", "At 1:4: unexpected text after the object"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "{text:?}");
    }
}

#[test]
fn no_key_is_silently_set_twice() {
    let twice = |key, place| {
        format!(
            "At {place}: The argument \"{key}\" at {place} was already set. Each argument can \
             only be defined once"
        )
    };
    assert_eq!(refusal("a = 1\na = 2"), twice("a", "2:1"));
    assert_eq!(refusal("a = 1 b = 1 a {}"), twice("a", "1:13"));
    assert_eq!(refusal("a {} a = 1"), twice("a", "1:6"));
    assert_eq!(refusal("p \"a\" {\n c = 1\n c = 1 }"), twice("c", "3:2"));
    assert_eq!(refusal(r#"{"a": {}, "a": {}}"#), twice("a", "1:11"));
    assert_eq!(parsed(r#"p "a" {} p "a" {} p {}"#).entries.len(), 3);
}

#[test]
fn nesting_has_a_limit_in_every_form() {
    let repeated = |open: &str, inner: &str, close: &str, depth| {
        [open.repeat(depth), inner.to_owned(), close.repeat(depth)].concat()
    };
    for (open, inner, close) in [("a {", "", "}"), ("a ", "{}", ""), ("a = {", "", "}")] {
        assert!(
            parse(&repeated(open, inner, close, MAX_DEPTH)).is_ok(),
            "{open}"
        );
        let error = refusal(&repeated(open, inner, close, 100_000));
        assert!(error.ends_with("nested deeper than 64 levels"), "{error}");
    }
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        let inner = |depth| format!("{{\"x\": {} }}", repeated(open, "1", close, depth));
        assert!(parse(&inner(MAX_DEPTH)).is_ok(), "{open}");
        assert!(refusal(&inner(100_000)).ends_with("nested deeper than 64 levels"));
    }
    assert!(refusal(&format!("a = {}", "[".repeat(100_000))).ends_with("than 64 levels"));
}

#[test]
fn labelled_blocks_read_alike_in_every_form() {
    let texts = [
        "l \"a\" { x = 1 } other = 1 l \"b\" {}",
        "l { a { x = 1 } b {} }",
        r#"{"l": {"a": {"x": 1}, "b": {}}}"#,
        r#"{"l": [{"a": {"x": 1}}, {"b": {}}]}"#,
        r#"{"l": {"a": [{"x": 1}], "b": {}}}"#,
    ];
    for text in texts {
        let body = parsed(text);
        let blocks = body.labelled("l").unwrap();
        let labels: Vec<_> = blocks.iter().map(|block| block.label).collect();
        assert_eq!(labels, ["a", "b"], "{text}");
        assert_eq!(
            blocks[0]
                .body
                .find("x")
                .and_then(|entry| entry.value.as_integer()),
            Some(1)
        );
        assert!(blocks[1].body.entries.is_empty());
    }
    assert!(parsed("x = 1").labelled("l").unwrap().is_empty());
}

#[test]
fn a_block_without_a_label_is_refused_with_its_line() {
    let refusal = |text| parsed(text).labelled("l").unwrap_err().to_string();
    assert_eq!(refusal("\nl = 1"), "At 2:1: \"l\" must be a block");
    assert_eq!(refusal("l = [1]"), "At 1:1: \"l\" must be a block");
    assert_eq!(
        refusal("\nl { x = 1 }"),
        "At 2:1: \"l\" needs a label and a block: l \"…\" { … }"
    );
}

/// Writes a tree as native HCL, all on one line.
fn print_native(body: &Body) -> String {
    let entry = |Entry { key, value, .. }: &Entry| match value {
        Value::Object(inner) => format!("{} {{ {} }}", quoted(key), print_native(inner)),
        value => format!("{} = {}", quoted(key), print_value(value)),
    };
    body.entries.iter().map(entry).collect::<Vec<_>>().join(" ")
}

fn print_value(value: &Value) -> String {
    match value {
        Value::Float(number) => format!("{number:e}"),
        Value::List(items) => format!(
            "[{}]",
            items.iter().map(print_value).collect::<Vec<_>>().join(",")
        ),
        Value::Object(body) => format!("{{{}}}", print_native(body)),
        Value::Text(text) => quoted(text),
        other => other.to_json().to_string(),
    }
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\U{:08x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// Forgets where the keys stood.
fn without_positions(body: Body) -> Body {
    fn forget(value: &mut Value) {
        match value {
            Value::List(items) => items.iter_mut().for_each(forget),
            Value::Object(body) => {
                for entry in &mut body.entries {
                    entry.position = Position { line: 0, column: 0 };
                    forget(&mut entry.value);
                }
            }
            _ => {}
        }
    }
    let mut value = Value::Object(body);
    forget(&mut value);
    value.as_object().cloned().unwrap_or_default()
}

fn any_body() -> impl Strategy<Value = Body> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        proptest::num::f64::NORMAL.prop_map(Value::Float),
        any::<String>().prop_map(Value::Text),
    ];
    let value = leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            body_of(inner).prop_map(Value::Object),
        ]
    });
    body_of(value)
}

fn body_of(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Body> {
    let key = prop_oneof!["[a-z_][a-z0-9_.-]{0,5}", any::<String>()];
    prop::collection::btree_map(key, value, 0..4).prop_map(|entries| {
        let position = Position { line: 0, column: 0 };
        let entry = |(key, value)| Entry {
            key,
            position,
            value,
        };
        Body {
            entries: entries.into_iter().map(entry).collect(),
        }
    })
}

/// Words of the language in any order: nearer to the grammar than random characters.
fn any_words() -> impl Strategy<Value = String> {
    let words = [
        "a", "path", "true", "=", "{", "}", "[", "]", ",", "\"", "\"s\"", "\\", "${", "1", "-",
        "0x", "1e", ".", "\n", "\r\n", " ", "#", "//", "/*", "*/", "<<", "<<-", "EOF", "EOF\n",
        ":", "null", "é", "\0",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_a_parser_panic(
        text in any::<String>(),
        words in any_words(),
        bytes in any::<Vec<u8>>(),
    ) {
        for text in [&text, &words, &format!("{{{words}"), &*String::from_utf8_lossy(&bytes)] {
            if let Err(error) = parse(text) {
                prop_assert!(error.position.line as usize <= text.lines().count().max(1) + 1);
            }
        }
    }

    #[test]
    fn a_printed_tree_reads_back_the_same(body in any_body()) {
        let native = print_native(&body);
        prop_assert_eq!(without_positions(parsed(&native)), body.clone());
        let json = Value::Object(body.clone()).to_json();
        for text in [json.to_string(), format!("{json:#}")] {
            prop_assert_eq!(Value::Object(parsed(&text)).to_json(), json.clone());
        }
    }

    #[test]
    fn an_independent_parser_reads_the_same_from_what_hcl_1_and_2_share(body in any_body()) {
        let shared = serde_json::to_value(hcl_subset(body)).unwrap();
        let text = hcl::to_string(&shared).unwrap();
        let theirs: serde_json::Value = hcl::from_str(&text).unwrap();
        prop_assert_eq!(Value::Object(parsed(&text)).to_json(), theirs, "{}", text);
    }
}

/// The tree as JSON without the few things that HCL 1 and 2 write differently.
fn hcl_subset(body: Body) -> serde_json::Value {
    fn plain(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Array(items) => items.into_iter().map(plain).collect(),
            serde_json::Value::Object(entries) => {
                let entry = |(key, value)| (format!("k{}", word(key, "_")), plain(value));
                entries.into_iter().map(entry).collect()
            }
            // Theirs writes a float that is whole as an integer, however large.
            serde_json::Value::Number(number) if number.is_f64() => {
                ((number.as_f64().unwrap_or_default() % 1_000.0).trunc() + 0.5).into()
            }
            serde_json::Value::String(text) => word(text, " /*+").into(),
            other => other,
        }
    }
    fn word(text: String, others: &str) -> String {
        text.chars()
            .filter(|c| c.is_ascii_alphanumeric() || others.contains(*c))
            .collect()
    }
    plain(Value::Object(body).to_json())
}
