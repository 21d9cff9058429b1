//! TOTP methods: how the codes of a second factor are made.

use keyward_api::{ROOT_NAMESPACE_ID, identity::TotpMfaMethod};
use keyward_crypto::HashAlgorithm;
use serde::{Deserialize, Serialize};

use super::{Method, MethodChange};
use crate::Error;

/// A TOTP method (RFC 6238).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(in super::super) struct Totp {
    pub(super) id: String,
    /// Empty if it has none.
    pub(super) name: String,
    pub(super) issuer: String,
    /// Bytes of a secret.
    pub(super) key_size: u32,
    /// Pixels of each side of the QR code; 0 for none.
    pub(super) qr_size: u32,
    /// How many codes an entity may try in one period.
    pub(super) max_validation_attempts: u32,
    /// What a secret keeps from when it was made.
    #[serde(flatten)]
    pub(super) codes: Codes,
}

/// How codes follow from a secret.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Codes {
    pub(super) algorithm: Algorithm,
    pub(super) digits: u32,
    /// In seconds.
    pub(super) period: u32,
    /// How many periods a clock may be off.
    pub(super) skew: u32,
}

/// The hash of the codes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) enum Algorithm {
    #[serde(rename = "SHA1")]
    Sha1,
    #[serde(rename = "SHA256")]
    Sha256,
    #[serde(rename = "SHA512")]
    Sha512,
}

/// What a request says of a method; what it does not say is as in a new one, as in Vault.
#[derive(Debug, Default)]
pub(in super::super) struct TotpChange {
    pub(in super::super) name: Option<String>,
    pub(in super::super) issuer: Option<String>,
    pub(in super::super) period: Option<i64>,
    pub(in super::super) key_size: Option<i64>,
    pub(in super::super) qr_size: Option<i64>,
    pub(in super::super) algorithm: Option<String>,
    pub(in super::super) digits: Option<i64>,
    pub(in super::super) skew: Option<i64>,
    pub(in super::super) max_validation_attempts: Option<i64>,
}

/// The most bytes of a secret: four blocks of the largest hash, and still a QR code.
const MOST_KEY_SIZE: u32 = 256;

/// The most pixels of each side of a QR code: half a megabyte of image.
const MOST_QR_SIZE: u32 = 2048;

/// The most bytes of an issuer, which the URL of each secret repeats.
const MOST_ISSUER: usize = 256;

/// How many codes may be tried in one period where nothing is said.
const DEFAULT_ATTEMPTS: u32 = 5;

impl Algorithm {
    const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Returns the name that authenticators know.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    pub(super) const fn hash(self) -> HashAlgorithm {
        match self {
            Self::Sha1 => HashAlgorithm::Sha1,
            Self::Sha256 => HashAlgorithm::Sha2_256,
            Self::Sha512 => HashAlgorithm::Sha2_512,
        }
    }
}

impl TotpChange {
    /// Makes the method that a request asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the whole makes no sense; the texts are Vault's where it has one.
    fn make(self, id: String, name: String) -> Result<Totp, Error> {
        let algorithm = self.algorithm.as_deref().unwrap_or("SHA1");
        let algorithm = Algorithm::ALL
            .into_iter()
            .find(|known| known.name() == algorithm)
            .ok_or_else(|| Error::invalid("unrecognized algorithm"))?;
        let digits = within(self.digits.unwrap_or(6), 0..=8)
            .filter(|digits| matches!(digits, 6 | 8))
            .ok_or_else(|| Error::invalid("digits can only be 6 or 8"))?;
        let period = at_least_one("period", self.period.unwrap_or(30), u32::MAX)?;
        let skew = within(self.skew.unwrap_or(1), 0..=1)
            .ok_or_else(|| Error::invalid("skew must be 0 or 1"))?;
        let key_size = at_least_one("key_size", self.key_size.unwrap_or(20), MOST_KEY_SIZE)?;
        let issuer = self.issuer.unwrap_or_default();
        if issuer.is_empty() {
            return Err(Error::invalid("issuer must be set"));
        }
        if issuer.len() > MOST_ISSUER {
            let text = format!("issuer must be at most {MOST_ISSUER} bytes long");
            return Err(Error::Invalid(text));
        }
        let qr_size = within(self.qr_size.unwrap_or(200), 0..=MOST_QR_SIZE).ok_or_else(|| {
            Error::Invalid(format!("qr_size must be between 0 and {MOST_QR_SIZE}"))
        })?;
        let attempts = match self.max_validation_attempts {
            None | Some(0) => DEFAULT_ATTEMPTS,
            Some(attempts) => at_least_one("max_validation_attempts", attempts, u32::MAX)?,
        };
        Ok(Totp {
            id,
            name,
            issuer,
            key_size,
            qr_size,
            max_validation_attempts: attempts,
            codes: Codes {
                algorithm,
                digits,
                period,
                skew,
            },
        })
    }
}

