//! What the headers of a request say: who asks, and how it shall be answered.

use std::{collections::BTreeMap, time::Duration};

use axum::http::{HeaderMap, header};
use keyward_api::{ROOT_NAMESPACE_ID, coerce};
use keyward_core::{Core, Credentials, Error, IdempotencyKey, MfaCredentials, TokenId};
use keyward_crypto::{SecretString, encoding};

use crate::{body, inline};

/// How `Bearer` may be spelled before a token.
#[derive(Clone, Copy)]
pub(crate) enum Scheme {
    /// In any case (RFC 9110 section 11.1).
    OfOAuth,
    /// As Vault reads it.
    OfVault,
}

impl Scheme {
    /// Returns the token of a line; none if its scheme is another one.
    fn token_of(self, line: &str) -> Option<&str> {
        let (scheme, token) = line.split_once(' ')?;
        let is_bearer = match self {
            Self::OfOAuth => scheme.eq_ignore_ascii_case("bearer"),
            Self::OfVault => scheme == "Bearer",
        };
        is_bearer.then(|| token.trim())
    }
}

/// Finds the token: `X-Vault-Token`, or `Authorization: Bearer`. Two that differ are refused, so
/// that nobody is served under another identity than meant.
pub(crate) fn token(headers: &HeaderMap, scheme: Scheme) -> Result<Option<TokenId>, Error> {
    let unreadable = || Error::invalid("the token header is not readable text");
    let text =
        |value: &header::HeaderValue| value.to_str().map_err(|_| unreadable()).map(str::to_owned);
    let mut tokens = Vec::new();
    for value in headers.get_all("x-vault-token") {
        tokens.push(SecretString::new(text(value)?));
    }
    for value in headers.get_all(header::AUTHORIZATION) {
        let line = value.to_str().map_err(|_| unreadable())?;
        if let Some(token) = scheme.token_of(line) {
            tokens.push(SecretString::from(token));
        }
    }
    // EXPOSE: only emptiness is looked at.
    tokens.retain(|token| !token.expose().is_empty());
    let Some(token) = tokens.pop() else {
        return Ok(None);
    };
    if tokens.iter().any(|other| *other != token) {
        return Err(Error::invalid("the request carries two different tokens"));
    }
    Ok(Some(TokenId::new(token)))
}

/// Reads `Authorization: Basic`; none if it is not readable, as nothing but a client of OAuth sends
/// it. Both parts are encoded as in a form (RFC 6749 section 2.3.1).
pub(crate) fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let line = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = line.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = encoding::decode(encoded.trim()).ok()?;
    // EXPOSE: taken apart; the secret goes into a wiped buffer again.
    let (name, secret) = std::str::from_utf8(decoded.expose())
        .ok()?
        .split_once(':')?;
    Some(Credentials {
        name: body::form_decode(name),
        secret: SecretString::new(body::form_decode(secret)),
    })
}

/// Reads the second factors that a login brings along.
pub(crate) fn mfa(headers: &HeaderMap) -> Result<MfaCredentials, Error> {
    let lines = headers.get_all("x-vault-mfa").iter();
    let lines = lines.map(|line| {
        let unreadable = || Error::invalid("the X-Vault-MFA header is not readable text");
        line.to_str().map_err(|_| unreadable())
    });
    MfaCredentials::parse(lines.collect::<Result<Vec<_>, _>>()?)
}

/// Reads the name of a change.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Error> {
    let mut lines = headers.get_all("idempotency-key").iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let text = line.to_str().ok().filter(|_| lines.next().is_none());
    IdempotencyKey::parse(text.unwrap_or_default()).map(Some)
}

/// There is one namespace, the root.
pub(crate) fn check_namespace(headers: &HeaderMap) -> Result<(), Error> {
    let namespace = headers
        .get("x-vault-namespace")
        .map(|value| value.to_str().unwrap_or("?"));
    match namespace.unwrap_or_default().trim_matches('/') {
        "" | ROOT_NAMESPACE_ID => Ok(()),
        _ => Err(Error::NotFound(Some("namespace not found".to_owned()))),
    }
}

/// Reads which media types the caller takes, all lines as one (RFC 9110 section 5.3).
pub(crate) fn accepted(headers: &HeaderMap) -> String {
    let lines = headers.get_all(header::ACCEPT).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    lines.join(", ")
}

