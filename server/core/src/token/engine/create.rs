//! `auth/token/create` and `create-orphan`: what a caller may give away.

use std::time::Duration;

use keyward_api::{
    auth::{CreateOrphanToken, CreateToken},
    coerce,
};

use super::{
    super::{AuthGrant, Token, TokenKind, TokenStore, grant::sanitize},
    has_sudo, named, principal,
};
use crate::{Error, Response, TokenId, engine::Context, policy::WRAPPING_POLICY_NAME};

/// Makes a token, as a child of the caller's unless it asks for an orphan and may.
pub(super) async fn create(
    cx: Context<TokenStore>,
    request: CreateToken,
) -> Result<Response<()>, Error> {
    let orphan = request.no_parent == Some(true);
    let grant = grant(&cx, request)?;
    if orphan && !has_sudo(&cx, principal(&cx)?) {
        return Err(Error::invalid(
            "root or sudo privileges required to create orphan token",
        ));
    }
    Ok(answer(&cx, AuthGrant { orphan, ..grant }))
}

/// Makes an orphan.
pub(super) async fn create_orphan(
    cx: Context<TokenStore>,
    CreateOrphanToken(request): CreateOrphanToken,
) -> Result<Response<()>, Error> {
    let grant = grant(&cx, request)?;
    Ok(answer(
        &cx,
        AuthGrant {
            orphan: true,
            ..grant
        },
    ))
}

fn answer(cx: &Context<TokenStore>, grant: AuthGrant) -> Response<()> {
    let mut warnings = Vec::new();
    for policy in grant.stored_policies() {
        if policy != "root" && cx.core().policies.text(&policy).is_none() {
            warnings.push(format!("Policy \"{policy}\" does not exist"));
        }
    }
    let mut response = Response::auth(grant);
    response.warnings = warnings;
    response
}

/// Reads what is asked for and checks that the caller may ask for it.
fn grant(cx: &Context<TokenStore>, request: CreateToken) -> Result<AuthGrant, Error> {
    let principal = principal(cx)?;
    let parent = &*principal.token;
    let sudo = has_sudo(cx, principal);
    if parent.num_uses() != 0 {
        return Err(Error::invalid(
            "restricted use token cannot generate child tokens",
        ));
    }
    match request.kind.as_deref() {
        None | Some("" | "service") => {}
        Some("batch") => return Err(Error::invalid("batch tokens are not supported")),
        Some(_) => return Err(Error::invalid("invalid 'token_type' value")),
    }
    let num_uses = u64::try_from(request.num_uses.unwrap_or_default())
        .map_err(|_| Error::invalid("number of uses cannot be negative"))?;
    if request.entity_alias.is_some_and(|alias| !alias.is_empty()) {
        return Err(Error::invalid(
            "'entity_alias' is only allowed in combination with token role",
        ));
    }
    let id = named(request.id);
    if let Some(id) = &id {
        check_id(id, sudo)?;
    }
    let (policies, no_default_policy) = policies(
        parent,
        sudo,
        &request.policies.unwrap_or_default(),
        request.no_default_policy == Some(true),
    )?;
    let explicit_max_ttl = duration("explicit_max_ttl", request.explicit_max_ttl)?;
    let period = duration("period", request.period)?;
    if !period.is_zero() && !sudo {
        return Err(Error::invalid(
            "root or sudo privileges required to create periodic token",
        ));
    }
    let ttl = match request.ttl.filter(|ttl| !ttl.is_empty()) {
        Some(ttl) => duration("ttl", Some(ttl))?,
        None => duration("lease", request.lease)?,
    };
    let endless = ttl.is_zero() && period.is_zero() && explicit_max_ttl.is_zero();
    if policies == ["root"] && endless && parent.expires().is_some() {
        let text = "expiring root tokens cannot create non-expiring root tokens";
        return Err(Error::invalid(text));
    }
    Ok(AuthGrant {
        policies,
        no_default_policy,
        meta: request.meta,
        display_name: display_name(request.display_name),
        ttl,
        explicit_max_ttl,
        period,
        num_uses,
        renewable: request.renewable.unwrap_or(true),
        kind: TokenKind::Service,
        orphan: false,
        id,
        entity_id: parent.entity_id().to_owned(),
    })
}

