//! Second factors through the whole path of a request.

mod login;
mod methods;
mod model;
pub(super) mod service;
mod waiting;

use keyward_crypto::{HashAlgorithm, MacKey, otp};

use super::*;
use crate::{Clock, MfaCredentials, Remote, view::View};

/// An authenticator: what the URL of a secret tells it.
#[derive(Clone)]
struct Authenticator {
    key: Vec<u8>,
    algorithm: HashAlgorithm,
    digits: u32,
    period: u64,
}

impl Authenticator {
    /// Reads `otpauth://totp/…`.
    fn scan(url: &str) -> Self {
        let (_, query) = url.split_once('?').unwrap();
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(it, _)| *it == name).unwrap().1.to_owned()
        };
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut key, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for letter in value("secret").bytes() {
            let index = letters.iter().position(|it| *it == letter).unwrap();
            bits = bits << 5 | u32::try_from(index).unwrap();
            count += 5;
            if count >= 8 {
                count -= 8;
                key.push(u8::try_from(bits >> count & 0xff).unwrap());
            }
        }
        Self {
            key,
            algorithm: match &*value("algorithm") {
                "SHA1" => HashAlgorithm::Sha1,
                "SHA256" => HashAlgorithm::Sha2_256,
                "SHA512" => HashAlgorithm::Sha2_512,
                other => panic!("{other}"),
            },
            digits: value("digits").parse().unwrap(),
            period: value("period").parse().unwrap(),
        }
    }

    /// Returns the code of `steps` from now.
    fn code(&self, now: Timestamp, steps: i64) -> String {
        let step = (now.unix_seconds() / self.period).strict_add_signed(steps);
        let key = MacKey::new(SecretBytes::new(self.key.clone()));
        otp::hotp(&key, self.algorithm, step, self.digits)
            .expose()
            .clone()
    }
}

impl House {
    /// Makes a TOTP method and returns its id.
    async fn method(&self, body: Value) -> String {
        let mut body = body;
        body["issuer"] = json!("Keyward");
        let made = self.write("identity/mfa/method/totp", body).await;
        made["method_id"].as_str().unwrap().to_owned()
    }

    /// Makes the secret of an entity.
    async fn enrol(&self, method: &str, entity: &str) -> Authenticator {
        let body = json!({"method_id": method, "entity_id": entity});
        let path = "identity/mfa/method/totp/admin-generate";
        let shown = self.write(path, body).await;
        Authenticator::scan(shown["url"].as_str().unwrap())
    }

    /// Has every login at `auth/door` need one of some methods.
    async fn enforce(&self, name: &str, methods: &[&str]) {
        let body = json!({"mfa_method_ids": methods, "auth_method_accessors": [self.door]});
        let path = format!("identity/mfa/login-enforcement/{name}");
        self.write(&path, body).await;
    }

    /// Sends what needs no token.
    async fn ask(
        &self,
        path: &str,
        body: Value,
        prepare: impl FnOnce(&mut Request),
    ) -> Result<Done, Error> {
        let mut request = testing::request(Operation::Update, path, &body);
        prepare(&mut request);
        self.core.handle(request).await
    }

    /// Logs in as bob without a second factor and returns the name that the login waits under.
    async fn begin(&self) -> String {
        let body = json!({"name": "bob"});
        let done = self.ask("auth/door/login", body, |_| ()).await.unwrap();
        waits_under(&done)
    }

    /// Brings the second factor of a login.
    async fn validate(&self, waiting: &str, payload: Value) -> Result<Done, Error> {
        let body = json!({"mfa_request_id": waiting, "mfa_payload": payload});
        self.ask("sys/mfa/validate", body, |_| ()).await
    }

    /// Lists the keys of storage below a folder.
    async fn storage_keys(&self, folder: &str) -> Vec<String> {
        let barrier = Arc::clone(&self.core.unsealed().unwrap().barrier);
        View::new(barrier, folder).keys().await.unwrap()
    }

    /// Logs in as bob with some lines of `X-Vault-MFA`.
    async fn log_in_with(&self, lines: &[&str]) -> Result<Done, Error> {
        let body = json!({"name": "bob"});
        let mfa = MfaCredentials::parse(lines.iter().copied()).unwrap();
        self.ask("auth/door/login", body, |request| request.mfa = mfa)
            .await
    }
}

fn waits_under(done: &Done) -> String {
    let requirement = done.auth.as_ref().unwrap().mfa_requirement.as_ref();
    let id = &requirement.unwrap().mfa_request_id;
    id.expose().to_owned()
}

fn token(done: Done) -> String {
    done.auth.unwrap().client_token.expose().to_owned()
}

fn text(refused: Result<Done, Error>) -> String {
    refused.unwrap_err().to_string()
}
