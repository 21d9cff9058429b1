//! What a token is good for beside its policies: pages, keys, operations, data.

use keyward_api::{
    Base64, KeyUse,
    auth::{Caveat, WriteTokenRole},
    keyed::OPERATIONS,
    proof::Address,
};
use keyward_crypto::{SecretBytes, envelope};
use serde::{Deserialize, Serialize};

use crate::{Denial, Error, engine::globs};

/// What the roles on the way to a token confine it to: all of it holds, so that a child never has
/// more than its parent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Caveats(Vec<Caveat>);

impl Caveats {
    /// Tells whether they confine to nothing.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what a role says, once.
    pub(super) fn add(&mut self, caveat: &Caveat) {
        if !caveat.is_empty() && !self.0.contains(caveat) {
            self.0.push(caveat.clone());
        }
    }

    /// Shows them on the wire.
    pub(super) fn show(&self) -> Vec<Caveat> {
        self.0.clone()
    }

    /// Lets a request in that comes from a page of the right origin.
    ///
    /// # Errors
    /// [`Denial::Origin`] where it comes from another one, or does not say from where.
    pub(crate) fn admit(&self, origin: Option<&str>) -> Result<(), Error> {
        let bound = self.0.iter().map(|caveat| &caveat.bound_origins);
        let admits = |origins: &Vec<String>| {
            origins.is_empty() || origins.iter().any(|it| Some(it.as_str()) == origin)
        };
        if bound.into_iter().all(admits) {
            return Ok(());
        }
        Err(Error::Denied(Denial::Origin))
    }

    /// Tells whether they say anything about keys: then keys are used, and not managed.
    pub(crate) fn are_about_keys(&self) -> bool {
        self.0.iter().any(Caveat::is_about_keys)
    }

    /// Lets a request use the keys that it names on `mount`, and binds it to the context.
    ///
    /// # Errors
    /// [`Error::Refused`] or, of a batch that is too large, [`Error::Invalid`]; nothing of the
    /// request was done.
    pub(crate) fn permit(&self, mount: &str, mut used: KeyUse<'_>) -> Result<(), Error> {
        for caveat in &self.0 {
            permit(caveat, mount, &mut used)?;
        }
        Ok(())
    }
}

fn permit(caveat: &Caveat, mount: &str, used: &mut KeyUse<'_>) -> Result<(), Error> {
    let operation = used.operation;
    let operations = &caveat.allowed_operations;
    if !operations.is_empty() && !operations.iter().any(|it| it == operation) {
        return refused(format!("the token is not good for \"{operation}\""));
    }
    for name in &used.keys {
        let path = format!("{mount}{name}");
        let keys = &caveat.allowed_keys;
        if !keys.is_empty() && !keys.iter().any(|pattern| globs(pattern, &path)) {
            return refused(format!("the token is not good for the key \"{path}\""));
        }
    }
    if caveat.max_batch != 0 && used.inputs > caveat.max_batch {
        return Err(Error::Invalid(format!(
            "the request has {} inputs, and the token allows {} at a time",
            used.inputs, caveat.max_batch
        )));
    }
    // Reading a key makes and opens no ciphertext.
    if caveat.required_context.is_empty() || operation == "read" {
        return Ok(());
    }
    if used.associated_data.is_empty() {
        return refused(format!(
            "the token requires a context, which \"{operation}\" cannot be bound to"
        ));
    }
    let required = envelope::canonical(&caveat.required_context);
    for place in &mut used.associated_data {
        bind(place, required.as_bytes())?;
    }
    Ok(())
}

/// Puts in what is required; refuses anything else that stands there.
fn bind(place: &mut Option<Base64>, required: &[u8]) -> Result<(), Error> {
    // EXPOSE: compared with what the role says, which the token's holder may know.
    let given = place
        .as_ref()
        .map(|given| given.bytes().map(SecretBytes::expose));
    match given {
        Some(Ok(given)) if *given == *required => Ok(()),
        None => {
            *place = Some(Base64::from(required));
            Ok(())
        }
        Some(Ok(given)) if given.is_empty() => {
            *place = Some(Base64::from(required));
            Ok(())
        }
        Some(_) => refused("the token requires another context as associated data".to_owned()),
    }
}

fn refused<T>(why: String) -> Result<T, Error> {
    Err(Error::Refused(format!("permission denied: {why}")))
}

/// Overlays what is given of a role's caveat.
///
/// # Errors
/// [`Error::Invalid`]: an origin, an operation or a number is none.
pub(super) fn update(caveat: &mut Caveat, given: &WriteTokenRole) -> Result<(), Error> {
    if let Some(origins) = &given.bound_origins {
        caveat.bound_origins = unique(origins.iter().map(|text| origin(text)))?;
    }
    if let Some(keys) = &given.allowed_keys {
        caveat.allowed_keys = unique(keys.iter().map(|pattern| key(pattern)))?;
    }
    if let Some(operations) = &given.allowed_operations {
        caveat.allowed_operations = unique(operations.iter().map(|name| operation(name)))?;
    }
    if let Some(context) = &given.required_context {
        caveat.required_context.clone_from(context);
    }
    if let Some(most) = given.max_batch {
        caveat.max_batch = u64::try_from(most)
            .map_err(|_| Error::invalid("error parsing role fields: 'max_batch' is negative"))?;
    }
    Ok(())
}

