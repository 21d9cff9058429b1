//! The headers by which a request brings its login along: inline authentication, as OpenBao calls it
//! ([its RFC](https://openbao.org/docs/rfcs/inline-auth)).
//!
//! `X-Vault-Inline-Auth-Path` says where to log in, `X-Vault-Inline-Auth-Operation` (`update` if left
//! out) how, and each `X-Vault-Inline-Auth-Parameter-…`, whatever follows, brings one parameter:
//! `{"key": "password", "value": "…"}`, in base64url without padding.

use std::{borrow::Cow, collections::BTreeMap};

use axum::http::HeaderMap;
use keyward_api::{Operation, ROOT_NAMESPACE_ID};
use keyward_core::{CanonicalPath, Error, InlineLogin};
use keyward_crypto::{SecretBytes, encoding};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{body, json_limits::JsonLimits};

const PATH: &str = "x-vault-inline-auth-path";
const OPERATION: &str = "x-vault-inline-auth-operation";
const NAMESPACE: &str = "x-vault-inline-auth-namespace";

/// How the names of the headers begin that hold parameters, passwords among them.
pub(crate) const PARAMETER: &str = "x-vault-inline-auth-parameter-";

/// Finds where a request logs in; none if it does not, or at no path.
pub(crate) fn path(headers: &HeaderMap) -> Option<CanonicalPath> {
    let path = headers.get(PATH)?.to_str().ok()?;
    CanonicalPath::parse(path).ok()
}

/// Reads the login that a request brings along, in the place of a token.
///
/// # Errors
/// [`Error::Login`], in OpenBao's words, that repeat nothing of what is wrong.
pub(crate) fn login(
    headers: &HeaderMap,
    has_token: bool,
    limits: &JsonLimits,
) -> Result<Option<Box<InlineLogin>>, Error> {
    if !headers.contains_key(PATH) {
        return Ok(None);
    }
    let read = || {
        if has_token {
            return Err("cannot layer inline authentication with token authentication".into());
        }
        let path = single(headers, PATH, "X-Vault-Inline-Auth-Path")?.unwrap_or_default();
        let path = CanonicalPath::parse(path).map_err(|error| error.to_string())?;
        Ok(InlineLogin {
            operation: operation(headers)?,
            path: check_namespace(headers).map(|()| path)?,
            body: parameters(headers, limits)?,
        })
    };
    let login = read().map_err(|why: Cow<'static, str>| {
        let text = format!("failed to perform inline authentication: {why}");
        Error::Login(Box::new(Error::Invalid(text)))
    })?;
    Ok(Some(Box::new(login)))
}

/// Finds the one value of a header; none if it is not there.
fn single<'h>(
    headers: &'h HeaderMap,
    name: &str,
    shown: &str,
) -> Result<Option<&'h str>, Cow<'static, str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(value), None) => Ok(Some(value)),
        _ => Err(format!("expected exactly one value for {shown}").into()),
    }
}

fn operation(headers: &HeaderMap) -> Result<Operation, Cow<'static, str>> {
    const SHOWN: &str = "X-Vault-Inline-Auth-Operation";
    match single(headers, OPERATION, SHOWN)? {
        // Whether it creates or updates is found out at the gate.
        None | Some("create" | "update") => Ok(Operation::Update),
        Some("read") => Ok(Operation::Read),
        Some(_) => Err(format!("expected a valid login operation in {SHOWN}").into()),
    }
}

/// There is one namespace, the root.
fn check_namespace(headers: &HeaderMap) -> Result<(), Cow<'static, str>> {
    let namespace = single(headers, NAMESPACE, "X-Vault-Inline-Auth-Namespace")?;
    match namespace.unwrap_or_default().trim_matches('/') {
        "" | ROOT_NAMESPACE_ID => Ok(()),
        _ => Err("inline auth namespace was not found".into()),
    }
}

