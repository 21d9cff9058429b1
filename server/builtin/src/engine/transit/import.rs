//! Keys that come from elsewhere, wrapped under a key of the mount's own.
//!
//! ```text
//! import/wrapping-key = PKCS#8 DER   an RSA-4096 key, made when it is first asked for
//! ```

use std::sync::Arc;

use keyward_api::transit as api;
use keyward_core::{Change, Error, Expect, Response, View, engine::Context};
use keyward_crypto::{HashAlgorithm, KeyType, Keyring, Material, SecretBytes, byok, encoding};
use tokio::sync::OnceCell;

use super::{
    Transit, config, input, keys,
    record::Record,
    store::{Edit, Key, Settings, committed},
};

/// Where the wrapping key is stored.
const WRAPPING_KEY: &str = "import/wrapping-key";

/// The wrapping key of a mount, once it was asked for. It never changes.
#[derive(Default)]
pub(super) struct WrappingKey(OnceCell<Arc<byok::WrappingKey>>);

impl WrappingKey {
    async fn load(&self, view: &View) -> Result<Arc<byok::WrappingKey>, Error> {
        let key = self.0.get_or_try_init(|| load(view)).await?;
        Ok(Arc::clone(key))
    }
}

/// Reads the wrapping key, or makes it if there is none yet.
async fn load(view: &View) -> Result<Arc<byok::WrappingKey>, Error> {
    loop {
        if let Some(entry) = view.get(WRAPPING_KEY).await? {
            return Ok(Arc::new(byok::WrappingKey::decode(entry.value)?));
        }
        let key = tokio::task::spawn_blocking(byok::WrappingKey::generate);
        let key = key.await.map_err(|_| Error::panicked())??;
        let put = Change::put(WRAPPING_KEY, key.encode().duplicate()).expecting(Expect::Absent);
        // Another node may have made one meanwhile; callers may have wrapped keys for that.
        if committed(view.commit(vec![put]).await)? {
            return Ok(Arc::new(key));
        }
    }
}

pub(super) async fn read_wrapping_key(
    cx: Context<Transit>,
    _: api::ReadWrappingKey,
) -> Result<Response<api::WrappingKey>, Error> {
    let key = cx.wrapping_key.load(cx.view()).await?;
    Ok(Response::data(api::WrappingKey {
        public_key: key.public_key()?,
    }))
}

pub(super) async fn import(
    cx: Context<Transit>,
    request: api::ImportKey,
) -> Result<Response<()>, Error> {
    let name = &request.name;
    let key_type = request.key_type.as_deref().unwrap_or(keys::DEFAULT_TYPE);
    let key_type = keyward_crypto::key_type(key_type)
        .ok_or_else(|| Error::invalid(format!("unknown key type: {key_type}")))?;
    let hash = hash(request.hash_function.as_deref())?;
    let allow_rotation = request.allow_rotation.unwrap_or_default();
    let auto_rotate_period = config::period(request.auto_rotate_period)?.unwrap_or_default();
    if auto_rotate_period > 0 && !allow_rotation {
        return Err(Error::invalid(
            "allow_rotation must be set to true if auto-rotation is enabled",
        ));
    }
    let derivation = keys::derivation(
        request.derived.unwrap_or_default(),
        request.convergent_encryption.unwrap_or_default(),
    )?;
    if cx.store.find(name).await?.is_some() {
        return Err(exists());
    }
    let (ciphertext, public_key) = (request.ciphertext.as_ref(), request.public_key.as_ref());
    let material = material(&cx, key_type, ciphertext, public_key, hash).await?;
    let now = input::moment(cx.now());
    let keyring = Keyring::import(key_type, derivation, material, now).map_err(not_imported)?;
    check_public(&keyring, ciphertext.and(public_key))?;
    let settings = Settings {
        allow_plaintext_backup: request.allow_plaintext_backup.unwrap_or_default(),
        auto_rotate_period,
        exportable: request.exportable.unwrap_or_default(),
        imported: true,
        allow_rotation,
        ..Settings::default()
    };
    let key = Key::new(keyring, settings);
    let record = Record::default();
    if cx.store.adopt(cx.view(), name, &key, &record).await? {
        return Ok(Response::empty());
    }
    Err(exists())
}

