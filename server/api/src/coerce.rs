//! Vault's leniency: numbers as strings, strings as lists, durations in three spellings.
//!
//! Each function is a `deserialize_with` for an optional field; `null` counts as not given, or as an
//! empty text. The error texts are those that Vault's clients know.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// Reads a text from a string, number or boolean and hands it to `make`.
///
/// # Errors
/// The value is a list or an object.
pub fn any_text<'de, D, T, F>(deserializer: D, make: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(&str) -> T,
{
    struct Visitor<T, F>(F, PhantomData<T>);
    impl<'de, T, F: FnOnce(&str) -> T> de::Visitor<'de> for Visitor<T, F> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E>(self, text: &str) -> Result<T, E> {
            Ok((self.0)(text))
        }
        fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
            // Vault's weak decoding writes booleans as digits.
            Ok((self.0)(if flag { "1" } else { "0" }))
        }
        fn visit_u64<E>(self, number: u64) -> Result<T, E> {
            Ok((self.0)(&number.to_string()))
        }
        fn visit_i64<E>(self, number: i64) -> Result<T, E> {
            Ok((self.0)(&number.to_string()))
        }
        fn visit_f64<E>(self, number: f64) -> Result<T, E> {
            Ok((self.0)(&number.to_string()))
        }
        fn visit_unit<E>(self) -> Result<T, E> {
            Ok((self.0)(""))
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
            Err(unconvertible("string", "[]interface {}"))
        }
        fn visit_map<A: de::MapAccess<'de>>(self, _: A) -> Result<T, A::Error> {
            Err(unconvertible("string", "map[string]interface {}"))
        }
    }
    deserializer.deserialize_any(Visitor(make, PhantomData))
}

/// A JSON scalar, list or object as it came, before it is read as one of Vault's types.
enum Loose {
    Null,
    Flag(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List,
    Map,
}

impl Loose {
    /// Reads whatever comes; `wanted` says what it is read for, as [`schema`](crate::schema) wants
    /// to know.
    fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
        wanted: &'static str,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(wanted))
    }

    /// Returns the name of the type in the words of Vault's texts.
    fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "nil",
            Self::Flag(_) => "bool",
            Self::Integer(_) | Self::Float(_) => "json.Number",
            Self::Text(_) => "string",
            Self::List => "[]interface {}",
            Self::Map => "map[string]interface {}",
        }
    }
}

struct LooseVisitor(&'static str);

impl<'de> de::Visitor<'de> for LooseVisitor {
    type Value = Loose;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Loose, E> {
        Ok(Loose::Flag(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Loose, E> {
        Ok(Loose::Integer(number))
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "what is beyond every whole number here is refused as one with a fraction is"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
        Ok(i64::try_from(number).map_or(Loose::Float(number as f64), Loose::Integer))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Loose, E> {
        Ok(Loose::Float(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Loose, A::Error> {
        while items.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(Loose::List)
    }
    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Loose, A::Error> {
        while entries
            .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
            .is_some()
        {}
        Ok(Loose::Map)
    }
}

fn unconvertible<E: de::Error>(wanted: &str, got: &str) -> E {
    E::custom(format_args!(
        "'' expected type '{wanted}', got unconvertible type '{got}'"
    ))
}

/// Reads a text that is not secret.
///
/// # Errors
/// The value is a list or an object.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    any_text(deserializer, str::to_owned).map(Some)
}

/// Reads a text that is not secret; `null` is none, which it is not for [`text`].
///
/// # Errors
/// As [`text`].
pub fn text_unless_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    struct Text(String);
    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            any_text(deserializer, str::to_owned).map(Self)
        }
    }
    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text))
}

/// Reads a boolean: `true`, `"true"`, `"t"`, `1`, `"1"` and their opposites; `""` is false.
///
/// # Errors
/// Anything else.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Loose::read(deserializer, "a boolean")? {
        Loose::Null => None,
        Loose::Flag(flag) => Some(flag),
        Loose::Integer(0) => Some(false),
        Loose::Integer(1) => Some(true),
        Loose::Integer(_) | Loose::Float(_) => return Err(no_flag()),
        Loose::Text(text) if text.is_empty() => Some(false),
        Loose::Text(text) => Some(parse_flag(&text).ok_or_else(no_flag)?),
        other => return Err(unconvertible("bool", other.type_name())),
    })
}

