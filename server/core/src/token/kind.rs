//! The kinds of token, and who chooses between them.

use serde::{Deserialize, Serialize};

/// How a token is kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// Not stored: the token itself says, sealed, what it may do and for how long.
    Batch,
    /// Stored: it can be looked up, renewed and revoked.
    #[default]
    Service,
}

impl TokenKind {
    /// Reads the name on the wire; none if there is no such kind.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut kinds = [Self::Batch, Self::Service].into_iter();
        kinds.find(|known| known.name() == name)
    }

    /// Returns the name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Service => "service",
        }
    }
}

/// Which kind of token an operator wants of a mount or a role: the `token_type` of either.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenType {
    /// Batch tokens alone, whatever is asked.
    Batch,
    /// Batch tokens where nothing else is asked.
    DefaultBatch,
    /// Service tokens where nothing else is asked.
    #[default]
    DefaultService,
    /// Service tokens alone, whatever is asked.
    Service,
}

impl TokenType {
    /// Reads the name on the wire; none if there is no such type.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Batch,
            Self::DefaultBatch,
            Self::DefaultService,
            Self::Service,
        ]
        .into_iter()
        .find(|known| known.name() == name)
    }

    /// Returns the name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::DefaultBatch => "default-batch",
            Self::DefaultService => "default-service",
            Self::Service => "service",
        }
    }

    /// Decides on the kind of a token for which `asked` is asked, or nothing.
    #[must_use]
    pub fn kind(self, asked: Option<TokenKind>) -> TokenKind {
        match self {
            Self::Batch => TokenKind::Batch,
            Self::DefaultBatch => asked.unwrap_or(TokenKind::Batch),
            Self::DefaultService => asked.unwrap_or(TokenKind::Service),
            Self::Service => TokenKind::Service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_gives_way_and_the_others_do_not() {
        use TokenKind::{Batch, Service};
        for (name, unasked, asked_batch, asked_service) in [
            ("batch", Batch, Batch, Batch),
            ("default-batch", Batch, Batch, Service),
            ("default-service", Service, Batch, Service),
            ("service", Service, Service, Service),
        ] {
            let rule = TokenType::parse(name).unwrap();
            assert_eq!(rule.name(), name);
            assert_eq!(serde_json::to_value(rule).unwrap(), serde_json::json!(name));
            let kinds = [None, Some(Batch), Some(Service)].map(|asked| rule.kind(asked));
            assert_eq!(kinds, [unasked, asked_batch, asked_service]);
        }
        assert_eq!(TokenType::parse("default"), None);
        assert_eq!(TokenType::parse("Batch"), None);
    }
}
