//! From captures and a JSON body to a typed request, with no tree in between.

use std::{borrow::Cow, collections::HashSet};

use serde::{
    Deserialize as _, Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, MapAccess, Unexpected,
        Visitor,
    },
};
use serde_json::{Map, Value, value::RawValue};

use crate::Error;

/// The parameters of one body: names, and values still as text.
#[derive(Debug, Default)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Splits a body into its fields. Nothing, `null` and blanks are no fields.
    ///
    /// # Errors
    /// The body is no JSON object, or names a field twice.
    pub fn parse(body: &'a [u8]) -> Result<Self, Error> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let parsed = Option::<Self>::deserialize(&mut json).and_then(|fields| {
            json.end()?;
            Ok(fields.unwrap_or_default())
        });
        parsed.map_err(undecodable)
    }

    /// Sets a field, in the place of the one of that name if there is one.
    pub(crate) fn set(&mut self, name: &'a str, value: &'a RawValue) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => self.0.push((Cow::Borrowed(name), value)),
        }
    }

    /// Builds the tree of the fields, as the parameter rules of policies read it.
    ///
    /// # Errors
    /// A number is out of every range.
    pub(crate) fn to_map(&self) -> Result<Map<String, Value>, Error> {
        let tree = |(name, value): &(Cow<'_, str>, &RawValue)| {
            let value = serde_json::from_str(value.get()).map_err(undecodable)?;
            Ok((name.as_ref().to_owned(), value))
        };
        self.0.iter().map(tree).collect()
    }

    /// Builds the request struct of an endpoint from path captures and these fields; captures win.
    ///
    /// # Errors
    /// A value is not of its parameter's type; the text names the field.
    pub fn extract<T: DeserializeOwned>(
        &self,
        captures: &[(&'static str, String)],
        free_form: bool,
    ) -> Result<Extracted<T>, Error> {
        let mut extractor = Extractor {
            fields: self,
            captures,
            free_form,
            ignored: vec![],
            replaced: vec![],
        };
        let value = T::deserialize(&mut extractor).map_err(|fault| Error::Invalid(fault.0))?;
        let Extractor {
            mut ignored,
            mut replaced,
            ..
        } = extractor;
        let mut warnings = Vec::new();
        if !ignored.is_empty() {
            ignored.sort_unstable();
            let names = ignored.join(" ");
            warnings.push(format!(
                "Endpoint ignored these unrecognized parameters: [{names}]"
            ));
        }
        if !replaced.is_empty() {
            replaced.sort_unstable();
            warnings.push(format!(
                "Endpoint replaced the value of these parameters with the values captured from \
                 the endpoint's path: [{}]",
                replaced.join(" ")
            ));
        }
        Ok(Extracted { value, warnings })
    }
}

/// Says why a body cannot be read; the visitors below see to it that no value stands in it.
fn undecodable(error: serde_json::Error) -> Error {
    Error::Invalid(format!("failed to decode JSON input: {error}"))
}

/// A typed request and what was odd about its body.
pub struct Extracted<T> {
    /// The request.
    pub value: T,
    /// Vault's warnings of ignored and overridden parameters.
    pub warnings: Vec<String>,
}

impl<'de: 'a, 'a> de::Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }
            // What serde says by itself repeats the value, which may be a share or a token.
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Self::Value, E> {
                Err(not_an_object("boolean"))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
                Err(not_an_object("number"))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
                Err(not_an_object("number"))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Err(not_an_object("number"))
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
                Err(not_an_object("string"))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(4);
                while let Some(Name(name)) = map.next_key()? {
                    if fields.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom(format_args!("duplicate field {name:?}")));
                    }
                    let value: &'de RawValue = map.next_value()?;
                    // An escape may be half of a character, which nobody can read back.
                    let is_escaped = || memchr::memchr(b'\\', value.get().as_bytes()).is_some();
                    if value.get().starts_with(['{', '[']) || is_escaped() {
                        serde_json::from_str::<Unique>(value.get()).map_err(de::Error::custom)?;
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        // `deserialize_map` would refuse all else before the visitor is asked.
        deserializer.deserialize_any(FieldsVisitor)
    }
}

fn not_an_object<E: de::Error>(kind: &'static str) -> E {
    E::invalid_type(Unexpected::Other(kind), &"a JSON object")
}

/// A value whose objects, at every depth, name no field twice: what one reader takes for the value
/// another must not take for something else.
struct Unique;

impl<'de> de::Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut names = HashSet::new();
        while let Some(Name(name)) = map.next_key()? {
            map.next_value::<Unique>()?;
            if names.contains(&name) {
                return Err(de::Error::custom(format_args!("duplicate field {name:?}")));
            }
            names.insert(name);
        }
        Ok(Unique)
    }
}

/// A key of an object, borrowed where it holds no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> de::Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Why a typed request could not be built: the sentence for the caller.
#[derive(Debug)]
struct Fault(String);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

impl Fault {
    /// Names the field that a JSON fault is about, without serde's line and column.
    fn of_field(name: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = text.strip_suffix(&place).unwrap_or(&text);
        let text = unconvertible(text).unwrap_or_else(|| text.to_owned());
        // A batch has named the item and its field already.
        if text.starts_with("failed to parse batch input: ") {
            return Self(text);
        }
        Self(format!(
            "error converting input for field \"{name}\": {text}"
        ))
    }
}

