//! Whether what a login brings meets what is asked of it.

use std::{collections::BTreeMap, time::Duration};

use keyward_crypto::SecretString;

use super::{
    super::Identity,
    Enforcement, Known, Method, Mfa, TotpSecret,
    credentials::{MfaCredentials, passcode},
    secret,
};
use crate::{
    Error, Timestamp,
    barrier::Change,
    storage::{Expect, Revision},
    view::View,
};

/// What came of looking at a login's passcodes.
pub(super) enum Checked {
    /// All is met, once these are used up.
    Met(Vec<Proof>),
    /// Something is not, in Vault's words.
    Unmet(String),
}

/// A code that was found good and is to be used up.
pub(super) struct Proof {
    method: String,
    /// The secret once the code is used.
    secret: TotpSecret,
    /// The secret as the code was found good with.
    revision: Revision,
}

/// Vault's sentence for all that is wrong about a passcode: which of it, nobody is told.
const WRONG: &str = "MFA credentials not supplied or incorrect";

impl Mfa {
    /// Looks whether all of the enforcements are met; each method is asked once. Changes nothing but
    /// how many attempts there were.
    ///
    /// # Errors
    /// The store below failed.
    pub(super) async fn check(
        &self,
        known: &Known,
        enforcements: &[&Enforcement],
        identity: &Identity,
        credentials: &MfaCredentials,
        now: Timestamp,
    ) -> Result<Checked, Error> {
        let mut asked: BTreeMap<&str, Result<Proof, String>> = BTreeMap::new();
        for enforcement in enforcements {
            let (brought, missing) = known.brought(enforcement, credentials);
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
                let id = method.id.as_str();
                if !asked.contains_key(id) {
                    let proof = self.check_method(method, identity, given, now).await?;
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

    /// Looks at the passcode of one method; what is wrong with it is no failure of the server.
    async fn check_method(
        &self,
        method: &Method,
        identity: &Identity,
        given: &[SecretString],
        now: Timestamp,
    ) -> Result<Result<Proof, String>, Error> {
        let wrong = || Ok(Err(WRONG.to_owned()));
        let passcode = match passcode(given) {
            Ok(passcode) => passcode,
            Err(fault) => return Ok(Err(fault.to_owned())),
        };
        let entity = identity.entity_id();
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
            Some(secret) => Ok(Ok(Proof {
                method: method.id.clone(),
                secret,
                revision,
            })),
        }
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
            let key = secret::key(&proof.method, entity);
            let change = Change::put_as(key, &proof.secret)?;
            Ok(change.expecting(Expect::At(proof.revision)))
        };
        let changes = proofs.iter().map(change).collect::<Result<_, Error>>()?;
        request.on_record().await?;
        match self.view.commit(changes).await {
            Ok(_) => {}
            Err(Error::Conflict(_)) => return Ok(Some(WRONG.to_owned())),
            Err(error) => return Err(error),
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
            match credentials.of(id, &method.name) {
                Some(given) => brought.push((&**method, given)),
                None => missing.push(format!(
                    "failed to find MFA credentials associated with an MFA method ID {id}, method \
                     name {}",
                    method.name
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
