//! Tokens of native HCL into the tree.

use std::collections::HashMap;

use super::{
    Body, Entry, Error, MAX_DEPTH, Position, Value,
    lexer::{Lexer, Token},
};

pub(super) fn parse(text: &str) -> Result<Body, Error> {
    let mut lexer = Lexer::new(text);
    let (token, position) = lexer.next()?;
    Parser {
        lexer,
        token,
        position,
    }
    .body(&Token::End, 0)
}

/// The reader with one token in hand.
struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    position: Position,
}

/// How a key was given its value: once for all by `=`, or by a block that may be repeated.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Attribute,
    Block,
}

impl<'a> Parser<'a> {
    /// Moves on and hands out the token that was in hand.
    fn advance(&mut self) -> Result<Token<'a>, Error> {
        let (next, position) = self.lexer.next()?;
        self.position = position;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::new(self.position, message)
    }

    /// Reads entries up to `end`, which is left in hand.
    fn body(&mut self, end: &Token<'static>, depth: usize) -> Result<Body, Error> {
        let mut body = Body::default();
        let mut forms = HashMap::new();
        while self.token != *end {
            let (entry, form) = self.entry(depth)?;
            let earlier = forms.insert(entry.key.clone(), form);
            if earlier.is_some_and(|earlier| (earlier, form) != (Form::Block, Form::Block)) {
                return Err(Error::duplicate(&entry.key, entry.position));
            }
            body.entries.push(entry);
            if self.token == Token::Comma {
                self.advance()?;
            }
        }
        Ok(body)
    }

    fn entry(&mut self, depth: usize) -> Result<(Entry, Form), Error> {
        let mut keys = Vec::new();
        let form = loop {
            match &self.token {
                Token::Ident(_) | Token::Text(_) if depth + keys.len() >= MAX_DEPTH => {
                    return Err(Error::too_deep(self.position));
                }
                Token::Ident(name) => keys.push(((*name).to_owned(), self.position)),
                Token::Text(text) => keys.push((text.clone(), self.position)),
                Token::Assign => break Form::Attribute,
                Token::LeftBrace if !keys.is_empty() => break Form::Block,
                other => return Err(self.error(no_entry(&keys, other))),
            }
            self.advance()?;
        };
        let Some((innermost, position)) = keys.pop() else {
            return Err(self.error("no object keys found!"));
        };
        if form == Form::Attribute {
            if !keys.is_empty() {
                return Err(self.error("nested object expected: LBRACE got: ASSIGN"));
            }
            self.advance()?;
        }
        let value = self.value(depth + keys.len())?;
        let innermost = Entry {
            key: innermost,
            position,
            value,
        };
        let entry = keys
            .into_iter()
            .rev()
            .fold(innermost, |inner, (key, position)| {
                let value = Value::Object(Body {
                    entries: vec![inner],
                });
                Entry {
                    key,
                    position,
                    value,
                }
            });
        Ok((entry, form))
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        let opens = matches!(self.token, Token::LeftBrace | Token::LeftBracket);
        if opens && depth >= MAX_DEPTH {
            return Err(Error::too_deep(self.position));
        }
        let position = self.position;
        Ok(match self.advance()? {
            Token::Float(number) => Value::Float(number),
            Token::Heredoc(text) | Token::Text(text) => Value::Text(text),
            Token::Ident("false") => Value::Bool(false),
            Token::Ident("true") => Value::Bool(true),
            Token::Integer(number) => Value::Integer(number),
            Token::LeftBrace => {
                let body = self.body(&Token::RightBrace, depth + 1)?;
                self.advance()?;
                Value::Object(body)
            }
            Token::LeftBracket => self.list(depth + 1)?,
            other => {
                // Its text may be a secret that lacks its quotes, and this goes into logs.
                let message = format!("Unknown token: {position} {}", other.name());
                return Err(Error::new(position, message));
            }
        })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        while self.token != Token::RightBracket {
            items.push(self.value(depth)?);
            match &self.token {
                Token::Comma => drop(self.advance()?),
                Token::RightBracket => {}
                other => {
                    return Err(self.error(format!(
                        "error parsing list, expected comma or list end, got: {}",
                        other.name()
                    )));
                }
            }
        }
        self.advance()?;
        Ok(Value::List(items))
    }
}

/// Says what was expected where no entry could be read.
fn no_entry(keys: &[(String, Position)], found: &Token<'_>) -> String {
    if !keys.is_empty() {
        // The keys may be the rest of a secret that lacks its quotes.
        "expected start of object ('{') or assignment ('=')".to_owned()
    } else if *found == Token::End {
        "object expected closing RBRACE got: EOF".to_owned()
    } else {
        format!(
            "expected: IDENT | STRING | ASSIGN | LBRACE got: {}",
            found.name()
        )
    }
}
