//! The properties of a role that have paths of their own.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{Endpoint, coerce, endpoint};

/// A request about a property of one role.
pub trait OfRole: Endpoint + Sync {
    /// Returns the name of the role, in any case.
    fn role_name(&self) -> &str;
}

/// Defines a request that names a role, and what else is said there.
macro_rules! of_role {
    ($request:ident $doc:literal { $name:ident $($body:tt)* } => $reply:ty: $operation:ident $path:literal) => {
        #[doc = $doc]
        #[skip_serializing_none]
        #[derive(Debug, Default, Deserialize, Serialize)]
        #[serde(default)]
        pub struct $request {
            /// The name of the role, in any case.
            #[serde(skip_serializing)]
            pub $name: String,
            $($body)*
        }
        endpoint!($request { $name } => $reply: $operation $path; any_case);

        impl OfRole for $request {
            fn role_name(&self) -> &str {
                &self.$name
            }
        }
    };
}

of_role!(ReadBindSecretId
    "`GET auth/approle/role/:role_name/bind-secret-id`: tells whether logins of a role need a \
        secret id."
    { role_name } => BindSecretId: Read "role/{role_name}/bind-secret-id");
of_role!(SetBindSecretId
    "`POST auth/approle/role/:role_name/bind-secret-id`: says whether logins of a role need a \
        secret id."
    {
        role_name
        /// Whether they need one.
        #[serde(deserialize_with = "coerce::flag")]
        pub bind_secret_id: Option<bool>,
    } => (): Update "role/{role_name}/bind-secret-id");
of_role!(ResetBindSecretId
    "`DELETE auth/approle/role/:role_name/bind-secret-id`: has logins of a role need a secret \
        id."
    { role_name } => (): Delete "role/{role_name}/bind-secret-id");

/// What `GET auth/approle/role/:role_name/bind-secret-id` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct BindSecretId {
    /// Whether they need one.
    pub bind_secret_id: bool,
}

of_role!(ReadBoundCidrList
    "`GET auth/approle/role/:role_name/bound-cidr-list`: reads where logins of a role may come \
        from, by the older name."
    { role_name } => BoundCidrList: Read "role/{role_name}/bound-cidr-list");
of_role!(SetBoundCidrList
    "`POST auth/approle/role/:role_name/bound-cidr-list`: says where logins of a role may come \
        from, by the older name."
    {
        role_name
        /// The addresses, as `a.b.c.d/n`.
        #[serde(deserialize_with = "coerce::list_with_blanks")]
        pub bound_cidr_list: Option<Vec<String>>,
    } => (): Update "role/{role_name}/bound-cidr-list");
of_role!(ResetBoundCidrList
    "`DELETE auth/approle/role/:role_name/bound-cidr-list`: lets logins of a role come from \
        everywhere, by the older name."
    { role_name } => (): Delete "role/{role_name}/bound-cidr-list");

/// What `GET auth/approle/role/:role_name/bound-cidr-list` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct BoundCidrList {
    /// The addresses; null is all.
    pub bound_cidr_list: Option<Vec<String>>,
}

of_role!(ReadPeriod
    "`GET auth/approle/role/:role_name/period`: reads the period of the tokens of a role."
    { role_name } => Period: Read "role/{role_name}/period");
of_role!(SetPeriod
    "`POST auth/approle/role/:role_name/period`: sets the period of the tokens of a role."
    {
        role_name
        /// What each renewal gives, for ever; 0 for tokens that are not periodic.
        #[serde(deserialize_with = "coerce::seconds")]
        pub token_period: Option<i64>,
        /// The older name of `token_period`.
        #[serde(deserialize_with = "coerce::seconds")]
        pub period: Option<i64>,
    } => (): Update "role/{role_name}/period");
of_role!(ResetPeriod
    "`DELETE auth/approle/role/:role_name/period`: makes the tokens of a role not periodic."
    { role_name } => (): Delete "role/{role_name}/period");

/// What `GET auth/approle/role/:role_name/period` answers.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct Period {
    /// As `token_period`, if it was given by this name.
    pub period: Option<u64>,
    /// What each renewal gives, for ever, in seconds; 0 for tokens that are not periodic.
    pub token_period: u64,
}

of_role!(ReadPolicies
    "`GET auth/approle/role/:role_name/policies`: reads the policies of a role."
    { role_name } => Policies: Read "role/{role_name}/policies");
