//! The JSON form (RFC 8259) into the tree.
//!
//! Own, because the tree knows where each key stands and `serde_json` does not say; strings and
//! numbers, once delimited, are left to it. A comma before a closing bracket is forgiven, as
//! existing policies have it.

use std::collections::HashSet;

use super::{Body, Entry, Error, MAX_DEPTH, Position, Value};

pub(super) fn parse(text: &str) -> Result<Body, Error> {
    let mut reader = Reader {
        rest: text,
        position: Position { line: 1, column: 1 },
    };
    reader.skip_blanks();
    let body = reader.object(0)?;
    reader.skip_blanks();
    if reader.rest.is_empty() {
        Ok(body)
    } else {
        Err(reader.error("unexpected text after the object"))
    }
}

struct Reader<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Reader<'a> {
    fn error(&self, message: &str) -> Error {
        Error::new(self.position, message)
    }

    /// Takes so many bytes, which end at a character's end.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        for c in taken.chars() {
            if c == '\n' {
                self.position = Position {
                    line: self.position.line + 1,
                    column: 1,
                };
            } else {
                self.position.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.take(self.rest.len() - blanks.len());
    }

    /// Takes a mark and the blanks around it, if it comes next.
    fn eat(&mut self, mark: char) -> bool {
        self.skip_blanks();
        let found = self.rest.starts_with(mark);
        if found {
            self.take(mark.len_utf8());
            self.skip_blanks();
        }
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), Error> {
        if self.eat(mark) {
            Ok(())
        } else {
            Err(self.error(&format!("expected '{mark}'")))
        }
    }

    fn object(&mut self, depth: usize) -> Result<Body, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::too_deep(self.position));
        }
        self.expect('{')?;
        let mut body = Body::default();
        let mut keys = HashSet::new();
        while !self.eat('}') {
            let position = self.position;
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                return Err(Error::duplicate(&key, position));
            }
            self.expect(':')?;
            let value = self.value(depth)?;
            body.entries.push(Entry {
                key,
                position,
                value,
            });
            if !self.eat(',') {
                self.expect('}')?;
                break;
            }
        }
        Ok(body)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::too_deep(self.position));
        }
        self.expect('[')?;
        let mut items = Vec::new();
        while !self.eat(']') {
            items.push(self.value(depth)?);
            if !self.eat(',') {
                self.expect(']')?;
                break;
            }
        }
        Ok(items)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        match self.rest.chars().next() {
            Some('{') => Ok(Value::Object(self.object(depth + 1)?)),
            Some('[') => Ok(Value::List(self.list(depth + 1)?)),
            Some('"') => Ok(Value::Text(self.string()?)),
            _ => self.word(),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        let start = self.position;
        if !self.rest.starts_with('"') {
            return Err(self.error("expected: STRING"));
        }
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        });
        let end = end.ok_or_else(|| self.error("literal not terminated"))?;
        let quoted = self.take(end + 2);
        serde_json::from_str(quoted).map_err(|_| Error::new(start, "illegal string"))
    }

    /// Reads a literal name or a number.
    fn word(&mut self) -> Result<Value, Error> {
        let start = self.position;
        let in_word = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let length = self.rest.find(|c| !in_word(c)).unwrap_or(self.rest.len());
        let word = self.take(length);
        let illegal = || Error::new(start, format!("illegal value {word:?}"));
        Ok(match serde_json::from_str(word).map_err(|_| illegal())? {
            serde_json::Value::Bool(flag) => Value::Bool(flag),
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Value::Integer(whole),
                // Read anew: serde_json's own reading of a fraction may be off by one bit.
                None => Value::Float(word.parse().map_err(|_| illegal())?),
            },
            _ => return Err(illegal()),
        })
    }
}
