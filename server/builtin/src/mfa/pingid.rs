//! PingID: a push to a phone, by [its API](https://apidocs.pingidentity.com/pingid-api/guide/pingid-api/pid_c_PingIDapiOverview/),
//! version 4.
//!
//! One call, `authonline`, sends the push and is answered when its user has answered. Request and
//! answer are JWTs (RFC 7519) that the key of the organization signs (`HS256`), which is in its
//! settings file.

use std::io;

use async_trait::async_trait;
use keyward_api::{
    Sensitive,
    identity::{CreatePingIdMfaMethod, PingIdMfaMethods},
};
use keyward_core::{Asked, Error, MfaKind, MfaService, Timestamp, Unconfirmed};
use keyward_crypto::{HashAlgorithm, MacKey, SecretBytes, SecretString, encoding, random};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    call::{self, Body, Caller, Failed, Stop},
    pingid_settings::Settings,
};

/// The line of the registry.
pub const PINGID: MfaKind = MfaKind::of::<PingId>();

/// An organization at PingID.
#[derive(Deserialize, Serialize)]
struct PingId {
    settings: Settings,
    #[serde(skip)]
    caller: Caller,
}

/// How a request begins.
#[derive(Serialize)]
struct RequestHead<'a> {
    alg: &'a str,
    org_alias: &'a str,
    token: &'a str,
}

/// What a request claims.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    req_header: ReqHeader<'a>,
    req_body: ReqBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReqHeader<'a> {
    locale: &'a str,
    org_alias: &'a str,
    secret_key: &'a str,
    timestamp: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReqBody<'a> {
    auth_type: &'a str,
    client_data: &'a str,
    sp_alias: &'a str,
    user_name: &'a str,
}

/// How a JWT begins; PingID writes the organization in either spelling.
#[derive(Deserialize)]
struct Head {
    alg: String,
    #[serde(alias = "orgAlias")]
    org_alias: String,
    token: Sensitive,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    response_body: ResponseBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseBody {
    error_id: i64,
    client_data: Option<String>,
}

#[async_trait]
impl MfaService for PingId {
    type Api = PingIdMfaMethods;

    fn configure(request: CreatePingIdMfaMethod) -> Result<Self, Error> {
        // EXPOSE: whether it is empty is looked at.
        let file = request
            .settings_file_base64
            .filter(|it| !it.expose().is_empty());
        let file = file.ok_or_else(|| Error::invalid("settings_file_base64 is empty"))?;
        // EXPOSE: decoded into a buffer that is wiped.
        let file =
            encoding::decode(file.expose()).map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Self {
            settings: Settings::parse(&file)?,
            caller: Caller::default(),
        })
    }

    fn uses_passcode(&self) -> bool {
        false
    }

    fn shown(&self) -> Map<String, Value> {
        self.settings.shown()
    }

    async fn verify(&self, asked: Asked<'_>) -> Result<(), Unconfirmed> {
        let confirmed = self.confirm(asked.username, asked.now);
        self.caller.within("pingid", confirmed).await
    }
}

impl PingId {
    async fn confirm(&self, username: &str, now: Timestamp) -> Result<(), Stop> {
        // It comes back where PingID is as documented, so that no answer is taken for another.
        let mark = encoding::encode_hex(&random::generate_nonce::<16>());
        let asked = self.sign(username, &mark, now)?;
        let request = self.caller.client()?.post(self.settings.authonline()?);
        let request = request
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(bytes::Bytes::from_owner(Body(asked)));
        let (status, body) = call::answer(request).await?;
        // EXPOSE: its signature is verified.
        let told = self.open(body.expose());
        let told = told.map_err(|why| Failed(format!("its answer with status {status} {why}")))?;
        if told.client_data.is_some_and(|echo| echo != mark) {
            return Err(Failed("its answer is one to another request".to_owned()).into());
        }
        match told.error_id {
            200 if status.is_success() => Ok(()),
            200 => Err(Failed(format!("its answer has status {status}")).into()),
            other => Err(Stop::Refused(format!(
                "PingID did not confirm the login (error {other})"
            ))),
        }
    }

