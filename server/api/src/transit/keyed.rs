//! What each operation does with the keys that it names.

use super::{
    Authenticate, CreateDataKey, CreateDataKeys, Decode, Decrypt, DeriveDataKeys, Encode, Encrypt,
    MakeCmac, ReadKey, Rewrap, Sign, Translate, Verify,
};
use crate::{Base64, KeyUse, Keyed};

type Place<'r> = &'r mut Option<Base64>;

/// Counts the items of a batch; a request without one is one.
fn count<T>(batch: Option<&Vec<T>>) -> u64 {
    batch.map_or(1, |items| items.len() as u64)
}

/// Finds where associated data stands: in the request, or in each item of its batch.
fn places<'r, T>(
    whole: Place<'r>,
    batch: Option<&'r mut Vec<T>>,
    of_item: impl Fn(&'r mut T) -> Place<'r>,
) -> Vec<Place<'r>> {
    match batch {
        None => vec![whole],
        Some(items) => items.iter_mut().map(of_item).collect(),
    }
}

/// What takes inputs, or a batch of them, and binds nothing.
macro_rules! keyed {
    ($($request:ident $operation:literal;)*) => {$(
        impl Keyed for $request {
            fn key_use(&mut self) -> KeyUse<'_> {
                KeyUse {
                    operation: $operation,
                    keys: vec![&self.name],
                    inputs: count(self.batch_input.as_ref()),
                    associated_data: Vec::new(),
                }
            }
        }
    )*};
}

/// What takes inputs, or a batch of them, each with its associated data.
macro_rules! bound {
    ($($request:ident $operation:literal;)*) => {$(
        impl Keyed for $request {
            fn key_use(&mut self) -> KeyUse<'_> {
                let batch = self.batch_input.as_mut();
                KeyUse {
                    operation: $operation,
                    keys: vec![&self.name],
                    inputs: count(batch.as_deref()),
                    associated_data: places(&mut self.associated_data, batch, |item| {
                        &mut item.associated_data
                    }),
                }
            }
        }
    )*};
}

keyed! {
    Authenticate "hmac";
    Decode "decode";
    Encode "encode";
    MakeCmac "cmac";
    Sign "sign";
    Verify "verify";
}

bound! {
    Decrypt "decrypt";
    Encrypt "encrypt";
    Rewrap "rewrap";
}

impl Keyed for ReadKey {
    fn key_use(&mut self) -> KeyUse<'_> {
        KeyUse {
            operation: "read",
            keys: vec![&self.name],
            inputs: 1,
            associated_data: Vec::new(),
        }
    }
}

impl Keyed for CreateDataKey {
    fn key_use(&mut self) -> KeyUse<'_> {
        KeyUse {
            operation: "datakey",
            keys: vec![&self.name],
            inputs: 1,
            associated_data: vec![&mut self.associated_data],
        }
    }
}

impl Keyed for CreateDataKeys {
    fn key_use(&mut self) -> KeyUse<'_> {
        KeyUse {
            operation: "datakeys",
            keys: vec![&self.name],
            inputs: self.count.unwrap_or(1).unsigned_abs(),
            associated_data: vec![&mut self.associated_data],
        }
    }
}

impl Keyed for DeriveDataKeys {
    fn key_use(&mut self) -> KeyUse<'_> {
        let from = self.key_index_from.unwrap_or_default();
        let to = self.key_index_to.unwrap_or(from.saturating_add(1));
        KeyUse {
            operation: "derivedkeys",
            keys: vec![&self.name],
            inputs: to.abs_diff(from),
            associated_data: Vec::new(),
        }
    }
}

impl Keyed for Translate {
    fn key_use(&mut self) -> KeyUse<'_> {
        let batch = self.batch_input.as_mut();
        let inputs = count(batch.as_deref());
        let whole = vec![
            &mut self.associated_data,
            &mut self.destination_associated_data,
        ];
        let associated_data = match batch {
            None => whole,
            Some(items) => items
                .iter_mut()
                .flat_map(|item| {
                    [
                        &mut item.associated_data,
                        &mut item.destination_associated_data,
                    ]
                })
                .collect(),
        };
        KeyUse {
            operation: "translate",
            keys: vec![&self.source, &self.destination],
            inputs,
            associated_data,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::keyed::OPERATIONS;

    /// Says of a request what it does, how many inputs it has and where associated data is.
    fn of<T: Keyed + serde::de::DeserializeOwned>(body: Value) -> (&'static str, u64, usize) {
        let mut request: T = serde_json::from_value(body).unwrap();
        let used = request.key_use();
        assert!(OPERATIONS.contains(&used.operation), "{}", used.operation);
        assert!(used.keys.iter().all(|name| name.len() == 1));
        (used.operation, used.inputs, used.associated_data.len())
    }

    #[test]
    fn each_request_says_what_it_does_to_how_much() {
        let one = || json!({ "name": "k" });
        let two = || json!({ "name": "k", "batch_input": [{}, {}] });
        assert_eq!(of::<Encrypt>(one()), ("encrypt", 1, 1));
        assert_eq!(of::<Encrypt>(two()), ("encrypt", 2, 2));
        assert_eq!(of::<Decrypt>(two()), ("decrypt", 2, 2));
        assert_eq!(of::<Rewrap>(two()), ("rewrap", 2, 2));
        assert_eq!(of::<Sign>(two()), ("sign", 2, 0));
        assert_eq!(of::<Verify>(two()), ("verify", 2, 0));
        assert_eq!(of::<Authenticate>(two()), ("hmac", 2, 0));
        assert_eq!(of::<MakeCmac>(two()), ("cmac", 2, 0));
        assert_eq!(of::<Encode>(two()), ("encode", 2, 0));
        assert_eq!(of::<Decode>(two()), ("decode", 2, 0));
        assert_eq!(of::<ReadKey>(one()), ("read", 1, 0));
        assert_eq!(of::<CreateDataKey>(one()), ("datakey", 1, 1));
        let many = json!({ "name": "k", "count": 7 });
        assert_eq!(of::<CreateDataKeys>(many), ("datakeys", 7, 1));
        let range = json!({ "name": "k", "key_index_from": 3, "key_index_to": 9 });
        assert_eq!(of::<DeriveDataKeys>(range), ("derivedkeys", 6, 0));
        assert_eq!(of::<DeriveDataKeys>(one()), ("derivedkeys", 1, 0));
        let pair = json!({ "source": "a", "destination": "b", "batch_input": [{}, {}] });
        assert_eq!(of::<Translate>(pair), ("translate", 2, 4));
    }
}
