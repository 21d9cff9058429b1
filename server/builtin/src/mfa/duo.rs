//! Duo: a push to a phone, or a passcode, by its Auth API, version 2.
//!
//! What is called and how it is signed is as Duo documents it (<https://duo.com/docs/authapi>):
//! `preauth` tells whether the user may and must confirm, `auth` sends the push and names a
//! transaction or looks at the passcode, `auth_status` tells what became of the transaction.
//!
//! The signature of a request is the HMAC-SHA1, under the secret key, of five lines:
//!
//! ```text
//! Tue, 21 Aug 2012 17:29:18 -0000         the header `Date`
//! POST                                    the method
//! api-xxxxxxxx.duosecurity.com            the host, in lower case
//! /auth/v2/auth                           the path
//! device=auto&factor=push&username=bob    the parameters, sorted, percent-encoded
//! ```
//!
//! Its hexadecimal form is the password of HTTP Basic, whose user is the integration key. (What is
//! known against SHA-1 is no attack on HMAC.)

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use keyward_api::{
    Sensitive,
    client::percent_encode,
    identity::{CreateDuoMfaMethod, DuoMfaMethods},
};
use keyward_core::{Asked, Error, MfaKind, MfaService, Timestamp, Unconfirmed};
use keyward_crypto::{HashAlgorithm, MacKey, SecretBytes, SecretString, encoding};
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc2822;

use super::call::{self, Body, Caller, Failed, Stop};

/// The line of the registry.
pub const DUO: MfaKind = MfaKind::of::<Duo>();

/// How long to wait before a push is asked about again: Duo itself waits before it answers.
const PAUSE: Duration = Duration::from_millis(500);

/// An application at Duo.
#[derive(Deserialize, Serialize)]
struct Duo {
    api_hostname: String,
    integration_key: Sensitive,
    secret_key: Sensitive,
    push_info: String,
    use_passcode: bool,
    #[serde(skip)]
    caller: Caller,
}

/// What any call is answered.
#[derive(Deserialize)]
struct Answer<T> {
    stat: String,
    response: Option<T>,
    code: Option<u64>,
    message: Option<String>,
}

/// What `preauth`, `auth` and `auth_status` tell.
#[derive(Deserialize)]
struct Told {
    result: String,
}

/// What `auth` with `async` tells.
#[derive(Deserialize)]
struct Begun {
    txid: String,
}

#[async_trait]
impl MfaService for Duo {
    type Api = DuoMfaMethods;

    fn configure(request: CreateDuoMfaMethod) -> Result<Self, Error> {
        let needed = |field: &str, given: Option<Sensitive>| {
            // EXPOSE: whether it is empty is looked at.
            let given = given.filter(|given| !given.expose().is_empty());
            given.ok_or_else(|| Error::Invalid(format!("{field} is empty")))
        };
        let secret_key = needed("secret_key", request.secret_key)?;
        let integration_key = needed("integration_key", request.integration_key)?;
        let api_hostname = request.api_hostname.unwrap_or_default();
        if api_hostname.is_empty() {
            return Err(Error::invalid("api_hostname is empty"));
        }
        call::https("api_hostname", &api_hostname)?;
        Ok(Self {
            api_hostname,
            integration_key,
            secret_key,
            push_info: request.push_info.unwrap_or_default(),
            use_passcode: request.use_passcode.unwrap_or_default(),
            caller: Caller::default(),
        })
    }

    fn uses_passcode(&self) -> bool {
        self.use_passcode
    }

    fn shown(&self) -> Map<String, Value> {
        let fields = [
            ("api_hostname", Value::from(&*self.api_hostname)),
            // As in Vault, where it says nothing.
            ("mount_accessor", Value::from("")),
            ("pushinfo", Value::from(&*self.push_info)),
            ("use_passcode", Value::from(self.use_passcode)),
        ];
        let fields = fields.into_iter();
        fields
            .map(|(field, value)| (field.to_owned(), value))
            .collect()
    }

    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed> {
        self.caller.within("duo", self.confirm(asked)).await
    }
}

