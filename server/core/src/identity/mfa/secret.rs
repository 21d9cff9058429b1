//! Secrets: what one entity makes its codes from.

use keyward_api::{Base64, Sensitive, client::percent_encode};
use keyward_crypto::{MacKey, SecretBytes, SecretString, otp, random};
use serde::{Deserialize, Serialize};

use super::{Mfa, SECRETS, Totp, barcode, totp::Codes};
use crate::{Error, Timestamp, barrier::Change, storage::Expect, view::View};

/// The secret of an entity for a method.
#[derive(Debug, Deserialize, Serialize)]
pub(in super::super) struct TotpSecret {
    seed: Base64,
    /// As the method said when the secret was made: the authenticator knows nothing else.
    #[serde(flatten)]
    pub(super) codes: Codes,
    /// The steps whose codes were used and are not over yet (RFC 6238 section 5.2).
    used: Vec<u64>,
}

/// What is shown of a secret, once.
#[derive(Debug)]
pub(in super::super) struct Generated {
    /// The PNG of a QR code in base64; empty where the method has none.
    pub(in super::super) barcode: Sensitive,
    pub(in super::super) url: Sensitive,
}

/// Where the secret of an entity lies.
pub(super) fn key(method: &str, entity: &str) -> String {
    format!("{SECRETS}{method}/{entity}")
}

