//! Paths with wildcards, and finding the one that counts.

use std::cmp::Reverse;

/// A path of a rule that holds wildcards, taken apart at the first of them.
///
/// ```text
/// secret/+/team/*     head "secret/"   parts Segment, Literal("/team/")   open
/// secret/team*        head "secret/team"   no parts                       open
/// ```
#[derive(Debug, PartialEq)]
pub(super) struct Pattern {
    /// What stands before the first wildcard.
    head: Box<str>,
    tail: Tail,
    priority: Priority,
}

/// What follows the head.
#[derive(Debug, PartialEq)]
struct Tail {
    parts: Box<[Part]>,
    /// Whether the pattern ended in `*`.
    is_open: bool,
}

#[derive(Debug, PartialEq)]
enum Part {
    Literal(Box<str>),
    /// `+`: anything up to the next slash, or nothing.
    Segment,
}

/// The order of patterns with the same head: the greatest counts. Closed patterns come before open
/// ones, then those with fewer `+`, then the longer, then the greater in byte order.
type Priority = (Reverse<bool>, Reverse<usize>, usize, Box<str>);

impl Pattern {
    /// Takes a path apart; `None` if it is literal.
    ///
    /// As in Vault, a `+` that shares its segment with other characters stands for itself, and yet
    /// counts as a wildcard when priorities are compared.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let (literal, is_open) = match path.strip_suffix('*') {
            Some(literal) => (literal, true),
            None => (path, false),
        };
        let has_segments = path == "+" || path.starts_with("+/") || path.contains("/+");
        if !has_segments && !is_open {
            return None;
        }
        let first_wildcard = literal
            .find('+')
            .filter(|_| has_segments)
            .unwrap_or(literal.len());
        let head = &literal[..first_wildcard];

        let mut parts = Vec::new();
        let mut text = String::new();
        for (index, segment) in literal.split('/').enumerate() {
            if index > 0 {
                text.push('/');
            }
            if segment == "+" {
                parts.push(Part::Literal(std::mem::take(&mut text).into()));
                parts.push(Part::Segment);
            } else {
                text.push_str(segment);
            }
        }
        parts.push(Part::Literal(text.into()));
        let segments = parts.iter().filter(|part| **part == Part::Segment).count();
        // The literal that comes first begins with the head, which is compared on its own.
        if let Some(Part::Literal(first)) = parts.first_mut() {
            *first = first[head.len()..].into();
        }
        parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));

        let priority = (
            Reverse(is_open),
            Reverse(segments),
            literal.len(),
            literal.into(),
        );
        Some(Self {
            head: head.into(),
            tail: Tail {
                parts: parts.into(),
                is_open,
            },
            priority,
        })
    }
}

impl Tail {
    fn matches(&self, mut rest: &str) -> bool {
        for part in &self.parts {
            let after = match part {
                Part::Literal(text) => rest.strip_prefix(&**text),
                Part::Segment => Some(&rest[rest.find('/').unwrap_or(rest.len())..]),
            };
            let Some(after) = after else { return false };
            rest = after;
        }
        self.is_open || rest.is_empty()
    }

    /// Whether `rest` is the beginning of something that matches. A tail that has matched before
    /// `rest` ends says nothing about what comes after, and does not count.
    fn continues(&self, mut rest: &str) -> bool {
        for part in &self.parts {
            match part {
                Part::Literal(text) if text.starts_with(rest) => return true,
                Part::Literal(text) => match rest.strip_prefix(&**text) {
                    Some(after) => rest = after,
                    None => return false,
                },
                Part::Segment => match rest.find('/') {
                    Some(end) => rest = &rest[end..],
                    None => return true,
                },
            }
        }
        self.is_open && rest.is_empty()
    }
}

/// A value for each pattern, arranged so that the pattern that counts is found fast.
///
/// Of two patterns that match one path, that with the longer head counts. All heads that a path
/// begins with are prefixes of one another, and the longest of them is either the greatest head not
/// after the path, or a prefix of it. So one binary search and a walk from each head to the longest
/// head that it begins with meets them all, longest first.
#[derive(Debug)]
pub(super) struct Patterns<T> {
    /// Sorted by text, each once.
    heads: Vec<Head<T>>,
}

#[derive(Debug)]
struct Head<T> {
    text: Box<str>,
    /// The longest other head that this one begins with.
    parent: Option<usize>,
    /// Highest priority first.
    tails: Vec<(Tail, T)>,
}

impl<T> Default for Patterns<T> {
    fn default() -> Self {
        Self::from_iter([])
    }
}

impl<T> FromIterator<(Pattern, T)> for Patterns<T> {
    fn from_iter<I: IntoIterator<Item = (Pattern, T)>>(patterns: I) -> Self {
        let mut patterns: Vec<_> = patterns.into_iter().collect();
        patterns.sort_by(|(a, _), (b, _)| {
            a.head
                .cmp(&b.head)
                .then_with(|| b.priority.cmp(&a.priority))
        });
        let mut heads: Vec<Head<T>> = Vec::new();
        for (
            Pattern {
                head: text, tail, ..
            },
            value,
        ) in patterns
        {
            match heads.last_mut() {
                Some(head) if head.text == text => head.tails.push((tail, value)),
                _ => {
                    // What comes before in this order and is a prefix is on the previous one's way.
                    let mut parent = heads.len().checked_sub(1);
                    while let Some(index) = parent
                        && !text.starts_with(&*heads[index].text)
                    {
                        parent = heads[index].parent;
                    }
                    heads.push(Head {
                        text,
                        parent,
                        tails: vec![(tail, value)],
                    });
                }
            }
        }
        Self { heads }
    }
}

impl<T> Patterns<T> {
    /// Finds the value of the pattern that counts for a path.
    pub(super) fn find(&self, path: &str) -> Option<&T> {
        let mut candidate = self
            .heads
            .partition_point(|head| *head.text <= *path)
            .checked_sub(1);
        while let Some(index) = candidate {
            let head = &self.heads[index];
            if let Some(rest) = path.strip_prefix(&*head.text)
                && let Some((_, value)) = head.tails.iter().find(|(tail, _)| tail.matches(rest))
            {
                return Some(value);
            }
            candidate = head.parent;
        }
        None
    }

    /// Lists the patterns whose one wildcard is the `*` at their end, by what stands before it.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = (&str, &T)> {
        self.heads.iter().flat_map(|head| {
            let plain = |tail: &Tail| tail.is_open && tail.parts.is_empty();
            let tails = head.tails.iter().filter(move |(tail, _)| plain(tail));
            tails.map(|(_, value)| (&*head.text, value))
        })
    }

    /// Lists the values of the patterns that are written for paths that begin with this one.
    pub(super) fn below(&self, path: &str) -> impl Iterator<Item = &T> {
        self.heads.iter().flat_map(move |head| {
            let tails =
                head.tails
                    .iter()
                    .filter(move |(tail, _)| match path.strip_prefix(&*head.text) {
                        Some(rest) => tail.continues(rest),
                        None => head.text.starts_with(path),
                    });
            tails.map(|(_, value)| value)
        })
    }
}
