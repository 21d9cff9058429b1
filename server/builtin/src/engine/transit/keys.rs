//! Keys: create, read, list, rotate, trim, delete.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use keyward_api::transit as api;
use keyward_core::{
    Error, Response, Timestamp,
    engine::{Context, page},
};
use keyward_crypto::{self as crypto, Derivation, Keyring};

use super::{
    Transit, config, format, fresh, input, labels,
    store::{Edit, Event, Key, Settings},
};

/// The type of a key that is created without saying which.
pub(super) const DEFAULT_TYPE: &str = "aes256-gcm96";

pub(super) async fn create(
    cx: Context<Transit>,
    request: api::CreateKey,
) -> Result<Response<api::Key>, Error> {
    let name = request.name;
    let parameter_set = request.parameter_set.as_deref();
    let key_type = key_type(request.key_type.as_deref(), parameter_set)?;
    let derivation = derivation(
        request.derived.unwrap_or_default(),
        request.convergent_encryption.unwrap_or_default(),
    )?;
    labels::check(request.custom_metadata.as_ref())?;
    let (alphabet, template) = (request.alphabet.as_deref(), request.template.as_deref());
    let (alphabet, template) = format::own(cx.view(), key_type, alphabet, template).await?;
    let settings = Settings {
        allow_plaintext_backup: request.allow_plaintext_backup.unwrap_or_default(),
        alphabet,
        auto_rotate_period: config::period(request.auto_rotate_period)?.unwrap_or_default(),
        custom_metadata: request.custom_metadata.unwrap_or_default(),
        exportable: request.exportable.unwrap_or_default(),
        template,
        ..Settings::default()
    };
    let size = key_size(key_type, request.key_size)?;
    // A key that exists is answered as it is, so that creating twice does no harm.
    if let Some(key) = cx.store.find(&name).await? {
        return Ok(Response::data(describe(&name, &key, None)?));
    }
    let created = input::moment(cx.now());
    let keyring =
        fresh::off_thread(move || Keyring::generate_sized(key_type, derivation, size, created))
            .await?;
    let key = Key::new(keyring, settings);
    if cx.store.create(cx.view(), &name, &key).await? {
        return Ok(Response::data(describe(&name, &key, None)?));
    }
    let key = cx.store.find(&name).await?.ok_or_else(deleted_meanwhile)?;
    Ok(Response::data(describe(&name, &key, None)?))
}

pub(super) async fn read(
    cx: Context<Transit>,
    request: api::ReadKey,
) -> Result<Response<api::Key>, Error> {
    let context = input::context(request.context.as_ref())?;
    let key = cx
        .store
        .find(&request.name)
        .await?
        .ok_or_else(Error::not_found)?;
    let mut described = describe(&request.name, &key, context)?;
    described.usage = usage(&cx, &request.name, &key).await?;
    Ok(Response::data(described))
}

/// Tells how the versions of a key were used.
async fn usage(
    cx: &Context<Transit>,
    name: &str,
    key: &Key,
) -> Result<BTreeMap<u32, api::KeyUsage>, Error> {
    let record = cx.store.usage(name).await?;
    let versions = key.keyring.versions().map(|version| version.number);
    Ok(versions
        .map(|version| {
            let used = record.0.get(&version).copied().unwrap_or_default();
            let last_used = (used.used_until > 0).then(|| {
                let until = Timestamp::from_unix_nanos(used.used_until * 1_000_000_000);
                until.min(cx.now()).to_string()
            });
            let encryptions = used.encryptions.saturating_sub(key.budget.left(version));
            let usage = api::KeyUsage {
                encryptions,
                last_used,
            };
            (version, usage)
        })
        .collect())
}

pub(super) async fn list(
    cx: Context<Transit>,
    request: api::ListKeys,
) -> Result<Response<api::KeyList>, Error> {
    let limit = page(request.limit);
    let asked = request.custom_metadata.unwrap_or_default();
    let tells = request.key_info.unwrap_or_default();
    let after = request.after.as_deref();
    let list = if asked.is_empty() && !tells {
        let keys = cx.store.list(after, limit).await?;
        let key_info = BTreeMap::new();
        api::KeyList { keys, key_info }
    } else {
        let mut list = described_list(&cx, after, limit, &asked).await?;
        if !tells {
            list.key_info.clear();
        }
        list
    };
    if list.keys.is_empty() {
        return Err(Error::not_found());
    }
    Ok(Response::data(list))
}

/// Lists the keys that have labels, with what each is. Every key must be looked at; the cache is
/// left to the keys in use.
async fn described_list(
    cx: &Context<Transit>,
    after: Option<&str>,
    limit: Option<usize>,
    asked: &[String],
) -> Result<api::KeyList, Error> {
    let mut list = api::KeyList::default();
    for name in cx.store.list(after, None).await? {
        if limit.is_some_and(|limit| list.keys.len() >= limit) {
            break;
        }
        let Some(Key {
            keyring, settings, ..
        }) = cx.store.inspect(&name).await?
        else {
            continue;
        };
        if !labels::match_all(&settings.custom_metadata, asked) {
            continue;
        }
        let info = api::KeyInfo {
            custom_metadata: settings.custom_metadata,
            latest_version: keyring.latest_version(),
            soft_deleted: settings.soft_deleted,
            key_type: keyring.key_type().name().to_owned(),
        };
        list.key_info.insert(name.clone(), info);
        list.keys.push(name);
    }
    Ok(list)
}

