//! JSON as the command line handles it: numbers stay as they are written, texts are wiped.
//!
//! A general JSON tree would round a number with more digits than a float holds, and leave copies
//! of secrets in memory.

use std::fmt;

use keyward_crypto::{SecretBytes, SecretString};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess},
    ser::{self, SerializeMap as _, SerializeSeq as _},
};
use serde_json::value::RawValue;

/// The deepest nesting that is read, as of serde's own reader.
const MAX_DEPTH: usize = 128;

/// A JSON value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// True or false.
    Bool(bool),
    /// Values in order.
    List(Vec<Json>),
    /// Nothing.
    Null,
    /// A number, as it is written.
    Number(String),
    /// Names with their values, in the order in which they are shown.
    Object(Vec<(String, Json)>),
    /// A text, which may be secret.
    Text(SecretString),
}

impl Json {
    /// Makes a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(SecretString::new(text.into()))
    }

    /// Makes an object.
    pub(crate) fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let owned = |(name, value): (&str, Self)| (name.to_owned(), value);
        Self::Object(entries.into_iter().map(owned).collect())
    }

    /// Makes a value of whatever serializes, with its names in order.
    pub(crate) fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        let bytes = SecretBytes::new(serde_json::to_vec(value)?);
        // EXPOSE: read into a value whose texts are wiped.
        serde_json::from_slice(bytes.expose())
    }

    /// Returns the value under a name; none if this is no object or does not have it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// Returns the names and values of an object; none of anything else.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Copies it; the copy is wiped too.
    pub(crate) fn duplicate(&self) -> Self {
        match self {
            Self::Bool(flag) => Self::Bool(*flag),
            Self::List(items) => Self::List(items.iter().map(Self::duplicate).collect()),
            Self::Null => Self::Null,
            Self::Number(digits) => Self::Number(digits.clone()),
            Self::Object(entries) => {
                let entries = entries.iter();
                Self::Object(
                    entries
                        .map(|(name, value)| (name.clone(), value.duplicate()))
                        .collect(),
                )
            }
            Self::Text(text) => Self::Text(text.duplicate()),
        }
    }

    /// Returns the number, if it is a whole one that is not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Tells whether it is nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Writes it as one line of JSON.
    pub(crate) fn to_bytes(&self) -> serde_json::Result<SecretBytes> {
        serde_json::to_vec(self).map(SecretBytes::new)
    }

    /// Writes it on one line as tables show it, in the manner of Go: `map[a:1 b:[x y]]`.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Bool(flag) => flag.to_string(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::shown).collect();
                format!("[{}]", items.join(" "))
            }
            Self::Null => "<nil>".to_owned(),
            Self::Number(digits) => digits.clone(),
            Self::Object(entries) => {
                let entries = entries.iter();
                let entries: Vec<_> = entries
                    .map(|(name, value)| format!("{name}:{}", value.shown()))
                    .collect();
                format!("map[{}]", entries.join(" "))
            }
            // EXPOSE: shown to the user who asked for it.
            Self::Text(text) => text.expose().clone(),
        }
    }

    /// Reads a text that was checked to be one JSON value.
    fn read<E: de::Error>(text: &str, depth: usize) -> Result<Self, E> {
        if depth == MAX_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        let mut inner = serde_json::Deserializer::from_str(text);
        let read = match text.as_bytes().first() {
            Some(b'{') => inner.deserialize_map(Parts(depth)),
            Some(b'[') => inner.deserialize_seq(Parts(depth)),
            Some(b'"') => String::deserialize(&mut inner).map(Self::text),
            Some(b't') => Ok(Self::Bool(true)),
            Some(b'f') => Ok(Self::Bool(false)),
            Some(b'n') => Ok(Self::Null),
            _ => Ok(Self::Number(text.to_owned())),
        };
        read.map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Below(0).deserialize(deserializer)
    }
}

/// Reads a value that stands so many levels deep.
struct Below(usize);

impl<'de> DeserializeSeed<'de> for Below {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Json::read(raw.get(), self.0)
    }
}

/// Reads the parts of a list or an object that stands so many levels deep.
struct Parts(usize);

