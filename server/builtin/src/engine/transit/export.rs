//! Keys that go elsewhere: in the clear, or wrapped for somebody else.

use std::collections::BTreeMap;

use keyward_api::{
    Sensitive,
    transit::{ExportKey, ExportWrappedKey, ExportedKeys},
};
use keyward_core::{Error, Response, engine::Context};
use keyward_crypto::{KeyForm, Keyring, Purpose, SecretString, byok, encoding};

use super::{Transit, import, input};

/// What an export is about.
#[derive(Clone, Copy)]
enum Kind {
    CertificateChain,
    Public,
    Secret(Purpose),
}

impl Kind {
    fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "certificate-chain" => Ok(Self::CertificateChain),
            "cmac-key" => Ok(Self::Secret(Purpose::Cmac)),
            "encryption-key" => Ok(Self::Secret(Purpose::Encryption)),
            "hmac-key" => Ok(Self::Secret(Purpose::Hmac)),
            "public-key" => Ok(Self::Public),
            "signing-key" => Ok(Self::Secret(Purpose::Signing)),
            _ => Err(Error::invalid(format!("invalid export type: {name}"))),
        }
    }
}

pub(super) async fn export(
    cx: Context<Transit>,
    request: ExportKey,
) -> Result<Response<ExportedKeys>, Error> {
    let kind = Kind::parse(&request.kind)?;
    let name = request.name;
    let form: KeyForm = request.format.unwrap_or_default().parse()?;
    let found = cx.store.find(&name).await?;
    let key = found.ok_or_else(Error::not_found)?;
    if matches!(kind, Kind::Secret(_)) && !key.settings.exportable {
        return Err(Error::invalid("private key material is not exportable"));
    }
    input::check_usable(&key)?;
    let keyring = &key.keyring;
    let mut keys = BTreeMap::new();
    for version in versions(keyring, request.version.as_deref())? {
        let text = match kind {
            Kind::CertificateChain => {
                SecretString::from(keyring.export_certificate_chain(version)?)
            }
            Kind::Public => SecretString::new(keyring.export_public(version, form)?),
            Kind::Secret(purpose) => keyring.export(purpose, version, form)?,
        };
        keys.insert(version, Sensitive::from(text));
    }
    Ok(Response::data(exported(name, keyring, keys)))
}

pub(super) async fn export_wrapped(
    cx: Context<Transit>,
    request: ExportWrappedKey,
) -> Result<Response<ExportedKeys>, Error> {
    let destination = cx.store.find(&request.destination).await?;
    let destination =
        destination.ok_or_else(|| Error::invalid("no such destination key to export to"))?;
    let source = cx.store.find(&request.source).await?;
    let source = source.ok_or_else(|| Error::invalid("no such source key for export"))?;
    if !source.settings.exportable {
        return Err(Error::invalid("key is not exportable"));
    }
    input::check_usable(&source)?;
    input::check_usable(&destination)?;
    let hash = import::hash(request.hash.as_deref())?;
    let to = public_der(&destination.keyring)?;
    let keyring = &source.keyring;
    let key_type = keyring.key_type();
    let purpose = if key_type.supports_encryption() || key_type.format().is_some() {
        Purpose::Encryption
    } else if key_type.authenticator().is_some() {
        Purpose::Cmac
    } else if key_type.supports_signing() {
        Purpose::Signing
    } else {
        Purpose::Hmac
    };
    // As they are imported: bare if symmetric, else PKCS#8.
    let form = match key_type.public() {
        Some(_) => KeyForm::Der,
        None => KeyForm::Raw,
    };
    let mut keys = BTreeMap::new();
    for version in versions(keyring, request.version.as_deref())? {
        let text = keyring.export(purpose, version, form)?;
        // EXPOSE: decoded into a buffer that is wiped, and wrapped.
        let bytes = encoding::decode(text.expose()).map_err(Error::internal)?;
        let wrapped = byok::wrap(&to, hash, &bytes)?;
        keys.insert(version, Sensitive::new(encoding::encode(&wrapped)));
    }
    Ok(Response::data(exported(request.source, keyring, keys)))
}

/// Returns the public half of the latest version, as SubjectPublicKeyInfo DER.
fn public_der(keyring: &Keyring) -> Result<Vec<u8>, Error> {
    let not_rsa = || Error::invalid("unsupported key type in use; must be a rsa key");
    if keyring.key_type().public().is_none() {
        return Err(not_rsa());
    }
    let text = keyring.export_public(keyring.latest_version(), KeyForm::Der)?;
    let der = encoding::decode(&text).map_err(|_| not_rsa())?;
    // EXPOSE: a public key.
    Ok(der.expose().clone())
}

/// Reads which versions are asked for: one, or all that may decrypt.
fn versions(keyring: &Keyring, asked: Option<&str>) -> Result<Vec<u32>, Error> {
    match asked.unwrap_or_default() {
        "" => Ok(keyring.versions().map(|version| version.number).collect()),
        "latest" => Ok(vec![keyring.latest_version()]),
        number => {
            let number = number.strip_prefix('v').unwrap_or(number);
            let number = number.parse();
            Ok(vec![
                number.map_err(|_| Error::invalid("invalid key version"))?,
            ])
        }
    }
}

fn exported(name: String, keyring: &Keyring, keys: BTreeMap<u32, Sensitive>) -> ExportedKeys {
    ExportedKeys {
        keys,
        name,
        key_type: keyring.key_type().name().to_owned(),
    }
}
