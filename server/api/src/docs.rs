//! What the doc comments say of a type and its fields, for the document of the API.
//!
//! The comments are the one source: `build/` reads them when this crate is compiled with the feature
//! `describe`, as for the server. Without it nothing is told.

use std::any::type_name;

/// The doc comments of a struct, as Markdown without what only rustdoc understands.
#[derive(Debug)]
pub(crate) struct Docs {
    /// As [`type_name`] writes it.
    path: &'static str,
    /// About the whole.
    pub(crate) text: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

impl Docs {
    /// Returns what is said of a field, by its name on the wire.
    pub(crate) fn field(&self, name: &str) -> Option<&'static str> {
        let mut fields = self.fields.iter();
        let (_, text) = fields.find(|(field, _)| *field == name)?;
        Some(text)
    }
}

/// Returns the doc comments of a type of this crate; none of others.
pub(crate) fn of<T: ?Sized>() -> Option<&'static Docs> {
    let path = type_name::<T>();
    // What a generic type is filled with does not matter.
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    let found = DOCS.binary_search_by(|docs| docs.path.cmp(path)).ok()?;
    DOCS.get(found)
}

/// By their paths.
#[cfg(feature = "describe")]
const DOCS: &[Docs] = include!(concat!(env!("OUT_DIR"), "/docs.rs"));

#[cfg(not(feature = "describe"))]
const DOCS: &[Docs] = &[];

#[cfg(all(test, feature = "describe"))]
mod tests {
    use super::*;
    use crate::{auth, kv, lease, sys};

    fn text<T>() -> &'static str {
        of::<T>().expect("it is a struct of this crate").text
    }

    #[test]
    fn the_text_of_a_request_begins_behind_its_path() {
        assert_eq!(text::<kv::ReadConfig>(), "Reads the settings of the mount.");
        assert_eq!(text::<sys::ReadHelp>(), "Tells what can be done at a path.");
        assert_eq!(text::<sys::Help>(), "What is told of a path.");
    }

    #[test]
    fn fields_go_by_their_names_on_the_wire() {
        let docs = of::<sys::EnableMount>().unwrap();
        assert!(docs.field("type").is_some());
        assert!(docs.field("kind").is_none());
    }

    #[test]
    fn macros_are_seen_through() {
        let docs = of::<kv::Undelete>().unwrap();
        assert_eq!(docs.text, "Brings deleted versions back.");
        assert_eq!(docs.field("path"), Some("The path of the secret."));
        assert_eq!(docs.field("versions"), Some("The versions."));
        let docs = of::<auth::userpass::WriteUser>().unwrap();
        assert!(docs.field("username").is_some() && docs.field("token_period").is_some());
        assert_eq!(text::<sys::EnableAuth>(), "Mounts an auth method.");
    }

    #[test]
    fn a_link_to_a_request_names_its_path() {
        let wanted = "The older spelling of `POST sys/leases/revoke-force/:prefix`.";
        assert_eq!(text::<lease::RevokeForceOld>(), wanted);
        let wanted = "Lists secrets, as `LIST metadata/:path` does, with what is known of each.";
        assert_eq!(text::<kv::ListDetailed>(), wanted);
    }

    #[test]
    fn what_is_not_of_this_crate_has_no_text() {
        assert!(of::<String>().is_none() && of::<Vec<kv::Undelete>>().is_none());
    }
}