/// Puts the parameters together as the JSON object that a body would be.
fn parameters(headers: &HeaderMap, limits: &JsonLimits) -> Result<SecretBytes, Cow<'static, str>> {
    let mut decoded = Vec::new();
    for name in headers
        .keys()
        .filter(|it| it.as_str().starts_with(PARAMETER))
    {
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err("expected exactly one value for each auth header parameter".into());
        };
        let json = encoding::decode_url(value.as_bytes())
            .ok_or("failed raw url-safe base64 decoding header value")?;
        decoded.push(SecretBytes::new(json));
    }
    let mut fields = BTreeMap::new();
    for json in &decoded {
        // EXPOSE: a parameter of the login, borrowed until it is written into the body.
        let (key, value) = parameter(json.expose())?;
        if fields.insert(key, value).is_some() {
            return Err("expected each auth parameter once".into());
        }
    }
    // EXPOSE: only the length is looked at.
    let most = decoded
        .iter()
        .map(|json| json.expose().len())
        .sum::<usize>();
    // What is written is shorter than what it was read from, so that no copy is left behind.
    let mut object = SecretBytes::new(Vec::with_capacity(most + 2));
    // EXPOSE: to fill the buffer that is wiped.
    let written = serde_json::to_writer(object.expose_mut(), &fields);
    written.map_err(|_| "failed json decoding header value")?;
    body::within(limits, object).map_err(|_| "failed json decoding header value".into())
}

/// Takes a parameter apart.
fn parameter(json: &[u8]) -> Result<(String, &RawValue), Cow<'static, str>> {
    let fields: Option<BTreeMap<Cow<'_, str>, &RawValue>> =
        serde_json::from_slice(json).map_err(|_| "failed json decoding header value")?;
    let fields = fields.unwrap_or_default();
    let key = fields
        .get("key")
        .ok_or("decoded header lacked `key` field")?;
    let key = serde_json::from_str(key.get())
        .map_err(|_| "decoded header had incorrect type for `key` field")?;
    let value = fields
        .get("value")
        .ok_or("decoded header lacked `value` field")?;
    if fields.len() != 2 {
        return Err("unexpected field in decoded request parameter".into());
    }
    // As in a body, none may be there twice.
    serde_json::from_slice::<Once>(json).map_err(|_| "failed json decoding header value")?;
    Ok((key, value))
}

/// The fields of a parameter, each once.
#[derive(Deserialize)]
struct Once {
    #[serde(rename = "key")]
    _key: IgnoredAny,
    #[serde(rename = "value")]
    _value: IgnoredAny,
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: axum::http::HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn encoded(parameter: &Value) -> String {
        encoding::encode_url(parameter.to_string().as_bytes())
    }

    fn read(lines: &[(&str, &str)]) -> Result<Option<(Operation, String, Value)>, String> {
        let login = login(&headers(lines), false, &JsonLimits::default());
        let login = login.map_err(|error| match error {
            Error::Login(inner) => {
                let text = inner.to_string();
                let said = text.strip_prefix("failed to perform inline authentication: ");
                said.unwrap().to_owned()
            }
            other => panic!("{other}"),
        })?;
        Ok(login.map(|login| {
            let body = serde_json::from_slice(login.body.expose()).unwrap();
            (login.operation, login.path.as_str().to_owned(), body)
        }))
    }