impl MethodChange for TotpChange {
    fn kind(&self) -> &'static str {
        Totp::KIND
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn apply(self, id: String, name: String, _: Option<&Method>) -> Result<Method, Error> {
        self.make(id, name).map(Method::Totp)
    }
}

impl Totp {
    /// The type, as the API says it.
    pub(in super::super) const KIND: &str = "totp";

    /// Shows it as the API does.
    pub(in super::super) fn shown(&self) -> TotpMfaMethod {
        let Codes {
            algorithm,
            digits,
            period,
            skew,
        } = self.codes;
        TotpMfaMethod {
            algorithm: algorithm.name().to_owned(),
            digits,
            id: self.id.clone(),
            issuer: self.issuer.clone(),
            key_size: self.key_size,
            max_validation_attempts: self.max_validation_attempts,
            name: self.name.clone(),
            namespace_id: ROOT_NAMESPACE_ID.to_owned(),
            namespace_path: String::new(),
            period,
            qr_size: self.qr_size,
            skew,
            kind: Self::KIND.to_owned(),
        }
    }
}

fn within(given: i64, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let given = u32::try_from(given).ok()?;
    range.contains(&given).then_some(given)
}

fn at_least_one(field: &str, given: i64, most: u32) -> Result<u32, Error> {
    if given < 1 {
        return Err(Error::Invalid(format!("{field} must be greater than zero")));
    }
    within(given, 1..=most).ok_or_else(|| Error::Invalid(format!("{field} must be at most {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> TotpChange {
        TotpChange {
            issuer: Some("Keyward".to_owned()),
            ..TotpChange::default()
        }
    }

    fn make(change: TotpChange) -> Result<Totp, Error> {
        change.make("i".to_owned(), String::new())
    }

    #[test]
    fn a_method_is_what_vault_makes_where_nothing_is_said() {
        let method = make(change()).unwrap();
        assert_eq!(method.codes.algorithm, Algorithm::Sha1);
        assert_eq!((method.codes.digits, method.codes.period), (6, 30));
        assert_eq!((method.codes.skew, method.key_size), (1, 20));
        assert_eq!((method.qr_size, method.max_validation_attempts), (200, 5));
        assert_eq!((&*method.id, &*method.name), ("i", ""));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_vaults_words() {
        type Spoil = fn(&mut TotpChange);
        let cases: [(Spoil, &str); 14] = [
            (|it| it.issuer = None, "issuer must be set"),
            (|it| it.digits = Some(7), "digits can only be 6 or 8"),
            (|it| it.digits = Some(-6), "digits can only be 6 or 8"),
            (
                |it| it.algorithm = Some("sha1".to_owned()),
                "unrecognized algorithm",
            ),
            (|it| it.period = Some(0), "period must be greater than zero"),
            (
                |it| it.period = Some(1 << 40),
                "period must be at most 4294967295",
            ),
            (|it| it.skew = Some(2), "skew must be 0 or 1"),
            (|it| it.skew = Some(-1), "skew must be 0 or 1"),
            (
                |it| it.key_size = Some(0),
                "key_size must be greater than zero",
            ),
            (|it| it.key_size = Some(257), "key_size must be at most 256"),
            (
                |it| it.qr_size = Some(-1),
                "qr_size must be between 0 and 2048",
            ),
            (
                |it| it.qr_size = Some(2049),
                "qr_size must be between 0 and 2048",
            ),
            (
                |it| it.max_validation_attempts = Some(-1),
                "max_validation_attempts must be greater than zero",
            ),
            (
                |it| it.issuer = Some("i".repeat(257)),
                "issuer must be at most 256 bytes long",
            ),
        ];
        for (spoil, text) in cases {
            let mut change = change();
            spoil(&mut change);
            assert_eq!(make(change).unwrap_err().to_string(), text);
        }
    }
}