impl<'de> de::Visitor<'de> for Parts {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = parts.next_element_seed(Below(self.0 + 1))? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Json, A::Error> {
        let mut entries = Vec::<(String, Json)>::new();
        while let Some(name) = parts.next_key::<String>()? {
            match entries.binary_search_by(|(other, _)| other.cmp(&name)) {
                Ok(_) => {
                    return Err(de::Error::custom(format!(
                        "the name {name:?} stands there twice"
                    )));
                }
                Err(at) => entries.insert(at, (name, parts.next_value_seed(Below(self.0 + 1))?)),
            }
        }
        Ok(Json::Object(entries))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            value: self,
            numbers: Numbers::Exact,
        }
        .serialize(serializer)
    }
}

/// The value as a YAML document shows it; a number there has at most the digits of a float.
pub(crate) fn yaml(value: &Json) -> Result<String, serde_norway::Error> {
    serde_norway::to_string(&Written {
        value,
        numbers: Numbers::Plain,
    })
}

/// A value on its way out.
struct Written<'a> {
    value: &'a Json,
    numbers: Numbers,
}

/// How numbers are handed to the serializer.
#[derive(Clone, Copy)]
enum Numbers {
    /// As they are written; only a serializer of JSON takes them so.
    Exact,
    /// As integers or floats.
    Plain,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers = self.numbers;
        let part = |value| Written { value, numbers };
        match (self.value, numbers) {
            (Json::Bool(flag), _) => serializer.serialize_bool(*flag),
            (Json::Null, _) => serializer.serialize_unit(),
            (Json::Number(digits), Numbers::Exact) => {
                let raw = serde_json::from_str::<&RawValue>(digits);
                raw.map_err(ser::Error::custom)?.serialize(serializer)
            }
            (Json::Number(digits), Numbers::Plain) => {
                let number = serde_json::from_str::<serde_json::Number>(digits);
                number.map_err(ser::Error::custom)?.serialize(serializer)
            }
            // EXPOSE: the caller writes it for the server or for the user.
            (Json::Text(text), _) => serializer.serialize_str(text.expose()),
            (Json::List(items), _) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&part(item))?;
                }
                list.end()
            }
            (Json::Object(entries), _) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    map.serialize_entry(name, &part(value))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    fn written(value: &Json) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn a_number_keeps_every_digit() {
        let text = r#"{"big":12345678901234567890123,"one":1.0,"small":-1e-400}"#;
        assert_eq!(written(&read(text)), text);
    }

    #[test]
    fn tables_show_values_in_the_manner_of_go() {
        let value = read(r#"{"b":[1,"x",null],"a":{"c":true}}"#);
        assert_eq!(value.shown(), "map[a:map[c:true] b:[1 x <nil>]]");
    }

    #[test]
    fn yaml_knows_numbers_from_texts() {
        let value = read(r#"{"a":1,"b":"1","c":[true,null],"d":1.5,"e":12345678901234567890123}"#);
        let wanted = "a: 1\nb: '1'\nc:\n- true\n- null\nd: 1.5\ne: 1.2345678901234568e22\n";
        assert_eq!(yaml(&value).unwrap(), wanted);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let error = serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#)
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"a\" stands there twice"), "{error}");
    }

    #[test]
    fn nesting_ends_somewhere() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(serde_json::from_str::<Json>(&nested(MAX_DEPTH)).is_ok());
        assert!(serde_json::from_str::<Json>(&nested(100_000)).is_err());
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map_into(),
            any::<i64>().prop_map_into(),
            any::<u64>().prop_map_into(),
            ".{0,8}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map_into(),
                proptest::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_serde_writes_it(value in any_json()) {
            let text = value.to_string();
            prop_assert_eq!(written(&read(&text)), text);
        }

        #[test]
        fn only_json_is_read(text in "[\\[\\]{}:,\"0-9a-z. -]{0,24}") {
            let is_json = serde_json::from_str::<de::IgnoredAny>(&text).is_ok();
            prop_assert!(is_json || serde_json::from_str::<Json>(&text).is_err());
        }
    }
}
