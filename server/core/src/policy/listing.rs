//! What a rule says of the answers to `LIST` and `SCAN`.

use std::{num::NonZeroU64, sync::Arc};

use serde_json::{Map, Value};

use super::key_filter::KeyFilter;

/// The name of the parameter that asks for so many entries.
pub(crate) const LIMIT: &str = "limit";

/// What asks for as many entries as the policies give.
const MOST: &str = "max";

/// How much of a list is given, and which of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The most entries at a time.
    pub(crate) limit: Option<NonZeroU64>,
    /// Makes the path that the caller must be able to read, or for a folder to list, to see an entry.
    pub(crate) filter: Option<Arc<KeyFilter>>,
}

impl Listing {
    pub(super) const fn is_empty(&self) -> bool {
        self.limit.is_none() && self.filter.is_none()
    }

    /// Unites what two policies say: the lesser limit counts, and the filter of the first that has
    /// one. A policy without does not lift that of another.
    pub(super) fn merge(&mut self, other: &Self) {
        self.limit = self.limit.into_iter().chain(other.limit).min();
        if self.filter.is_none() {
            self.filter.clone_from(&other.filter);
        }
    }

    /// What is left of a list where both count: as much as each lets through. None if they filter it
    /// in two ways.
    pub(super) fn both(&self, other: &Self) -> Option<Self> {
        let filters = (&self.filter, &other.filter);
        if matches!(filters, (Some(one), Some(other)) if one != other) {
            return None;
        }
        let mut both = self.clone();
        both.merge(other);
        Some(both)
    }

    /// Whether a request with these parameters may be let in: it asks for no more than the limit, or
    /// leaves it to the server how many it gets, which `must_ask` forbids.
    pub(super) fn permit(&self, given: Option<&Map<String, Value>>, must_ask: bool) -> bool {
        let Some(limit) = self.limit else { return true };
        match given {
            None => false,
            Some(given) => match given.get(LIMIT) {
                None => !must_ask,
                Some(asked) => Asked::of(asked).is_some_and(|asked| match asked {
                    Asked::AtMost(asked) => asked <= limit.get(),
                    Asked::Most | Asked::Nothing => true,
                }),
            },
        }
    }

    /// How many entries an engine is to be asked for.
    pub(crate) fn limited(&self, asked: Option<&Value>) -> Limited {
        let limit = self.limit.map(NonZeroU64::get);
        match (asked.map(Asked::of), limit) {
            (None | Some(Some(Asked::Nothing)), None) => Limited::AsAsked(None),
            (Some(Some(Asked::Most)), limit) => Limited::To(limit.unwrap_or(0)),
            (Some(Some(Asked::AtMost(asked))), None) => Limited::AsAsked(Some(asked)),
            // Said once more: nobody else's reading of the text counts.
            (Some(Some(Asked::AtMost(asked))), Some(_)) => Limited::To(asked),
            // What cannot be understood is refused by the engine, if it reads it.
            (Some(None), None) => Limited::AsAsked(None),
            (_, Some(limit)) => Limited::To(limit),
        }
    }
}

/// How many entries are wanted at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limited {
    /// As the caller says; none is all.
    AsAsked(Option<u64>),
    /// So many, whatever the caller says; 0 is all.
    To(u64),
}

/// What a caller asks for; none is what cannot be understood.
enum Asked {
    AtMost(u64),
    Most,
    Nothing,
}

impl Asked {
    fn of(value: &Value) -> Option<Self> {
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if text == MOST => return Some(Self::Most),
            Value::String(text) if text.is_empty() => Some(0),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }?;
        Some(match number {
            0 => Self::Nothing,
            number => Self::AtMost(number),
        })
    }
}
