//! `auth/token/create*`: what a caller may give away, and what a role says about it.

use std::time::Duration;

use keyward_api::{
    auth::{CreateOrphanToken, CreateToken, CreateTokenByRole},
    coerce,
};

use super::{
    super::{AuthGrant, TokenKind, TokenStore, TokenType, batch::cannot_have, role::Role},
    has_sudo, named,
    policies::{Asking, Policies},
    principal, roles,
};
use crate::{AliasGrant, Error, Response, TokenId, engine::Context};

/// Makes a token, as a child of the caller's unless it asks for an orphan and may.
pub(super) async fn create(
    cx: Context<TokenStore>,
    request: CreateToken,
) -> Result<Response<()>, Error> {
    let orphan = request.no_parent == Some(true);
    let stray = stray_role(&request);
    let grant = grant(&cx, request, None)?;
    if !orphan {
        return Ok(answer(&cx, grant, stray));
    }
    if !has_sudo(&cx, principal(&cx)?) {
        return Err(Error::invalid(
            "root or sudo privileges required to create orphan token",
        ));
    }
    Ok(answer(&cx, orphaned(grant), stray))
}

/// Makes an orphan.
pub(super) async fn create_orphan(
    cx: Context<TokenStore>,
    CreateOrphanToken(request): CreateOrphanToken,
) -> Result<Response<()>, Error> {
    let stray = stray_role(&request);
    let grant = grant(&cx, request, None)?;
    Ok(answer(&cx, orphaned(grant), stray))
}

/// Makes a token under a role, which decides whether it is an orphan.
pub(super) async fn create_by_role(
    cx: Context<TokenStore>,
    CreateTokenByRole(request): CreateTokenByRole,
) -> Result<Response<()>, Error> {
    let name = request.role_name.clone();
    let Some(role) = roles::find(cx.view(), &name).await? else {
        return Err(Error::Invalid(format!("unknown role {name}")));
    };
    let grant = grant(&cx, request, Some(&role))?;
    let entity_id = if role.orphan {
        String::new()
    } else {
        grant.entity_id
    };
    let grant = AuthGrant {
        entity_id,
        role: name,
        orphan: role.orphan,
        path_suffix: role.path_suffix,
        bound_cidrs: role.bound_cidrs.value,
        ..grant
    };
    Ok(answer(&cx, grant, None))
}

/// Cuts a grant off from the caller's token, with the addresses and the entity that it would have
/// from there.
fn orphaned(grant: AuthGrant) -> AuthGrant {
    AuthGrant {
        orphan: true,
        entity_id: String::new(),
        bound_cidrs: Vec::new(),
        ..grant
    }
}

/// Warns of a role that is named where none is looked at.
fn stray_role(request: &CreateToken) -> Option<String> {
    (!request.role_name.is_empty())
        .then(|| "Endpoint ignored these unrecognized parameters: [role_name]".to_owned())
}

fn answer(cx: &Context<TokenStore>, grant: AuthGrant, stray: Option<String>) -> Response<()> {
    let mut warnings = Vec::new();
    for policy in grant.stored_policies() {
        if policy != "root" && cx.core().policies.find(&policy, cx.now()).is_none() {
            warnings.push(format!("Policy \"{policy}\" does not exist"));
        }
    }
    warnings.extend(stray);
    let mut response = Response::auth(grant);
    response.warnings = warnings;
    response
}

/// Reads what is asked for and checks that the caller may ask for it.
fn grant(
    cx: &Context<TokenStore>,
    request: CreateToken,
    role: Option<&Role>,
) -> Result<AuthGrant, Error> {
    let principal = principal(cx)?;
    let parent = &*principal.token;
    let sudo = has_sudo(cx, principal);
    if parent.is_batch() {
        return Err(Error::invalid("batch tokens cannot create more tokens"));
    }
    if parent.num_uses() != 0 {
        return Err(Error::invalid(
            "restricted use token cannot generate child tokens",
        ));
    }
    let kind = kind(role, request.kind.as_deref())?;
    let mut limits = Limits::asked(&request, kind)?;
    let alias = alias(cx, request.entity_alias, role)?;
    let id = named(request.id);
    if let Some(id) = &id {
        check_id(id, sudo)?;
    }
    let asking = Asking { parent, sudo, role };
    let Policies { names, no_default } = asking.decide(
        &request.policies.unwrap_or_default(),
        request.no_default_policy == Some(true),
    )?;
    if !limits.period.is_zero() && !sudo {
        return Err(Error::invalid(
            "root or sudo privileges required to create periodic token",
        ));
    }
    let ttl = match request.ttl.filter(|ttl| !ttl.is_empty()) {
        Some(ttl) => duration("ttl", Some(ttl))?,
        None => duration("lease", request.lease)?,
    };
    if request.client_key.is_none() && role.is_some_and(|role| role.require_pop) {
        return Err(Error::invalid(
            "tokens of this role are bound to a key: 'client_key' is required",
        ));
    }
    // What a bound token makes is bound as well, orphans too: else a thief who got one signature
    // would have a token that needs none.
    let client_key = request.client_key.or_else(|| parent.client_key().cloned());
    let mut caveats = parent.caveats().clone();
    if let Some(role) = role {
        caveats.add(&role.caveat);
    }
    let warnings = role.map_or_else(Vec::new, |role| limits.narrow(role, kind));
    let endless = ttl.is_zero() && limits.period.is_zero() && limits.explicit_max_ttl.is_zero();
    if names == ["root"] && endless && parent.expires().is_some() {
        let text = "expiring root tokens cannot create non-expiring root tokens";
        return Err(Error::invalid(text));
    }
    Ok(AuthGrant {
        policies: names,
        no_default_policy: no_default,
        meta: request.meta,
        display_name: display_name(request.display_name),
        ttl,
        explicit_max_ttl: limits.explicit_max_ttl,
        period: limits.period,
        num_uses: limits.num_uses,
        renewable: request.renewable.unwrap_or(true) && role.is_none_or(|role| role.renewable),
        kind: Some(kind),
        id,
        entity_id: parent.entity_id().to_owned(),
        alias,
        orphan: false,
        bound_cidrs: parent.bound_cidrs().to_vec(),
        client_key,
        caveats,
        warnings,
        ..AuthGrant::default()
    })
}

