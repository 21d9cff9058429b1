//! What tokens of a login are like: the parameters that all auth methods share.
//!
//! They stand among the method's own, so that a request or an answer that has them is defined
//! through a macro, which adds them to its fields.

/// What a request says of the tokens of a login. What is not given stays as it is.
#[derive(Debug, Default)]
pub struct TokenParameters {
    /// How long they last, in seconds; 0 leaves that to the mount.
    pub token_ttl: Option<i64>,
    /// How long they last at most, whatever is renewed, in seconds; 0 leaves that to the mount.
    pub token_max_ttl: Option<i64>,
    /// The same, decided once and for all when the token is made.
    pub token_explicit_max_ttl: Option<i64>,
    /// What each renewal gives, for ever, in seconds; 0 for tokens that are not periodic.
    pub token_period: Option<i64>,
    /// How often they may be used; 0 is without limit.
    pub token_num_uses: Option<i64>,
    /// What they may do.
    pub token_policies: Option<Vec<String>>,
    /// Whether they go without the policy `default`.
    pub token_no_default_policy: Option<bool>,
    /// The addresses that one may log in from and use them from; none is all.
    pub token_bound_cidrs: Option<Vec<String>>,
    /// Whether each may be used from the address of its login alone.
    pub token_strictly_bind_ip: Option<bool>,
    /// `service` or `batch`; `default` leaves that to the mount.
    pub token_type: Option<String>,
}

/// What a request says of the same by older names; each counts where the other is not given.
#[derive(Debug, Default)]
pub struct OlderParameters {
    /// Of `token_ttl`.
    pub ttl: Option<i64>,
    /// Of `token_max_ttl`.
    pub max_ttl: Option<i64>,
    /// Of `token_period`.
    pub period: Option<i64>,
    /// Of `token_policies`.
    pub policies: Option<Vec<String>>,
    /// Of `token_bound_cidrs`.
    pub bound_cidrs: Option<Vec<String>>,
}

/// What tokens of a login are like, as answers show it. Durations are whole seconds.
#[derive(Debug, Default)]
pub struct LoginTokens {
    /// How long they last; 0 leaves that to the mount.
    pub token_ttl: u64,
    /// How long they last at most, whatever is renewed; 0 leaves that to the mount.
    pub token_max_ttl: u64,
    /// The same, decided once and for all when the token is made.
    pub token_explicit_max_ttl: u64,
    /// What each renewal gives, for ever; 0 for tokens that are not periodic.
    pub token_period: u64,
    /// How often they may be used; 0 is without limit.
    pub token_num_uses: u64,
    /// What they may do.
    pub token_policies: Vec<String>,
    /// Whether they go without the policy `default`.
    pub token_no_default_policy: bool,
    /// The addresses that one may log in from and use them from; none is all.
    pub token_bound_cidrs: Vec<String>,
    /// Whether each may be used from the address of its login alone.
    pub token_strictly_bind_ip: bool,
    /// `service`, `batch`, or `default` where that is left to the mount.
    pub token_type: String,
}

