//! A text in native HCL laid out anew, as HCL's own formatter does it: comments stay where they are.
//!
//! Blocks and values of several lines stand apart, lines that follow one another are aligned, lists
//! that take several lines have a line for each item.

use super::{
    Error, Position,
    lexer::{Lexer, Token},
    parse,
};

/// Lays a text out anew. It says the same afterwards.
///
/// # Errors
/// The text cannot be understood, or is JSON, which has no comments and other tools.
pub fn formatted(text: &str) -> Result<String, Error> {
    if text.trim_start().starts_with('{') {
        let start = Position { line: 1, column: 1 };
        return Err(Error::new(start, "expected: IDENT | STRING got: LBRACE"));
    }
    // It holds no surprise then, and is not too deep.
    parse(text)?;
    let mut source = Source::read(text)?;
    let body = source.body(0);
    Ok(body.printed(0))
}

/// A token with what stands before it.
struct Piece<'a> {
    gap: &'a str,
    raw: &'a str,
    token: Token<'a>,
}

/// A comment on lines of its own.
struct Comment<'a> {
    is_apart: bool,
    text: &'a str,
}

/// What stands between two tokens.
#[derive(Default)]
struct Gap<'a> {
    /// A comment on the line of the token before.
    tail: Option<&'a str>,
    comments: Vec<Comment<'a>>,
    /// Whether an empty line follows.
    is_apart: bool,
    breaks: bool,
}

impl<'a> Gap<'a> {
    fn read(text: &'a str) -> Self {
        let mut gap = Self {
            breaks: text.contains('\n'),
            ..Self::default()
        };
        let mut rest = text;
        let mut is_same_line = true;
        loop {
            let comment = rest.trim_start();
            let feeds = rest[..rest.len() - comment.len()].matches('\n').count();
            is_same_line &= feeds == 0;
            gap.is_apart = feeds > 1;
            if comment.is_empty() {
                return gap;
            }
            let end = match comment.starts_with("/*") {
                true => comment.find("*/").map(|at| at + 2),
                false => comment.find('\n'),
            };
            let (own, after) = comment.split_at(end.unwrap_or(comment.len()));
            let text = own.trim_end();
            if is_same_line && gap.tail.is_none() && !text.contains('\n') {
                gap.tail = Some(text);
            } else {
                gap.comments.push(Comment {
                    is_apart: feeds > 1,
                    text,
                });
            }
            rest = after;
        }
    }
}

/// The pieces of a text, read one by one.
struct Source<'a> {
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece<'a>>>,
    /// Comments within an entry: they come to stand before it.
    stray: Vec<Comment<'a>>,
}

impl<'a> Source<'a> {
    fn read(text: &'a str) -> Result<Self, Error> {
        let mut lexer = Lexer::new(text);
        let mut pieces = Vec::new();
        loop {
            let before = lexer.rest();
            lexer.skip_blanks_and_comments()?;
            let from = lexer.rest();
            let (token, _) = lexer.next()?;
            let is_end = token == Token::End;
            pieces.push(Piece {
                gap: &before[..before.len() - from.len()],
                raw: &from[..from.len() - lexer.rest().len()],
                token,
            });
            if is_end {
                let pieces = pieces.into_iter().peekable();
                let stray = Vec::new();
                return Ok(Self { pieces, stray });
            }
        }
    }