fn no_flag<E: de::Error>() -> E {
    E::custom("'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax")
}

/// Reads the text form of a boolean as Go does; none if it is neither, as an empty text is.
#[must_use]
pub fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Reads a whole number, also from a string of digits; `""` is 0.
///
/// # Errors
/// Anything else.
pub fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let no_int =
        || de::Error::custom("'' cannot parse value as 'int': strconv.ParseInt: invalid syntax");
    Ok(match Loose::read(deserializer, "a whole number")? {
        Loose::Null => None,
        Loose::Integer(number) => Some(number),
        Loose::Flag(flag) => Some(i64::from(flag)),
        Loose::Text(text) if text.is_empty() => Some(0),
        Loose::Text(text) => Some(text.parse().map_err(|_| no_int())?),
        Loose::Float(_) => return Err(no_int()),
        other => return Err(unconvertible("int", other.type_name())),
    })
}

/// Reads a number, also from a string that is one; `""` is 0.
///
/// # Errors
/// Anything else.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let no_number = || {
        de::Error::custom("'' cannot parse value as 'float64': strconv.ParseFloat: invalid syntax")
    };
    Ok(match Loose::read(deserializer, "a number")? {
        Loose::Null => None,
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number this large is as good as its neighbour"
        )]
        Loose::Integer(number) => Some(number as f64),
        Loose::Flag(flag) => Some(f64::from(u8::from(flag))),
        Loose::Text(text) if text.is_empty() => Some(0.0),
        Loose::Text(text) => Some(text.parse().map_err(|_| no_number())?),
        Loose::Float(number) => Some(number),
        other => return Err(unconvertible("float64", other.type_name())),
    })
}

/// The longest duration, some 292 years: what Go counts in nanoseconds in 64 bits.
const MOST_SECONDS: i64 = i64::MAX / 1_000_000_000;

/// Refuses a number of seconds that is too great for a duration, in Vault's words.
fn bounded(seconds: i64) -> Result<i64, String> {
    if (-MOST_SECONDS..=MOST_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    let why = "multiplication of durations resulted in overflow, one operand may be too large";
    Err(why.to_owned())
}

/// Reads a duration in whole seconds from `3600`, `"3600"`, `"1h30m"` or `"30d"`; `""` is 0.
///
/// # Errors
/// Anything else, and what is longer than 292 years; the text is the one of Go's duration parser.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Loose::read(deserializer, "a duration")? {
        Loose::Null => None,
        Loose::Integer(number) => Some(bounded(number).map_err(de::Error::custom)?),
        Loose::Text(text) => Some(parse_seconds(&text).map_err(de::Error::custom)?),
        Loose::Float(number) => {
            return Err(de::Error::custom(format_args!(
                "time: invalid duration \"{number}\""
            )));
        }
        other => return Err(unconvertible("string", other.type_name())),
    })
}

/// Reads the text form of a duration into whole seconds, as [`parse_duration`] does; a part of a
/// second is dropped.
///
/// # Errors
/// As of [`parse_duration`].
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is bounded, and whole seconds are asked for"
)]
pub fn parse_seconds(text: &str) -> Result<i64, String> {
    parse_duration(text).map(|seconds| seconds as i64)
}

/// Reads the text form of a duration into seconds: digits alone are seconds, otherwise Go's
/// `1h30m10s` with `d` for days beside its units; `""` is 0.
///
/// # Errors
/// The sentence of Go's duration parser, also for what is longer than 292 years.
pub fn parse_duration(text: &str) -> Result<f64, String> {
    let invalid = || format!("time: invalid duration \"{text}\"");
    if text.is_empty() {
        return Ok(0.0);
    }
    if let Ok(number) = text.parse() {
        #[expect(
            clippy::cast_precision_loss,
            reason = "whole numbers within the bounds are exact"
        )]
        return bounded(number).map(|seconds| seconds as f64);
    }
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "d" => 86_400.0,
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" | "μs" => 1e-6,
                "ns" => 1e-9,
                "" => return Err(format!("time: missing unit in duration \"{text}\"")),
                unknown => {
                    return Err(format!(
                        "time: unknown unit \"{unknown}\" in duration \"{text}\""
                    ));
                }
            };
        rest = &rest[unit..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float saturates, and whole seconds are bounded"
    )]
    if total as i64 > MOST_SECONDS {
        return Err(invalid());
    }
    Ok(if negative { -total } else { total })
}