/// Decides which policies the new token gets, and whether it goes without `default`.
///
/// Without root or sudo a caller gives what it has and no more, `default` included.
fn policies(
    parent: &Token,
    sudo: bool,
    asked: &[String],
    no_default: bool,
) -> Result<(Vec<String>, bool), Error> {
    let has = |policy: &str| parent.policies().iter().any(|own| own == policy);
    if asked.is_empty() {
        return Ok((parent.policies().to_vec(), no_default || !has("default")));
    }
    // A list of blanks names no policy; it does not ask for those of the caller.
    let asked = sanitize(asked);
    if !sudo && !asked.iter().all(|policy| has(policy)) {
        return Err(Error::invalid("child policies must be subset of parent"));
    }
    if asked == ["root"] && !parent.is_root() {
        let text = "root tokens may not be created without parent token being root";
        return Err(Error::invalid(text));
    }
    if asked.iter().any(|policy| policy == WRAPPING_POLICY_NAME) {
        return Err(Error::invalid("cannot assign policy \"response-wrapping\""));
    }
    Ok((asked, no_default || (!sudo && !has("default"))))
}

/// Checks a token that the caller chooses; what looks generated must be generated.
fn check_id(id: &TokenId, sudo: bool) -> Result<(), Error> {
    if !sudo {
        return Err(Error::invalid(
            "root or sudo privileges required to specify token id",
        ));
    }
    // EXPOSE: its form is looked at.
    let text = id.expose();
    for prefix in ["s.", "hvs."] {
        if text.starts_with(prefix) {
            let text = format!("custom token ID cannot have the '{prefix}' prefix");
            return Err(Error::Invalid(text));
        }
    }
    if text.contains('.') {
        return Err(Error::invalid(
            "custom token ID cannot have a '.' in the value",
        ));
    }
    Ok(())
}

fn duration(name: &str, text: Option<String>) -> Result<Duration, Error> {
    let seconds = coerce::parse_seconds(&text.unwrap_or_default()).map_err(Error::Invalid)?;
    let seconds =
        u64::try_from(seconds).map_err(|_| Error::Invalid(format!("{name} must be positive")))?;
    Ok(Duration::from_secs(seconds))
}

/// Makes the name that audit entries show: letters, digits and dashes behind `token-`.
fn display_name(asked: Option<String>) -> String {
    let Some(asked) = asked.filter(|name| !name.is_empty()) else {
        return "token".to_owned();
    };
    let dashed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name = format!("token-{}", asked.chars().map(dashed).collect::<String>());
    name.strip_suffix('-').unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_keeps_letters_digits_and_dashes() {
        assert_eq!(display_name(None), "token");
        assert_eq!(display_name(Some(String::new())), "token");
        assert_eq!(display_name(Some("Foo B.ar!".to_owned())), "token-Foo-B-ar");
        assert_eq!(display_name(Some("-".to_owned())), "token-");
    }

    #[test]
    fn a_chosen_id_does_not_look_generated() {
        let check = |text: &str, sudo| {
            let id = TokenId::new(keyward_crypto::SecretString::new(text.to_owned()));
            check_id(&id, sudo).map_err(|error| error.to_string())
        };
        assert_eq!(check("mine", true), Ok(()));
        for (id, sudo, text) in [
            (
                "mine",
                false,
                "root or sudo privileges required to specify token id",
            ),
            (
                "s.mine",
                true,
                "custom token ID cannot have the 's.' prefix",
            ),
            (
                "hvs.mine",
                true,
                "custom token ID cannot have the 'hvs.' prefix",
            ),
            (
                "a.b",
                true,
                "custom token ID cannot have a '.' in the value",
            ),
        ] {
            assert_eq!(check(id, sudo), Err(text.to_owned()));
        }
    }
}
