//! What templates make of the entries of a list, and which are refused.

use proptest::prelude::*;

use super::*;

fn path(template: &str, list: &str, key: &str) -> Option<String> {
    KeyFilter::parse(template).unwrap().path(list, key)
}

#[test]
fn a_template_makes_the_path_of_an_entry() {
    for (template, wanted) in [
        ("{{ .path }}{{ .key }}", "kv/metadata/a/x"),
        ("{{.path}}{{.key}}", "kv/metadata/a/x"),
        ("{{- .path -}}  {{ .key }}", "kv/metadata/a/x"),
        ("{{ .path }}  {{- .key }}", "kv/metadata/a/x"),
        ("kv/data/{{ .key }}", "kv/data/x"),
        (
            "{{ .path | replace \"kv/metadata/\" \"kv/data/\" }}{{ .key }}",
            "kv/data/a/x",
        ),
        (
            "{{.path|replace `kv/metadata/` `kv/data/`}}{{.key}}",
            "kv/data/a/x",
        ),
        ("{{ replace \"x\" \"y\" .key }}", "y"),
        ("{{ .key | replace \"x\" \"}}\" | uppercase }}", "}}"),
        (
            "{{ .key | uppercase | replace \"X\" .path }}",
            "kv/metadata/a/",
        ),
        ("{{ uppercase .key | lowercase }}", "x"),
        ("}}{{ .key }} \\\"", "}}x \\\""),
        ("{{ replace \"\\\"\" \"\\\\\" .key }}", "x"),
    ] {
        assert_eq!(
            path(template, "kv/metadata/a/", "x").as_deref(),
            Some(wanted),
            "{template}"
        );
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for (template, complaint) in [
        ("{{ key }}", "says \"key\", which is not supported"),
        ("{{ .Key }}", "says \".Key\", which is not supported"),
        ("{{ .key.x }}", "says \".key.x\", which is not supported"),
        (
            "{{ if .key }}x{{ end }}",
            "says \"if\", which is not supported",
        ),
        (
            "{{/* c */}}{{ .key }}",
            "says \"/*\", which is not supported",
        ),
        ("{{ $x := .key }}", "says \"$x\", which is not supported"),
        (
            "{{ printf \"%s\" .key }}",
            "says \"printf\", which is not supported",
        ),
        (
            "{{ .key | trimprefix \"a\" }}",
            "says \"trimprefix\", which is not supported",
        ),
        ("{{ (.key) }}", "says \"(.key)\", which is not supported"),
        ("{{ }}", "has a command without a value"),
        ("{{ .key | }}", "has a command without a value"),
        ("{{ | .key }}", "has a command without a value"),
        ("{{ .key", "has an unclosed action"),
        ("{{ .key }", "has an unclosed action"),
        ("{{ \"a", "has an unterminated quoted string"),
        ("{{ \"a\nb\" }}", "has an unterminated quoted string"),
        ("{{ `a", "has an unterminated quoted string"),
        (
            "{{ \"\\n\" }}",
            "has the escape \"\\\\n\", which is not supported",
        ),
        (
            "{{ .key .path }}",
            "gives operands to what is not a function",
        ),
        (
            "{{ .path | .key }}",
            "gives operands to what is not a function",
        ),
        (
            "{{ replace }}",
            "gives \"replace\" 0 operands, which takes 3",
        ),
        (
            "{{ .key | replace \"a\" }}",
            "gives \"replace\" 2 operands, which takes 3",
        ),
        (
            "{{ .key | replace \"\" \"a\" }}",
            "replaces the empty string",
        ),
        ("plain", "resulted in same path for two different keys"),
        (
            "{{ .path }}",
            "resulted in same path for two different keys",
        ),
        (
            "{{ \"a\" }}",
            "resulted in same path for two different keys",
        ),
    ] {
        assert_eq!(
            KeyFilter::parse(template),
            Err(complaint.to_owned()),
            "{template}"
        );
    }
    let long = format!("{{{{ .key }}}}{}", "a".repeat(MAX_TEXT));
    assert_eq!(
        KeyFilter::parse(&long),
        Err("is longer than 4096 bytes".to_owned())
    );
}

#[test]
fn a_path_that_is_longer_than_any_is_none() {
    let grown = format!(
        "{{{{ .key | replace \"a\" \"{0}\" | replace \"b\" \"{0}\" }}}}",
        "b".repeat(200)
    );
    assert_eq!(path(&grown, "", "c").as_deref(), Some("c"));
    assert_eq!(path(&grown, "", "aaa"), None);
    assert_eq!(path("{{ .key }}", "", &"a".repeat(MAX_PATH + 1)), None);
}

/// Words that templates are made of, so that they meet.
fn any_template() -> impl Strategy<Value = String> {
    let word = prop::sample::select(
        &[
            "{{",
            "}}",
            "{{-",
            "-}}",
            " ",
            "|",
            ".key",
            ".path",
            "replace",
            "lowercase",
            "\"a\"",
            "\"\\\"\"",
            "`b`",
            "\"",
            "`",
            "\\",
            "-",
            "é",
            "a/",
            "\n",
            "if",
        ][..],
    );
    prop::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_tells_entries_apart(
        template in prop_oneof![any_template(), any::<String>()],
        list in "[ab/]{0,8}",
        key in "[ab/é]{0,8}",
    ) {
        if let Ok(filter) = KeyFilter::parse(&template) {
            prop_assert!(template.contains(".key"));
            let path = filter.path(&list, &key);
            prop_assert!(path.is_none_or(|path| path.len() <= MAX_PATH));
        }
    }

    #[test]
    fn replacing_is_what_the_words_say(
        list in "[ab/]{0,12}", key in "[ab/]{0,6}", old in "[ab/]{1,3}", new in "[ab/]{0,3}",
    ) {
        let template = format!("{{{{ .path | replace {old:?} {new:?} }}}}{{{{ .key }}}}");
        let made = KeyFilter::parse(&template).unwrap().path(&list, &key);
        prop_assert_eq!(made, Some(list.split(&*old).collect::<Vec<_>>().join(&new) + &key));
    }
}