/// Writes whole seconds as Go prints a duration: `0s`, `30s`, `1h0m0s`.
#[must_use]
pub fn format_seconds(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// Reads a list of texts from a list, or from one text with commas; blanks around are dropped, and
/// what is blank as a whole.
///
/// # Errors
/// Anything else.
pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let mut items = list_with_blanks(deserializer)?;
    if let Some(items) = &mut items {
        items.retain(|item| !item.is_empty());
    }
    Ok(items)
}

/// As [`list`], but what is blank stays, as an empty text: where a list that names nothing means
/// something else than no list.
///
/// # Errors
/// As of [`list`].
pub fn list_with_blanks<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_any(ListVisitor(|text| {
        text.split(',').map(|item| item.trim().to_owned()).collect()
    }))
}

/// Reads a list of texts from a list, or from one text, which stays whole: where commas are part of
/// a text.
///
/// # Errors
/// Anything else.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_any(ListVisitor(|text| vec![text.to_owned()]))
}

/// Reads a list, or takes one text apart.
struct ListVisitor(fn(&str) -> Vec<String>);

impl<'de> de::Visitor<'de> for ListVisitor {
    type Value = Option<Vec<String>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(Some(Vec::new()));
        }
        Ok(Some((self.0)(text)))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(vec![number.to_string()]))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(vec![number.to_string()]))
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Some(vec![if flag { "1" } else { "0" }.to_owned()]))
    }
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Item(text)) = items.next_element()? {
            list.push(text.trim().to_owned());
        }
        Ok(Some(list))
    }
    fn visit_map<A: de::MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(unconvertible("string", "map[string]interface {}"))
    }
}

/// One text inside a list or map.
struct Item(String);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_text(deserializer, |text| Self(text.to_owned()))
    }
}

/// Reads a map of texts; a list or text is refused, numbers and booleans become texts.
///
/// # Errors
/// Anything but an object of scalars.
pub fn map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Option<BTreeMap<String, String>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            if text.is_empty() {
                return Ok(Some(BTreeMap::new()));
            }
            Err(unconvertible("map[string]string", "string"))
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(unconvertible("map[string]string", "[]interface {}"))
        }
        fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
            object(entries).map(Some)
        }
    }
    deserializer.deserialize_any(Visitor)
}

fn object<'de, A: de::MapAccess<'de>>(
    mut entries: A,
) -> Result<BTreeMap<String, String>, A::Error> {
    let mut map = BTreeMap::new();
    while let Some((key, Item(value))) = entries.next_entry::<String, Item>()? {
        map.insert(key, value);
    }
    Ok(map)
}

/// As [`map`], but also from `"a=b"` and from a list of such pairs, as command lines send them.
///
/// # Errors
/// A pair has no `=`, or the value is none of these.
pub fn pairs<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Option<BTreeMap<String, String>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let pairs = text.split(',').filter(|_| !text.is_empty());
            pairs
                .enumerate()
                .map(pair)
                .collect::<Result<_, _>>()
                .map(Some)
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut texts = Vec::new();
            while let Some(Item(text)) = items.next_element()? {
                texts.push(text);
            }
            let texts = texts.iter().map(String::as_str);
            texts
                .enumerate()
                .map(pair)
                .collect::<Result<_, _>>()
                .map(Some)
        }
        fn visit_map<A: de::MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
            object(entries).map(Some)
        }
    }
    fn pair<E: de::Error>((index, text): (usize, &str)) -> Result<(String, String), E> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| E::custom(format_args!("invalid key pair at index {index}")))?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    }
    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests;
