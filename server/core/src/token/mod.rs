//! Tokens: who may come in, until when, and whose child they are.
//!
//! A [`Token`] is the record behind a bearer secret. The secret itself ([`TokenId`](crate::TokenId))
//! is shown once and never stored: a record is found by its [`Digest`], an HMAC of the secret. The
//! [`TokenStore`] makes records, finds them, counts their uses, renews and revokes them; the
//! endpoints below `auth/token/` are in [`engine`]. A [`batch`] token has no record: it carries what
//! would stand in one.
//!
//! **Invariant:** nothing that is stored gives back a token.

mod batch;
mod caveat;
mod cidr;
mod digest;
mod engine;
mod grant;
mod kind;
mod leases;
mod login;
mod record;
mod renew;
mod revoke;
mod role;
mod store;
mod tidy;
mod ttl;
mod two_named;

#[cfg(test)]
mod tests;

pub use caveat::Caveats;
pub use cidr::{BoundCidr, NoCidr};
pub(crate) use digest::Digest;
pub(crate) use engine::{accessed, mount, named, role_origins};
pub use grant::{Auth, AuthGrant, Created};
pub(crate) use grant::{sanitize, together};
pub use kind::{TokenKind, TokenType};
pub use login::{LoginTokens, OlderNames};
pub use record::Token;
pub(crate) use store::{TOKEN_LENGTH, TokenStore};
pub(crate) use ttl::{Term, Terms};
