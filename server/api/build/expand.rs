//! Macros by example, as far as this crate makes structs with them: one rule, and no repetition in
//! another.

use std::collections::BTreeMap;

use proc_macro2::{Group, TokenStream, TokenTree};

/// What the variables of a rule stand for.
#[derive(Default)]
struct Bound {
    once: BTreeMap<String, Vec<TokenTree>>,
    /// Those of repetitions, once for each.
    repeated: BTreeMap<String, Vec<Vec<TokenTree>>>,
}

/// One part of a rule.
enum Part {
    /// Must stand there as it is.
    Plain(TokenTree),
    /// `( … )`, and the like.
    Group(Group),
    /// `$name:kind`; in what is made, `$name` without a kind.
    Variable(String, String),
    /// `$( … )*`, with `+` and `?` alike.
    Repeated(Vec<TokenTree>),
}

/// Returns what a call of a macro makes; nothing if the call does not follow its rule.
pub(crate) fn expand(definition: TokenStream, call: TokenStream) -> Option<TokenStream> {
    let mut groups = definition.into_iter().filter_map(|tree| match tree {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    let (rule, makes) = (trees(groups.next()?), trees(groups.next()?));
    let call = trees(call);
    let mut bound = Bound::default();
    let used = bind(&rule, &call, &mut bound.once, Some(&mut bound.repeated))?;
    (used == call.len()).then(|| make(&makes, &bound, None))
}

fn trees(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

/// Reads the first part, and how many trees it takes. Variables have kinds in rules alone.
fn part(trees: &[TokenTree], in_rule: bool) -> Option<(Part, usize)> {
    let is = |at: usize, wanted: char| matches!(trees.get(at), Some(TokenTree::Punct(it)) if it.as_char() == wanted);
    let first = trees.first()?;
    if !is(0, '$') {
        return Some(match first {
            TokenTree::Group(group) => (Part::Group(group.clone()), 1),
            plain => (Part::Plain(plain.clone()), 1),
        });
    }
    Some(match trees.get(1)? {
        TokenTree::Group(group) => (Part::Repeated(self::trees(group.stream())), 3),
        name if in_rule => {
            let kind = trees.get(3)?.to_string();
            (Part::Variable(name.to_string(), kind), 4)
        }
        name => (Part::Variable(name.to_string(), String::new()), 2),
    })
}

/// Binds the variables of a rule to what stands in a call; returns how much of that it took.
fn bind(
    rule: &[TokenTree],
    call: &[TokenTree],
    once: &mut BTreeMap<String, Vec<TokenTree>>,
    mut repeated: Option<&mut BTreeMap<String, Vec<Vec<TokenTree>>>>,
) -> Option<usize> {
    let (mut rule, mut used) = (rule, 0);
    while let Some((part, length)) = part(rule, true) {
        rule = &rule[length..];
        let here = &call[used..];
        used += match part {
            Part::Plain(tree) => {
                let fits = here.first()?.to_string() == tree.to_string();
                fits.then_some(1)?
            }
            Part::Group(wanted) => {
                let TokenTree::Group(group) = here.first()? else {
                    return None;
                };
                let inner = trees(group.stream());
                let wanted = trees(wanted.stream());
                let taken = bind(&wanted, &inner, once, repeated.as_deref_mut())?;
                (taken == inner.len()).then_some(1)?
            }
            Part::Variable(name, kind) => {
                let length = match &*kind {
                    "ident" | "literal" | "tt" => 1,
                    // Up to what follows it in the rule.
                    _ => {
                        let end = rule.first().map(ToString::to_string);
                        let is_end = |it: &TokenTree| Some(it.to_string()) == end;
                        here.iter().position(is_end).unwrap_or(here.len())
                    }
                };
                once.insert(name, here.get(..length)?.to_vec());
                length
            }
            Part::Repeated(rule) => {
                let repeated = repeated.as_deref_mut()?;
                for name in variables(&rule, true) {
                    repeated.entry(name).or_default();
                }
                let mut all = 0;
                while all < here.len() {
                    let mut one = BTreeMap::new();
                    let Some(taken) = bind(&rule, &here[all..], &mut one, None) else {
                        break;
                    };
                    all += taken;
                    for (name, trees) in one {
                        repeated.entry(name).or_default().push(trees);
                    }
                }
                all
            }
        };
    }
    Some(used)
}

/// Lists the variables of a rule, or of what it makes.
fn variables(rule: &[TokenTree], in_rule: bool) -> Vec<String> {
    let (mut rule, mut names) = (rule, Vec::new());
    while let Some((part, length)) = part(rule, in_rule) {
        rule = &rule[length..];
        match part {
            Part::Variable(name, _) => names.push(name),
            Part::Group(group) => names.extend(variables(&trees(group.stream()), in_rule)),
            Part::Repeated(inner) => names.extend(variables(&inner, in_rule)),
            Part::Plain(_) => {}
        }
    }
    names
}

/// Writes what a rule makes; in a repetition, the one of this number.
fn make(makes: &[TokenTree], bound: &Bound, number: Option<usize>) -> TokenStream {
    let (mut makes, mut made) = (makes, TokenStream::new());
    while let Some((part, length)) = part(makes, false) {
        makes = &makes[length..];
        match part {
            Part::Plain(tree) => made.extend([tree]),
            Part::Group(group) => {
                let inner = make(&trees(group.stream()), bound, number);
                made.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
            }
            Part::Variable(name, _) => {
                let one = number.and_then(|number| bound.repeated.get(&name)?.get(number));
                match one.or_else(|| bound.once.get(&name)) {
                    Some(trees) => made.extend(trees.iter().cloned()),
                    // `$crate`.
                    None => made.extend(name.parse::<TokenStream>()),
                }
            }
            Part::Repeated(inner) => {
                let times = variables(&inner, false)
                    .iter()
                    .find_map(|name| bound.repeated.get(name))
                    .map_or(0, Vec::len);
                made.extend((0..times).map(|number| make(&inner, bound, Some(number))));
            }
        }
    }
    made
}
