//! What a type looks like as JSON, told by the type itself.
//!
//! serde has no reflection, but a type that is read from JSON asks for what it wants: a struct names
//! its fields, a number says that it is one, and Vault's lenient fields (see [`coerce`]) say
//! what they expect. [`of`] reads the type again and again from a source that has nothing to give
//! and writes down what it is asked for, so that no list of fields stands beside the structs.
//! What a field means, its doc comment says.
//!
//! **Invariant:** what a type does not tell is left open; nothing is guessed.
//!
//! [`coerce`]: crate::coerce

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
    },
};
use serde_json::{Map, Value, json};

use crate::docs::{self, Docs};

/// Returns the schema of a type (OpenAPI 3.0.2, "Schema Object"); `{}` is any value, none is a
/// type without values of its own, such as `()`.
#[must_use]
pub fn of<T: DeserializeOwned>() -> Option<Value> {
    /// More leaves than any type of the API has: a type that never ends must not either.
    const MOST: usize = 2000;
    let mut shape = Shape::Unknown;
    for _ in 0..MOST {
        let read = T::deserialize(Probe(&mut shape));
        if read.is_ok() || shape.is_complete() {
            break;
        }
    }
    shape.schema()
}

/// Returns what is to be told of a type, in Markdown: its doc comment, without where an operation
/// is.
#[must_use]
pub fn text_of<T>() -> Option<&'static str> {
    docs::of::<T>().map(|docs| docs.text)
}

/// What is known of a type so far.
enum Shape {
    Leaf(Value),
    List(Box<Self>),
    Map(Box<Self>),
    Nothing,
    Struct(Option<&'static Docs>, Vec<(&'static str, Self)>),
    Unknown,
}

impl Shape {
    fn is_complete(&self) -> bool {
        match self {
            Self::Leaf(_) | Self::Nothing => true,
            Self::List(inner) | Self::Map(inner) => inner.is_complete(),
            Self::Struct(_, fields) => fields.iter().all(|(_, shape)| shape.is_complete()),
            Self::Unknown => false,
        }
    }

    fn schema(&self) -> Option<Value> {
        let any = |inner: &Self| inner.schema().unwrap_or_else(|| json!({}));
        Some(match self {
            Self::Leaf(schema) => schema.clone(),
            Self::List(inner) => json!({ "type": "array", "items": any(inner) }),
            Self::Map(inner) => json!({ "type": "object", "additionalProperties": any(inner) }),
            Self::Nothing => return None,
            Self::Struct(docs, fields) => {
                let fields = fields.iter().map(|(name, shape)| {
                    let mut schema = any(shape);
                    if let Some(text) = docs.and_then(|docs| docs.field(name)) {
                        schema["description"] = text.into();
                    }
                    ((*name).to_owned(), schema)
                });
                let fields: Map<String, Value> = fields.collect();
                let mut schema = json!({ "type": "object", "properties": fields });
                if let Some(docs) = docs {
                    schema["description"] = docs.text.into();
                }
                schema
            }
            Self::Unknown => json!({}),
        })
    }

    /// Takes over what a value of one type says, once.
    fn learn(&mut self, schema: Value) -> Asked {
        *self = Self::Leaf(schema);
        Asked
    }
}

/// That a value was asked for: how every reading ends, since there is none to give.
#[derive(Debug)]
struct Asked;

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no value, only its type")
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A source that has no values and writes down what it is asked for.
struct Probe<'s>(&'s mut Shape);

