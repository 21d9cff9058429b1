//! What a text looks like that is laid out anew.

use proptest::prelude::*;

use super::*;
use crate::hcl::{self, Value};

const WRITTEN: &str = r#"# top
path "a" { capabilities=["read","list",]
  min_wrapping_ttl="1s" # short
  max_wrapping_ttl = "90s"
  // about this
  required_parameters=["a"]

  allowed_parameters { "x"=[]
    "longer" = ["1",2] }
  denied_parameters={}
}
path "b" {}


/* block
   comment */
path "c" {
  capabilities = [
    "read", # one
    # two
    "list"
  ]
  # end
}

# alone

path "e" { capabilities = /* none */ [] } # tail
path "f" { capabilities = ["read",
 "list"] }
# last"#;

const WANTED: &str = r#"# top
path "a" {
  capabilities     = ["read", "list"]
  min_wrapping_ttl = "1s"             # short
  max_wrapping_ttl = "90s"

  // about this
  required_parameters = ["a"]

  allowed_parameters {
    "x"      = []
    "longer" = ["1", 2]
  }

  denied_parameters = {}
}

path "b" {}

/* block
   comment */
path "c" {
  capabilities = [
    "read", # one

    # two
    "list",
  ]

  # end
}

# alone

path "e" {
  /* none */
  capabilities = []
} # tail

path "f" {
  capabilities = [
    "read",
    "list",
  ]
}

# last
"#;

#[test]
fn a_text_is_laid_out_as_hcl_does_it() {
    assert_eq!(formatted(WRITTEN).unwrap(), WANTED);
    assert_eq!(formatted(WANTED).unwrap(), WANTED, "once is enough");
}

#[test]
fn what_is_no_hcl_is_refused() {
    for (text, wanted) in [
        ("path \"a\" {\n", "At 2:1: "),
        (" {}", "At 1:1: expected: IDENT | STRING got: LBRACE"),
    ] {
        let refused = formatted(text).unwrap_err().to_string();
        assert!(refused.starts_with(wanted), "{refused}");
    }
    assert_eq!(formatted("").unwrap(), "");
}

proptest! {
    #[test]
    fn a_layout_says_the_same_and_is_final(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("a"), Just("b = 1"), Just("c = [1,"), Just("2]"), Just("]"), Just("d {"),
                Just("}"), Just("\n"), Just("\n\n"), Just("# x\n"), Just("// y\n"),
                Just("/* z */"), Just(","), Just(" = "), Just("\"s\""), Just("[]"), Just("{}"),
                Just("e = <<E\n t\nE\n"),
            ],
            0..14,
        )
    ) {
        let text = parts.join(" ");
        if let Ok(body) = parse(&text)
            && !text.trim_start().starts_with('{')
        {
            let once = formatted(&text).unwrap();
            let said = |body: &hcl::Body| {
                Value::Object(body.clone()).to_json()
            };
            prop_assert_eq!(said(&parse(&once).unwrap()), said(&body));
            prop_assert_eq!(formatted(&once).unwrap(), once.clone());
            let comments = |text: &str| text.matches(['#', '/', '*']).count();
            prop_assert_eq!(comments(&once), comments(&text));
        }
    }
}
