//! Alphabets and templates under names of their own, for encryption that keeps the format.
//!
//! What is stored does not change: a value that was encoded with it would decode to another one.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{coerce, endpoint};

/// `POST alphabets/:name` stores an alphabet; whoever encodes names it `alphabets/NAME`. Vault's
/// transform engine has it at `alphabet/:name`.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteAlphabet {
    /// The name of the alphabet.
    #[serde(skip_serializing)]
    pub name: String,
    /// Its symbols in order, 2 to 65536 different ones.
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
}
endpoint!(WriteAlphabet { name } => (): Update "alphabets/{name*}" as "alphabets/{name}");

/// `GET alphabets/:name` reads an alphabet, `builtin/…` too.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadAlphabet {
    /// The name of the alphabet.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadAlphabet { name } => StoredAlphabet: Read "alphabets/{name*}" as "alphabets/{name}");

/// `LIST alphabets` names the alphabets, those built in too, in byte order.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListAlphabets {}
endpoint!(ListAlphabets {} => FormatNames: List "alphabets");

/// `DELETE alphabets/:name` removes an alphabet. What was encoded with it does not decode until
/// there is the same again.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteAlphabet {
    /// The name of the alphabet.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteAlphabet { name } => (): Delete "alphabets/{name*}" as "alphabets/{name}");

/// An alphabet.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct StoredAlphabet {
    /// Its symbols in order.
    pub alphabet: String,
}

/// `POST templates/:name` stores a template. Vault's transform engine has it at `template/:name`.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct WriteTemplate {
    /// The name of the template.
    #[serde(skip_serializing)]
    pub name: String,
    /// What the pattern is: `regex`, and there is nothing else.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub template_type: Option<String>,
    /// A regular expression that matches whole values. What its groups match is encrypted, all
    /// together as one text; what is matched outside of them stays. It has a group at least, no
    /// look-around and no back-references, and matches in linear time.
    #[serde(deserialize_with = "coerce::text")]
    pub pattern: Option<String>,
    /// The alphabet of what the groups match, as [`Encode`](super::Encode) names alphabets. Each
    /// group must match any symbol of it: the encoded value has to match too.
    #[serde(deserialize_with = "coerce::text")]
    pub alphabet: Option<String>,
}
endpoint!(WriteTemplate { name } => (): Update "templates/{name*}" as "templates/{name}");

/// `GET templates/:name` reads a template, `builtin/…` too.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ReadTemplate {
    /// The name of the template.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(ReadTemplate { name } => StoredTemplate: Read "templates/{name*}" as "templates/{name}");

/// `LIST templates` names the templates, those built in too, in byte order.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListTemplates {}
endpoint!(ListTemplates {} => FormatNames: List "templates");

/// `DELETE templates/:name` removes a template. What was encoded with it does not decode until
/// there is the same again.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct DeleteTemplate {
    /// The name of the template.
    #[serde(skip_serializing)]
    pub name: String,
}
endpoint!(DeleteTemplate { name } => (): Delete "templates/{name*}" as "templates/{name}");

/// A template.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct StoredTemplate {
    /// Always `regex`.
    #[serde(rename = "type")]
    pub template_type: String,
    /// The regular expression.
    pub pattern: String,
    /// The alphabet of what its groups match.
    pub alphabet: String,
}

/// Names of alphabets or of templates.
#[derive(Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct FormatNames {
    /// The names, in byte order.
    pub keys: Vec<String>,
}
