//! Signatures, and what signing and verifying are told alike.

use keyward_api::{
    Base64,
    transit::{Answer, Sign, SignItem, Signed, SignedItem},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{HashAlgorithm, Marshaling, SaltLength, Scheme, SignRequest};

use super::{
    Transit,
    batch::{self, Pace},
    input, jose,
    store::Key,
};

pub(super) async fn sign(
    cx: Context<Transit>,
    request: Sign,
) -> Result<Response<Answer<Signed, SignedItem>>, Error> {
    if request.marshaling_algorithm.as_deref() == Some(jose::COMPACT) {
        return jose::sign(cx, request).await;
    }
    let marshaling = marshaling(request.marshaling_algorithm.as_deref())?;
    let salt_length = salt_length(request.salt_length.as_deref())?;
    let key = cx.store.find(&request.name).await?;
    let key = key.ok_or_else(|| Error::invalid("signing key not found"))?;
    check_type(&key, "signing")?;
    input::check_usable(&key)?;
    let how = SignRequest {
        context: None,
        version: None,
        hash_algorithm: hash(
            request.hash_algorithm.as_deref(),
            request.algorithm.as_deref(),
        )?,
        prehashed: request.prehashed.unwrap_or_default(),
        marshaling,
        scheme: scheme(&key, request.signature_algorithm.as_deref(), salt_length)?,
        signature_context: input::signature_context(request.signature_context.as_ref())?,
    };
    check_hash(&key, &how)?;
    let now = input::moment(cx.now());
    let Some(items) = &request.batch_input else {
        let (input, context) = (request.input.as_ref(), request.context.as_ref());
        let signed = sign_one(&key, &how, request.key_version, input, context)?;
        cx.store
            .mark(&request.name, &key, signed.key_version, now)
            .await;
        let answer = Response::data(Answer::One(signed));
        let ignored = input::ignores_context(&key, context);
        return Ok(if ignored {
            answer.warn(input::CONTEXT_IGNORED)
        } else {
            answer
        });
    };
    batch::not_empty(items)?;
    let mut results = Vec::with_capacity(items.len());
    let mut pace = Pace::default();
    let mut ignored = false;
    for item in items {
        let signed = sign_item(&key, &how, request.key_version, item);
        results.push(of_item(batch::of_item(signed)?, item.reference.as_deref()));
        ignored |= input::ignores_context(&key, item.context.as_ref());
        pace.spend(Pace::SIGNATURE).await;
    }
    let texts = results.iter().filter_map(|item| item.signature.as_deref());
    cx.store.mark_named(&request.name, &key, texts, now).await;
    let answer = Response::data(Answer::batch(results));
    Ok(if ignored {
        answer.warn(input::CONTEXT_IGNORED)
    } else {
        answer
    })
}

fn sign_item(
    key: &Key,
    how: &SignRequest<'_>,
    version: Option<i64>,
    item: &SignItem,
) -> Result<Signed, Error> {
    if item.input.is_none() {
        return Err(Error::invalid("missing input"));
    }
    sign_one(
        key,
        how,
        version,
        item.input.as_ref(),
        item.context.as_ref(),
    )
}

fn sign_one(
    key: &Key,
    how: &SignRequest<'_>,
    version: Option<i64>,
    input: Option<&Base64>,
    context: Option<&Base64>,
) -> Result<Signed, Error> {
    let message = input::input(input)?;
    let context = input::context(context)?;
    let version = input::version(version, "signing")?;
    let signed = key.keyring.sign(
        message,
        &SignRequest {
            context,
            version,
            ..*how
        },
    )?;
    Ok(Signed {
        signature: signed.text,
        key_version: signed.version,
        public_key: signed.public_key,
    })
}

fn of_item(result: Result<Signed, String>, reference: Option<&str>) -> SignedItem {
    let reference = reference.unwrap_or_default().to_owned();
    match result {
        Ok(signed) => SignedItem {
            signature: Some(signed.signature),
            key_version: signed.key_version,
            public_key: signed.public_key,
            error: None,
            reference,
        },
        Err(error) => SignedItem {
            error: Some(error),
            reference,
            ..SignedItem::default()
        },
    }
}

/// Refuses a key that cannot do what is asked, before any item of a batch is looked at.
pub(super) fn check_type(key: &Key, doing: &str) -> Result<(), Error> {
    let key_type = key.keyring.key_type();
    if key_type.supports_signing() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "key type {} does not support {doing}",
        key_type.name()
    )))
}

/// Reads how a signature is written.
pub(super) fn marshaling(name: Option<&str>) -> Result<Marshaling, Error> {
    Ok(name.map_or(Ok(Marshaling::default()), str::parse)?)
}

/// Reads the hash; `name` wins over its alias, and `none` is none.
pub(super) fn hash(
    name: Option<&str>,
    alias: Option<&str>,
) -> Result<Option<HashAlgorithm>, Error> {
    match name.or(alias).filter(|name| !name.is_empty()) {
        None => Ok(Some(HashAlgorithm::Sha2_256)),
        Some("none") => Ok(None),
        Some(name) => Ok(Some(name.parse()?)),
    }
}

/// Reads the length of the salt of RSA-PSS. A request that is wrong for all is refused for types
/// that have no salt too.
pub(super) fn salt_length(text: Option<&str>) -> Result<SaltLength, Error> {
    Ok(text.map_or(Ok(SaltLength::default()), str::parse)?)
}

/// Reads how RSA signs; other types look away.
pub(super) fn scheme(
    key: &Key,
    name: Option<&str>,
    salt_length: SaltLength,
) -> Result<Scheme, Error> {
    let signer = key.keyring.key_type().signer();
    match name {
        Some("pkcs1v15") => Ok(Scheme::Pkcs1v15),
        Some(other) if !["", "pss"].contains(&other) && signer.is_some_and(|s| s.has_schemes()) => {
            Err(Error::invalid(format!(
                "unsupported rsa signature algorithm {other}"
            )))
        }
        _ => Ok(Scheme::Pss(salt_length)),
    }
}

/// Refuses a request without a hash for a type that needs one, before any item of a batch is looked
/// at.
pub(super) fn check_hash(key: &Key, how: &SignRequest<'_>) -> Result<(), Error> {
    let signer = key.keyring.key_type().signer();
    if signer.is_some_and(|signer| signer.hashes()) {
        how.check_hash()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_has_a_name_an_alias_and_a_default() {
        assert_eq!(hash(None, None).unwrap(), Some(HashAlgorithm::Sha2_256));
        assert_eq!(hash(Some(""), None).unwrap(), Some(HashAlgorithm::Sha2_256));
        assert_eq!(
            hash(None, Some("sha2-512")).unwrap(),
            Some(HashAlgorithm::Sha2_512)
        );
        assert_eq!(hash(Some("none"), Some("sha2-512")).unwrap(), None);
        assert_eq!(
            hash(Some("md5"), None).unwrap_err().to_string(),
            "invalid hash algorithm \"md5\""
        );
    }
}
