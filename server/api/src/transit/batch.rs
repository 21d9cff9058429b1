//! Reading `batch_input`: a list of objects whose faults name item and field, as Vault's do.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error as _, IntoDeserializer as _, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};

/// Reads a list of items; `null` is no list.
///
/// # Errors
/// Something else than a list, an item that is no object, or a field of a wrong type. The text
/// names the place and never repeats a value, which may be secret.
pub(super) fn items<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(ListVisitor(PhantomData))
}

/// Reads the version of a key within an item, where Vault takes nothing but a whole number.
///
/// # Errors
/// Anything else.
pub(super) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_any(VersionVisitor)
}

/// Refuses every JSON type that the visitor does not take, in Vault's words for the types. Serde's
/// own refusals would repeat the value.
macro_rules! refuse {
    ($refuse:path: $($method:ident($value:ty) $name:literal),*) => {
        $(fn $method<E: serde::de::Error>(self, _: $value) -> Result<Self::Value, E> {
            Err(E::custom($refuse(&self, $name)))
        })*
    };
    ($refuse:path, map) => {
        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(A::Error::custom($refuse(&self, "map[string]interface {}")))
        }
    };
    ($refuse:path, list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(A::Error::custom($refuse(&self, "[]interface {}")))
        }
    };
}

struct ListVisitor<T>(PhantomData<T>);

impl<T> ListVisitor<T> {
    fn refusal(&self, found: &str) -> String {
        format!("failed to parse batch input: source data must be an array or slice, got {found}")
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Item(items.len(), PhantomData))? {
            items.push(item);
        }
        Ok(Some(items))
    }

    refuse!(Self::refusal, map);
    refuse!(Self::refusal: visit_bool(bool) "bool", visit_f64(f64) "json.Number",
        visit_i64(i64) "json.Number", visit_str(&str) "string", visit_u64(u64) "json.Number");
}

/// The item at an index.
struct Item<T>(usize, PhantomData<T>);

impl<T> Item<T> {
    fn refusal(&self, found: &str) -> String {
        format!(
            "failed to parse batch input: [{}] expected a map, got '{found}'",
            self.0
        )
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Item<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Item<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        let fields = Fields {
            fields,
            index: self.0,
            name: Name::default(),
        };
        T::deserialize(MapAccessDeserializer::new(fields))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<T, E> {
        Err(E::custom(self.refusal("<nil>")))
    }

    refuse!(Self::refusal, list);
    refuse!(Self::refusal: visit_bool(bool) "bool", visit_f64(f64) "json.Number",
        visit_i64(i64) "json.Number", visit_str(&str) "string", visit_u64(u64) "json.Number");
}

/// The fields of an item, remembering which one is being read.
struct Fields<'de, A> {
    fields: A,
    index: usize,
    name: Name<'de>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(name) = self.fields.next_key()? else {
            return Ok(None);
        };
        self.name = name;
        seed.deserialize(self.name.0.as_ref().into_deserializer())
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed).map_err(|error| {
            let text = error.to_string();
            // The readers of single values leave the place of their name empty.
            let fault = text.strip_prefix("''").unwrap_or(&text).trim_start();
            let (index, name) = (self.index, &self.name.0);
            A::Error::custom(format_args!(
                "failed to parse batch input: '[{index}].{name}' {fault}"
            ))
        })
    }
}

/// A field name, borrowed from the body where it holds no escapes.
#[derive(Default)]
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

struct VersionVisitor;

impl VersionVisitor {
    fn refusal(&self, found: &str) -> String {
        format!("'' expected type 'int', got unconvertible type '{found}'")
    }
}

impl<'de> Visitor<'de> for VersionVisitor {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        // More than any key has; the key refuses it as too new.
        Ok(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    refuse!(Self::refusal, list);
    refuse!(Self::refusal, map);
    refuse!(Self::refusal: visit_bool(bool) "bool", visit_f64(f64) "json.Number",
        visit_str(&str) "string");
}
