//! Certificates for the versions of signing keys: requests for them, and the chains themselves.

use keyward_api::transit as api;
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{
    Keyring,
    x509::{CertificateChain, RequestTemplate},
};

use super::{Transit, input, store::Edit};

pub(super) async fn request(
    cx: Context<Transit>,
    request: api::MakeCertificateRequest,
) -> Result<Response<api::CertificateRequest>, Error> {
    let name = request.name;
    let key = cx.store.find(&name).await?;
    let key = key.ok_or_else(|| not_found(&name))?;
    key.keyring.check_certifiable()?;
    input::check_usable(&key)?;
    let template = match request.csr.as_deref() {
        None | Some("") => RequestTemplate::default(),
        Some(text) => RequestTemplate::parse(text)?,
    };
    let version = version(&key.keyring, request.version);
    let csr = key
        .keyring
        .certificate_request(version, &template)
        .map_err(|error| because("could not create the csr", error))?;
    let now = input::moment(cx.now());
    cx.store.mark(&name, &key, version, now).await;
    Ok(Response::data(api::CertificateRequest {
        csr,
        name,
        key_type: key.keyring.key_type().name().to_owned(),
    }))
}

pub(super) async fn set(
    cx: Context<Transit>,
    request: api::SetCertificateChain,
) -> Result<Response<api::CertificateChain>, Error> {
    let name = request.name;
    let text = request.certificate_chain.unwrap_or_default();
    let changed = cx.store.update(cx.view(), &name, |key| {
        key.keyring.check_certifiable()?;
        input::check_usable(key)?;
        let chain = CertificateChain::parse(&text)?;
        let version = version(&key.keyring, request.version);
        key.keyring
            .set_certificate_chain(version, &chain)
            .map_err(|error| because("failed to persist certificate chain", error))?;
        Ok(Edit::Write)
    });
    let key = changed.await?.ok_or_else(|| not_found(&name))?;
    Ok(Response::data(api::CertificateChain {
        certificate_chain: text,
        name,
        key_type: key.keyring.key_type().name().to_owned(),
    }))
}

/// Reads the version that is meant. 0 is none here, other than for operations that have a
/// `key_version`, and so is what does not fit.
fn version(keyring: &Keyring, asked: Option<i64>) -> u32 {
    asked.map_or_else(
        || keyring.latest_version(),
        |version| u32::try_from(version).unwrap_or_default(),
    )
}

/// Puts Vault's words for what was tried before those for what is wrong.
fn because(tried: &str, error: keyward_crypto::Error) -> Error {
    match Error::from(error) {
        Error::Invalid(why) => Error::invalid(format!("{tried}: {why}")),
        other => other,
    }
}

fn not_found(name: &str) -> Error {
    Error::invalid(format!("key with provided name '{name}' not found"))
}
