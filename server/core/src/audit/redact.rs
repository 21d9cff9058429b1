//! Redaction: JSON in, the same JSON out with every string value replaced by its keyed hash.
//!
//! One pass: the parser's events go straight into the line, no tree is built, and no value is held
//! longer than it takes to hash it.

use std::fmt;

use keyward_crypto::{HashAlgorithm, MacKey, SecretBytes, SecretString};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::value::hex;

/// The most strings that are hashed one by one. A body with more of them is hashed as a whole, so
/// that a few bytes in (`"",`) cannot become 80 in the log without end.
const MAX_STRINGS: usize = 100_000;

/// The field that stands for a body that is not shown field by field.
const WHOLE: &str = "unparsed";

/// The key under which one device hashes values, HMAC-SHA256 (RFC 2104).
pub(super) struct Salt {
    key: MacKey,
    /// Whether values are shown in the place of their hashes (`log_raw`).
    shows: bool,
}

/// What stands in the log for a value.
pub(super) enum Hashed {
    /// `hmac-sha256:` and 64 hexadecimal digits.
    Keyed([u8; Self::LEN]),
    /// The value itself.
    Shown(SecretString),
}

impl Salt {
    pub(super) fn new(key: SecretBytes, shows: bool) -> Self {
        Self {
            key: MacKey::new(key),
            shows,
        }
    }

    /// Hashes a value, unless the log shows values as they are.
    pub(super) fn hash(&self, value: &[u8]) -> Hashed {
        if self.shows {
            let text = String::from_utf8_lossy(value).into_owned();
            return Hashed::Shown(SecretString::new(text));
        }
        self.keyed(value)
    }

    /// Hashes a value.
    pub(super) fn keyed(&self, value: &[u8]) -> Hashed {
        let tag = self.key.compute(HashAlgorithm::Sha2_256, value);
        let mut hashed = [0; Hashed::LEN];
        let (prefix, digits) = hashed.split_at_mut(Hashed::PREFIX.len());
        prefix.copy_from_slice(Hashed::PREFIX);
        for (pair, &byte) in digits.chunks_exact_mut(2).zip(tag.as_ref()) {
            pair.copy_from_slice(&hex(byte));
        }
        Hashed::Keyed(hashed)
    }
}

impl Hashed {
    const PREFIX: &'static [u8] = b"hmac-sha256:";
    const LEN: usize = Self::PREFIX.len() + 64;

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Keyed(hashed) => {
                std::str::from_utf8(hashed).expect("the prefix and hexadecimal digits are ASCII")
            }
            // EXPOSE: what `log_raw` is for, on a development server.
            Self::Shown(value) => value.expose(),
        }
    }

    /// Appends it as a JSON string.
    fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Keyed(hashed) => {
                out.push(b'"');
                out.extend_from_slice(hashed);
                out.push(b'"');
            }
            Self::Shown(_) => serde_json::to_writer(out, self.as_str())
                .expect("a string serializes, and a Vec takes every byte"),
        }
    }
}

/// What of a body is shown otherwise than hashed.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules<'a> {
    /// Strings directly below these keys, and in lists directly below, stay as they are.
    pub(super) clear_keys: &'a [String],
    /// The top-level fields `keys` and `key_info` are shown as their number of entries.
    pub(super) elides_lists: bool,
}

/// Appends the JSON object `body`, redacted, to `out`; what is no object becomes one hash. Returns
/// whether there is anything to show: nothing, `null` and `{}` are not.
pub(super) fn redact(body: &[u8], rules: Rules<'_>, salt: &Salt, out: &mut Vec<u8>) -> bool {
    if body.is_empty() {
        return false;
    }
    let start = out.len();
    let mut redactor = Redactor {
        rules,
        salt,
        out,
        strings: 0,
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = Body(&mut redactor)
        .deserialize(&mut json)
        .and_then(|()| json.end());
    if parsed.is_err() {
        out.truncate(start);
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(WHOLE.as_bytes());
        out.extend_from_slice(b"\":");
        salt.hash(body).push(out);
        out.push(b'}');
    }
    let shown = !matches!(out.get(start..), None | Some(b"" | b"{}"));
    if !shown {
        out.truncate(start);
    }
    shown
}

struct Redactor<'a> {
    rules: Rules<'a>,
    salt: &'a Salt,
    out: &'a mut Vec<u8>,
    strings: usize,
}

