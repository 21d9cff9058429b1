//! `identity/mfa/`: methods, secrets, and which logins need them.

use std::collections::BTreeMap;

use keyward_api::identity::{
    AdminGenerateTotpSecret, CreateTotpMfaMethod, DeleteLoginEnforcement, DeleteTotpMfaMethod,
    DestroyTotpSecret, GenerateTotpSecret, ListLoginEnforcements, ListMfaMethods,
    ListTotpMfaMethods, LoginEnforcement, LoginEnforcements, MfaMethod, MfaMethodCreated,
    MfaMethodId, MfaMethodType, MfaMethods, ReadLoginEnforcement, ReadMfaMethod, ReadTotpMfaMethod,
    TotpMfaMethod, TotpSecretShown, UpdateTotpMfaMethod, WriteLoginEnforcement,
    WriteMfaMethod as _,
};
use uuid::Uuid;

use super::{
    super::mfa::{
        EnforcementChange, Generated, Method, MfaService, ServiceChange, Totp, TotpChange,
    },
    Identities, given,
};
use crate::{
    Error, Response,
    engine::{Class, Context},
};

/// Makes a TOTP method, or changes the one of a name.
pub(super) async fn create_totp(
    cx: Context<Identities>,
    request: CreateTotpMfaMethod,
) -> Result<Response<MfaMethodCreated>, Error> {
    let method_id = write(&cx, request).await?;
    Ok(Response::data(MfaMethodCreated { method_id }))
}

/// Changes a TOTP method.
pub(super) async fn update_totp(
    cx: Context<Identities>,
    UpdateTotpMfaMethod(request): UpdateTotpMfaMethod,
) -> Result<Response<()>, Error> {
    check_id(request.method_id.as_deref().unwrap_or_default())?;
    write(&cx, request).await?;
    Ok(Response::empty())
}

async fn write(cx: &Context<Identities>, request: CreateTotpMfaMethod) -> Result<String, Error> {
    let id = given(request.method_id);
    let change = TotpChange {
        name: request.method_name,
        issuer: request.issuer,
        period: request.period,
        key_size: request.key_size,
        qr_size: request.qr_size,
        algorithm: request.algorithm,
        digits: request.digits,
        skew: request.skew,
        max_validation_attempts: request.max_validation_attempts,
    };
    cx.mfa.write_method(id.as_deref(), change, cx.view()).await
}

/// Makes a method that is a service of others, or changes the one of a name.
pub(in super::super) async fn create_service<S: MfaService>(
    cx: Context<Identities>,
    request: <S::Api as MfaMethodType>::Create,
) -> Result<Response<MfaMethodCreated>, Error> {
    let method_id = write_service::<S>(&cx, request).await?;
    Ok(Response::data(MfaMethodCreated { method_id }))
}

/// Changes a method that is a service of others.
pub(in super::super) async fn update_service<S: MfaService>(
    cx: Context<Identities>,
    request: <S::Api as MfaMethodType>::Update,
) -> Result<Response<()>, Error> {
    let request: <S::Api as MfaMethodType>::Create = request.into();
    check_id(request.method_id().unwrap_or_default())?;
    write_service::<S>(&cx, request).await?;
    Ok(Response::empty())
}

async fn write_service<S: MfaService>(
    cx: &Context<Identities>,
    request: <S::Api as MfaMethodType>::Create,
) -> Result<String, Error> {
    let change = ServiceChange::<S>::new(request);
    let id = change.id();
    cx.mfa.write_method(id.as_deref(), change, cx.view()).await
}

/// Reads a method.
pub(super) async fn read(
    cx: Context<Identities>,
    request: ReadMfaMethod,
) -> Result<Response<MfaMethod>, Error> {
    let known = cx.mfa.now();
    let method = known.methods.get(&request.method_id);
    let method = method.ok_or_else(Error::not_found)?;
    Ok(Response::data(method.shown()?))
}

/// Reads a TOTP method.
pub(super) async fn read_totp(
    cx: Context<Identities>,
    request: ReadTotpMfaMethod,
) -> Result<Response<TotpMfaMethod>, Error> {
    let known = cx.mfa.now();
    let method = known.method_of(Totp::KIND, &request.method_id)?.totp();
    let method = method.ok_or_else(Error::not_found)?;
    Ok(Response::data(method.shown()))
}