    /// Takes what stands before the next piece.
    fn gap(&mut self) -> Gap<'a> {
        let gap = self
            .pieces
            .peek_mut()
            .map(|piece| std::mem::take(&mut piece.gap));
        Gap::read(gap.unwrap_or_default())
    }

    fn is_next(&mut self, wanted: &[Token<'_>]) -> bool {
        let next = self.pieces.peek();
        next.is_none_or(|piece| wanted.contains(&piece.token))
    }

    /// Takes the next piece; comments before it that nobody took are stray.
    fn take(&mut self) -> &'a str {
        let gap = self.gap();
        let tail = gap.tail.map(|text| Comment {
            is_apart: false,
            text,
        });
        self.stray.extend(tail.into_iter().chain(gap.comments));
        self.pieces.next().map_or("", |piece| piece.raw)
    }

    /// Reads entries up to the brace or the end that closes them.
    fn body(&mut self, level: usize) -> Body<'a> {
        let mut body = Body::default();
        let mut lead = Vec::new();
        loop {
            let gap = self.gap();
            match (gap.tail, body.entries.last_mut()) {
                (
                    Some(text),
                    Some(Entry {
                        tail: tail @ None, ..
                    }),
                ) => *tail = Some(text),
                (Some(text), _) => lead.push(Comment {
                    is_apart: false,
                    text,
                }),
                (None, _) => {}
            }
            lead.extend(gap.comments);
            if self.is_next(&[Token::RightBrace, Token::End]) {
                body.rest = lead;
                return body;
            }
            if self.is_next(&[Token::Comma]) {
                self.take();
                continue;
            }
            let outer = std::mem::take(&mut self.stray);
            let mut entry = self.entry(level);
            entry.lead = std::mem::take(&mut lead);
            entry.lead.extend(std::mem::replace(&mut self.stray, outer));
            entry.is_apart = gap.is_apart;
            body.entries.push(entry);
        }
    }

    fn entry(&mut self, level: usize) -> Entry<'a> {
        let mut keys = vec![self.take()];
        while !self.is_next(&[Token::Assign, Token::LeftBrace, Token::End]) {
            keys.push(self.take());
        }
        let is_assigned = self.is_next(&[Token::Assign]);
        if is_assigned {
            self.take();
        }
        Entry {
            lead: Vec::new(),
            is_apart: false,
            key: keys.join(" "),
            is_assigned,
            value: self.value(level),
            tail: None,
        }
    }

    fn value(&mut self, level: usize) -> String {
        if self.is_next(&[Token::LeftBracket]) {
            return self.list(level);
        }
        let is_object = self.is_next(&[Token::LeftBrace]);
        let raw = self.take();
        if !is_object {
            return raw.to_owned();
        }
        let body = self.body(level + 1);
        self.take();
        match body.printed(level + 1) {
            empty if empty.is_empty() => "{}".to_owned(),
            printed => format!("{{\n{printed}{}}}", indent(level)),
        }
    }

    fn list(&mut self, level: usize) -> String {
        let mut items = Vec::<Item<'_>>::new();
        let mut lead = Vec::new();
        let mut breaks = false;
        self.take();
        loop {
            let gap = self.gap();
            breaks |= gap.breaks || gap.tail.is_some();
            match (gap.tail, items.last_mut()) {
                (
                    Some(text),
                    Some(Item {
                        tail: tail @ None, ..
                    }),
                ) => *tail = Some(text),
                (Some(text), _) => lead.push(Comment {
                    is_apart: false,
                    text,
                }),
                (None, _) => {}
            }
            lead.extend(gap.comments);
            if self.is_next(&[Token::RightBracket, Token::End]) {
                break;
            }
            if self.is_next(&[Token::Comma]) {
                self.take();
                continue;
            }
            let value = self.value(level + 1);
            breaks |= value.contains('\n');
            items.push(Item {
                lead: std::mem::take(&mut lead),
                value,
                tail: None,
            });
        }
        self.take();
        if items.is_empty() && lead.is_empty() {
            return "[]".to_owned();
        }
        if !breaks {
            let values: Vec<_> = items.into_iter().map(|item| item.value).collect();
            return format!("[{}]", values.join(", "));
        }
        let margin = indent(level + 1);
        let mut text = "[\n".to_owned();
        for (at, item) in items.iter().enumerate() {
            if at > 0 && !item.lead.is_empty() {
                text.push('\n');
            }
            print_comments(&mut text, &margin, &item.lead);
            text.push_str(&format!("{margin}{}", item.value));
            // Behind the mark that ends a heredoc nothing may stand.
            if item.value.starts_with("<<") {
                text.push_str(&format!("\n{margin}"));
            }
            text.push(',');
            print_tail(&mut text, 1, item.tail);
        }
        print_comments(&mut text, &margin, &lead);
        text + &indent(level) + "]"
    }
}

/// One item of a list.
struct Item<'a> {
    lead: Vec<Comment<'a>>,
    value: String,
    tail: Option<&'a str>,
}

/// `key = value`, or `key "label" { … }`.
struct Entry<'a> {
    lead: Vec<Comment<'a>>,
    /// Whether an empty line stands before it, below its comments.
    is_apart: bool,
    key: String,
    is_assigned: bool,
    value: String,
    tail: Option<&'a str>,
}

impl Entry<'_> {
    fn is_line(&self) -> bool {
        self.is_assigned && !self.value.contains('\n')
    }

    /// Tells whether it is aligned with the entry before it.
    fn continues(&self, before: &Self) -> bool {
        self.is_line() && before.is_line() && !self.is_apart && self.lead.is_empty()
    }
}

/// What stands between two braces, or in a whole file.
#[derive(Default)]
struct Body<'a> {
    entries: Vec<Entry<'a>>,
    /// The comments behind the last entry.
    rest: Vec<Comment<'a>>,
}

impl Body<'_> {
    fn printed(&self, level: usize) -> String {
        let margin = indent(level);
        let mut text = String::new();
        // In a whole file every entry stands apart.
        let groups = self
            .entries
            .chunk_by(|before, entry| level > 0 && entry.continues(before));
        for group in groups {
            if !text.is_empty() {
                text.push('\n');
            }
            print_comments(&mut text, &margin, &group[0].lead);
            if group[0].is_apart && !group[0].lead.is_empty() {
                text.push('\n');
            }
            let keys = group.iter().map(|entry| entry.key.chars().count());
            let width = keys.max().unwrap_or(0);
            let line = |Entry {
                            key,
                            value,
                            is_assigned,
                            ..
                        }: &Entry<'_>| match is_assigned {
                true => format!("{margin}{key:width$} = {value}"),
                false => format!("{margin}{key} {value}"),
            };
            let lines: Vec<String> = group.iter().map(line).collect();
            let length = |line: &String| line.chars().count();
            let longest = lines.iter().map(length).max().unwrap_or(0);
            for (line, entry) in lines.iter().zip(group) {
                text.push_str(line);
                let gap = match group.len() {
                    1 => 1,
                    _ => longest - length(line) + 1,
                };
                print_tail(&mut text, gap, entry.tail);
            }
        }
        if !text.is_empty() && !self.rest.is_empty() {
            text.push('\n');
        }
        print_comments(&mut text, &margin, &self.rest);
        text
    }
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

/// Prints comments on lines of their own.
fn print_comments(text: &mut String, margin: &str, comments: &[Comment<'_>]) {
    for (at, comment) in comments.iter().enumerate() {
        if at > 0 && comment.is_apart {
            text.push('\n');
        }
        text.push_str(&format!("{margin}{}\n", comment.text));
    }
}

/// Ends a line, with the comment that stands behind it.
fn print_tail(text: &mut String, gap: usize, tail: Option<&str>) {
    if let Some(tail) = tail {
        text.push_str(&" ".repeat(gap));
        text.push_str(tail);
    }
    text.push('\n');
}

#[cfg(test)]
mod tests;
