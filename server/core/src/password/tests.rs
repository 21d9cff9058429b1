//! What policies say, what is refused of them, and what passwords come of them.

use proptest::prelude::*;

use super::*;

const LOWER: &str = "rule \"charset\" { charset = \"abc\" }";

fn fault(text: &str) -> String {
    PasswordPolicy::parse(text).unwrap_err().to_string()
}

#[test]
fn hcl_and_json_say_the_same() {
    let hcl = "length = 9\nrule \"charset\" { charset = \"bca\" }\n\
               rule \"charset\" { charset = \"0010\" min-chars = 2 }";
    let policy = PasswordPolicy::parse(hcl).unwrap();
    let rules = [("abc", 0), ("01", 2)].map(|(characters, min_chars)| Charset {
        characters: characters.chars().collect(),
        min_chars,
    });
    assert_eq!(
        policy,
        PasswordPolicy {
            length: 9,
            rules: rules.into()
        }
    );
    for json in [
        r#"{"length":9,"rule":[{"charset":{"charset":"abc"}},
            {"charset":{"charset":"01","min-chars":2}}]}"#,
        r#"{"length":9,"rule":{"charset":[{"charset":"abc"},{"charset":"01","min-chars":2}]}}"#,
    ] {
        assert_eq!(PasswordPolicy::parse(json).unwrap(), policy, "{json}");
    }
}

#[test]
fn what_cannot_be_followed_is_refused_in_the_peers_words() {
    let invalid = |why: &str| format!("invalid password policy: 1 error occurred:\n\t* {why}\n\n");
    for (text, why) in [
        ("length = 20", "no charset specified"),
        (LOWER, "length must be > 0"),
        (
            "length = 5 rule \"charset\" { charset = \"ab\" min-chars = 6 }",
            "specified rules require at least 6 characters but 5 is specified",
        ),
        (
            "length = 5 rule \"charset\" { charset = \"a\u{7}\" }",
            "non-printable character in charset",
        ),
        (
            "length = 5 rule \"charset\" { charset = \"a\u{200b}\" }",
            "non-printable character in charset",
        ),
    ] {
        assert_eq!(fault(text), invalid(why));
    }
    assert_eq!(
        fault("rule \"charset\" {}"),
        "invalid password policy: 2 errors occurred:\n\t* length must be > 0\n\t* no charset \
         specified\n\n"
    );
    for length in [1, 3, 101] {
        assert_eq!(
            fault(&format!("length = {length} {LOWER}")),
            "passwords must be between 4 and 100 characters"
        );
    }
}

#[test]
fn what_is_no_policy_is_refused_where_it_is_wrong() {
    for (text, why) in [
        ("length = \"5\"", "'length' expected type 'int'"),
        ("length = 5.5", "unconvertible type 'float64'"),
        (
            "length = 5 rule \"other\" {}",
            "unrecognized rule type other",
        ),
        (
            "length = 5 rule \"charset\" { charset = 5 }",
            "'charset' expected type 'string'",
        ),
        (
            "length = 5 rule \"charset\" { min_chars = 5 }",
            "invalid key \"min_chars\" on line 1",
        ),
        ("length = 5 width = 6", "invalid key \"width\" on line 1"),
        ("length = 5 length = 6", "already set"),
        ("length =", "unable to decode: At 1:"),
        ("rule = 5", "unable to parse rules"),
    ] {
        let fault = fault(text);
        assert!(fault.starts_with("invalid password policy: "), "{fault}");
        assert!(fault.contains(why), "{text}: {fault}");
    }
}

#[test]
fn a_minimum_below_zero_is_none() {
    let text = "length = 5 rule \"charset\" { charset = \"a\" min-chars = -1 }";
    assert_eq!(PasswordPolicy::parse(text).unwrap().rules[0].min_chars, 0);
}

#[test]
fn every_password_that_follows_the_policy_is_equally_likely() {
    let text = "length = 4 rule \"charset\" { charset = \"ab\" } \
                rule \"charset\" { charset = \"1\" min-chars = 3 }";
    let policy = PasswordPolicy::parse(text).unwrap();
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..9000 {
        let password = policy.generate(TRIES).unwrap();
        *counts.entry(password.expose().to_owned()).or_default() += 1;
    }
    // 1111, and one letter of two in one of four places: nine passwords, 1000 of each.
    assert_eq!(counts.len(), 9, "{counts:?}");
    assert!(
        counts.values().all(|count| (690..1310).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn what_comes_too_seldom_does_not_come() {
    let text = "length = 20 rule \"charset\" { charset = \"abcdefghijklmnopqrstuvwxyz\" } \
                rule \"charset\" { charset = \"!\" min-chars = 19 }";
    assert!(
        PasswordPolicy::parse(text)
            .unwrap()
            .generate(CHECKS)
            .is_none()
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}|(length|rule|\"charset\"|min-chars|[={} 0-9\"a-c\\n-])*") {
        if let Ok(policy) = PasswordPolicy::parse(&text) {
            prop_assert!((4..=100).contains(&policy.length));
        }
    }

    #[test]
    fn a_password_follows_its_policy(
        length in 4..40usize,
        low in 0..4usize,
        digits in 0..4usize,
        letters in "[a-zäöü]{1,9}",
    ) {
        let text = format!(
            "length = {length}\nrule \"charset\" {{ charset = \"{letters}\" min-chars = {low} }}\n\
             rule \"charset\" {{ charset = \"0123456789\" min-chars = {digits} }}"
        );
        let Ok(policy) = PasswordPolicy::parse(&text) else {
            prop_assert!(low + digits > length);
            return Ok(());
        };
        if let Some(password) = policy.generate(TRIES) {
            let text = password.expose();
            prop_assert_eq!(text.chars().count(), length);
            let ours = |set: &str| text.chars().filter(|&it| set.contains(it)).count();
            prop_assert!(ours(&letters) >= low && ours("0123456789") >= digits);
            prop_assert_eq!(ours(&letters) + ours("0123456789"), length);
        }
    }
}
