//! Verification of signatures, HMACs and CMACs.

use keyward_api::{
    Base64,
    transit::{Answer, Verified, VerifiedItem, Verify, VerifyItem},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::SignRequest;

use super::{
    Transit,
    batch::{self, Pace},
    cmac, hmac, input, sign,
    store::Key,
};

/// What is to be verified; the same in all items of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Cmac,
    Hmac,
    Signature,
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Self::Cmac => "cmac",
            Self::Hmac => "hmac",
            Self::Signature => "signature",
        }
    }

    /// Tells what a request or an item holds, with its text; a signature wins.
    fn of<'a>(
        signature: Option<&'a String>,
        hmac: Option<&'a String>,
        cmac: Option<&'a String>,
    ) -> Option<(Self, &'a str)> {
        [
            (Self::Signature, signature),
            (Self::Hmac, hmac),
            (Self::Cmac, cmac),
        ]
        .into_iter()
        .find_map(|(subject, text)| Some((subject, text?.as_str())))
    }

    fn of_item(item: &VerifyItem) -> Option<(Self, &str)> {
        Self::of(
            item.signature.as_ref(),
            item.hmac.as_ref(),
            item.cmac.as_ref(),
        )
    }

    /// Tells what all items of a batch hold.
    fn of_batch(items: &[VerifyItem]) -> Result<Self, Error> {
        let subjects = || {
            items
                .iter()
                .map(|item| Self::of_item(item).map(|(subject, _)| subject))
        };
        let Some(first) = subjects().flatten().next() else {
            return Err(Error::invalid(
                "no batch_input elements have 'signature' or 'hmac'",
            ));
        };
        if subjects().flatten().any(|subject| subject != first) {
            return Err(Error::invalid(
                "elements of batch_input must all provide 'signature' or all provide 'hmac'",
            ));
        }
        if subjects().any(|subject| subject.is_none()) {
            let name = first.name();
            return Err(Error::invalid(format!(
                "some elements of batch_input are missing '{name}'"
            )));
        }
        Ok(first)
    }
}

pub(super) async fn verify(
    cx: Context<Transit>,
    request: Verify,
) -> Result<Response<Answer<Verified, VerifiedItem>>, Error> {
    let now = input::moment(cx.now());
    let Some(items) = &request.batch_input else {
        let one = Subject::of(
            request.signature.as_ref(),
            request.hmac.as_ref(),
            request.cmac.as_ref(),
        );
        let (subject, text) = one.ok_or_else(|| {
            Error::invalid("neither a 'signature' nor an 'hmac' were given to verify")
        })?;
        let verifier = Verifier::new(&cx, &request, subject).await?;
        let (input, context) = (request.input.as_ref(), request.context.as_ref());
        let valid = verifier.verify(input, text, context)?;
        let texts = valid.then_some(text);
        cx.store
            .mark_named(&request.name, &verifier.key, texts, now)
            .await;
        let answer = Response::data(Answer::One(Verified { valid }));
        let ignored = verifier.ignores(context);
        return Ok(if ignored {
            answer.warn(input::CONTEXT_IGNORED)
        } else {
            answer
        });
    };
    batch::not_empty(items)?;
    let verifier = Verifier::new(&cx, &request, Subject::of_batch(items)?).await?;
    let mut results = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    let mut ignored = false;
    for item in items {
        let (valid, error) = match batch::of_item(verifier.verify_item(item))? {
            Ok(valid) => (valid, None),
            Err(error) => (false, Some(error)),
        };
        let reference = item.reference.clone().unwrap_or_default();
        results.push(VerifiedItem {
            valid,
            error,
            reference,
        });
        ignored |= verifier.ignores(item.context.as_ref());
        pace.spend(verifier.cost()).await;
    }
    let valid = items
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.valid);
    let texts = valid.filter_map(|(item, _)| Subject::of_item(item).map(|(_, text)| text));
    cx.store
        .mark_named(&request.name, &verifier.key, texts, now)
        .await;
    let answer = Response::data(Answer::batch(results));
    Ok(if ignored {
        answer.warn(input::CONTEXT_IGNORED)
    } else {
        answer
    })
}

/// A key, and how it shall verify.
struct Verifier<'a> {
    key: std::sync::Arc<Key>,
    subject: Subject,
    how: SignRequest<'a>,
    mac_length: Option<usize>,
}