/// Says of a value of the wrong type what Vault says. Serde repeats the value, which may be secret,
/// and names the type as this program calls it.
fn unconvertible(text: &str) -> Option<String> {
    let (value, wanted) = text
        .strip_prefix("invalid type: ")?
        .rsplit_once(", expected ")?;
    let bare = wanted.strip_prefix("a ").unwrap_or(wanted);
    let wanted = match bare.split(' ').next() {
        Some("struct" | "map") => "map[string]interface {}",
        Some("sequence" | "tuple") => "[]interface {}",
        _ => wanted,
    };
    let got = match value.split([' ', ',']).next()? {
        "boolean" => "bool",
        "floating" | "integer" => "json.Number",
        "map" => "map[string]interface {}",
        "null" => "nil",
        "sequence" => "[]interface {}",
        _ => "string",
    };
    Some(format!(
        "'' expected type '{wanted}', got unconvertible type '{got}'"
    ))
}

struct Extractor<'a> {
    fields: &'a Fields<'a>,
    captures: &'a [(&'static str, String)],
    free_form: bool,
    ignored: Vec<&'a str>,
    replaced: Vec<&'a str>,
}

impl<'de> Deserializer<'de> for &mut Extractor<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Walk {
            known: None,
            capture: 0,
            field: 0,
            extractor: self,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_map(Walk {
            known: Some(known),
            capture: 0,
            field: 0,
            extractor: self,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The walk over captures first, then fields.
struct Walk<'w, 'a> {
    known: Option<&'static [&'static str]>,
    capture: usize,
    field: usize,
    extractor: &'w mut Extractor<'a>,
}

impl<'de> MapAccess<'de> for Walk<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        if let Some((name, _)) = self.extractor.captures.get(self.capture) {
            return seed.deserialize((*name).into_deserializer()).map(Some);
        }
        while let Some((name, _)) = self.extractor.fields.0.get(self.field) {
            if self
                .extractor
                .captures
                .iter()
                .any(|(capture, _)| capture == name)
            {
                self.extractor.replaced.push(name);
            } else if self
                .known
                .is_some_and(|known| !known.contains(&name.as_ref()))
            {
                if !self.extractor.free_form {
                    self.extractor.ignored.push(name);
                }
            } else {
                return seed
                    .deserialize(name.as_ref().into_deserializer())
                    .map(Some);
            }
            self.field += 1;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        if let Some((_, value)) = self.extractor.captures.get(self.capture) {
            self.capture += 1;
            return seed.deserialize(value.as_str().into_deserializer());
        }
        let (name, value) = &self.extractor.fields.0[self.field];
        self.field += 1;
        let mut json = serde_json::Deserializer::from_str(value.get());
        seed.deserialize(&mut json)
            .map_err(|error| Fault::of_field(name, &error))
    }
}

#[cfg(test)]
mod tests {
    use keyward_api::coerce;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Config {
        name: String,
        #[serde(deserialize_with = "coerce::flag")]
        derived: Option<bool>,
        #[serde(rename = "type", deserialize_with = "coerce::text")]
        kind: Option<String>,
        inner: Option<Inner>,
        count: u8,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        deep: Vec<String>,
    }

    fn extract(body: &str) -> Result<Extracted<Config>, String> {
        let captures = [("name", "a".to_owned())];
        let fields = Fields::parse(body.as_bytes()).map_err(|error| error.to_string())?;
        fields
            .extract(&captures, false)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn captures_win_and_the_caller_is_told() {
        let extracted = extract(r#"{"name":"b","nosuch":1,"foo":2,"type":"x"}"#).unwrap();
        assert_eq!(extracted.value.name, "a");
        assert_eq!(extracted.value.kind.as_deref(), Some("x"));
        assert_eq!(
            extracted.warnings,
            [
                "Endpoint ignored these unrecognized parameters: [foo nosuch]",
                "Endpoint replaced the value of these parameters with the values captured from \
                 the endpoint's path: [name]",
            ]
        );
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        assert_eq!(
            extract(r#"{"derived":"maybe"}"#).map(|e| e.value.derived),
            Err(
                "error converting input for field \"derived\": '' cannot parse value as 'bool': \
                 strconv.ParseBool: invalid syntax"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_wrong_type_is_told_without_the_value_and_without_our_names() {
        for (field, value, wanted, got) in [
            (
                "inner",
                r#""a secret, expected""#,
                "map[string]interface {}",
                "string",
            ),
            ("inner", "5", "map[string]interface {}", "json.Number"),
            ("inner", "true", "map[string]interface {}", "bool"),
            (
                "inner",
                r#"{"deep":{}}"#,
                "[]interface {}",
                "map[string]interface {}",
            ),
            ("count", "[]", "u8", "[]interface {}"),
        ] {
            let body = format!("{{\"{field}\":{value}}}");
            let text = extract(&body).map(|it| it.value.count).unwrap_err();
            assert_eq!(
                text,
                format!(
                    "error converting input for field \"{field}\": '' expected type '{wanted}', got \
                     unconvertible type '{got}'"
                )
            );
        }
    }

    #[test]
    fn a_body_is_one_object_without_repetition() {
        assert!(extract("").is_ok());
        assert!(extract("null").is_ok());
        assert!(extract(" \n\t").is_ok());
        for bad in [
            "[1]",
            "\"x\"",
            "{",
            "{}x",
            r#"{"a":1,"a":2}"#,
            r#"{"a":[{"b":{"c":1,"c":2}}]}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00\ud800"}"#,
            r#"{"\ud800":1}"#,
            r#"{"a":["\ud800x"]}"#,
        ] {
            assert!(extract(bad).is_err_and(|e| e.starts_with("failed to decode JSON input")));
        }
    }
}