/// Defines a request that has [`TokenParameters`] among its fields.
macro_rules! with_token_parameters {
    ($(#[$meta:meta])* pub struct $request:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[::serde_with::skip_serializing_none]
        #[derive(Debug, Default, ::serde::Deserialize, ::serde::Serialize)]
        #[serde(default)]
        pub struct $request {
            $($own)*
            /// How long tokens of a login last; 0 leaves that to the mount.
            #[serde(deserialize_with = "crate::coerce::seconds")]
            pub token_ttl: Option<i64>,
            /// How long they last at most, whatever is renewed; 0 leaves that to the mount.
            #[serde(deserialize_with = "crate::coerce::seconds")]
            pub token_max_ttl: Option<i64>,
            /// The same, decided once and for all when the token is made.
            #[serde(deserialize_with = "crate::coerce::seconds")]
            pub token_explicit_max_ttl: Option<i64>,
            /// What each renewal gives, for ever; 0 for tokens that are not periodic.
            #[serde(deserialize_with = "crate::coerce::seconds")]
            pub token_period: Option<i64>,
            /// How often they may be used; 0 is without limit.
            #[serde(deserialize_with = "crate::coerce::int")]
            pub token_num_uses: Option<i64>,
            /// What they may do.
            #[serde(deserialize_with = "crate::coerce::list")]
            pub token_policies: Option<Vec<String>>,
            /// Whether they go without the policy `default`.
            #[serde(deserialize_with = "crate::coerce::flag")]
            pub token_no_default_policy: Option<bool>,
            /// The addresses that one may log in from and use them from; none is all.
            #[serde(deserialize_with = "crate::coerce::list_with_blanks")]
            pub token_bound_cidrs: Option<Vec<String>>,
            /// Whether each may be used from the address of its login alone.
            #[serde(deserialize_with = "crate::coerce::flag")]
            pub token_strictly_bind_ip: Option<bool>,
            /// `service` or `batch`; `default` leaves that to the mount.
            #[serde(deserialize_with = "crate::coerce::text")]
            pub token_type: Option<String>,
        }

        impl $request {
            /// Takes out what it says of tokens.
            #[must_use]
            pub fn take_token_parameters(&mut self) -> $crate::auth::TokenParameters {
                $crate::auth::TokenParameters {
                    token_ttl: self.token_ttl.take(),
                    token_max_ttl: self.token_max_ttl.take(),
                    token_explicit_max_ttl: self.token_explicit_max_ttl.take(),
                    token_period: self.token_period.take(),
                    token_num_uses: self.token_num_uses.take(),
                    token_policies: self.token_policies.take(),
                    token_no_default_policy: self.token_no_default_policy.take(),
                    token_bound_cidrs: self.token_bound_cidrs.take(),
                    token_strictly_bind_ip: self.token_strictly_bind_ip.take(),
                    token_type: self.token_type.take(),
                }
            }
        }
    };
}

/// Defines an answer that has [`LoginTokens`] among its fields.
macro_rules! with_login_tokens {
    ($(#[$meta:meta])* pub struct $answer:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[::serde_with::skip_serializing_none]
        #[derive(Debug, Default, ::serde::Deserialize, PartialEq, Eq, ::serde::Serialize)]
        pub struct $answer {
            $($own)*
            /// How long tokens of a login last; 0 leaves that to the mount.
            pub token_ttl: u64,
            /// How long they last at most, whatever is renewed; 0 leaves that to the mount.
            pub token_max_ttl: u64,
            /// The same, decided once and for all when the token is made.
            pub token_explicit_max_ttl: u64,
            /// What each renewal gives, for ever; 0 for tokens that are not periodic.
            pub token_period: u64,
            /// How often they may be used; 0 is without limit.
            pub token_num_uses: u64,
            /// What they may do.
            pub token_policies: Vec<String>,
            /// Whether they go without the policy `default`.
            pub token_no_default_policy: bool,
            /// The addresses that one may log in from and use them from; none is all.
            pub token_bound_cidrs: Vec<String>,
            /// Whether each may be used from the address of its login alone.
            pub token_strictly_bind_ip: bool,
            /// `service`, `batch`, or `default` where that is left to the mount.
            pub token_type: String,
        }

        impl $answer {
            /// Fills in what it shows of tokens.
            #[must_use]
            pub fn with_tokens(self, tokens: $crate::auth::LoginTokens) -> Self {
                Self {
                    token_ttl: tokens.token_ttl,
                    token_max_ttl: tokens.token_max_ttl,
                    token_explicit_max_ttl: tokens.token_explicit_max_ttl,
                    token_period: tokens.token_period,
                    token_num_uses: tokens.token_num_uses,
                    token_policies: tokens.token_policies,
                    token_no_default_policy: tokens.token_no_default_policy,
                    token_bound_cidrs: tokens.token_bound_cidrs,
                    token_strictly_bind_ip: tokens.token_strictly_bind_ip,
                    token_type: tokens.token_type,
                    ..self
                }
            }
        }
    };
}

pub(super) use {with_login_tokens, with_token_parameters};
