//! Tokens, the operations below `auth/token/`; and the auth methods, a module each.

pub mod approle;
mod caveat;
mod login;
mod role;
pub mod userpass;

use std::collections::BTreeMap;

pub use caveat::Caveat;
pub use login::{LoginTokens, OlderParameters, TokenParameters};
pub use role::{
    CreateTokenByRole, DeleteTokenRole, ListTokenRoles, ReadTokenRole, TokenRole, TokenRoles,
    WriteTokenRole,
};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Sensitive, coerce, endpoint, proof::VerifyingKey};

/// `POST auth/token/create`: makes a token, as a child of the caller's.
///
/// The new token stands in the `auth` block of the reply.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct CreateToken {
    /// The role, in the path of [`CreateTokenByRole`]; any other path takes none.
    #[serde(skip_serializing)]
    pub role_name: String,
    /// The token itself, where the caller chooses it; for root or sudo.
    pub id: Option<Sensitive>,
    /// What it may do; none gives the caller's own policies. A caller without root or sudo may
    /// give only those it has.
    #[serde(deserialize_with = "coerce::list_with_blanks")]
    pub policies: Option<Vec<String>>,
    /// What the creator attaches; audit entries show it.
    #[serde(deserialize_with = "coerce::map")]
    pub meta: Option<BTreeMap<String, String>>,
    /// Whether it outlives the caller's token; for root or sudo.
    #[serde(deserialize_with = "coerce::flag")]
    pub no_parent: Option<bool>,
    /// Whether the policy `default` is left out.
    #[serde(deserialize_with = "coerce::flag")]
    pub no_default_policy: Option<bool>,
    /// Whether it can be renewed; true if left out.
    #[serde(deserialize_with = "coerce::flag")]
    pub renewable: Option<bool>,
    /// How long it lasts: seconds, or a duration such as `1h`.
    #[serde(deserialize_with = "coerce::text")]
    pub ttl: Option<String>,
    /// The older name of `ttl`.
    #[serde(deserialize_with = "coerce::text")]
    pub lease: Option<String>,
    /// How long it lasts at most, whatever is renewed.
    #[serde(deserialize_with = "coerce::text")]
    pub explicit_max_ttl: Option<String>,
    /// What each renewal gives, for ever; for root or sudo.
    #[serde(deserialize_with = "coerce::text")]
    pub period: Option<String>,
    /// The name that audit entries show, behind `token-`.
    #[serde(deserialize_with = "coerce::text")]
    pub display_name: Option<String>,
    /// How often it may be used; 0 is without limit.
    #[serde(deserialize_with = "coerce::int")]
    pub num_uses: Option<i64>,
    /// `service`, or `batch` for a token that is not stored; a role may decide on it.
    #[serde(rename = "type", deserialize_with = "coerce::text")]
    pub kind: Option<String>,
    /// The name whose entity the token is for, which is made if there is none; only under a role that
    /// allows it.
    #[serde(deserialize_with = "coerce::text")]
    pub entity_alias: Option<String>,
    /// The public key that the token is bound to, a JSON Web Key of Ed25519 or P-256: it is good only
    /// with requests that the private half signed. A caller whose own token is bound passes its
    /// key on unless it gives another.
    pub client_key: Option<VerifyingKey>,
}
endpoint!(CreateToken {} => (): Update "create");

/// `POST auth/token/create-orphan`: makes a token that outlives the caller's; a policy that allows
/// this path is all that it asks for.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct CreateOrphanToken(
    /// What [`CreateToken`] takes.
    pub CreateToken,
);
endpoint!(CreateOrphanToken {} => (): Update "create-orphan");

/// `LIST auth/token/accessors`: lists the accessors of all tokens, those of others included.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ListAccessors {
    /// Only accessors behind this one.
    #[serde(deserialize_with = "coerce::text")]
    pub after: Option<String>,
    /// At most so many; none or a negative number is no limit.
    #[serde(deserialize_with = "coerce::int")]
    pub limit: Option<i64>,
}
endpoint!(ListAccessors {} => Accessors: List "accessors", access Sudo);

/// The accessors of tokens.
#[derive(Debug, Deserialize, Serialize)]
pub struct Accessors {
    /// The accessors.
    pub keys: Vec<String>,
}

/// `POST auth/token/lookup`: tells what is known of a token.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupToken {
    /// The token; the caller's own if left out.
    pub token: Option<Sensitive>,
}
endpoint!(LookupToken {} => TokenInfo: Update "lookup");

/// `GET auth/token/lookup`: tells what is known of the token in the query.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ReadToken(
    /// What [`LookupToken`] takes.
    pub LookupToken,
);
endpoint!(ReadToken {} => TokenInfo: Read "lookup");

/// `GET auth/token/lookup-self`: tells what is known of the caller's token.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupSelf {
    /// Not looked at.
    pub token: Option<Sensitive>,
}
endpoint!(LookupSelf {} => TokenInfo: Read "lookup-self");

/// `POST auth/token/lookup-self`: as [`LookupSelf`].
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct LookupSelfByUpdate(
    /// What [`LookupSelf`] takes.
    pub LookupSelf,
);
endpoint!(LookupSelfByUpdate {} => TokenInfo: Update "lookup-self");