/// Defines the questions that name the type of a single value.
macro_rules! single {
    ($($question:ident => $schema:tt,)*) => {
        $(
            fn $question<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
                Err(self.0.learn(json!($schema)))
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Asked;

    single! {
        deserialize_bool => { "type": "boolean" },
        deserialize_i8 => { "type": "integer" },
        deserialize_i16 => { "type": "integer" },
        deserialize_i32 => { "type": "integer" },
        deserialize_i64 => { "type": "integer" },
        deserialize_u8 => { "type": "integer" },
        deserialize_u16 => { "type": "integer" },
        deserialize_u32 => { "type": "integer" },
        deserialize_u64 => { "type": "integer" },
        deserialize_f32 => { "type": "number" },
        deserialize_f64 => { "type": "number" },
        deserialize_char => { "type": "string" },
        deserialize_str => { "type": "string" },
        deserialize_string => { "type": "string" },
        deserialize_identifier => { "type": "string" },
        deserialize_bytes => {},
        deserialize_byte_buf => {},
        deserialize_ignored_any => {},
    }

    /// Lenient fields read whatever comes; what they expect they say in words.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        Err(self.0.learn(match &*Expected(&visitor).to_string() {
            "a boolean" => json!({ "type": "boolean" }),
            "a duration" => json!({ "type": "string", "format": "seconds" }),
            "a list" => json!({ "type": "array", "items": { "type": "string" } }),
            "a string" => json!({ "type": "string" }),
            "a number" => json!({ "type": "number" }),
            "a whole number" => json!({ "type": "integer" }),
            "an object" => {
                json!({ "type": "object", "additionalProperties": { "type": "string" } })
            }
            _ => json!({}),
        }))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        *self.0 = Shape::Nothing;
        Err(Asked)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        // How serde_json asks for the text of a value as it came.
        if name.starts_with('$') {
            return Err(self.0.learn(json!({})));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        if matches!(self.0, Shape::Unknown) {
            *self.0 = Shape::List(Box::new(Shape::Unknown));
        }
        let Shape::List(inner) = self.0 else {
            return Err(Asked);
        };
        visitor.visit_seq(One {
            name: "",
            shape: inner,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Asked> {
        Err(self.0.learn(json!({ "type": "array", "items": {} })))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        if matches!(self.0, Shape::Unknown) {
            *self.0 = Shape::Map(Box::new(Shape::Unknown));
        }
        let Shape::Map(inner) = self.0 else {
            return Err(Asked);
        };
        visitor.visit_map(One {
            name: "0",
            shape: inner,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Asked> {
        if name.starts_with('$') {
            return Err(self.0.learn(json!({})));
        }
        if matches!(self.0, Shape::Unknown) {
            let fields = fields.iter().map(|name| (*name, Shape::Unknown));
            *self.0 = Shape::Struct(docs::of::<V::Value>(), fields.collect());
        }
        let Shape::Struct(_, fields) = self.0 else {
            return Err(Asked);
        };
        let mut open = fields.iter_mut().filter(|(_, shape)| !shape.is_complete());
        let Some((name, shape)) = open.next() else {
            return Err(Asked);
        };
        visitor.visit_map(One { name, shape })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(self.0.learn(json!({ "type": "string", "enum": variants })))
    }
}

/// One field, entry or item, of which the type is wanted.
struct One<'s> {
    name: &'s str,
    shape: &'s mut Shape,
}

impl One<'_> {
    fn ask<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Asked> {
        let asked = seed.deserialize(Probe(self.shape));
        // A type that asks for nothing tells nothing; it must not be asked for ever.
        if matches!(self.shape, Shape::Unknown) {
            *self.shape = Shape::Leaf(json!({}));
        }
        asked
    }
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Asked;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Asked> {
        let key = seed.deserialize(self.name.into_deserializer());
        if key.is_err() {
            // No name fits: the entries have keys of a form of their own.
            *self.shape = Shape::Leaf(json!({}));
        }
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Asked> {
        self.ask(seed)
    }
}

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = Asked;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Asked> {
        self.ask(seed).map(Some)
    }
}

/// What a reader says that it expects.
struct Expected<'v, V>(&'v V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::{Base64, Sensitive, coerce};

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Everything {
        #[serde(rename = "type", deserialize_with = "coerce::text")]
        kind: Option<String>,
        #[serde(deserialize_with = "coerce::flag")]
        on: Option<bool>,
        #[serde(deserialize_with = "coerce::int")]
        count: Option<i64>,
        #[serde(deserialize_with = "coerce::seconds")]
        ttl: Option<i64>,
        #[serde(deserialize_with = "coerce::list")]
        names: Option<Vec<String>>,
        #[serde(deserialize_with = "coerce::map")]
        labels: Option<BTreeMap<String, String>>,
        secret: Option<Sensitive>,
        input: Option<Base64>,
        inner: Vec<Inner>,
        by_name: BTreeMap<String, Inner>,
        open: Value,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the types are looked at")]
    struct Inner {
        text: String,
        number: u32,
        word: Word,
        empty: Empty,
    }

    #[derive(Deserialize)]
    struct Empty {}

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        One,
        Two,
    }

    #[test]
    fn a_type_tells_its_fields_and_their_types() {
        let text = json!({ "type": "string" });
        let inner = json!({ "type": "object", "properties": {
            "text": text,
            "number": { "type": "integer" },
            "word": { "type": "string", "enum": ["one", "two"] },
            "empty": { "type": "object", "properties": {} },
        }});
        let wanted = json!({ "type": "object", "properties": {
            "type": text,
            "on": { "type": "boolean" },
            "count": { "type": "integer" },
            "ttl": { "type": "string", "format": "seconds" },
            "names": { "type": "array", "items": text },
            "labels": { "type": "object", "additionalProperties": text },
            "secret": text,
            "input": text,
            "inner": { "type": "array", "items": inner },
            "by_name": { "type": "object", "additionalProperties": inner },
            "open": {},
        }});
        assert_eq!(of::<Everything>(), Some(wanted));
    }

    #[test]
    fn no_value_has_no_schema_and_an_open_one_an_open_schema() {
        assert_eq!(of::<()>(), None);
        assert_eq!(of::<Value>(), Some(json!({})));
        assert_eq!(of::<crate::SensitiveJson>(), Some(json!({})));
        let batch = of::<crate::transit::Answer<Inner, Inner>>();
        assert_eq!(batch, Some(json!({})));
    }
}