impl Duo {
    async fn confirm(&self, asked: Asked<'_>) -> Result<(), Stop> {
        let Asked {
            username,
            passcode,
            address,
            now,
        } = asked;
        // Duo shows where a login comes from, and may have rules about it.
        let address = address.parse::<IpAddr>().map(|address| address.to_string());
        let mut user = vec![("username", username)];
        user.extend(address.iter().map(|address| ("ipaddr", address.as_str())));

        let Told { result } = self.call(now, Method::POST, "preauth", &user).await?;
        match result.as_str() {
            // Who runs the account at Duo has said that this user need not confirm anything.
            "allow" => return Ok(()),
            "auth" => {}
            "deny" => return Err(refused("Duo does not let this user log in")),
            "enroll" => return Err(refused("this user has no device at Duo")),
            _ => return Err(unknown("preauth")),
        }
        if let Some(passcode) = passcode {
            // EXPOSE: sent to Duo, which looks at it.
            let passcode = passcode.expose().as_str();
            user.extend([("factor", "passcode"), ("passcode", passcode)]);
            let Told { result } = self.call(now, Method::POST, "auth", &user).await?;
            return match result.as_str() {
                "allow" => Ok(()),
                "deny" => Err(refused("Duo refused the passcode")),
                _ => Err(unknown("auth")),
            };
        }
        user.extend([("async", "1"), ("device", "auto"), ("factor", "push")]);
        if !self.push_info.is_empty() {
            user.push(("pushinfo", &self.push_info));
        }
        let Begun { txid } = self.call(now, Method::POST, "auth", &user).await?;
        loop {
            let transaction = [("txid", txid.as_str())];
            let Told { result } = self
                .call(now, Method::GET, "auth_status", &transaction)
                .await?;
            match result.as_str() {
                "allow" => return Ok(()),
                "deny" => return Err(refused("the push was denied")),
                "waiting" => call::pause(PAUSE).await,
                _ => return Err(unknown("auth_status")),
            }
        }
    }

