//! Whether what a login brings meets what is asked of it.

use std::{collections::BTreeMap, time::Duration};

use keyward_crypto::SecretString;

use super::{
    super::Identity,
    Asked, Enforcement, Known, Method, Mfa, Totp, TotpSecret,
    credentials::{MfaCredentials, passcode},
    secret,
    service::ServiceMethod,
};
use crate::{
    Error, Remote, Timestamp,
    barrier::Change,
    storage::{Expect, Revision},
    view::View,
};

/// Who proves itself, by what, from where and when.
#[derive(Clone, Copy)]
pub(super) struct Proving<'a> {
    pub(super) identity: &'a Identity,
    pub(super) credentials: &'a MfaCredentials,
    pub(super) remote: &'a Remote,
    pub(super) now: Timestamp,
}

/// What came of looking at a login's passcodes.
pub(super) enum Checked {
    /// All is met, once the codes are used up.
    Met(Vec<Proof>),
    /// Something is not, in Vault's words.
    Unmet(String),
}

/// What was found good.
pub(super) struct Proof {
    method: String,
    /// None if there is nothing to use up.
    code: Option<GoodCode>,
}

/// A code that is to be used up.
struct GoodCode {
    /// The secret once the code is used.
    secret: TotpSecret,
    /// The secret as the code was found good with.
    revision: Revision,
}

/// Vault's sentence for all that is wrong about a passcode: which of it, nobody is told.
const WRONG: &str = "MFA credentials not supplied or incorrect";