fn unique(texts: impl Iterator<Item = Result<String, Error>>) -> Result<Vec<String>, Error> {
    let mut texts = texts.collect::<Result<Vec<_>, _>>()?;
    texts.sort_unstable();
    texts.dedup();
    Ok(texts)
}

/// Reads an origin as browsers write it: scheme, host, and a port that is not the scheme's own.
fn origin(text: &str) -> Result<String, Error> {
    match Address::parse(text) {
        Ok(address) if address.is_origin() => Ok(address.as_str().to_owned()),
        _ => Err(Error::Invalid(format!(
            "error parsing role fields: {text:?} is not an origin like https://app.example.com"
        ))),
    }
}

/// Reads a pattern of mount and key.
fn key(pattern: &str) -> Result<String, Error> {
    if pattern.starts_with('/') || !(pattern.contains('/') || pattern.contains('*')) {
        return Err(Error::Invalid(format!(
            "error parsing role fields: {pattern:?} is not a mount and a key like transit/orders-*"
        )));
    }
    Ok(pattern.to_owned())
}

fn operation(name: &str) -> Result<String, Error> {
    if OPERATIONS.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(Error::Invalid(format!(
        "error parsing role fields: {name:?} is no operation with a key; there are {}",
        OPERATIONS.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_written_in_one_way() {
        assert_eq!(
            origin("https://App.example.com:443/").unwrap(),
            "https://app.example.com"
        );
        assert_eq!(
            origin("http://127.0.0.1:5173").unwrap(),
            "http://127.0.0.1:5173"
        );
        for bad in [
            "*",
            "null",
            "app.example.com",
            "https://a.example/b",
            "ftp://a",
            "https://*.a@",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_has_a_mount() {
        for good in ["transit/a", "eu/transit/*", "*"] {
            assert_eq!(key(good).unwrap(), good);
        }
        for bad in ["", "a", "/transit/a"] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }

    fn some() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[ab]", 0..3)
    }

    prop_compose! {
        fn caveat()(origins in some(), keys in some(), most in 0..3_u64) -> Caveat {
            let operations = |keys: &Vec<String>| match keys.len() {
                0 => Vec::new(),
                1 => vec!["encrypt".to_owned()],
                _ => vec!["decrypt".to_owned()],
            };
            Caveat {
                bound_origins: origins,
                allowed_operations: operations(&keys),
                allowed_keys: keys.iter().map(|name| format!("m/{name}*")).collect(),
                max_batch: most,
                ..Caveat::default()
            }
        }
    }

    fn used(name: &str, inputs: u64) -> KeyUse<'_> {
        KeyUse {
            operation: "encrypt",
            keys: vec![name],
            inputs,
            associated_data: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn what_is_added_only_takes_away(
            before in caveat(), added in caveat(), origin in "[ab]", key in "[ab]x", inputs in 1..4_u64,
        ) {
            let mut one = Caveats::default();
            one.add(&before);
            let mut two = one.clone();
            two.add(&added);
            let mut alone = Caveats::default();
            alone.add(&added);
            let permits = |it: &Caveats| {
                it.admit(Some(&origin)).is_ok() && it.permit("m/", used(&key, inputs)).is_ok()
            };
            prop_assert_eq!(permits(&two), permits(&one) && permits(&alone));
        }
    }

    #[test]
    fn the_context_is_put_in_and_nothing_else_may_stand_there() {
        let mut caveats = Caveats::default();
        caveats.add(&Caveat {
            required_context: [("tenant".to_owned(), "a".to_owned())].into(),
            ..Caveat::default()
        });
        let permit = |mut place: Option<Base64>| {
            let used = KeyUse {
                associated_data: vec![&mut place],
                ..used("k", 1)
            };
            caveats.permit("m/", used).map(|()| place)
        };
        let right = Base64::from(br#"{"tenant":"a"}"#.as_slice());
        let expected = || right.bytes().unwrap().duplicate();
        for given in [
            None,
            Some(Base64::from(b"".as_slice())),
            Some(Base64::new(expected())),
        ] {
            let bound = permit(given).unwrap().unwrap();
            assert_eq!(*bound.bytes().unwrap(), expected());
        }
        let other = Base64::from(br#"{"tenant":"b"}"#.as_slice());
        assert!(matches!(permit(Some(other)), Err(Error::Refused(_))));
        let unbound = caveats.permit("m/", used("k", 1));
        assert!(matches!(unbound, Err(Error::Refused(_))));
    }
}
