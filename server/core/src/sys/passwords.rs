//! `sys/policies/password`: the texts below `password-policy/` in the mount's own storage.

use keyward_api::sys::{
    DeletePasswordPolicy, GeneratePassword, ListPasswordPolicies, Password, PasswordPolicies,
    PasswordPolicy as PolicyText, ReadPasswordPolicy, WritePasswordPolicy,
};
use keyward_crypto::{SecretBytes, SecretString};

use super::Sys;
use crate::{
    Error, Response,
    engine::{Context, page},
    password::{CHECKS, PasswordPolicy, TRIES},
    policy::decode_text,
    view::View,
};

/// Lists the names of all password policies.
pub(super) async fn list(
    cx: Context<Sys>,
    request: ListPasswordPolicies,
) -> Result<Response<PasswordPolicies>, Error> {
    let mut keys = stored(cx.view()).keys().await?;
    if let Some(after) = &request.after {
        keys.retain(|name| name > after);
    }
    if let Some(limit) = page(request.limit) {
        keys.truncate(limit);
    }
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(PasswordPolicies { keys }))
}

/// Reads a password policy.
pub(super) async fn read(
    cx: Context<Sys>,
    request: ReadPasswordPolicy,
) -> Result<Response<PolicyText>, Error> {
    let policy = find(&stored(cx.view()), &request.name).await?;
    Ok(Response::data(PolicyText { policy }))
}

/// Writes a password policy, once a password was made that follows it.
pub(super) async fn write(
    cx: Context<Sys>,
    request: WritePasswordPolicy,
) -> Result<Response<()>, Error> {
    let name = named(&request.name)?;
    let text = request.policy.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::invalid("missing policy"))?;
    let text = decode_text(&text);
    let policy = PasswordPolicy::parse(&text)?;
    if policy.generate(CHECKS).is_none() {
        return Err(Error::invalid(
            "unable to generate password from provided policy: are the rules impossible?",
        ));
    }
    let text = SecretBytes::new(text.as_bytes().to_vec());
    stored(cx.view()).put(name, text).await?;
    Ok(Response::empty())
}

/// Removes a password policy.
pub(super) async fn delete(
    cx: Context<Sys>,
    request: DeletePasswordPolicy,
) -> Result<Response<()>, Error> {
    stored(cx.view()).delete(named(&request.name)?).await?;
    Ok(Response::empty())
}

/// Makes up a password.
pub(super) async fn generate(
    cx: Context<Sys>,
    request: GeneratePassword,
) -> Result<Response<Password>, Error> {
    let password = make_up(cx.view(), &request.name).await?;
    Ok(Response::data(Password {
        password: password.into(),
    }))
}

/// Makes up a password that follows the policy of this name, which the system mount's view holds.
///
/// # Errors
/// [`Error::NotFound`] if there is no such policy; else the store failed, or the policy asks for
/// too much.
pub(crate) async fn make_up(view: &View, name: &str) -> Result<SecretString, Error> {
    let policy = PasswordPolicy::parse(&find(&stored(view), name).await?)?;
    policy.generate(TRIES).ok_or_else(|| {
        Error::invalid("failed to generate password from policy: timed out generating string")
    })
}

fn stored(view: &View) -> View {
    view.below("password-policy/")
}

/// Returns a name that a policy can have. The bare path and folders are none.
fn named(name: &str) -> Result<&str, Error> {
    if name.is_empty() || name.ends_with('/') {
        return Err(Error::UnsupportedOperation);
    }
    Ok(name)
}

async fn find(stored: &View, name: &str) -> Result<String, Error> {
    let entry = stored.get(named(name)?).await?;
    let missing = || Error::NotFound(Some("policy does not exist".to_owned()));
    let entry = entry.ok_or_else(missing)?;
    // EXPOSE: the text of a policy is no secret to those who may read it.
    let text = str::from_utf8(entry.value.expose()).map_err(Error::internal)?;
    Ok(text.to_owned())
}