pub(super) async fn rotate(
    cx: Context<Transit>,
    request: api::RotateKey,
) -> Result<Response<api::Key>, Error> {
    let now = input::moment(cx.now());
    let material = fresh::generate(&cx.store, &request.name).await?;
    let rotated = cx.store.update(cx.view(), &request.name, |key| {
        input::check_usable(key)?;
        check_rotatable(&request.name, key)?;
        fresh::add(key, material.as_ref(), now)?;
        Ok(Edit::Write)
    });
    let key = rotated
        .await?
        .ok_or_else(|| Error::invalid("key not found"))?;
    Ok(Response::data(describe(&request.name, &key, None)?))
}

pub(super) async fn trim(
    cx: Context<Transit>,
    request: api::TrimKey,
) -> Result<Response<api::Key>, Error> {
    let trimmed = cx.store.update(cx.view(), &request.name, |key| {
        let asked = request.min_available_version;
        let asked = asked.ok_or_else(|| Error::invalid("missing min_available_version"))?;
        let version = if asked < 0 {
            return Err(Error::invalid(
                "minimum available version cannot be decremented",
            ));
        } else {
            // What does not fit is more than any key has.
            u32::try_from(asked).unwrap_or(u32::MAX)
        };
        let before = key.keyring.min_available_version();
        key.keyring.trim(version)?;
        Ok(if version == before {
            Edit::Keep
        } else {
            Edit::Write
        })
    });
    let key = trimmed
        .await?
        .ok_or_else(|| Error::invalid("invalid key name"))?;
    Ok(Response::data(describe(&request.name, &key, None)?))
}

pub(super) async fn soft_delete(
    cx: Context<Transit>,
    request: api::SoftDeleteKey,
) -> Result<Response<api::Key>, Error> {
    mark_deleted(&cx, &request.name, true).await
}

pub(super) async fn undelete(
    cx: Context<Transit>,
    request: api::UndeleteKey,
) -> Result<Response<api::Key>, Error> {
    mark_deleted(&cx, &request.name, false).await
}

async fn mark_deleted(
    cx: &Context<Transit>,
    name: &str,
    deleted: bool,
) -> Result<Response<api::Key>, Error> {
    let idle = AtomicBool::new(false);
    let marked = cx.store.update(cx.view(), name, |key| {
        let before = std::mem::replace(&mut key.settings.soft_deleted, deleted);
        idle.store(before == deleted, Ordering::Relaxed);
        Ok(if before == deleted {
            Edit::Keep
        } else {
            Edit::Write
        })
    });
    let key = marked.await?.ok_or_else(|| config::no_existing_key(name))?;
    let answer = Response::data(describe(name, &key, None)?);
    Ok(match (idle.into_inner(), deleted) {
        (false, _) => answer,
        (true, true) => answer.warn("key was already marked as soft deleted"),
        (true, false) => answer.warn("key was already restored"),
    })
}

pub(super) async fn delete(
    cx: Context<Transit>,
    request: api::DeleteKey,
) -> Result<Response<()>, Error> {
    let name = &request.name;
    let refuse = |why: &str| Error::invalid(format!("error deleting policy {name}: {why}"));
    let deleted = cx.store.delete(cx.view(), name, |key| {
        if key.settings.deletion_allowed {
            return Ok(());
        }
        Err(refuse("deletion is not allowed for this key"))
    });
    if deleted.await? {
        return Ok(Response::empty());
    }
    Err(refuse("could not delete key; not found"))
}

/// Refuses to add a version of our own to a key whose owner makes them.
pub(super) fn check_rotatable(name: &str, key: &Key) -> Result<(), Error> {
    if key.settings.imported && !key.settings.allow_rotation {
        return Err(Error::invalid(format!(
            "imported key {name} does not allow rotation within Vault"
        )));
    }
    Ok(())
}

/// Finds the key type that a caller names: by its own name, or by a family and a parameter set.
pub(super) fn key_type(
    name: Option<&str>,
    parameter_set: Option<&str>,
) -> Result<&'static dyn crypto::KeyType, Error> {
    let name = name.unwrap_or(DEFAULT_TYPE);
    let set = parameter_set.filter(|set| !set.is_empty());
    if let Some(key_type) = crypto::key_type(name) {
        let own = key_type.parameter_set().map(|(_, set)| set);
        return if set.is_none() || set == own {
            Ok(key_type)
        } else {
            Err(Error::invalid(format!(
                "parameter_set is not valid for algorithm {name}"
            )))
        };
    }
    let mut family = crypto::KEY_TYPES
        .iter()
        .copied()
        .filter_map(|key_type| Some((key_type, key_type.parameter_set()?)))
        .filter(|(_, (family, _))| *family == name)
        .peekable();
    if family.peek().is_none() {
        return Err(Error::invalid(format!("unknown key type {name}")));
    }
    let Some(set) = set else {
        return Err(Error::invalid(format!(
            "parameter_set is required for algorithm {name}"
        )));
    };
    family
        .find(|(_, (_, own))| *own == set)
        .map(|(key_type, _)| key_type)
        .ok_or_else(|| Error::invalid(format!("invalid parameter_set {set} for algorithm {name}")))
}