of_role!(SetPolicies
    "`POST auth/approle/role/:role_name/policies`: gives a role other policies; tokens that were \
        made before keep theirs."
    {
        role_name
        /// What its tokens may do.
        #[serde(deserialize_with = "coerce::list")]
        pub token_policies: Option<Vec<String>>,
        /// The older name of `token_policies`.
        #[serde(deserialize_with = "coerce::list")]
        pub policies: Option<Vec<String>>,
    } => (): Update "role/{role_name}/policies");
of_role!(ResetPolicies
    "`DELETE auth/approle/role/:role_name/policies`: takes all policies from a role."
    { role_name } => (): Delete "role/{role_name}/policies");

/// What `GET auth/approle/role/:role_name/policies` answers.
#[skip_serializing_none]
#[derive(Debug, Deserialize, Serialize)]
pub struct Policies {
    /// As `token_policies`, if they were given by this name.
    pub policies: Option<Vec<String>>,
    /// What its tokens may do.
    pub token_policies: Vec<String>,
}

of_role!(ReadSecretIdBoundCidrs
    "`GET auth/approle/role/:role_name/secret-id-bound-cidrs`: reads where logins of a role may \
        come from."
    { role_name } => SecretIdBoundCidrs: Read "role/{role_name}/secret-id-bound-cidrs");
of_role!(SetSecretIdBoundCidrs
    "`POST auth/approle/role/:role_name/secret-id-bound-cidrs`: says where logins of a role may \
        come from."
    {
        role_name
        /// The addresses, as `a.b.c.d/n`.
        #[serde(deserialize_with = "coerce::list_with_blanks")]
        pub secret_id_bound_cidrs: Option<Vec<String>>,
    } => (): Update "role/{role_name}/secret-id-bound-cidrs");
of_role!(ResetSecretIdBoundCidrs
    "`DELETE auth/approle/role/:role_name/secret-id-bound-cidrs`: lets logins of a role come \
        from everywhere."
    { role_name } => (): Delete "role/{role_name}/secret-id-bound-cidrs");

/// What `GET auth/approle/role/:role_name/secret-id-bound-cidrs` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct SecretIdBoundCidrs {
    /// The addresses; null is all.
    pub secret_id_bound_cidrs: Option<Vec<String>>,
}

of_role!(ReadSecretIdNumUses
    "`GET auth/approle/role/:role_name/secret-id-num-uses`: reads how many logins the secret ids \
        of a role are good for."
    { role_name } => SecretIdNumUses: Read "role/{role_name}/secret-id-num-uses");
of_role!(SetSecretIdNumUses
    "`POST auth/approle/role/:role_name/secret-id-num-uses`: says how many logins the secret ids \
        of a role are good for; those there are stay as they are."
    {
        role_name
        /// How many logins each is good for; 0 is without limit.
        #[serde(deserialize_with = "coerce::int")]
        pub secret_id_num_uses: Option<i64>,
    } => (): Update "role/{role_name}/secret-id-num-uses");
of_role!(ResetSecretIdNumUses
    "`DELETE auth/approle/role/:role_name/secret-id-num-uses`: makes the secret ids of a role \
        good for any number of logins."
    { role_name } => (): Delete "role/{role_name}/secret-id-num-uses");

/// What `GET auth/approle/role/:role_name/secret-id-num-uses` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct SecretIdNumUses {
    /// How many logins each is good for; 0 is without limit.
    pub secret_id_num_uses: u64,
}

of_role!(ReadSecretIdTtl
    "`GET auth/approle/role/:role_name/secret-id-ttl`: reads how long the secret ids of a role \
        last."
    { role_name } => SecretIdTtl: Read "role/{role_name}/secret-id-ttl");
of_role!(SetSecretIdTtl
    "`POST auth/approle/role/:role_name/secret-id-ttl`: says how long the secret ids of a role \
        last; those there are stay as they are."
    {
        role_name
        /// How long they last; 0 is without end.
        #[serde(deserialize_with = "coerce::seconds")]
        pub secret_id_ttl: Option<i64>,
    } => (): Update "role/{role_name}/secret-id-ttl");
of_role!(ResetSecretIdTtl
    "`DELETE auth/approle/role/:role_name/secret-id-ttl`: lets the secret ids of a role last \
        without end."
    { role_name } => (): Delete "role/{role_name}/secret-id-ttl");

/// What `GET auth/approle/role/:role_name/secret-id-ttl` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct SecretIdTtl {
    /// How long they last, in seconds; 0 is without end.
    pub secret_id_ttl: u64,
}

of_role!(ReadTokenBoundCidrs
    "`GET auth/approle/role/:role_name/token-bound-cidrs`: reads where the tokens of a role may \
        be used."
    { role_name } => TokenBoundCidrs: Read "role/{role_name}/token-bound-cidrs");
