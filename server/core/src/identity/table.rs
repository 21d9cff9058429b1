//! A map whose copies share what they have in common.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// How many parts a table has. A change copies one part and the list of them, so that a table of
/// 100 000 copies some 400 entries and not all.
const PARTS: usize = 256;

/// A map by text that is cheap to clone and cheap to change after.
#[derive(Clone, Debug)]
pub(super) struct Table<V> {
    hasher: RandomState,
    parts: Arc<[Part<V>]>,
}

/// Entries whose keys share the part of their hash that chose it.
type Part<V> = Arc<HashMap<Arc<str>, V, RandomState>>;

impl<V> Default for Table<V> {
    fn default() -> Self {
        let empty = Part::default();
        Self {
            hasher: RandomState::new(),
            parts: (0..PARTS).map(|_| Arc::clone(&empty)).collect(),
        }
    }
}

impl<V> Table<V> {
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.parts[self.place(key)].get(key)
    }

    /// Returns all entries, in the order of their keys.
    pub(super) fn sorted(&self) -> Vec<(&str, &V)> {
        let entries = self.parts.iter().flat_map(|part| part.iter());
        let mut entries: Vec<_> = entries.map(|(key, value)| (&**key, value)).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }

    fn place(&self, key: &str) -> usize {
        (self.hasher.hash_one(key) % PARTS as u64) as usize
    }
}

impl<V: Clone> Table<V> {
    pub(super) fn insert(&mut self, key: &str, value: V) {
        self.part(key).insert(key.into(), value);
    }

    pub(super) fn remove(&mut self, key: &str) {
        // A part that has nothing to lose stays shared.
        if self.get(key).is_some() {
            self.part(key).remove(key);
        }
    }

    fn part(&mut self, key: &str) -> &mut HashMap<Arc<str>, V, RandomState> {
        let place = self.place(key);
        Arc::make_mut(&mut Arc::make_mut(&mut self.parts)[place])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A table does as a plain map does, and a change to one is none to its clone.
        #[test]
        fn a_table_is_a_map_and_a_clone_stays_as_it_was(
            steps in prop::collection::vec(("[a-f]{1,3}", prop::option::of(any::<u8>())), 0..200)
        ) {
            let mut table = Table::default();
            let mut model = BTreeMap::new();
            for (key, value) in &steps {
                let (before, known) = (table.clone(), model.clone());
                match value {
                    Some(value) => {
                        table.insert(key, *value);
                        model.insert(key.clone(), *value);
                    }
                    None => {
                        table.remove(key);
                        model.remove(key);
                    }
                }
                prop_assert_eq!(table.get(key), model.get(key));
                prop_assert_eq!(entries(&before), known);
            }
            prop_assert_eq!(entries(&table), model);
        }
    }

    fn entries(table: &Table<u8>) -> BTreeMap<String, u8> {
        let sorted = table.sorted();
        assert!(sorted.is_sorted_by_key(|(key, _)| *key));
        sorted
            .into_iter()
            .map(|(key, value)| (key.to_owned(), *value))
            .collect()
    }
}
