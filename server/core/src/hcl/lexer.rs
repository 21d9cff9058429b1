//! Native HCL text into tokens.

use std::str::Chars;

use super::{Error, Position};

/// A word of the language.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Assign,
    Comma,
    End,
    Float(f64),
    Heredoc(String),
    Ident(&'a str),
    Integer(i64),
    LeftBrace,
    LeftBracket,
    RightBrace,
    RightBracket,
    Text(String),
}

impl Token<'_> {
    /// The name by which error texts call this kind of token.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Assign => "ASSIGN",
            Self::Comma => "COMMA",
            Self::End => "EOF",
            Self::Float(_) => "FLOAT",
            Self::Heredoc(_) => "HEREDOC",
            Self::Ident("true" | "false") => "BOOL",
            Self::Ident(_) => "IDENT",
            Self::Integer(_) => "NUMBER",
            Self::LeftBrace => "LBRACE",
            Self::LeftBracket => "LBRACK",
            Self::RightBrace => "RBRACE",
            Self::RightBracket => "RBRACK",
            Self::Text(_) => "STRING",
        }
    }
}

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    rest: Chars<'a>,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars(),
            position: Position { line: 1, column: 1 },
        }
    }

    /// Reads the next token and says where it begins.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, Position), Error> {
        self.skip_blanks_and_comments()?;
        let start = self.position;
        let Some(first) = self.peek() else {
            return Ok((Token::End, start));
        };
        let token = match first {
            '=' => self.single(Token::Assign),
            ',' => self.single(Token::Comma),
            '{' => self.single(Token::LeftBrace),
            '}' => self.single(Token::RightBrace),
            '[' => self.single(Token::LeftBracket),
            ']' => self.single(Token::RightBracket),
            '"' => self.string()?,
            '<' => self.heredoc()?,
            '-' | '.' | '0'..='9' => self.number()?,
            c if is_letter(c) => Token::Ident(
                self.take_while(|c| is_letter(c) || c.is_numeric() || "-.".contains(c)),
            ),
            _ => return Err(self.error("illegal char")),
        };
        Ok((token, start))
    }

    /// Returns the text that is still to be read.
    pub(super) fn rest(&self) -> &'a str {
        self.rest.as_str()
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.position = Position {
                line: self.position.line + 1,
                column: 1,
            };
        } else {
            self.position.column += 1;
        }
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let from = self.rest.as_str();
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        &from[..from.len() - self.rest.as_str().len()]
    }

    fn single(&mut self, token: Token<'a>) -> Token<'a> {
        self.bump();
        token
    }

    fn error(&self, message: &str) -> Error {
        Error::new(self.position, message)
    }

    /// Skips what stands between two tokens.
    pub(super) fn skip_blanks_and_comments(&mut self) -> Result<(), Error> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            let rest = self.rest.as_str();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/");
                let after =
                    &comment[end.ok_or_else(|| self.error("comment not terminated"))? + 2..];
                while self.rest.as_str().len() > after.len() {
                    self.bump();
                }
            } else if rest.starts_with('/') {
                return Err(self.error("expected '/' for comment"));
            } else {
                return Ok(());
            }
        }
    }

    fn string(&mut self) -> Result<Token<'a>, Error> {
        let start = self.position;
        self.bump();
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n' | '\0') => {
                    return Err(Error::new(start, "literal not terminated"));
                }
                Some('"') => {
                    self.bump();
                    return Ok(Token::Text(text));
                }
                Some('\\') => text.push(self.escape()?),
                Some(c) => {
                    self.bump();
                    text.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let illegal = Error::new(self.position, "illegal char escape");
        self.bump();
        let c = match self.peek() {
            Some('a') => '\x07',
            Some('b') => '\x08',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\x0b',
            Some(c @ ('\\' | '"')) => c,
            Some('0'..='7') => return self.code_point(3, 8).filter(char::is_ascii).ok_or(illegal),
            Some('x') => {
                self.bump();
                // Beyond ASCII a byte alone is no character.
                return self.code_point(2, 16).filter(char::is_ascii).ok_or(illegal);
            }
            Some('u') => {
                self.bump();
                return self.code_point(4, 16).ok_or(illegal);
            }
            Some('U') => {
                self.bump();
                return self.code_point(8, 16).ok_or(illegal);
            }
            _ => return Err(illegal),
        };
        self.bump();
        Ok(c)
    }

    fn code_point(&mut self, digits: usize, radix: u32) -> Option<char> {
        let mut code = 0u32;
        for _ in 0..digits {
            let digit = self.peek()?.to_digit(radix)?;
            code = code.checked_mul(radix)?.checked_add(digit)?;
            self.bump();
        }
        char::from_u32(code)
    }

    /// Reads `<<MARK`, the lines up to one that holds the mark alone, and that line. With `<<-` the
    /// indentation of the closing mark is taken off each line, if every line has it.
    fn heredoc(&mut self) -> Result<Token<'a>, Error> {
        let start = self.position;
        self.bump();
        if self.bump() != Some('<') {
            return Err(Error::new(
                start,
                "heredoc expected second '<', didn't see it",
            ));
        }
        let unindent = self.peek() == Some('-');
        if unindent {
            self.bump();
        }
        let mark = self.take_while(|c| is_letter(c) || c.is_numeric());
        if mark.is_empty() {
            return Err(self.error("zero-length heredoc anchor"));
        }
        self.take_while(|c| c == '\r');
        if self.peek() != Some('\n') {
            return Err(self.error("invalid characters in heredoc anchor"));
        }
        self.bump();

        let mut lines = Vec::new();
        loop {
            let line = self.take_while(|c| c != '\n');
            if line.trim() == mark {
                let indent = &line[..line.len() - line.trim_start().len()];
                let cut = if unindent && lines.iter().all(|line: &&str| line.starts_with(indent)) {
                    indent.len()
                } else {
                    0
                };
                let lines = lines.iter().map(|line| &line[cut..]);
                return Ok(Token::Heredoc(
                    lines.flat_map(|line| [line, "\n"]).collect(),
                ));
            }
            lines.push(line);
            if self.bump().is_none() {
                return Err(Error::new(start, "heredoc not terminated"));
            }
        }
    }

    fn number(&mut self) -> Result<Token<'a>, Error> {
        let start = self.position;
        let illegal = || Error::new(start, "illegal number");
        let from = self.rest.as_str();
        if self.peek() == Some('-') {
            self.bump();
        }
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits == "0" && matches!(self.peek(), Some('x' | 'X')) {
            self.bump();
            let hexadecimal = self.take_while(|c| c.is_ascii_hexdigit());
            return integer(from, hexadecimal, 16).ok_or_else(illegal);
        }
        let mut whole = true;
        if self.peek() == Some('.') {
            whole = false;
            self.bump();
            self.take_while(|c| c.is_ascii_digit());
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            whole = false;
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            self.take_while(|c| c.is_ascii_digit());
        }
        if whole {
            let radix = if digits.len() > 1 && digits.starts_with('0') {
                8
            } else {
                10
            };
            return integer(from, digits, radix).ok_or_else(illegal);
        }
        let text = &from[..from.len() - self.rest.as_str().len()];
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Token::Float).ok_or_else(illegal)
    }
}

/// Joins the sign that `from` begins with and the digits.
fn integer<'a>(from: &str, digits: &str, radix: u32) -> Option<Token<'a>> {
    let sign = if from.starts_with('-') { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), radix)
        .ok()
        .map(Token::Integer)
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}
