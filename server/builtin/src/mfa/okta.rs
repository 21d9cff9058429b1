//! Okta: a push to a phone, by its Users and Factors API, version 1.
//!
//! What is called is as Okta documents it
//! (<https://developer.okta.com/docs/api/openapi/okta-management/management/tag/UserFactor/>):
//!
//! ```text
//! GET  /api/v1/users?filter=profile.login eq "bob@corp.example"    who is it, may he log in
//! GET  /api/v1/users/USER/factors                                  what has he got
//! POST /api/v1/users/USER/factors/FACTOR/verify                    send the push
//! GET  /api/v1/users/USER/factors/FACTOR/transactions/ID           what became of it
//! ```
//!
//! **Invariant:** who answers a push is the one user whom the filter names, as Okta itself says: a
//! user with another name, and a transaction of another user, factor or host, are refused.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use keyward_api::{
    Sensitive,
    client::percent_encode,
    identity::{CreateOktaMfaMethod, OktaMfaMethods},
};
use keyward_core::{Asked, Error, MfaKind, MfaService, Unconfirmed};
use keyward_crypto::SecretString;
use reqwest::{
    RequestBuilder, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::call::{self, Caller, Failed, Stop};

/// The line of the registry.
pub const OKTA: MfaKind = MfaKind::of::<Okta>();

/// Below which domain an organization is, unless a method says another.
const DOMAIN: &str = "okta.com";

/// The same for organizations that try things out.
const PREVIEW: &str = "oktapreview.com";

/// How long to wait before a transaction is looked at again: Okta answers at once, and bounds how
/// often it is asked.
const PAUSE: Duration = Duration::from_secs(1);

/// Who calls; Okta requires to be told where a push is sent.
const AGENT: &str = concat!("keyward/", env!("CARGO_PKG_VERSION"));

/// An organization at Okta.
#[derive(Deserialize, Serialize)]
struct Okta {
    org_name: String,
    api_token: Sensitive,
    /// Empty if `production` says it.
    base_url: String,
    production: bool,
    primary_email: bool,
    #[serde(skip)]
    caller: Caller,
}

/// A user, as far as it matters.
#[derive(Deserialize)]
struct User {
    id: Id,
    status: String,
    profile: Profile,
}

/// By what a user is known.
#[derive(Deserialize)]
struct Profile {
    login: Option<String>,
    email: Option<String>,
}

/// Something that a user proves itself with.
#[derive(Deserialize)]
struct Factor {
    id: Id,
    #[serde(rename = "factorType")]
    kind: String,
    status: String,
}

/// What sending a push tells.
#[derive(Deserialize)]
struct Sent {
    #[serde(flatten)]
    told: Told,
    #[serde(rename = "_links")]
    links: Links,
}

/// How far a push is.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "factorResult")]
    result: String,
}

#[derive(Deserialize)]
struct Links {
    poll: Link,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

/// What Okta says when something is wrong.
#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "errorCode")]
    code: String,
    #[serde(default, rename = "errorSummary")]
    summary: String,
}

/// What Okta calls a user, a factor or a transaction: letters, digits, `-`, `_`, and dots that do not begin
/// it, so that it is one part of a path and no more.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Id(String);

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_long = (1..=128).contains(&id.len());
        match is_long && !id.starts_with('.') && id.bytes().all(is_fit) {
            true => Ok(Self(id)),
            false => Err("no id of Okta"),
        }
    }
}

#[async_trait]
impl MfaService for Okta {
    type Api = OktaMfaMethods;

    fn configure(request: CreateOktaMfaMethod) -> Result<Self, Error> {
        let org_name = request.org_name.filter(|name| !name.is_empty());
        let org_name = org_name.ok_or_else(|| Error::invalid("org_name must be set"))?;
        // EXPOSE: whether it is empty is looked at.
        let api_token = request.api_token.filter(|token| !token.expose().is_empty());
        let api_token = api_token.ok_or_else(|| Error::invalid("api_token must be set"))?;
        let usual = match request.production {
            None => DOMAIN,
            Some(_) => "",
        };
        let okta = Self {
            org_name,
            api_token,
            base_url: request.base_url.unwrap_or_else(|| usual.to_owned()),
            production: request.production.unwrap_or(true),
            primary_email: request.primary_email.unwrap_or_default(),
            caller: Caller::default(),
        };
        okta.root()?;
        Ok(okta)
    }

    fn uses_passcode(&self) -> bool {
        false
    }

    fn shown(&self) -> Map<String, Value> {
        let fields = [
            // As in Vault, where it says nothing.
            ("mount_accessor", Value::from("")),
            ("org_name", Value::from(&*self.org_name)),
            match self.base_url.as_str() {
                "" => ("production", Value::from(self.production)),
                base_url => ("base_url", Value::from(base_url)),
            },
        ];
        let fields = fields.into_iter();
        fields
            .map(|(field, value)| (field.to_owned(), value))
            .collect()
    }

    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed> {
        self.caller.within("okta", self.confirm(asked)).await
    }
}

impl Okta {
    async fn confirm(&self, asked: Asked<'_>) -> Result<(), Stop> {
        let user = self.user(asked.username).await?;
        let factor = self.push_factor(&user).await?;
        let transaction = self.push(&factor, asked.address).await?;
        loop {
            let client = self.caller.client()?;
            let look = client.get(transaction.clone());
            let Told { result } = self.call(look, "looking at the push").await?;
            match result.as_str() {
                "SUCCESS" => return Ok(()),
                "WAITING" => call::pause(PAUSE).await,
                "REJECTED" => return Err(refused("the push was denied")),
                "TIMEOUT" => return Err(refused("nobody answered the push")),
                _ => return Err(unknown()),
            }
        }
    }