/// Reads the size of a key; 0 and nothing are the type's own.
fn key_size(key_type: &dyn crypto::KeyType, asked: Option<i64>) -> Result<Option<usize>, Error> {
    let asked = asked.filter(|&size| size != 0);
    if let Some(size) = asked.filter(|&size| size < 0 && key_type.key_sizes().is_some()) {
        return Err(Error::invalid(format!("invalid key_size {size}")));
    }
    // What is negative here is refused with every other size, by a type that leaves no choice.
    Ok(asked.map(|size| usize::try_from(size).unwrap_or_default()))
}

pub(super) fn derivation(derived: bool, convergent: bool) -> Result<Derivation, Error> {
    match (derived, convergent) {
        (false, false) => Ok(Derivation::None),
        (false, true) => Err(Error::invalid(
            "convergent encryption requires derivation to be enabled",
        )),
        (true, false) => Ok(Derivation::Derived),
        (true, true) => Ok(Derivation::Convergent),
    }
}

/// Tells what may be known of a key; of a derived signing key the public keys of `context`.
pub(super) fn describe(name: &str, key: &Key, context: Option<&[u8]>) -> Result<api::Key, Error> {
    let Key {
        keyring, settings, ..
    } = key;
    let key_type = keyring.key_type();
    let derived = keyring.derivation() != Derivation::None;
    let convergent = keyring.derivation() == Derivation::Convergent;
    let context = context.filter(|context| derived && !context.is_empty());
    let mut keys = BTreeMap::new();
    let shown = keyring.versions().filter(|_| !key_type.is_hmac_key());
    for version in shown {
        let created = Timestamp::from_unix_nanos(version.created.unix_nanos());
        let described = match (key_type.public(), version.public_key) {
            (Some(public), Some(public_key)) => api::KeyVersion::Public {
                certificate_chain: keyring
                    .certificate_chain(version.number)
                    .unwrap_or_default()
                    .to_owned(),
                creation_time: created.to_string(),
                name: public.key_name().to_owned(),
                public_key: match context {
                    Some(_) => keyring
                        .public_key(version.number, context)?
                        .unwrap_or_default(),
                    None => public_key,
                },
            },
            _ => api::KeyVersion::Created(created.unix_seconds()),
        };
        keys.insert(version.number, described);
    }
    Ok(api::Key {
        allow_plaintext_backup: settings.allow_plaintext_backup,
        alphabet: settings.alphabet.clone(),
        auto_rotate_period: settings.auto_rotate_period,
        backup_info: settings.backup_info.map(event),
        convergent_encryption: derived.then_some(convergent),
        // "Each version says": the form of nonces that every version here has.
        convergent_encryption_version: convergent.then_some(-1),
        custom_metadata: settings.custom_metadata.clone(),
        deletion_allowed: settings.deletion_allowed,
        derived,
        disabled_versions: settings.disabled_versions.iter().copied().collect(),
        exportable: settings.exportable,
        imported_key: settings.imported,
        imported_key_allow_rotation: settings.imported.then_some(settings.allow_rotation),
        keep_days: settings.retention.map(|rule| rule.keep_days),
        keep_versions: settings.retention.map(|rule| rule.keep_versions),
        kdf: derived.then(|| "hkdf_sha256".to_owned()),
        key_size: keyring.key_size(),
        keys,
        latest_version: keyring.latest_version(),
        max_encryptions: Some(settings.max_encryptions).filter(|&limit| limit > 0),
        min_available_version: keyring.min_available_version(),
        min_decryption_version: keyring.min_decryption_version(),
        min_encryption_version: keyring.min_encryption_version(),
        name: name.to_owned(),
        parameter_set: key_type.parameter_set().map(|(_, set)| set.to_owned()),
        restore_info: settings.restore_info.map(event),
        soft_deleted: settings.soft_deleted,
        supports_decryption: key_type.supports_decryption(),
        supports_derivation: key_type.supports_derivation(),
        supports_encryption: key_type.supports_encryption(),
        supports_signing: key_type.supports_signing(),
        template: settings.template.clone(),
        key_type: key_type.name().to_owned(),
        usage: BTreeMap::new(),
    })
}

fn event(event: Event) -> api::KeyEvent {
    api::KeyEvent {
        time: Timestamp::from_unix_nanos(event.time).to_string(),
        version: event.version,
    }
}

pub(super) fn deleted_meanwhile() -> Error {
    Error::Conflict("the key was deleted by another request".to_owned())
}