of_role!(SetTokenBoundCidrs
    "`POST auth/approle/role/:role_name/token-bound-cidrs`: says where the tokens of a role may \
        be used."
    {
        role_name
        /// The addresses.
        #[serde(deserialize_with = "coerce::list_with_blanks")]
        pub token_bound_cidrs: Option<Vec<String>>,
    } => (): Update "role/{role_name}/token-bound-cidrs");
of_role!(ResetTokenBoundCidrs
    "`DELETE auth/approle/role/:role_name/token-bound-cidrs`: lets the tokens of a role be used \
        everywhere."
    { role_name } => (): Delete "role/{role_name}/token-bound-cidrs");

/// What `GET auth/approle/role/:role_name/token-bound-cidrs` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenBoundCidrs {
    /// The addresses; null is all.
    pub token_bound_cidrs: Option<Vec<String>>,
}

of_role!(ReadTokenMaxTtl
    "`GET auth/approle/role/:role_name/token-max-ttl`: reads how long the tokens of a role last \
        at most."
    { role_name } => TokenMaxTtl: Read "role/{role_name}/token-max-ttl");
of_role!(SetTokenMaxTtl
    "`POST auth/approle/role/:role_name/token-max-ttl`: says how long the tokens of a role last \
        at most."
    {
        role_name
        /// How long they last at most, whatever is renewed; 0 leaves that to the mount.
        #[serde(deserialize_with = "coerce::seconds")]
        pub token_max_ttl: Option<i64>,
    } => (): Update "role/{role_name}/token-max-ttl");
of_role!(ResetTokenMaxTtl
    "`DELETE auth/approle/role/:role_name/token-max-ttl`: leaves to the mount how long the \
        tokens of a role last at most."
    { role_name } => (): Delete "role/{role_name}/token-max-ttl");

/// What `GET auth/approle/role/:role_name/token-max-ttl` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenMaxTtl {
    /// How long they last at most, whatever is renewed, in seconds; 0 leaves that to the mount.
    pub token_max_ttl: u64,
}

of_role!(ReadTokenNumUses
    "`GET auth/approle/role/:role_name/token-num-uses`: reads how often the tokens of a role may \
        be used."
    { role_name } => TokenNumUses: Read "role/{role_name}/token-num-uses");
of_role!(SetTokenNumUses
    "`POST auth/approle/role/:role_name/token-num-uses`: says how often the tokens of a role may \
        be used."
    {
        role_name
        /// How often they may be used; 0 is without limit.
        #[serde(deserialize_with = "coerce::int")]
        pub token_num_uses: Option<i64>,
    } => (): Update "role/{role_name}/token-num-uses");
of_role!(ResetTokenNumUses
    "`DELETE auth/approle/role/:role_name/token-num-uses`: lets the tokens of a role be used \
        without limit."
    { role_name } => (): Delete "role/{role_name}/token-num-uses");

/// What `GET auth/approle/role/:role_name/token-num-uses` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenNumUses {
    /// How often they may be used; 0 is without limit.
    pub token_num_uses: u64,
}

of_role!(ReadTokenTtl
    "`GET auth/approle/role/:role_name/token-ttl`: reads how long the tokens of a role last."
    { role_name } => TokenTtl: Read "role/{role_name}/token-ttl");
of_role!(SetTokenTtl
    "`POST auth/approle/role/:role_name/token-ttl`: says how long the tokens of a role last."
    {
        role_name
        /// How long they last; 0 leaves that to the mount.
        #[serde(deserialize_with = "coerce::seconds")]
        pub token_ttl: Option<i64>,
    } => (): Update "role/{role_name}/token-ttl");
of_role!(ResetTokenTtl
    "`DELETE auth/approle/role/:role_name/token-ttl`: leaves to the mount how long the tokens of \
        a role last."
    { role_name } => (): Delete "role/{role_name}/token-ttl");

/// What `GET auth/approle/role/:role_name/token-ttl` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct TokenTtl {
    /// How long they last, in seconds; 0 leaves that to the mount.
    pub token_ttl: u64,
}

of_role!(ReadLocalSecretIds
    "`GET auth/approle/role/:role_name/local-secret-ids`: tells what a role was made with."
    { role_name } => LocalSecretIds: Read "role/{role_name}/local-secret-ids");

/// What `GET auth/approle/role/:role_name/local-secret-ids` answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct LocalSecretIds {
    /// Kept and shown, for clients that set it.
    pub local_secret_ids: bool,
}