    /// Finds a user, and returns where Okta has it.
    async fn user(&self, username: &str) -> Result<Url, Stop> {
        let users = self.find(username)?;
        let find = self.caller.client()?.get(users);
        let mut found: Vec<User> = self.call(find, "finding the user").await?;
        let Some(user) = found.pop() else {
            return Err(refused("Okta knows no such user"));
        };
        if !found.is_empty() {
            return Err(refused("Okta knows more than one such user"));
        }
        let name = match self.primary_email {
            true => user.profile.email,
            false => user.profile.login,
        };
        // Okta tells no two users apart by the case of letters.
        if !name.is_some_and(|name| name.eq_ignore_ascii_case(username)) {
            let another = "it told of another user than it was asked about";
            return Err(Failed(another.to_owned()).into());
        }
        if user.status != "ACTIVE" {
            return Err(refused("Okta does not let this user log in"));
        }
        Ok(self.at(&format!("/api/v1/users/{}", user.id.0))?)
    }

    /// Finds what a user gets pushes with, and returns where Okta has it.
    async fn push_factor(&self, user: &Url) -> Result<Url, Stop> {
        let list = self.at(&format!("{}/factors", user.path()))?;
        let list = self.caller.client()?.get(list);
        let factors: Vec<Factor> = self.call(list, "listing the factors").await?;
        let mut factors = factors.into_iter();
        let push = factors.find(|factor| factor.kind == "push" && factor.status == "ACTIVE");
        let push = push.ok_or_else(|| refused("this user gets no pushes from Okta"))?;
        Ok(self.at(&format!("{}/factors/{}", user.path(), push.id.0))?)
    }

    /// Sends a push, and returns where Okta tells what becomes of it.
    async fn push(&self, factor: &Url, address: &str) -> Result<Url, Stop> {
        let verify = self.at(&format!("{}/verify", factor.path()))?;
        let mut verify = self.caller.client()?.post(verify);
        // Okta shows where a login comes from, and may have rules about it.
        if let Ok(address) = address.parse::<IpAddr>() {
            verify = verify.header("X-Forwarded-For", address.to_string());
        }
        let Sent { told, links } = self.call(verify, "sending the push").await?;
        match told.result.as_str() {
            "WAITING" => Ok(transaction(factor, &links.poll.href)?),
            _ => Err(unknown()),
        }
    }

    /// Calls Okta, and reads what it answers.
    async fn call<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        what: &str,
    ) -> Result<T, Failed> {
        let request = request
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT)
            .header(AUTHORIZATION, self.credentials()?);
        let (status, body) = call::answer(request).await?;
        if status.is_success() {
            return call::read(status, &body);
        }
        let Fault { code, summary } = call::read(status, &body)?;
        Err(Failed(format!(
            "{what} failed with status {status}, code {}: {}",
            call::shortened(&code),
            call::shortened(&summary)
        )))
    }

    /// Returns the header that lets the server ask.
    fn credentials(&self) -> Result<HeaderValue, Failed> {
        // EXPOSE: sent to Okta, and marked as secret.
        let value = SecretString::new(format!("SSWS {}", self.api_token.expose()));
        // EXPOSE: as above.
        let value = HeaderValue::try_from(value.expose());
        let mut value = value.map_err(|_| Failed("its API token cannot be sent".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Returns the address of the organization.
    fn root(&self) -> Result<Url, Error> {
        let domain = match (self.base_url.as_str(), self.production) {
            ("", true) => DOMAIN,
            ("", false) => PREVIEW,
            (base_url, _) => base_url,
        };
        let host = format!("{}.{domain}", self.org_name);
        call::https("org_name.base_url", &host)
    }

    fn at(&self, path: &str) -> Result<Url, Failed> {
        let mut url = self.root().map_err(|error| Failed(error.to_string()))?;
        url.set_path(path);
        Ok(url)
    }

    /// Returns where Okta tells of the users of a name; two of them are as bad as all.
    fn find(&self, username: &str) -> Result<Url, Failed> {
        let field = match self.primary_email {
            true => "profile.email",
            false => "profile.login",
        };
        // A value in a filter is a string of JSON (RFC 7644, section 3.4.2.2), so that no name can
        // end it.
        let filter = format!("{field} eq {}", Value::from(username));
        let mut url = self.at("/api/v1/users")?;
        url.set_query(Some(&format!("filter={}&limit=2", percent_encode(&filter))));
        Ok(url)
    }
}

/// Reads where Okta tells of a transaction, which must be one of the factor that was asked.
fn transaction(factor: &Url, href: &str) -> Result<Url, Failed> {
    let elsewhere = || Failed("it told of a push that is none of this user's".to_owned());
    let url = Url::parse(href).map_err(|_| elsewhere())?;
    let id = url.as_str().strip_prefix(factor.as_str());
    let id = id.and_then(|rest| rest.strip_prefix("/transactions/"));
    let id = id.ok_or_else(elsewhere)?;
    Id::try_from(id.to_owned()).map_err(|_| elsewhere())?;
    Ok(url)
}

fn refused(text: &str) -> Stop {
    Stop::Refused(text.to_owned())
}

fn unknown() -> Stop {
    Stop::Failed(Failed("it told a result that is unknown".to_owned()))
}

#[cfg(test)]
mod tests;
