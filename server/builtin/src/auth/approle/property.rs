//! The properties of a role that have paths of their own: read, set, and set back to what a new role
//! has.

use keyward_api::{
    Endpoint,
    auth::approle::{self as api, OfRole, WriteRole},
};
use keyward_core::{
    Error, Response,
    engine::{Builder, Context},
};

use super::{
    Approle,
    role::{self, Found, Role},
};

/// One property: `R` reads it, `S` sets it, and `D` sets it back.
struct Property<R: Endpoint, S, D> {
    /// Finds it in a role.
    show: fn(api::Role) -> R::Reply,
    /// Changes a role as asked.
    set: fn(&mut Role, S) -> Result<(), Error>,
    /// Returns the change that makes it what a new role has.
    reset: fn(D) -> WriteRole,
}

/// Adds the routes of all properties.
pub(super) fn routes(routes: Builder<Approle>) -> Builder<Approle> {
    let routes = of_secret_ids(routes.on(read_local_secret_ids));
    of_tokens(routes)
}

fn of_secret_ids(routes: Builder<Approle>) -> Builder<Approle> {
    let bind_secret_id = Property::<api::ReadBindSecretId, _, _> {
        show: |role| api::BindSecretId {
            bind_secret_id: role.bind_secret_id,
        },
        set: |role, it: api::SetBindSecretId| {
            role.update(WriteRole {
                bind_secret_id: Some(given("bind_secret_id", it.bind_secret_id)?),
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetBindSecretId| WriteRole {
            bind_secret_id: Some(true),
            ..WriteRole::default()
        },
    };
    let bound_cidr_list = Property::<api::ReadBoundCidrList, _, _> {
        show: |role| api::BoundCidrList {
            bound_cidr_list: role.secret_id_bound_cidrs,
        },
        set: |role, it: api::SetBoundCidrList| set_cidrs(role, it.bound_cidr_list),
        reset: |_: api::ResetBoundCidrList| no_cidrs(),
    };
    let secret_id_bound_cidrs = Property::<api::ReadSecretIdBoundCidrs, _, _> {
        show: |role| api::SecretIdBoundCidrs {
            secret_id_bound_cidrs: role.secret_id_bound_cidrs,
        },
        set: |role, it: api::SetSecretIdBoundCidrs| set_cidrs(role, it.secret_id_bound_cidrs),
        reset: |_: api::ResetSecretIdBoundCidrs| no_cidrs(),
    };
    let secret_id_num_uses = Property::<api::ReadSecretIdNumUses, _, _> {
        show: |role| api::SecretIdNumUses {
            secret_id_num_uses: role.secret_id_num_uses,
        },
        set: |role, it: api::SetSecretIdNumUses| {
            role.update(WriteRole {
                secret_id_num_uses: Some(given("secret_id_num_uses", it.secret_id_num_uses)?),
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetSecretIdNumUses| WriteRole {
            secret_id_num_uses: Some(0),
            ..WriteRole::default()
        },
    };
    let secret_id_ttl = Property::<api::ReadSecretIdTtl, _, _> {
        show: |role| api::SecretIdTtl {
            secret_id_ttl: role.secret_id_ttl,
        },
        set: |role, it: api::SetSecretIdTtl| {
            role.update(WriteRole {
                secret_id_ttl: Some(given("secret_id_ttl", it.secret_id_ttl)?),
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetSecretIdTtl| WriteRole {
            secret_id_ttl: Some(0),
            ..WriteRole::default()
        },
    };
    let routes = bind_secret_id.add(bound_cidr_list.add(routes));
    let routes = secret_id_bound_cidrs.add(secret_id_num_uses.add(routes));
    secret_id_ttl.add(routes)
}

fn of_tokens(routes: Builder<Approle>) -> Builder<Approle> {
    let period = Property::<api::ReadPeriod, _, _> {
        show: |role| api::Period {
            period: role.period,
            token_period: role.token_period,
        },
        set: |role, it: api::SetPeriod| {
            given("period", it.period.or(it.token_period))?;
            role.update(WriteRole {
                period: it.period,
                token_period: it.token_period,
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetPeriod| WriteRole {
            token_period: Some(0),
            ..WriteRole::default()
        },
    };
    let policies = Property::<api::ReadPolicies, _, _> {
        show: |role| api::Policies {
            policies: role.policies,
            token_policies: role.token_policies,
        },
        set: |role, it: api::SetPolicies| {
            let all = it.policies.as_ref().or(it.token_policies.as_ref());
            given("token_policies", all)?;
            role.tokens.set_policies(it.token_policies, it.policies);
            Ok(())
        },
        reset: |_: api::ResetPolicies| WriteRole {
            token_policies: Some(Vec::new()),
            ..WriteRole::default()
        },
    };
    let token_bound_cidrs = Property::<api::ReadTokenBoundCidrs, _, _> {
        show: |role| api::TokenBoundCidrs {
            token_bound_cidrs: Some(role.token_bound_cidrs).filter(|cidrs| !cidrs.is_empty()),
        },
        set: |role, it: api::SetTokenBoundCidrs| {
            role.update(WriteRole {
                token_bound_cidrs: it.token_bound_cidrs,
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetTokenBoundCidrs| WriteRole {
            token_bound_cidrs: Some(Vec::new()),
            ..WriteRole::default()
        },
    };
    let token_max_ttl = Property::<api::ReadTokenMaxTtl, _, _> {
        show: |role| api::TokenMaxTtl {
            token_max_ttl: role.token_max_ttl,
        },
        set: |role, it: api::SetTokenMaxTtl| {
            role.update(WriteRole {
                token_max_ttl: Some(given("token_max_ttl", it.token_max_ttl)?),
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetTokenMaxTtl| WriteRole {
            token_max_ttl: Some(0),
            ..WriteRole::default()
        },
    };
    let token_num_uses = Property::<api::ReadTokenNumUses, _, _> {
        show: |role| api::TokenNumUses {
            token_num_uses: role.token_num_uses,
        },
        set: |role, it: api::SetTokenNumUses| {
            role.update(WriteRole {
                token_num_uses: Some(given("token_num_uses", it.token_num_uses)?),
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetTokenNumUses| WriteRole {
            token_num_uses: Some(0),
            ..WriteRole::default()
        },
    };
    let token_ttl = Property::<api::ReadTokenTtl, _, _> {
        show: |role| api::TokenTtl {
            token_ttl: role.token_ttl,
        },
        set: |role, it: api::SetTokenTtl| {
            role.update(WriteRole {
                token_ttl: Some(given("token_ttl", it.token_ttl)?),
                ..WriteRole::default()
            })
        },
        reset: |_: api::ResetTokenTtl| WriteRole {
            token_ttl: Some(0),
            ..WriteRole::default()
        },
    };
    let routes = period.add(policies.add(routes));
    let routes = token_bound_cidrs.add(token_max_ttl.add(routes));
    token_num_uses.add(token_ttl.add(routes))
}

impl<R, S, D> Property<R, S, D>
where
    R: OfRole,
    S: OfRole<Reply = ()>,
    D: OfRole<Reply = ()>,
{
    /// Adds its routes.
    fn add(self, routes: Builder<Approle>) -> Builder<Approle> {
        let Self { show, set, reset } = self;
        routes
            .on(move |cx: Context<Approle>, request: R| async move {
                let role = known(&cx, &request).await?.ok_or_else(Error::not_found)?;
                Ok(Response::data(show(role.role.show())))
            })
            .on(move |cx: Context<Approle>, request: S| async move {
                let role = known(&cx, &request).await?.ok_or(Error::UnsupportedPath)?;
                role::change(cx.view(), role, |role| set(role, request)).await
            })
            .on(move |cx: Context<Approle>, request: D| async move {
                match known(&cx, &request).await? {
                    Some(role) => {
                        role::change(cx.view(), role, |role| role.update(reset(request))).await
                    }
                    None => Ok(Response::empty()),
                }
            })
    }
}

async fn read_local_secret_ids(
    cx: Context<Approle>,
    request: api::ReadLocalSecretIds,
) -> Result<Response<api::LocalSecretIds>, Error> {
    let found = known(&cx, &request).await?.ok_or_else(Error::not_found)?;
    let local_secret_ids = found.role.show().local_secret_ids;
    Ok(Response::data(api::LocalSecretIds { local_secret_ids }))
}

async fn known(cx: &Context<Approle>, request: &impl OfRole) -> Result<Option<Found>, Error> {
    Role::find(cx.view(), request.role_name()).await
}

fn given<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::Invalid(format!("missing {name}")))
}

/// Sets where logins may come from. No addresses at all are a mistake, as in Vault: it may not be
/// everywhere by an empty variable of somebody's script.
fn set_cidrs(role: &mut Role, cidrs: Option<Vec<String>>) -> Result<(), Error> {
    if cidrs.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::invalid("missing bound_cidr_list"));
    }
    role.update(WriteRole {
        secret_id_bound_cidrs: cidrs,
        ..WriteRole::default()
    })
}

fn no_cidrs() -> WriteRole {
    WriteRole {
        secret_id_bound_cidrs: Some(Vec::new()),
        ..WriteRole::default()
    }
}
