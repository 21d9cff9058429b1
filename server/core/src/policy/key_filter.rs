//! The template that says which entry of a list stands for which path.
//!
//! It is the part of Go's `text/template` that `list_scan_response_keys_filter_path` needs:
//!
//! ```text
//! template = { text | "{{" [ "- " ] pipeline [ " -" ] "}}" }
//! pipeline = command { "|" command }
//! command  = operand | function { operand }
//! operand  = ".path" | ".key" | "\"" text "\"" | "`" text "`"
//! function = "lowercase" | "replace" | "uppercase"
//! ```
//!
//! `.path` is the path of the list, with its last slash, and `.key` an entry of the answer. What
//! comes out of a command is the last operand of the next. `replace OLD NEW TEXT` replaces OLD
//! wherever it stands. A `-` cuts the blanks of the text beside it.
//!
//! **Invariant:** everything else that Go knows (conditions, variables, comments, other functions)
//! is refused when the policy is written: a filter that was half understood would leave in what its
//! writer means to be left out.

/// The most bytes that a filter may be written in.
const MAX_TEXT: usize = 4096;

/// The most bytes of a path that a filter makes, on the way as well: no path is as long.
const MAX_PATH: usize = 16 * 1024;

/// Makes the path of an entry from the path of its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFilter(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// What the first command comes to goes through the others, from left to right.
    Pipeline(Vec<Command>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Command {
    Call(Function, Vec<Operand>),
    Value(Operand),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Key,
    Literal(String),
    Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Lowercase,
    Replace,
    Uppercase,
}

impl KeyFilter {
    /// Reads a template.
    ///
    /// # Errors
    /// It is malformed, says something that is not understood here, or makes one path of all entries.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_TEXT {
            return Err(format!("is longer than {MAX_TEXT} bytes"));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut trims_next = false;
        loop {
            let (literal, after) = match rest.split_once("{{") {
                Some((literal, after)) => (literal, Some(after)),
                None => (rest, None),
            };
            let mut literal = literal;
            if trims_next {
                literal = literal.trim_start();
            }
            let mut after = after;
            if let Some(action) = after.and_then(trim_mark) {
                literal = literal.trim_end();
                after = Some(action);
            }
            if !literal.is_empty() {
                pieces.push(Piece::Text(literal.to_owned()));
            }
            let Some(action) = after else { break };
            let (tokens, trims, left) = tokens(action)?;
            pieces.push(Piece::Pipeline(pipeline(&tokens)?));
            trims_next = trims;
            rest = left;
        }
        let filter = Self(pieces);
        let [one, other] = ["one-key", "other"].map(|key| filter.path("a/list/", key));
        if one == other {
            return Err("resulted in same path for two different keys".to_owned());
        }
        Ok(filter)
    }

    /// Makes the path of an entry; none if it is longer than any.
    pub(crate) fn path(&self, list: &str, key: &str) -> Option<String> {
        let mut path = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Pipeline(commands) => {
                    let mut value = None;
                    for command in commands {
                        value = Some(command.run(value, list, key)?);
                    }
                    path.push_str(&value?);
                }
            }
            if path.len() > MAX_PATH {
                return None;
            }
        }
        Some(path)
    }
}

impl Command {
    fn run(&self, piped: Option<String>, list: &str, key: &str) -> Option<String> {
        let (function, operands) = match self {
            Self::Call(function, operands) => (function, operands),
            Self::Value(operand) => return Some(operand.value(list, key).to_owned()),
        };
        let given = operands.iter().map(|operand| operand.value(list, key));
        let given: Vec<&str> = given.chain(piped.as_deref()).collect();
        let made = match (function, given.as_slice()) {
            (Function::Lowercase, [text]) => text.to_lowercase(),
            (Function::Uppercase, [text]) => text.to_uppercase(),
            (Function::Replace, [old, new, text]) => {
                let more = text.matches(*old).count() * new.len();
                if text.len() + more > MAX_PATH {
                    return None;
                }
                text.replace(*old, new)
            }
            _ => return None,
        };
        (made.len() <= MAX_PATH).then_some(made)
    }
}

impl Operand {
    fn value<'a>(&'a self, list: &'a str, key: &'a str) -> &'a str {
        match self {
            Self::Key => key,
            Self::Literal(text) => text,
            Self::Path => list,
        }
    }
}

