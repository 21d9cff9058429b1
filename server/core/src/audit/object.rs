//! JSON objects, written field by field without a tree.

use super::redact::{Rules, Salt, redact};

/// A JSON object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Object<'o> {
    /// Begins an object.
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Goes on with an object that has a field already and is open still.
    pub(super) const fn inside(out: &'o mut Vec<u8>) -> Self {
        Self { out, first: false }
    }

    /// Begins a field whose name is one of ours: no character of it needs an escape.
    fn name(&mut self, name: &'static str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
    }

    /// Writes a text, unless it is empty.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.name(name);
            push_string(text, self.out);
        }
    }

    /// Writes a text under a name that a caller chose.
    pub(super) fn pair(&mut self, name: &str, text: &str) {
        self.comma();
        push_string(name, self.out);
        self.out.push(b':');
        push_string(text, self.out);
    }

    /// Writes a list of texts under a name that a caller chose.
    pub(super) fn pairs<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        text: impl Fn(&T) -> &str,
    ) {
        self.comma();
        push_string(name, self.out);
        self.out.extend_from_slice(b":[");
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            push_string(text(&item), self.out);
        }
        self.out.push(b']');
    }

    /// Writes texts, unless there are none.
    pub(super) fn texts(&mut self, name: &'static str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        self.name(name);
        for (index, text) in texts.iter().enumerate() {
            self.out.push(if index == 0 { b'[' } else { b',' });
            push_string(text, self.out);
        }
        self.out.push(b']');
    }

    /// Writes a number, unless it is zero.
    pub(super) fn number(&mut self, name: &'static str, number: u64) {
        if number != 0 {
            self.name(name);
            self.out.extend_from_slice(number.to_string().as_bytes());
        }
    }

    pub(super) fn flag(&mut self, name: &'static str, flag: bool) {
        self.name(name);
        self.out
            .extend_from_slice(if flag { b"true" } else { b"false" });
    }

    pub(super) fn object(&mut self, name: &'static str, write: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        Object::whole(self.out, write);
    }

    /// Writes a list of objects, which is not empty.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Object<'_>, T),
    ) {
        self.name(name);
        let mut bracket = b'[';
        for item in items {
            self.out.push(std::mem::replace(&mut bracket, b','));
            Object::whole(self.out, |object| write(object, item));
        }
        self.out.push(b']');
    }

    /// Writes a JSON object with its strings hashed, unless there is nothing to show.
    pub(super) fn redacted(
        &mut self,
        name: &'static str,
        json: &[u8],
        rules: Rules<'_>,
        salt: &Salt,
    ) {
        let (start, first) = (self.out.len(), self.first);
        self.name(name);
        if !redact(json, rules, salt, self.out) {
            self.out.truncate(start);
            self.first = first;
        }
    }

    fn whole(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
        let mut object = Object::open(out);
        write(&mut object);
        object.out.push(b'}');
    }
}

fn push_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string serializes, and a Vec takes every byte");
}