    #[test]
    fn a_login_comes_with_its_parameters() {
        let password = encoded(&json!({ "key": "password", "value": "p\"w" }));
        let list = encoded(&json!({ "key": "Ä", "value": [1, { "a": null }] }));
        let lines = [
            (PATH, "auth/userpass/login/bob"),
            ("x-vault-inline-auth-parameter-a", &*password),
            ("X-Vault-Inline-Auth-Parameter-", &*list),
        ];
        let body = json!({ "password": "p\"w", "Ä": [1, { "a": null }] });
        let path = "auth/userpass/login/bob".to_owned();
        assert_eq!(read(&lines), Ok(Some((Operation::Update, path, body))));
        // Without a path there is no login, whatever else there is.
        assert_eq!(read(&lines[1..]), Ok(None));
        for (operation, meant) in [
            ("update", Operation::Update),
            ("create", Operation::Update),
            ("read", Operation::Read),
        ] {
            let lines = [
                (PATH, "auth/a/b"),
                (OPERATION, operation),
                (NAMESPACE, "root/"),
            ];
            assert_eq!(read(&lines).unwrap().unwrap().0, meant);
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_not_repeated() {
        const SECRET: &str = "hunter2";
        let faulty = |value: &Value| encoded(value);
        let undecodable = format!("{SECRET}=");
        let no_object = faulty(&json!([SECRET]));
        let no_key = faulty(&json!({ "value": SECRET }));
        let twice = format!(r#"{{"key":"a","value":1,"value":"{SECRET}"}}"#);
        let twice = encoding::encode_url(twice.as_bytes());
        let odd_key = faulty(&json!({ "key": 1, "value": SECRET }));
        let no_value = faulty(&json!({ "key": SECRET }));
        let more = faulty(&json!({ "key": SECRET, "value": 1, "x": 2 }));
        for (value, why) in [
            (
                &*undecodable,
                "failed raw url-safe base64 decoding header value",
            ),
            (&no_object, "failed json decoding header value"),
            ("", "failed json decoding header value"),
            (&twice, "failed json decoding header value"),
            (&no_key, "decoded header lacked `key` field"),
            (
                &odd_key,
                "decoded header had incorrect type for `key` field",
            ),
            (&no_value, "decoded header lacked `value` field"),
            (&more, "unexpected field in decoded request parameter"),
        ] {
            let lines = [
                (PATH, "auth/a/b"),
                ("x-vault-inline-auth-parameter-a", value),
            ];
            assert_eq!(read(&lines), Err(why.to_owned()));
        }
        let good = faulty(&json!({ "key": "a", "value": SECRET }));
        let [a, b] = ["a", "b"].map(|it| format!("{PARAMETER}{it}"));
        let one = |name| format!("expected exactly one value for {name}");
        for (lines, why) in [
            (
                vec![(PATH, "auth/a/b"), (&a, &good), (&b, &good)],
                "expected each auth parameter once".to_owned(),
            ),
            (
                vec![(PATH, "auth/a/b"), (&a, &good), (&a, &good)],
                "expected exactly one value for each auth header parameter".to_owned(),
            ),
            (
                vec![(PATH, "auth/a/b"), (PATH, "auth/a/b")],
                one("X-Vault-Inline-Auth-Path"),
            ),
            (
                vec![(PATH, "auth/a/b"), (OPERATION, "read"), (OPERATION, "read")],
                one("X-Vault-Inline-Auth-Operation"),
            ),
            (
                vec![(PATH, "auth/a/b"), (OPERATION, "delete")],
                "expected a valid login operation in X-Vault-Inline-Auth-Operation".to_owned(),
            ),
            (
                vec![(PATH, "auth/a/b"), (NAMESPACE, "team")],
                "inline auth namespace was not found".to_owned(),
            ),
        ] {
            assert_eq!(read(&lines), Err(why));
        }
        let layered = login(
            &headers(&[(PATH, "auth/a/b")]),
            true,
            &JsonLimits::default(),
        );
        let text = layered.unwrap_err().to_string();
        assert!(text.ends_with("cannot layer inline authentication with token authentication"));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_and_the_rest_does_not_panic(
            fields in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..5),
            noise in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut lines = vec![(PATH.to_owned(), "auth/a/b".to_owned())];
            for (index, (key, value)) in fields.iter().enumerate() {
                let value = encoded(&json!({ "key": key, "value": value }));
                lines.push((format!("{PARAMETER}{index}"), value));
            }
            let borrow = |lines: &[(String, String)]| {
                let lines = lines.iter().map(|(name, value)| (&**name, &**value));
                read(&lines.collect::<Vec<_>>())
            };
            let body = borrow(&lines).unwrap().unwrap().2;
            prop_assert_eq!(body, json!(fields));
            lines.push((format!("{PARAMETER}z"), encoding::encode_url(&noise)));
            let _ = borrow(&lines);
        }
    }
}
