//! Templates in the paths of policies, in the claims of identity tokens, and in what services call an
//! entity.

use serde_json::{Map, Value};

use super::{
    Identity,
    directive::{Directive, Fault},
};
use crate::{
    Timestamp,
    policy::{Holder, Unfit},
};

impl Holder for Identity {
    fn stamp(&self) -> u64 {
        self.stamp
    }

    fn policies(&self) -> &[String] {
        self.policies()
    }

    /// Puts the values of the entity and its groups into a path; none where one is missing.
    ///
    /// Values come from whoever names entities, aliases and groups, who must not thereby write
    /// policies. A value with a slash would reach into other folders, `*` and `+` would match what
    /// the path does not, and an empty one would move what stands around it together.
    fn path(&self, template: &str) -> Result<Option<String>, Unfit> {
        let mut path = String::with_capacity(template.len() + 36);
        for piece in pieces(template).unwrap_or_default() {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Directive(text) => {
                    let value = Directive::parse(text).ok().and_then(|it| it.text(self));
                    let Some(value) = value else {
                        return Ok(None);
                    };
                    if value.is_empty() || value.contains(['/', '*', '+']) {
                        return Err(Unfit);
                    }
                    path.push_str(value);
                }
            }
        }
        Ok(Some(path))
    }
}

/// A part of a template.
enum Piece<'t> {
    Directive(&'t str),
    Literal(&'t str),
}

/// Takes a template apart; none if its braces do not match.
fn pieces(template: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut parts = template.split("{{");
    let first = parts.next().unwrap_or_default();
    if first.contains("}}") {
        return None;
    }
    pieces.push(Piece::Literal(first));
    for part in parts {
        let (directive, literal) = part.split_once("}}")?;
        if literal.contains("}}") {
            return None;
        }
        pieces.push(Piece::Directive(directive));
        pieces.push(Piece::Literal(literal));
    }
    Some(pieces)
}

/// Tells whether a template puts texts into a text and nothing else.
pub(super) fn is_text(template: &str) -> bool {
    let pieces = pieces(template);
    pieces.is_some_and(|pieces| {
        pieces.iter().all(|piece| match piece {
            Piece::Directive(text) => Directive::parse(text).is_ok_and(|it| it.is_text()),
            Piece::Literal(_) => true,
        })
    })
}

/// Puts the values of the entity and its groups into a text; none where one is missing.
pub(super) fn text(template: &str, identity: &Identity) -> Option<String> {
    let mut text = String::with_capacity(template.len() + 36);
    for piece in pieces(template)? {
        match piece {
            Piece::Directive(directive) => {
                text.push_str(Directive::parse(directive).ok()?.text(identity)?);
            }
            Piece::Literal(literal) => text.push_str(literal),
        }
    }
    Some(text)
}

/// Reads the claims of a template: a JSON object, each of whose `{{…}}` stands for a whole value.
///
/// A value is put in as JSON and cannot end what it stands in.
///
/// # Errors
/// Vault's sentence about what is wrong with the template.
pub(super) fn claims(
    template: &str,
    identity: &Identity,
    now: Timestamp,
) -> Result<Map<String, Value>, String> {
    let pieces = pieces(template)
        .ok_or_else(|| "error parsing template: unbalanced templating characters".to_owned())?;
    let mut json = String::with_capacity(template.len() * 2);
    for piece in pieces {
        match piece {
            Piece::Literal(text) => json.push_str(text),
            Piece::Directive(text) => match Directive::parse(text) {
                Ok(Directive::Group(..)) => {
                    return Err("error parsing template: string contains groups template \
                                directives but no groups were provided"
                        .to_owned());
                }
                Ok(directive) => json.push_str(&directive.json(identity, now).to_string()),
                Err(Fault::Unknown) => {
                    return Err(
                        "error parsing template: no value could be found for one of the \
                                template directives"
                            .to_owned(),
                    );
                }
                Err(Fault::Duration(why)) => {
                    return Err(format!("error parsing template: invalid duration: {why}"));
                }
            },
        }
    }
    serde_json::from_str(&json).map_err(|error| format!("error parsing template JSON: {error}"))
}