pub(super) async fn import_version(
    cx: Context<Transit>,
    request: api::ImportKeyVersion,
) -> Result<Response<()>, Error> {
    let name = &request.name;
    let hash = hash(request.hash_function.as_deref())?;
    let not_found = || {
        Error::invalid(format!(
            "no key found with name {name}; to import a new key, use the import/ endpoint"
        ))
    };
    let key = cx.store.find(name).await?.ok_or_else(not_found)?;
    check_importable(&key)?;
    let key_type = key.keyring.key_type();
    let version = request.version.filter(|&version| version != 0);
    if version.is_some() && key_type.public().is_none() {
        return Err(Error::invalid(
            "provided type does not support importing key versions",
        ));
    }
    let (ciphertext, public_key) = (request.ciphertext.as_ref(), request.public_key.as_ref());
    let material = material(&cx, key_type, ciphertext, public_key, hash).await?;
    let now = input::moment(cx.now());
    let changed = cx.store.update(cx.view(), name, |key| {
        check_importable(key)?;
        let number = match (version, material.duplicate()) {
            (None, material) => key.keyring.add(material, now).map_err(not_imported)?,
            (Some(version), Material::Private(private)) => {
                let number = u32::try_from(version).unwrap_or(u32::MAX);
                let completed = key.keyring.complete(number, private);
                completed.map_err(not_imported)?;
                number
            }
            (Some(_), Material::Public(_)) => {
                return Err(Error::invalid(
                    "a version takes its private key, its public key is there",
                ));
            }
        };
        debug_assert!(number > 0, "versions begin at 1");
        check_public(&key.keyring, ciphertext.and(public_key))?;
        Ok(Edit::Write)
    });
    changed.await?.ok_or_else(not_found)?;
    Ok(Response::empty())
}

/// Makes key material of what a caller gave: the wrapped key, or the public half alone.
async fn material(
    cx: &Context<Transit>,
    key_type: &'static dyn KeyType,
    ciphertext: Option<&String>,
    public_key: Option<&String>,
    hash: HashAlgorithm,
) -> Result<Material, Error> {
    match (ciphertext, public_key) {
        (Some(ciphertext), _) => {
            let wrapped = encoding::decode(ciphertext);
            let wrapped = wrapped.map_err(|fault| Error::invalid(fault.to_string()))?;
            let key = cx.wrapping_key.load(cx.view()).await?;
            let private = unwrap(key, wrapped, hash).await?;
            Ok(Material::Private(
                key_type.import(private).map_err(not_imported)?,
            ))
        }
        (None, public_key) => {
            let public = key_type.public().ok_or_else(|| {
                Error::invalid("provided type does not support public_key import")
            })?;
            let public_key = public_key.map(String::as_str).unwrap_or_default();
            Ok(Material::Public(
                public.parse(public_key).map_err(not_imported)?,
            ))
        }
    }
}

/// Unwraps a key on a thread of its own: RSA-4096 takes milliseconds.
async fn unwrap(
    key: Arc<byok::WrappingKey>,
    wrapped: SecretBytes,
    hash: HashAlgorithm,
) -> Result<SecretBytes, Error> {
    let unwrapped = tokio::task::spawn_blocking(move || {
        // EXPOSE: a ciphertext.
        key.unwrap(wrapped.expose(), hash)
    });
    match unwrapped.await.map_err(|_| Error::panicked())? {
        Err(keyward_crypto::Error::Decryption) => Err(Error::invalid(
            "the ciphertext was not made with the wrapping key of this mount, or was changed",
        )),
        other => Ok(other?),
    }
}

/// Refuses a private key that does not belong to the public one beside it.
fn check_public(keyring: &Keyring, public_key: Option<&String>) -> Result<(), Error> {
    let (Some(given), Some(public)) = (public_key, keyring.key_type().public()) else {
        return Ok(());
    };
    let form = keyward_crypto::KeyForm::Der;
    let given = public.print(&public.parse(given).map_err(not_imported)?, form)?;
    if keyring.export_public(keyring.latest_version(), form)? == given {
        return Ok(());
    }
    Err(Error::invalid(
        "error importing key: the public key does not belong to the private key",
    ))
}

fn check_importable(key: &Key) -> Result<(), Error> {
    input::check_usable(key)?;
    if key.settings.imported {
        return Ok(());
    }
    Err(Error::invalid(
        "the import_version endpoint can only be used with an imported key",
    ))
}

/// Reads the hash of RSA-OAEP by its name without a dash, in any case.
pub(super) fn hash(name: Option<&str>) -> Result<HashAlgorithm, Error> {
    let name = name.unwrap_or("SHA256");
    match name.to_ascii_uppercase().as_str() {
        "SHA1" => Ok(HashAlgorithm::Sha1),
        "SHA224" => Ok(HashAlgorithm::Sha2_224),
        "SHA256" => Ok(HashAlgorithm::Sha2_256),
        "SHA384" => Ok(HashAlgorithm::Sha2_384),
        "SHA512" => Ok(HashAlgorithm::Sha2_512),
        _ => Err(Error::invalid(format!("unknown hash function: {name}"))),
    }
}

fn not_imported(error: keyward_crypto::Error) -> Error {
    match Error::from(error) {
        Error::Invalid(why) => Error::invalid(format!("error importing key: {why}")),
        other => other,
    }
}

fn exists() -> Error {
    Error::invalid(
        "the import path cannot be used with an existing key; use import-version to rotate an \
         existing imported key",
    )
}
