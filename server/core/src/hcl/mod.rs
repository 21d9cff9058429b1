//! The configuration language of policies and of the server's config file: HCL version 1, and the
//! JSON that says the same.
//!
//! Both forms become one small tree. A label is a level of the tree, so that `path "a" { … }` and
//! `{"path": {"a": { … }}}` are equal, and nothing above needs to know which form was written.
//!
//! Native syntax: `key = value` and `key "label" { … }`, several on one line if you like, with an
//! optional comma after each; keys bare or quoted; strings with escapes, heredocs (`<<EOF`,
//! `<<-EOF`), numbers (decimal, `0x` hexadecimal, `0` octal, floating), booleans, lists with an
//! optional last comma, objects; comments `#`, `//` and `/* */`. Interpolation (`${…}`) is plain
//! text here.
//!
//! **Invariant:** parsing never panics and never recurses deeper than [`MAX_DEPTH`], whatever the
//! text; no key is silently set twice.

mod json;
mod layout;
mod lexer;
mod native;

use std::fmt;

pub use layout::formatted;

/// The deepest nesting of objects and lists that is read: far beyond any real file, and far within
/// any thread's stack.
pub const MAX_DEPTH: usize = 64;

/// Reads a text: as JSON if its first character is `{`, otherwise as native HCL.
///
/// # Errors
/// The first place where the text cannot be understood.
pub fn parse(text: &str) -> Result<Body, Error> {
    if text.trim_start().starts_with('{') {
        json::parse(text)
    } else {
        native::parse(text)
    }
}

/// A place in the text; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a text cannot be understood, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("At {position}: {message}")]
pub struct Error {
    /// Where the trouble begins.
    pub position: Position,
    /// What is wrong there.
    pub message: String,
}

impl Error {
    fn new(position: Position, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
        }
    }

    /// Says that a key was given a second time.
    pub(crate) fn duplicate(key: &str, position: Position) -> Self {
        let again = format!(
            "The argument {key:?} at {position} was already set. Each argument can only be \
             defined once"
        );
        Self::new(position, again)
    }

    fn too_deep(position: Position) -> Self {
        Self::new(position, format!("nested deeper than {MAX_DEPTH} levels"))
    }
}

/// What stands between two braces, or in a whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    /// The entries in the order of the text. A key repeats only where blocks were repeated.
    pub entries: Vec<Entry>,
}

impl Body {
    /// Finds the first entry with a key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Lists the blocks that carry a key and one label, such as `path "secret/*" { … }`, in the
    /// order of the text.
    ///
    /// # Errors
    /// An entry with this key is not a block, or has no label.
    pub fn labelled<'a>(&'a self, key: &str) -> Result<Vec<Block<'a>>, Error> {
        let mut blocks = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.key == key) {
            for body in entry.bodies()? {
                for labelled in &body.entries {
                    let Ok(bodies) = labelled.bodies() else {
                        let message =
                            format!("{key:?} needs a label and a block: {key} \"…\" {{ … }}");
                        return Err(Error::new(entry.position, message));
                    };
                    blocks.extend(bodies.into_iter().map(|body| Block {
                        label: &labelled.key,
                        position: labelled.position,
                        body,
                    }));
                }
            }
        }
        Ok(blocks)
    }
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key, or the label of a block.
    pub key: String,
    /// Where the key stands.
    pub position: Position,
    /// The value; a block is an [`Object`](Value::Object).
    pub value: Value,
}

impl Entry {
    /// The object that this entry holds, or its list of objects: the same block, repeated.
    pub(crate) fn bodies(&self) -> Result<Vec<&Body>, Error> {
        let no_block = || Error::new(self.position, format!("{:?} must be a block", self.key));
        match &self.value {
            Value::Object(body) => Ok(vec![body]),
            Value::List(items) => items
                .iter()
                .map(|item| item.as_object().ok_or_else(no_block))
                .collect(),
            _ => Err(no_block()),
        }
    }
}

/// A block with its label.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The label.
    pub label: &'a str,
    /// Where the label stands.
    pub position: Position,
    /// What stands in the block.
    pub body: &'a Body,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A number with a fraction or an exponent; always finite.
    Float(f64),
    /// A whole number.
    Integer(i64),
    /// `[ … ]`.
    List(Vec<Value>),
    /// JSON's `null`; native HCL has none.
    Null,
    /// `{ … }`.
    Object(Body),
    /// A string or a heredoc.
    Text(String),
}

impl Value {
    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self {
            Some(*flag)
        } else {
            None
        }
    }

    /// The whole number, if it is one.
    #[must_use]
    pub const fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The entries, if it is an object or a block.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Body> {
        if let Self::Object(body) = self {
            Some(body)
        } else {
            None
        }
    }

    /// The text, if it is a string.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The same value in JSON; of a key that repeats, the last counts.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(flag) => (*flag).into(),
            Self::Float(number) => (*number).into(),
            Self::Integer(number) => (*number).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Null => serde_json::Value::Null,
            Self::Object(body) => body
                .entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

#[cfg(test)]
mod tests;