impl Mfa {
    /// Makes the secret of an entity and shows it; none if it has one already.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such TOTP method, or the QR code cannot be of its size.
    pub(in super::super) async fn generate(
        &self,
        method: &str,
        entity: &str,
        request: &View,
    ) -> Result<Option<Generated>, Error> {
        // No method goes while a secret of it is made.
        let _changing = self.changing.lock().await;
        let known = self.now();
        let method = known.method(method)?;
        let method = method.totp().ok_or_else(|| {
            Error::Invalid(format!(
                "generate not available for MFA type {:?}",
                method.kind()
            ))
        })?;
        let (secret, generated) = TotpSecret::generate(method, entity)?;
        let change = Change::put_as(key(&method.id, entity), &secret)?.expecting(Expect::Absent);
        request.on_record().await?;
        match self.view.commit(vec![change]).await {
            Ok(_) => Ok(Some(generated)),
            Err(Error::Conflict(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the secret of an entity; its absence is no error.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such TOTP method.
    pub(in super::super) async fn destroy(
        &self,
        method: &str,
        entity: &str,
        request: &View,
    ) -> Result<(), Error> {
        let known = self.now();
        let method = known.method(method)?.totp();
        let method = method.ok_or_else(|| Error::fault("method ID does not match TOTP type"))?;
        request.on_record().await?;
        self.view.delete(&key(&method.id, entity)).await
    }
}

impl TotpSecret {
    fn generate(method: &Totp, entity: &str) -> Result<(Self, Generated), Error> {
        let seed = random::generate_bytes(method.key_size as usize);
        let url = url(method, entity, &seed);
        let barcode = match method.qr_size {
            0 => SecretString::new(String::new()),
            size => barcode::of(&url, size)?,
        };
        let secret = Self {
            seed: Base64::new(seed),
            codes: method.codes,
            used: Vec::new(),
        };
        let generated = Generated {
            barcode: Sensitive::from(barcode),
            url: Sensitive::from(url),
        };
        Ok((secret, generated))
    }

    /// Marks the step that a code is of as used; none if it is of no step that is good at `now`, or of
    /// one that was used before.
    ///
    /// All steps are looked at, and codes compared in constant time: how long it takes tells nothing.
    pub(super) fn take(
        mut self,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let seed = self.seed.bytes().map_err(Error::internal)?;
        let key = MacKey::new(seed.duplicate());
        let Codes {
            algorithm,
            digits,
            period,
            skew,
        } = self.codes;
        let current = now.unix_seconds() / u64::from(period.max(1));
        let first = current.saturating_sub(skew.into());
        let mut found = None;
        for step in first..=current + u64::from(skew) {
            let is_of_step = otp::hotp(&key, algorithm.hash(), step, digits) == *code;
            if is_of_step && !self.used.contains(&step) {
                found = Some(step);
            }
        }
        let Some(step) = found else {
            return Ok(None);
        };
        self.used.retain(|used| *used >= first);
        self.used.push(step);
        Ok(Some(self))
    }
}

/// Writes the URL that authenticators take: `otpauth://totp/ISSUER:ACCOUNT?…`, as their vendors
/// document it.
fn url(method: &Totp, entity: &str, seed: &SecretBytes) -> SecretString {
    let issuer = percent_encode(&method.issuer);
    let Codes {
        algorithm,
        digits,
        period,
        ..
    } = method.codes;
    let public = format!(
        "otpauth://totp/{issuer}:{}?algorithm={}&digits={digits}&issuer={issuer}&period={period}\
         &secret=",
        percent_encode(entity),
        algorithm.name(),
    );
    let secret = otp::key_text(seed);
    // EXPOSE: made part of the URL, in a text of its whole length, so that none grows.
    let secret = secret.expose();
    let mut url = String::with_capacity(public.len() + secret.len());
    url.push_str(&public);
    url.push_str(secret);
    SecretString::new(url)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{MethodChange as _, TotpChange, totp::Algorithm},
        *,
    };

    const NOW: Timestamp = Timestamp::from_unix_nanos(1_111_111_111_000_000_000);

    fn secret(skew: u32) -> TotpSecret {
        TotpSecret {
            seed: Base64::from(&b"12345678901234567890"[..]),
            codes: Codes {
                algorithm: Algorithm::Sha1,
                digits: 8,
                period: 30,
                skew,
            },
            used: Vec::new(),
        }
    }

    fn take(secret: TotpSecret, code: &str, now: Timestamp) -> Option<TotpSecret> {
        secret.take(&SecretString::from(code), now).unwrap()
    }

    /// RFC 6238 appendix B has the codes of this second and of the step before.
    #[test]
    fn a_code_is_good_in_its_step_and_as_far_as_clocks_may_be_off() {
        assert!(take(secret(0), "14050471", NOW).is_some());
        assert!(take(secret(0), "07081804", NOW).is_none());
        assert!(take(secret(1), "07081804", NOW).is_some());
        let later = NOW.plus(Duration::from_secs(30));
        assert!(take(secret(0), "14050471", later).is_none());
        assert!(take(secret(1), "14050471", later).is_some());
        assert!(take(secret(1), "07081804", later).is_none());
        for wrong in ["", "4050471", "14050471 ", "050471", "١٤٠٥٠٤٧١"] {
            assert!(take(secret(1), wrong, NOW).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn a_code_is_good_once() {
        let used = take(secret(1), "14050471", NOW).unwrap();
        assert_eq!(used.used, [37_037_037]);
        let used = take(used, "07081804", NOW).unwrap();
        assert_eq!(used.used.len(), 2);
        let stored = serde_json::to_string(&used).unwrap();
        for code in ["14050471", "07081804"] {
            let used = serde_json::from_str(&stored).unwrap();
            assert!(take(used, code, NOW).is_none());
        }
    }

    #[test]
    fn used_steps_are_kept_no_longer_than_their_codes_are_good() {
        let mut secret = secret(1);
        secret.used = vec![1, 37_037_035, 37_037_036];
        let used = take(secret, "14050471", NOW).unwrap();
        assert_eq!(used.used, [37_037_036, 37_037_037]);
    }

    #[test]
    fn the_url_is_as_vault_writes_it_and_holds_whatever_an_issuer_is_called() {
        let change = TotpChange {
            issuer: Some("Key ward&é:/?".to_owned()),
            qr_size: Some(0),
            ..Default::default()
        };
        let method = change.apply("i".to_owned(), String::new(), None).unwrap();
        let method = method.totp().unwrap();
        let url = url(method, "e-1", &SecretBytes::from(&b"foobar"[..]));
        assert_eq!(
            url.expose(),
            "otpauth://totp/Key%20ward%26%C3%A9%3A%2F%3F:e-1?algorithm=SHA1&digits=6\
             &issuer=Key%20ward%26%C3%A9%3A%2F%3F&period=30&secret=MZXW6YTBOI"
        );
        let (_, generated) = TotpSecret::generate(method, "e-1").unwrap();
        assert_eq!(generated.barcode.expose(), "");
    }
}