/// Reads a method that is a service of others.
pub(in super::super) async fn read_service<S: MfaService>(
    cx: Context<Identities>,
    request: <S::Api as MfaMethodType>::Read,
) -> Result<Response<MfaMethod>, Error> {
    let MfaMethodId(id) = request.into();
    let known = cx.mfa.now();
    let method = known.method_of(S::Api::KIND, &id)?;
    Ok(Response::data(method.shown()?))
}

/// Removes a TOTP method.
pub(super) async fn delete_totp(
    cx: Context<Identities>,
    request: DeleteTotpMfaMethod,
) -> Result<Response<()>, Error> {
    check_id(&request.method_id)?;
    delete(&cx, Totp::KIND, &request.method_id).await
}

/// Removes a method that is a service of others.
pub(in super::super) async fn delete_service<S: MfaService>(
    cx: Context<Identities>,
    request: <S::Api as MfaMethodType>::Delete,
) -> Result<Response<()>, Error> {
    let MfaMethodId(id) = request.into();
    check_id(&id)?;
    delete(&cx, S::Api::KIND, &id).await
}

/// Removes a method of a type; its absence is no error, as in Vault.
async fn delete(
    cx: &Context<Identities>,
    kind: &str,
    method_id: &str,
) -> Result<Response<()>, Error> {
    match cx.mfa.now().method_of(kind, method_id) {
        Ok(_) => cx.mfa.delete_method(method_id, cx.view()).await?,
        Err(Error::NotFound(_)) => {}
        Err(other) => return Err(other),
    }
    Ok(Response::empty())
}

/// Lists all methods.
pub(super) async fn list(
    cx: Context<Identities>,
    _: ListMfaMethods,
) -> Result<Response<MfaMethods>, Error> {
    methods(&cx, |_| true)
}

/// Lists the TOTP methods.
pub(super) async fn list_totp(
    cx: Context<Identities>,
    _: ListTotpMfaMethods,
) -> Result<Response<MfaMethods>, Error> {
    methods(&cx, |method| method.kind() == Totp::KIND)
}

/// Lists the methods that are one service of others.
pub(in super::super) async fn list_service<S: MfaService>(
    cx: Context<Identities>,
    _: <S::Api as MfaMethodType>::List,
) -> Result<Response<MfaMethods>, Error> {
    methods(&cx, |method| method.kind() == S::Api::KIND)
}

fn methods(
    cx: &Context<Identities>,
    are: impl Fn(&Method) -> bool,
) -> Result<Response<MfaMethods>, Error> {
    let known = cx.mfa.now();
    let methods = known.methods.iter().filter(|(_, method)| are(method));
    let methods = methods.map(|(id, method)| Ok((id.clone(), method.shown()?)));
    let methods = methods.collect::<Result<Vec<_>, Error>>()?;
    let (keys, key_info) = listed(methods.into_iter())?;
    Ok(Response::data(MfaMethods { key_info, keys }))
}

/// Makes the secret of the caller's own entity.
pub(super) async fn generate(
    cx: Context<Identities>,
    request: GenerateTotpSecret,
) -> Result<Response<TotpSecretShown>, Error> {
    let principal = cx.principal();
    let identity = principal.and_then(|principal| principal.identity.as_deref());
    let entity_id = identity.map(|identity| identity.entity_id().to_owned());
    let request = AdminGenerateTotpSecret {
        method_id: request.method_id,
        entity_id,
    };
    admin_generate(cx, request).await
}

/// Makes the secret of an entity.
pub(super) async fn admin_generate(
    cx: Context<Identities>,
    request: AdminGenerateTotpSecret,
) -> Result<Response<TotpSecretShown>, Error> {
    let method = given(request.method_id).ok_or_else(|| Error::invalid("missing method ID"))?;
    let entity = given(request.entity_id).ok_or_else(|| Error::invalid("missing entityID"))?;
    let known = cx.mfa.now();
    let name = known.method(&method)?.name().to_owned();
    let entity = entity_id(&cx, &entity)?;
    let generated = cx.mfa.generate(&method, &entity, cx.view()).await?;
    Ok(match generated {
        Some(Generated { barcode, url }) => Response::data(TotpSecretShown { barcode, url }),
        None => Response::empty().warn(format!(
            "Entity already has a secret for MFA method {name:?}"
        )),
    })
}

