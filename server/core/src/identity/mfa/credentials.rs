//! What a login brings to prove its second factor.

use std::collections::BTreeMap;

use keyward_api::sys::Passcodes;
use keyward_crypto::SecretString;

use crate::Error;

/// The passcodes that a request brings, by the id or name of a method.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MfaCredentials(BTreeMap<String, Vec<SecretString>>);

impl MfaCredentials {
    /// Reads the lines of `X-Vault-MFA`: `METHOD` or `METHOD:PASSCODE`; empty ones are passed over.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a line lacks one of the two; the texts are Vault's.
    pub fn parse<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Self, Error> {
        let mut credentials = BTreeMap::<_, Vec<_>>::new();
        for line in lines.into_iter().filter(|line| !line.is_empty()) {
            let fault = |what: &str| {
                Error::Invalid(format!(
                    "failed to parse X-Vault-MFA header: invalid data in header \"X-Vault-MFA\"; \
                     missing method {what}"
                ))
            };
            match line.split_once(':') {
                None => {
                    credentials.entry(line.to_owned()).or_default();
                }
                Some(("", _)) => return Err(fault("name or ID")),
                Some((_, "")) => return Err(fault("value")),
                Some((method, passcode)) => {
                    let passcodes = credentials.entry(method.to_owned()).or_default();
                    passcodes.push(SecretString::from(passcode));
                }
            }
        }
        Ok(Self(credentials))
    }

    /// Reads what `sys/mfa/validate` is sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not lists of passcodes; the text is Vault's.
    pub(crate) fn of_payload(payload: BTreeMap<String, Passcodes>) -> Result<Self, Error> {
        let read = |(method, Passcodes(passcodes)): (String, Passcodes)| {
            let passcodes = passcodes.ok_or_else(|| Error::invalid("invalid mfa payload"))?;
            // EXPOSE: taken over into a wiped text.
            let passcodes = passcodes.iter().map(|it| SecretString::from(it.expose()));
            Ok((method, passcodes.collect()))
        };
        payload
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds what is brought for a method, by its id or else its name.
    pub(super) fn of(&self, id: &str, name: &str) -> Option<&[SecretString]> {
        let by_name = || self.0.get(name).filter(|_| !name.is_empty());
        self.0.get(id).or_else(by_name).map(Vec::as_slice)
    }
}

/// Returns the one passcode of a method: plain, or behind `passcode=`; none if none is given.
///
/// # Errors
/// There is more than one, or something else; the texts are Vault's, but for what was sent.
pub(super) fn passcode(given: &[SecretString]) -> Result<Option<SecretString>, &'static str> {
    let mut found = None;
    for given in given {
        // EXPOSE: taken out of its notation.
        let text = given.expose().as_str();
        let passcode = match text.strip_prefix("passcode=") {
            Some("") => return Err("failed to parse MFA factor, invalid passcode"),
            Some(passcode) => passcode,
            None if text.is_empty() => continue,
            None if text.contains('=') => {
                return Err("failed to parse MFA factor, found an invalid MFA cred");
            }
            None => text,
        };
        if found.replace(SecretString::from(passcode)).is_some() {
            return Err(
                "failed to parse MFA factor, found multiple passcodes for the same MFA method",
            );
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(passcodes: &[&str]) -> Result<Option<String>, &'static str> {
        let passcodes: Vec<_> = passcodes.iter().map(|it| SecretString::from(*it)).collect();
        let found = passcode(&passcodes)?;
        Ok(found.map(|passcode| passcode.expose().clone()))
    }

    #[test]
    fn lines_are_gathered_by_method() {
        let credentials = MfaCredentials::parse(["phone:1:2", "", "phone:3", "push"]).unwrap();
        let of = |id, name| credentials.of(id, name).map(<[_]>::len);
        assert_eq!(of("phone", ""), Some(2));
        assert_eq!(of("id", "phone"), Some(2));
        assert_eq!(of("push", "phone"), Some(0));
        assert_eq!(of("id", ""), None);
        assert!(!format!("{credentials:?}").contains("1:2"));
        assert!(MfaCredentials::parse([""]).unwrap().is_empty());
    }

    #[test]
    fn a_line_without_method_or_passcode_is_refused() {
        for (line, what) in [
            (":1", "name or ID"),
            (":", "name or ID"),
            ("phone:", "value"),
        ] {
            let refused = MfaCredentials::parse([line]).unwrap_err().to_string();
            assert!(
                refused.ends_with(&format!("missing method {what}")),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_passcode_comes_plain_or_with_its_name_and_once() {
        let one = Ok(Some("123456".to_owned()));
        assert_eq!(given(&["123456"]), one);
        assert_eq!(given(&["", "passcode=123456"]), one);
        assert_eq!(given(&[]), Ok(None));
        for (wrong, text) in [
            (&["passcode="][..], "invalid passcode"),
            (&["month=may"], "invalid MFA cred"),
            (&["1", "passcode=1"], "multiple passcodes"),
        ] {
            assert!(given(wrong).unwrap_err().contains(text));
        }
    }
}