/// Decides on the kind of the token; a role that leaves no choice does not look at what is asked.
fn kind(role: Option<&Role>, asked: Option<&str>) -> Result<TokenKind, Error> {
    let token_type = role.map_or_else(TokenType::default, |role| role.token_type);
    let asked = match (token_type, asked) {
        (TokenType::Batch | TokenType::Service, _) | (_, None | Some("")) => None,
        (_, Some("batch")) => Some(TokenKind::Batch),
        (_, Some("service")) => Some(TokenKind::Service),
        (_, Some(_)) => return Err(Error::invalid("invalid 'token_type' value")),
    };
    Ok(token_type.kind(asked))
}

/// What bounds the life of a token beside its first term. Zero is no bound.
struct Limits {
    num_uses: u64,
    explicit_max_ttl: Duration,
    period: Duration,
}

impl Limits {
    /// Reads what the caller asks for; nothing of it can be had of a batch token.
    fn asked(request: &CreateToken, kind: TokenKind) -> Result<Self, Error> {
        let explicit_max_ttl = duration("explicit_max_ttl", request.explicit_max_ttl.clone())?;
        let period = duration("period", request.period.clone())?;
        let num_uses = request.num_uses.unwrap_or_default();
        if kind == TokenKind::Batch {
            for (setting, is_set) in [
                ("explicit_max_ttl", !explicit_max_ttl.is_zero()),
                ("num_uses", num_uses != 0),
                ("period", !period.is_zero()),
            ] {
                if is_set {
                    return Err(cannot_have(setting));
                }
            }
        }
        let num_uses = u64::try_from(num_uses)
            .map_err(|_| Error::invalid("number of uses cannot be negative"))?;
        Ok(Self {
            num_uses,
            explicit_max_ttl,
            period,
        })
    }

    /// Narrows them to those of the role; returns what the caller should know.
    fn narrow(&mut self, role: &Role, kind: TokenKind) -> Vec<String> {
        self.num_uses = [self.num_uses, role.num_uses]
            .into_iter()
            .filter(|uses| *uses != 0)
            .min()
            .unwrap_or_default();
        // A batch token is not renewed, so that neither would come to bear.
        if kind == TokenKind::Batch {
            return Vec::new();
        }
        let explicit_max_ttl = narrow(
            "Explicit max TTL",
            &mut self.explicit_max_ttl,
            role.explicit_max_ttl.value,
        );
        let period = narrow("Period", &mut self.period, role.period.value);
        explicit_max_ttl.into_iter().chain(period).collect()
    }
}

/// Takes the lesser of what the caller and the role say, where both say something.
fn narrow(what: &str, asked: &mut Duration, role: u64) -> Option<String> {
    let role = Duration::from_secs(role);
    if role.is_zero() {
        return None;
    }
    if asked.is_zero() {
        *asked = role;
        return None;
    }
    *asked = role.min(*asked);
    Some(format!(
        "{what} specified both during creation call and in role; using the lesser value of {} \
         seconds",
        asked.as_secs()
    ))
}

/// Reads the name whose entity the token is for, if the role allows that.
fn alias(
    cx: &Context<TokenStore>,
    asked: Option<String>,
    role: Option<&Role>,
) -> Result<Option<AliasGrant>, Error> {
    let Some(name) = asked.filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    match role {
        None => Err(Error::invalid(
            "'entity_alias' is only allowed in combination with token role",
        )),
        Some(role) if role.allows_alias(&name) => {
            let store = &cx.core().identities.store;
            if store.refuses(&cx.mount().accessor, &name) {
                let text = "entity from given entity alias is disabled";
                return Err(Error::Refused(text.to_owned()));
            }
            Ok(Some(AliasGrant {
                name,
                ..AliasGrant::default()
            }))
        }
        Some(_) => Err(Error::invalid("invalid 'entity_alias' value")),
    }
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