impl Function {
    fn named(name: &str) -> Option<(Self, usize)> {
        Some(match name {
            "lowercase" => (Self::Lowercase, 1),
            "replace" => (Self::Replace, 3),
            "uppercase" => (Self::Uppercase, 1),
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// What stands for a value of its own, or for nothing that is known.
    Word(String),
    Literal(String),
    Bar,
}

/// Takes off the mark at the beginning of an action that cuts the blanks before it.
fn trim_mark(action: &str) -> Option<&str> {
    let rest = action.strip_prefix('-')?;
    rest.starts_with(char::is_whitespace).then_some(rest)
}

/// Reads one action up to its end: its tokens, whether it cuts the blanks behind it, and the rest.
fn tokens(action: &str) -> Result<(Vec<Token>, bool, &str), String> {
    let mut tokens = Vec::new();
    let mut rest = action;
    loop {
        let blanks = rest.len() - rest.trim_start().len();
        rest = &rest[blanks..];
        if let Some(left) = rest.strip_prefix("}}") {
            return Ok((tokens, false, left));
        }
        if let Some(left) = rest.strip_prefix("-}}")
            && blanks > 0
        {
            return Ok((tokens, true, left));
        }
        let Some(first) = rest.chars().next() else {
            return Err("has an unclosed action".to_owned());
        };
        match first {
            '|' => {
                tokens.push(Token::Bar);
                rest = &rest[1..];
            }
            '"' | '`' => {
                let (literal, left) = literal(rest, first)?;
                tokens.push(Token::Literal(literal));
                rest = left;
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '|' | '}' | '"' | '`');
                // At least its first character, whatever that is.
                let behind = first.len_utf8();
                let end = rest[behind..]
                    .find(ends)
                    .map_or(rest.len(), |at| behind + at);
                tokens.push(Token::Word(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
    }
}

/// Reads a quoted text, and returns it with what follows. Between backquotes all stands for itself.
fn literal(text: &str, quote: char) -> Result<(String, &str), String> {
    let unclosed = || "has an unterminated quoted string".to_owned();
    let mut literal = String::new();
    let mut chars = text[1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((literal, &text[1 + at + 1..])),
            '\n' if quote == '"' => return Err(unclosed()),
            '\\' if quote == '"' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => literal.push(c),
                Some((_, c)) => {
                    return Err(format!(
                        "has the escape {:?}, which is not supported",
                        format!("\\{c}")
                    ));
                }
                None => return Err(unclosed()),
            },
            c => literal.push(c),
        }
    }
    Err(unclosed())
}

fn pipeline(tokens: &[Token]) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    for tokens in tokens.split(|token| *token == Token::Bar) {
        commands.push(command(tokens, !commands.is_empty())?);
    }
    Ok(commands)
}

fn command(tokens: &[Token], is_piped: bool) -> Result<Command, String> {
    let Some((first, others)) = tokens.split_first() else {
        return Err("has a command without a value".to_owned());
    };
    let function = match first {
        Token::Word(word) => Function::named(word).map(|function| (word, function)),
        _ => None,
    };
    let Some((name, (function, wanted))) = function else {
        let value = operand(first)?;
        if is_piped || !others.is_empty() {
            return Err("gives operands to what is not a function".to_owned());
        }
        return Ok(Command::Value(value));
    };
    let operands = others.iter().map(operand).collect::<Result<Vec<_>, _>>()?;
    let got = operands.len() + usize::from(is_piped);
    if got != wanted {
        return Err(format!(
            "gives {name:?} {got} operands, which takes {wanted}"
        ));
    }
    if function == Function::Replace && operands.first() == Some(&Operand::Literal(String::new())) {
        return Err("replaces the empty string".to_owned());
    }
    Ok(Command::Call(function, operands))
}

fn operand(token: &Token) -> Result<Operand, String> {
    match token {
        Token::Literal(text) => Ok(Operand::Literal(text.clone())),
        Token::Word(word) => match word.as_str() {
            ".key" => Ok(Operand::Key),
            ".path" => Ok(Operand::Path),
            word => Err(format!("says {word:?}, which is not supported")),
        },
        Token::Bar => Err("has a command without a value".to_owned()),
    }
}

#[cfg(test)]
mod tests;