impl Mfa {
    /// Looks whether all of the enforcements are met; each method is asked once, which may take as long
    /// as a service of others takes. Changes nothing but how many attempts there were.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn check(
        &self,
        known: &Known,
        enforcements: &[&Enforcement],
        proving: Proving<'_>,
    ) -> Result<Checked, Error> {
        let mut asked: BTreeMap<&str, Result<Proof, String>> = BTreeMap::new();
        for enforcement in enforcements {
            let (brought, missing) = known.brought(enforcement, proving.credentials);
            let unmet = |error: &str| {
                let name = &enforcement.name;
                let text = format!("failed to satisfy enforcement {name}. error: {error}");
                Ok(Checked::Unmet(text))
            };
            if brought.is_empty() {
                let missing = together(&missing);
                return unmet(&format!("failed to sanitize MFA creds, {missing}"));
            }
            let mut faults = Vec::new();
            for (method, given) in brought {
                let id = method.id();
                if !asked.contains_key(id) {
                    let proof = self.check_method(method, proving, given).await?;
                    asked.insert(id, proof);
                }
                match asked.get(id) {
                    Some(Err(fault)) => faults.push(fault.clone()),
                    Some(Ok(_)) => {
                        faults.clear();
                        break;
                    }
                    None => {}
                }
            }
            if !faults.is_empty() {
                let methods = enforcement.methods.join(" ");
                faults.push(format!(
                    "login MFA validation failed for methodID: [{methods}]"
                ));
                return unmet(&together(&faults));
            }
        }
        Ok(Checked::Met(
            asked.into_values().filter_map(Result::ok).collect(),
        ))
    }

    /// Looks at what is brought for one method; what is wrong with it is no failure of the server.
    async fn check_method(
        &self,
        method: &Method,
        proving: Proving<'_>,
        given: &[SecretString],
    ) -> Result<Result<Proof, String>, Error> {
        let passcode = match passcode(given) {
            Ok(passcode) => passcode,
            Err(fault) => return Ok(Err(fault.to_owned())),
        };
        let code = match method {
            Method::Service(service) => {
                let confirmed = self.ask(service, proving, passcode).await;
                confirmed.map(|()| None)
            }
            Method::Totp(totp) => self.take(totp, proving, passcode).await?.map(Some),
        };
        Ok(code.map(|code| Proof {
            method: method.id().to_owned(),
            code,
        }))
    }

    /// Looks at a TOTP passcode.
    async fn take(
        &self,
        method: &Totp,
        proving: Proving<'_>,
        passcode: Option<SecretString>,
    ) -> Result<Result<GoodCode, String>, Error> {
        let wrong = || Ok(Err(WRONG.to_owned()));
        let (entity, now) = (proving.identity.entity_id(), proving.now);
        let stored = self.view.get_as(&secret::key(&method.id, entity)).await?;
        let Some((secret, revision)): Option<(TotpSecret, _)> = stored else {
            return Ok(Err(format!(
                "MFA secret for method name {:?} not present in entity {entity:?}",
                method.name
            )));
        };
        let Some(passcode) = passcode else {
            return wrong();
        };
        let period = secret.codes.period;
        let most = method.max_validation_attempts;
        let seconds = Duration::from_secs(period.into());
        if let Err(attempts) = self.attempts.count(&method.id, entity, most, seconds, now) {
            return Ok(Err(format!(
                "maximum TOTP validation attempts {attempts} exceeded the allowed attempts {most}. \
                 Please try again in {period}s seconds"
            )));
        }
        match secret.take(&passcode, now)? {
            None => wrong(),
            Some(secret) => Ok(Ok(GoodCode { secret, revision })),
        }
    }

    /// Asks a service of others; returns what is wrong if the login is not confirmed.
    async fn ask(
        &self,
        method: &ServiceMethod,
        proving: Proving<'_>,
        passcode: Option<SecretString>,
    ) -> Result<(), String> {
        let Proving {
            identity,
            remote,
            now,
            ..
        } = proving;
        if method.uses_passcode() && passcode.is_none() {
            return Err(WRONG.to_owned());
        }
        let username = method.username(identity).ok_or_else(|| {
            format!(
                "entity {:?} has no name at MFA method {:?}",
                identity.entity_id(),
                method.head.name
            )
        })?;
        let (most, period) = (ServiceMethod::MOST_ATTEMPTS, ServiceMethod::PERIOD);
        let (id, entity) = (&method.head.id, identity.entity_id());
        if let Err(attempts) = self.attempts.count(id, entity, most, period, now) {
            return Err(format!(
                "maximum MFA validation attempts {attempts} exceeded the allowed attempts {most}. \
                 Please try again in {} seconds",
                period.as_secs()
            ));
        }
        let asked = Asked {
            username: &username,
            passcode: passcode.as_ref(),
            address: &remote.address,
            now,
        };
        method.verify(asked).await.map_err(|why| why.to_string())
    }

    /// Uses codes up, all or none; durable when it returns. Returns what is wrong, in Vault's words,
    /// if another request was first.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn use_up(
        &self,
        proofs: Vec<Proof>,
        identity: &Identity,
        request: &View,
    ) -> Result<Option<String>, Error> {
        let entity = identity.entity_id();
        let change = |proof: &Proof| {
            let code = proof.code.as_ref()?;
            let key = secret::key(&proof.method, entity);
            let change = Change::put_as(key, &code.secret);
            Some(change.map(|change| change.expecting(Expect::At(code.revision))))
        };
        let changes: Vec<_> = proofs
            .iter()
            .filter_map(change)
            .collect::<Result<_, Error>>()?;
        request.on_record().await?;
        if !changes.is_empty() {
            match self.view.commit(changes).await {
                Ok(_) => {}
                Err(Error::Conflict(_)) => return Ok(Some(WRONG.to_owned())),
                Err(error) => return Err(error),
            }
        }
        for proof in &proofs {
            self.attempts.forget(&proof.method, entity);
        }
        Ok(None)
    }
}

impl Known {
    /// Returns the methods of an enforcement that something is brought for, and what is said of the
    /// others.
    fn brought<'k>(
        &'k self,
        enforcement: &Enforcement,
        credentials: &'k MfaCredentials,
    ) -> (Vec<(&'k Method, &'k [SecretString])>, Vec<String>) {
        let (mut brought, mut missing) = (Vec::new(), Vec::new());
        for id in &enforcement.methods {
            let Some(method) = self.methods.get(id) else {
                missing.push(format!("failed to find MFA config for method ID {id}"));
                continue;
            };
            match credentials.of(id, method.name()) {
                Some(given) => brought.push((&**method, given)),
                None => missing.push(format!(
                    "failed to find MFA credentials associated with an MFA method ID {id}, method \
                     name {}",
                    method.name()
                )),
            }
        }
        (brought, missing)
    }
}

/// Lists faults as Vault does.
fn together(faults: &[String]) -> String {
    let errors = match faults.len() {
        0 => return "<nil>".to_owned(),
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    };
    let lines = faults.iter().map(|fault| format!("\t* {fault}\n"));
    format!("{errors} occurred:\n{}\n", lines.collect::<String>())
}