    /// Calls Duo, and reads what it answers.
    async fn call<T: DeserializeOwned>(
        &self,
        now: Timestamp,
        method: Method,
        endpoint: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Failed> {
        let failed = |error: Error| Failed(error.to_string());
        let url = call::https("api_hostname", &self.api_hostname).map_err(failed)?;
        let url = url.join(&format!("/auth/v2/{endpoint}"));
        let url = url.map_err(|_| Failed("it has no such address".to_owned()))?;
        let date = now.date_time().format(&Rfc2822);
        let date = date.map_err(|_| Failed("the time cannot be written".to_owned()))?;
        let parameters = encode(parameters);
        let credentials = self.credentials(&date, &method, &url, &parameters)?;
        let client = self.caller.client()?;
        let request = match method {
            Method::GET => {
                let mut url = url;
                // EXPOSE: transactions alone are asked about so, whose names are no secret.
                url.set_query(Some(parameters.expose()));
                client.get(url)
            }
            _ => {
                let body = bytes::Bytes::from_owner(Body(parameters));
                let form = "application/x-www-form-urlencoded";
                client.post(url).header(CONTENT_TYPE, form).body(body)
            }
        };
        let request = request
            .header(DATE, date)
            .header(AUTHORIZATION, credentials);
        let (status, body) = call::answer(request).await?;
        let answer: Answer<T> = call::read(status, &body)?;
        match answer {
            Answer {
                response: Some(response),
                stat,
                ..
            } if status == StatusCode::OK && stat == "OK" => Ok(response),
            Answer { code, message, .. } => Err(Failed(format!(
                "{endpoint} failed with status {status}, code {}: {}",
                code.unwrap_or_default(),
                call::shortened(&message.unwrap_or_default())
            ))),
        }
    }

    /// Returns the header that signs a request.
    fn credentials(
        &self,
        date: &str,
        method: &Method,
        url: &Url,
        parameters: &SecretString,
    ) -> Result<HeaderValue, Failed> {
        // EXPOSE: a passcode may be among what is signed.
        let parameters = parameters.expose();
        let head = format!(
            "{date}\n{method}\n{}\n{}\n",
            call::authority(url),
            url.path()
        );
        let mut signed = String::with_capacity(head.len() + parameters.len());
        signed.push_str(&head);
        signed.push_str(parameters);
        let signed = SecretString::new(signed);
        // EXPOSE: the key of the signature, taken over into a wiped buffer.
        let key = MacKey::new(SecretBytes::new(self.secret_key.expose().into()));
        // EXPOSE: as above.
        let signature = key.compute(HashAlgorithm::Sha1, signed.expose().as_bytes());
        // EXPOSE: half of what is sent as HTTP Basic.
        let user = self.integration_key.expose();
        let basic = format!("{user}:{}", encoding::encode_hex(signature.as_ref()));
        let basic = encoding::encode_secret(&SecretBytes::new(basic.into_bytes()));
        // EXPOSE: sent to Duo, and marked as secret.
        let value = HeaderValue::try_from(format!("Basic {}", basic.expose()));
        let unfit = |_| Failed("its integration key cannot be sent".to_owned());
        let mut value = value.map_err(unfit)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Writes parameters in the order and the form in which Duo signs them.
fn encode(parameters: &[(&str, &str)]) -> SecretString {
    let mut sorted: Vec<_> = parameters.to_vec();
    sorted.sort_unstable();
    let length = |(name, value): &(&str, &str)| 3 * (name.len() + value.len()) + 2;
    // Long enough that it does not grow: what is left behind would not be wiped.
    let mut encoded = String::with_capacity(parameters.iter().map(length).sum());
    for (name, value) in sorted {
        if !encoded.is_empty() {
            encoded.push('&');
        }
        let value = SecretString::new(percent_encode(value));
        encoded.push_str(&percent_encode(name));
        encoded.push('=');
        // EXPOSE: taken over into the buffer that is wiped.
        encoded.push_str(value.expose());
    }
    SecretString::new(encoded)
}

fn refused(text: &str) -> Stop {
    Stop::Refused(text.to_owned())
}

fn unknown(endpoint: &str) -> Stop {
    Stop::Failed(Failed(format!("{endpoint} told a result that is unknown")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duo(host: &str) -> Duo {
        let request = CreateDuoMfaMethod {
            api_hostname: Some(host.to_owned()),
            integration_key: Some(Sensitive::new("DIWJ8X6AEYOR5OMC6TQ1".to_owned())),
            secret_key: Some(Sensitive::new(
                "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep".to_owned(),
            )),
            ..CreateDuoMfaMethod::default()
        };
        Duo::configure(request).unwrap()
    }

    /// The examples of Duo's documents, with the keys that it prints there: of the Accounts API
    /// (<https://duo.com/docs/accountsapi>) and of the Device API (<https://duo.com/docs/deviceapi>),
    /// whose requests are signed as those of the Auth API.
    #[test]
    fn requests_are_signed_as_in_duos_documents() {
        let name: &[(&str, &str)] = &[("username", "root"), ("realname", "First Last")];
        for (path, parameters, signature) in [
            (
                "/accounts/v1/account/list",
                name,
                "2d97d6166319781b5a3a07af39d366f491234edc",
            ),
            (
                "/device/v1/management_systems/DME0XUC77ATL3J05HSTB/device_cache",
                &[("status", "active")],
                "957a4a92dade9e2af3ba05d4f18b24ff53c294fe",
            ),
        ] {
            let duo = duo("api-XXXXXXXX.duosecurity.com");
            let url = call::https("", &duo.api_hostname).unwrap();
            let url = url.join(path).unwrap();
            let date = "Tue, 21 Aug 2012 17:29:18 -0000";
            let parameters = encode(parameters);
            let header = duo.credentials(date, &Method::POST, &url, &parameters);
            let basic = format!("DIWJ8X6AEYOR5OMC6TQ1:{signature}");
            let basic = format!("Basic {}", encoding::encode(basic.as_bytes()));
            assert_eq!(header.unwrap(), basic, "{path}");
        }
    }

    #[test]
    fn parameters_are_sorted_and_encoded_byte_by_byte() {
        let encoded = encode(&[("b", "ü ~-._"), ("a", "1&2=3+4/5"), ("C", "")]);
        assert_eq!(encoded.expose(), "C=&a=1%262%3D3%2B4%2F5&b=%C3%BC%20~-._");
    }

    #[test]
    fn what_is_missing_or_no_host_is_refused_in_vaults_order() {
        let mut given = [None, None, None];
        let mut told = Vec::new();
        for place in 0..=given.len() {
            let [secret_key, integration_key, api_hostname] = given.map(|it: Option<&str>| it);
            let sensitive = |text: &str| Sensitive::new(text.to_owned());
            let configured = Duo::configure(CreateDuoMfaMethod {
                secret_key: secret_key.map(sensitive),
                integration_key: integration_key.map(sensitive),
                api_hostname: api_hostname.map(str::to_owned),
                ..CreateDuoMfaMethod::default()
            });
            told.extend(configured.err().map(|error| error.to_string()));
            if let Some(next) = given.get_mut(place) {
                *next = Some("a/b");
            }
        }
        assert_eq!(
            told,
            [
                "secret_key is empty",
                "integration_key is empty",
                "api_hostname is empty",
                "api_hostname is no hostname"
            ]
        );
    }

    #[test]
    fn neither_key_is_shown() {
        let shown = Value::Object(duo("h").shown());
        let wanted = serde_json::json!({
            "api_hostname": "h", "mount_accessor": "", "pushinfo": "", "use_passcode": false,
        });
        assert_eq!(shown, wanted);
    }
}