impl Redactor<'_> {
    /// Appends a string, number or other scalar as it is.
    fn push<E: de::Error>(&mut self, value: impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(&mut *self.out, &value).map_err(E::custom)
    }

    fn push_map<'de, A: MapAccess<'de>>(&mut self, mut map: A, top: bool) -> Result<(), A::Error> {
        self.out.push(b'{');
        let mut first = true;
        while let Some(treatment) = map.next_key_seed(Key {
            redactor: self,
            first,
            top,
        })? {
            first = false;
            self.out.push(b':');
            map.next_value_seed(Value {
                redactor: self,
                treatment,
            })?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

/// What becomes of the value of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Its strings stay as they are.
    Clear,
    /// It is counted.
    Count,
    /// Its strings are hashed.
    Hash,
}

/// The whole body: an object or `null`.
struct Body<'r, 'a>(&'r mut Redactor<'a>);

impl<'de> DeserializeSeed<'de> for Body<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.push_map(map, true)
    }
}

/// A key of an object, written as it is; tells how its value is treated.
struct Key<'r, 'a> {
    redactor: &'r mut Redactor<'a>,
    first: bool,
    top: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Treatment;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Treatment, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Treatment;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: de::Error>(self, key: &str) -> Result<Treatment, E> {
        if !self.first {
            self.redactor.out.push(b',');
        }
        self.redactor.push(key)?;
        let rules = self.redactor.rules;
        Ok(
            if rules.elides_lists && self.top && matches!(key, "keys" | "key_info") {
                Treatment::Count
            } else if rules.clear_keys.iter().any(|clear| clear == key) {
                Treatment::Clear
            } else {
                Treatment::Hash
            },
        )
    }
}