    /// Makes the JWT that asks for a push.
    fn sign(&self, username: &str, mark: &str, now: Timestamp) -> Result<SecretString, Failed> {
        let date = now.date_time();
        let timestamp = format!(
            "{} {:02}:{:02}:{:02}.{:03}",
            date.date(),
            date.hour(),
            date.minute(),
            date.second(),
            date.millisecond()
        );
        let Settings {
            org_alias, token, ..
        } = &self.settings;
        // EXPOSE: PingID has the token of the organization said twice, in what is sent to it.
        let token = token.expose();
        let head = RequestHead {
            alg: "HS256",
            org_alias,
            token,
        };
        let claims = Claims {
            req_header: ReqHeader {
                locale: "en",
                org_alias,
                secret_key: token,
                timestamp: &timestamp,
                version: "4.9",
            },
            req_body: ReqBody {
                auth_type: "CONFIRM",
                client_data: mark,
                sp_alias: "web",
                user_name: username,
            },
        };
        let parts = [written(&head)?, written(&claims)?];
        // EXPOSE: both hold the token, and become what is sent.
        let parts = parts.map(|part| SecretString::new(encoding::encode_url(part.expose())));
        // EXPOSE: the same; the buffer does not grow, so that no copy is left behind.
        let [head, claims] = [&parts[0], &parts[1]].map(|part| part.expose().as_str());
        let whole = head.len() + claims.len() + 2 + TAG;
        let mut signed = SecretString::new(String::with_capacity(whole));
        // EXPOSE: to fill the buffer that is wiped.
        let text = signed.expose_mut();
        text.extend([head, ".", claims]);
        let tag = self
            .key()?
            .compute(HashAlgorithm::Sha2_256, text.as_bytes());
        text.push('.');
        text.push_str(&encoding::encode_url(tag.as_ref()));
        Ok(signed)
    }

    /// Opens what PingID answered; what is wrong with it is not repeated.
    fn open(&self, answer: &[u8]) -> Result<ResponseBody, &'static str> {
        const NO_JWT: &str = "is no JWT";
        let answer = str::from_utf8(answer).map_err(|_| NO_JWT)?.trim();
        let (signed, tag) = answer.rsplit_once('.').ok_or(NO_JWT)?;
        let (head, claims) = signed.split_once('.').ok_or(NO_JWT)?;
        let decode = |part: &str| {
            encoding::decode_url(part)
                .map(SecretBytes::new)
                .ok_or(NO_JWT)
        };
        let key = self.key().map_err(|_| "needs a key")?;
        let is_signed = {
            let tag = decode(tag)?;
            // EXPOSE: compared in constant time.
            key.verify(HashAlgorithm::Sha2_256, signed.as_bytes(), tag.expose())
        };
        let parts = [decode(head)?, decode(claims)?];
        // EXPOSE: read into types that hold secrets.
        let [head, claims] = [&parts[0], &parts[1]].map(SecretBytes::expose);
        let head: Head = serde_json::from_slice(head).map_err(|_| NO_JWT)?;
        let Settings {
            org_alias, token, ..
        } = &self.settings;
        if head.alg != "HS256" || !is_signed {
            return Err("is not signed by the key of the settings file");
        }
        if head.org_alias != *org_alias || head.token != *token {
            return Err("is for another organization");
        }
        let told: Told =
            serde_json::from_slice(claims).map_err(|_| "does not hold what it should")?;
        Ok(told.response_body)
    }

    fn key(&self) -> Result<MacKey, Failed> {
        let key = self.settings.key();
        let key = key.map_err(|_| Failed("its key is no base64".to_owned()))?;
        Ok(MacKey::new(key))
    }
}

/// How long the base64 of a tag is.
const TAG: usize = 43;

/// Writes a part of a request into a buffer that does not grow, so that no copy is left behind.
fn written(part: &impl Serialize) -> Result<SecretBytes, Failed> {
    let unfit = |_| Failed("its request cannot be written".to_owned());
    let mut length = Length(0);
    serde_json::to_writer(&mut length, part).map_err(unfit)?;
    let mut written = SecretBytes::new(Vec::with_capacity(length.0));
    // EXPOSE: to fill the buffer that is wiped.
    serde_json::to_writer(written.expose_mut(), part).map_err(unfit)?;
    Ok(written)
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
