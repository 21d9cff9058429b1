//! JSON Web Key sets and compact JSON Web Signatures.

use std::time::Duration;

use keyward_api::transit::{Answer, Jwks, ReadJwks, Sign, Signed, SignedItem};
use keyward_core::{Document, Error, Response, engine::Context};
use keyward_crypto::key_type::JwsAlgorithm;
use serde_json::Value;

use super::{Transit, input, sign, store::Key};

/// The marshaling that makes a whole JWS.
pub(super) const COMPACT: &str = "jws-compact";

/// Members of a header that say how it is verified, which is for the key to say.
const RESERVED: [&str; 8] = ["alg", "b64", "crit", "jku", "jwk", "kid", "x5c", "x5u"];

/// How long caches may keep a key set. A key that rotates signs with its new version at once, and
/// who holds the old set takes the signature for false until it asks again; a key that was taken
/// out of use goes on verifying for as long.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Shows a key set to everybody. Whether there is a key of a name is nobody's business, so one that
/// has nothing to show is answered like one that does not exist.
pub(super) async fn read(cx: Context<Transit>, request: ReadJwks) -> Result<Response<Jwks>, Error> {
    let name = &request.name;
    let found = cx.store.find(name).await?;
    let key = found.filter(|key| !key.settings.soft_deleted);
    let keyring = &key.as_ref().ok_or_else(Error::not_found)?.keyring;
    let numbers = keyring.versions().map(|version| version.number);
    let keys = numbers.filter_map(|number| {
        let members = keyring.jwk(number)?.into_iter();
        let members = members.map(|(name, value)| (name.to_owned(), value));
        let kid = ("kid".to_owned(), kid(name, number));
        Some(members.chain([kid]).collect())
    });
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() {
        return Err(Error::not_found());
    }
    let document = Document::json("application/jwk-set+json", &Jwks { keys })?;
    Ok(Response::document(document.cached_for(MAX_AGE)))
}

pub(super) async fn sign(
    cx: Context<Transit>,
    request: Sign,
) -> Result<Response<Answer<Signed, SignedItem>>, Error> {
    if request.batch_input.is_some() {
        return Err(Error::invalid(format!(
            "marshaling_algorithm={COMPACT} signs one input at a time"
        )));
    }
    let key = cx.store.find(&request.name).await?;
    let key = key.ok_or_else(|| Error::invalid("signing key not found"))?;
    sign::check_type(&key, "signing")?;
    input::check_usable(&key)?;
    let algorithm = algorithm(&key, &request)?;
    let payload = input::input(request.input.as_ref())?;
    let version = input::version(request.key_version, "signing")?;
    let version = version.unwrap_or_else(|| key.keyring.latest_version());
    let mut header = request.jws_header.unwrap_or_default();
    if let Some(name) = RESERVED.iter().find(|name| header.contains_key(**name)) {
        return Err(Error::invalid(format!("jws_header must not hold {name:?}")));
    }
    header.insert("alg".to_owned(), Value::from(algorithm.name));
    header.insert("kid".to_owned(), Value::from(kid(&request.name, version)));
    let header = Value::Object(header).to_string();
    let keyring = &key.keyring;
    let signature = keyring.sign_jws(header.as_bytes(), payload, version, algorithm)?;
    let now = input::moment(cx.now());
    cx.store.mark(&request.name, &key, version, now).await;
    Ok(Response::data(Answer::One(Signed {
        signature,
        key_version: version,
        public_key: None,
    })))
}

/// Reads the choice of an algorithm; nothing that contradicts it is passed over.
fn algorithm(key: &Key, request: &Sign) -> Result<JwsAlgorithm, Error> {
    let contradiction = if request.prehashed.unwrap_or_default() {
        Some("prehashed")
    } else if input::is_given(request.signature_context.as_ref()) {
        Some("signature_context")
    } else {
        None
    };
    if let Some(field) = contradiction {
        return Err(Error::invalid(format!(
            "marshaling_algorithm={COMPACT} has no {field}"
        )));
    }
    let (name, alias) = (
        request.hash_algorithm.as_deref(),
        request.algorithm.as_deref(),
    );
    let is_given = name.or(alias).is_some_and(|name| !name.is_empty());
    let hash = sign::hash(name, alias)?.ok_or_else(|| {
        Error::invalid(format!(
            "marshaling_algorithm={COMPACT} needs a hash_algorithm"
        ))
    })?;
    let salt_length = sign::salt_length(request.salt_length.as_deref())?;
    let scheme = sign::scheme(key, request.signature_algorithm.as_deref(), salt_length)?;
    let hash = is_given.then_some(hash);
    Ok(key.keyring.jws_algorithm(hash, scheme)?)
}

fn kid(name: &str, version: u32) -> String {
    format!("{name}:v{version}")
}
