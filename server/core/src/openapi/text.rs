//! What is said of an operation, and how it fits a terminal.

use keyward_api::Access;

use super::{capitalised, words};
use crate::engine::Described;

/// What is said of an operation: the doc comment of its request.
pub(super) struct Told {
    /// The first sentence, without a full stop.
    pub(super) summary: String,
    /// The rest, in Markdown; often nothing.
    pub(super) rest: &'static str,
}

impl Told {
    pub(super) fn of(route: &Described) -> Self {
        match (route.text)() {
            None | Some("") => Self {
                summary: capitalised(&words(route.name).join(" ")),
                rest: "",
            },
            Some(text) => {
                let (first, rest) = first_sentence(text);
                Self {
                    summary: first.trim_end_matches('.').to_owned(),
                    rest,
                }
            }
        }
    }
}

/// Says what a caller must bring, as in "needs …".
pub(super) fn needs(route: &Described, quote: &str) -> String {
    let name = route.operation.name();
    match route.access {
        Access::Public => "no token".to_owned(),
        Access::Sudo => format!("{quote}{name}{quote} and {quote}sudo{quote}"),
        Access::Token => format!("{quote}{name}{quote}"),
    }
}

/// Splits off the first sentence.
pub(super) fn first_sentence(text: &str) -> (&str, &str) {
    let paragraph = text.find("\n\n").unwrap_or(text.len());
    let begins = |text: &str| text.starts_with(|it: char| it.is_uppercase() || it == '`');
    let end = text[..paragraph]
        .match_indices(". ")
        .map(|(at, _)| at + 1)
        .find(|at| begins(&text[at + 1..]))
        .unwrap_or(paragraph);
    (&text[..end], text[end..].trim_start())
}

/// Breaks the lines of a text at the 80th column, each but the first behind an indentation.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    const COLUMNS: usize = 80;
    let margin = " ".repeat(indent);
    let mut wrapped = String::new();
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            wrapped.push('\n');
            if !line.is_empty() {
                wrapped.push_str(&margin);
            }
        }
        let mut column = indent;
        for (number, word) in line.split_whitespace().enumerate() {
            let length = word.chars().count();
            if number > 0 && column + 1 + length > COLUMNS {
                wrapped.push('\n');
                wrapped.push_str(&margin);
                column = indent;
            } else if number > 0 {
                wrapped.push(' ');
                column += 1;
            }
            wrapped.push_str(word);
            column += length;
        }
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_ends_where_another_begins() {
        let split = first_sentence;
        assert_eq!(split("Reads a key."), ("Reads a key.", ""));
        assert_eq!(split("Reads. `x` not."), ("Reads.", "`x` not."));
        assert_eq!(split("Reads\n\nMore. Yes."), ("Reads", "More. Yes."));
        assert_eq!(
            split("Reads 1. 5 of v1.2 here. Then more."),
            ("Reads 1. 5 of v1.2 here.", "Then more.")
        );
        assert_eq!(split(""), ("", ""));
    }

    #[test]
    fn long_lines_are_broken_between_words_and_paragraphs_stay() {
        let word = "123456789";
        let text = [word; 9].join(" ");
        let line = [word; 7].join(" ");
        let broken = format!("{line}\n    {word} {word}");
        assert_eq!(wrapped(&text, 4), broken);
        assert_eq!(wrapped("a\n\nb", 4), "a\n\n    b");
        assert_eq!(wrapped(&"x".repeat(90), 4), "x".repeat(90));
    }
}