/// `POST auth/token/lookup-accessor`: tells what is known of a token, without the token.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct LookupAccessor {
    /// The accessor.
    #[serde(deserialize_with = "coerce::text")]
    pub accessor: Option<String>,
}
endpoint!(LookupAccessor {} => TokenInfo: Update "lookup-accessor");

/// What is known of a token. Durations are whole seconds; 0 is without end.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenInfo {
    /// The handle by which it can be looked up and revoked, but not used; empty for a batch token.
    pub accessor: String,
    /// The addresses that it may be used from, if it is bound to some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound_cidrs: Vec<String>,
    /// What it is good for beside its policies, if it is confined: all of it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<Caveat>,
    /// The key that it is bound to, if it is bound to one.
    pub cnf: Option<Confirmation>,
    /// When it was made: seconds since 1970.
    pub creation_time: u64,
    /// What it got at creation.
    pub creation_ttl: u64,
    /// The name that audit entries show.
    pub display_name: String,
    /// The identity entity; empty where there is none.
    pub entity_id: String,
    /// When it ends (RFC 3339); null for a root token without an end.
    #[serialize_always]
    pub expire_time: Option<String>,
    /// Empty: there is one namespace. Left out like `identity_policies`.
    pub external_namespace_policies: Option<BTreeMap<String, Vec<String>>>,
    /// What no renewal goes beyond, from creation on.
    pub explicit_max_ttl: u64,
    /// The token itself; empty when it was looked up by its accessor.
    pub id: Sensitive,
    /// What its entity and the groups of that add to what it may do; left out if that is nothing.
    pub identity_policies: Option<Vec<String>>,
    /// When it was made (RFC 3339).
    pub issue_time: String,
    /// When it was renewed last (RFC 3339).
    pub last_renewal: Option<String>,
    /// When it was renewed last: seconds since 1970.
    pub last_renewal_time: Option<u64>,
    /// What its creator attached.
    #[serialize_always]
    pub meta: Option<BTreeMap<String, String>>,
    /// How many uses are left: 0 is without limit, -1 says that this was the last.
    pub num_uses: i64,
    /// Whether it outlives the token that made it.
    pub orphan: bool,
    /// The path of the request that made it.
    pub path: String,
    /// What each renewal gives a periodic token.
    pub period: Option<u64>,
    /// What it may do.
    pub policies: Vec<String>,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The role that it was made under, if it was made under one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// What it has left.
    pub ttl: u64,
    /// `service` or `batch`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What the holder of a token must prove (RFC 7800 section 3.1).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// The thumbprint of the key that it is bound to (RFC 7638): base64url of SHA-256.
    pub jkt: String,
}

/// `POST auth/token/renew`: gives a token its next term.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewToken {
    /// The token.
    pub token: Option<Sensitive>,
    /// How long it shall last from now on; nothing or 0 is as long as it got last.
    #[serde(deserialize_with = "coerce::seconds")]
    pub increment: Option<i64>,
}
endpoint!(RenewToken {} => (): Update "renew");

/// `POST auth/token/renew-self`: gives the caller's token its next term.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewSelf {
    /// Not looked at.
    pub token: Option<Sensitive>,
    /// As in [`RenewToken`].
    #[serde(deserialize_with = "coerce::seconds")]
    pub increment: Option<i64>,
}
endpoint!(RenewSelf {} => (): Update "renew-self");

/// `POST auth/token/renew-accessor`: gives a token its next term, without the token.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RenewAccessor {
    /// The accessor.
    #[serde(deserialize_with = "coerce::text")]
    pub accessor: Option<String>,
    /// As in [`RenewToken`].
    #[serde(deserialize_with = "coerce::seconds")]
    pub increment: Option<i64>,
}
endpoint!(RenewAccessor {} => (): Update "renew-accessor");

/// `POST auth/token/revoke`: ends a token and all that it made.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeToken {
    /// The token; one that is unknown is no error.
    pub token: Option<Sensitive>,
}
endpoint!(RevokeToken {} => (): Update "revoke");

/// `POST auth/token/revoke-self`: ends the caller's token and all that it made.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeSelf {
    /// Not looked at.
    pub token: Option<Sensitive>,
}
endpoint!(RevokeSelf {} => (): Update "revoke-self");

/// `POST auth/token/revoke-accessor`: ends a token and all that it made, without the token.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeAccessor {
    /// The accessor; one that is unknown gives a warning.
    #[serde(deserialize_with = "coerce::text")]
    pub accessor: Option<String>,
}
endpoint!(RevokeAccessor {} => (): Update "revoke-accessor");

/// `POST auth/token/revoke-orphan`: ends a token; what it made lives on. For root or sudo.
#[skip_serializing_none]
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct RevokeOrphan {
    /// The token.
    pub token: Option<Sensitive>,
}
endpoint!(RevokeOrphan {} => (): Update "revoke-orphan");

/// `POST auth/token/tidy`: removes entries that lead to no token, after it has answered.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct TidyTokens {}
endpoint!(TidyTokens {} => (): Update "tidy");