/// A value; lists hand their treatment on, objects decide anew for each key.
struct Value<'r, 'a> {
    redactor: &'r mut Redactor<'a>,
    treatment: Treatment,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<(), E> {
        self.redactor.push(flag)
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.redactor.push(number)
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.redactor.push(number)
    }
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        self.redactor.push(number)
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.redactor.push(())
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let Redactor {
            salt, out, strings, ..
        } = self.redactor;
        *strings += 1;
        if *strings > MAX_STRINGS {
            return Err(E::custom("more strings than are shown"));
        }
        if self.treatment == Treatment::Clear {
            return self.redactor.push(text);
        }
        salt.hash(text.as_bytes()).push(out);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self {
            redactor,
            treatment,
        } = self;
        if treatment == Treatment::Count {
            let mut count = 0u64;
            while items.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            return redactor.push(count);
        }
        redactor.out.push(b'[');
        let start = redactor.out.len();
        while items
            .next_element_seed(Value {
                redactor,
                treatment,
            })?
            .is_some()
        {
            redactor.out.push(b',');
        }
        if redactor.out.len() > start {
            redactor.out.pop();
        }
        redactor.out.push(b']');
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.treatment == Treatment::Count {
            let mut count = 0u64;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                count += 1;
            }
            return self.redactor.push(count);
        }
        self.redactor.push_map(map, false)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn salt() -> Salt {
        Salt::new(SecretBytes::new(b"salt".to_vec()), false)
    }

    fn shown(body: &str, rules: Rules<'_>) -> String {
        let mut out = Vec::new();
        assert_eq!(
            redact(body.as_bytes(), rules, &salt(), &mut out),
            !out.is_empty()
        );
        String::from_utf8(out).unwrap()
    }

    fn hash(text: &str) -> String {
        salt().hash(text.as_bytes()).as_str().to_owned()
    }

    /// RFC 4231 test case 2.
    #[test]
    fn a_hash_is_the_hmac_in_hexadecimal() {
        let salt = Salt::new(SecretBytes::new(b"Jefe".to_vec()), false);
        assert_eq!(
            salt.hash(b"what do ya want for nothing?").as_str(),
            "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn strings_are_hashed_and_all_else_stays() {
        let body =
            r#"{ "a": "x", "n": [1, -2, 2.50, true, null, {"b": "\u0041\/"}], "e": [] , "o":{}}"#;
        let wanted = format!(
            r#"{{"a":"{}","n":[1,-2,2.5,true,null,{{"b":"{}"}}],"e":[],"o":{{}}}}"#,
            hash("x"),
            hash("A/")
        );
        assert_eq!(shown(body, Rules::default()), wanted);
    }

    /// As the peer does: the nearest key decides, and lists do not count.
    #[test]
    fn strings_below_a_clear_key_stay_but_not_those_below_it_in_objects() {
        let clear = ["a".to_owned(), "deep".to_owned()];
        let rules = Rules {
            clear_keys: &clear,
            ..Rules::default()
        };
        let body = r#"{"a":"b\n","n":{"deep":["x",{"q":"z"},[["y"]]],"z":"q"}}"#;
        let wanted = format!(
            r#"{{"a":"b\n","n":{{"deep":["x",{{"q":"{}"}},[["y"]]],"z":"{}"}}}}"#,
            hash("z"),
            hash("q")
        );
        assert_eq!(shown(body, rules), wanted);
    }

    #[test]
    fn a_list_can_be_shown_as_its_length() {
        let rules = Rules {
            elides_lists: true,
            ..Rules::default()
        };
        let body = r#"{"keys":["a","b"],"key_info":{"a":{"keys":["x"]}},"o":{"keys":["c"]}}"#;
        let wanted = format!(
            r#"{{"keys":2,"key_info":1,"o":{{"keys":["{}"]}}}}"#,
            hash("c")
        );
        assert_eq!(shown(body, rules), wanted);
    }

    #[test]
    fn nothing_is_shown_of_nothing() {
        for body in ["", "null", "{}", " { } "] {
            assert_eq!(shown(body, Rules::default()), "");
        }
    }

    #[test]
    fn what_is_no_object_is_one_hash() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let many = format!("{{\"a\":[{}\"\"]}}", "\"\",".repeat(MAX_STRINGS));
        for body in [
            "secret",
            "[\"secret\"]",
            "\"secret\"",
            "{\"a\":\"secret\"",
            "{}x",
            &deep,
            &many,
        ] {
            let wanted = format!("{{\"unparsed\":\"{}\"}}", hash(body));
            assert_eq!(shown(body, Rules::default()), wanted);
        }
        let mut out = b"before".to_vec();
        assert!(redact(
            b"{\"a\":\"\xff\"}",
            Rules::default(),
            &salt(),
            &mut out
        ));
        assert!(out.starts_with(b"before{\"unparsed\":\"hmac-sha256:"));
    }

    #[test]
    fn a_key_that_stands_twice_is_shown_twice() {
        let wanted = format!(r#"{{"a":"{}","a":"{}"}}"#, hash("x"), hash("y"));
        assert_eq!(shown(r#"{"a":"x","a":"y"}"#, Rules::default()), wanted);
    }

    /// The same redaction, done on a tree.
    fn redact_tree(value: Json) -> Json {
        match value {
            Json::String(text) => Json::String(hash(&text)),
            Json::Array(items) => items.into_iter().map(redact_tree).collect(),
            Json::Object(map) => map.into_iter().map(|(k, v)| (k, redact_tree(v))).collect(),
            other => other,
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            // The parser reads longer fractions to the last digit but one.
            any::<i32>().prop_map(|eighths| Json::from(f64::from(eighths) / 8.0)),
            // Marked, so that it cannot stand in the output by chance.
            "\\PC{0,12}".prop_map(|text| Json::from(format!("zQ\n{text}"))),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
                // Names stay; one with a `z` could be taken for a mark.
                prop::collection::btree_map("[\\PC&&[^z]]{0,6}", inner, 0..6)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_string_value_gets_through_and_the_structure_stays(value in any_json()) {
            let body = json!({ "value": value });
            let out = shown(&body.to_string(), Rules::default());
            prop_assert!(!out.contains("zQ"));
            prop_assert_eq!(serde_json::from_str::<Json>(&out).unwrap(), redact_tree(body));
        }

        #[test]
        fn garbage_never_gets_through(body in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut out = Vec::new();
            if redact(&body, Rules::default(), &salt(), &mut out) {
                let out: Json = serde_json::from_slice(&out).unwrap();
                prop_assert!(out.is_object());
            }
        }
    }
}