/// Removes the secret of an entity.
pub(super) async fn admin_destroy(
    cx: Context<Identities>,
    request: DestroyTotpSecret,
) -> Result<Response<()>, Error> {
    let method = given(request.method_id).ok_or_else(|| Error::invalid("missing method ID"))?;
    let entity = given(request.entity_id).ok_or_else(|| Error::invalid("missing entity ID"))?;
    let entity = entity_id(&cx, &entity)?;
    cx.mfa.destroy(&method, &entity, cx.view()).await?;
    Ok(Response::empty())
}

/// Finds an entity by its id.
fn entity_id(cx: &Context<Identities>, id: &str) -> Result<String, Error> {
    let snapshot = cx.store.now();
    let entity = snapshot.entity(id);
    let entity = entity.ok_or_else(|| Error::invalid("invalid entity ID"))?;
    Ok(entity.id.clone())
}

/// Says which logins need a second factor.
pub(super) async fn write_enforcement(
    cx: Context<Identities>,
    request: WriteLoginEnforcement,
) -> Result<Response<()>, Error> {
    let change = EnforcementChange {
        methods: request.mfa_method_ids,
        accessors: request.auth_method_accessors,
        types: request.auth_method_types,
        groups: request.identity_group_ids,
        entities: request.identity_entity_ids,
    };
    change.check_methods(&cx.mfa.now().methods)?;
    check_selection(&cx, &change)?;
    cx.mfa
        .write_enforcement(&request.name, change, cx.view())
        .await?;
    Ok(Response::empty())
}

/// Refuses a selection of what is not there; the texts are Vault's.
fn check_selection(cx: &Context<Identities>, change: &EnforcementChange) -> Result<(), Error> {
    let mounts = cx.core().mounts.all();
    let doors = || mounts.iter().filter(|mount| mount.class == Class::Auth);
    let snapshot = cx.store.now();
    let has_accessor = |it: &String| doors().any(|mount| mount.entry.accessor == *it);
    let has_type = |it: &String| doors().any(|mount| mount.entry.kind == *it);
    let has_group = |it: &String| snapshot.group(it).is_some();
    let has_entity = |it: &String| snapshot.entity(it).is_some();
    let wrong = |list: &Option<Vec<String>>, is_there: &dyn Fn(&String) -> bool| {
        list.iter().flatten().any(|it| !is_there(it))
    };
    let fault = if wrong(&change.accessors, &has_accessor) {
        "one of the auth method accessors provided is invalid"
    } else if wrong(&change.types, &has_type) {
        "one of the auth method types provided is invalid"
    } else if wrong(&change.groups, &has_group) {
        "one of the provided group ids doesn't exist"
    } else if wrong(&change.entities, &has_entity) {
        "one of the provided entity ids doesn't exist"
    } else {
        return Ok(());
    };
    Err(Error::invalid(fault))
}

/// Reads an enforcement.
pub(super) async fn read_enforcement(
    cx: Context<Identities>,
    request: ReadLoginEnforcement,
) -> Result<Response<LoginEnforcement>, Error> {
    let known = cx.mfa.now();
    let enforcement = known.enforcements.get(&request.name);
    let enforcement = enforcement.ok_or_else(Error::not_found)?;
    Ok(Response::data(enforcement.shown()))
}

/// Removes an enforcement.
pub(super) async fn delete_enforcement(
    cx: Context<Identities>,
    request: DeleteLoginEnforcement,
) -> Result<Response<()>, Error> {
    cx.mfa.delete_enforcement(&request.name, cx.view()).await?;
    Ok(Response::empty())
}

/// Lists all enforcements.
pub(super) async fn list_enforcements(
    cx: Context<Identities>,
    _: ListLoginEnforcements,
) -> Result<Response<LoginEnforcements>, Error> {
    let known = cx.mfa.now();
    let enforcements = known.enforcements.iter();
    let (keys, key_info) = listed(enforcements.map(|(name, it)| (name.clone(), it.shown())))?;
    Ok(Response::data(LoginEnforcements { key_info, keys }))
}

/// Gathers what is listed; that there is nothing is not found.
fn listed<T>(
    all: impl Iterator<Item = (String, T)>,
) -> Result<(Vec<String>, BTreeMap<String, T>), Error> {
    let key_info: BTreeMap<_, _> = all.collect();
    match key_info.is_empty() {
        true => Err(Error::not_found()),
        false => Ok((key_info.keys().cloned().collect(), key_info)),
    }
}

/// Refuses what is no id of a method: a UUID in lower case.
fn check_id(id: &str) -> Result<(), Error> {
    let is_id = Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id);
    match is_id {
        true => Ok(()),
        false => Err(Error::UnsupportedPath),
    }
}