impl<'a> Verifier<'a> {
    async fn new(
        cx: &Context<Transit>,
        request: &'a Verify,
        subject: Subject,
    ) -> Result<Self, Error> {
        let marshaling = sign::marshaling(request.marshaling_algorithm.as_deref())?;
        let salt_length = sign::salt_length(request.salt_length.as_deref())?;
        let found = cx.store.find(&request.name).await?;
        let key = found.ok_or_else(|| match subject {
            Subject::Cmac | Subject::Hmac => input::encryption_key_not_found(),
            Subject::Signature => Error::invalid("signature verification key not found"),
        })?;
        if subject == Subject::Signature {
            sign::check_type(&key, "verification")?;
        }
        input::check_usable(&key)?;
        let name = request.hash_algorithm.as_deref();
        let hash_algorithm = sign::hash(name, request.algorithm.as_deref())?;
        if subject == Subject::Hmac && hash_algorithm.is_none() {
            return Err(Error::invalid(hmac::NO_ALGORITHM));
        }
        let prehashed = request.prehashed.unwrap_or_default();
        let how = SignRequest {
            context: None,
            version: None,
            hash_algorithm,
            prehashed,
            marshaling,
            scheme: sign::scheme(&key, request.signature_algorithm.as_deref(), salt_length)?,
            signature_context: input::signature_context(request.signature_context.as_ref())?,
        };
        if subject == Subject::Signature {
            sign::check_hash(&key, &how)?;
        }
        Ok(Self {
            key,
            subject,
            how,
            mac_length: cmac::length(request.mac_length)?,
        })
    }

    fn verify_item(&self, item: &VerifyItem) -> Result<bool, Error> {
        if item.input.is_none() {
            return Err(Error::invalid("missing input"));
        }
        let text = Subject::of_item(item).map_or("", |(_, text)| text);
        self.verify(item.input.as_ref(), text, item.context.as_ref())
    }

    fn verify(
        &self,
        input: Option<&Base64>,
        text: &str,
        context: Option<&Base64>,
    ) -> Result<bool, Error> {
        let message = input::input(input)?;
        let keyring = &self.key.keyring;
        match (self.subject, self.how.hash_algorithm) {
            (Subject::Cmac, _) => Ok(keyring.verify_cmac(message, self.mac_length, text)?),
            (Subject::Hmac, Some(algorithm)) => Ok(keyring.verify_hmac(message, algorithm, text)?),
            _ => {
                let context = input::context(context)?;
                Ok(keyring.verify(
                    message,
                    text,
                    &SignRequest {
                        context,
                        ..self.how
                    },
                )?)
            }
        }
    }

    /// Tells whether a context is given that a signature of this key does not depend on.
    fn ignores(&self, context: Option<&Base64>) -> bool {
        self.subject == Subject::Signature && input::ignores_context(&self.key, context)
    }

    const fn cost(&self) -> usize {
        match self.subject {
            Subject::Cmac | Subject::Hmac => Pace::CIPHER,
            Subject::Signature => Pace::SIGNATURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(signature: bool, hmac: bool) -> VerifyItem {
        VerifyItem {
            signature: signature.then(|| "s".to_owned()),
            hmac: hmac.then(|| "h".to_owned()),
            ..VerifyItem::default()
        }
    }

    #[test]
    fn a_batch_verifies_signatures_or_hmacs_but_not_both() {
        let subject =
            |items: &[VerifyItem]| Subject::of_batch(items).map_err(|error| error.to_string());
        assert_eq!(
            subject(&[item(true, false), item(true, true)]),
            Ok(Subject::Signature)
        );
        assert_eq!(subject(&[item(false, true)]), Ok(Subject::Hmac));
        for (items, text) in [
            (
                [item(false, false), item(false, false)],
                "no batch_input elements have 'signature' or 'hmac'",
            ),
            (
                [item(true, false), item(false, true)],
                "elements of batch_input must all provide 'signature' or all provide 'hmac'",
            ),
            (
                [item(false, false), item(true, false)],
                "some elements of batch_input are missing 'signature'",
            ),
            (
                [item(false, true), item(false, false)],
                "some elements of batch_input are missing 'hmac'",
            ),
        ] {
            assert_eq!(subject(&items), Err(text.to_owned()));
        }
    }
}
