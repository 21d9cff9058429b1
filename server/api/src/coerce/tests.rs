//! What each reader of lenient fields takes and refuses.

use super::*;

fn read_seconds(json: &str) -> Result<Option<i64>, String> {
    seconds(&mut serde_json::Deserializer::from_str(json)).map_err(|error| error.to_string())
}

#[test]
fn durations_have_three_spellings() {
    assert_eq!(read_seconds("3600"), Ok(Some(3600)));
    assert_eq!(read_seconds("\"3600\""), Ok(Some(3600)));
    assert_eq!(read_seconds("\"1h30m\""), Ok(Some(5400)));
    assert_eq!(read_seconds("\"30d\""), Ok(Some(2_592_000)));
    assert_eq!(read_seconds("\"\""), Ok(Some(0)));
    assert_eq!(read_seconds("null"), Ok(None));
}

#[test]
fn a_duration_is_at_most_what_go_counts_in_nanoseconds() {
    assert_eq!(parse_seconds("2562047h"), Ok(9_223_369_200));
    for text in ["2562048h", "99999999h", "-99999999h"] {
        let invalid = format!("time: invalid duration \"{text}\"");
        assert_eq!(parse_seconds(text), Err(invalid));
    }
    for json in ["9999999999999", "\"9999999999999\""] {
        assert!(read_seconds(json).is_err_and(|why| why.contains("overflow")));
    }
}

#[test]
fn a_duration_keeps_its_sign_and_fraction_where_they_are_asked_for() {
    for (text, exact, whole) in [
        ("-1ms", -0.001, 0),
        ("1500ms", 1.5, 1),
        ("-1m0.5s", -60.5, -60),
        ("7", 7.0, 7),
        ("", 0.0, 0),
    ] {
        assert_eq!(parse_duration(text), Ok(exact), "{text}");
        assert_eq!(parse_seconds(text), Ok(whole), "{text}");
    }
}

#[test]
fn a_bad_duration_is_named() {
    assert!(
        read_seconds("\"abc\"").is_err_and(|e| e.starts_with("time: invalid duration \"abc\""))
    );
    assert!(read_seconds("\"5x\"").is_err_and(|e| e.contains("unknown unit \"x\"")));
}

#[test]
fn flags_and_numbers_may_be_strings() {
    let flag = |json| {
        flag(&mut serde_json::Deserializer::from_str(json))
            .ok()
            .flatten()
    };
    assert_eq!(flag("\"true\""), Some(true));
    assert_eq!(flag("0"), Some(false));
    assert_eq!((flag("1"), flag("\"t\"")), (Some(true), Some(true)));
    for json in ["\"maybe\"", "5", "-1", "1.5", "1.0", "\"5\""] {
        assert_eq!(flag(json), None, "{json}");
    }
    let int = |json| {
        int(&mut serde_json::Deserializer::from_str(json))
            .ok()
            .flatten()
    };
    assert_eq!(int("\"5\""), Some(5));
    assert_eq!(int("1.5"), None);
}

#[test]
fn lists_may_be_written_with_commas() {
    let list = |json| {
        list(&mut serde_json::Deserializer::from_str(json))
            .ok()
            .flatten()
    };
    let wanted = Some(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(list("\"a, b\""), wanted);
    assert_eq!(list("[\"a\",\"b\"]"), wanted);
    assert_eq!(list("[\"\"]"), Some(Vec::new()));
}

#[test]
fn pairs_have_three_spellings() {
    let pairs = |json| {
        pairs(&mut serde_json::Deserializer::from_str(json))
            .ok()
            .flatten()
    };
    let wanted = Some(BTreeMap::from([
        ("a".to_owned(), "b".to_owned()),
        ("c".to_owned(), "1".to_owned()),
    ]));
    assert_eq!(pairs("{\"a\":\"b\",\"c\":1}"), wanted);
    assert_eq!(pairs("[\"a=b\",\"c=1\"]"), wanted);
    assert_eq!(pairs("\"a=b, c=1\""), wanted);
    assert_eq!(pairs("\"\""), Some(BTreeMap::new()));
    assert_eq!(pairs("\"a\""), None);
}

#[test]
fn a_list_of_blanks_can_be_told_from_an_empty_one() {
    let list = |json| {
        list_with_blanks(&mut serde_json::Deserializer::from_str(json))
            .ok()
            .flatten()
            .map(|items| items.len())
    };
    for empty in ["\"\"", "[]"] {
        assert_eq!(list(empty), Some(0), "{empty}");
    }
    for blank in ["\" \"", "[\"\"]", "[\" \"]"] {
        assert_eq!(list(blank), Some(1), "{blank}");
    }
}

#[test]
fn a_text_with_commas_may_stay_whole() {
    let texts = |json| texts(&mut serde_json::Deserializer::from_str(json)).unwrap();
    assert_eq!(texts("\"a, b\""), Some(vec!["a, b".to_owned()]));
    assert_eq!(
        texts("[\"a, b\",\"c\"]"),
        Some(vec!["a, b".to_owned(), "c".to_owned()])
    );
    assert_eq!((texts("\"\""), texts("null")), (Some(Vec::new()), None));
}