/// Reads how long the answer shall stay wrapped.
pub(crate) fn wrap_ttl(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get("x-vault-wrap-ttl") else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| Error::invalid("invalid wrap TTL"))?;
    let fault = |why: &str| Error::Invalid(format!("error parsing X-Vault-Wrap-TTL header: {why}"));
    let seconds = coerce::parse_duration(text).map_err(|why| fault(&why))?;
    let exact = Duration::try_from_secs_f64(seconds)
        .map_err(|_| fault("requested wrap ttl cannot be negative"))?;
    // Rounded up: who asks for a wrapped answer must not get a bare one.
    let whole = exact.as_secs() + u64::from(exact.subsec_nanos() > 0);
    Ok((whole > 0).then(|| Duration::from_secs(whole)))
}

/// The headers that hold a token or a passcode.
const HOLD_SECRETS: [&str; 3] = ["authorization", "x-vault-mfa", "x-vault-token"];

/// Tells whether a header holds what nobody may read.
fn holds_secret(name: &str) -> bool {
    HOLD_SECRETS.contains(&name) || name.starts_with(inline::PARAMETER)
}

/// Takes those headers that the audit log shows, but never one that holds a secret.
pub(crate) fn audited(core: &Core, headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let Some(shown) = core.audited_headers() else {
        return BTreeMap::new();
    };
    let values = |name: &str| {
        let values = headers.get_all(name).iter();
        values
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    };
    let names = shown.headers.keys();
    names
        .filter(|name| !holds_secret(name))
        .filter(|name| headers.contains_key(name.as_str()))
        .map(|name| (name.clone(), values(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use keyward_api::identity::ReadOidcUserInfo;

    use super::*;

    /// RFC 6749 section 2.3.1: both parts are encoded as in a form, then put together.
    #[test]
    fn credentials_are_those_of_a_client_of_oauth() {
        let read = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, line.parse().unwrap());
            credentials(&headers)
        };
        let encoded = encoding::encode(b"an+id%3A:hvo%5Fsecret:%zz");
        for scheme in ["Basic", "basic", "BASIC"] {
            let wanted = Credentials {
                name: "an id:".to_owned(),
                secret: SecretString::from("hvo_secret:%zz"),
            };
            assert_eq!(read(&format!("{scheme} {encoded}")), Some(wanted));
        }
        let nameless = encoding::encode(b"nothing between");
        for line in ["Basic", "Basic !", "Bearer a", &format!("Basic {nameless}")] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(credentials(&HeaderMap::new()), None);
    }

    #[test]
    fn a_scheme_is_spelled_in_any_case_where_libraries_of_oauth_call() {
        for (line, of_oauth, of_vault) in [
            ("Bearer hvs.a ", Some("hvs.a"), Some("hvs.a")),
            ("bearer hvs.a", Some("hvs.a"), None),
            ("BEARER hvs.a", Some("hvs.a"), None),
            ("Basic hvs.a", None, None),
            ("bearer", None, None),
        ] {
            assert_eq!(Scheme::OfOAuth.token_of(line), of_oauth, "{line}");
            assert_eq!(Scheme::OfVault.token_of(line), of_vault, "{line}");
        }
        let info = "identity/oidc/provider/default/userinfo";
        assert!(ReadOidcUserInfo::is_at(info));
        for other in [
            "identity/oidc/provider/userinfo",
            "kv/userinfo",
            "x/",
            &info[1..],
        ] {
            assert!(!ReadOidcUserInfo::is_at(other), "{other}");
        }
        let elsewhere = "identity/oidc/provider/a/b/userinfo";
        assert!(!ReadOidcUserInfo::is_at(elsewhere));
    }

    #[test]
    fn an_answer_is_wrapped_for_whole_seconds_rounded_up() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-vault-wrap-ttl", text.parse().unwrap());
            let read = wrap_ttl(&headers).map_err(|error| error.to_string())?;
            Ok::<_, String>(read.map(|ttl| ttl.as_secs()))
        };
        for (text, wanted) in [
            ("60", Some(60)),
            ("1m", Some(60)),
            ("1500ms", Some(2)),
            ("1ms", Some(1)),
            ("7000000000ns", Some(7)),
            ("0", None),
            ("-0s", None),
            ("", None),
        ] {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        for text in ["-1", "-1ms", "-1h"] {
            let why = read(text).unwrap_err();
            assert!(why.contains("wrap ttl cannot be negative"), "{text}: {why}");
        }
        assert!(read("1x").is_err_and(|why| why.contains("unknown unit \"x\"")));
    }
}
